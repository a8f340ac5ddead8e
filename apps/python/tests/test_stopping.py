"""The server stops within a second, after the running requests, with exit code 0."""

import asyncio
import itertools
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest

from conftest import PATIENCE, WEB, Server, Servers, answering
from fractal_agents_runtime import lifecycle
from fractal_agents_runtime.app import Reply
from fractal_agents_runtime.cli import parse_port

# The server guarantees one second; a machine under load needs more.
SOON = 6.0


def wait_for(server: Server, text: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while text not in server.log():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.01)


def begin_run(
    pool: ThreadPoolExecutor, server: Server, seconds: float, *, block: bool = False
) -> Future[httpx.Response]:
    body = {"assistant_id": "slow", "input": {"seconds": seconds, "block": block}}
    url = f"{server.url}/runs/wait"
    run = pool.submit(WEB.post, url, json=body)
    wait_for(server, "a run has begun")
    return run


def a_run_that_had_begun_is_answered_after_sigterm(slow: Server) -> None:
    a_run_that_had_begun_is_answered(slow, signal.SIGTERM)


def a_run_that_had_begun_is_answered_after_sigint(slow: Server) -> None:
    a_run_that_had_begun_is_answered(slow, signal.SIGINT)


def a_run_that_had_begun_is_answered(slow: Server, signum: signal.Signals) -> None:
    # An idle connection does not delay the stop.
    with httpx.Client(base_url=slow.url) as idle, ThreadPoolExecutor() as pool:
        idle.get("/health")
        run = begin_run(pool, slow, 0.4)
        code, seconds = slow.stop(signum)
        response = run.result(PATIENCE)
    assert (response.status_code, response.json()) == (200, {"slept": 0.4})
    assert code == 0
    assert seconds < SOON
    assert f"{signum.name}: stopping" in slow.log()


def a_run_that_takes_too_long_and_a_new_request_are_refused(slow: Server) -> None:
    with ThreadPoolExecutor() as pool:
        run = begin_run(pool, slow, 60)
        body = {"assistant_id": "slow", "input": {"seconds": 60, "block": False}}
        stream = pool.submit(WEB.post, f"{slow.url}/runs/stream", json=body)
        wait_for(slow, "/runs/stream 200")
        slow.process.send_signal(signal.SIGTERM)
        wait_for(slow, "SIGTERM: stopping")
        late = [WEB.get(slow.url + path) for path in ("/health", "/ok")]
        for response in (*late, run.result(PATIENCE)):
            assert response.status_code == 503
            assert response.json() == {"detail": "the server is stopping", "errors": []}
            assert response.headers["retry-after"] == "1"
        events = stream.result(PATIENCE).text
        assert events.startswith("event: metadata")
        assert "event: error" in events
        assert "the server is stopping" in events
    assert slow.process.wait(PATIENCE) == 0


def a_run_that_blocks_the_event_loop_does_not_delay_the_stop(slow: Server) -> None:
    with ThreadPoolExecutor() as pool:
        run = begin_run(pool, slow, 60, block=True)
        code, seconds = slow.stop(signal.SIGTERM)
        assert isinstance(run.exception(PATIENCE), httpx.TransportError)
    assert code == 0
    assert seconds < SOON


# Each of these gets a server of its own with a slow graph. The first one runs the most lines.
ENDS = (
    a_run_that_takes_too_long_and_a_new_request_are_refused,
    a_run_that_had_begun_is_answered_after_sigterm,
    a_run_that_had_begun_is_answered_after_sigint,
    a_run_that_blocks_the_event_loop_does_not_delay_the_stop,
)


@pytest.fixture(scope="module")
def ends(servers: Servers) -> Iterator[dict[str, Future[None]]]:
    """Run all of them in parallel, because they mostly wait."""
    ready = [answering(server) for server in servers.slow]
    with ThreadPoolExecutor() as pool:
        tried = zip(ENDS, ready, strict=True)
        yield {end.__name__: pool.submit(end, server) for end, server in tried}


@pytest.mark.parametrize("end", [end.__name__ for end in ENDS])
def test_the_end(end: str, ends: dict[str, Future[None]]) -> None:
    ends[end].result()


def test_requests_are_refused_even_if_the_machine_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    # The fake clock advances by a second at each reading.
    clock = itertools.count().__next__
    monkeypatch.setattr(lifecycle, "time", SimpleNamespace(monotonic=clock, sleep=lambda _: None))

    async def endless() -> Reply:
        await asyncio.sleep(PATIENCE)
        pytest.fail("the run was neither cancelled nor refused")

    async def scenario() -> Reply:
        life = lifecycle.Lifecycle()
        run = asyncio.create_task(life.answer(endless()))
        await asyncio.sleep(0)
        life.stop("a stall")
        return await run

    assert asyncio.run(scenario()).status == 503


@pytest.mark.parametrize("text", ["0", "65536", "-1", "+80", "80 ", "8_0", "80.0", "٣", "²", ""])
def test_invalid_ports_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number from 1 to 65535"):
        parse_port(text)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("08000", 8000), ("65535", 65_535)])
def test_valid_ports_are_accepted(text: str, port: int) -> None:
    assert parse_port(text) == port
