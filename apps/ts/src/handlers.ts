/** The operations of the system. */

import type { z } from "zod";
import { json } from "./errors.js";
import { KIND } from "./metrics.js";
import type { Health, Info, Ok } from "./models.js";
import type { Runtime } from "./runtime.js";
import { openFeeds } from "./streams.js";
import { pageHeaders } from "./values.js";
import { commit, langgraphVersion, PACKAGE, version } from "./version.js";

/** Reports that the server answers. */
export function health(): z.infer<typeof Health> {
  return { status: "ok" };
}

/** Reports that the server answers. */
export function ok(): z.infer<typeof Ok> {
  return { ok: true };
}

/** Describes the running package. */
export function info(runtime: Runtime): z.infer<typeof Info> {
  return {
    name: PACKAGE,
    version,
    commit,
    graphs: [...runtime.graphs.keys()].sort(),
    compat: runtime.compat,
    flags: { assistants: true, crons: false, langsmith: false },
    langgraph_py_version: null,
    langgraph_js_version: langgraphVersion(),
  };
}

/** Returns the OpenAPI document. */
export function openapi(runtime: Runtime): Response {
  return json(200, runtime.spec);
}

/** Returns what the server has counted. */
export function metrics(runtime: Runtime): Response {
  const text = runtime.metrics.render(runtime.runs.active, openFeeds());
  return new Response(text, { headers: { "Content-Type": KIND } });
}

/** Returns no crons: the server does not support them. */
export function searchCrons(): Response {
  return json(200, "[]", pageHeaders(0, 1, 0));
}
