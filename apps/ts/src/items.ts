/** The store: values by namespace and key, which graphs can use too. */

import type { BaseStore, Item } from "@langchain/langgraph";
import type { Call } from "./call.js";
import { nothing, refused } from "./errors.js";
import type * as models from "./models.js";
import type { Records } from "./records.js";
import type { Runtime } from "./runtime.js";
import { type Json, stamp } from "./values.js";

const MINUTE = 60_000;
// langgraph does not allow its own name as the first label.
const RESERVED = "langgraph";

interface End {
  readonly namespace: string[];
  readonly key: string;
  readonly time: number;
  readonly minutes: number;
}

/** langgraph's own store, and when its values end. */
export class Items {
  readonly #journal: Records;
  // By the JSON of namespace and key.
  readonly #ends = new Map<string, End>();

  constructor(records: Records) {
    this.#journal = records;
  }

  /** Returns when a value expires, for the storage. */
  dump(name: string): Json | null {
    const end = this.#ends.get(name);
    return end ? { ...end } : null;
  }

  /** Loads from the storage when a value expires. */
  load(name: string, saved: Json | null): void {
    if (saved) this.#ends.set(name, saved as unknown as End);
    else this.#ends.delete(name);
  }

  /** Deletes the values that have ended, and returns langgraph's store. */
  async sweep(): Promise<BaseStore> {
    const store = await this.#journal.storage.store();
    const time = Date.now();
    for (const { namespace, key, time: end } of [...this.#ends.values()]) {
      if (end > time) continue;
      this.keep(namespace, key, null);
      await store.delete(namespace, key);
    }
    return store;
  }

  /** Lets a value end after these minutes. null: never. */
  keep(namespace: string[], key: string, minutes: number | null): void {
    const name = JSON.stringify([namespace, key]);
    if (minutes !== null) {
      this.#ends.set(name, { namespace, key, time: Date.now() + minutes * MINUTE, minutes });
    } else if (!this.#ends.delete(name)) return;
    this.#journal.mark("end", name);
  }

  /** Restarts the time to live of a value. */
  used(namespace: string[], key: string): void {
    const end = this.#ends.get(JSON.stringify([namespace, key]));
    if (end) this.keep(namespace, key, end.minutes);
  }
}

/** Answers 422 if langgraph does not accept a namespace. Newer versions refuse more of them. */
async function accepted<Result>(work: Promise<Result>, ...place: string[]): Promise<Result> {
  try {
    return await work;
  } catch (problem) {
    if (!(problem instanceof Error) || problem.name !== "InvalidNamespaceError") throw problem;
    throw refused(problem.message, place);
  }
}

/** Stores a value. */
export async function put(runtime: Runtime, call: Call<models.ItemPut>): Promise<Response> {
  const { namespace, key, value, ttl } = call.body;
  if (namespace[0] === RESERVED) {
    throw refused(`must not be ${RESERVED}`, ["body", "namespace", 0]);
  }
  const store = await runtime.items.sweep();
  await accepted(store.put(namespace, key, value), "body", "namespace");
  runtime.items.keep(namespace, key, ttl);
  return nothing();
}

/** Returns a value, or null. */
export async function get(runtime: Runtime, call: Call): Promise<Json | null> {
  const namespace = (call.text("namespace") ?? "").split(".");
  const key = call.text("key") ?? "";
  const store = await runtime.items.sweep();
  const found = await accepted(store.get(namespace, key), "query", "namespace");
  if (found && call.flag("refresh_ttl", true)) runtime.items.used(namespace, key);
  return found ? jsonOf(found) : null;
}

/** Deletes a value. One that does not exist is deleted too. */
export async function remove(runtime: Runtime, call: Call<models.ItemDelete>): Promise<Response> {
  const { namespace, key } = call.body;
  const store = await runtime.items.sweep();
  await accepted(store.delete(namespace, key), "body", "namespace");
  runtime.items.keep(namespace, key, null);
  return nothing();
}

/** Returns a page of the values below a namespace. */
export async function search(runtime: Runtime, call: Call<models.ItemSearch>): Promise<Json> {
  const { namespace_prefix, filter, limit, offset, refresh_ttl } = call.body;
  const store = await runtime.items.sweep();
  const more = { limit, offset, ...(filter && { filter }) };
  const search = store.search(namespace_prefix, more);
  const found = await accepted(search, "body", "namespace_prefix");
  if (refresh_ttl !== false) {
    for (const one of found) runtime.items.used(one.namespace, one.key);
  }
  return { items: found.map((one) => ({ ...jsonOf(one), score: one.score ?? null })) };
}

/** Returns a page of the namespaces. */
export async function namespaces(
  runtime: Runtime,
  call: Call<models.NamespaceSearch>,
): Promise<Json> {
  const { prefix, suffix, max_depth, limit, offset } = call.body;
  const store = await runtime.items.sweep();
  const listed = store.listNamespaces({
    limit,
    offset,
    ...(prefix?.length && { prefix }),
    ...(suffix?.length && { suffix }),
    ...(max_depth && { maxDepth: max_depth }),
  });
  return { namespaces: await accepted(listed, "body", prefix?.length ? "prefix" : "suffix") };
}

function jsonOf(item: Item): Json {
  return {
    namespace: item.namespace,
    key: item.key,
    value: item.value,
    created_at: stamp(item.createdAt),
    updated_at: stamp(item.updatedAt),
  };
}
