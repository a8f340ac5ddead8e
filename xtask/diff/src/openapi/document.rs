//! An OpenAPI document: places in it (JSON pointers, RFC 6901) and the targets of its references. Only
//! references within the document are resolved; others are not fetched.

use serde_json::{Map, Value};
use std::rc::Rc;

/// A place in a document. There are many, and most are never shown, so a place is a chain that becomes text
/// only on demand.
#[derive(Clone)]
pub(super) struct At<'v>(Rc<Step<'v>>);

enum Step<'v> {
    /// The target of a reference: `#/components/schemas/Run`. Empty for the document itself.
    Root(&'v str),
    Key(At<'v>, &'v str),
    Index(At<'v>, usize),
}

impl<'v> At<'v> {
    pub(super) fn root(reference: &'v str) -> At<'v> {
        At(Rc::new(Step::Root(reference)))
    }
    pub(super) fn key(&self, key: &'v str) -> At<'v> {
        At(Rc::new(Step::Key(self.clone(), key)))
    }
    pub(super) fn index(&self, index: usize) -> At<'v> {
        At(Rc::new(Step::Index(self.clone(), index)))
    }

    /// The unescaped steps from the root to here. The root is the reference's text.
    pub(super) fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        let mut at = self;
        loop {
            match &*at.0 {
                Step::Root(reference) => {
                    steps.push(reference.to_string());
                    break;
                }
                Step::Key(parent, key) => {
                    steps.push(key.to_string());
                    at = parent;
                }
                Step::Index(parent, index) => {
                    steps.push(index.to_string());
                    at = parent;
                }
            }
        }
        steps.reverse();
        steps
    }

    /// `/paths/~1runs/get`
    pub(super) fn pointer(&self) -> String {
        let steps = self.steps();
        let mut text = decode(steps[0].trim_start_matches('#'));
        for step in &steps[1..] {
            text.push('/');
            text.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        text
    }
}

/// A reference that cannot be resolved.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    pub reference: String,
    pub why: &'static str,
}

pub(super) struct Document<'v> {
    pub root: &'v Value,
    /// Whether keywords beside `$ref` count: they do in 3.1, and are ignored in 3.0 (3.0.3, Reference
    /// Object).
    pub siblings: bool,
    /// `components/schemas`, the target of nearly all references.
    schemas: Option<&'v Map<String, Value>>,
}

const SCHEMAS: &str = "#/components/schemas/";
/// A longer chain of references is treated as a circle.
const HOPS: usize = 100;

impl<'v> Document<'v> {
    pub(super) fn new(root: &'v Value) -> Document<'v> {
        let siblings = root.get("openapi").and_then(Value::as_str).is_none_or(|v| !v.starts_with("3.0"));
        let schemas = root.pointer("/components/schemas").and_then(Value::as_object);
        Document { root, siblings, schemas }
    }

    /// The target of one reference.
    pub(super) fn target<'r>(&self, reference: &'r str) -> Result<(&'v Value, At<'r>), Lost> {
        let lost = |why| Lost { reference: reference.to_string(), why };
        let plain = reference.strip_prefix(SCHEMAS).filter(|name| !name.contains(['/', '~', '%']));
        if let Some(found) = plain.and_then(|name| self.schemas?.get(name)) {
            return Ok((found, At::root(reference)));
        }
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(lost("it points out of the document"));
        };
        if !fragment.is_empty() && !fragment.starts_with(['/', '%']) {
            return Err(lost("anchors are not resolved"));
        }
        let found = self.root.pointer(&decode(fragment)).ok_or_else(|| lost("nothing is there"))?;
        Ok((found, At::root(reference)))
    }

    /// The value itself, or the final target of its references.
    pub(super) fn resolve(&self, mut value: &'v Value, mut at: At<'v>) -> Result<(&'v Value, At<'v>), Lost> {
        let mut hops = 0;
        while let Some(reference) = reference(value) {
            hops += 1;
            if hops > HOPS {
                return Err(Lost { reference: reference.to_string(), why: "it points in a circle" });
            }
            (value, at) = self.target(reference)?;
        }
        Ok((value, at))
    }
}

pub(super) fn reference(value: &Value) -> Option<&str> {
    value.as_object()?.get("$ref")?.as_str()
}

/// Decodes a fragment's percent-encoding (RFC 6901, section 6).
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_string();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = &tail[2..]).1,
            None => (bytes.push(*first), rest = tail).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
