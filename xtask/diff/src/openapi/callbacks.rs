//! Requests that the server sends: webhooks (3.1) and callbacks. Here the client answers, so the directions
//! are exchanged.

use super::context::Direction;
use super::document::{At, Document};
use super::engine::Engine;
use super::operation::{Operation, Operations, operations_of};
use super::rules::*;
use super::{body, parameters, responses};
use serde_json::Value;

/// One kind of request that the server sends.
struct Sent {
    what: &'static str,
    added: &'static Rule,
    removed: &'static Rule,
}

const WEBHOOK: Sent = Sent { what: "the webhook", added: &WEBHOOK_ADDED, removed: &WEBHOOK_REMOVED };
const CALLBACK: Sent = Sent { what: "the callback", added: &CALLBACK_ADDED, removed: &CALLBACK_REMOVED };

pub(super) fn webhooks(engine: &mut Engine) {
    let at = At::root("");
    let (before, after) = (engine.old.root.get("webhooks"), engine.new.root.get("webhooks"));
    let old = operations_of(&engine.old, before, &at.key("webhooks"), str::to_string);
    let new = operations_of(&engine.new, after, &at.key("webhooks"), str::to_string);
    let name =
        |operation: &Operation| format!("webhook {} {}", operation.method.to_uppercase(), operation.path);
    compare(engine, (&old, &at), (&new, &at), &WEBHOOK, &name);
}

/// The callbacks of one operation.
pub(super) fn callbacks<'v>(engine: &mut Engine<'v>, old: &Operation<'v>, new: &Operation<'v>) {
    let (before, mut after) = (named(&engine.old, old), named(&engine.new, new));
    let label = new.label();
    let names: Vec<&str> = after.iter().map(|(name, _)| *name).collect();
    for (callback, operations) in &before {
        let name = |operation: &Operation| {
            format!("callback {callback} of {label}: {}", operation.method.to_uppercase())
        };
        // The key is only a name. What is called is the expression below it.
        let kept = |(other, list): &(&str, Operations)| match names.contains(callback) {
            true => other == callback,
            false => {
                !before.iter().any(|(known, _)| known == other)
                    && list.keys().any(|key| operations.contains_key(key))
            }
        };
        let now = after.iter().position(kept).map(|at| after.remove(at).1).unwrap_or_default();
        compare(engine, (operations, &old.at), (&now, &new.at), &CALLBACK, &name);
    }
    for (callback, operations) in &after {
        let name = |operation: &Operation| {
            format!("callback {callback} of {label}: {}", operation.method.to_uppercase())
        };
        compare(engine, (&Operations::new(), &old.at), (operations, &new.at), &CALLBACK, &name);
    }
}

fn named<'v>(document: &Document<'v>, operation: &Operation<'v>) -> Vec<(&'v str, Operations<'v>)> {
    let at = operation.at.key("callbacks");
    let callbacks = operation.value.get("callbacks").and_then(Value::as_object).into_iter().flatten();
    callbacks
        .filter_map(|(name, value)| {
            let (value, at) = document.resolve(value, at.key(name)).ok()?;
            Some((name.as_str(), operations_of(document, Some(value), &at, str::to_string)))
        })
        .collect()
}

fn compare<'v>(
    engine: &mut Engine<'v>,
    (old, old_at): (&Operations<'v>, &At<'v>),
    (new, new_at): (&Operations<'v>, &At<'v>),
    sent: &Sent,
    name: &dyn Fn(&Operation) -> String,
) {
    for (key, operation) in old {
        engine.begin(name(operation));
        match new.get(key) {
            Some(now) => {
                parameters::compare(engine, operation, now, Direction::Response);
                body::compare(engine, operation, now, true);
                responses::compare(engine, operation, now, true);
            }
            None => engine.rule(sent.removed, sent.what, (&operation.at, new_at), &"", &""),
        }
    }
    for operation in new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, operation)| operation) {
        engine.begin(name(operation));
        engine.rule(sent.added, sent.what, (old_at, &operation.at), &"", &"");
    }
}
