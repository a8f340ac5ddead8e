// The TypeScript compiler as a library, from the folder that is named on the command line.

import { createRequire } from "node:module";

/** @type {import("typescript")} */
export const ts = createRequire(import.meta.url)(process.argv[2] ?? "typescript");
