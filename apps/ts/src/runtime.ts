/** The data that all handlers share. */

import type { Assistants } from "./assistants.js";
import type { Streaming } from "./events.js";
import type { Graph } from "./graphs.js";
import type { Items } from "./items.js";
import type { Metrics } from "./metrics.js";
import type { Compat } from "./models.js";
import type { Records } from "./records.js";
import type { Runs } from "./runs.js";
import type { Settings } from "./settings.js";
import type { Storage } from "./storage.js";
import type { Place, Snapshot, Threads } from "./threads.js";

/** A compiled langgraph graph, as far as threads and runs need it. */
export interface Stateful extends Streaming {
  getState(place: Place, options?: { subgraphs: boolean }): Promise<Snapshot>;
  getStateHistory(place: Place, options: { before?: Place }): AsyncIterable<Snapshot>;
  updateState(place: Place, values: unknown, asNode?: string): Promise<unknown>;
  bulkUpdateState(place: Place, supersteps: object[]): Promise<unknown>;
}

export interface Runtime {
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly spec: string;
  readonly compat: Compat;
  readonly assistants: Assistants;
  readonly items: Items;
  readonly threads: Threads;
  readonly runs: Runs;
  readonly records: Records;
  readonly settings: Settings;
  readonly metrics: Metrics;
  /**
   * Returns a graph with the checkpoints and the store of this server, if langgraph compiled it.
   * Checkpoints of transient runs end with this process.
   */
  readonly stateful: (name: string, transient?: boolean) => Promise<Stateful | undefined>;
}

/** Returns a function that prepares graphs for the checkpoints and the store of this server. */
export function preparation(
  graphs: ReadonlyMap<string, Graph>,
  records: Records,
): Runtime["stateful"] {
  const prepared = new Map<Storage, Map<string, Stateful>>();
  return async (name, transient = false) => {
    const storage = records.storageOf(transient);
    const known = prepared.get(storage)?.get(name);
    const graph = graphs.get(name);
    if (known || !graph || !isCompiled(graph)) return known;
    const shared = { checkpointer: await storage.saver(), store: await records.storage.store() };
    // As langgraph's own `withConfig` copies a graph.
    const Copy = graph.constructor as new (fields: object) => Stateful;
    const made = new Copy({ ...graph, ...shared });
    prepared.set(storage, new Map(prepared.get(storage)).set(name, made));
    return made;
  };
}

function isCompiled(graph: object): boolean {
  const needed = ["stream", "streamEvents", "getState", "getStateHistory", "withConfig"];
  return needed.every((name) => typeof Reflect.get(graph, name) === "function");
}
