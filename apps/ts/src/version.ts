/** The version of the package, and the commit it was built from. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { STAMP } from "./commit.js";

export const PACKAGE = "@l4b4r4b4b4/fractal-agents-runtime";

/** The package's version. package.json is the only place that contains the number. */
export const version: string = readVersion();

/** The commit's full hash. null in a checkout, where `git archive` has not written it. */
export const commit: string | null = parseStamp(STAMP);

/** Parses what `git archive` writes for `$Format:%H$`. */
export function parseStamp(text: string): string | null {
  const stamp = text.trim();
  return stamp === "" || stamp.startsWith("$Format") ? null : stamp;
}

function readVersion(): string {
  // In the parent folder of src in a checkout, and of dist in the package.
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  return (manifest as { version: string }).version;
}

/** The version of langgraph, which this does not import. */
export function langgraphVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("@langchain/langgraph/package.json");
  return (manifest as { version: string }).version;
}
