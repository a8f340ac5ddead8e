"""The records of threads, runs and assistants: which have changed, and how they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import from_json

from fractal_agents_runtime.events import encode
from fractal_agents_runtime.storage import Memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fractal_agents_runtime.storage import Row

Json = dict[str, Any]


Handler = Callable[[Any, Any], Awaitable[Any]]


def changing(handler: Handler) -> Handler:
    """Let a handler change what other servers may change too."""

    @wraps(handler)
    async def within(runtime: Any, call: Any) -> Any:
        async with runtime.records.change():
            return await handler(runtime, call)

    return within


class Kind(Protocol):
    """An object that holds all records of one kind."""

    def dump(self, key: str) -> Json | None:
        """Return a record for the storage. None: it is deleted."""

    def load(self, key: str, saved: Json | None) -> None:
        """Load a record from the storage. None: it is deleted."""


class Records:
    """All records. Each change is marked, and written before the response that tells of it."""

    def __init__(self, storage: Memory) -> None:
        self.storage = storage
        # For runs that end with this process. langgraph's memory takes the longer to forget a
        # thread, the more it has.
        self.memory = Memory()
        self.kinds: Mapping[str, Kind] = {}
        # What is called when the changes of other servers are loaded.
        self.loaded: Callable[[], None] = lambda: None
        self._changed: dict[tuple[str, str], None] = {}
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Load everything, in the order of its creation."""
        rows = await self.storage.open()
        loaded = [(kind, key, from_json(text)) for kind, key, text in rows if text is not None]
        for kind, key, saved in sorted(loaded, key=lambda one: str(one[2].get("created_at", ""))):
            self.kinds[kind].load(key, saved)

    def storage_of(self, transient: bool) -> Memory:  # noqa: FBT001
        """Return where the checkpoints of a thread are."""
        return self.memory if transient else self.storage

    def mark(self, kind: str, key: str) -> None:
        """Have a record written soon."""
        if self.storage.durable:
            self._changed[kind, key] = None

    async def flush(self) -> None:
        """Write what has changed, and wait for what others write."""
        if not self.storage.durable:
            return
        async with self._lock:
            if self._changed:
                async with self._written():
                    pass

    @asynccontextmanager
    async def _written(self) -> AsyncIterator[None]:
        """Write what has changed until the end of the block, in one turn."""
        changed: dict[tuple[str, str], None] = {}
        try:
            async with self.storage.turn():
                yield
                changed, self._changed = self._changed, {}
                if changed:
                    await self.storage.write([self._row(kind, key) for kind, key in changed])
        except BaseException:
            self._changed = {**changed, **self._changed}
            raise

    async def pull(self) -> None:
        """Load what other servers have changed."""
        if self.storage.shared:
            async with self._lock:
                await self._take()

    async def _take(self) -> None:
        for kind, key, text in await self.storage.changes():
            if (kind, key) not in self._changed:
                self.kinds[kind].load(key, None if text is None else from_json(text))
        self.loaded()

    @asynccontextmanager
    async def change(self) -> AsyncIterator[None]:
        """Load what other servers have changed, and keep them from changes during the block.

        What has changed is written at its end. It must not take long, and must not write.
        """
        if not self.storage.shared:
            yield
            return
        async with self._lock, self._written():
            await self._take()
            yield

    def _row(self, kind: str, key: str) -> Row:
        saved = self.kinds[kind].dump(key)
        return kind, key, None if saved is None else encode(saved)
