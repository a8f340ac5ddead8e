/** Reads a request's body up to the limit, and parses it as strict JSON. */

import type { z } from "zod";
import { HttpError, invalid } from "./errors.js";

/** Milliseconds that a client may be silent before its body is complete. */
export const PATIENCE: { body: number } = { body: 30_000 };
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

// A body of at most this size is read at once, because reading a stream takes longer.
const SMALL = 64 * 1024;

/** Reads a request's body. Throws HttpError 413 if it is too large, and 408 if it does not come. */
export async function read(request: Request, most: number): Promise<Uint8Array> {
  // Read a body to its end even if it is too large: a client that still sends would miss the answer.
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    if (length <= Math.min(SMALL, most)) return new Uint8Array(await soon(request.arrayBuffer()));
    const reader = request.body?.getReader();
    while (reader) {
      const { done, value } = await soon(reader.read());
      if (done) break;
      size += value.length;
      if (size <= most) chunks.push(value);
    }
  } catch (cause) {
    if (cause instanceof HttpError) throw cause;
    throw new HttpError(400, "the body is not JSON: it was cut off", { cause });
  }
  if (size > most) throw new HttpError(413, `the body has more than ${most} bytes`);
  return Buffer.concat(chunks);
}

async function soon<Value>(work: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new HttpError(408, "the body did not arrive in time")),
      PATIENCE.body,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
