"""The web page at `/`: the graphs, and a chat with each. Both servers have the same page."""

import hashlib
import re
from base64 import b64encode
from functools import cache
from importlib.resources import files

from fractal_agents_runtime.reply import Reply


@cache
def page() -> Reply:
    """Return the page. Its policy allows its own style and script, and requests to the server."""
    html = files("fractal_agents_runtime").joinpath("page.html").read_bytes()
    policy = (
        "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none';"
        " frame-ancestors 'none'; img-src data:;"
        f" script-src '{_hash(html, b'script')}'; style-src '{_hash(html, b'style')}'"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Reply(200, html, headers)


def _hash(html: bytes, tag: bytes) -> str:
    (text,) = re.findall(rb"<%b>(.*?)</%b>" % (tag, tag), html, re.DOTALL)
    return f"sha256-{b64encode(hashlib.sha256(text).digest()).decode()}"
