//! What a schema says, with everything that says it in one place: references followed, `allOf` merged, and the spellings of "or null",
//! of "one value" and of bounds (3.0 and 3.1) made the same.

use super::document::{At, Document, Lost};
use super::types::Types;
use super::values::{Bound, Count};
use serde_json::{Map, Value};

/// A schema as written, at its place.
#[derive(Clone)]
pub struct Raw<'v> {
    pub value: &'v Value,
    pub at: At<'v>,
    /// null is allowed beside what it says: `anyOf: [it, null]`.
    lifted: bool,
    /// What it refers to and what it merges was read before, and stands beside it.
    flat: bool,
    /// Its alternatives are being looked at one by one, and left out here.
    without: Without,
}

#[derive(Clone, Copy, Default, PartialEq)]
struct Without {
    any: bool,
    one: bool,
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
        Node { raws: vec![Raw { value, at: at.clone(), lifted: false, flat: false, without: Without::default() }], only: Types::ALL, at }
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

    /// What makes two visits the same: the places that are read, whatever leads there. None where no reference can be involved, so that
    /// no visit comes back here.
    pub fn identity(&self, document: &Document<'v>) -> Option<Vec<usize>> {
        let mut through = false;
        let mut identity: Vec<usize> = Vec::with_capacity(self.raws.len() + 1);
        for raw in &self.raws {
            let map = raw.value.as_object();
            let reference = map.and_then(|m| m.get("$ref")).and_then(Value::as_str);
            through |=
                self.raws.len() > 1 || map.is_some_and(|m| m.keys().any(|k| matches!(k.as_str(), "$ref" | "allOf" | "anyOf" | "oneOf")));
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
                ("allOf", Value::Array(parts)) => parts.iter().for_each(|part| self.read(document, part, depth - 1)),
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
    target.map(|(value, _)| value).into_iter().chain(parts).find_map(|part| keyword(document, part, name, depth - 1))
}

/// `anyOf` or `oneOf` with more than one alternative besides null.
#[derive(Clone)]
pub struct Union<'v> {
    /// `anyOf` or `oneOf`
    pub keyword: &'static str,
    pub null: bool,
    pub branches: Vec<Node<'v>>,
    /// Which part it belongs to.
    part: usize,
}

/// All that a node says.
pub struct View<'v> {
    /// Where it is used, and where it is written: another place where it is a reference and nothing but.
    pub at: At<'v>,
    pub home: At<'v>,
    /// null included.
    pub types: Types,
    /// None: not limited. Without null.
    pub values: Option<Vec<&'v Value>>,
    pub constant: bool,
    pub extensible: Vec<&'v Value>,
    pub least: Option<Bound>,
    pub most: Option<Bound>,
    pub length: Count,
    pub items_count: Count,
    pub properties_count: Count,
    pub multiple: Option<f64>,
    pub pattern: Option<&'v str>,
    pub format: Option<&'v str>,
    pub unique: bool,
    pub required: Vec<&'v str>,
    pub properties: Vec<(&'v str, Node<'v>)>,
    pub pattern_properties: Vec<(&'v str, Node<'v>)>,
    /// What properties that are not listed must fit; None where anything does.
    pub additional: Option<Node<'v>>,
    pub closed: bool,
    pub items: Option<Node<'v>>,
    pub prefix: Vec<Node<'v>>,
    pub dependent: Vec<(&'v str, &'v Value)>,
    pub unions: Vec<Union<'v>>,
    /// Keywords that are compared whole, with the schema they hold.
    pub others: Vec<(&'static str, Node<'v>)>,
    pub default: Option<&'v Value>,
    pub deprecated: bool,
    pub discriminator: Option<&'v Value>,
    pub content_type: Option<&'v str>,
    pub content_encoding: Option<&'v str>,
    pub parts: Vec<Raw<'v>>,
}

/// Subschemas that are compared whole, or in step where they narrow with what they hold.
const WHOLE: [&str; 10] = [
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
    pub fn of(document: &Document<'v>, node: &Node<'v>, lost: &mut Vec<(Lost, At<'v>)>) -> View<'v> {
        let mut view = View::anything(node.at.clone());
        let mut seen: Vec<*const Value> = Vec::new();
        let mut todo: Vec<Raw> = node.raws.iter().rev().cloned().collect();
        // A loop, not a recursion: `allOf` and references may be nested as deep as a document likes.
        while let Some(raw) = todo.pop() {
            let address = std::ptr::from_ref(raw.value);
            let Err(position) = seen.binary_search(&address) else { continue };
            seen.insert(position, address);
            match raw.value {
                Value::Bool(false) => view.types &= if raw.lifted { Types::NULL } else { Types::NONE },
                Value::Object(map) => view.read(document, map, raw, &mut todo, lost),
                _ => {}
            }
        }
        view.types &= node.only;
        view.keep_possible_values();
        view
    }

    /// A listed value that the other keywords refuse is not one.
    fn keep_possible_values(&mut self) {
        let Some(mut values) = self.values.take() else { return };
        values.retain(|value| self.admits(value));
        self.types &= values.iter().fold(Types::NULL, |all, value| all | Types::of(value));
        self.values = Some(values);
    }

    /// Do type, bounds and length let a plain value through?
    pub fn admits(&self, value: &Value) -> bool {
        let fits = match value {
            Value::Number(number) => number.as_f64().is_some_and(|n| {
                let above = self.least.is_none_or(|least| n > least.value || (n == least.value && !least.exclusive));
                above && self.most.is_none_or(|most| n < most.value || (n == most.value && !most.exclusive))
            }),
            Value::String(text) => self.length.has(text.chars().count()),
            _ => true,
        };
        fits && self.types.meets(Types::of(value))
    }

    pub fn anything(at: At<'v>) -> View<'v> {
        View {
            home: at.clone(),
            at,
            types: Types::ALL,
            values: None,
            constant: false,
            extensible: Vec::new(),
            least: None,
            most: None,
            length: Count::default(),
            items_count: Count::default(),
            properties_count: Count::default(),
            multiple: None,
            pattern: None,
            format: None,
            unique: false,
            required: Vec::new(),
            properties: Vec::new(),
            pattern_properties: Vec::new(),
            additional: None,
            closed: false,
            items: None,
            prefix: Vec::new(),
            dependent: Vec::new(),
            unions: Vec::new(),
            others: Vec::new(),
            default: None,
            deprecated: false,
            discriminator: None,
            content_type: None,
            content_encoding: None,
            parts: Vec::new(),
        }
    }

    fn read(
        &mut self,
        document: &Document<'v>,
        map: &'v Map<String, Value>,
        raw: Raw<'v>,
        todo: &mut Vec<Raw<'v>>,
        lost: &mut Vec<(Lost, At<'v>)>,
    ) {
        let reference = map.iter().find(|(key, _)| *key == "$ref").and_then(|(_, value)| value.as_str());
        if let Some(reference) = reference.filter(|_| !raw.flat) {
            match document.target(reference) {
                Ok((value, at)) => {
                    if todo.is_empty() && (map.len() == 1 || !document.siblings) {
                        self.home = at.clone();
                    }
                    todo.push(Raw { value, at, lifted: raw.lifted, flat: false, without: Without::default() });
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
                "type" => part.types = Some(Types::declared(value)),
                "nullable" => part.nullable = value == true,
                "enum" => part.values = value.as_array().map(|values| values.iter().collect()),
                "const" => (part.values, self.constant) = (Some(vec![value]), true),
                "x-extensible-enum" => self.extensible.extend(value.as_array().into_iter().flatten()),
                "minimum" => part.minimum = value.as_f64(),
                "maximum" => part.maximum = value.as_f64(),
                "exclusiveMinimum" => part.above = Some(value),
                "exclusiveMaximum" => part.below = Some(value),
                "multipleOf" => self.multiple = value.as_f64().filter(|n| *n > 0.0).or(self.multiple),
                "minLength" => self.length.at_least(value),
                "maxLength" => self.length.at_most(value),
                "minItems" => self.items_count.at_least(value),
                "maxItems" => self.items_count.at_most(value),
                "minProperties" => self.properties_count.at_least(value),
                "maxProperties" => self.properties_count.at_most(value),
                // These match everything (ECMA-262 patterns are not anchored).
                "pattern" => self.pattern = value.as_str().filter(|p| !["", ".*", "^.*$", "^", "$"].contains(p)).or(self.pattern),
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
                "additionalProperties" => {
                    part.object |= value != true;
                    match value {
                        Value::Bool(false) => self.closed = true,
                        Value::Object(schema) if !schema.is_empty() => conjoin(&mut self.additional, value, at.key("additionalProperties")),
                        _ => {}
                    }
                }
                "items" => {
                    part.array = true;
                    // A list was the way to say `prefixItems` before 2020-12.
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
                "anyOf" if !raw.without.any => part.unions.extend(value.as_array().map(|list| ("anyOf", list, at.key(key)))),
                "oneOf" if !raw.without.one => part.unions.extend(value.as_array().map(|list| ("oneOf", list, at.key(key)))),
                "default" => self.default = self.default.or(Some(value)),
                "deprecated" => self.deprecated |= value == true,
                "discriminator" => self.discriminator = self.discriminator.or(Some(value)),
                "contentMediaType" => self.content_type = value.as_str().or(self.content_type),
                "contentEncoding" => self.content_encoding = value.as_str().or(self.content_encoding),
                word => {
                    if let Some(word) = WHOLE.iter().find(|w| **w == word) {
                        self.others.push((word, Node::new(value, at.key(key))));
                    }
                }
            }
        }
        self.take(part, raw, todo);
    }

    /// What a part's keywords mean together.
    fn take(&mut self, mut part: Part<'v>, raw: Raw<'v>, todo: &mut Vec<Raw<'v>>) {
        // `nullable` beside a composition is meant for what is composed, though 3.0.3 by its letter has it otherwise.
        let lifts = raw.lifted || (part.nullable && part.types.is_none());
        for (index, value) in part.all.iter().flat_map(|(list, _)| list.iter().enumerate()).rev() {
            let at = part.all.as_ref().map_or(raw.at.clone(), |(_, at)| at.index(index));
            todo.push(Raw { value, at, lifted: lifts, flat: false, without: Without::default() });
        }
        for (keyword, list, at) in std::mem::take(&mut part.unions) {
            let null = list.iter().any(is_null);
            let rest: Vec<_> = list.iter().enumerate().filter(|(_, value)| !is_null(value)).collect();
            match &rest[..] {
                [] if null => self.types &= Types::NULL,
                [] => {}
                [_] if raw.flat => {}
                [(index, value)] => {
                    todo.push(Raw { value, at: at.index(*index), lifted: lifts || null, flat: false, without: Without::default() });
                }
                _ => match enumerated(&rest).filter(|_| part.values.is_none()) {
                    Some(values) => {
                        part.values = Some(values);
                        part.nullable |= null;
                    }
                    None => {
                        let branches = rest.into_iter().map(|(index, value)| Node::new(value, at.index(index))).collect();
                        self.unions.push(Union { keyword, null: null || lifts, branches, part: self.parts.len() });
                    }
                },
            }
        }
        self.bound(&part);
        self.types &= part.types(raw.lifted);
        if let Some(values) = part.values {
            let values: Vec<&Value> = values.into_iter().filter(|v| !v.is_null()).collect();
            self.values = Some(match self.values.take() {
                Some(old) => old.into_iter().filter(|v| super::values::contains(&values, v)).collect(),
                None => values,
            });
        }
        self.parts.push(raw);
    }

    fn bound(&mut self, part: &Part) {
        let (least, most) = (part.minimum.map(|n| Bound::new(n, false)), part.maximum.map(|n| Bound::new(n, false)));
        // A boolean beside `minimum` in 3.0, a number of its own in 3.1.
        let above = part.above.and_then(|v| if v == true { part.minimum } else { v.as_f64() }).map(|n| Bound::new(n, true));
        let below = part.below.and_then(|v| if v == true { part.maximum } else { v.as_f64() }).map(|n| Bound::new(n, true));
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

    /// The parts alone, which were read already.
    pub fn flat(&self, only: Types) -> Node<'v> {
        Node { raws: self.parts.iter().map(|part| Raw { flat: true, ..part.clone() }).collect(), only, at: self.at.clone() }
    }

    /// The same schema with one alternative of a union in place of the union.
    pub fn with(&self, node: &Node<'v>, union: &Union<'v>, branch: &Node<'v>) -> Node<'v> {
        let mut raws: Vec<Raw> = Vec::new();
        if self.unions.len() > 1 || self.parts.iter().any(|part| says_more(part.value)) {
            for (index, part) in self.parts.iter().enumerate() {
                let mut without = part.without;
                without.any |= index == union.part && union.keyword == "anyOf";
                without.one |= index == union.part && union.keyword == "oneOf";
                raws.push(Raw { flat: true, without, ..part.clone() });
            }
        }
        raws.extend(branch.raws.iter().cloned());
        Node { raws, only: node.only, at: branch.at.clone() }
    }

    /// Where a keyword stands, or the schema where it doesn't.
    pub fn place(&self, keyword: &str) -> String {
        let holder = self.parts.iter().find(|part| part.value.get(keyword).is_some());
        match holder.filter(|_| !keyword.is_empty()) {
            Some(part) => format!("{}/{keyword}", part.at.pointer()),
            None => self.at.pointer(),
        }
    }
    pub fn property(&self, name: &str) -> Option<&Node<'v>> {
        self.properties.iter().find(|(n, _)| *n == name).map(|(_, node)| node)
    }
}

/// One part's keywords that only mean something together.
#[derive(Default)]
struct Part<'v> {
    types: Option<Types>,
    nullable: bool,
    values: Option<Vec<&'v Value>>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    above: Option<&'v Value>,
    below: Option<&'v Value>,
    /// Keywords that only objects (arrays) have.
    object: bool,
    array: bool,
    all: Option<(&'v Vec<Value>, At<'v>)>,
    unions: Vec<(&'static str, &'v Vec<Value>, At<'v>)>,
}

impl Part<'_> {
    fn types(&self, lifted: bool) -> Types {
        let listed = self.values.as_ref().map(|values| values.iter().fold(Types::NONE, |all, v| all | Types::of(v)));
        let implied = match (self.object, self.array) {
            (true, false) => Types::OBJECT,
            (false, true) => Types::ARRAY,
            _ => Types::ALL,
        };
        let mut types = self.types.or(listed).unwrap_or(implied);
        if listed.is_some_and(|listed| !listed.has(Types::NULL)) {
            types &= !Types::NULL;
        }
        // 3.0 has no other way to allow null, and its generators do not list null in `enum`.
        if self.nullable || lifted { types | Types::NULL } else { types }
    }
}

fn merge<'v>(into: &mut Vec<(&'v str, Node<'v>)>, value: &'v Value, at: &At<'v>) {
    let fresh = into.is_empty();
    for (name, schema) in value.as_object().into_iter().flatten() {
        let node = Node::new(schema, at.key(name));
        match into.iter_mut().find(|(n, _)| !fresh && *n == name.as_str()) {
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

/// `{type: null}` and its other spellings.
fn is_null(value: &Value) -> bool {
    let Some(map) = value.as_object() else { return false };
    let null = |key: &str| map.get(key).is_some_and(Value::is_null);
    let only = |key: &str, v: Value| map.get(key) == Some(&Value::Array(vec![v]));
    map.get("type").is_some_and(|t| t == "null") || only("type", "null".into()) || null("const") || only("enum", Value::Null)
}

/// The values of alternatives that do nothing but list values.
fn enumerated<'v>(branches: &[(usize, &'v Value)]) -> Option<Vec<&'v Value>> {
    let mut values = Vec::new();
    for (_, branch) in branches {
        let map = branch.as_object()?;
        if map.keys().any(|key| !matches!(key.as_str(), "enum" | "const" | "type") && !is_annotation(key)) {
            return None;
        }
        match (map.get("const"), map.get("enum")) {
            (Some(value), None) => values.push(value),
            (None, Some(Value::Array(list))) => values.extend(list),
            _ => return None,
        }
    }
    Some(values)
}

/// Does it say more than which alternatives there are?
fn says_more(value: &Value) -> bool {
    let alternatives = |key: &str| matches!(key, "anyOf" | "oneOf" | "allOf" | "discriminator" | "nullable" | "$ref");
    value.as_object().is_some_and(|map| map.keys().any(|key| !alternatives(key) && !is_annotation(key)))
}

fn is_annotation(key: &str) -> bool {
    matches!(key, "title" | "description" | "example" | "examples" | "externalDocs" | "xml" | "$comment" | "default" | "deprecated")
        || key.starts_with("x-")
}
