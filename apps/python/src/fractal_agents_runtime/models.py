"""The bodies of requests and responses. The OpenAPI document is generated from them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel


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


class Health(Model):
    """The server answers."""

    status: Literal["ok"]


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


class Info(Model):
    """The running package."""

    name: str = Field(description="The package's name.")
    version: str = Field(description="The package's version.")
    commit: str | None = Field(description="The commit it was built from; null in a checkout.")
    graphs: list[str] = Field(description="The valid values of `assistant_id`, sorted.")
    compat: Compat


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
