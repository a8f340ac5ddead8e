"""The table of operations: the server answers by it, and the OpenAPI document is made from it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from fractal_agents_runtime import handlers
from fractal_agents_runtime.models import Health, Info, RunOutput, RunRequest


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: how it is asked for, what goes in and what comes out."""

    method: Literal["GET", "POST"]
    path: str
    operation: str
    summary: str
    # Takes what handlers share and the request's model, or None where there is none.
    handler: Callable[[handlers.Runtime, Any], Awaitable[BaseModel | bytes]]
    # None: a JSON object of no particular form.
    response: type[BaseModel] | None
    request: type[BaseModel] | None = None
    # Channel adapters ask for it: the header Channel-Protocol counts.
    channel: bool = False
    # Statuses besides those that every operation has.
    errors: tuple[int, ...] = ()


ROUTES = (
    Route("GET", "/health", "getHealth", "Whether the server answers", handlers.health, Health),
    Route("GET", "/info", "getInfo", "What is running", handlers.info, Info),
    Route("GET", "/openapi.json", "getOpenapi", "This document", handlers.openapi, None),
    Route(
        "POST",
        "/runs/wait",
        "waitForRun",
        "Run a graph without a thread and wait for its last state",
        handlers.wait_for_run,
        RunOutput,
        request=RunRequest,
        channel=True,
        errors=(400, 404, 413, 422),
    ),
)


def allowed(routes: Iterable[Route]) -> str:
    """Return the Allow header (RFC 9110, 10.2.1) of a path with these operations."""
    methods = {route.method for route in routes}
    head = {"HEAD"} if "GET" in methods else set()
    return ", ".join(sorted(methods | head | {"OPTIONS"}))
