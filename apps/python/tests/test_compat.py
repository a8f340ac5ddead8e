"""compat.json: the committed, generated and served documents are equal and match the schema."""

import copy
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from fractal_agents_runtime.promises import Promise, kept

COMMITTED = files("fractal_agents_runtime").joinpath("compat.json").read_bytes()
SCHEMA = json.loads((Path(__file__).parents[3] / "contract/compat.schema.json").read_text())


def valid(document: Any) -> bool:
    return Draft202012Validator(SCHEMA).is_valid(document)


def changed(*place: str | int, to: Any) -> Any:
    """Return the committed document with one value changed or added."""
    document = copy.deepcopy(json.loads(COMMITTED))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = to
    return document


def test_info_has_the_committed_document(client: httpx.Client) -> None:
    assert client.get("/info").json()["compat"] == json.loads(COMMITTED)


def test_the_committed_document_matches_the_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(COMMITTED))


@pytest.mark.parametrize("status", ["deprecated", "removed"])
def test_a_deprecated_or_removed_version_must_name_the_release(status: str) -> None:
    for kind in ("plugins", "channels"):
        document = changed(kind, 0, "status", to=status)
        assert not valid(document)
        document[kind][0]["removal"] = "2.0.0"
        assert valid(document)
        document[kind][0]["status"] = "supported"
        assert not valid(document)


@pytest.mark.parametrize(
    "document",
    [
        {},
        changed("more", to=1),
        changed("schema", to=2),
        changed("$schema", to="https://example.org"),
        changed("version", to="v1"),
        changed("contract", "spec", to="sha256:0"),
        changed("contract", "more", to=1),
        changed("plugins", to={}),
        changed("plugins", 0, "apiVersion", to=1),
        changed("plugins", 0, "more", to=1),
        changed("plugins", 0, "removal", to="2.0"),
        changed("channels", 0, "version", to="01"),
        changed("channels", 0, "status", to="gone"),
        changed("channels", 0, "more", to=1),
    ],
)
def test_the_schema_refuses(document: Any) -> None:
    assert not valid(document)


def test_removed_versions_are_not_kept() -> None:
    promises = [Promise("1", "removed", "1.0.0"), Promise("2", "deprecated", "2.0.0"), Promise("3")]
    assert kept(promises) == ["2", "3"]
