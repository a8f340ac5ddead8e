/** The bodies of requests and responses. The OpenAPI document is generated from them. */

import { z } from "zod";
import { isUuid } from "./values.js";

/** The schemas of the OpenAPI document, by name. */
export const SCHEMAS = z.registry<{ id: string }>();

const nullable = <Inner extends z.ZodType>(inner: Inner) => inner.nullable().default(null as never);
const uuid = () => z.string().refine(isUuid, "must be a UUID").meta({ format: "uuid" });
const whole = () => z.int({ abort: true });
const limit = (byDefault: number) => whole().min(1).max(1000).default(byDefault);
const offset = () => whole().min(0).default(0);
const IfExists = z.enum(["raise", "do_nothing"]);
const SortOrder = z.enum(["asc", "desc"]);

const anyObject = () => z.record(z.string(), z.unknown());

// Responses are plain objects: later releases may add fields, and clients ignore unknown ones.
// Requests are strict: an unknown field is refused, not ignored.

export const Health = z
  .object({ status: z.literal("ok") })
  .describe("The server answers.")
  .register(SCHEMAS, { id: "Health" });

export const Ok = z
  .object({ ok: z.literal(true) })
  .describe("The server answers, in the form that the SDKs' users know.")
  .register(SCHEMAS, { id: "Ok" });

const Status = z
  .enum(["supported", "deprecated", "removed"])
  .describe("`deprecated` still works; `removed` no longer works.");
const Removal = z
  .string()
  .nullable()
  .describe("The release that removes it; null if none is planned.");

export const PluginPromise = z
  .object({
    apiVersion: z.string().describe("The version."),
    status: Status,
    removal: Removal,
  })
  .describe("A version of the plugin API.")
  .register(SCHEMAS, { id: "PluginPromise" });

export const ChannelPromise = z
  .object({
    protocol: z.string().describe("The protocol's name."),
    version: z.string().describe("The value of the header `Channel-Protocol`."),
    status: Status,
    removal: Removal,
  })
  .describe("A version of a protocol between channel adapters and the server.")
  .register(SCHEMAS, { id: "ChannelPromise" });

export const CompatContract = z
  .object({
    version: z.string().describe("The contract's version."),
    spec: z.string().describe("`sha256:` and the hash of the served OpenAPI document."),
  })
  .describe("The contract between the server and its HTTP clients.")
  .register(SCHEMAS, { id: "CompatContract" });

export const Compat = z
  .object({
    $schema: z.string().describe("The JSON Schema of this document."),
    schema: z.int().describe("The version of this format: 1."),
    package: z.string().describe("The package's name."),
    version: z.string().describe("The package's version."),
    contract: CompatContract,
    plugins: z.array(PluginPromise).describe("The versions of the plugin API."),
    channels: z.array(ChannelPromise).describe("The protocols of channel adapters."),
  })
  .describe("The interfaces that this release declares; also the package's `compat.json`.")
  .register(SCHEMAS, { id: "Compat" });

export const Flags = z
  .object({ assistants: z.boolean(), crons: z.boolean(), langsmith: z.boolean() })
  .describe("What the server supports.")
  .register(SCHEMAS, { id: "Flags" });

export const Info = z
  .object({
    name: z.string().describe("The package's name."),
    version: z.string().describe("The package's version."),
    commit: z.string().nullable().describe("The commit it was built from; null in a checkout."),
    graphs: z.array(z.string()).describe("The names of the graphs, sorted."),
    compat: Compat,
    flags: Flags,
    langgraph_py_version: z.string().nullable().describe("The version of langgraph in Python."),
    langgraph_js_version: z.string().nullable().describe("The version of langgraph in JavaScript."),
  })
  .describe("The running package.")
  .register(SCHEMAS, { id: "Info" });

export const RunConfig = z
  .strictObject({
    configurable: anyObject()
      .nullable()
      .default(null)
      .describe("Values that the graph's nodes can read."),
    recursion_limit: z
      .int({ abort: true })
      .min(1)
      .max(10_000)
      .nullable()
      .default(null)
      .describe("The maximal number of steps of a run."),
    tags: z.array(z.string()).nullable().default(null).describe("Labels for tracing."),
  })
  .describe("The settings of a run.")
  .register(SCHEMAS, { id: "RunConfig" });

export const StreamMode = z.enum([
  "values",
  "updates",
  "messages",
  "messages-tuple",
  "custom",
  "events",
  "debug",
  "tasks",
  "checkpoints",
]);
const nodes = () => z.union([z.literal("*"), z.array(z.string()), z.null()]).default(null);

export const Command = z
  .strictObject({
    goto: z.unknown().default(null).describe("A node, `{node, input}`, or a list of them."),
    update: z.unknown().default(null).describe("Changes of the state: an object, or pairs."),
    resume: z.unknown().default(null).describe("The answer to an interrupt."),
  })
  .describe("What a run does instead of starting with an input.")
  .register(SCHEMAS, { id: "Command" });

export const Checkpoint = z
  .strictObject({
    thread_id: nullable(z.string()),
    checkpoint_ns: nullable(z.string()),
    checkpoint_id: nullable(z.string()),
    checkpoint_map: nullable(anyObject()),
  })
  .describe("A place in the history of a thread.")
  .register(SCHEMAS, { id: "Checkpoint" });

const Strategy = z.enum(["reject", "interrupt", "rollback", "enqueue"]);

const runFields = {
  assistant_id: z.string().min(1).describe("An assistant's id or a graph's name."),
  command: Command.nullable().default(null),
  input: nullable(anyObject()).describe("The graph's first state."),
  config: RunConfig.nullable().default(null),
  context: nullable(anyObject()).describe("Same as `config.configurable`."),
  metadata: nullable(anyObject()).describe("Data for tracing."),
  stream_mode: z
    .union([StreamMode, z.array(StreamMode), z.null()])
    .default(null)
    .describe("What streams have; default: `values`."),
  stream_subgraphs: nullable(z.boolean()).describe("Also events of subgraphs."),
  stream_resumable: nullable(z.boolean()).describe(
    "Keep the events as long as the run, not only for some time.",
  ),
  interrupt_before: nodes().describe("Stop before these nodes."),
  interrupt_after: nodes().describe("Stop after these nodes."),
  checkpoint: Checkpoint.nullable().default(null),
  checkpoint_id: nullable(z.string()).describe("Where in the thread to begin."),
  checkpoint_during: nullable(z.boolean()).describe(
    "Deprecated: false is the durability `exit`, true is `async`.",
  ),
  durability: nullable(z.enum(["sync", "async", "exit"])).describe("When checkpoints are saved."),
  multitask_strategy: nullable(Strategy).describe("If the thread is busy; default: `enqueue`."),
  if_not_exists: nullable(z.enum(["create", "reject"])).describe(
    "If there is no such thread; default: `reject`.",
  ),
  on_disconnect: nullable(z.enum(["cancel", "continue"])).describe(
    "If the client hangs up; default: `continue`.",
  ),
  on_completion: nullable(z.enum(["delete", "keep"])).describe(
    "What happens to the thread of a run without one.",
  ),
  after_seconds: nullable(z.number().min(0)).describe("Start this much later."),
  strict_resume: nullable(z.boolean()).describe(
    "Refuse `command.resume` if nothing is interrupted.",
  ),
  webhook: nullable(z.string()).describe(
    "Where the run is sent when it has ended; see the setting `WEBHOOK_HOSTS`.",
  ),
  feedback_keys: z.null().default(null).describe("Not supported."),
  langsmith_tracer: z.null().default(null).describe("Not supported."),
};

// Also if other fields are wrong: all problems are reported at once.
const always = { path: ["input"], error: "Field required", when: () => true };
const hasWork = (run: unknown) => {
  const { input, command } = Object(run) as { input?: unknown; command?: unknown };
  return !isPlain(run) || (input ?? null) !== null || (command ?? null) !== null;
};
const isPlain = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const ThreadCommand = z
  .strictObject({
    id: whole().min(0),
    method: z.string().describe("`run.start`, `input.respond` or `state.get`."),
    params: nullable(anyObject()),
  })
  .describe("A command of the thread protocol.")
  .register(SCHEMAS, { id: "ThreadCommand" });

const CHANNEL =
  /^(values|updates|messages|tools|lifecycle|input|checkpoints|tasks|custom|custom:.+)$/;

export const ThreadEvents = z
  .strictObject({
    channels: z
      .array(z.string().regex(CHANNEL))
      .describe("The kinds of events. `custom:NAME`: those that a node has named so."),
    namespaces: nullable(z.array(z.array(z.string()))).describe(
      "Only events of these subgraphs, and below them.",
    ),
    depth: nullable(whole().min(0)).describe("How far below `namespaces`."),
    since: nullable(whole().min(0)).describe(
      "Only events after this number; default: those since the last command for a run.",
    ),
  })
  .describe("Which events of the thread protocol a client wants.")
  .register(SCHEMAS, { id: "ThreadEvents" });

/** The parameters of all commands for a run. */
const commandParams = {
  config: RunConfig.nullable().default(null),
  metadata: nullable(anyObject()),
};

/** The parameters of `run.start`. */
export const RunStart = z.strictObject({
  ...commandParams,
  assistant_id: z.string().min(1),
  input: nullable(z.unknown()),
  multitask_strategy: nullable(Strategy),
  // Sent by the TypeScript SDK in addition.
  multitaskStrategy: nullable(Strategy),
  langsmith_tracer: z.null().default(null),
});

/** The answer to an interrupt. Its id is enough to find it. */
const Answer = z.strictObject({
  namespace: nullable(z.array(z.string())),
  interrupt_id: z.string(),
  response: nullable(z.unknown()),
});

/** The parameters of `input.respond` for several interrupts. */
export const Answers = z.strictObject({
  ...commandParams,
  responses: z.array(Answer).min(1),
  update: nullable(z.unknown()),
  goto: nullable(z.unknown()),
  strict_resume: nullable(z.boolean()),
});

/** The parameters of `state.get`. */
export const StateGet = z.strictObject({
  namespace: z.array(z.string()).default([]),
  keys: nullable(z.array(z.string())),
});

export const RunRequest = z
  .strictObject(runFields)
  .refine(hasWork, always)
  .describe("A run without a thread. It needs an input or a command.")
  .register(SCHEMAS, { id: "RunRequest" });

export const BatchRun = z
  .strictObject({
    ...runFields,
    thread_id: nullable(uuid()),
    assistantId: nullable(z.string()).describe("Sent by the TypeScript SDK; not used."),
  })
  .refine(hasWork, always)
  .describe("A run of a batch. It needs an input or a command.")
  .register(SCHEMAS, { id: "BatchRun" });

export const RunBatch = z
  .array(BatchRun)
  .describe("Runs to start.")
  .register(SCHEMAS, { id: "RunBatch" });

export const ThreadRunRequest = z
  .strictObject(runFields)
  .describe(
    "A run on a thread. Without an input and a command it goes on where the thread stopped.",
  )
  .register(SCHEMAS, { id: "ThreadRunRequest" });

export const RunOutput = anyObject()
  .describe("The graph's last state.")
  .register(SCHEMAS, { id: "RunOutput" });

export const FieldError = z
  .object({
    loc: z
      .array(z.union([z.string(), z.int()]))
      .describe('The path, as in ["body", "input", "messages", 0].'),
    message: z.string().describe("The reason."),
  })
  .describe("One error in a request's body.")
  .register(SCHEMAS, { id: "FieldError" });

export const ErrorBody = z
  .object({
    detail: z.string().describe("What went wrong."),
    errors: z.array(FieldError).describe("The wrong fields; empty unless the status is 422."),
  })
  .describe("The body of every response that is not a success.")
  .register(SCHEMAS, { id: "Error" });

export const Assistant = z
  .object({
    assistant_id: z.string(),
    graph_id: z.string(),
    config: anyObject(),
    context: anyObject(),
    metadata: anyObject(),
    name: z.string(),
    description: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
    version: z.int(),
  })
  .describe("A graph with a configuration of its own.")
  .register(SCHEMAS, { id: "Assistant" });

export const Assistants = z
  .array(Assistant)
  .describe("Assistants.")
  .register(SCHEMAS, { id: "Assistants" });

export const AssistantVersion = z
  .object({
    assistant_id: z.string(),
    graph_id: z.string(),
    config: anyObject(),
    context: anyObject(),
    metadata: anyObject(),
    name: z.string(),
    description: z.string().nullable(),
    created_at: z.string(),
    version: z.int(),
  })
  .describe("One version of an assistant.")
  .register(SCHEMAS, { id: "AssistantVersion" });

export const AssistantVersionList = z
  .array(AssistantVersion)
  .describe("The versions of an assistant, the newest first.")
  .register(SCHEMAS, { id: "AssistantVersionList" });

export const AssistantCreate = z
  .strictObject({
    graph_id: z.string().min(1).describe("The name of a graph."),
    assistant_id: nullable(uuid()).describe("Its id; default: a random one."),
    config: RunConfig.nullable().default(null),
    context: nullable(anyObject()).describe("Same as `config.configurable`."),
    metadata: nullable(anyObject()),
    name: nullable(z.string()).describe("Default: `Untitled`."),
    description: nullable(z.string()),
    if_exists: nullable(IfExists).describe("Default: `raise`."),
  })
  .describe("A new assistant.")
  .register(SCHEMAS, { id: "AssistantCreate" });

export const AssistantPatch = z
  .strictObject({
    graph_id: nullable(z.string()),
    config: RunConfig.nullable().default(null),
    context: nullable(anyObject()).describe("Same as `config.configurable`."),
    metadata: nullable(anyObject()).describe("Added to the present metadata."),
    name: nullable(z.string()),
    description: nullable(z.string()),
  })
  .describe("Changes of an assistant, which become its next version.")
  .register(SCHEMAS, { id: "AssistantPatch" });

export const AssistantSearch = z
  .strictObject({
    metadata: nullable(anyObject()).describe("What the metadata must contain."),
    graph_id: nullable(z.string()),
    name: nullable(z.string()).describe("A part of the name, in any case."),
    limit: limit(10),
    offset: offset(),
    sort_by: nullable(
      z.enum(["assistant_id", "graph_id", "name", "created_at", "updated_at"]),
    ).describe("Default: `created_at`."),
    sort_order: nullable(SortOrder).describe("Default: `desc`."),
    select: nullable(
      z.array(
        z.enum([
          "assistant_id",
          "graph_id",
          "name",
          "description",
          "config",
          "context",
          "created_at",
          "updated_at",
          "metadata",
          "version",
        ]),
      ),
    ).describe("The fields to return; default: all."),
  })
  .describe("Which assistants to return.")
  .register(SCHEMAS, { id: "AssistantSearch" });

export const AssistantCount = z
  .strictObject({
    metadata: nullable(anyObject()).describe("What the metadata must contain."),
    graph_id: nullable(z.string()),
    name: nullable(z.string()).describe("A part of the name, in any case."),
  })
  .describe("Which assistants to count.")
  .register(SCHEMAS, { id: "AssistantCount" });

export const AssistantVersions = z
  .strictObject({
    metadata: nullable(anyObject()).describe("What the metadata must contain."),
    limit: limit(10),
    offset: offset(),
  })
  .describe("Which versions of an assistant to return.")
  .register(SCHEMAS, { id: "AssistantVersions" });

export const AssistantLatest = z
  .strictObject({ version: whole().min(1) })
  .describe("The version that an assistant has from now on.")
  .register(SCHEMAS, { id: "AssistantLatest" });

export const Count = z.int().describe("A number of results.").register(SCHEMAS, { id: "Count" });

export const GraphNode = z
  .object({ id: z.string() })
  .describe("A node of a graph.")
  .register(SCHEMAS, { id: "GraphNode" });

export const GraphEdge = z
  .object({ source: z.string(), target: z.string() })
  .describe("An edge of a graph.")
  .register(SCHEMAS, { id: "GraphEdge" });

export const Drawing = z
  .object({ nodes: z.array(GraphNode), edges: z.array(GraphEdge) })
  .describe("The nodes and edges of a graph.")
  .register(SCHEMAS, { id: "Drawing" });

export const Schemas = z
  .object({
    graph_id: z.string(),
    input_schema: anyObject().nullable(),
    output_schema: anyObject().nullable(),
    state_schema: anyObject().nullable(),
    config_schema: anyObject().nullable(),
    context_schema: anyObject().nullable(),
  })
  .describe("The JSON Schemas of a graph. null if the graph does not tell.")
  .register(SCHEMAS, { id: "Schemas" });

export const Subgraphs = z
  .record(z.string(), Schemas)
  .describe("The schemas of subgraphs, by namespace.")
  .register(SCHEMAS, { id: "Subgraphs" });

const label = () =>
  z
    .string()
    .min(1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL can't be stored
    .regex(/^[^.\x00]*$/);

const item = {
  namespace: z.array(z.string()),
  key: z.string(),
  value: anyObject(),
  created_at: z.string(),
  updated_at: z.string(),
};

export const Item = z
  .object(item)
  .describe("A value of the store.")
  .register(SCHEMAS, { id: "Item" });

export const FoundItem = z
  .object({ ...item, score: z.number().nullable() })
  .describe("A value that a search has found.")
  .register(SCHEMAS, { id: "FoundItem" });

export const FoundItems = z
  .object({ items: z.array(FoundItem) })
  .describe("The values that a search has found.")
  .register(SCHEMAS, { id: "FoundItems" });

export const MaybeItem = Item.nullable()
  .describe("A value of the store; null if there is none.")
  .register(SCHEMAS, { id: "MaybeItem" });

export const ItemPut = z
  .strictObject({
    namespace: z.array(label()).min(1).describe("The path of the value."),
    key: z.string().min(1),
    value: anyObject(),
    index: nullable(z.literal(false)).describe(
      "Lists of fields are refused: semantic search is not supported.",
    ),
    ttl: nullable(z.number().gt(0)).describe(
      "Minutes after the last use when the value is deleted.",
    ),
  })
  .describe("A value to store.")
  .register(SCHEMAS, { id: "ItemPut" });

export const ItemDelete = z
  .strictObject({ namespace: z.array(label()).min(1), key: z.string().min(1) })
  .describe("A value to delete.")
  .register(SCHEMAS, { id: "ItemDelete" });

export const ItemSearch = z
  .strictObject({
    namespace_prefix: z.array(label()),
    filter: nullable(anyObject()).describe("What the values must contain."),
    limit: limit(10),
    offset: offset(),
    query: z.null().default(null).describe("Not supported: semantic search."),
    refresh_ttl: nullable(z.boolean()).describe("Default: true."),
  })
  .describe("Which values to return.")
  .register(SCHEMAS, { id: "ItemSearch" });

export const NamespaceSearch = z
  .strictObject({
    prefix: nullable(z.array(label())),
    suffix: nullable(z.array(label())),
    max_depth: nullable(whole().min(1)),
    limit: limit(100),
    offset: offset(),
  })
  .describe("Which namespaces to return.")
  .register(SCHEMAS, { id: "NamespaceSearch" });

export const Namespaces = z
  .object({ namespaces: z.array(z.array(z.string())) })
  .describe("The namespaces of the store.")
  .register(SCHEMAS, { id: "Namespaces" });

export const CronSearch = z
  .strictObject({
    assistant_id: nullable(z.string()),
    thread_id: nullable(z.string()),
    enabled: nullable(z.boolean()),
    metadata: nullable(anyObject()),
    limit: limit(10),
    offset: offset(),
    sort_by: nullable(z.string()),
    sort_order: nullable(SortOrder),
    select: nullable(z.array(z.string())),
  })
  .describe("Which crons to return. There are none: the server does not support them.")
  .register(SCHEMAS, { id: "CronSearch" });

export const Crons = z
  .array(anyObject())
  .describe("Always empty: the server does not support crons.")
  .register(SCHEMAS, { id: "Crons" });

const runStatus = z.enum(["pending", "running", "error", "success", "timeout", "interrupted"]);

export const Run = z
  .object({
    run_id: z.string(),
    thread_id: z.string(),
    assistant_id: z.string(),
    created_at: z.string(),
    updated_at: z.string(),
    status: runStatus,
    metadata: anyObject(),
    kwargs: anyObject(),
    multitask_strategy: z.string(),
  })
  .describe("A run.")
  .register(SCHEMAS, { id: "Run" });

export const Runs = z
  .array(Run)
  .describe("Runs, the newest first.")
  .register(SCHEMAS, { id: "Runs" });

export const RunsCancel = z
  .strictObject({
    thread_id: nullable(uuid()),
    run_ids: nullable(z.array(uuid())),
    status: nullable(z.enum(["pending", "running", "all"])),
  })
  .describe("Which runs to cancel.")
  .register(SCHEMAS, { id: "RunsCancel" });

export const Ttl = z
  .strictObject({
    ttl: z.number().gt(0).describe("Minutes after the last change."),
    strategy: nullable(z.literal("delete")),
  })
  .describe("When a thread ends.")
  .register(SCHEMAS, { id: "Ttl" });

export const StateChange = z
  .strictObject({
    values: z.unknown().default(null),
    as_node: z.string(),
    command: z.null().default(null).describe("Not supported."),
  })
  .describe("A change of a new thread's state, as by a node.")
  .register(SCHEMAS, { id: "StateChange" });

export const Superstep = z
  .strictObject({ updates: z.array(StateChange) })
  .describe("Changes of a new thread's state that happen together.")
  .register(SCHEMAS, { id: "Superstep" });

export const ThreadCreate = z
  .strictObject({
    thread_id: nullable(uuid()).describe("Its id; default: a random one."),
    metadata: nullable(anyObject()),
    if_exists: nullable(IfExists).describe("Default: `raise`."),
    ttl: Ttl.nullable().default(null),
    supersteps: nullable(z.array(Superstep)).describe(
      "Its first states; needs `metadata.graph_id`.",
    ),
  })
  .describe("A new thread.")
  .register(SCHEMAS, { id: "ThreadCreate" });

export const ThreadPatch = z
  .strictObject({
    metadata: nullable(anyObject()).describe("Added to the present metadata."),
    ttl: Ttl.nullable().default(null),
  })
  .describe("Changes of a thread.")
  .register(SCHEMAS, { id: "ThreadPatch" });

const threadStatus = z.enum(["idle", "busy", "interrupted", "error"]);

export const Thread = z
  .object({
    thread_id: z.string(),
    created_at: z.string(),
    updated_at: z.string(),
    state_updated_at: z.string(),
    metadata: anyObject(),
    status: threadStatus,
    config: anyObject(),
    values: anyObject().nullable(),
    interrupts: anyObject(),
    error: anyObject().nullable(),
  })
  .describe("A thread: a graph's state that runs share.")
  .register(SCHEMAS, { id: "Thread" });

export const Threads = z.array(Thread).describe("Threads.").register(SCHEMAS, { id: "Threads" });

const threadFilter = {
  metadata: nullable(anyObject()).describe("What the metadata must contain."),
  values: nullable(anyObject()).describe("What the state must contain."),
  status: nullable(threadStatus),
};

export const ThreadSearch = z
  .strictObject({
    ids: nullable(z.array(uuid())),
    ...threadFilter,
    limit: limit(10),
    offset: offset(),
    sort_by: nullable(
      z.enum(["thread_id", "status", "created_at", "updated_at", "state_updated_at"]),
    ).describe("Default: `created_at`."),
    sort_order: nullable(SortOrder).describe("Default: `desc`."),
    select: nullable(
      z.array(
        z.enum([
          "thread_id",
          "created_at",
          "updated_at",
          "state_updated_at",
          "metadata",
          "config",
          "context",
          "status",
          "values",
          "interrupts",
          "error",
        ]),
      ),
    ).describe("The fields to return; default: all."),
    extract: z.null().default(null).describe("Not supported."),
  })
  .describe("Which threads to return.")
  .register(SCHEMAS, { id: "ThreadSearch" });

export const ThreadCount = z
  .strictObject(threadFilter)
  .describe("Which threads to count.")
  .register(SCHEMAS, { id: "ThreadCount" });

export const ThreadPrune = z
  .strictObject({
    thread_ids: z.array(uuid()),
    strategy: nullable(z.enum(["delete", "keep_latest"])).describe("Default: `delete`."),
  })
  .describe("Threads to delete, or to cut to their last checkpoint.")
  .register(SCHEMAS, { id: "ThreadPrune" });

export const Pruned = z
  .object({ pruned_count: z.int() })
  .describe("How many threads were pruned.")
  .register(SCHEMAS, { id: "Pruned" });

export const ThreadState = z
  .object({
    values: z.unknown(),
    next: z.array(z.string()),
    tasks: z.array(anyObject()),
    metadata: anyObject().nullable(),
    created_at: z.string().nullable(),
    checkpoint: anyObject().nullable(),
    parent_checkpoint: anyObject().nullable(),
    interrupts: z.array(anyObject()),
    checkpoint_id: z.string().nullable(),
    parent_checkpoint_id: z.string().nullable(),
  })
  .describe("The state of a thread at a checkpoint.")
  .register(SCHEMAS, { id: "ThreadState" });

export const ThreadStates = z
  .array(ThreadState)
  .describe("States of a thread, the newest first.")
  .register(SCHEMAS, { id: "ThreadStates" });

export const StateUpdate = z
  .strictObject({
    values: z.unknown().default(null),
    as_node: nullable(z.string()),
    checkpoint: Checkpoint.nullable().default(null),
    checkpoint_id: nullable(z.string()),
  })
  .describe("A change of a thread's state, as by a node.")
  .register(SCHEMAS, { id: "StateUpdate" });

export const StateUpdated = z
  .object({
    checkpoint: anyObject(),
    configurable: anyObject(),
    checkpoint_id: z.string().nullable(),
  })
  .describe("The checkpoint after a change.")
  .register(SCHEMAS, { id: "StateUpdated" });

export const StateAt = z
  .strictObject({
    checkpoint: Checkpoint,
    subgraphs: nullable(z.boolean()),
    select: nullable(z.array(z.string())),
  })
  .describe("A checkpoint of a thread.")
  .register(SCHEMAS, { id: "StateAt" });

export const HistorySearch = z
  .strictObject({
    limit: limit(10),
    before: z
      .union([z.string(), anyObject(), z.null()])
      .default(null)
      .describe("Only states before this checkpoint: its id, or an object."),
    metadata: nullable(anyObject()).describe("What the metadata must contain."),
    checkpoint: Checkpoint.nullable().default(null).describe("Only of its namespace."),
    select: nullable(z.array(z.string())),
  })
  .describe("Which states of a thread to return.")
  .register(SCHEMAS, { id: "HistorySearch" });

export type Compat = z.infer<typeof Compat>;
export type FieldError = z.infer<typeof FieldError>;
export type ErrorBody = z.infer<typeof ErrorBody>;
export type RunRequest = z.infer<typeof RunRequest>;
export type RunConfig = z.infer<typeof RunConfig>;
export type AssistantCreate = z.infer<typeof AssistantCreate>;
export type AssistantPatch = z.infer<typeof AssistantPatch>;
export type AssistantSearch = z.infer<typeof AssistantSearch>;
export type AssistantCount = z.infer<typeof AssistantCount>;
export type AssistantVersions = z.infer<typeof AssistantVersions>;
export type AssistantLatest = z.infer<typeof AssistantLatest>;
export type ItemPut = z.infer<typeof ItemPut>;
export type ItemDelete = z.infer<typeof ItemDelete>;
export type ItemSearch = z.infer<typeof ItemSearch>;
export type NamespaceSearch = z.infer<typeof NamespaceSearch>;
export type ThreadCommand = z.infer<typeof ThreadCommand>;
export type ThreadEvents = z.infer<typeof ThreadEvents>;
export type StreamMode = z.infer<typeof StreamMode>;
export type Command = z.infer<typeof Command>;
export type Checkpoint = z.infer<typeof Checkpoint>;
export type BatchRun = z.infer<typeof BatchRun>;
export type Run = z.infer<typeof Run>;
export type RunsCancel = z.infer<typeof RunsCancel>;
export type Ttl = z.infer<typeof Ttl>;
export type ThreadCreate = z.infer<typeof ThreadCreate>;
export type ThreadPatch = z.infer<typeof ThreadPatch>;
export type Thread = z.infer<typeof Thread>;
export type ThreadSearch = z.infer<typeof ThreadSearch>;
export type ThreadCount = z.infer<typeof ThreadCount>;
export type ThreadPrune = z.infer<typeof ThreadPrune>;
export type StateUpdate = z.infer<typeof StateUpdate>;
export type StateAt = z.infer<typeof StateAt>;
export type HistorySearch = z.infer<typeof HistorySearch>;
