//! Responses: status codes with their ranges and `default`, media types and headers.

use super::body::{encodings, media, twin};
use super::context::{Context, Direction, Kind};
use super::document::{At, Document};
use super::engine::Engine;
use super::operation::Operation;
use super::parameters::schema;
use super::rules::*;
use serde_json::Value;

struct Response<'v> {
    /// `200`, `4XX`, `default`
    status: &'v str,
    value: &'v Value,
    at: At<'v>,
    /// It never has a body: 1xx, 204, 304, and answers to HEAD (RFC 9110, 6.4.1).
    bodiless: bool,
}

impl Response<'_> {
    fn is_success(&self) -> bool {
        self.status.starts_with('2')
    }
    fn is(&self, status: &str) -> bool {
        self.status.eq_ignore_ascii_case(status)
    }
    /// Whether the other one is the range of this status: `2XX` of `200`.
    fn is_in(&self, range: &Response) -> bool {
        self.status.get(..1).is_some_and(|first| range.is(&format!("{first}XX")))
    }
    fn what(&self) -> String {
        format!("the response {}", self.status)
    }
}

pub(super) fn compare<'v>(
    engine: &mut Engine<'v>,
    old: &Operation<'v>,
    new: &Operation<'v>,
    sent_by_client: bool,
) {
    let before = collect(&engine.old, old);
    let after = collect(&engine.new, new);
    let places = (old.at.key("responses"), new.at.key("responses"));
    for response in &before {
        match after.iter().find(|r| r.is(response.status)).or_else(|| general(response, &after)) {
            Some(now) => both(engine, response, now, sent_by_client),
            // The range is only narrowed.
            None if after.iter().any(|r| r.is_success() && r.is_in(response)) => {}
            None => {
                let rule = if response.is_success() { &SUCCESS_REMOVED } else { &FAILURE_REMOVED };
                engine.rule(rule, "", (&response.at, &places.1), &response.status, &"");
            }
        }
    }
    for response in after.iter().filter(|r| !before.iter().any(|b| b.is(r.status))) {
        let rule = if response.is_success() { &SUCCESS_ADDED } else { &FAILURE_ADDED };
        engine.rule(rule, "", (&places.0, &response.at), &"", &response.status);
        if let Some(range) = general(response, &before) {
            both(engine, range, response, sent_by_client);
        }
    }
}

/// The response that covers an unlisted status: its range, or for failures `default`.
fn general<'a, 'v>(response: &Response<'v>, others: &'a [Response<'v>]) -> Option<&'a Response<'v>> {
    if response.is("default") || response.status.len() != 3 {
        return None;
    }
    let default = || others.iter().find(|r| r.is("default") && !response.is_success());
    others.iter().find(|range| response.is_in(range)).or_else(default)
}

fn collect<'v>(document: &Document<'v>, operation: &Operation<'v>) -> Vec<Response<'v>> {
    let at = operation.at.key("responses");
    let mut responses = Vec::new();
    for (status, value) in operation.value.get("responses").and_then(Value::as_object).into_iter().flatten() {
        if status.starts_with("x-") {
            continue;
        }
        let bodiless =
            operation.method == "head" || status.starts_with('1') || matches!(status.as_str(), "204" | "304");
        if let Ok((value, at)) = document.resolve(value, at.key(status)) {
            responses.push(Response { status, value, at, bodiless });
        }
    }
    responses
}

fn both<'v>(engine: &mut Engine<'v>, old: &Response<'v>, new: &Response<'v>, sent_by_client: bool) {
    if engine.unchanged.is(old.value, new.value) {
        return;
    }
    let what = new.what();
    headers(engine, old, new);
    links(engine, old, new);
    if new.bodiless {
        return;
    }
    let direction = if sent_by_client { Direction::Request } else { Direction::Response };
    let ctx = Context::new(direction, Kind::Body, format!("the body of {what}"));
    let (before, after) = (media(old.value, &old.at), media(new.value, &new.at));
    for media in &before {
        let ranged = || after.iter().find(|m| m.has(media) || media.has(m));
        let Some(now) = twin(media, &after).or_else(ranged) else {
            engine.rule(&MEDIA_REMOVED, &what, (&media.at, &new.at), &media.name, &"");
            continue;
        };
        if media.plain() != now.plain() {
            let rule = if now.has(media) { &MEDIA_GENERALIZED } else { &MEDIA_SPECIALIZED };
            engine.rule(rule, &what, (&media.at, &now.at), &media.name, &now.name);
        }
        engine.compare(&media.schema(), &now.schema(), &ctx);
        encodings(engine, media, now, direction);
    }
    for media in
        after.iter().filter(|m| twin(m, &before).is_none() && !before.iter().any(|b| b.has(m) || m.has(b)))
    {
        engine.rule(&MEDIA_ADDED, &what, (&old.at, &media.at), &"", &media.name);
    }
}

/// A link is a hint, and its meaning depends on values at run time, so a changed one is only mentioned.
fn links<'v>(engine: &mut Engine<'v>, old: &Response<'v>, new: &Response<'v>) {
    let list = |response: &Response<'v>| {
        let mut links = response.value.get("links").filter(|links| !links.is_null()).cloned();
        for link in links.iter_mut().filter_map(Value::as_object_mut).flat_map(|links| links.values_mut()) {
            link.as_object_mut().map(|link| link.remove("description"));
        }
        links
    };
    if list(old) != list(new) {
        let places = (&old.at.key("links"), &new.at.key("links"));
        let why = "they have changed, and what they mean depends on values at run time";
        engine.rule(&NOT_COMPARED, &format!("the links of {}", new.what()), places, &"", &why);
    }
}

fn headers<'v>(engine: &mut Engine<'v>, old: &Response<'v>, new: &Response<'v>) {
    let list = |response: &Response<'v>| -> Vec<(&'v str, &'v Value, At<'v>)> {
        let at = response.at.key("headers");
        let headers = response.value.get("headers").and_then(Value::as_object).into_iter().flatten();
        // Content-Type is described by the media types (OpenAPI 3.1.0, Response Object).
        let headers = headers.filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        headers.map(|(name, value)| (name.as_str(), value, at.key(name))).collect()
    };
    let (before, after) = (list(old), list(new));
    let required = |value: &Value| value.get("required").is_some_and(|v| v == true);
    let what = |name: &str| format!("the header `{name}` of {}", new.what());
    for (name, value, at) in &before {
        let Ok((value, at)) = engine.old.resolve(value, at.clone()) else { continue };
        let Some((_, now, now_at)) = after.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name)) else {
            let rule = if required(value) { &HEADER_REMOVED } else { &HEADER_OPTIONAL_REMOVED };
            engine.rule(rule, &what(name), (&at, &new.at), &"", &"");
            continue;
        };
        let Ok((now, now_at)) = engine.new.resolve(now, now_at.clone()) else { continue };
        if required(value) && !required(now) {
            engine.rule(&HEADER_BECAME_OPTIONAL, &what(name), (&at, &now_at), &"", &"");
        }
        let ctx = Context::new(Direction::Response, Kind::Header, what(name));
        engine.compare(&schema(value, &at), &schema(now, &now_at), &ctx);
    }
    for (name, _, at) in
        after.iter().filter(|(name, ..)| !before.iter().any(|(n, ..)| n.eq_ignore_ascii_case(name)))
    {
        engine.rule(&HEADER_ADDED, &what(name), (&old.at, at), &"", &"");
    }
}
