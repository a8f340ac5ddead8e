"""A request in the form that handlers take it, and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import to_json

from fractal_agents_runtime.errors import HttpError, refused
from fractal_agents_runtime.reply import Reply
from fractal_agents_runtime.values import is_uuid

__all__ = ["Call", "Query", "Reply", "answer", "nothing", "parse_query"]

# `depth` is false, true or a number; `list` is text that may be repeated.
Kind = Literal["boolean", "integer", "string", "list", "depth"]
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
HIGHEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    # The valid values of text.
    values: tuple[str, ...] = ()
    # The valid numbers.
    least: int = 0
    most: int = HIGHEST


@dataclass(frozen=True, slots=True)
class Call:
    """A request: the parts of its path that vary, its query, its headers and its body's model."""

    path: Mapping[str, str]
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    body: Any

    def uuid(self, name: str) -> str:
        """Return a part of the path that must be a UUID."""
        value = self.path[name]
        if not is_uuid(value):
            kind = name.removesuffix("_id")
            raise refused(
                "must be a UUID", "path", name, detail=f"Invalid {kind} ID: must be a UUID"
            )
        return value.lower()


def answer(value: Any, headers: Mapping[str, str] | None = None, status: int = 200) -> Reply:
    """Return a response with this JSON value."""
    return Reply(status, to_json(value, inf_nan_mode="null"), dict(headers or {}))


def nothing(status: int = 204) -> Reply:
    """Return a response without a body."""
    return Reply(status, b"")


def parse_query(known: tuple[Query, ...], sent: Mapping[str, list[str]]) -> dict[str, Any]:
    """Parse the query's parameters. Those that the operation does not know are ignored."""
    parsed: dict[str, Any] = {}
    for one in known:
        values = sent.get(one.name, [])
        if one.kind in ("string", "list"):
            values = [value for value in values if value != ""]
        if not values:
            if one.required:
                raise _wrong(one, "Field required")
            continue
        parsed[one.name] = values if one.kind == "list" else _value(one, values[-1])
        chosen = values if one.kind == "list" else values[-1:]
        if one.values and not set(chosen) <= set(one.values):
            raise _wrong(one, f"must be one of: {', '.join(one.values)}")
    return parsed


def _value(one: Query, text: str) -> Any:
    number = int(text) if text.isascii() and text.isdigit() else None
    if one.kind == "boolean" or (one.kind == "depth" and number is None):
        if text.lower() not in BOOLEANS:
            raise _wrong(one, "must be true or false")
        return BOOLEANS[text.lower()]
    if one.kind in ("integer", "depth"):
        if number is None or not one.least <= number <= one.most:
            raise _wrong(one, f"must be a number from {one.least} to {one.most}")
        return number
    return text


def _wrong(one: Query, message: str) -> HttpError:
    return refused(message, "query", one.name, detail=f"the query's {one.name} is not valid")
