//! Tables of values against schemas, and what is tried for each kind of schema.

use super::super::document::At;
use super::super::node::Without;
use super::*;
use expect_test::expect;

/// `#/components/schemas/Text` is a string of at most two characters; `Circle` refers to itself.
fn specification(version: &str) -> Value {
    let text = json!({ "type": "string", "maxLength": 2 });
    let circle = json!({ "anyOf": [{ "$ref": "#/components/schemas/Circle" }, { "type": "string" }] });
    json!({ "openapi": version, "components": { "schemas": { "Text": text, "Circle": circle } } })
}

fn judged(version: &str, schema: &Value, value: &Value, one_of: OneOf) -> Option<bool> {
    let root = specification(version);
    fits(&Document::new(&root), &Node::new(schema, At::root("")), value, one_of)
}

/// The schema, values that fit, and values that do not.
fn check(version: &str, table: &[(Value, Value, Value)]) {
    for (schema, good, bad) in table {
        for (values, expected) in [(good, true), (bad, false)] {
            for value in list(values) {
                let found = judged(version, schema, value, OneOf::Exactly);
                assert_eq!(found, Some(expected), "{value} as {schema}");
            }
        }
    }
}

#[test]
fn plain_values_fit_or_do_not() {
    check(
        "3.1.0",
        &[
            (json!(true), json!([1, null]), json!([])),
            (json!(false), json!([]), json!([1, null])),
            (json!({ "type": "string" }), json!(["a"]), json!([1, null, []])),
            (json!({ "type": "integer" }), json!([1, 1.0]), json!([1.5, "1"])),
            (json!({ "type": ["number", "null"] }), json!([1, 1.5, null]), json!(["a", true])),
            (json!({ "enum": [1, "a"] }), json!([1.0, "a"]), json!([2, "b"])),
            (json!({ "const": { "a": [1] } }), json!([{ "a": [1.0] }]), json!([{}, { "a": [2] }])),
            (json!({ "type": "string", "nullable": true }), json!([null, "a"]), json!([1])),
            (json!({ "minimum": 2 }), json!([2, 3, "a"]), json!([1])),
            (json!({ "maximum": 2 }), json!([2, 1]), json!([3])),
            (json!({ "exclusiveMinimum": 2 }), json!([2.5, 3]), json!([1, 2])),
            (json!({ "exclusiveMaximum": 2 }), json!([1, 1.5]), json!([2, 3])),
            (json!({ "minimum": 2, "exclusiveMinimum": true }), json!([3]), json!([2, 1])),
            (json!({ "maximum": 2, "exclusiveMaximum": true }), json!([1]), json!([2, 3])),
            (json!({ "maximum": 2, "exclusiveMaximum": false }), json!([2]), json!([3])),
            (json!({ "multipleOf": 2 }), json!([4, 0]), json!([3])),
            (json!({ "multipleOf": 0 }), json!([3]), json!([])),
            (json!({ "minLength": 2 }), json!(["äö", 1]), json!(["ä"])),
            (json!({ "maxLength": 2 }), json!(["", "äö"]), json!(["abc"])),
            (json!({ "$ref": "#/components/schemas/Text" }), json!(["ab"]), json!(["abc", 1])),
            (json!({ "$ref": "#/components/schemas/Text", "minLength": 1 }), json!(["a"]), json!([""])),
        ],
    );
}

#[test]
fn lists_fit_or_do_not() {
    check(
        "3.1.0",
        &[
            (json!({ "minItems": 1 }), json!([[1], "a"]), json!([[]])),
            (json!({ "maxItems": 1 }), json!([[], [1]]), json!([[1, 2]])),
            (json!({ "uniqueItems": true }), json!([[], [1, 2]]), json!([[1, 1.0], [1, 2, 1]])),
            (json!({ "uniqueItems": false }), json!([[1, 1]]), json!([])),
            (json!({ "items": { "type": "string" } }), json!([[], ["a"]]), json!([[1], ["a", 1]])),
            (
                json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
                json!([[], ["a"], ["a", 1]]),
                json!([[1], ["a", "b"], ["a", 1, "b"]]),
            ),
            (json!({ "contains": { "type": "string" } }), json!([["a"], [1, "a", "b"]]), json!([[], [1]])),
            (
                json!({ "contains": { "type": "string" }, "minContains": 2, "maxContains": 3 }),
                json!([["a", 1, "b"], ["a", "b", "c"]]),
                json!([["a"], ["a", "b", "c", "d"]]),
            ),
            (json!({ "contains": { "type": "string" }, "minContains": 0 }), json!([[], [1]]), json!([])),
        ],
    );
}

#[test]
fn objects_fit_or_do_not() {
    let a = json!({ "a": { "type": "string" } });
    check(
        "3.1.0",
        &[
            (json!({ "minProperties": 1 }), json!([{ "a": 1 }]), json!([{}])),
            (json!({ "maxProperties": 1 }), json!([{}, { "a": 1 }]), json!([{ "a": 1, "b": 1 }])),
            (json!({ "required": ["a"] }), json!([{ "a": 1 }, []]), json!([{}, { "b": 1 }])),
            (
                json!({ "dependentRequired": { "a": ["b"] } }),
                json!([{}, { "b": 1 }, { "a": 1, "b": 1 }]),
                json!([{ "a": 1 }, { "a": 1, "c": 1 }]),
            ),
            (
                json!({ "dependentSchemas": { "a": { "required": ["b"] } } }),
                json!([{}, { "c": 1 }, { "a": 1, "b": 1 }]),
                json!([{ "a": 1 }]),
            ),
            (json!({ "properties": a }), json!([{}, { "a": "x" }, { "b": 1 }]), json!([{ "a": 1 }])),
            (
                json!({ "properties": a, "additionalProperties": false }),
                json!([{}, { "a": "x" }]),
                json!([{ "a": 1 }, { "b": 1 }]),
            ),
            (
                json!({ "additionalProperties": { "type": "string" } }),
                json!([{}, { "b": "x" }]),
                json!([{ "b": 1 }, { "a": "x", "b": 1 }]),
            ),
        ],
    );
}

#[test]
fn alternatives_and_conditions_fit_or_do_not() {
    let two = json!([{ "type": "integer", "minimum": 2 }, { "type": "integer", "maximum": 4 }]);
    let conditional =
        json!({ "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "minimum": 2 } });
    check(
        "3.1.0",
        &[
            (json!({ "allOf": two }), json!([2, 3, 4]), json!([1, 5, "a"])),
            (json!({ "anyOf": two }), json!([1, 3, 5]), json!(["a", 1.5])),
            (json!({ "oneOf": two }), json!([1, 5]), json!([3, "a"])),
            (json!({ "oneOf": two, "discriminator": { "propertyName": "k" } }), json!([1, 3]), json!(["a"])),
            (json!({ "not": { "type": "string" } }), json!([1]), json!(["a"])),
            (conditional, json!(["aa", 2]), json!(["a", 1])),
            (json!({ "if": { "type": "string" }, "else": { "minimum": 2 } }), json!(["a"]), json!([1])),
        ],
    );
    assert_eq!(judged("3.1.0", &json!({ "oneOf": two }), &json!(3), OneOf::AtLeast), Some(true));
    assert_eq!(judged("3.1.0", &json!({ "oneOf": two }), &json!("a"), OneOf::AtLeast), Some(false));
}

#[test]
fn what_is_beside_a_reference_does_not_count_in_3_0() {
    let schema = json!({ "$ref": "#/components/schemas/Text", "minLength": 1, "nullable": true });
    assert_eq!(judged("3.0.3", &schema, &json!(""), OneOf::Exactly), Some(true));
    assert_eq!(judged("3.0.3", &schema, &Value::Null, OneOf::Exactly), Some(false));
    assert_eq!(judged("3.1.0", &schema, &json!(""), OneOf::Exactly), Some(false));
}

#[test]
fn alternatives_that_are_compared_one_by_one_do_not_count_again() {
    let root = specification("3.1.0");
    let never = json!([{ "type": "integer" }, { "type": "integer" }]);
    let schema = json!({ "allOf": [false], "anyOf": [false], "oneOf": never, "maximum": 2 });
    let judged = |flat: bool, any: bool, one: bool| {
        let raw = Raw { flat, without: Without { any, one }, ..Raw::plain(&schema, At::root("")) };
        let node = Node { raws: vec![raw], only: Types::ALL, at: At::root("") };
        [1, 3].map(|n| fits(&Document::new(&root), &node, &json!(n), OneOf::Exactly))
    };
    assert_eq!(judged(true, true, true), [Some(true), Some(false)]);
    for (flat, any, one) in [(false, true, true), (true, false, true), (true, true, false)] {
        assert_eq!(judged(flat, any, one), [Some(false); 2], "{flat} {any} {one}");
    }
}

/// Patterns are not evaluated, and some keywords are not read.
#[test]
fn what_is_not_read_is_not_decided() {
    let pattern = json!({ "pattern": "^a" });
    let integer = json!({ "type": "integer" });
    for (schema, value, expected) in [
        (json!({ "pattern": "^a" }), json!("a"), None),
        (json!({ "pattern": "^a" }), json!(1), Some(true)),
        (json!({ "pattern": "^a", "minLength": 1 }), json!("a"), None),
        (json!({ "pattern": "^a", "minLength": 2 }), json!("a"), Some(false)),
        (json!({ "not": pattern }), json!("a"), None),
        (json!({ "if": pattern, "then": false }), json!("a"), None),
        (json!({ "anyOf": [pattern, { "type": "string" }] }), json!("a"), Some(true)),
        (json!({ "anyOf": [pattern, integer] }), json!("a"), None),
        (json!({ "oneOf": [pattern, { "type": "string" }] }), json!("a"), None),
        (json!({ "contains": pattern }), json!(["a"]), None),
        (json!({ "items": [integer] }), json!([1]), None),
        (json!({ "unevaluatedItems": false }), json!([1]), None),
        (json!({ "unevaluatedProperties": false }), json!({ "a": 1 }), None),
        (json!({ "unevaluatedProperties": false }), json!({}), Some(true)),
        (json!({ "propertyNames": pattern }), json!({ "a": 1 }), None),
        (json!({ "propertyNames": pattern }), json!({}), Some(true)),
        (
            json!({ "patternProperties": { "^a": false }, "additionalProperties": false }),
            json!({}),
            Some(true),
        ),
        (json!({ "patternProperties": { "^a": false } }), json!({ "b": 1 }), None),
        (json!({ "$ref": "#/components/schemas/Missing" }), json!(1), None),
    ] {
        assert_eq!(judged("3.1.0", &schema, &value, OneOf::Exactly), expected, "{value} as {schema}");
    }
    let mut deep = json!({ "type": "string" });
    for _ in 0..DEPTH - 1 {
        deep = json!({ "allOf": [deep] });
    }
    assert_eq!(judged("3.1.0", &deep, &json!("a"), OneOf::Exactly), Some(true));
    assert_eq!(judged("3.1.0", &json!({ "allOf": [deep] }), &json!("a"), OneOf::Exactly), None);
}

#[test]
fn values_of_other_types_do_not_fit_a_part() {
    let root = specification("3.1.0");
    let (document, schema) = (Document::new(&root), json!({}));
    let strings = Node::new(&schema, At::root("")).only(Types::STRING);
    assert_eq!(fits(&document, &strings, &json!("a"), OneOf::Exactly), Some(true));
    assert_eq!(fits(&document, &strings, &json!(1), OneOf::Exactly), Some(false));
}

#[test]
fn alternatives_that_exclude_each_other_are_found_at_every_level() {
    let two = json!([{ "type": "string" }, { "type": "integer" }]);
    let mut deep = json!({ "oneOf": two });
    for _ in 0..NESTED - 1 {
        deep = json!({ "anyOf": [deep] });
    }
    for (schema, expected) in [
        (json!({ "oneOf": two }), true),
        (json!({ "oneOf": [{ "type": "string" }] }), false),
        (json!({ "anyOf": two }), false),
        (json!({ "oneOf": two, "discriminator": { "propertyName": "k" } }), false),
        (json!({ "allOf": [{ "oneOf": two }] }), true),
        (json!({ "oneOf": [{ "oneOf": two }] }), true),
        (json!({ "$ref": "#/components/schemas/Text" }), false),
        (json!({ "$ref": "#/components/schemas/Circle" }), false),
        (json!({ "anyOf": [deep] }), false),
        (deep, true),
    ] {
        let root = specification("3.1.0");
        let found = has_one_of(&Document::new(&root), &Node::new(&schema, At::root("")));
        assert_eq!(found, expected, "{schema}");
    }
}

#[test]
fn a_client_sends_only_what_is_described() {
    let [a, b] = ["a", "b"].map(|name| {
        let mut properties = json!({});
        properties[name] = json!({ "type": "integer" });
        json!({ "type": "object", "required": [name], "properties": properties })
    });
    let map = json!({ "additionalProperties": { "type": "integer" } });
    for (schema, value, expected) in [
        (a.clone(), json!(1), true),
        (a.clone(), json!({ "a": 1 }), true),
        (a.clone(), json!({ "a": 1, "b": 1 }), false),
        (a.clone(), json!({ "a": 1, STRANGER: 1 }), true),
        (json!({ "anyOf": [a, b] }), json!({ "a": 1, "b": 1 }), true),
        (json!({ "oneOf": [a, b] }), json!({ "a": 1 }), true),
        (json!({ "oneOf": [a, b] }), json!({ "a": 1, "b": 1 }), false),
        (map, json!({ "b": 1 }), true),
        (json!({ "additionalProperties": false }), json!({ "b": 1 }), false),
    ] {
        let root = specification("3.1.0");
        let found = is_described(&Document::new(&root), &Node::new(&schema, At::root("")), &value);
        assert_eq!(found, expected, "{value} as {schema}");
    }
}

#[test]
fn what_is_tried_for_a_schema() {
    let object = json!({ "type": "object", "required": ["a"],
        "properties": { "a": { "type": "boolean" }, "b": { "const": 1 } } });
    let mut tried = String::new();
    for schema in [
        json!({ "type": ["boolean", "null"] }),
        json!({ "type": "integer", "minimum": 2, "maximum": 5 }),
        json!({ "type": "number", "exclusiveMinimum": 1.5 }),
        json!({ "type": "string" }),
        json!({ "type": "string", "minLength": 2, "maxLength": 4 }),
        json!({ "enum": ["a", 1, null] }),
        json!({ "type": "array", "minItems": 1, "maxItems": 2, "items": { "enum": ["a", "b"] } }),
        json!({ "type": "array", "prefixItems": [{ "const": 1 }], "items": { "const": 2 }, "minItems": 2 }),
        object,
        json!({ "anyOf": [{ "type": "boolean" }, { "const": "a" }] }),
        json!({ "oneOf": [
            { "type": "object", "properties": { "a": { "const": 1 } } },
            { "type": "object", "properties": { "b": { "enum": [2, 3] } } },
        ] }),
    ] {
        let root = specification("3.1.0");
        let values = candidates(&Document::new(&root), &Node::new(&schema, At::root("")));
        tried.push_str(&format!("{schema}\n"));
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        for line in values.chunks(8) {
            tried.push_str(&format!("  {}\n", line.join(" ")));
        }
    }
    expect![[r#"
        {"type":["boolean","null"]}
          null true false
        {"type":"integer","minimum":2,"maximum":5}
          2 3 5 4 1 6 0 -1
        {"type":"number","exclusiveMinimum":1.5}
          2.0 1.5 0 1 -1 0.5
        {"type":"string"}
          "" "a" "b" "q"
        {"type":"string","minLength":2,"maxLength":4}
          "aa" "aaaa" "aaa" "aaaaa" "a" "b" "q"
        {"enum":["a",1,null]}
          null "a" 1
        {"type":"array","minItems":1,"maxItems":2,"items":{"enum":["a","b"]}}
          ["a"] ["b"] ["a","b"] ["b","a"]
        {"type":"array","prefixItems":[{"const":1}],"items":{"const":2},"minItems":2}
          [1,2] [1,2,2] [1] [2]
        {"type":"object","required":["a"],"properties":{"a":{"type":"boolean"},"b":{"const":1}}}
          {"a":true} {"a":true,"b":1} {"a":false} {"a":false,"b":1} {"a":true,"b":"a"} {"a":false,"b":"a"}
        {"anyOf":[{"type":"boolean"},{"const":"a"}]}
          null true "a" false
        {"oneOf":[{"type":"object","properties":{"a":{"const":1}}},{"type":"object","properties":{"b":{"enum":[2,3]}}}]}
          null {} {"a":1} {"b":2} {"b":3} {"a":"a","b":"a"} {"a":1,"b":"a"} {"a":1,"b":2}
          {"a":1,"b":3} {"b":2,"a":"a"} {"b":3,"a":"a"}
    "#]].assert_eq(&tried);
}

#[test]
fn of_many_values_a_few_of_all_kinds_are_tried() {
    let many: Vec<String> = (0..200).map(|n| format!("value{n}")).collect();
    let long = json!({ "enum": many });
    let wide = json!({ "anyOf": many.iter().map(|text| json!({ "const": text })).collect::<Vec<_>>() });
    let root = specification("3.1.0");
    let count = |schema: &Value| candidates(&Document::new(&root), &Node::new(schema, At::root(""))).len();
    assert_eq!([count(&long), count(&wide)], [OUTER, OUTER]);
    let spread = spread((0..10).map(Value::from).collect(), 4);
    assert_eq!(spread, [0, 3, 6, 9].map(Value::from));
}
