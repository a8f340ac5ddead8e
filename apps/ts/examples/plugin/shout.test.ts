/**
 * Tests of the plugin by its author: they use only the public interface of the installed package.
 *
 * Run `bun test` in this folder. A release must also pass this test as it was in the last release.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { version } from "@l4b4r4b4b4/fractal-agents-runtime";

const PACKAGE = "@l4b4r4b4b4/fractal-agents-runtime";
/** Timeout in milliseconds. */
const PATIENCE = 20_000;

let server: Bun.Subprocess<"ignore", "ignore", "pipe">;
let url: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = Bun.spawn([process.execPath, await program()], {
    cwd: import.meta.dir,
    env: { ...process.env, HOST: "127.0.0.1", PORT: String(port), PLUGINS: "./shout.ts" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  let log = "";
  for await (const chunk of server.stderr) {
    log += new TextDecoder().decode(chunk);
    if (log.includes("listening on")) return;
  }
  throw new Error(`the server did not start:\n${log}`);
}, PATIENCE);

afterAll(() => {
  server.kill("SIGKILL");
});

/** The file of the command, as named in the package's manifest. */
async function program(): Promise<string> {
  const manifest = new URL(import.meta.resolve(`${PACKAGE}/package.json`));
  const { bin } = await Bun.file(manifest).json();
  return fileURLToPath(new URL(bin["fractal-agents-runtime"], manifest));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

test("the graph is served in addition to the server's own", async () => {
  const info = await (await fetch(`${url}/info`)).json();
  expect(info.graphs).toEqual(expect.arrayContaining(["echo", "shout"]));
  expect(info.version).toBe(version);
});

test("it shouts", async () => {
  const body = JSON.stringify({ assistant_id: "shout", input: { text: "hello, žlutý" } });
  const response = await fetch(`${url}/runs/wait`, { method: "POST", body });
  expect(await response.json()).toEqual({ text: "HELLO, ŽLUTÝ" });
});
