/** Calls every method of the TypeScript SDK on the server at BASE_URL. Prints one JSON object: row, result.
 *
 * It needs `@langchain/langgraph-sdk` in the folder SDK_HOME. A row works if its call raises nothing and its
 * answer is as expected.
 */

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.SDK_HOME}/package.json`);
const { Client } = require("@langchain/langgraph-sdk");
const sdk = new Client({ apiUrl: process.env.BASE_URL, callerOptions: { maxRetries: 0 } });
const { assistants, threads, runs, store } = sdk;
const say = (content) => ({ messages: [{ role: "user", content }] });
const HELLO = say("hello");
const SLOW = say("wait 30");

const results = {};
async function row(name, call) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer within 20 s")), 20_000);
  });
  try {
    await Promise.race([call(), late]);
    results[name] = "works";
  } catch (problem) {
    results[name] = `fails (${String(problem?.message ?? problem).slice(0, 200)})`;
  } finally {
    clearTimeout(timer);
  }
}

function check(holds, seen) {
  if (!holds) throw new Error(`unexpected: ${JSON.stringify(seen)?.slice(0, 300)}`);
}

async function events(stream) {
  const seen = [];
  for await (const part of stream) seen.push(part.event);
  return seen;
}

const mine = randomUUID();
await row("assistants.create", async () => {
  const made = await assistants.create({
    graphId: "echo",
    assistantId: mine,
    name: "mine",
    context: { k: 1 },
  });
  check(made.config.configurable.k === 1, made);
});
await row("assistants.search", async () => {
  const found = await assistants.search({ name: "MINE", limit: 100 });
  check(found.some((one) => one.assistant_id === mine), found);
});
await row("assistants.get", async () => check((await assistants.get("echo")).graph_id === "echo"));
await row("assistants.update", async () => {
  check((await assistants.update(mine, { metadata: { m: 1 } })).version === 2);
});
await row("assistants.getVersions", async () => {
  const versions = (await assistants.getVersions(mine)).map((one) => one.version);
  check(versions.join() === "2,1", versions);
});
await row("assistants.setLatest", async () => {
  check((await assistants.setLatest(mine, 1)).version === 1);
});
await row("assistants.getGraph", async () => {
  const { edges } = await assistants.getGraph(mine, { xray: true });
  check(edges.some((one) => one.source === "__start__" && one.target === "reply"), edges);
});
await row("assistants.getSchemas", async () => {
  check((await assistants.getSchemas(mine)).graph_id === "echo");
});
await row("assistants.getSubgraphs", async () => {
  const found = await assistants.getSubgraphs(mine, { recurse: true });
  check(Object.keys(found).length === 0, found);
});
await row("assistants.count", async () => check((await assistants.count({ graphId: "echo" })) >= 2));
await row("assistants.delete", () => assistants.delete(mine));

const space = ["matrix", randomUUID()];
await row("store.putItem", () => store.putItem(space, "k", { a: 1 }, { index: false, ttl: 5 }));
await row("store.getItem", async () => check((await store.getItem(space, "k")).value.a === 1));
await row("store.searchItems", async () => {
  check((await store.searchItems(space, { filter: { a: 1 } })).items.length === 1);
});
await row("store.listNamespaces", async () => {
  const { namespaces } = await store.listNamespaces({ prefix: space });
  check(JSON.stringify(namespaces) === JSON.stringify([space]), namespaces);
});
await row("store.deleteItem", async () => {
  await store.deleteItem(space, "k");
  check((await store.getItem(space, "k")) === null);
});
await row("crons.search", async () => check((await sdk.crons.search()).length === 0));

const thread = randomUUID();
await row("threads.create", async () => {
  const made = await threads.create({ threadId: thread, metadata: { who: thread }, ifExists: "raise" });
  check(made.status === "idle", made);
});
await row("threads.get", async () => check((await threads.get(thread)).thread_id === thread));
await row("threads.update", async () => {
  check((await threads.update(thread, { metadata: { n: 2 } })).metadata.n === 2);
});
await row("threads.search", async () => {
  check((await threads.search({ metadata: { who: thread } })).length === 1);
});
await row("threads.count", async () => {
  check((await threads.count({ metadata: { who: thread } })) === 1);
});
await row("runs.wait (thread)", async () => {
  const done = await runs.wait(thread, "echo", { input: HELLO, metadata: { m: 1 } });
  check(done.messages.at(-1).content === "hello", done);
});
await row("runs.wait (stateless)", async () => {
  const done = await runs.wait(null, "echo", { input: HELLO });
  check(done.messages.at(-1).content === "hello", done);
});
await row("threads.getState", async () => {
  check((await threads.getState(thread)).values.messages.length === 2);
});
await row("threads.getState(checkpoint)", async () => {
  const last = await threads.getState(thread);
  const parent = await threads.getState(thread, last.parent_checkpoint);
  check(parent.next.join() === "reply", parent);
  const one = await threads.getState(thread, last.checkpoint.checkpoint_id);
  check(one.values.messages.length === 2, one);
});
await row("threads.updateState", async () => {
  const values = { messages: [{ role: "assistant", content: "by hand" }] };
  await threads.updateState(thread, { values, asNode: "reply" });
  check((await threads.getState(thread)).values.messages.length === 3);
});
await row("threads.getHistory", async () => {
  const every = await threads.getHistory(thread, { limit: 100 });
  check(every.length >= 3, every);
  const before = { configurable: every[0].checkpoint };
  const earlier = await threads.getHistory(thread, { limit: 100, before });
  check(earlier.length === every.length - 1, earlier);
});
await row("threads.copy", async () => {
  const made = await threads.copy(thread);
  check((await threads.getState(made.thread_id)).values.messages.length === 3);
});

for (const [mode, wanted, text] of [
  ["values", "values", "hello"],
  ["updates", "updates", "hello"],
  ["messages-tuple", "messages", "one two"],
  ["custom", "custom", "wait 0.1"],
  ["events", "events", "hello"],
]) {
  await row(`runs.stream ${mode}`, async () => {
    const seen = await events(runs.stream(null, "agent", { input: say(text), streamMode: mode }));
    check(seen[0] === "metadata" && seen.includes(wanted), seen);
  });
}

const made = {};
await row("runs.create", async () => {
  made.thread = (await threads.create()).thread_id;
  const payload = { input: say("wait 0.2"), streamMode: "values" };
  made.run = (await runs.create(made.thread, "agent", payload)).run_id;
});
await row("runs.get", async () => check((await runs.get(made.thread, made.run)).run_id === made.run));
await row("runs.list", async () => check((await runs.list(made.thread)).length === 1));
await row("runs.joinStream", async () => {
  const seen = await events(runs.joinStream(made.thread, made.run, { lastEventId: "-1" }));
  check(seen[0] === "metadata" && seen.includes("values"), seen);
});
await row("runs.join", async () => check("messages" in (await runs.join(made.thread, made.run))));
await row("runs.delete", async () => {
  await runs.delete(made.thread, made.run);
  check((await runs.list(made.thread)).length === 0);
});
await row("runs.createBatch", async () => {
  const payload = { assistantId: "echo", input: HELLO };
  check((await runs.createBatch([payload, payload])).length === 2);
});
await row("runs.cancel", async () => {
  const slow = (await threads.create()).thread_id;
  const run = await runs.create(slow, "agent", { input: SLOW });
  await runs.cancel(slow, run.run_id, true);
  check((await runs.get(slow, run.run_id)).status === "interrupted");
});
await row("runs.cancelMany", async () => {
  const slow = (await threads.create()).thread_id;
  const run = await runs.create(slow, "agent", { input: SLOW });
  await runs.cancelMany({ threadId: slow, runIds: [run.run_id], action: "interrupt" });
  await runs.join(slow, run.run_id);
  check((await runs.get(slow, run.run_id)).status === "interrupted");
});
await row("threads.joinStream", async () => {
  const quiet = (await threads.create()).thread_id;
  const joined = (async () => {
    for await (const part of threads.joinStream(quiet)) return part.event;
    return "nothing";
  })();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await runs.wait(quiet, "echo", { input: HELLO });
  check((await joined) === "metadata", await joined);
});
await row("threads.stream", async () => {
  const one = threads.stream({ assistantId: "agent" });
  const texts = [];
  const read = (async () => {
    for await (const message of one.messages) texts.push(await message.text);
  })();
  await one.run.start({ input: HELLO, multitaskStrategy: "enqueue" });
  const state = await one.output;
  await read;
  check(texts.join() === "hello", texts);
  check(state.messages.at(-1).content === "hello", state);
  await one.close();
});
await row("threads.stream, respond", async () => {
  const one = threads.stream({ assistantId: "agent" });
  await one.run.start({ input: say("ask on?") });
  await one.output;
  const [{ interruptId, namespace, payload }] = one.interrupts;
  check(payload.question === "on?", payload);
  await one.input.respond({ interrupt_id: interruptId, namespace, response: "yes" });
  const lifecycle = await one.subscribe(["lifecycle"]);
  for await (const { params } of lifecycle) if (params.data.event === "completed") break;
  const { values } = await one.state.get({ namespace: [] });
  check(values.messages.at(-1).content === "yes", values);
  await one.close();
  // What `useStream` is based on.
  const { StreamController } = require("@langchain/langgraph-sdk/stream");
  const options = { client: sdk, assistantId: "agent", threadId: null, messagesKey: "messages" };
  const controller = new StreamController(options);
  const seen = () => controller.rootStore.getSnapshot();
  await controller.submit(say("ask on?"));
  check(seen().interrupts[0]?.value.question === "on?", seen());
  const answered = new Promise((resolve) => {
    controller.rootStore.subscribe(() => {
      if (!seen().isLoading && seen().messages.at(-1)?.text === "yes") resolve();
    });
  });
  await controller.respond("yes");
  await answered;
  await controller.submit(say("fail bad"));
  check(String(seen().error).includes("bad"), seen());
  await controller.dispose();
});
await row("threads.prune", async () => {
  check((await threads.prune([thread])).pruned_count === 1);
});
await row("threads.delete", () => threads.delete(made.thread));

process.stdout.write(JSON.stringify(results), () => process.exit(0));
