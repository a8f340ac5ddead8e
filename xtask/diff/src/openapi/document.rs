//! An OpenAPI document: places in it (JSON pointers, RFC 6901) and the targets of its references. Only
//! references within the document are resolved; others are not fetched.

use serde_json::Value;
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

impl Lost {
    /// Whether it leads out of the document.
    pub(super) fn is_outside(&self) -> bool {
        !self.reference.is_empty() && !self.reference.starts_with('#')
    }
}

pub(super) struct Document<'v> {
    pub root: &'v Value,
    /// Whether keywords beside `$ref` count: they do in 3.1, and are ignored in 3.0 (3.0.3, Reference
    /// Object).
    pub siblings: bool,
    /// `components/schemas`, the target of nearly all references.
    schemas: Option<&'v Value>,
}

const SCHEMAS: &str = "#/components/schemas/";
/// A longer chain of references is treated as a circle.
const HOPS: usize = 100;

impl<'v> Document<'v> {
    pub(super) fn new(root: &'v Value) -> Document<'v> {
        // YAML reads an unquoted 3.0 as a number.
        let version = root.get("openapi").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_string));
        let siblings = version.is_none_or(|version| !version.starts_with("3.0"));
        let schemas = root.pointer("/components/schemas");
        Document { root, siblings, schemas }
    }

    /// The target of one reference.
    pub(super) fn target<'r>(&self, reference: &'r str) -> Result<(&'v Value, At<'r>), Lost> {
        let lost = |why| Lost { reference: reference.to_string(), why };
        // A component's name has no character that a reference encodes (OpenAPI 3.1.0, Components Object).
        if let Some(name) = reference.strip_prefix(SCHEMAS)
            && let Some(found) = self.schemas.and_then(|schemas| schemas.get(name))
        {
            return Ok((found, At::root(reference)));
        }
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(lost(outside(reference)));
        };
        if !fragment.is_empty() && !fragment.starts_with(['/', '%']) {
            return Err(lost("anchors are not resolved"));
        }
        let fragment = decode(fragment);
        let found = self.root.pointer(&fragment).or_else(|| self.through(&fragment, &mut 0));
        Ok((found.ok_or_else(|| lost("nothing is there"))?, At::root(reference)))
    }

    /// What a pointer leads to if other references are on its way.
    fn through(&self, pointer: &str, hops: &mut usize) -> Option<&'v Value> {
        pointer.strip_prefix('/')?.split('/').try_fold(self.root, |mut value, step| {
            let step = format!("/{step}");
            while value.pointer(&step).is_none() && *hops < HOPS {
                *hops += 1;
                let next = decode(reference(value)?.strip_prefix('#')?);
                value = self.through(&next, hops)?;
            }
            value.pointer(&step)
        })
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

/// Why a reference to something outside of the document leads nowhere.
fn outside(reference: &str) -> &'static str {
    match reference.split('#').next() {
        Some("") | None => "it is empty",
        Some(file) if file.contains(':') => "addresses are not fetched",
        _ => "it leads to no file of the repository",
    }
}

/// The key under which a document holds the other files that it refers to, by their paths.
pub const FILES: &str = "x-xtask-files";

/// A pointer as people write it: `schemas/run.yaml#/Run`, if it leads into another file.
pub(super) fn shown(pointer: &str) -> String {
    let inside = pointer.strip_prefix('/').and_then(|rest| rest.strip_prefix(FILES)?.strip_prefix('/'));
    let Some(inside) = inside else { return pointer.to_string() };
    let (name, rest) = inside.find('/').map_or((inside, ""), |at| inside.split_at(at));
    format!("{}#{rest}", name.replace("~1", "/").replace("~0", "~"))
}

/// The name of what a reference leads to: `Run` of `#/components/schemas/Run` and of `run.yaml`.
pub(super) fn name_of(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    match last.rsplit("~1").next().unwrap_or(last).rsplit_once('.') {
        Some((name, "yaml" | "yml" | "json")) => name.to_string(),
        _ => last.replace("~1", "/").replace("~0", "~"),
    }
}

pub(super) fn reference(value: &Value) -> Option<&str> {
    // A loop over the few keys costs less than a hash.
    for (key, value) in value.as_object()? {
        if matches!(key.as_bytes(), [b'$', ..]) && key == "$ref" {
            return value.as_str();
        }
    }
    None
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
