/** A request in the form that handlers take it. */

import { type HttpError, refused } from "./errors.js";
import { isUuid } from "./values.js";

/** A parameter of the query. `depth` is false, true or a number; `list` is text to be repeated. */
export interface Query {
  readonly name: string;
  readonly kind: "boolean" | "integer" | "string" | "list" | "depth";
  readonly description: string;
  readonly required?: boolean;
  /** The valid values of text. */
  readonly values?: readonly string[];
  /** The valid numbers. */
  readonly least?: number;
  readonly most?: number;
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  "1": true,
  false: false,
  "0": false,
};
export const HIGHEST: number = Number.MAX_SAFE_INTEGER;

type Value = boolean | number | string | string[];

/** A request: the parts of its path that vary, its query, its headers and its body's model. */
export class Call<Body = unknown> {
  readonly path: ReadonlyMap<string, string>;
  readonly query: ReadonlyMap<string, Value>;
  readonly headers: Headers;
  readonly body: Body;

  constructor(
    path: ReadonlyMap<string, string>,
    query: ReadonlyMap<string, Value>,
    headers: Headers,
    body: Body,
  ) {
    this.path = path;
    this.query = query;
    this.headers = headers;
    this.body = body;
  }

  /** Returns a part of the path. */
  part(name: string): string {
    return this.path.get(name) ?? "";
  }

  /** Returns a part of the path that must be a UUID. */
  uuid(name: string): string {
    const value = this.part(name);
    if (!isUuid(value)) {
      const detail = `Invalid ${name.replace(/_id$/, "")} ID: must be a UUID`;
      throw refused("must be a UUID", ["path", name], detail);
    }
    return value.toLowerCase();
  }

  /** Returns a parameter that is true or false. */
  flag(name: string, byDefault: boolean): boolean {
    const value = this.query.get(name);
    return typeof value === "boolean" ? value : byDefault;
  }

  /** Returns a parameter that is text. */
  text(name: string): string | undefined {
    const value = this.query.get(name);
    return typeof value === "string" ? value : undefined;
  }

  /** Returns a parameter that is a number. */
  number(name: string, byDefault: number): number {
    const value = this.query.get(name);
    return typeof value === "number" ? value : byDefault;
  }

  /** Returns a parameter that is a list. */
  list(name: string): string[] | null {
    const value = this.query.get(name);
    return Array.isArray(value) ? value : null;
  }
}

/** Parses the query's parameters. Those that the operation does not know are ignored. */
export function parseQuery(known: readonly Query[], sent: URLSearchParams): Map<string, Value> {
  const parsed = new Map<string, Value>();
  for (const one of known) {
    const mayBeEmpty = one.kind === "string" || one.kind === "list";
    const values = sent.getAll(one.name).filter((value) => value !== "" || !mayBeEmpty);
    const last = values.at(-1);
    if (last === undefined) {
      if (one.required) throw wrong(one, "Field required");
      continue;
    }
    parsed.set(one.name, one.kind === "list" ? values : parsedValue(one, last));
    const chosen = one.kind === "list" ? values : [last];
    if (one.values && !chosen.every((value) => one.values?.includes(value))) {
      throw wrong(one, `must be one of: ${one.values.join(", ")}`);
    }
  }
  return parsed;
}

function parsedValue(one: Query, text: string): boolean | number | string {
  const number = /^[0-9]+$/.test(text) ? Number(text) : undefined;
  if (one.kind === "boolean" || (one.kind === "depth" && number === undefined)) {
    const value = BOOLEANS[text.toLowerCase()];
    if (value === undefined) throw wrong(one, "must be true or false");
    return value;
  }
  if (one.kind === "integer" || one.kind === "depth") {
    const { least = 0, most = HIGHEST } = one;
    if (number === undefined || number < least || number > most) {
      throw wrong(one, `must be a number from ${least} to ${most}`);
    }
    return number;
  }
  return text;
}

function wrong(one: Query, message: string): HttpError {
  return refused(message, ["query", one.name], `the query's ${one.name} is not valid`);
}
