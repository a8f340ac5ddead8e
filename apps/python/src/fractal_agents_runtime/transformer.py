"""What makes langgraph send all events of the thread protocol. It imports langgraph."""

from typing import Any

from langgraph.stream import StreamChannel, StreamTransformer


class Everything(StreamTransformer):
    """Asks for all modes, and passes the events of tasks on, which langgraph's own drop."""

    _native = True
    required_stream_modes = ("updates", "custom", "checkpoints", "tasks", "tools")

    def __init__(self, scope: tuple[str, ...] = ()) -> None:
        super().__init__(scope)
        self._tasks: StreamChannel[Any] = StreamChannel("tasks" if scope == () else None)

    def init(self) -> dict[str, Any]:
        """Return the channel of tasks."""
        return {"all_tasks": self._tasks}

    def process(self, event: Any) -> bool:
        """Pass an event on. A channel has no namespaces, so the event's is in the data."""
        if event["method"] == "tasks":
            params = event["params"]
            self._tasks.push({"namespace": params["namespace"], "data": params["data"]})
        return True
