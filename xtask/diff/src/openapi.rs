//! Compares two OpenAPI documents (3.0, 3.1) by what a client can notice. Pure: JSON in, changes out.
//!
//! A request may become wider and a response narrower; the opposite breaks clients. Schemas are compared by
//! meaning, not by spelling, and each pair once for each direction.

use crate::finding::Finding;
use document::{At, Document, Lost, shown};
use engine::Engine;
use serde_json::Value;

mod alternatives;
mod body;
mod callbacks;
pub mod cases;
mod compare;
mod context;
mod discriminators;
mod document;
mod engine;
mod lifecycle;
mod list;
mod node;
mod numbers;
mod objects;
mod operation;
mod operations;
mod parameters;
mod proof;
mod read;
mod responses;
mod rules;
mod samples;
mod schema;
mod security;
mod servers;
pub mod specs;
#[cfg(test)]
mod tests;
mod texts;
mod types;
mod unchanged;
mod values;
mod within;
mod witness;

pub use document::FILES;
pub use engine::Change;
pub use list::{Listed, every_rule, with_levels};

/// The changes for clients, the most severe first. `today` (`2026-11-21`) decides which sunset dates have
/// passed.
pub fn diff(old: &Value, new: &Value, today: &str) -> Vec<Change> {
    run(Engine::new(Document::new(old), Document::new(new), today))
}

fn run(mut engine: Engine) -> Vec<Change> {
    operations::compare(&mut engine);
    engine.finish_waiting();
    own_failures(&mut engine);
    let mut changes = engine.changes();
    changes.sort_by_key(|change| std::cmp::Reverse(change.level));
    changes
}

/// Reports what could not be compared. A reference that cannot be resolved in either document is a warning:
/// nobody knows whether its target has changed. Identical documents have nothing to compare.
fn own_failures(engine: &mut Engine) {
    let (old, new) = (std::mem::take(&mut engine.lost_old), std::mem::take(&mut engine.lost_new));
    engine.whole_document();
    let root = At::root("");
    let identical = (!new.is_empty() || !old.is_empty()) && engine.old.root == engine.new.root;
    for (lost, at) in new.iter().filter(|_| !identical) {
        match old.iter().find(|(known, _)| known.reference == lost.reference) {
            Some((_, old_at)) => not_compared(engine, lost, (old_at, at)),
            None if lost.is_outside() => not_compared(engine, lost, (&root, at)),
            None => engine.rule(&rules::LOST_NEW, lost.why, (&root, at), &"", &lost.reference),
        }
    }
    for (lost, at) in old.iter().filter(|(lost, _)| !new.iter().any(|(n, _)| n.reference == lost.reference)) {
        if lost.is_outside() {
            not_compared(engine, lost, (at, &root));
            continue;
        }
        engine.rule(&rules::LOST_OLD, lost.why, (at, &root), &lost.reference, &"");
    }
    if engine.exhausted {
        engine.rule(&rules::TOO_MUCH, "too many pairs of schemas", (&root, &root), &"", &"");
    }
}

fn not_compared(engine: &mut Engine, lost: &Lost, places: (&At, &At)) {
    let what = format!("the target of {}", lost.reference);
    engine.rule(&rules::NOT_COMPARED, &what, places, &"", &lost.why);
}

impl Change {
    /// The change as a finding, with the affected operations in its message.
    pub fn finding(&self) -> Finding {
        let message = match &self.operations[..] {
            [] => self.message.clone(),
            [one] => format!("{one}: {}", self.message),
            [first, rest @ ..] => format!("{first} and {} more: {}", rest.len(), self.message),
        };
        // Leaked: there are few of these ids, and they are needed until the process ends.
        Finding::new(self.id.clone().leak(), self.level, message).place(self.place())
    }
    /// The pointer into the new document, and also into the old one if it differs.
    pub fn place(&self) -> String {
        let (old, new) = (shown(&self.old), shown(&self.new));
        if old == new { new } else { format!("{new} (was {old})") }
    }
}

/// Checks that the document can be compared. The error says what it is instead.
pub fn recognise(document: &Value) -> Result<(), String> {
    let Some(map) = document.as_object() else { return Err("it is not an object".into()) };
    let text = |key: &str| map.get(key).map(|v| v.as_str().map_or(v.to_string(), str::to_string));
    match (text("openapi"), text("swagger")) {
        (Some(version), _) if version.starts_with("3.0") || version.starts_with("3.1") => Ok(()),
        (Some(version), _) => Err(format!("it is OpenAPI {version}; 3.0 and 3.1 can be compared")),
        (None, Some(version)) => Err(format!("it is Swagger {version}; convert it to OpenAPI 3 first")),
        (None, None) => Err("it has no `openapi` version, so it is not an OpenAPI document".into()),
    }
}
