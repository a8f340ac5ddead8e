//! What the merged view of a schema lets through, by tables.

use super::*;
use serde_json::json;

/// `#/components/schemas/Endless` needs itself; every string fits `Plain`.
fn specification() -> Value {
    let endless = json!({ "type": "object", "required": ["next"],
        "properties": { "next": { "$ref": "#/components/schemas/Endless" } } });
    let schemas = json!({ "Endless": endless, "Plain": { "type": "string" } });
    json!({ "openapi": "3.1.0", "components": { "schemas": schemas } })
}

fn viewed<T>(schema: &Value, see: impl Fn(&Document, &Node, &View) -> T) -> T {
    let root = specification();
    let (document, node) = (Document::new(&root), Node::new(schema, At::root("")));
    let view = View::of(&document, &node, &mut Vec::new());
    see(&document, &node, &view)
}

#[test]
fn plain_values_are_admitted_by_type_bounds_and_length() {
    for (schema, good, bad) in [
        (json!({ "minimum": 2, "maximum": 4 }), json!([2, 3, 4]), json!([1, 1.5, 4.5, 5])),
        (
            json!({ "type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 4 }),
            json!([2.5, 3]),
            json!([1, 2, 4, 5, "a"]),
        ),
        (
            json!({ "type": "string", "minLength": 2, "maxLength": 3 }),
            json!(["äö", "abc"]),
            json!(["a", "abcd", 1]),
        ),
        (json!({ "type": ["boolean", "null"] }), json!([true, null]), json!([1, [], {}])),
    ] {
        for (values, expected) in [(good, true), (bad, false)] {
            for value in values.as_array().unwrap() {
                assert_eq!(viewed(&schema, |_, _, view| view.admits(value)), expected, "{value} as {schema}");
            }
        }
    }
}

#[test]
fn a_short_range_of_integers_is_a_list() {
    for (schema, expected) in [
        (json!({ "type": "integer", "minimum": 2, "maximum": 4 }), Some(vec![2, 3, 4])),
        (json!({ "type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 4 }), Some(vec![3])),
        (json!({ "type": ["integer", "null"], "minimum": 1.5, "maximum": 2 }), Some(vec![2])),
        (json!({ "type": "integer", "minimum": 0, "maximum": 15 }), Some((0..16).collect())),
        (json!({ "type": "integer", "minimum": 0, "maximum": 16 }), None),
        (json!({ "type": "integer", "minimum": 2, "maximum": 4, "enum": [2, 3] }), None),
        (json!({ "type": "number", "minimum": 2, "maximum": 4 }), None),
        (json!({ "type": ["integer", "string"], "minimum": 2, "maximum": 4 }), None),
        (json!({ "type": "integer", "minimum": 2 }), None),
        (json!({ "type": "integer", "maximum": 2 }), None),
    ] {
        let expected = expected.map(|list: Vec<i32>| list.into_iter().map(Value::from).collect());
        assert_eq!(viewed(&schema, |_, _, view| view.integers()), expected, "{schema}");
    }
}

#[test]
fn limits_that_contradict_each_other_leave_no_type() {
    for (schema, expected) in [
        (json!({ "minimum": 2, "maximum": 1 }), "boolean or string or array or object or null"),
        (json!({ "type": ["number", "string"], "minimum": 2, "maximum": 2 }), "number or string"),
        (json!({ "type": ["number", "string"], "minimum": 2, "maximum": 1 }), "string"),
        (json!({ "type": "number", "exclusiveMinimum": 2, "maximum": 2 }), "nothing"),
        (json!({ "type": "number", "minimum": 2, "exclusiveMaximum": 2 }), "nothing"),
        (json!({ "type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 3 }), "nothing"),
        (json!({ "type": "integer", "minimum": 1.2, "maximum": 1.8 }), "nothing"),
        (json!({ "type": "number", "minimum": 1.2, "maximum": 1.8 }), "number"),
        (json!({ "type": ["boolean", "number", "string", "array", "object"] }), "any type"),
        (json!({ "type": "string", "minLength": 2, "maxLength": 1 }), "nothing"),
        (json!({ "type": "string", "minLength": 1, "maxLength": 1 }), "string"),
        (json!({ "type": "array", "minItems": 2, "maxItems": 1 }), "nothing"),
        (json!({ "type": ["object", "null"], "minProperties": 2, "maxProperties": 1 }), "null"),
        (json!({ "allOf": [{ "type": ["string", "integer"] }, { "type": ["integer", "null"] }] }), "integer"),
        (json!({ "allOf": [{ "type": "string" }, false] }), "nothing"),
    ] {
        assert_eq!(viewed(&schema, |_, _, view| view.types.to_string()), expected, "{schema}");
    }
}

#[test]
fn listed_values_that_nothing_else_refuses_are_left() {
    for (schema, expected) in [
        (json!({ "type": "string", "enum": ["a", "bb", 1], "minLength": 2 }), json!(["bb"])),
        (json!({ "enum": [1, 2, 3], "minimum": 2, "exclusiveMaximum": 3 }), json!([2])),
        (json!({ "enum": ["a", 1] }), json!(["a", 1])),
    ] {
        let found = viewed(&schema, |_, _, view| view.values.iter().flatten().copied().cloned().collect());
        assert_eq!(Value::Array(found), expected, "{schema}");
    }
}

#[test]
fn a_schema_is_possible_if_some_value_fits() {
    let never = json!({ "a": false });
    for (schema, expected) in [
        (json!({ "type": "string" }), true),
        (json!({ "type": [] }), false),
        (json!({ "type": "string", "enum": [] }), false),
        (json!({ "type": "string", "enum": ["a"], "minLength": 2 }), false),
        (json!({ "type": ["string", "null"], "enum": ["a", null], "minLength": 2 }), true),
        (json!({ "type": "object", "properties": never }), true),
        (json!({ "type": "object", "properties": never, "required": ["a"] }), false),
        (json!({ "type": ["object", "string"], "properties": never, "required": ["a"] }), true),
        (json!({ "type": "array", "items": false }), true),
        (json!({ "type": "array", "items": false, "minItems": 1 }), false),
        (json!({ "type": "array", "minItems": 1 }), true),
        (json!({ "type": "array", "prefixItems": [false], "items": {}, "minItems": 1 }), false),
        (json!({ "type": "array", "prefixItems": [{}], "items": false, "minItems": 1 }), true),
        (json!({ "oneOf": [{ "type": [] }, { "type": "string", "enum": [] }] }), false),
        (json!({ "oneOf": [{ "type": [] }, { "type": "string" }, { "type": "integer" }] }), true),
        (json!({ "$ref": "#/components/schemas/Endless" }), false),
        (json!({ "$ref": "#/components/schemas/Plain" }), true),
        (json!({ "$ref": "#/components/schemas/Plain", "type": [] }), false),
        (json!({ "$ref": "#/components/schemas/Gone" }), true),
        (
            json!({ "type": "object", "properties": { "a": { "$ref": "#/components/schemas/Endless" } } }),
            true,
        ),
    ] {
        let found = viewed(&schema, |document, node, _| possible(document, node, 4));
        assert_eq!(found, expected, "{schema}");
    }
}
