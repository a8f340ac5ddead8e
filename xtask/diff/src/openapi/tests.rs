//! Every case of the rules and non-rules, and properties that hold for any document.

use super::document::Document;
use super::engine::Engine;
use super::unchanged::Unchanged;
use super::{Change, cases, diff, every_rule, list, operations, recognise, run, specs, with_levels};
use crate::finding::Level;
use expect_test::expect_file;
use serde_json::{Value, json};

mod oracle;
mod sound;

const TODAY: &str = "2026-11-21";

/// Without the shortcuts for identical texts, and for schemas that differ only within.
fn thoroughly(old: &Value, new: &Value) -> Vec<Change> {
    let mut engine = Engine::new(Document::new(old), Document::new(new), TODAY);
    engine.unchanged = Unchanged::nothing();
    run(engine)
}

/// The changes in an order that does not depend on the way there.
fn lines(changes: Vec<Change>) -> Vec<String> {
    let mut lines: Vec<String> =
        changes.iter().map(|c| format!("{} {} {} {:?}", c.id, c.new, c.old, c.operations)).collect();
    lines.sort();
    lines
}

fn ids(changes: &[Change]) -> Vec<&str> {
    let mut ids: Vec<&str> = changes.iter().map(|c| c.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

fn document(paths: Value, schemas: Value) -> Value {
    json!({ "openapi": "3.1.0", "paths": paths, "components": { "schemas": schemas } })
}

/// `POST /x` with this body.
fn posting(body: Value, schemas: Value) -> Value {
    document(
        json!({ "/x": { "post": {
            "requestBody": { "content": { "application/json": { "schema": body } } } } } }),
        schemas,
    )
}

#[test]
fn every_case_has_the_intended_verdict() {
    let mut wrong = Vec::new();
    for case in cases::all().unwrap().iter().filter(|case| !case.is_right()) {
        wrong.push(format!("{}\n     got {:?}\n  wanted {:?}", case.what, case.verdict(), case.expected()));
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_case_is_told_in_these_words() {
    let mut told = String::new();
    for case in cases::all().unwrap() {
        told.push_str(&format!("\n## {}\n", case.what));
        for change in diff(&case.document(&case.old), &case.document(&case.new), TODAY) {
            let finding = change.finding();
            let place = finding.place.unwrap_or_default();
            told.push_str(&format!("{} {}\n  {}\n", finding.id, place, finding.message));
        }
    }
    expect_file!["cases/told.txt"].assert_eq(&told);
}

#[test]
fn every_disagreement_has_a_reason() {
    for case in cases::all().unwrap() {
        assert!(case.agrees().is_none_or(|agrees| agrees == case.why.is_none()), "{}", case.what);
    }
}

#[test]
fn a_document_does_not_differ_from_itself() {
    for case in cases::all().unwrap() {
        for fragment in [&case.old, &case.new] {
            let document = case.document(fragment);
            assert_eq!(ids(&thoroughly(&document, &document)), [""; 0], "{}", case.what);
        }
    }
    for resources in [1, 2, 7, 60] {
        let spec = specs::generated(resources, 0);
        assert_eq!(ids(&thoroughly(&spec, &spec)), [""; 0], "{resources} resources");
    }
}

#[test]
fn the_shortcuts_change_nothing() {
    let (old, new) = (specs::generated(40, 0), specs::generated(40, 1));
    assert_eq!(lines(diff(&old, &new, TODAY)), lines(thoroughly(&old, &new)));
    for case in cases::all().unwrap() {
        let (old, new) = (case.document(&case.old), case.document(&case.new));
        assert_eq!(lines(diff(&old, &new, TODAY)), lines(thoroughly(&old, &new)), "{}", case.what);
    }
}

#[test]
fn an_addition_is_a_removal_in_the_opposite_comparison() {
    let turned = |id: &str| -> String {
        let pairs = [
            ("added", "removed"),
            ("increased", "decreased"),
            ("new-optional-request-property", "request-property-removed"),
        ];
        let other = |(a, b): (&str, &str)| {
            id.contains(a).then(|| id.replace(a, b)).or_else(|| id.contains(b).then(|| id.replace(b, a)))
        };
        pairs.into_iter().rev().find_map(other).unwrap_or_else(|| id.to_string())
    };
    let (old, new) = (specs::generated(30, 0), specs::generated(30, 1));
    let there = diff(&old, &new, TODAY);
    let mut expected: Vec<String> = ids(&there).into_iter().map(turned).collect();
    expected.sort();
    assert!(there.len() > 10, "{}", there.len());
    assert_eq!(ids(&diff(&new, &old, TODAY)), expected);
}

#[test]
fn a_message_says_no_more_than_is_known() {
    let text = |length: u32| json!({ "type": "string", "maxLength": length });
    let one_of = |schemas: &[Value]| json!({ "oneOf": schemas });
    let a = |schema: Value| json!({ "type": "object", "properties": { "a": schema } });
    let exactly = "the request body must fit exactly one alternative of oneOf:";
    let first = |old: Value, new: Value| {
        let changes = diff(&posting(old, json!({})), &posting(new, json!({})), TODAY);
        changes.into_iter().map(|change| change.message).next().unwrap_or_default()
    };
    let both = first(one_of(&[text(5)]), one_of(&[text(5), text(3)]));
    assert_eq!(both, format!(r#"{exactly} "a" was valid, and now fits more than one"#));
    for (old, new, expected) in [
        // The property stays optional.
        (
            a(json!({ "type": "string" })),
            a(json!({ "type": "string", "const": "b" })),
            r#"the request property `a` is now limited to "b""#,
        ),
        (
            a(json!({ "type": "string", "const": "b" })),
            a(json!({ "type": "string" })),
            r#"the request property `a` is no longer limited to "b""#,
        ),
        (
            a(json!({ "const": "b" })),
            a(json!({ "const": "c" })),
            r#"the request property `a` was limited to "b", and is now limited to "c""#,
        ),
    ] {
        assert_eq!(first(old, new), expected);
    }
}

#[test]
fn a_schema_that_many_operations_use_is_one_change_with_all_of_them() {
    let get = |path: &str| {
        json!({ "get": { "operationId": path, "responses": { "200": { "content": { "application/json": {
        "schema": { "$ref": "#/components/schemas/A" } } } } } } })
    };
    let paths = json!({ "/a": get("a"), "/b/{id}": get("b") });
    let of = |kind: &str| {
        json!({ "A": { "type": "object",
        "properties": { "b/c": { "$ref": "#/components/schemas/B" } } }, "B": { "type": kind } })
    };
    let changes = diff(&document(paths.clone(), of("string")), &document(paths, of("integer")), TODAY);
    assert_eq!(ids(&changes), ["response-property-type-changed"]);
    assert_eq!(changes[0].operations, ["GET /a", "GET /b/{id}"]);
    assert_eq!(changes[0].place(), "/components/schemas/B/type");
    assert_eq!(changes[0].message, "the response property `A.b/c` was string, now integer");
    assert_eq!(
        changes[0].finding().message,
        "GET /a and 1 more: the response property `A.b/c` was string, now integer"
    );
}

#[test]
fn the_operations_of_a_change_are_sorted_by_path() {
    let run = |limit: u64| {
        let reference = json!({ "$ref": "#/components/schemas/Run" });
        let or_null = json!({ "anyOf": [reference, { "type": "null" }] });
        let get = |schema: &Value| {
            let content = json!({ "application/json": { "schema": schema } });
            json!({ "get": { "responses": { "200": { "description": "", "content": content } } } })
        };
        let name = json!({ "type": "string", "maxLength": limit });
        let run = json!({ "type": "object", "properties": { "name": name } });
        let paths = json!({ "/a": get(&reference), "/b": get(&or_null), "/c": get(&reference) });
        document(paths, json!({ "Run": run }))
    };
    let changes = diff(&run(10), &run(11), "2026-11-21");
    let operations: Vec<&[String]> = changes.iter().map(|change| &change.operations[..]).collect();
    assert_eq!(operations, [["GET /a", "GET /b", "GET /c"]]);
}

#[test]
fn places_are_json_pointers_into_both_documents() {
    let old = json!({ "openapi": "3.0.3",
        "paths": { "/a/{b}~": { "get": {
            "responses": { "200": { "headers": { "X": { "required": true } } } } } } } });
    let new =
        json!({ "openapi": "3.0.3", "paths": { "/a/{c}~": { "get": { "responses": { "200": {} } } } } });
    let changes = diff(&old, &new, TODAY);
    assert_eq!(
        changes[0].place(),
        "/paths/~1a~1{c}~0/get/responses/200 (was /paths/~1a~1{b}~0/get/responses/200/headers/X)"
    );
    assert!(old.pointer(&changes[0].old).is_some() && new.pointer(&changes[0].new).is_some());
}

#[test]
fn every_place_of_every_case_exists() {
    let exists = |document: &Value, pointer: &str| document.pointer(pointer).is_some();
    for case in cases::all().unwrap() {
        let (old, new) = (case.document(&case.old), case.document(&case.new));
        for change in diff(&old, &new, TODAY) {
            // A property that is required but not described has no place of its own.
            let described =
                !change.new.ends_with("/zz") && !change.new.contains("/dependentSchemas/k/properties");
            assert!(
                !described || exists(&old, &change.old) || exists(&new, &change.new),
                "{}: {change:#?}",
                case.what
            );
        }
    }
}

#[test]
fn the_most_severe_change_comes_first() {
    let changes = diff(&specs::generated(20, 0), &specs::generated(20, 1), TODAY);
    assert!(changes.is_sorted_by(|a, b| a.level >= b.level));
    assert_eq!(changes[0].level, Level::Breaking);
}

#[test]
fn unresolved_references_are_reported_once() {
    let bad = |reference: &str| {
        posting(
            json!({ "properties": { "a": { "$ref": reference }, "b": { "$ref": reference } } }),
            json!({}),
        )
    };
    for reference in
        ["#/components/schemas/No", "other.json#/A", "https://example.org/a.json", "#nowhere", "#/%zz", ""]
    {
        assert_eq!(ids(&thoroughly(&bad(reference), &bad(reference))), [""; 0], "{reference}");
        let good = posting(json!({ "properties": { "a": {}, "b": {} } }), json!({}));
        // Nothing outside of the document is fetched, so that is no mistake of the document.
        let outside = reference.starts_with(['o', 'h']);
        let found = |id| if outside { ["not-compared"] } else { [id] };
        assert_eq!(ids(&diff(&good, &bad(reference), TODAY)), found("reference-unresolved"), "{reference}");
        assert_eq!(
            ids(&diff(&bad(reference), &good, TODAY)),
            found("old-reference-unresolved"),
            "{reference}"
        );
        let mut other = bad(reference);
        other["info"] = json!({ "version": "2" });
        assert_eq!(ids(&diff(&bad(reference), &other, TODAY)), ["not-compared"], "{reference}");
    }
}

#[test]
fn a_reference_may_lead_through_others() {
    let through = |kind: &str| {
        let to = |place: &str| json!({ "$ref": format!("#/components/schemas/{place}") });
        let schemas = json!({
            "Run": { "properties": { "id": { "type": kind } } },
            "Alias": to("Run"),
            "Again": to("Alias"),
            "Both": { "properties": { "run": to("Again") } },
            "Circle": to("Other"),
            "Other": to("Circle"),
            "Inner": to("Inner/properties/id"),
        });
        let names = ["Alias", "Again", "Both/properties/run"];
        let ids = names.map(|name| to(&format!("{name}/properties/id")));
        (schemas, ids, [to("Circle/properties/id"), to("Inner/properties/id")])
    };
    let ((old, before, lost), (new, after, _)) = (through("string"), through("integer"));
    for (a, b) in before.into_iter().zip(after) {
        let changes = diff(&posting(a.clone(), old.clone()), &posting(b, new.clone()), TODAY);
        assert_eq!(ids(&changes), ["request-body-type-changed"], "{a}");
    }
    for lost in lost {
        let changes = diff(&posting(json!({}), old.clone()), &posting(lost.clone(), old.clone()), TODAY);
        assert_eq!(ids(&changes), ["reference-unresolved"], "{lost}");
    }
}

#[test]
fn circles_and_chains_of_references_end() {
    let to = |n: usize| json!({ "$ref": format!("#/components/schemas/S{n}") });
    let links: [fn(Value) -> Value; 6] = [
        |next| next,
        |next| json!({ "allOf": [next, { "type": "object" }] }),
        |next| json!({ "anyOf": [next, { "type": "string" }] }),
        |next| json!({ "type": "object", "properties": { "next": next } }),
        |next| json!({ "type": "array", "items": next }),
        |next| json!({ "type": "object", "additionalProperties": { "oneOf": [next, { "type": "null" }] } }),
    ];
    for (kind, link) in links.into_iter().enumerate() {
        for length in [1, 2, 5, 4000] {
            let chain = |end: Value| {
                let mut schemas: serde_json::Map<String, Value> =
                    (0..length).map(|n| (format!("S{n}"), link(to(n + 1)))).collect();
                schemas.insert(format!("S{length}"), end);
                posting(to(0), Value::Object(schemas))
            };
            let circle = chain(to(0));
            assert_eq!(ids(&thoroughly(&circle, &circle)), [""; 0], "kind {kind}, length {length}");
            let changes = diff(&circle, &chain(json!({ "type": "integer" })), TODAY);
            assert!(changes.len() < 10, "kind {kind}, length {length}: {changes:#?}");
            diff(&chain(json!({ "type": "integer" })), &circle, TODAY);
        }
    }
}

#[test]
fn alternatives_are_distinguished_through_many_levels_without_multiplying_pairs() {
    // Each level has two references to the next, in this order.
    let spec = |levels: usize, order: [usize; 2], end: &str| {
        let way = |n: usize, w: usize| {
            json!({ "type": "object", "required": [format!("p{w}")], "properties": {
            format!("p{w}"): { "$ref": format!("#/components/schemas/L{}", n + 1) } } })
        };
        let level = |n: usize| json!({ "anyOf": [way(n, order[0]), way(n, order[1])] });
        let mut schemas: serde_json::Map<String, Value> =
            (0..levels).map(|n| (format!("L{n}"), level(n))).collect();
        schemas.insert(format!("L{levels}"), json!({ "type": end }));
        posting(json!({ "$ref": "#/components/schemas/L0" }), Value::Object(schemas))
    };
    for levels in [1, 2, 20] {
        assert_eq!(
            ids(&diff(&spec(levels, [0, 1], "string"), &spec(levels, [1, 0], "string"), TODAY)),
            [""; 0]
        );
        let changes = diff(&spec(levels, [0, 1], "string"), &spec(levels, [1, 0], "integer"), TODAY);
        assert_eq!(ids(&changes), ["request-body-any-of-added", "request-body-any-of-removed"]);
        assert!(changes.iter().any(|change| change.level == Level::Breaking));
    }
    assert!(
        diff(&spec(500, [0, 1], "string"), &spec(500, [1, 0], "integer"), TODAY)
            .iter()
            .any(|change| change.level == Level::Breaking)
    );
}

#[test]
fn a_schema_with_both_kinds_of_alternatives_is_compared() {
    let spec = |a: &str, b: &str| {
        let kind = |name: &str| {
            json!({ "type": "object", "properties": { "k": { "const": name } },
            "required": ["k"] })
        };
        let field = |name: &str| {
            json!({ "type": "object", "properties": { name: { "type": "string" } },
            "required": [name] })
        };
        let schemas = json!({ "A": { "description": "Both.", "anyOf": [kind("x"), kind(a)],
            "oneOf": [field("f"), field(b)], "maxProperties": 3 } });
        posting(json!({ "$ref": "#/components/schemas/A" }), schemas)
    };
    assert_eq!(ids(&thoroughly(&spec("y", "g"), &spec("y", "g"))), [""; 0]);
    for other in [spec("z", "g"), spec("y", "h")] {
        let changes = diff(&spec("y", "g"), &other, TODAY);
        assert!(changes.iter().any(|change| change.level == Level::Breaking), "{changes:#?}");
    }
}

#[test]
fn a_comparison_that_takes_too_long_stops_with_an_error() {
    let (old, new) = (specs::generated(20, 0), specs::generated(20, 1));
    let mut engine = Engine::new(Document::new(&old), Document::new(&new), TODAY);
    engine.fuel = 100;
    let changes = run(engine);
    let stopped = changes.iter().find(|change| change.id == "comparison-stopped").unwrap();
    assert_eq!(stopped.level, Level::Error);
    assert_eq!(
        stopped.finding().message,
        "the documents are too complex to compare: too many pairs of schemas"
    );
}

/// How many pairs of schemas a comparison counts.
fn pairs(old: &Value, new: &Value) -> usize {
    let mut engine = Engine::new(Document::new(old), Document::new(new), TODAY);
    let before = engine.fuel;
    operations::compare(&mut engine);
    engine.finish_waiting();
    before - engine.fuel
}

#[test]
fn what_is_unchanged_is_not_compared_again() {
    let (old, new) = (specs::generated(20, 0), specs::generated(20, 1));
    // One for each place that uses a schema; the schemas themselves are the same.
    let (same, other) = (pairs(&old, &old), pairs(&old, &new));
    assert!(other > 2 * same, "{same} and {other}");
    // Looking for a value costs as much as many pairs.
    let one_of = |minimum| {
        json!({ "oneOf": [{ "type": "string", "pattern": "^a" },
        { "type": "integer", "minimum": minimum }, { "type": "array", "items": { "type": "string" } }] })
    };
    let search = pairs(&posting(one_of(1), json!({})), &posting(one_of(2), json!({})));
    assert!(search > 200, "{search}");
}

#[test]
fn a_type_of_a_list_is_weighed_on_its_own() {
    let old = json!({ "type": ["string", "integer"] });
    let new = json!({ "anyOf": [{ "const": "a" }, { "type": ["string", "integer"] }, { "type": "null" }],
        "maxLength": 3 });
    let changes = diff(&posting(old, json!({})), &posting(new, json!({})), TODAY);
    let expected =
        ["request-body-became-nullable", "request-body-const-added", "request-body-list-of-types-widened"];
    assert_eq!(ids(&changes), expected);
}

/// `levels` of objects whose `v` is one of four such objects, which differ from `from` on.
fn nested(levels: usize, from: usize) -> Value {
    let inner = |n: usize| match levels {
        0 => json!({ "type": "string", "maxLength": n }),
        _ => json!({ "oneOf": (0..4).map(|one| nested(levels - 1, n + one)).collect::<Vec<_>>() }),
    };
    json!({ "type": "object", "required": ["k"],
        "properties": { "k": { "type": "string" }, "v": inner(from) } })
}

#[test]
fn alternatives_that_repeat_at_several_levels_are_compared_once() {
    let spec = |from: usize| {
        let group = |n: usize| json!({ "oneOf": (0..4).map(|one| nested(2, n + one)).collect::<Vec<_>>() });
        posting(json!({ "oneOf": (from..from + 6).map(group).collect::<Vec<_>>() }), json!({}))
    };
    let (old, new) = (spec(0), spec(1));
    let mut engine = Engine::new(Document::new(&old), Document::new(&new), TODAY);
    engine.fuel = 60_000;
    assert_eq!(ids(&run(engine)), ["request-body-one-of-added"]);
}

/// A document that uses every feature.
fn everything() -> Value {
    let mut paths = json!({ "/a/{id}": { "parameters": [{ "name": "id", "in": "path", "required": true,
        "schema": { "type": "string" } }],
        "post": {
            "operationId": "a", "deprecated": true, "x-sunset": "2030-01-01",
            "security": [{ "key": ["s"] }], "servers": [{ "url": "/v1" }],
            "parameters": [{ "$ref": "#/components/parameters/P" }],
            "requestBody": { "required": true,
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A" } } } },
            "responses": { "200": { "headers": { "X": { "schema": { "type": "integer" } } },
                "content": { "application/json": {
                "schema": { "type": "array", "items": { "$ref": "#/components/schemas/A" } } } } },
                    "default": {} },
        } } });
    paths["/b"] = json!({ "$ref": "#/paths/~1a~1{id}" });
    json!({ "openapi": "3.1.0", "paths": paths, "webhooks": { "w": { "post": {} } }, "components": {
        "parameters": { "P": { "name": "q", "in": "query", "style": "form", "explode": true,
            "schema": { "type": "array", "items": {} } } },
        "securitySchemes": { "key": { "type": "oauth2",
            "flows": { "implicit": { "authorizationUrl": "https://a", "scopes": { "s": "" } } } } },
        "schemas": { "A": {
            "type": ["object", "null"], "required": ["a"], "minProperties": 1, "maxProperties": 9,
            "additionalProperties": { "type": "string" },
            "patternProperties": { "^x": {} }, "dependentRequired": { "a": ["b"] },
            "discriminator": { "propertyName": "a", "mapping": { "b": "B" } },
            "properties": {
                "a": { "type": "string", "enum": ["x", "y"], "minLength": 1, "maxLength": 5,
                "pattern": "^x", "format": "date", "default": "x" },
                "b": { "type": "number", "minimum": 1, "exclusiveMaximum": 5, "multipleOf": 2,
                    "readOnly": true, "const": 2 },
                "c": { "oneOf": [{ "$ref": "#/components/schemas/A" }, { "type": "string" },
                    { "type": "null" }] },
                "d": { "allOf": [{ "prefixItems": [{}], "uniqueItems": true, "minItems": 1,
                    "contains": {} }], "not": {}, "if": {}, "then": {} },
            } } } } })
}

/// All places of a document.
fn places(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| {
            places(v, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), into)
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, v)| places(v, format!("{at}/{index}"), into))
        }
        _ => {}
    }
    into.push(at);
}

#[test]
fn malformed_values_anywhere_in_a_document_cause_no_panic() {
    let document = everything();
    let mut all = Vec::new();
    places(&document, String::new(), &mut all);
    let absurd = [
        json!(null),
        json!(false),
        json!(-1.5),
        json!("x"),
        json!([[null, {}], "type"]),
        json!({}),
        json!({ "$ref": "#/components/schemas/A" }),
        json!({ "$ref": 7, "type": 7, "anyOf": 7, "enum": {} }),
    ];
    let malformed = |place: &String| {
        for value in &absurd {
            let mut other = document.clone();
            *other.pointer_mut(place).unwrap() = value.clone();
            let _ = recognise(&other);
            for (old, new) in [(&document, &other), (&other, &document)] {
                diff(old, new, TODAY);
            }
            assert_eq!(ids(&thoroughly(&other, &other)), [""; 0], "{place} = {value}");
        }
    };
    // It takes the longest of all tests here.
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for places in all.chunks(all.len().div_ceil(workers)) {
            scope.spawn(|| places.iter().for_each(malformed));
        }
    });
}

#[test]
fn documents_that_can_not_be_compared_are_refused_with_the_reason() {
    let cases = [
        (json!({ "openapi": "3.0.3" }), None),
        (json!({ "openapi": "3.1.0" }), None),
        (json!({ "openapi": "4.0.0" }), Some("it is OpenAPI 4.0.0; 3.0 and 3.1 can be compared")),
        (json!({ "openapi": 3 }), Some("it is OpenAPI 3; 3.0 and 3.1 can be compared")),
        (json!({ "swagger": "2.0" }), Some("it is Swagger 2.0; convert it to OpenAPI 3 first")),
        (json!({ "name": "package" }), Some("it has no `openapi` version, so it is not an OpenAPI document")),
        (json!([]), Some("it is not an object")),
    ];
    for (document, expected) in cases {
        assert_eq!(recognise(&document).err().as_deref(), expected);
    }
}

/// Pairs that the random search found, made small.
#[test]
fn alternatives_are_judged_together() {
    let text = |least: u64, most: u64| json!({ "type": "string", "minLength": least, "maxLength": most });
    let null_or =
        |most: u64| json!({ "anyOf": [{ "type": ["string", "null"] }, { "const": 1 }], "maxLength": most });
    let answering = |body: &Value| {
        let responses = json!({ "200": { "content": { "application/json": { "schema": body } } } });
        document(json!({ "/x": { "post": { "responses": responses } } }), json!({}))
    };
    // Old, new, whether a request breaks, whether a response breaks.
    let pairs = [
        // "q" fits only the old one.
        (
            json!({ "anyOf": [{ "enum": [1, "b"] }, text(1, 5)] }),
            json!({ "anyOf": [{ "enum": [1, "b"] }, { "anyOf": [text(2, 5), { "const": "a" }] }] }),
            true,
            false,
        ),
        // Long text is new.
        (
            json!({ "oneOf": [{ "type": "object" }, null_or(2)] }),
            json!({ "oneOf": [{ "type": "string" }, null_or(2)] }),
            true,
            true,
        ),
        // 3 was valid once, and fits twice now.
        (
            json!({ "anyOf": [{ "oneOf": [{ "type": "integer" }, { "type": "integer", "maximum": 1 }] },
                { "type": "null" }] }),
            json!({ "anyOf": [{ "oneOf": [{ "type": "integer" }, { "type": "integer", "minimum": 2 }] },
                { "type": "null" }] }),
            true,
            true,
        ),
        // Every text fitted twice, so none could be sent.
        (
            json!({ "oneOf": [{ "oneOf": [{ "const": 2 }, { "type": "string" }] },
                { "type": ["string", "null"] }] }),
            json!({ "anyOf": [{ "type": "integer" }, text(0, 3), { "type": "null" }] }),
            false,
            true,
        ),
        // Only null could be sent. What the receiver knows of lists does not matter.
        (
            json!({ "oneOf": [
                { "type": ["string", "integer", "null"] },
                { "type": ["string", "integer"] },
            ] }),
            json!({ "oneOf": [
                { "type": ["string", "null"] },
                { "type": "array", "items": { "type": "string" } },
            ] }),
            false,
            true,
        ),
        // The same values in other words.
        (
            json!({ "oneOf": [{ "type": "integer", "maximum": 1 }, { "type": "integer", "minimum": 0 }] }),
            json!({ "anyOf": [{ "type": "integer", "maximum": -1 },
                { "type": "integer", "exclusiveMinimum": 1 }] }),
            false,
            false,
        ),
        (
            json!({ "anyOf": [text(0, 1), text(2, 4), { "type": "boolean" }] }),
            json!({ "anyOf": [{ "type": "boolean" }, text(0, 4)] }),
            false,
            false,
        ),
    ];
    for (old, new, request, response) in pairs {
        let breaks = |changes: &[Change]| changes.iter().any(|change| change.level == Level::Breaking);
        let sent = diff(&posting(old.clone(), json!({})), &posting(new.clone(), json!({})), TODAY);
        assert_eq!(breaks(&sent), request, "sent\n{old}\n{new}\n{sent:#?}");
        let received = diff(&answering(&old), &answering(&new), TODAY);
        assert_eq!(breaks(&received), response, "received\n{old}\n{new}\n{received:#?}");
    }
}

#[test]
fn every_rule_is_listed_and_has_a_case() {
    let source = include_str!("rules.rs");
    assert_eq!(source.matches(": Rule =").count(), list::RULES.len(), "a rule is not in the list RULES");
    assert_eq!(source.matches(": Shape =").count(), list::SHAPES.len(), "a rule is not in the list SHAPES");
    let all = cases::all().unwrap();
    let expected: Vec<String> = all.iter().flat_map(|case| case.expected()).map(|(id, _)| id).collect();
    let listed = every_rule();
    let unlisted: Vec<&String> =
        expected.iter().filter(|id| !listed.iter().any(|rule| rule.id == **id)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
    // A comparison that takes too long has a test of its own.
    let rules = list::RULES.iter().map(|rule| rule.id).filter(|id| *id != "comparison-stopped");
    let untried: Vec<&str> = rules.filter(|id| !expected.iter().any(|known| known == id)).collect();
    assert!(untried.is_empty(), "rules without a case: {untried:?}");
    // A shape has a case in each direction in which it is listed, at some place.
    let places = ["body", "property", "parameter", "parameter-property", "header", "header-property"];
    let (mut shapes, mut untried) = (0, Vec::new());
    for direction in ["request", "response"] {
        let starts = places.map(|place| format!("{direction}-{place}-"));
        for shape in list::SHAPES {
            let (before, after) = shape.id.split_once("{keyword}").unwrap_or((shape.id, ""));
            let is_it = |id: &str| {
                let rest = starts.iter().find_map(|start| id.strip_prefix(start)?.strip_prefix(before));
                rest.is_some_and(
                    |rest| if shape.id.contains('{') { rest.ends_with(after) } else { rest.is_empty() },
                )
            };
            let is_listed = listed.iter().any(|rule| is_it(&rule.id));
            shapes += usize::from(is_listed);
            if is_listed != expected.iter().any(|id| is_it(id)) {
                untried.push((direction, shape.id));
            }
        }
    }
    assert!(untried.is_empty(), "rules of schemas without a case, or with one and not listed: {untried:?}");
    assert!(shapes > list::SHAPES.len(), "{shapes}");
    let access = listed.iter().filter(|rule| rule.id.contains("-property-became-"));
    let access = access.filter(|rule| rule.id.ends_with("-only"));
    let untried: Vec<&str> =
        access.map(|rule| &*rule.id).filter(|id| !expected.iter().any(|e| e == id)).collect();
    assert!(untried.is_empty(), "rules of readOnly and writeOnly without a case: {untried:?}");
}

#[test]
fn settings_change_levels() {
    let case = cases::all().unwrap().into_iter().find(|case| case.expected().len() > 2).unwrap();
    let changes = diff(&case.document(&case.old), &case.document(&case.new), TODAY);
    let lowest = changes.last().unwrap().clone();
    let levels = [(lowest.id.clone(), Level::Breaking)].into();
    let now = with_levels(changes, &levels);
    assert!(now.iter().any(|change| change.id == lowest.id && change.level == Level::Breaking));
    assert!(now.is_sorted_by(|a, b| a.level >= b.level));
}
