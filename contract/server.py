"""Requests to the server under test, and checks of its answers."""

import json
import os
import sys
import unittest
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

# Timeout in seconds.
PATIENCE = 60.0

BASE_URL = urlsplit(os.environ.get("BASE_URL", ""))
if BASE_URL.scheme != "http" or not BASE_URL.hostname:
    sys.stderr.write(
        "BASE_URL is not an http URL of a server. Start one, then run at the repository's root:\n"
        "  BASE_URL=http://127.0.0.1:8000 python3 contract\n"
    )
    # Not sys.exit: unittest would report it as a failed test with a traceback, once per file.
    os._exit(2)


@dataclass(frozen=True)
class Reply:
    """An answer. The names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def connect() -> HTTPConnection:
    """Return a new connection to the server."""
    return HTTPConnection(BASE_URL.hostname or "", BASE_URL.port or 80, timeout=PATIENCE)


def ask(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Reply:
    """Send a request on a new connection. The path is not encoded, and no Content-Type is sent."""
    connection = connect()
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, response.read())
    finally:
        connection.close()


def run(body: object) -> Reply:
    """Request a run without a thread."""
    return ask("POST", "/runs/wait", json.dumps(body).encode())


def send(method: str, path: str, body: object = None) -> Reply:
    """Send a request with a JSON body; None: without a body."""
    return ask(method, path, None if body is None else json.dumps(body).encode())


def say(text: str) -> dict[str, Any]:
    """Return an input of the agent graph: `add 2 3`, `wait 0.5`, `ask Go on?` or words."""
    return hello(text)


@dataclass(frozen=True)
class Event:
    """An event of a stream."""

    name: str
    data: Any
    id: str | None


def parsed(text: str) -> list[Event]:
    """Return the events of a stream (HTML standard, 9.2). Comments are left out."""
    events = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":")
        )
        if fields:
            events.append(Event(fields["event"], json.loads(fields["data"]), fields.get("id")))
    return events


def hello(content: str = "hello") -> dict[str, Any]:
    """Return an input of the echo graph."""
    return {"messages": [{"role": "user", "content": content}]}


class Case(unittest.TestCase):
    """A test case that can check error answers."""

    def assert_error(self, reply: Reply, status: int) -> dict[str, Any]:
        """Check the status and the form of the body. Return the body."""
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.headers["content-type"], "application/json")
        error: dict[str, Any] = reply.json()
        self.assertLessEqual({"detail", "errors"}, set(error))
        self.assertIsInstance(error["detail"], str)
        for field in error["errors"]:
            self.assertLessEqual({"loc", "message"}, set(field))
            self.assertTrue(field["message"])
        if status != 422:
            self.assertEqual(error["errors"], [])
        return error

    def assert_refused(self, reply: Reply, *places: list[str | int]) -> None:
        """Check that the answer is 422, and names these fields."""
        error = self.assert_error(reply, 422)
        self.assertEqual([field["loc"] for field in error["errors"]], list(places))

    def events(self, reply: Reply) -> list[Event]:
        """Check that the answer is a stream. Return its events."""
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.headers["content-type"], "text/event-stream; charset=utf-8")
        return parsed(reply.body.decode())

    def thread(self, **fields: object) -> str:
        """Create a thread. Return its path."""
        made = self.ok(send("POST", "/threads", fields))
        return f"/threads/{made['thread_id']}"

    def ok(self, reply: Reply, status: int = 200) -> Any:
        """Check the status. Return the body."""
        self.assertEqual(reply.status, status, reply.body)
        return reply.json() if reply.body else None
