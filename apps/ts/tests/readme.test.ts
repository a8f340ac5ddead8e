/** The examples of the README, which is the package's page on npm, work as described. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createApp } from "../src/index.js";
import { load } from "../src/plugins.js";
import { PATIENCE, post, ROOT, started } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

const README = readFileSync(`${ROOT}/README.md`, "utf8");

test("the request of the README is answered as described", async () => {
  const [, body = "", answer] = /-d '(.*)'\n(.*)\n/.exec(README) ?? [];
  const request = new Request("http://x/runs/wait", { method: "POST", body });
  expect(await (await createApp().fetch(request)).text()).toBe(answer ?? "none");
});

test("the graph of the README is served", async () => {
  const [, example = ""] = /```ts\n(.*?)```/s.exec(README) ?? [];
  const folder = mkdtempSync(`${ROOT}/coverage-readme-`);
  try {
    // The example imports the package and listens on the default port. Here it must import the
    // checkout, and listen on a free port.
    const script = example
      .replace('"@l4b4r4b4b4/fractal-agents-runtime"', '"../src/index.js"')
      .replace("createApp({ double })", "$&, { port: Number(process.env.PORT) }");
    writeFileSync(`${folder}/example.ts`, script);
    await using server = await started(`${folder}/example.ts`);
    const response = await post(server.url, { assistant_id: "double", input: { number: 21 } });
    expect(await response.json()).toEqual({ number: 42 });
    server.signal("SIGINT");
    expect((await server.exit()).code).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the plugin of the README works", async () => {
  const [, plugin = ""] = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text);
  const [, path = ""] = /PLUGINS=(\S+) /.exec(README) ?? [];
  const folder = mkdtempSync(`${tmpdir()}/plugins-of-tests-`);
  try {
    writeFileSync(`${folder}/${path}`, plugin);
    const graphs = await load(`${folder}/${path}`, {});
    expect(await graphs["shout"]?.invoke({ text: "ž" })).toEqual({ text: "Ž" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
