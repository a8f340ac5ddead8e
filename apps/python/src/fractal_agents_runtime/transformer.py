"""Makes langgraph send all events of the thread protocol. This module imports langgraph."""

from typing import Any

from langgraph.stream import StreamChannel, StreamTransformer


class Everything(StreamTransformer):
    """Asks for all modes, and passes on the events of tasks, which langgraph's own drop."""

    _native = True
    required_stream_modes = ("updates", "custom", "checkpoints", "tasks", "tools")

    def __init__(self, scope: tuple[str, ...] = ()) -> None:
        super().__init__(scope)
        self._tasks: StreamChannel[Any] = StreamChannel("tasks" if scope == () else None)

    def init(self) -> dict[str, Any]:
        """Return the channel of tasks."""
        return {"all_tasks": self._tasks}

    def process(self, event: Any) -> bool:
        """Pass an event on. The data contains its namespace, because a channel has none."""
        if event["method"] == "tasks":
            params = event["params"]
            self._tasks.push({"namespace": params["namespace"], "data": params["data"]})
        return True
