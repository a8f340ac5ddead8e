"""The app without a server: cases that a client can't cause with the echo graph."""

import asyncio
import json
from typing import Any

import pytest

from fractal_agents_runtime import App, create_app
from fractal_agents_runtime.app import Reply
from fractal_agents_runtime.echo import Message
from fractal_agents_runtime.lifecycle import Lifecycle
from fractal_agents_runtime.version import commit, parse_stamp


class Fixed:
    """A graph that returns a fixed value, or raises it."""

    def __init__(self, end: Any) -> None:
        self.end = end

    async def ainvoke(self, input: Any, config: Any = None) -> Any:  # noqa: A002, ARG002
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


def run(graph: Any) -> Reply:
    body = json.dumps({"assistant_id": "g", "input": {}}).encode()
    return asyncio.run(App({"g": graph}).handle("POST", "/runs/wait", body))


def test_models_in_a_graphs_state_are_answered_as_json() -> None:
    reply = run(Fixed({"last": Message(role="user", content="hi"), "none": None}))
    assert reply.status == 200
    assert json.loads(reply.body) == {"last": {"role": "user", "content": "hi"}, "none": None}


def test_numbers_that_json_does_not_have_are_answered_as_null() -> None:
    reply = run(Fixed({"n": [float("nan"), float("inf"), 1.5]}))
    assert json.loads(reply.body) == {"n": [None, None, 1.5]}


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (ValueError("boom"), {"error": "ValueError", "message": "boom"}),
        (["not a dict"], {"error": "TypeError"}),
        ({"no json": object()}, {"error": "PydanticSerializationError"}),
        ({1: 2}, {"error": "TypeError"}),
        (None, {"error": "TypeError"}),
    ],
)
def test_a_graph_that_fails_is_an_error_in_the_answer(
    end: Any, error: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    reply = run(Fixed(end))
    assert reply.status == 200
    assert json.loads(reply.body)["__error__"].items() >= error.items()
    assert "of g failed" in caplog.text


def test_an_error_of_the_server_is_500_and_only_the_log_has_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Fixed):
        async def aget_graph(self, xray: object) -> Any:
            raise ValueError(f"secret {xray}")

    reply = asyncio.run(App({"g": Broken({})}).handle("GET", "/assistants/g/graph"))
    assert reply.status == 500
    assert json.loads(reply.body)["detail"] == "internal error; the server's log has the reason"
    assert "secret" in caplog.text


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/health", {}, 200),
        ("/ok", {}, 200),
        ("/info", {}, 401),
        ("/nope", {}, 401),
        ("/info", {"authorization": "Bearer wrong"}, 401),
        ("/info", {"authorization": "Basic sécret"}, 401),
        ("/info", {"authorization": "bearer  sécret"}, 200),
        ("/info", {"x-api-key": "sécret"}, 200),
        ("/info", {"authorization": "Bearer wrong", "x-api-key": "sécret"}, 401),
    ],
)
def test_a_token_is_needed_for_all_but_the_checks(
    path: str, headers: dict[str, str], status: int
) -> None:
    app = create_app({"g": Fixed({})}, token="sécret")
    reply = asyncio.run(app.handle("GET", path, headers=headers))
    assert reply.status == status
    assert reply.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


def test_an_app_has_the_given_graphs() -> None:
    reply = asyncio.run(App({"b": Fixed({}), "a": Fixed({})}).handle("GET", "/info"))
    assert json.loads(reply.body)["graphs"] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$Format:%H$\n", None), ("", None), ("\n", None), ("0c9e1bf\n", "0c9e1bf")],
)
def test_a_stamp_is_a_commit_or_nothing(text: str, expected: str | None) -> None:
    assert parse_stamp(text) == expected


def test_a_checkout_has_no_commit() -> None:
    assert commit() is None


def test_a_cancelled_request_stays_cancelled_if_the_server_is_not_stopping() -> None:
    async def endless() -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def cancelled() -> None:
        task = asyncio.create_task(Lifecycle().answer(endless()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
