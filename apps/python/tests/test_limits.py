"""The limits of a server that its settings change, and the settings."""

import asyncio
import json
import logging
import sys
from typing import Any

import pytest

from fractal_agents_runtime.app import App, Reply
from fractal_agents_runtime.lifecycle import Lifecycle
from fractal_agents_runtime.logs import JsonFormatter
from fractal_agents_runtime.settings import Settings, parse_settings


class Slow:
    """A graph that sleeps."""

    async def ainvoke(self, input: Any, config: Any = None) -> Any:  # noqa: A002, ARG002
        await asyncio.sleep(input["seconds"])
        return {}


def body(seconds: float, **more: object) -> bytes:
    return json.dumps({"assistant_id": "slow", "input": {"seconds": seconds}, **more}).encode()


def app(**settings: Any) -> App:
    return App({"slow": Slow()}, settings=Settings(**settings))


async def told(reply: Reply) -> str:
    assert reply.stream is not None
    return await asyncio.to_thread(lambda: b"".join(reply.stream or ()).decode())


def test_a_body_that_is_too_large_is_413() -> None:
    reply = asyncio.run(app(max_body=9).handle("POST", "/runs/wait", body(0)))
    assert (reply.status, b"more than 9 bytes" in reply.body) == (413, True)


def test_a_run_that_takes_too_long_is_408_and_has_the_status_timeout() -> None:
    async def scenario() -> None:
        limited = app(run_seconds=0.05)
        reply = await limited.handle("POST", "/runs/wait", body(60))
        assert reply.status == 408
        assert json.loads(reply.body) == {"detail": "the run took too long", "errors": []}
        stream = await limited.handle("POST", "/runs/stream", body(60))
        expected = (
            'event: error\r\ndata: {"error":"TimeoutError","message":"the run took too long"}'
        )
        assert expected in await told(stream)
        made = json.loads((await limited.handle("POST", "/threads", b"{}")).body)
        path = f"/threads/{made['thread_id']}"
        assert (await limited.handle("POST", f"{path}/runs/wait", body(60))).status == 408
        [run] = json.loads((await limited.handle("GET", f"{path}/runs")).body)
        assert run["status"] == "timeout"
        assert json.loads((await limited.handle("GET", path)).body)["status"] == "error"

    asyncio.run(scenario())


def test_too_many_active_runs_are_429() -> None:
    async def scenario() -> None:
        limited = app(max_runs=1)
        running = asyncio.create_task(limited.handle("POST", "/runs/wait", body(0.1)))
        await asyncio.sleep(0.02)
        for path, sent in (("/runs", body(0)), ("/runs/batch", b"[" + body(0) + b"]")):
            refused = await limited.handle("POST", path, sent)
            assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert (await running).status == 200
        assert (await limited.handle("POST", "/runs/wait", body(0))).status == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_BODY", "0"), ("MAX_RUNS", "1.5"), ("RUN_SECONDS", "-1"), ("LOG_FORMAT", "xml")],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is '{value}', not"):
        parse_settings({name: value})


def test_settings_are_read_from_the_environment() -> None:
    assert parse_settings({"MAX_RUNS": ""}) == Settings()
    env = {"MAX_BODY": "7", "RUN_SECONDS": "0.5", "CORS_ORIGINS": "http://a, http://b,"}
    expected = Settings(max_body=7, run_seconds=0.5, cors_origins=("http://a", "http://b"))
    assert parse_settings(env) == expected


def test_pages_of_other_origins_may_use_the_server_only_if_they_are_listed() -> None:
    async def scenario() -> None:
        for origins, origin, allowed in (
            ((), "http://a", None),
            (("http://b",), "http://a", None),
            (("http://a",), "http://a", "http://a"),
            (("*",), "http://a", "http://a"),
        ):
            server = app(cors_origins=origins)
            reply = await server.handle("GET", "/ok", b"", {"origin": origin})
            assert reply.status == 200
            assert reply.headers.get("Access-Control-Allow-Origin") == allowed
            asked = {
                "origin": origin,
                "access-control-request-method": "POST",
                "access-control-request-headers": "x-api-key",
            }
            reply = await server.handle("OPTIONS", "/runs/wait", b"", asked)
            assert reply.status == 204
            assert ("Access-Control-Allow-Methods" in reply.headers) == (allowed is not None)

    asyncio.run(scenario())


def test_the_log_can_be_json() -> None:
    record = logging.LogRecord("n", logging.INFO, "f", 1, "%s %d", ("GET", 200), None)
    record.fields = {"status": 200}
    told = json.loads(JsonFormatter().format(record))
    assert told.pop("time").endswith("+00:00")
    assert told == {"level": "INFO", "message": "GET 200", "status": 200}
    try:
        int("odd")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "ValueError: invalid literal" in json.loads(JsonFormatter().format(record))["stack"]


def test_active_runs_are_interrupted_after_the_grace_period() -> None:
    async def scenario() -> None:
        server = app()
        made = json.loads((await server.handle("POST", "/threads", b"{}")).body)
        path = f"/threads/{made['thread_id']}/runs"
        for seconds in (0.02, 60):
            await server.handle("POST", path, body(seconds, multitask_strategy="enqueue"))
        await asyncio.to_thread(Lifecycle(0.1).stop, "a test")
        runs = json.loads((await server.handle("GET", path)).body)
        told = [(run["status"], run.get("cancel_reason")) for run in runs]
        assert told == [("interrupted", "the server is stopping"), ("success", None)]

    asyncio.run(scenario())
