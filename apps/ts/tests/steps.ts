/** A graph of three steps; the second can wait or ask. See `contract/storage/restart.py`. */

import { appendFileSync, existsSync } from "node:fs";
import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  wait: Annotation<boolean>,
  ask: Annotation<boolean>,
  done: Annotation<string[]>({ reducer: (known, more) => [...known, ...more], default: () => [] }),
});

/** Writes down that a step begins. */
function step(name: string): { done: string[] } {
  appendFileSync(String(process.env["STEPS"]), `${name}\n`);
  return { done: [name] };
}

/** Asks, or waits for a file, if the run says so. */
async function two({ wait, ask }: typeof State.State): Promise<{ done: string[] }> {
  if (ask) interrupt("Go on?");
  const done = step("two");
  while (wait && !existsSync(String(process.env["GO"]))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return done;
}

export const graph = new StateGraph(State)
  .addNode("one", () => step("one"))
  .addNode("two", two)
  .addNode("three", () => step("three"))
  .addEdge(START, "one")
  .addEdge("one", "two")
  .addEdge("two", "three")
  .addEdge("three", END)
  .compile();
