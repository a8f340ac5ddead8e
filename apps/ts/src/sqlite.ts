/** Keeps everything in one SQLite file: langgraph's own tables, one for values and one for records. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph";
import type { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import type { Columns } from "./sql-store.js";
import {
  Alone,
  type Row,
  type Storage,
  StorageError,
  valuesTable,
  withRunMetadata,
} from "./storage.js";

/** The milliseconds to wait for another connection's transaction. */
const PATIENCE = 30_000;
// Marks the file as one of this server: "frts".
const OURS = 0x66727473;
const TABLE = `CREATE TABLE IF NOT EXISTS runtime_records (
    kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (kind, id)
)`;
const PUT = `INSERT INTO runtime_records VALUES (?, ?, ?)
    ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record`;
const CHECKPOINTS =
  "thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata";
const WRITES = "thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, value";

/** A connection, as better-sqlite3 has it. */
export interface Connection {
  prepare(sql: string): {
    get(...values: unknown[]): Columns | undefined;
    all(...values: unknown[]): Columns[];
    run(...values: unknown[]): unknown;
  };
  exec(sql: string): unknown;
  pragma(text: string): unknown;
  transaction<Values extends unknown[]>(
    work: (...values: Values) => void,
  ): (...values: Values) => void;
}

/** One file, used by one process at a time. */
export class Sqlite extends Alone implements Storage {
  readonly durable = true;
  readonly #file: string;
  // Kept: a lock of SQLite ends with its connection.
  #guard: Connection | undefined;
  #opened: { connection: Connection; saver: BaseCheckpointSaver; store: BaseStore } | undefined;

  constructor(file: string) {
    super();
    this.#file = file;
  }

  async open(): Promise<readonly Row[]> {
    if (!existsSync(dirname(this.#file))) throw this.#unusable("its folder does not exist");
    const [checkpoints, { SqlStore }] = await Promise.all([
      import("@langchain/langgraph-checkpoint-sqlite"),
      import("./sql-store.js"),
    ]);
    await this.#lock(checkpoints.SqliteSaver);
    try {
      const connection = await connect(checkpoints.SqliteSaver, this.#file);
      connection.pragma(`busy_timeout = ${PATIENCE}`);
      this.#mark(connection);
      connection.pragma("journal_mode = WAL");
      // Each commit survives the end of the process; one less wait for the disk than FULL.
      connection.pragma("synchronous = NORMAL");
      connection.exec(TABLE);
      const saver = new checkpoints.SqliteSaver(connection as never);
      // Protected, but it makes the tables, which `write` needs.
      (saver as unknown as { setup(): void }).setup();
      connection.exec(valuesTable("store"));
      // Without numbers, because better-sqlite3 takes ?1 for a name. All statements of the store have
      // their parameters in order.
      const execute = (sql: string, values: readonly unknown[]) => {
        const statement = connection.prepare(sql.replaceAll(/\$\d/g, "?"));
        if (sql.startsWith("SELECT")) return statement.all(...values);
        statement.run(...values);
        return [];
      };
      const store = new SqlStore(execute, "store");
      this.#opened = { connection, saver: withRunMetadata(saver), store };
      const rows = connection
        .prepare("SELECT kind, id, record FROM runtime_records ORDER BY rowid")
        .all();
      return rows.map(({ kind, id, record }) => [String(kind), String(id), String(record)]);
    } catch (problem) {
      throw problem instanceof StorageError ? problem : this.#unusable(textOf(problem));
    }
  }

  #unusable(reason: string): StorageError {
    return new StorageError(`can't use ${this.#file}: ${reason}`);
  }

  /** Keeps other processes from the file: they would execute the same runs. */
  async #lock(saver: typeof SqliteSaver): Promise<void> {
    try {
      // A lock of SQLite ends with its process, whatever ends it.
      this.#guard = await connect(saver, `${this.#file}.lock`);
      this.#guard.pragma("busy_timeout = 0");
      this.#guard.exec("BEGIN EXCLUSIVE");
    } catch (problem) {
      const reason = textOf(problem);
      throw this.#unusable(reason.includes("locked") ? "another server uses it" : reason);
    }
  }

  /** Refuses a file of another program. The Python server's tables have the same names. */
  #mark(connection: Connection): void {
    const found = connection.prepare("PRAGMA application_id").get()?.["application_id"];
    const tables = connection.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.["n"];
    if (found === 0 && tables === 0) connection.pragma(`application_id = ${OURS}`);
    else if (found !== OURS) throw this.#unusable("another program made it");
  }

  get #all(): { connection: Connection; saver: BaseCheckpointSaver; store: BaseStore } {
    if (!this.#opened) throw new StorageError("the storage is not open");
    return this.#opened;
  }

  async saver(): Promise<BaseCheckpointSaver> {
    return this.#all.saver;
  }

  async store(): Promise<BaseStore> {
    return this.#all.store;
  }

  async write(rows: readonly Row[]): Promise<void> {
    this.#transaction((connection) => {
      const put = connection.prepare(PUT);
      const remove = connection.prepare("DELETE FROM runtime_records WHERE kind = ? AND id = ?");
      for (const [kind, key, json] of rows) {
        if (json !== null) put.run(kind, key, json);
        else {
          remove.run(kind, key);
          if (kind === "thread") removeCheckpoints(connection, key, "1 = ?", 1);
        }
      }
    });
  }

  #transaction(work: (connection: Connection) => void): void {
    const { connection } = this.#all;
    connection.transaction(() => work(connection))();
  }

  forget(): void {
    // `write` removes the checkpoints of deleted threads.
  }

  async copy(source: string, target: string): Promise<void> {
    this.#transaction((connection) => {
      for (const [table, columns] of [
        ["checkpoints", CHECKPOINTS],
        ["writes", WRITES],
      ] as const) {
        const chosen = columns.replace("thread_id", "?");
        const sql = `INSERT INTO ${table} (${columns}) SELECT ${chosen} FROM ${table}`;
        connection.prepare(`${sql} WHERE thread_id = ?`).run(target, source);
      }
    });
  }

  async cut(threadId: string): Promise<void> {
    const last = `SELECT max(checkpoint_id) FROM checkpoints AS other
      WHERE other.thread_id = ? AND other.checkpoint_ns = TABLE.checkpoint_ns`;
    this.#transaction((connection) =>
      removeCheckpoints(connection, threadId, `checkpoint_id < (${last})`, threadId),
    );
  }

  async last(threadId: string): Promise<string> {
    const sql = "SELECT max(checkpoint_id) AS last FROM checkpoints WHERE thread_id = ?";
    return String(this.#all.connection.prepare(sql).get(threadId)?.["last"] ?? "");
  }

  async restore(threadId: string, last: string): Promise<void> {
    this.#transaction((connection) =>
      removeCheckpoints(connection, threadId, "checkpoint_id > ?", last),
    );
  }
}

/** Removes checkpoints of a thread. TABLE in the condition is the name of the table. */
function removeCheckpoints(
  connection: Connection,
  threadId: string,
  condition: string,
  value: unknown,
): void {
  // `writes` first: the condition may need the checkpoints.
  for (const table of ["writes", "checkpoints"]) {
    const where = condition.replace("TABLE", table);
    connection
      .prepare(`DELETE FROM ${table} WHERE thread_id = ? AND ${where}`)
      .run(threadId, value);
  }
}

function textOf(problem: unknown): string {
  const [line = ""] = String(problem instanceof Error ? problem.message : problem).split("\n");
  // What better-sqlite3 says if its compiled part is missing.
  if (!line.startsWith("Could not locate the bindings file")) return line;
  return "better-sqlite3 is not compiled: npm rebuild better-sqlite3";
}

async function connect(saver: typeof SqliteSaver, file: string): Promise<Connection> {
  if ("Bun" in globalThis) return await connectOnBun(file);
  // The saver's own dependency better-sqlite3, which a package manager may hide from this module.
  return saver.fromConnString(file).db as unknown as Connection;
}

/** Bun's own SQLite with the interface of better-sqlite3, which Bun can't load. */
async function connectOnBun(file: string): Promise<Connection> {
  const { Database } = await import("bun:sqlite");
  const database = new Database(file, { create: true });
  return {
    prepare(sql) {
      const statement = database.query<Columns, never[]>(sql);
      return {
        get: (...values) => statement.get(...(values as never[])) ?? undefined,
        all: (...values) => statement.all(...(values as never[])),
        run: (...values) => statement.run(...(values as never[])),
      };
    },
    exec: (sql) => database.exec(sql),
    pragma: (text) => database.query(`PRAGMA ${text}`).all(),
    transaction: (work) => database.transaction(work),
  };
}
