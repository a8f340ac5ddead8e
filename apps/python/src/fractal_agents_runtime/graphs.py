"""The graphs: what the server asks of one, and the one that comes with it.

langgraph takes seconds to import, so it is imported where a graph is built and not before: the
OpenAPI document needs none.
"""

import operator
from typing import Annotated, Any, Literal, Protocol, TypedDict

from pydantic import BaseModel, ConfigDict, Field


class Graph(Protocol):
    """What the server asks of a graph; every compiled langgraph graph is one."""

    async def ainvoke(self, input: Any, config: Any = None) -> Any:  # noqa: A002
        """Run it to the end and return the last state."""
        ...


def input_model(graph: Graph) -> type[BaseModel] | None:
    """Return the pydantic model that the graph's author declared for its input, if there is one.

    Not `get_input_schema`: that makes a model of every TypedDict, stricter than langgraph is, and
    fails on `typing.TypedDict` before Python 3.12.
    """
    schema = getattr(getattr(graph, "builder", None), "input_schema", None)
    return schema if isinstance(schema, type) and issubclass(schema, BaseModel) else None


class Message(BaseModel):
    """A chat message."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant", "system"]
    content: str


class EchoInput(BaseModel):
    """What the echo graph takes."""

    messages: list[Message] = Field(min_length=1)


class EchoState(TypedDict):
    """What the echo graph keeps: messages are added, never replaced."""

    messages: Annotated[list[dict[str, str]], operator.add]


def _reply(state: EchoInput) -> EchoState:
    return {"messages": [{"role": "assistant", "content": state.messages[-1].content}]}


def echo() -> Graph:
    """Return a graph that says the last message again: no model, no clock, no chance."""
    from langgraph.graph import END, START, StateGraph  # noqa: PLC0415

    graph = StateGraph(EchoState, input_schema=EchoInput)
    graph.add_node("reply", _reply)
    graph.add_edge(START, "reply")
    graph.add_edge("reply", END)
    return graph.compile(name="echo")
