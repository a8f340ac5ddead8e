//! Paths and operations: which were added and removed, and whether the removal was announced. The names of a
//! path's parameters do not matter.

use super::context::Direction;
use super::document::At;
use super::engine::Engine;
use super::lifecycle;
use super::operation::{Key, Operation, Operations, operations_of, template};
use super::rules::*;
use super::{body, callbacks, parameters, responses, security, servers};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn compare<'v>(engine: &mut Engine<'v>) {
    let paths = At::root("").key("paths");
    let old = operations_of(&engine.old, engine.old.root.get("paths"), &paths, template);
    let new = operations_of(&engine.new, engine.new.root.get("paths"), &paths, template);
    let shared_unchanged = ["/servers", "/security", "/components/securitySchemes"].iter().all(|pointer| {
        engine.unchanged.both(engine.old.root.pointer(pointer), engine.new.root.pointer(pointer))
    });
    let moved = at_the_same_url(engine, &old, &new);
    for (key, operation) in &old {
        engine.begin(operation.label());
        match new.get(*moved.get(key).unwrap_or(&key)) {
            Some(now) if shared_unchanged && is_unchanged(engine, operation, now) => {}
            Some(now) => both(engine, operation, now, shared_unchanged),
            None => {
                let path_gone = !new.keys().any(|(path, _)| *path == key.0);
                gone(engine, operation, path_gone);
            }
        }
    }
    let known: BTreeSet<&Key> = old.keys().chain(moved.into_values()).collect();
    for (_, operation) in new.iter().filter(|(key, _)| !known.contains(key)) {
        engine.begin(operation.label());
        engine.rule(&ENDPOINT_ADDED, "the operation", (&paths, &operation.at), &"", &"");
    }
    callbacks::webhooks(engine);
}

/// The operations whose path is new, by the key of the old one at the same URL: a base path may stand in the
/// servers' URLs or in the paths.
fn at_the_same_url<'a, 'v>(
    engine: &Engine<'v>,
    old: &'a Operations<'v>,
    new: &'a Operations<'v>,
) -> BTreeMap<&'a Key, &'a Key> {
    if old.keys().eq(new.keys()) {
        return BTreeMap::new();
    }
    let came = new.iter().filter(|(key, _)| !old.contains_key(*key));
    let came: BTreeMap<(String, usize), &Key> = came
        .flat_map(|(key, operation)| {
            servers::paths(engine.new.root, operation).into_iter().map(move |path| ((path, key.1), key))
        })
        .collect();
    let went = old.iter().filter(|(key, _)| !new.contains_key(*key));
    went.filter_map(|(key, operation)| {
        let mut paths = servers::paths(engine.old.root, operation).into_iter();
        Some((key, *paths.find_map(|path| came.get(&(path, key.1)))?))
    })
    .collect()
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

/// Whether an operation is identical, with all that it refers to and that its path has for it.
fn is_unchanged(engine: &Engine, old: &Operation, new: &Operation) -> bool {
    let both = |key: &str| engine.unchanged.both(old.item.get(key), new.item.get(key));
    old.path == new.path && both("parameters") && both("servers") && engine.unchanged.is(old.value, new.value)
}

/// `shared_unchanged`: whether the document's servers and security are identical.
fn both<'v>(engine: &mut Engine<'v>, old: &Operation<'v>, new: &Operation<'v>, shared_unchanged: bool) {
    let unchanged = |engine: &Engine, key: &str| {
        let item = engine.unchanged.both(old.item.get(key), new.item.get(key));
        item && engine.unchanged.both(old.value.get(key), new.value.get(key))
    };
    identity(engine, old, new);
    lifecycle::compare(
        engine,
        "the operation",
        (old.value, &old.at),
        (new.value, &new.at),
        &lifecycle::OPERATION,
    );
    if !shared_unchanged || !unchanged(engine, "servers") {
        servers::compare(engine, old, new);
    }
    if !shared_unchanged || !unchanged(engine, "security") {
        security::compare(engine, old, new);
    }
    if old.path != new.path || !unchanged(engine, "parameters") {
        parameters::compare(engine, old, new, Direction::Request);
    }
    body::compare(engine, old, new, false);
    responses::compare(engine, old, new, false);
    callbacks::callbacks(engine, old, new);
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
