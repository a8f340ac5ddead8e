"""What clients see, asked of the real server."""

import json
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from conftest import Server
from fractal_agents_runtime import __version__
from fractal_agents_runtime.app import MAX_BODY

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
ECHOED = {"messages": [*HELLO["messages"], {"role": "assistant", "content": "hello"}]}


def test_health(client: httpx.Client) -> None:
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert response.headers["content-type"] == "application/json"


def test_info_says_what_is_running(client: httpx.Client) -> None:
    assert client.get("/info").json() == {
        "name": "fractal-agents-runtime",
        "version": __version__,
        "commit": None,
        "graphs": ["echo"],
    }


def test_a_run_of_echo_says_the_last_message_again(client: httpx.Client) -> None:
    for _ in range(2):
        response = client.post("/runs/wait", json={"assistant_id": "echo", "input": HELLO})
        assert response.status_code == 200
        assert response.json() == ECHOED


def test_text_of_any_script_comes_back_as_it_was(client: httpx.Client) -> None:
    said = {"messages": [{"role": "user", "content": "žluťoučký 🐎 \u0000 \\ \n"}]}
    response = client.post("/runs/wait", json={"assistant_id": "echo", "input": said})
    assert response.json()["messages"][1]["content"] == "žluťoučký 🐎 \u0000 \\ \n"


def test_the_official_sdk_runs_a_graph(server: Server) -> None:
    with get_sync_client(url=server.url) as sdk:
        config: Any = {"recursion_limit": 9, "tags": ["t"], "configurable": {"k": "v"}}
        done = sdk.runs.wait(None, "echo", input=HELLO, config=config, metadata={"m": 1})
        assert done == ECHOED
        with pytest.raises(httpx.HTTPStatusError, match="404 Not Found"):
            sdk.runs.wait(None, "nobody", input=HELLO)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, [["body", "assistant_id"], ["body", "input"]]),
        ([], [["body"]]),
        ({"assistant_id": "", "input": HELLO}, [["body", "assistant_id"]]),
        ({"assistant_id": 7, "input": []}, [["body", "assistant_id"], ["body", "input"]]),
        ({"assistant_id": "echo"}, [["body", "input"]]),
        ({"assistant_id": "echo", "input": {}}, [["body", "input", "messages"]]),
        ({"assistant_id": "echo", "input": {"messages": []}}, [["body", "input", "messages"]]),
        (
            {"assistant_id": "echo", "input": {"messages": [{"role": "user"}]}},
            [["body", "input", "messages", 0, "content"]],
        ),
        ({"assistant_id": "echo", "input": HELLO, "webhook": "http://x"}, [["body", "webhook"]]),
        (
            {"assistant_id": "echo", "input": HELLO, "config": {"recursion_limit": 0}},
            [["body", "config", "recursion_limit"]],
        ),
        (
            {"assistant_id": "echo", "input": HELLO, "config": {"recursion_limit": 1}},
            [["body", "config", "recursion_limit"]],
        ),
    ],
)
def test_a_body_that_does_not_fit_is_422_with_the_places(
    client: httpx.Client, body: object, places: list[list[str | int]]
) -> None:
    response = client.post("/runs/wait", json=body)
    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["errors"]] == places


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"NaN", b'{"a": NaN}', b"[" * 9999, b'"\\ud800"', b"a=b"]
)
def test_a_body_that_is_not_json_is_400(client: httpx.Client, body: bytes) -> None:
    response = client.post("/runs/wait", content=body)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("the body is not JSON")
    assert response.json()["errors"] == []


def test_an_unknown_assistant_is_404(client: httpx.Client) -> None:
    response = client.post("/runs/wait", json={"assistant_id": "nobody", "input": {}})
    assert response.status_code == 404
    assert response.json() == {
        "detail": "no assistant 'nobody'; /info names those there are",
        "errors": [],
    }


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/runs", "/runs/wait/x", "//health", "/%ff", "/docs"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_unknown_path_is_404(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, httpx.URL(client.base_url, raw_path=path.encode()))
    assert response.status_code == 404
    assert response.json()["errors"] == []


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("DELETE", "/info", "GET, HEAD, OPTIONS"),
        ("PUT", "/openapi.json", "GET, HEAD, OPTIONS"),
        ("TRACE", "/health", "GET, HEAD, OPTIONS"),
        ("GET", "/runs/wait", "OPTIONS, POST"),
        ("PATCH", "/runs/wait", "OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_405_with_allow(
    client: httpx.Client, method: str, path: str, allow: str
) -> None:
    response = client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    assert allow in response.json()["detail"]


def test_head_is_405_where_get_is(client: httpx.Client) -> None:
    response = client.head("/runs/wait")
    assert response.status_code == 405
    assert response.content == b""


def test_head_has_gets_headers_and_no_body(client: httpx.Client) -> None:
    head, get = client.head("/health"), client.get("/health")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_options_names_a_paths_methods(client: httpx.Client) -> None:
    response = client.options("/runs/wait")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "OPTIONS, POST"


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(client: httpx.Client) -> None:
    empty = json.dumps({"assistant_id": "nobody", "input": {"m": ""}})
    fits = empty.replace('""', f'"{"x" * (MAX_BODY - len(empty))}"')
    assert client.post("/runs/wait", content=fits).status_code == 404
    response = client.post("/runs/wait", content=f"{fits} ")
    assert response.status_code == 413
    assert str(MAX_BODY) in response.json()["detail"]


def test_each_request_is_a_line_of_the_log(server: Server, client: httpx.Client) -> None:
    client.get("/logged?secret=1")
    lines = [line for line in server.log().splitlines() if "/logged" in line]
    assert len(lines) == 1
    _date, _time, level, method, path, status, duration = lines[0].split()
    assert [level, method, path, status] == ["INFO", "GET", "/logged", "404"]
    assert duration.endswith("ms")
