//! A schema to compare, as written, before its parts are merged.

use super::document::{At, Document, reference};
use super::types::Types;
use serde_json::Value;

/// A schema as written, with its place.
#[derive(Clone)]
pub(super) struct Raw<'v> {
    pub value: &'v Value,
    pub at: At<'v>,
    /// null is allowed in addition: `anyOf: [it, null]`.
    pub lifted: bool,
    /// Its `$ref` and `allOf` are already read, and are separate parts of the node.
    pub flat: bool,
    /// Its alternatives are compared one by one, and ignored here.
    pub without: Without,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Without {
    pub any: bool,
    pub one: bool,
}

/// A schema to compare: all parts that a value must fit.
#[derive(Clone)]
pub(super) struct Node<'v> {
    pub raws: Vec<Raw<'v>>,
    /// Only values of these types.
    pub only: Types,
    pub at: At<'v>,
}

impl<'v> Raw<'v> {
    pub(super) fn plain(value: &'v Value, at: At<'v>) -> Raw<'v> {
        Raw { value, at, lifted: false, flat: false, without: Without::default() }
    }
    pub(super) fn same_reading(&self, other: &Raw) -> bool {
        (self.lifted, self.flat, self.without) == (other.lifted, other.flat, other.without)
    }
    /// A number for each combination of flags.
    pub(super) fn reading(&self) -> usize {
        let bit = usize::from;
        bit(self.lifted) * 8 + bit(self.flat) * 4 + bit(self.without.any) * 2 + bit(self.without.one)
    }
}

impl<'v> Node<'v> {
    pub(super) fn new(value: &'v Value, at: At<'v>) -> Node<'v> {
        Node { raws: vec![Raw::plain(value, at.clone())], only: Types::ALL, at }
    }
    /// A schema that every value fits.
    pub(super) fn anything(at: At<'v>) -> Node<'v> {
        Node { raws: Vec::new(), only: Types::ALL, at }
    }
    pub(super) fn only(&self, types: Types) -> Node<'v> {
        Node { only: self.only & types, ..self.clone() }
    }
    pub(super) fn and(&mut self, other: Node<'v>) {
        self.raws.extend(other.raws);
    }

    /// The reference, if the schema is only a reference.
    pub(super) fn reference(&self) -> Option<&'v str> {
        let [raw] = &self.raws[..] else { return None };
        reference(raw.value)
    }

    /// The one schema that it is: as written, or the target of a reference with nothing beside it.
    pub(super) fn alone(&self, document: &Document<'v>) -> Option<(&'v Value, At<'v>)> {
        let [raw] = &self.raws[..] else { return None };
        if raw.reading() != 0 || self.only != Types::ALL {
            return None;
        }
        let Some(reference) = reference(raw.value) else { return Some((raw.value, raw.at.clone())) };
        let single = raw.value.as_object().is_some_and(|map| map.len() == 1);
        document.target(reference).ok().filter(|_| single || !document.siblings)
    }

    /// What makes two visits equal: the places that are read, independent of the way there. None if no
    /// reference is involved, so no visit can return here.
    pub(super) fn identity(&self, document: &Document<'v>) -> Option<Vec<usize>> {
        // Most keys have another length, which costs less to see.
        let composed =
            |key: &str| matches!(key.len(), 4 | 5) && matches!(key, "$ref" | "allOf" | "anyOf" | "oneOf");
        if let [raw] = &self.raws[..]
            && !raw.value.as_object().is_some_and(|map| map.keys().any(|key| composed(key)))
        {
            return None;
        }
        let mut identity: Vec<usize> = Vec::with_capacity(self.raws.len() + 1);
        for raw in &self.raws {
            let reference = reference(raw.value);
            let single = || raw.value.as_object().is_some_and(|map| map.len() == 1);
            let alone = reference.filter(|_| !document.siblings || single());
            let value = alone.and_then(|r| document.target(r).ok()).map_or(raw.value, |(value, _)| value);
            identity.push(std::ptr::from_ref(value) as usize * 16 + raw.reading());
        }
        identity.sort_unstable();
        identity.dedup();
        identity.push(self.only.bits());
        (!self.raws.is_empty()).then_some(identity)
    }

    /// A keyword of the schema itself, of its reference's target, or of its `allOf`.
    pub(super) fn keyword(&self, document: &Document<'v>, name: &str) -> Option<&'v Value> {
        self.raws.iter().find_map(|raw| keyword(document, raw.value, name, 4))
    }

    /// The access keywords of a property's schema.
    pub(super) fn access(&self, document: &Document<'v>) -> Access {
        let mut access = Access::default();
        for raw in &self.raws {
            access.read(document, raw.value, 4);
        }
        access
    }
}

/// Who sees a property, and whether it has a default.
#[derive(Clone, Copy, Default)]
pub(super) struct Access {
    pub read_only: bool,
    pub write_only: bool,
    pub default: bool,
}

impl Access {
    fn read(&mut self, document: &Document, value: &Value, depth: usize) {
        let Some(map) = value.as_object().filter(|_| depth > 0) else { return };
        for (key, value) in map {
            match (key.as_str(), value) {
                ("readOnly", Value::Bool(true)) => self.read_only = true,
                ("writeOnly", Value::Bool(true)) => self.write_only = true,
                ("default", _) => self.default = true,
                ("$ref", Value::String(reference)) => {
                    if let Ok((value, _)) = document.target(reference) {
                        self.read(document, value, depth - 1);
                    }
                }
                ("allOf", Value::Array(parts)) => {
                    parts.iter().for_each(|part| self.read(document, part, depth - 1))
                }
                _ => {}
            }
        }
    }
}

fn keyword<'v>(document: &Document<'v>, value: &'v Value, name: &str, depth: usize) -> Option<&'v Value> {
    let map = value.as_object().filter(|_| depth > 0)?;
    if let Some(found) = map.get(name) {
        return Some(found);
    }
    let target = map.get("$ref").and_then(Value::as_str).and_then(|r| document.target(r).ok());
    let parts = map.get("allOf").and_then(Value::as_array).into_iter().flatten();
    target
        .map(|(value, _)| value)
        .into_iter()
        .chain(parts)
        .find_map(|part| keyword(document, part, name, depth - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reading_has_its_own_number() {
        let mut numbers = BTreeSet::new();
        for bits in 0..16 {
            let [lifted, flat, any, one] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let raw = Raw::plain(&Value::Null, At::root(""));
            numbers.insert(Raw { lifted, flat, without: Without { any, one }, ..raw }.reading());
        }
        assert_eq!(numbers.len(), 16);
    }

    #[test]
    fn different_readings_are_not_the_same() {
        let raw = |lifted, flat| Raw { lifted, flat, ..Raw::plain(&Value::Null, At::root("")) };
        assert!(raw(true, false).same_reading(&raw(true, false)));
        assert!(!raw(true, false).same_reading(&raw(false, true)));
    }

    #[test]
    fn a_reference_is_its_target_only_if_it_stands_alone() {
        let schemas = serde_json::json!({ "A": { "anyOf": [] } });
        let root = serde_json::json!({ "openapi": "3.1.0", "components": { "schemas": schemas },
            "alone": { "$ref": "#/components/schemas/A" },
            "more": { "$ref": "#/components/schemas/A", "minLength": 1 } });
        let document = Document::new(&root);
        let [target, alone, more] = ["/components/schemas/A", "/alone", "/more"].map(|place| {
            let value = root.pointer(place).expect("it is there");
            Node::new(value, At::root("")).identity(&document).expect("it is composed")
        });
        assert_eq!(alone, target);
        assert_ne!(more, target);
    }
}
