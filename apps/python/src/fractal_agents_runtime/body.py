"""Checks the size of a request's body, and parses it as strict JSON."""

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from fractal_agents_runtime.errors import HttpError, invalid
from fractal_agents_runtime.routes import Route


def check_size(route: Route, body: bytes, most: int) -> None:
    """Refuse a body that is too large."""
    if route.request and len(body) > most:
        raise HttpError(413, f"the body has more than {most} bytes")


def parse(route: Route, body: bytes) -> BaseModel | None:
    """Parse a request's body as the operation's model."""
    if route.request is None:
        return None
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as problem:
        raise HttpError(400, f"the body is not JSON: {problem}") from problem
    try:
        return route.request.model_validate(value)
    except ValidationError as problem:
        raise invalid(problem, value, "body") from problem
