"""Serves the app with Robyn: the sockets, one log line per request, and a clean stop."""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from fractal_agents_runtime.app import App
from fractal_agents_runtime.lifecycle import STOPPING, Lifecycle
from fractal_agents_runtime.reply import Reply, unavailable
from fractal_agents_runtime.storage import StorageError

# What `/ok` answers until the graphs are imported.
OK = Reply(200, b'{"ok":true}')
FIELDS = ("method", "path", "status", "milliseconds")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

log = logging.getLogger("fractal_agents_runtime")


def serve(app: App, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Answer requests until SIGTERM or SIGINT, then end the process with exit code 0.

    Call it from the main thread. Raises OSError if it can't listen on the address.
    """
    lifecycle = Lifecycle()
    lifecycle.watch()
    run(lambda: app, reserve(host, port), lifecycle, cors=bool(app.cors_origins))


def run(
    load: Callable[[], App], reserved: socket.socket, lifecycle: Lifecycle, *, cors: bool
) -> None:
    """Answer requests at the reserved address until the lifecycle ends the process.

    `load` returns the app. It is called when the server listens, because it imports graphs. Until
    it returns, only `/ok` is answered. If it fails, the process ends with exit code 1. `cors` tells
    whether pages of other origins may use the app.
    """
    address, port = reserved.getsockname()[:2]
    arguments = _shield_robyn()
    door = _Door()
    from robyn import Headers, Request, Response, Robyn, StreamingResponse  # noqa: PLC0415
    from robyn.robyn import HttpMethod  # noqa: PLC0415

    async def answer(request: Request) -> Response | StreamingResponse:
        began = time.perf_counter()
        path = request.url.path
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        # Robyn's type stubs lack get_headers. The methods they have return one value per name.
        headers = combined(request.headers.get_headers())  # type: ignore[attr-defined]
        query = decoded(request.query_params.to_dict())
        if door.app is None:
            reply = OK if path == "/ok" else unavailable("the server is starting")
        else:
            work = door.app.handle(request.method, path, body, headers, query)
            reply = await lifecycle.answer(work)
        milliseconds = (time.perf_counter() - began) * 1000
        told = (request.method, path, reply.status, milliseconds)
        fields = dict(zip(FIELDS, told, strict=True))
        log.info("%s %s %d %.1fms", *told, extra={"fields": fields})
        if reply.stream is not None:
            kind = reply.headers["Content-Type"]
            sent = Headers(reply.headers)
            return StreamingResponse(reply.stream, reply.status, sent, kind)  # type: ignore[arg-type]
        return response(reply)

    def response(reply: Reply) -> Response:
        headers = {"Content-Type": "application/json"} if reply.body else {}
        return Response(reply.status, Headers({**headers, **reply.headers}), reply.body)

    ok_headers = Headers({"Content-Type": "application/json"})

    # Monitors ask for `/ok` often: it is neither logged nor counted. Without a parameter, because
    # Robyn needs a sixth of the time to make a request's object.
    async def probe() -> Response:
        if lifecycle.stopping:
            return response(unavailable(STOPPING))
        return Response(OK.status, ok_headers, OK.body)

    async def probe_of_a_page(request: Request) -> Response | StreamingResponse:
        return await (answer(request) if request.headers.contains("origin") else probe())

    async def started() -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=door.open,
            args=(load, loop, f"{address} port {port}"),
            name="graphs",
            daemon=True,
        ).start()

    robyn = Robyn(__file__)
    # Graphs see the command as it was started.
    sys.argv = arguments
    robyn.config.disable_openapi = True
    robyn.startup_handler(started)
    robyn.add_route(HttpMethod.GET, "/ok", probe_of_a_page if cors else probe)
    # Route every method and path to the app, because Robyn's own 404 and 405 have another body.
    for method in (getattr(HttpMethod, name) for name in METHODS):
        robyn.add_route(method, "/", answer)
        robyn.add_route(method, "/*path", answer)
    robyn.start(host=address, port=port, _check_port=False)


class _Door:
    """The app, as soon as its graphs are imported."""

    def __init__(self) -> None:
        self.app: App | None = None

    def open(self, load: Callable[[], App], loop: asyncio.AbstractEventLoop, place: str) -> None:
        """Import the graphs and open the storage, or end the process."""
        try:
            app = load()
            # In the loop that answers requests: connections to a database belong to one loop.
            asyncio.run_coroutine_threadsafe(app.open(), loop).result()
            self.app = app
        except SystemExit as ending:
            sys.stderr.write(f"{ending}\n")
        except StorageError as problem:
            sys.stderr.write(f"fractal-agents-runtime: {problem}\n")
        except BaseException:
            log.exception("the graphs can't be imported")
        else:
            # Only now, because programs wait for this line before they send requests.
            log.info("listening on %s", place)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def combined(headers: Mapping[str, list[str]]) -> dict[str, str]:
    """Join repeated headers into one comma-separated list (RFC 9110, 5.3)."""
    return {name.lower(): ", ".join(values) for name, values in headers.items()}


def decoded(query: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Decode the parameters of a query, which Robyn only splits."""
    return {
        unquote_plus(name): [unquote_plus(one) for one in values] for name, values in query.items()
    }


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket bound to the host's IP address. Robyn can share it, other programs can't.

    Raises OSError if the host is unknown or the port is taken. Robyn itself does not resolve names,
    and silently shares a taken port (SO_REUSEPORT). Robyn listens seconds later, after all imports;
    until then this socket keeps the port.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, _, _, where = found[0]
    with _bound(family, kind, where, socket.SO_REUSEADDR):
        pass
    try:
        return _bound(family, kind, where, socket.SO_REUSEPORT)
    except OSError:
        # Connections of a program that used this port before are still closing (TIME_WAIT).
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


def _shield_robyn() -> list[str]:
    """Hide settings from Robyn, which reads the environment, and the command line at its import.

    Return the command line.
    """
    arguments = sys.argv
    for name in [name for name in os.environ if name.startswith("ROBYN_")]:
        del os.environ[name]
    sys.argv = [sys.argv[0], "--log-level", "WARN"]
    return arguments
