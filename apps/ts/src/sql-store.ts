/** langgraph's store of values in a database with SQL. */

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

/** A row of a result. */
export type Columns = Readonly<Record<string, unknown>>;

/** Executes SQL with the parameters $1, $2… Returns the rows. */
export type Execute = (
  sql: string,
  values: readonly unknown[],
) => readonly Columns[] | Promise<readonly Columns[]>;

/**
 * Values by namespace and key, with the filters of langgraph's store in memory.
 *
 * Also for PostgreSQL: langgraph's own store for it finds the namespace `ab` below `a`, and refuses
 * labels with `_`.
 */
export class SqlStore extends BaseStore {
  readonly #execute: Execute;
  readonly #table: string;

  constructor(execute: Execute, table: string) {
    super();
    this.#execute = execute;
    this.#table = table;
  }

  async batch<Operations extends Operation[]>(
    operations: Operations,
  ): Promise<OperationResults<Operations>> {
    const results: unknown[] = [];
    for (const one of operations) results.push(await this.#done(one));
    return results as OperationResults<Operations>;
  }

  #done(one: Operation): Promise<unknown> {
    if ("namespacePrefix" in one) return this.#search(one);
    if ("value" in one) return this.#put(one);
    if ("key" in one) return this.#get(one);
    return this.#namespaces(one);
  }

  async #get({ namespace, key }: GetOperation): Promise<Item | null> {
    const sql = `SELECT * FROM ${this.#table} WHERE namespace = $1 AND key = $2`;
    const [found] = await this.#execute(sql, [JSON.stringify(namespace), key]);
    return found ? itemOf(found) : null;
  }

  async #put({ namespace, key, value }: PutOperation): Promise<void> {
    const place = JSON.stringify(namespace);
    if (value === null) {
      const sql = `DELETE FROM ${this.#table} WHERE namespace = $1 AND key = $2`;
      await this.#execute(sql, [place, key]);
      return;
    }
    const sql = `INSERT INTO ${this.#table} VALUES ($1, $2, $3, $4, $5) ON CONFLICT (namespace, key)
      DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`;
    const time = Date.now();
    await this.#execute(sql, [place, key, JSON.stringify(value), time, time]);
  }

  async #search(asked: SearchOperation): Promise<Item[]> {
    const { namespacePrefix, filter, limit = 10, offset = 0 } = asked;
    // A namespace is JSON, so those below ["a"] begin with ["a", of which the length is given.
    const whole = JSON.stringify(namespacePrefix);
    const start = namespacePrefix.length > 0 ? `${whole.slice(0, -1)},` : "[";
    const sql = `SELECT * FROM ${this.#table} WHERE namespace = $1 OR substr(namespace, 1, $2) = $3
      ORDER BY created_at, namespace, key`;
    const found = await this.#execute(sql, [whole, [...start].length, start]);
    const wanted = Object.entries(filter ?? {});
    return found
      .map(itemOf)
      .filter(({ value }) => wanted.every(([name, condition]) => holds(value[name], condition)))
      .slice(offset, offset + limit);
  }

  async #namespaces(asked: ListNamespacesOperation): Promise<string[][]> {
    const { matchConditions = [], maxDepth, limit, offset = 0 } = asked;
    const rows = await this.#execute(`SELECT DISTINCT namespace FROM ${this.#table}`, []);
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

function matches(namespace: readonly string[], kind: string, path: readonly string[]): boolean {
  if (path.length > namespace.length) return false;
  const start = kind === "prefix" ? 0 : namespace.length - path.length;
  return path.every((label, n) => label === "*" || namespace[start + n] === label);
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
