/** The data that all handlers share. */

import type { Assistants } from "./assistants.js";
import type { Graph } from "./graphs.js";
import type { Items } from "./items.js";
import type { Compat } from "./models.js";

export interface Runtime {
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly spec: string;
  readonly compat: Compat;
  readonly assistants: Assistants;
  readonly items: Items;
}
