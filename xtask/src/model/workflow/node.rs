//! YAML as a tree whose keys and values know their lines. Scalars stay text: a workflow's `on` and `3.10` are
//! what a person wrote.

use granit_parser::{Event, Parser};
use std::collections::HashMap;

/// How many values aliases may copy in all.
const COPIES: usize = 100_000;
/// How deep lists and mappings may be nested.
const DEPTH: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Counted from 1.
    pub line: usize,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub text: String,
    pub line: usize,
}

impl Default for Value {
    fn default() -> Value {
        Value::Text(String::new())
    }
}

impl Node {
    pub(crate) fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        self.entries().iter().find(|(found, _)| found.text == key).map(|(key, node)| (key, node))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list, or the only text, each with its line.
    pub(crate) fn texts(&self) -> Vec<(&str, usize)> {
        let one = |node: &'_ Node| node.line;
        match &self.value {
            Value::Text(text) if text.is_empty() => Vec::new(),
            Value::Text(text) => vec![(text, self.line)],
            _ => self.items().iter().filter_map(|node| Some((node.text()?, one(node)))).collect(),
        }
    }
}

/// The only document of the text. The error says what is wrong, and in which line.
pub(crate) fn parse(text: &str) -> Result<Node, (String, usize)> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| (error.to_string(), error.marker().line()))?;
        reader.take(event, span.start.line()).map_err(|what| (what, span.start.line()))?;
    }
    Ok(reader.root.unwrap_or_default())
}

#[derive(Default)]
struct Reader {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    copied: usize,
}

/// A list or mapping that has not ended yet.
struct Open {
    anchor: usize,
    node: Node,
    /// In a mapping, the key whose value comes next.
    key: Option<Key>,
}

impl Reader {
    fn take(&mut self, event: Event, line: usize) -> Result<(), String> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                // The parser's text of a value that is not there.
                let text = if text == "~" { String::new() } else { text.to_string() };
                self.put(anchor, Node { line, value: Value::Text(text) })
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or("an alias to a value that contains it")?.clone();
                self.copied += size(&node);
                if self.copied > COPIES {
                    return Err(format!("aliases copy more than {COPIES} values"));
                }
                self.put(0, Node { line, ..node })
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, line, Value::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.begin(anchor, line, Value::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { anchor, node, .. }) = self.open.pop() else { return Ok(()) };
                self.put(anchor, node)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, line: usize, value: Value) -> Result<(), String> {
        if self.open.len() >= DEPTH {
            return Err(format!("nested deeper than {DEPTH} levels"));
        }
        self.open.push(Open { anchor, node: Node { line, value }, key: None });
        Ok(())
    }

    fn put(&mut self, anchor: usize, node: Node) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            if self.root.is_some() {
                return Err("a second document".to_string());
            }
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(entries), Some(key)) => {
                if entries.iter().any(|(there, _)| there.text == key.text) {
                    return Err(format!("the key {:?} is there twice", key.text));
                }
                entries.push((key, node));
            }
            (Value::Map(_), None) => {
                let text = node.text().ok_or("a key is not text")?.to_string();
                open.key = Some(Key { text, line: node.line });
            }
            (Value::Text(_), _) => {}
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Text(_) => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_lines() {
        let tree = parse("on:\n  push: { branches: [main,\n    dev] }\nname: x # why\n").unwrap();
        let (key, push) = tree.get("on").unwrap().entry("push").unwrap();
        assert_eq!(key.line, 2);
        assert_eq!(push.get("branches").unwrap().texts(), [("main", 2), ("dev", 3)]);
        assert_eq!(tree.get("name").unwrap().texts(), [("x", 4)]);
        let copied = parse("a: &x [1, 2]\nb: *x\n").unwrap();
        assert_eq!(copied.get("b").unwrap().texts().len(), 2);
        assert!(parse("").unwrap().entries().is_empty());
    }

    #[test]
    fn what_is_no_document_is_refused_with_its_line() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let bomb: String = (1..40).fold("a0: &a0 [x, x]\n".to_string(), |text, n| {
            let before = n - 1;
            text + &format!("a{n}: &a{n} [*a{before}, *a{before}]\n")
        });
        for (text, what, line) in [
            ("a: 1\na: 2\n", "there twice", 2),
            ("a: 1\n---\nb: 2\n", "a second document", 4),
            ("? [a]\n: b\n", "a key is not text", 1),
            ("a:\n\t- b\n", "", 2),
            (&deep, "nested deeper", 1),
            (&bomb, "aliases copy more", 15),
        ] {
            let (error, at) = parse(text).unwrap_err();
            assert!(error.contains(what), "{error}");
            assert_eq!(at, line, "{what}: {error}");
        }
    }
}
