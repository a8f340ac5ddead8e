//! Schemas that are written alike, at whatever place, have the same number.

use super::node::Node;
use serde_json::Value;
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Texts {
    /// By address. None: it has references, so the text alone does not say what it means.
    known: HashMap<*const Value, Option<usize>>,
    /// The texts, with a number for each part.
    numbers: HashMap<String, usize>,
}

impl Texts {
    /// What a node without references reads. None if it has references.
    pub(super) fn of(&mut self, node: &Node) -> Option<Vec<usize>> {
        let parts = node.raws.iter().map(|raw| Some(self.number(raw.value)? * 16 + raw.reading()));
        parts.chain([Some(node.only.bits())]).collect()
    }

    fn number(&mut self, value: &Value) -> Option<usize> {
        let address = std::ptr::from_ref(value);
        if let Some(known) = self.known.get(&address) {
            return *known;
        }
        let number = self.text(value).map(|text| {
            let next = self.numbers.len();
            *self.numbers.entry(text).or_insert(next)
        });
        self.known.insert(address, number);
        number
    }

    fn text(&mut self, value: &Value) -> Option<String> {
        match value {
            Value::Object(map) => {
                let entry = |(key, value): (&String, &Value)| {
                    let number = self.number(value).filter(|_| key != "$ref" && key != "$dynamicRef")?;
                    Some(format!("{key:?}:{number}"))
                };
                Some(format!("{{{}}}", map.iter().map(entry).collect::<Option<Vec<_>>>()?.join(",")))
            }
            Value::Array(items) => {
                let item = |value| self.number(value).map(|number| number.to_string());
                Some(format!("[{}]", items.iter().map(item).collect::<Option<Vec<_>>>()?.join(",")))
            }
            plain => Some(plain.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::At;
    use super::super::node::{Raw, Without};
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_written_and_read_alike_has_one_number() {
        // Nothing is within them, so their numbers follow each other.
        let values = [json!(true), json!(false), json!(true)];
        let mut texts = Texts::default();
        let mut of = |value, one| {
            let mut node = Node::new(value, At::root(""));
            let without = Without { any: false, one };
            node.raws = vec![Raw { without, ..Raw::plain(value, At::root("")) }];
            texts.of(&node).expect("no references")
        };
        let [yes, no, same] = [0, 1, 2].map(|at| [false, true].map(|one| of(&values[at], one)));
        assert_eq!(yes, same);
        for (one, other) in [(&yes[0], &yes[1]), (&yes[0], &no[0]), (&yes[1], &no[0])] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn what_refers_to_something_has_no_number() {
        let values = [
            (json!({ "a": [{ "type": "string" }] }), true),
            (json!({ "a": [{ "$ref": "#/x" }] }), false),
            (json!({ "a": { "$dynamicRef": "#x" } }), false),
        ];
        // Values are known by their addresses, so all must stay.
        let mut texts = Texts::default();
        for (value, known) in &values {
            assert_eq!(texts.of(&Node::new(value, At::root(""))).is_some(), *known, "{value}");
        }
    }
}
