"""A plugin with the graph `shout`, which returns a text in upper case.

`PLUGINS=shout python -m fractal_agents_runtime` serves it if this file is on the import path.
"""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph

from fractal_agents_runtime import Graph, Plugin


class State(TypedDict):
    """The input and the output of the graph."""

    text: str


def _shout(state: State) -> State:
    return {"text": state["text"].upper()}


def shout() -> Graph:
    """Return the graph."""
    graph = StateGraph(State)
    graph.add_node("shout", _shout)
    graph.add_edge(START, "shout")
    graph.add_edge("shout", END)
    return graph.compile(name="shout")


plugin = Plugin(name="shout", api_version="1", graphs={"shout": shout})
