//! The API's servers: the operation's own list, or the path's, or the document's.

use super::document::At;
use super::engine::Engine;
use super::operation::Operation;
use super::rules::*;
use serde_json::Value;

pub(super) fn compare<'v>(engine: &mut Engine<'v>, old: &Operation<'v>, new: &Operation<'v>) {
    let (before, old_at) = listed(engine.old.root, old);
    let (after, new_at) = listed(engine.new.root, new);
    for url in before.iter().filter(|url| !after.contains(url)) {
        engine.rule(&SERVER_REMOVED, "", (&old_at, &new_at), url, &"");
    }
    for url in after.iter().filter(|url| !before.contains(url)) {
        engine.rule(&SERVER_ADDED, "", (&old_at, &new_at), &"", url);
    }
}

/// The servers' URLs with the variables' defaults inserted; `/` if there are none (OpenAPI 3.1.0, OpenAPI
/// Object).
fn listed<'v>(root: &'v Value, operation: &Operation<'v>) -> (Vec<String>, At<'v>) {
    let holders = [
        (operation.value, operation.at.clone()),
        (operation.item, operation.item_at.clone()),
        (root, At::root("")),
    ];
    for (holder, at) in holders {
        let list = holder.get("servers").and_then(Value::as_array).filter(|list| !list.is_empty());
        if let Some(list) = list {
            return (list.iter().filter_map(url).collect(), at.key("servers"));
        }
    }
    (vec!["/".to_string()], At::root(""))
}

fn url(server: &Value) -> Option<String> {
    let mut url = server.get("url")?.as_str()?.to_string();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Value::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    let plain = url.trim_end_matches('/');
    Some(if plain.is_empty() { "/".to_string() } else { plain.to_string() })
}
