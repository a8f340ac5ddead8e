//! Paths and operations: which were added and removed, and whether the removal was announced. The names of a
//! path's parameters do not matter.

use super::document::{At, Document};
use super::engine::Engine;
use super::lifecycle;
use super::operation::Operation;
use super::rules::*;
use super::{body, parameters, responses, security, servers};
use serde_json::Value;
use std::collections::BTreeMap;

/// In the order of the output.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The key is the path without parameter names, and the method.
type Operations<'v> = BTreeMap<(String, usize), Operation<'v>>;

pub(super) fn compare<'v>(engine: &mut Engine<'v>) {
    let old = collect(&engine.old, "paths", true);
    let new = collect(&engine.new, "paths", true);
    for (key, operation) in &old {
        engine.begin(label(operation));
        match new.get(key) {
            Some(now) => both(engine, operation, now),
            None => {
                let path_gone = !new.keys().any(|(path, _)| *path == key.0);
                gone(engine, operation, path_gone);
            }
        }
    }
    let paths = At::root("").key("paths");
    for operation in new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, operation)| operation) {
        engine.begin(label(operation));
        engine.rule(&ENDPOINT_ADDED, "the operation", (&paths, &operation.at), &"", &"");
    }
    webhooks(engine);
}

fn label(operation: &Operation) -> String {
    format!("{} {}", operation.method.to_uppercase(), operation.path)
}

fn collect<'v>(document: &Document<'v>, section: &'v str, templates: bool) -> Operations<'v> {
    let mut all = BTreeMap::new();
    let at = At::root("").key(section);
    for (path, item) in document.root.get(section).and_then(Value::as_object).into_iter().flatten() {
        let Ok((item, item_at)) = document.resolve(item, at.key(path)) else { continue };
        let plain = if templates { template(path) } else { path.clone() };
        for (order, method) in METHODS.into_iter().enumerate() {
            let Some(value) = item.get(method).filter(|v| v.is_object()) else { continue };
            let operation =
                Operation { method, path, item, item_at: item_at.clone(), value, at: item_at.key(method) };
            all.entry((plain.clone(), order)).or_insert(operation);
        }
    }
    all
}

/// `/threads/{}/runs/{}`
fn template(path: &str) -> String {
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, tail)) = rest.split_once('{') {
        text.push_str(before);
        text.push_str("{}");
        rest = tail.split_once('}').map_or("", |(_, tail)| tail);
    }
    text + rest
}

fn gone(engine: &mut Engine, operation: &Operation, path_gone: bool) {
    let rules = match path_gone {
        true => [&PATH_REMOVED, &PATH_REMOVED_DEPRECATED, &PATH_REMOVED_EARLY, &PATH_SUNSET_UNREADABLE],
        false => [
            &OPERATION_REMOVED,
            &OPERATION_REMOVED_DEPRECATED,
            &OPERATION_REMOVED_EARLY,
            &PATH_SUNSET_UNREADABLE,
        ],
    };
    let paths = At::root("").key("paths");
    let new = if path_gone { paths } else { paths.key(operation.path) };
    let (rule, sunset) = lifecycle::removal(operation.value, engine.today, rules);
    engine.rule(rule, "the operation", (&operation.at, &new), &sunset, &"");
}

fn both<'v>(engine: &mut Engine<'v>, old: &Operation<'v>, new: &Operation<'v>) {
    identity(engine, old, new);
    lifecycle::compare(
        engine,
        "the operation",
        (old.value, &old.at),
        (new.value, &new.at),
        &lifecycle::OPERATION,
    );
    servers::compare(engine, old, new);
    security::compare(engine, old, new);
    parameters::compare(engine, old, new);
    body::compare(engine, old, new, false);
    responses::compare(engine, old, new, false);
}

fn identity(engine: &mut Engine, old: &Operation, new: &Operation) {
    let id = |operation: &Operation| {
        operation.value.get("operationId").and_then(Value::as_str).map(str::to_string)
    };
    let places = (&old.at.key("operationId"), &new.at.key("operationId"));
    match (id(old), id(new)) {
        (None, Some(now)) => engine.rule(&OPERATION_ID_ADDED, "", (&old.at, places.1), &"", &now),
        (Some(before), None) => engine.rule(&OPERATION_ID_REMOVED, "", (places.0, &new.at), &before, &"none"),
        (Some(before), Some(now)) if before != now => {
            engine.rule(&OPERATION_ID_REMOVED, "", places, &before, &now)
        }
        _ => {}
    }
}

/// Requests that the server sends (3.1). Here the client answers, so the directions are exchanged.
fn webhooks<'v>(engine: &mut Engine<'v>) {
    let old = collect(&engine.old, "webhooks", false);
    let new = collect(&engine.new, "webhooks", false);
    let root = At::root("");
    let name =
        |operation: &Operation| format!("webhook {} {}", operation.method.to_uppercase(), operation.path);
    for (key, operation) in &old {
        engine.begin(name(operation));
        match new.get(key) {
            Some(now) => {
                body::compare(engine, operation, now, true);
                responses::compare(engine, operation, now, true);
            }
            None => engine.rule(&WEBHOOK_REMOVED, "the webhook", (&operation.at, &root), &"", &""),
        }
    }
    for operation in new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, operation)| operation) {
        engine.begin(name(operation));
        engine.rule(&WEBHOOK_ADDED, "the webhook", (&root, &operation.at), &"", &"");
    }
}
