/** The graph `chat`: a model behind an OpenAI-compatible endpoint, with the tools of MCP servers. */

import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import {
  AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  isAIMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";
import type { StructuredToolInterface } from "@langchain/core/tools";
import {
  END,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import type { ChatSettings, McpServer } from "./chat-settings.js";
import type { Graph } from "./graphs.js";
import { log } from "./log.js";
import { isObject } from "./values.js";

// Endpoints without a key ignore it, but the client refuses to have none.
const NO_KEY = "none";
const LONGEST = 500;
const GONE = "can't be reached, or has hung up";

type Messages = typeof MessagesAnnotation.State;
type Adapters = typeof import("@langchain/mcp-adapters");

/** The endpoint did not answer. The message never contains the key. */
class ModelError extends Error {
  override readonly name = "ModelError";
}

/** What an assistant or a run may set: the `context`, or `config.configurable`. */
interface Context {
  readonly model_name?: string;
  readonly system_prompt?: string;
  readonly temperature?: number;
  readonly max_tokens?: number;
}

/** Returns the graph. */
export async function chat(settings: ChatSettings): Promise<Graph> {
  // Optional, so it is imported only if it is used.
  const adapters =
    settings.servers.length > 0 ? await import("@langchain/mcp-adapters") : undefined;
  const tools = new Tools(settings, adapters);
  return new StateGraph(MessagesAnnotation)
    .addNode("model", async ({ messages }: Messages, config: LangGraphRunnableConfig) => {
      const context: Context = config.context ?? {};
      const parts = new Parts();
      const model = modelOf(settings, context, parts);
      await tools.ask();
      const known = [...tools.known.values()];
      const bound = known.length > 0 ? model.bindTools(known) : model;
      const prompt = context.system_prompt;
      const told = [...(prompt ? [new SystemMessage(prompt)] : []), ...messages];
      return { messages: [await answer(bound, told, config, settings, parts)] };
    })
    .addNode("tools", async ({ messages }: Messages, config: LangGraphRunnableConfig) => {
      const calls = callsOf(messages);
      return { messages: await Promise.all(calls.map((call) => tools.use(call, config))) };
    })
    .addEdge(START, "model")
    .addConditionalEdges(
      "model",
      ({ messages }) => (callsOf(messages).length > 0 ? "tools" : END),
      ["tools", END],
    )
    .addEdge("tools", "model")
    .compile({ name: "chat" });
}

function callsOf(messages: readonly BaseMessage[]): readonly ToolCall[] {
  const last = messages.at(-1);
  return (last && isAIMessage(last) && last.tool_calls) || [];
}

type NewToken = NonNullable<BaseCallbackHandler["handleLLMNewToken"]>;

/** Notices the parts of a message, in the older and in the newer form of streams. */
class Parts extends BaseCallbackHandler {
  readonly name = "Parts";
  heard: () => void = () => undefined;
  /** Why the endpoint has ended the message. */
  finish: unknown;

  override handleLLMNewToken(...[, , , , , fields]: Parameters<NewToken>): void {
    this.heard();
    const { generationInfo } = Object(fields?.chunk);
    // langgraph's older form of streams loses it.
    this.finish ??= Object(generationInfo).finish_reason;
  }

  override handleChatModelStreamEvent(): void {
    this.heard();
  }
}

function modelOf(settings: ChatSettings, context: Context, parts: Parts): ChatOpenAI {
  const { temperature, max_tokens: maxTokens } = context;
  return new ChatOpenAI({
    model: context.model_name || settings.model,
    configuration: { baseURL: settings.baseUrl },
    apiKey: settings.key || NO_KEY,
    maxRetries: 2,
    // All endpoints have this one of OpenAI's two interfaces.
    useResponsesApi: false,
    streaming: true,
    callbacks: [parts],
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { maxTokens }),
  });
}

async function answer(
  model: Pick<ChatOpenAI, "invoke">,
  messages: BaseMessage[],
  config: LangGraphRunnableConfig,
  settings: ChatSettings,
  parts: Parts,
): Promise<AIMessage> {
  const silent = new AbortController();
  const { seconds } = settings;
  const timer = seconds > 0 ? setTimeout(() => silent.abort(), seconds * 1000) : undefined;
  const signal = AbortSignal.any([silent.signal, ...(config.signal ? [config.signal] : [])]);
  parts.heard = () => void timer?.refresh();
  try {
    // langgraph streams the parts of `invoke` to all clients.
    return wholeOf(await model.invoke(messages, { ...config, signal }), parts);
  } catch (problem) {
    if (config.signal?.aborted || problem instanceof ModelError) throw problem;
    const reason = silent.signal.aborted
      ? `sent nothing for ${seconds} s`
      : told(problem, settings.key);
    // Not the original exception: its text may contain the key.
    throw new ModelError(`the model's endpoint ${reason}`);
  } finally {
    clearTimeout(timer);
  }
}

/** The message with its text, which the newer form of streams returns in blocks. */
function wholeOf(message: AIMessageChunk, { finish }: Parts): AIMessage {
  // Clients differ in what they make of a connection that ends in the middle of an answer.
  const finish_reason = message.response_metadata["finish_reason"] ?? finish;
  if (!finish_reason) {
    throw new ModelError(`the model's endpoint ${GONE}`);
  }
  const { text, id, tool_calls = [], usage_metadata: usage } = message;
  const { output_version: _form, ...metadata } = message.response_metadata;
  return new AIMessage({
    content: text,
    tool_calls,
    response_metadata: { ...metadata, finish_reason },
    ...(id && { id }),
    ...(usage ? { usage_metadata: usage } : {}),
  });
}

/** What went wrong, without the key. */
function told(problem: unknown, key: string): string {
  const { status, error, code, cause } = Object(problem) as Record<string, unknown>;
  if (status === undefined && isObject(cause) && "status" in cause) return told(cause, key);
  const said = isObject(error) ? error["message"] : undefined;
  const safe = typeof said === "string" && key ? said.replaceAll(key, "…") : said;
  const more = typeof safe === "string" && safe ? `: ${safe.slice(0, LONGEST)}` : "";
  if (typeof status === "number") return `answers ${status}${more}`;
  if (isObject(error)) return `fails${more}`;
  const kind = kindOf(problem);
  // Node throws a TypeError if the connection breaks, Bun an error with a code.
  const cut = problem instanceof TypeError && problem.message === "terminated";
  const gone = cut || kind === "APIConnectionError" || typeof code === "string";
  return gone ? GONE : `fails: ${kind}`;
}

/** The tools of MCP servers. A server that can't be reached is asked again by the next run. */
class Tools {
  readonly #settings: ChatSettings;
  readonly #adapters: Adapters | undefined;
  readonly #found = new Map<string, readonly StructuredToolInterface[]>();
  #asking: Promise<unknown> | undefined;

  constructor(settings: ChatSettings, adapters: Adapters | undefined) {
    this.#settings = settings;
    this.#adapters = adapters;
  }

  /** Asks those servers that have not answered yet. */
  async ask(): Promise<void> {
    await this.#asking;
    const missing = this.#settings.servers.filter(({ name }) => !this.#found.has(name));
    if (missing.length === 0) return;
    this.#asking = Promise.all(missing.map((server) => this.#ask(server)));
    await this.#asking;
  }

  /** The tools by name. Of two tools with the same name, the first one counts. */
  get known(): Map<string, StructuredToolInterface> {
    const known = new Map<string, StructuredToolInterface>();
    for (const { name } of this.#settings.servers) {
      for (const tool of this.#found.get(name) ?? []) {
        if (!known.has(tool.name)) known.set(tool.name, tool);
      }
    }
    return known;
  }

  async #ask({ name, url, tools, authRequired }: McpServer): Promise<void> {
    if (!this.#adapters) return;
    const headers = authRequired ? { Authorization: `Bearer ${this.#settings.mcpToken}` } : {};
    const connection = { transport: "http", url, headers, automaticSSEFallback: false } as const;
    const client = new this.#adapters.MultiServerMCPClient({ [name]: connection });
    try {
      const all = await client.getTools();
      this.#found.set(
        name,
        all.filter((tool) => tools?.includes(tool.name) ?? true),
      );
    } catch (problem) {
      // Not its text: that may contain the URL, and the URL a key.
      log("WARNING", `the tools of the MCP server ${name} are missing: ${kindOf(problem)}`);
    }
  }

  /** Calls a tool. The model is told of an error: it may try something else. */
  async use(call: ToolCall, config: LangGraphRunnableConfig): Promise<ToolMessage> {
    const tool = this.known.get(call.name);
    if (!tool) return failed(call, `there is no tool ${call.name}`);
    try {
      const message: ToolMessage = await tool.invoke({ ...call, type: "tool_call" }, config);
      return message;
    } catch (problem) {
      if (config.signal?.aborted || problem instanceof ModelError) throw problem;
      const said = saidBy(problem);
      if (said !== undefined) return failed(call, said);
      log("WARNING", `the tool ${call.name} failed: ${kindOf(problem)}`);
      // Its connection may be broken.
      for (const [name, tools] of this.#found) {
        if (tools.includes(tool)) this.#found.delete(name);
      }
      return failed(call, `the tool ${call.name} failed`);
    }
  }
}

function kindOf(problem: unknown): string {
  return problem instanceof Error ? problem.constructor.name : typeof problem;
}

/** What a tool itself says of its error. Texts of other exceptions may contain a URL with a key. */
function saidBy(problem: unknown): string | undefined {
  if (kindOf(problem) !== "ToolException") return undefined;
  return /returned an error: (.*)/s.exec(String((problem as Error).message))?.[1];
}

function failed({ id = "", name }: ToolCall, content: string): ToolMessage {
  return new ToolMessage({ content, name, tool_call_id: id, status: "error" });
}
