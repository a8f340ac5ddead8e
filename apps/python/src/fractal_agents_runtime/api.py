"""Answers a request, given as method, path, headers and body. Independent of the HTTP server."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from pydantic_core import to_json

from fractal_agents_runtime.assistants import Assistants
from fractal_agents_runtime.auth import check_token
from fractal_agents_runtime.body import check_size, parse
from fractal_agents_runtime.call import Call, Reply, answer, parse_query
from fractal_agents_runtime.cors import cors_headers, is_preflight
from fractal_agents_runtime.errors import HttpError
from fractal_agents_runtime.graphs import Graph
from fractal_agents_runtime.handlers import Runtime
from fractal_agents_runtime.items import Items
from fractal_agents_runtime.metrics import Metrics
from fractal_agents_runtime.models import Error
from fractal_agents_runtime.page import page
from fractal_agents_runtime.promises import CHANNEL_HEADER, CHANNELS, document, kept
from fractal_agents_runtime.records import Records
from fractal_agents_runtime.routes import Route, allowed, matching
from fractal_agents_runtime.runs import Runs
from fractal_agents_runtime.settings import Settings
from fractal_agents_runtime.spec import render
from fractal_agents_runtime.storage import storage_at
from fractal_agents_runtime.threads import Threads

Found = tuple[list[Route], dict[str, str]]

# What needs no token.
PUBLIC = ("/health", "/ok")

log = logging.getLogger("fractal_agents_runtime")


class Sent(NamedTuple):
    """A request."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]


class Api:
    """The runtime's API for some graphs."""

    def __init__(self, graphs: Mapping[str, Graph], token: str | None, settings: Settings) -> None:
        self._token = token
        self._records = Records(storage_at(settings.database, settings.lease_seconds))
        self._opening: asyncio.Task[None] | None = None
        self._sharing: asyncio.Task[None] | None = None
        spec = render().encode()
        self._runtime = Runtime(
            graphs=dict(graphs),
            spec=spec,
            compat=document(spec),
            assistants=Assistants(list(graphs), self._records),
            items=Items(self._records),
            threads=Threads(self._records),
            runs=Runs(),
            records=self._records,
            prepared={},
            settings=settings,
            metrics=Metrics(),
        )
        self._runtime.runs.runtime = self._runtime
        self._records.loaded = self._runtime.runs.followers.loaded
        self._records.kinds = {
            "assistant": self._runtime.assistants,
            "thread": self._runtime.threads,
            "run": self._runtime.runs,
            "cancel": self._runtime.runs.asked,
            "end": self._runtime.items,
        }

    async def open(self) -> None:
        """Load what is stored, and resume runs. The first request does the same."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        await self._opening

    async def _open(self) -> None:
        await self._records.open()
        if self._records.storage.shared:
            await self._runtime.runs.resume_lost()
            self._sharing = asyncio.create_task(self._runtime.runs.share())
        else:
            self._runtime.runs.recover()

    async def handle(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        query: Mapping[str, list[str]],
    ) -> Reply:
        """Answer a request. Every exception becomes a response with an error status."""
        began = time.perf_counter()
        sent = Sent(method, path, body, headers, query)
        routes, parts = matching(path)
        origins = self._runtime.settings.cors_origins
        shared = cors_headers(origins, method, headers) if origins else None
        if shared and is_preflight(method, headers):
            reply = Reply(204, b"", shared)
        else:
            reply = await self._settled(sent, (routes, parts))
            if shared:
                reply = replace(reply, headers={**reply.headers, **shared})
        label = routes[0].path if routes else "other"
        seconds = time.perf_counter() - began
        self._runtime.metrics.request(method, label, reply.status, seconds)
        return reply

    async def _settled(self, sent: Sent, found: Found) -> Reply:
        try:
            return await self._answer(sent, found)
        except HttpError as error:
            return error_reply(error)
        except Exception:
            log.exception("%s %s failed", sent.method, sent.path)
            return error_reply(HttpError(500, "internal error; the server's log has the reason"))

    async def _answer(self, sent: Sent, found: Found) -> Reply:
        method, path, body, headers, query = sent
        paged = self._runtime.settings.page and path == "/"
        if self._token and path not in PUBLIC and not paged:
            check_token(self._token, headers)
        if paged and method in ("GET", "HEAD"):
            return page()
        routes, parts = found
        if not routes:
            raise HttpError(404, "no such path; /openapi.json lists the paths")
        if method == "OPTIONS":
            return Reply(204, b"", {"Allow": allowed(routes)})
        # The HTTP server omits the body of a response to HEAD (RFC 9110, 9.3.2).
        wanted = "GET" if method == "HEAD" else method
        route = next((route for route in routes if route.method == wanted), None)
        if route is None:
            allow = allowed(routes)
            raise HttpError(405, f"{path} has no {method}, only {allow}", headers={"Allow": allow})
        check_size(route, body, self._runtime.settings.max_body)
        if route.channel:
            check_channel(headers.get(CHANNEL_HEADER.lower()))
        call = Call(parts, parse_query(route.query, query), headers, parse(route, body))
        await self.open()
        await self._records.pull()
        try:
            done = await route.handler(self._runtime, call)
        finally:
            await self._records.flush()
        if isinstance(done, Reply):
            return done
        return Reply(200, done) if isinstance(done, bytes) else answer(done)


def check_channel(version: str | None) -> None:
    """Refuse a version of the channel protocol that is not supported."""
    supported = kept(CHANNELS)
    if version is not None and version not in supported:
        listed = ", ".join(supported)
        raise HttpError(400, f"the {CHANNEL_HEADER} is not supported; supported: {listed}")


def error_reply(error: HttpError) -> Reply:
    """Return the response for an error."""
    body = Error(detail=error.detail, errors=error.errors)
    return Reply(error.status, to_json(body), error.headers)
