/** A request's body: read up to the limit, and parsed as what JSON really is. */

import type { z } from "zod";
import { HttpError, invalid } from "./errors.js";

export const MAX_BODY: number = 4 * 1024 * 1024;
/** How deep arrays and objects may lie in each other (RFC 8259, section 9, allows a limit). */
export const MAX_DEPTH = 200;

/** Parses a request's body as the operation's model. */
export function parse<Model>(model: z.ZodType<Model>, body: Uint8Array): Model {
  const result = model.safeParse(parseJson(body));
  if (!result.success) throw invalid(result.error.issues, "body");
  return result.data;
}

/** Parses JSON text. HttpError 400 where it is none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    checkValue(value, MAX_DEPTH);
    return value;
  } catch (problem) {
    const reason = problem instanceof Error ? problem.message : String(problem);
    throw new HttpError(400, `the body is not JSON: ${reason}`, { cause: problem });
  }
}

// What JSON.parse lets through: halves of characters, which no UTF-8 text can hold, and any depth.
function checkValue(value: unknown, depth: number): void {
  if (typeof value === "string" && !value.isWellFormed()) throw new Error("lone surrogate");
  if (typeof value !== "object" || value === null) return;
  if (depth === 0) throw new Error("too deep");
  for (const [key, inner] of Object.entries(value)) {
    checkValue(key, depth);
    checkValue(inner, depth - 1);
  }
}

/** Reads a request's body. HttpError 413 where it is too large. */
export async function read(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // To the end also when it is too large: who still sends would not see the answer.
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length;
      if (size <= MAX_BODY) chunks.push(chunk);
    }
  } catch (cause) {
    throw new HttpError(400, "the body is not JSON: it was cut off", { cause });
  }
  if (size > MAX_BODY) throw new HttpError(413, `the body has more than ${MAX_BODY} bytes`);
  return Buffer.concat(chunks);
}
