/** The thread protocol: commands for a thread, and the stream of its events. */

import type { z } from "zod";
import type { Call } from "./call.js";
import { HttpError, invalid, json } from "./errors.js";
import { checkpointOf, encode } from "./events.js";
import * as models from "./models.js";
import { STOPPING, wanted } from "./protocol.js";
import { begun } from "./run-requests.js";
import type { Runtime } from "./runtime.js";
import { checkRoom } from "./streams.js";
import { eventStream, graphOf } from "./threads.js";
import { isObject, type Json } from "./values.js";

// Commands that others have, and this server has not.
const MISSING: readonly string[] = [
  "agent.getTree",
  "input.inject",
  "state.fork",
  "state.listCheckpoints",
  "subscription.reconnect",
  "subscription.subscribe",
  "subscription.unsubscribe",
];
// Errors of a run that are answered as errors of the command.
const REFUSALS: readonly number[] = [404, 422];

/** A command that can't be executed, with a code of the protocol. */
class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Returns the events of a thread that a client wants, until it hangs up. */
export function events(runtime: Runtime, call: Call<models.ThreadEvents>): Response {
  const thread = runtime.threads.get(call.uuid("thread_id"));
  checkRoom();
  const { channels, namespaces, depth, since } = call.body;
  const log = runtime.runs.followers.log(thread.thread_id);
  const isWanted = wanted(channels, namespaces, depth);
  return eventStream(log.read(since ?? log.begin, isWanted, () => undefined, STOPPING));
}

/** Executes a command, and answers its result or its error. */
export async function command(
  runtime: Runtime,
  call: Call<models.ThreadCommand>,
): Promise<Response> {
  const { id } = call.body;
  const threadId = call.uuid("thread_id");
  const failed = (error: string, message: string) =>
    json(200, encode({ type: "error", id, error, message }));
  try {
    return json(
      200,
      encode({ type: "success", id, ...(await done(runtime, threadId, call.body)) }),
    );
  } catch (problem) {
    if (problem instanceof Refused) return failed(problem.code, problem.message);
    if (!(problem instanceof HttpError) || !REFUSALS.includes(problem.status)) throw problem;
    return failed("invalid_argument", reasonOf(problem));
  }
}

function reasonOf({ errors, message }: HttpError): string {
  return errors.map((one) => `${one.loc.join(".")}: ${one.message}`).join("; ") || message;
}

async function done(
  runtime: Runtime,
  threadId: string,
  { method, params }: models.ThreadCommand,
): Promise<Json> {
  if (MISSING.includes(method)) {
    throw new Refused("not_supported", `this server does not support ${method}`);
  }
  const execute = COMMANDS.get(method);
  if (!execute) throw new Refused("unknown_command", `no command ${method}`);
  const result = await execute(runtime, threadId, params ?? {});
  const log = runtime.runs.followers.log(threadId);
  // A client that reads on from here misses no event of the run that the command has started.
  const applied_through_seq = "run_id" in result ? log.begin : log.last;
  return { result, meta: { thread_id: threadId, applied_through_seq } };
}

function parsed<Model>(model: z.ZodType<Model>, value: unknown): Model {
  const { success, data, error } = model.safeParse(value);
  if (!success) throw invalid(error.issues, "params");
  return data;
}

/** Starts a run. An input for an interrupted thread is the answer to its interrupt. */
async function start(runtime: Runtime, threadId: string, sent: Json): Promise<Json> {
  const params = parsed(models.RunStart, sent);
  const { assistant_id, input, multitask_strategy: one, multitaskStrategy: again } = params;
  if (one !== null && again !== null && one !== again) {
    const message = "params.multitaskStrategy: is not multitask_strategy";
    throw new Refused("invalid_argument", message);
  }
  const chosen = params.config?.configurable?.["checkpoint_id"] !== undefined;
  const answers = input !== null && !chosen && waiting(runtime, threadId).length > 0;
  const multitask_strategy = one ?? again;
  return await run(runtime, threadId, params, {
    ...{ assistant_id, multitask_strategy, if_not_exists: "create" },
    ...(answers ? { command: { resume: input } } : { input }),
  });
}

/** Answers interrupts, and lets the run go on. */
async function respond(runtime: Runtime, threadId: string, sent: Json): Promise<Json> {
  const { namespace, interrupt_id, response, ...more } = sent;
  const single = { namespace, interrupt_id, response };
  const alone = Object.values(single).some((one) => one !== undefined) && !("responses" in sent);
  const params = parsed(models.Answers, alone ? { ...more, responses: [single] } : sent);
  const ids = waiting(runtime, threadId);
  for (const one of params.responses) {
    if (!ids.includes(one.interrupt_id)) {
      const message = `the thread does not wait for ${one.interrupt_id}`;
      throw new Refused("no_such_interrupt", message);
    }
  }
  const resume = Object.fromEntries(
    params.responses.map((one) => [one.interrupt_id, one.response]),
  );
  const { update, goto } = params;
  const command = { resume, update, goto };
  const { assistant_id } = runtime.threads.get(threadId).metadata;
  return await run(runtime, threadId, params, { assistant_id, command });
}

/** The ids of the interrupts that a thread waits for. */
function waiting(runtime: Runtime, threadId: string): unknown[] {
  const thread = runtime.threads.records.get(threadId);
  if (thread?.status !== "interrupted") return [];
  return Object.values(thread.interrupts).flatMap((found) =>
    Array.isArray(found) ? found.filter(isObject).map(({ id }) => id) : [],
  );
}

async function run(
  runtime: Runtime,
  threadId: string,
  { config, metadata }: { config: unknown; metadata: unknown },
  fields: Json,
): Promise<Json> {
  const body = parsed(models.ThreadRunRequest, { ...fields, config, metadata });
  return { run_id: (await begun(runtime, body, threadId, { protocol: true })).id };
}

/** Returns the values of a thread or of a subgraph, and their checkpoint. */
async function getState(runtime: Runtime, threadId: string, sent: Json): Promise<Json> {
  const { namespace, keys } = parsed(models.StateGet, sent);
  const graph = await graphOf(runtime, runtime.threads.get(threadId));
  if (!graph) return { values: {} };
  const checkpoint_ns = namespace.join("|");
  const place = { configurable: { thread_id: threadId, checkpoint_ns } };
  const snapshot = await graph.getState(place).catch((cause) => {
    if (!checkpoint_ns) throw cause;
  });
  if (!snapshot || (checkpoint_ns && !snapshot.metadata)) {
    throw new Refused("no_such_namespace", `no subgraph ${checkpoint_ns}`);
  }
  const all = snapshot.values;
  const values =
    keys && isObject(all)
      ? Object.fromEntries(Object.entries(all).filter(([name]) => keys.includes(name)))
      : all;
  const where = checkpointOf(snapshot.config);
  if (!where) return { values };
  return { values, checkpoint: { id: where.checkpoint_id, ns: where.checkpoint_ns } };
}

const COMMANDS: ReadonlyMap<
  string,
  (runtime: Runtime, threadId: string, params: Json) => Promise<Json>
> = new Map([
  ["run.start", start],
  ["input.respond", respond],
  ["state.get", getState],
]);
