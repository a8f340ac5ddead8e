"""The graph `chat`, with a fake model and a fake MCP server; and its settings."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from fractal_agents_runtime import chat_settings, project, protocol
from fractal_agents_runtime.app import App
from fractal_agents_runtime.chat import chat
from fractal_agents_runtime.chat_settings import ChatError, parse_chat
from fractal_agents_runtime.cli import served
from fractal_agents_runtime.settings import Settings

FAKE = Path(__file__).parents[3] / "contract/chat/fake.py"
THREADS = ThreadPoolExecutor(16)
KEY = "sk-secret-of-the-tests"
TOKEN = "mcp-secret-of-the-tests"


@pytest.fixture(scope="module")
def fake() -> Iterator[str]:
    """Start the fake model. Return its address."""
    command = [sys.executable, str(FAKE)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def env(url: str, *servers: object) -> dict[str, str]:
    return {
        "CHAT_MODEL": "small",
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": KEY,
        "MCP_CONFIG": json.dumps({"servers": servers}),
        "MCP_TOKEN": TOKEN,
    }


async def said(app: App, text: str, **more: object) -> Any:
    return json.loads(await asked(app, "wait", text, **more))


async def asked(app: App, how: str, text: str, **more: object) -> bytes:
    body = {"assistant_id": "chat", "input": {"messages": [{"role": "user", "content": text}]}}
    reply = await app.handle("POST", f"/runs/{how}", json.dumps({**body, **more}).encode())
    # A wait that takes long is a stream too. Not in asyncio's few threads, which the graph needs.
    rest = await asyncio.get_running_loop().run_in_executor(THREADS, list, reply.stream or ())
    return reply.body + b"".join(rest)


def test_the_chat_agent(
    fake: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All runs at once, so that the slow one is no slower than the rest."""
    caplog.set_level("WARNING")
    open_ = {"name": "open", "url": fake, "tools": ["shout", "fail"]}
    more = {"tools": ["shout", "other"], "auth_required": True}
    locked = {"name": "locked", "url": f"{fake}/locked/mcp/", **more}
    gone = {"name": "gone", "url": "http://127.0.0.1:1/mcp?key=hidden"}
    for name, value in env(fake, open_, locked).items():
        monkeypatch.setenv(name, value)
    graphs = served(None)
    assert list(graphs) == ["agent", "echo", "chat"]
    monkeypatch.setenv("CHAT_SECONDS", "0.3")
    monkeypatch.setenv("MCP_CONFIG", json.dumps({"servers": [gone]}))
    impatient = served(None)

    async def all_said() -> list[Any]:
        app = App(graphs, None, Settings())
        context = {"system_prompt": "Be kind", "model_name": "large", "temperature": 0}
        return await asyncio.gather(
            said(app, "hello there"),
            said(app, "hello", context=context),
            said(app, "use shout abc"),
            said(app, "use fail why"),
            said(app, "use nothing x"),
            *(said(app, text) for text in ("refuse", "break", "cut")),
            said(App(impatient, None, Settings()), "stall"),
            streamed(app),
        )

    plain, set_, used, failed, unknown, *wrong, words = asyncio.run(all_said())
    tools = "shout,fail,other"
    assert plain["messages"][-1]["content"] == f"small({tools}) hello there"
    assert plain["messages"][-1]["type"] == "ai"
    assert set_["messages"][-1]["content"] == f"large(Be kind,{tools}) hello"
    assert len(set_["messages"]) == 2
    called, told, answer = used["messages"][1:]
    assert called["tool_calls"][0]["args"] == {"text": "abc"}
    assert (told["type"], told["name"], told["tool_call_id"]) == ("tool", "shout", "call_1")
    assert told["content"] == "ABC"
    assert answer["content"] == "the tool says ABC"
    for messages, reason in ((failed, "WHY"), (unknown, "there is no tool nothing")):
        refused = messages["messages"][2]
        assert (refused["status"], refused["content"]) == ("error", reason)
    assert [one["__error__"]["message"] for one in wrong] == [
        "the model's endpoint answers 401: the key … is wrong",
        "the model's endpoint fails: no room for …",
        "the model's endpoint can't be reached, or has hung up",
        "the model's endpoint sent nothing for 0.3 s",
    ]
    assert {one["__error__"]["error"] for one in wrong} == {"ModelError"}
    assert words[:3] == [f"small({tools})", " streamed", " words"]
    assert "the tools of the MCP server gone are missing" in caplog.text
    for secret in (KEY, TOKEN, "hidden"):
        assert secret not in caplog.text


async def streamed(app: App) -> list[str]:
    text = (await asked(app, "stream", "streamed words", stream_mode="messages-tuple")).decode()
    data = [line[6:] for line in text.splitlines() if line.startswith("data: [")]
    return [part for line in data if (part := json.loads(line)[0]["content"])]


GOOD = {"name": "a", "url": "http://a"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"OPENAI_API_KEY": ""}, "CHAT_MODEL needs OPENAI_API_KEY, the key of https://api.openai"),
        ({"OPENAI_BASE_URL": "ftp://a"}, "OPENAI_BASE_URL must be an http or https URL"),
        ({"OPENAI_BASE_URL": "http://[a"}, "OPENAI_BASE_URL must be an http or https URL"),
        ({"OPENAI_BASE_URL": "http://a:b@c"}, "must be without a password or a query"),
        ({"OPENAI_BASE_URL": "http://a?key=b"}, "must be without a password or a query"),
        ({"CHAT_SECONDS": "-1"}, "CHAT_SECONDS is '-1', not a number from 0"),
        ({"MCP_CONFIG": "{"}, "MCP_CONFIG is not JSON"),
        ({"MCP_CONFIG": "[]"}, 'MCP_CONFIG must be an object with a list "servers"'),
        ([1], r"servers\[0\] must be an object"),
        ([{**GOOD, "key": 1}], r"servers\[0\] has an unknown field key"),
        ([{"url": "http://a"}], r"servers\[0\] must have a name"),
        ([GOOD, {"name": "b"}], r"servers\[1\] must have an http or https url"),
        ([{**GOOD, "tools": "b"}], r"servers\[0\]: tools must be a list of names"),
        ([{**GOOD, "auth_required": 1}], r"servers\[0\]: auth_required must be true or false"),
        ([{**GOOD, "auth_required": True}], "a has auth_required, but MCP_TOKEN is not set"),
        ([GOOD, GOOD], "two servers are called a"),
    ],
)
def test_settings_that_are_refused(settings: Any, reason: str) -> None:
    if isinstance(settings, list):
        settings = {"MCP_CONFIG": json.dumps({"servers": settings})}
    with pytest.raises(ChatError, match=reason):
        parse_chat({"CHAT_MODEL": "m", "OPENAI_API_KEY": "k", **settings})


def test_all_clients_get_the_parts_of_a_message(fake: str) -> None:
    settings = parse_chat(env(fake))
    assert settings
    graph: Any = chat(settings)
    graph = graph.copy({"checkpointer": InMemorySaver()})
    payload, config = {"messages": [("user", "a b")]}, {"configurable": {"thread_id": "1"}}

    async def followed() -> list[Any]:
        found = protocol.events(graph, payload, config, {}, protocol.Translation())
        return [event async for event in found if event.place.namespace == ()]

    found = asyncio.run(followed())
    parts = [event.data.get("delta") for event in found if event.place.channel == "messages"]
    assert [part["text"] for part in parts if part] == ["small()", " a", " b"]
    [last] = [event.data for event in found if event.place.channel == "values"][-1:]
    message = last["messages"][-1]
    assert message.content == "small() a b"
    assert "output_version" not in message.response_metadata
    older = asyncio.run(asked(App({"chat": graph}), "stream", "a b", stream_mode="messages"))
    assert b"event: error" not in older
    assert b'"content":"small() a"' in older
    assert b'"content":"small() a b"' in older


def test_settings_that_are_right() -> None:
    assert parse_chat({}) is None
    local = parse_chat({"CHAT_MODEL": "m", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    assert local
    assert (local.key, local.servers, local.seconds) == ("", (), 60)
    urls = ["http://a", "http://a/mcp/", "http://a/x/", "http://a/x?key=secret"]
    servers = [{"name": f"{n}", "url": url} for n, url in enumerate(urls)]
    found = parse_chat(env("http://b", *servers))
    assert found
    wanted = ["http://a/mcp", "http://a/mcp", "http://a/x/mcp", "http://a/x?key=secret"]
    assert [server.url for server in found.servers] == wanted
    for secret in (KEY, TOKEN, "key="):
        assert secret not in repr(found)


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_settings, "find_spec", lambda _: None)
    with pytest.raises(ChatError, match=r"CHAT_MODEL needs .*: pip install '.*\[chat\]'"):
        parse_chat({"CHAT_MODEL": "m"})


def test_a_project_may_not_have_a_graph_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "load", lambda _: {"chat": object()})
    monkeypatch.setitem(os.environ, "CHAT_MODEL", "m")
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "k")
    with pytest.raises(ChatError, match="both here and CHAT_MODEL have a graph 'chat'"):
        served(Path("here"))
