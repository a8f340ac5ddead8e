/**
 * What the clients of the thread protocol are told of a thread's runs. They get all events of a
 * run that a command has started, if this server executes it. Of other runs they get the begin,
 * the values, the interrupts and the end.
 */

import { type Event, lifecycle, requested, type ThreadLog } from "./protocol.js";
import type { Run, Runs } from "./runs.js";
import type { Threads } from "./threads.js";
import { isObject, type Json } from "./values.js";

/** The logs of threads that clients follow. */
export class Followers {
  readonly #runs: Runs;
  readonly #threads: () => Threads;
  // Runs of other servers that have changed, with the status that clients know.
  #changed: [run: Run, before: string][] = [];

  constructor(runs: Runs, threads: () => Threads) {
    this.#runs = runs;
    this.#threads = threads;
  }

  /** Returns the events of a thread. Those that nobody has asked for begin with a run's. */
  log(threadId: string): ThreadLog {
    const threads = this.#threads();
    const known = threads.followed(threadId);
    if (known) return known;
    const log = threads.follow(threadId);
    for (const { id, record, assistant } of this.#runs.of(threadId)) {
      if (record.status === "running") log.tell(lifecycle("running", id, assistant.graph_id));
    }
    return log;
  }

  #known({ protocol, launched, threadId }: Run): ThreadLog | undefined {
    const threads = this.#threads();
    if (protocol && launched && threads.records.has(threadId)) return threads.follow(threadId);
    return threads.followed(threadId);
  }

  /** Starts a new run. A client that wants no earlier events gets those from here on. */
  begin(run: Run): void {
    if (run.protocol) this.#threads().follow(run.threadId);
    this.#known(run)?.mark(Date.parse(run.record.created_at));
  }

  /** Tells an event of a run. */
  tell(run: Run, event: Event, time?: number): void {
    this.#known(run)?.tell(event, time);
  }

  /** Tells that a run begins. */
  running(run: Run, time?: number): void {
    this.tell(run, lifecycle("running", run.id, run.assistant.graph_id), time);
  }

  /** Tells the values of a run. */
  values(run: Run, data: unknown, time?: number): void {
    if (isObject(data) && "__interrupt__" in data) return;
    this.tell(run, { place: { channel: "values", namespace: [] }, data }, time);
  }

  /** Tells how a run has ended, and what the thread waits for: it can be answered now. */
  end(run: Run, time?: number): void {
    const thread = this.#threads().records.get(run.threadId);
    const waiting = Object.values(thread?.interrupts ?? {})
      .flat()
      .filter(isObject);
    const { status } = run.record;
    const waits = status === "success" && waiting.length > 0;
    for (const one of waits ? waiting : []) {
      this.tell(run, requested(one, run.interrupts.get(one["id"]) ?? []), time);
    }
    const ends: Json = { success: waits ? "interrupted" : "completed", interrupted: "interrupted" };
    const event = String(ends[status] ?? "failed");
    const error = messageOf(run.problem);
    this.tell(run, lifecycle(event, run.id, run.assistant.graph_id, error), time);
  }

  /** Notes that another server has changed a run. */
  changed(run: Run, before: string): void {
    if (this.#known(run)) this.#changed.push([run, before]);
  }

  /** Tells what other servers have done, now that all of it is known. */
  loaded(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const [run, before] of changed) this.#loaded(run, before);
  }

  #loaded(run: Run, before: string): void {
    const { status, updated_at } = run.record;
    const time = Date.parse(updated_at);
    if (before === "new") this.begin(run);
    const waited = before === "new" || before === "pending";
    if (waited && status !== "pending") this.running(run, time);
    if (run.active || !(waited || before === "running")) return;
    const { __interrupt__: _waits, __error__: error, ...values } = JSON.parse(run.result);
    if (error) run.problem = new Error(error.message);
    else if (this.#runs.known.has(run.id)) this.values(run, values, time);
    this.end(run, time);
  }
}

function messageOf(problem: unknown): string | undefined {
  if (problem === undefined) return undefined;
  return problem instanceof Error ? problem.message : String(problem);
}
