"""Runs: each is a task of its own with a log of events, on a thread or on one made for it.

`run_requests` has the requests of clients: their checks and their answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from pydantic_core import from_json

from fractal_agents_runtime.errors import HttpError
from fractal_agents_runtime.events import chunks, encode, encode_any, modes_of
from fractal_agents_runtime.followers import NEW, Followers
from fractal_agents_runtime.models import ThreadRunRequest
from fractal_agents_runtime.protocol import Place, Translation
from fractal_agents_runtime.protocol import events as protocol_events
from fractal_agents_runtime.run_arguments import arguments_of, settings_of
from fractal_agents_runtime.streams import OPEN, Log, sse
from fractal_agents_runtime.threads import config_of
from fractal_agents_runtime.values import now, seconds_until
from fractal_agents_runtime.webhooks import send_webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from fractal_agents_runtime.handlers import Runtime
    from fractal_agents_runtime.models import RunFields

Json = dict[str, Any]
# How many finished runs still have their events.
REMEMBERED = 100
# Seconds until the changes of other servers are loaded; with a short lease a part of it.
PULL = 0.5
TOO_LONG = "the run took too long"
ACTIVE = ("pending", "running")

log = logging.getLogger("fractal_agents_runtime")


class ServerEnded(Exception):  # noqa: N818
    """The error of a run whose server has ended, if such runs are not resumed."""


class Kind(NamedTuple):
    """What kind of run it is."""

    # True if the thread was made for this run, and is deleted with it.
    temporary: bool = False
    # True if it ends with this process, because its client waits for it.
    transient: bool = False
    # True if a command of the thread protocol has started it, so it has the protocol's events.
    protocol: bool = False


class Run:
    """A run, while it is known."""

    def __init__(
        self,
        body: RunFields,
        thread_id: str,
        assistant: Json,
        kind: Kind,
    ) -> None:
        self.body = body
        self.assistant = assistant
        self.temporary, self.transient, self.protocol = kind
        # The namespaces of its interrupts, by their ids.
        self.interrupts: dict[str, tuple[str, ...]] = {}
        # How often it has been started.
        self.attempt = 0
        # The thread's last checkpoint before it. None: not known yet.
        self.before: str | None = None
        self.log = Log(sse)
        self.done = asyncio.Event()
        # The JSON that `wait` and `join` answer.
        self.result = b"{}"
        # The exception that ended it.
        self.problem: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        # A task that is cancelled before it has begun never begins, so it must be told.
        self.begun = False
        self.cancelled = False
        # True if its end is being recorded.
        self.ending = False
        self.rollback = False
        # The server that executes it, and how to tell another one that it is cancelled.
        self.server = ""
        self.ask: Callable[[Json], None] = nothing_to_ask
        # True if another server executes it now.
        self.lost = False
        # The tasks that wait for the result for a client, or send it.
        self.waiting: set[asyncio.Task[None]] = set()
        self.loop = asyncio.get_running_loop()
        time_now = now()
        self.record: Json = {
            "run_id": str(uuid4()),
            "thread_id": thread_id,
            "assistant_id": assistant["assistant_id"],
            "created_at": time_now,
            "updated_at": time_now,
            "status": "pending",
            "metadata": {
                **(body.metadata or {}),
                "graph_id": assistant["graph_id"],
                "assistant_id": assistant["assistant_id"],
            },
            "kwargs": body.model_dump(exclude_none=True, exclude={"metadata", "assistant_id"}),
            "multitask_strategy": body.multitask_strategy or "enqueue",
        }

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.record["run_id"])

    @property
    def thread_id(self) -> str:
        """The id of the run's thread."""
        return str(self.record["thread_id"])

    @property
    def active(self) -> bool:
        """True until the run has ended."""
        return self.record["status"] in ACTIVE

    def dump(self) -> Json:
        """Return the run for the storage."""
        return {
            "created_at": self.record["created_at"],
            "record": self.record,
            "body": self.body.model_dump(mode="json", exclude_unset=True),
            "assistant": self.assistant,
            "temporary": self.temporary,
            "protocol": self.protocol,
            "attempt": self.attempt,
            "before": self.before,
            "result": self.result.decode(),
            "server": self.server,
        }

    @staticmethod
    def loaded(saved: Json) -> Run:
        """Return a run of the storage."""
        body = ThreadRunRequest.model_validate(saved["body"])
        thread_id = saved["record"]["thread_id"]
        kind = Kind(temporary=saved["temporary"], protocol=saved.get("protocol", False))
        run = Run(body, thread_id, saved["assistant"], kind)
        run.load(saved)
        return run

    def load(self, saved: Json) -> None:
        """Load what the storage has."""
        self.record = saved["record"]
        self.attempt, self.before = saved["attempt"], saved["before"]
        self.result = saved["result"].encode()
        self.server = saved.get("server", "")
        if not self.active and not self.done.is_set():
            # The events of another server's run are not known here, only how it has ended.
            failed = self.record["status"] in ("error", "timeout")
            error = encode(from_json(self.result).get("__error__")) if failed else None
            self.log.add("error" if error else "values", error or self.result)
            self.log.close()
            self.done.set()

    def cancel(self, *, rollback: bool = False, reason: str | None = None) -> None:
        """End the run soon. `done` tells when it has ended."""
        if self.active and self.task is None:
            self.ask({"rollback": rollback, "reason": reason})
        elif self.active and not self.ending and self.task is not None:
            self.rollback = self.rollback or rollback
            if reason is not None:
                self.record["cancel_reason"] = reason
            self.cancelled = True
            if self.begun:
                self.task.cancel()

    def hung_up(self) -> None:
        """Cancel the run from any thread."""
        self.loop.call_soon_threadsafe(self.cancel)

    def stopped(self) -> None:
        """Cancel the run from any thread, because the server stops."""
        self.loop.call_soon_threadsafe(partial(self.cancel, reason="the server is stopping"))


def nothing_to_ask(asked: Json) -> None:
    """Do nothing: no other server executes the run."""
    del asked


class Asked:
    """Which runs of other servers are to be cancelled, and how."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.known: dict[str, Json] = {}

    def dump(self, key: str) -> Json | None:
        """Return for the storage how a run is to be cancelled."""
        return self.known.get(key)

    def load(self, key: str, saved: Json | None) -> None:
        """Cancel a run of this server, if another one asks for that."""
        self.known.pop(key, None)
        run = self._runs.known.get(key)
        if saved is not None:
            self.known[key] = saved
            if run is not None and run.task is not None:
                run.cancel(**saved)


class Runs:
    """All runs, by id."""

    def __init__(self) -> None:
        self.asked = Asked(self)
        self.followers = Followers(self)
        self.known: dict[str, Run] = {}
        self._by_thread: dict[str, list[Run]] = {}
        # Finished runs, whose events are dropped when there are too many.
        self._finished: deque[Run] = deque()
        # How many have not ended.
        self.active = 0

    runtime: Runtime

    def dump(self, key: str) -> Json | None:
        """Return a run for the storage."""
        run = self.known.get(key)
        return None if run is None else run.dump()

    def load(self, key: str, saved: Json | None) -> None:
        """Load a run from the storage."""
        known = self.known.get(key)
        if saved is None:
            if known is not None:
                self._drop(known)
                if known.active and known.task is None:
                    before = str(known.record["status"])
                    known.record["status"] = "interrupted"
                    self.followers.changed(known, before)
        elif known is None:
            run = Run.loaded(saved)
            run.ask = partial(self._ask, run)
            self.known[key] = run
            runs = self._by_thread.setdefault(run.thread_id, [])
            runs.append(run)
            runs.sort(key=lambda one: str(one.record["created_at"]))
            self.followers.changed(run, NEW)
        else:
            if known.task is not None and not known.lost:
                # This server was silent for so long that another one executes the run now.
                known.lost = True
                if not known.ending:
                    known.task.cancel()
            was_active, before = known.active, known.record["status"]
            known.load(saved)
            self.followers.changed(known, before)
            if was_active and not known.active:
                self._done(known)

    def _ask(self, run: Run, asked: Json) -> None:
        """Ask the server that executes a run to cancel it."""
        before = self.asked.known.get(run.id, {})
        self.asked.known[run.id] = {
            **asked,
            "rollback": asked["rollback"] or before.get("rollback"),
        }
        self.runtime.records.mark("cancel", run.id)

    async def share(self) -> None:
        """Tell other servers that this one runs, load their changes, and resume lost runs."""
        lease = self.runtime.settings.lease_seconds
        beat = lease / 5
        last = time.monotonic()
        while True:
            await asyncio.sleep(min(PULL, lease / 20))
            try:
                await self.runtime.records.flush()
                await self.runtime.records.pull()
                if time.monotonic() >= last + beat:
                    last = time.monotonic()
                    await self.resume_lost()
            except Exception:
                log.exception("the database can't be used")
                await asyncio.sleep(1)

    async def resume_lost(self) -> None:
        """Start the runs whose server has ended, those of a thread in their order."""
        alive = await self.runtime.storage.beat()
        dead = {run.server for run in self.known.values() if run.active and run.task is None}
        dead -= alive
        if dead:
            async with self.runtime.records.change():
                self.recover(dead)

    def recover(self, servers: Collection[str] = ("",)) -> None:
        """Start the runs of servers that have ended, those of a thread in their order."""
        lost = [run for run in self.known.values() if run.active and run.server in servers]
        for run in [run for run in lost if run.task is None]:
            runs = self.of(run.thread_id)
            earlier = runs[: runs.index(run)]
            others = [
                one
                for one in runs
                if one.active and (one in earlier or one.record["status"] == "running")
            ]
            self._launch(run, [] if run in others else others)

    def _set(self, run: Run, **changes: Any) -> None:
        """Change what clients see of a run."""
        run.record.update(changes, updated_at=now())
        self._mark(run)

    def _mark(self, run: Run) -> None:
        """Have a run written to the storage."""
        if not run.transient:
            self.runtime.records.mark("run", run.id)

    def of(self, thread_id: str) -> list[Run]:
        """Return the runs of a thread, the oldest first."""
        return self._by_thread.get(thread_id, [])

    def get(self, thread_id: str, run_id: str) -> Run:
        """Return a run, or answer 404."""
        run = self.known.get(run_id)
        if run is None or run.thread_id != thread_id:
            raise HttpError(404, f"Run with ID {run_id} not found")
        return run

    def check_room(self, wanted: int = 1) -> None:
        """Answer 429 if there are too many active runs."""
        if self.active + wanted > self.runtime.settings.max_runs:
            raise HttpError(429, "too many active runs", headers={"Retry-After": "1"})

    def start(self, run: Run) -> Run:
        """Start a run when the thread's other runs have ended."""
        others = [one for one in self.of(run.thread_id) if one.active]
        strategy = run.record["multitask_strategy"]
        if others and strategy == "reject":
            detail = "the thread is busy: wait for its runs, or choose another multitask_strategy"
            raise HttpError(409, detail)
        if strategy in ("interrupt", "rollback"):
            for one in others:
                one.cancel(rollback=strategy == "rollback")
        self.known[run.id] = run
        self._by_thread.setdefault(run.thread_id, []).append(run)
        self._mark(run)
        threads = self.runtime.threads
        thread = threads.records[run.thread_id]
        names = {name: run.record["metadata"][name] for name in ("graph_id", "assistant_id")}
        threads.changed(thread, status="busy", metadata={**thread["metadata"], **names})
        self.followers.begin(run)
        self._launch(run, others)
        return run

    def _launch(self, run: Run, others: list[Run]) -> None:
        self.active += 1
        OPEN.runs[run.id] = run.stopped
        run.server = self.runtime.storage.server
        self._mark(run)
        run.task = asyncio.create_task(self._guarded(run, others))
        if run.id in self.asked.known:
            run.cancel(**self.asked.known[run.id])

    async def _guarded(self, run: Run, others: list[Run]) -> None:
        """Execute a run, and record how it ended."""
        limit = None
        lost = run.record["status"] == "running"
        run.begun = True
        try:
            if run.cancelled:
                raise asyncio.CancelledError  # noqa: TRY301
            await asyncio.gather(*(one.done.wait() for one in others))
            if run.body.after_seconds:
                await asyncio.sleep(seconds_until(run.record["created_at"], run.body.after_seconds))
            if lost and self.runtime.settings.lost_runs == "error":
                raise ServerEnded("the server ended during the run")  # noqa: TRY301
            if run.before is None:
                storage = self.runtime.records.storage_of(run.transient)
                run.before = await storage.last(run.thread_id)
            run.attempt += 1
            self._set(run, status="running")
            await self.runtime.records.flush()
            self._tell(run, "metadata", encode({"run_id": run.id, "attempt": run.attempt}))
            self.followers.running(run)
            most = self.runtime.settings.run_seconds or None
            async with asyncio.timeout(most) as limit:
                await self._execute(run)
            status = "success"
        except asyncio.CancelledError:
            status = "interrupted"
        except Exception as problem:  # noqa: BLE001
            late = limit is not None and limit.expired()
            status = "timeout" if late else "error"
            self._failed(run, TimeoutError(TOO_LONG) if late else problem, late=late)
        finally:
            run.ending = True
            try:
                await self._end(run, status)
            except Exception:
                log.exception("run %s: its end can't be saved", run.id)
            finally:
                self.active -= 1
                OPEN.runs.pop(run.id, None)
                if run.lost:
                    run.lost = run.begun = run.cancelled = run.ending = False
                    run.task = None
                else:
                    self._finish(run, status)

    async def _end(self, run: Run, status: str) -> None:
        """Record how a run has ended, unless another server executes it now."""
        if run.transient:
            self._set(run, status=status)
            await self._settle(run)
        elif not run.lost:
            async with self.runtime.records.change():
                if run.lost:
                    return
                self._set(run, status=status)
                if self.asked.known.pop(run.id, None):
                    self.runtime.records.mark("cancel", run.id)
                await self._settle(run)
        await self.runtime.records.flush()

    def _finish(self, run: Run, status: str) -> None:
        if run.active:
            self._set(run, status=status)
        if run.body.webhook:
            run.waiting.add(asyncio.create_task(self._send(run, run.body.webhook)))
        self.runtime.metrics.runs[run.record["status"]] += 1
        self._done(run)
        self.followers.end(run)
        run.log.close()
        run.done.set()

    async def _send(self, run: Run, url: str) -> None:
        failed = run.problem is not None
        told = {
            **run.record,
            "run_ended_at": run.record["updated_at"],
            "webhook_sent_at": now(),
            "error": error_of(run.problem) if run.problem else None,
        }
        values = b"null" if failed else run.result
        await send_webhook(url, encode(told)[:-1] + b',"values":' + values + b"}")

    def _failed(self, run: Run, problem: Exception, *, late: bool) -> None:
        name = run.record["metadata"]["graph_id"]
        log.error("run %s of %s failed", run.id, name, exc_info=None if late else problem)
        run.problem = problem
        run.result = encode({"__error__": error_of(problem)})
        self._tell(run, "error", encode(error_of(problem)))

    def _tell(self, run: Run, event: str, data: bytes) -> None:
        run.log.add(event, data)
        self.runtime.threads.tell(run.thread_id, event, data)

    def _done(self, run: Run) -> None:
        """Tell a thread's readers that a run has ended, when any server can read how."""
        done = encode({"run_id": run.id, "status": run.record["status"]})
        self.runtime.threads.tell(run.thread_id, "run_done", done)

    async def _execute(self, run: Run) -> None:
        graph = self._stateful(run)
        wanted = set(modes_of(run.body))
        if graph is None:
            await self._invoke(run, "values" in wanted)
            return
        resumable = self.runtime.storage.durable and not run.transient
        payload, config, more = await arguments_of(run, graph, resumable=resumable)
        last = None
        source = chunks(graph, payload, config, run.body, more)
        if run.protocol:
            source = self._published(run, graph, payload, config, more)
        async for event, value in source:
            data = (encode_any if event == "events" else encode)(value)
            if event == "values":
                last = data
                self.followers.values(run, value)
            if event != "values" or "values" in wanted:
                self._tell(run, event, data)
        if last is None:
            state = await graph.aget_state(config_of(run.thread_id))
            last = encode(state.values)
        run.result = last

    async def _published(
        self, run: Run, graph: Any, payload: Any, config: Json, more: Json
    ) -> AsyncIterator[tuple[str, Any]]:
        """Run the graph for clients of the thread protocol. Yield its values for the others."""
        translation = Translation()
        run.interrupts = translation.interrupts
        async for event in protocol_events(graph, payload, config, more, translation):
            if event.place == Place("values"):
                yield "values", event.data
            else:
                self.followers.tell(run, event)

    def _stateful(self, run: Run) -> Any:
        return self.runtime.stateful(run.assistant["graph_id"], transient=run.transient)

    async def _invoke(self, run: Run, tell: bool) -> None:  # noqa: FBT001
        """Run a graph of which only `ainvoke` is known."""
        graph = self.runtime.graphs[run.assistant["graph_id"]]
        settings, _ = settings_of(run)
        output = await graph.ainvoke(
            run.body.input, {**settings, "metadata": run.body.metadata or {}}
        )
        if not isinstance(output, dict) or not all(isinstance(name, str) for name in output):
            raise TypeError(f"the graph returned {type(output).__name__} instead of a state")
        run.result = encode(output)
        self.followers.values(run, output)
        if tell:
            self._tell(run, "values", run.result)

    async def _settle(self, run: Run) -> None:
        """Bring the thread up to date after a run, and forget what nobody needs."""
        threads = self.runtime.threads
        thread = threads.records.get(run.thread_id)
        if thread is None:
            self.forget(run)
            return
        if run.rollback and run.record["status"] == "interrupted":
            if run.before is not None and not run.transient:
                await self.runtime.storage.restore(run.thread_id, run.before)
            self.forget(run)
        if run.temporary:
            threads.delete(run.thread_id)
            self._by_thread.pop(run.thread_id, None)
            # Its events are in memory only, so nobody can ask for it after this process.
            run.transient = True
            self.runtime.records.mark("run", run.id)
        else:
            await self._update_thread(run, thread)
        self._remember(run)

    async def _update_thread(self, run: Run, thread: Json) -> None:
        graph = self._stateful(run)
        failed = run.record["status"] in ("error", "timeout")
        error = error_of(run.problem) if failed and run.problem else None
        if graph is not None:
            await self.runtime.threads.refresh(graph, thread, error)
            if run.record["status"] == "interrupted":
                run.result = encode(thread["values"] or {})
        else:
            self.runtime.threads.changed(thread, status="error" if failed else "idle", error=error)
        if any(one.active for one in self.of(run.thread_id) if one is not run):
            threads = self.runtime.threads
            threads.changed(thread, status="busy")

    def _remember(self, run: Run) -> None:
        self._finished.append(run)
        while len(self._finished) > REMEMBERED:
            old = self._finished.popleft()
            if not old.body.stream_resumable:
                old.log.forget()
            if old.temporary:
                self.forget(old)

    def forget(self, run: Run) -> None:
        """Remove a run."""
        self._drop(run)
        self._mark(run)

    def _drop(self, run: Run) -> None:
        self.known.pop(run.id, None)
        if run.task is None:
            # Whoever waits for a run of another server.
            run.log.close()
            run.done.set()
        runs = self._by_thread.get(run.thread_id, [])
        if run in runs:
            runs.remove(run)

    async def drop_thread(self, thread_id: str) -> None:
        """Cancel the runs of a thread, and delete it."""
        runs = list(self.of(thread_id))
        for run in runs:
            run.cancel()
        await self.runtime.records.flush()
        await asyncio.gather(*(run.done.wait() for run in runs))
        for run in runs:
            self.forget(run)
        self._by_thread.pop(thread_id, None)
        self.runtime.threads.delete(thread_id)


def error_of(problem: Exception) -> Json:
    """Return what clients are told of an exception."""
    return {"error": type(problem).__name__, "message": str(problem)}
