/** What this build is: the version of the package and the commit it was made from. */

import { readFileSync } from "node:fs";
import { STAMP } from "./commit.js";

export const PACKAGE = "@l4b4r4b4b4/fractal-agents-runtime";

/** The package's version. The only place with the number itself is package.json. */
export const version: string = readVersion();

/** The commit's full hash; null in a checkout, where nothing has stamped it. */
export const commit: string | null = parseStamp(STAMP);

/** Reads what `git archive` leaves of `$Format:%H$`. */
export function parseStamp(text: string): string | null {
  const stamp = text.trim();
  return stamp === "" || stamp.startsWith("$Format") ? null : stamp;
}

function readVersion(): string {
  // One folder up, from src in a checkout and from dist in the package.
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  return (manifest as { version: string }).version;
}
