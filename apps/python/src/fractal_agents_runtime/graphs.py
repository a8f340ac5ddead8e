"""The interface of a graph, and the graph `echo`.

langgraph takes seconds to import, so it is imported only when a graph is built. The OpenAPI
document does not need it.
"""

import operator
from typing import Annotated, Any, Literal, Protocol, TypedDict

from pydantic import BaseModel, ConfigDict, Field


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
    schema = getattr(getattr(graph, "builder", None), "input_schema", None)
    return schema if isinstance(schema, type) and issubclass(schema, BaseModel) else None


class Message(BaseModel):
    """A chat message."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant", "system"]
    content: str


class EchoInput(BaseModel):
    """The input of the echo graph."""

    messages: list[Message] = Field(min_length=1)


class EchoState(TypedDict):
    """The state of the echo graph. Messages are appended, never replaced."""

    messages: Annotated[list[dict[str, str]], operator.add]


def _reply(state: EchoInput) -> EchoState:
    return {"messages": [{"role": "assistant", "content": state.messages[-1].content}]}


def echo() -> Graph:
    """Return a graph that repeats the last message, without a model, a clock or randomness."""
    from langgraph.graph import END, START, StateGraph  # noqa: PLC0415

    graph = StateGraph(EchoState, input_schema=EchoInput)
    graph.add_node("reply", _reply)
    graph.add_edge(START, "reply")
    graph.add_edge("reply", END)
    return graph.compile(name="echo")
