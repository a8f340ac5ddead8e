"""An answer of the server. Imports little, because the server needs it before all else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """A response. The body is JSON, or empty."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    # The rest of the body, if it is not known yet. Then `headers` has the type of the content.
    stream: Iterator[bytes] | None = None


def unavailable(detail: str) -> Reply:
    """Return a 503 of a server that starts or stops."""
    body = json.dumps({"detail": detail, "errors": []}, separators=(",", ":"))
    return Reply(503, body.encode(), {"Retry-After": "1"})
