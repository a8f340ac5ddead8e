/** The table of operations. The server and the OpenAPI document are both based on it. */

import type { z } from "zod";
import { health, info, openapi, type Runtime, waitForRun } from "./handlers.js";
import { Health, Info, RunOutput, RunRequest } from "./models.js";

/** One operation: its method and path, its handler, and the models of request and response. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  /** Takes the shared data and the request's model (undefined for an operation without a body). */
  readonly handler: (runtime: Runtime, body: never) => string | Promise<string>;
  /** Absent: any JSON object. */
  readonly response?: z.ZodType;
  readonly request?: z.ZodType;
  /** True if channel adapters use it: the header Channel-Protocol is then checked. */
  readonly channel?: boolean;
  /** The error statuses in addition to those of every operation. */
  readonly errors: readonly number[];
}

export const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/health",
    operation: "getHealth",
    summary: "Check that the server answers",
    handler: health,
    response: Health,
    errors: [],
  },
  {
    method: "GET",
    path: "/info",
    operation: "getInfo",
    summary: "Describe the running package",
    handler: info,
    response: Info,
    errors: [],
  },
  {
    method: "GET",
    path: "/openapi.json",
    operation: "getOpenapi",
    summary: "Get this document",
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

/** Returns the value of the Allow header (RFC 9110, 10.2.1) for a path with these operations. */
export function allowed(routes: readonly Route[]): string {
  const methods = new Set<string>(routes.map((route) => route.method)).add("OPTIONS");
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort().join(", ");
}
