//! Guesses whether a new definition is a removed one under another name. It affects only messages, never
//! whether something breaks.

use super::surface::{Attribute, Class, Function, Is, Object};
use similar::TextDiff;

/// The minimum of name and shape together; less is a coincidence.
const ENOUGH: u32 = 90;
/// The minimum for the names of two optional parameters or fields: what one means is in its name.
const LIKE_ENOUGH: u32 = 50;
/// A value of at most this many characters is shared by many constants: `100`, `"utf"`.
const TELLING: usize = 5;

/// Whether an optional one of another name may be the same one. If not, it is a removed one and a new one.
pub(super) fn may_be_renamed(required: bool, old: &str, new: &str) -> bool {
    required || likeness(old, new) >= LIKE_ENOUGH
}

/// How similar both are, or None if not similar enough. Another name counts only in the same place.
pub(super) fn score((old_path, old): (&str, &Object), (new_path, new): (&str, &Object)) -> Option<u32> {
    let split = |path: &str| {
        path.rsplit_once('.')
            .map(|(p, n)| (p.to_string(), n.to_string()))
            .unwrap_or((String::new(), path.to_string()))
    };
    let ((old_parent, old_name), (new_parent, new_name)) = (split(old_path), split(new_path));
    let shape = match (&old.is, &new.is) {
        (Is::Function(a), Is::Function(b)) if a.binding == b.binding => functions(a, b),
        (Is::Class(a), Is::Class(b)) => classes(a, b),
        (Is::Attribute(a) | Is::TypeAlias(a), Is::Attribute(b) | Is::TypeAlias(b)) => attributes(a, b),
        (Is::Property(a), Is::Property(b)) => {
            if a.holds == b.holds {
                50
            } else {
                0
            }
        }
        (Is::Module(_), Is::Module(_)) => 30,
        _ => return None,
    };
    let total = shape + likeness(&old_name, &new_name);
    let same_place = old_parent == new_parent;
    (total >= ENOUGH && (same_place || old_name == new_name))
        .then_some(total + if same_place { 5 } else { 0 })
}

/// The similarity, from 0 to 100.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a ratio is between 0 and 1")]
pub(super) fn likeness(a: &str, b: &str) -> u32 {
    (TextDiff::from_chars(&a.to_lowercase(), &b.to_lowercase()).ratio() * 100.0) as u32
}

fn functions(a: &Function, b: &Function) -> u32 {
    let shape = |f: &Function| {
        f.signature.parameters.iter().map(|p| (p.name.clone(), p.kind, p.takes.clone())).collect::<Vec<_>>()
    };
    let given = a.signature.parameters.iter().filter(|p| !["self", "cls"].contains(&p.name.as_str()));
    let points = (1..=4).zip(given).map(|_| 15).sum::<u32>();
    if shape(a) == shape(b) && a.is_async == b.is_async { 30 + points } else { 0 }
}

fn classes(a: &Class, b: &Class) -> u32 {
    let both = a.members.keys().filter(|name| b.members.contains_key(*name)).count();
    let all = a.members.len() + b.members.len() - both;
    let members = (80 * both).checked_div(all).map_or(20, |share| u32::try_from(share).unwrap_or(80));
    members + if a.bases == b.bases { 20 } else { 0 }
}

fn attributes(a: &Attribute, b: &Attribute) -> u32 {
    let telling = |value: &String| {
        value.len() > TELLING && !["None", "True", "False", "auto()", "enum.auto()"].contains(&value.as_str())
    };
    match (&a.value, &b.value) {
        (Some(x), Some(y)) if x == y => {
            if telling(x) {
                90
            } else {
                50
            }
        }
        _ if a.holds.is_some() && a.holds == b.holds => 40,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn object(value: Value) -> Object {
        serde_json::from_value(value).expect("an object")
    }

    fn class(members: &[&str], base: &str) -> Object {
        let members: serde_json::Map<String, Value> =
            members.iter().map(|name| (name.to_string(), json!(format!("demo.{name}")))).collect();
        object(json!({ "kind": "class", "members": members, "bases": [base] }))
    }

    fn function(binding: &str, parameters: &[&str]) -> Object {
        let list: Vec<Value> =
            parameters.iter().map(|name| json!({ "name": name, "kind": "positional or keyword" })).collect();
        object(json!({ "kind": "function", "binding": binding, "signature": { "parameters": list } }))
    }

    #[test]
    fn a_new_name_is_the_old_one_if_shape_and_name_tell() {
        let value = |text: &str| object(json!({ "kind": "attribute", "value": text }));
        let property = |holds: &str| object(json!({ "kind": "property", "type": holds }));
        let method = |parameters: &[&str]| function("instance", parameters);
        for (old, new, expected) in [
            // 80 for the share of common members, 20 for the same bases, 5 for the same place, and the name.
            (("a.A", class(&["x", "y"], "B")), ("a.Z", class(&["x", "y"], "B")), Some(105)),
            (("a.A", class(&["x", "y"], "B")), ("b.A", class(&["x", "y"], "C")), Some(180)),
            (("a.Ab", class(&["x", "y"], "B")), ("a.Ac", class(&["y", "z", "w"], "C")), None),
            (("a.Ab", class(&["x", "y"], "B")), ("a.Ac", class(&["x", "y", "z"], "B")), Some(128)),
            (("a.Ab", class(&[], "B")), ("a.Ac", class(&[], "B")), Some(95)),
            (("a.Ab", class(&[], "B")), ("b.Ac", class(&[], "B")), None),
            (("a.Ab", method(&["self", "x"])), ("a.Ac", method(&["self", "x"])), Some(100)),
            (("a.Ab", method(&["self", "x"])), ("a.Ac", method(&["self", "y"])), None),
            (("a.Ab", method(&["x"])), ("a.Ac", function("static", &["x"])), None),
            (("a.ab", property("int")), ("a.ac", property("int")), Some(105)),
            (("a.ab", property("int")), ("a.ac", property("str")), None),
            (("a.ab", value("'a long text'")), ("a.xyz", value("'a long text'")), Some(95)),
            (("a.ab", value("1")), ("a.xyz", value("1")), None),
            (("a.ab", value("1")), ("a.xyz", method(&[])), None),
        ] {
            assert_eq!(score((old.0, &old.1), (new.0, &new.1)), expected, "{} {}", old.0, new.0);
        }
    }
}
