//! One operation of one document, and all operations of a section.

use super::document::{At, Document};
use serde_json::Value;
use std::collections::BTreeMap;

/// In the order of the output.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The path without parameter names, and the method.
pub(super) type Key = (String, usize);
pub(super) type Operations<'v> = BTreeMap<Key, Operation<'v>>;

pub(super) struct Operation<'v> {
    pub method: &'v str,
    /// As written: `/threads/{thread_id}`.
    pub path: &'v str,
    pub item: &'v Value,
    pub item_at: At<'v>,
    pub value: &'v Value,
    pub at: At<'v>,
}

impl Operation<'_> {
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }
    /// Its URL at a server.
    pub(super) fn url(&self, server: &str) -> String {
        format!("{}{}", server.trim_end_matches('/'), template(self.path))
    }
}

/// The path without its parameters' names: `/threads/{}/runs/{}`
pub(super) fn template(path: &str) -> String {
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, tail)) = rest.split_once('{') {
        text.push_str(before);
        text.push_str("{}");
        rest = tail.split_once('}').map_or("", |(_, tail)| tail);
    }
    text + rest
}

/// The operations of path items. `key` says which paths are the same in both documents.
pub(super) fn operations_of<'v>(
    document: &Document<'v>,
    items: Option<&'v Value>,
    at: &At<'v>,
    key: fn(&str) -> String,
) -> Operations<'v> {
    let mut all = BTreeMap::new();
    for (path, item) in items.and_then(Value::as_object).into_iter().flatten() {
        let Ok((item, item_at)) = document.resolve(item, at.key(path)) else { continue };
        for (order, method) in METHODS.into_iter().enumerate() {
            let Some(value) = item.get(method).filter(|v| v.is_object()) else { continue };
            let operation =
                Operation { method, path, item, item_at: item_at.clone(), value, at: item_at.key(method) };
            all.entry((key(path), order)).or_insert(operation);
        }
    }
    all
}
