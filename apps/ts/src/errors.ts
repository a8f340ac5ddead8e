/** The exception that a handler throws to answer with an error. */

import type { ErrorBody, FieldError } from "./models.js";

/** A response with an error status (RFC 9110, section 15) and the `Error` body. */
export class HttpError extends Error {
  readonly status: number;
  readonly errors: FieldError[];
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    detail: string,
    more: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause });
    this.status = status;
    this.errors = more.errors ?? [];
    this.headers = more.headers ?? {};
  }

  /** The answer that the error stands for. */
  response(): Response {
    const body: ErrorBody = { detail: this.message, errors: this.errors };
    return json(this.status, JSON.stringify(body), this.headers);
  }
}

/** An answer with this JSON text. */
export function json(status: number, text: string, headers: Record<string, string> = {}): Response {
  const body = new TextEncoder().encode(text);
  return new Response(body, {
    status,
    headers: {
      "Content-Type": "application/json",
      // Said here because an answer to HEAD has it too (RFC 9110, 9.3.2), and no body to count.
      "Content-Length": String(body.length),
      ...headers,
    },
  });
}

/** An answer without a body. */
export function nothing(status = 204): Response {
  return new Response(null, { status });
}

/** A 503 of a server that starts or stops. */
export function unavailable(detail: string): Response {
  return new HttpError(503, detail, { headers: { "Retry-After": "1" } }).response();
}

/** What zod says of one value that does not fit. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
  readonly keys?: readonly string[];
}

/** Returns a 422 with the path of each wrong field. The paths begin with `place`. */
export function invalid(issues: readonly Issue[], ...place: string[]): HttpError {
  const sorted = inOrder(issues);
  const errors = sorted.flatMap((issue) =>
    fields(issue).map(
      (field): FieldError => ({
        loc: [...place, ...field].map((part) => (typeof part === "symbol" ? String(part) : part)),
        message: issue.message,
      }),
    ),
  );
  return new HttpError(422, "the body does not match the schema", { errors });
}

// As pydantic does: the unknown fields of an object are reported after its other fields.
function inOrder(issues: readonly Issue[]): Issue[] {
  const sorted = issues.filter(({ code }) => code !== "unrecognized_keys");
  for (const unknown of issues.filter(({ code }) => code === "unrecognized_keys")) {
    const inside = (one: Issue) => unknown.path.every((key, n) => one.path[n] === key);
    sorted.splice(sorted.findLastIndex(inside) + 1 || sorted.length, 0, unknown);
  }
  return sorted;
}

// zod reports an unknown field at its object, so append the name of the field to the path.
function fields(issue: Issue): PropertyKey[][] {
  if (issue.code !== "unrecognized_keys" || !issue.keys) return [[...issue.path]];
  return issue.keys.map((key) => [...issue.path, key]);
}

/** Returns a 422 for one wrong field. */
export function refused(
  message: string,
  loc: (string | number)[],
  detail = "the body does not match the schema",
): HttpError {
  return new HttpError(422, detail, { errors: [{ loc, message }] });
}
