"""The output and exit codes of the commands. All start in parallel, because imports are slow."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from conftest import PATIENCE, WEB, environ, free_port
from fractal_agents_runtime.cli import main

PACKAGE = "fractal_agents_runtime"
PYTHON = sys.executable
SCRIPT = str(Path(PYTHON).with_name("fractal-agents-runtime"))
SERVER = [PYTHON, "-m", PACKAGE]
IMPORTED = (
    f"import sys, {PACKAGE}.openapi;"
    "print([m for m in ('robyn', 'langgraph', 'langchain_core') if m in sys.modules])"
)

# Has a plugin whose import takes a minute.
FOLDER = str(Path(__file__).parent)
SLOW = free_port()

Commands = dict[str, subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    """Start all commands, and kill those that still run afterwards."""
    # With the socket option of Robyn, with which another process could share the port.
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as listening:
        taken = str(listening.getsockname()[1])
        started = {
            "compat": start(PYTHON, "-m", f"{PACKAGE}.compat"),
            "openapi": start(PYTHON, "-m", f"{PACKAGE}.openapi"),
            "imported": start(PYTHON, "-c", IMPORTED),
            "version": start(SCRIPT, "--version", measured=False),
            f"taken port {taken}": start(*SERVER, PORT=taken),
            "no plugin": start(*SERVER, PLUGINS="nothing_of_that_name", PORT=str(free_port())),
            "slow plugin": start(*SERVER, PLUGINS="slow_plugin", PYTHONPATH=FOLDER, PORT=str(SLOW)),
        }
        yield started
    for process in started.values():
        process.kill()
        process.communicate()


def start(*command: str, measured: bool = True, **settings: str) -> subprocess.Popen[bytes]:
    environment = {**environ(measured=measured), **settings}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    """Wait for the end of the process. Return its exit code, stdout and stderr."""
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return process.returncode, stdout, stderr.decode()


def test_the_committed_openapi_document_is_what_the_command_prints(commands: Commands) -> None:
    committed = (Path(__file__).parents[1] / "openapi.json").read_bytes()
    assert ended(commands["openapi"]) == (0, committed, "")


def test_the_committed_compat_document_is_what_the_command_prints(commands: Commands) -> None:
    committed = files(PACKAGE).joinpath("compat.json").read_bytes()
    assert ended(commands["compat"]) == (0, committed, "")


def test_the_openapi_command_imports_neither_robyn_nor_langgraph(commands: Commands) -> None:
    assert ended(commands["imported"]) == (0, b"[]\n", "")


def test_the_command_prints_its_version(commands: Commands) -> None:
    code, printed, _ = ended(commands["version"])
    assert code == 0
    assert printed.startswith(b"fractal-agents-runtime ")


def test_an_invalid_port_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [SCRIPT])
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 2
    assert "PORT is 'http', not a number from 1 to 65535" in capsys.readouterr().err


def test_a_port_that_is_taken_is_an_error(commands: Commands) -> None:
    [name] = [name for name in commands if name.startswith("taken port ")]
    code, _, stderr = ended(commands[name])
    assert code == 1
    assert f"can't listen on 127.0.0.1:{name.split()[-1]}: Address already in use" in stderr


def test_the_server_answers_before_its_graphs_are_imported(commands: Commands) -> None:
    url = f"http://127.0.0.1:{SLOW}"
    slow = commands["slow plugin"]
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            assert WEB.get(f"{url}/ok").json() == {"ok": True}
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    for path in ("/health", "/info", "/nope"):
        refused = WEB.get(url + path)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json() == {"detail": "the server is starting", "errors": []}
    slow.terminate()
    assert ended(slow)[0] == 0


def test_a_missing_plugin_ends_the_server(commands: Commands) -> None:
    code, _, stderr = ended(commands["no plugin"])
    assert code == 1
    [line] = stderr.splitlines()
    assert line.startswith("fractal-agents-runtime: PLUGINS names nothing_of_that_name, which")
