/** langgraph's store of values in SQLite. */

import {
  BaseStore,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchOperation,
} from "@langchain/langgraph";
import type { Columns, Connection } from "./sqlite.js";

const TABLE = `CREATE TABLE IF NOT EXISTS store (
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (namespace, key)
)`;
const PUT = `INSERT INTO store VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`;
// A namespace is JSON, so those below ["a"] begin with ["a", of which the length is given.
const BELOW =
  "SELECT * FROM store WHERE namespace = ? OR substr(namespace, 1, ?) = ? ORDER BY rowid";

/** Values by namespace and key, with the filters of langgraph's store in memory. */
export class SqliteStore extends BaseStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super();
    this.#connection = connection;
    connection.exec(TABLE);
  }

  async batch<Operations extends Operation[]>(
    operations: Operations,
  ): Promise<OperationResults<Operations>> {
    const results: unknown[] = [];
    this.#connection.transaction(() => {
      for (const one of operations) results.push(this.#done(one));
    })();
    return results as OperationResults<Operations>;
  }

  #done(one: Operation): unknown {
    if ("namespacePrefix" in one) return this.#search(one);
    if ("value" in one) return this.#put(one);
    if ("key" in one) return this.#get(one);
    return this.#namespaces(one);
  }

  #get({ namespace, key }: GetOperation): Item | null {
    const sql = "SELECT * FROM store WHERE namespace = ? AND key = ?";
    const found = this.#connection.prepare(sql).get(JSON.stringify(namespace), key);
    return found ? itemOf(found) : null;
  }

  #put({ namespace, key, value }: PutOperation): void {
    const place = JSON.stringify(namespace);
    if (value === null) {
      const sql = "DELETE FROM store WHERE namespace = ? AND key = ?";
      this.#connection.prepare(sql).run(place, key);
    } else {
      const time = Date.now();
      this.#connection.prepare(PUT).run(place, key, JSON.stringify(value), time, time);
    }
  }

  #search({ namespacePrefix, filter, limit = 10, offset = 0 }: SearchOperation): Item[] {
    const whole = JSON.stringify(namespacePrefix);
    const start = namespacePrefix.length > 0 ? `${whole.slice(0, -1)},` : "[";
    const found = this.#connection
      .prepare(BELOW)
      .all(whole, [...start].length, start)
      .map(itemOf);
    const wanted = Object.entries(filter ?? {});
    return found
      .filter(({ value }) => wanted.every(([name, condition]) => holds(value[name], condition)))
      .slice(offset, offset + limit);
  }

  #namespaces(asked: ListNamespacesOperation): string[][] {
    const { matchConditions = [], maxDepth, limit, offset = 0 } = asked;
    const rows = this.#connection.prepare("SELECT DISTINCT namespace FROM store").all();
    const found = rows
      .map(({ namespace }) => JSON.parse(String(namespace)) as string[])
      .filter((one) =>
        matchConditions.every(({ matchType, path }) => matches(one, matchType, path)),
      )
      .map((one) => JSON.stringify(one.slice(0, maxDepth)));
    const known = [...new Set(found)].map((one) => JSON.parse(one) as string[]);
    known.sort((a, b) => a.join(":").localeCompare(b.join(":")));
    return known.slice(offset, offset + (limit ?? known.length));
  }
}

function itemOf(row: Columns): Item {
  return {
    namespace: JSON.parse(String(row["namespace"])),
    key: String(row["key"]),
    value: JSON.parse(String(row["value"])),
    createdAt: new Date(Number(row["created_at"])),
    updatedAt: new Date(Number(row["updated_at"])),
  };
}

function matches(namespace: readonly string[], kind: string, path: readonly string[]): boolean {
  if (path.length > namespace.length) return false;
  const start = kind === "prefix" ? 0 : namespace.length - path.length;
  return path.every((label, n) => label === "*" || namespace[start + n] === label);
}

type Test = (value: unknown, wanted: unknown) => boolean;
const TESTS: Readonly<Record<string, Test>> = {
  $eq: (value, wanted) => value === wanted,
  $ne: (value, wanted) => value !== wanted,
  $gt: (value, wanted) => Number(value) > Number(wanted),
  $gte: (value, wanted) => Number(value) >= Number(wanted),
  $lt: (value, wanted) => Number(value) < Number(wanted),
  $lte: (value, wanted) => Number(value) <= Number(wanted),
  $in: (value, wanted) => Array.isArray(wanted) && wanted.includes(value),
  $nin: (value, wanted) => !Array.isArray(wanted) || !wanted.includes(value),
};

/** Tells whether a value is the wanted one, or passes the tests that an object names. */
function holds(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return value === wanted;
  return Object.entries(wanted).every(([name, one]) => TESTS[name]?.(value, one) ?? false);
}
