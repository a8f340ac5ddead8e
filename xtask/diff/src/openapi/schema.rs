//! The merged view of a schema: references resolved, `allOf` merged, and the spellings of "or null", "one
//! value" and bounds (3.0 and 3.1) unified.

use super::document::{At, Document, Lost};
use super::node::{Node, Raw};
use super::types::Types;
use super::values::{Bound, Count, Number};
use serde_json::Value;

/// `anyOf` or `oneOf` with more than one alternative besides null.
#[derive(Clone)]
pub(super) struct Union<'v> {
    /// `anyOf` or `oneOf`
    pub keyword: &'static str,
    pub null: bool,
    pub branches: Vec<Node<'v>>,
    /// The index of the part that it belongs to.
    pub part: usize,
}

/// The merged keywords of a node.
pub(super) struct View<'v> {
    /// Where it is used, and where it is written. They differ if the schema is only a reference.
    pub at: At<'v>,
    pub home: At<'v>,
    /// Including null.
    pub types: Types,
    /// The types that keywords for one type imply where no type is written.
    pub implied: Types,
    /// Whether `type`, `enum` or `const` says so. Otherwise the types are those that the keywords are about.
    pub typed: bool,
    /// The listed values, without null. None: not limited.
    pub values: Option<Vec<&'v Value>>,
    pub constant: bool,
    pub extensible: Vec<&'v Value>,
    pub least: Option<Bound>,
    pub most: Option<Bound>,
    pub length: Count,
    pub items_count: Count,
    pub properties_count: Count,
    /// How many items fit `contains`: at least one, if nothing else is said.
    pub contains_count: Count,
    pub multiple: Option<Number>,
    pub pattern: Option<&'v str>,
    pub format: Option<&'v str>,
    pub unique: bool,
    pub required: Vec<&'v str>,
    pub properties: Vec<(&'v str, Node<'v>)>,
    pub pattern_properties: Vec<(&'v str, Node<'v>)>,
    /// The schema of unlisted properties. None: anything fits.
    pub additional: Option<Node<'v>>,
    pub closed: bool,
    pub items: Option<Node<'v>>,
    pub prefix: Vec<Node<'v>>,
    pub dependent: Vec<(&'v str, &'v Value)>,
    pub unions: Vec<Union<'v>>,
    /// Keywords that are compared as a whole, with the schema that they contain.
    pub others: Vec<(&'static str, Node<'v>)>,
    pub default: Option<&'v Value>,
    pub deprecated: bool,
    pub discriminator: Option<&'v Value>,
    pub content_type: Option<&'v str>,
    pub content_encoding: Option<&'v str>,
    pub parts: Vec<Raw<'v>>,
}

impl<'v> View<'v> {
    pub(super) fn of(document: &Document<'v>, node: &Node<'v>, lost: &mut Vec<(Lost, At<'v>)>) -> View<'v> {
        let mut view = View::anything(node.at.clone());
        let mut seen: Vec<*const Value> = Vec::new();
        let mut todo: Vec<Raw> = node.raws.iter().rev().cloned().collect();
        // A loop, not a recursion, because `allOf` and references may be nested to any depth.
        while let Some(raw) = todo.pop() {
            let address = std::ptr::from_ref(raw.value);
            let Err(position) = seen.binary_search(&address) else { continue };
            seen.insert(position, address);
            match raw.value {
                Value::Bool(false) => {
                    view.types &= if raw.lifted { Types::NULL } else { Types::NONE };
                    view.typed = true;
                }
                Value::Object(map) => view.read(document, map, raw, &mut todo, lost),
                _ => {}
            }
        }
        // Beside another type that is written, the keywords of an implied type say nothing.
        if (view.types & view.implied).meets(!Types::NULL) {
            view.types &= view.implied;
        }
        view.types &= node.only;
        view.keep_possible_types();
        view.keep_possible_values();
        view
    }

    /// Removes types whose limits contradict each other.
    fn keep_possible_types(&mut self) {
        let apart = |least: Bound, most: Bound| {
            least.value > most.value || (least.value == most.value && (least.exclusive || most.exclusive))
        };
        if let (Some(least), Some(most)) = (self.least, self.most) {
            if apart(least, most) {
                self.types &= !Types::NUMBER;
            } else if apart(least.of_integers(1), most.of_integers(-1)) {
                self.types &= !Types::INTEGER;
            }
        }
        let counts = [
            (self.length, Types::STRING),
            (self.items_count, Types::ARRAY),
            (self.properties_count, Types::OBJECT),
        ];
        for (count, types) in counts {
            if count.most.is_some_and(|most| most < count.least) {
                self.types &= !types;
            }
        }
    }

    /// Removes listed values that the other keywords refuse.
    fn keep_possible_values(&mut self) {
        let Some(mut values) = self.values.take() else { return };
        values.retain(|value| self.admits(value));
        self.types &= values.iter().fold(Types::NULL, |all, value| all | Types::of(value));
        self.values = Some(values);
    }

    /// The values of a short range of integers that is not given as a list.
    pub(super) fn integers(&self) -> Option<Vec<Value>> {
        let integer = self.values.is_none() && self.types | Types::NULL == Types::INTEGER | Types::NULL;
        let (least, most) = (self.least.filter(|_| integer)?.of_integers(1), self.most?.of_integers(-1));
        let (Number::Whole(least), Number::Whole(most)) = (least.value, most.value) else { return None };
        let count = most.checked_sub(least).filter(|count| *count < 16)?;
        (0..=count).map(|n| i64::try_from(least + n).ok().map(Value::from)).collect()
    }

    /// Whether type, bounds and length allow a plain value.
    pub(super) fn admits(&self, value: &Value) -> bool {
        let fits = match value {
            Value::Number(_) => Number::of(value).is_some_and(|n| {
                let above =
                    self.least.is_none_or(|least| n > least.value || (n == least.value && !least.exclusive));
                above && self.most.is_none_or(|most| n < most.value || (n == most.value && !most.exclusive))
            }),
            Value::String(text) => self.length.has(text.chars().count()),
            _ => true,
        };
        fits && self.types.meets(Types::of(value))
    }

    pub(super) fn anything(at: At<'v>) -> View<'v> {
        View {
            home: at.clone(),
            at,
            types: Types::ALL,
            implied: Types::ALL,
            typed: false,
            values: None,
            constant: false,
            extensible: Vec::new(),
            least: None,
            most: None,
            length: Count::default(),
            items_count: Count::default(),
            properties_count: Count::default(),
            contains_count: Count { least: 1.0, most: None },
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

    /// The same schema for these types only.
    pub(super) fn only(&self, only: Types) -> Node<'v> {
        Node { raws: self.parts.clone(), only, at: self.at.clone() }
    }

    /// The same schema with the union replaced by one of its alternatives.
    pub(super) fn with(&self, node: &Node<'v>, union: &Union<'v>, branch: &Node<'v>) -> Node<'v> {
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

    /// The place of a keyword, or of the schema if it has no such keyword.
    pub(super) fn place(&self, keyword: &str) -> String {
        let holder = self.parts.iter().find(|part| part.value.get(keyword).is_some());
        match holder.filter(|_| !keyword.is_empty()) {
            Some(part) => format!("{}/{keyword}", part.at.pointer()),
            None => self.at.pointer(),
        }
    }
    pub(super) fn property(&self, name: &str) -> Option<&Node<'v>> {
        self.properties.iter().find(|(n, _)| *n == name).map(|(_, node)| node)
    }
}

/// Whether a value can fit: a required property or a first item that nothing fits makes the whole impossible.
pub(super) fn possible<'v>(document: &Document<'v>, node: &Node<'v>, depth: usize) -> bool {
    possible_within(document, node, depth, &[])
}

/// Whether it is one written schema with no keyword that could make it impossible: no view is needed then.
/// Without `required` and `minItems`, nothing that is within it has to be there.
fn is_harmless(document: &Document, node: &Node) -> bool {
    let Some((value, _)) = node.alone(document) else { return false };
    let length = |key: &str| value.get(key).map_or(Some(0), Value::as_u64);
    let strings = |list: &Value| {
        let list = list.as_array().map_or(&[][..], Vec::as_slice);
        value.get("type").is_some_and(|word| word == "string")
            && !list.is_empty()
            && list.iter().all(Value::is_string)
    };
    let harmless = |(key, value): (&String, &Value)| match key.as_str() {
        "type" => value.is_string(),
        "maxLength" => length(key).is_some_and(|most| length("minLength").is_some_and(|least| least <= most)),
        "enum" => strings(value) && length("minLength") == Some(0) && value.get("maxLength").is_none(),
        "properties"
        | "items"
        | "additionalProperties"
        | "format"
        | "readOnly"
        | "writeOnly"
        | "pattern"
        | "minLength"
        | "minimum" => true,
        key => is_annotation(key),
    };
    value.as_object().is_some_and(|map| map.iter().all(harmless))
}

/// `above`: the schemas that need this one. A value that needs itself would be endless.
fn possible_within<'v>(
    document: &Document<'v>,
    node: &Node<'v>,
    depth: usize,
    above: &[*const Value],
) -> bool {
    if is_harmless(document, node) {
        return true;
    }
    if above.iter().any(|address| addresses(node).any(|own| own == *address)) {
        return false;
    }
    let view = View::of(document, node, &mut Vec::new());
    let types = types_within(document, node, &view, depth, above);
    // An alternative repeats the parts of the whole.
    let branch_possible =
        |branch: &Node<'v>| depth == 0 || possible_within(document, branch, depth - 1, above);
    let each = |union: &Union<'v>| {
        (union.null && types.has(Types::NULL))
            || union
                .branches
                .iter()
                .any(|branch| branch_possible(&view.with(&node.only(types), union, branch)))
    };
    !types.is_empty() && view.unions.iter().all(each)
}

/// Whether a value can fit a property that every value of the whole has.
pub(super) fn possible_in<'v>(document: &Document<'v>, property: &Node<'v>, whole: &Node<'v>) -> bool {
    let above: Vec<_> = addresses(whole).collect();
    possible_within(document, property, 3, &above)
}

/// The types of the values that can fit the schema of this view, its alternatives aside.
pub(super) fn possible_types<'v>(
    document: &Document<'v>,
    node: &Node<'v>,
    view: &View<'v>,
    depth: usize,
) -> Types {
    types_within(document, node, view, depth, &[])
}

fn types_within<'v>(
    document: &Document<'v>,
    node: &Node<'v>,
    view: &View<'v>,
    depth: usize,
    above: &[*const Value],
) -> Types {
    let here: Vec<_> = above.iter().copied().chain(addresses(node)).collect();
    let inner = |node: &Node<'v>| depth == 0 || possible_within(document, node, depth - 1, &here);
    let mut types = view.types;
    if types.has(Types::OBJECT) && !view.required.iter().filter_map(|name| view.property(name)).all(inner) {
        types &= !Types::OBJECT;
    }
    let first = view.prefix.first().or(view.items.as_ref());
    if types.has(Types::ARRAY) && view.items_count.least > 0.0 && !first.is_none_or(inner) {
        types &= !Types::ARRAY;
    }
    types
}

fn addresses(node: &Node) -> impl Iterator<Item = *const Value> {
    node.raws.iter().map(|raw| std::ptr::from_ref(raw.value))
}

/// Whether it has keywords besides the alternatives.
fn says_more(value: &Value) -> bool {
    let alternatives =
        |key: &str| matches!(key, "anyOf" | "oneOf" | "allOf" | "discriminator" | "nullable" | "$ref");
    value.as_object().is_some_and(|map| map.keys().any(|key| !alternatives(key) && !is_annotation(key)))
}

pub(super) fn is_annotation(key: &str) -> bool {
    matches!(
        key,
        "title"
            | "description"
            | "example"
            | "examples"
            | "externalDocs"
            | "xml"
            | "$comment"
            | "default"
            | "deprecated"
    ) || key.starts_with("x-")
}

#[cfg(test)]
mod tests;
