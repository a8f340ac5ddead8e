"""The OpenAPI document, generated from the table of operations and the models."""

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from fractal_agents_runtime.call import Query
from fractal_agents_runtime.models import Error
from fractal_agents_runtime.promises import CHANNEL_HEADER, CHANNELS, kept
from fractal_agents_runtime.routes import ROUTES, Route
from fractal_agents_runtime.version import __version__

DESCRIPTION = """Runs LangGraph graphs, with the LangGraph Platform's API.

A path that is not in this document is answered with 404, and a method that a path does not \
support with 405, both with the `Error` body. Every path with GET also supports HEAD. OPTIONS \
returns the methods of a path in the `Allow` header."""

REASONS = {
    400: "The body is not JSON, or the channel protocol is not supported; see `detail`.",
    401: "The token is missing or wrong.",
    404: "There is no such assistant, graph, thread, run or version; see `detail`.",
    405: "The path does not support this method; the Allow header lists its methods.",
    408: "The run took too long.",
    409: "It exists already, or it is in use; see `detail`.",
    413: "The body is too large.",
    422: "The request does not match the schema; `errors` lists the wrong fields.",
    429: "There are too many active runs.",
    500: "The server failed.",
    503: "The server is starting or stopping, or there are too many open streams.",
}
# The objects of their answers have only some fields if the request has `select`.
SELECTED = ("searchAssistants", "searchThreads", "listRuns")
EVERYWHERE = (401, 405, 500, 503)

Json = dict[str, Any]


class _Schema(GenerateJsonSchema):
    """Generates JSON Schema without pydantic's titles, which only repeat the names."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False

    def model_schema(self, schema: Any) -> Json:
        generated = super().model_schema(schema)
        generated.pop("title", None)
        return generated


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


@cache
def render() -> str:
    """Return the text of the document, which is the same for every call."""
    return json.dumps(document(), indent=2, sort_keys=True) + "\n"


def _paths() -> Json:
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    responses = {str(status): _error(status) for status in (*EVERYWHERE, *route.errors)}
    if route.path in ("/health", "/ok"):
        del responses["401"]
    responses["405"]["headers"] = {"Allow": {"required": True, "schema": {"type": "string"}}}
    responses[str(route.status)] = _success(route)
    if route.accepted:
        responses["202"] = {"description": "Accepted."}
    operation: Json = {
        "operationId": route.operation,
        "summary": route.summary,
        "responses": responses,
    }
    parameters = [
        *[_part(name, route.method) for name in re.findall(r"{(\w+)}", route.path)],
        *[_parameter(one) for one in route.query],
        *([_channel()] if route.channel else []),
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.request:
        operation["requestBody"] = {"required": True, "content": _json(_reference(route.request))}
    return operation


def _success(route: Route) -> Json:
    if route.status == 204:  # noqa: PLR2004
        return {"description": "Done."}
    if route.events:
        return {"description": "Events.", "content": {"text/event-stream": {}}}
    if route.text:
        content = {"text/plain": {"schema": {"type": "string"}}}
        return {"description": "Done.", "content": content}
    schema = _reference(route.response) if route.response else {"type": "object"}
    if route.operation in SELECTED:
        schema = {"anyOf": [schema, {"type": "array", "items": {"type": "object"}}]}
    return {"description": "Done.", "content": _json(schema)}


def _part(name: str, method: str) -> Json:
    # GET also knows an assistant by the name of its graph.
    uuid = name in ("thread_id", "run_id") or (name == "assistant_id" and method != "GET")
    schema = {"type": "string", **({"format": "uuid"} if uuid else {})}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(one: Query) -> Json:
    text: Json = {"type": "string", **({"enum": list(one.values)} if one.values else {})}
    if one.required:
        text["minLength"] = 1
    number: Json = {"type": "integer", "minimum": one.least, "maximum": one.most}
    schemas: dict[str, Json] = {
        "boolean": {"type": "boolean"},
        "integer": number,
        "depth": {"anyOf": [{"type": "boolean"}, number]},
        "string": text,
        "list": {"type": "array", "items": text},
    }
    return {
        "name": one.name,
        "in": "query",
        "required": one.required,
        "description": one.description,
        "schema": schemas[one.kind],
    }


def _channel() -> Json:
    return {
        "name": CHANNEL_HEADER,
        "in": "header",
        "required": False,
        "description": "The version of the channel protocol, sent by channel adapters.",
        "schema": {"type": "string", "enum": kept(CHANNELS)},
    }


def _error(status: int) -> Json:
    return {"description": REASONS[status], "content": _json(_reference(Error))}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas() -> Json:
    requests = [route.request for route in ROUTES if route.request]
    responses = [route.response for route in ROUTES if route.response]
    _, schemas = models_json_schema(
        [*_in_mode(requests, "validation"), *_in_mode([*responses, Error], "serialization")],
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
