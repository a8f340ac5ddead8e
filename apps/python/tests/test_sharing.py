"""Several servers share records. `contract/storage` has the tests with a real database."""

import asyncio
from collections.abc import Iterable
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from pydantic_core import from_json, to_json

from fractal_agents_runtime import api
from fractal_agents_runtime.api import Api
from fractal_agents_runtime.followers import Followers
from fractal_agents_runtime.settings import Settings
from fractal_agents_runtime.storage import Memory, Row
from fractal_agents_runtime.threads import Threads


class State(TypedDict):
    """What the step has done."""

    x: int
    done: bool


class Database:
    """What the servers share."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[int, str, bytes | None]] = {}
        self.alive: set[str] = set()
        self.saver = InMemorySaver()


class Shared(Memory):
    """A server's view of the database."""

    durable = True
    shared = True

    def __init__(self, database: Database, server: str) -> None:
        super().__init__()
        self.database, self.server, self._number = database, server, 0
        self._saver = database.saver

    async def changes(self) -> list[Row]:
        known, self._number = (
            self._number,
            len(self.database.rows) and max(number for number, *_ in self.database.rows.values()),
        )
        return [
            (*key, text)
            for key, (number, server, text) in self.database.rows.items()
            if number > known and server != self.server
        ]

    async def beat(self) -> set[str]:
        return self.database.alive

    async def write(self, rows: Iterable[Row]) -> None:
        for kind, key, text in rows:
            number = max([0, *(number for number, *_ in self.database.rows.values())]) + 1
            self.database.rows[kind, key] = number, self.server, text


class Servers:
    """Servers of a graph whose step waits until a gate opens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = Database()
        self.gate = asyncio.Event()
        self.begun: list[str] = []
        self._patch = monkeypatch

    async def start(self, name: str) -> Api:
        async def step(state: State) -> dict[str, bool]:
            del state
            self.begun.append(name)
            await self.gate.wait()
            return {"done": True}

        graph = StateGraph(State)
        graph.add_node("step", step)
        graph.add_edge(START, "step")
        graph.add_edge("step", END)
        self.database.alive.add(name)
        shared = Shared(self.database, name)
        self._patch.setattr(api, "storage_at", lambda *_: shared)
        app = Api({"steps": graph.compile()}, None, Settings(lease_seconds=0.4))
        await app.open()
        return app


async def call(app: Api, method: str, path: str, body: Any = None, query: Any = None) -> Any:
    reply = await app.handle(method, path, to_json(body), {}, query or {})
    assert reply.status < 300, reply.body
    return from_json(reply.body) if reply.body else None


async def until(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def waiting(servers: Servers, app: Api) -> str:
    """Start a run. Return its path."""
    thread = await call(app, "POST", "/threads", {})
    body = {"assistant_id": "steps", "input": {"x": 1}}
    count = len(servers.begun)
    run = await call(app, "POST", f"/threads/{thread['thread_id']}/runs", body)
    await until(lambda: len(servers.begun) > count)
    return f"/threads/{thread['thread_id']}/runs/{run['run_id']}"


def test_a_run_of_a_silent_server_is_resumed_once_and_its_old_server_lets_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def taken() -> None:
        servers = Servers(monkeypatch)
        silent, other = await servers.start("silent"), await servers.start("other")
        run = await waiting(servers, silent)
        joined = asyncio.create_task(call(silent, "GET", f"{run}/join"))
        servers.database.alive.remove("silent")
        await until(lambda: servers.begun == ["silent", "other"])
        servers.gate.set()
        assert (await call(other, "GET", f"{run}/join"))["x"] == 1
        assert (await joined)["x"] == 1
        assert (await call(silent, "GET", run))["status"] == "success"
        assert (await call(silent, "GET", run.partition("/runs")[0]))["status"] == "idle"
        assert servers.begun == ["silent", "other"]

    asyncio.run(taken())


def test_another_server_cancels_a_run_and_sees_how_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def cancelled() -> None:
        servers = Servers(monkeypatch)
        one, other = await servers.start("one"), await servers.start("other")
        run = await waiting(servers, one)
        reply = await other.handle("GET", f"{run}/stream", b"null", {}, {})
        query = {"wait": ["true"], "action": ["interrupt"]}
        await call(other, "POST", f"{run}/cancel", {}, query)
        assert (await call(other, "GET", run))["status"] == "interrupted"
        assert ("cancel", run.rpartition("/")[2]) in servers.database.rows
        assert reply.stream is not None
        thread = run.partition("/runs")[0]
        await call(other, "DELETE", thread)
        assert (await one.handle("GET", thread, b"", {}, {})).status == 404

    asyncio.run(cancelled())


def test_the_end_of_a_run_is_told_when_it_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = Servers(monkeypatch)
    told: dict[str, list[str]] = {}

    def note(event: str) -> None:
        rows = {kind: text for (kind, _), (*_, text) in servers.database.rows.items()}
        run, thread = (from_json(rows[kind] or b"{}") for kind in ("run", "thread"))
        told[event] = [run["record"]["status"], thread["status"]]

    async def ended() -> None:
        app = await servers.start("one")
        run = await waiting(servers, app)
        servers.gate.set()
        await call(app, "GET", f"{run}/join")

    monkeypatch.setattr(Threads, "tell", lambda _self, _thread, event, _data: note(event))
    monkeypatch.setattr(Followers, "end", lambda *_: note("lifecycle"))
    asyncio.run(ended())
    saved = ["success", "idle"]
    assert (told["run_done"], told["lifecycle"]) == (saved, saved)
