/** The table of operations: the server answers by it, and the OpenAPI document is made from it. */

import type { z } from "zod";
import { health, info, openapi, type Runtime, waitForRun } from "./handlers.js";
import { Health, Info, RunOutput, RunRequest } from "./models.js";

/** One operation: how it is asked for, what goes in and what comes out. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  /** Takes what handlers share and the request's model, or undefined where there is none. */
  readonly handler: (runtime: Runtime, body: never) => string | Promise<string>;
  /** Absent: a JSON object of no particular form. */
  readonly response?: z.ZodType;
  readonly request?: z.ZodType;
  /** Channel adapters ask for it: the header Channel-Protocol counts. */
  readonly channel?: boolean;
  /** Statuses besides those that every operation has. */
  readonly errors: readonly number[];
}

export const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/health",
    operation: "getHealth",
    summary: "Whether the server answers",
    handler: health,
    response: Health,
    errors: [],
  },
  {
    method: "GET",
    path: "/info",
    operation: "getInfo",
    summary: "What is running",
    handler: info,
    response: Info,
    errors: [],
  },
  {
    method: "GET",
    path: "/openapi.json",
    operation: "getOpenapi",
    summary: "This document",
    handler: openapi,
    errors: [],
  },
  {
    method: "POST",
    path: "/runs/wait",
    operation: "waitForRun",
    summary: "Run a graph without a thread and wait for its last state",
    handler: waitForRun,
    response: RunOutput,
    request: RunRequest,
    channel: true,
    errors: [400, 404, 413, 422],
  },
];

/** The Allow header (RFC 9110, 10.2.1) of a path with these operations. */
export function allowed(routes: readonly Route[]): string {
  const methods = new Set<string>(routes.map((route) => route.method)).add("OPTIONS");
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort().join(", ");
}
