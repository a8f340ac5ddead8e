"""The app behind Robyn: sockets, one line of log per request, and a clean end."""

import logging
import os
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from fractal_agents_runtime.app import App
from fractal_agents_runtime.lifecycle import Lifecycle

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

log = logging.getLogger("fractal_agents_runtime")


def serve(app: App, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Answer requests until SIGTERM or SIGINT, then end the process with exit code 0.

    Call it from the main thread. OSError: the address can't be listened on.
    """
    lifecycle = Lifecycle()
    lifecycle.watch()
    run(app, reserve(host, port), lifecycle)


def run(app: App, reserved: socket.socket, lifecycle: Lifecycle) -> None:
    """Answer requests at the address that is reserved until the lifecycle ends the process."""
    address, port = reserved.getsockname()[:2]
    _shield_robyn()
    from robyn import Headers, Request, Response, Robyn  # noqa: PLC0415
    from robyn.robyn import HttpMethod  # noqa: PLC0415

    async def answer(request: Request) -> Response:
        began = time.perf_counter()
        path = request.url.path
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        # Robyn's stubs lack it; what they have knows of one header by each name.
        headers = combined(request.headers.get_headers())  # type: ignore[attr-defined]
        reply = await lifecycle.answer(app.handle(request.method, path, body, headers))
        milliseconds = (time.perf_counter() - began) * 1000
        log.info("%s %s %d %.1fms", request.method, path, reply.status, milliseconds)
        headers = {"Content-Type": "application/json"} if reply.body else {}
        return Response(reply.status, Headers({**headers, **reply.headers}), reply.body)

    async def started() -> None:
        log.info("listening on %s port %d", address, port)

    robyn = Robyn(__file__)
    robyn.config.disable_openapi = True
    robyn.startup_handler(started)
    # Robyn's own 404 and 405 are not ours: everything comes here, and the app decides.
    for method in (getattr(HttpMethod, name) for name in METHODS):
        robyn.add_route(method, "/", answer)
        robyn.add_route(method, "/*path", answer)
    robyn.start(host=address, port=port, _check_port=False)


def combined(headers: Mapping[str, list[str]]) -> dict[str, str]:
    """Return headers as RFC 9110, 5.3 has it: one that is there twice is a list in one."""
    return {name.lower(): ", ".join(values) for name, values in headers.items()}


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket bound to the host's IP address, which Robyn can share and others can't.

    OSError where there is no such host, or the port is taken. Robyn would share a taken port
    (SO_REUSEPORT) without a word, and knows no names. It listens seconds later, when all is
    imported: no other server may think until then that the port is free.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, _, _, where = found[0]
    with _bound(family, kind, where, socket.SO_REUSEADDR):
        pass
    try:
        return _bound(family, kind, where, socket.SO_REUSEPORT)
    except OSError:
        # Connections of another program that listened here are still ending (TIME_WAIT).
        return _bound(family, kind, where, socket.SO_REUSEPORT, socket.SO_REUSEADDR)


def _bound(family: int, kind: int, where: Any, *options: int) -> socket.socket:
    one = socket.socket(family, kind)
    try:
        for option in options:
            one.setsockopt(socket.SOL_SOCKET, option, 1)
        one.bind(where)
    except OSError:
        one.close()
        raise
    return one


def _shield_robyn() -> None:
    """Keep Robyn to our settings: it reads the environment, and the command line when imported."""
    for name in [name for name in os.environ if name.startswith("ROBYN_")]:
        del os.environ[name]
    sys.argv = [sys.argv[0], "--log-level", "WARN"]
