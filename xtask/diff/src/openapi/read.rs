//! Reads the keywords of one written schema into the merged view of a node.

use super::document::{At, Document, Lost, reference};
use super::node::{Node, Raw, Without};
use super::schema::{Union, View, is_annotation};
use super::types::Types;
use super::values::{Bound, Number, contains};
use serde_json::{Map, Value};

/// Subschemas that are compared only for equality, or in the same direction as their parent.
pub(super) const WHOLE: [&str; 10] = [
    "if",
    "then",
    "else",
    "not",
    "contains",
    "propertyNames",
    "dependentSchemas",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];

impl<'v> View<'v> {
    pub(super) fn read(
        &mut self,
        document: &Document<'v>,
        map: &'v Map<String, Value>,
        raw: Raw<'v>,
        todo: &mut Vec<Raw<'v>>,
        lost: &mut Vec<(Lost, At<'v>)>,
    ) {
        let reference = reference(raw.value);
        if let Some(reference) = reference.filter(|_| !raw.flat) {
            match document.target(reference) {
                Ok((value, at)) => {
                    if todo.is_empty() && (map.len() == 1 || !document.siblings) {
                        self.home = at.clone();
                    }
                    todo.push(Raw {
                        value,
                        at,
                        lifted: raw.lifted,
                        flat: false,
                        without: Without::default(),
                    });
                }
                Err(error) if lost.iter().any(|(known, _)| known.reference == error.reference) => {}
                Err(error) => lost.push((error, raw.at.key("$ref"))),
            }
        }
        if reference.is_some() && !document.siblings {
            return;
        }
        let at = raw.at.clone();
        let mut part = Part::default();
        for (key, value) in map {
            match key.as_str() {
                // The most frequent ones first: a match compares one by one.
                "description" | "title" | "example" | "examples" => {}
                "type" => part.types = Some(Types::declared(value)),
                "nullable" => part.nullable = value == true,
                "enum" => part.values = value.as_array().map(|values| values.iter().collect()),
                "const" => (part.values, self.constant) = (Some(vec![value]), true),
                "x-extensible-enum" => self.extensible.extend(value.as_array().into_iter().flatten()),
                "minimum" => part.minimum = Number::of(value),
                "maximum" => part.maximum = Number::of(value),
                "exclusiveMinimum" => part.above = Some(value),
                "exclusiveMaximum" => part.below = Some(value),
                "multipleOf" => {
                    self.multiple = Number::of(value).filter(|n| n.real() > 0.0).or(self.multiple)
                }
                "minLength" => self.length.at_least(value),
                "maxLength" => self.length.at_most(value),
                "minItems" => self.items_count.at_least(value),
                "maxItems" => self.items_count.at_most(value),
                "minContains" => self.contains_count.least = value.as_f64().unwrap_or(1.0),
                "maxContains" => self.contains_count.at_most(value),
                "minProperties" => self.properties_count.at_least(value),
                "maxProperties" => self.properties_count.at_most(value),
                // These patterns match everything (ECMA-262 patterns are not anchored).
                "pattern" => {
                    self.pattern =
                        value.as_str().filter(|p| !["", ".*", "^.*$", "^", "$"].contains(p)).or(self.pattern)
                }
                "format" => self.format = value.as_str().or(self.format),
                "uniqueItems" => self.unique |= value == true,
                "required" => {
                    part.object = true;
                    self.required.extend(value.as_array().into_iter().flatten().filter_map(Value::as_str));
                }
                "properties" => {
                    part.object = true;
                    merge(&mut self.properties, value, &at.key("properties"));
                }
                "patternProperties" => {
                    part.object = true;
                    merge(&mut self.pattern_properties, value, &at.key("patternProperties"));
                }
                "additionalProperties" | "unevaluatedProperties"
                    if key != "unevaluatedProperties" || knows_all(map) =>
                {
                    part.object |= value != true;
                    match value {
                        Value::Bool(false) => self.closed = true,
                        Value::Object(schema) if !schema.is_empty() => {
                            conjoin(&mut self.additional, value, at.key(key))
                        }
                        _ => {}
                    }
                }
                "items" => {
                    part.array = true;
                    // Before 2020-12, a list in `items` meant `prefixItems`.
                    match value {
                        Value::Array(list) => self.prefix(list, &at.key("items")),
                        _ => conjoin(&mut self.items, value, at.key("items")),
                    }
                }
                "prefixItems" => {
                    part.array = true;
                    self.prefix(value.as_array().map_or(&[], Vec::as_slice), &at.key("prefixItems"));
                }
                "dependentRequired" => {
                    let pairs = value.as_object().into_iter().flatten();
                    self.dependent.extend(pairs.map(|(name, list)| (name.as_str(), list)));
                }
                "allOf" if !raw.flat => part.all = value.as_array().map(|list| (list, at.key("allOf"))),
                "anyOf" if !raw.without.any => {
                    part.unions.extend(value.as_array().map(|list| ("anyOf", list, at.key(key))))
                }
                "oneOf" if !raw.without.one => {
                    part.unions.extend(value.as_array().map(|list| ("oneOf", list, at.key(key))))
                }
                "$dynamicRef" => {
                    let why = "dynamic references are not followed";
                    if let Some(reference) = value.as_str()
                        && !lost.iter().any(|(known, _)| known.reference == reference)
                    {
                        lost.push((Lost { reference: reference.to_string(), why }, at.key(key)));
                    }
                }
                "default" => self.default = self.default.or(Some(value)),
                "deprecated" => self.deprecated |= value == true,
                "discriminator" => self.discriminator = self.discriminator.or(Some(value)),
                "contentMediaType" => self.content_type = value.as_str().or(self.content_type),
                "contentEncoding" => self.content_encoding = value.as_str().or(self.content_encoding),
                word if is_idle(word, map) => {}
                word => {
                    if let Some(word) = WHOLE.iter().find(|w| **w == word) {
                        self.others.push((word, Node::new(value, at.key(key))));
                    }
                }
            }
        }
        self.take(part, raw, todo);
    }

    /// Merges keywords of one part that depend on each other.
    fn take(&mut self, mut part: Part<'v>, raw: Raw<'v>, todo: &mut Vec<Raw<'v>>) {
        // `nullable` beside a composition is usually meant for the composed schema, although 3.0.3 literally
        // says otherwise.
        let lifts = raw.lifted || (part.nullable && part.types.is_none());
        for (index, value) in part.all.iter().flat_map(|(list, _)| list.iter().enumerate()).rev() {
            let at = part.all.as_ref().map_or(raw.at.clone(), |(_, at)| at.index(index));
            todo.push(Raw { value, at, lifted: lifts, flat: false, without: Without::default() });
        }
        for (keyword, list, at) in std::mem::take(&mut part.unions) {
            let null = list.iter().any(is_null);
            let rest: Vec<_> = list.iter().enumerate().filter(|(_, value)| !is_null(value)).collect();
            match &rest[..] {
                [] if null => (self.types, self.typed) = (self.types & Types::NULL, true),
                [] => {}
                [_] if raw.flat => {}
                [(index, value)] => {
                    todo.push(Raw {
                        value,
                        at: at.index(*index),
                        lifted: lifts || null,
                        flat: false,
                        without: Without::default(),
                    });
                }
                _ => match enumerated(keyword, &rest).filter(|_| part.values.is_none()) {
                    Some(values) => {
                        part.values = Some(values);
                        part.nullable |= null;
                    }
                    None => {
                        let branches = rest
                            .into_iter()
                            .map(|(index, value)| Node::new(value, at.index(index)))
                            .collect();
                        self.unions.push(Union {
                            keyword,
                            null: null || lifts,
                            branches,
                            part: self.parts.len(),
                        });
                    }
                },
            }
        }
        self.bound(&part);
        self.types &= part.types(raw.lifted);
        self.implied &= part.implied(raw.lifted);
        self.typed |= part.types.is_some() || part.values.is_some();
        if let Some(values) = part.values {
            let values: Vec<&Value> = values.into_iter().filter(|v| !v.is_null()).collect();
            self.values = Some(match self.values.take() {
                Some(old) => old.into_iter().filter(|v| contains(&values, v)).collect(),
                None => values,
            });
        }
        self.parts.push(raw);
    }

    fn bound(&mut self, part: &Part) {
        if part.minimum.is_none() && part.maximum.is_none() && part.above.is_none() && part.below.is_none() {
            return;
        }
        let (least, most) =
            (part.minimum.map(|n| Bound::new(n, false)), part.maximum.map(|n| Bound::new(n, false)));
        // In 3.0 a boolean beside `minimum`, in 3.1 a number.
        let above = part
            .above
            .and_then(|v| if v == true { part.minimum } else { Number::of(v) })
            .map(|n| Bound::new(n, true));
        let below = part
            .below
            .and_then(|v| if v == true { part.maximum } else { Number::of(v) })
            .map(|n| Bound::new(n, true));
        self.least = [self.least, least, above].into_iter().flatten().reduce(Bound::higher);
        self.most = [self.most, most, below].into_iter().flatten().reduce(Bound::lower);
    }

    fn prefix(&mut self, list: &'v [Value], at: &At<'v>) {
        for (index, value) in list.iter().enumerate() {
            let node = Node::new(value, at.index(index));
            match self.prefix.get_mut(index) {
                Some(old) => old.and(node),
                None => self.prefix.push(node),
            }
        }
    }
}

/// Keywords of one part that depend on each other.
#[derive(Default)]
struct Part<'v> {
    types: Option<Types>,
    nullable: bool,
    values: Option<Vec<&'v Value>>,
    minimum: Option<Number>,
    maximum: Option<Number>,
    above: Option<&'v Value>,
    below: Option<&'v Value>,
    /// Whether it has keywords that apply only to objects (arrays).
    object: bool,
    array: bool,
    all: Option<(&'v Vec<Value>, At<'v>)>,
    unions: Vec<(&'static str, &'v Vec<Value>, At<'v>)>,
}

impl Part<'_> {
    fn types(&self, lifted: bool) -> Types {
        let listed =
            self.values.as_ref().map(|values| values.iter().fold(Types::NONE, |all, v| all | Types::of(v)));
        let mut types = self.types.or(listed).unwrap_or(Types::ALL);
        if listed.is_some_and(|listed| !listed.has(Types::NULL)) {
            types &= !Types::NULL;
        }
        // 3.0 has no other way to allow null, and generators for it do not list null in `enum`.
        if self.nullable || lifted { types | Types::NULL } else { types }
    }

    /// The type that is meant if only keywords for one type are written: literally, other types fit too.
    fn implied(&self, lifted: bool) -> Types {
        let types = match (self.object, self.array) {
            _ if self.types.is_some() || self.values.is_some() => Types::ALL,
            (true, false) => Types::OBJECT,
            (false, true) => Types::ARRAY,
            _ => Types::ALL,
        };
        if self.nullable || lifted { types | Types::NULL } else { types }
    }
}

fn merge<'v>(into: &mut Vec<(&'v str, Node<'v>)>, value: &'v Value, at: &At<'v>) {
    let Some(map) = value.as_object() else { return };
    let known = into.len();
    into.reserve(map.len());
    for (name, schema) in map {
        let node = Node::new(schema, at.key(name));
        match into[..known].iter_mut().find(|(n, _)| *n == name.as_str()) {
            Some((_, old)) => old.and(node),
            None => into.push((name, node)),
        }
    }
}

fn conjoin<'v>(into: &mut Option<Node<'v>>, value: &'v Value, at: At<'v>) {
    let node = Node::new(value, at);
    match into {
        Some(old) => old.and(node),
        None => *into = Some(node),
    }
}

/// Whether its own keywords describe all its properties: then only additional ones are unevaluated.
fn knows_all(map: &Map<String, Value>) -> bool {
    let others = ["$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas"];
    !map.keys().any(|key| others.contains(&key.as_str()) || key == "additionalProperties")
}

/// Keywords that say nothing without another one, or beside it.
fn is_idle(word: &str, map: &Map<String, Value>) -> bool {
    let has = |key: &str| map.contains_key(key);
    match word {
        "then" | "else" => !has("if"),
        "unevaluatedProperties" => has("additionalProperties"),
        "unevaluatedItems" => has("items"),
        "contains" => map.get("minContains").is_some_and(|n| n == 0) && !has("maxContains"),
        _ => false,
    }
}

/// `{type: null}` and its other spellings.
pub(super) fn is_null(value: &Value) -> bool {
    let Some(map) = value.as_object() else { return false };
    let null = |key: &str| map.get(key).is_some_and(Value::is_null);
    let only = |key: &str, v: Value| map.get(key) == Some(&Value::Array(vec![v]));
    map.get("type").is_some_and(|t| t == "null")
        || only("type", "null".into())
        || null("const")
        || only("enum", Value::Null)
}

/// The values of the alternatives, if all of them only list values. `oneOf` refuses those that two list.
fn enumerated<'v>(keyword: &str, branches: &[(usize, &'v Value)]) -> Option<Vec<&'v Value>> {
    let mut lists: Vec<Vec<&Value>> = Vec::new();
    for (_, branch) in branches {
        let map = branch.as_object()?;
        if map.keys().any(|key| !matches!(key.as_str(), "enum" | "const" | "type") && !is_annotation(key)) {
            return None;
        }
        match (map.get("const"), map.get("enum")) {
            (Some(value), None) => lists.push(vec![value]),
            (None, Some(Value::Array(list))) => lists.push(list.iter().collect()),
            _ => return None,
        }
    }
    let once = |value: &&Value| lists.iter().filter(|list| contains(list, value)).count() == 1;
    Some(lists.iter().flatten().copied().filter(|v| keyword != "oneOf" || once(v)).collect())
}
