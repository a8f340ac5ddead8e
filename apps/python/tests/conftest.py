"""Real server processes on free ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

# How long anything may take before a test gives up on it.
PATIENCE = 20.0


@dataclass(frozen=True)
class Server:
    """A server's process, its address and its log."""

    process: subprocess.Popen[bytes]
    url: str
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self, signum: signal.Signals) -> tuple[int, float]:
        """Send the signal; the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signum)
        code = self.process.wait(PATIENCE)
        return code, time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(log_file: Path, *command: str) -> Iterator[Server]:
    """Run `python *command` until it answers; it is gone afterwards."""
    port = free_port()
    # ROBYN_PORT would win over PORT, if Robyn saw it.
    ours = {"HOST": "127.0.0.1", "PORT": str(port), "ROBYN_PORT": "1"}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env={**os.environ, **ours}, stdout=log, stderr=log
        )
    server = Server(process, f"http://127.0.0.1:{port}", log_file)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        process.kill()
        process.wait(PATIENCE)


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            httpx.get(f"{server.url}/health", timeout=PATIENCE)
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"the server did not start:\n{server.log()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return the server as users start it, one for all tests that only ask it things."""
    log_file = tmp_path_factory.mktemp("server") / "log"
    with started(log_file, "-m", "fractal_agents_runtime") as server:
        yield server
        code, _ = server.stop(signal.SIGTERM)
        assert code == 0, server.log()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield client
