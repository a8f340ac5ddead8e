/**
 * What a release promises: versions for plugins, channel adapters and clients. The only source.
 *
 * The server enforces these tables, the OpenAPI document names them, and compat.json is made of them.
 */

import { createHash } from "node:crypto";
import type { Compat } from "./models.js";
import { PACKAGE, version } from "./version.js";

const SCHEMA =
  "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/main/contract/compat.schema.json";
/** The form of compat.json itself. */
const FORM = 1;

/** A version that something may be made for, and how long it will be. */
export interface Promised {
  readonly version: string;
  readonly status: "supported" | "deprecated" | "removed";
  /** The release (SemVer) without it; null while none is planned. */
  readonly removal: string | null;
}

/** What HTTP clients may rely on; its tests are in `contract/`. */
const CONTRACT = "1";
/** The plugin API: what plugins.ts asks of a plugin. */
export const PLUGINS: readonly Promised[] = [{ version: "1", status: "supported", removal: null }];
/** What a channel adapter says in the header CHANNEL_HEADER. */
export const CHANNELS: readonly Promised[] = [{ version: "1", status: "supported", removal: null }];
const CHANNEL = "http";
export const CHANNEL_HEADER = "Channel-Protocol";

/** The versions that are not removed. */
export function kept(promises: readonly Promised[]): string[] {
  return promises.filter(({ status }) => status !== "removed").map((promise) => promise.version);
}

/** What this release promises, with the OpenAPI document that its clients may rely on. */
export function document(spec: string): Compat {
  return {
    $schema: SCHEMA,
    schema: FORM,
    package: PACKAGE,
    version,
    contract: {
      version: CONTRACT,
      spec: `sha256:${createHash("sha256").update(spec).digest("hex")}`,
    },
    plugins: PLUGINS.map(({ version: apiVersion, ...more }) => ({ apiVersion, ...more })),
    channels: CHANNELS.map((promise) => ({ protocol: CHANNEL, ...promise })),
  };
}
