/** The graph that comes with the server. */

import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";
import type { Graph } from "./graphs.js";

const Message = z.strictObject({
  role: z.enum(["user", "assistant", "system"]),
  content: z.string(),
});
type Message = z.infer<typeof Message>;

const EchoInput = z.object({ messages: z.array(Message).min(1) });

/** What the graph keeps: messages are added, never replaced. */
const EchoState = Annotation.Root({
  messages: Annotation<Message[]>({
    reducer: (kept, added) => [...kept, ...added],
    default: () => [],
  }),
});

/** A graph that says the last message again: no model, no clock, no chance. */
export function echo(): Graph {
  return new StateGraph({ state: EchoState, input: EchoInput })
    .addNode("reply", ({ messages }) => ({
      messages: [{ role: "assistant" as const, content: messages.at(-1)?.content ?? "" }],
    }))
    .addEdge(START, "reply")
    .addEdge("reply", END)
    .compile({ name: "echo" });
}
