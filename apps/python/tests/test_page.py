"""The web page at `/`. `contract/page/check.py` uses it in a browser."""

import asyncio
import hashlib
import re
from base64 import b64decode
from importlib.resources import files

import pytest

from fractal_agents_runtime.app import App, Reply
from fractal_agents_runtime.echo import echo
from fractal_agents_runtime.settings import Settings, parse_settings

PAGE = files("fractal_agents_runtime").joinpath("page.html").read_bytes()


def got(method: str, settings: Settings) -> Reply:
    app = App({"echo": echo()}, "token", settings)
    return asyncio.run(app.handle(method, "/"))


def test_the_page_needs_no_token_and_its_policy_allows_only_itself() -> None:
    reply = got("GET", Settings())
    assert (reply.status, reply.body) == (200, PAGE)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        found = re.search(f"{tag}-src 'sha256-([^']+)'", policy)
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), PAGE, re.DOTALL)
        assert found
        assert b64decode(found[1]) == hashlib.sha256(text).digest()
    # What the policy would forbid.
    assert not re.search(rb"<[^>]* (style|on\w+)=", PAGE)


def test_the_page_can_be_left_out() -> None:
    assert parse_settings({}).page
    assert not parse_settings({"PAGE": "off"}).page
    with pytest.raises(ValueError, match="PAGE is 'no', not on or off"):
        parse_settings({"PAGE": "no"})
    assert got("GET", Settings(page=False)).status == 401
    assert got("POST", Settings()).status == 404
