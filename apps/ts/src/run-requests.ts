/** The requests to start, read and cancel runs: their checks and their answers. */

import { randomUUID } from "node:crypto";
import { mirrored } from "./assistants.js";
import type { Call } from "./call.js";
import { HttpError, invalid, json, nothing, refused } from "./errors.js";
import { encode } from "./events.js";
import { inputIssues } from "./graphs.js";
import type * as models from "./models.js";
import { Run, TOO_LONG } from "./runs.js";
import type { Runtime, Stateful } from "./runtime.js";
import { checkRoom, Feed, LIMITS, ofModes } from "./streams.js";
import { eventStream, lastEvent, placeOf } from "./threads.js";
import { isObject, type Json, selected } from "./values.js";
import { checkWebhook } from "./webhooks.js";

type Body = models.RunRequest;

const STOPPING = '{"__error__":{"error":"Stopping","message":"the server is stopping"}}';
// Fields that only compiled langgraph graphs can honour.
const STATEFUL = [
  "command",
  "checkpoint",
  "checkpoint_id",
  "interrupt_before",
  "interrupt_after",
] as const;

/** Refuses a command that has another form than langgraph's, or that comes with an input. */
function checkCommand({ goto, update }: models.Command, input: Json | null): void {
  if (input !== null) throw refused("can't be used together with a command", ["body", "input"]);
  for (const one of Array.isArray(goto) ? goto : [goto ?? null]) {
    const named = isObject(one) && typeof one["node"] === "string";
    if (one !== null && typeof one !== "string" && !named) {
      throw refused("must be a node's name or {node, input}", ["body", "command", "goto"]);
    }
  }
  const pairs =
    Array.isArray(update) &&
    update.every((one) => Array.isArray(one) && one.length === 2 && typeof one[0] === "string");
  if ((update ?? null) !== null && !isObject(update) && !pairs) {
    throw refused("must be an object or pairs", ["body", "command", "update"]);
  }
}

/** Checks a request, and starts its run. null: on a thread of its own. */
export async function begun(
  runtime: Runtime,
  body: Body,
  threadId: string | null,
  { awaited = false, protocol = false } = {},
): Promise<Run> {
  const start = () => started(runtime, body, threadId, awaited, protocol);
  const transient = threadId === null && awaited && body.on_completion !== "keep";
  return transient ? await start() : await runtime.records.change(start);
}

async function started(
  runtime: Runtime,
  body: Body,
  threadId: string | null,
  awaited: boolean,
  protocol: boolean,
): Promise<Run> {
  runtime.runs.checkRoom();
  const assistant = runtime.assistants.get(body.assistant_id);
  const graph = runtime.graphs.get(assistant.graph_id);
  check(runtime, body, threadId, await runtime.stateful(assistant.graph_id));
  mirrored(body.config, body.context);
  const issues = graph && body.input !== null ? await inputIssues(graph, body.input) : [];
  if (issues.length > 0) throw invalid(issues, "body", "input");
  const temporary = threadId === null && body.on_completion !== "keep";
  const transient = temporary && awaited;
  const thread = threadFor(runtime, body, threadId, transient);
  const resumes = (body.command?.resume ?? null) !== null;
  if (body.strict_resume && resumes && thread.status !== "interrupted") {
    throw refused("nothing is interrupted", ["body", "command", "resume"]);
  }
  const kind = { temporary, transient, protocol };
  return runtime.runs.start(new Run(body, thread.thread_id, assistant, kind));
}

function threadFor(
  runtime: Runtime,
  body: Body,
  threadId: string | null,
  transient: boolean,
): models.Thread {
  const { threads } = runtime;
  threads.sweep();
  if (threadId === null) return threads.create(randomUUID(), {}, transient);
  const create = body.if_not_exists === "create" && !threads.records.has(threadId);
  return create ? threads.create(threadId, {}) : threads.get(threadId);
}

/** Refuses fields that can't be honoured. */
function check(
  { settings }: Runtime,
  body: Body,
  threadId: string | null,
  graph: Stateful | undefined,
): void {
  if (body.webhook !== null) checkWebhook(body.webhook, settings.webhookHosts);
  if (body.command !== null) checkCommand(body.command, body.input);
  const refusals: [string, readonly (keyof Body)[]][] = [
    ["needs a thread", threadId === null ? ["checkpoint", "checkpoint_id"] : []],
    ["is only for runs without a thread", threadId === null ? [] : ["on_completion"]],
    ["the graph does not support it", graph ? [] : STATEFUL],
  ];
  for (const [message, names] of refusals) {
    for (const name of names) if (body[name] !== null) throw refused(message, ["body", name]);
  }
  if (body.checkpoint !== null) placeOf(threadId ?? "", body.checkpoint);
}

/** Returns the headers that tell where a run is. */
function places(run: Run, end: string, stateless: boolean): Record<string, string> {
  const path = stateless ? `/runs/${run.id}` : `/threads/${run.threadId}/runs/${run.id}`;
  return { ...(end && { Location: `${path}/${end}` }), "Content-Location": path };
}

/** Answers a run's result, with blank lines while it takes long. */
async function waited(run: Run, hungUp: () => void): Promise<Response> {
  const headers = places(run, "join", false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), LIMITS.heartbeat);
  });
  const tooLong = await Promise.race([run.done.then(() => false), late]);
  clearTimeout(timer);
  if (run.record.status === "timeout") throw new HttpError(408, TOO_LONG);
  if (!tooLong) return json(200, run.result, headers);
  checkRoom();
  const feed = new Feed("\n", STOPPING, hungUp);
  feed.put("\n");
  void run.done.then(() => {
    feed.put(run.result);
    feed.end();
  });
  const kind = { "Content-Type": "application/json" };
  return new Response(feed.body, { headers: { ...kind, ...headers } });
}

function onHangUp(run: Run): () => void {
  return () => {
    if (run.body.on_disconnect === "cancel") run.cancel();
  };
}

/** Runs a graph without a thread and returns its last state. */
export async function waitStateless(runtime: Runtime, call: Call<Body>): Promise<Response> {
  const run = await begun(runtime, call.body, null, { awaited: true });
  const response = await waited(run, onHangUp(run));
  // By name: there may be two copies of langgraph.
  const { problem } = run;
  if (problem instanceof Error && problem.name === "GraphRecursionError") {
    const [message = ""] = problem.message.split("\n");
    const errors = [{ loc: ["body", "config", "recursion_limit"], message }];
    throw new HttpError(422, "the run took too many steps", { errors, cause: problem });
  }
  return response;
}

/** Runs a graph on a thread and returns its last state. */
export async function wait(runtime: Runtime, call: Call<Body>): Promise<Response> {
  const run = await begun(runtime, call.body, call.uuid("thread_id"), { awaited: true });
  return await waited(run, onHangUp(run));
}

function streamed(run: Run, stateless: boolean): Response {
  return eventStream(
    run.log.read(-1, ofModes(null), onHangUp(run)),
    places(run, "stream", stateless),
  );
}

/** Runs a graph without a thread and returns its events. */
export async function streamStateless(runtime: Runtime, call: Call<Body>): Promise<Response> {
  checkRoom();
  return streamed(await begun(runtime, call.body, null, { awaited: true }), true);
}

/** Runs a graph on a thread and returns its events. */
export async function stream(runtime: Runtime, call: Call<Body>): Promise<Response> {
  checkRoom();
  const run = await begun(runtime, call.body, call.uuid("thread_id"), { awaited: true });
  return streamed(run, false);
}

/** Starts a run without a thread. */
export async function createStateless(runtime: Runtime, call: Call<Body>): Promise<Response> {
  const run = await begun(runtime, call.body, null);
  return json(200, encode(run.record), places(run, "", true));
}

/** Starts a run on a thread. */
export async function create(runtime: Runtime, call: Call<Body>): Promise<Response> {
  const run = await begun(runtime, call.body, call.uuid("thread_id"));
  return json(200, encode(run.record), places(run, "", false));
}

/** Starts several runs. */
export async function createBatch(
  runtime: Runtime,
  call: Call<models.BatchRun[]>,
): Promise<Response> {
  runtime.runs.checkRoom(call.body.length);
  const made: Json[] = [];
  for (const { thread_id, assistantId: _again, ...body } of call.body) {
    made.push((await begun(runtime, body, thread_id?.toLowerCase() ?? null)).record);
  }
  return json(200, encode(made));
}

function runOf(runtime: Runtime, call: Call): Run {
  const threadId = call.uuid("thread_id");
  return runtime.runs.get(threadId, call.uuid("run_id"));
}

/** Returns a page of a thread's runs, the newest first. */
export function list(runtime: Runtime, call: Call): Response {
  const thread = runtime.threads.get(call.uuid("thread_id"));
  const status = call.text("status");
  const [limit, offset] = [call.number("limit", 10), call.number("offset", 0)];
  const found = [...runtime.runs.of(thread.thread_id)]
    .reverse()
    .map(({ record }) => record)
    .filter((record) => status === undefined || record.status === status);
  const page = selected(found.slice(offset, offset + limit), call.list("select"));
  return json(200, encode(page));
}

/** Returns a run. */
export function get(runtime: Runtime, call: Call): Response {
  return json(200, encode(runOf(runtime, call).record));
}

/** Deletes a run that has ended. */
export function remove(runtime: Runtime, call: Call): Response {
  const run = runOf(runtime, call);
  if (run.active) throw new HttpError(409, "the run is active: cancel it first");
  runtime.runs.forget(run);
  return nothing();
}

function cancelling(run: Run, call: Call): () => void {
  return () => {
    if (call.flag("cancel_on_disconnect", false)) run.cancel();
  };
}

/** Waits for a run, and returns its last state. */
export async function join(runtime: Runtime, call: Call): Promise<Response> {
  const run = runOf(runtime, call);
  return await waited(run, cancelling(run, call));
}

function joined(run: Run, call: Call, stateless: boolean): Response {
  checkRoom();
  const isWanted = ofModes(call.list("stream_mode"));
  const feed = run.log.read(lastEvent(call), isWanted, cancelling(run, call));
  return eventStream(feed, places(run, "stream", stateless));
}

/** Returns the events of a run from now on, or after the header Last-Event-ID. */
export function joinStream(runtime: Runtime, call: Call): Response {
  return joined(runOf(runtime, call), call, false);
}

/** Returns the events of a run without a thread. */
export function joinStreamStateless(runtime: Runtime, call: Call): Response {
  const id = call.uuid("run_id");
  const run = runtime.runs.known.get(id);
  if (!run) throw new HttpError(404, `Run with ID ${id} not found`);
  return joined(run, call, true);
}

/** Cancels a run. `wait` answers when it has ended. */
export async function cancel(runtime: Runtime, call: Call): Promise<Response> {
  const run = runOf(runtime, call);
  if (!run.active) throw new HttpError(404, "the run has ended already");
  run.cancel({ rollback: call.text("action") === "rollback", reason: call.text("reason") });
  await runtime.records.flush();
  return call.flag("wait", false) ? await waited(run, () => undefined) : nothing(202);
}

/** Cancels runs by id, of a thread, or by status. */
export function cancelMany(runtime: Runtime, call: Call<models.RunsCancel>): Response {
  const { thread_id, run_ids, status } = call.body;
  if (thread_id === null && run_ids === null && status === null) {
    throw refused("needs thread_id, run_ids or status", ["body"]);
  }
  const ids = run_ids === null ? null : new Set(run_ids.map((id) => id.toLowerCase()));
  const found = [...runtime.runs.known.values()].filter(
    (run) =>
      run.active &&
      (thread_id === null || run.threadId === thread_id.toLowerCase()) &&
      (ids === null || ids.has(run.id)) &&
      (status === null || status === "all" || run.record.status === status),
  );
  if (found.length === 0) throw new HttpError(404, "no active run matches");
  const rollback = call.text("action") === "rollback";
  for (const run of found) run.cancel({ rollback });
  return nothing();
}
