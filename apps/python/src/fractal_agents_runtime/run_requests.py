"""The requests to start, read and cancel runs: their checks and their answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import ValidationError

from fractal_agents_runtime.assistants import mirrored
from fractal_agents_runtime.call import Call, Reply, nothing
from fractal_agents_runtime.errors import HttpError, invalid, refused
from fractal_agents_runtime.events import encode
from fractal_agents_runtime.graphs import input_model
from fractal_agents_runtime.models import BatchRun, FieldError, RunRequest
from fractal_agents_runtime.runs import TOO_LONG, Kind, Run
from fractal_agents_runtime.streams import HEARTBEAT, Feed, check_room, nobody, of_modes
from fractal_agents_runtime.threads import config_of, event_stream, last_event
from fractal_agents_runtime.values import selected
from fractal_agents_runtime.webhooks import check_webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from fractal_agents_runtime.handlers import Runtime
    from fractal_agents_runtime.models import Command, RunBatch, RunFields, RunsCancel

Json = dict[str, Any]
NEWLINE = b"\n"
STOPPING = b'{"__error__":{"error":"Stopping","message":"the server is stopping"}}'
# Fields that only compiled langgraph graphs can honour.
STATEFUL = ("command", "checkpoint", "checkpoint_id", "interrupt_before", "interrupt_after")


def _check_command(command: Command, given: Json | None) -> None:
    """Refuse a command that has another form than langgraph's, or that comes with an input."""
    if given is not None:
        raise refused("can't be used together with a command", "body", "input")
    goto = command.goto if isinstance(command.goto, list) else [command.goto]
    for one in goto:
        named = isinstance(one, dict) and isinstance(one.get("node"), str)
        if one is not None and not isinstance(one, str) and not named:
            raise refused("must be a node's name or {node, input}", "body", "command", "goto")
    update = command.update
    pairs = isinstance(update, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)  # noqa: PLR2004
        for pair in update
    )
    if update is not None and not isinstance(update, dict) and not pairs:
        raise refused("must be an object or pairs", "body", "command", "update")


async def begun(
    runtime: Runtime,
    body: RunFields,
    thread_id: str | None,
    *,
    awaited: bool = False,
    protocol: bool = False,
) -> Run:
    """Check a request, and start its run. None: on a thread of its own."""
    if thread_id is None and awaited and body.on_completion != "keep":
        return _started(runtime, body, None, awaited=True, protocol=False)
    async with runtime.records.change():
        return _started(runtime, body, thread_id, awaited=awaited, protocol=protocol)


def _started(
    runtime: Runtime, body: RunFields, thread_id: str | None, *, awaited: bool, protocol: bool
) -> Run:
    runtime.runs.check_room()
    if body.webhook is not None:
        check_webhook(body.webhook, runtime.settings.webhook_hosts)
    assistant = runtime.assistants.get(body.assistant_id)
    graph = runtime.graphs[assistant["graph_id"]]
    _check(runtime, body, thread_id, assistant["graph_id"])
    mirrored(body.config, body.context)
    model = input_model(graph)
    if model and body.input is not None:
        try:
            model.model_validate(body.input)
        except ValidationError as problem:
            raise invalid(problem, body.input, "body", "input") from problem
    temporary = thread_id is None and body.on_completion != "keep"
    transient = temporary and awaited
    if thread_id is None:
        thread = runtime.threads.create(str(uuid4()), {}, transient=transient)
        thread_id = str(thread["thread_id"])
    else:
        runtime.threads.sweep()
        if thread_id not in runtime.threads.records and body.if_not_exists == "create":
            runtime.threads.create(thread_id, {})
        thread = runtime.threads.get(thread_id)
        resumes = body.command is not None and body.command.resume is not None
        if body.strict_resume and resumes and thread["status"] != "interrupted":
            raise refused("nothing is interrupted", "body", "command", "resume")
    run = Run(body, thread_id, assistant, Kind(temporary, transient, protocol))
    return runtime.runs.start(run)


def _check(runtime: Runtime, body: RunFields, thread_id: str | None, graph: str) -> None:
    """Refuse fields that can't be honoured."""
    if body.command is not None:
        _check_command(body.command, body.input)
    if thread_id is None:
        for name in ("checkpoint", "checkpoint_id"):
            if getattr(body, name) is not None:
                raise refused("needs a thread", "body", name)
    elif body.on_completion is not None:
        raise refused("is only for runs without a thread", "body", "on_completion")
    if runtime.stateful(graph) is None:
        for name in STATEFUL:
            if getattr(body, name) is not None:
                raise refused("the graph does not support it", "body", name)
    elif body.checkpoint is not None:
        config_of(thread_id or "", body.checkpoint)


def _places(run: Run, end: str, *, stateless: bool) -> dict[str, str]:
    """Return the headers that tell where a run is."""
    path = f"/runs/{run.id}" if stateless else f"/threads/{run.thread_id}/runs/{run.id}"
    headers = {"Content-Location": path}
    return {"Location": f"{path}/{end}", **headers} if end else headers


async def _waited(run: Run, *, on_hang_up: Callable[[], None]) -> Reply:
    """Answer a run's result, with blank lines while it takes long."""
    headers = _places(run, "join", stateless=False)
    try:
        await asyncio.wait_for(run.done.wait(), HEARTBEAT)
    except TimeoutError:
        check_room()
        feed = Feed(NEWLINE, STOPPING, on_hang_up)
        feed.queue.put(NEWLINE)
        waiting = asyncio.create_task(_forward(run, feed.queue))
        run.waiting.add(waiting)
        waiting.add_done_callback(run.waiting.discard)
        return Reply(200, b"", {"Content-Type": "application/json", **headers}, feed)
    if run.record["status"] == "timeout":
        raise HttpError(408, TOO_LONG)
    return Reply(200, run.result, headers)


async def _forward(run: Run, queue: Any) -> None:
    await run.done.wait()
    queue.put(run.result)
    queue.put(None)


def _on_hang_up(run: Run) -> Callable[[], None]:
    return run.hung_up if run.body.on_disconnect == "cancel" else nobody


async def wait_stateless(runtime: Runtime, call: Call) -> Reply:
    """Run a graph without a thread and return its last state."""
    run = await begun(runtime, call.body, None, awaited=True)
    reply = await _waited(run, on_hang_up=_on_hang_up(run))
    # The base class of langgraph's GraphRecursionError, whose import would take seconds.
    if reply.stream is None and isinstance(run.problem, RecursionError):
        message = str(run.problem).partition("\n")[0]
        error = FieldError(loc=["body", "config", "recursion_limit"], message=message)
        raise HttpError(422, "the run took too many steps", errors=[error])
    return reply


async def wait(runtime: Runtime, call: Call) -> Reply:
    """Run a graph on a thread and return its last state."""
    run = await begun(runtime, call.body, call.uuid("thread_id"), awaited=True)
    return await _waited(run, on_hang_up=_on_hang_up(run))


def _streamed(run: Run, *, stateless: bool) -> Reply:
    feed = run.log.read(-1, of_modes(None), _on_hang_up(run))
    return event_stream(feed, _places(run, "stream", stateless=stateless))


async def stream_stateless(runtime: Runtime, call: Call) -> Reply:
    """Run a graph without a thread and return its events."""
    check_room()
    return _streamed(await begun(runtime, call.body, None, awaited=True), stateless=True)


async def stream(runtime: Runtime, call: Call) -> Reply:
    """Run a graph on a thread and return its events."""
    check_room()
    run = await begun(runtime, call.body, call.uuid("thread_id"), awaited=True)
    return _streamed(run, stateless=False)


async def create_stateless(runtime: Runtime, call: Call) -> Reply:
    """Start a run without a thread."""
    run = await begun(runtime, call.body, None)
    return Reply(200, encode(run.record), _places(run, "", stateless=True))


async def create(runtime: Runtime, call: Call) -> Reply:
    """Start a run on a thread."""
    run = await begun(runtime, call.body, call.uuid("thread_id"))
    return Reply(200, encode(run.record), _places(run, "", stateless=False))


async def create_batch(runtime: Runtime, call: Call) -> Reply:
    """Start several runs."""
    body: RunBatch = call.body
    runtime.runs.check_room(len(body.root))
    made = [await begun(runtime, _alone(one), one.thread_id) for one in body.root]
    return Reply(200, encode([run.record for run in made]))


def _alone(one: BatchRun) -> RunRequest:
    fields = {name: getattr(one, name) for name in one.model_fields_set}
    return RunRequest(**{k: v for k, v in fields.items() if k in RunRequest.model_fields})


def _run(runtime: Runtime, call: Call) -> Run:
    thread_id, run_id = call.uuid("thread_id"), call.uuid("run_id")
    return runtime.runs.get(thread_id, run_id)


async def list_(runtime: Runtime, call: Call) -> Reply:
    """Return a page of a thread's runs, the newest first."""
    thread = runtime.threads.get(call.uuid("thread_id"))
    status = call.query.get("status")
    found = [
        run.record
        for run in reversed(runtime.runs.of(thread["thread_id"]))
        if status is None or run.record["status"] == status
    ]
    offset, limit = call.query.get("offset", 0), call.query.get("limit", 10)
    return Reply(200, encode(selected(found[offset : offset + limit], call.query.get("select"))))


async def get(runtime: Runtime, call: Call) -> Reply:
    """Return a run."""
    return Reply(200, encode(_run(runtime, call).record))


async def delete(runtime: Runtime, call: Call) -> Reply:
    """Delete a run that has ended."""
    run = _run(runtime, call)
    if run.active:
        raise HttpError(409, "the run is active: cancel it first")
    runtime.runs.forget(run)
    return nothing()


async def join(runtime: Runtime, call: Call) -> Reply:
    """Wait for a run, and return its last state."""
    run = _run(runtime, call)
    cancel = call.query.get("cancel_on_disconnect", False)
    return await _waited(run, on_hang_up=run.hung_up if cancel else nobody)


def _joined(run: Run, call: Call, *, stateless: bool) -> Reply:
    check_room()
    cancel = call.query.get("cancel_on_disconnect", False)
    modes = call.query.get("stream_mode")
    feed = run.log.read(last_event(call), of_modes(modes), run.hung_up if cancel else nobody)
    return event_stream(feed, _places(run, "stream", stateless=stateless))


async def join_stream(runtime: Runtime, call: Call) -> Reply:
    """Return the events of a run from now on, or after the header Last-Event-ID."""
    return _joined(_run(runtime, call), call, stateless=False)


async def join_stream_stateless(runtime: Runtime, call: Call) -> Reply:
    """Return the events of a run without a thread."""
    run = runtime.runs.known.get(call.uuid("run_id"))
    if run is None:
        raise HttpError(404, f"Run with ID {call.path['run_id']} not found")
    return _joined(run, call, stateless=True)


async def cancel(runtime: Runtime, call: Call) -> Reply:
    """Cancel a run. `wait` answers when it has ended."""
    run = _run(runtime, call)
    if not run.active:
        raise HttpError(404, "the run has ended already")
    rollback = call.query.get("action") == "rollback"
    run.cancel(rollback=rollback, reason=call.query.get("reason"))
    await runtime.records.flush()
    if call.query.get("wait", False):
        return await _waited(run, on_hang_up=nobody)
    return nothing(202)


async def cancel_many(runtime: Runtime, call: Call) -> Reply:
    """Cancel runs by id, of a thread, or by status."""
    body: RunsCancel = call.body
    if body.thread_id is None and body.run_ids is None and body.status is None:
        raise refused("needs thread_id, run_ids or status", "body")
    ids = None if body.run_ids is None else {one.lower() for one in body.run_ids}
    found = [
        run
        for run in runtime.runs.known.values()
        if run.active
        and (body.thread_id is None or run.thread_id == body.thread_id.lower())
        and (ids is None or run.id in ids)
        and (body.status in (None, "all") or run.record["status"] == body.status)
    ]
    if not found:
        raise HttpError(404, "no active run matches")
    for run in found:
        run.cancel(rollback=call.query.get("action") == "rollback")
    return nothing()
