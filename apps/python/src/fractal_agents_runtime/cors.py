"""Which web pages of other origins may use the server (Fetch standard, 3.2)."""

from collections.abc import Mapping, Sequence

METHODS = "GET, POST, PUT, PATCH, DELETE"
EXPOSED = "Content-Location, Location, X-Pagination-Next, X-Pagination-Total"


def cors_headers(
    origins: Sequence[str], method: str, headers: Mapping[str, str]
) -> dict[str, str] | None:
    """Return the headers for a request from a page. None: it may not use the server."""
    origin = headers.get("origin")
    if origin is None or ("*" not in origins and origin not in origins):
        return None
    shared = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    if not is_preflight(method, headers):
        return {**shared, "Access-Control-Expose-Headers": EXPOSED}
    asked = headers.get("access-control-request-headers")
    return {
        **shared,
        "Access-Control-Allow-Methods": METHODS,
        **({"Access-Control-Allow-Headers": asked} if asked else {}),
        "Access-Control-Max-Age": "600",
    }


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether the request is a CORS preflight."""
    return method == "OPTIONS" and "access-control-request-method" in headers
