//! A schema to compare, as it is written: before what it says is put together.

use super::document::{At, Document};
use super::types::Types;
use serde_json::Value;

/// A schema as written, at its place.
#[derive(Clone)]
pub struct Raw<'v> {
    pub value: &'v Value,
    pub at: At<'v>,
    /// null is allowed beside what it says: `anyOf: [it, null]`.
    pub lifted: bool,
    /// What it refers to and what it merges was read before, and stands beside it.
    pub flat: bool,
    /// Its alternatives are being looked at one by one, and left out here.
    pub without: Without,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub struct Without {
    pub any: bool,
    pub one: bool,
}

/// A schema to compare: everything that a value must fit at once.
#[derive(Clone)]
pub struct Node<'v> {
    pub raws: Vec<Raw<'v>>,
    /// Of these types alone.
    pub only: Types,
    pub at: At<'v>,
}

impl Raw<'_> {
    pub fn same_reading(&self, other: &Raw) -> bool {
        (self.lifted, self.flat, self.without) == (other.lifted, other.flat, other.without)
    }
    /// A number for each way to read it.
    fn reading(&self) -> usize {
        let bits = [self.lifted, self.flat, self.without.any, self.without.one];
        bits.into_iter().fold(0, |number, bit| number * 2 + usize::from(bit))
    }
}

impl<'v> Node<'v> {
    pub fn new(value: &'v Value, at: At<'v>) -> Node<'v> {
        Node {
            raws: vec![Raw {
                value,
                at: at.clone(),
                lifted: false,
                flat: false,
                without: Without::default(),
            }],
            only: Types::ALL,
            at,
        }
    }
    /// Anything fits.
    pub fn anything(at: At<'v>) -> Node<'v> {
        Node { raws: Vec::new(), only: Types::ALL, at }
    }
    pub fn only(&self, types: Types) -> Node<'v> {
        Node { only: self.only & types, ..self.clone() }
    }
    pub fn and(&mut self, other: Node<'v>) {
        self.raws.extend(other.raws);
    }

    /// The reference that this schema is, and nothing but.
    pub fn reference(&self) -> Option<&'v str> {
        let [raw] = &self.raws[..] else { return None };
        raw.value.as_object()?.get("$ref")?.as_str()
    }

    /// What makes two visits the same: the places that are read, whatever leads there. None where no
    /// reference can be involved, so that no visit comes back here.
    pub fn identity(&self, document: &Document<'v>) -> Option<Vec<usize>> {
        let mut through = false;
        let mut identity: Vec<usize> = Vec::with_capacity(self.raws.len() + 1);
        for raw in &self.raws {
            let map = raw.value.as_object();
            let reference = map.and_then(|m| m.get("$ref")).and_then(Value::as_str);
            through |= self.raws.len() > 1
                || map.is_some_and(|m| {
                    m.keys().any(|k| matches!(k.as_str(), "$ref" | "allOf" | "anyOf" | "oneOf"))
                });
            let alone = reference.filter(|_| !document.siblings || map.is_some_and(|m| m.len() == 1));
            let value = alone.and_then(|r| document.target(r).ok()).map_or(raw.value, |(value, _)| value);
            identity.push(std::ptr::from_ref(value) as usize * 16 + raw.reading());
        }
        identity.sort_unstable();
        identity.dedup();
        identity.push(self.only.bits());
        through.then_some(identity)
    }

    /// A keyword that stands at the schema itself, at what its reference names, or in its `allOf`.
    pub fn keyword(&self, document: &Document<'v>, name: &str) -> Option<&'v Value> {
        self.raws.iter().find_map(|raw| keyword(document, raw.value, name, 4))
    }

    /// What the object that has it as a property needs to know.
    pub fn access(&self, document: &Document<'v>) -> Access {
        let mut access = Access::default();
        for raw in &self.raws {
            access.read(document, raw.value, 4);
        }
        access
    }
}

/// Who sees a property, and whether the server fills it in.
#[derive(Clone, Copy, Default)]
pub struct Access {
    pub read_only: bool,
    pub write_only: bool,
    pub default: bool,
}

impl Access {
    fn read(&mut self, document: &Document, value: &Value, depth: usize) {
        for (key, value) in value.as_object().into_iter().flatten().filter(|_| depth > 0) {
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
