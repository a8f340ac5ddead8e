"""The records of threads, runs and assistants: which have changed, and how they are written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import from_json

from fractal_agents_runtime.events import encode
from fractal_agents_runtime.storage import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fractal_agents_runtime.storage import Row

Json = dict[str, Any]


class Kind(Protocol):
    """What has the records of one kind."""

    def dump(self, key: str) -> Json | None:
        """Return a record for the storage. None: it is deleted."""

    def load(self, key: str, saved: Json | None) -> None:
        """Take a record over from the storage. None: it is deleted."""


class Records:
    """All records. Each change is marked, and written before the response that tells of it."""

    def __init__(self, storage: Memory) -> None:
        self.storage = storage
        # For runs that end with this process.
        self.memory = Memory() if storage.durable else storage
        self.kinds: Mapping[str, Kind] = {}
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
            changed, self._changed = self._changed, {}
            if not changed:
                return
            try:
                await self.storage.write([self._row(kind, key) for kind, key in changed])
            except BaseException:
                self._changed = {**changed, **self._changed}
                raise

    def _row(self, kind: str, key: str) -> Row:
        saved = self.kinds[kind].dump(key)
        return kind, key, None if saved is None else encode(saved)
