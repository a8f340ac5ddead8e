/** What langgraph gets for a run: its input, its config and its options. */

import { mirrored } from "./assistants.js";
import type * as models from "./models.js";
import type { Run } from "./runs.js";
import type { Stateful } from "./runtime.js";
import { placeOf } from "./threads.js";
import { isObject, type Json } from "./values.js";

/** Returns the assistant's and the run's config together, and the context. */
export function settingsOf(run: Run): { config: Json; context: Json } {
  const { config, context } = mirrored(run.body.config, run.body.context);
  const base = run.assistant.config;
  const both = { ...Object(base["configurable"]), ...Object(config["configurable"]) };
  return {
    config: { ...base, ...config, ...(Object.keys(both).length > 0 && { configurable: both }) },
    context: { ...run.assistant.context, ...context },
  };
}

/** Tells whether the thread's last checkpoint is one of this run. */
async function hasBegun(run: Run, graph: Stateful): Promise<boolean> {
  const { metadata } = await graph.getState(placeOf(run.threadId));
  return metadata?.["run_id"] === run.id;
}

function usualDurability(run: Run, resumable: boolean): string | null {
  // A step that has ended is saved before the next one begins.
  if (resumable) return "sync";
  return run.temporary ? "exit" : null;
}

/** Returns langgraph's input and options. */
export async function argumentsOf(
  run: Run,
  graph: Stateful,
  resumable: boolean,
): Promise<{ input: unknown; options: { runId: string } & Json }> {
  const { body } = run;
  const { config, context } = settingsOf(run);
  const { configurable, recursion_limit, tags } = config;
  const place = placeOf(run.threadId, body.checkpoint, body.checkpoint_id).configurable;
  const during = body.checkpoint_during === null ? null : body.checkpoint_during ? "async" : "exit";
  const durability = body.durability ?? during ?? usualDurability(run, resumable);
  const names = { run_id: run.id, thread_id: run.threadId, ...run.record.metadata };
  const options = {
    runId: run.id,
    signal: run.controller.signal,
    // langgraph saves what begins the names of these with every checkpoint.
    configurable: { ...Object(configurable), ...run.record.metadata, run_id: run.id, ...place },
    metadata: { ...run.assistant.metadata, ...names },
    ...(recursion_limit ? { recursionLimit: recursion_limit } : {}),
    ...(tags ? { tags } : {}),
    ...(Object.keys(context).length > 0 && { context }),
    ...(body.interrupt_before !== null && { interruptBefore: body.interrupt_before }),
    ...(body.interrupt_after !== null && { interruptAfter: body.interrupt_after }),
    ...(durability !== null && { durability }),
  };
  if (run.attempt > 1 && (await hasBegun(run, graph))) {
    // It goes on from the thread's last checkpoint.
    const { checkpoint_id: _chosen, ...configurable } = options.configurable;
    return { input: null, options: { ...options, configurable } };
  }
  const input = body.command === null ? body.input : await commandOf(body.command);
  return { input, options };
}

async function commandOf({ goto, update, resume }: models.Command): Promise<unknown> {
  const { Command, Send } = await import("@langchain/langgraph");
  const targets = (Array.isArray(goto) ? goto : [goto]).filter((one) => (one ?? null) !== null);
  return new Command({
    goto: targets.map((one) => (isObject(one) ? new Send(String(one["node"]), one["input"]) : one)),
    ...((resume ?? null) !== null && { resume }),
    ...((update ?? null) !== null && { update: update as Json }),
  });
}
