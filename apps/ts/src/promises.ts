/**
 * The versions that a release declares for plugins, channel adapters and clients.
 *
 * These tables are the only source: the server enforces them, the OpenAPI document contains them,
 * and compat.json is generated from them.
 */

import { createHash } from "node:crypto";
import type { Compat } from "./models.js";
import { PACKAGE, version } from "./version.js";

const SCHEMA =
  "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/main/contract/compat.schema.json";
/** The version of the format of compat.json. */
const FORM = 1;

/** A version of an interface, and its status. */
export interface Promised {
  readonly version: string;
  readonly status: "supported" | "deprecated" | "removed";
  /** The release (SemVer) that removes it. null if no removal is planned. */
  readonly removal: string | null;
}

/** The version of the contract with HTTP clients. Its tests are in `contract/`. */
const CONTRACT = "1";
/** The versions of the plugin API, which plugins.ts defines. */
export const PLUGINS: readonly Promised[] = [{ version: "1", status: "supported", removal: null }];
/** The valid values of the header CHANNEL_HEADER, which channel adapters send. */
export const CHANNELS: readonly Promised[] = [{ version: "1", status: "supported", removal: null }];
const CHANNEL = "http";
export const CHANNEL_HEADER = "Channel-Protocol";

/** Returns the versions that are not removed. */
export function kept(promises: readonly Promised[]): string[] {
  return promises.filter(({ status }) => status !== "removed").map((promise) => promise.version);
}

/** Returns compat.json. `spec` is the OpenAPI document, whose hash it contains. */
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
