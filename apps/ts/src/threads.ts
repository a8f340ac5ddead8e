/** Threads: a graph's state that runs share, its history and its changes. */

import { randomUUID } from "node:crypto";
import type { Call } from "./call.js";
import { HttpError, json, nothing, refused } from "./errors.js";
import { checkpointOf, encode, interruptsOf } from "./events.js";
import type * as models from "./models.js";
import { ThreadLog } from "./protocol.js";
import type { Records } from "./records.js";
import type { Runtime, Stateful } from "./runtime.js";
import { checkRoom, type Feed, Log, ofModes, sse } from "./streams.js";
import { contains, isObject, type Json, now, ordered, pageHeaders, selected } from "./values.js";

const MINUTE = 60_000;
// How many events of its runs a thread remembers.
const REMEMBERED = 1000;
const EMPTY: Json = {
  values: {},
  next: [],
  tasks: [],
  metadata: null,
  created_at: null,
  checkpoint: null,
  parent_checkpoint: null,
  interrupts: [],
  checkpoint_id: null,
  parent_checkpoint_id: null,
};

/** langgraph's config for a place in a thread's history. */
export interface Place {
  readonly configurable: Json & { thread_id: string };
}

/** A state as langgraph has it. */
export interface Snapshot {
  readonly values: unknown;
  readonly next: readonly string[];
  readonly config: unknown;
  readonly metadata?: Json;
  readonly createdAt?: string;
  readonly parentConfig?: unknown;
  readonly tasks: readonly Task[];
}

interface Task {
  readonly id: string;
  readonly name: string;
  readonly path?: readonly unknown[];
  readonly error?: unknown;
  readonly interrupts: readonly unknown[];
  readonly state?: unknown;
  readonly result?: unknown;
}

/** All threads. Their checkpoints are in langgraph's own store of checkpoints. */
export class Threads {
  readonly records = new Map<string, models.Thread>();
  readonly #logs = new Map<string, Log<string>>();
  readonly #events = new Map<string, ThreadLog>();
  // When a thread ends, and the minutes after which it does.
  readonly #ends = new Map<string, { time: number; minutes: number }>();
  readonly #journal: Records;
  // Threads of runs whose clients wait for them; they end with this process.
  readonly #transient = new Set<string>();

  constructor(records: Records) {
    this.#journal = records;
  }

  /** Returns a thread for the storage. */
  dump(id: string): Json | null {
    const thread = this.records.get(id);
    return thread ? { ...thread, ends: this.#ends.get(id) ?? null } : null;
  }

  /** Loads a thread from the storage. */
  load(id: string, saved: Json | null): void {
    if (!saved) {
      this.#remove(id);
      return;
    }
    const { ends, ...thread } = saved as models.Thread & {
      ends: { time: number; minutes: number } | null;
    };
    if (ends) this.#ends.set(id, ends);
    else this.#ends.delete(id);
    // Handlers may have the old record.
    const known = this.records.get(id);
    if (known) Object.assign(known, thread);
    else this.records.set(id, thread as models.Thread);
  }

  // Has a thread written to the storage.
  #mark(id: string): void {
    if (!this.#transient.has(id)) this.#journal.mark("thread", id);
  }

  /** Deletes the threads that have ended. */
  sweep(): void {
    const time = Date.now();
    for (const [id, end] of this.#ends) if (end.time <= time) this.delete(id);
  }

  /** Lets a thread end after these minutes. */
  keep(id: string, minutes: number): void {
    this.#ends.set(id, { time: Date.now() + minutes * MINUTE, minutes });
    this.#mark(id);
  }

  /** Returns the time to live of a thread. */
  ttl(id: string): Json | null {
    const end = this.#ends.get(id);
    return end ? { strategy: "delete", ttl_minutes: end.minutes } : null;
  }

  /** Adds a thread. */
  create(id: string, metadata: Json, transient = false): models.Thread {
    const time = now();
    const thread: models.Thread = {
      thread_id: id,
      created_at: time,
      updated_at: time,
      state_updated_at: time,
      metadata,
      status: "idle",
      config: {},
      values: null,
      interrupts: {},
      error: null,
    };
    this.records.set(id, thread);
    if (transient) this.#transient.add(id);
    this.#mark(id);
    return thread;
  }

  /** Returns a thread, or answers 404. */
  get(id: string): models.Thread {
    this.sweep();
    const thread = this.records.get(id);
    if (!thread) throw new HttpError(404, `Thread with ID ${id} not found`);
    return thread;
  }

  /** Changes a thread, whose time begins again. */
  changed(thread: models.Thread, changes: Partial<models.Thread>): void {
    Object.assign(thread, changes, { updated_at: now() });
    this.#mark(thread.thread_id);
    const end = this.#ends.get(thread.thread_id);
    if (end) this.keep(thread.thread_id, end.minutes);
  }

  /** Returns the events of a thread's runs. */
  log(id: string): Log<string> {
    const log = this.#logs.get(id) ?? new Log(sse, REMEMBERED);
    this.#logs.set(id, log);
    return log;
  }

  /** Adds an event to the thread's log, if somebody has asked for its events. */
  tell(id: string, event: string, data: string): void {
    this.#logs.get(id)?.add(event, data);
  }

  /** Returns a thread's events of the thread protocol, if somebody has asked for them. */
  followed(id: string): ThreadLog | undefined {
    return this.#events.get(id);
  }

  /** Returns a thread's events of the thread protocol, which are kept from now on. */
  follow(id: string): ThreadLog {
    const log = this.#events.get(id) ?? new ThreadLog();
    this.#events.set(id, log);
    return log;
  }

  /** Removes a thread with its checkpoints. */
  delete(id: string): void {
    this.#mark(id);
    this.#remove(id);
    this.#journal.storageOf(this.#transient.has(id)).forget(id);
    this.#transient.delete(id);
  }

  #remove(id: string): void {
    this.records.delete(id);
    this.#ends.delete(id);
    for (const logs of [this.#logs, this.#events]) {
      logs.get(id)?.close();
      logs.delete(id);
    }
  }

  /** Returns the threads that match the search, in the order of their creation. */
  matching(wanted: models.ThreadCount & { ids?: string[] | null }): models.Thread[] {
    this.sweep();
    const ids = wanted.ids ? new Set(wanted.ids.map((id) => id.toLowerCase())) : null;
    return [...this.records.values()].filter(
      (one) =>
        (ids === null || ids.has(one.thread_id)) &&
        (wanted.status === null || one.status === wanted.status) &&
        contains(one.metadata, wanted.metadata ?? {}) &&
        contains(one.values ?? {}, wanted.values ?? {}),
    );
  }

  /** Reads the values and the status of a thread from its last checkpoint. */
  async refresh(
    graph: Stateful,
    thread: models.Thread,
    error: { error: string; message: string } | null = null,
  ): Promise<void> {
    const snapshot = await graph.getState(placeOf(thread.thread_id));
    const waiting = snapshot.tasks.filter(({ interrupts }) => interrupts.length > 0);
    const stopped = snapshot.next.length > 0 ? "interrupted" : "idle";
    this.changed(thread, {
      status: error ? "error" : stopped,
      values: JSON.parse(encode(snapshot.values ?? {})),
      interrupts: Object.fromEntries(waiting.map((one) => [one.id, interruptsOf(one.interrupts)])),
      error,
      state_updated_at: now(),
    });
  }
}

/** Returns langgraph's config for a place in a thread's history. */
export function placeOf(
  id: string,
  at: models.Checkpoint | null = null,
  checkpointId: string | null = null,
): Place {
  const { thread_id = null, ...more } = at ?? {};
  if (thread_id !== null && thread_id.toLowerCase() !== id) {
    throw refused("is not the thread of the path", ["body", "checkpoint", "thread_id"]);
  }
  const given = Object.entries(more).filter(([, value]) => value !== null);
  return {
    configurable: {
      checkpoint_ns: "",
      ...Object.fromEntries(given),
      thread_id: id,
      ...(checkpointId !== null && { checkpoint_id: checkpointId }),
    },
  };
}

function stateOf(snapshot: Snapshot): Json {
  const here = checkpointOf(snapshot.config);
  const parent = checkpointOf(snapshot.parentConfig);
  if (!here || !snapshot.metadata) return EMPTY;
  const metadata = Object.entries(snapshot.metadata).filter(([name]) => !name.startsWith("__"));
  return {
    values: snapshot.values,
    next: snapshot.next,
    tasks: snapshot.tasks.map(taskOf),
    metadata: Object.fromEntries(metadata),
    created_at: snapshot.createdAt?.replace(/Z$/, "+00:00") ?? null,
    checkpoint: here,
    parent_checkpoint: parent,
    interrupts: snapshot.tasks.flatMap(({ interrupts }) => interruptsOf(interrupts)),
    checkpoint_id: here.checkpoint_id,
    parent_checkpoint_id: parent?.checkpoint_id ?? null,
  };
}

function taskOf(task: Task): Json {
  const inner = isObject(task.state) ? task.state : null;
  const nested = inner !== null && !("values" in inner);
  return {
    id: task.id,
    name: task.name,
    path: task.path ?? [],
    error: task.error === undefined ? null : errorText(task.error),
    interrupts: interruptsOf(task.interrupts),
    checkpoint: nested ? inner["configurable"] : null,
    state: inner === null || nested ? null : stateOf(inner as unknown as Snapshot),
    result: task.result ?? null,
  };
}

function errorText(error: unknown): string {
  const { name, message } = Object(error) as { name?: unknown; message?: unknown };
  return message === undefined ? String(error) : `${name}: ${message}`;
}

/** Returns a state with only these fields. `values.name` is one value. */
function chosen(state: Json, fields: readonly string[] | null): Json {
  if (!fields?.length) return state;
  const result: Json = {};
  const values: Json = {};
  for (const name of fields) {
    const [field = "", ...rest] = name.split(".");
    const key = rest.join(".");
    if (!Object.hasOwn(state, field)) {
      throw refused("no such field of a state", ["select"], `no field '${name}'`);
    }
    const inner = state[field];
    if (key && field === "values") {
      if (isObject(inner) && Object.hasOwn(inner, key)) {
        values[key] = inner[key];
        result["values"] = values;
      }
    } else result[field] = inner;
  }
  return result;
}

function threadOf(runtime: Runtime, call: Call): models.Thread {
  return runtime.threads.get(call.uuid("thread_id"));
}

/** Returns the graph whose state the thread has, if it has one. */
export async function graphOf(
  runtime: Runtime,
  thread: models.Thread,
): Promise<Stateful | undefined> {
  const { graph_id } = thread.metadata;
  return typeof graph_id === "string" ? await runtime.stateful(graph_id) : undefined;
}

async function graphNeeded(runtime: Runtime, thread: models.Thread): Promise<Stateful> {
  const graph = await graphOf(runtime, thread);
  if (graph) return graph;
  const detail = "the thread has no graph yet: start a run, or set its metadata's graph_id";
  throw refused("has no graph yet", ["path", "thread_id"], detail);
}

/** Creates a thread. */
export async function create(
  runtime: Runtime,
  call: Call<models.ThreadCreate>,
): Promise<models.Thread> {
  const { body } = call;
  runtime.threads.sweep();
  const id = (body.thread_id ?? randomUUID()).toLowerCase();
  const known = runtime.threads.records.get(id);
  if (known) {
    if (body.if_exists === "do_nothing") return known;
    throw new HttpError(409, `Thread with ID ${id} already exists`);
  }
  const metadata = body.metadata ?? {};
  const supersteps = body.supersteps?.length ? body.supersteps : null;
  const graph = supersteps && (await runtime.stateful(String(metadata["graph_id"])));
  if (supersteps && !graph) {
    throw refused("supersteps need the name of a graph", ["body", "metadata", "graph_id"]);
  }
  const thread = runtime.threads.create(id, metadata);
  if (body.ttl) runtime.threads.keep(id, body.ttl.ttl);
  if (supersteps && graph) {
    const steps = supersteps.map(({ updates }) => ({
      updates: updates.map(({ values, as_node }) => ({ values, asNode: as_node })),
    }));
    await graph.bulkUpdateState(placeOf(id), steps).catch((problem: unknown) => {
      runtime.threads.delete(id);
      throw notApplied(problem);
    });
    await runtime.threads.refresh(graph, thread);
  }
  return thread;
}

/** Returns a 422 for a change that langgraph does not accept. */
function notApplied(problem: unknown): HttpError {
  const told = problem instanceof Error ? problem.message || problem.name : String(problem);
  const [message = ""] = told.split("\n");
  return refused(message, ["body", "values"], `the change can't be made: ${message}`);
}

/** Returns a thread. */
export function get(runtime: Runtime, call: Call): Json {
  const thread = threadOf(runtime, call);
  const include = (call.list("include") ?? []).join().split(",");
  if (!include.includes("ttl")) return thread;
  return { ...thread, ttl: runtime.threads.ttl(thread.thread_id) };
}

/** Changes a thread's metadata. */
export function update(runtime: Runtime, call: Call<models.ThreadPatch>): models.Thread | Response {
  const thread = threadOf(runtime, call);
  runtime.threads.changed(thread, { metadata: { ...thread.metadata, ...call.body.metadata } });
  if (call.body.ttl) runtime.threads.keep(thread.thread_id, call.body.ttl.ttl);
  return call.headers.get("prefer")?.includes("return=minimal") ? nothing() : thread;
}

/** Deletes a thread, and cancels its runs. */
export async function remove(runtime: Runtime, call: Call): Promise<Response> {
  await runtime.runs.dropThread(threadOf(runtime, call).thread_id);
  return nothing();
}

/** Returns a page of the threads that match. */
export function search(runtime: Runtime, call: Call<models.ThreadSearch>): Response {
  const { limit, offset, select, sort_by, sort_order } = call.body;
  const matching = runtime.threads.matching(call.body);
  const found = ordered(matching, sort_by ?? "created_at", sort_order ?? "desc");
  const page = selected(found.slice(offset, offset + limit), select?.length ? select : null);
  return json(200, JSON.stringify(page), pageHeaders(found.length, limit, offset));
}

/** Counts the threads that match. */
export function count(runtime: Runtime, call: Call<models.ThreadCount>): number {
  return runtime.threads.matching(call.body).length;
}

/** Copies a thread with its history. */
export async function copy(runtime: Runtime, call: Call): Promise<models.Thread> {
  const thread = threadOf(runtime, call);
  const made = runtime.threads.create(randomUUID(), { ...thread.metadata });
  const { config, values, interrupts, error, status } = thread;
  Object.assign(made, { config, values, interrupts, error });
  made.status = status === "busy" ? "idle" : status;
  await runtime.records.storage.copy(thread.thread_id, made.thread_id);
  return made;
}

/** Deletes threads, or all but their last checkpoints. Unknown threads are left out. */
export async function prune(runtime: Runtime, call: Call<models.ThreadPrune>): Promise<Json> {
  runtime.threads.sweep();
  const ids = new Set(call.body.thread_ids.map((id) => id.toLowerCase()));
  const known = [...ids].filter((id) => runtime.threads.records.has(id));
  for (const id of known) {
    if (call.body.strategy === "keep_latest") await runtime.records.storage.cut(id);
    else await runtime.runs.dropThread(id);
  }
  return { pruned_count: known.length };
}

async function stateAtPlace(
  runtime: Runtime,
  thread: models.Thread,
  place: Place,
  subgraphs: boolean,
): Promise<Json> {
  const graph = await graphOf(runtime, thread);
  if (!graph) return EMPTY;
  const found = stateOf(await graph.getState(place, { subgraphs }));
  const id = place.configurable["checkpoint_id"];
  if (found === EMPTY && id !== undefined) throw new HttpError(404, `no checkpoint ${id}`);
  return found;
}

/** Returns the last state of a thread, or the one at a checkpoint. */
export async function state(runtime: Runtime, call: Call): Promise<Response> {
  const thread = threadOf(runtime, call);
  const place = placeOf(thread.thread_id, null, call.path.get("checkpoint_id") ?? null);
  const found = await stateAtPlace(runtime, thread, place, call.flag("subgraphs", false));
  return json(200, encode(chosen(found, call.list("select"))));
}

/** Returns the state of a thread at a checkpoint. */
export async function stateAt(runtime: Runtime, call: Call<models.StateAt>): Promise<Response> {
  const { checkpoint, subgraphs, select } = call.body;
  const thread = threadOf(runtime, call);
  const place = placeOf(thread.thread_id, checkpoint);
  const found = await stateAtPlace(runtime, thread, place, subgraphs ?? false);
  return json(200, encode(chosen(found, select)));
}

/** Changes the state of a thread, as a node would. */
export async function updateState(
  runtime: Runtime,
  call: Call<models.StateUpdate>,
): Promise<Response> {
  const { values, as_node, checkpoint, checkpoint_id } = call.body;
  const thread = threadOf(runtime, call);
  const graph = await graphNeeded(runtime, thread);
  if (thread.status === "busy") {
    throw new HttpError(409, `Thread ${thread.thread_id} is busy: wait for its runs`);
  }
  const place = placeOf(thread.thread_id, checkpoint, checkpoint_id);
  const made = await graph
    .updateState(place, values, as_node ?? undefined)
    .catch((problem: unknown) => {
      throw notApplied(problem);
    });
  await runtime.threads.refresh(graph, thread);
  const here = checkpointOf(made);
  const id = here?.checkpoint_id ?? null;
  return json(200, encode({ checkpoint: here, configurable: here, checkpoint_id: id }));
}

/** Returns states of a thread, the newest first. */
export async function history(
  runtime: Runtime,
  call: Call<models.HistorySearch>,
): Promise<Response> {
  const { limit, before, metadata, checkpoint, select } = call.body;
  const thread = threadOf(runtime, call);
  const graph = await graphOf(runtime, thread);
  if (!graph) return json(200, "[]");
  const place = placeOf(thread.thread_id, checkpoint);
  delete place.configurable["checkpoint_id"];
  const start = beforeOf(thread, before);
  const found: Json[] = [];
  // langgraph's own filter compares whole values only, and `limit` counts before it.
  for await (const one of graph.getStateHistory(place, start ? { before: start } : {})) {
    const then = stateOf(one);
    if (contains(then["metadata"], metadata ?? {})) found.push(chosen(then, select));
    if (found.length === limit) break;
  }
  return json(200, encode(found));
}

function beforeOf(thread: models.Thread, before: string | Json | null): Place | undefined {
  if (before === null) return undefined;
  const given = typeof before === "string" ? { checkpoint_id: before } : before;
  const settings = "configurable" in given ? given["configurable"] : given;
  if (!isObject(settings) || typeof settings["checkpoint_id"] !== "string") {
    throw refused("has no checkpoint_id", ["body", "before"]);
  }
  return { configurable: { ...settings, thread_id: thread.thread_id } };
}

/** Returns the events of all runs of a thread, until the client hangs up. */
export function stream(runtime: Runtime, call: Call): Response {
  const thread = threadOf(runtime, call);
  checkRoom();
  const modes = call.list("stream_mode") ?? ["run_modes"];
  const wanted = modes.includes("run_modes") ? null : ["metadata", "run_done"];
  const log = runtime.threads.log(thread.thread_id);
  return eventStream(log.read(lastEvent(call), ofModes(wanted)));
}

/** Returns the number in the header Last-Event-ID. -1 is before all. */
export function lastEvent(call: Call): number | null {
  const text = call.headers.get("last-event-id");
  if (text === null) return null;
  if (!/^-?[0-9]+$/.test(text)) {
    throw refused("must be the id of an event, or -1", ["header", "Last-Event-ID"]);
  }
  return Number(text);
}

/** Returns a response with events, with the same headers as the Python server's. */
export function eventStream(feed: Feed, headers: Record<string, string> = {}): Response {
  return new Response(feed.body, {
    headers: {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache, no-store, must-revalidate",
      "X-Accel-Buffering": "no",
      ...headers,
    },
  });
}
