"""The thread protocol: commands for a thread, and the stream of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fractal_agents_runtime.call import Call, Reply
from fractal_agents_runtime.errors import HttpError, invalid
from fractal_agents_runtime.events import checkpoint_of, encode
from fractal_agents_runtime.models import (
    Answers,
    Command,
    RequestModel,
    RunStart,
    StateGet,
    ThreadCommand,
    ThreadRunRequest,
)
from fractal_agents_runtime.protocol import STOPPING, wanted
from fractal_agents_runtime.run_requests import begun
from fractal_agents_runtime.streams import check_room, nobody
from fractal_agents_runtime.threads import event_stream, graph_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from fractal_agents_runtime.handlers import Runtime

    Params = TypeVar("Params", bound=RequestModel)

Json = dict[str, Any]
# Commands that others have, and this server has not.
MISSING = (
    "agent.getTree",
    "input.inject",
    "state.fork",
    "state.listCheckpoints",
    "subscription.reconnect",
    "subscription.subscribe",
    "subscription.unsubscribe",
)
# Errors of a run that are answered as errors of the command.
REFUSALS = (404, 422)


class Refused(Exception):  # noqa: N818
    """A command that can't be executed, with a code of the protocol."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def events(runtime: Runtime, call: Call) -> Reply:
    """Return the events of a thread that a client wants, until it hangs up."""
    thread = runtime.threads.get(call.uuid("thread_id"))
    check_room()
    log = runtime.runs.followers.log(thread["thread_id"])
    body = call.body
    after = log.begin if body.since is None else body.since
    is_wanted = wanted(body.channels, body.namespaces, body.depth)
    return event_stream(log.read(after, is_wanted, nobody, STOPPING))


async def command(runtime: Runtime, call: Call) -> Reply:
    """Execute a command, and answer its result or its error."""
    sent: ThreadCommand = call.body
    thread_id = call.uuid("thread_id")
    try:
        result = await _executed(runtime, thread_id, sent)
    except Refused as problem:
        return _error(sent.id, problem.code, str(problem))
    except HttpError as problem:
        if problem.status not in REFUSALS:
            raise
        return _error(sent.id, "invalid_argument", _reason(problem))
    return Reply(200, encode({"type": "success", "id": sent.id, **result}))


def _error(number: int, code: str, message: str) -> Reply:
    return Reply(200, encode({"type": "error", "id": number, "error": code, "message": message}))


def _reason(problem: HttpError) -> str:
    if not problem.errors:
        return problem.detail
    return "; ".join(
        f"{'.'.join(str(part) for part in one.loc)}: {one.message}" for one in problem.errors
    )


async def _executed(runtime: Runtime, thread_id: str, sent: ThreadCommand) -> Json:
    if sent.method in MISSING:
        raise Refused("not_supported", f"this server does not support {sent.method}")
    execute = COMMANDS.get(sent.method)
    if execute is None:
        raise Refused("unknown_command", f"no command {sent.method}")
    result = await execute(runtime, thread_id, sent.params or {})
    log = runtime.runs.followers.log(thread_id)
    # A client that reads on from here misses no event of the run that the command has started.
    seq = log.begin if "run_id" in result else log.last
    return {"result": result, "meta": {"thread_id": thread_id, "applied_through_seq": seq}}


def _parsed(model: type[Params], params: Json) -> Params:
    try:
        return model.model_validate(params)
    except ValidationError as problem:
        raise invalid(problem, params, "params") from problem


async def _start(runtime: Runtime, thread_id: str, sent: Json) -> Json:
    """Start a run. An input for an interrupted thread is the answer to its interrupt."""
    params = _parsed(RunStart, sent)
    both = {params.multitask_strategy, params.multitask_again} - {None}
    if len(both) > 1:
        raise Refused("invalid_argument", "params.multitaskStrategy: is not multitask_strategy")
    fields: Json = {"assistant_id": params.assistant_id, "if_not_exists": "create"}
    fields["multitask_strategy"] = next(iter(both), None)
    chosen = (params.config.configurable if params.config else None) or {}
    resumes = _interrupts(runtime, thread_id) and "checkpoint_id" not in chosen
    if params.input is not None and resumes:
        fields["command"] = Command(resume=params.input)
    else:
        fields["input"] = params.input
    return await _run(runtime, thread_id, fields, params)


async def _respond(runtime: Runtime, thread_id: str, sent: Json) -> Json:
    """Answer interrupts, and let the run go on."""
    single = {
        name: sent[name] for name in ("namespace", "interrupt_id", "response") if name in sent
    }
    if single and "responses" not in sent:
        sent = {**{k: v for k, v in sent.items() if k not in single}, "responses": [single]}
    params = _parsed(Answers, sent)
    waiting = _interrupts(runtime, thread_id)
    for one in params.responses:
        if one.interrupt_id not in waiting:
            message = f"the thread does not wait for {one.interrupt_id}"
            raise Refused("no_such_interrupt", message)
    answers = {one.interrupt_id: one.response for one in params.responses}
    thread = runtime.threads.records[thread_id]
    fields = {
        "assistant_id": thread["metadata"]["assistant_id"],
        "command": Command(resume=answers, update=params.update, goto=params.goto),
    }
    return await _run(runtime, thread_id, fields, params)


def _interrupts(runtime: Runtime, thread_id: str) -> list[str]:
    """Return the ids of the interrupts that a thread waits for."""
    thread = runtime.threads.records.get(thread_id)
    if thread is None or thread["status"] != "interrupted":
        return []
    return [one["id"] for found in thread["interrupts"].values() for one in found]


async def _run(runtime: Runtime, thread_id: str, fields: Json, params: Any) -> Json:
    request = {**fields, "config": params.config, "metadata": params.metadata}
    try:
        body = ThreadRunRequest.model_validate({k: v for k, v in request.items() if v is not None})
    except ValidationError as problem:
        raise invalid(problem, request, "params") from problem
    run = await begun(runtime, body, thread_id, protocol=True)
    return {"run_id": run.id}


async def _get_state(runtime: Runtime, thread_id: str, sent: Json) -> Json:
    """Return the values of a thread or of a subgraph, and their checkpoint."""
    params = _parsed(StateGet, sent)
    thread = runtime.threads.get(thread_id)
    graph = graph_of(runtime, thread)
    if graph is None:
        return {"values": {}}
    where = "|".join(params.namespace)
    settings = {"thread_id": thread_id, "checkpoint_ns": where}
    try:
        snapshot = await graph.aget_state({"configurable": settings})
    except ValueError:
        snapshot = None
    if snapshot is None or (where and snapshot.metadata is None):
        raise Refused("no_such_namespace", f"no subgraph {where}")
    place = checkpoint_of(snapshot.config)
    values, keys = snapshot.values, params.keys
    if keys is not None and isinstance(values, dict):
        values = {name: value for name, value in values.items() if name in keys}
    if place is None:
        return {"values": values}
    found = {"id": place["checkpoint_id"], "ns": place["checkpoint_ns"]}
    return {"values": values, "checkpoint": found}


COMMANDS: dict[str, Callable[[Runtime, str, Json], Awaitable[Json]]] = {
    "run.start": _start,
    "input.respond": _respond,
    "state.get": _get_state,
}
