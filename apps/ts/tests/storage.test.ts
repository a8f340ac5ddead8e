/** A file keeps everything. `contract/storage` has the tests of servers that are killed. */

import { afterAll, beforeAll, expect, type Mock, setDefaultTimeout, spyOn, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  Annotation,
  type BaseCheckpointSaver,
  type BaseStore,
  END,
  emptyCheckpoint,
  InMemoryStore,
  MemorySaver,
  type Operation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { need } from "../src/databases.js";
import { type App, createApp } from "../src/index.js";
import { parseSettings } from "../src/settings.js";
import { Sqlite } from "../src/sqlite.js";
import { Memory, withRunMetadata, written } from "../src/storage.js";
import { cli, freePort, PATIENCE } from "./servers.js";

setDefaultTimeout(PATIENCE);

const FOLDER = mkdtempSync(`${tmpdir()}/storage-`);
let logged: Mock<typeof console.error>;
beforeAll(() => {
  logged = spyOn(console, "error").mockImplementation(() => undefined);
});
afterAll(() => {
  logged.mockRestore();
  rmSync(FOLDER, { recursive: true });
});

/** A graph of two steps. The second waits as long as the gate is shut. */
function graph(gate: { open: boolean; began: string[] }) {
  const state = Annotation.Root({
    done: Annotation<string[]>({ reducer: (a, b) => [...a, ...b] }),
  });
  return new StateGraph(state)
    .addNode("one", () => {
      gate.began.push("one");
      return { done: ["one"] };
    })
    .addNode("two", async () => {
      gate.began.push("two");
      while (!gate.open) await Bun.sleep(5);
      return { done: ["two"] };
    })
    .addEdge(START, "one")
    .addEdge("one", "two")
    .addEdge("two", END)
    .compile();
}

test("checkpoints that are being written are waited for, and those that follow", async () => {
  const gate = Promise.withResolvers<void>();
  const saver = new MemorySaver();
  const put = saver.put.bind(saver);
  const ids: string[] = [];
  saver.put = async (config, checkpoint, metadata) => {
    await gate.promise;
    ids.push(checkpoint.id);
    return await put(config, checkpoint, metadata);
  };
  const wrapped: BaseCheckpointSaver = withRunMetadata(saver);
  const write = (id: string) =>
    wrapped.put(
      { configurable: { thread_id: "slow", checkpoint_ns: "" } },
      { ...emptyCheckpoint(), id },
      { source: "loop", step: 0, parents: {} },
      {},
    );
  // As langgraph does: each one begins when the one before has ended.
  const both = write("1").then(() => write("2"));
  const seen = written("slow").then(() => [...ids]);
  await written("another thread");
  expect(ids).toEqual([]);
  gate.resolve();
  expect(await seen).toEqual(["1", "2"]);
  await both;
});

async function call(app: App, method: string, path: string, body?: object): Promise<unknown> {
  const sent = body ? { method, body: JSON.stringify(body) } : { method };
  const response = await app.fetch(new Request(`http://x${path}`, sent));
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

/** The file as it is when its server is killed. */
function killed(file: string): string {
  const copy = `${file}-copy`;
  for (const end of ["", "-wal"]) copyFileSync(`${file}${end}`, `${copy}${end}`);
  return copy;
}

test.each(["resume", "error"])("the file of a killed server: %s", async (lostRuns) => {
  const file = `${FOLDER}/${lostRuns}.db`;
  const [shut, open] = [
    { open: false, began: [] as string[] },
    { open: true, began: [] as string[] },
  ];
  const first = createApp({ steps: graph(shut) }, { db: `sqlite:${file}` });
  const mine = { graph_id: "steps", name: "mine", assistant_id: crypto.randomUUID() };
  await call(first, "POST", "/assistants", mine);
  await call(first, "PATCH", `/assistants/${mine.assistant_id}`, { name: "changed" });
  const gone = (await call(first, "POST", "/assistants", { graph_id: "steps" })) as typeof mine;
  await call(first, "DELETE", `/assistants/${gone.assistant_id}`);
  const { thread_id } = (await call(first, "POST", "/threads", {
    metadata: { text: "ä\0" },
    ttl: { ttl: 5 },
  })) as { thread_id: string };
  const lost = (await call(first, "POST", "/threads", {})) as { thread_id: string };
  await call(first, "DELETE", `/threads/${lost.thread_id}`);
  for (const ttl of [5, null]) {
    const item = { namespace: ["a"], key: `k${ttl}`, value: { x: [1.5, "ü"] }, ttl };
    await call(first, "PUT", "/store/items", item);
  }
  const run = { assistant_id: mine.assistant_id, input: {} };
  const { run_id } = (await call(first, "POST", `/threads/${thread_id}/runs`, run)) as {
    run_id: string;
  };
  while (!shut.began.includes("two")) await Bun.sleep(5);
  const reads = [
    `/assistants/${mine.assistant_id}`,
    `/threads/${thread_id}?include=ttl`,
    "/store/items?namespace=a&key=knull&refresh_ttl=false",
  ];
  const before = await Promise.all(reads.map((path) => call(first, "GET", path)));
  const second = createApp(
    { steps: graph(open) },
    { db: `sqlite:${killed(file)}`, resume: lostRuns === "resume" },
  );
  await second.open();
  const after = await Promise.all(reads.map((path) => call(second, "GET", path)));
  expect(after).toEqual(before);
  expect(await call(second, "POST", "/threads/count", {})).toBe(1);
  const result = await call(second, "GET", `/threads/${thread_id}/runs/${run_id}/join`);
  if (lostRuns === "resume") {
    expect(result).toEqual({ done: ["one", "two"] });
    expect(open.began).toEqual(["two"]);
  } else {
    const message = "the server ended during the run";
    expect(result).toEqual({ __error__: { error: "ServerEnded", message } });
  }
  const refused = createApp({}, { db: `sqlite:${file}` });
  await expect(refused.open()).rejects.toThrow(`can't use ${file}: another server uses it`);
  shut.open = true;
  await call(first, "GET", `/threads/${thread_id}/runs/${run_id}/join`);
});

test("a rolled back run leaves no checkpoints, and a pruned thread keeps the last", async () => {
  const gate = { open: true, began: [] as string[] };
  const app = createApp({ steps: graph(gate) }, { db: `sqlite:${FOLDER}/rollback.db` });
  const { thread_id } = (await call(app, "POST", "/threads", {})) as { thread_id: string };
  const at = `/threads/${thread_id}`;
  const run = { assistant_id: "steps", input: {} };
  const history = async (path = at) =>
    ((await call(app, "POST", `${path}/history`, { limit: 100 })) as unknown[]).length;
  await call(app, "POST", `${at}/runs/wait`, run);
  const known = await history();
  gate.open = false;
  const { run_id } = (await call(app, "POST", `${at}/runs`, run)) as { run_id: string };
  while (gate.began.length < 4) await Bun.sleep(5);
  expect(await history()).toBeGreaterThan(known);
  await call(app, "POST", `${at}/runs/${run_id}/cancel?wait=true&action=rollback`);
  expect(await history()).toBe(known);
  const copy = (await call(app, "POST", `${at}/copy`)) as { thread_id: string };
  const pruned = { thread_ids: [thread_id], strategy: "keep_latest" };
  await call(app, "POST", "/threads/prune", pruned);
  expect([await history(), await history(`/threads/${copy.thread_id}`)]).toEqual([1, known]);
  gate.open = true;
});

/** A value of a store, or a namespace, without times. */
function told(one: unknown): string {
  const { namespace, key, value } = Object(one) as Record<string, unknown>;
  return JSON.stringify(namespace ? [namespace, key, value] : one);
}

test("the store in SQLite answers as the one in memory", async () => {
  const sqlite = new Sqlite(`${FOLDER}/store.db`);
  await sqlite.open();
  const stores: BaseStore[] = [new InMemoryStore(), await sqlite.store()];
  const places: [string[], string][] = [
    [["a"], "1"],
    [["a", "b"], "1"],
    [["a", "b"], "2"],
    [["c]", "b"], "1"],
    [["d"], "1"],
    [["a", '"ü𝄞'], "1"],
  ];
  const puts = places.map(([namespace, key], n) => ({ namespace, key, value: { n, odd: n % 2 } }));
  const all = { limit: 100, offset: 0 };
  const filters = [
    {},
    { odd: 1 },
    { n: { $gt: 1, $lte: 3 } },
    { n: { $gte: 1, $lt: 2 } },
    { n: { $in: [1, 5] } },
    { n: { $nin: [1, 5] } },
    { n: { $ne: 1 } },
    { n: { $eq: 1 } },
    { n: { other: 1 } },
    { no: null },
  ];
  const operations: Operation[] = [
    ...filters.map((filter) => ({ namespacePrefix: [], filter, ...all })),
    { namespacePrefix: ["a"], ...all },
    { namespacePrefix: ["a", "b"], limit: 1, offset: 1 },
    { namespacePrefix: ["a", '"ü𝄞'], ...all },
    { namespace: ["a", "b"], key: "2" },
    { namespace: ["a", "b"], key: "3" },
    { ...all, matchConditions: [], maxDepth: 1 },
    { matchConditions: [], limit: 2, offset: 1 },
    { ...all, matchConditions: [{ matchType: "prefix", path: ["a"] }] },
    { ...all, matchConditions: [{ matchType: "suffix", path: ["*", "b"] }] },
  ];
  const answers: unknown[] = [];
  for (const store of stores) {
    await store.batch(puts);
    await store.put(["a"], "1", { n: 9, odd: 9 });
    await store.delete(["d"], "1");
    // langgraph's store in memory keeps an empty namespace.
    await store.put(["d"], "1", { n: 7, odd: 1 });
    const found: unknown[] = await store.batch(operations);
    answers.push(found.map((one) => (Array.isArray(one) ? one.map(told).sort() : told(one))));
  }
  expect(answers[1]).toEqual(answers[0]);
  // Only whole labels of a namespace are compared.
  await stores[1]?.put(["ab"], "1", {});
  const found = await stores[1]?.search(["a"], { limit: 100 });
  expect(found?.length).toBe(4);
});

test.each([
  ["other", "--db must be memory, sqlite:FILE or postgresql://…"],
  ["sqlite:", "--db must be memory, sqlite:FILE or postgresql://…"],
  ["postgresql://[", "the address of PostgreSQL is not valid"],
  ["memory:x", "--db must be memory, sqlite:FILE or postgresql://…"],
  [`sqlite:${FOLDER}/no/agents.db`, "its folder does not exist"],
  [`sqlite:${FOLDER}/text.db`, "file is not a database"],
])("%s can't be used: %s", async (place, reason) => {
  writeFileSync(`${FOLDER}/text.db`, "a text");
  const opened = async () => createApp({}, { db: place }).open();
  await expect(opened()).rejects.toThrow(reason);
});

test("the command names a wrong place before it imports graphs", async () => {
  const args = ["serve", "--config", "none.json", "--db", "sqlite", "--port"];
  expect(await cli([...args, String(await freePort())])).toEqual({
    code: 1,
    out: "",
    err: "fractal-agents-runtime: --db must be memory, sqlite:FILE or postgresql://…\n",
  });
});

test("a package that is missing is named", () => {
  expect(() => need("sqlite", "no-such-package")).toThrow(
    "--db sqlite needs packages that are not installed: npm install no-such-package",
  );
});

test("memory is of one server", async () => {
  const memory = new Memory();
  await memory.write();
  expect(await memory.open()).toEqual(await memory.changes());
  expect([...(await memory.beat())]).toEqual([memory.server]);
});

test("LOST_RUNS is resume or error", () => {
  expect(parseSettings({ LOST_RUNS: "error" }).lostRuns).toBe("error");
  expect(() => parseSettings({ LOST_RUNS: "no" })).toThrow("'no', not resume or error");
});
