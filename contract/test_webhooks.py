"""Webhooks: a run that has ended is sent to a server of this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

from server import PATIENCE, Case, say, send


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, "Queue[tuple[str, Any]]"]]:
    """Run a server. Yield its address, and the paths and bodies that it receives."""
    received: Queue[tuple[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.put((self.path, json.loads(self.rfile.read(length))))
            self.send_response(status)
            self.send_header("Location", "/other")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


class Webhooks(Case):
    def test_a_run_that_has_ended_is_sent(self) -> None:
        path = self.thread()
        with receiver() as (url, received):
            for text, target in (("a", "/runs/wait"), ("a", f"{path}/runs"), ("fail b", "/runs")):
                body = {"assistant_id": "agent", "input": say(text), "webhook": f"{url}/hook?k=1"}
                self.ok(send("POST", target, {**body, "metadata": {"m": 1}}))
                where, told = received.get(timeout=PATIENCE)
                self.assertEqual(where, "/hook?k=1")
                self.assertLessEqual(
                    {"run_id", "thread_id", "kwargs", "webhook_sent_at"}, set(told)
                )
                self.assertEqual(told["metadata"]["m"], 1)
                if text == "a":
                    self.assertEqual((told["status"], told["error"]), ("success", None))
                    self.assertEqual(told["values"]["messages"][-1]["content"], "a")
                else:
                    self.assertEqual((told["status"], told["values"]), ("error", None))
                    self.assertEqual(told["error"]["message"], "b")

    def test_a_redirect_is_not_followed(self) -> None:
        with receiver(307) as (url, received):
            body = {"assistant_id": "agent", "input": say("a"), "webhook": f"{url}/hook"}
            self.ok(send("POST", "/runs/wait", body))
            self.assertEqual(received.get(timeout=PATIENCE)[0], "/hook")
            # A later run's webhook arrives, and nothing before it.
            self.ok(send("POST", "/runs/wait", {**body, "webhook": f"{url}/next"}))
            self.assertEqual(received.get(timeout=PATIENCE)[0], "/next")
