//! Parameters of the path item and of the operation, matched by name and location. Path parameters are
//! matched by their position in the path, and header names regardless of case (RFC 9110, 5.1).

use super::context::{Context, Direction, Kind};
use super::document::{At, Document};
use super::engine::Engine;
use super::lifecycle;
use super::node::Node;
use super::operation::Operation;
use super::rules::*;
use serde_json::Value;

struct Parameter<'v> {
    /// The key that identifies the parameter in both documents.
    key: String,
    name: &'v str,
    location: &'v str,
    value: &'v Value,
    at: At<'v>,
}

impl<'v> Parameter<'v> {
    fn required(&self) -> bool {
        self.location == "path" || self.flag("required")
    }
    fn flag(&self, name: &str) -> bool {
        self.value.get(name).is_some_and(|v| v == true)
    }
    fn what(&self) -> String {
        format!("the {} parameter `{}`", self.location, self.name)
    }
    /// OpenAPI 3.1.0, Parameter Object: `form` for query and cookie, `simple` for path and header.
    fn style(&self) -> &'v str {
        let default = if matches!(self.location, "query" | "cookie") { "form" } else { "simple" };
        self.value.get("style").and_then(Value::as_str).unwrap_or(default)
    }
    fn explode(&self) -> bool {
        self.value.get("explode").and_then(Value::as_bool).unwrap_or(self.style() == "form")
    }
    /// Whether the path has a place for it.
    fn in_path(&self) -> bool {
        self.key.starts_with("path {")
    }
    fn context(&self, direction: Direction) -> Context {
        let mut ctx = Context::new(direction, Kind::Parameter, self.what());
        ctx.repeats = self.location == "query" && self.style() == "form" && self.explode();
        ctx.text = self.value.get("content").is_none();
        ctx
    }
    fn schema(&self) -> Node<'v> {
        schema(self.value, &self.at)
    }
}

/// A parameter's or header's schema: its own, or that of its only media type.
pub(super) fn schema<'v>(value: &'v Value, at: &At<'v>) -> Node<'v> {
    if let Some(schema) = value.get("schema") {
        return Node::new(schema, at.key("schema"));
    }
    let content = value.get("content").and_then(Value::as_object).and_then(|c| c.iter().next());
    match content.and_then(|(media, content)| Some((media, content.get("schema")?))) {
        Some((media, schema)) => Node::new(schema, at.key("content").key(media).key("schema")),
        None => Node::anything(at.clone()),
    }
}

/// `direction`: who receives the parameters. A server sends those of webhooks and callbacks.
pub(super) fn compare<'v>(
    engine: &mut Engine<'v>,
    old: &Operation<'v>,
    new: &Operation<'v>,
    direction: Direction,
) {
    if direction == Direction::Response {
        return sent(engine, old, new);
    }
    let before = collect(&engine.old, old);
    let after = collect(&engine.new, new);
    for parameter in &before {
        let elsewhere = |p: &&Parameter| p.name == parameter.name && !before.iter().any(|b| b.key == p.key);
        match after.iter().find(|p| p.key == parameter.key) {
            Some(now) => both(engine, parameter, now, new.path),
            None => match after.iter().find(elsewhere) {
                Some(moved) => {
                    engine.rule(
                        &PARAMETER_MOVED,
                        &parameter.what(),
                        (&parameter.at, &moved.at),
                        &parameter.location,
                        &moved.location,
                    );
                }
                None => gone(engine, parameter, new),
            },
        }
    }
    for parameter in after.iter().filter(|p| !before.iter().any(|b| b.key == p.key)) {
        let moved = before.iter().any(|b| b.name == parameter.name && !after.iter().any(|a| a.key == b.key));
        // Clients send every parameter of the path, whether it is described or not.
        if moved || parameter.in_path() {
            continue;
        }
        if parameter.location == "path" {
            let (what, places) = (parameter.what(), (&old.at, &parameter.at));
            engine.rule(&PARAMETER_NOT_IN_PATH, &what, places, &"", &new.path);
            continue;
        }
        let rule = if parameter.required() { &PARAMETER_REQUIRED_NEW } else { &PARAMETER_OPTIONAL_NEW };
        engine.rule(rule, &parameter.what(), (&old.at, &parameter.at), &"", &"");
    }
}

/// Compares the parameters of a request that the server sends.
fn sent<'v>(engine: &mut Engine<'v>, old: &Operation<'v>, new: &Operation<'v>) {
    let (before, after) = (collect(&engine.old, old), collect(&engine.new, new));
    for parameter in &before {
        let what = parameter.what();
        let Some(now) = after.iter().find(|p| p.key == parameter.key) else {
            let rule = match parameter.required() {
                true => &SENT_PARAMETER_REMOVED,
                false => &SENT_PARAMETER_OPTIONAL_REMOVED,
            };
            engine.rule(rule, &what, (&parameter.at, &new.at), &"", &"");
            continue;
        };
        let places = (&parameter.at, &now.at);
        match (parameter.required(), now.required()) {
            (true, false) => engine.rule(&SENT_PARAMETER_BECAME_OPTIONAL, &what, places, &"", &""),
            (false, true) => engine.rule(&SENT_PARAMETER_BECAME_REQUIRED, &what, places, &"", &""),
            _ => {}
        }
        content(engine, parameter, now);
        let ctx = now.context(Direction::Response);
        engine.compare(&parameter.schema(), &now.schema(), &ctx);
    }
    for parameter in after.iter().filter(|p| !before.iter().any(|b| b.key == p.key)) {
        engine.rule(&SENT_PARAMETER_ADDED, &parameter.what(), (&old.at, &parameter.at), &"", &"");
    }
}

/// Compares the media type of `content`. A parameter with `schema` is plain text in its style.
fn content(engine: &mut Engine, old: &Parameter, new: &Parameter) {
    let media = |parameter: &Parameter| {
        let content = parameter.value.get("content").and_then(Value::as_object);
        content.and_then(|content| content.keys().next()).map_or("plain text".to_string(), String::clone)
    };
    let (before, after) = (media(old), media(new));
    if !before.eq_ignore_ascii_case(&after) {
        engine.rule(&PARAMETER_MEDIA, &new.what(), (&old.at, &new.at), &before, &after);
    }
}

fn gone(engine: &mut Engine, parameter: &Parameter, new: &Operation) {
    if parameter.location == "path" {
        return;
    }
    let rules = [
        &PARAMETER_REMOVED,
        &PARAMETER_REMOVED_DEPRECATED,
        &PARAMETER_REMOVED_EARLY,
        &PARAMETER_SUNSET_UNREADABLE,
    ];
    let (rule, sunset) = lifecycle::removal(parameter.value, engine.today, rules);
    engine.rule(rule, &parameter.what(), (&parameter.at, &new.at), &sunset, &"");
}

fn both<'v>(engine: &mut Engine<'v>, old: &Parameter<'v>, new: &Parameter<'v>, path: &str) {
    if engine.unchanged.is(old.value, new.value) {
        return;
    }
    let what = new.what();
    let places = (&old.at, &new.at);
    match (old.required(), new.required()) {
        (false, true) => engine.rule(&PARAMETER_BECAME_REQUIRED, &what, places, &"", &""),
        (true, false) => engine.rule(&PARAMETER_BECAME_OPTIONAL, &what, places, &"", &""),
        _ => {}
    }
    lifecycle::compare(engine, &what, (old.value, &old.at), (new.value, &new.at), &lifecycle::PARAMETER);
    if new.location == "path" && !new.in_path() && old.value != new.value {
        engine.rule(&PARAMETER_NOT_IN_PATH, &what, places, &"", &path);
    }
    let ctx = new.context(Direction::Request);
    content(engine, old, new);
    serialisation(engine, old, new, &what);
    engine.compare(&old.schema(), &new.schema(), &ctx);
}

/// Compares how the value is written, if there is more than one way to write it.
fn serialisation<'v>(engine: &mut Engine<'v>, old: &Parameter<'v>, new: &Parameter<'v>, what: &str) {
    let places = (&old.at, &new.at);
    let simple = old.style() == "simple" && new.style() == "simple";
    let structured = |document: &Document, schema: &Node| {
        let plain = schema.keyword(document, "type").and_then(Value::as_str);
        // In the style `simple` only the properties of an object depend on `explode`.
        match plain {
            Some("string" | "integer" | "number" | "boolean") => false,
            Some("array") => !simple,
            _ => true,
        }
    };
    let structured = structured(&engine.old, &old.schema()) || structured(&engine.new, &new.schema());
    if old.style() != new.style() && (structured || old.location == "path") {
        engine.rule(&PARAMETER_STYLE, what, places, &old.style(), &new.style());
    } else if old.explode() != new.explode() && structured {
        engine.rule(&PARAMETER_EXPLODE, what, places, &old.explode(), &new.explode());
    }
    match (old.flag("allowReserved"), new.flag("allowReserved")) {
        (true, false) => engine.rule(&PARAMETER_RESERVED, what, places, &"", &""),
        (false, true) => engine.rule(&PARAMETER_RESERVED_ALLOWED, what, places, &"", &""),
        _ => {}
    }
    if old.flag("allowEmptyValue") && !new.flag("allowEmptyValue") {
        engine.rule(&PARAMETER_EMPTY, what, places, &"", &"");
    }
}

fn collect<'v>(document: &Document<'v>, operation: &Operation<'v>) -> Vec<Parameter<'v>> {
    let names: Vec<&str> = operation
        .path
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect();
    let mut all: Vec<Parameter> = Vec::new();
    // The operation's own parameters come first and take precedence.
    for (holder, at) in [(operation.value, &operation.at), (operation.item, &operation.item_at)] {
        let list = holder.get("parameters").and_then(Value::as_array);
        for (index, value) in list.into_iter().flatten().enumerate() {
            let Ok((value, at)) = document.resolve(value, at.key("parameters").index(index)) else {
                continue;
            };
            let text = |key: &str| value.get(key).and_then(Value::as_str);
            let (Some(name), Some(location)) = (text("name"), text("in")) else { continue };
            let Some(key) = key(name, location, &names) else { continue };
            if !all.iter().any(|p| p.key == key) {
                all.push(Parameter { key, name, location, value, at });
            }
        }
    }
    all
}

fn key(name: &str, location: &str, path: &[&str]) -> Option<String> {
    match location {
        // Another name is in no place of the path, and the document contradicts itself.
        "path" => Some(match path.iter().position(|n| *n == name) {
            Some(position) => format!("path {{{position}}}"),
            None => format!("path {name}"),
        }),
        // OpenAPI 3.1.0, Parameter Object: these headers are described elsewhere and ignored here.
        "header" if ["accept", "content-type", "authorization"].contains(&name.to_lowercase().as_str()) => {
            None
        }
        "header" => Some(format!("header {}", name.to_lowercase())),
        _ => Some(format!("{location} {name}")),
    }
}
