//! Values that prove a break: they fit one schema and not the other. Candidates are taken from the schemas'
//! own limits, and each is checked, so that what is reported is never a guess.

use super::document::{At, Document, reference};
use super::node::{Node, Raw};
use super::schema::View;
use super::types::Types;
use super::values::{Number, contains, same};
use serde_json::{Map, Value, json};
use std::cell::Cell;

/// What looking for a value counts, in pairs of schemas.
pub(super) const SEARCH: usize = 200;
/// At most this many candidates for one schema, and for a schema within it.
const OUTER: usize = 60;
const INNER: usize = 8;
/// How deep a value is checked. What is deeper is not decided.
const DEPTH: usize = 12;
/// How deep candidates are built, and from how many schemas: without a limit, wide schemas would take long.
const LEVELS: usize = 4;
const SCHEMAS: usize = 300;
/// How many objects, how many of their properties, and how many values of each are mixed.
const MIXED: usize = 8;
/// The name of a property that probably no schema describes.
const STRANGER: &str = "x-not-described";

/// Whether all fit. None if one is not decided and no other fails.
fn every(results: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for result in results {
        match result {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

/// How many fit, if each is decided.
fn count(results: impl Iterator<Item = Option<bool>>) -> Option<usize> {
    results.map(|result| result.map(usize::from)).sum()
}

/// How `oneOf` is read: a value must fit exactly one alternative, or at least one.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum OneOf {
    Exactly,
    AtLeast,
}

/// Whether a value fits a schema. None if that is not decided: patterns are not evaluated, and only the text
/// that stands for a matching one fits.
pub(super) fn fits(document: &Document, node: &Node, value: &Value, one_of: OneOf) -> Option<bool> {
    if !node.only.meets(Types::of(value)) {
        return Some(false);
    }
    every(node.raws.iter().map(|raw| fits_raw(document, raw, value, one_of, DEPTH)))
}

/// Whether a value fits a schema as it is written.
pub(super) fn fits_written(document: &Document, schema: &Value, value: &Value) -> Option<bool> {
    fits_raw(document, &Raw::plain(schema, At::root("")), value, OneOf::Exactly, DEPTH)
}

fn fits_raw(document: &Document, raw: &Raw, value: &Value, one_of: OneOf, depth: usize) -> Option<bool> {
    if value.is_null() && raw.lifted {
        return Some(true);
    }
    let map = match raw.value {
        Value::Bool(always) => return Some(*always),
        Value::Object(map) => map,
        _ => return Some(true),
    };
    if depth == 0 {
        return None;
    }
    let reference = map.get("$ref").and_then(Value::as_str).filter(|_| !raw.flat);
    let target = reference.map(|reference| match document.target(reference) {
        Ok((target, at)) => fits_raw(document, &Raw::plain(target, at), value, one_of, depth - 1),
        Err(_) => None,
    });
    if map.contains_key("$ref") && !document.siblings {
        return target.unwrap_or(Some(true));
    }
    if value.is_null() && map.get("nullable").is_some_and(|v| v == true) {
        return Some(true);
    }
    let skipped = |key: &str| match key {
        "allOf" => raw.flat,
        "anyOf" => raw.without.any,
        "oneOf" => raw.without.one,
        _ => false,
    };
    let check = Check { document, map, value, one_of, depth };
    let keywords = map.iter().filter(|(key, _)| !skipped(key)).map(|(key, limit)| check.keyword(key, limit));
    every(target.into_iter().chain(keywords))
}

/// One value against the keywords of one written schema.
struct Check<'a, 'v> {
    document: &'a Document<'v>,
    map: &'a Map<String, Value>,
    value: &'a Value,
    one_of: OneOf,
    depth: usize,
}

impl Check<'_, '_> {
    fn fits(&self, schema: &Value, value: &Value) -> Option<bool> {
        let raw = Raw::plain(schema, At::root(""));
        fits_raw(self.document, &raw, value, self.one_of, self.depth - 1)
    }

    fn keyword(&self, key: &str, limit: &Value) -> Option<bool> {
        match key {
            "type" => Some(Types::declared(limit).meets(Types::of(self.value))),
            "enum" => limit.as_array().map(|values| values.iter().any(|v| same(v, self.value))),
            "const" => Some(same(limit, self.value)),
            "allOf" => every(list(limit).iter().map(|schema| self.fits(schema, self.value))),
            // With a discriminator, its property chooses the alternative.
            "oneOf" if self.one_of == OneOf::Exactly && !self.map.contains_key("discriminator") => {
                count(list(limit).iter().map(|schema| self.fits(schema, self.value)))
                    .map(|fitting| fitting == 1)
            }
            "anyOf" | "oneOf" => {
                let results: Vec<_> =
                    list(limit).iter().map(|schema| self.fits(schema, self.value)).collect();
                match results.contains(&Some(true)) {
                    true => Some(true),
                    false => (!results.contains(&None)).then_some(false),
                }
            }
            "not" => self.fits(limit, self.value).map(|fits| !fits),
            "if" => {
                let branch = if self.fits(limit, self.value)? { "then" } else { "else" };
                self.map.get(branch).map_or(Some(true), |schema| self.fits(schema, self.value))
            }
            _ => match self.value {
                Value::Number(_) => self.number(key, limit),
                Value::String(text) => match key {
                    "minLength" | "maxLength" => within(key, limit, text.chars().count()),
                    "pattern" => limit.as_str().filter(|p| like(p) == *self.value).map(|_| true),
                    _ => Some(true),
                },
                Value::Array(items) => self.array(key, limit, items),
                Value::Object(object) => self.object(key, limit, object),
                _ => Some(true),
            },
        }
    }

    fn number(&self, key: &str, limit: &Value) -> Option<bool> {
        let number = Number::of(self.value)?;
        let exclusive = |name: &str| self.map.get(name).is_some_and(|v| v == true);
        let Some(limit) = Number::of(limit) else { return Some(true) };
        Some(match key {
            "minimum" => number > limit || (number == limit && !exclusive("exclusiveMinimum")),
            "maximum" => number < limit || (number == limit && !exclusive("exclusiveMaximum")),
            "exclusiveMinimum" => number > limit,
            "exclusiveMaximum" => number < limit,
            "multipleOf" if limit.real() > 0.0 => number.is_multiple_of(limit),
            _ => true,
        })
    }

    fn array(&self, key: &str, limit: &Value, items: &[Value]) -> Option<bool> {
        let first = self.map.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
        match key {
            "minItems" | "maxItems" => within(key, limit, items.len()),
            "uniqueItems" if limit == true => Some(
                items.iter().enumerate().all(|(at, item)| !items[..at].iter().any(|other| same(item, other))),
            ),
            "prefixItems" => {
                every(list(limit).iter().zip(items).map(|(schema, item)| self.fits(schema, item)))
            }
            "items" if limit.is_array() => None,
            "items" => every(items.iter().skip(first).map(|item| self.fits(limit, item))),
            "contains" => {
                let found = count(items.iter().map(|item| self.fits(limit, item)))?;
                let bound = |name: &str, default: usize| {
                    self.map
                        .get(name)
                        .and_then(Value::as_u64)
                        .map_or(default, |n| usize::try_from(n).unwrap_or(default))
                };
                Some(found >= bound("minContains", 1) && found <= bound("maxContains", usize::MAX))
            }
            "unevaluatedItems" => None,
            _ => Some(true),
        }
    }

    fn object(&self, key: &str, limit: &Value, object: &Map<String, Value>) -> Option<bool> {
        let has = |name: &Value| name.as_str().is_none_or(|name| object.contains_key(name));
        let entries = || limit.as_object().into_iter().flatten();
        match key {
            "minProperties" | "maxProperties" => within(key, limit, object.len()),
            "required" => Some(list(limit).iter().all(has)),
            "dependentRequired" => {
                Some(entries().all(|(name, needs)| !object.contains_key(name) || list(needs).iter().all(has)))
            }
            "dependentSchemas" => every(
                entries()
                    .filter(|(name, _)| object.contains_key(*name))
                    .map(|(_, schema)| self.fits(schema, self.value)),
            ),
            "properties" => {
                every(entries().filter_map(|(name, schema)| Some(self.fits(schema, object.get(name)?))))
            }
            "additionalProperties" => {
                let listed = self.map.get("properties").and_then(Value::as_object);
                let mut others =
                    object.iter().filter(|(name, _)| listed.is_none_or(|l| !l.contains_key(*name)));
                match self.map.get("patternProperties") {
                    Some(_) => others.next().is_none().then_some(true),
                    None => every(others.map(|(_, value)| self.fits(limit, value))),
                }
            }
            "patternProperties" | "propertyNames" | "unevaluatedProperties" => {
                object.is_empty().then_some(true)
            }
            _ => Some(true),
        }
    }
}

/// Stands for a text that matches the pattern.
fn like(pattern: &str) -> Value {
    json!(format!("text like {pattern}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn within(key: &str, limit: &Value, n: usize) -> Option<bool> {
    let limit = limit.as_u64().and_then(|n| usize::try_from(n).ok());
    Some(limit.is_none_or(|limit| if key.starts_with("min") { n >= limit } else { n <= limit }))
}

/// Values that probably fit the schema, at its limits and between them.
pub(super) fn candidates<'v>(document: &Document<'v>, node: &Node<'v>) -> Vec<Value> {
    let mut all = build(document, node, LEVELS, OUTER, &Cell::new(SCHEMAS));
    let mut names = Vec::new();
    names_of(document, node, 2, &mut names);
    mix(&mut all, &names);
    distinct(all)
}

/// The same for two schemas, and for objects that have properties of both.
pub(super) fn candidates_of_both<'v>(
    (one, a): (&Document<'v>, &Node<'v>),
    (other, b): (&Document<'v>, &Node<'v>),
) -> Vec<Value> {
    let mut all = build(one, a, LEVELS, OUTER, &Cell::new(SCHEMAS));
    all.extend(build(other, b, LEVELS, OUTER, &Cell::new(SCHEMAS)));
    let mut names = Vec::new();
    names_of(one, a, 2, &mut names);
    names_of(other, b, 2, &mut names);
    mix(&mut all, &names);
    distinct(all)
}

/// Adds objects that several alternatives may describe: some of the objects get each other's properties.
fn mix(all: &mut Vec<Value>, names: &[&str]) {
    mix_lists(all);
    let objects: Vec<Map<String, Value>> = all.iter().filter_map(Value::as_object).cloned().collect();
    let some: Vec<_> = objects.iter().step_by(objects.len().div_ceil(MIXED).max(1)).collect();
    for object in &some {
        let mut full = (*object).clone();
        for name in names {
            full.entry(*name).or_insert(json!("a"));
        }
        all.push(Value::Object(full));
        all.extend(some.iter().filter(|other| *other != object).map(|other| {
            let mut both = (*object).clone();
            both.extend((*other).clone());
            Value::Object(both)
        }));
    }
}

/// Lists with items of several lists, each alone and beside another one.
fn mix_lists(all: &mut Vec<Value>) {
    let mut items: Vec<&Value> = Vec::new();
    for item in all.iter().filter_map(Value::as_array).flatten() {
        if items.len() < 2 * MIXED && !contains(&items, item) {
            items.push(item);
        }
    }
    let alone = items.iter().map(|item| json!([item]));
    let pairs = items.iter().zip(items.iter().skip(1)).map(|(one, other)| json!([one, other]));
    let mixed: Vec<Value> = alone.chain(pairs).collect();
    all.extend(mixed);
}

fn with(object: &Map<String, Value>, name: &str, value: &Value) -> Value {
    let mut object = object.clone();
    object.insert(name.to_string(), value.clone());
    Value::Object(object)
}

/// The same objects with a property that no schema describes.
pub(super) fn with_strangers(values: &[Value]) -> impl Iterator<Item = Value> {
    let objects = values.iter().filter_map(Value::as_object).take(OUTER);
    objects.flat_map(|object| [json!(null), json!("a"), json!(1)].map(|value| with(object, STRANGER, &value)))
}

/// Whether a client that knows this schema would send the value: it leaves out properties that only another
/// schema describes. With `oneOf`, the schema is the alternative that the value fits.
pub(super) fn is_described<'v>(document: &Document<'v>, node: &Node<'v>, value: &Value) -> bool {
    let Some(object) = value.as_object() else { return true };
    let known = |node: &Node<'v>| {
        let mut names = Vec::new();
        names_of(document, node, 2, &mut names);
        let view = View::of(document, node, &mut Vec::new());
        let map = view.additional.is_some() && !view.closed;
        map || object.keys().all(|key| key == STRANGER || names.contains(&key.as_str()))
    };
    let view = View::of(document, node, &mut Vec::new());
    match view.unions.first().filter(|union| union.keyword == "oneOf") {
        Some(union) => union
            .branches
            .iter()
            .any(|branch| fits(document, branch, value, OneOf::Exactly) == Some(true) && known(branch)),
        None => known(node),
    }
}

/// The names that the schema and its alternatives know.
fn names_of<'v>(document: &Document<'v>, node: &Node<'v>, depth: usize, into: &mut Vec<&'v str>) {
    let view = View::of(document, node, &mut Vec::new());
    let known = view.required.iter().copied().chain(view.properties.iter().map(|(name, _)| *name));
    into.extend(known.take(OUTER));
    for branch in view.unions.iter().flat_map(|union| &union.branches).filter(|_| depth > 0).take(OUTER) {
        names_of(document, branch, depth - 1, into);
    }
    into.sort_unstable();
    into.dedup();
}

fn build<'v>(
    document: &Document<'v>,
    node: &Node<'v>,
    depth: usize,
    most: usize,
    left: &Cell<usize>,
) -> Vec<Value> {
    if left.get() == 0 {
        return Vec::new();
    }
    left.set(left.get() - 1);
    let view = View::of(document, node, &mut Vec::new());
    let mut all: Vec<Value> = Vec::new();
    if view.types.has(Types::NULL) {
        all.push(Value::Null);
    }
    if let Some(union) = view.unions.first() {
        let each = (most / union.branches.len().max(1)).max(1);
        let branches = union.branches.iter().filter(|_| depth > 0).take(most);
        let lists: Vec<Vec<Value>> = branches
            .map(|branch| build(document, &view.with(node, union, branch), depth - 1, each, left))
            .collect();
        // In turn, because only the first values are tried in an object.
        for at in 0..lists.iter().map(Vec::len).max().unwrap_or(0) {
            for value in lists.iter().filter_map(|list| list.get(at)) {
                if !all.contains(value) {
                    all.push(value.clone());
                }
            }
        }
        return all;
    }
    if let Some(values) = &view.values {
        all.extend(values.iter().take(most).map(|value| (*value).clone()));
        return all;
    }
    if view.types.has(Types::BOOLEAN) {
        all.extend([json!(true), json!(false)]);
    }
    if view.types.meets(Types::NUMBER) {
        all.extend(numbers(&view));
    }
    if view.types.has(Types::STRING) {
        all.extend(lengths(view.length.least, view.length.most).map(|n| Value::String("a".repeat(n))));
        all.extend([json!("b"), json!("q")]);
        all.extend(view.pattern.map(like));
    }
    if depth > 0 && view.types.has(Types::ARRAY) {
        all.extend(arrays(document, &view, depth, left));
    }
    if depth > 0 && view.types.has(Types::OBJECT) {
        all.extend(objects(document, &view, depth, left));
    }
    // Repeated values would take the places of others in a small selection.
    let all = distinct(all);
    let most = most.max(INNER);
    let inside = |value: &Value| fits(document, node, value, OneOf::Exactly) != Some(false);
    // An object of only first values should fit, and a small selection needs few values outside of limits.
    let (mut inside, mut outside): (Vec<Value>, Vec<Value>) = all.into_iter().partition(inside);
    if inside.len() + outside.len() > most {
        (inside, outside) = (spread(inside, most - most / 4), spread(outside, most / 4));
    }
    inside.extend(outside);
    inside
}

/// At most this many of them, from all kinds.
fn spread(all: Vec<Value>, most: usize) -> Vec<Value> {
    let step = all.len().div_ceil(most).max(1);
    all.into_iter().step_by(step).collect()
}

fn numbers(view: &View) -> Vec<Value> {
    let mut all = Vec::new();
    let ends = [view.least, view.most].into_iter().flatten().map(|bound| bound.value);
    for end in ends.chain([Number::Whole(0)]) {
        match end {
            Number::Whole(n) => all.extend([n, n + 1, n - 1].into_iter().filter_map(whole)),
            Number::Real(n) => all.push(json!(n)),
        }
        if view.types.has(Types::NUMBER) {
            all.push(json!(end.real() + 0.5));
        }
    }
    all
}

fn whole(n: i128) -> Option<Value> {
    i64::try_from(n).map(Value::from).or_else(|_| u64::try_from(n).map(Value::from)).ok()
}

/// Counts at the limits and on both sides of them, none of them large.
fn lengths(least: f64, most: Option<f64>) -> impl Iterator<Item = usize> {
    let ends = [Some(least), most, Some(least + 1.0), most.map(|n| n + 1.0), Some(least - 1.0), Some(1.0)];
    let small = ends.into_iter().flatten().filter(|n| (0.0..200.0).contains(n));
    small.map(|n| format!("{n:.0}").parse().unwrap_or(0))
}

fn arrays<'v>(document: &Document<'v>, view: &View<'v>, depth: usize, left: &Cell<usize>) -> Vec<Value> {
    let of = |node: Option<&Node<'v>>| match node {
        Some(node) => build(document, node, depth - 1, INNER, left),
        None => vec![json!("a"), json!(1)],
    };
    let items = of(view.items.as_ref());
    let first: Vec<Vec<Value>> = view.prefix.iter().map(|node| of(Some(node))).collect();
    let mut all = Vec::new();
    for length in lengths(view.items_count.least, view.items_count.most).take(3).filter(|n| *n < 20) {
        for turn in 0..INNER {
            let item = |at: usize| {
                let choices = first.get(at).unwrap_or(&items);
                choices.get((at + turn) % choices.len().max(1)).cloned()
            };
            all.extend((0..length).map(item).collect::<Option<Vec<_>>>().map(Value::Array));
        }
    }
    all
}

fn objects<'v>(document: &Document<'v>, view: &View<'v>, depth: usize, left: &Cell<usize>) -> Vec<Value> {
    let known: Vec<(&str, Vec<Value>)> = view
        .properties
        .iter()
        .take(OUTER)
        .map(|(name, node)| (*name, build(document, node, depth - 1, INNER, left)))
        .collect();
    let value = |name: &str, turn: usize| {
        let values = known.iter().find(|(n, _)| *n == name).map(|(_, values)| values);
        values.map_or(Some(json!("a")), |values| values.get(turn % values.len().max(1)).cloned())
    };
    let object = |names: &[&str], turn: usize| -> Option<Value> {
        let entries = names.iter().map(|name| Some((name.to_string(), value(name, turn)?)));
        entries.collect::<Option<Map<String, Value>>>().map(Value::Object)
    };
    let every: Vec<&str> = view.required.iter().copied().chain(known.iter().map(|(name, _)| *name)).collect();
    let mut all = Vec::new();
    for turn in 0..INNER {
        all.extend(object(&view.required, turn));
        all.extend(object(&every, turn));
    }
    for (name, values) in &known {
        for turn in 0..values.len().min(INNER) {
            let mut names = view.required.clone();
            names.push(*name);
            all.extend(object(&names, turn));
        }
    }
    all
}

fn distinct(all: Vec<Value>) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::new();
    for value in all {
        if !contains(&distinct.iter().collect::<Vec<_>>(), &value) {
            distinct.push(value);
        }
    }
    distinct
}

/// How many levels of alternatives within alternatives are read.
const NESTED: usize = 4;

/// Whether the schema, a part or an alternative of it has alternatives that exclude each other.
pub(super) fn has_one_of(document: &Document, node: &Node) -> bool {
    node.raws.iter().any(|raw| excludes(document, raw.value, NESTED))
}

fn excludes(document: &Document, value: &Value, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    let list = |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten();
    let target = reference(value).and_then(|r| document.target(r).ok());
    (list("oneOf").count() > 1 && value.get("discriminator").is_none())
        || ["allOf", "anyOf", "oneOf"]
            .iter()
            .flat_map(|key| list(key))
            .any(|v| excludes(document, v, depth - 1))
        || target.is_some_and(|(value, _)| excludes(document, value, depth - 1))
}

#[cfg(test)]
mod tests;
