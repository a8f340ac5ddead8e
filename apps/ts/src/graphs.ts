/** The interface of a graph. It does not import langgraph, which the OpenAPI document does not need. */

import type { Issue } from "./errors.js";

/** The settings of a run: a part of langgraph's `RunnableConfig`. */
export interface GraphConfig {
  configurable?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  recursionLimit?: number;
  tags?: string[];
}

/** The interface of a graph. Every compiled langgraph graph implements it. */
export interface Graph {
  /** Runs the graph to its end and returns the last state. */
  // biome-ignore lint/suspicious/noExplicitAny: the graph's author defines the type of its input
  invoke(input: any, config?: GraphConfig): Promise<unknown>;
}

type Parsed = { success: true } | { success: false; error: { issues: readonly Issue[] } };

interface Schema {
  safeParseAsync(input: unknown): Promise<Parsed>;
}

/** Validates an input against the zod schema that the graph's author gave as `input`, if any. */
export async function inputIssues(graph: Graph, input: unknown): Promise<readonly Issue[]> {
  const parsed = await inputSchema(graph)?.safeParseAsync(input);
  return parsed?.success === false ? parsed.error.issues : [];
}

function inputSchema(graph: Graph): Schema | undefined {
  // Validated here, because `invoke` throws the same errors for wrong inputs and for errors of nodes.
  const { builder } = graph as { builder?: { _inputRuntimeDefinition?: Partial<Schema> } };
  const schema = builder?._inputRuntimeDefinition;
  return typeof schema?.safeParseAsync === "function" ? (schema as Schema) : undefined;
}
