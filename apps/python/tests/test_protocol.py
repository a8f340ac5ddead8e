"""The thread protocol's events of a graph with a subgraph that calls a tool."""

import asyncio
from typing import Any, TypedDict

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from fractal_agents_runtime.protocol import Event, Place, Translation, events, wanted


class State(TypedDict):
    """A number."""

    n: int


@tool
async def double(n: int) -> int:
    """Double a number."""
    return 2 * n


async def work(state: State) -> State:
    call = {"name": "double", "args": {"n": state["n"]}, "id": "c1", "type": "tool_call"}
    message = await double.ainvoke(call)
    return {"n": int(message.content)}


def last(state: State) -> State:
    return {"n": state["n"] + 1}


def ask(state: State) -> State:
    return {"n": state["n"] + int(interrupt("more?"))}


def fail(_state: State) -> State:
    raise ValueError("bad")


def outer(node: Any) -> Any:
    inner = StateGraph(State)
    inner.add_node("work", work)
    inner.add_node("node", node)
    inner.add_edge(START, "work")
    inner.add_edge("work", "node")
    graph = StateGraph(State)
    graph.add_node("sub", inner.compile())
    graph.add_edge(START, "sub")
    return graph.compile(checkpointer=InMemorySaver())


async def _told(graph: Any, payload: Any, translation: Translation) -> list[Event]:
    config = {"configurable": {"thread_id": "1"}}
    found: list[Event] = []
    try:
        async for event in events(graph, payload, config, {}, translation):
            found.append(event)  # noqa: PERF401
    except ValueError as problem:
        assert str(problem) == "bad"  # noqa: PT017
    return found


def told(graph: Any, payload: Any, translation: Translation) -> list[Event]:
    return asyncio.run(_told(graph, payload, translation))


def of(found: list[Event], channel: str) -> list[tuple[list[str], Any]]:
    return [
        ([part.partition(":")[0] for part in one.place.namespace], one.data)
        for one in found
        if one.place.channel == channel
    ]


@pytest.mark.parametrize(
    ("node", "end"),
    [
        (last, {"event": "completed"}),
        (ask, {"event": "interrupted"}),
        (fail, {"event": "failed", "error": "bad"}),
    ],
)
def test_a_subgraph_begins_and_ends(node: Any, end: dict[str, str]) -> None:
    found = told(outer(node), {"n": 1}, Translation())
    begin = {"event": "started", "graph_name": "sub"}
    assert of(found, "lifecycle") == [(["sub"], begin), (["sub"], {"graph_name": "sub", **end})]


def test_a_subgraph_has_events_of_all_channels() -> None:
    found = told(outer(last), {"n": 1}, Translation())
    started = {"event": "tool-started", "tool_call_id": "c1", "tool_name": "double"}
    tools = of(found, "tools")
    assert tools[0] == (["sub"], {**started, "input": {"n": 1}})
    assert tools[1][1]["event"] == "tool-finished"
    assert tools[1][1]["output"].content == "2"
    assert of(found, "updates") == [
        (["sub"], {"node": "work", "values": {"n": 2}}),
        (["sub"], {"node": "node", "values": {"n": 3}}),
        ([], {"node": "sub", "values": {"n": 3}}),
    ]
    assert of(found, "values")[-1] == ([], {"n": 3})
    assert [name for name, _ in of(found, "tasks")] == [[], *[["sub"]] * 4, []]


def test_an_interrupt_is_known_with_its_namespace() -> None:
    translation = Translation()
    found = told(outer(ask), {"n": 1}, translation)
    assert of(found, "values")[-1] == (["sub"], {"n": 2})
    [namespace] = translation.interrupts.values()
    assert [part.partition(":")[0] for part in namespace] == ["sub"]


def test_a_message_that_comes_at_once_has_parts_too() -> None:
    model = FakeListChatModel(responses=["hi"])

    async def answer(state: MessagesState) -> Any:
        message = None
        async for part in model.astream(state["messages"]):
            message = part if message is None else message + part
        return {"messages": [message]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    compiled = graph.compile(checkpointer=InMemorySaver())
    found = told(compiled, {"messages": [("user", "a")]}, Translation())
    parts = [data for _, data in of(found, "messages")]
    assert [one["event"] for one in parts] == [
        "message-start",
        "content-block-start",
        "content-block-delta",
        "content-block-finish",
        "message-finish",
    ]
    assert parts[2]["delta"]["text"] == "hi"
    assert len({one["id"] for one in parts}) == 1


@pytest.mark.parametrize(
    ("written", "channel", "data"),
    [
        ({"a": 1}, "custom", {"payload": {"a": 1}}),
        (1, "custom", {"payload": 1}),
        ({"name": 1}, "custom", {"payload": {"name": 1}}),
        ({"name": "x", "payload": 1}, "custom:x", {"name": "x", "payload": 1}),
    ],
)
def test_nodes_write_to_channels(written: Any, channel: str, data: Any) -> None:
    def node(state: State) -> Any:
        del state
        get_stream_writer()(written)

    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    found = told(graph.compile(checkpointer=InMemorySaver()), {"n": 1}, Translation())
    assert of(found, channel) == [([], data)]
    assert of(found, "updates") == [([], {"node": "node", "values": {"value": None}})]


A = ("a:1",)
AB = ("a:1", "b:2")


@pytest.mark.parametrize(
    ("channels", "namespaces", "depth", "place", "is_wanted"),
    [
        (["values"], None, None, Place("values", AB), True),
        (["values"], None, None, Place("tasks"), False),
        (["values"], [], 0, Place("values", AB), True),
        (["custom"], None, None, Place("custom:x"), True),
        (["custom:x"], None, None, Place("custom:x"), True),
        (["custom:x"], None, None, Place("custom:y"), False),
        (["custom:x"], None, None, Place("custom"), False),
        (["values"], [[]], 0, Place("values"), True),
        (["values"], [[]], 0, Place("values", A), False),
        (["values"], [[]], 1, Place("values", A), True),
        (["values"], [["a"]], None, Place("values", AB), True),
        (["values"], [["a:1"]], 1, Place("values", AB), True),
        (["values"], [["a:1"]], 0, Place("values", AB), False),
        (["values"], [["a:2"]], None, Place("values", A), False),
        (["values"], [["b"], ["a", "b"]], None, Place("values", AB), True),
        (["values"], [["a", "b"]], None, Place("values", A), False),
    ],
)
def test_filters(
    channels: list[str],
    namespaces: list[list[str]] | None,
    depth: int | None,
    place: Place,
    is_wanted: bool,  # noqa: FBT001
) -> None:
    assert wanted(channels, namespaces, depth)(place) is is_wanted
