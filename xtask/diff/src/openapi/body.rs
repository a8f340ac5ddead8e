//! Request bodies, and the code for both directions: media types and their schemas.

use super::context::{Context, Direction, Kind};
use super::document::At;
use super::engine::Engine;
use super::node::Node;
use super::operation::Operation;
use super::rules::*;
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
            Some(new) => engine.compare(&old.schema(), &new.schema(), &ctx),
            None => engine.rule(&BODY_MEDIA_REMOVED, "", (&old.at, places.1), &old.name, &""),
        }
    }
    for new in after.iter().filter(|new| twin(new, &before).is_none()) {
        engine.rule(&BODY_MEDIA_ADDED, "", (places.0, &new.at), &"", &new.name);
    }
}
