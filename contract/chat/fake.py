"""A fake model with OpenAI's interface at /v1, and a fake MCP server at /mcp and /locked/mcp.

    python3 contract/chat/fake.py

It prints its port, and ends when its stdin ends. The model repeats the last message, after its name
and the system's prompt. The tests of both apps use it. These messages make it do something else:

    use NAME TEXT   call the tool with {"text": TEXT}, then tell what the tool says
    refuse          answer 401, with the key in the message as some endpoints do
    break           stop in the middle of the answer, with an error that has the key
    cut             stop in the middle of the answer, without a word
    stall           begin an answer, and never end it
"""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

KEY = "sk-secret-of-the-tests"
TOKEN = "mcp-secret-of-the-tests"
TOOLS = ("shout", "fail", "other")
ENDED = threading.Event()


class Cut(Exception):  # noqa: N818
    """The connection is to be closed."""


class Handler(BaseHTTPRequestHandler):
    """Answers both."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer the model's and the MCP server's requests."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sent = self.headers.get("Authorization")
        if self.path == "/v1/chat/completions":
            self.complete(body, sent)
        elif self.path == "/mcp" or (self.path == "/locked/mcp" and sent == f"Bearer {TOKEN}"):
            self.call(body)
        else:
            self.answer(401, {"error": "who are you?"})

    def do_GET(self) -> None:
        """Refuse the stream of events that MCP servers may have."""
        self.answer(405, {})

    do_DELETE = do_GET

    def complete(self, body: dict[str, Any], sent: str | None) -> None:
        """Answer as a model."""
        last = body["messages"][-1]["content"]
        if sent != f"Bearer {KEY}" or last == "refuse":
            self.send_response(401)
            self.send_header("x-should-retry", "false")
            self.finish_json({"error": {"message": f"the key {(sent or '')[7:]} is wrong"}})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for event in told(body, last):
                self.chunk(f"data: {json.dumps(event)}\n\n")
            self.chunk("data: [DONE]\n\n")
            self.chunk("")
        except (Cut, ConnectionError):
            pass

    def chunk(self, text: str) -> None:
        """Send a part of a body; an empty one ends it."""
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())

    def call(self, body: dict[str, Any]) -> None:
        """Answer as a server of tools."""
        if "id" not in body:
            self.answer(202, None)
            return
        asked = body.get("params") or {}
        result: dict[str, Any] = {}
        if body["method"] == "initialize":
            version = asked["protocolVersion"]
            info = {"name": "fake", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        elif body["method"] == "tools/list":
            schema = {"type": "object", "properties": {"text": {"type": "string"}}}
            tools = [{"name": one, "description": one, "inputSchema": schema} for one in TOOLS]
            result = {"tools": tools}
        elif body["method"] == "tools/call":
            text = asked["arguments"].get("text", "")
            content = [{"type": "text", "text": text.upper()}]
            result = {"content": content, "isError": asked["name"] == "fail"}
        self.answer(200, {"jsonrpc": "2.0", "id": body["id"], "result": result})

    def answer(self, status: int, value: Any) -> None:
        """Send a JSON value."""
        self.send_response(status)
        self.finish_json(value)

    def finish_json(self, value: Any) -> None:
        """Send the rest of the headers, and a JSON value."""
        data = b"" if value is None else json.dumps(value).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Write no log."""


def told(body: dict[str, Any], last: str) -> Iterator[dict[str, Any]]:
    """Return the events of a model's answer."""
    name = f"chatcmpl-{uuid4()}"

    def event(end: str | None = None, **delta: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": end}
        return {"id": name, "object": "chat.completion.chunk", "created": 0, "choices": [choice]}

    yield event(role="assistant", content="")
    role = body["messages"][-1]["role"]
    known = [tool["function"]["name"] for tool in body.get("tools", [])]
    if role == "user" and last.startswith("use "):
        _, tool, text = last.split(" ", 2)
        whole = json.dumps({"text": text})
        function = {"name": tool, "arguments": ""}
        yield event(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": function}])
        for part in (whole[:5], whole[5:]):
            yield event(tool_calls=[{"index": 0, "function": {"arguments": part}}])
        yield event("tool_calls")
        return
    if role == "tool":
        words = ["the", " tool", " says", f" {last}"]
    else:
        prompts = [one["content"] for one in body["messages"] if one["role"] == "system"]
        words = [f"{body['model']}({','.join([*prompts, *known])})", *(f" {w}" for w in last.split())]
    for word in words:
        yield event(content=word)
        if last == "break":
            yield {"error": {"message": f"no room for {KEY}", "code": 500}}
        if last == "cut":
            raise Cut
        if last == "stall":
            ENDED.wait()
    yield event("stop")


class Server(ThreadingHTTPServer):
    """A server that does not complain of clients that hang up."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Write no log."""


def main() -> None:
    """Serve until stdin ends."""
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    ENDED.set()


if __name__ == "__main__":
    main()
