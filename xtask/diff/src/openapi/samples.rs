//! Values of every kind that some schemas distinguish: any other value fits the same of them as one of these.
//! Types, lists of values, limits, properties and items count; if more matters, the caller is told.

use super::document::Document;
use super::types::Types;
use super::values::Number;
use super::witness::fits_written;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// How deep schemas are read, and how many there may be.
const DEPTH: usize = 8;
const SCHEMAS: usize = 200;
/// How many limits and listed values there may be at one place.
const LIMITS: usize = 200;
/// How many objects (lists) are made at one place.
const PRODUCT: usize = 300;
/// The longest list and text.
const LONGEST_LIST: usize = 20;
const LONGEST_TEXT: usize = 1000;
/// A property that probably no schema describes.
const STRANGERS: [&str; 2] = ["x-not-described", "x-not-described-either"];

/// A schema as written, in its document.
#[derive(Clone, Copy)]
pub(super) struct Written<'a, 'v> {
    pub document: &'a Document<'v>,
    pub schema: &'v Value,
    /// The older of the two documents.
    pub old: bool,
}

impl Written<'_, '_> {
    fn says_the_same(&self, other: &Written) -> bool {
        let refers = || self.schema.to_string().contains("$ref");
        self.schema == other.schema && (self.old == other.old || !refers())
    }
}

/// Values, and whether they stand for all others.
pub(super) struct Samples {
    pub values: Vec<Value>,
    /// For all values that are neither objects nor lists.
    pub plain: bool,
    /// For objects and lists, too. Then no property is missing in the new schemas.
    pub structured: bool,
}

/// Values for these schemas, which describe the same place. `strict`: None if they do not stand for all plain
/// values.
pub(super) fn samples(schemas: &[Written], strict: bool) -> Option<Samples> {
    Search { strict, left: SCHEMAS }.values(schemas, DEPTH)
}

struct Search {
    strict: bool,
    /// How many more schemas are read.
    left: usize,
}

/// The keywords of all schemas of one place, with those of their alternatives.
struct Place<'a, 'v> {
    parts: Vec<(Written<'a, 'v>, &'v Map<String, Value>)>,
    listed: Vec<&'v Value>,
    numbers: Vec<Number>,
    lengths: Vec<usize>,
    plain: bool,
    structured: bool,
}

impl Search {
    fn values<'a, 'v>(&mut self, schemas: &[Written<'a, 'v>], depth: usize) -> Option<Samples> {
        let mut place = Place {
            parts: Vec::new(),
            listed: Vec::new(),
            numbers: Vec::new(),
            lengths: Vec::new(),
            plain: true,
            structured: true,
        };
        for schema in schemas {
            self.read(&mut place, *schema, depth);
            if self.strict && !place.plain {
                return None;
            }
        }
        let mut values = place.plain_values();
        let (lists, all_lists) = self.lists(&place, depth);
        let (objects, all_objects) = self.objects(&place, depth);
        values.extend(lists);
        values.extend(objects);
        let structured = place.structured && all_lists && all_objects;
        Some(Samples { values, plain: place.plain, structured })
    }

    fn read<'a, 'v>(&mut self, place: &mut Place<'a, 'v>, written: Written<'a, 'v>, depth: usize) {
        let Some(map) = written.schema.as_object() else { return place.plain &= written.schema.is_boolean() };
        if place.parts.iter().any(|(_, known)| std::ptr::eq(*known, map)) {
            return;
        }
        if depth == 0 || self.left == 0 || place.limits() > LIMITS {
            (place.plain, place.structured) = (false, false);
            return;
        }
        self.left -= 1;
        place.parts.push((written, map));
        for (key, limit) in map {
            match key.as_str() {
                "anyOf" | "oneOf" | "allOf" if key != "oneOf" || !map.contains_key("discriminator") => {
                    for schema in limit.as_array().into_iter().flatten() {
                        self.read(place, Written { schema, ..written }, depth - 1);
                    }
                }
                "$ref" => match limit.as_str().and_then(|r| written.document.target(r).ok()) {
                    Some((schema, _)) => self.read(place, Written { schema, ..written }, depth - 1),
                    None => place.plain = false,
                },
                _ => place.keyword(key, limit, map),
            }
        }
    }

    /// Objects with every combination of kinds of property values.
    fn objects<'a, 'v>(&mut self, place: &Place<'a, 'v>, depth: usize) -> (Vec<Value>, bool) {
        let names = |old: Option<bool>| -> BTreeSet<&'v str> {
            let parts = place.parts.iter().filter(|(written, _)| old.is_none_or(|old| written.old == old));
            parts.flat_map(|(_, map)| names_of(map)).collect()
        };
        let mut complete = names(Some(true)).is_subset(&names(Some(false)));
        let others: Vec<Written> =
            place.parts.iter().filter_map(|(written, map)| additional(*written, map)).collect();
        // Each property that is not listed may break another limit.
        let mut limits: Vec<Written> = Vec::new();
        for other in &others {
            if !limits.iter().any(|known| known.says_the_same(other)) {
                limits.push(*other);
            }
        }
        complete &= limits.len() <= STRANGERS.len();
        let mut properties: Vec<(&str, Vec<Value>)> = Vec::new();
        for name in names(None) {
            let schemas: Vec<Written> = place
                .parts
                .iter()
                .filter_map(|(written, map)| {
                    let own = map.get("properties").and_then(|properties| properties.get(name));
                    own.map(|schema| Written { schema, ..*written }).or_else(|| additional(*written, map))
                })
                .collect();
            properties.push((name, self.kinds(&schemas, depth, &mut complete)));
        }
        for name in STRANGERS.iter().take(limits.len()) {
            properties.push((name, self.kinds(&others, depth, &mut complete)));
        }
        // The properties that distinguish most come first: not all may be combined.
        properties.sort_by_key(|(_, kinds)| std::cmp::Reverse(kinds.len()));
        let mut objects = vec![Map::new()];
        for (name, kinds) in &properties {
            if objects.len() * (kinds.len() + 1) > PRODUCT {
                complete = false;
                let first = kinds.first().filter(|_| place.requires(name));
                let first = first.map(|value| (name.to_string(), value.clone()));
                objects.iter_mut().for_each(|object| object.extend(first.clone()));
                continue;
            }
            let more: Vec<_> = kinds.iter().flat_map(|value| with(&objects, name, value)).collect();
            objects.extend(more);
        }
        (objects.into_iter().map(Value::Object).collect(), complete)
    }

    /// Lists of every length that matters, with every combination of kinds of items.
    fn lists<'a, 'v>(&mut self, place: &Place<'a, 'v>, depth: usize) -> (Vec<Value>, bool) {
        let mut lengths = BTreeSet::from([0, 1]);
        let mut schemas: Vec<Written> = Vec::new();
        for (written, map) in &place.parts {
            schemas.extend(map.get("items").map(|schema| Written { schema, ..*written }));
            let limits = ["minItems", "maxItems"].into_iter().filter_map(|key| count(map.get(key)?));
            lengths.extend(limits.flat_map(|n| [n.saturating_sub(1), n, n + 1]));
        }
        let mut complete = lengths.last().is_none_or(|longest| *longest <= LONGEST_LIST);
        lengths.retain(|length| *length <= LONGEST_LIST);
        let items = self.kinds(&schemas, depth, &mut complete);
        // A list fits if all its items fit, so only the set of them matters.
        let mut sets: Vec<Vec<&Value>> = vec![Vec::new()];
        for item in &items {
            if sets.len() * 2 * lengths.len() > PRODUCT {
                complete = false;
                break;
            }
            let more: Vec<_> = sets.iter().map(|set| set.iter().copied().chain([item]).collect()).collect();
            sets.extend(more);
        }
        let of = |set: &Vec<&Value>, length: usize| -> Option<Value> {
            let last = set.last().filter(|_| set.len() <= length)?;
            let items = set.iter().chain(std::iter::repeat_n(last, length - set.len()));
            Some(items.map(|item| (*item).clone()).collect())
        };
        let lists = lengths.iter().flat_map(|length| sets.iter().filter_map(|set| of(set, *length)));
        ([json!([])].into_iter().chain(lists).collect(), complete)
    }

    /// One value for each set of these schemas that a value may fit. The values that fit most come first.
    fn kinds(&mut self, schemas: &[Written], depth: usize, complete: &mut bool) -> Vec<Value> {
        if schemas.is_empty() {
            return vec![json!("a")];
        }
        let stop = depth == 0 || (self.strict && !*complete);
        let samples = if stop { None } else { self.values(schemas, depth - 1) };
        let Some(samples) = samples else {
            *complete = false;
            return Vec::new();
        };
        *complete &= samples.plain && samples.structured;
        let mut kinds: Vec<(Vec<bool>, Value)> = Vec::new();
        for value in samples.values {
            let fitting: Option<Vec<bool>> = schemas
                .iter()
                .map(|written| fits_written(written.document, written.schema, &value))
                .collect();
            match fitting {
                Some(fitting) if kinds.iter().all(|(known, _)| *known != fitting) => {
                    kinds.push((fitting, value));
                }
                Some(_) => {}
                None => *complete = false,
            }
        }
        kinds.sort_by_key(|(fitting, _)| fitting.iter().filter(|fits| !**fits).count());
        kinds.into_iter().map(|(_, value)| value).collect()
    }
}

impl<'v> Place<'_, 'v> {
    fn limits(&self) -> usize {
        self.listed.len() + self.numbers.len() + self.lengths.len()
    }

    fn requires(&self, name: &str) -> bool {
        self.parts.iter().any(|(_, map)| required(map).any(|other| other == name))
    }

    fn keyword(&mut self, key: &str, limit: &'v Value, map: &Map<String, Value>) {
        match key {
            "type" | "nullable" => {}
            "enum" => self.listed.extend(limit.as_array().into_iter().flatten()),
            "const" => self.listed.push(limit),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                self.numbers.extend(Number::of(limit));
            }
            "minLength" | "maxLength" => match count(limit).filter(|n| *n < LONGEST_TEXT) {
                Some(length) => self.lengths.push(length),
                None => self.plain = false,
            },
            // Without a type, these keywords imply one.
            "properties" | "required" | "additionalProperties" | "items" | "minItems" | "maxItems"
                if map.contains_key("type") => {}
            "minProperties" | "maxProperties" | "uniqueItems" if map.contains_key("type") => {
                self.structured = false;
            }
            "title" | "description" | "example" | "examples" | "default" | "deprecated" => {}
            _ => self.plain = false,
        }
        if matches!(key, "default" | "deprecated") {
            self.structured = false;
        }
    }

    /// Between two neighbouring limits all values are alike.
    fn plain_values(&mut self) -> Vec<Value> {
        let structured = |value: &&&Value| Types::STRUCTURED.meets(Types::of(value));
        self.structured &= !self.listed.iter().any(|value| structured(&value));
        let mut all: Vec<Value> = self.listed.iter().map(|value| (*value).clone()).collect();
        all.extend([json!(null), json!(true), json!(false), json!("a")]);
        let listed = self.listed.iter().filter_map(|value| Number::of(value));
        for number in self.numbers.iter().copied().chain(listed).chain([Number::Whole(0)]) {
            all.extend(number.neighbours());
        }
        // Texts that are not listed.
        let texts: Vec<&str> = self.listed.iter().filter_map(|value| value.as_str()).collect();
        let letter = ('a'..='z').rev().find(|letter| !texts.iter().any(|text| text.starts_with(*letter)));
        self.plain &= letter.is_some();
        for length in self.lengths.iter().copied().chain([1]) {
            for n in [length.saturating_sub(1), length, length + 1] {
                all.push(json!(letter.unwrap_or('q').to_string().repeat(n)));
            }
        }
        all
    }
}

fn names_of(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let described = map.get("properties").and_then(Value::as_object).into_iter().flatten();
    described.map(|(name, _)| name.as_str()).chain(required(map))
}

fn required(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The schema of properties that are not listed.
fn additional<'a, 'v>(written: Written<'a, 'v>, map: &'v Map<String, Value>) -> Option<Written<'a, 'v>> {
    let schema = map.get("additionalProperties").filter(|schema| **schema != true)?;
    Some(Written { schema, ..written })
}

fn with(objects: &[Map<String, Value>], name: &str, value: &Value) -> Vec<Map<String, Value>> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        object.insert(name.to_string(), value.clone());
    }
    objects
}

fn count(limit: &Value) -> Option<usize> {
    limit.as_u64().and_then(|n| usize::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_objects_are_made_than_the_limit() {
        let root = json!({ "openapi": "3.1.0" });
        let document = Document::new(&root);
        // The first property has values of three kinds, the others of two.
        let schema = |first: Value, count: usize| {
            let others = (1..count).map(|at| (format!("p{at}"), json!({ "type": "boolean" })));
            let properties: Map<String, Value> =
                [("p0".to_string(), first)].into_iter().chain(others).collect();
            json!({ "type": "object", "properties": properties })
        };
        for count in 1..7 {
            let schemas = [json!({ "type": "boolean" }), json!({ "type": ["boolean", "null"] })];
            let schemas = schemas.map(|first| schema(first, count));
            let written = schemas.each_ref().map(|schema| Written { document: &document, schema, old: true });
            let samples = samples(&written, false).expect("values are found");
            let objects = samples.values.iter().filter(|value| value.is_object()).count();
            let all = 4 * 3usize.pow(u32::try_from(count).expect("it is small") - 1);
            assert_eq!(objects == all, all <= PRODUCT, "{objects} of {all}");
            assert!(objects <= PRODUCT, "{objects} of {all}");
        }
    }
}
