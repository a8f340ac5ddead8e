"""Keeps everything in PostgreSQL, which several servers can use at the same time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.postgres.aio import AsyncPostgresStore
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from fractal_agents_runtime.storage import Memory, Row, StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

# Langgraph's tables have the same names for the TypeScript server, with another content.
SCHEMA = "fractal_agents_python"
# The key of the lock that keeps other servers from changing records.
LOCK = 7_310_579_612_409_217_633
CONNECTIONS = 10
# Seconds to wait for the database at the start, and for others that make the tables.
PATIENCE = 30.0
TURN = 0.1
TABLES = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    # A record that is null is deleted. It stays for a while, so that all servers learn of it.
    """CREATE TABLE IF NOT EXISTS runtime_records (
        kind text NOT NULL, id text NOT NULL, record text, server text NOT NULL,
        number bigserial, written timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (kind, id)
    )""",
    "CREATE INDEX IF NOT EXISTS runtime_records_number ON runtime_records (number)",
    "CREATE TABLE IF NOT EXISTS runtime_servers (id text PRIMARY KEY, seen timestamptz NOT NULL)",
)
PUT = """INSERT INTO runtime_records (kind, id, record, server) VALUES (%s, %s, %s, %s)
    ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record, server = excluded.server,
        number = nextval('runtime_records_number_seq'), written = now()"""
CHANGES = """SELECT kind, id, record, number FROM runtime_records
    WHERE number > %s AND server <> %s ORDER BY number"""
BEAT = """INSERT INTO runtime_servers VALUES (%s, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET seen = excluded.seen"""
ALIVE = """SELECT id FROM runtime_servers
    WHERE seen > clock_timestamp() - make_interval(secs => %s)"""
SWEEP = (
    "DELETE FROM runtime_records WHERE record IS NULL AND written < now() - interval '1 hour'",
    "DELETE FROM runtime_servers WHERE seen < now() - interval '1 hour'",
)
COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "checkpoint_blobs": "checkpoint_ns, channel, version, type, blob",
    "checkpoint_writes": (
        "checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob, task_path"
    ),
}


class Postgresql(Memory):
    """A database that several servers share. Each has an id, and tells often that it runs."""

    durable = True
    shared = True

    def __init__(self, url: str, lease: float) -> None:
        super().__init__()
        self.server = str(uuid4())
        self._lease = lease
        self._pool: Any = None
        # The connection of the turn.
        self._turn: Any = None
        # The number of the last record that is known.
        self._number = 0
        try:
            self._address = conninfo_to_dict(url)
        except psycopg.Error:
            # Its message has a part of the address, which may be the password.
            raise StorageError("--db: the address of PostgreSQL is not valid") from None

    async def open(self) -> list[Row]:
        """Connect, in the event loop of the server. Return all records."""
        settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        options = f"{self._address.get('options') or ''} -c search_path={SCHEMA}"
        more = {**self._address, **settings, "options": options.strip()}
        try:
            await self._make_tables(more)
            self._pool = AsyncConnectionPool(
                kwargs=more, min_size=1, max_size=CONNECTIONS, open=False, name="records"
            )
            await self._pool.open(wait=True, timeout=PATIENCE)
            self._saver = AsyncPostgresSaver(self._pool)
            self._store = AsyncPostgresStore(self._pool)
            rows = await self._fetched(CHANGES, -1, "")
        except psycopg.Error as problem:
            reason = str(problem).strip().partition("\n")[0]
            raise StorageError(f"can't use PostgreSQL: {reason}") from problem
        return self._known(rows)

    async def _make_tables(self, settings: dict[str, Any]) -> None:
        async with await psycopg.AsyncConnection.connect(**settings) as connection:
            # Polled, because a server that waits in the database would keep another one from
            # making an index concurrently.
            deadline = asyncio.get_running_loop().time() + PATIENCE
            while not await self._locked(connection):
                if asyncio.get_running_loop().time() > deadline:
                    raise StorageError("can't use PostgreSQL: another server makes its tables")
                await asyncio.sleep(TURN)
            for sql in TABLES:
                await connection.execute(sql)
            await AsyncPostgresSaver(connection).setup()
            await AsyncPostgresStore(connection).setup()

    @staticmethod
    async def _locked(connection: Any) -> bool:
        found = await connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", (LOCK + 1,))
        return bool((await found.fetchone())["mine"])

    async def _fetched(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        async with self._pool.connection() as connection:
            found: list[dict[str, Any]] = await (await connection.execute(sql, values)).fetchall()
            return found

    def _known(self, rows: list[dict[str, Any]]) -> list[Row]:
        self._number = max([self._number, *(row["number"] for row in rows)])
        return [
            (row["kind"], row["id"], None if row["record"] is None else row["record"].encode())
            for row in rows
        ]

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Keep other servers from changing records. Only one task at a time may call it."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            self._turn = connection
            try:
                yield
            finally:
                self._turn = None

    async def changes(self) -> list[Row]:
        """Return what other servers have written since the last call."""
        values = (self._number, self.server)
        if self._turn is None:
            return self._known(await self._fetched(CHANGES, *values))
        return self._known(await (await self._turn.execute(CHANGES, values)).fetchall())

    async def beat(self) -> set[str]:
        """Tell that this server runs. Return the ids of those that run."""
        async with self._pool.connection() as connection:
            await connection.execute(BEAT, (self.server,))
            for sql in SWEEP:
                await connection.execute(sql)
            found = await connection.execute(ALIVE, (self._lease,))
            return {row["id"] for row in await found.fetchall()}

    async def write(self, rows: Iterable[Row]) -> None:
        """Write records, and remove the checkpoints of deleted threads, in the current turn."""
        written = [
            (kind, key, None if text is None else text.decode(), self.server)
            for kind, key, text in rows
        ]
        threads = [key for kind, key, text, _ in written if kind == "thread" and text is None]
        async with self._turn.cursor() as cursor:
            await cursor.executemany(PUT, written)
            for table in COLUMNS if threads else ():
                sql = f"DELETE FROM {table} WHERE thread_id = ANY(%s)"  # noqa: S608
                await cursor.execute(sql, (threads,))

    def forget(self, thread_id: str) -> None:
        """Do nothing: `write` removes the checkpoints of deleted threads."""

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        async with self._pool.connection() as connection, connection.transaction():
            yield connection

    async def copy(self, source: str, target: str) -> None:
        """Copy the checkpoints of a thread."""
        async with self._transaction() as connection:
            for table, columns in COLUMNS.items():
                sql = f"""INSERT INTO {table} (thread_id, {columns})
                    SELECT %s, {columns} FROM {table} WHERE thread_id = %s"""  # noqa: S608
                await connection.execute(sql, (target, source))

    async def cut(self, thread_id: str) -> None:
        """Remove all checkpoints of a thread but the last of each namespace."""
        last = """SELECT max(checkpoint_id) FROM checkpoints AS other
            WHERE other.thread_id = %s AND other.checkpoint_ns = {0}.checkpoint_ns"""
        await self._remove(thread_id, f"checkpoint_id < ({last})", thread_id)

    async def last(self, thread_id: str) -> str:
        """Return the id of a thread's last checkpoint. Later ones have greater ids."""
        sql = "SELECT max(checkpoint_id) AS last FROM checkpoints WHERE thread_id = %s"
        [row] = await self._fetched(sql, thread_id)
        return row["last"] or ""

    async def restore(self, thread_id: str, last: str) -> None:
        """Remove all checkpoints of a thread after this one."""
        await self._remove(thread_id, "checkpoint_id > %s", last)

    async def _remove(self, thread_id: str, condition: str, value: str) -> None:
        async with self._transaction() as connection:
            # The writes first: the condition may need the checkpoints.
            for table in ("checkpoint_writes", "checkpoints"):
                sql = f"DELETE FROM {table} WHERE thread_id = %s AND {condition.format(table)}"  # noqa: S608
                await connection.execute(sql, (thread_id, value))
