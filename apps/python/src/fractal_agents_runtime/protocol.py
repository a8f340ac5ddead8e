"""The thread protocol: the events of a thread's runs, from langgraph's events to the wire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from fractal_agents_runtime.events import encode_any
from fractal_agents_runtime.streams import Log, sse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

Json = dict[str, Any]
# How many events a thread remembers.
REMEMBERED = 5000
METHODS = {"input": "input.requested"}
STOPPING = (
    b'event: error\r\ndata: {"type":"error","id":null,"error":"unknown_error",'
    b'"message":"the server is stopping"}\r\n\r\n'
)
# langgraph knows more ends of a subgraph than the protocol.
ENDS = {"drained": "interrupted"}


class Place(NamedTuple):
    """The channel and the namespace of an event."""

    channel: str
    namespace: tuple[str, ...] = ()
    # The id of the run whose begin or end it is.
    run: str = ""


def text(number: int, place: Place, params: bytes) -> bytes:
    """Return an event as text.

    A client has several streams, so it gets the end of a run several times. It reads the run in the
    id, and does not take that end for the end of a run that it has started since.
    """
    channel = place.channel.partition(":")[0]
    method = METHODS.get(channel, channel)
    event_id = f"synth:{place.run}:{number}" if place.run else f"{number}"
    head = b'{"type":"event","event_id":"%b","seq":%d,"method":"%b","params":'
    data = head % (event_id.encode(), number, method.encode()) + params + b"}"
    return sse(number, method, data)


def _now() -> int:
    return int(time.time() * 1000)


class ThreadLog(Log[Place]):
    """The events of a thread.

    Their numbers are times, so a client can read on at another server, or after a restart.
    """

    def __init__(self) -> None:
        super().__init__(text, REMEMBERED, _now())
        # The number of the last event before the run that was asked for last.
        self.begin = self.last

    def tell(self, event: Event, moment: int | None = None) -> None:
        """Append an event with its time in milliseconds; None: the current time."""
        self.skip(_now() if moment is None else moment)
        self.add(event.place, event.params())

    def mark(self, moment: int) -> None:
        """Let a run begin at this moment."""
        self.skip(moment)
        self.begin = self.last


class Event(NamedTuple):
    """An event."""

    place: Place
    data: Any
    # The node that it comes from.
    node: str | None = None

    def params(self) -> bytes:
        """Return the JSON of its parameters."""
        node = {} if self.node is None else {"node": self.node}
        named = {"namespace": self.place.namespace, "timestamp": _now(), **node}
        return encode_any({**named, "data": self.data})


def wanted(
    channels: list[str], namespaces: list[list[str]] | None, depth: int | None
) -> Callable[[Place], bool]:
    """Return a function that tells whether a client wants an event."""

    def is_wanted(place: Place) -> bool:
        base = place.channel.partition(":")[0]
        if place.channel not in channels and base not in channels:
            return False
        return not namespaces or any(_is_below(place.namespace, one, depth) for one in namespaces)

    return is_wanted


def _is_below(namespace: tuple[str, ...], prefix: list[str], depth: int | None) -> bool:
    """Tell whether a namespace begins with a prefix, whose parts may lack the task's id."""
    more = len(namespace) - len(prefix)
    return 0 <= more <= (more if depth is None else depth) and all(
        wanted in (part, part.partition(":")[0])
        for part, wanted in zip(namespace, prefix, strict=False)
    )


def lifecycle(event: str, run: str, graph: str, error: str | None = None) -> Event:
    """Return the event for the begin or the end of a run."""
    data = {"event": event, "graph_name": graph, **({} if error is None else {"error": error})}
    return Event(Place("lifecycle", run=run), data)


def requested(interrupt: Json, namespace: tuple[str, ...]) -> Event:
    """Return the event for an interrupt. One SDK reads `payload`, the other one `value`."""
    value = interrupt["value"]
    data = {"interrupt_id": interrupt["id"], "payload": value, "value": value}
    return Event(Place("input", namespace), data)


async def events(
    graph: Any, payload: Any, config: Json, options: Json, translation: Translation
) -> AsyncIterator[Event]:
    """Run the graph. Yield its events."""
    from langchain_core._api import suppress_langchain_beta_warning  # noqa: PLC0415

    from fractal_agents_runtime.transformer import Everything  # noqa: PLC0415

    options = {**options, "version": "v3", "transformers": [Everything]}
    with suppress_langchain_beta_warning():
        run = await graph.astream_events(payload, config, **options)
    async with run:
        async for told in run:
            for event in translation(told["method"], told["params"]):
                yield event


class Translation:
    """Translates langgraph's events."""

    def __init__(self) -> None:
        # The namespaces of the interrupts, by their ids.
        self.interrupts: dict[str, tuple[str, ...]] = {}
        # The names of the subgraphs that run, and the ids of messages, by their model's run.
        self._graphs: dict[tuple[str, ...], str] = {}
        self._messages: dict[str, str] = {}

    def __call__(self, method: str, params: Json) -> Iterator[Event]:
        """Yield the events for one of langgraph's."""
        namespace, data = tuple(params["namespace"]), params["data"]
        if method == "values" and not params.get("interrupts"):
            yield Event(Place("values", namespace), data)
        elif method == "updates" and isinstance(data, dict):
            yield from self._updates(namespace, data)
        elif method == "messages":
            yield from self._message(namespace, *data)
        elif method == "lifecycle":
            yield self._lifecycle(tuple(data["namespace"]), data)
        elif method == "tasks":
            yield Event(Place("tasks", tuple(data["namespace"])), data["data"])
        elif method == "checkpoints":
            yield Event(Place("checkpoints", namespace), checkpoint(data))
        elif method == "tools":
            yield Event(Place("tools", namespace), data)
        elif method == "custom":
            yield custom(namespace, data)
        elif method.startswith("custom:"):
            named = {"name": method.removeprefix("custom:"), "payload": data}
            yield Event(Place(method, namespace), named)

    def _updates(self, namespace: tuple[str, ...], data: Json) -> Iterator[Event]:
        for node, values in data.items():
            if node == "__interrupt__":
                for one in values:
                    self.interrupts.setdefault(one.id, namespace)
            elif not node.startswith("__"):
                plain = isinstance(values, (str, int, float, type(None)))
                told = {"node": node, "values": {"value": values} if plain else values}
                yield Event(Place("updates", namespace), told, node)

    def _message(self, namespace: tuple[str, ...], message: Any, metadata: Json) -> Iterator[Event]:
        run, node = str(metadata.get("run_id", "")), metadata.get("langgraph_node")
        for part in [message] if isinstance(message, dict) else _replayed(message):
            more: Json = {}
            if part["event"] == "message-start":
                self._messages[run] = part["id"]
                more = {"metadata": {**part.get("metadata", {}), "langgraph_node": node}}
            told = {**part, **more, "id": self._messages.get(run)}
            yield Event(Place("messages", namespace), told, node)

    def _lifecycle(self, namespace: tuple[str, ...], data: Json) -> Event:
        name = data.get("graph_name") or self._graphs.get(namespace)
        name = name or namespace[-1].partition(":")[0]
        self._graphs[namespace] = name
        more = {key: data[key] for key in ("cause", "error") if key in data}
        event = ENDS.get(data["event"], data["event"])
        return Event(Place("lifecycle", namespace), {"event": event, "graph_name": name, **more})


def _replayed(message: Any) -> Iterator[Any]:
    """Yield the events of a message that came at once. Only those of models have a stream."""
    from langchain_core.language_models._compat_bridge import message_to_events  # noqa: PLC0415
    from langchain_core.messages import message_chunk_to_message  # noqa: PLC0415

    if message.type in ("ai", "AIMessageChunk"):
        yield from message_to_events(message_chunk_to_message(message))


def custom(namespace: tuple[str, ...], data: Any) -> Event:
    """Return the event for what a node has written. An object with a name has its own channel."""
    name = data.get("name") if isinstance(data, dict) else None
    if isinstance(name, str) and name:
        return Event(Place(f"custom:{name}", namespace), data)
    return Event(Place("custom", namespace), {"payload": data})


def checkpoint(data: Json) -> Json:
    """Return where a checkpoint is in the thread's history."""
    parent = (data["parent_config"] or {}).get("configurable", {}).get("checkpoint_id")
    return {
        "id": data["config"]["configurable"]["checkpoint_id"],
        **({} if parent is None else {"parent_id": parent}),
        "step": data["metadata"]["step"],
        "source": data["metadata"]["source"],
    }
