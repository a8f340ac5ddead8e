"""The table of operations. The server and the OpenAPI document are both based on it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from fractal_agents_runtime import handlers
from fractal_agents_runtime.models import Health, Info, RunOutput, RunRequest


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its method and path, its handler, and the models of request and response."""

    method: Literal["GET", "POST"]
    path: str
    operation: str
    summary: str
    # Takes the shared data and the request's model (None for an operation without a body).
    handler: Callable[[handlers.Runtime, Any], Awaitable[BaseModel | bytes]]
    # None: any JSON object.
    response: type[BaseModel] | None
    request: type[BaseModel] | None = None
    # True if channel adapters use it: the header Channel-Protocol is then checked.
    channel: bool = False
    # The error statuses in addition to those of every operation.
    errors: tuple[int, ...] = ()


ROUTES = (
    Route("GET", "/health", "getHealth", "Check that the server answers", handlers.health, Health),
    Route("GET", "/info", "getInfo", "Describe the running package", handlers.info, Info),
    Route("GET", "/openapi.json", "getOpenapi", "Get this document", handlers.openapi, None),
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
    """Return the value of the Allow header (RFC 9110, 10.2.1) for a path with these operations."""
    methods = {route.method for route in routes}
    head = {"HEAD"} if "GET" in methods else set()
    return ", ".join(sorted(methods | head | {"OPTIONS"}))
