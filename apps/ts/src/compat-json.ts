/** `bun src/compat-json.ts` prints compat.json. */

import { document } from "./promises.js";
import { render } from "./spec.js";
import { stable } from "./stable.js";

process.stdout.write(stable(document(render())));
