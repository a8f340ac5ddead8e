/** Where a server keeps its data: in memory. `sqlite.ts` and `postgresql.ts` have the same functions. */

import type { BaseCheckpointSaver, BaseStore, MemorySaver } from "@langchain/langgraph";

/** A record: its kind, its id, and its JSON. null: it is deleted. */
export type Row = readonly [kind: string, key: string, json: string | null];

/** The storage can't be used. The message says why, without the database's password. */
export class StorageError extends Error {}

/** Keeps checkpoints, values and records. */
export interface Storage {
  /** True if records are written, and so survive the process. */
  readonly durable: boolean;
  /** True if several servers use the same data. */
  readonly shared: boolean;
  /** The id of this server among those that share the data. */
  readonly server: string;
  /** Connects. Returns all records. */
  open(): Promise<readonly Row[]>;
  /** langgraph's store of checkpoints. */
  saver(): Promise<BaseCheckpointSaver>;
  /** langgraph's store of values. */
  store(): Promise<BaseStore>;
  /** Keeps other servers from changing records during the work. */
  turn<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Returns what other servers have written since the last call. */
  changes(): Promise<readonly Row[]>;
  /** Tells that this server runs. Returns the ids of those that run. */
  beat(): Promise<ReadonlySet<string>>;
  /** Writes records, and removes the checkpoints of deleted threads: all or nothing. */
  write(rows: readonly Row[]): Promise<void>;
  /** Removes the checkpoints of a thread, if that can be done at once. */
  forget(threadId: string): void;
  /** Copies the checkpoints of a thread. */
  copy(source: string, target: string): Promise<void>;
  /** Removes all checkpoints of a thread but the last of each namespace. */
  cut(threadId: string): Promise<void>;
  /** Returns the id of a thread's last checkpoint. Later ones have greater ids. */
  last(threadId: string): Promise<string>;
  /** Removes all checkpoints of a thread after this one. */
  restore(threadId: string, last: string): Promise<void>;
}

/** The functions of a storage that only one server uses. */
export class Alone {
  readonly shared = false;
  readonly server = "";

  turn<Result>(work: () => Promise<Result>): Promise<Result> {
    return work();
  }

  async changes(): Promise<readonly Row[]> {
    return [];
  }

  async beat(): Promise<ReadonlySet<string>> {
    return new Set([this.server]);
  }
}

/** langgraph's own stores in memory. Records are in memory anyway, so they are not written. */
export class Memory extends Alone implements Storage {
  readonly durable = false;
  #saver: MemorySaver | undefined;
  #store: BaseStore | undefined;

  async open(): Promise<readonly Row[]> {
    return [];
  }

  async saver(): Promise<BaseCheckpointSaver> {
    if (!this.#saver) {
      // Imported when it is used first: langgraph is slow to import.
      const { MemorySaver: Saver } = await import("@langchain/langgraph");
      this.#saver ??= withQuickLast(withRunMetadata(new Saver()));
    }
    return this.#saver;
  }

  async store(): Promise<BaseStore> {
    if (!this.#store) {
      const { InMemoryStore } = await import("@langchain/langgraph");
      this.#store ??= new InMemoryStore();
    }
    return this.#store;
  }

  async write(): Promise<void> {
    return undefined;
  }

  forget(threadId: string): void {
    const saver = this.#saver;
    if (!saver) return;
    delete saver.storage[threadId];
    for (const key of this.#writes(threadId)) delete saver.writes[key];
  }

  // The keys of a thread's writes, which are JSON: thread, namespace, checkpoint.
  #writes(threadId: string): string[] {
    const start = `${JSON.stringify([threadId]).slice(0, -1)},`;
    return Object.keys(this.#saver?.writes ?? {}).filter((key) => key.startsWith(start));
  }

  async copy(source: string, target: string): Promise<void> {
    const saver = this.#saver;
    const saved = saver?.storage[source];
    if (!saver || !saved) return;
    saver.storage[target] = structuredClone(saved);
    for (const key of this.#writes(source)) {
      const [, ...rest] = JSON.parse(key) as string[];
      saver.writes[JSON.stringify([target, ...rest])] = structuredClone(saver.writes[key] ?? {});
    }
  }

  async cut(threadId: string): Promise<void> {
    for (const saved of Object.values(this.#saver?.storage[threadId] ?? {})) {
      for (const key of Object.keys(saved).sort().slice(0, -1)) delete saved[key];
    }
  }

  async last(threadId: string): Promise<string> {
    return greatest(Object.values(this.#saver?.storage[threadId] ?? {}).flatMap(Object.keys));
  }

  async restore(threadId: string, last: string): Promise<void> {
    const spaces = this.#saver?.storage[threadId] ?? {};
    for (const [space, saved] of Object.entries(spaces)) {
      for (const key of Object.keys(saved)) if (key > last) delete saved[key];
      // An empty namespace is an error for langgraph.
      if (Object.keys(saved).length === 0) delete spaces[space];
    }
  }
}

/** The writes of checkpoints that have begun and not ended, by thread. */
const WRITING = new Map<string, Set<Promise<unknown>>>();

/** Waits until all checkpoints of a thread are written. langgraph does not, if a run is cancelled. */
export async function written(threadId: string): Promise<void> {
  for (;;) {
    const writing = WRITING.get(threadId);
    if (!writing) return;
    await Promise.allSettled(writing);
    // The next one of the same run begins when this one has ended.
    await new Promise(setImmediate);
  }
}

/** Lets checkpoints have the metadata of their run, as in Python. */
export function withRunMetadata<Saver extends BaseCheckpointSaver>(saver: Saver): Saver {
  const put = saver.put.bind(saver);
  saver.put = async (config, checkpoint, metadata, versions) => {
    const threadId = String(config.configurable?.["thread_id"]);
    const write = put(config, checkpoint, { ...config.metadata, ...metadata }, versions);
    const writing = WRITING.get(threadId) ?? new Set();
    WRITING.set(threadId, writing.add(write));
    try {
      return await write;
    } finally {
      writing.delete(write);
      if (writing.size === 0) WRITING.delete(threadId);
    }
  };
  return saver;
}

/** Finds a thread's last checkpoint without sorting all of them, as langgraph does for each run. */
function withQuickLast(saver: MemorySaver): MemorySaver {
  const getTuple = saver.getTuple.bind(saver);
  saver.getTuple = (config) => {
    const { thread_id, checkpoint_ns = "", checkpoint_id, thread_ts } = config.configurable ?? {};
    if (checkpoint_id || thread_ts) return getTuple(config);
    const last = greatest(Object.keys(saver.storage[thread_id]?.[checkpoint_ns] ?? {}));
    if (!last) return getTuple(config);
    return getTuple({ configurable: { thread_id, checkpoint_ns, checkpoint_id: last } });
  };
  return saver;
}

function greatest(ids: readonly string[]): string {
  let found = "";
  for (const id of ids) if (id > found) found = id;
  return found;
}

/** Returns the SQL that makes the table of `SqlStore`. */
export function valuesTable(name: string): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, PRIMARY KEY (namespace, key)
  )`;
}
