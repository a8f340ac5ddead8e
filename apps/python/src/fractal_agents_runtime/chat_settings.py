"""The settings of the graph `chat`, from environment variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from fractal_agents_runtime.settings import number_of

OPENAI = "https://api.openai.com/v1"
FIELDS = {"name", "url", "tools", "auth_required"}


class ChatError(Exception):
    """The graph can't be made. The message names the variable and the reason."""


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server of tools."""

    name: str
    # May contain a key, so it is never logged.
    url: str = field(repr=False)
    # The names of the tools to use; None: all.
    tools: tuple[str, ...] | None
    # True if it needs MCP_TOKEN.
    auth_required: bool


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """A model, its endpoint and its tools."""

    model: str
    base_url: str
    key: str = field(repr=False)
    # How long the endpoint may send nothing.
    seconds: float
    servers: tuple[McpServer, ...]
    mcp_token: str = field(repr=False)


def parse_chat(env: Mapping[str, str]) -> ChatSettings | None:
    """Return the settings; None without CHAT_MODEL. Raises ChatError that names a wrong one."""
    model = env.get("CHAT_MODEL")
    if not model:
        return None
    _need("CHAT_MODEL", "chat", "langchain_openai")
    base_url = env.get("OPENAI_BASE_URL") or OPENAI
    if not _is_url(base_url):
        raise ChatError("OPENAI_BASE_URL must be an http or https URL")
    parts = urlsplit(base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ChatError("OPENAI_BASE_URL must be without a password or a query; use OPENAI_API_KEY")
    key = env.get("OPENAI_API_KEY") or ""
    if not key and base_url == OPENAI:
        raise ChatError(f"CHAT_MODEL needs OPENAI_API_KEY, the key of {OPENAI}")
    try:
        seconds = number_of(env, "CHAT_SECONDS", 60)
    except ValueError as problem:
        raise ChatError(str(problem)) from None
    servers = _servers(env.get("MCP_CONFIG") or "")
    token = env.get("MCP_TOKEN") or ""
    locked = [server.name for server in servers if server.auth_required]
    if locked and not token:
        raise ChatError(f"MCP_CONFIG: {locked[0]} has auth_required, but MCP_TOKEN is not set")
    return ChatSettings(model, base_url, key, seconds, servers, token)


def _servers(text: str) -> tuple[McpServer, ...]:
    if not text:
        return ()
    _need("MCP_CONFIG", "mcp", "langchain_mcp_adapters")
    try:
        config: Any = json.loads(text)
    except ValueError:
        # The text may contain keys.
        raise ChatError("MCP_CONFIG is not JSON") from None
    listed = config.get("servers") if isinstance(config, dict) else None
    if not isinstance(listed, list):
        raise ChatError('MCP_CONFIG must be an object with a list "servers"')
    servers = tuple(_server(one, f"MCP_CONFIG: servers[{n}]") for n, one in enumerate(listed))
    names = [server.name for server in servers]
    for name in names:
        if names.count(name) > 1:
            raise ChatError(f"MCP_CONFIG: two servers are called {name}")
    return servers


def _server(one: Any, place: str) -> McpServer:
    if not isinstance(one, dict):
        raise ChatError(f"{place} must be an object")
    for unknown in sorted(set(one) - FIELDS):
        raise ChatError(f"{place} has an unknown field {unknown}")
    name, url, tools = one.get("name"), one.get("url"), one.get("tools")
    locked = one.get("auth_required") or False
    if not isinstance(name, str) or not name:
        raise ChatError(f"{place} must have a name")
    if not isinstance(url, str) or not _is_url(url):
        raise ChatError(f"{place} must have an http or https url")
    if tools is not None and not (
        isinstance(tools, list) and all(isinstance(tool, str) for tool in tools)
    ):
        raise ChatError(f"{place}: tools must be a list of names")
    if not isinstance(locked, bool):
        raise ChatError(f"{place}: auth_required must be true or false")
    path = url.rstrip("/")
    if not urlsplit(url).query:
        url = path if path.endswith("/mcp") else f"{path}/mcp"
    return McpServer(name, url, None if tools is None else tuple(tools), locked)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _need(variable: str, extra: str, module: str) -> None:
    if find_spec(module) is None:
        command = f"pip install 'fractal-agents-runtime[{extra}]'"
        raise ChatError(f"{variable} needs packages that are not installed: {command}")
