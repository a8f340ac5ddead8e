"""Keeps everything in one SQLite file: langgraph's own tables, and one for records."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.store.sqlite.aio import AsyncSqliteStore

from fractal_agents_runtime.storage import Memory, Row, StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

# Seconds to wait for another connection's transaction.
PATIENCE = 30.0
# Marks the file as one of this server: "frpy".
OURS = 0x66727079
TABLE = """CREATE TABLE IF NOT EXISTS runtime_records (
    kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (kind, id)
)"""
PUT = """INSERT INTO runtime_records VALUES (?, ?, ?)
    ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record"""
CHECKPOINTS = (
    "thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
)
WRITES = "thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value"


class Sqlite(Memory):
    """One file, used by one process at a time."""

    durable = True

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file
        self._guard: sqlite3.Connection | None = None
        self._records: aiosqlite.Connection
        # A connection has one transaction at a time.
        self._turn = asyncio.Lock()

    async def open(self) -> list[Row]:
        """Connect, in the event loop of the server. Return all records."""
        self._lock()
        try:
            self._records = await self._connected()
            await self._mark()
            await self._records.execute("PRAGMA journal_mode=WAL")
            await self._records.execute(TABLE)
            self._saver = AsyncSqliteSaver(await self._connected())
            await self._saver.setup()
            self._store = AsyncSqliteStore(_immediate(await self._connected()))
            await self._store.setup()
            rows = await self._records.execute_fetchall(
                "SELECT kind, id, record FROM runtime_records ORDER BY rowid"
            )
        except sqlite3.Error as problem:
            raise StorageError(f"can't use {self._file}: {problem}") from problem
        return [(kind, key, text.encode()) for kind, key, text in rows]

    def _lock(self) -> None:
        """Keep other processes from the file: they would execute the same runs."""
        if not os.path.isdir(os.path.dirname(self._file)):  # noqa: PTH112, PTH120
            raise StorageError(f"can't use {self._file}: its folder does not exist")
        try:
            # A lock of SQLite ends with its process, whatever ends it.
            self._guard = sqlite3.connect(f"{self._file}.lock", timeout=0, isolation_level=None)
            self._guard.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as problem:
            reason = "another server uses it" if "locked" in str(problem) else str(problem)
            raise StorageError(f"can't use {self._file}: {reason}") from problem

    async def _mark(self) -> None:
        """Refuse a file of another program. The TypeScript server's tables have the same names."""
        [(found,)] = await self._records.execute_fetchall("PRAGMA application_id")
        [(tables,)] = await self._records.execute_fetchall("SELECT count(*) FROM sqlite_master")
        if found == tables == 0:
            await self._records.execute(f"PRAGMA application_id = {OURS}")
        elif found != OURS:
            raise StorageError(f"can't use {self._file}: another program made it")

    async def _connected(self) -> Any:
        connection = aiosqlite.connect(self._file, timeout=PATIENCE, isolation_level=None)
        # Its thread must not keep the process alive.
        connection._thread.daemon = True  # noqa: SLF001
        await connection
        # Each commit survives the end of the process; one less wait for the disk than FULL.
        await connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self._turn:
            try:
                # The connection's thread executes what a cancelled task has sent, BEGIN too. So the
                # rollback follows each statement. It does nothing without a transaction.
                await self._records.execute("BEGIN IMMEDIATE")
                yield self._records
                await self._records.commit()
            except BaseException:
                await self._records.rollback()
                raise

    async def write(self, rows: Iterable[Row]) -> None:
        """Write records, and remove the checkpoints of deleted threads: all or nothing."""
        kept = [(kind, key, text.decode()) for kind, key, text in rows if text is not None]
        gone = [(kind, key) for kind, key, text in rows if text is None]
        threads = [(key,) for kind, key in gone if kind == "thread"]
        if threads:
            await self._checkpoints_written()
        async with self._transaction() as records:
            await records.executemany(PUT, kept)
            await records.executemany("DELETE FROM runtime_records WHERE kind = ? AND id = ?", gone)
            for table in ("checkpoints", "writes"):
                await records.executemany(f"DELETE FROM {table} WHERE thread_id = ?", threads)  # noqa: S608

    def forget(self, thread_id: str) -> None:
        """Do nothing: `write` removes the checkpoints of deleted threads."""

    async def copy(self, source: str, target: str) -> None:
        """Copy the checkpoints of a thread."""
        async with self._transaction() as records:
            for table, columns in (("checkpoints", CHECKPOINTS), ("writes", WRITES)):
                chosen = columns.replace("thread_id", "?", 1)
                sql = f"INSERT INTO {table} ({columns}) SELECT {chosen} FROM {table}"  # noqa: S608
                await records.execute(f"{sql} WHERE thread_id = ?", (target, source))

    async def cut(self, thread_id: str) -> None:
        """Remove all checkpoints of a thread but the last of each namespace."""
        last = """SELECT max(checkpoint_id) FROM checkpoints AS other
            WHERE other.thread_id = ? AND other.checkpoint_ns = {0}.checkpoint_ns"""
        await self._remove(thread_id, f"checkpoint_id < ({last})", thread_id)

    async def last(self, thread_id: str) -> str:
        """Return the id of a thread's last checkpoint. Later ones have greater ids."""
        [(found,)] = await self._records.execute_fetchall(
            "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?", (thread_id,)
        )
        return found or ""

    async def restore(self, thread_id: str, last: str) -> None:
        """Remove all checkpoints of a thread after this one."""
        await self._remove(thread_id, "checkpoint_id > ?", last)

    async def _checkpoints_written(self) -> None:
        """Wait for checkpoints of cancelled writers: their connection writes them anyway."""
        if self._saver is not None:
            await self._saver.conn.execute_fetchall("SELECT 1")

    async def _remove(self, thread_id: str, condition: str, value: str) -> None:
        await self._checkpoints_written()
        async with self._transaction() as records:
            # `writes` first: the condition may need the checkpoints.
            for table in ("writes", "checkpoints"):
                where = condition.format(table)
                await records.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND {where}",  # noqa: S608
                    (thread_id, value),
                )


def _immediate(connection: Any) -> Any:
    """Have transactions of a connection lock the file when they begin, as the store needs it.

    SQLite does not wait if a transaction that has read wants to write after another has written.
    """
    execute = connection.execute
    connection.execute = lambda sql, *values: execute(
        "BEGIN IMMEDIATE" if sql == "BEGIN" else sql, *values
    )
    return connection
