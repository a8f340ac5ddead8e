"""The OpenAPI document: the committed, generated and served documents are equal."""

import json
from pathlib import Path

import httpx

from fractal_agents_runtime import __version__
from fractal_agents_runtime.routes import ROUTES
from fractal_agents_runtime.spec import document

COMMITTED = Path(__file__).parents[1] / "openapi.json"


def test_the_served_document_is_the_committed_one(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json() == json.loads(COMMITTED.read_text())


def test_the_document_has_the_packages_version() -> None:
    assert document()["info"]["version"] == __version__


def test_every_operation_of_the_table_is_in_the_document_and_no_other() -> None:
    documented = {
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method in operations
    }
    assert documented == {(route.method, route.path) for route in ROUTES}


def test_every_reference_leads_to_a_schema() -> None:
    text = COMMITTED.read_text()
    names = {line.split("/")[-1].rstrip('",') for line in text.splitlines() if '"$ref"' in line}
    assert names == set(document()["components"]["schemas"])
