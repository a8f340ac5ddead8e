/** The app without a server: cases that a client can't cause with the echo graph. */

import { afterEach, beforeEach, expect, type Mock, setDefaultTimeout, spyOn, test } from "bun:test";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";
import { createApp, type Graph, type GraphConfig } from "../src/index.js";
import { pathOf } from "../src/path.js";
import { USUAL } from "../src/settings.js";
import { PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

const hello = { assistant_id: "echo", input: { messages: [{ role: "user", content: "hello" }] } };

let logged: Mock<typeof console.error>;
beforeEach(() => {
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  logged.mockRestore();
});

function ask(graph: Graph, more: object = {}): Promise<Response> {
  const body = JSON.stringify({ assistant_id: "g", input: {}, ...more });
  return createApp({ g: graph }).fetch(new Request("http://x/runs/wait", { method: "POST", body }));
}

function ending(end: unknown): Graph {
  return { invoke: () => Promise.resolve(end) };
}

test("numbers that JSON does not have are answered as null", async () => {
  const response = await ask(ending({ n: [Number.NaN, Number.POSITIVE_INFINITY, 1.5] }));
  expect(await response.json()).toEqual({ n: [null, null, 1.5] });
});

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

test.each([[["not an object"]], [null], [undefined], ["text"], [cyclic], [{ n: 1n }]])(
  "a graph that does not return JSON is an error in the answer",
  async (end) => {
    const response = await ask(ending(end));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ __error__: { error: "TypeError" } });
    expect(logged.mock.calls.join()).toContain("of g failed");
  },
);

test.each([new Error("boom"), "boom"])(
  "a graph that fails is an error in the answer",
  async (reason) => {
    const graphs: Graph[] = [
      { invoke: () => Promise.reject(reason) },
      {
        invoke: () => {
          throw reason;
        },
      },
    ];
    for (const graph of graphs) {
      const response = await ask(graph);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ __error__: { message: "boom" } });
      expect(logged.mock.calls.join()).toContain("boom");
    }
  },
);

test("an error of the server is 500, and only the log has the reason", async () => {
  const drawn = { getGraphAsync: () => Promise.reject(new Error("secret")) };
  const app = createApp({ g: { ...ending({}), ...drawn } });
  const response = await app.fetch(new Request("http://x/assistants/g/graph"));
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    detail: "internal error; the server's log has the reason",
    errors: [],
  });
  expect(logged.mock.calls.join()).toContain("secret");
});

test("a graph gets the settings of the run", async () => {
  const seen: (GraphConfig | undefined)[] = [];
  const graph: Graph = {
    invoke(_input, config) {
      seen.push(config);
      return Promise.resolve({});
    },
  };
  await ask(graph);
  const config = { recursion_limit: 7, tags: ["t"], configurable: { k: 1 } };
  await ask(graph, { config, metadata: { m: 1 } });
  expect(seen).toEqual([
    { metadata: {} },
    { recursionLimit: 7, tags: ["t"], configurable: { k: 1 }, metadata: { m: 1 } },
  ]);
});

test("only a graph with a schema for its input refuses wrong inputs", async () => {
  const State = Annotation.Root({ n: Annotation<number> });
  const nodes = { add: ({ n }: { n: number }) => ({ n: n + 1 }) };
  const free = new StateGraph(State).addNode(nodes).addEdge(START, "add").addEdge("add", END);
  expect((await ask(free.compile(), { input: { n: 1 } })).status).toBe(200);
  const strict = new StateGraph({ state: State, input: z.object({ n: z.number() }) })
    .addNode(nodes)
    .addEdge(START, "add")
    .addEdge("add", END)
    .compile();
  const response = await ask(strict, { input: { n: "1" } });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ errors: [{ loc: ["body", "input", "n"] }] });
});

test.each([
  ["GET", "/health", 200],
  ["GET", "/nope", 404],
  ["GET", "/runs", 405],
  ["GET", "/threads/%ff", 404],
  ["PUT", "/info", 405],
  ["HEAD", "/runs/wait", 405],
  ["OPTIONS", "/info", 204],
])("%s %s is %d", async (method, path, status) => {
  const response = await createApp().fetch(new Request(`http://x${path}`, { method }));
  expect(response.status).toBe(status);
});

test.each([
  ["nonsense", 400],
  ['"\\ud800"', 400],
  ["[".repeat(999) + "]".repeat(999), 400],
  [" ".repeat(USUAL.maxBody + 1), 413],
  [JSON.stringify({ assistant_id: "nobody", input: {} }), 404],
  [JSON.stringify({ assistant_id: "echo", input: {}, more: 1 }), 422],
  [JSON.stringify({ ...hello, config: { recursion_limit: 1 } }), 422],
  [JSON.stringify(hello), 200],
])("a body is read and parsed (%#)", async (body, status) => {
  const request = new Request("http://x/runs/wait", { method: "POST", body });
  expect((await createApp().fetch(request)).status).toBe(status);
});

test("a channel protocol that is not supported is 400", async () => {
  for (const [version, status] of [
    ["1", 200],
    ["0", 400],
    ["1, 1", 400],
  ] as const) {
    const headers = { "channel-protocol": version };
    const body = JSON.stringify(hello);
    const request = new Request("http://x/runs/wait", { method: "POST", headers, body });
    expect((await createApp().fetch(request)).status).toBe(status);
  }
});

test.each([
  ["/health", {}, 200],
  ["/ok", {}, 200],
  ["/info", {}, 401],
  ["/nope", {}, 401],
  ["/info", { authorization: "Bearer wrong" }, 401],
  ["/info", { authorization: "Basic secret" }, 401],
  ["/info", { authorization: "bearer  secret" }, 200],
  ["/info", { "x-api-key": "secret" }, 200],
  ["/info", { authorization: "Bearer wrong", "x-api-key": "secret" }, 401],
])("a token is needed for all but the checks: %s %p", async (path, headers, status) => {
  const app = createApp({ g: ending({}) }, { token: "secret" });
  const response = await app.fetch(new Request(`http://x${path}`, { headers }));
  expect(response.status).toBe(status);
  expect(response.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
});

test("an app has the given graphs", async () => {
  const app = createApp({ b: ending({}), a: ending({}) });
  const info = await (await app.fetch(new Request("http://x/info"))).json();
  expect(info).toMatchObject({ graphs: ["a", "b"] });
});

test.each([
  ["http://host/a/b?c#d", "/a/b"],
  ["http://host", "/"],
  ["http://host/", "/"],
  ["http://host?q", "/"],
  ["http://host/a/", "/a"],
  ["http://host//a//", "//a/"],
  ["/no/host", "/no/host"],
  ["http://[::1]:80/a:b", "/a:b"],
])("the path of %p is %p", (url, path) => {
  expect(pathOf({ url })).toBe(path);
});
