"""Assistants: graphs with a configuration, a name and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fractal_agents_runtime.call import Call, Reply, answer, nothing
from fractal_agents_runtime.errors import HttpError, refused
from fractal_agents_runtime.records import changing
from fractal_agents_runtime.values import (
    contains,
    is_uuid,
    now,
    ordered,
    page_headers,
    selected,
    system_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fractal_agents_runtime.graphs import Graph
    from fractal_agents_runtime.handlers import Runtime
    from fractal_agents_runtime.models import AssistantCount, AssistantSearch, RunConfig
    from fractal_agents_runtime.records import Records

Json = dict[str, Any]
START = "__start__"


class Assistants:
    """All assistants with their versions. Each graph has one from the start."""

    def __init__(self, graphs: Iterable[str], records: Records) -> None:
        self._journal = records
        self._graphs = set(graphs)
        self._system = {system_id(graph) for graph in graphs}
        self._versions: dict[str, list[Json]] = {}
        self._current: dict[str, Json] = {}
        for graph in graphs:
            made = _made(system_id(graph), graph, {"metadata": {"created_by": "system"}})
            self._versions[made["assistant_id"]] = [made]
            self._current[made["assistant_id"]] = made

    def dump(self, key: str) -> Json | None:
        """Return an assistant with its versions for the storage."""
        if key not in self._current:
            return None
        current = self._current[key]
        created_at = current["created_at"]
        return {"created_at": created_at, "current": current, "versions": self._versions[key]}

    def load(self, key: str, saved: Json | None) -> None:
        """Load an assistant from the storage, if its graph is still served."""
        if saved is None:
            self._versions.pop(key, None)
            self._current.pop(key, None)
        elif saved["current"]["graph_id"] in self._graphs:
            self._versions[key], self._current[key] = saved["versions"], saved["current"]

    def find(self, name: str) -> Json | None:
        """Return the assistant with this id, or the one that the graph of this name always has."""
        assistant = self._current.get(name.lower() if is_uuid(name) else system_id(name))
        if assistant and not is_uuid(name) and assistant["graph_id"] != name:
            return None
        return assistant

    def get(self, name: str) -> Json:
        """Return an assistant, or answer 404."""
        assistant = self.find(name)
        if assistant is None:
            raise HttpError(404, f"no assistant '{name}'; /info lists the graphs")
        return assistant

    def is_system(self, assistant_id: str) -> bool:
        """Tell whether the assistant is one that a graph always has."""
        return assistant_id in self._system

    def _add(self, made: Json) -> None:
        self._versions.setdefault(made["assistant_id"], []).append(made)
        self._current[made["assistant_id"]] = made
        self._journal.mark("assistant", made["assistant_id"])

    def create(self, made: Json) -> Json:
        """Add an assistant with a new id."""
        self._add(made)
        return made

    def update(self, assistant: Json, changes: Json) -> Json:
        """Add a version with these changes, and make it the present one."""
        version = max(one["version"] for one in self._versions[assistant["assistant_id"]]) + 1
        metadata = {**assistant["metadata"], **changes.pop("metadata", {})}
        made = {**assistant, **changes, "metadata": metadata, "version": version}
        made["updated_at"] = now()
        self._add(made)
        return made

    def versions(self, assistant_id: str) -> list[Json]:
        """Return the versions, the newest first. Their time is that of the version."""
        return [
            {**{k: v for k, v in one.items() if k != "updated_at"}, "created_at": one["updated_at"]}
            for one in reversed(self._versions[assistant_id])
        ]

    def set_latest(self, assistant_id: str, version: int) -> Json:
        """Make this version the present one."""
        for one in self._versions[assistant_id]:
            if one["version"] == version:
                self._current[assistant_id] = {**one, "updated_at": now()}
                self._journal.mark("assistant", assistant_id)
                return self._current[assistant_id]
        raise HttpError(404, f"assistant {assistant_id} has no version {version}")

    def delete(self, assistant_id: str) -> None:
        """Remove the assistant with all its versions."""
        del self._versions[assistant_id], self._current[assistant_id]
        self._journal.mark("assistant", assistant_id)

    def matching(self, wanted: AssistantSearch | AssistantCount) -> list[Json]:
        """Return the assistants that match the search, in the order of their creation."""
        return [
            one
            for one in self._current.values()
            if (wanted.graph_id is None or one["graph_id"] == wanted.graph_id)
            and (wanted.name is None or wanted.name.lower() in one["name"].lower())
            and contains(one["metadata"], wanted.metadata or {})
        ]


def _made(assistant_id: str, graph: str, more: Json) -> Json:
    time = now()
    return {
        "assistant_id": assistant_id,
        "graph_id": graph,
        "config": {},
        "context": {},
        "metadata": {},
        "name": graph,
        "description": None,
        **more,
        "created_at": time,
        "updated_at": time,
        "version": 1,
    }


def mirrored(config: RunConfig | None, context: Json | None) -> tuple[Json, Json]:
    """Return the config and the context, after making `config.configurable` equal the context."""
    settings = config.model_dump(exclude_none=True) if config else {}
    configurable = settings.get("configurable")
    if configurable and context and configurable != context:
        raise refused("differs from config.configurable, which is the same", "body", "context")
    same = context or configurable
    if same is None:
        return settings, {}
    return {**settings, "configurable": same}, same


def _graph(runtime: Runtime, name: str) -> Graph:
    if name not in runtime.graphs:
        known = ", ".join(sorted(runtime.graphs))
        raise HttpError(404, f"no graph '{name}'; there are: {known}")
    return runtime.graphs[name]


def _present(runtime: Runtime, call: Call) -> Json:
    """Return the assistant of the path."""
    name = call.path["assistant_id"]
    if name in runtime.graphs:
        return runtime.assistants.get(name)
    return runtime.assistants.get(call.uuid("assistant_id"))


@changing
async def create(runtime: Runtime, call: Call) -> Json:
    """Create an assistant."""
    body = call.body
    _graph(runtime, body.graph_id)
    assistant_id = (body.assistant_id or str(uuid4())).lower()
    known = runtime.assistants.find(assistant_id)
    if known:
        if body.if_exists == "do_nothing":
            return known
        raise HttpError(409, f"Assistant {assistant_id} already exists")
    config, context = mirrored(body.config, body.context)
    more = {
        "config": config,
        "context": context,
        "metadata": body.metadata or {},
        "name": body.name or "Untitled",
        "description": body.description,
    }
    return runtime.assistants.create(_made(assistant_id, body.graph_id, more))


async def get(runtime: Runtime, call: Call) -> Json:
    """Return an assistant."""
    return _present(runtime, call)


@changing
async def update(runtime: Runtime, call: Call) -> Json:
    """Make a new version of an assistant."""
    body = call.body
    assistant = _present(runtime, call)
    changes: Json = {}
    if body.graph_id is not None:
        _graph(runtime, body.graph_id)
        changes["graph_id"] = body.graph_id
    if body.config is not None or body.context is not None:
        changes["config"], changes["context"] = mirrored(body.config, body.context)
    for name in ("metadata", "name", "description"):
        if getattr(body, name) is not None:
            changes[name] = getattr(body, name)
    return runtime.assistants.update(assistant, changes)


async def delete(runtime: Runtime, call: Call) -> Reply:
    """Delete an assistant."""
    assistant_id = _present(runtime, call)["assistant_id"]
    if runtime.assistants.is_system(assistant_id):
        raise HttpError(409, "an assistant that the server makes for a graph can't be deleted")
    runtime.assistants.delete(assistant_id)
    if call.query.get("delete_threads", False):
        threads = runtime.threads.records.items()
        ids = [
            one for one, thread in threads if thread["metadata"].get("assistant_id") == assistant_id
        ]
        for thread_id in ids:
            await runtime.runs.drop_thread(thread_id)
    return nothing()


async def search(runtime: Runtime, call: Call) -> Reply:
    """Return a page of the assistants that match."""
    body: AssistantSearch = call.body
    found = ordered(
        runtime.assistants.matching(body), body.sort_by or "created_at", body.sort_order or "desc"
    )
    page = found[body.offset : body.offset + body.limit]
    headers = page_headers(len(found), body.limit, body.offset)
    return answer(selected(page, list(body.select) if body.select else None), headers)


async def count(runtime: Runtime, call: Call) -> int:
    """Count the assistants that match."""
    return len(runtime.assistants.matching(call.body))


async def versions(runtime: Runtime, call: Call) -> list[Json]:
    """Return a page of an assistant's versions."""
    body = call.body
    found = [
        one
        for one in runtime.assistants.versions(_present(runtime, call)["assistant_id"])
        if contains(one["metadata"], body.metadata or {})
    ]
    return found[body.offset : body.offset + body.limit]


@changing
async def set_latest(runtime: Runtime, call: Call) -> Json:
    """Choose the version that an assistant has."""
    assistant_id = _present(runtime, call)["assistant_id"]
    return runtime.assistants.set_latest(assistant_id, call.body.version)


async def drawing(runtime: Runtime, call: Call) -> Json:
    """Return the nodes and edges of an assistant's graph."""
    graph: Any = _graph(runtime, _present(runtime, call)["graph_id"])
    if not hasattr(graph, "aget_graph"):
        return {"nodes": [], "edges": []}
    drawn = (await graph.aget_graph(xray=call.query.get("xray", False))).to_json()
    return {
        "nodes": [_node(one["id"]) for one in drawn["nodes"]],
        "edges": [dict(one) for one in drawn["edges"]],
    }


def _node(name: str) -> Json:
    if name == "__end__":
        return {"id": name}
    return {"id": name, "type": "runnable", "data": {"name": name}}


async def schemas(runtime: Runtime, call: Call) -> Json:
    """Return the JSON Schemas of an assistant's graph."""
    name = _present(runtime, call)["graph_id"]
    return _schemas(name, _graph(runtime, name))


def _schemas(name: str, graph: Any) -> Json:
    return {
        "graph_id": name,
        "input_schema": _schema(graph, "get_input_jsonschema"),
        "output_schema": _schema(graph, "get_output_jsonschema"),
        "state_schema": _schema(graph, "get_output_jsonschema"),
        "config_schema": _schema(graph, "get_config_jsonschema"),
        "context_schema": _schema(graph, "get_context_jsonschema"),
    }


def _schema(graph: Any, method: str) -> Json | None:
    # A graph's types may be such that pydantic can't describe them; it raises many exceptions.
    try:
        return dict(getattr(graph, method)())
    except Exception:  # noqa: BLE001
        return None


async def subgraphs(runtime: Runtime, call: Call) -> Json:
    """Return the schemas of the subgraphs of an assistant's graph."""
    name = _present(runtime, call)["graph_id"]
    graph: Any = _graph(runtime, name)
    if not hasattr(graph, "aget_subgraphs"):
        return {}
    found = graph.aget_subgraphs(
        namespace=call.path.get("namespace"), recurse=call.query.get("recurse", False)
    )
    return {namespace: _schemas(namespace, inner) async for namespace, inner in found}
