/** The operations of the system. */

import type { z } from "zod";
import type { Call } from "./call.js";
import { HttpError, invalid, json } from "./errors.js";
import { type Graph, type GraphConfig, inputIssues } from "./graphs.js";
import type { Health, Info, Ok, RunRequest } from "./models.js";
import type { Runtime } from "./runtime.js";
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

/** Returns no crons: the server does not support them. */
export function searchCrons(): Response {
  return json(200, "[]", pageHeaders(0, 1, 0));
}

/** Runs a graph without a thread and returns its last state. */
export async function waitForRun(runtime: Runtime, call: Call<RunRequest>): Promise<object> {
  const { body } = call;
  const graph = runtime.graphs.get(body.assistant_id);
  if (!graph) {
    throw new HttpError(404, `no assistant '${body.assistant_id}'; /info lists the graphs`);
  }
  const issues = await inputIssues(graph, body.input);
  if (issues.length > 0) throw invalid(issues, "body", "input");
  return await run(graph, body);
}

async function run(graph: Graph, body: RunRequest): Promise<object> {
  const output = await graph.invoke(body.input, graphConfig(body)).catch((problem: unknown) => {
    throw isRecursionError(problem) ? tooManySteps(problem) : problem;
  });
  if (typeof output !== "object" || output === null || Array.isArray(output)) {
    throw new TypeError(`graph '${body.assistant_id}' did not return an object`);
  }
  return output;
}

function graphConfig({ config, metadata }: RunRequest): GraphConfig {
  return {
    ...(config?.configurable && { configurable: config.configurable }),
    ...(config?.recursion_limit && { recursionLimit: config.recursion_limit }),
    ...(config?.tags && { tags: config.tags }),
    metadata: metadata ?? {},
  };
}

// By name: importing langgraph would slow down the OpenAPI command, and there may be two copies of it.
function isRecursionError(problem: unknown): problem is Error {
  return problem instanceof Error && problem.name === "GraphRecursionError";
}

function tooManySteps(cause: Error): HttpError {
  const [message = ""] = cause.message.split("\n");
  const errors = [{ loc: ["body", "config", "recursion_limit"], message }];
  return new HttpError(422, "the run took too many steps", { errors, cause });
}
