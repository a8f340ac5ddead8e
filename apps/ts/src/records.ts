/** The records of threads, runs and assistants: which have changed, and how they are written. */

import { encode } from "./events.js";
import { Memory, type Row, type Storage } from "./storage.js";
import type { Json } from "./values.js";

/** What has the records of one kind. */
export interface Kind {
  /** Returns a record for the storage. null: it is deleted. */
  dump(key: string): Json | null;
  /** Takes a record over from the storage. null: it is deleted. */
  load(key: string, saved: Json | null): void;
}

/** All records. Each change is marked, and written before the response that tells of it. */
export class Records {
  readonly storage: Storage;
  kinds: Readonly<Record<string, Kind>> = {};
  // For runs that end with this process.
  readonly #memory: Storage;
  readonly #changed = new Map<string, readonly [kind: string, key: string]>();
  #writing: Promise<void> = Promise.resolve();

  constructor(storage: Storage) {
    this.storage = storage;
    this.#memory = storage.durable ? new Memory() : storage;
  }

  /** Loads everything, in the order of its creation. */
  async open(): Promise<void> {
    const rows = await this.storage.open();
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
    const write = () => this.#write();
    // Whoever has begun to write is told of its own error.
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }

  async #write(): Promise<void> {
    const changed = [...this.#changed];
    if (changed.length === 0) return;
    this.#changed.clear();
    try {
      await this.storage.write(changed.map(([, [kind, key]]) => this.#row(kind, key)));
    } catch (problem) {
      for (const [name, pair] of changed) this.#changed.set(name, pair);
      throw problem;
    }
  }

  #row(kind: string, key: string): Row {
    const saved = this.kinds[kind]?.dump(key) ?? null;
    return [kind, key, saved === null ? null : encode(saved)];
  }
}
