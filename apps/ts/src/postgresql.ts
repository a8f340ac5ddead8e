/** Keeps everything in PostgreSQL, which several servers can use at the same time. */

import { randomUUID } from "node:crypto";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph";
import { log } from "./log.js";
import type { Columns } from "./sql-store.js";
import { type Row, type Storage, StorageError, valuesTable, withRunMetadata } from "./storage.js";

// The Python server's tables have the same names, with another content.
const SCHEMA = "fractal_agents_ts";
// The keys of the locks that keep other servers from changing records, and from making tables.
const [LOCK, TABLES_LOCK] = ["7310579612409217635", "7310579612409217636"];
/** The milliseconds to wait for others that make the tables. */
const PATIENCE = 30_000;
const PAUSE = 100;
const TABLES = [
  `CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`,
  // A record that is null is deleted. It stays for a while, so that all servers learn of it.
  `CREATE TABLE IF NOT EXISTS ${SCHEMA}.runtime_records (
    kind text NOT NULL, id text NOT NULL, record text, server text NOT NULL,
    number bigserial, written timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (kind, id)
  )`,
  `CREATE INDEX IF NOT EXISTS runtime_records_number ON ${SCHEMA}.runtime_records (number)`,
  `CREATE TABLE IF NOT EXISTS ${SCHEMA}.runtime_servers (
    id text PRIMARY KEY, seen timestamptz NOT NULL
  )`,
  valuesTable(`${SCHEMA}.store`),
];
const PUT = `INSERT INTO ${SCHEMA}.runtime_records (kind, id, record, server)
  SELECT kind, id, record, $1 FROM unnest($2::text[], $3::text[], $4::text[])
    AS given (kind, id, record)
  ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record, server = excluded.server,
    number = nextval('${SCHEMA}.runtime_records_number_seq'), written = now()`;
const CHANGES = `SELECT kind, id, record, number FROM ${SCHEMA}.runtime_records
  WHERE number > $1 AND server <> $2 ORDER BY number`;
const BEAT = `INSERT INTO ${SCHEMA}.runtime_servers VALUES ($1, clock_timestamp())
  ON CONFLICT (id) DO UPDATE SET seen = excluded.seen`;
const ALIVE = `SELECT id FROM ${SCHEMA}.runtime_servers
  WHERE seen > clock_timestamp() - make_interval(secs => $1)`;
const SWEEP = [
  `DELETE FROM ${SCHEMA}.runtime_records
    WHERE record IS NULL AND written < now() - interval '1 hour'`,
  `DELETE FROM ${SCHEMA}.runtime_servers WHERE seen < now() - interval '1 hour'`,
];
const COLUMNS: Readonly<Record<string, string>> = {
  checkpoints: "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
  checkpoint_blobs: "checkpoint_ns, channel, version, type, blob",
  checkpoint_writes: "checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob",
};

/** A connection of the driver `pg`. */
interface Client {
  query(sql: string, values?: readonly unknown[]): Promise<{ rows: Columns[] }>;
  release(): void;
}

/** The connections of the driver `pg`, which is a dependency of langgraph's package. */
interface Pool {
  connect(): Promise<Client>;
  on(event: "error", listener: (problem: Error) => void): unknown;
}

interface Opened {
  readonly pool: Pool;
  readonly saver: BaseCheckpointSaver;
  readonly store: BaseStore;
}

/** A database that several servers share. Each has an id, and tells often that it runs. */
export class Postgresql implements Storage {
  readonly durable = true;
  readonly shared = true;
  readonly server: string = randomUUID();
  readonly #url: string;
  readonly #lease: number;
  #opened: Opened | undefined;
  // The connection of the turn.
  #turn: Client | undefined;
  // The number of the last record that is known.
  #number = 0;

  constructor(url: string, lease: number) {
    // The address is not in the message: it may have a password.
    if (!URL.canParse(url)) {
      throw new StorageError("--db: the address of PostgreSQL is not valid");
    }
    this.#url = url;
    this.#lease = lease;
  }

  async open(): Promise<readonly Row[]> {
    const [{ PostgresSaver }, { SqlStore }] = await Promise.all([
      import("@langchain/langgraph-checkpoint-postgres"),
      import("./sql-store.js"),
    ]);
    const saver = PostgresSaver.fromConnString(this.#url, { schema: SCHEMA });
    // It is private: langgraph's package has no other way to share its connections.
    const { pool } = saver as unknown as { pool: Pool };
    // Without a listener, a connection that breaks would end the process.
    pool.on("error", ({ message }) => log("ERROR", `a connection to PostgreSQL: ${message}`));
    const store = new SqlStore(
      async (sql, values) => (await this.#query(sql, ...values)).rows,
      `${SCHEMA}.store`,
    );
    this.#opened = { pool, saver: withRunMetadata(saver), store };
    try {
      await this.#makeTables(() => saver.setup());
      return this.#known((await this.#query(CHANGES, -1, "")).rows);
    } catch (problem) {
      if (problem instanceof StorageError) throw problem;
      const [line = ""] = String(problem instanceof Error ? problem.message : problem).split("\n");
      throw new StorageError(`can't use PostgreSQL: ${line || "no connection"}`);
    }
  }

  async #makeTables(more: () => Promise<void>): Promise<void> {
    await this.#connected(async (client) => {
      // Polled: a server that waits in the database would keep another one from making an index.
      const mine = async () => {
        const sql = "SELECT pg_try_advisory_lock($1::bigint) AS mine";
        return (await client.query(sql, [TABLES_LOCK])).rows[0]?.["mine"] === true;
      };
      const deadline = Date.now() + PATIENCE;
      while (!(await mine())) {
        if (Date.now() > deadline) {
          throw new StorageError("can't use PostgreSQL: another server makes its tables");
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
      try {
        for (const sql of TABLES) await client.query(sql);
        await more();
      } finally {
        await client.query("SELECT pg_advisory_unlock($1::bigint)", [TABLES_LOCK]);
      }
    });
  }

  async #connected<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    const client = await this.#all.pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  #query(sql: string, ...values: unknown[]): Promise<{ rows: Columns[] }> {
    return this.#connected((client) => client.query(sql, values));
  }

  #transaction<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    return this.#connected(async (client) => {
      await client.query("BEGIN");
      try {
        const result = await work(client);
        await client.query("COMMIT");
        return result;
      } catch (problem) {
        await client.query("ROLLBACK").catch(() => undefined);
        throw problem;
      }
    });
  }

  #known(rows: readonly Columns[]): Row[] {
    // The driver returns large integers as text.
    this.#number = Math.max(this.#number, ...rows.map((row) => Number(row["number"])));
    return rows.map(({ kind, id, record }) => [
      String(kind),
      String(id),
      record === null ? null : String(record),
    ]);
  }

  get #all(): Opened {
    if (!this.#opened) throw new StorageError("the storage is not open");
    return this.#opened;
  }

  async saver(): Promise<BaseCheckpointSaver> {
    return this.#all.saver;
  }

  async store(): Promise<BaseStore> {
    return this.#all.store;
  }

  turn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#transaction(async (client) => {
      await client.query("SELECT pg_advisory_xact_lock($1::bigint)", [LOCK]);
      this.#turn = client;
      try {
        return await work();
      } finally {
        this.#turn = undefined;
      }
    });
  }

  async changes(): Promise<readonly Row[]> {
    const values = [this.#number, this.server];
    const found = this.#turn
      ? await this.#turn.query(CHANGES, values)
      : await this.#query(CHANGES, ...values);
    return this.#known(found.rows);
  }

  async beat(): Promise<ReadonlySet<string>> {
    return await this.#connected(async (client) => {
      await client.query(BEAT, [this.server]);
      for (const sql of SWEEP) await client.query(sql);
      const { rows } = await client.query(ALIVE, [this.#lease]);
      return new Set(rows.map(({ id }) => String(id)));
    });
  }

  async write(rows: readonly Row[]): Promise<void> {
    const client = this.#turn;
    if (!client) throw new StorageError("records are written in a turn only");
    const columns = [0, 1, 2].map((n) => rows.map((row) => row[n]));
    await client.query(PUT, [this.server, ...columns]);
    const gone = rows.filter(([kind, , json]) => kind === "thread" && json === null);
    if (gone.length === 0) return;
    for (const table of Object.keys(COLUMNS)) {
      const sql = `DELETE FROM ${SCHEMA}.${table} WHERE thread_id = ANY($1)`;
      await client.query(sql, [gone.map(([, key]) => key)]);
    }
  }

  forget(): void {
    // `write` removes the checkpoints of deleted threads.
  }

  async copy(source: string, target: string): Promise<void> {
    await this.#transaction(async (client) => {
      for (const [table, columns] of Object.entries(COLUMNS)) {
        const sql = `INSERT INTO ${SCHEMA}.${table} (thread_id, ${columns})
          SELECT $1, ${columns} FROM ${SCHEMA}.${table} WHERE thread_id = $2`;
        await client.query(sql, [target, source]);
      }
    });
  }

  async cut(threadId: string): Promise<void> {
    const last = `SELECT max(checkpoint_id) FROM ${SCHEMA}.checkpoints AS other
      WHERE other.thread_id = $1 AND other.checkpoint_ns = this.checkpoint_ns`;
    await this.#remove(`checkpoint_id < (${last})`, threadId);
  }

  async last(threadId: string): Promise<string> {
    const sql = `SELECT max(checkpoint_id) AS last FROM ${SCHEMA}.checkpoints
      WHERE thread_id = $1`;
    return String((await this.#query(sql, threadId)).rows[0]?.["last"] ?? "");
  }

  async restore(threadId: string, last: string): Promise<void> {
    await this.#remove("checkpoint_id > $2", threadId, last);
  }

  async #remove(condition: string, ...values: string[]): Promise<void> {
    await this.#transaction(async (client) => {
      // The writes first: the condition may need the checkpoints.
      for (const table of ["checkpoint_writes", "checkpoints"]) {
        const sql = `DELETE FROM ${SCHEMA}.${table} AS this WHERE thread_id = $1 AND ${condition}`;
        await client.query(sql, values);
      }
    });
  }
}
