/** Which storage a setting names. */

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { Postgresql } from "./postgresql.js";
import { Sqlite } from "./sqlite.js";
import { Memory, type Storage, StorageError } from "./storage.js";

/**
 * Returns the storage that a setting names: `memory`, `sqlite:FILE` or `postgresql://…`. Throws a
 * StorageError.
 *
 * Servers that share a database and are silent for longer than the lease, in seconds, lose their
 * runs to others.
 */
export function storageAt(place: string, lease = 10): Storage {
  const [, kind, rest] = /^([^:]+):(.+)$/s.exec(place) ?? [place];
  if (place === "memory") return new Memory();
  if (kind === "sqlite" && rest) {
    need(kind, "@langchain/langgraph-checkpoint-sqlite");
    return new Sqlite(resolve(rest));
  }
  if (/^postgres(ql)?:\/\//.test(place)) {
    need("postgresql", "@langchain/langgraph-checkpoint-postgres");
    return new Postgresql(place, lease);
  }
  throw new StorageError("--db must be memory, sqlite:FILE or postgresql://…");
}

/** Refuses a storage whose package is not installed. */
export function need(kind: string, name: string): void {
  try {
    createRequire(import.meta.url).resolve(name);
  } catch (problem) {
    const message = `--db ${kind} needs packages that are not installed: npm install ${name}`;
    throw new StorageError(message, { cause: problem });
  }
}
