"""The graph `chat`: a model behind an OpenAI-compatible endpoint, with the tools of MCP servers."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypedDict

import openai
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime  # noqa: TC002, because langgraph reads the annotation
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_core.tools import BaseTool

    from fractal_agents_runtime.chat_settings import ChatSettings, McpServer
    from fractal_agents_runtime.graphs import Graph

# Endpoints without a key ignore it, but the client refuses to have none.
NO_KEY = "none"
LONGEST = 500
GONE = "can't be reached, or has hung up"

log = logging.getLogger("fractal_agents_runtime")


class ModelError(Exception):
    """The endpoint did not answer. The message never contains the key."""


class Context(TypedDict, total=False):
    """What an assistant or a run may set: the `context`, or `config.configurable`."""

    model_name: str
    system_prompt: str
    temperature: float
    max_tokens: int


def chat(settings: ChatSettings) -> Graph:
    """Return the graph."""
    tools = Tools(settings)

    async def answer(state: MessagesState, runtime: Runtime[Context]) -> MessagesState:
        context = runtime.context or {}
        prompt = context.get("system_prompt")
        messages = [*([SystemMessage(prompt)] if prompt else []), *state["messages"]]
        parts = Parts()
        model: Any = _model(settings, context, parts)
        await tools.ask()
        if known := tools.known:
            model = model.bind_tools(list(known.values()))
        return {"messages": [await _answer(model, messages, settings, parts)]}

    async def use_tools(state: MessagesState) -> MessagesState:
        calls = getattr(state["messages"][-1], "tool_calls", [])
        used = (_used(tools.known, call) for call in calls)
        return {"messages": list(await asyncio.gather(*used))}

    graph = StateGraph(MessagesState, context_schema=Context)
    graph.add_node("model", answer)
    graph.add_node("tools", use_tools)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", _route, ["tools", END])
    graph.add_edge("tools", "model")
    return graph.compile(name="chat")


def _route(state: MessagesState) -> str:
    return "tools" if getattr(state["messages"][-1], "tool_calls", None) else END


def _model(settings: ChatSettings, context: Context, parts: Parts) -> ChatOpenAI:
    return ChatOpenAI(
        model=context.get("model_name") or settings.model,
        base_url=settings.base_url,
        api_key=SecretStr(settings.key or NO_KEY),
        temperature=context.get("temperature"),
        max_completion_tokens=context.get("max_tokens"),
        # All endpoints have this one of OpenAI's two interfaces.
        use_responses_api=False,
        streaming=True,
        callbacks=[parts],
    )


class Parts(AsyncCallbackHandler):
    """Notices the parts of a message."""

    def __init__(self) -> None:
        self.heard: Callable[[], None] = lambda: None

    async def on_llm_new_token(self, *_: Any, **__: Any) -> None:
        """Notice a part in the older form of streams."""
        self.heard()

    async def on_stream_event(self, *_: Any, **__: Any) -> None:
        """Notice a part in the newer form of streams."""
        self.heard()


async def _answer(model: Any, messages: list[Any], settings: ChatSettings, parts: Parts) -> Any:
    loop = asyncio.get_running_loop()
    limit = asyncio.timeout(settings.seconds or None)

    def heard() -> None:
        if settings.seconds:
            limit.reschedule(loop.time() + settings.seconds)

    parts.heard = heard
    try:
        async with limit:
            # langgraph streams the parts of `ainvoke` to all clients.
            message = await model.ainvoke(messages)
    except Exception as problem:  # noqa: BLE001
        silent = f"sent nothing for {settings.seconds:g} s"
        reason = silent if limit.expired() else _reason(problem, settings)
    else:
        # Clients differ in what they make of a connection that ends in the middle of an answer.
        metadata = message.response_metadata
        if metadata.get("finish_reason"):
            # The newer form of streams returns the text in blocks.
            metadata = {k: v for k, v in metadata.items() if k != "output_version"}
            whole = {"content": str(message.text), "response_metadata": metadata}
            return message.model_copy(update=whole)
        reason = GONE
    # Not the original exception: its text may contain the key.
    raise ModelError(f"the model's endpoint {reason}")


def _reason(problem: Exception, settings: ChatSettings) -> str:
    if isinstance(problem, openai.APIStatusError):
        return f"answers {problem.status_code}{_told(problem.body, settings)}"
    if isinstance(problem, openai.APIConnectionError):
        return GONE
    if isinstance(problem, openai.APIError):
        return f"fails{_told(problem.body, settings)}"
    return f"fails: {type(problem).__name__}"


def _told(body: Any, settings: ChatSettings) -> str:
    """Return what an endpoint says of its error, without the key."""
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, str) or not message:
        return ""
    safe = message.replace(settings.key, "…") if settings.key else message
    return f": {safe[:LONGEST]}"


class Tools:
    """The tools of MCP servers. A server that can't be reached is asked again by the next run."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._found: dict[str, list[BaseTool]] = {}
        self._asking = asyncio.Lock()
        if settings.servers:
            # Optional, and slow to import.
            from langchain_mcp_adapters.client import MultiServerMCPClient  # noqa: PLC0415

            self._client = MultiServerMCPClient

    async def ask(self) -> None:
        """Ask those servers that have not answered yet."""
        async with self._asking:
            servers = self._settings.servers
            missing = [server for server in servers if server.name not in self._found]
            await asyncio.gather(*(self._ask(server) for server in missing))

    @property
    def known(self) -> Mapping[str, BaseTool]:
        """The tools by name. Of two tools with the same name, the first one counts."""
        known: dict[str, BaseTool] = {}
        for server in self._settings.servers:
            for tool in self._found.get(server.name, []):
                known.setdefault(tool.name, tool)
        return known

    async def _ask(self, server: McpServer) -> None:
        token = self._settings.mcp_token
        headers = {"Authorization": f"Bearer {token}"} if server.auth_required else None
        client = self._client(
            {server.name: {"transport": "streamable_http", "url": server.url, "headers": headers}}
        )
        try:
            tools = await client.get_tools()
        except Exception as problem:  # noqa: BLE001
            # Not its text: that may contain the URL, and the URL a key.
            kind = type(problem).__name__
            log.warning("the tools of the MCP server %s are missing: %s", server.name, kind)
            return
        wanted = server.tools
        self._found[server.name] = [one for one in tools if wanted is None or one.name in wanted]


async def _used(known: Mapping[str, BaseTool], call: Any) -> ToolMessage:
    name = call["name"]
    if name not in known:
        return _failed(call, f"there is no tool {name}")
    try:
        message: ToolMessage = await known[name].ainvoke({**call, "type": "tool_call"})
    except Exception as problem:  # noqa: BLE001
        # The model may try something else. The text may contain a URL with a key.
        log.warning("the tool %s failed: %s", name, type(problem).__name__)
        return _failed(call, f"the tool {name} failed")
    content: Any = message.content
    if isinstance(content, list) and all(part.get("type") == "text" for part in content):
        message.content = "\n".join(part["text"] for part in content)
    return message


def _failed(call: Any, reason: str) -> ToolMessage:
    return ToolMessage(reason, tool_call_id=call["id"], name=call["name"], status="error")
