/**
 * Runs: each has a log of events, and is on a thread or on one made for it. `run-requests.ts` has the
 * requests of clients: their checks and their answers.
 */

import { randomUUID } from "node:crypto";
import type { Assistant } from "./assistants.js";
import { HttpError } from "./errors.js";
import { chunks, encode, encodeAny, modesOf } from "./events.js";
import { Followers } from "./followers.js";
import type { GraphConfig } from "./graphs.js";
import { log } from "./log.js";
import type * as models from "./models.js";
import { events as protocolEvents, Translation } from "./protocol.js";
import { argumentsOf, settingsOf } from "./run-arguments.js";
import type { Runtime, Stateful } from "./runtime.js";
import { written } from "./storage.js";
import { ACTIVE, Log, sse } from "./streams.js";
import { placeOf } from "./threads.js";
import { isObject, type Json, millisecondsUntil, now } from "./values.js";
import { sendWebhook } from "./webhooks.js";

type Body = models.RunRequest;

// How many finished runs still have their events.
const REMEMBERED = 100;
// Milliseconds until the changes of other servers are loaded; with a short lease a part of it.
const PULL = 500;
export const TOO_LONG = "the run took too long";

/** Thrown inside a run that is cancelled. */
class Cancelled extends Error {}

/** The error of a run whose server has ended, if such runs are not resumed. */
class ServerEnded extends Error {
  override readonly name = "ServerEnded";
}

/** A run in the form of the storage. */
type Saved = {
  created_at: string;
  record: models.Run & Json;
  body: Body;
  assistant: Assistant;
  temporary: boolean;
  protocol?: boolean;
  attempt: number;
  before?: string | undefined;
  result: string;
  server: string;
};

/** What kind of run it is; see the fields of `Run`. */
type Kind = { temporary?: boolean; transient?: boolean; protocol?: boolean };

/** How a run is to be cancelled. */
type Asked = { rollback: boolean; reason?: string | undefined };

/** A run, while it is known. */
export class Run {
  readonly body: Body;
  readonly assistant: Assistant;
  /** True if the thread was made for this run, and is deleted with it. */
  readonly temporary: boolean;
  /** True if it ends with this process, because its client waits for it. */
  transient: boolean;
  /** True if a command of the thread protocol has started it, so it has the protocol's events. */
  readonly protocol: boolean;
  /** The namespaces of its interrupts, by their ids. */
  interrupts: ReadonlyMap<unknown, readonly string[]> = new Map();
  /** How often it has been started. */
  attempt = 0;
  /** The thread's last checkpoint before it. undefined: not known yet. */
  before: string | undefined;
  /** True if this server executes it. */
  launched = false;
  /** The server that executes it. */
  server = "";
  /** Tells the server that executes it that it is cancelled. */
  ask: (asked: Asked) => void = () => undefined;
  /** True if its end is being recorded. */
  ending = false;
  /** True if another server executes it now. */
  lost = false;
  readonly log: Log<string> = new Log(sse);
  readonly record: models.Run & Json;
  readonly done: Promise<void>;
  controller: AbortController = new AbortController();
  /** The JSON that `wait` and `join` answer. */
  result = "{}";
  /** The exception that ended it. */
  problem: unknown;
  rollback = false;
  /** True if it took longer than the settings allow. */
  late = false;
  #finish: () => void = () => undefined;
  #ended = false;

  constructor(
    body: Body,
    threadId: string,
    assistant: Assistant,
    { temporary = false, transient = false, protocol = false }: Kind = {},
  ) {
    this.body = body;
    this.assistant = assistant;
    this.temporary = temporary;
    this.transient = transient;
    this.protocol = protocol;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    const time = now();
    const { metadata, assistant_id: _name, ...more } = body;
    const names = { graph_id: assistant.graph_id, assistant_id: assistant.assistant_id };
    this.record = {
      run_id: randomUUID(),
      thread_id: threadId,
      assistant_id: assistant.assistant_id,
      created_at: time,
      updated_at: time,
      status: "pending",
      metadata: { ...metadata, ...names },
      kwargs: Object.fromEntries(Object.entries(more).filter(([, value]) => value !== null)),
      multitask_strategy: body.multitask_strategy ?? "enqueue",
    };
  }

  /** Returns the run for the storage. */
  dump(): Saved {
    const { record, body, assistant, temporary, protocol } = this;
    const { attempt, before, result, server } = this;
    const { created_at } = record;
    const kind = { temporary, protocol };
    return { created_at, record, body, assistant, ...kind, attempt, before, result, server };
  }

  /** Returns a run of the storage. */
  static loaded(saved: Saved): Run {
    const { record, body, assistant, temporary, protocol = false } = saved;
    const run = new Run(body, record.thread_id, assistant, { temporary, protocol });
    run.load(saved);
    return run;
  }

  /** Loads what the storage has. */
  load({ record, attempt, before, result, server }: Saved): void {
    const ended = this.#ended;
    Object.assign(this.record, record);
    Object.assign(this, { attempt, before, result, server });
    if (this.active || ended) return;
    // The events of another server's run are not known here, only how it has ended.
    const failed = record.status === "error" || record.status === "timeout";
    const error = failed ? encode(JSON.parse(result).__error__ ?? null) : null;
    this.log.add(error ? "error" : "values", error ?? result);
    this.end();
  }

  /** Lets go whoever waits for it. */
  end(): void {
    this.#ended = true;
    this.log.close();
    this.#finish();
  }

  get id(): string {
    return this.record.run_id;
  }

  get threadId(): string {
    return this.record.thread_id;
  }

  /** True until the run has ended. */
  get active(): boolean {
    return this.record.status === "pending" || this.record.status === "running";
  }

  /** Ends the run soon. `done` tells when it has ended. */
  cancel(options: { rollback?: boolean; reason?: string | undefined } = {}): void {
    if (!this.active || this.ending) return;
    if (!this.launched) {
      this.ask({ rollback: options.rollback ?? false, reason: options.reason });
      return;
    }
    this.rollback ||= options.rollback ?? false;
    if (options.reason !== undefined) this.record["cancel_reason"] = options.reason;
    this.controller.abort();
  }
}

/** Which runs of other servers are to be cancelled, and how. */
class Requests {
  readonly known = new Map<string, Asked>();
  readonly #runs: Runs;

  constructor(runs: Runs) {
    this.#runs = runs;
  }

  /** Returns for the storage how a run is to be cancelled. */
  dump(id: string): Asked | null {
    return this.known.get(id) ?? null;
  }

  /** Cancels a run of this server, if another one asks for that. */
  load(id: string, saved: Json | null): void {
    this.known.delete(id);
    if (!saved) return;
    this.known.set(id, saved as Asked);
    const run = this.#runs.known.get(id);
    if (run?.launched) run.cancel(saved);
  }
}

/** All runs, by id. */
export class Runs {
  readonly asked: Requests = new Requests(this);
  readonly followers: Followers = new Followers(this, () => this.#runtime().threads);
  readonly known = new Map<string, Run>();
  /** How many have not ended. */
  active = 0;
  readonly #byThread = new Map<string, Run[]>();
  // Finished runs, whose events are dropped when there are too many.
  readonly #finished: Run[] = [];
  readonly #runtime: () => Runtime;

  constructor(runtime: () => Runtime) {
    this.#runtime = runtime;
  }

  /** Returns a run for the storage. */
  dump(id: string): Json | null {
    return this.known.get(id)?.dump() ?? null;
  }

  /** Loads a run from the storage. */
  load(id: string, saved: Json | null): void {
    const known = this.known.get(id);
    if (!saved) {
      if (known) this.#dropped(known);
    } else if (known) this.#reload(known, saved as Saved);
    else {
      const run = Run.loaded(saved as Saved);
      run.ask = (asked) => this.#ask(run, asked);
      this.#add(run);
      const runs = [...this.of(run.threadId)];
      const time = ({ record }: Run) => record.created_at;
      runs.sort((a, b) => Number(time(a) > time(b)) - Number(time(a) < time(b)));
      this.#byThread.set(run.threadId, runs);
      this.followers.changed(run, "new");
    }
  }

  #dropped(run: Run): void {
    this.#drop(run);
    if (!run.active || run.launched) return;
    const { status } = run.record;
    run.record.status = "interrupted";
    this.followers.changed(run, status);
  }

  #reload(run: Run, saved: Saved): void {
    if (run.launched && !run.lost) {
      // This server was silent for so long that another one executes the run now.
      run.lost = true;
      if (!run.ending) run.controller.abort();
    }
    const { active: wasActive } = run;
    const { status } = run.record;
    run.load(saved);
    this.followers.changed(run, status);
    if (wasActive && !run.active) this.#done(run);
  }

  /** Asks the server that executes a run to cancel it. */
  #ask(run: Run, { rollback, reason }: Asked): void {
    const before = this.asked.known.get(run.id);
    this.asked.known.set(run.id, { rollback: rollback || (before?.rollback ?? false), reason });
    this.#runtime().records.mark("cancel", run.id);
  }

  /** Starts the runs that have lost their server. Others may be lost later. */
  async begin(): Promise<void> {
    const { storage } = this.#runtime().records;
    if (!storage.shared) {
      this.#recover(new Set([""]));
      return;
    }
    await this.#resumeLost();
    void this.#share();
  }

  /** Tells other servers that this one runs, loads their changes, and resumes lost runs. */
  async #share(): Promise<void> {
    const { records, settings } = this.#runtime();
    let last = Date.now();
    for (;;) {
      await pause(Math.min(PULL, settings.leaseSeconds * 50));
      try {
        await records.flush();
        await records.pull();
        if (Date.now() >= last + settings.leaseSeconds * 200) {
          last = Date.now();
          await this.#resumeLost();
        }
      } catch (problem) {
        log("ERROR", `the database can't be used\n${stackOf(problem)}`);
        await pause(1000);
      }
    }
  }

  /** Starts the runs whose server has ended. */
  async #resumeLost(): Promise<void> {
    const { records } = this.#runtime();
    const alive = await records.storage.beat();
    const others = [...this.known.values()].filter((run) => run.active && !run.launched);
    const dead = new Set(others.map(({ server }) => server).filter((one) => !alive.has(one)));
    if (dead.size > 0) await records.change(() => this.#recover(dead));
  }

  #add(run: Run): void {
    this.known.set(run.id, run);
    this.#byThread.set(run.threadId, [...this.of(run.threadId), run]);
  }

  /** Starts the runs of servers that have ended, those of a thread in their order. */
  #recover(servers: ReadonlySet<string>): void {
    for (const run of [...this.known.values()]) {
      if (!run.active || run.launched || !servers.has(run.server)) continue;
      const runs = this.of(run.threadId);
      const before = runs.slice(0, runs.indexOf(run));
      const running = (one: Run) => one.record.status === "running";
      const others = runs.filter((one) => one.active && (before.includes(one) || running(one)));
      this.#launch(run, running(run) ? [] : others);
    }
  }

  /** Changes the status that clients see. */
  #set(run: Run, status: models.Run["status"]): void {
    Object.assign(run.record, { status, updated_at: now() });
    this.#mark(run);
  }

  // Has a run written to the storage.
  #mark(run: Run): void {
    if (!run.transient) this.#runtime().records.mark("run", run.id);
  }

  /** Returns the runs of a thread, the oldest first. */
  of(threadId: string): readonly Run[] {
    return this.#byThread.get(threadId) ?? [];
  }

  /** Returns a run, or answers 404. */
  get(threadId: string, runId: string): Run {
    const run = this.known.get(runId);
    if (run?.threadId !== threadId) throw new HttpError(404, `Run with ID ${runId} not found`);
    return run;
  }

  /** Answers 429 if there are too many active runs. */
  checkRoom(wanted = 1): void {
    if (this.active + wanted > this.#runtime().settings.maxRuns) {
      throw new HttpError(429, "too many active runs", { headers: { "Retry-After": "1" } });
    }
  }

  /** Starts a run when the thread's other runs have ended. */
  start(run: Run): Run {
    const others = this.of(run.threadId).filter((one) => one.active);
    const strategy = run.record.multitask_strategy;
    if (others.length > 0 && strategy === "reject") {
      const detail = "the thread is busy: wait for its runs, or choose another multitask_strategy";
      throw new HttpError(409, detail);
    }
    if (strategy === "interrupt" || strategy === "rollback") {
      for (const one of others) one.cancel({ rollback: strategy === "rollback" });
    }
    this.#add(run);
    this.#mark(run);
    const { threads } = this.#runtime();
    const thread = threads.get(run.threadId);
    const { graph_id, assistant_id } = run.record.metadata;
    const metadata = { ...thread.metadata, graph_id, assistant_id };
    threads.changed(thread, { status: "busy", metadata });
    this.followers.begin(run);
    this.#launch(run, others);
    return run;
  }

  #launch(run: Run, others: readonly Run[]): void {
    run.launched = true;
    run.server = this.#runtime().records.storage.server;
    this.#mark(run);
    this.active += 1;
    ACTIVE.set(run.id, () => run.cancel({ reason: "the server is stopping" }));
    void this.#guarded(run, others);
    const asked = this.asked.known.get(run.id);
    if (asked) run.cancel(asked);
  }

  /** Executes a run, and records how it ended. */
  async #guarded(run: Run, others: readonly Run[]): Promise<void> {
    let status: models.Run["status"] = "success";
    try {
      await this.#turn(run, others);
      await this.#inTime(run);
    } catch (problem) {
      if (run.controller.signal.aborted && !run.late) status = "interrupted";
      else {
        status = run.late ? "timeout" : "error";
        this.#failed(run, run.late ? timeout() : problem);
      }
    }
    run.ending = true;
    try {
      await this.#end(run, status);
    } catch (problem) {
      log("ERROR", `run ${run.id}: its end can't be saved\n${stackOf(problem)}`);
    }
    this.active -= 1;
    ACTIVE.delete(run.id);
    if (run.lost) {
      Object.assign(run, { lost: false, ending: false, launched: false });
      run.controller = new AbortController();
    } else this.#finish(run, status);
  }

  /** Waits until a run may begin, and records that it does. */
  async #turn(run: Run, others: readonly Run[]): Promise<void> {
    const { records, settings } = this.#runtime();
    const lost = run.record.status === "running";
    await until(Promise.all(others.map((one) => one.done)), run);
    const { after_seconds } = run.body;
    if (after_seconds) {
      await until(pause(millisecondsUntil(run.record.created_at, after_seconds)), run);
    }
    if (lost && settings.lostRuns === "error") {
      throw new ServerEnded("the server ended during the run");
    }
    run.before ??= await records.storageOf(run.transient).last(run.threadId);
    run.attempt += 1;
    this.#set(run, "running");
    await records.flush();
    this.#tell(run, "metadata", encode({ run_id: run.id, attempt: run.attempt }));
    this.followers.running(run);
  }

  /** Records how a run has ended, unless another server executes it now. */
  async #end(run: Run, status: models.Run["status"]): Promise<void> {
    const { records } = this.#runtime();
    // Otherwise a checkpoint could be written after it was removed.
    if (run.rollback) await written(run.threadId);
    if (run.transient) {
      this.#set(run, status);
      await this.#settle(run);
    } else if (!run.lost) {
      await records.change(async () => {
        if (run.lost) return;
        this.#set(run, status);
        if (this.asked.known.delete(run.id)) records.mark("cancel", run.id);
        await this.#settle(run);
      });
    }
    await records.flush();
  }

  #finish(run: Run, status: models.Run["status"]): void {
    if (run.active) this.#set(run, status);
    if (run.body.webhook) void this.#send(run, run.body.webhook);
    this.#runtime().metrics.run(run.record.status);
    this.#done(run);
    this.followers.end(run);
    run.end();
  }

  async #inTime(run: Run): Promise<void> {
    const most = this.#runtime().settings.runSeconds;
    if (!most) return await this.#execute(run);
    const timer = setTimeout(() => {
      run.late = true;
      run.controller.abort();
    }, most * 1000);
    try {
      await until(this.#execute(run), run);
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(run: Run, url: string): Promise<void> {
    const failed = run.problem !== undefined;
    const told = encode({
      ...run.record,
      run_ended_at: run.record.updated_at,
      webhook_sent_at: now(),
      error: failed ? errorOf(run.problem) : null,
    });
    await sendWebhook(url, `${told.slice(0, -1)},"values":${failed ? "null" : run.result}}`);
  }

  #failed(run: Run, problem: unknown): void {
    const more = run.late ? "" : `\n${stackOf(problem)}`;
    log("ERROR", `run ${run.id} of ${run.assistant.graph_id} failed${more}`);
    const error = errorOf(problem);
    run.problem = problem;
    run.result = encode({ __error__: error });
    this.#tell(run, "error", encode(error));
  }

  #tell(run: Run, event: string, data: string): void {
    run.log.add(event, data);
    this.#runtime().threads.tell(run.threadId, event, data);
  }

  /** Tells a thread's readers that a run has ended, when any server can read how. */
  #done(run: Run): void {
    const { status } = run.record;
    this.#runtime().threads.tell(run.threadId, "run_done", encode({ run_id: run.id, status }));
  }

  // Runs the graph for clients of the thread protocol. Yields its values for the others.
  async *#published(
    run: Run,
    graph: Stateful,
    input: unknown,
    options: object,
  ): AsyncGenerator<[string, unknown]> {
    const translation = new Translation();
    run.interrupts = translation.interrupts;
    for await (const event of protocolEvents(graph, input, options, translation)) {
      if (run.controller.signal.aborted) throw new Cancelled();
      const { channel, namespace } = event.place;
      if (channel === "values" && namespace.length === 0) yield ["values", event.data];
      else this.followers.tell(run, event);
    }
  }

  #source(
    run: Run,
    graph: Stateful,
    input: unknown,
    options: { runId: string } & Json,
  ): AsyncIterable<[string, unknown]> {
    if (run.protocol) return this.#published(run, graph, input, options);
    const { stream_mode, stream_subgraphs } = run.body;
    return chunks(graph, input, options, modesOf(stream_mode), stream_subgraphs ?? false);
  }

  async #execute(run: Run): Promise<void> {
    const { stateful, records } = this.#runtime();
    const graph = await stateful(run.assistant.graph_id, run.transient);
    const modes = modesOf(run.body.stream_mode);
    if (!graph) return await this.#invoke(run, modes.includes("values"));
    const resumable = records.storage.durable && !run.transient;
    const { input, options } = await argumentsOf(run, graph, resumable);
    let last: string | undefined;
    for await (const [event, value] of this.#source(run, graph, input, options)) {
      if (run.controller.signal.aborted) throw new Cancelled();
      const data = (event === "events" ? encodeAny : encode)(value);
      if (event === "values") {
        last = data;
        this.followers.values(run, value);
      }
      if (event !== "values" || modes.includes("values")) this.#tell(run, event, data);
    }
    if (run.controller.signal.aborted) throw new Cancelled();
    run.result = last ?? encode((await graph.getState(placeOf(run.threadId))).values);
  }

  /** Runs a graph of which only `invoke` is known. */
  async #invoke(run: Run, tell: boolean): Promise<void> {
    const graph = this.#runtime().graphs.get(run.assistant.graph_id);
    const { configurable, recursion_limit, tags } = settingsOf(run).config;
    const config = {
      ...(configurable ? { configurable } : {}),
      ...(recursion_limit ? { recursionLimit: recursion_limit } : {}),
      ...(tags ? { tags } : {}),
      metadata: run.body.metadata ?? {},
    } as GraphConfig;
    const output = await until(Promise.resolve(graph?.invoke(run.body.input, config)), run);
    if (!isObject(output)) throw new TypeError("the graph did not return an object");
    run.result = encode(output);
    this.followers.values(run, output);
    if (tell) this.#tell(run, "values", run.result);
  }

  /** Brings the thread up to date after a run, and forgets what nobody needs. */
  async #settle(run: Run): Promise<void> {
    const { threads, records } = this.#runtime();
    const thread = threads.records.get(run.threadId);
    if (!thread) return this.forget(run);
    if (run.rollback && run.record.status === "interrupted") {
      if (run.before !== undefined && !run.transient) {
        await records.storage.restore(run.threadId, run.before);
      }
      this.forget(run);
    }
    if (run.temporary) {
      threads.delete(run.threadId);
      this.#byThread.delete(run.threadId);
      // Its events are in memory only, so nobody can ask for it after this process.
      run.transient = true;
      records.mark("run", run.id);
    } else await this.#updateThread(run, thread);
    this.#remember(run);
  }

  async #updateThread(run: Run, thread: models.Thread): Promise<void> {
    const { threads, stateful } = this.#runtime();
    const graph = await stateful(run.assistant.graph_id, run.transient);
    const failed = run.record.status === "error" || run.record.status === "timeout";
    const error = failed ? errorOf(run.problem) : null;
    if (graph) {
      await threads.refresh(graph, thread, error);
      if (run.record.status === "interrupted") run.result = encode(thread.values ?? {});
    } else threads.changed(thread, { status: error ? "error" : "idle", error });
    if (this.of(run.threadId).some((one) => one.active && one !== run)) {
      threads.changed(thread, { status: "busy" });
    }
  }

  #remember(run: Run): void {
    this.#finished.push(run);
    const old = this.#finished.length > REMEMBERED ? this.#finished.shift() : undefined;
    if (!old) return;
    if (!old.body.stream_resumable) old.log.forget();
    if (old.temporary) this.forget(old);
  }

  /** Removes a run. */
  forget(run: Run): void {
    this.#drop(run);
    this.#mark(run);
  }

  #drop(run: Run): void {
    // Whoever waits for a run of another server.
    if (!run.launched) run.end();
    this.known.delete(run.id);
    const others = this.of(run.threadId).filter((one) => one !== run);
    if (this.#byThread.has(run.threadId)) this.#byThread.set(run.threadId, others);
  }

  /** Cancels the runs of a thread, and deletes it. */
  async dropThread(threadId: string): Promise<void> {
    const runs = this.of(threadId);
    for (const run of runs) run.cancel();
    await this.#runtime().records.flush();
    await Promise.all(runs.map((run) => run.done));
    for (const run of runs) this.forget(run);
    this.#byThread.delete(threadId);
    this.#runtime().threads.delete(threadId);
  }
}

// The same name as in Python.
function timeout(): Error {
  return Object.assign(new Error(TOO_LONG), { name: "TimeoutError" });
}

/** Waits, but no longer than until the run is cancelled. */
async function until<Value>(work: Promise<Value>, run: Run): Promise<Value> {
  const { signal } = run.controller;
  if (signal.aborted) throw new Cancelled();
  let stop: () => void = () => undefined;
  const cancelled = new Promise<never>((_, reject) => {
    stop = () => reject(new Cancelled());
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function errorOf(problem: unknown): { error: string; message: string } {
  if (problem instanceof Error) return { error: problem.name, message: problem.message };
  return { error: typeof problem, message: String(problem) };
}

function stackOf(problem: unknown): string {
  return problem instanceof Error ? problem.stack || problem.message : String(problem);
}
