"""Where a server keeps its data: in memory. `sqlite` and `postgresql` have the same functions."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

# A record: its kind, its id, and its JSON. None: it is deleted.
Row = tuple[str, str, bytes | None]


class StorageError(Exception):
    """The storage can't be used. The message says why, without the database's password."""


class Memory:
    """Langgraph's own stores in memory. Records are in memory anyway, so they are not written."""

    # True if records are written, and so survive the process.
    durable = False
    # True if several servers use the same data.
    shared = False
    # The id of this server among those that share the data.
    server = ""

    def __init__(self) -> None:
        self._saver: Any = None
        self._store: Any = None

    @property
    def saver(self) -> Any:
        """Langgraph's store of checkpoints."""
        if self._saver is None:
            # Imported when it is used first: langgraph takes seconds to import.
            from langgraph.checkpoint.memory import InMemorySaver  # noqa: PLC0415

            self._saver = InMemorySaver()
        return self._saver

    @property
    def store(self) -> Any:
        """Langgraph's store of values."""
        if self._store is None:
            from langgraph.store.memory import InMemoryStore  # noqa: PLC0415

            self._store = InMemoryStore()
        return self._store

    async def open(self) -> list[Row]:
        """Connect, in the event loop of the server. Return all records."""
        return []

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Keep other servers from changing records."""
        yield

    async def changes(self) -> list[Row]:
        """Return what other servers have written since the last call."""
        return []

    async def beat(self) -> set[str]:
        """Tell that this server runs. Return the ids of those that run."""
        return {self.server}

    async def write(self, rows: Iterable[Row]) -> None:
        """Write records, and remove the checkpoints of deleted threads: all or nothing."""

    def forget(self, thread_id: str) -> None:
        """Remove the checkpoints of a thread, if that can be done at once."""
        if self._saver is not None:
            self._saver.delete_thread(thread_id)

    async def copy(self, source: str, target: str) -> None:
        """Copy the checkpoints of a thread."""
        saver = self.saver
        for namespace, saved in list(saver.storage[source].items()):
            saver.storage[target][namespace].update(saved)
        for blobs in (saver.blobs, saver.writes):
            for key in [key for key in blobs if key[0] == source]:
                blobs[target, *key[1:]] = blobs[key]

    async def cut(self, thread_id: str) -> None:
        """Remove all checkpoints of a thread but the last of each namespace."""
        for saved in self.saver.storage[thread_id].values():
            for checkpoint_id in sorted(saved)[:-1]:
                del saved[checkpoint_id]

    async def last(self, thread_id: str) -> str:
        """Return the id of a thread's last checkpoint. Later ones have greater ids."""
        if self._saver is None or thread_id not in self._saver.storage:
            return ""
        found = self._saver.storage[thread_id].values()
        return max((one for saved in found for one in saved), default="")

    async def restore(self, thread_id: str, last: str) -> None:
        """Remove all checkpoints of a thread after this one."""
        for saved in self.saver.storage[thread_id].values():
            for checkpoint_id in [one for one in saved if one > last]:
                del saved[checkpoint_id]


def storage_at(place: str | None, lease: float = 10) -> Memory:
    """Return the storage that a setting names: `memory`, `sqlite:FILE` or `postgresql://…`.

    Servers that share a database and are silent for longer than the lease, in seconds, lose their
    runs to others.
    """
    kind, _, rest = (place or "memory").partition(":")
    if kind == "memory" and not rest:
        return Memory()
    if kind == "sqlite" and rest:
        _need("sqlite", "aiosqlite", "langgraph.checkpoint.sqlite", "langgraph.store.sqlite")
        from fractal_agents_runtime.sqlite import Sqlite  # noqa: PLC0415

        return Sqlite(os.path.abspath(rest))  # noqa: PTH100
    if kind in ("postgresql", "postgres") and rest.startswith("//"):
        _need("postgresql", "psycopg_pool", "langgraph.checkpoint.postgres")
        from fractal_agents_runtime.postgresql import Postgresql  # noqa: PLC0415

        return Postgresql(place or "", lease)
    raise StorageError("--db must be memory, sqlite:FILE or postgresql://…")


def _need(extra: str, *modules: str) -> None:
    for module in modules:
        try:
            found = find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            command = f"pip install 'fractal-agents-runtime[{extra}]'"
            raise StorageError(f"--db {extra} needs packages that are not installed: {command}")
