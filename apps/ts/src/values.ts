/** Small pure functions on JSON values: ids, times, pages and filters. */

import { createHash } from "node:crypto";

/** Any JSON object. */
export type Json = Record<string, unknown>;

// The namespace in which the field derives an assistant's id from its graph's name.
const SYSTEM = "6ba7b8219dad11d180b400c04fd430c8";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Tells whether the text is a UUID in its usual form. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Returns the id of the assistant that a graph always has (RFC 9562, version 5). */
export function systemId(graph: string): string {
  const bytes = createHash("sha1").update(Buffer.from(SYSTEM, "hex")).update(graph).digest();
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  const ends = [0, 8, 12, 16, 20, 32];
  return ends
    .slice(1)
    .map((end, n) => hex.slice(ends[n], end))
    .join("-");
}

/** Returns the current time in the form of the API. */
export function now(): string {
  return stamp(new Date());
}

/** Returns a time in the form of the API. */
export function stamp(time: Date): string {
  return time.toISOString().replace("Z", "+00:00");
}

/** Returns how long it is until some seconds after a time. */
export function millisecondsUntil(start: string, seconds: number): number {
  return Math.max(0, Date.parse(start) + seconds * 1000 - Date.now());
}

/** Tells whether the value is an object that is not an array. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Tells whether `value` has everything that `part` has, at any depth (as PostgreSQL's `@>`). */
export function contains(value: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    return Array.isArray(value) && part.every((inner) => value.some((one) => contains(one, inner)));
  }
  if (!isObject(part)) return value === part;
  const inside = isObject(value) ? value : undefined;
  return (
    inside !== undefined &&
    Object.entries(part).every(
      ([key, inner]) => Object.hasOwn(inside, key) && contains(inside[key], inner),
    )
  );
}

/** Returns the objects with only these fields; null: all of them. */
export function selected(found: readonly Json[], fields: readonly string[] | null): Json[] {
  if (fields === null) return [...found];
  return found.map((one) =>
    Object.fromEntries(
      fields.filter((name) => Object.hasOwn(one, name)).map((name) => [name, one[name]]),
    ),
  );
}

/** Sorts objects, given in the order of their creation, by a field with text. */
export function ordered<One extends Json>(
  found: readonly One[],
  by: string,
  order: "asc" | "desc",
): One[] {
  const ranked = [...found].sort((a, b) => {
    const [one, other] = [String(a[by]), String(b[by])];
    if (one === other) return 0;
    return one < other ? -1 : 1;
  });
  return order === "asc" ? ranked : ranked.reverse();
}

/** Returns the headers that tell how many results there are, and where the next page begins. */
export function pageHeaders(total: number, limit: number, offset: number): Record<string, string> {
  const headers: Record<string, string> = { "X-Pagination-Total": String(total) };
  if (offset + limit < total) headers["X-Pagination-Next"] = String(offset + limit);
  return headers;
}
