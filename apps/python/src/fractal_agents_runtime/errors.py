"""The exception that a handler raises to answer with an error."""

from collections.abc import Mapping, Sequence

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


def invalid(problem: ValidationError, *place: str) -> HttpError:
    """Return a 422 with the path of each wrong field. The paths begin with `place`."""
    errors = [
        FieldError(loc=[*place, *found["loc"]], message=found["msg"])
        for found in problem.errors(include_url=False, include_context=False, include_input=False)
    ]
    return HttpError(422, "the body does not match the schema", errors=errors)
