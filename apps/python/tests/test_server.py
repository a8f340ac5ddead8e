"""What is this app's own, asked of the real server. What every app answers is in `contract/`."""

from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from conftest import Server
from fractal_agents_runtime import __version__

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
ECHOED = {"messages": [*HELLO["messages"], {"role": "assistant", "content": "hello"}]}


def test_info_says_what_is_running(client: httpx.Client) -> None:
    info = client.get("/info").json()
    assert info.pop("compat")["version"] == __version__
    assert info == {
        "name": "fractal-agents-runtime",
        "version": __version__,
        "commit": None,
        "graphs": ["echo"],
    }


@pytest.mark.parametrize("path", ["/", "/runs", "/docs", "/openapi"])
def test_robyn_has_no_pages_of_its_own(client: httpx.Client, path: str) -> None:
    assert client.get(path).json()["detail"].startswith("no such path")


def test_the_official_sdk_runs_a_graph(server: Server) -> None:
    with get_sync_client(url=server.url) as sdk:
        config: Any = {"recursion_limit": 9, "tags": ["t"], "configurable": {"k": "v"}}
        done = sdk.runs.wait(None, "echo", input=HELLO, config=config, metadata={"m": 1})
        assert done == ECHOED
        with pytest.raises(httpx.HTTPStatusError, match="404 Not Found"):
            sdk.runs.wait(None, "nobody", input=HELLO)


def test_each_request_is_a_line_of_the_log(server: Server, client: httpx.Client) -> None:
    client.get("/logged?secret=1")
    lines = [line for line in server.log().splitlines() if "/logged" in line]
    assert len(lines) == 1
    _date, _time, level, method, path, status, duration = lines[0].split()
    assert [level, method, path, status] == ["INFO", "GET", "/logged", "404"]
    assert duration.endswith("ms")
