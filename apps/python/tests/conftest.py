"""Server processes on free ports. All are started in parallel before the first test."""

import atexit
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import httpx
import pytest

# Timeout in seconds.
PATIENCE = 180.0
# The number of tests that stop a server with a slow graph.
SLOW = 4
# The origin whose pages may use the shared server.
PAGE = "http://page.localhost"

# For single requests, each with a connection of its own. Shared, because creating a client takes
# longer than a request: it loads all root certificates.
WEB = httpx.Client(timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0))

ROOT = Path(__file__).parents[3]
EXAMPLE = Path(__file__).parents[1] / "examples/plugin"
README = (Path(__file__).parents[1] / "README.md").read_text()


@dataclass(frozen=True)
class Process:
    """A process and its log."""

    process: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text()


@dataclass(frozen=True)
class Server(Process):
    """A server's process, its log and its address."""

    url: str

    def stop(self, signum: signal.Signals) -> tuple[int, float]:
        """Send the signal. Return the exit code and the seconds until the process ended."""
        began = time.monotonic()
        self.process.send_signal(signum)
        code = self.process.wait(PATIENCE)
        return code, time.monotonic() - began


ONE_AT_A_TIME = Lock()


def free_port() -> int:
    """Return a port of this machine that is free, and that no other test gets.

    Robyn silently shares a port that is taken.

    It is below the ports that kernels give to outgoing connections (Linux: from 32768, RFC 6335:
    from 49152). One of those could be taken by a connection before the server listens. xtask
    chooses from those below 28000.
    """
    with ONE_AT_A_TIME:
        return next(PORTS)


def free_ports() -> Iterator[int]:
    """Yield the free ports of blocks of 32. The process that binds the first one has the block."""
    while True:
        first = random.randrange(28000, 32768, 32)
        block = socket.socket()
        if not binds(block, first):
            block.close()
            continue
        # Until this process ends.
        atexit.register(block.close)
        for port in range(first + 1, first + 32):
            with socket.socket() as probe:
                free = binds(probe, port)
            if free:
                yield port


def binds(probe: socket.socket, port: int) -> bool:
    """Bind the port. Return False if it is taken."""
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


PORTS = free_ports()


def environ(*, measured: bool) -> dict[str, str]:
    """Return the environment of a child process, with or without coverage measurement.

    With coverage the import of langgraph takes twice as long. It is off (`measured=False`) for
    processes that run no line that other processes do not run.
    """
    return {k: v for k, v in os.environ.items() if measured or not k.startswith("COVERAGE_")}


@contextmanager
def running(
    log_file: Path, *command: str, measured: bool = True, **settings: str
) -> Iterator[Process]:
    """Run `python *command`, and kill it at the end of the block."""
    environment = {**environ(measured=measured), **settings}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=log, stderr=log
        )
    try:
        yield Process(process, log_file)
    finally:
        process.kill()
        process.wait(PATIENCE)


@contextmanager
def launched(
    log_file: Path, *command: str, measured: bool = True, **settings: str
) -> Iterator[Server]:
    """Run `python *command`, which is a server, and kill it at the end of the block."""
    port = free_port()
    # Robyn must not see ROBYN_PORT: it would override PORT.
    own = {"HOST": "127.0.0.1", "PORT": str(port), "ROBYN_PORT": "1"}
    with running(log_file, *command, measured=measured, **own, **settings) as started:
        yield Server(started.process, log_file, f"http://127.0.0.1:{port}")


def answering(server: Server) -> Server:
    """Wait until the server is ready, and return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            # 503 until the graphs are imported.
            if WEB.get(f"{server.url}/health").is_success:
                return server
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    pytest.fail(f"the server did not start:\n{server.log()}")


Result = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Servers:
    """The servers of the tests."""

    shared: Server
    example: Server
    # The process that runs the example plugin's own tests.
    plugin: Process
    # The result of the contract's tests, which run beside the other tests. `cargo xtask test` runs
    # them on memory.
    contract_on_file: Future[Result]
    # Servers with a slow graph, which tests stop.
    slow: list[Server]


LAUNCHED = pytest.StashKey[Servers]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start all servers before the tests are collected, because some take seconds to start."""
    stack = ExitStack()
    session.config.add_cleanup(stack.close)
    folder = Path(stack.enter_context(TemporaryDirectory()))
    example = folder / "example.py"
    example.write_text(readme_example())
    slow = Path(__file__).with_name("slow_server.py")
    plugin = ["-m", "unittest", "discover", "--start-directory", str(EXAMPLE)]

    def launch(name: str, *command: str, measured: bool = True, **settings: str) -> Server:
        log_file = folder / f"{name}.log"
        return stack.enter_context(launched(log_file, *command, measured=measured, **settings))

    plugins_tests = stack.enter_context(running(folder / "plugin.log", *plugin, measured=False))
    # Wait for their end instead of killing them: only then does the server that they start end too.
    stack.callback(plugins_tests.process.wait, PATIENCE)
    db = f"sqlite:{folder / 'agents.db'}"
    command = ("-m", "fractal_agents_runtime", "--db", db)
    shared = launch("shared", *command, CORS_ORIGINS=PAGE)
    beside = stack.enter_context(ThreadPoolExecutor(1))
    session.config.stash[LAUNCHED] = Servers(
        shared=shared,
        contract_on_file=beside.submit(contract, shared),
        example=launch("example", str(example), measured=False),
        plugin=plugins_tests,
        # Only the first one runs lines that no other server runs.
        slow=[launch(f"slow-{n}", str(slow), measured=n == 0) for n in range(SLOW)],
    )


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    return pytestconfig.stash[LAUNCHED]


def contract(server: Server) -> Result:
    """Run the contract's tests."""
    return subprocess.run(
        [sys.executable, "contract"],
        cwd=ROOT,
        env={**environ(measured=False), "BASE_URL": answering(server).url},
        capture_output=True,
        text=True,
        check=False,
    )


def readme_example() -> str:
    """Return the README's example, changed to listen on PORT instead of the default port."""
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1].replace(
        "compile()}))", 'compile()}), port=int(__import__("os").environ["PORT"]))'
    )


@pytest.fixture(scope="session")
def server(servers: Servers) -> Iterator[Server]:
    """Return the server, with its records in a file. All tests that only send requests share it."""
    yield answering(servers.shared)
    servers.contract_on_file.result()
    code, _ = servers.shared.stop(signal.SIGTERM)
    assert code == 0, servers.shared.log()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield client
