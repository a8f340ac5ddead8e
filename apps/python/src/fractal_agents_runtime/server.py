"""The app behind Robyn: sockets, one line of log per request, and a clean end."""

import logging
import os
import socket
import sys
import time

from fractal_agents_runtime.app import MAX_BODY, App
from fractal_agents_runtime.lifecycle import Lifecycle

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

log = logging.getLogger("fractal_agents_runtime")


def serve(app: App, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Answer requests until SIGTERM or SIGINT, then end the process with exit code 0.

    Call it from the main thread. OSError: the address can't be listened on.
    """
    lifecycle = Lifecycle()
    lifecycle.watch()
    run(app, host, port, lifecycle)


def run(app: App, host: str, port: int, lifecycle: Lifecycle) -> None:
    """Answer requests until the lifecycle ends the process."""
    check_address(host, port)
    _shield_robyn(host, port)
    from robyn import Headers, HttpMethod, Request, Response, Robyn  # noqa: PLC0415

    async def answer(request: Request) -> Response:
        began = time.perf_counter()
        path = request.url.path
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        reply = await lifecycle.answer(app.handle(request.method, path, body))
        milliseconds = (time.perf_counter() - began) * 1000
        log.info("%s %s %d %.1fms", request.method, path, reply.status, milliseconds)
        headers = {"Content-Type": "application/json"} if reply.body else {}
        return Response(reply.status, Headers({**headers, **reply.headers}), reply.body)

    async def started() -> None:
        log.info("listening on http://%s:%d", host, port)

    robyn = Robyn(__file__)
    robyn.config.disable_openapi = True
    robyn.startup_handler(started)
    # Robyn's own 404 and 405 are not ours: everything comes here, and the app decides.
    for method in (getattr(HttpMethod, name) for name in METHODS):
        robyn.add_route(method, "/", answer)
        robyn.add_route(method, "/*path", answer)
    robyn.start(host=host, port=port, _check_port=False)


def check_address(host: str, port: int) -> None:
    """Fail where the address is taken: Robyn would share it (SO_REUSEPORT) and say nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _shield_robyn(host: str, port: int) -> None:
    """Keep Robyn to our settings: it reads the environment, and the command line when imported."""
    for name in [name for name in os.environ if name.startswith("ROBYN_")]:
        del os.environ[name]
    os.environ.update(
        ROBYN_HOST=host, ROBYN_PORT=str(port), ROBYN_MAX_PAYLOAD_SIZE=str(2 * MAX_BODY)
    )
    sys.argv = [sys.argv[0], "--log-level", "WARN"]
