"""From langgraph's chunks to the events of the API, and from its values to JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fractal_agents_runtime.models import RunFields

Json = dict[str, Any]
Event = tuple[str, Any]
INTERRUPT = "__interrupt__"


def encode(value: Any) -> bytes:
    """Return JSON. An object that is no data is an error, except an exception."""
    return to_json(value, inf_nan_mode="null", fallback=_data)


def _data(value: Any) -> Any:
    if isinstance(value, BaseException):
        return repr(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"{type(value).__name__} is not JSON")


def encode_any(value: Any) -> bytes:
    """Return JSON, with the description of objects that are no data."""
    return to_json(value, inf_nan_mode="null", fallback=repr)


def interrupts(found: Any) -> list[Json]:
    """Return interrupts in the form of the API."""
    return [{"id": one.id, "value": one.value} for one in found or ()]


def modes_of(body: RunFields) -> list[str]:
    """Return the modes that the client wants."""
    if body.stream_mode is None:
        return ["values"]
    return [body.stream_mode] if isinstance(body.stream_mode, str) else list(body.stream_mode)


def _inner(modes: list[str]) -> list[str]:
    """Return langgraph's modes. `values` is always needed, for the result."""
    names = {"messages-tuple": "messages", "events": "values"}
    return list(dict.fromkeys(["values", *(names.get(mode, mode) for mode in modes)]))


async def chunks(
    graph: Any, payload: Any, config: Json, body: RunFields, more: Json
) -> AsyncIterator[Event]:
    """Run the graph. Yield the name and the data of events; `values` even if not wanted."""
    modes = modes_of(body)
    options = {**more, "stream_mode": _inner(modes), "subgraphs": True}
    translate = Translation(modes, subgraphs=bool(body.stream_subgraphs))
    if "events" not in modes:
        async for chunk in graph.astream(payload, config, **options):
            for event in translate(*chunk):
                yield event
        return
    root = str(config["run_id"])
    async for told in graph.astream_events(payload, config, version="v2", **options):
        yield "events", told
        if told["event"] == "on_chain_stream" and told["run_id"] == root:
            chunk = told["data"]["chunk"]
            if isinstance(chunk, tuple):
                for event in translate(*chunk):
                    yield event


class Translation:
    """Translates langgraph's chunks, and collects the parts of messages."""

    def __init__(self, modes: list[str], *, subgraphs: bool) -> None:
        self._modes = modes
        self._subgraphs = subgraphs
        self._messages: dict[str, Any] = {}

    def __call__(self, namespace: tuple[str, ...], mode: str, chunk: Any) -> Iterator[Event]:
        """Yield the events for a chunk."""
        end = "".join(f"|{one}" for one in namespace)
        # Messages of subgraphs are always wanted: an agent is often a subgraph.
        if end and not self._subgraphs and mode != "messages":
            return
        if mode == "messages":
            yield from self._message(end if self._subgraphs else "", *chunk)
        elif mode in ("values", "updates"):
            yield f"{mode}{end}", _with_interrupts(chunk)
        elif mode in ("debug", "checkpoints"):
            yield f"{mode}{end}", _cleaned(chunk)
        else:
            yield f"{mode}{end}", chunk

    def _message(self, end: str, message: Any, metadata: Json) -> Iterator[Event]:
        if "messages-tuple" in self._modes:
            yield f"messages{end}", [message, metadata]
        if "messages" not in self._modes:
            return
        known = self._messages.get(message.id)
        if known is None:
            yield f"messages/metadata{end}", {message.id: {"metadata": metadata}}
        if not type(message).__name__.endswith("Chunk"):
            yield f"messages/complete{end}", [message]
            return
        whole = message if known is None else known + message
        self._messages[message.id] = whole
        from langchain_core.messages import message_chunk_to_message  # noqa: PLC0415

        yield f"messages/partial{end}", [message_chunk_to_message(whole)]


def _with_interrupts(chunk: Any) -> Any:
    if not isinstance(chunk, dict) or INTERRUPT not in chunk:
        return chunk
    return {**chunk, INTERRUPT: interrupts(chunk[INTERRUPT])}


def _cleaned(chunk: Any) -> Any:
    """Remove langgraph's own objects from the configs of a checkpoint."""
    if not isinstance(chunk, dict):
        return chunk
    if isinstance(chunk.get("payload"), dict):
        return {**chunk, "payload": _cleaned(chunk["payload"])}
    if "parent_config" not in chunk:
        return {name: value for name, value in chunk.items() if name != "config"}
    config, parent = chunk.get("config"), chunk.get("parent_config")
    return {
        **chunk,
        "config": _plain(config),
        "parent_config": _plain(parent),
        "checkpoint": checkpoint_of(config),
        "parent_checkpoint": checkpoint_of(parent),
        "tasks": [_task(one) for one in chunk.get("tasks", ())],
    }


def _task(task: Json) -> Json:
    return {**task, "state": None} if "state" in task else task


def _plain(config: Json | None) -> Json | None:
    if not config:
        return None
    settings = config.get("configurable", {})
    return {"configurable": {k: v for k, v in settings.items() if not k.startswith("__")}}


def checkpoint_of(config: Json | None) -> Json | None:
    """Return the checkpoint that a config names."""
    settings = (config or {}).get("configurable")
    if not settings or "checkpoint_id" not in settings:
        return None
    return {
        "checkpoint_id": settings["checkpoint_id"],
        "thread_id": settings["thread_id"],
        "checkpoint_ns": settings.get("checkpoint_ns", ""),
    }
