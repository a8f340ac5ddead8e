"""The bodies of requests and responses. The OpenAPI document is generated from them."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    WithJsonSchema,
)

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


class RunRequest(RequestModel):
    """A run without a thread."""

    assistant_id: str = Field(min_length=1, description="The name of a graph.")
    config: RunConfig | None = None
    input: dict[str, Any] = Field(description="The graph's first state.")
    metadata: dict[str, Any] | None = Field(default=None, description="Data for tracing.")


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


Label = Annotated[str, Field(min_length=1, pattern=r"^[^.]*$")]


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
    index: Literal[False] | None = Field(
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

    prefix: list[str] | None = None
    suffix: list[str] | None = None
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
