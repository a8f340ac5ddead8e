/** One handler per operation: it takes the request's model and returns the response's JSON text. */

import type { z } from "zod";
import { HttpError, invalid } from "./errors.js";
import { type Graph, type GraphConfig, inputIssues } from "./graphs.js";
import type { Compat, Health, Info, RunRequest } from "./models.js";
import { commit, PACKAGE, version } from "./version.js";

/** The data that all handlers share. */
export interface Runtime {
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly spec: string;
  readonly compat: Compat;
}

/** Reports that the server answers. */
export function health(): string {
  return JSON.stringify({ status: "ok" } satisfies z.infer<typeof Health>);
}

/** Describes the running package. */
export function info(runtime: Runtime): string {
  const graphs = [...runtime.graphs.keys()].sort();
  const { compat } = runtime;
  const body: z.infer<typeof Info> = { name: PACKAGE, version, commit, graphs, compat };
  return JSON.stringify(body);
}

/** Returns the OpenAPI document. */
export function openapi(runtime: Runtime): string {
  return runtime.spec;
}

/** Runs a graph without a thread and returns its last state. */
export async function waitForRun(runtime: Runtime, body: RunRequest): Promise<string> {
  const graph = runtime.graphs.get(body.assistant_id);
  if (!graph) {
    throw new HttpError(404, `no assistant '${body.assistant_id}'; /info lists the graphs`);
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
