/** The check of the token that clients must send. */

import { createHash, timingSafeEqual } from "node:crypto";
import { HttpError } from "./errors.js";

/** Refuses a request without the token. The comparison takes the same time for all others. */
export function checkToken(token: string, headers: Headers): void {
  const [, bearer] = /^bearer +(.*)$/i.exec(headers.get("authorization") ?? "") ?? [];
  const sent = bearer ?? headers.get("x-api-key") ?? "";
  // Headers are bytes, which fetch reads as Latin-1.
  if (!timingSafeEqual(digest(Buffer.from(sent.trim(), "latin1")), digest(Buffer.from(token)))) {
    const more = { headers: { "WWW-Authenticate": "Bearer" } };
    throw new HttpError(401, "the token is missing or wrong", more);
  }
}

function digest(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
