"""The interface of a graph.

langgraph takes seconds to import, so it is imported only when a graph is built. The OpenAPI
document does not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pydantic import BaseModel


class Graph(Protocol):
    """The interface of a graph. Every compiled langgraph graph implements it."""

    async def ainvoke(self, input: Any, config: Any = None) -> Any:  # noqa: A002
        """Run the graph to its end and return the last state."""
        ...


def input_model(graph: Graph) -> type[BaseModel] | None:
    """Return the pydantic model that the graph's author declared for the input, if any.

    Not `get_input_schema`: it creates a model for every TypedDict, which is stricter than langgraph
    itself, and it fails on `typing.TypedDict` before Python 3.12.
    """
    from pydantic import BaseModel  # noqa: PLC0415

    schema = getattr(getattr(graph, "builder", None), "input_schema", None)
    return schema if isinstance(schema, type) and issubclass(schema, BaseModel) else None
