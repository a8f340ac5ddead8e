"""The graph `agent`: an agent that calls tools, with rules instead of a model.

It does the same for the same input, so clients can be tested with it. The first word of the last
message chooses a tool: `add 2 3`, `wait 0.5`, `ask Go on?` or `fail reason`. Other texts are
repeated, one word at a time.
"""

import asyncio
import re
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt

from fractal_agents_runtime.graphs import Graph

TICK = 0.1


class Rules(BaseChatModel):
    """Answers by rules."""

    @property
    def _llm_type(self) -> str:
        return "rules"

    def _generate(self, messages: list[Any], *_: Any, **__: Any) -> ChatResult:
        last = messages[-1]
        text = str(last.content)
        call = parse(text) if isinstance(last, HumanMessage) else None
        if call is None:
            return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])
        calls = [{**call, "id": f"call-{len(messages)}", "type": "tool_call"}]
        message = AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(self, messages: list[Any], *args: Any, **options: Any) -> Any:
        message = self._generate(messages, *args, **options).generations[0].message
        calls = getattr(message, "tool_calls", [])
        if calls:
            whole = AIMessageChunk(content="", tool_calls=calls)
            yield ChatGenerationChunk(message=whole)
        for word in re.findall(r"\S+\s*", str(message.content)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))


MODEL = Rules()


async def _answer(state: MessagesState) -> MessagesState:
    # langgraph streams the parts of `ainvoke` to all clients. It may return the text in blocks.
    message = await MODEL.ainvoke(state["messages"])
    text, calls = str(message.text), message.tool_calls
    return {"messages": [AIMessage(text, id=message.id, tool_calls=calls)]}


async def _use_tools(state: MessagesState) -> MessagesState:
    done = []
    for call in getattr(state["messages"][-1], "tool_calls", []):
        told = await TOOLS[call["name"]](call["args"], get_stream_writer(), interrupt)
        done.append(ToolMessage(told, tool_call_id=call["id"], name=call["name"]))
    return {"messages": [*done]}


def _route(state: MessagesState) -> str:
    return "tools" if getattr(state["messages"][-1], "tool_calls", None) else END


def agent() -> Graph:
    """Return the graph."""
    graph = StateGraph(MessagesState)
    graph.add_node("model", _answer)
    graph.add_node("tools", _use_tools)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", _route, ["tools", END])
    graph.add_edge("tools", "model")
    return graph.compile(name="agent")


def parse(text: str) -> dict[str, Any] | None:
    """Return the tool's name and arguments that a text asks for."""
    number = r"(-?\d+(?:\.\d+)?)"
    if found := re.fullmatch(rf"add {number} {number}", text):
        return {"name": "add", "args": {"a": float(found[1]), "b": float(found[2])}}
    if found := re.fullmatch(rf"wait {number}", text):
        return {"name": "wait", "args": {"seconds": float(found[1])}}
    if found := re.fullmatch(r"(ask|fail) (.+)", text, re.DOTALL):
        return {"name": found[1], "args": {"text": found[2]}}
    return None


async def _add(args: dict[str, Any], _tell: Any, _interrupt: Any) -> str:
    return f"{args['a'] + args['b']:g}"


async def _wait(args: dict[str, Any], tell: Any, _interrupt: Any) -> str:
    for tick in range(1, round(args["seconds"] / TICK) + 1):
        await asyncio.sleep(TICK)
        tell({"tick": tick})
    return "done"


async def _ask(args: dict[str, Any], _tell: Any, interrupt: Any) -> str:
    return str(interrupt({"question": args["text"]}))


async def _fail(args: dict[str, Any], _tell: Any, _interrupt: Any) -> str:
    raise ValueError(args["text"])


TOOLS = {"add": _add, "wait": _wait, "ask": _ask, "fail": _fail}
