/** Reads a request's body up to the limit, and parses it as strict JSON. */

import type { z } from "zod";
import { HttpError, invalid } from "./errors.js";

export const MAX_BODY: number = 4 * 1024 * 1024;
/** The maximal depth of nested arrays and objects (RFC 8259, section 9, allows a limit). */
export const MAX_DEPTH = 200;

/** Parses a request's body as the operation's model. */
export function parse<Model>(model: z.ZodType<Model>, body: Uint8Array): Model {
  const result = model.safeParse(parseJson(body));
  if (!result.success) throw invalid(result.error.issues, "body");
  return result.data;
}

/** Parses JSON text. Throws HttpError 400 if it is not valid JSON. */
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

// Refuses what JSON.parse accepts: lone surrogates, which UTF-8 can't encode, and any depth.
function checkValue(value: unknown, depth: number): void {
  if (typeof value === "string" && !value.isWellFormed()) throw new Error("lone surrogate");
  if (typeof value !== "object" || value === null) return;
  if (depth === 0) throw new Error("too deep");
  for (const [key, inner] of Object.entries(value)) {
    checkValue(key, depth);
    checkValue(inner, depth - 1);
  }
}

/** Reads a request's body. Throws HttpError 413 if it is too large. */
export async function read(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Read a body to its end even if it is too large: a client that still sends would miss the answer.
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
