"""A plugin: the graph `shout` says a text again, louder.

Served by `PLUGINS=shout python -m fractal_agents_runtime` where this file can be imported.
"""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph

from fractal_agents_runtime import Graph, Plugin


class State(TypedDict):
    """What the graph takes, and gives back."""

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
