/**
 * The graph `agent`: an agent that calls tools, with rules instead of a model.
 *
 * It does the same for the same input, so clients can be tested with it. The first word of the last
 * message chooses a tool: `add 2 3`, `wait 0.5`, `ask Go on?` or `fail reason`. Other texts are
 * repeated, one word at a time.
 */

import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  isAIMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import {
  END,
  interrupt,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import type { Graph } from "./graphs.js";

const TICK = 100;

type Messages = typeof MessagesAnnotation.State;
type Args = Readonly<Record<string, unknown>>;
type Tool = (args: Args, config: LangGraphRunnableConfig) => Promise<string> | string;

/** Answers by rules. */
class Rules extends BaseChatModel {
  _llmType(): string {
    return "rules";
  }

  async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const message = answerTo(messages);
    return { generations: [{ message, text: message.text }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    _options: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const message = answerTo(messages);
    const words = message.text.match(/\S+\s*/g) ?? [];
    const calls = (message.tool_calls ?? []).map(({ name, args, id }, index) => {
      const chunk = { name, args: JSON.stringify(args), type: "tool_call_chunk" as const };
      return { ...chunk, index, ...(id !== undefined && { id }) };
    });
    const parts = calls.length
      ? [new AIMessageChunk({ content: "", tool_call_chunks: calls })]
      : words.map((content) => new AIMessageChunk({ content }));
    for (const part of parts) {
      const chunk = new ChatGenerationChunk({ message: part, text: part.text });
      yield chunk;
      await manager?.handleLLMNewToken(part.text, undefined, undefined, undefined, undefined, {
        chunk,
      });
    }
  }
}

function answerTo(messages: BaseMessage[]): AIMessage {
  const last = messages.at(-1);
  const text = last?.text ?? "";
  const call = last?.getType() === "human" ? parse(text) : undefined;
  if (!call) return new AIMessage(text);
  const tool_calls = [{ ...call, id: `call-${messages.length}`, type: "tool_call" as const }];
  return new AIMessage({ content: "", tool_calls });
}

/** Returns the tool's name and arguments that a text asks for. */
export function parse(text: string): { name: string; args: Record<string, unknown> } | undefined {
  const add = /^add (-?\d+(?:\.\d+)?) (-?\d+(?:\.\d+)?)$/.exec(text);
  if (add) return { name: "add", args: { a: Number(add[1]), b: Number(add[2]) } };
  const wait = /^wait (-?\d+(?:\.\d+)?)$/.exec(text);
  if (wait) return { name: "wait", args: { seconds: Number(wait[1]) } };
  const [, name, rest] = /^(ask|fail) (.+)$/s.exec(text) ?? [];
  return name ? { name, args: { text: rest } } : undefined;
}

const TOOLS: Readonly<Record<string, Tool>> = {
  add: ({ a, b }) => String(Number(a) + Number(b)),
  async wait({ seconds }, { writer, signal }) {
    for (let tick = 1; tick <= Math.round((Number(seconds) * 1000) / TICK); tick += 1) {
      await new Promise((resolve) => setTimeout(resolve, TICK));
      if (signal?.aborted) break;
      writer?.({ tick });
    }
    return "done";
  },
  ask: ({ text }) => String(interrupt({ question: text })),
  fail({ text }) {
    throw new Error(String(text));
  },
};

const model = new Rules({});

async function answer({ messages }: Messages, config: LangGraphRunnableConfig) {
  // langgraph streams the parts of `invoke` to all clients. It may return the text in blocks.
  const { id, text, tool_calls = [] } = await model.invoke(messages, config);
  return { messages: [new AIMessage({ content: text, tool_calls, ...(id && { id }) })] };
}

async function callTools({ messages }: Messages, config: LangGraphRunnableConfig) {
  const last = messages.at(-1);
  const done: ToolMessage[] = [];
  for (const { name, args, id = "" } of (last && isAIMessage(last) && last.tool_calls) || []) {
    const content = (await TOOLS[name]?.(args, config)) ?? "";
    done.push(new ToolMessage({ content, name, tool_call_id: id, status: "success" }));
  }
  return { messages: done };
}

/** Returns the graph. */
export function agent(): Graph {
  return new StateGraph(MessagesAnnotation)
    .addNode("model", answer)
    .addNode("tools", callTools)
    .addEdge(START, "model")
    .addConditionalEdges(
      "model",
      ({ messages }) => {
        const last = messages.at(-1);
        return last && isAIMessage(last) && last.tool_calls?.length ? "tools" : END;
      },
      ["tools", END],
    )
    .addEdge("tools", "model")
    .compile({ name: "agent" });
}
