"""Tests of the running server that are specific to this app. `contract/` has those of all apps."""

import socket
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from conftest import PAGE, Server, free_port
from fractal_agents_runtime import __version__
from fractal_agents_runtime.server import reserve

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
ECHOED = {"messages": [*HELLO["messages"], {"role": "assistant", "content": "hello"}]}


def test_info_describes_the_running_package(client: httpx.Client) -> None:
    info = client.get("/info").json()
    assert info.pop("compat")["version"] == __version__
    assert info == {
        "name": "fractal-agents-runtime",
        "version": __version__,
        "commit": None,
        "graphs": ["agent", "echo"],
        "flags": {"assistants": True, "crons": False, "langsmith": False},
        "langgraph_py_version": version("langgraph"),
        "langgraph_js_version": None,
    }


@pytest.mark.parametrize("path", ["/store", "/docs", "/openapi"])
def test_robyn_has_no_pages_of_its_own(client: httpx.Client, path: str) -> None:
    assert client.get(path).json()["detail"].startswith("no such path")


@pytest.mark.parametrize(("origin", "told"), [(PAGE, PAGE), ("http://other.localhost", None)])
@pytest.mark.parametrize("path", ["/ok", "/health"])
def test_a_page_of_another_origin(
    client: httpx.Client, path: str, origin: str, told: str | None
) -> None:
    reply = client.get(path, headers={"Origin": origin})
    assert reply.headers.get("access-control-allow-origin") == told


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


@pytest.mark.xfail(
    raises=TimeoutError,
    strict=True,
    reason="Robyn does not read a body that arrives after it refused the request; see the README",
)
@pytest.mark.parametrize(
    "head",
    [
        b"QUERY / HTTP/1.1\r\nContent-Length: 2\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Type: multipart/form-data\r\n",
    ],
    ids=["method", "multipart"],
)
def test_a_connection_is_usable_after_robyn_refused_a_request(server: Server, head: bytes) -> None:
    address = server.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1]))) as connection:
        connection.settimeout(30)
        connection.sendall(head + b"Host: localhost\r\n\r\n")
        refused = connection.recv(4096)
        assert refused.startswith((b"HTTP/1.1 405 ", b"HTTP/1.1 500 ")), refused
        connection.sendall(b"{}")
        connection.sendall(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # An answer takes a millisecond, and Robyn still sends none: each test waits until the end.
        connection.settimeout(0.2)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_an_invalid_host_is_an_error() -> None:
    with pytest.raises(OSError, match=r"not known|not supported"):
        reserve("256.0.0.1", free_port())


def test_a_reserved_port_is_not_available_to_other_servers() -> None:
    with reserve("127.0.0.1", free_port()) as ours:
        host, port = ours.getsockname()
        with pytest.raises(OSError, match="in use"):
            reserve(host, port)
        # Robyn can listen on it: it sets SO_REUSEPORT.
        with socket.create_server((host, port), reuse_port=True):
            pass


def test_a_port_with_closing_connections_can_be_reserved() -> None:
    # The side that closes first waits (TIME_WAIT).
    with socket.create_server(("127.0.0.1", 0)) as other:
        host, port = other.getsockname()
        with socket.create_connection((host, port)) as client:
            other.accept()[0].close()
            assert client.recv(1) == b""
    reserve(host, port).close()
