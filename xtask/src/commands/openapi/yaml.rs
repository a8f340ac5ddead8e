//! YAML 1.2 as JSON: the core schema, anchors, and merge keys (`<<`), which many specs use. Copies made by
//! aliases are counted, so a small file cannot grow without limit.

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// How many values aliases may copy in all.
const COPIES: usize = 1_000_000;
/// How deep lists and mappings may be nested: as deep as serde_json reads them.
const DEPTH: usize = 127;

/// The document as JSON. The error says what is wrong, and where.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        reader.take(event).map_err(|what| format!("{what}, in line {}", span.start.line()))?;
    }
    Ok(reader.root.unwrap_or_default())
}

#[derive(Default)]
struct Reader {
    root: Option<Value>,
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    copied: usize,
}

/// A list or mapping that has not ended yet.
struct Open {
    anchor: usize,
    holds: Holds,
}

enum Holds {
    List(Vec<Value>),
    Mapping {
        map: Map<String, Value>,
        /// The key whose value comes next.
        key: Option<Key>,
        /// What `<<` names: keys of the mapping itself come first.
        merged: Vec<Value>,
    },
}

enum Key {
    Text(String),
    Merge,
}

impl Reader {
    fn take(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(key) = self.key() {
                    let merge = style == ScalarStyle::Plain && text == "<<";
                    *key = Some(if merge { Key::Merge } else { Key::Text(text.to_string()) });
                    return self.remember(anchor, &Value::from(text.to_string()));
                }
                self.put(anchor, scalar(&text, style, tag.as_deref()))
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).ok_or("an alias to a value that contains it")?;
                let (size, depth) = extent(value);
                if self.open.len() + depth > DEPTH {
                    return Err(format!("nested deeper than {DEPTH} levels"));
                }
                let value = value.clone();
                self.count(size)?;
                if let Some(key) = self.key() {
                    *key = Some(Key::Text(value.as_str().ok_or("a key is not text")?.to_string()));
                    return Ok(());
                }
                self.put(0, value)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, Holds::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.begin(anchor, Holds::Mapping { map: Map::new(), key: None, merged: Vec::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { anchor, holds }) = self.open.pop() else { return Ok(()) };
                let value = match holds {
                    Holds::List(list) => Value::Array(list),
                    Holds::Mapping { mut map, merged, .. } => {
                        for value in merged {
                            merge(&mut map, value)?;
                        }
                        Value::Object(map)
                    }
                };
                self.put(anchor, value)
            }
            _ => Ok(()),
        }
    }

    /// The place of the key that comes next. None if no key comes next.
    fn key(&mut self) -> Option<&mut Option<Key>> {
        match self.open.last_mut() {
            Some(Open { holds: Holds::Mapping { key: key @ None, .. }, .. }) => Some(key),
            _ => None,
        }
    }

    fn begin(&mut self, anchor: usize, holds: Holds) -> Result<(), String> {
        if self.key().is_some() {
            return Err("a key is not text".into());
        }
        if self.open.len() >= DEPTH {
            return Err(format!("nested deeper than {DEPTH} levels"));
        }
        self.open.push(Open { anchor, holds });
        Ok(())
    }

    fn put(&mut self, anchor: usize, value: Value) -> Result<(), String> {
        self.remember(anchor, &value)?;
        match self.open.last_mut().map(|open| &mut open.holds) {
            None if self.root.is_some() => return Err("a second document".into()),
            None => self.root = Some(value),
            Some(Holds::List(list)) => list.push(value),
            Some(Holds::Mapping { map, key, merged }) => match key.take() {
                Some(Key::Text(key)) if map.contains_key(&key) => {
                    return Err(format!("the key {key:?} is there twice"));
                }
                Some(Key::Text(key)) => drop(map.insert(key, value)),
                Some(Key::Merge) => merged.push(value),
                None => return Err("a value without a key".into()),
            },
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, value: &Value) -> Result<(), String> {
        if anchor > 0 {
            self.count(extent(value).0)?;
            self.anchors.insert(anchor, value.clone());
        }
        Ok(())
    }

    fn count(&mut self, more: usize) -> Result<(), String> {
        self.copied += more;
        match self.copied > COPIES {
            true => Err(format!("aliases copy more than {COPIES} values")),
            false => Ok(()),
        }
    }
}

/// Keys that are already there stay.
fn merge(map: &mut Map<String, Value>, value: Value) -> Result<(), String> {
    match value {
        Value::Object(other) => {
            for (key, value) in other {
                map.entry(key).or_insert(value);
            }
            Ok(())
        }
        Value::Array(list) => list.into_iter().try_for_each(|value| match value {
            Value::Object(_) => merge(map, value),
            _ => Err("`<<` must name a mapping".to_string()),
        }),
        _ => Err("`<<` must name a mapping".into()),
    }
}

/// How many values, and how deep.
fn extent(value: &Value) -> (usize, usize) {
    let sum = |(size, depth): (usize, usize), value: &Value| {
        let (more, deep) = extent(value);
        (size + more, depth.max(deep + 1))
    };
    match value {
        Value::Array(list) => list.iter().fold((1, 1), sum),
        Value::Object(map) => map.values().fold((1, 1), sum),
        _ => (1, 0),
    }
}

/// YAML 1.2.2, section 10.3.2. Numbers that JSON cannot write stay text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let plain = match tag.and_then(Tag::core_suffix) {
        Some("str") => false,
        Some(_) => true,
        None => style == ScalarStyle::Plain && tag.is_none(),
    };
    let number = || {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (radix, word) = match digits.get(..2) {
            Some("0x") => (16, &digits[2..]),
            Some("0o") => (8, &digits[2..]),
            _ => (10, text.strip_prefix('+').unwrap_or(text)),
        };
        if radix != 10 {
            return u64::from_str_radix(word, radix).ok().filter(|_| digits == text).map(Number::from);
        }
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            || !digits.contains(|c: char| c.is_ascii_digit())
        {
            return None;
        }
        let whole = word.parse::<i64>().map(Number::from).or_else(|_| word.parse::<u64>().map(Number::from));
        whole.ok().or_else(|| Number::from_f64(word.parse().ok()?))
    };
    match text {
        _ if !plain => Value::String(text.to_string()),
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number().map_or_else(|| Value::String(text.to_string()), Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_means_what_the_core_schema_says() {
        let cases = [
            ("", json!(null)),
            ("# only a comment\n", json!(null)),
            ("a: 1\nb: -2\nc: +3\nd: 0x1F\ne: 0o17\nf: 007", json!({"a":1,"b":-2,"c":3,"d":31,"e":15,"f":7})),
            (
                "a: 1.5\nb: 1e3\nc: .5\nd: 18446744073709551615\ne: 1_000",
                json!({"a":1.5,"b":1000.0,"c":0.5,"d":18446744073709551615u64,"e":"1_000"}),
            ),
            ("[.inf, -.inf, .nan, ., +, 1.2.3, 3.1.0, 2026-11-21, 0x, 0xg, -0x1]", {
                let words = ".inf -.inf .nan . + 1.2.3 3.1.0 2026-11-21 0x 0xg -0x1";
                json!(words.split(' ').collect::<Vec<_>>())
            }),
            (
                "[yes, no, on, True, FALSE, ~, Null, NO]",
                json!(["yes", "no", "on", true, false, null, null, "NO"]),
            ),
            ("['1', \"true\", !!str 2, !!int '3', ! 4, !own 5]", json!(["1", "true", "2", 3, "4", "5"])),
            ("200: a\nnull: b\ntrue: c\n'': d", json!({"200":"a","null":"b","true":"c","":"d"})),
            ("a: |\n  x\n  y\nb: >-\n  x\n  y", json!({"a":"x\ny\n","b":"x y"})),
            ("a:\nb: ''\nc: \"\"", json!({"a":null,"b":"","c":""})),
            ("{\"a\": [1, {\"b\": null}],\n\t\"c\": \"\\u00e9\\/\"}", json!({"a":[1,{"b":null}],"c":"é/"})),
            ("a: &x {k: 1}\nb: *x\n&y c: *y", json!({"a":{"k":1},"b":{"k":1},"c":"c"})),
            (
                "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\nc:\n  l: 4\n  <<: [{m: 5}, *x]",
                json!({"a":{"k":1,"l":2},"b":{"l":3,"k":1},"c":{"l":4,"m":5,"k":1}}),
            ),
            ("'<<': {k: 1}", json!({"<<":{"k":1}})),
            ("--- a\n...", json!("a")),
        ];
        for (text, value) in cases {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused_with_its_line() {
        let bomb: String = (1..30).fold("a0: &a0 [x, x]\n".to_string(), |text, n| {
            let before = n - 1;
            text + &format!("a{n}: &a{n} [*a{before}, *a{before}, *a{before}]\n")
        });
        let chain: String = (1..300)
            .fold("a0: &a0 [x]\n".to_string(), |text, n| text + &format!("a{n}: &a{n} [*a{}]\n", n - 1));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let cases = [
            ("a: 1\na: 2", "the key \"a\" is there twice, in line 2"),
            ("a: 1\n---\nb: 2", "a second document, in line"),
            ("? [a]\n: b", "a key is not text, in line 1"),
            ("a: *x", "line 1"),
            ("a: &x [*x]", "an alias to a value that contains it, in line 1"),
            ("<<: 1", "`<<` must name a mapping"),
            ("<<: [[{a: 1}]]", "`<<` must name a mapping"),
            ("a: [1", "line"),
            ("a:\n\t- b", "line 2"),
            (&bomb, "aliases copy more than 1000000 values, in line"),
            (&chain, "nested deeper than 127 levels, in line 127"),
            (&deep, "nested deeper than 127 levels, in line 1"),
        ];
        for (text, words) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{}: {error}", &text[..text.len().min(60)]);
        }
    }
}
