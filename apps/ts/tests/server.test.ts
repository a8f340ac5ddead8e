/** Tests of the running server that are specific to this app. `contract/` has those of all apps. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { Client } from "@langchain/langgraph-sdk";
import { document } from "../src/promises.js";
import { render } from "../src/spec.js";
import { commit, langgraphVersion, PACKAGE, version } from "../src/version.js";
import { cli, freePort, PATIENCE, type Server, started } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

let server: Server;
beforeAll(async () => {
  server = await started();
});
afterAll(async () => {
  server.signal("SIGTERM");
  expect((await server.exit()).code).toBe(0);
});

const hello = { messages: [{ role: "user", content: "hello" }] };

test("info describes the running package", async () => {
  const info = await (await fetch(`${server.url}/info`)).json();
  expect(info).toEqual({
    name: PACKAGE,
    version,
    commit,
    graphs: ["agent", "echo"],
    compat: document(render()),
    flags: { assistants: true, crons: false, langsmith: false },
    langgraph_py_version: null,
    langgraph_js_version: langgraphVersion(),
  });
});

test("the official SDK runs a graph", async () => {
  const sdk = new Client({ apiUrl: server.url, callerOptions: { maxRetries: 0 } });
  const config = { recursion_limit: 9, tags: ["t"], configurable: { k: "v" } };
  const done = await sdk.runs.wait(null, "echo", { input: hello, config, metadata: { m: 1 } });
  expect(done).toEqual({ messages: [...hello.messages, { role: "assistant", content: "hello" }] });
  expect(sdk.runs.wait(null, "nobody", { input: hello })).rejects.toThrow("404");
});

test("each request is a line of the log", async () => {
  await fetch(`${server.url}/logged?secret=1`);
  await server.wrote("/logged");
  const lines = server.log().match(/^.*\/logged.*$/gm);
  expect(lines).toHaveLength(1);
  expect(lines?.[0]).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO GET \/logged 404 \d+\.\dms$/,
  );
});

test("the command prints its version and its help", async () => {
  expect(await cli(["--version"])).toEqual({
    code: 0,
    out: `fractal-agents-runtime ${version}\n`,
    err: "",
  });
  const help = await cli(["--help"]);
  expect(help.code).toBe(0);
  expect(help.out).toContain("PORT (default 8000)");
});

test.each(["--port=x", "--ports=1", "x", "-v"])("%p is a usage error", async (argument) => {
  const done = await cli([argument]);
  expect(done.code).toBe(2);
  expect(done.err).toContain("usage: fractal-agents-runtime");
  expect(done.err).toContain("fractal-agents-runtime: error: ");
});

test.each(["http", ""])("an invalid port, %p, is a usage error", async (PORT) => {
  const done = await cli([], { PORT });
  expect(done.code).toBe(2);
  expect(done.err).toContain(`PORT is '${PORT}', not a number from 1 to 65535`);
});

test("a port that is taken is an error", async () => {
  const done = await cli([], { PORT: String(server.port) });
  const where = `127.0.0.1:${server.port}`;
  expect(done.code).toBe(1);
  expect(done.err).toContain(`can't listen on ${where}: Address already in use\n`);
});

test("an invalid host is an error", async () => {
  const done = await cli([], { HOST: "256.0.0.1", PORT: String(await freePort()) });
  expect(done.code).toBe(1);
  expect(done.err).toMatch(/can't listen on 256\.0\.0\.1:\d+: .*name/i);
});
