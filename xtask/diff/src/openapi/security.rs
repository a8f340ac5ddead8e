//! Authentication: a list of alternatives, each a set of schemes that are needed together. A client continues
//! to work if one of the new alternatives needs no more than what it already sends. Schemes are matched by
//! definition, not by name.

use super::document::At;
use super::engine::Engine;
use super::operation::Operation;
use super::rules::*;
use serde_json::Value;

/// The schemes that are needed together, with their scopes: `[("bearer", ["read"])]`.
type Needs<'v> = Vec<(&'v str, Vec<&'v str>)>;

pub(super) fn compare<'v>(engine: &mut Engine<'v>, old: &Operation<'v>, new: &Operation<'v>) {
    let (before, old_at) = listed(engine.old.root, old);
    let (after, new_at) = listed(engine.new.root, new);
    // With the names of the new document.
    let names: Vec<(&str, &str)> =
        before.iter().flatten().map(|(name, _)| (*name, renamed(engine, name))).collect();
    let renamed = |name: &'v str| names.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| *new);
    let translated: Vec<Needs> = before
        .iter()
        .map(|needs| needs.iter().map(|(name, scopes)| (renamed(name), scopes.clone())).collect())
        .collect();
    let places = (&old_at, &new_at);
    for needs in &translated {
        if !after.iter().any(|new| enough(needs, new)) {
            no_longer_enough(engine, needs, &after, places);
        }
    }
    for needs in after.iter().filter(|new| !translated.iter().any(|old| old == *new)) {
        let known = translated.iter().any(|old| schemes(old) == schemes(needs));
        match needs.is_empty() {
            true => engine.rule(
                &SECURITY_OPTIONAL,
                "",
                places,
                &translated.first().map_or(String::new(), show),
                &"",
            ),
            false if known => fewer_scopes(engine, needs, &translated, places),
            false if translated.iter().any(Vec::is_empty) && !after.iter().any(Vec::is_empty) => {}
            false => engine.rule(&SECURITY_ADDED, "", places, &"", &show(needs)),
        }
    }
    let mut used: Vec<&str> = before.iter().flatten().map(|(name, _)| *name).collect();
    used.sort_unstable();
    used.dedup();
    for name in used.into_iter().filter(|name| renamed(name) == *name) {
        scheme(engine, name);
    }
}

fn schemes<'v>(needs: &Needs<'v>) -> Vec<&'v str> {
    needs.iter().map(|(name, _)| *name).collect()
}

/// Whether a client that sends `old` satisfies `new`.
fn enough(old: &Needs, new: &Needs) -> bool {
    new.iter().all(|(name, scopes)| {
        old.iter().any(|(n, s)| n == name && scopes.iter().all(|scope| s.contains(scope)))
    })
}

fn no_longer_enough(engine: &mut Engine, old: &Needs, after: &[Needs], places: (&At, &At)) {
    if old.is_empty() {
        let all = after.iter().map(show).collect::<Vec<_>>().join(" or ");
        return engine.rule(&SECURITY_REQUIRED, "", places, &"", &all);
    }
    let Some(new) = after.iter().find(|new| schemes(new) == schemes(old)) else {
        return engine.rule(&SECURITY_REMOVED, "", places, &show(old), &"");
    };
    for (name, scopes) in new {
        let known = old.iter().find(|(n, _)| n == name).map(|(_, scopes)| &scopes[..]).unwrap_or_default();
        for scope in scopes.iter().filter(|scope| !known.contains(scope)) {
            engine.rule(&SCOPE_ADDED, &format!("`{name}`"), places, &"", scope);
        }
    }
}

fn fewer_scopes(engine: &mut Engine, new: &Needs, before: &[Needs], places: (&At, &At)) {
    let Some(old) = before.iter().find(|old| schemes(old) == schemes(new)) else { return };
    for (name, scopes) in old {
        let now = new.iter().find(|(n, _)| n == name).map(|(_, scopes)| &scopes[..]).unwrap_or_default();
        for scope in scopes.iter().filter(|scope| !now.contains(scope)) {
            engine.rule(&SCOPE_REMOVED, &format!("`{name}`"), places, scope, &"");
        }
    }
}

fn show(needs: &Needs) -> String {
    let one = |(name, scopes): &(&str, Vec<&str>)| {
        if scopes.is_empty() { name.to_string() } else { format!("{name} ({})", scopes.join(", ")) }
    };
    if needs.is_empty() {
        "nothing".to_string()
    } else {
        needs.iter().map(one).collect::<Vec<_>>().join(" with ")
    }
}

/// The operation's alternatives, or the document's. An empty alternative means that nothing is needed.
fn listed<'v>(root: &'v Value, operation: &Operation<'v>) -> (Vec<Needs<'v>>, At<'v>) {
    let own = operation.value.get("security").map(|list| (list, operation.at.clone()));
    let Some((list, at)) = own.or_else(|| root.get("security").map(|list| (list, At::root("")))) else {
        return (vec![Vec::new()], operation.at.clone());
    };
    let alternatives: Vec<Needs> = list.as_array().into_iter().flatten().filter_map(needs).collect();
    (if alternatives.is_empty() { vec![Vec::new()] } else { alternatives }, at.key("security"))
}

fn needs(value: &Value) -> Option<Needs<'_>> {
    let mut needs: Needs = value
        .as_object()?
        .iter()
        .map(|(name, scopes)| {
            (name.as_str(), scopes.as_array().into_iter().flatten().filter_map(Value::as_str).collect())
        })
        .collect();
    needs.sort();
    Some(needs)
}

/// The new document's name of an old scheme.
fn renamed<'v>(engine: &Engine<'v>, name: &'v str) -> &'v str {
    if definition(engine.new.root, name).is_some() {
        return name;
    }
    let old = definition(engine.old.root, name).map(kind);
    let all = engine
        .new
        .root
        .pointer("/components/securitySchemes")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    all.into_iter()
        .find(|(_, value)| old.is_some() && Some(kind(value)) == old)
        .map_or(name, |(name, _)| name.as_str())
}

fn definition<'v>(root: &'v Value, name: &str) -> Option<&'v Value> {
    root.pointer("/components/securitySchemes")?.get(name)
}

/// What a client must send: `http bearer`, `apiKey in header X-Key`.
fn kind(scheme: &Value) -> String {
    let text = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "http" => format!("http {}", text("scheme").to_lowercase()),
        "apiKey" if text("in") == "header" => format!("apiKey in header {}", text("name").to_lowercase()),
        "apiKey" => format!("apiKey in {} {}", text("in"), text("name")),
        "openIdConnect" => format!("openIdConnect {}", text("openIdConnectUrl")),
        "oauth2" => {
            let mut flows: Vec<_> = scheme
                .get("flows")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            flows.sort_unstable();
            format!("oauth2 {}", flows.join(" "))
        }
        other => other.to_string(),
    }
}

/// Compares one scheme's definition in both documents.
fn scheme<'v>(engine: &mut Engine<'v>, name: &'v str) {
    let (Some(old), Some(new)) = (definition(engine.old.root, name), definition(engine.new.root, name))
    else {
        return;
    };
    let at = At::root("").key("components").key("securitySchemes").key(name);
    let what = format!("`{name}`");
    let (before, now) = (kind(old), kind(new));
    if before != now {
        return engine.rule(&SCHEME_CHANGED, &what, (&at, &at), &before, &now);
    }
    let flows = |scheme: &'v Value| scheme.get("flows").and_then(Value::as_object);
    for (flow, after) in flows(new).into_iter().flatten() {
        let Some(before) = flows(old).and_then(|flows| flows.get(flow)) else { continue };
        for (key, rule) in [("authorizationUrl", &OAUTH_URL), ("tokenUrl", &OAUTH_TOKEN_URL)] {
            let text = |flow: &'v Value| flow.get(key).and_then(Value::as_str).unwrap_or("none");
            if text(before) != text(after) {
                engine.rule(rule, &what, (&at, &at), &text(before), &text(after));
            }
        }
    }
}
