"""The server under test: how it is asked, and what its answers are."""

import json
import os
import sys
import unittest
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

# How long anything may take before a test gives up on it.
PATIENCE = 20.0

BASE_URL = urlsplit(os.environ.get("BASE_URL", ""))
if BASE_URL.scheme != "http" or not BASE_URL.hostname:
    sys.stderr.write(
        "BASE_URL names no server. Start one, then, at the repository's root:\n"
        "  BASE_URL=http://127.0.0.1:8000 python3 -m unittest discover --start-directory contract\n"
    )
    # Not sys.exit: unittest would make a failed test of it, with a traceback, once per file.
    os._exit(2)


@dataclass(frozen=True)
class Reply:
    """An answer as it came; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def connect() -> HTTPConnection:
    """Return a connection to the server, for who needs one of their own."""
    return HTTPConnection(BASE_URL.hostname or "", BASE_URL.port or 80, timeout=PATIENCE)


def ask(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Reply:
    """Send a request on a new connection. The path is sent as it is, the body without a type."""
    connection = connect()
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, response.read())
    finally:
        connection.close()


def run(body: object) -> Reply:
    """Ask for a run without a thread."""
    return ask("POST", "/runs/wait", json.dumps(body).encode())


def hello(content: str = "hello") -> dict[str, Any]:
    """Return an input of the echo graph."""
    return {"messages": [{"role": "user", "content": content}]}


class Case(unittest.TestCase):
    """A test that knows the errors' one form."""

    def assert_error(self, reply: Reply, status: int) -> dict[str, Any]:
        """Check the status and the body's shape; the body."""
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
