/** Which storage a setting names. */

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { Sqlite } from "./sqlite.js";
import { Memory, type Storage, StorageError } from "./storage.js";

/** Returns the storage that a setting names: `memory` or `sqlite:FILE`. Throws a StorageError. */
export function storageAt(place: string): Storage {
  const [, kind, rest] = /^([^:]+):(.+)$/s.exec(place) ?? [place];
  if (place === "memory") return new Memory();
  if (kind === "sqlite" && rest) {
    need(kind, "@langchain/langgraph-checkpoint-sqlite");
    return new Sqlite(resolve(rest));
  }
  throw new StorageError("--db must be memory or sqlite:FILE");
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
