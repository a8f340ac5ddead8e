"""The operations of the system, and the data that all handlers share."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fractal_agents_runtime.assistants import Assistants
from fractal_agents_runtime.call import Call, Reply, answer
from fractal_agents_runtime.graphs import Graph
from fractal_agents_runtime.items import Items
from fractal_agents_runtime.metrics import KIND, Metrics
from fractal_agents_runtime.models import Compat, Flags, Health, Info, Ok
from fractal_agents_runtime.records import Records
from fractal_agents_runtime.runs import Runs
from fractal_agents_runtime.settings import Settings
from fractal_agents_runtime.storage import Memory
from fractal_agents_runtime.streams import OPEN
from fractal_agents_runtime.threads import Threads
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
    threads: Threads
    runs: Runs
    records: Records
    prepared: dict[tuple[str, bool], Any]
    settings: Settings
    metrics: Metrics

    @property
    def storage(self) -> Memory:
        """Where checkpoints, values and records are."""
        return self.records.storage

    def stateful(self, name: str, *, transient: bool = False) -> Any:
        """Return a graph with the checkpoints and the store of this server.

        None if there is no such graph, or if it has only `ainvoke`.
        """
        if (name, transient) in self.prepared:
            return self.prepared[name, transient]
        graph: Any = self.graphs.get(name)
        if not all(hasattr(graph, needed) for needed in ("astream", "aget_state", "checkpointer")):
            return None
        saver = self.records.storage_of(transient).saver
        self.prepared[name, transient] = graph.copy(
            {"checkpointer": saver, "store": self.storage.store}
        )
        return self.prepared[name, transient]


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


async def metrics(runtime: Runtime, _call: Call) -> Reply:
    """Return what the server has counted."""
    active, streams = runtime.runs.active, len(OPEN.feeds)
    text = runtime.metrics.render(active=active, streams=streams)
    return Reply(200, text.encode(), {"Content-Type": KIND})


async def search_crons(_runtime: Runtime, _call: Call) -> Reply:
    """Return no crons: the server does not support them."""
    return answer([], page_headers(0, 1, 0))
