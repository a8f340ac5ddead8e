"""Threads: a graph's state that runs share, its history and its changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic_core import from_json

from fractal_agents_runtime.call import Call, Reply, answer, nothing
from fractal_agents_runtime.errors import HttpError, refused
from fractal_agents_runtime.events import checkpoint_of, encode, interrupts
from fractal_agents_runtime.protocol import ThreadLog
from fractal_agents_runtime.records import changing
from fractal_agents_runtime.streams import Log, check_room, of_modes, sse
from fractal_agents_runtime.values import contains, now, ordered, page_headers, selected

if TYPE_CHECKING:
    from fractal_agents_runtime.handlers import Runtime
    from fractal_agents_runtime.models import (
        Checkpoint,
        HistorySearch,
        StateUpdate,
        ThreadCount,
        ThreadCreate,
        ThreadSearch,
        Ttl,
    )
    from fractal_agents_runtime.records import Records

Json = dict[str, Any]
MINUTE = 60.0
# How many events of its runs a thread remembers.
REMEMBERED = 1000
EMPTY: Json = {
    "values": {},
    "next": [],
    "tasks": [],
    "metadata": None,
    "created_at": None,
    "checkpoint": None,
    "parent_checkpoint": None,
    "interrupts": [],
    "checkpoint_id": None,
    "parent_checkpoint_id": None,
}


class Threads:
    """All threads. Their checkpoints are in langgraph's own store of checkpoints."""

    def __init__(self, records: Records) -> None:
        self.records: dict[str, Json] = {}
        self._logs: dict[str, Log[str]] = {}
        self._events: dict[str, ThreadLog] = {}
        # When a thread ends, and the minutes after which it does.
        self._ends: dict[str, tuple[float, float]] = {}
        self._journal = records
        # Threads of runs whose clients wait for them; they end with this process.
        self._transient: set[str] = set()

    def dump(self, key: str) -> Json | None:
        """Return a thread for the storage."""
        thread = self.records.get(key)
        return None if thread is None else {**thread, "ends": self._ends.get(key)}

    def load(self, key: str, saved: Json | None) -> None:
        """Load a thread from the storage."""
        if saved is None:
            self._remove(key)
            return
        ends = saved.pop("ends")
        if ends:
            self._ends[key] = (ends[0], ends[1])
        else:
            self._ends.pop(key, None)
        # Handlers may have the old record.
        record = self.records.setdefault(key, {})
        record.clear()
        record.update(saved)

    def mark(self, thread_id: str) -> None:
        """Have a thread written to the storage."""
        if thread_id not in self._transient:
            self._journal.mark("thread", thread_id)

    def sweep(self) -> None:
        """Delete the threads that have ended."""
        time_now = time.time()
        for thread_id in [one for one, (end, _) in self._ends.items() if end <= time_now]:
            self.delete(thread_id)

    def keep(self, thread_id: str, minutes: float) -> None:
        """Let a thread expire after these minutes."""
        self._ends[thread_id] = (time.time() + minutes * MINUTE, minutes)
        self.mark(thread_id)

    def ttl(self, thread_id: str) -> Json | None:
        """Return the time to live of a thread."""
        if thread_id not in self._ends:
            return None
        return {"strategy": "delete", "ttl_minutes": self._ends[thread_id][1]}

    def create(self, thread_id: str, metadata: Json, *, transient: bool = False) -> Json:
        """Add a thread."""
        time_now = now()
        self.records[thread_id] = {
            "thread_id": thread_id,
            "created_at": time_now,
            "updated_at": time_now,
            "state_updated_at": time_now,
            "metadata": metadata,
            "status": "idle",
            "config": {},
            "values": None,
            "interrupts": {},
            "error": None,
        }
        if transient:
            self._transient.add(thread_id)
        self.mark(thread_id)
        return self.records[thread_id]

    def get(self, thread_id: str) -> Json:
        """Return a thread, or answer 404."""
        self.sweep()
        if thread_id not in self.records:
            raise HttpError(404, f"Thread with ID {thread_id} not found")
        return self.records[thread_id]

    def changed(self, thread: Json, **changes: Any) -> None:
        """Change a thread, whose time begins again."""
        thread.update(changes, updated_at=now())
        self.mark(thread["thread_id"])
        if thread["thread_id"] in self._ends:
            self.keep(thread["thread_id"], self._ends[thread["thread_id"]][1])

    def log(self, thread_id: str) -> Log[str]:
        """Return the events of a thread's runs."""
        return self._logs.setdefault(thread_id, Log(sse, REMEMBERED))

    def tell(self, thread_id: str, event: str, data: bytes) -> None:
        """Add an event to the thread's log, if somebody has asked for its events."""
        if thread_id in self._logs:
            self._logs[thread_id].add(event, data)

    def follow(self, thread_id: str) -> ThreadLog:
        """Return a thread's events of the thread protocol, which are kept from now on."""
        return self._events.setdefault(thread_id, ThreadLog())

    def followed(self, thread_id: str) -> ThreadLog | None:
        """Return a thread's events of the thread protocol, if somebody has asked for them."""
        return self._events.get(thread_id)

    def delete(self, thread_id: str) -> None:
        """Remove a thread with its checkpoints."""
        self.mark(thread_id)
        self._remove(thread_id)
        self._journal.storage_of(thread_id in self._transient).forget(thread_id)
        self._transient.discard(thread_id)

    def _remove(self, thread_id: str) -> None:
        self.records.pop(thread_id, None)
        self._ends.pop(thread_id, None)
        for log in (self._logs.pop(thread_id, None), self._events.pop(thread_id, None)):
            if log:
                log.close()

    def matching(self, wanted: ThreadSearch | ThreadCount) -> list[Json]:
        """Return the threads that match the search, in the order of their creation."""
        self.sweep()
        ids = getattr(wanted, "ids", None)
        known = None if ids is None else {one.lower() for one in ids}
        return [
            one
            for one in self.records.values()
            if (known is None or one["thread_id"] in known)
            and (wanted.status is None or one["status"] == wanted.status)
            and contains(one["metadata"], wanted.metadata or {})
            and contains(one["values"] or {}, wanted.values or {})
        ]

    async def refresh(self, graph: Any, thread: Json, error: Json | None = None) -> Json:
        """Read the values and the status of a thread from its last checkpoint."""
        snapshot = await graph.aget_state(config_of(thread["thread_id"]))
        status = "interrupted" if snapshot.next else "idle"
        waiting = {one.id: interrupts(one.interrupts) for one in snapshot.tasks if one.interrupts}
        self.changed(
            thread,
            status="error" if error else status,
            values=from_json(encode(snapshot.values)),
            interrupts=waiting,
            error=error,
            state_updated_at=now(),
        )
        return thread


def config_of(
    thread_id: str, at: Checkpoint | None = None, checkpoint_id: str | None = None
) -> Json:
    """Return langgraph's config for a place in a thread's history."""
    settings: Json = {"thread_id": thread_id, "checkpoint_ns": ""}
    if at is not None:
        if at.thread_id is not None and at.thread_id.lower() != thread_id:
            raise refused("is not the thread of the path", "body", "checkpoint", "thread_id")
        more = at.model_dump(exclude_none=True)
        settings |= {k: v for k, v in more.items() if k != "thread_id"}
    if checkpoint_id is not None:
        settings["checkpoint_id"] = checkpoint_id
    return {"configurable": settings}


def state_of(snapshot: Any) -> Json:
    """Return a state in the form of the API."""
    here, parent = checkpoint_of(snapshot.config), checkpoint_of(snapshot.parent_config)
    if here is None or snapshot.metadata is None:
        return EMPTY
    return {
        "values": snapshot.values,
        "next": list(snapshot.next),
        "tasks": [_task(one) for one in snapshot.tasks],
        "metadata": {k: v for k, v in snapshot.metadata.items() if not k.startswith("__")},
        "created_at": snapshot.created_at,
        "checkpoint": here,
        "parent_checkpoint": parent,
        "interrupts": interrupts(snapshot.interrupts),
        "checkpoint_id": here["checkpoint_id"],
        "parent_checkpoint_id": parent["checkpoint_id"] if parent else None,
    }


def _task(task: Any) -> Json:
    inner = task.state
    nested = isinstance(inner, dict)
    return {
        "id": task.id,
        "name": task.name,
        "path": list(task.path),
        "error": None if task.error is None else repr(task.error),
        "interrupts": interrupts(task.interrupts),
        "checkpoint": inner.get("configurable") if nested else None,
        "state": None if nested or inner is None else state_of(inner),
        "result": task.result,
    }


def _chosen(state: Json, fields: list[str] | None) -> Json:
    """Return a state with only these fields. `values.name` is one value."""
    if not fields:
        return state
    chosen: Json = {}
    for name in fields:
        field, _, key = name.partition(".")
        if field not in state:
            raise refused("no such field of a state", "select", detail=f"no field '{name}'")
        if key and field == "values":
            if key in state["values"]:
                chosen.setdefault("values", {})[key] = state["values"][key]
        else:
            chosen[field] = state[field]
    return chosen


def _thread(runtime: Runtime, call: Call) -> Json:
    return runtime.threads.get(call.uuid("thread_id"))


def graph_of(runtime: Runtime, thread: Json) -> Any:
    """Return the graph whose state the thread has, or None."""
    name = thread["metadata"].get("graph_id")
    return runtime.stateful(name) if isinstance(name, str) else None


def _graph_needed(runtime: Runtime, thread: Json) -> Any:
    graph = graph_of(runtime, thread)
    if graph is None:
        detail = "the thread has no graph yet: start a run, or set its metadata's graph_id"
        raise refused("has no graph yet", "path", "thread_id", detail=detail)
    return graph


@changing
async def create(runtime: Runtime, call: Call) -> Json:
    """Create a thread."""
    body: ThreadCreate = call.body
    runtime.threads.sweep()
    thread_id = (body.thread_id or str(uuid4())).lower()
    known = runtime.threads.records.get(thread_id)
    if known:
        if body.if_exists == "do_nothing":
            return known
        raise HttpError(409, f"Thread with ID {thread_id} already exists")
    metadata = body.metadata or {}
    graph = runtime.stateful(str(metadata.get("graph_id"))) if body.supersteps else None
    if body.supersteps and graph is None:
        raise refused("supersteps need the name of a graph", "body", "metadata", "graph_id")
    thread = runtime.threads.create(thread_id, metadata)
    _limit(runtime, thread_id, body.ttl)
    if body.supersteps and graph is not None:
        from langgraph.types import StateUpdate as Update  # noqa: PLC0415

        steps = [
            [Update(one.values, one.as_node) for one in step.updates] for step in body.supersteps
        ]
        try:
            await graph.abulk_update_state(config_of(thread_id), steps)
        except Exception as problem:
            runtime.threads.delete(thread_id)
            raise _not_applied(problem) from problem
        await runtime.threads.refresh(graph, thread)
    return thread


def _limit(runtime: Runtime, thread_id: str, ttl: Ttl | None) -> None:
    if ttl is not None:
        runtime.threads.keep(thread_id, ttl.ttl)


def _not_applied(problem: Exception) -> HttpError:
    """Return a 422 for a change that langgraph does not accept."""
    message = str(problem).partition("\n")[0] or type(problem).__name__
    return refused(message, "body", "values", detail=f"the change can't be made: {message}")


async def get(runtime: Runtime, call: Call) -> Json:
    """Return a thread."""
    thread = _thread(runtime, call)
    if "ttl" in ",".join(call.query.get("include", [])).split(","):
        return {**thread, "ttl": runtime.threads.ttl(thread["thread_id"])}
    return thread


@changing
async def update(runtime: Runtime, call: Call) -> Json | Reply:
    """Change a thread's metadata."""
    thread = _thread(runtime, call)
    metadata = {**thread["metadata"], **(call.body.metadata or {})}
    runtime.threads.changed(thread, metadata=metadata)
    _limit(runtime, thread["thread_id"], call.body.ttl)
    return nothing() if "return=minimal" in call.headers.get("prefer", "") else thread


async def delete(runtime: Runtime, call: Call) -> Reply:
    """Delete a thread, and cancel its runs."""
    thread_id = _thread(runtime, call)["thread_id"]
    await runtime.runs.drop_thread(thread_id)
    return nothing()


async def search(runtime: Runtime, call: Call) -> Reply:
    """Return a page of the threads that match."""
    body: ThreadSearch = call.body
    found = ordered(
        runtime.threads.matching(body), body.sort_by or "created_at", body.sort_order or "desc"
    )
    page = found[body.offset : body.offset + body.limit]
    headers = page_headers(len(found), body.limit, body.offset)
    return answer(selected(page, list(body.select) if body.select else None), headers)


async def count(runtime: Runtime, call: Call) -> int:
    """Count the threads that match."""
    return len(runtime.threads.matching(call.body))


@changing
async def copy(runtime: Runtime, call: Call) -> Json:
    """Copy a thread with its history."""
    thread = _thread(runtime, call)
    made = runtime.threads.create(str(uuid4()), dict(thread["metadata"]))
    fields = ("config", "values", "interrupts", "error")
    made.update({name: thread[name] for name in fields})
    made["status"] = "idle" if thread["status"] == "busy" else thread["status"]
    await runtime.storage.copy(thread["thread_id"], made["thread_id"])
    return made


async def prune(runtime: Runtime, call: Call) -> Json:
    """Delete threads, or all but their last checkpoints. Unknown threads are left out."""
    runtime.threads.sweep()
    known = [one.lower() for one in call.body.thread_ids]
    known = [one for one in dict.fromkeys(known) if one in runtime.threads.records]
    for thread_id in known:
        if call.body.strategy == "keep_latest":
            await runtime.storage.cut(thread_id)
        else:
            await runtime.runs.drop_thread(thread_id)
    return {"pruned_count": len(known)}


async def _state(runtime: Runtime, thread: Json, config: Json, *, subgraphs: bool) -> Json:
    graph = graph_of(runtime, thread)
    if graph is None:
        return EMPTY
    snapshot = await graph.aget_state(config, subgraphs=subgraphs)
    state = state_of(snapshot)
    if state is EMPTY and "checkpoint_id" in config["configurable"]:
        raise HttpError(404, f"no checkpoint {config['configurable']['checkpoint_id']}")
    return state


def _reply(value: Any) -> Reply:
    return Reply(200, encode(value))


async def state(runtime: Runtime, call: Call) -> Reply:
    """Return the last state of a thread, or the one at a checkpoint."""
    thread = _thread(runtime, call)
    config = config_of(thread["thread_id"], checkpoint_id=call.path.get("checkpoint_id"))
    subgraphs = call.query.get("subgraphs", False)
    found = await _state(runtime, thread, config, subgraphs=subgraphs)
    return _reply(_chosen(found, call.query.get("select")))


async def state_at(runtime: Runtime, call: Call) -> Reply:
    """Return the state of a thread at a checkpoint."""
    body = call.body
    thread = _thread(runtime, call)
    config = config_of(thread["thread_id"], body.checkpoint)
    found = await _state(runtime, thread, config, subgraphs=bool(body.subgraphs))
    return _reply(_chosen(found, body.select))


@changing
async def update_state(runtime: Runtime, call: Call) -> Reply:
    """Change the state of a thread, as a node would."""
    body: StateUpdate = call.body
    thread = _thread(runtime, call)
    graph = _graph_needed(runtime, thread)
    if thread["status"] == "busy":
        raise HttpError(409, f"Thread {thread['thread_id']} is busy: wait for its runs")
    config = config_of(thread["thread_id"], body.checkpoint, body.checkpoint_id)
    try:
        made = await graph.aupdate_state(config, body.values, as_node=body.as_node)
    except Exception as problem:
        raise _not_applied(problem) from problem
    await runtime.threads.refresh(graph, thread)
    settings = checkpoint_of(made)
    checkpoint_id = settings["checkpoint_id"] if settings else None
    told = {"checkpoint": settings, "configurable": settings, "checkpoint_id": checkpoint_id}
    return _reply(told)


async def history(runtime: Runtime, call: Call) -> Reply:
    """Return states of a thread, the newest first."""
    body: HistorySearch = call.body
    thread = _thread(runtime, call)
    graph = graph_of(runtime, thread)
    if graph is None:
        return _reply([])
    config = config_of(thread["thread_id"], body.checkpoint)
    config["configurable"].pop("checkpoint_id", None)
    # langgraph's own filter compares whole values only, and `limit` counts before it.
    found = []
    async for one in graph.aget_state_history(config, before=_before(thread, body.before)):
        state_then = state_of(one)
        if contains(state_then["metadata"], body.metadata or {}):
            found.append(_chosen(state_then, body.select))
        if len(found) == body.limit:
            break
    return _reply(found)


def _before(thread: Json, before: str | Json | None) -> Json | None:
    if before is None:
        return None
    settings: Any = {"checkpoint_id": before} if isinstance(before, str) else before
    settings = settings.get("configurable", settings)
    if not isinstance(settings, dict) or not isinstance(settings.get("checkpoint_id"), str):
        raise refused("has no checkpoint_id", "body", "before")
    return {"configurable": {**settings, "thread_id": thread["thread_id"]}}


async def stream(runtime: Runtime, call: Call) -> Reply:
    """Return the events of all runs of a thread, until the client hangs up."""
    thread = _thread(runtime, call)
    check_room()
    modes = call.query.get("stream_mode") or ["run_modes"]
    wanted = None if "run_modes" in modes else ["metadata", "run_done"]
    log = runtime.threads.log(thread["thread_id"])
    return event_stream(log.read(last_event(call), of_modes(wanted)))


def last_event(call: Call) -> int | None:
    """Return the number in the header Last-Event-ID. -1 is before all."""
    text = call.headers.get("last-event-id")
    if text is None:
        return None
    if not text.removeprefix("-").isdigit() or not text.isascii():
        raise refused("must be the id of an event, or -1", "header", "Last-Event-ID")
    return int(text)


def event_stream(feed: Any, headers: dict[str, str] | None = None) -> Reply:
    """Return a response with events. Robyn adds the headers that forbid buffers and caches."""
    kind = {"Content-Type": "text/event-stream; charset=utf-8"}
    return Reply(200, b"", {**kind, **(headers or {})}, feed)
