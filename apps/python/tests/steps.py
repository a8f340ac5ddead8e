"""A graph of three steps; the second can wait or ask. See `contract/storage/restart.py`."""

import operator
import os
import time
from pathlib import Path
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt


class State(TypedDict):
    """What the steps have done."""

    wait: bool
    ask: bool
    done: Annotated[list[str], operator.add]


def step(name: str) -> dict[str, list[str]]:
    """Write down that a step begins."""
    with Path(os.environ["STEPS"]).open("a") as file:
        file.write(f"{name}\n")
    return {"done": [name]}


def one(state: State) -> dict[str, list[str]]:
    """Return at once."""
    del state
    return step("one")


def two(state: State) -> dict[str, list[str]]:
    """Ask, or wait for a file, if the run says so."""
    if state.get("ask"):
        interrupt("Go on?")
    done = step("two")
    while state["wait"] and not Path(os.environ["GO"]).exists():
        time.sleep(0.02)
    return done


def three(state: State) -> dict[str, list[str]]:
    """Return at once."""
    del state
    return step("three")


graph = StateGraph(State)
graph.add_node("one", one)
graph.add_node("two", two)
graph.add_node("three", three)
graph.add_edge(START, "one")
graph.add_edge("one", "two")
graph.add_edge("two", "three")
graph.add_edge("three", END)
