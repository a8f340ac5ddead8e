/** The graph `echo`, which the server includes. */

import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";
import type { Graph } from "./graphs.js";

const Message = z.strictObject({
  role: z.enum(["user", "assistant", "system"]),
  content: z.string(),
});
type Message = z.infer<typeof Message>;

const EchoInput = z.object({ messages: z.array(Message).min(1) });

/** The state of the graph. Messages are appended, never replaced. */
const EchoState = Annotation.Root({
  messages: Annotation<Message[]>({
    reducer: (kept, added) => [...kept, ...added],
    default: () => [],
  }),
});

/** Returns a graph that repeats the last message, without a model, a clock or randomness. */
export function echo(): Graph {
  return new StateGraph({ state: EchoState, input: EchoInput })
    .addNode("reply", ({ messages }) => ({
      messages: [{ role: "assistant" as const, content: messages.at(-1)?.content ?? "" }],
    }))
    .addEdge(START, "reply")
    .addEdge("reply", END)
    .compile({ name: "echo" });
}
