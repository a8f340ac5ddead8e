/** The records of threads, runs and assistants: which have changed, and how they are written. */

import { encode } from "./events.js";
import { Memory, type Row, type Storage } from "./storage.js";
import type { Json } from "./values.js";

/** An object that holds all records of one kind. */
export interface Kind {
  /** Returns a record for the storage. null: it is deleted. */
  dump(key: string): Json | null;
  /** Loads a record from the storage. null: it is deleted. */
  load(key: string, saved: Json | null): void;
}

/** All records. Each change is marked, and written before the response that tells of it. */
export class Records {
  readonly storage: Storage;
  kinds: Readonly<Record<string, Kind>> = {};
  /** What is called when the changes of other servers are loaded. */
  loaded: () => void = () => undefined;
  // For runs that end with this process. langgraph's memory takes the longer to forget a thread,
  // the more it has.
  readonly #memory: Storage = new Memory();
  readonly #changed = new Map<string, readonly [kind: string, key: string]>();
  // The end of what is written or loaded at the moment.
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage) {
    this.storage = storage;
  }

  /** Loads everything, in the order of its creation. */
  async open(): Promise<void> {
    const rows = (await this.storage.open()).filter(([, , json]) => json !== null);
    const loaded = rows.map(([kind, key, json]) => ({ kind, key, saved: JSON.parse(json ?? "") }));
    const times = loaded.map((one) => ({ ...one, time: String(one.saved["created_at"] ?? "") }));
    times.sort((a, b) => Number(a.time > b.time) - Number(a.time < b.time));
    for (const { kind, key, saved } of times) this.kinds[kind]?.load(key, saved);
  }

  /** Returns where the checkpoints of a thread are. */
  storageOf(transient: boolean): Storage {
    return transient ? this.#memory : this.storage;
  }

  /** Has a record written soon. */
  mark(kind: string, key: string): void {
    if (this.storage.durable) this.#changed.set(`${kind} ${key}`, [kind, key]);
  }

  /** Writes what has changed, and waits for what others write. */
  async flush(): Promise<void> {
    if (!this.storage.durable) return;
    await this.#alone(async () => {
      if (this.#changed.size > 0) await this.#written(async () => undefined);
    });
  }

  /** Loads what other servers have changed. */
  async pull(): Promise<void> {
    if (this.storage.shared) await this.#alone(() => this.#take());
  }

  /**
   * Loads what other servers have changed, and keeps them from changes during the work. What
   * it has changed is written at its end. It must not take long, and must not write.
   */
  async change<Result>(work: () => Result): Promise<Awaited<Result>> {
    if (!this.storage.shared) return await work();
    return await this.#alone(() =>
      this.#written(async () => {
        await this.#take();
        return await work();
      }),
    );
  }

  /** Does the work when that of others is done, whether it has failed or not. */
  async #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return await done;
  }

  /** Writes what has changed until the end of the work, in one turn. */
  async #written<Result>(work: () => Promise<Result>): Promise<Result> {
    let changed: [string, readonly [kind: string, key: string]][] = [];
    try {
      return await this.storage.turn(async () => {
        const result = await work();
        changed = [...this.#changed];
        this.#changed.clear();
        if (changed.length > 0) {
          await this.storage.write(changed.map(([, [kind, key]]) => this.#row(kind, key)));
        }
        return result;
      });
    } catch (problem) {
      for (const [name, pair] of changed) this.#changed.set(name, pair);
      throw problem;
    }
  }

  async #take(): Promise<void> {
    for (const [kind, key, json] of await this.storage.changes()) {
      if (this.#changed.has(`${kind} ${key}`)) continue;
      this.kinds[kind]?.load(key, json === null ? null : JSON.parse(json));
    }
    this.loaded();
  }

  #row(kind: string, key: string): Row {
    const saved = this.kinds[kind]?.dump(key) ?? null;
    return [kind, key, saved === null ? null : encode(saved)];
  }
}

/** Lets a handler change what other servers may change too. */
export function changing<Sent extends { readonly records: Records }, Call, Result>(
  handler: (runtime: Sent, call: Call) => Result,
): (runtime: Sent, call: Call) => Promise<Awaited<Result>> {
  return (runtime, call) => runtime.records.change(() => handler(runtime, call));
}
