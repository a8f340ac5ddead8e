//! Finds components that are identical in both documents and refer only to identical ones, which is most of
//! them: they need no comparison. Reporting an unchanged one as changed costs only time.

use super::document::Document;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The references of components that are identical, with all that they refer to.
pub(super) struct Unchanged {
    /// A JSON object, because looking up a key of one is optimised in debug builds too.
    same: Value,
    /// Both documents are read by the same rules, so identical texts mean the same.
    pub(super) alike: bool,
}

impl Unchanged {
    pub(super) fn between(old: &Document, new: &Document) -> Unchanged {
        let alike = old.siblings == new.siblings;
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut values = Vec::new();
        for (section, entries) in components(old.root).filter(|_| alike) {
            for (name, value) in entries {
                let twin = new.root.get("components").and_then(|c| c.get(section)?.get(name));
                names.insert(format!("#/components/{section}/{name}"), values.len());
                values.push((value, twin));
            }
        }
        let mut same = Vec::with_capacity(values.len());
        let mut used_by: Vec<Vec<usize>> = vec![Vec::new(); values.len()];
        for (index, (value, twin)) in values.iter().enumerate() {
            let mut known = true;
            let equal = twin.is_some_and(|twin| {
                equal(value, twin, &mut |reference| {
                    match names.get(reference) {
                        Some(target) => used_by[*target].push(index),
                        None => known = false,
                    }
                    true
                })
            });
            same.push(equal && known);
        }
        // A component that uses a changed one has changed.
        let mut todo: Vec<usize> = (0..same.len()).filter(|index| !same[*index]).collect();
        while let Some(index) = todo.pop() {
            for user in std::mem::take(&mut used_by[index]) {
                if std::mem::replace(&mut same[user], false) {
                    todo.push(user);
                }
            }
        }
        let same = names.into_iter().map(|(name, index)| (name, Value::Bool(same[index]))).collect();
        Unchanged { same: Value::Object(same), alike }
    }

    /// Nothing counts as unchanged, for tests of the comparison itself.
    #[cfg(test)]
    pub(super) fn nothing() -> Unchanged {
        Unchanged { same: Value::Null, alike: false }
    }

    pub(super) fn is(&self, old: &Value, new: &Value) -> bool {
        self.alike && equal(old, new, &mut |reference| self.same.get(reference) == Some(&Value::Bool(true)))
    }

    /// The same for values that may be missing.
    pub(super) fn both(&self, old: Option<&Value>, new: Option<&Value>) -> bool {
        match (old, new) {
            (Some(old), Some(new)) => self.is(old, new),
            (old, new) => self.alike && old.is_none() && new.is_none(),
        }
    }
}

fn components(root: &Value) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    let sections = root.get("components").and_then(Value::as_object).into_iter().flatten();
    sections.filter_map(|(section, entries)| Some((section, entries.as_object()?)))
}

/// Whether both are the same JSON with keys in the same order, and all their references pass. Plain loops:
/// this is most of the work for two large documents, and debug builds do not inline iterators.
fn equal(a: &Value, b: &Value, pass: &mut dyn FnMut(&str) -> bool) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            if a.len() != b.len() {
                return false;
            }
            let mut others = b.iter();
            for (key, x) in a {
                let Some((other, y)) = others.next() else { return false };
                if key.as_bytes() != other.as_bytes() || !equal(x, y, pass) {
                    return false;
                }
                if matches!(key.as_bytes(), [b'$', ..])
                    && (key == "$ref" || key == "$dynamicRef")
                    && !x.as_str().is_none_or(&mut *pass)
                {
                    return false;
                }
            }
            true
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return false;
            }
            let mut others = b.iter();
            for x in a {
                let Some(y) = others.next() else { return false };
                if !equal(x, y, pass) {
                    return false;
                }
            }
            true
        }
        (Value::String(a), Value::String(b)) => a.as_bytes() == b.as_bytes(),
        _ => a == b,
    }
}
