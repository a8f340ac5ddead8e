"""The bodies of requests and responses. The OpenAPI document is made from these."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel


class Model(BaseModel):
    """What a response's model is: fields may be added to it later, and clients skip them."""

    model_config = ConfigDict(frozen=True)


class RequestModel(Model):
    """What a request's model is: a field that is not supported is refused, not ignored.

    Strict, or else "9" and true would be numbers, which the document does not say.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


def _whole(value: object) -> object:
    """Return a number without a fraction as an int: JSON Schema's integers include 9.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Health(Model):
    """The server answers."""

    status: Literal["ok"]


Status = Literal["supported", "deprecated", "removed"]


class PluginPromise(Model):
    """A version of the plugin API."""

    api_version: str = Field(serialization_alias="apiVersion", description="The version.")
    status: Status = Field(description="`deprecated` still works; `removed` does not any more.")
    removal: str | None = Field(description="The release without it; null while none is planned.")


class ChannelPromise(Model):
    """A version of a protocol that channel adapters speak with the server."""

    protocol: str = Field(description="The protocol's name.")
    version: str = Field(description="What an adapter says in the header `Channel-Protocol`.")
    status: Status = Field(description="`deprecated` still works; `removed` does not any more.")
    removal: str | None = Field(description="The release without it; null while none is planned.")


class CompatContract(Model):
    """What HTTP clients may rely on."""

    version: str = Field(description="The contract's version.")
    spec: str = Field(description="`sha256:` and the hash of the OpenAPI document as it is served.")


class Compat(Model):
    """What this release promises; it is also the package's `compat.json`."""

    schema_uri: str = Field(serialization_alias="$schema", description="Its JSON Schema.")
    form: int = Field(serialization_alias="schema", description="The form of this document: 1.")
    package: str = Field(description="The package's name.")
    version: str = Field(description="The package's version.")
    contract: CompatContract
    plugins: list[PluginPromise] = Field(description="The versions of the plugin API.")
    channels: list[ChannelPromise] = Field(description="The protocols of channel adapters.")


class Info(Model):
    """What is running."""

    name: str = Field(description="The package's name.")
    version: str = Field(description="The package's version.")
    commit: str | None = Field(description="The commit it was built from; null in a checkout.")
    graphs: list[str] = Field(description="What `assistant_id` may be, sorted.")
    compat: Compat


class RunConfig(RequestModel):
    """How a graph runs."""

    configurable: dict[str, Any] | None = Field(
        default=None, description="Values that the graph's nodes can read."
    )
    recursion_limit: Annotated[int | None, BeforeValidator(_whole)] = Field(
        default=None, ge=1, le=10_000, description="The most steps a run may take."
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
    """One thing that is wrong with a request's body."""

    loc: list[str | int] = Field(description='Where it is, as in ["body", "input", "messages", 0].')
    message: str = Field(description="What is wrong with it.")


class Error(Model):
    """The body of every response that is not a success."""

    detail: str = Field(description="What went wrong.")
    errors: list[FieldError] = Field(description="The fields that did not fit; empty but for 422.")
