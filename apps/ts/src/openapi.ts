/** `bun src/openapi.ts` prints the OpenAPI document. */

import { render } from "./spec.js";

process.stdout.write(render());
