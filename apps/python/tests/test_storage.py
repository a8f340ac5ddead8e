"""Where records are kept. `contract/storage` has the tests of servers that are killed."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from conftest import Servers
from fractal_agents_runtime import create_app, storage
from fractal_agents_runtime.cli import loaded
from fractal_agents_runtime.records import Records
from fractal_agents_runtime.settings import Settings, parse_settings
from fractal_agents_runtime.storage import Memory, Row, StorageError, storage_at
from fractal_agents_runtime.threads import Threads


def test_the_contract_holds_with_a_file(servers: Servers) -> None:
    done = servers.contract_on_file.result()
    assert done.returncode == 0, done.stderr


def test_a_change_is_written_before_its_answer_whoever_writes_it() -> None:
    class Slow(Memory):
        durable = True

        async def write(self, rows: Iterable[Row]) -> None:
            await asyncio.sleep(0)
            written.extend(key for _, key, _ in rows)

    async def changed() -> None:
        records = Records(Slow())
        records.kinds = {"thread": Threads(records)}
        records.mark("thread", "one")
        other = asyncio.create_task(records.flush())
        await asyncio.sleep(0)
        await records.flush()
        assert written == ["one"]
        await other

    written: list[str] = []
    asyncio.run(changed())


def test_a_cancelled_write_does_not_prevent_the_next(tmp_path: Path) -> None:
    async def written() -> None:
        storage: Any = storage_at(f"sqlite:{tmp_path / 'agents.db'}")
        await storage.open()
        for ticks in range(1, 12):
            write = asyncio.create_task(storage.write([("thread", "one", b"{}")]))
            for _ in range(ticks):
                await asyncio.sleep(0)
            write.cancel()
            await asyncio.wait([write])
            await storage.write([("thread", "two", b"{}")])
        await close(storage)

    asyncio.run(written())


async def close(file: Any) -> None:
    """Close the connections, which otherwise end with the process."""
    inner = vars(file)
    for connection in (inner["_records"], inner["_saver"].conn, inner["_store"].conn):
        await connection.close()
    inner["_guard"].close()


def test_the_checkpoint_of_a_cancelled_writer_is_removed_too(tmp_path: Path) -> None:
    gate = Event()

    async def written_late(remove: str) -> Any:
        file = storage_at(f"sqlite:{tmp_path / remove}")
        await file.open()
        saver = file.saver
        # The thread of the connection is busy, so what is sent to it is executed later.
        await saver.conn.create_function("busy", 0, lambda: gate.wait(30))
        busy = asyncio.create_task(saver.conn.execute_fetchall("SELECT busy()"))
        place = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        put = asyncio.create_task(saver.aput(place, empty_checkpoint(), {}, {}))
        await asyncio.sleep(0)
        put.cancel()
        await asyncio.wait({put})
        rows: list[Row] = [("thread", "t", None)]
        work = file.restore("t", "") if remove == "restore" else file.write(rows)
        removal = asyncio.create_task(work)
        # Time for a removal that does not wait.
        await asyncio.wait({removal}, timeout=0.3)
        gate.set()
        await asyncio.gather(busy, removal)
        found = await saver.aget_tuple(place)
        await close(file)
        return found

    for remove in ("restore", "write"):
        gate.clear()
        assert asyncio.run(written_late(remove)) is None


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "find_spec", lambda _: None)
    with pytest.raises(StorageError, match=r"pip install 'fractal-agents-runtime\[sqlite\]'"):
        create_app(db="sqlite:agents.db")


@pytest.mark.parametrize(
    "place", ["sqlite", "sqlite:", "memory:x", "mysql://localhost", "agents.db"]
)
def test_other_databases_are_refused(place: str) -> None:
    with pytest.raises(StorageError, match="must be memory,"):
        storage_at(place)


def test_a_wrong_place_is_reported_before_graphs_are_imported() -> None:
    with pytest.raises(SystemExit, match="--db must be memory,"):
        loaded(Path("none.json"), Settings(database="sqlite"))


def test_lost_runs_are_resumed_or_fail() -> None:
    assert parse_settings({}).lost_runs == "resume"
    assert parse_settings({"LOST_RUNS": "error"}).lost_runs == "error"
    with pytest.raises(ValueError, match="'no', not resume or error"):
        parse_settings({"LOST_RUNS": "no"})
