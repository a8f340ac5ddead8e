/** The thread protocol's events of a graph with a subgraph that calls a tool. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { tool } from "@langchain/core/tools";
import {
  Annotation,
  interrupt,
  type LangGraphRunnableConfig,
  MemorySaver,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { z } from "zod";
import type { Streaming } from "../src/events.js";
import { type Event, events, Translation, wanted } from "../src/protocol.js";
import { PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

const State = Annotation.Root({ n: Annotation<number> });
type Numbers = typeof State.State;
type Node = (state: Numbers, config: LangGraphRunnableConfig) => Partial<Numbers>;

const double = tool(({ n }) => String(2 * n), {
  name: "double",
  description: "Doubles a number.",
  schema: z.object({ n: z.number() }),
});

async function work({ n }: Numbers, config: LangGraphRunnableConfig): Promise<Numbers> {
  const call = { name: "double", args: { n }, id: "c1", type: "tool_call" as const };
  return { n: Number((await double.invoke(call, config)).content) };
}

const last: Node = ({ n }) => ({ n: n + 1 });
const ask: Node = ({ n }) => ({ n: n + Number(interrupt("more?")) });
const fail: Node = () => {
  throw new Error("bad");
};

function outer(node: Node): Streaming {
  const inner = new StateGraph(State)
    .addNode("work", work)
    .addNode("node", node)
    .addEdge(START, "work")
    .addEdge("work", "node")
    .compile();
  const graph = new StateGraph(State).addNode("sub", inner).addEdge(START, "sub");
  return graph.compile({ checkpointer: new MemorySaver() }) as unknown as Streaming;
}

async function told(graph: Streaming, translation = new Translation()): Promise<Event[]> {
  const found: Event[] = [];
  try {
    const options = { configurable: { thread_id: "1" } };
    for await (const event of events(graph, { n: 1 }, options, translation)) found.push(event);
  } catch (problem) {
    expect(String(problem)).toContain("bad");
  }
  return found;
}

function of(found: readonly Event[], wanted: string): [string[], unknown][] {
  return found
    .filter(({ place }) => place.channel === wanted)
    .map(({ place, data }) => [place.namespace.map((part) => part.split(":")[0] ?? ""), data]);
}

const cases: [string, Node, object][] = [
  ["completed", last, { event: "completed" }],
  ["interrupted", ask, { event: "interrupted" }],
  ["failed", fail, { event: "failed", error: "bad" }],
];
for (const [name, node, end] of cases) {
  test(`a subgraph begins and ends: ${name}`, async () => {
    expect(of(await told(outer(node)), "lifecycle")).toEqual([
      [["sub"], { event: "started", graph_name: "sub" }],
      [["sub"], { graph_name: "sub", ...end }],
    ]);
  });
}

test("a subgraph has events of all channels", async () => {
  const found = await told(outer(last));
  const started = { event: "tool-started", tool_call_id: "c1", tool_name: "double" };
  const [begin, end] = of(found, "tools");
  expect(begin).toEqual([["sub"], { ...started, input: { n: 1 } }]);
  expect(end?.[1]).toMatchObject({ event: "tool-finished", output: { content: "2" } });
  expect(of(found, "updates")).toEqual([
    [["sub"], { node: "work", values: { n: 2 } }],
    [["sub"], { node: "node", values: { n: 3 } }],
    [[], { node: "sub", values: { n: 3 } }],
  ]);
  expect(of(found, "values").at(-1)).toEqual([[], { n: 3 }]);
  const namespaces = of(found, "tasks").map(([namespace]) => namespace);
  expect(namespaces).toEqual([[], ["sub"], ["sub"], ["sub"], ["sub"], []]);
});

test("an interrupt is known with its namespace", async () => {
  const translation = new Translation();
  const found = await told(outer(ask), translation);
  expect(of(found, "values").at(-1)).toEqual([["sub"], { n: 2 }]);
  const [namespace = []] = [...translation.interrupts.values()];
  expect(namespace.map((part) => part.split(":")[0])).toEqual(["sub"]);
});

const written: [unknown, string, object][] = [
  [{ a: 1 }, "custom", { payload: { a: 1 } }],
  [1, "custom", { payload: 1 }],
  [{ name: 1 }, "custom", { payload: { name: 1 } }],
  [{ name: "x", payload: 1 }, "custom:x", { name: "x", payload: 1 }],
];
for (const [value, channel, data] of written) {
  test(`nodes write to channels: ${JSON.stringify(value)}`, async () => {
    const node: Node = (_, { writer }) => {
      writer?.(value);
      return {};
    };
    const graph = new StateGraph(State).addNode("node", node).addEdge(START, "node");
    const compiled = graph.compile({ checkpointer: new MemorySaver() }) as unknown as Streaming;
    expect(of(await told(compiled), channel)).toEqual([[[], data]]);
  });
}

const A = ["a:1"];
const AB = ["a:1", "b:2"];
const filters: [string[], string[][] | null, number | null, string, string[], boolean][] = [
  [["values"], null, null, "values", AB, true],
  [["values"], null, null, "tasks", [], false],
  [["values"], [], 0, "values", AB, true],
  [["custom"], null, null, "custom:x", [], true],
  [["custom:x"], null, null, "custom:x", [], true],
  [["custom:x"], null, null, "custom:y", [], false],
  [["custom:x"], null, null, "custom", [], false],
  [["values"], [[]], 0, "values", [], true],
  [["values"], [[]], 0, "values", A, false],
  [["values"], [[]], 1, "values", A, true],
  [["values"], [["a"]], null, "values", AB, true],
  [["values"], [["a:1"]], 1, "values", AB, true],
  [["values"], [["a:1"]], 0, "values", AB, false],
  [["values"], [["a:2"]], null, "values", A, false],
  [["values"], [["b"], ["a", "b"]], null, "values", AB, true],
  [["values"], [["a", "b"]], null, "values", A, false],
];
test("filters", () => {
  for (const [channels, namespaces, depth, channel, namespace, isWanted] of filters) {
    expect(wanted(channels, namespaces, depth)({ channel, namespace })).toBe(isWanted);
  }
});
