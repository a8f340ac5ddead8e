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

#[test]
fn what_several_environments_find_is_told_once_with_the_places_that_are_not_the_first() {
    let found = |old: &str, new: &str| {
        let with = |default| function(&[("a", EITHER, None, Some(default))]);
        diff(&with(old), &with(new))
    };
    let gone = || diff(&function(&[("a", EITHER, None, None)]), &Surface::default());
    let merged = crate::change::merged(vec![
        (String::new(), found("1", "2")),
        ("Windows".into(), found("1", "2")),
        ("Python 3.9".into(), found("1", "3")),
        ("Python 3.8".into(), found("1", "3").into_iter().chain(gone()).collect()),
        ("macOS".into(), gone()),
    ]);
    let said: Vec<&str> = merged.iter().map(|change| change.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "`demo` was removed (only on Python 3.8, macOS)",
            "the default of `a` was 1, now 2",
            "the default of `a` was 1, now 3 (only on Python 3.9, Python 3.8)",
        ]
    );
}

#[test]
fn every_change_that_stops_has_help() {
    let old = function(&[("a", EITHER, Some("int"), Some("1"))]);
    for new in [function(&[]), function(&[("a", EITHER, Some("str"), None)]), Surface::default()] {
        for change in diff(&old, &new) {
            let help = change.finding().help.unwrap_or_default();
            assert!(help.ends_with("or declare the break in a commit: `feat!: …`"), "{help}");
        }
    }
    let added = diff(&Surface::default(), &old);
    let help = |change: &Change| change.finding().help.unwrap_or_default();
    assert!(added.iter().all(|change| help(change) == "users need not change anything"), "{added:?}");
}

/// A package with one module, and what is said of it.
fn package(facts: Value, more: Value) -> Surface {
    let mut module = json!({ "kind": "module" });
    for (key, value) in facts.as_object().into_iter().flatten() {
        module[key] = value.clone();
    }
    let mut surface =
        json!({ "names": { "demo": { "to": "demo", "public": true } }, "objects": { "demo": module } });
    for (key, value) in more.as_object().into_iter().flatten() {
        surface[key] = value.clone();
    }
    serde_json::from_value(surface).expect("a surface")
}

#[test]
fn types_and_pythons_of_a_package_are_compared() {
    let stub = |stub, annotated| package(json!({ "stub": stub, "annotated": annotated }), json!({}));
    let gone = ["Breaking stub-removed the stub of `demo` was removed, and the module has no types"];
    assert_eq!(ids(&stub(true, true), &stub(false, false)), gone);
    assert_eq!(ids(&stub(true, true), &stub(false, true)), Vec::<String>::new());
    assert_eq!(ids(&stub(false, true), &stub(false, false)), Vec::<String>::new());
    let typed = |names: &[&str]| package(json!({}), json!({ "typed": names }));
    assert_eq!(
        ids(&typed(&["demo"]), &typed(&[])),
        ["Breaking py-typed-removed `demo` no longer has a `py.typed` file"]
    );
    assert_eq!(ids(&typed(&[]), &typed(&["demo"])), Vec::<String>::new());
    let python =
        |text: Option<&str>, minors: &[u32]| package(json!({}), json!({ "python": text, "pythons": minors }));
    assert_eq!(
        ids(&python(None, &[9, 10]), &python(Some(">=3.10"), &[10])),
        [
            "Warning python-dropped it can no longer be installed with Python 3.9: `requires-python` was not set, now `>=3.10`"
        ]
    );
    assert_eq!(ids(&python(Some(">=3.10"), &[10]), &python(None, &[9, 10])), Vec::<String>::new());
}

#[test]
fn a_name_that_only_type_checkers_see_breaks_whoever_imports_it() {
    let named = |typing| {
        surface(
            json!({ "demo": { "to": "demo", "public": true }, "demo.A": { "to": "other.A", "public": true, "typing": typing } }),
            json!({ "demo": { "kind": "module" } }),
        )
    };
    let said = ["Breaking no-longer-at-run-time `A` is now defined only `if TYPE_CHECKING`"];
    assert_eq!(ids(&named(false), &named(true)), said);
    assert_eq!(ids(&named(true), &named(true)), Vec::<String>::new());
    assert_eq!(ids(&named(true), &named(false)), Vec::<String>::new());
}

#[test]
fn a_name_that_a_lazy_module_gave_is_removed_or_maybe_removed() {
    let lazy = |lazy: bool, has: bool| {
        let mut names = json!({ "demo": { "to": "demo", "public": true } });
        if has {
            names["demo.a"] = json!({ "to": "demo.a", "public": true });
        }
        surface(names, json!({ "demo": { "kind": "module", "lazy": lazy } }))
    };
    assert_eq!(ids(&lazy(false, true), &lazy(false, false)), ["Breaking attribute-removed `a` was removed"]);
    let maybe = "Warning attribute-maybe-removed `a` is no longer defined here, but may come from the module's `__getattr__`";
    assert_eq!(ids(&lazy(true, true), &lazy(true, false)), [maybe]);
}
