//! `openapi diff OLD NEW`: reads both documents and prints the changes by operation. Exit code 3 if one
//! breaks clients.

use super::places::{self, Written};
use super::read::{self, Spec};
use crate::finding::Level;
use crate::flags::{FailOn, Format};
use crate::model::ctx::Ctx;
use crate::model::workspace::{Acceptance, App, SpecSettings};
use crate::sys::exit::Exit;
use crate::sys::ui;
use crate::sys::ui::report::{Report, Row, counted, one_format, paint, plain, plural, written};
use ::diff::openapi::{Change, diff, with_levels};
use anyhow::Result;
use semver::Version;
use serde_json::Value;
use std::collections::HashMap;
use std::io::Write;

pub(super) fn command(
    ctx: &Ctx,
    (old, new): (&str, &str),
    fail_on: FailOn,
    format: Format,
    last: fn(&Ctx, &App) -> Result<Option<Version>>,
) -> Result<()> {
    one_format(ctx.json, format)?;
    if old == "-" && new == "-" {
        return Err(Exit::Usage("only one of both specs can be read from standard input".into()).into());
    }
    let (before, after) = (read::spec(ctx, old)?, read::spec(ctx, new)?);
    let mut changes = diff(&before.document, &after.document, &crate::sys::date::today()?);
    let accepted = match app_of(ctx, &before, &after) {
        Some(app) => by_settings(ctx, app, &mut changes, last)?,
        None => vec![None; changes.len()],
    };
    let failing = if fail_on == FailOn::Warning { Level::Warning } else { Level::Error };
    if ctx.json {
        ui::print(json(&changes, &accepted, &before, &after)?);
    } else {
        let report = || report(&changes, failing, (old, new), &after);
        let text = if format == Format::Text { None } else { written(&report(), format) };
        // A closed pipe (`| head`) is not an error.
        let _ = std::io::stdout().write_all(text.unwrap_or_else(|| show(&changes)).as_bytes());
    }
    // The process ends soon, and freeing the documents would take a third of the whole time.
    std::mem::forget((before, after));
    let count = |level: Level| changes.iter().filter(|change| change.level == level).count();
    let warnings = if fail_on == FailOn::Warning { count(Level::Warning) } else { 0 };
    // The changes are already printed.
    let refused = match (count(Level::Breaking), count(Level::Error), warnings) {
        (0, 0, 0) => return Ok(()),
        (0, 0, warnings) => format!("{} between {old} and {new}", plural(warnings, "warning")),
        (0, errors, _) => format!("{} in the comparison of {old} and {new}", plural(errors, "error")),
        (breaking, ..) => format!("{} between {old} and {new}", plural(breaking, "breaking change")),
    };
    Err(Exit::Refused(refused).into())
}

/// The app whose spec is compared: its settings count.
fn app_of<'c>(ctx: &'c Ctx, before: &Spec, after: &Spec) -> Option<&'c App> {
    let of = |spec: &Spec| {
        let file = |app: &App| app.settings.spec.as_ref().map(|settings| app.dir.join(&settings.file));
        ctx.ws.apps.iter().find(|app| spec.inside && file(app).as_ref() == Some(&spec.files[0].path))
    };
    of(after).or_else(|| of(before))
}

/// Applies the levels of `[spec] rules`, and what `[[accept]]` accepts for the next release: that is only
/// information, with the reason. Returns for each change who accepted it.
fn by_settings<'a>(
    ctx: &Ctx,
    app: &'a App,
    changes: &mut Vec<Change>,
    last: fn(&Ctx, &App) -> Result<Option<Version>>,
) -> Result<Vec<Option<&'a Acceptance>>> {
    let levels = app.settings.spec.as_ref().map(SpecSettings::levels).unwrap_or_default();
    *changes = with_levels(std::mem::take(changes), &levels);
    let last = if app.settings.accept.is_empty() { None } else { last(ctx, app)? };
    let by = |change: &Change| {
        let what = change.operations.first().map(String::as_str).unwrap_or_default();
        app.settings.accepts(&change.id, what, last.as_ref()?)
    };
    let mut judged: Vec<(Change, Option<&Acceptance>)> = std::mem::take(changes)
        .into_iter()
        .map(|change| match by(&change) {
            Some(by) => {
                let message = format!("{}; accepted for {}: {}", change.message, by.version, by.reason);
                (Change { level: Level::Info, message, ..change }, Some(by))
            }
            None => (change, None),
        })
        .collect();
    judged.sort_by_key(|(change, _)| std::cmp::Reverse(change.level));
    let (now, accepted) = judged.into_iter().unzip();
    *changes = now;
    Ok(accepted)
}

/// The findings of every command, each with its operations, both places, and the plain values there.
fn json(changes: &[Change], accepted: &[Option<&Acceptance>], before: &Spec, after: &Spec) -> Result<Value> {
    let plain = |document: &Value, pointer: &str| {
        let value = document.pointer(pointer).filter(|value| !value.is_object() && !value.is_array());
        value.cloned().unwrap_or_default()
    };
    let old_files = places::find(before, changes.iter().map(|change| change.old.as_str()));
    let new_files = places::find(after, changes.iter().map(|change| change.new.as_str()));
    let written = |found: &HashMap<String, Written>, pointer: &str| {
        found.get(pointer).map(|at| format!("{}:{}", at.path, at.line))
    };
    let findings = changes.iter().zip(accepted).map(|(change, accepted)| {
        let mut finding = serde_json::to_value(change.finding())?;
        finding["operation"] = change.operations.first().cloned().into();
        finding["operations"] = change.operations.clone().into();
        finding["old"] = plain(&before.document, &change.old);
        finding["new"] = plain(&after.document, &change.new);
        finding["old_place"] = change.old.clone().into();
        finding["new_place"] = change.new.clone().into();
        finding["old_file"] = written(&old_files, &change.old).into();
        finding["new_file"] = written(&new_files, &change.new).into();
        finding["accepted"] = accepted.map(|by| by.reason.clone()).into();
        Ok(finding)
    });
    let findings = findings.collect::<Result<Vec<Value>>>()?;
    Ok(serde_json::json!({ "schema": 1, "findings": findings }))
}

fn report<'r>(changes: &'r [Change], failing: Level, (old, new): (&str, &str), after: &Spec) -> Report<'r> {
    let files = places::find(after, changes.iter().map(|change| change.new.as_str()));
    let rows = changes.iter().map(|change| Row {
        id: &change.id,
        level: change.level,
        fails: change.level >= failing,
        subject: heading(&change.operations),
        message: change.message.clone(),
        place: change.place(),
        file: files.get(&change.new).map(|at| (at.path.clone(), at.line)),
    });
    Report {
        title: format!("OpenAPI: {old} and {new}"),
        nothing: NOTHING,
        rows: rows.collect(),
        words: WORDS,
    }
}

const NOTHING: &str = "no difference that a client can notice";
const WORDS: &[(Level, &str)] = &[
    (Level::Breaking, "breaking"),
    (Level::Error, "error"),
    (Level::Warning, "warning"),
    (Level::Info, "info"),
];

/// Groups the changes by operation, the most severe first: one line for each, and the counts at the end.
fn show(changes: &[Change]) -> String {
    if changes.is_empty() {
        return format!("{NOTHING}\n");
    }
    let mut text = String::new();
    let mut groups: Vec<(&[String], Vec<&Change>)> = Vec::new();
    for change in changes {
        match groups.iter_mut().find(|(operations, _)| *operations == change.operations) {
            Some((_, list)) => list.push(change),
            None => groups.push((&change.operations, vec![change])),
        }
    }
    for (operations, list) in groups {
        text.push_str(&format!("{}\n", paint(ui::bold, &heading(operations))));
        for change in list {
            let place = paint(ui::dim, &format!("[{}] {}", change.id, change.place()));
            text.push_str(&format!("  {} {} {place}\n", level(change.level), plain(&change.message)));
        }
    }
    let levels: Vec<Level> = changes.iter().map(|change| change.level).collect();
    text + &counted(&levels, WORDS)
}

fn heading(operations: &[String]) -> String {
    match operations {
        [] => "the whole document".to_string(),
        [one] => one.clone(),
        [first, second] => format!("{first}, {second}"),
        [first, rest @ ..] => format!("{first} and {} more operations", rest.len()),
    }
}

pub(super) fn level(level: Level) -> String {
    match level {
        Level::Breaking => paint(ui::red, "breaking"),
        Level::Error => paint(ui::red, "error   "),
        Level::Warning => paint(ui::yellow, "warning "),
        Level::Info => paint(ui::dim, "info    "),
    }
}
