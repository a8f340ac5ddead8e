"""The bodies of requests and responses. The OpenAPI document is generated from them."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from fractal_agents_runtime.values import is_uuid


class Model(BaseModel):
    """The base of response models. Later releases may add fields; clients ignore unknown ones."""

    model_config = ConfigDict(frozen=True)


class RequestModel(Model):
    """The base of request models. An unknown field is refused, not ignored.

    Strict, because pydantic would otherwise accept "9" and true as numbers, unlike the document.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


def _whole(value: object) -> object:
    """Convert a float without a fraction to an int: in JSON Schema 9.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _uuid(value: str) -> str:
    if not is_uuid(value):
        raise ValueError("must be a UUID")
    return value


def _no_number(value: object) -> object:
    """Refuse 0, which `Literal[False]` accepts because it is equal."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("literal_error", "Input should be False")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
MaybeWhole = Annotated[int | None, BeforeValidator(_whole)]
Uuid = Annotated[str, AfterValidator(_uuid), WithJsonSchema({"format": "uuid", "type": "string"})]
AnyObject = dict[str, Any]
IfExists = Literal["raise", "do_nothing"]
SortOrder = Literal["asc", "desc"]


class Health(Model):
    """The server answers."""

    status: Literal["ok"]


class Ok(Model):
    """The server answers, in the form that the SDKs' users know."""

    ok: Literal[True]


Status = Literal["supported", "deprecated", "removed"]


class PluginPromise(Model):
    """A version of the plugin API."""

    api_version: str = Field(serialization_alias="apiVersion", description="The version.")
    status: Status = Field(description="`deprecated` still works; `removed` no longer works.")
    removal: str | None = Field(description="The release that removes it; null if none is planned.")


class ChannelPromise(Model):
    """A version of a protocol between channel adapters and the server."""

    protocol: str = Field(description="The protocol's name.")
    version: str = Field(description="The value of the header `Channel-Protocol`.")
    status: Status = Field(description="`deprecated` still works; `removed` no longer works.")
    removal: str | None = Field(description="The release that removes it; null if none is planned.")


class CompatContract(Model):
    """The contract between the server and its HTTP clients."""

    version: str = Field(description="The contract's version.")
    spec: str = Field(description="`sha256:` and the hash of the served OpenAPI document.")


class Compat(Model):
    """The interfaces that this release declares; also the package's `compat.json`."""

    schema_uri: str = Field(
        serialization_alias="$schema", description="The JSON Schema of this document."
    )
    form: int = Field(serialization_alias="schema", description="The version of this format: 1.")
    package: str = Field(description="The package's name.")
    version: str = Field(description="The package's version.")
    contract: CompatContract
    plugins: list[PluginPromise] = Field(description="The versions of the plugin API.")
    channels: list[ChannelPromise] = Field(description="The protocols of channel adapters.")


class Flags(Model):
    """What the server supports."""

    assistants: bool
    crons: bool
    langsmith: bool


class Info(Model):
    """The running package."""

    name: str = Field(description="The package's name.")
    version: str = Field(description="The package's version.")
    commit: str | None = Field(description="The commit it was built from; null in a checkout.")
    graphs: list[str] = Field(description="The names of the graphs, sorted.")
    compat: Compat
    flags: Flags
    langgraph_py_version: str | None = Field(description="The version of langgraph in Python.")
    langgraph_js_version: str | None = Field(description="The version of langgraph in JavaScript.")


class RunConfig(RequestModel):
    """The settings of a run."""

    configurable: dict[str, Any] | None = Field(
        default=None, description="Values that the graph's nodes can read."
    )
    recursion_limit: Annotated[int | None, BeforeValidator(_whole)] = Field(
        default=None, ge=1, le=10_000, description="The maximal number of steps of a run."
    )
    tags: list[str] | None = Field(default=None, description="Labels for tracing.")


StreamMode = Literal[
    "values",
    "updates",
    "messages",
    "messages-tuple",
    "custom",
    "events",
    "debug",
    "tasks",
    "checkpoints",
]
Nodes = Literal["*"] | list[str] | None


class Command(RequestModel):
    """What a run does instead of starting with an input."""

    goto: Any = Field(default=None, description="A node, `{node, input}`, or a list of them.")
    update: Any = Field(default=None, description="Changes of the state: an object, or pairs.")
    resume: Any = Field(default=None, description="The answer to an interrupt.")


class Checkpoint(RequestModel):
    """A place in the history of a thread."""

    thread_id: str | None = None
    checkpoint_ns: str | None = None
    checkpoint_id: str | None = None
    checkpoint_map: AnyObject | None = None


Strategy = Literal["reject", "interrupt", "rollback", "enqueue"]


class RunFields(RequestModel):
    """The fields of all requests for runs."""

    assistant_id: str = Field(min_length=1, description="An assistant's id or a graph's name.")
    command: Command | None = None
    input: AnyObject | None = Field(default=None, description="The graph's first state.")
    config: RunConfig | None = None
    context: AnyObject | None = Field(default=None, description="Same as `config.configurable`.")
    metadata: AnyObject | None = Field(default=None, description="Data for tracing.")
    stream_mode: StreamMode | list[StreamMode] | None = Field(
        default=None, description="What streams have; default: `values`."
    )
    stream_subgraphs: bool | None = Field(default=None, description="Also events of subgraphs.")
    stream_resumable: bool | None = Field(
        default=None, description="Keep the events as long as the run, not only for some time."
    )
    interrupt_before: Nodes = Field(default=None, description="Stop before these nodes.")
    interrupt_after: Nodes = Field(default=None, description="Stop after these nodes.")
    checkpoint: Checkpoint | None = None
    checkpoint_id: str | None = Field(default=None, description="Where in the thread to begin.")
    checkpoint_during: bool | None = Field(
        default=None, description="Deprecated: false is the durability `exit`, true is `async`."
    )
    durability: Literal["sync", "async", "exit"] | None = Field(
        default=None, description="When checkpoints are saved."
    )
    multitask_strategy: Strategy | None = Field(
        default=None, description="If the thread is busy; default: `enqueue`."
    )
    if_not_exists: Literal["create", "reject"] | None = Field(
        default=None, description="If there is no such thread; default: `reject`."
    )
    on_disconnect: Literal["cancel", "continue"] | None = Field(
        default=None, description="If the client hangs up; default: `continue`."
    )
    on_completion: Literal["delete", "keep"] | None = Field(
        default=None, description="What happens to the thread of a run without one."
    )
    after_seconds: float | None = Field(default=None, ge=0, description="Start this much later.")
    strict_resume: bool | None = Field(
        default=None, description="Refuse `command.resume` if nothing is interrupted."
    )
    webhook: str | None = Field(
        default=None,
        description="Where the run is sent when it has ended; see the setting `WEBHOOK_HOSTS`.",
    )
    feedback_keys: None = Field(default=None, description="Not supported.")
    langsmith_tracer: None = Field(default=None, description="Not supported.")


class ThreadCommand(RequestModel):
    """A command of the thread protocol."""

    id: Whole = Field(ge=0)
    method: str = Field(description="`run.start`, `input.respond` or `state.get`.")
    params: AnyObject | None = None


class ThreadEvents(RequestModel):
    """Which events of the thread protocol a client wants."""

    channels: list[
        Annotated[
            str,
            Field(
                pattern="^(values|updates|messages|tools|lifecycle|input|checkpoints|tasks|custom"
                "|custom:.+)$"
            ),
        ]
    ] = Field(description="The kinds of events. `custom:NAME`: those that a node has named so.")
    namespaces: list[list[str]] | None = Field(
        default=None, description="Only events of these subgraphs, and below them."
    )
    depth: Annotated[int | None, BeforeValidator(_whole)] = Field(
        default=None, ge=0, description="How far below `namespaces`."
    )
    since: Annotated[int | None, BeforeValidator(_whole)] = Field(
        default=None,
        ge=0,
        description="Only events after this number; "
        "default: those since the last command for a run.",
    )


class CommandParams(RequestModel):
    """The parameters of all commands for a run."""

    config: RunConfig | None = None
    metadata: AnyObject | None = None


class RunStart(CommandParams):
    """The parameters of `run.start`."""

    assistant_id: str = Field(min_length=1)
    input: Any = None
    multitask_strategy: Strategy | None = None
    # Sent by the TypeScript SDK in addition.
    multitask_again: Strategy | None = Field(default=None, alias="multitaskStrategy")
    langsmith_tracer: None = None


class Answer(RequestModel):
    """The answer to an interrupt. Its id is enough to find it."""

    namespace: list[str] | None = None
    interrupt_id: str
    response: Any = None


class Answers(CommandParams):
    """The parameters of `input.respond` for several interrupts."""

    responses: list[Answer] = Field(min_length=1)
    update: Any = None
    goto: Any = None
    strict_resume: bool | None = None


class StateGet(RequestModel):
    """The parameters of `state.get`."""

    namespace: list[str] = Field(default_factory=list)
    keys: list[str] | None = None


class RunRequest(RunFields):
    """A run without a thread. It needs an input or a command."""

    input: AnyObject | None = Field(
        default=None, validate_default=True, description="The graph's first state."
    )

    @field_validator("input", mode="before")
    @classmethod
    def _needed(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.data.get("command") is None:
            raise PydanticCustomError("missing", "Field required")
        return value


class BatchRun(RunRequest):
    """A run of a batch. It needs an input or a command."""

    thread_id: Uuid | None = None
    assistant_id_again: str | None = Field(
        default=None, alias="assistantId", description="Sent by the TypeScript SDK; not used."
    )


class RunBatch(RootModel[list[BatchRun]]):
    """Runs to start."""


class ThreadRunRequest(RunFields):
    """A run on a thread. Without an input and a command it goes on where the thread stopped."""


class RunOutput(RootModel[dict[str, Any]]):
    """The graph's last state."""


class FieldError(Model):
    """One error in a request's body."""

    loc: list[str | int] = Field(description='The path, as in ["body", "input", "messages", 0].')
    message: str = Field(description="The reason.")


class Error(Model):
    """The body of every response that is not a success."""

    detail: str = Field(description="What went wrong.")
    errors: list[FieldError] = Field(
        description="The wrong fields; empty unless the status is 422."
    )


class Assistant(Model):
    """A graph with a configuration of its own."""

    assistant_id: str
    graph_id: str
    config: AnyObject
    context: AnyObject
    metadata: AnyObject
    name: str
    description: str | None
    created_at: str
    updated_at: str
    version: int


class Assistants(RootModel[list[Assistant]]):
    """Assistants."""


class AssistantVersion(Model):
    """One version of an assistant."""

    assistant_id: str
    graph_id: str
    config: AnyObject
    context: AnyObject
    metadata: AnyObject
    name: str
    description: str | None
    created_at: str
    version: int


class AssistantVersionList(RootModel[list[AssistantVersion]]):
    """The versions of an assistant, the newest first."""


class AssistantCreate(RequestModel):
    """A new assistant."""

    graph_id: str = Field(min_length=1, description="The name of a graph.")
    assistant_id: Uuid | None = Field(default=None, description="Its id; default: a random one.")
    config: RunConfig | None = None
    context: AnyObject | None = Field(default=None, description="Same as `config.configurable`.")
    metadata: AnyObject | None = None
    name: str | None = Field(default=None, description="Default: `Untitled`.")
    description: str | None = None
    if_exists: IfExists | None = Field(default=None, description="Default: `raise`.")


class AssistantPatch(RequestModel):
    """Changes of an assistant, which become its next version."""

    graph_id: str | None = None
    config: RunConfig | None = None
    context: AnyObject | None = Field(default=None, description="Same as `config.configurable`.")
    metadata: AnyObject | None = Field(default=None, description="Added to the present metadata.")
    name: str | None = None
    description: str | None = None


class AssistantSearch(RequestModel):
    """Which assistants to return."""

    metadata: AnyObject | None = Field(default=None, description="What the metadata must contain.")
    graph_id: str | None = None
    name: str | None = Field(default=None, description="A part of the name, in any case.")
    limit: Whole = Field(default=10, ge=1, le=1000)
    offset: Whole = Field(default=0, ge=0)
    sort_by: Literal["assistant_id", "graph_id", "name", "created_at", "updated_at"] | None = Field(
        default=None, description="Default: `created_at`."
    )
    sort_order: SortOrder | None = Field(default=None, description="Default: `desc`.")
    select: (
        list[
            Literal[
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
            ]
        ]
        | None
    ) = Field(default=None, description="The fields to return; default: all.")


class AssistantCount(RequestModel):
    """Which assistants to count."""

    metadata: AnyObject | None = Field(default=None, description="What the metadata must contain.")
    graph_id: str | None = None
    name: str | None = Field(default=None, description="A part of the name, in any case.")


class AssistantVersions(RequestModel):
    """Which versions of an assistant to return."""

    metadata: AnyObject | None = Field(default=None, description="What the metadata must contain.")
    limit: Whole = Field(default=10, ge=1, le=1000)
    offset: Whole = Field(default=0, ge=0)


class AssistantLatest(RequestModel):
    """The version that an assistant has from now on."""

    version: Whole = Field(ge=1)


class Count(RootModel[int]):
    """A number of results."""


class GraphNode(Model):
    """A node of a graph."""

    id: str


class GraphEdge(Model):
    """An edge of a graph."""

    source: str
    target: str


class Drawing(Model):
    """The nodes and edges of a graph."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]


class Schemas(Model):
    """The JSON Schemas of a graph. null if the graph does not tell."""

    graph_id: str
    input_schema: AnyObject | None
    output_schema: AnyObject | None
    state_schema: AnyObject | None
    config_schema: AnyObject | None
    context_schema: AnyObject | None


class Subgraphs(RootModel[dict[str, Schemas]]):
    """The schemas of subgraphs, by namespace."""


Label = Annotated[str, Field(min_length=1, pattern=r"^[^.\x00]*$")]


class Item(Model):
    """A value of the store."""

    namespace: list[str]
    key: str
    value: AnyObject
    created_at: str
    updated_at: str


class FoundItem(Item):
    """A value that a search has found."""

    score: float | None


class FoundItems(Model):
    """The values that a search has found."""

    items: list[FoundItem]


class MaybeItem(RootModel[Item | None]):
    """A value of the store; null if there is none."""


class ItemPut(RequestModel):
    """A value to store."""

    namespace: list[Label] = Field(min_length=1, description="The path of the value.")
    key: str = Field(min_length=1)
    value: AnyObject
    index: Annotated[Literal[False] | None, BeforeValidator(_no_number)] = Field(
        default=None, description="Lists of fields are refused: semantic search is not supported."
    )
    ttl: float | None = Field(
        default=None, gt=0, description="Minutes after the last use when the value is deleted."
    )


class ItemDelete(RequestModel):
    """A value to delete."""

    namespace: list[Label] = Field(min_length=1)
    key: str = Field(min_length=1)


class ItemSearch(RequestModel):
    """Which values to return."""

    namespace_prefix: list[Label]
    filter: AnyObject | None = Field(default=None, description="What the values must contain.")
    limit: Whole = Field(default=10, ge=1, le=1000)
    offset: Whole = Field(default=0, ge=0)
    query: None = Field(default=None, description="Not supported: semantic search.")
    refresh_ttl: bool | None = Field(default=None, description="Default: true.")


class NamespaceSearch(RequestModel):
    """Which namespaces to return."""

    prefix: list[Label] | None = None
    suffix: list[Label] | None = None
    max_depth: MaybeWhole = Field(default=None, ge=1)
    limit: Whole = Field(default=100, ge=1, le=1000)
    offset: Whole = Field(default=0, ge=0)


class Namespaces(Model):
    """The namespaces of the store."""

    namespaces: list[list[str]]


class CronSearch(RequestModel):
    """Which crons to return. There are none: the server does not support them."""

    assistant_id: str | None = None
    thread_id: str | None = None
    enabled: bool | None = None
    metadata: AnyObject | None = None
    limit: Whole = Field(default=10, ge=1, le=1000)
    offset: Whole = Field(default=0, ge=0)
    sort_by: str | None = None
    sort_order: SortOrder | None = None
    select: list[str] | None = None


class Crons(RootModel[list[AnyObject]]):
    """Always empty: the server does not support crons."""


class Run(Model):
    """A run."""

    run_id: str
    thread_id: str
    assistant_id: str
    created_at: str
    updated_at: str
    status: Literal["pending", "running", "error", "success", "timeout", "interrupted"]
    metadata: AnyObject
    # mypy does not allow a field `kwargs`.
    settings: AnyObject = Field(serialization_alias="kwargs")
    multitask_strategy: str


class Runs(RootModel[list[Run]]):
    """Runs, the newest first."""


class RunsCancel(RequestModel):
    """Which runs to cancel."""

    thread_id: Uuid | None = None
    run_ids: list[Uuid] | None = None
    status: Literal["pending", "running", "all"] | None = None


class Ttl(RequestModel):
    """When a thread ends."""

    ttl: float = Field(gt=0, description="Minutes after the last change.")
    strategy: Literal["delete"] | None = None


class StateChange(RequestModel):
    """A change of a new thread's state, as by a node."""

    values: Any = None
    as_node: str
    command: None = Field(default=None, description="Not supported.")


class Superstep(RequestModel):
    """Changes of a new thread's state that happen together."""

    updates: list[StateChange]


class ThreadCreate(RequestModel):
    """A new thread."""

    thread_id: Uuid | None = Field(default=None, description="Its id; default: a random one.")
    metadata: AnyObject | None = None
    if_exists: IfExists | None = Field(default=None, description="Default: `raise`.")
    ttl: Ttl | None = None
    supersteps: list[Superstep] | None = Field(
        default=None, description="Its first states; needs `metadata.graph_id`."
    )


class ThreadPatch(RequestModel):
    """Changes of a thread."""

    metadata: AnyObject | None = Field(default=None, description="Added to the present metadata.")
    ttl: Ttl | None = None


ThreadStatus = Literal["idle", "busy", "interrupted", "error"]


class Thread(Model):
    """A thread: a graph's state that runs share."""

    thread_id: str
    created_at: str
    updated_at: str
    state_updated_at: str
    metadata: AnyObject
    status: ThreadStatus
    config: AnyObject
    values: AnyObject | None
    interrupts: AnyObject
    error: AnyObject | None


class Threads(RootModel[list[Thread]]):
    """Threads."""


class ThreadSearch(RequestModel):
    """Which threads to return."""

    ids: list[Uuid] | None = None
    metadata: AnyObject | None = Field(default=None, description="What the metadata must contain.")
    values: AnyObject | None = Field(default=None, description="What the state must contain.")
    status: ThreadStatus | None = None
    limit: Whole = Field(default=10, ge=1, le=1000)
    offset: Whole = Field(default=0, ge=0)
    sort_by: (
        Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None
    ) = Field(default=None, description="Default: `created_at`.")
    sort_order: SortOrder | None = Field(default=None, description="Default: `desc`.")
    select: (
        list[
            Literal[
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
            ]
        ]
        | None
    ) = Field(default=None, description="The fields to return; default: all.")
    extract: None = Field(default=None, description="Not supported.")


class ThreadCount(RequestModel):
    """Which threads to count."""

    metadata: AnyObject | None = Field(default=None, description="What the metadata must contain.")
    values: AnyObject | None = Field(default=None, description="What the state must contain.")
    status: ThreadStatus | None = None


class ThreadPrune(RequestModel):
    """Threads to delete, or to cut to their last checkpoint."""

    thread_ids: list[Uuid]
    strategy: Literal["delete", "keep_latest"] | None = Field(
        default=None, description="Default: `delete`."
    )


class Pruned(Model):
    """How many threads were pruned."""

    pruned_count: int


class ThreadState(Model):
    """The state of a thread at a checkpoint."""

    values: Any
    next: list[str]
    tasks: list[AnyObject]
    metadata: AnyObject | None
    created_at: str | None
    checkpoint: AnyObject | None
    parent_checkpoint: AnyObject | None
    interrupts: list[AnyObject]
    checkpoint_id: str | None
    parent_checkpoint_id: str | None


class ThreadStates(RootModel[list[ThreadState]]):
    """States of a thread, the newest first."""


class StateUpdate(RequestModel):
    """A change of a thread's state, as by a node."""

    values: Any = None
    as_node: str | None = None
    checkpoint: Checkpoint | None = None
    checkpoint_id: str | None = None


class StateUpdated(Model):
    """The checkpoint after a change."""

    checkpoint: AnyObject
    configurable: AnyObject
    checkpoint_id: str | None


class StateAt(RequestModel):
    """A checkpoint of a thread."""

    checkpoint: Checkpoint
    subgraphs: bool | None = None
    select: list[str] | None = None


class HistorySearch(RequestModel):
    """Which states of a thread to return."""

    limit: Whole = Field(default=10, ge=1, le=1000)
    before: str | AnyObject | None = Field(
        default=None, description="Only states before this checkpoint: its id, or an object."
    )
    metadata: AnyObject | None = Field(default=None, description="What the metadata must contain.")
    checkpoint: Checkpoint | None = Field(default=None, description="Only of its namespace.")
    select: list[str] | None = None
