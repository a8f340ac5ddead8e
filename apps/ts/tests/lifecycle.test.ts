/** Stopping of the server, without ending the process. */

import { afterAll, beforeAll, expect, type Mock, setDefaultTimeout, spyOn, test } from "bun:test";
import { createApp } from "../src/app.js";
import { Lifecycle } from "../src/lifecycle.js";
import { Door, run, serve } from "../src/server.js";
import { freePort, PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

let logged: Mock<typeof console.error>;
beforeAll(() => {
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterAll(() => {
  logged.mockRestore();
});

test("a failing request does not affect other requests", async () => {
  const lifecycle = new Lifecycle();
  const failing = lifecycle.answer(() => Promise.reject(new Error("odd")));
  expect(failing).rejects.toThrow("odd");
  expect((await lifecycle.answer(async () => new Response("x"))).status).toBe(200);
});

test("a stopping server completes quick requests and refuses the others", async () => {
  let exit: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const lifecycle = new Lifecycle(exit);
  const port = await freePort();
  const door = new Door();
  await run(door, "localhost", port, lifecycle);
  door.open(createApp());
  const url = `http://localhost:${port}/health`;
  expect((await fetch(url)).status).toBe(200);
  const quick = lifecycle.answer(async () => new Response("x"));
  const endless = lifecycle.answer(() => new Promise(() => undefined));
  lifecycle.stop("SIGTERM");
  lifecycle.stop("SIGINT");
  expect((await fetch(url)).status).toBe(503);
  expect((await quick).status).toBe(200);
  expect((await endless).status).toBe(503);
  expect(await ended).toBe(0);
  const lines = logged.mock.calls.join("\n");
  expect(lines).toContain(`listening on 127.0.0.1 port ${port}`);
  expect(lines).toContain("INFO GET /health 200");
  expect(lines).toContain("SIGTERM: stopping");
  expect(lines).not.toContain("SIGINT: stopping");
});

test("requests are refused even if the machine stalls", async () => {
  const happened: string[] = [];
  const ended = new Promise<void>((resolve) => {
    const lifecycle = new Lifecycle(() => {
      happened.push("the end");
      resolve();
    });
    const endless = lifecycle.answer(() => new Promise(() => undefined));
    void endless.then((refused) => happened.push(String(refused.status)));
    lifecycle.stop("SIGTERM");
    Bun.sleepSync(1000);
  });
  await ended;
  expect(happened).toEqual(["503", "the end"]);
});

test("only /ok is answered until the graphs are imported", async () => {
  const [door, port] = [new Door(), await freePort()];
  await run(door, "127.0.0.1", port, new Lifecycle());
  const url = `http://127.0.0.1:${port}`;
  expect(await (await fetch(`${url}/ok`)).json()).toEqual({ ok: true });
  for (const path of ["/health", "/info", "/nope"]) {
    const refused = await fetch(url + path);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.json()).toEqual({ detail: "the server is starting", errors: [] });
  }
  door.open(createApp());
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

test("serve handles SIGTERM and SIGINT", async () => {
  const on = spyOn(process, "on").mockImplementation(() => process);
  try {
    const port = await freePort();
    await serve(createApp(), { port });
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    const handled = on.mock.calls.map(([signal]) => String(signal));
    expect(handled).toEqual(expect.arrayContaining(["SIGTERM", "SIGINT"]));
  } finally {
    on.mockRestore();
  }
});

test("a server that npm started stops when its parent ends", async () => {
  const listeners = (["SIGTERM", "SIGINT"] as const).map(
    (signal) => [signal, process.listeners(signal)] as const,
  );
  const ppid = Object.getOwnPropertyDescriptor(process, "ppid") as PropertyDescriptor;
  process.env["npm_lifecycle_event"] = "npx";
  try {
    await new Promise<number>((resolve) => {
      new Lifecycle(resolve).watch();
      Object.defineProperty(process, "ppid", { ...ppid, get: () => 1 });
    });
  } finally {
    delete process.env["npm_lifecycle_event"];
    Object.defineProperty(process, "ppid", ppid);
    for (const [signal, before] of listeners) {
      for (const one of process.listeners(signal)) {
        if (!before.includes(one)) process.off(signal, one);
      }
    }
  }
  expect(logged.mock.calls.join("\n")).toContain("the parent process ended: stopping");
});
