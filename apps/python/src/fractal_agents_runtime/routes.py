"""The table of operations. The server and the OpenAPI document are both based on it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel

from fractal_agents_runtime import (
    assistants,
    commands,
    handlers,
    items,
    models,
    run_requests,
    threads,
)
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
    # True if the response is a stream of events.
    events: bool = False
    # True if the response is text.
    text: bool = False
    # True if 202 is possible too.
    accepted: bool = False


BODY = (400, 413, 422)
ASSISTANT = "/assistants/{assistant_id}"
THREAD = "/threads/{thread_id}"
RUN = f"{THREAD}/runs/{{run_id}}"
ACTION = Query(
    "action",
    "string",
    "Default: `interrupt`; `rollback` also deletes the run and its checkpoints.",
    values=("interrupt", "rollback"),
)
HANG_UP = Query("cancel_on_disconnect", "boolean", "Cancel the run if the client hangs up.")
JOIN_STREAM = (
    HANG_UP,
    Query("stream_mode", "list", "Only events of these modes.", values=get_args(models.StreamMode)),
)
STATE = (
    Query("subgraphs", "boolean", "Also the states of subgraphs."),
    Query("select", "list", "The fields to return, as `next` or `values.messages`."),
)
STATUSES = ("pending", "running", "error", "success", "timeout", "interrupted")
RUN_FIELDS = (
    "run_id",
    "thread_id",
    "assistant_id",
    "created_at",
    "updated_at",
    "status",
    "metadata",
    "kwargs",
    "multitask_strategy",
    "cancel_reason",
)

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
        "GET",
        "/metrics",
        "getMetrics",
        "Get what the server has counted, in Prometheus' text format",
        handlers.metrics,
        None,
        text=True,
    ),
    Route(
        "POST",
        "/runs/wait",
        "waitForRun",
        "Run a graph without a thread and wait for its last state",
        run_requests.wait_stateless,
        models.RunOutput,
        request=models.RunRequest,
        channel=True,
        errors=(400, 404, 413, 422, 408, 429),
    ),
    Route(
        "POST",
        "/runs",
        "createStatelessRun",
        "Start a run without a thread",
        run_requests.create_stateless,
        models.Run,
        request=models.RunRequest,
        errors=(*BODY, 404, 429),
    ),
    Route(
        "POST",
        "/runs/stream",
        "streamStatelessRun",
        "Run a graph without a thread and return its events",
        run_requests.stream_stateless,
        None,
        request=models.RunRequest,
        errors=(*BODY, 404, 429),
        events=True,
    ),
    Route(
        "POST",
        "/runs/batch",
        "createRunBatch",
        "Start several runs",
        run_requests.create_batch,
        models.Runs,
        request=models.RunBatch,
        errors=(*BODY, 404, 409, 429),
    ),
    Route(
        "POST",
        "/runs/cancel",
        "cancelRuns",
        "Cancel runs by id, of a thread, or by status",
        run_requests.cancel_many,
        None,
        request=models.RunsCancel,
        errors=(*BODY, 404),
        status=204,
        query=(ACTION,),
    ),
    Route(
        "GET",
        "/runs/{run_id}/stream",
        "joinStatelessRunStream",
        "Get the events of a run without a thread",
        run_requests.join_stream_stateless,
        None,
        errors=(404, 422),
        events=True,
        query=JOIN_STREAM,
    ),
    Route(
        "POST",
        "/threads",
        "createThread",
        "Create a thread",
        threads.create,
        models.Thread,
        request=models.ThreadCreate,
        errors=(*BODY, 409),
    ),
    Route(
        "POST",
        "/threads/search",
        "searchThreads",
        "Search threads",
        threads.search,
        models.Threads,
        request=models.ThreadSearch,
        errors=BODY,
    ),
    Route(
        "POST",
        "/threads/count",
        "countThreads",
        "Count threads",
        threads.count,
        models.Count,
        request=models.ThreadCount,
        errors=BODY,
    ),
    Route(
        "POST",
        "/threads/prune",
        "pruneThreads",
        "Delete threads, or all but their last checkpoints",
        threads.prune,
        models.Pruned,
        request=models.ThreadPrune,
        errors=BODY,
    ),
    Route(
        "GET",
        THREAD,
        "getThread",
        "Get a thread",
        threads.get,
        models.Thread,
        errors=(404, 422),
        query=(Query("include", "list", "More fields: `ttl`."),),
    ),
    Route(
        "PATCH",
        THREAD,
        "updateThread",
        "Change a thread's metadata",
        threads.update,
        models.Thread,
        request=models.ThreadPatch,
        errors=(*BODY, 404),
    ),
    Route(
        "DELETE",
        THREAD,
        "deleteThread",
        "Delete a thread, and cancel its runs",
        threads.delete,
        None,
        errors=(404, 422),
        status=204,
    ),
    Route(
        "POST",
        f"{THREAD}/copy",
        "copyThread",
        "Copy a thread with its history",
        threads.copy,
        models.Thread,
        errors=(404, 422),
    ),
    Route(
        "GET",
        f"{THREAD}/state",
        "getThreadState",
        "Get the last state of a thread",
        threads.state,
        models.ThreadState,
        errors=(404, 422),
        query=STATE,
    ),
    Route(
        "POST",
        f"{THREAD}/state",
        "updateThreadState",
        "Change the state of a thread, as a node would",
        threads.update_state,
        models.StateUpdated,
        request=models.StateUpdate,
        errors=(*BODY, 404, 409),
    ),
    Route(
        "POST",
        f"{THREAD}/state/checkpoint",
        "getThreadStateAt",
        "Get the state of a thread at a checkpoint",
        threads.state_at,
        models.ThreadState,
        request=models.StateAt,
        errors=(*BODY, 404),
    ),
    Route(
        "GET",
        f"{THREAD}/state/{{checkpoint_id}}",
        "getThreadStateById",
        "Get the state of a thread at a checkpoint, by its id",
        threads.state,
        models.ThreadState,
        errors=(404, 422),
        query=STATE,
    ),
    Route(
        "POST",
        f"{THREAD}/history",
        "getThreadHistory",
        "Get states of a thread, the newest first",
        threads.history,
        models.ThreadStates,
        request=models.HistorySearch,
        errors=(*BODY, 404),
    ),
    Route(
        "GET",
        f"{THREAD}/stream",
        "joinThreadStream",
        "Get the events of all runs of a thread",
        threads.stream,
        None,
        errors=(404, 422),
        events=True,
        query=(
            Query(
                "stream_mode",
                "list",
                "Default: `run_modes`, all events; `lifecycle`: only where runs begin and end.",
                values=("run_modes", "lifecycle"),
            ),
        ),
    ),
    Route(
        "POST",
        f"{THREAD}/stream/events",
        "streamThreadEvents",
        "Get the events of the thread protocol",
        commands.events,
        None,
        request=models.ThreadEvents,
        errors=(*BODY, 404),
        events=True,
    ),
    Route(
        "POST",
        f"{THREAD}/commands",
        "sendCommand",
        "Send a command of the thread protocol",
        commands.command,
        None,
        request=models.ThreadCommand,
        errors=(*BODY, 409, 429),
    ),
    Route(
        "POST",
        f"{THREAD}/runs",
        "createRun",
        "Start a run on a thread",
        run_requests.create,
        models.Run,
        request=models.ThreadRunRequest,
        errors=(*BODY, 404, 409, 429),
    ),
    Route(
        "GET",
        f"{THREAD}/runs",
        "listRuns",
        "List the runs of a thread, the newest first",
        run_requests.list_,
        models.Runs,
        errors=(404, 422),
        query=(
            Query("limit", "integer", "Default: 10.", least=1, most=1000),
            Query("offset", "integer", "Default: 0."),
            Query("status", "string", "Only runs with this status.", values=STATUSES),
            Query("select", "list", "The fields to return; default: all.", values=RUN_FIELDS),
        ),
    ),
    Route(
        "POST",
        f"{THREAD}/runs/wait",
        "waitForThreadRun",
        "Run a graph on a thread and wait for its last state",
        run_requests.wait,
        models.RunOutput,
        request=models.ThreadRunRequest,
        errors=(*BODY, 404, 409, 408, 429),
    ),
    Route(
        "POST",
        f"{THREAD}/runs/stream",
        "streamThreadRun",
        "Run a graph on a thread and return its events",
        run_requests.stream,
        None,
        request=models.ThreadRunRequest,
        errors=(*BODY, 404, 409, 429),
        events=True,
    ),
    Route("GET", RUN, "getRun", "Get a run", run_requests.get, models.Run, errors=(404, 422)),
    Route(
        "DELETE",
        RUN,
        "deleteRun",
        "Delete a run that has ended",
        run_requests.delete,
        None,
        errors=(404, 409, 422),
        status=204,
    ),
    Route(
        "GET",
        f"{RUN}/join",
        "joinRun",
        "Wait for a run's last state",
        run_requests.join,
        models.RunOutput,
        errors=(404, 422),
        query=(HANG_UP,),
    ),
    Route(
        "GET",
        f"{RUN}/stream",
        "joinRunStream",
        "Get the events of a run",
        run_requests.join_stream,
        None,
        errors=(404, 422),
        events=True,
        query=JOIN_STREAM,
    ),
    Route(
        "POST",
        f"{RUN}/cancel",
        "cancelRun",
        "Cancel a run",
        run_requests.cancel,
        models.RunOutput,
        errors=(404, 422),
        accepted=True,
        query=(
            Query("wait", "boolean", "Answer 200 when it has ended; default: 202 at once."),
            ACTION,
            Query("reason", "string", "Why; kept in the run as `cancel_reason`."),
        ),
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
