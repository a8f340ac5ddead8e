/** The thread protocol: the events of a thread's runs, from langgraph's events to the wire. */

import { encodeAny, type Streaming } from "./events.js";
import { Log, sse } from "./streams.js";
import { isObject, type Json } from "./values.js";

// How many events a thread remembers.
const REMEMBERED = 5000;
export const STOPPING: string =
  'event: error\r\ndata: {"type":"error","id":null,"error":"unknown_error",' +
  '"message":"the server is stopping"}\r\n\r\n';
const INTERRUPT = "__interrupt__";

/** The channel and the namespace of an event. */
export interface Place {
  readonly channel: string;
  readonly namespace: readonly string[];
  /** The id of the run whose begin or end it is. */
  readonly run?: string;
}

/** An event, and the node that it comes from. */
export interface Event {
  readonly place: Place;
  readonly data: unknown;
  readonly node?: string | undefined;
}

// A client has several streams, so it gets the end of a run several times. It reads the run in the
// id, and does not take that end for the end of a run that it has started since.
function textOf({ number, event, data }: { number: number; event: Place; data: string }): string {
  const [channel = ""] = event.channel.split(":");
  const method = channel === "input" ? "input.requested" : channel;
  const id = event.run ? `synth:${event.run}:${number}` : `${number}`;
  const head = `{"type":"event","event_id":"${id}","seq":${number},"method":"${method}"`;
  return sse({ number, event: method, data: `${head},"params":${data}}` });
}

/**
 * The events of a thread. Their numbers are times, so a client can read on at another server, or
 * after a restart.
 */
export class ThreadLog extends Log<Place> {
  /** The number of the last event before the run that was asked for last. */
  begin: number;

  constructor() {
    super(textOf, REMEMBERED, Date.now());
    this.begin = this.last;
  }

  /** Appends an event with its time in milliseconds. */
  tell({ place, data, node }: Event, moment: number = Date.now()): void {
    this.skip(moment);
    const named = { namespace: place.namespace, timestamp: Date.now(), ...(node && { node }) };
    this.add(place, encodeAny({ ...named, data }));
  }

  /** Lets a run begin at this moment. */
  mark(moment: number): void {
    this.skip(moment);
    this.begin = this.last;
  }
}

/** Returns a function that tells whether a client wants an event. */
export function wanted(
  channels: readonly string[],
  namespaces: readonly (readonly string[])[] | null,
  depth: number | null,
): (place: Place) => boolean {
  return ({ channel, namespace }) => {
    if (!channels.includes(channel) && !channels.includes(named(channel))) return false;
    return !namespaces?.length || namespaces.some((one) => isBelow(namespace, one, depth));
  };
}

// Tells whether a namespace begins with a prefix, whose parts may lack the task's id.
function isBelow(
  namespace: readonly string[],
  prefix: readonly string[],
  depth: number | null,
): boolean {
  const more = namespace.length - prefix.length;
  const begins = prefix.every((part, n) => [namespace[n], named(namespace[n])].includes(part));
  return more >= 0 && more <= (depth ?? more) && begins;
}

function named(part = ""): string {
  return part.split(":")[0] ?? "";
}

/** Returns the event for the begin or the end of a run. */
export function lifecycle(event: string, run: string, graph_name: string, error?: string): Event {
  const data = { event, graph_name, ...(error !== undefined && { error }) };
  return { place: { channel: "lifecycle", namespace: [], run }, data };
}

/** Returns the event for an interrupt. One SDK reads `payload`, the other one `value`. */
export function requested({ id, value }: Json, namespace: readonly string[]): Event {
  const data = { interrupt_id: id, payload: value, value };
  return { place: { channel: "input", namespace }, data };
}

interface Told {
  readonly method: string;
  readonly params: { readonly namespace: string[]; readonly node?: string; readonly data: unknown };
}

/** Runs the graph. Yields its events. */
export async function* events(
  graph: Streaming,
  input: unknown,
  options: object,
  translation: Translation,
): AsyncGenerator<Event> {
  const run = await graph.streamEvents(input, { ...options, version: "v3" });
  try {
    for await (const told of run as AsyncIterable<Told>) yield* translation.events(told);
  } catch (problem) {
    const error = problem instanceof Error ? problem.message : String(problem);
    yield* translation.end({ event: "failed", error });
    throw problem;
  }
  yield* translation.end({ event: "completed" });
}

/** Translates langgraph's events to those that langgraph for Python has. */
export class Translation {
  /** The namespaces of the interrupts, by their ids. */
  readonly interrupts = new Map<string, readonly string[]>();
  // Begins of subgraphs. langgraph takes each node with a model for one: it has only messages.
  readonly #begins = new Map<string, Event>();
  // The subgraphs that run, with their names, and those of them whose task has ended.
  readonly #open = new Map<string, Subgraph>();
  readonly #ended = new Set<string>();
  // The ids of messages, by their model's run.
  readonly #messages = new Map<unknown, unknown>();
  // The runs whose messages are not a model's.
  readonly #others = new Set<unknown>();

  /** Yields the events for one of langgraph's. */
  *events({ method, params: { namespace: path, node, data } }: Told): Generator<Event> {
    // Models and tools also name their node.
    const inner = method === "messages" || method === "tools";
    const namespace = inner ? path.slice(0, -1) : path;
    // langgraph does not say that a task has failed. But then the run does not go on.
    const goesOn = method !== "tasks" && method !== "lifecycle";
    if (goesOn) yield* this.#close(this.#ended, { event: "completed" });
    if (method === "lifecycle") this.#begin(namespace, data);
    else yield* this.#begun(namespace);
    if (isObject(data)) yield* this.#told(method, namespace, data, node);
    else if (method === "values") yield at("values", namespace, data);
  }

  *#told(method: string, namespace: string[], data: Json, node?: string): Generator<Event> {
    switch (method) {
      case "values":
        if (!(INTERRUPT in data)) yield at("values", namespace, data);
        break;
      case "messages":
        yield* this.#message(namespace, data, node);
        break;
      case "updates":
        yield* this.#update(namespace, data, node);
        break;
      case "tasks":
        yield* this.#task(namespace, data);
        break;
      case "checkpoints":
        yield at("checkpoints", namespace, shortOf(data));
        break;
      case "tools":
        yield at("tools", namespace, toolOf(data));
        break;
      case "custom":
        yield custom(namespace, data);
        break;
    }
    if (method.startsWith("custom:")) {
      yield at(method, namespace, { name: method.slice("custom:".length), payload: data });
    }
  }

  /** Yields the ends of the subgraphs that still run. */
  *end(how: Json): Generator<Event> {
    yield* this.#close(this.#open.keys(), how);
  }

  *#close(keys: Iterable<string>, { event, ...more }: Json): Generator<Event> {
    for (const key of [...keys]) {
      const open = this.#open.get(key);
      this.#open.delete(key);
      this.#ended.delete(key);
      if (!open) continue;
      yield at("lifecycle", open.namespace, { event, graph_name: open.name, ...more });
    }
  }

  #begin(namespace: string[], data: unknown): void {
    if (namespace.length === 0 || !isObject(data) || data["event"] !== "started") return;
    this.#begins.set(namespace.join("|"), at("lifecycle", namespace, data));
  }

  // Yields the begins of the subgraphs that an event comes from.
  *#begun(namespace: readonly string[]): Generator<Event> {
    for (let length = 1; length <= namespace.length; length += 1) {
      const key = namespace.slice(0, length).join("|");
      const begin = this.#begins.get(key);
      if (!begin) continue;
      this.#begins.delete(key);
      this.#open.set(key, {
        namespace: begin.place.namespace,
        name: Object(begin.data).graph_name,
      });
      yield begin;
    }
  }

  *#message(namespace: string[], data: Json, node?: string): Generator<Event> {
    const { run_id, ...part } = data;
    if (part["event"] === "message-start") {
      const { role = "ai", id, metadata } = part;
      if (role === "ai") this.#others.delete(run_id);
      else this.#others.add(run_id);
      this.#messages.set(run_id, id);
      Object.assign(part, { role, metadata: { ...Object(metadata), langgraph_node: node } });
    }
    if (this.#others.has(run_id)) return;
    const told = { ...part, id: this.#messages.get(run_id) ?? null };
    yield at("messages", namespace, told, node);
  }

  *#update(namespace: string[], data: Json, node?: string): Generator<Event> {
    if (node === INTERRUPT) {
      for (const { id } of Array.isArray(data["values"]) ? data["values"] : []) {
        if (!this.interrupts.has(id)) this.interrupts.set(id, namespace);
      }
    } else if (node && !node.startsWith("__")) yield at("updates", namespace, data, node);
  }

  // The end of a task is the end of the subgraph that it runs.
  *#task(namespace: string[], data: Json): Generator<Event> {
    yield at("tasks", namespace, withError(data));
    const key = [...namespace, `${data["name"]}:${data["id"]}`].join("|");
    if (!this.#open.has(key) || !("result" in data)) return;
    const { interrupts } = data;
    const waits = Array.isArray(interrupts) && interrupts.length > 0;
    if (waits) yield* this.#close([key], { event: "interrupted" });
    else this.#ended.add(key);
  }
}

interface Subgraph {
  readonly namespace: readonly string[];
  readonly name: unknown;
}

function at(channel: string, namespace: readonly string[], data: unknown, node?: string): Event {
  return { place: { channel, namespace }, data, node };
}

// As in Python, the result of a task always has `error`.
function withError(data: Json): Json {
  return "result" in data ? { error: null, ...data } : data;
}

function shortOf({ id, parent_id, step, source }: Json): Json {
  return { id, ...(parent_id !== undefined && { parent_id }), step, source };
}

// As in Python, the input of a tool is an object.
function toolOf(data: Json): Json {
  const { input } = data;
  if (typeof input !== "string" || !input.startsWith("{")) return data;
  try {
    return { ...data, input: JSON.parse(input) };
  } catch {
    return data;
  }
}

/** Returns the event for what a node has written. An object with a name has its own channel. */
function custom(namespace: string[], data: Json): Event {
  const { name } = data;
  if (name === undefined) return at("custom", namespace, data);
  if (typeof name === "string" && name) return at(`custom:${name}`, namespace, data);
  return at("custom", namespace, { payload: data });
}
