/** Assistants: graphs with a configuration, a name and versions. */

import { randomUUID } from "node:crypto";
import type { Call } from "./call.js";
import { HttpError, json, nothing, refused } from "./errors.js";
import type { Graph } from "./graphs.js";
import type * as models from "./models.js";
import type { Records } from "./records.js";
import type { Runtime } from "./runtime.js";
import {
  contains,
  isUuid,
  type Json,
  now,
  ordered,
  pageHeaders,
  selected,
  systemId,
} from "./values.js";

/** An assistant in the form of the API. */
export type Assistant = {
  assistant_id: string;
  graph_id: string;
  config: Json;
  context: Json;
  metadata: Json;
  name: string;
  description: string | null;
  created_at: string;
  updated_at: string;
  version: number;
};

/** All assistants with their versions. Each graph has one from the start. */
export class Assistants {
  readonly #journal: Records;
  readonly #graphs: ReadonlySet<string>;
  // The ids of the graphs' own assistants, by the graphs' names.
  readonly #ids: ReadonlyMap<string, string>;
  readonly #system: ReadonlySet<string>;
  readonly #versions = new Map<string, Assistant[]>();
  readonly #current = new Map<string, Assistant>();

  constructor(graphs: Iterable<string>, records: Records) {
    this.#journal = records;
    this.#graphs = new Set(graphs);
    this.#ids = new Map([...this.#graphs].map((name) => [name, systemId(name)]));
    this.#system = new Set(this.#ids.values());
    for (const graph of this.#graphs) {
      const id = systemId(graph);
      const own = made(id, graph, { metadata: { created_by: "system" } });
      this.#versions.set(id, [own]);
      this.#current.set(id, own);
    }
  }

  /** Returns an assistant with its versions for the storage. */
  dump(id: string): Json | null {
    const current = this.#current.get(id);
    if (!current) return null;
    return { created_at: current.created_at, current, versions: this.#versions.get(id) };
  }

  /** Loads an assistant from the storage, if its graph is still served. */
  load(id: string, saved: Json | null): void {
    if (!saved) {
      this.#remove(id);
      return;
    }
    const current = saved["current"] as Assistant;
    if (!this.#graphs.has(current.graph_id)) return;
    this.#versions.set(id, saved["versions"] as Assistant[]);
    this.#current.set(id, current);
  }

  /** Returns the assistant with this id, or the one that the graph of this name always has. */
  find(name: string): Assistant | undefined {
    if (isUuid(name)) return this.#current.get(name.toLowerCase());
    const assistant = this.#current.get(this.#ids.get(name) ?? "");
    return assistant?.graph_id === name ? assistant : undefined;
  }

  /** Returns an assistant, or answers 404. */
  get(name: string): Assistant {
    const assistant = this.find(name);
    if (!assistant) throw new HttpError(404, `no assistant '${name}'; /info lists the graphs`);
    return assistant;
  }

  /** Tells whether the assistant is one that a graph always has. */
  isSystem(id: string): boolean {
    return this.#system.has(id);
  }

  /** Adds an assistant, or a version of one, which becomes the present one. */
  create(added: Assistant): Assistant {
    const id = added.assistant_id;
    this.#versions.set(id, [...(this.#versions.get(id) ?? []), added]);
    this.#current.set(id, added);
    this.#journal.mark("assistant", id);
    return added;
  }

  /** Adds a version with these changes, and makes it the present one. */
  update(assistant: Assistant, changes: Partial<Assistant>): Assistant {
    const known = this.#versions.get(assistant.assistant_id) ?? [];
    return this.create({
      ...assistant,
      ...changes,
      metadata: { ...assistant.metadata, ...changes.metadata },
      version: Math.max(...known.map(({ version }) => version)) + 1,
      updated_at: now(),
    });
  }

  /** Returns the versions, the newest first. Their time is that of the version. */
  versions(id: string): Json[] {
    const known = [...(this.#versions.get(id) ?? [])].reverse();
    return known.map(({ updated_at, ...one }) => ({ ...one, created_at: updated_at }));
  }

  /** Makes this version the present one. */
  setLatest(id: string, version: number): Assistant {
    const found = this.#versions.get(id)?.find((one) => one.version === version);
    if (!found) throw new HttpError(404, `assistant ${id} has no version ${version}`);
    const latest = { ...found, updated_at: now() };
    this.#current.set(id, latest);
    this.#journal.mark("assistant", id);
    return latest;
  }

  /** Removes the assistant with all its versions. */
  delete(id: string): void {
    this.#remove(id);
    this.#journal.mark("assistant", id);
  }

  #remove(id: string): void {
    this.#versions.delete(id);
    this.#current.delete(id);
  }

  /** Returns the assistants that match the search, in the order of their creation. */
  matching(wanted: models.AssistantCount): Assistant[] {
    const name = wanted.name?.toLowerCase() ?? "";
    return [...this.#current.values()].filter(
      (one) =>
        (wanted.graph_id === null || one.graph_id === wanted.graph_id) &&
        one.name.toLowerCase().includes(name) &&
        contains(one.metadata, wanted.metadata ?? {}),
    );
  }
}

function made(id: string, graph: string, more: Partial<Assistant>): Assistant {
  const time = now();
  return {
    assistant_id: id,
    graph_id: graph,
    config: {},
    context: {},
    metadata: {},
    name: graph,
    description: null,
    ...more,
    created_at: time,
    updated_at: time,
    version: 1,
  };
}

/** Returns the config and the context, after making `config.configurable` equal the context. */
export function mirrored(
  config: models.RunConfig | null,
  context: Json | null,
): { config: Json; context: Json } {
  const given = Object.entries(config ?? {}).filter(([, value]) => value !== null);
  const settings: Json = Object.fromEntries(given);
  const configurable = config?.configurable;
  if (filled(configurable) && filled(context) && !same(configurable, context)) {
    throw refused("differs from config.configurable, which is the same", ["body", "context"]);
  }
  const either = (filled(context) ? context : configurable) ?? null;
  if (either === null) return { config: settings, context: {} };
  return { config: { ...settings, configurable: either }, context: either };
}

function filled(value: Json | null | undefined): value is Json {
  return value !== null && value !== undefined && Object.keys(value).length > 0;
}

function same(one: Json, other: Json): boolean {
  return contains(one, other) && contains(other, one);
}

export function graphOf(runtime: Runtime, name: string): Graph {
  const graph = runtime.graphs.get(name);
  if (!graph) {
    const known = [...runtime.graphs.keys()].sort().join(", ");
    throw new HttpError(404, `no graph '${name}'; there are: ${known}`);
  }
  return graph;
}

/** Returns the assistant of the path. */
function present(runtime: Runtime, call: Call): Assistant {
  const name = call.part("assistant_id");
  if (runtime.graphs.has(name)) return runtime.assistants.get(name);
  return runtime.assistants.get(call.uuid("assistant_id"));
}

/** Creates an assistant. */
export function create(runtime: Runtime, call: Call<models.AssistantCreate>): Assistant {
  const { body } = call;
  graphOf(runtime, body.graph_id);
  const id = (body.assistant_id ?? randomUUID()).toLowerCase();
  const known = runtime.assistants.find(id);
  if (known) {
    if (body.if_exists === "do_nothing") return known;
    throw new HttpError(409, `Assistant ${id} already exists`);
  }
  return runtime.assistants.create(
    made(id, body.graph_id, {
      ...mirrored(body.config, body.context),
      metadata: body.metadata ?? {},
      name: body.name || "Untitled",
      description: body.description,
    }),
  );
}

/** Returns an assistant. */
export function get(runtime: Runtime, call: Call): Assistant {
  return present(runtime, call);
}

/** Makes a new version of an assistant. */
export function update(runtime: Runtime, call: Call<models.AssistantPatch>): Assistant {
  const { graph_id, config, context, metadata, name, description } = call.body;
  const assistant = present(runtime, call);
  if (graph_id !== null) graphOf(runtime, graph_id);
  return runtime.assistants.update(assistant, {
    ...(graph_id !== null && { graph_id }),
    ...((config !== null || context !== null) && mirrored(config, context)),
    ...(metadata !== null && { metadata }),
    ...(name !== null && { name }),
    ...(description !== null && { description }),
  });
}

/** Deletes an assistant. */
export async function remove(runtime: Runtime, call: Call): Promise<Response> {
  const id = present(runtime, call).assistant_id;
  if (runtime.assistants.isSystem(id)) {
    throw new HttpError(409, "an assistant that the server makes for a graph can't be deleted");
  }
  runtime.assistants.delete(id);
  if (call.flag("delete_threads", false)) {
    const threads = [...runtime.threads.records.values()];
    for (const { thread_id, metadata } of threads) {
      if (metadata["assistant_id"] === id) await runtime.runs.dropThread(thread_id);
    }
  }
  return nothing();
}

/** Returns a page of the assistants that match. */
export function search(runtime: Runtime, call: Call<models.AssistantSearch>): Response {
  const { limit, offset, select, sort_by, sort_order } = call.body;
  const matching = runtime.assistants.matching(call.body);
  const found = ordered(matching, sort_by ?? "created_at", sort_order ?? "desc");
  const page = selected(found.slice(offset, offset + limit), select?.length ? select : null);
  return json(200, JSON.stringify(page), pageHeaders(found.length, limit, offset));
}

/** Counts the assistants that match. */
export function count(runtime: Runtime, call: Call<models.AssistantCount>): number {
  return runtime.assistants.matching(call.body).length;
}

/** Returns a page of an assistant's versions. */
export function versions(runtime: Runtime, call: Call<models.AssistantVersions>): Json[] {
  const { limit, offset, metadata } = call.body;
  return runtime.assistants
    .versions(present(runtime, call).assistant_id)
    .filter((one) => contains(one["metadata"], metadata ?? {}))
    .slice(offset, offset + limit);
}

/** Chooses the version that an assistant has. */
export function setLatest(runtime: Runtime, call: Call<models.AssistantLatest>): Assistant {
  const { assistant_id } = present(runtime, call);
  return runtime.assistants.setLatest(assistant_id, call.body.version);
}

// The parts of a compiled langgraph graph that are used here. A plugin's graph may lack them.
interface Drawable {
  getGraphAsync?(options: { xray: boolean | number }): Promise<{
    nodes: Record<string, { id: string }>;
    edges: { source: string; target: string; data?: unknown; conditional?: boolean }[];
  }>;
  getSubgraphsAsync?(namespace?: string, recurse?: boolean): AsyncGenerator<[string, Graph]>;
}

/** Returns the nodes and edges of an assistant's graph. */
export async function drawing(runtime: Runtime, call: Call): Promise<Json> {
  const graph = graphOf(runtime, present(runtime, call).graph_id) as Drawable;
  if (!graph.getGraphAsync) return { nodes: [], edges: [] };
  const depth = call.query.get("xray");
  const xray = typeof depth === "boolean" || typeof depth === "number" ? depth : false;
  const drawn = await graph.getGraphAsync({ xray });
  return {
    nodes: Object.keys(drawn.nodes).map(node),
    edges: drawn.edges.map(({ source, target, data, conditional }) => ({
      source,
      target,
      ...(data !== undefined && { data }),
      ...(conditional && { conditional }),
    })),
  };
}

function node(id: string): Json {
  return id === "__end__" ? { id } : { id, type: "runnable", data: { name: id } };
}

/** Returns the JSON Schemas of an assistant's graph. */
export async function schemas(runtime: Runtime, call: Call): Promise<Json> {
  const name = present(runtime, call).graph_id;
  return await schemasOf(name, graphOf(runtime, name));
}

async function schemasOf(name: string, graph: Graph): Promise<Json> {
  // Imported when it is used first: langgraph is slow to import.
  const known = await import("@langchain/langgraph/zod/schema");
  const schema = (read: (graph: never) => unknown): unknown => {
    // A graph's schemas may be such that they can't be described, or it has none.
    try {
      return read(graph as never) ?? null;
    } catch {
      return null;
    }
  };
  return {
    graph_id: name,
    input_schema: schema(known.getInputTypeSchema),
    output_schema: schema(known.getOutputTypeSchema),
    state_schema: schema(known.getStateTypeSchema),
    config_schema: schema(known.getConfigTypeSchema),
    context_schema: null,
  };
}

/** Returns the schemas of the subgraphs of an assistant's graph. */
export async function subgraphs(runtime: Runtime, call: Call): Promise<Json> {
  const graph = graphOf(runtime, present(runtime, call).graph_id) as Drawable;
  const found: Json = {};
  const recurse = call.flag("recurse", false);
  const inner = graph.getSubgraphsAsync?.(call.path.get("namespace"), recurse) ?? [];
  for await (const [namespace, subgraph] of inner) {
    found[namespace] = await schemasOf(namespace, subgraph);
  }
  return found;
}
