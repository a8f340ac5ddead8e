"""The committed OpenAPI document."""

from pathlib import Path

from fractal_agents_runtime.spec import render

COMMITTED = Path(__file__).parents[1] / "openapi.json"


def test_the_committed_document_is_what_the_code_generates() -> None:
    assert COMMITTED.read_bytes() == render().encode()
