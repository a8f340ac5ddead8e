"""Open responses: events and other chunks on their way to clients, which may hang up.

Robyn iterates a response in a thread of its own, so everything here is safe to call in any thread.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Seconds of silence after which a sign of life is sent.
HEARTBEAT = 5.0
BEAT = b": heartbeat\r\n\r\n"
# Each open response has a thread of Robyn's; beyond about 260 new requests would wait.
MOST = 200

Queue = SimpleQueue[bytes | None]
# What tells readers whether they want an event.
Kind = TypeVar("Kind")


class _Open:
    """The open responses, what each ends with if the server stops, and the active runs."""

    def __init__(self) -> None:
        self.feeds: dict[int, tuple[Queue, bytes]] = {}
        # How to cancel the active runs, by their ids.
        self.runs: dict[str, Callable[[], None]] = {}

    def stop(self) -> None:
        for queue, last in list(self.feeds.values()):
            queue.put(last)
            queue.put(None)
        for cancel in list(self.runs.values()):
            cancel()


OPEN = _Open()


def check_room() -> None:
    """Answer 503 if there are too many open responses."""
    if len(OPEN.feeds) >= MOST:
        from fractal_agents_runtime.errors import HttpError  # noqa: PLC0415

        raise HttpError(503, "too many open streams", headers={"Retry-After": "5"})


class Feed:
    """A response whose chunks come from a queue. None is its end."""

    def __init__(self, idle: bytes, last: bytes, hung_up: Callable[[], None]) -> None:
        self.queue: Queue = SimpleQueue()
        self._idle = idle
        self._hung_up = hung_up
        self._ended = False
        OPEN.feeds[id(self)] = (self.queue, last)

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> bytes:
        if self._ended:
            raise StopIteration
        try:
            chunk = self.queue.get(timeout=HEARTBEAT)
        except Empty:
            return self._idle
        if chunk is None:
            self._ended = True
            OPEN.feeds.pop(id(self), None)
            raise StopIteration
        return chunk

    def __del__(self) -> None:
        OPEN.feeds.pop(id(self), None)
        if not self._ended:
            self._hung_up()


def nobody() -> None:
    """Do nothing when a client hangs up."""


def sse(number: int, event: str, data: bytes) -> bytes:
    """Return an event as text (HTML standard, 9.2)."""
    return b"event: %b\r\ndata: %b\r\nid: %d\r\n\r\n" % (event.encode(), data, number)


STOPPING = b'event: error\r\ndata: {"error":"Stopping","message":"the server is stopping"}\r\n\r\n'


class Log(Generic[Kind]):
    """The events of a run or of a thread, for any number of readers."""

    def __init__(
        self, text: Callable[[int, Kind, bytes], bytes], most: int | None = None, first: int = 0
    ) -> None:
        self._text = text
        self._lock = threading.Lock()
        self._events: deque[tuple[int, Kind, bytes]] = deque(maxlen=most)
        self._readers: list[tuple[Queue, Callable[[Kind], bool]]] = []
        self._next = first
        self._closed = False

    @property
    def last(self) -> int:
        """The number of the last event."""
        return self._next - 1

    def skip(self, number: int) -> None:
        """Let the next event have at least this number."""
        with self._lock:
            self._next = max(self._next, number)

    def add(self, event: Kind, data: bytes) -> None:
        """Append an event."""
        with self._lock:
            entry = (self._next, event, data)
            self._next += 1
            self._events.append(entry)
            text = self._text(*entry)
            for queue, is_wanted in self._readers:
                if is_wanted(event):
                    queue.put(text)

    def close(self) -> None:
        """End all readers."""
        with self._lock:
            self._closed = True
            for queue, _ in self._readers:
                queue.put(None)
            self._readers.clear()

    def forget(self) -> None:
        """Drop the events."""
        with self._lock:
            self._events.clear()

    def read(
        self,
        after: int | None,
        is_wanted: Callable[[Kind], bool],
        hung_up: Callable[[], None] = nobody,
        last: bytes = STOPPING,
    ) -> Feed:
        """Return a response with the events after this number. None: those from now on."""
        feed = Feed(BEAT, last, hung_up)
        with self._lock:
            for number, event, data in self._events if after is not None else ():
                if after is not None and number > after and is_wanted(event):
                    feed.queue.put(self._text(number, event, data))
            if self._closed:
                feed.queue.put(None)
            else:
                self._readers.append((feed.queue, is_wanted))
        return feed


def of_modes(modes: Iterable[str] | None) -> Callable[[str], bool]:
    """Return a function that tells whether an event has one of these modes. None: all of them."""
    wanted = None if modes is None else frozenset(modes)

    def is_wanted(event: str) -> bool:
        if wanted is None or event == "error":
            return True
        name = event.partition("|")[0]
        if name == "messages":
            return "messages-tuple" in wanted
        return name.partition("/")[0] in wanted

    return is_wanted
