"""What a server keeps when it ends: starts one on a database, kills it, and starts it again.

    python3 contract/storage/restart.py DB COMMAND...

COMMAND serves the graph `steps`: `one`, `two`, `three` append their names to the file of the
variable STEPS, and `two` of a run with `wait` waits until the file of the variable GO exists; with
`ask` it asks. The database DB must be empty.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

sys.dont_write_bytecode = True

from ports import free_port  # noqa: E402

OPEN = build_opener(ProxyHandler({})).open
# Timeout in seconds.
PATIENCE = 60.0
DB = sys.argv[1]
COMMAND = sys.argv[2:]
Json = Any


class Server:
    """A server's process."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder / str(uuid4())
        self.folder.mkdir()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        files = {"STEPS": str(self.folder / "steps"), "GO": str(self.folder / "go")}
        # Of servers that share a database: the seconds until others take the runs of a silent one.
        files["LEASE_SECONDS"] = "2"
        self.log_file = self.folder / "log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--db", DB, "--host", "127.0.0.1", "--port", str(port)],
                env={**os.environ, **files, **settings},
                stdout=log,
                stderr=log,
            )
        wait_for(self.answers, self.log)

    def log(self) -> str:
        return self.log_file.read_text()

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(self.log())
        try:
            return bool(self.call("GET", "/info"))
        except (URLError, ConnectionError):
            return False

    def call(self, method: str, path: str, body: Json = None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, method=method)
        try:
            text = OPEN(request, None, PATIENCE).read()
        except HTTPError as error:
            if error.code == 503:
                raise URLError("not ready") from error
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error
        return json.loads(text) if text else None

    def get(self, path: str) -> Json:
        return self.call("GET", path)

    def post(self, path: str, body: Json) -> Json:
        return self.call("POST", path, body)

    def steps(self) -> list[str]:
        """Return the steps that this server began."""
        file = self.folder / "steps"
        return file.read_text().split() if file.exists() else []

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)


def wait_for(holds: Any, told: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(told())
        time.sleep(0.02)


class Storage(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def server(self, **settings: str) -> Server:
        started = Server(self.folder, **settings)
        self.addCleanup(started.kill)
        return started

    def waiting(self, server: Server) -> tuple[str, str]:
        """Start a run that waits in its second step. Return the ids of thread and run."""
        thread = server.post("/threads", {})["thread_id"]
        body = {"assistant_id": "steps", "input": {"wait": True}}
        before = len(server.steps())
        run = server.post(f"/threads/{thread}/runs", body)["run_id"]
        wait_for(lambda: server.steps()[before:] == ["one", "two"], server.log)
        return thread, run

    def test_a_server_goes_on_where_the_killed_one_ended(self) -> None:
        # One test with three servers, because the start of a server takes most of the time.
        first = self.server()
        lost = self.lost(first)
        everything = self.everything(first)
        if DB.startswith("sqlite:"):
            with self.assertRaisesRegex(AssertionError, "another server uses it"):
                Server(self.folder)
        first.kill()
        second = self.server()
        lost(second)
        everything(second)
        failed = self.failed(second)
        second.kill()
        failed(self.server(LOST_RUNS="error"))

    def everything(self, first: Server) -> Callable[[Server], None]:
        """Make one of everything. Return the check that the next server has it."""
        mine = first.post("/assistants", {"graph_id": "steps", "name": "mine", "context": {"a": 1}})
        mine_at = f"/assistants/{mine['assistant_id']}"
        first.call("PATCH", mine_at, {"name": "second", "metadata": {"b": [1, None]}})
        first.call("PATCH", mine_at, {"name": "third"})
        first.post(f"{mine_at}/latest", {"version": 2})
        gone = first.post("/assistants", {"graph_id": "steps"})["assistant_id"]
        first.call("DELETE", f"/assistants/{gone}")
        thread = first.post("/threads", {"metadata": {"who": "ä\u0000"}, "ttl": {"ttl": 5}})
        thread_at = f"/threads/{thread['thread_id']}"
        told = {"assistant_id": mine["assistant_id"], "input": {"wait": False}}
        for _ in range(2):
            result = first.post(f"{thread_at}/runs/wait", told)
        first.call("PATCH", thread_at, {"metadata": {"n": None}})
        copy = first.post(f"{thread_at}/copy", {})["thread_id"]
        cut = first.post(f"{thread_at}/copy", {})["thread_id"]
        pruned = {"thread_ids": [cut], "strategy": "keep_latest"}
        first.post("/threads/prune", pruned)
        lost = first.post("/threads", {})["thread_id"]
        first.call("DELETE", f"/threads/{lost}")
        for key, ttl in (("k", None), ("ends", 5)):
            item = {"namespace": ["a", "b"], "key": key, "value": {"x": [1.5, "ü"]}, "ttl": ttl}
            first.call("PUT", "/store/items", item)
        reads = [
            ("GET", mine_at, None),
            ("POST", f"{mine_at}/versions", {}),
            ("POST", "/assistants/search", {}),
            ("POST", "/threads/search", {"metadata": {"who": "ä\u0000"}}),
            ("GET", f"{thread_at}?include=ttl", None),
            ("GET", f"{thread_at}/state", None),
            ("POST", f"{thread_at}/history", {"limit": 100}),
            ("GET", f"{thread_at}/runs", None),
            ("POST", f"/threads/{copy}/history", {"limit": 100}),
            ("POST", f"/threads/{cut}/history", {"limit": 100}),
            ("GET", "/store/items?namespace=a.b&key=k&refresh_ttl=false", None),
            ("POST", "/store/items/search", {"namespace_prefix": ["a"]}),
            ("POST", "/store/namespaces", {}),
        ]
        before = [first.call(*read) for read in reads]

        def check(second: Server) -> None:
            for read, known in zip(reads, before, strict=True):
                now, then = second.call(*read), known
                if read[1] == "/assistants/search":
                    # The server's own assistants are made again at each start.
                    now, then = (
                        [one for one in some if one["name"] == "second"] for some in (now, then)
                    )
                    self.assertEqual(len(now), 1)
                self.assertEqual(now, then, read)
            run = before[7][0]["run_id"]
            self.assertEqual(second.get(f"{thread_at}/runs/{run}/join"), result)
            self.assertEqual(len(before[8]), len(before[6]))
            self.assertEqual(len(before[9]), 1)
            # And all can still be changed.
            second.post(f"{thread_at}/runs/wait", told)
            self.assertEqual(len(second.get(f"{thread_at}/runs")), 3)
            self.assertEqual(second.call("PATCH", mine_at, {"name": "fourth"})["version"], 4)
            for path in (thread_at, mine_at):
                second.call("DELETE", path)

        return check

    def lost(self, first: Server) -> Callable[[Server], None]:
        """Start runs. Return the check that the next server continues them from their last step."""
        thread, run = self.waiting(first)
        # One in the background, without a thread.
        first.post("/runs", {"assistant_id": "steps", "input": {"wait": True}})
        wait_for(lambda: first.steps() == ["one", "two"] * 2, first.log)
        body = {"assistant_id": "steps", "input": {"wait": False}}
        queued = first.post(f"/threads/{thread}/runs", body)["run_id"]

        def check(second: Server) -> None:
            wait_for(lambda: second.steps() == ["two", "two"], second.log)
            self.assertEqual(second.get(f"/threads/{thread}/runs/{run}")["status"], "running")
            self.assertEqual(second.get(f"/threads/{thread}")["status"], "busy")
            (second.folder / "go").write_text("")
            done = second.get(f"/threads/{thread}/runs/{run}/join")
            self.assertEqual(done["done"], ["one", "two", "three"])
            second.get(f"/threads/{thread}/runs/{queued}/join")
            wait_for(lambda: second.post("/threads/count", {"status": "busy"}) == 0, second.log)
            self.assertEqual(Counter(second.steps()), {"one": 1, "two": 3, "three": 3})
            for one in (run, queued):
                self.assertEqual(second.get(f"/threads/{thread}/runs/{one}")["status"], "success")
            self.assertEqual(second.get(f"/threads/{thread}")["status"], "idle")
            (second.folder / "go").unlink()

        return check

    def failed(self, first: Server) -> Callable[[Server], None]:
        """Start a run. Return the check that it fails on a server with LOST_RUNS=error."""
        thread, run = self.waiting(first)

        def check(second: Server) -> None:
            done = second.get(f"/threads/{thread}/runs/{run}/join")
            self.assertEqual(done["__error__"]["error"], "ServerEnded")
            self.assertEqual(second.get(f"/threads/{thread}/runs/{run}")["status"], "error")
            self.assertEqual(second.get(f"/threads/{thread}")["status"], "error")
            state = second.get(f"/threads/{thread}/state")
            self.assertEqual((state["values"]["done"], state["next"]), (["one"], ["two"]))
            self.assertEqual(second.steps(), [])

        return check


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
