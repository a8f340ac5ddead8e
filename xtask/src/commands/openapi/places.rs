//! The line of a JSON pointer in the file that it was read from. Texts are read once more for this, so only
//! after a comparison that found something.

use super::read::Spec;
use ::diff::openapi::FILES;
use granit_parser::{Event, Parser};
use std::collections::{HashMap, HashSet};

/// Where a value is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub path: String,
    pub line: usize,
}

/// The places of these pointers. What is not there has the place of what would hold it.
pub(super) fn find<'p>(spec: &Spec, pointers: impl Iterator<Item = &'p str>) -> HashMap<String, Written> {
    let mut asked: Vec<HashMap<String, String>> = vec![HashMap::new(); spec.files.len()];
    for pointer in pointers {
        let (file, inner) = file_of(spec, pointer);
        asked[file].insert(pointer.to_string(), inner);
    }
    let mut found = HashMap::new();
    for (file, asked) in spec.files.iter().zip(asked).filter(|(_, asked)| !asked.is_empty()) {
        let lines = lines(&file.text, file.yaml, asked.values());
        found.extend(asked.into_iter().map(|(pointer, inner)| {
            let line = ancestors(&inner).find_map(|one| lines.get(one)).copied().unwrap_or(1);
            (pointer, Written { path: file.path.to_string(), line })
        }));
    }
    found
}

/// The number of the file, and the pointer within it.
fn file_of(spec: &Spec, pointer: &str) -> (usize, String) {
    let inside = pointer.strip_prefix('/').and_then(|rest| rest.strip_prefix(FILES)?.strip_prefix('/'));
    let Some(inside) = inside else { return (0, pointer.to_string()) };
    let (name, rest) = inside.find('/').map_or((inside, ""), |at| inside.split_at(at));
    let name = name.replace("~1", "/").replace("~0", "~");
    let file = spec.files.iter().position(|file| file.path == name).unwrap_or(0);
    (file, rest.to_string())
}

/// The pointer, and those of what holds it.
fn ancestors(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |one| one.rfind('/').map(|at| &one[..at]))
}

fn lines<'p>(text: &str, yaml: bool, pointers: impl Iterator<Item = &'p String>) -> HashMap<String, usize> {
    let wanted: HashSet<&str> = pointers.flat_map(|pointer| ancestors(pointer)).collect();
    let mut walk = Walk { wanted, found: HashMap::new(), pointer: String::new(), open: Vec::new() };
    match yaml {
        true => walk.yaml(text),
        false => walk.json(text),
    }
    walk.found
}

/// A walk through a document, value by value.
struct Walk<'p> {
    wanted: HashSet<&'p str>,
    found: HashMap<String, usize>,
    /// The JSON pointer of the current value.
    pointer: String,
    open: Vec<Open>,
}

/// A list or mapping that has not ended yet.
struct Open {
    /// The length of its own pointer.
    length: usize,
    /// The number of the next item; None for a mapping.
    item: Option<usize>,
    /// The next scalar is a key.
    key: bool,
}

impl Walk<'_> {
    fn note(&mut self, line: usize) {
        if self.wanted.contains(self.pointer.as_str()) {
            self.found.entry(self.pointer.clone()).or_insert(line);
        }
    }

    /// A value begins. A mapping's value is where its key is.
    fn value(&mut self, line: usize) {
        match self.open.last_mut() {
            Some(Open { length, item: Some(item), .. }) => {
                self.pointer.truncate(*length);
                self.pointer.push_str(&format!("/{item}"));
                *item += 1;
                self.note(line);
            }
            Some(open) => open.key = true,
            None => self.note(line),
        }
    }

    fn scalar(&mut self, text: &str, line: usize) {
        match self.open.last_mut().filter(|open| open.key) {
            Some(open) => {
                open.key = false;
                self.pointer.truncate(open.length);
                self.pointer.push('/');
                self.pointer.push_str(&text.replace('~', "~0").replace('/', "~1"));
                self.note(line);
            }
            None => self.value(line),
        }
    }

    fn begin(&mut self, item: Option<usize>, line: usize) {
        self.value(line);
        self.open.push(Open { length: self.pointer.len(), item, key: item.is_none() });
    }

    /// The text was read as YAML before, so it has no mistake.
    fn yaml(&mut self, text: &str) {
        for (event, span) in Parser::new_from_str(text.trim_start_matches('\u{feff}')).flatten() {
            let line = span.start.line();
            match event {
                Event::Scalar(text, ..) => self.scalar(&text, line),
                Event::Alias(_) => self.scalar("*", line),
                Event::SequenceStart(..) => self.begin(Some(0), line),
                Event::MappingStart(..) => self.begin(None, line),
                Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
                _ => {}
            }
        }
    }

    /// The text was read as JSON before, so it has no mistake.
    fn json(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let (mut at, mut line) = (0, 1);
        while at < bytes.len() {
            let start = at;
            at += 1;
            match bytes[start] {
                b'\n' => line += 1,
                b'{' => self.begin(None, line),
                b'[' => self.begin(Some(0), line),
                b'}' | b']' => drop(self.open.pop()),
                b'"' => {
                    while at < bytes.len() && bytes[at] != b'"' {
                        at += 1 + usize::from(bytes[at] == b'\\');
                    }
                    at += 1;
                    let word = text.get(start..at).unwrap_or_default();
                    let plain = word.get(1..word.len().saturating_sub(1)).unwrap_or_default();
                    match plain.contains('\\') {
                        true => self.scalar(&serde_json::from_str::<String>(word).unwrap_or_default(), line),
                        false => self.scalar(plain, line),
                    }
                }
                b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                    let more = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                    at += bytes[at..].iter().take_while(|byte| more(byte)).count();
                    self.scalar("", line);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::File;
    use super::*;
    use serde_json::Value;

    fn line(text: &str, yaml: bool, pointer: &str) -> usize {
        let file = File { path: "x".into(), text: text.into(), yaml };
        let spec = Spec { document: Value::Null, files: vec![file], inside: true };
        find(&spec, [pointer].into_iter())[pointer].line
    }

    #[test]
    fn a_pointer_has_the_line_of_its_key_or_item() {
        let json = "\u{feff}{\n \"a/b\": {\n  \"~\": [1, -2.5e+3,\n   \
            {\"x\\\"\\n\": \"} {\"},\n   true]\n },\n \"c\":\n  [[],\n  []]\n}";
        let yaml = "# first\na/b:\n  ~:\n    - 1\n    - 2\n    - {'x': 3}\n\
            c: &c\n  - []\n  - [x,\n     y]\nd: *c\n200: |\n  a\n  b\ne: 1";
        let cases = [
            (json, false, "", 1),
            (json, false, "/a~1b", 2),
            (json, false, "/a~1b/~0", 3),
            (json, false, "/a~1b/~0/1", 3),
            (json, false, "/a~1b/~0/2", 4),
            (json, false, "/a~1b/~0/2/x\"\n", 4),
            (json, false, "/a~1b/~0/3", 5),
            (json, false, "/c", 7),
            (json, false, "/c/1", 9),
            (json, false, "/c/1/deeper/still", 9),
            (json, false, "/nowhere", 1),
            (yaml, true, "/a~1b", 2),
            (yaml, true, "/a~1b/~0", 3),
            (yaml, true, "/a~1b/~0/1", 5),
            (yaml, true, "/a~1b/~0/2/x", 6),
            (yaml, true, "/c/1/1", 10),
            (yaml, true, "/d", 11),
            (yaml, true, "/d/0", 11),
            (yaml, true, "/200", 12),
            (yaml, true, "/e", 15),
        ];
        for (text, yaml, pointer, expected) in cases {
            assert_eq!(line(text, yaml, pointer), expected, "{pointer} in\n{text}");
        }
    }
}
