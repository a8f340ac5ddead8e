/** The server stops within a second, after the running requests, with exit code 0. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { freePort, PATIENCE, post, ROOT, started } from "./servers.js";

// Starting a process can take longer than five seconds on a machine under load.
setDefaultTimeout(PATIENCE);

// The server guarantees one second; a machine under load may need another.
const SOON = 2000;

function sleep(url: string, seconds: number): Promise<Response> {
  return post(url, { assistant_id: "slow", input: { seconds } });
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "a run that had begun is answered after %s",
  async (signal) => {
    await using server = await started("tests/slow_server.ts");
    const run = sleep(server.url, 0.4);
    await server.wrote("a run has begun");
    server.signal(signal);
    const { code, took } = await server.exit();
    const response = await run;
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ slept: 0.4 });
    expect(code).toBe(0);
    expect(took).toBeLessThan(SOON);
    expect(server.log()).toContain(`${signal}: stopping`);
  },
);

test("the server stops when npx is ended, which does not pass the signal on", async () => {
  const script = `${process.execPath} tests/slow_server.ts; exit`;
  const shell = Bun.spawn(["sh", "-c", script], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(await freePort()), npm_lifecycle_event: "npx" },
    stderr: "pipe",
  });
  const told: string[] = [];
  const decoder = new TextDecoder();
  // The pipe is closed when the server has ended.
  for await (const chunk of shell.stderr) {
    told.push(decoder.decode(chunk));
    if (told.at(-1)?.includes("listening")) shell.kill("SIGTERM");
  }
  expect(told.join("")).toContain("the parent process ended: stopping");
});

test("a run that takes too long and a new request are refused", async () => {
  await using server = await started("tests/slow_server.ts");
  const run = sleep(server.url, 60);
  await server.wrote("a run has begun");
  const body = JSON.stringify({ assistant_id: "slow", input: { seconds: 60 } });
  const stream = await fetch(`${server.url}/runs/stream`, { method: "POST", body });
  server.signal("SIGTERM");
  await server.wrote("SIGTERM: stopping");
  // A second signal changes nothing.
  server.signal("SIGINT");
  for (const response of [await fetch(`${server.url}/health`), await run]) {
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ detail: "the server is stopping", errors: [] });
    expect(response.headers.get("retry-after")).toBe("1");
  }
  const events = await stream.text();
  expect(events).toStartWith("event: metadata");
  expect(events).toContain('event: error\r\ndata: {"error":"Stopping"');
  expect((await server.exit()).code).toBe(0);
});
