"""The table of operations. The server and the OpenAPI document are both based on it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel

from fractal_agents_runtime import assistants, handlers, items, models
from fractal_agents_runtime.call import Call, Query

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its method and path, its handler, and the models of request and response."""

    method: Method
    # With names in braces for the parts that vary.
    path: str
    operation: str
    summary: str
    handler: Callable[[handlers.Runtime, Call], Awaitable[Any]]
    # None: any JSON object, or nothing if the status is 204.
    response: type[BaseModel] | None
    request: type[BaseModel] | None = None
    # True if channel adapters use it: the header Channel-Protocol is then checked.
    channel: bool = False
    # The error statuses in addition to those of every operation.
    errors: tuple[int, ...] = ()
    status: int = 200
    query: tuple[Query, ...] = ()


BODY = (400, 413, 422)
ASSISTANT = "/assistants/{assistant_id}"

ROUTES = (
    Route(
        "GET",
        "/health",
        "getHealth",
        "Check that the server answers",
        handlers.health,
        models.Health,
    ),
    Route("GET", "/ok", "getOk", "Check that the server answers", handlers.ok, models.Ok),
    Route("GET", "/info", "getInfo", "Describe the running package", handlers.info, models.Info),
    Route("GET", "/openapi.json", "getOpenapi", "Get this document", handlers.openapi, None),
    Route(
        "POST",
        "/runs/wait",
        "waitForRun",
        "Run a graph without a thread and wait for its last state",
        handlers.wait_for_run,
        models.RunOutput,
        request=models.RunRequest,
        channel=True,
        errors=(400, 404, 413, 422),
    ),
    Route(
        "POST",
        "/assistants",
        "createAssistant",
        "Create an assistant",
        assistants.create,
        models.Assistant,
        request=models.AssistantCreate,
        errors=(*BODY, 404, 409),
    ),
    Route(
        "POST",
        "/assistants/search",
        "searchAssistants",
        "Search assistants",
        assistants.search,
        models.Assistants,
        request=models.AssistantSearch,
        errors=BODY,
    ),
    Route(
        "POST",
        "/assistants/count",
        "countAssistants",
        "Count assistants",
        assistants.count,
        models.Count,
        request=models.AssistantCount,
        errors=BODY,
    ),
    Route(
        "GET",
        ASSISTANT,
        "getAssistant",
        "Get an assistant by its id, or by the name of its graph",
        assistants.get,
        models.Assistant,
        errors=(404, 422),
    ),
    Route(
        "PATCH",
        ASSISTANT,
        "updateAssistant",
        "Make a new version of an assistant",
        assistants.update,
        models.Assistant,
        request=models.AssistantPatch,
        errors=(*BODY, 404),
    ),
    Route(
        "DELETE",
        ASSISTANT,
        "deleteAssistant",
        "Delete an assistant",
        assistants.delete,
        None,
        errors=(404, 409, 422),
        status=204,
        query=(Query("delete_threads", "boolean", "Also delete the threads of its runs."),),
    ),
    Route(
        "POST",
        f"{ASSISTANT}/versions",
        "listAssistantVersions",
        "List the versions of an assistant",
        assistants.versions,
        models.AssistantVersionList,
        request=models.AssistantVersions,
        errors=(*BODY, 404),
    ),
    Route(
        "POST",
        f"{ASSISTANT}/latest",
        "setLatestAssistantVersion",
        "Choose the version that an assistant has",
        assistants.set_latest,
        models.Assistant,
        request=models.AssistantLatest,
        errors=(*BODY, 404),
    ),
    Route(
        "GET",
        f"{ASSISTANT}/graph",
        "getAssistantGraph",
        "Get the nodes and edges of an assistant's graph",
        assistants.drawing,
        models.Drawing,
        errors=(404, 422),
        query=(Query("xray", "depth", "How deep to show subgraphs: false, true or a number."),),
    ),
    Route(
        "GET",
        f"{ASSISTANT}/schemas",
        "getAssistantSchemas",
        "Get the JSON Schemas of an assistant's graph",
        assistants.schemas,
        models.Schemas,
        errors=(404, 422),
    ),
    Route(
        "GET",
        f"{ASSISTANT}/subgraphs",
        "getAssistantSubgraphs",
        "Get the schemas of the subgraphs of an assistant's graph",
        assistants.subgraphs,
        models.Subgraphs,
        errors=(404, 422),
        query=(Query("recurse", "boolean", "Also those of subgraphs."),),
    ),
    Route(
        "GET",
        f"{ASSISTANT}/subgraphs/{{namespace}}",
        "getAssistantSubgraph",
        "Get the schemas of one subgraph of an assistant's graph",
        assistants.subgraphs,
        models.Subgraphs,
        errors=(404, 422),
        query=(Query("recurse", "boolean", "Also those of subgraphs."),),
    ),
    Route(
        "PUT",
        "/store/items",
        "putItem",
        "Store a value",
        items.put,
        None,
        request=models.ItemPut,
        errors=BODY,
        status=204,
    ),
    Route(
        "GET",
        "/store/items",
        "getItem",
        "Get a value",
        items.get,
        models.MaybeItem,
        errors=(422,),
        query=(
            Query("namespace", "string", "The labels, joined by dots.", required=True),
            Query("key", "string", "The key.", required=True),
            Query("refresh_ttl", "boolean", "Count as a use; default: true."),
        ),
    ),
    Route(
        "DELETE",
        "/store/items",
        "deleteItem",
        "Delete a value",
        items.delete,
        None,
        request=models.ItemDelete,
        errors=BODY,
        status=204,
    ),
    Route(
        "POST",
        "/store/items/search",
        "searchItems",
        "Search values",
        items.search,
        models.FoundItems,
        request=models.ItemSearch,
        errors=BODY,
    ),
    Route(
        "POST",
        "/store/namespaces",
        "listNamespaces",
        "List namespaces",
        items.namespaces,
        models.Namespaces,
        request=models.NamespaceSearch,
        errors=BODY,
    ),
    Route(
        "POST",
        "/runs/crons/search",
        "searchCrons",
        "Search crons: there are none",
        handlers.search_crons,
        models.Crons,
        request=models.CronSearch,
        errors=BODY,
    ),
)


@cache
def _templates() -> dict[str, list[Route]]:
    found: dict[str, list[Route]] = {}
    for route in ROUTES:
        found.setdefault(route.path, []).append(route)
    return found


def matching(path: str) -> tuple[list[Route], dict[str, str]]:
    """Return the operations of a path, and the parts of the path that vary, decoded.

    A path without names in braces goes before one with them.
    """
    templates = _templates()
    if "{" not in path and path in templates:
        return templates[path], {}
    parts = path.split("/")
    for template, routes in templates.items():
        wanted = template.split("/")
        if "{" in template and len(wanted) == len(parts):
            pairs = [(want, part) for want, part in zip(wanted, parts, strict=True) if want != part]
            if all(want.startswith("{") and part for want, part in pairs):
                return _decoded(routes, pairs)
    return [], {}


def _decoded(
    routes: list[Route], pairs: list[tuple[str, str]]
) -> tuple[list[Route], dict[str, str]]:
    try:
        return routes, {want[1:-1]: unquote_to_bytes(part).decode() for want, part in pairs}
    except UnicodeDecodeError:
        return [], {}


def allowed(routes: Iterable[Route]) -> str:
    """Return the value of the Allow header (RFC 9110, 10.2.1) for a path with these operations."""
    methods: set[str] = {route.method for route in routes}
    head = {"HEAD"} if "GET" in methods else set()
    return ", ".join(sorted(methods | head | {"OPTIONS"}))
