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
        .map(|(name, kind, takes, default)| {
            json!({ "name": name, "kind": kind, "annotation": takes,
            "type": takes, "default": default })
        })
        .collect();
    let f = json!({ "kind": "function", "file": "demo.py", "line": 3, "binding": "function",
        "signature": { "parameters": list } });
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
        json!({ "demo.f": { "to": "demo.f", "public": true }, "demo.g": { "to": "json.dumps",
            "public": true } }),
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
    // What is gone has no types either.
    let nothing = Surface::default();
    let found = ids(&typed(&["demo"]), &nothing);
    assert!(found.iter().all(|one| !one.contains("py-typed")), "{found:?}");
    let python =
        |text: Option<&str>, minors: &[u32]| package(json!({}), json!({ "python": text, "pythons": minors }));
    assert_eq!(
        ids(&python(None, &[9, 10]), &python(Some(">=3.10"), &[10])),
        ["Warning python-dropped it can no longer be installed with Python 3.9: `requires-python` was not \
             set, now `>=3.10`"]
    );
    assert_eq!(ids(&python(Some(">=3.10"), &[10]), &python(None, &[9, 10])), Vec::<String>::new());
}

#[test]
fn a_command_or_an_extra_that_is_gone_breaks_its_users() {
    let with =
        |scripts: Value, extras: Value| package(json!({}), json!({ "scripts": scripts, "extras": extras }));
    let before = with(json!(["demo", "demo-run"]), json!(["fast"]));
    assert_eq!(
        ids(&before, &with(json!(["demo"]), json!([]))),
        [
            "Breaking script-removed the package no longer installs the command `demo-run`",
            "Breaking extra-removed the extra `fast` was removed from `optional-dependencies`; installers \
             ignore it with a warning"
        ]
    );
    assert_eq!(ids(&with(json!([]), json!([])), &before), Vec::<String>::new());
    // The manifest does not list them.
    assert_eq!(ids(&before, &with(json!(null), json!(null))), Vec::<String>::new());
    assert_eq!(ids(&with(json!(null), json!(null)), &with(json!([]), json!([]))), Vec::<String>::new());
}

#[test]
fn a_name_that_only_type_checkers_see_breaks_whoever_imports_it() {
    let named = |typing| {
        surface(
            json!({ "demo": { "to": "demo", "public": true }, "demo.A": { "to": "other.A", "public": true,
                "typing": typing } }),
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
    let maybe = "Warning attribute-maybe-removed `a` is no longer defined here, but may come from the \
                 module's `__getattr__`";
    assert_eq!(ids(&lazy(true, true), &lazy(true, false)), [maybe]);
}

#[test]
fn what_a_private_module_defined_and_another_does_now_is_the_same() {
    let with = |module: &str| {
        let takes = format!("demo.{module}.Spec | demo.{module}.T");
        let mut one = function(&[("a", EITHER, Some(&takes), None)]);
        let more = surface(
            json!({}),
            json!({
                format!("demo.{module}.Spec"): { "kind": "class" },
                format!("demo.{module}.T"): { "kind": "attribute", "means": "typing.TypeVar('T')" },
            }),
        );
        one.objects.extend(more.objects);
        one
    };
    assert_eq!(ids(&with("_a"), &with("_b")), Vec::<String>::new());
    let mut two = with("_b");
    two.objects.extend(with("_c").objects);
    assert_eq!(ids(&with("_a"), &two).len(), 1, "which of the two is it?");
}

#[test]
fn a_renamed_class_that_only_annotations_name_is_the_same() {
    let members = |names: &[&str]| -> Value {
        names.iter().map(|name| (name.to_string(), json!(format!("demo._a.C.{name}")))).collect::<Value>()
    };
    let class = |bases: &[&str], names: &[&str]| {
        let members = members(names);
        json!({ "kind": "class", "bases": bases, "members": members })
    };
    let with = |name: &str, classes: Value| {
        let mut one = function(&[("a", EITHER, Some(&format!("demo._a.{name} | None")), None)]);
        one.objects.extend(surface(json!({}), classes).objects);
        one
    };
    let (id, both) = (["id"].as_slice(), ["id", "marks"].as_slice());
    let old = with("Spec2", json!({ "demo._a.Spec2": class(&[], both) }));
    for (what, classes, expected) in [
        ("renamed", json!({ "demo._a.Spec": class(&[], both) }), 0),
        ("without a member", json!({ "demo._a.Spec": class(&[], id) }), 1),
        ("with another base", json!({ "demo._a.Spec": class(&["str"], both) }), 1),
        ("in another module", json!({ "demo._b.Spec": class(&[], both) }), 1),
        ("two that may be it", json!({ "demo._a.Spec": class(&[], both), "demo._a.S": class(&[], both) }), 1),
        (
            "the old one is still there",
            json!({ "demo._a.Spec": class(&[], both), "demo._a.Spec2": class(&[], both) }),
            1,
        ),
    ] {
        assert_eq!(ids(&old, &with("Spec", classes)).len(), expected, "{what}");
    }
    // Users can name a public one themselves.
    let public = |name: &str| {
        let mut one = with(name, json!({ format!("demo._a.{name}"): class(&[], both) }));
        let names = json!({ format!("demo.{name}"): { "to": format!("demo._a.{name}"), "public": true } });
        one.names.extend(surface(names, json!({})).names);
        one
    };
    assert_eq!(ids(&public("A"), &public("B")), ["Breaking class-renamed `A` is now called `B`"]);
}

#[test]
fn arguments_of_a_generic_alias_are_shown_as_they_are_written() {
    let with = |argument: &str| {
        let mut one = function(&[("a", EITHER, Some(&format!("demo.Of[{argument}]")), None)]);
        let alias = json!({ "demo.Of": { "kind": "type-alias", "means": "list[demo.T]" } });
        one.objects.extend(surface(json!({}), alias).objects);
        one
    };
    let said = ids(&with("int"), &with("str | None"));
    assert!(said[0].contains("accepted demo.Of[int], now demo.Of[str | None]"), "{said:?}");
}

/// A module `demo` with one name and its definition.
fn only(object: Value) -> Surface {
    surface(
        json!({ "demo": { "to": "demo", "public": true }, "demo.x": { "to": "demo.x", "public": true } }),
        json!({ "demo": { "kind": "module" }, "demo.x": object }),
    )
}

/// The ids of what differs.
fn rules_of(old: Value, new: Value) -> Vec<String> {
    diff(&only(old), &only(new)).into_iter().map(|change| change.id).collect()
}

#[test]
fn a_value_that_may_be_a_class_may_have_become_one() {
    for (holds, value, expected) in [
        (Some("int"), None, "kind-changed"),
        (Some("type[int]"), None, "kind-maybe-changed"),
        (Some("Type[int]"), None, "kind-maybe-changed"),
        (Some("Callable"), None, "kind-maybe-changed"),
        (Some("list[int]"), None, "kind-maybe-changed"),
        (None, None, "kind-maybe-changed"),
        (None, Some("3"), "kind-changed"),
        (None, Some("{}"), "kind-changed"),
        (None, Some("(1, make())"), "kind-changed"),
        (None, Some("make()"), "kind-maybe-changed"),
    ] {
        let value = json!({ "kind": "attribute", "type": holds, "value": value });
        let class = json!({ "kind": "class" });
        assert_eq!(rules_of(value.clone(), class.clone()), [expected], "{value}");
        let back = rules_of(class, value.clone());
        assert_eq!(back, [expected], "back: {value}");
    }
}

#[test]
fn the_constructor_of_a_class_is_known_unless_a_base_or_a_decorator_may_write_it() {
    let class = |facts: Value, constructor: bool| {
        let mut class = json!({ "kind": "class" });
        let own = json!({ "constructor": if constructor { json!("demo.x.__init__") } else { json!(null) } });
        for more in [facts, own] {
            class.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        }
        let mut one = only(class);
        let taken = json!([{ "name": "self", "kind": EITHER }, { "name": "a", "kind": EITHER }]);
        let init = json!({ "demo.x.__init__": {
            "kind": "function", "binding": "instance", "signature": { "parameters": taken } } });
        one.objects.extend(surface(json!({}), init).objects);
        one
    };
    for (facts, known) in [
        (json!({}), true),
        (json!({ "ancestors": ["abc.ABC", "typing.Generic"] }), true),
        (json!({ "ancestors": ["other.Base"] }), false),
        (json!({ "unknown": true }), false),
        (json!({ "decorators": ["functools.total_ordering"] }), true),
        (json!({ "decorators": ["enum.unique", "typing.final"] }), true),
        (json!({ "decorators": ["other.model"] }), false),
    ] {
        let found = diff(&class(facts.clone(), false), &class(facts.clone(), true));
        let ids: Vec<&str> = found.iter().map(|change| change.id.as_str()).collect();
        let expected: &[&str] = if known { &["parameter-added-required"] } else { &[] };
        assert_eq!(ids, expected, "{facts}");
    }
}

#[test]
fn what_cannot_be_set_could_not_be_set_before_if_it_was_final() {
    let value = |annotation: Value, writable: bool, kind: &str| {
        json!({
            "kind": kind, "annotation": annotation, "writable": writable
        })
    };
    for (annotation, expected) in [
        (json!(null), &["became-read-only-property"][..]),
        (json!("int"), &["became-read-only-property"]),
        (json!("Final[int]"), &[]),
    ] {
        let old = value(annotation.clone(), true, "attribute");
        assert_eq!(rules_of(old, value(json!(null), false, "property")), expected, "{annotation}");
    }
    let (old, new) = (value(json!(null), true, "property"), value(json!(null), false, "property"));
    assert_eq!(rules_of(old, new), ["became-read-only"]);
}

#[test]
fn a_function_is_taken_for_a_renamed_one_only_if_its_parameters_tell() {
    let method = |names: &[&str]| {
        let parameters: Vec<Value> = names.iter().map(|n| json!({ "name": n, "kind": EITHER })).collect();
        let object = json!({ "kind": "function", "signature": { "parameters": parameters } });
        serde_json::from_value::<Object>(object).expect("an object")
    };
    for (names, expected) in [
        (&["self"][..], None),
        (&["self", "a"], None),
        // 30 for the shape, 15 for each parameter but `self`, 5 for the same parent.
        (&["self", "a", "b", "c", "d"], Some(95)),
        (&["cls", "a", "b", "c", "d", "e"], Some(95)),
    ] {
        let one = method(names);
        assert_eq!(rename::score(("demo.A.abc", &one), ("demo.A.xyz", &one)), expected, "{names:?}");
    }
}

#[test]
fn a_field_is_reported_at_its_own_line_on_the_side_that_has_it() {
    let model = |fields: &[(&str, u32, bool)]| {
        let field = |(name, line, required): &(&str, u32, bool)| {
            json!({ "name": name, "file": "demo.py", "line": line, "annotation": "int", "type": "int",
                    "default": if *required { json!(null) } else { json!("1") }, "required": required,
                    "keyword_only": false })
        };
        let fields: Vec<Value> = fields.iter().map(field).collect();
        only(json!({ "kind": "class", "file": "demo.py", "line": 1, "model": "dataclass", "fields": fields }))
    };
    let seen = |old: &Surface, new: &Surface| {
        let found = diff(old, new);
        let [change] = &found[..] else { panic!("{found:?}") };
        let text = |shown: &Option<String>| shown.clone().unwrap_or_default();
        [
            change.id.clone(),
            change.old_place.clone(),
            change.place.clone(),
            text(&change.was),
            text(&change.is),
        ]
    };
    let (one, two) = (model(&[("a", 2, true)]), model(&[("a", 2, true), ("b", 3, false)]));
    assert_eq!(seen(&one, &two), ["field-added", "", "demo.py:3", "", "b: int = 1"]);
    assert_eq!(seen(&two, &one), ["field-removed", "demo.py:3", "demo.py:1", "b: int = 1", ""]);
    let changed = model(&[("a", 7, false)]);
    assert_eq!(
        seen(&changed, &one),
        ["field-became-required", "demo.py:7", "demo.py:2", "a: int = 1", "a: int"]
    );
}

#[test]
fn a_lost_re_export_is_reported_at_the_line_of_its_import() {
    let name = json!({ "to": "json.dumps", "public": true, "file": "demo.py", "line": 4 });
    let module = || json!({ "demo": { "kind": "module" } });
    let old = surface(json!({ "demo": { "to": "demo", "public": true }, "demo.x": name }), module());
    let new = surface(json!({ "demo": { "to": "demo", "public": true } }), module());
    let found = diff(&old, &new);
    assert_eq!((found[0].id.as_str(), found[0].old_place.as_str()), ("re-export-removed", "demo.py:4"));
}

#[test]
fn abstract_members_count_once_python_enforces_them() {
    let class = |members: &[&str], enforced: bool| {
        json!({
            "kind": "class", "abstract": members, "enforced": enforced
        })
    };
    for (old, new, expected) in [
        (class(&["f"], false), class(&["f"], true), &["class-became-abstract"][..]),
        (class(&["f"], true), class(&["f", "g"], true), &["abstract-member-added"]),
        (class(&[], true), class(&["f"], true), &["class-became-abstract"]),
        (class(&["f"], true), class(&["f"], true), &[]),
        (class(&["f", "g"], true), class(&["f"], true), &[]),
        (class(&[], true), class(&["f"], false), &[]),
    ] {
        assert_eq!(rules_of(old.clone(), new.clone()), expected, "{old} {new}");
    }
}

#[test]
fn an_attribute_is_taken_for_a_renamed_one_by_its_type_and_its_name() {
    let attribute = |holds: Option<&str>, value: Option<&str>| {
        let object = json!({ "kind": "attribute", "type": holds, "value": value });
        serde_json::from_value::<Object>(object).expect("an object")
    };
    for (holds, value, expected) in [
        (Some("int"), None, Some(95)),
        (None, None, None),
        (None, Some("'long'"), Some(145)),
        (None, Some("100.0"), Some(105)),
        (None, Some("1"), Some(105)),
    ] {
        let one = attribute(holds, value);
        assert_eq!(
            rename::score(("demo.A.abcd", &one), ("demo.A.abxy", &one)),
            expected,
            "{holds:?} {value:?}"
        );
    }
}

#[test]
fn the_constructor_of_a_model_takes_its_fields() {
    let fields = json!([
        { "name": "a", "annotation": "int", "keyword_only": false, "required": true },
        { "name": "b", "keyword_only": true, "required": true },
        { "name": "c", "keyword_only": false, "required": false },
        { "name": "d", "default": "1", "keyword_only": false, "required": false },
    ]);
    for (model, shown) in [
        ("dataclass", "(a: int, c=…, d=1, *, b)"),
        ("namedtuple", "(a: int, c=…, d=1, *, b)"),
        ("typeddict", "(*, a: int, b, c=…, d=1)"),
    ] {
        let one = only(json!({ "kind": "class", "model": model, "fields": fields }));
        let class = one.class("demo.x").expect("a class");
        let signature = classes::constructor_of(&one, class).expect("a signature");
        assert_eq!(signature::show(&signature), shown, "{model}");
    }
}

#[test]
fn a_base_of_another_package_is_lost_for_sure_only_if_it_is_an_exception() {
    let class = |bases: &[&str], unknown: bool| {
        only(json!({ "kind": "class", "bases": bases, "ancestors": bases, "unknown": unknown }))
    };
    for (old, new, unknown, expected) in [
        ("other.Base", "another.Base", true, "base-maybe-removed"),
        ("other.Base", "another.Base", false, "base-removed"),
        ("dict", "list", true, "base-maybe-removed"),
        ("ValueError", "another.Base", true, "base-maybe-removed"),
        ("ValueError", "KeyError", true, "base-removed"),
        ("ValueError", "KeyError", false, "base-removed"),
    ] {
        let found = diff(&class(&[old], unknown), &class(&[new], unknown));
        let ids: Vec<&str> = found.iter().map(|change| change.id.as_str()).collect();
        assert_eq!(ids, [expected], "{old} {new} {unknown}");
    }
}

#[test]
fn a_parameter_is_two_now_if_a_new_one_takes_its_place() {
    let of = |list: &[(&str, &str)]| {
        let list: Vec<_> = list.iter().map(|(name, kind)| (*name, *kind, None, Some("None"))).collect();
        function(&list)
    };
    let (before, by_position, by_name) = (of(&[("name", EITHER)]), "positional-only", "keyword-only");
    let two = |first: &str, kind: &str| of(&[(first, kind), ("name", by_name)]);
    let lost =
        "Breaking parameter-became-keyword-only the parameter `name` can no longer be given by position";
    assert_eq!(ids(&before, &two("_name", by_position)), Vec::<String>::new());
    assert_eq!(ids(&before, &two("_name", EITHER)), [lost]);
    let both = of(&[("name", EITHER), ("other", EITHER)]);
    let changed = of(&[("other", by_position), ("name", by_name)]);
    assert!(ids(&both, &changed).contains(&lost.to_string()), "{:?}", ids(&both, &changed));
}

#[test]
fn a_name_in_an_annotation_is_a_class_an_alias_or_unknown() {
    for (object, expected) in [
        (json!({ "kind": "class" }), "class"),
        (json!({ "kind": "attribute", "means": "list[int]" }), "alias"),
        (json!({ "kind": "attribute", "means": "list[int]", "annotation": "TypeAlias" }), "alias"),
        (json!({ "kind": "attribute", "means": "list[int]", "annotation": "int" }), "unknown"),
        (json!({ "kind": "attribute", "means": "typing.ParamSpec('P')" }), "unknown"),
        (json!({ "kind": "attribute" }), "unknown"),
        (json!({ "kind": "function", "binding": "function", "signature": { "parameters": [] } }), "unknown"),
    ] {
        let found = match meaning(&only(object.clone()), "demo.x", "demo.x") {
            Meaning::Class(_) => "class",
            Meaning::Alias(..) => "alias",
            Meaning::Variable(..) => "variable",
            Meaning::Unknown(_) => "unknown",
        };
        assert_eq!(found, expected, "{object}");
    }
    assert!(matches!(meaning(&Surface::default(), "other.A", "other.A"), Meaning::Class(_)));
}

/// A class `demo.A` with a member `get` that is defined at `path`, and what else there is.
fn with_member(class: Value, path: &str, member: Value, more: Value) -> Surface {
    let mut class = class;
    class["kind"] = json!("class");
    class["members"] = json!({ "get": path });
    let mut objects = json!({ "demo": { "kind": "module" }, "demo.A": class });
    objects[path] = member;
    for (key, value) in more.as_object().into_iter().flatten() {
        objects[key] = value.clone();
    }
    let public = |to: &str| json!({ "to": to, "public": true });
    surface(json!({ "demo": public("demo"), "demo.A": public("demo.A") }), objects)
}

#[test]
fn a_member_of_a_generic_base_is_what_the_class_says() {
    let method = |returns: &str| {
        json!({ "kind": "function", "binding": "instance",
            "signature": { "parameters": [], "type": returns } })
    };
    let own = with_member(json!({}), "demo.A.get", method("int"), json!({}));
    let inherited = |argument: &str| {
        let base = json!({ "kind": "class", "type_parameters": [{ "name": "T" }],
            "members": { "get": "demo._B.get" } });
        let variable = json!({ "kind": "attribute", "means": "typing.TypeVar('T')" });
        let class = json!({ "bases": [format!("demo._B{argument}")], "ancestors": ["demo._B"] });
        let more = json!({ "demo._B": base, "demo._B.T": variable });
        with_member(class, "demo._B.get", method("demo._B.T"), more)
    };
    assert_eq!(ids(&own, &inherited("[int]")), Vec::<String>::new());
    assert_eq!(ids(&own, &inherited("[str]")), ["Breaking return-type-widened it returned int, now str"]);
    assert_eq!(ids(&own, &inherited("")), Vec::<String>::new());
    assert_eq!(
        ids(&inherited("[int]"), &inherited("[str]")),
        ["Breaking return-type-widened it returned int, now str"]
    );
}

#[test]
fn an_abstract_property_is_judged_for_readers_and_for_implementers() {
    let of = |holds: &str| {
        let property = json!({ "kind": "property", "annotation": holds, "type": holds });
        with_member(json!({ "protocol": true }), "demo.A.get", property, json!({}))
    };
    assert_eq!(
        ids(&of("int"), &of("bool")),
        ["Breaking implementation-returns-more implementations return int, and must now return bool"]
    );
    assert_eq!(ids(&of("int"), &of("str")), ["Breaking attribute-type-widened it was int, now str"]);
    assert_eq!(ids(&of("bool"), &of("int")), ["Breaking attribute-type-widened it was bool, now int"]);
}

#[test]
fn a_generator_is_told_if_nothing_said_what_was_returned() {
    let of = |generator: bool, returns: Option<&str>| {
        let f = json!({ "kind": "function", "binding": "function", "generator": generator,
            "signature": { "parameters": [], "type": returns } });
        surface(
            json!({ "demo": { "to": "demo", "public": true }, "demo.f": { "to": "demo.f", "public": true } }),
            json!({ "demo": { "kind": "module" }, "demo.f": f }),
        )
    };
    let iterator = Some("collections.abc.Iterator[int]");
    let told = ["Breaking became-generator it is now a generator: its body runs only when somebody \
                 iterates over it"];
    for (old, new, expected) in [
        ((false, None), (true, None), &told[..]),
        ((false, None), (true, iterator), &told[..]),
        ((false, iterator), (true, iterator), &[]),
        ((true, None), (true, None), &[]),
        ((true, None), (false, None), &[]),
    ] {
        assert_eq!(ids(&of(old.0, old.1), &of(new.0, new.1)), expected);
    }
}

#[test]
fn a_parameter_in_the_same_place_is_no_rename_if_only_one_may_be_left_out() {
    let old = function(&[("url", EITHER, None, None)]);
    let new = function(&[("address", EITHER, None, Some("None"))]);
    assert_eq!(ids(&old, &new), ["Breaking parameter-removed the parameter `url` was removed"]);
}

#[test]
fn values_that_differ_in_their_quotes_are_the_same() {
    let of = |default| function(&[("a", EITHER, None, Some(default))]);
    assert_eq!(ids(&of("'x'"), &of("\"x\"")), Vec::<String>::new());
}

#[test]
fn the_first_overload_decides_also_for_arguments_of_any_type() {
    let of = |all: &[(&str, &str)]| {
        let overloads: Vec<Value> = all
            .iter()
            .map(|(takes, returns)| {
                let x = json!({ "name": "x", "kind": EITHER, "type": takes });
                json!({ "parameters": [x], "type": returns })
            })
            .collect();
        let f = json!({ "kind": "function", "binding": "function", "overloads": overloads });
        surface(
            json!({ "demo": { "to": "demo", "public": true }, "demo.f": { "to": "demo.f", "public": true } }),
            json!({ "demo": { "kind": "module" }, "demo.f": f }),
        )
    };
    let any = "typing.Any";
    assert_eq!(
        ids(&of(&[(any, "int"), ("str", "str")]), &of(&[(any, "bytes"), (any, "int"), ("str", "str")])),
        ["Breaking return-type-widened it returned int, now bytes"]
    );
    assert_eq!(ids(&of(&[(any, "int")]), &of(&[("str", "bytes"), (any, "int")])), Vec::<String>::new());
}

#[test]
fn an_inherited_member_is_removed_where_it_was_defined() {
    let of = |members: Value| {
        let base = json!({ "kind": "class", "members": members });
        let sub =
            json!({ "kind": "class", "members": members, "bases": ["demo.Z"], "ancestors": ["demo.Z"] });
        let public = |to: &str| json!({ "to": to, "public": true });
        surface(
            json!({ "demo": public("demo"), "demo.A": public("demo.A"), "demo.Z": public("demo.Z") }),
            json!({ "demo": { "kind": "module" }, "demo.A": sub, "demo.Z": base,
                "demo.Z.f": { "kind": "function", "binding": "instance" } }),
        )
    };
    let found = diff(&of(json!({ "f": "demo.Z.f" })), &of(json!({})));
    let symbols: Vec<&str> = found.iter().map(|change| change.symbol.as_str()).collect();
    assert_eq!(symbols, ["demo.Z.f"]);
}

#[test]
fn a_removed_member_may_come_from_a_base_that_is_not_known() {
    let of = |name: &str, has: bool, class: &Value| {
        let path = format!("demo.x.{name}");
        let mut class = class.clone();
        class["kind"] = json!("class");
        class["members"] = if has { json!({ name: path }) } else { json!({}) };
        let mut one = only(class);
        let more = json!({ "demo._Z": { "kind": "class" }, path: { "kind": "function", "binding": "instance",
            "signature": { "parameters": [{ "name": "self", "kind": EITHER }] } } });
        one.objects.extend(surface(json!({}), more).objects);
        one
    };
    let (gone, maybe) = (&["method-removed"][..], &["method-maybe-removed"][..]);
    let from = |base: &str| json!({ "bases": [base], "ancestors": [base] });
    for (name, class, expected) in [
        ("__len__", json!({}), gone),
        ("__len__", from("abc.ABC"), gone),
        ("__len__", from("demo._Z"), gone),
        ("__len__", from("other.Base"), maybe),
        ("__len__", json!({ "model": "dataclass" }), maybe),
        ("__eq__", json!({}), maybe),
        ("f", from("other.Base"), gone),
        ("f", json!({ "unknown": true }), maybe),
        ("f", json!({ "dynamic": true }), maybe),
        ("f", json!({ "assigned": ["f"] }), &[]),
        ("f", json!({ "assigned": ["g"] }), gone),
        ("upper", json!({ "given": ["lower", "upper"] }), &[]),
        ("upper", json!({ "given": ["lower"] }), gone),
        ("f", from("ValueError"), gone),
        ("__class_getitem__", json!({ "type_parameters": [{ "name": "T" }] }), &[]),
        ("__class_getitem__", json!({}), gone),
        ("f", json!({ "type_parameters": [{ "name": "T" }] }), gone),
    ] {
        let found = diff(&of(name, true, &class), &of(name, false, &class));
        let ids: Vec<&str> = found.iter().map(|change| change.id.as_str()).collect();
        assert_eq!(ids, expected, "{name} {class}");
    }
}

#[test]
fn a_member_of_a_base_that_is_gone_is_removed_from_the_class() {
    let of = |members: Value, base_is_public: bool| {
        let base = json!({ "kind": "class", "members": members });
        let sub =
            json!({ "kind": "class", "members": members, "bases": ["demo.Z"], "ancestors": ["demo.Z"] });
        let public = |to: &str| json!({ "to": to, "public": true });
        let mut names = json!({ "demo": public("demo"), "demo.A": public("demo.A") });
        if base_is_public {
            names["demo.Z"] = public("demo.Z");
        }
        surface(
            names,
            json!({ "demo": { "kind": "module" }, "demo.A": sub, "demo.Z": base,
                "demo.Z.f": { "kind": "function", "binding": "instance" } }),
        )
    };
    let found = diff(&of(json!({ "f": "demo.Z.f" }), true), &of(json!({}), false));
    let symbols: Vec<&str> = found.iter().map(|change| change.symbol.as_str()).collect();
    assert_eq!(symbols, ["demo.A.f", "demo.Z"]);
}

#[test]
fn only_what_can_be_set_is_judged_for_those_who_set_it() {
    for (kind, writable, old, new, expected) in [
        ("attribute", true, "int", "bool", &["attribute-type-narrowed"][..]),
        ("attribute", false, "int", "bool", &[]),
        ("property", true, "int", "bool", &[]),
        ("property", false, "int", "bool", &[]),
        ("attribute", true, "typing.Final[int]", "typing.Final[bool]", &[]),
        ("attribute", true, "bool", "int", &["attribute-type-widened"]),
        ("attribute", true, "int", "other.A", &["attribute-type-changed"]),
    ] {
        let of = |holds| json!({ "kind": kind, "annotation": holds, "type": holds, "writable": writable });
        assert_eq!(rules_of(of(old), of(new)), expected, "{kind} {writable} {old} {new}");
    }
}

#[test]
fn a_field_in_between_moves_those_that_follow() {
    let of = |fields: &[(&str, bool)]| {
        let field = |(name, required): &(&str, bool)| {
            json!({ "name": name, "type": "int", "required": required,
                "keyword_only": false })
        };
        let fields: Vec<Value> = fields.iter().map(field).collect();
        json!({ "kind": "class", "model": "dataclass", "fields": fields })
    };
    let old = of(&[("a", true), ("b", false)]);
    assert_eq!(
        rules_of(old.clone(), of(&[("a", true), ("c", false), ("b", false)])),
        ["fields-reordered", "field-added"]
    );
    assert_eq!(rules_of(old.clone(), of(&[("a", true), ("b", false), ("c", false)])), ["field-added"]);
    assert_eq!(rules_of(old, of(&[("a", true), ("c", true), ("b", false)])), ["field-added-required"]);
}

#[test]
fn a_parameter_after_a_renamed_one_is_told_if_it_moves() {
    let old = function(&[("path", EITHER, None, None), ("a", EITHER, None, Some("1"))]);
    let new = [("paths", EITHER, None, None), ("x", EITHER, None, Some("2")), ("a", EITHER, None, Some("1"))];
    let ids: Vec<String> = diff(&old, &function(&new)).into_iter().map(|change| change.id).collect();
    assert_eq!(ids, ["parameter-renamed", "parameter-inserted"]);
}

#[test]
fn a_method_is_called_in_another_way_only_if_both_were_methods() {
    for (old, new, expected) in [
        ("static", "instance", &["method-needs-instance"][..]),
        ("instance", "static", &["method-binding-changed"]),
        ("instance", "class", &["method-binding-changed"]),
        ("static", "static", &[]),
        ("function", "static", &[]),
        ("static", "function", &[]),
    ] {
        let of = |binding| json!({ "kind": "function", "binding": binding });
        assert_eq!(rules_of(of(old), of(new)), expected, "{old} {new}");
    }
}

#[test]
fn a_keyword_is_renamed_if_one_new_keyword_is_like_it() {
    let of = |list: &[(&str, &str)]| {
        let list: Vec<_> = list.iter().map(|(name, kind)| (*name, *kind, Some("int"), Some("1"))).collect();
        function(&list)
    };
    let keyword = "keyword-only";
    let old = of(&[("limit", keyword), ("b", keyword)]);
    for (new, expected) in [
        (&[("limits", keyword), ("b", keyword)][..], "parameter-renamed"),
        (&[("limits", EITHER), ("b", keyword)], "parameter-removed"),
        (&[("limits", keyword), ("limited", keyword), ("b", keyword)], "parameter-removed"),
    ] {
        let ids: Vec<String> = diff(&old, &of(new)).into_iter().map(|change| change.id).collect();
        assert_eq!(ids[0], expected, "{new:?} {ids:?}");
    }
}

#[test]
fn a_positional_parameter_is_swallowed_only_by_args() {
    let of = |list: &[(&str, &str)]| {
        let list: Vec<_> = list.iter().map(|(name, kind)| (*name, *kind, None, None)).collect();
        function(&list)
    };
    let old = of(&[("a", "positional-only")]);
    for (new, expected) in [
        (&[][..], "parameter-removed"),
        (&[("kwargs", "variadic keyword")], "parameter-removed"),
        (&[("args", "variadic positional")], "parameter-swallowed"),
    ] {
        let ids: Vec<String> = diff(&old, &of(new)).into_iter().map(|change| change.id).collect();
        assert_eq!(ids, [expected], "{new:?}");
    }
}
