"""Drives a server with the official SDKs, and prints the table of their methods.

Run `python3 contract/sdk/matrix.py` at the repository's root: it starts both servers from the
checkout. With BASE_URL set, it drives that server alone. It needs the apps' environments: `uv sync`
in apps/python and `bun install` in apps/ts.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "storage"))
sys.dont_write_bytecode = True

from ports import free_port  # noqa: E402
from postgresql import programs, running  # noqa: E402

APPS = HERE.parents[1] / "apps"
PYTHON = APPS / "python/.venv/bin/python"
TS = APPS / "ts"
# Timeout in seconds.
PATIENCE = 120


def drivers() -> dict[str, list[str]]:
    """Return the commands that drive a server, by SDK. An SDK that is not installed is left out."""
    found: dict[str, list[str]] = {}
    if PYTHON.exists() and list((PYTHON.parents[1] / "lib").glob("*/site-packages/langgraph_sdk")):
        found["Python SDK"] = [str(PYTHON), str(HERE / "drive.py")]
    script = shutil.which("bun") or shutil.which("node")
    if script and (TS / "node_modules/@langchain/langgraph-sdk").exists():
        found["TypeScript SDK"] = [script, str(HERE / "drive.mjs")]
    return found


def driven(command: list[str], url: str) -> dict[str, str]:
    """Drive the server. Return the result of each method."""
    names = ("http_proxy", "https_proxy", "all_proxy")
    plain = {k: v for k, v in os.environ.items() if k.lower() not in names}
    environment = {**plain, "BASE_URL": url, "SDK_HOME": str(TS), "NO_PROXY": "*"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[-1]} failed:\n{done.stderr[-2000:]}")
    results: dict[str, str] = json.loads(done.stdout)
    return results


@contextmanager
def server(folder: Path, command: list[str]) -> Iterator[str]:
    """Run a server of the checkout, and return its address."""
    port = free_port()
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + PATIENCE
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} does not answer; run it in {folder} to see why")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(url: str) -> bool:
    try:
        build_opener(ProxyHandler({})).open(f"{url}/info", None, PATIENCE).close()
    except URLError:
        return False
    return True


def table(columns: dict[str, dict[str, str]]) -> str:
    """Return the table, and how many of its cells work, as text."""
    rows = list(dict.fromkeys(name for column in columns.values() for name in column))
    lines = [" | ".join(["method", *columns]), " | ".join(["---"] * (len(columns) + 1))]
    lines.extend(
        " | ".join([row, *(one.get(row, "not driven") for one in columns.values())]) for row in rows
    )
    for name, column in columns.items():
        works = sum(result == "works" for result in column.values())
        lines.append(f"{name}: {works} of {len(rows)} methods work")
    return "\n".join(lines)


def main() -> int:
    """Print the table. Return 0 if all methods work with both SDKs."""
    sdks = drivers()
    if len(sdks) < 2:
        sys.stderr.write("run `uv sync` in apps/python and `bun install` in apps/ts first\n")
        return 2
    python = [str(PYTHON), "-m", "fractal_agents_runtime"]
    columns: dict[str, dict[str, str]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        typescript = [shutil.which("bun") or "bun", "src/cli.ts"]
        servers = {
            "Python server": (APPS / "python", python),
            "Python server, SQLite": (APPS / "python", [*python, "--db", f"sqlite:{folder}/py.db"]),
            "TypeScript server": (TS, typescript),
            "TypeScript server, SQLite": (TS, [*typescript, "--db", f"sqlite:{folder}/ts.db"]),
        }
        url = os.environ.get("BASE_URL")
        postgresql = programs()
        if not url and postgresql:
            database = stack.enter_context(running(postgresql)) + "postgres"
            servers["Python server, PostgreSQL"] = (APPS / "python", [*python, "--db", database])
            servers["TypeScript server, PostgreSQL"] = (TS, [*typescript, "--db", database])
        elif not url:
            sys.stderr.write("SKIPPED: PostgreSQL is not installed\n")
        urls = {"server": url} if url else {}
        for name, (place, command) in ({} if url else servers).items():
            urls[name] = stack.enter_context(server(place, command))
        for name, address in urls.items():
            for sdk, command in sdks.items():
                columns[f"{name}, {sdk}"] = driven(command, address)
    sys.stdout.write(table(columns) + "\n")
    return int(any(one != "works" for column in columns.values() for one in column.values()))


if __name__ == "__main__":
    sys.exit(main())
