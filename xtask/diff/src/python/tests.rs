//! Changes between literal surfaces. The reader on real code, and every rule, are tested end to end.

use super::*;
use crate::finding::Level;
use serde_json::{Value, json};

fn surface(names: Value, objects: Value) -> Surface {
    serde_json::from_value(json!({ "names": names, "objects": objects })).expect("a surface")
}

/// One function `demo.f` with these parameters: `["a", kind, type, default]`.
fn function(parameters: &[(&str, &str, Option<&str>, Option<&str>)]) -> Surface {
    let list: Vec<Value> = parameters
        .iter()
        .map(|(name, kind, takes, default)| json!({ "name": name, "kind": kind, "annotation": takes, "type": takes, "default": default }))
        .collect();
    let f = json!({ "kind": "function", "file": "demo.py", "line": 3, "binding": "function", "signature": { "parameters": list } });
    surface(
        json!({ "demo": { "to": "demo", "public": true }, "demo.f": { "to": "demo.f", "public": true } }),
        json!({ "demo": { "kind": "module" }, "demo.f": f }),
    )
}

fn ids(old: &Surface, new: &Surface) -> Vec<String> {
    diff(old, new)
        .iter()
        .map(|change| format!("{:?} {} {}", change.level, change.id, change.message))
        .collect()
}

const EITHER: &str = "positional or keyword";

#[test]
fn a_surface_is_the_same_as_itself() {
    let one = || function(&[("a", EITHER, Some("int"), None), ("b", "keyword-only", None, Some("1"))]);
    assert_eq!(ids(&one(), &one()), Vec::<String>::new());
    assert_eq!(ids(&Surface::default(), &Surface::default()), Vec::<String>::new());
}

#[test]
fn a_change_shows_its_place_whom_it_breaks_and_both_signatures() {
    let changes = diff(
        &function(&[("a", EITHER, Some("int | None"), None)]),
        &function(&[("a", EITHER, Some("int"), None)]),
    );
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(
        (change.id.as_str(), change.level, change.whom),
        ("parameter-type-narrowed", Level::Breaking, "callers")
    );
    let finding = change.finding();
    assert_eq!(finding.place.as_deref(), Some("demo.py:3"));
    let message = "demo.f: `a` accepted int | None, now only int; \
                   was `def f(a: int | None)`, is `def f(a: int)`; breaks callers";
    assert_eq!(finding.message, message);
}

#[test]
fn braces_in_the_code_are_not_replaced() {
    let with = |default| function(&[("a", EITHER, None, Some(default))]);
    let expected = "Warning parameter-default-changed the default of `a` was {new}, now {old}";
    assert_eq!(ids(&with("{new}"), &with("{old}")), [expected]);
}

#[test]
fn the_most_severe_change_comes_first() {
    let old = function(&[("a", EITHER, None, Some("1")), ("b", EITHER, None, None)]);
    let new = function(&[("a", EITHER, None, Some("2"))]);
    let said = ids(&old, &new);
    assert!(
        said[0].starts_with("Breaking parameter-removed")
            && said[1].starts_with("Warning parameter-default-changed"),
        "{said:?}"
    );
}

#[test]
fn an_incomplete_surface_is_compared_too() {
    let hollow = surface(
        json!({ "demo.f": { "to": "demo.f", "public": true }, "demo.g": { "to": "json.dumps", "public": true } }),
        json!({}),
    );
    assert_eq!(ids(&hollow, &hollow), Vec::<String>::new());
    assert_eq!(ids(&hollow, &Surface::default()).len(), 2);
    diff(&function(&[]), &hollow);
    diff(&hollow, &function(&[]));
}

#[test]
fn a_signature_is_shown_as_it_is_written() {
    let f = function(&[
        ("a", "positional-only", None, None),
        ("b", EITHER, Some("int"), Some("1")),
        ("c", "keyword-only", None, Some("2")),
        ("d", "variadic keyword", None, None),
    ]);
    let signature = &f.function("demo.f").expect("a function").signature;
    assert_eq!(signature::show(signature), "(a, /, b: int = 1, *, c=2, **d)");
}
