//! Checks the contract that several apps share: one set of black-box tests passes on each app, and their
//! specs are equal except for `info`.

use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::manifest;
use crate::model::workspace::App;
use crate::sys::{child, scratch, serve};
use anyhow::{Context, Result};
use serde_json::Value;
use std::process::Command;
use xshell::cmd;

/// How many differences a finding lists.
const SHOWN: usize = 12;

/// The command that starts the app's server for [`test`]. Call it before other tests run, because it updates
/// the checkout's environment. None if the app has no contract tests.
pub(crate) fn server(ctx: &Ctx, app: &App) -> Result<Option<Command>> {
    let Some(spec) = app.settings.spec.as_ref().filter(|spec| spec.contract.is_some()) else {
        return Ok(None);
    };
    app.settings.ecosystem.server(ctx, app, &spec.serve).map(Some)
}

/// Starts the app's server from the checkout and runs the black-box tests against it. Returns the last line
/// of their output that mentions tests. None if the app has no contract tests.
pub(crate) fn test(ctx: &Ctx, app: &App, server: Option<Command>) -> Result<Option<String>> {
    let argv = app
        .settings
        .spec
        .as_ref()
        .and_then(|spec| spec.contract.as_ref())
        .and_then(|argv| argv.split_first());
    let (Some(server), Some((program, args))) = (server, argv) else { return Ok(None) };
    let temp = scratch::folder()?;
    let log = camino::Utf8PathBuf::try_from(temp.path().join("log"))?;
    let health = app.settings.spec.as_ref().map_or("/health", |spec| &spec.health);
    let server = serve::start(server, child::free_port()?, health, &log)?;
    let sh = child::shell(&ctx.ws.root)?;
    let output = child::capture_both(cmd!(sh, "{program} {args...}"), &[("BASE_URL", &server.url)])
        .context("the contract's tests failed")?;
    server.stop()?;
    Ok(Some(output.lines().rev().find(|l| l.contains("test")).unwrap_or("passed").trim().to_string()))
}

/// The differences between the committed specs of the app and of the apps that share its contract.
pub(crate) fn differences(ctx: &Ctx, app: &App) -> Result<Vec<Finding>> {
    let contract = |app: &App| app.settings.spec.as_ref().and_then(|spec| spec.contract.clone());
    let ours = contract(app);
    if ours.is_none() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    for peer in ctx.ws.apps.iter().filter(|peer| peer.name() != app.name() && contract(peer) == ours) {
        // The order is fixed, so that the finding is the same for both apps.
        let (a, b) = if app.name() < peer.name() { (app, peer) } else { (peer, app) };
        let mut lines = Vec::new();
        compare(&spec(ctx, a)?, &spec(ctx, b)?, &mut String::new(), a.name(), b.name(), &mut lines);
        if lines.is_empty() {
            continue;
        }
        let more = lines.len().saturating_sub(SHOWN);
        lines.truncate(SHOWN);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        let message = format!(
            "{} and {} share a contract, but their specs differ:\n  {}",
            a.name(),
            b.name(),
            lines.join("\n  ")
        );
        let help = format!(
            "change one of the apps, then run: cargo xtask openapi generate {} {}",
            a.name(),
            b.name()
        );
        findings.push(Finding::new("contract-differs", Level::Error, message).place(file(b)).help(help));
    }
    Ok(findings)
}

fn file(app: &App) -> camino::Utf8PathBuf {
    app.dir.join(app.settings.spec.as_ref().map(|spec| spec.file.as_path()).unwrap_or("openapi.json".into()))
}

/// The committed spec without `info`, which describes the app itself.
fn spec(ctx: &Ctx, app: &App) -> Result<Value> {
    let file = file(app);
    let mut spec: Value = serde_json::from_str(&manifest::text(&ctx.ws.root, &file)?)
        .with_context(|| format!("{file} is not JSON"))?;
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("info");
    }
    Ok(spec)
}

/// Adds one line per difference, with its JSON pointer (RFC 6901).
fn compare(a: &Value, b: &Value, at: &mut String, a_name: &str, b_name: &str, lines: &mut Vec<String>) {
    let mut inside = |key: &str, a: Option<&Value>, b: Option<&Value>| {
        let length = at.len();
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        match (a, b) {
            (Some(a), Some(b)) => compare(a, b, at, a_name, b_name, lines),
            (Some(a), None) => lines.push(format!("{at}: only in {a_name}: {}", short(a))),
            (None, Some(b)) => lines.push(format!("{at}: only in {b_name}: {}", short(b))),
            (None, None) => {}
        }
        at.truncate(length);
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().for_each(|key| inside(key, a.get(key), b.get(key)));
        }
        (Value::Array(a), Value::Array(b)) => {
            (0..a.len().max(b.len())).for_each(|i| inside(&i.to_string(), a.get(i), b.get(i)))
        }
        _ if a == b => {}
        _ => lines.push(format!("{at}: {} in {a_name}, {} in {b_name}", short(a), short(b))),
    }
}

/// The value as JSON on one line, at most 60 characters of it.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_difference_is_listed_with_its_json_pointer() {
        for (a, b, expected) in [
            (json!({ "a": 1 }), json!({ "a": 1 }), vec![]),
            (json!({ "a": 1, "b": 2 }), json!({ "b": 2, "a": 1 }), vec![]),
            (json!({ "a": 1 }), json!({ "a": 1.5 }), vec!["/a: 1 in x, 1.5 in y"]),
            (json!({ "a": {} }), json!({}), vec!["/a: only in x: {}"]),
            (json!({}), json!({ "/runs/~": [1] }), vec!["/~1runs~1~0: only in y: [1]"]),
            (json!([1, [2]]), json!([1, [3, 4]]), vec!["/1/0: 2 in x, 3 in y", "/1/1: only in y: 4"]),
            (json!(1), json!({}), vec![": 1 in x, {} in y"]),
            (
                json!({ "a": "ž".repeat(99) }),
                json!({}),
                vec![&*format!("/a: only in x: \"{}…", "ž".repeat(59))],
            ),
        ] {
            let mut lines = Vec::new();
            compare(&a, &b, &mut String::new(), "x", "y", &mut lines);
            assert_eq!(lines, expected, "{a} {b}");
        }
    }
}
