"""Webhooks: a run that has ended is sent to the URL that its client gave."""

from __future__ import annotations

import asyncio
import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from fractal_agents_runtime.errors import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seconds that an attempt may take, and the pauses before the attempts.
PATIENCE = 10.0
PAUSES = (0.0, 1.0, 5.0)
FAILED = 500
ALLOWED = "must be an http or https URL of this machine, or of a host in WEBHOOK_HOSTS"

log = logging.getLogger("fractal_agents_runtime")


class _NoRedirect(HTTPRedirectHandler):
    """A redirect could lead to a host that is not allowed."""

    def redirect_request(self, *_: object) -> None:
        return None


def check_webhook(url: str, hosts: Sequence[str]) -> None:
    """Refuse a URL of a host that is not allowed."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as problem:
        raise refused(ALLOWED, "body", "webhook") from problem
    plain = url.isascii() and url.isprintable() and " " not in url
    allowed = _is_local(host) or host in hosts or "*" in hosts
    if not (plain and parts.scheme in ("http", "https") and host and allowed):
        raise refused(ALLOWED, "body", "webhook")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def send_webhook(url: str, body: bytes) -> None:
    """Send a run that has ended. What does not arrive is a line in the log."""
    place = urlsplit(url)
    told = ""
    for pause in PAUSES:
        await asyncio.sleep(pause)
        try:
            status = await asyncio.to_thread(_post, url, body)
        except OSError as problem:
            told = str(problem)
            continue
        if status < FAILED:
            told = "" if status < 300 else f"it answers {status}"  # noqa: PLR2004
            break
        told = f"it answers {status}"
    if told:
        # Without the path and the query, which may have a secret.
        log.warning("webhook at %s://%s was not accepted: %s", place.scheme, place.hostname, told)


def _post(url: str, body: bytes) -> int:
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with build_opener(_NoRedirect, ProxyHandler({})).open(request, timeout=PATIENCE) as reply:
            return int(reply.status)
    except HTTPError as problem:
        return problem.code
