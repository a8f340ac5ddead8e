/** What the server asks of a graph. Nothing here imports langgraph: the OpenAPI document needs none. */

import type { Issue } from "./errors.js";

/** How a graph is to run: what langgraph's `RunnableConfig` has of it. */
export interface GraphConfig {
  configurable?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  recursionLimit?: number;
  tags?: string[];
}

/** What the server asks of a graph; every compiled langgraph graph is one. */
export interface Graph {
  /** Runs it to the end and returns the last state. */
  // biome-ignore lint/suspicious/noExplicitAny: a graph's input is anybody's JSON, and its author's type
  invoke(input: any, config?: GraphConfig): Promise<unknown>;
}

type Parsed = { success: true } | { success: false; error: { issues: readonly Issue[] } };

interface Schema {
  safeParseAsync(input: unknown): Promise<Parsed>;
}

/** What is wrong with an input by the zod schema that the graph's author gave as `input`, if any. */
export async function inputIssues(graph: Graph, input: unknown): Promise<readonly Issue[]> {
  const parsed = await inputSchema(graph)?.safeParseAsync(input);
  return parsed?.success === false ? parsed.error.issues : [];
}

function inputSchema(graph: Graph): Schema | undefined {
  // langgraph throws the same errors from `invoke`, where a node's own can't be told from them.
  const { builder } = graph as { builder?: { _inputRuntimeDefinition?: Partial<Schema> } };
  const schema = builder?._inputRuntimeDefinition;
  return typeof schema?.safeParseAsync === "function" ? (schema as Schema) : undefined;
}
