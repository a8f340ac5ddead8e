"""The operations of the system, and the data that all handlers share."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError

from fractal_agents_runtime.assistants import Assistants
from fractal_agents_runtime.call import Call, Reply, answer
from fractal_agents_runtime.errors import HttpError, invalid
from fractal_agents_runtime.graphs import Graph, input_model
from fractal_agents_runtime.items import Items
from fractal_agents_runtime.models import (
    Compat,
    FieldError,
    Flags,
    Health,
    Info,
    Ok,
    RunOutput,
    RunRequest,
)
from fractal_agents_runtime.values import page_headers
from fractal_agents_runtime.version import PACKAGE, __version__, commit


@dataclass(frozen=True, slots=True)
class Runtime:
    """The data that all handlers share."""

    graphs: Mapping[str, Graph]
    spec: bytes
    compat: Compat
    assistants: Assistants
    items: Items


async def health(_runtime: Runtime, _call: Call) -> Health:
    """Report that the server answers."""
    return Health(status="ok")


async def ok(_runtime: Runtime, _call: Call) -> Ok:
    """Report that the server answers."""
    return Ok(ok=True)


async def info(runtime: Runtime, _call: Call) -> Info:
    """Describe the running package."""
    return Info(
        name=PACKAGE,
        version=__version__,
        commit=commit(),
        graphs=sorted(runtime.graphs),
        compat=runtime.compat,
        flags=Flags(assistants=True, crons=False, langsmith=False),
        langgraph_py_version=version("langgraph"),
        langgraph_js_version=None,
    )


async def openapi(runtime: Runtime, _call: Call) -> bytes:
    """Return the OpenAPI document."""
    return runtime.spec


async def search_crons(_runtime: Runtime, _call: Call) -> Reply:
    """Return no crons: the server does not support them."""
    return answer([], page_headers(0, 1, 0))


async def wait_for_run(runtime: Runtime, call: Call) -> RunOutput:
    """Run a graph without a thread and return its last state."""
    body: RunRequest = call.body
    graph = runtime.graphs.get(body.assistant_id)
    if graph is None:
        raise HttpError(404, f"no assistant '{body.assistant_id}'; /info lists the graphs")
    model = input_model(graph)
    try:
        if model:
            model.model_validate(body.input)
    except ValidationError as problem:
        raise invalid(problem, body.input, "body", "input") from problem
    return RunOutput(await _run(graph, body))


async def _run(graph: Graph, body: RunRequest) -> dict[str, Any]:
    config = body.config.model_dump(exclude_none=True) if body.config else {}
    try:
        output = await graph.ainvoke(body.input, {**config, "metadata": body.metadata or {}})
    # The base class of langgraph's GraphRecursionError, whose import would take seconds.
    except RecursionError as problem:
        error = FieldError(
            loc=["body", "config", "recursion_limit"], message=str(problem).partition("\n")[0]
        )
        raise HttpError(422, "the run took too many steps", errors=[error]) from problem
    if not isinstance(output, dict):
        raise TypeError(f"graph {body.assistant_id!r} returned {type(output)} instead of a dict")
    return output
