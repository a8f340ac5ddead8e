"""What langgraph gets for a run: its input, its config and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from fractal_agents_runtime.assistants import mirrored
from fractal_agents_runtime.threads import config_of

if TYPE_CHECKING:
    from fractal_agents_runtime.models import Command
    from fractal_agents_runtime.runs import Run

Json = dict[str, Any]


def settings_of(run: Run) -> tuple[Json, Json]:
    """Return the assistant's and the run's config together, and the context."""
    config, context = mirrored(run.body.config, run.body.context)
    base = run.assistant["config"]
    both = {**base.get("configurable", {}), **config.get("configurable", {})}
    merged = {**base, **config, **({"configurable": both} if both else {})}
    return merged, {**run.assistant["context"], **context}


async def arguments_of(run: Run, graph: Any, *, resumable: bool) -> tuple[Any, Json, Json]:
    """Return langgraph's input, config and options."""
    body = run.body
    settings, context = settings_of(run)
    place = config_of(run.thread_id, body.checkpoint, body.checkpoint_id)["configurable"]
    names = {"run_id": run.id, "thread_id": run.thread_id, **run.record["metadata"]}
    config = {
        **settings,
        "run_id": UUID(run.id),
        "configurable": {**settings.get("configurable", {}), **place},
        "metadata": {**run.assistant["metadata"], **names},
    }
    more = {
        "context": context or None,
        "interrupt_before": body.interrupt_before,
        "interrupt_after": body.interrupt_after,
        "durability": _durability(run, resumable=resumable),
    }
    payload: Any = body.input
    if body.command is not None:
        payload = _command(body.command)
    if run.attempt > 1 and await _has_begun(run, graph):
        # It goes on from the thread's last checkpoint.
        payload = None
        config["configurable"].pop("checkpoint_id", None)
    return payload, config, {k: v for k, v in more.items() if v is not None}


def _durability(run: Run, *, resumable: bool) -> str | None:
    if run.body.durability is not None:
        return run.body.durability
    if run.body.checkpoint_during is not None:
        return "async" if run.body.checkpoint_during else "exit"
    if resumable:
        # A step that has ended is saved before the next one begins.
        return "sync"
    return "exit" if run.temporary else None


async def _has_begun(run: Run, graph: Any) -> bool:
    """Tell whether the thread's last checkpoint is one of this run."""
    snapshot = await graph.aget_state(config_of(run.thread_id))
    return bool(snapshot.metadata and snapshot.metadata.get("run_id") == run.id)


def _command(command: Command) -> Any:
    from langgraph.types import Command as Inner  # noqa: PLC0415
    from langgraph.types import Send  # noqa: PLC0415

    def target(one: Any) -> Any:
        if isinstance(one, dict):
            return Send(one["node"], one.get("input"))
        return one

    goto = command.goto
    targets = [target(one) for one in (goto if isinstance(goto, list) else [goto])]
    update = command.update
    if isinstance(update, list):
        update = [tuple(pair) for pair in update]
    return Inner(
        update=update, resume=command.resume, goto=[one for one in targets if one is not None]
    )
