//! The API's servers: the operation's own list, or the path's, or the document's.

use super::document::At;
use super::engine::Engine;
use super::operation::Operation;
use super::rules::*;
use serde_json::Value;

/// At most this many URLs of one server are told apart.
const URLS: usize = 50;

pub(super) fn compare<'v>(engine: &mut Engine<'v>, old: &Operation<'v>, new: &Operation<'v>) {
    let (before, old_at) = listed(engine.old.root, old);
    let (after, new_at) = listed(engine.new.root, new);
    let urls = |servers: &[String], operation: &Operation| -> Vec<String> {
        servers.iter().map(|server| operation.url(server)).collect()
    };
    let (old_urls, new_urls) = (urls(&before, old), urls(&after, new));
    for (server, _) in before.iter().zip(&old_urls).filter(|(_, url)| !new_urls.contains(url)) {
        engine.rule(&SERVER_REMOVED, "", (&old_at, &new_at), server, &"");
    }
    for (server, _) in after.iter().zip(&new_urls).filter(|(_, url)| !old_urls.contains(url)) {
        engine.rule(&SERVER_ADDED, "", (&old_at, &new_at), &"", server);
    }
}

/// The paths of an operation's URLs at its servers.
pub(super) fn paths(root: &Value, operation: &Operation) -> Vec<String> {
    fn base(server: &str) -> &str {
        let Some((_, host)) = server.split_once("//") else { return server };
        host.find('/').map_or("", |at| &host[at..])
    }
    listed(root, operation).0.iter().map(|server| operation.url(base(server))).collect()
}

/// The servers' URLs with the variables' values inserted; `/` if there are none (OpenAPI 3.1.0, OpenAPI
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
            return (list.iter().flat_map(urls).collect(), at.key("servers"));
        }
    }
    (vec!["/".to_string()], At::root(""))
}

/// The URL with each combination of the variables' values, or with the default where they are not listed.
fn urls(server: &Value) -> Vec<String> {
    let mut urls: Vec<String> =
        server.get("url").and_then(Value::as_str).map(str::to_string).into_iter().collect();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str);
        let listed = variable.get("enum").and_then(Value::as_array).into_iter().flatten();
        let mut values: Vec<&str> = listed.filter_map(Value::as_str).collect();
        if values.is_empty() || urls.len() * values.len() > URLS {
            values = default.into_iter().collect();
        }
        if !values.is_empty() {
            let with = |url: &String| {
                values.iter().map(|value| url.replace(&format!("{{{name}}}"), value)).collect::<Vec<_>>()
            };
            urls = urls.iter().flat_map(with).collect();
        }
    }
    let plain = |url: String| match url.trim_end_matches('/') {
        "" => "/".to_string(),
        plain => plain.to_string(),
    };
    urls.into_iter().map(plain).collect()
}
