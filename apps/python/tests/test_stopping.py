"""The end of the process: soon, clean, and after the answers that were begun."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from conftest import PATIENCE, Server, free_port
from fractal_agents_runtime.cli import parse_port
from fractal_agents_runtime.server import free_address

# A second is promised; a loaded machine may need another.
SOON = 2.0


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
    run = pool.submit(httpx.post, url, json=body, timeout=PATIENCE)
    wait_for(server, "a run has begun")
    return run


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_had_begun_is_answered(slow: Server, signum: signal.Signals) -> None:
    # A connection without a request does not delay the end.
    with httpx.Client(base_url=slow.url) as idle, ThreadPoolExecutor() as pool:
        idle.get("/health")
        run = begin_run(pool, slow, 0.4)
        code, seconds = slow.stop(signum)
        response = run.result(PATIENCE)
    assert (response.status_code, response.json()) == (200, {"slept": 0.4})
    assert code == 0
    assert seconds < SOON
    assert f"{signum.name}: stopping" in slow.log()


def test_what_can_not_be_finished_is_refused(slow: Server) -> None:
    with ThreadPoolExecutor() as pool:
        run = begin_run(pool, slow, 60)
        slow.process.send_signal(signal.SIGTERM)
        wait_for(slow, "SIGTERM: stopping")
        late = httpx.get(f"{slow.url}/health")
        for response in (late, run.result(PATIENCE)):
            assert response.status_code == 503
            assert response.json() == {"detail": "the server is stopping", "errors": []}
            assert response.headers["retry-after"] == "1"
    assert slow.process.wait(PATIENCE) == 0


def test_a_run_that_blocks_everything_does_not_delay_the_end(slow: Server) -> None:
    with ThreadPoolExecutor() as pool:
        run = begin_run(pool, slow, 60, block=True)
        code, seconds = slow.stop(signal.SIGTERM)
        assert isinstance(run.exception(PATIENCE), httpx.TransportError)
    assert code == 0
    assert seconds < SOON


def run_cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fractal_agents_runtime", *arguments],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_a_port_that_is_none_is_a_usage_error() -> None:
    done = run_cli(PORT="http")
    assert done.returncode == 2
    assert "PORT is 'http', not a number from 1 to 65535" in done.stderr


@pytest.mark.parametrize("text", ["0", "65536", "-1", "+80", "80 ", "8_0", "80.0", "٣", "²", ""])
def test_these_are_no_ports(text: str) -> None:
    with pytest.raises(ValueError, match="not a number from 1 to 65535"):
        parse_port(text)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("08000", 8000), ("65535", 65_535)])
def test_these_are_ports(text: str, port: int) -> None:
    assert parse_port(text) == port


def test_a_port_that_is_taken_is_an_error(server: Server) -> None:
    port = server.url.rpartition(":")[2]
    done = run_cli(PORT=port)
    assert done.returncode == 1
    assert f"can't listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def test_a_host_that_is_none_has_no_address() -> None:
    with pytest.raises(OSError, match=r"not known|not supported"):
        free_address("256.0.0.1", free_port())


def test_the_command_says_its_version() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("fractal-agents-runtime"), "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("fractal-agents-runtime ")
