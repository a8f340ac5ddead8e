"""The OpenAPI document, made from the table of operations and the models; the same everywhere."""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from fractal_agents_runtime.models import Error
from fractal_agents_runtime.promises import CHANNEL_HEADER, CHANNELS, kept
from fractal_agents_runtime.routes import ROUTES, Route
from fractal_agents_runtime.version import __version__

DESCRIPTION = """Runs LangGraph graphs, with the LangGraph Platform's API.

A path that is not in this document answers 404, and a method that a path does not have 405; both \
with the `Error` body. HEAD is answered wherever GET is, and OPTIONS names a path's methods."""

REASONS = {
    400: "The body is not JSON, or the channel protocol is not supported; `detail` says which.",
    404: "There is no assistant of this name.",
    405: "The path does not have this method; Allow names those that it has.",
    413: "The body is too large.",
    422: "The body does not have the documented form; `errors` names the fields.",
    500: "The server failed.",
    503: "The server is stopping.",
}
EVERYWHERE = (405, 500, 503)

Json = dict[str, Any]


class _Schema(GenerateJsonSchema):
    """JSON Schema without pydantic's titles, which only repeat the names."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False

    def model_schema(self, schema: Any) -> Json:
        made = super().model_schema(schema)
        made.pop("title", None)
        return made


def document() -> Json:
    """Return the document as JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fractal Agents Runtime",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


def render() -> str:
    """Return the document's text: what is committed, printed and served."""
    return json.dumps(document(), indent=2, sort_keys=True) + "\n"


def _paths() -> Json:
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    responses = {str(status): _error(status) for status in (*EVERYWHERE, *route.errors)}
    responses["405"]["headers"] = {"Allow": {"required": True, "schema": {"type": "string"}}}
    schema = _reference(route.response) if route.response else {"type": "object"}
    responses["200"] = {"description": "Done.", "content": _json(schema)}
    operation: Json = {
        "operationId": route.operation,
        "summary": route.summary,
        "responses": responses,
    }
    if route.channel:
        operation["parameters"] = [_channel()]
    if route.request:
        operation["requestBody"] = {"required": True, "content": _json(_reference(route.request))}
    return operation


def _channel() -> Json:
    return {
        "name": CHANNEL_HEADER,
        "in": "header",
        "required": False,
        "description": "The channel protocol that the sender speaks, if it is a channel adapter.",
        "schema": {"type": "string", "enum": kept(CHANNELS)},
    }


def _error(status: int) -> Json:
    return {"description": REASONS[status], "content": _json(_reference(Error))}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas() -> Json:
    sent = [route.request for route in ROUTES if route.request]
    answered = [route.response for route in ROUTES if route.response]
    _, schemas = models_json_schema(
        [*_in_mode(sent, "validation"), *_in_mode([*answered, Error], "serialization")],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schema,
        union_format="primitive_type_array",
    )
    defined: Json = schemas["$defs"]
    return defined


def _in_mode(
    models: Iterable[type[BaseModel]], mode: JsonSchemaMode
) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    return [(model, mode) for model in models]
