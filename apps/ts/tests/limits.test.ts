/** The limits of a server that its settings change, and the settings. */

import { afterEach, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { PATIENCE } from "../src/body.js";
import { type App, createApp } from "../src/index.js";
import { Lifecycle } from "../src/lifecycle.js";
import { LOG, log } from "../src/log.js";
import { parseSettings, type Settings, USUAL } from "../src/settings.js";
import { PATIENCE as TEST_PATIENCE } from "./servers.js";

setDefaultTimeout(TEST_PATIENCE);

const usual = { ...PATIENCE };
afterEach(() => {
  Object.assign(PATIENCE, usual);
});

const slow = {
  invoke: ({ seconds }: { seconds: number }) => Bun.sleep(seconds * 1000).then(() => ({})),
};

function app(settings: Partial<Settings>): App {
  return createApp({ slow }, { settings });
}

function ask(server: App, path: string, body?: string | ReadableStream): Promise<Response> {
  const method = body === undefined ? "GET" : "POST";
  return server.fetch(new Request(`http://x${path}`, { method, ...(body ? { body } : {}) }));
}

function run(seconds: number): string {
  return JSON.stringify({ assistant_id: "slow", input: { seconds } });
}

test("a body that is too large is 413", async () => {
  const reply = await ask(app({ maxBody: 9 }), "/runs/wait", run(0));
  expect(reply.status).toBe(413);
  expect(await reply.text()).toContain("more than 9 bytes");
});

test("a body that does not arrive is 408", async () => {
  PATIENCE.body = 20;
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
  const reply = await ask(app({}), "/runs/wait", body);
  expect(reply.status).toBe(408);
  expect(await reply.json()).toEqual({ detail: "the body did not arrive in time", errors: [] });
});

test("a run that takes too long is 408 and has the status timeout", async () => {
  const limited = app({ runSeconds: 0.05 });
  const reply = await ask(limited, "/runs/wait", run(60));
  expect(reply.status).toBe(408);
  expect(await reply.json()).toEqual({ detail: "the run took too long", errors: [] });
  const told = await (await ask(limited, "/runs/stream", run(60))).text();
  const error = '{"error":"TimeoutError","message":"the run took too long"}';
  expect(told).toContain(`event: error\r\ndata: ${error}`);
  const { thread_id } = (await (await ask(limited, "/threads", "{}")).json()) as {
    thread_id: string;
  };
  const path = `/threads/${thread_id}`;
  expect((await ask(limited, `${path}/runs/wait`, run(60))).status).toBe(408);
  expect(await (await ask(limited, `${path}/runs`)).json()).toMatchObject([{ status: "timeout" }]);
  expect(await (await ask(limited, path)).json()).toMatchObject({ status: "error" });
});

test("too many active runs are 429", async () => {
  const limited = app({ maxRuns: 1 });
  const running = ask(limited, "/runs/wait", run(0.1));
  await Bun.sleep(20);
  const bodies = { "/runs": run(0), "/runs/batch": `[${run(0)}]` };
  for (const [path, body] of Object.entries(bodies)) {
    const refused = await ask(limited, path, body);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  }
  expect((await running).status).toBe(200);
  expect((await ask(limited, "/runs/wait", run(0))).status).toBe(200);
});

test.each([
  ["MAX_BODY", "0"],
  ["MAX_RUNS", "1.5"],
  ["RUN_SECONDS", "-1"],
  ["LOG_FORMAT", "xml"],
])("a wrong %s, %p, is named", (name, value) => {
  expect(() => parseSettings({ [name]: value })).toThrow(`${name} is '${value}', not`);
});

test("settings are read from the environment", () => {
  expect(parseSettings({ MAX_RUNS: "" })).toEqual(USUAL);
  const env = { MAX_BODY: "7", RUN_SECONDS: "0.5", CORS_ORIGINS: "http://a, http://b," };
  const expected = { maxBody: 7, runSeconds: 0.5, corsOrigins: ["http://a", "http://b"] };
  expect(parseSettings(env)).toEqual({ ...USUAL, ...expected });
});

test.each([
  [[], undefined],
  [["http://b"], undefined],
  [["http://a"], "http://a"],
  [["*"], "http://a"],
])("with the origins %p a page of http://a gets %p", async (corsOrigins, allowed) => {
  const server = app({ corsOrigins });
  const headers = { Origin: "http://a" };
  const reply = await server.fetch(new Request("http://x/ok", { headers }));
  expect(reply.status).toBe(200);
  expect(reply.headers.get("access-control-allow-origin")).toBe(allowed ?? null);
  const asked = {
    ...headers,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "x-api-key",
  };
  const preflight = new Request("http://x/runs/wait", { method: "OPTIONS", headers: asked });
  const answer = await server.fetch(preflight);
  expect(answer.status).toBe(204);
  expect(answer.headers.has("access-control-allow-methods")).toBe(allowed !== undefined);
});

test("the log can be JSON", () => {
  const written = spyOn(console, "error").mockImplementation(() => undefined);
  LOG.json = true;
  try {
    log("INFO", "GET 200", { status: 200 });
    const told = JSON.parse(String(written.mock.calls[0]?.[0]));
    expect(told).toEqual({ time: told.time, level: "INFO", message: "GET 200", status: 200 });
    expect(told.time).toEndWith("Z");
  } finally {
    LOG.json = false;
    written.mockRestore();
  }
});

test("active runs are interrupted after the grace period", async () => {
  const server = app({});
  const made = (await (await ask(server, "/threads", "{}")).json()) as { thread_id: string };
  const path = `/threads/${made.thread_id}/runs`;
  await ask(server, path, run(0.02));
  await ask(server, path, run(60));
  await new Promise<number>((ended) => new Lifecycle(ended, 0.1).stop("a test"));
  expect(await (await ask(server, path)).json()).toMatchObject([
    { status: "interrupted", cancel_reason: "the server is stopping" },
    { status: "success" },
  ]);
});
