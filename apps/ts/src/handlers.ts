/** What each operation does: a request's model in, a response's JSON text out. */

import type { z } from "zod";
import { HttpError, invalid } from "./errors.js";
import { type Graph, type GraphConfig, inputIssues } from "./graphs.js";
import type { Compat, Health, Info, RunRequest } from "./models.js";
import { commit, PACKAGE, version } from "./version.js";

/** What handlers share. */
export interface Runtime {
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly spec: string;
  readonly compat: Compat;
}

/** Says that the server answers. */
export function health(): string {
  return JSON.stringify({ status: "ok" } satisfies z.infer<typeof Health>);
}

/** Says what is running. */
export function info(runtime: Runtime): string {
  const graphs = [...runtime.graphs.keys()].sort();
  const { compat } = runtime;
  const said: z.infer<typeof Info> = { name: PACKAGE, version, commit, graphs, compat };
  return JSON.stringify(said);
}

/** The OpenAPI document. */
export function openapi(runtime: Runtime): string {
  return runtime.spec;
}

/** Runs a graph without a thread and returns its last state. */
export async function waitForRun(runtime: Runtime, body: RunRequest): Promise<string> {
  const graph = runtime.graphs.get(body.assistant_id);
  if (!graph) {
    throw new HttpError(404, `no assistant '${body.assistant_id}'; /info names those there are`);
  }
  const issues = await inputIssues(graph, body.input);
  if (issues.length > 0) throw invalid(issues, "body", "input");
  return JSON.stringify(await run(graph, body));
}

async function run(graph: Graph, body: RunRequest): Promise<object> {
  const output = await graph.invoke(body.input, graphConfig(body)).catch((problem: unknown) => {
    throw isRecursionError(problem) ? tooManySteps(problem) : problem;
  });
  if (typeof output !== "object" || output === null || Array.isArray(output)) {
    throw new TypeError(`graph '${body.assistant_id}' did not end with an object`);
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

// By name: imported, langgraph would cost the OpenAPI document its time, and there may be two copies.
function isRecursionError(problem: unknown): problem is Error {
  return problem instanceof Error && problem.name === "GraphRecursionError";
}

function tooManySteps(cause: Error): HttpError {
  const [message = ""] = cause.message.split("\n");
  const errors = [{ loc: ["body", "config", "recursion_limit"], message }];
  return new HttpError(422, "the run took too many steps", { errors, cause });
}
