"""The exception that a handler raises to answer with an error."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from fractal_agents_runtime.models import FieldError


class HttpError(Exception):
    """A response with an error status (RFC 9110, section 15) and the `Error` body."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


def invalid(problem: ValidationError, value: Any, *place: str) -> HttpError:
    """Return a 422 with the path of each wrong field of `value`. The paths begin with `place`."""
    errors: dict[tuple[str | int, ...], FieldError] = {}
    for found in problem.errors(include_url=False, include_context=False, include_input=False):
        path = _path(value, found["loc"], missing=found["type"] == "missing")
        errors.setdefault(path, FieldError(loc=[*place, *path], message=found["msg"]))
    return HttpError(422, "the body does not match the schema", errors=list(errors.values()))


def refused(message: str, *path: str, detail: str | None = None) -> HttpError:
    """Return a 422 for one wrong field."""
    error = FieldError(loc=list(path), message=message)
    return HttpError(422, detail or "the body does not match the schema", errors=[error])


def _path(value: Any, loc: tuple[str | int, ...], *, missing: bool) -> tuple[str | int, ...]:
    """Return the part of pydantic's path that is a path in the value.

    For a union the rest names the member of the union that was tried.
    """
    for depth, key in enumerate(loc):
        inside = isinstance(value, dict) and key in value
        if not inside and not (isinstance(value, list) and isinstance(key, int)):
            return loc if missing and depth == len(loc) - 1 else loc[:depth]
        value = value[key]
    return loc
