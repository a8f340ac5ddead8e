"""The graph `echo`, which the server includes."""

import operator
from typing import Annotated, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from fractal_agents_runtime.graphs import Graph


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
