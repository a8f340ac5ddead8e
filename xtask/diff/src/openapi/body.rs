//! Request bodies, and the code for both directions: media types and their schemas.

use super::context::{Context, Direction, Kind};
use super::document::{At, Document};
use super::engine::Engine;
use super::node::Node;
use super::operation::Operation;
use super::rules::*;
use super::schema::View;
use super::types::Types;
use serde_json::Value;

/// The content for one media type.
pub(super) struct Media<'v> {
    pub name: &'v str,
    pub value: &'v Value,
    pub at: At<'v>,
}

impl<'v> Media<'v> {
    pub(super) fn schema(&self) -> Node<'v> {
        match self.value.get("schema") {
            Some(schema) => Node::new(schema, self.at.key("schema")),
            None => Node::anything(self.at.clone()),
        }
    }
    /// The name in lower case and without parameters: names of media types are case-insensitive (RFC 9110,
    /// 8.3.1).
    pub(super) fn plain(&self) -> String {
        self.name.split(';').next().unwrap_or_default().trim().to_lowercase()
    }
    /// Whether this range contains the other: `application/*` contains `application/json`.
    pub(super) fn has(&self, other: &Media) -> bool {
        let (range, name) = (self.plain(), other.plain());
        range == "*/*"
            || range == name
            || range.strip_suffix('*').is_some_and(|kind| kind.ends_with('/') && name.starts_with(kind))
    }
}

pub(super) fn media<'v>(holder: &'v Value, at: &At<'v>) -> Vec<Media<'v>> {
    let content = holder.get("content").and_then(Value::as_object);
    content
        .into_iter()
        .flatten()
        .map(|(name, value)| Media { name, value, at: at.key("content").key(name) })
        .collect()
}

/// The same media type in the other document, by its full name or without parameters.
pub(super) fn twin<'a, 'v>(media: &Media<'v>, others: &'a [Media<'v>]) -> Option<&'a Media<'v>> {
    let full = |m: &&Media| m.name.eq_ignore_ascii_case(media.name);
    others.iter().find(full).or_else(|| others.iter().find(|m| m.plain() == media.plain()))
}

pub(super) fn compare<'v>(
    engine: &mut Engine<'v>,
    old: &Operation<'v>,
    new: &Operation<'v>,
    sent_by_server: bool,
) {
    let find = |operation: &Operation<'v>| {
        operation
            .value
            .get("requestBody")
            .filter(|v| v.is_object())
            .map(|v| (v, operation.at.key("requestBody")))
    };
    let before = find(old).and_then(|(value, at)| engine.old.resolve(value, at).ok());
    let after = find(new).and_then(|(value, at)| engine.new.resolve(value, at).ok());
    let required = |body: &Value| body.get("required").is_some_and(|v| v == true);
    let (old_body, new_body) = match (before, after) {
        (Some(old), Some(new)) => (old, new),
        (None, Some((body, at))) => {
            let rule = if required(body) { &BODY_REQUIRED_NEW } else { &BODY_OPTIONAL_NEW };
            return engine.rule(rule, "", (&old.at, &at), &"", &"");
        }
        (Some((_, at)), None) => return engine.rule(&BODY_REMOVED, "", (&at, &new.at), &"", &""),
        (None, None) => return,
    };
    let places = (&old_body.1, &new_body.1);
    match (required(old_body.0), required(new_body.0)) {
        (false, true) => engine.rule(&BODY_BECAME_REQUIRED, "", places, &"", &""),
        (true, false) => engine.rule(&BODY_BECAME_OPTIONAL, "", places, &"", &""),
        _ => {}
    }
    let (before, after) = (media(old_body.0, &old_body.1), media(new_body.0, &new_body.1));
    let direction = if sent_by_server { Direction::Response } else { Direction::Request };
    let ctx = Context::new(direction, Kind::Body, "the request body".into());
    for old in &before {
        match twin(old, &after).or_else(|| after.iter().find(|new| new.has(old))) {
            Some(new) => {
                engine.compare(&old.schema(), &new.schema(), &ctx);
                encodings(engine, old, new, direction);
            }
            None => engine.rule(&BODY_MEDIA_REMOVED, "", (&old.at, places.1), &old.name, &""),
        }
    }
    for new in after.iter().filter(|new| twin(new, &before).is_none()) {
        engine.rule(&BODY_MEDIA_ADDED, "", (places.0, &new.at), &"", &new.name);
    }
}

/// Compares how the properties of a form or multipart body are written (OpenAPI 3.1.0, Encoding Object).
pub(super) fn encodings<'v>(engine: &mut Engine<'v>, old: &Media<'v>, new: &Media<'v>, direction: Direction) {
    let form = |media: &Media| {
        let name = media.plain();
        name.starts_with("multipart/") || name == "application/x-www-form-urlencoded"
    };
    if !form(old) || !form(new) {
        return;
    }
    let of = |media: &Media<'v>| media.value.get("encoding").and_then(Value::as_object);
    let mut names: Vec<&str> =
        [of(old), of(new)].into_iter().flatten().flat_map(|m| m.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let encoding = |media: &Media<'v>| of(media).and_then(|encodings| encodings.get(name));
        let (before, after) = (encoding(old), encoding(new));
        if before == after {
            continue;
        }
        let types = |document: &Document<'v>, media: &Media<'v>, encoding: Option<&'v Value>| {
            let written = encoding.and_then(|e| e.get("contentType")).and_then(Value::as_str);
            let text = written.unwrap_or_else(|| default_type(document, &media.schema(), name));
            text.split(',').map(|part| part.trim().to_lowercase()).collect::<Vec<_>>()
        };
        let (was, is) = (types(&engine.old, old, before), types(&engine.new, new, after));
        let what = format!("the property `{name}` of the body {}", new.plain());
        let places = (&old.at.key("encoding"), &new.at.key("encoding"));
        let (sent, accepted) = if direction == Direction::Request { (&was, &is) } else { (&is, &was) };
        let covers = |range: &String, name: &String| {
            range == name
                || range == "*/*"
                || range.strip_suffix('*').is_some_and(|kind| name.starts_with(kind))
        };
        let fits = sent.iter().all(|name| accepted.iter().any(|range| covers(range, name)));
        if was != is {
            let rule = if fits { &ENCODING_EXTENDED } else { &ENCODING_CHANGED };
            engine.rule(rule, &what, places, &was.join(", "), &is.join(", "));
        }
        for key in ["style", "explode", "allowReserved", "headers"] {
            let value = |encoding: Option<&'v Value>| encoding.and_then(|e| e.get(key));
            let (was, is) = (value(before), value(after));
            let show =
                |value: Option<&Value>| value.map_or(format!("default {key}"), |v| format!("{key} {v}"));
            match key {
                _ if was == is => {}
                "headers" => {
                    let why = "the headers of a part have changed";
                    engine.rule(&NOT_COMPARED, &what, places, &"", &why);
                }
                _ => engine.rule(&ENCODING_CHANGED, &what, places, &show(was), &show(is)),
            }
        }
    }
}

/// The media type of a part that has no `contentType`.
fn default_type<'v>(document: &Document<'v>, schema: &Node<'v>, name: &str) -> &'static str {
    let view = View::of(document, schema, &mut Vec::new());
    let Some(property) = view.property(name) else { return "application/octet-stream" };
    let mut inner = View::of(document, property, &mut Vec::new());
    if let Some(items) = inner.items.as_ref().filter(|_| !inner.types.meets(!Types::ARRAY)) {
        inner = View::of(document, items, &mut Vec::new());
    }
    match inner.format {
        Some("binary" | "base64") => "application/octet-stream",
        _ if inner.types.meets(Types::OBJECT | Types::ARRAY) => "application/json",
        _ => "text/plain",
    }
}
