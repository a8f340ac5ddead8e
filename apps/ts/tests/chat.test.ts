/** The graph `chat`, with a fake model and a fake MCP server; and its settings. */

import { afterAll, beforeAll, expect, type Mock, setDefaultTimeout, spyOn, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { type App, createApp } from "../src/app.js";
import { chat } from "../src/chat.js";
import { type ChatSettings, parseChat } from "../src/chat-settings.js";
import type { Streaming } from "../src/events.js";
import { events, Translation } from "../src/protocol.js";
import { PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

const FAKE = fileURLToPath(new URL("../../../contract/chat/fake.py", import.meta.url));
const KEY = "sk-secret-of-the-tests";
const TOKEN = "mcp-secret-of-the-tests";

let fake: Bun.Subprocess<"pipe", "pipe", "inherit">;
let url: string;
let logged: Mock<typeof console.error>;
beforeAll(async () => {
  fake = Bun.spawn(["python3", FAKE], { stdin: "pipe", stdout: "pipe" });
  const { value } = await fake.stdout.getReader().read();
  url = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterAll(async () => {
  logged.mockRestore();
  fake.stdin.end();
  await fake.exited;
});

function env(address: string, ...servers: object[]) {
  return {
    CHAT_MODEL: "small",
    OPENAI_BASE_URL: `${address}/v1`,
    OPENAI_API_KEY: KEY,
    MCP_CONFIG: JSON.stringify({ servers }),
    MCP_TOKEN: TOKEN,
  };
}

async function served(settings: Record<string, string>): Promise<App> {
  return createApp({ chat: await chat(parseChat(settings) as ChatSettings) });
}

interface Message {
  type: string;
  content: string;
  [name: string]: unknown;
}

interface Said {
  messages: Message[];
  __error__: { error: string; message: string };
}

async function said(app: App, text: string, more: object = {}): Promise<Said> {
  return JSON.parse(await asked(app, "wait", text, more));
}

async function asked(app: App, how: string, text: string, more: object): Promise<string> {
  const input = { messages: [{ role: "user", content: text }] };
  const body = JSON.stringify({ assistant_id: "chat", input, ...more });
  const address = `http://localhost/runs/${how}`;
  return (await app.fetch(new Request(address, { method: "POST", body }))).text();
}

test("the chat agent", async () => {
  const open = { name: "open", url, tools: ["shout", "fail"] };
  const more = { tools: ["shout", "other"], auth_required: true };
  const locked = { name: "locked", url: `${url}/locked/mcp/`, ...more };
  const gone = { name: "gone", url: "http://127.0.0.1:1/mcp?key=hidden" };
  const app = await served(env(url, open, locked));
  const impatient = await served({ ...env(url, gone), CHAT_SECONDS: "0.3" });
  const context = { system_prompt: "Be kind", model_name: "large", temperature: 0 };
  const [plain, set, used, failed, unknown, ...wrong] = await Promise.all([
    said(app, "hello there"),
    said(app, "hello", { context }),
    said(app, "use shout abc"),
    said(app, "use fail why"),
    said(app, "use nothing x"),
    ...["refuse", "break", "cut"].map((text) => said(app, text)),
    said(impatient, "stall"),
  ]);
  const tools = "shout,fail,other";
  expect(plain?.messages.at(-1)).toMatchObject({
    type: "ai",
    content: `small(${tools}) hello there`,
  });
  expect(set?.messages.at(-1)?.content).toBe(`large(Be kind,${tools}) hello`);
  expect(set?.messages.length).toBe(2);
  const [, called, told, answer] = used?.messages ?? [];
  expect(called?.["tool_calls"]).toMatchObject([{ name: "shout", args: { text: "abc" } }]);
  expect(told).toMatchObject({ type: "tool", name: "shout", tool_call_id: "call_1" });
  expect(told?.content).toBe("ABC");
  expect(answer?.content).toBe("the tool says ABC");
  expect(failed?.messages[2]).toMatchObject({ status: "error", content: "WHY" });
  const refusal = { status: "error", content: "there is no tool nothing" };
  expect(unknown?.messages[2]).toMatchObject(refusal);
  expect(wrong.map((one) => one.__error__)).toEqual(
    [
      "the model's endpoint answers 401: the key … is wrong",
      "the model's endpoint fails: no room for …",
      "the model's endpoint can't be reached, or has hung up",
      "the model's endpoint sent nothing for 0.3 s",
    ].map((message) => ({ error: "ModelError", message })),
  );
  const stream = await asked(app, "stream", "streamed words", { stream_mode: "messages-tuple" });
  const data = stream.split("\r\n").filter((line) => line.startsWith("data: ["));
  const words = data.map((line) => JSON.parse(line.slice(6))[0].content).filter(Boolean);
  expect(words.slice(0, 3)).toEqual([`small(${tools})`, " streamed", " words"]);
  const log = logged.mock.calls.join("\n");
  expect(log).toContain("the tools of the MCP server gone are missing");
  for (const secret of [KEY, TOKEN, "hidden"]) expect(log).not.toContain(secret);
});

const GOOD = { name: "a", url: "http://a" };

test.each<[Record<string, string> | object[], string]>([
  [{ OPENAI_API_KEY: "" }, "CHAT_MODEL needs OPENAI_API_KEY, the key of https://api.openai"],
  [{ OPENAI_BASE_URL: "ftp://a" }, "OPENAI_BASE_URL must be an http or https URL"],
  [{ OPENAI_BASE_URL: "http://[a" }, "OPENAI_BASE_URL must be an http or https URL"],
  [{ OPENAI_BASE_URL: "http://a:b@c" }, "must be without a password or a query"],
  [{ OPENAI_BASE_URL: "http://a?key=b" }, "must be without a password or a query"],
  [{ CHAT_SECONDS: "-1" }, "CHAT_SECONDS is '-1', not a number from 0"],
  [{ MCP_CONFIG: "{" }, "MCP_CONFIG is not JSON"],
  [{ MCP_CONFIG: "[]" }, 'MCP_CONFIG must be an object with a list "servers"'],
  [[1 as never], "servers[0] must be an object"],
  [[{ ...GOOD, key: 1 }], "servers[0] has an unknown field key"],
  [[{ url: "http://a" }], "servers[0] must have a name"],
  [[GOOD, { name: "b" }], "servers[1] must have an http or https url"],
  [[{ ...GOOD, tools: "b" }], "servers[0]: tools must be a list of names"],
  [[{ ...GOOD, auth_required: 1 }], "servers[0]: auth_required must be true or false"],
  [[{ ...GOOD, auth_required: true }], "a has auth_required, but MCP_TOKEN is not set"],
  [[GOOD, GOOD], "two servers are called a"],
])("refused settings: %p", (wrong, reason) => {
  const settings = Array.isArray(wrong)
    ? { MCP_CONFIG: JSON.stringify({ servers: wrong }) }
    : wrong;
  const all = { CHAT_MODEL: "m", OPENAI_API_KEY: "k", ...settings };
  expect(() => parseChat(all)).toThrow(reason);
});

test("all clients get the parts of a message", async () => {
  const graph = await chat(parseChat(env(url)) as ChatSettings);
  const input = { messages: [{ role: "user", content: "a b" }] };
  const parts: unknown[] = [];
  let last: unknown;
  const found = events(graph as unknown as Streaming, input, {}, new Translation());
  for await (const { place, data } of found) {
    if (place.channel === "messages") parts.push(Object(Object(data).delta).text);
    if (place.channel === "values") last = Object(data).messages.at(-1);
  }
  expect(parts.filter(Boolean)).toEqual(["small()", " a", " b"]);
  expect(last).toMatchObject({ content: "small() a b" });
  const older = await asked(await served(env(url)), "stream", "a b", { stream_mode: "messages" });
  expect(older).not.toContain("event: error");
  expect(older.match(/small\(\) a b/g)?.length).toBeGreaterThan(0);
  expect(older).toContain('"content":"small() a"');
});

test("settings that are right", () => {
  expect(parseChat({})).toBeUndefined();
  const local = parseChat({ CHAT_MODEL: "m", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" });
  expect(local).toMatchObject({ key: "", servers: [], seconds: 60 });
  const urls = ["http://a", "http://a/mcp/", "http://a/x/", "http://a/x?key=secret"];
  const servers = urls.map((address, n) => ({ name: String(n), url: address }));
  const found = parseChat(env("http://b", ...servers));
  const wanted = ["http://a/mcp", "http://a/mcp", "http://a/x/mcp", "http://a/x?key=secret"];
  expect(found?.servers.map((server) => server.url)).toEqual(wanted);
});

test("packages that are missing are named", () => {
  expect(() => parseChat({ CHAT_MODEL: "m" }, () => false)).toThrow(
    "CHAT_MODEL needs packages that are not installed: npm install @langchain/openai",
  );
});
