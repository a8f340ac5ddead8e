"""Measures the servers side by side: rates, latencies, CPU time, streams, start and memory.

    python3 contract/bench.py [--only NAME] [--seconds 3] [--runs 10000]
        [--langgraph FILE] [--langgraphjs FOLDER]

It needs the apps' environments: `uv sync` in apps/python, and `bun install && bun run build` in
apps/ts. All servers run the same graphs, of a langgraph.json. `--langgraph` is the peer's command
(`pip install 'langgraph-cli[inmem]'`), `--langgraphjs` the folder in whose node_modules
@langchain/langgraph-cli is. All traffic stays on this machine. Run it on an idle machine. Of all
figures, the server's CPU time for a request depends least on what else the machine does.
"""

import argparse
import asyncio
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

APPS = Path(__file__).resolve().parents[1] / "apps"
PYTHON = APPS / "python/.venv/bin/python"
TS = APPS / "ts"
CONNECTIONS = 16
STREAMS = 64
# Requests before a measurement: JavaScript is compiled while it runs.
WARM = 500
PATIENCE = 120

GRAPHS_PY = """
import asyncio
from typing import TypedDict
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

class State(TypedDict, total=False):
    text: str

def made(node):
    graph = StateGraph(State).add_node("node", node).add_edge(START, "node")
    return graph.add_edge("node", END).compile()

async def answer(state):
    return {"text": state["text"].upper()}

async def tell(state):
    write = get_stream_writer()
    for number in range(20):
        await asyncio.sleep(0.05)
        write({"number": number})
    return {"text": "told"}

quick, ticks = made(answer), made(tell)
"""
GRAPHS_JS = """
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
const State = Annotation.Root({ text: Annotation() });
const made = (node) =>
  new StateGraph(State).addNode("node", node).addEdge(START, "node").addEdge("node", END).compile();
export const quick = made(async ({ text }) => ({ text: text.toUpperCase() }));
export const ticks = made(async (_, { writer }) => {
  for (let number = 0; number < 20; number += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    writer?.({ number });
  }
  return { text: "told" };
});
"""
BARE_PY = """
import sys
port = int(sys.argv.pop())
from robyn import Headers, Response, Robyn
app = Robyn(__file__)
app.config.disable_openapi = True
headers = Headers({"Content-Type": "application/json"})
@app.get("/ok")
async def ok():
    return Response(200, headers, b'{"ok":true}')
app.start(host="127.0.0.1", port=port, _check_port=False)
"""
BARE_JS = """
import { serve } from "@hono/node-server";
import { Hono } from "hono";
const port = Number(process.argv[2]);
const app = new Hono().get("/ok", (context) => context.json({ ok: true }));
if (globalThis.Bun) Bun.serve({ port, hostname: "127.0.0.1", fetch: app.fetch });
else serve({ port, hostname: "127.0.0.1", fetch: app.fetch });
"""


@dataclass
class Server:
    """How a server is started."""

    name: str
    command: Callable[[int], list[str]]
    folder: Path
    # True if it only answers `/ok`.
    bare: bool = False


def at(command: list[str]) -> Callable[[int], list[str]]:
    """Return the command for a port, which is its last argument."""
    return lambda port: [*command, str(port)]


def servers(work: Path, asked: argparse.Namespace) -> list[Server]:
    """Write the graphs into folders, and return the servers whose programs are installed."""
    bun, node = shutil.which("bun"), shutil.which("node")
    python, script = work / "python", work / "js"
    for folder, name, text, bare in (
        (python, "graphs.py", GRAPHS_PY, BARE_PY),
        (script, "graphs.mjs", GRAPHS_JS, BARE_JS),
    ):
        folder.mkdir()
        (folder / name).write_text(text)
        (folder / f"bare{name[6:]}").write_text(bare)
        graphs = {one: f"./{name}:{one}" for one in ("quick", "ticks")}
        config: dict[str, object] = {"graphs": graphs, "dependencies": ["."]}
        if folder == script:
            config["node_version"] = "20"
        (folder / "langgraph.json").write_text(json.dumps(config))
    (script / "package.json").write_text('{"type": "module"}')
    (script / "node_modules").symlink_to(TS / "node_modules")
    ours = ["serve", "--config", "langgraph.json", "--port"]
    bare_js = str(script / "bare.mjs")
    found = [
        Server("bare Robyn", at([str(PYTHON), "bare.py"]), python, bare=True),
        Server(
            "ours, Python",
            at([str(PYTHON), "-m", "fractal_agents_runtime", *ours]),
            python,
        ),
    ]
    for name, program, entry in (("Bun", bun, "src/cli.ts"), ("Node", node, "dist/cli.js")):
        if program and (TS / entry).exists():
            start = [program, str(TS / entry), *ours]
            bare_start = [program, bare_js]
            found += [
                Server(f"bare {name}/Hono", at(bare_start), script, bare=True),
                Server(f"ours, {name}", at(start), script),
            ]
    if asked.langgraph:
        peer = [asked.langgraph, "dev", "--no-browser", "--no-reload", "--port"]
        found.append(Server("langgraph dev", at(peer), python))
    if asked.langgraphjs:
        modules = Path(asked.langgraphjs).resolve() / "node_modules"
        folder = work / "peer"
        shutil.copytree(script, folder, symlinks=True)
        (folder / "node_modules").unlink()
        (folder / "node_modules").symlink_to(modules)
        peer_js = [str(modules / ".bin/langgraphjs"), "dev", "--no-browser", "--port"]
        found.append(Server("langgraphjs dev", at(peer_js), folder))
    return [one for one in found if not asked.only or asked.only in one.name]


@contextmanager
def running(server: Server) -> Iterator[tuple[int, int, str]]:
    """Start a server. Yield its port, its process, and how long the start took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "LANGSMITH_TRACING": "false", "BROWSER": "true"}
    began = time.perf_counter()
    log = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        server.command(port),
        cwd=server.folder,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        listening = waited(process, lambda: socket.create_connection(("127.0.0.1", port)).close())
        path = "/ok" if server.bare else "/info"
        ready = waited(process, lambda: asked_once(port, path))
        yield port, process.pid, f"{listening - began:.2f} s, {ready - began:.2f} s"
    except RuntimeError:
        log.seek(0)
        sys.stderr.write(log.read()[-2000:].decode(errors="replace"))
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)


def waited(process: subprocess.Popen[bytes], call: Callable[[], object]) -> float:
    """Repeat a call until it does not fail. Return the time."""
    deadline = time.perf_counter() + PATIENCE
    while True:
        try:
            call()
            return time.perf_counter()
        except OSError:
            if process.poll() is not None or time.perf_counter() > deadline:
                raise RuntimeError("the server does not start") from None
            time.sleep(0.005)


def asked_once(port: int, path: str, body: object = None) -> bytes:
    """Send a request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    method = "GET" if body is None else "POST"
    headers = {"Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    reply = connection.getresponse()
    told = reply.read()
    connection.close()
    if reply.status != 200:
        raise OSError(f"{path} answers {reply.status}: {told[:200]!r}")
    return told


class Client(asyncio.Protocol):
    """A connection that sends the same request again as soon as it is answered."""

    def __init__(self, request: bytes, more: Callable[[], bool]) -> None:
        self.request, self.more = request, more
        self.latencies: list[float] = []
        self.buffer = bytearray()
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        at = head.find(b"content-length:")
        if at >= 0:
            complete = len(self.buffer) >= end + 4 + int(head[at + 15 :].split(b"\r", 1)[0])
        else:
            complete = self.buffer.endswith(b"0\r\n\r\n")
        if not complete:
            return
        if not head.startswith(b"http/1.1 200"):
            self.connection_lost(OSError(bytes(self.buffer[:300])))
            return
        self.latencies.append(time.perf_counter() - self.began)
        self.buffer.clear()
        if self.more():
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, problem: Exception | None) -> None:
        if self.ended.done():
            return
        if problem is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(problem)


def request_of(path: str, body: object = None) -> bytes:
    """Return the bytes of a request."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    text = json.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode()


async def load(
    port: int, requests: list[bytes], *, seconds: float = 0, count: int = 0
) -> tuple[float, list[float]]:
    """Send requests on one connection each. Return the requests per second, and the latencies."""
    left = count
    began = time.perf_counter()

    def more() -> bool:
        nonlocal left
        left -= 1
        return left > 0 if count else time.perf_counter() < began + seconds

    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(partial(Client, one, more), "127.0.0.1", port))[1]
        for one in requests
    ]
    await asyncio.gather(*(client.ended for client in clients))
    took = time.perf_counter() - began
    latencies = sorted(one for client in clients for one in client.latencies)
    return len(latencies) / took, latencies


async def told(group: int, port: int, requests: list[bytes], seconds: float) -> str:
    """Send requests. Return the rate, two quantiles and the server's CPU time for each as text."""
    before = processor(group)
    rate, latencies = await load(port, requests, seconds=seconds)
    each = (processor(group) - before) * 1000 / len(latencies)
    p50, p99 = (latencies[int(len(latencies) * part)] * 1000 for part in (0.5, 0.99))
    return f"{rate:.0f}/s, {p50:.1f} ms, {p99:.1f} ms, {each:.2f} ms"


async def streamed(port: int) -> str:
    """Open all streams at once. Return the time until the last has ended, which is at least 1 s."""
    body = {"assistant_id": "ticks", "input": {"text": "a"}, "stream_mode": "custom"}
    began = time.perf_counter()

    async def one() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = request_of("/runs/stream", body)
        writer.write(request.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n", 1))
        data = await asyncio.wait_for(reader.read(-1), PATIENCE)
        writer.close()
        return data.count(b"event: custom")

    events = sum(await asyncio.gather(*(one() for _ in range(STREAMS))))
    return f"{time.perf_counter() - began:.2f} s, {events} of {STREAMS * 20} events"


def processes(group: int) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the fields of `stat`, from the third on, and of `statm` of each process of a group."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if int(stat[2]) == group:
                yield stat, (entry / "statm").read_text().split()


def memory(group: int) -> float:
    """Return the resident megabytes of a process group."""
    return sum(int(statm[1]) * 4096 for _, statm in processes(group)) / 1e6


def processor(group: int) -> float:
    """Return the seconds of CPU time that a process group has used."""
    ticks = sum(int(stat[11]) + int(stat[12]) for stat, _ in processes(group))
    return ticks / os.sysconf("SC_CLK_TCK")


async def measured(port: int, group: int, asked: argparse.Namespace, *, bare: bool) -> list[str]:
    """Measure a server."""
    ok = [request_of("/ok")] * CONNECTIONS
    await load(port, ok, seconds=0.5)
    rows = [await told(group, port, ok, asked.seconds)]
    if bare:
        return rows
    body = {"assistant_id": "quick", "input": {"text": "hello"}}
    stateless = [request_of("/runs/wait", body)] * CONNECTIONS
    await load(port, stateless, count=WARM)
    rows.append(await told(group, port, stateless, asked.seconds))
    ids = [json.loads(asked_once(port, "/threads", {}))["thread_id"] for _ in range(CONNECTIONS)]
    threads = [request_of(f"/threads/{one}/runs/wait", body) for one in ids]
    await load(port, threads, count=WARM)
    rows.append(await told(group, port, threads, asked.seconds))
    rows.append(await streamed(port))
    before = memory(group)
    if asked.runs:
        await load(port, stateless, count=asked.runs // 10)
        before = memory(group)
        await load(port, stateless, count=asked.runs)
    rows.append(f"{before:.0f} MB, {memory(group):.0f} MB")
    return rows


HEADINGS = (
    "server",
    "listening, ready",
    "/ok (rate, p50, p99, CPU)",
    "stateless runs",
    "runs on threads",
    f"{STREAMS} streams of 1 s",
    "memory before and after the runs",
)


def write(row: Sequence[str]) -> None:
    """Print a row of the table."""
    sys.stdout.write(" | ".join(row) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", help="only servers whose name has this text")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--runs", type=int, default=10_000, help="0: do not measure the memory")
    parser.add_argument("--langgraph", help="the command `langgraph` of langgraph-cli[inmem]")
    parser.add_argument("--langgraphjs", help="the folder in which langgraphjs is installed")
    asked = parser.parse_args()
    write(HEADINGS)
    write(["---"] * len(HEADINGS))
    with tempfile.TemporaryDirectory() as folder:
        for server in servers(Path(folder), asked):
            try:
                with running(server) as (port, group, start):
                    work = measured(port, group, asked, bare=server.bare)
                    rows = [start, *asyncio.run(work)]
            except (OSError, RuntimeError) as problem:
                rows = [f"fails: {problem}"]
            write([server.name, *rows])


if __name__ == "__main__":
    if PYTHON.exists() and Path(sys.executable) != PYTHON and "uvloop" not in sys.modules:
        # The environment of the Python app has a faster event loop.
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    # Not on every machine, and mypy must not need it.
    with suppress(ImportError):
        importlib.import_module("uvloop").install()
    main()
