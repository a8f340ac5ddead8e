/** From langgraph's chunks to the events of the API, and from its values to JSON. */

import type { StreamMode } from "./models.js";
import { isObject, type Json } from "./values.js";

/** The name and the data of an event. */
export type Told = [event: string, data: unknown];

const INTERRUPT = "__interrupt__";

/** Returns JSON. Messages have the same form as in Python. */
export function encode(value: unknown): string {
  return JSON.stringify(plain(value, [])) ?? "null";
}

/** Returns JSON, without the objects that are no data. */
export function encodeAny(value: unknown): string {
  return JSON.stringify(plain(value, [], true)) ?? "null";
}

// JSON.stringify would call toJSON of messages, which has another form.
function plain(value: unknown, outer: readonly object[], lenient = false): unknown {
  if (typeof value !== "object" || value === null) return scalar(value, lenient);
  if (outer.includes(value)) {
    if (lenient) return null;
    throw new TypeError("a cycle is not JSON");
  }
  const inside = [...outer, value];
  const inner = (one: unknown) => plain(one, inside, lenient);
  if (Array.isArray(value)) return value.map(inner);
  const data = dataOf(value);
  if (data !== value) return inner(data);
  if (lenient && !isData(value)) return String((value as { name?: unknown }).name ?? "object");
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inner(one)]));
}

function scalar(value: unknown, lenient: boolean): unknown {
  if (typeof value !== "bigint" && typeof value !== "symbol") return value;
  if (lenient) return String(value);
  throw new TypeError(`${typeof value} is not JSON`);
}

function dataOf(value: object): unknown {
  if (isMessage(value)) return messageOf(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Set) return [...value];
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}

function isData(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

interface Message {
  readonly content: unknown;
  readonly id?: string;
  readonly name?: string;
  getType(): string;
  concat?(other: Message): Message;
  readonly constructor: { lc_name?(): string };
  readonly [field: string]: unknown;
}

function isMessage(value: object): value is Message {
  return typeof (value as Partial<Message>).getType === "function" && "content" in value;
}

function isChunk(message: Message): boolean {
  return message.constructor.lc_name?.().endsWith("Chunk") ?? false;
}

const MORE: Readonly<Record<string, readonly string[]>> = {
  ai: ["tool_calls", "invalid_tool_calls", "usage_metadata"],
  tool: ["tool_call_id", "artifact", "status"],
};

function messageOf(message: Message, whole = false): Json {
  const chunk = isChunk(message) && !whole;
  const kind = message.getType();
  const names = [...(MORE[kind] ?? []), ...(chunk && kind === "ai" ? ["tool_call_chunks"] : [])];
  return {
    content: message.content,
    additional_kwargs: message["additional_kwargs"] ?? {},
    response_metadata: message["response_metadata"] ?? {},
    type: chunk ? message.constructor.lc_name?.() : kind,
    name: message.name ?? null,
    id: message.id ?? null,
    ...Object.fromEntries(names.map((name) => [name, message[name] ?? null])),
  };
}

/** Returns interrupts in the form of the API. */
export function interruptsOf(found: unknown): Json[] {
  return Array.isArray(found) ? found.map(({ id, value }) => ({ id: id ?? null, value })) : [];
}

/** Returns the modes that the client wants. */
export function modesOf(mode: StreamMode | StreamMode[] | null): StreamMode[] {
  if (mode === null) return ["values"];
  return Array.isArray(mode) ? mode : [mode];
}

/** A compiled langgraph graph, as far as runs need it. */
export interface Streaming {
  stream(input: unknown, options: object): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, options: object): AsyncIterable<unknown>;
}

interface Observed {
  readonly event: string;
  readonly run_id: string;
  readonly data?: { readonly chunk?: unknown };
}

type Chunk = [namespace: string[], mode: string, chunk: unknown];

/** Runs the graph. Yields the name and the data of events; `values` even if not wanted. */
export async function* chunks(
  graph: Streaming,
  input: unknown,
  options: { runId: string } & Json,
  modes: readonly StreamMode[],
  subgraphs: boolean,
): AsyncGenerator<Told> {
  const names: Readonly<Record<string, string>> = {
    "messages-tuple": "messages",
    events: "values",
  };
  const streamMode = [...new Set(["values", ...modes.map((mode) => names[mode] ?? mode)])];
  const more = { ...options, streamMode, subgraphs: true };
  const translation = new Translation(modes, subgraphs);
  if (!modes.includes("events")) {
    for await (const chunk of await graph.stream(input, more)) {
      yield* translation.events(...(chunk as Chunk));
    }
    return;
  }
  for await (const one of graph.streamEvents(input, { ...more, version: "v2" })) {
    yield ["events", one];
    const { event, run_id, data } = one as Observed;
    if (event === "on_chain_stream" && run_id === options.runId && Array.isArray(data?.chunk)) {
      yield* translation.events(...(data.chunk as Chunk));
    }
  }
}

/** Translates langgraph's chunks, and collects the parts of messages. */
class Translation {
  readonly #modes: readonly string[];
  readonly #subgraphs: boolean;
  readonly #messages = new Map<string, Message>();
  #values: Json = {};

  constructor(modes: readonly string[], subgraphs: boolean) {
    this.#modes = modes;
    this.#subgraphs = subgraphs;
  }

  /** Yields the events for a chunk. */
  *events(namespace: string[], mode: string, chunk: unknown): Generator<Told> {
    const end = namespace.map((one) => `|${one}`).join("");
    // Messages of subgraphs are always wanted: an agent is often a subgraph.
    if (end && !this.#subgraphs && mode !== "messages") return;
    if (mode === "messages") {
      const [message, metadata] = chunk as [Message, unknown];
      yield* this.#message(this.#subgraphs ? end : "", message, metadata);
      return;
    }
    if (mode === "values" && !end) yield* this.#state(chunk);
    // langgraph also sends short checkpoints that nobody asked for.
    else if (!this.#modes.includes(mode) || isShort(mode, chunk)) return;
    else if (mode === "debug" || mode === "checkpoints") yield [`${mode}${end}`, cleaned(chunk)];
    else yield [`${mode}${end}`, withInterrupts(chunk)];
  }

  // langgraph sends interrupts without the values, unlike in Python.
  *#state(chunk: unknown): Generator<Told> {
    if (!isObject(chunk)) {
      yield ["values", chunk];
      return;
    }
    if (INTERRUPT in chunk) {
      const { [INTERRUPT]: found, ...values } = chunk;
      this.#values = { ...this.#values, ...values };
      const interrupts = interruptsOf(found);
      if (interrupts.length > 0) yield ["values", { ...this.#values, [INTERRUPT]: interrupts }];
      return;
    }
    this.#values = chunk;
    yield ["values", chunk];
  }

  *#message(end: string, message: Message, metadata: unknown): Generator<Told> {
    if (this.#modes.includes("messages-tuple")) yield [`messages${end}`, [message, metadata]];
    if (!this.#modes.includes("messages")) return;
    const id = message.id ?? "";
    const known = this.#messages.get(id);
    if (!known) yield [`messages/metadata${end}`, { [id]: { metadata } }];
    if (!isChunk(message)) {
      yield [`messages/complete${end}`, [message]];
      return;
    }
    const whole = known?.concat?.(message) ?? message;
    this.#messages.set(id, whole);
    yield [`messages/partial${end}`, [messageOf(whole, true)]];
  }
}

function isShort(mode: string, chunk: unknown): boolean {
  return mode === "checkpoints" && isObject(chunk) && !("values" in chunk);
}

function withInterrupts(chunk: unknown): unknown {
  if (!isObject(chunk) || !(INTERRUPT in chunk)) return chunk;
  return { ...chunk, [INTERRUPT]: interruptsOf(chunk[INTERRUPT]) };
}

// Removes langgraph's own objects from the configs of a checkpoint.
function cleaned(chunk: unknown): unknown {
  if (!isObject(chunk)) return chunk;
  if (isObject(chunk["payload"])) return { ...chunk, payload: cleaned(chunk["payload"]) };
  if (!("parentConfig" in chunk) && !("parent_config" in chunk) && !("values" in chunk)) {
    const { config: _config, ...rest } = chunk;
    return rest;
  }
  const { parentConfig, parent_config, config, tasks, ...rest } = chunk;
  const parent = parentConfig ?? parent_config;
  return {
    ...rest,
    config: publicConfig(config),
    parent_config: publicConfig(parent),
    checkpoint: checkpointOf(config),
    parent_checkpoint: checkpointOf(parent),
    tasks: Array.isArray(tasks)
      ? tasks.map((task: Json) => ("state" in task ? { ...task, state: null } : task))
      : [],
  };
}

function publicConfig(config: unknown): Json | null {
  const settings = isObject(config) && config["configurable"];
  if (!isObject(settings)) return null;
  const known = Object.entries(settings).filter(([name]) => !name.startsWith("__"));
  return { configurable: Object.fromEntries(known) };
}

/** Returns the checkpoint that a config names. */
export function checkpointOf(
  config: unknown,
): { checkpoint_id: string; thread_id: string; checkpoint_ns: string } | null {
  const settings = isObject(config) && config["configurable"];
  if (!isObject(settings) || typeof settings["checkpoint_id"] !== "string") return null;
  return {
    checkpoint_id: settings["checkpoint_id"],
    thread_id: String(settings["thread_id"]),
    checkpoint_ns: String(settings["checkpoint_ns"] ?? ""),
  };
}
