//! Schemas that differ only within their properties, their items, or what is allowed besides null: most
//! differing schemas do. Only these parts are compared, and the other keywords are not merged first.

use super::context::{Context, Direction};
use super::document::At;
use super::engine::Engine;
use super::node::Node;
use super::read::is_null;
use super::schema::possible_in;
use serde_json::{Map, Value};

type Properties<'v> = &'v Map<String, Value>;

/// What may differ in two schemas whose other keywords say the same.
#[derive(Default)]
struct Inside<'v> {
    kind: &'v str,
    required: &'v [Value],
    properties: Option<(Properties<'v>, Properties<'v>)>,
    items: Option<(&'v Value, &'v Value)>,
    /// `anyOf: [it, null]`, with the keyword.
    or_null: Option<(&'v str, &'v Value, &'v Value)>,
}

impl<'v> Engine<'v> {
    /// Compares two schemas that have the same keywords, and the same properties in the same order. False if
    /// they differ in more than that, so that they have to be compared as a whole.
    pub(super) fn within(&mut self, old: &Node<'v>, new: &Node<'v>, ctx: &Context) -> bool {
        if !self.unchanged.alike {
            return false;
        }
        let (Some((a, a_at)), Some((b, b_at))) = (old.alone(&self.old), new.alone(&self.new)) else {
            return false;
        };
        match inside(a, b) {
            Some(Inside { kind: "object", required, properties: Some(all), items: None, or_null: None }) => {
                let places = (a_at.key("properties"), b_at.key("properties"));
                self.properties_within((old, new), required, all, places, ctx)
            }
            Some(Inside { kind: "array", properties: None, items: Some((x, y)), or_null: None, .. }) => {
                let (x, y) = (Node::new(x, a_at.key("items")), Node::new(y, b_at.key("items")));
                self.compare(&x, &y, &ctx.inner());
                true
            }
            Some(Inside { kind: "", properties: None, items: None, or_null: Some((word, x, y)), .. }) => {
                let (x, y) = (Node::new(x, a_at.key(word).index(0)), Node::new(y, b_at.key(word).index(0)));
                self.within(&x, &y, ctx)
            }
            _ => false,
        }
    }

    fn properties_within(
        &mut self,
        (old, new): (&Node<'v>, &Node<'v>),
        required: &'v [Value],
        (before, after): (Properties<'v>, Properties<'v>),
        places: (At<'v>, At<'v>),
        ctx: &Context,
    ) -> bool {
        if before.len() != after.len() {
            return false;
        }
        let mut changed = Vec::new();
        let mut others = after.iter();
        for (name, x) in before {
            let Some((other, y)) = others.next() else { return false };
            if name.as_bytes() != other.as_bytes() {
                return false;
            }
            let is_required = required.iter().any(|word| word == name);
            let unchanged = self.unchanged.is(x, y);
            if unchanged && !is_required {
                continue;
            }
            let (x, y) = (Node::new(x, places.0.key(name)), Node::new(y, places.1.key(name)));
            // Nothing is sent if a required property has no value.
            if is_required {
                let possible = match ctx.direction {
                    Direction::Request => possible_in(&self.old, &x, old),
                    Direction::Response => possible_in(&self.new, &y, new),
                };
                if !possible {
                    return false;
                }
            }
            if !unchanged {
                changed.push((x, y, is_required));
            }
        }
        let inner = ctx.inner();
        for (x, y, is_required) in changed {
            self.property_of_both((&x, is_required), (&y, is_required), false, &inner);
        }
        true
    }
}

fn inside<'v>(a: &'v Value, b: &'v Value) -> Option<Inside<'v>> {
    let (a, b) = (a.as_object()?, b.as_object()?);
    if a.len() != b.len() {
        return None;
    }
    let mut inside = Inside::default();
    let mut others = b.iter();
    for (key, x) in a {
        let (other, y) = others.next()?;
        if key.as_bytes() != other.as_bytes() {
            return None;
        }
        match key.as_str() {
            "description" | "title" | "example" | "examples" => {}
            "properties" => inside.properties = Some((x.as_object()?, y.as_object()?)),
            "items" if x.is_object() && y.is_object() => inside.items = Some((x, y)),
            "anyOf" | "oneOf" if inside.or_null.is_none() => {
                inside.or_null = Some((key, or_null(x)?, or_null(y)?))
            }
            _ if x != y => return None,
            "type" => inside.kind = x.as_str()?,
            "required" => inside.required = x.as_array()?,
            "maxItems" if x.as_f64()? > 0.0 => {}
            "uniqueItems" | "default" => {}
            _ => return None,
        }
    }
    Some(inside)
}

/// The schema that is allowed besides null.
fn or_null(alternatives: &Value) -> Option<&Value> {
    match &alternatives.as_array()?[..] {
        [it, null] if is_null(null) && !is_null(it) => Some(it),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::Kind;
    use super::super::document::Document;
    use super::super::types::Types;
    use super::*;
    use serde_json::json;

    fn is_within(old: &Value, new: &Value, change: impl Fn(&mut Node)) -> bool {
        let roots = [old, new].map(|schema| {
            json!({ "openapi": "3.1.0", "schema": schema,
                "components": { "schemas": { "A": { "type": "object", "properties": { "a": {} } } } } })
        });
        let [old, new] = [&roots[0], &roots[1]].map(|root| {
            let mut node = Node::new(&root["schema"], At::root("#/schema"));
            change(&mut node);
            node
        });
        let documents = [&roots[0], &roots[1]].map(Document::new);
        let [before, after] = documents;
        let mut engine = Engine::new(before, after, "2026-11-21");
        let ctx = Context::new(Direction::Request, Kind::Body, "the body".into());
        engine.within(&old, &new, &ctx)
    }

    #[test]
    fn schemas_that_differ_only_within_are_not_compared_as_a_whole() {
        let object = |title: &str, kind: &str| {
            let properties = json!({ "a": { "type": kind } });
            json!({ "type": "object", "title": title, "required": ["a"], "properties": properties })
        };
        let list = |kind: &str| json!({ "type": "array", "maxItems": 2, "items": { "type": kind } });
        let or_null = |schema: Value| json!({ "oneOf": [schema, { "type": "null" }], "default": null });
        let named = json!({ "$ref": "#/components/schemas/A" });
        let beside = json!({ "$ref": "#/components/schemas/A", "minProperties": 1 });
        let table = [
            (object("A", "string"), object("B", "integer"), true),
            (list("string"), list("integer"), true),
            (or_null(object("A", "string")), or_null(object("A", "integer")), true),
            (or_null(list("string")), or_null(list("integer")), true),
            (named.clone(), named, true),
            (beside.clone(), beside, false),
            (object("A", "string"), list("string"), false),
            (object("A", "string"), or_null(object("A", "string")), false),
            (json!({ "type": "object" }), json!({ "type": "object" }), false),
        ];
        for (old, new, expected) in table {
            assert_eq!(is_within(&old, &new, |_| {}), expected, "{old} {new}");
            assert!(!is_within(&old, &new, |node| node.only = Types::STRING), "{old} {new}");
            assert!(!is_within(&old, &new, |node| node.raws[0].lifted = true), "{old} {new}");
        }
    }
}
