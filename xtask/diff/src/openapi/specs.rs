//! Generates OpenAPI documents of any size, similar to those of frameworks: resources with five operations,
//! schemas that refer to each other, alternatives, nullable fields, maps. The same seed gives the same
//! document.

use serde_json::{Map, Value, json};

/// A document with this many resources; 450 are about a megabyte. In another edition every tenth resource has
/// changed.
pub fn generated(resources: usize, edition: usize) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for n in 0..resources {
        let changed = edition * usize::from(n % 10 == 3);
        let name = format!("Resource{n}");
        let next = format!("#/components/schemas/Resource{}", (n * 7 + 1) % resources);
        schemas.insert(
            format!("{name}Kind"),
            json!({ "type": "string", "enum": ["small", "large", format!("kind-{}", n + changed)] }),
        );
        schemas.insert(name.clone(), resource(n, changed, &name, &next));
        paths.insert(
            format!("/resources{n}"),
            json!({ "get": list(n, &name), "post": write(n, &name, "create") }),
        );
        let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string",
            "format": "uuid" } }]);
        let item = json!({ "parameters": id, "get": read(n, &name), "put": write(n, &name, "replace"),
            "delete": remove(n) });
        paths.insert(format!("/resources{n}/{{id}}"), item);
    }
    let error = json!({ "type": "object", "required": ["detail"],
        "properties": { "detail": { "type": "string" }, "errors": {
        "type": "array", "items": { "type": "object", "properties": { "loc": { "type": "array",
            "items": { "anyOf": [
        { "type": "string" }, { "type": "integer" }] } }, "message": { "type": "string" } } } } } });
    schemas.insert("Error".into(), error);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Generated", "version": "1.0.0" },
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": { "bearer": { "type": "http",
            "scheme": "bearer" } } },
        "security": [{ "bearer": [] }],
    })
}

fn resource(n: usize, changed: usize, name: &str, next: &str) -> Value {
    let own = |what: &str| format!("#/components/schemas/{name}{what}");
    let nullable = |schema: Value| {
        json!({ "anyOf": [schema, { "type": "null" }], "default": null,
        "description": "May be missing." })
    };
    let mut properties = json!({
        "id": { "type": "string", "format": "uuid", "readOnly": true },
        "name": { "type": "string", "minLength": 1, "maxLength": 64 + changed,
            "description": "What people call it." },
        "kind": { "$ref": own("Kind") },
        "parent": nullable(json!({ "$ref": own("") })),
        "related": { "type": "array", "items": { "$ref": next }, "maxItems": 100 },
        "limits": { "type": "object", "additionalProperties": { "type": "integer", "minimum": 0 } },
        "labels": nullable(json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        "source": { "oneOf": [
            { "type": "object", "required": ["from"], "properties": { "from": { "const": "url" },
                "url": { "type": "string" } } },
            { "type": "object", "required": ["from"], "properties": { "from": { "const": "text" },
                "text": { "type": "string" } } },
        ] },
        "created": { "type": "string", "format": "date-time" },
    });
    for field in 0..n % 5 {
        properties[format!("field{field}")] =
            json!({ "type": ["number", "null"], "maximum": 1000 + field, "description": "A figure." });
    }
    if changed > 0 {
        properties["added"] = json!({ "type": "boolean" });
    }
    json!({ "type": "object", "required": ["id", "name", "kind"], "properties": properties,
        "description": "One of many." })
}

fn body(name: &str) -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } })
}

fn responses(status: &str, content: Option<Value>) -> Value {
    let mut responses = json!({});
    responses[status] = json!({ "description": "Done." });
    if let Some(content) = content {
        responses[status]["content"] = content;
    }
    for status in ["401", "404", "422"] {
        responses[status] = json!({ "description": "Not done.", "content": body("Error") });
    }
    responses
}

fn list(n: usize, name: &str) -> Value {
    let items = json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } });
    let page = json!({ "application/json": { "schema": { "type": "object", "required": ["items"],
        "properties": { "items": items,
        "next": { "type": ["string", "null"] } } } } });
    let parameters = json!([
        { "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 100,
            "default": 20 } },
        { "name": "after", "in": "query", "schema": { "anyOf": [{ "type": "string" }, { "type": "null" }] } },
    ]);
    json!({ "operationId": format!("list{n}"), "summary": "All of them", "parameters": parameters,
        "responses": responses("200", Some(page)) })
}

fn read(n: usize, name: &str) -> Value {
    json!({ "operationId": format!("read{n}"), "summary": "One of them", "responses": responses("200",
        Some(body(name))) })
}

fn write(n: usize, name: &str, verb: &str) -> Value {
    json!({ "operationId": format!("{verb}{n}"), "summary": "Write one", "requestBody": { "required": true,
        "content": body(name) },
        "responses": responses("200", Some(body(name))) })
}

fn remove(n: usize) -> Value {
    json!({ "operationId": format!("delete{n}"), "summary": "Remove one", "responses": responses("204",
        None) })
}
