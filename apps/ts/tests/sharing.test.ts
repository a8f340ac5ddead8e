/** Several servers share records. `contract/storage` has the tests with a real database. */

import { afterAll, beforeAll, expect, type Mock, setDefaultTimeout, spyOn, test } from "bun:test";
import {
  Annotation,
  type BaseCheckpointSaver,
  END,
  MemorySaver,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { appOn } from "../src/app.js";
import { Followers } from "../src/followers.js";
import type { App } from "../src/index.js";
import { USUAL } from "../src/settings.js";
import { Memory, type Row, type Storage, withRunMetadata } from "../src/storage.js";
import { Threads } from "../src/threads.js";
import { PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

let logged: Mock<typeof console.error>;
beforeAll(() => {
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterAll(() => {
  logged.mockRestore();
});

/** What the servers share. */
class Database {
  readonly rows = new Map<string, { number: number; server: string; row: Row }>();
  readonly alive = new Set<string>();
  readonly saver: BaseCheckpointSaver = withRunMetadata(new MemorySaver());
  number = 0;
}

/** A server's view of the database. */
function shared(database: Database, server: string): Storage {
  let known = 0;
  const memory = new Memory();
  return {
    durable: true,
    shared: true,
    server,
    open: async () => [],
    saver: async () => database.saver,
    store: () => memory.store(),
    turn: (work) => work(),
    async changes() {
      const after = known;
      known = database.number;
      const all = [...database.rows.values()];
      return all.filter((one) => one.number > after && one.server !== server).map(({ row }) => row);
    },
    beat: async () => database.alive,
    async write(rows) {
      for (const row of rows) {
        database.number += 1;
        const [kind, key] = row;
        database.rows.set(`${kind} ${key}`, { number: database.number, server, row });
      }
    },
    forget: () => undefined,
    copy: async () => undefined,
    cut: async () => undefined,
    last: async () => "",
    restore: async () => undefined,
  };
}

/** Servers of a graph whose step waits until the gate opens. */
class Servers {
  readonly database = new Database();
  readonly begun: string[] = [];
  open = false;

  async start(name: string): Promise<App> {
    const state = Annotation.Root({ x: Annotation<number> });
    const graph = new StateGraph(state)
      .addNode("step", async () => {
        this.begun.push(name);
        while (!this.open) await Bun.sleep(5);
        return { x: 2 };
      })
      .addEdge(START, "step")
      .addEdge("step", END)
      .compile();
    this.database.alive.add(name);
    const settings = { ...USUAL, leaseSeconds: 0.4 };
    const app = appOn(shared(this.database, name), { steps: graph }, settings);
    await app.open();
    return app;
  }

  /** Starts a run. Returns its path. */
  async run(app: App): Promise<string> {
    const { thread_id } = await call(app, "POST", "/threads", {});
    const count = this.begun.length;
    const body = { assistant_id: "steps", input: { x: 1 } };
    const { run_id } = await call(app, "POST", `/threads/${thread_id}/runs`, body);
    while (this.begun.length === count) await Bun.sleep(5);
    return `/threads/${thread_id}/runs/${run_id}`;
  }
}

async function call(
  app: App,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const sent = body ? { method, body: JSON.stringify(body) } : { method };
  const response = await app.fetch(new Request(`http://x${path}`, sent));
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text || "{}");
}

test("a run of a silent server is resumed once, and its old server lets go", async () => {
  const servers = new Servers();
  const [silent, other] = [await servers.start("silent"), await servers.start("other")];
  const run = await servers.run(silent);
  const joined = call(silent, "GET", `${run}/join`);
  servers.database.alive.delete("silent");
  while (servers.begun.length < 2) await Bun.sleep(5);
  servers.open = true;
  expect(await call(other, "GET", `${run}/join`)).toEqual({ x: 2 });
  expect(await joined).toEqual({ x: 2 });
  expect((await call(silent, "GET", run))["status"]).toBe("success");
  const [thread = ""] = run.split("/runs");
  expect((await call(silent, "GET", thread))["status"]).toBe("idle");
  expect(servers.begun).toEqual(["silent", "other"]);
});

/** The params of a thread's events, until one of them has the text. */
async function followed(app: App, thread: string, text: string): Promise<string[]> {
  const body = JSON.stringify({ channels: ["lifecycle", "values", "input"] });
  const request = new Request(`http://x${thread}/stream/events`, { method: "POST", body });
  const told: string[] = [];
  for await (const chunk of (await app.fetch(request)).body ?? []) {
    const lines = new TextDecoder().decode(chunk).split("\n");
    for (const line of lines.filter((line) => line.startsWith("data: "))) {
      told.push(JSON.stringify(JSON.parse(line.slice(6)).params.data));
    }
    if (told.some((one) => one.includes(text))) break;
  }
  return told;
}

test("a thread's clients are told of the runs of another server", async () => {
  const servers = new Servers();
  const one = await servers.start("one");
  const other = await servers.start("other");
  const run = await servers.run(one);
  const [thread = ""] = run.split("/runs/");
  await call(other, "GET", run);
  const told = followed(other, thread, "completed");
  servers.open = true;
  expect(await told).toEqual([
    expect.stringContaining('"running"'),
    '{"x":2}',
    expect.stringContaining('"completed"'),
  ]);
});

test("another server cancels a run, sees its end, and deletes its thread", async () => {
  const servers = new Servers();
  const [one, other] = [await servers.start("one"), await servers.start("other")];
  const run = await servers.run(one);
  const stream = await other.fetch(new Request(`http://x${run}/stream`));
  await call(other, "POST", `${run}/cancel?wait=true`, {});
  expect((await call(other, "GET", run))["status"]).toBe("interrupted");
  expect(await stream.text()).toContain("event: values");
  const [thread = ""] = run.split("/runs");
  await call(other, "DELETE", thread);
  await expect(call(one, "GET", thread)).rejects.toThrow("404");
});

test("the end of a run is told when it is saved", async () => {
  const servers = new Servers();
  const told = new Map<string, unknown[]>();
  const note = (event: string) => {
    const rows = [...servers.database.rows.values()].map(({ row }) => row);
    const of = (name: string) => JSON.parse(rows.find(([kind]) => kind === name)?.[2] ?? "{}");
    told.set(event, [of("run").record.status, of("thread").status]);
  };
  const spies = [
    spyOn(Threads.prototype, "tell").mockImplementation((_, event) => note(event)),
    spyOn(Followers.prototype, "end").mockImplementation(() => note("lifecycle")),
  ];
  const app = await servers.start("one");
  const run = await servers.run(app);
  servers.open = true;
  await call(app, "GET", `${run}/join`);
  for (const spy of spies) spy.mockRestore();
  const saved = ["success", "idle"];
  expect([told.get("run_done"), told.get("lifecycle")]).toEqual([saved, saved]);
});
