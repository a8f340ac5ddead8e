"""Small pure functions on JSON values: ids, times, pages and filters."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

# The namespace in which the field derives an assistant's id from its graph's name.
SYSTEM = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in its usual form."""
    return _UUID.fullmatch(text) is not None


def system_id(graph: str) -> str:
    """Return the id of the assistant that a graph always has."""
    return str(uuid5(SYSTEM, graph))


def now() -> str:
    """Return the current time in the form of the API."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def milliseconds(time: str) -> int:
    """Return a time of the API as milliseconds since 1970."""
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def seconds_until(start: str, seconds: float) -> float:
    """Return how long it is until some seconds after a time."""
    passed = datetime.now(UTC) - datetime.fromisoformat(start)
    return max(0.0, seconds - passed.total_seconds())


def contains(value: Any, part: Any) -> bool:
    """Tell whether `value` has everything that `part` has, at any depth (as PostgreSQL's `@>`)."""
    if isinstance(part, Mapping):
        return isinstance(value, Mapping) and all(
            key in value and contains(value[key], inner) for key, inner in part.items()
        )
    if isinstance(part, list):
        return isinstance(value, list) and all(
            any(contains(one, inner) for one in value) for inner in part
        )
    return (type(value) is type(part) and bool(value == part)) or _same_number(value, part)


def _same_number(one: Any, other: Any) -> bool:
    numbers = (int, float)
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return isinstance(one, numbers) and isinstance(other, numbers) and one == other


def selected(found: Iterable[dict[str, Any]], fields: list[str] | None) -> list[dict[str, Any]]:
    """Return the objects with only these fields; None: all of them."""
    if fields is None:
        return list(found)
    return [{name: one[name] for name in fields if name in one} for one in found]


def ordered(found: list[dict[str, Any]], by: str, order: str) -> list[dict[str, Any]]:
    """Sort objects, given in the order of their creation, by a field with text."""
    ranked = sorted(enumerate(found), key=lambda one: (str(one[1][by]), one[0]))
    return [one for _, one in (ranked if order == "asc" else reversed(ranked))]


def page_headers(total: int, limit: int, offset: int) -> dict[str, str]:
    """Return the headers that tell how many results there are, and where the next page begins."""
    headers = {"X-Pagination-Total": str(total)}
    if offset + limit < total:
        headers["X-Pagination-Next"] = str(offset + limit)
    return headers
