//! `openapi diff OLD NEW`: reads both documents and prints the changes by operation. Exit code 3 if one
//! breaks clients.

use crate::finding::Level;
use crate::flags::FailOn;
use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use crate::sys::ui::report::{counted, paint, plain, plural};
use crate::sys::{parallel, ui};
use ::diff::openapi::{Change, diff, recognise};
use anyhow::{Context, Result, anyhow, bail};
use camino::Utf8PathBuf;
use serde_json::Value;
use std::io::Write;

pub(crate) fn command(ctx: &Ctx, old: &str, new: &str, fail_on: FailOn) -> Result<()> {
    if old == "-" && new == "-" {
        return Err(Exit::Usage("only one of both specs can be read from standard input".into()).into());
    }
    // In parallel, because reading takes as long as comparing.
    let (before, after) = parallel::both(|| read(ctx, old), || read(ctx, new));
    let (before, after) = (before?, after?);
    let changes = diff(&before, &after, &crate::sys::date::today()?);
    if ctx.json {
        ui::print(json(&changes, &before, &after)?);
    } else {
        // A closed pipe (`| head`) is not an error.
        let _ = std::io::stdout().write_all(show(&changes).as_bytes());
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

/// The findings of every command, each with its operations, both places, and the plain values there.
fn json(changes: &[Change], before: &Value, after: &Value) -> Result<Value> {
    let plain = |document: &Value, pointer: &str| {
        let value = document.pointer(pointer).filter(|value| !value.is_object() && !value.is_array());
        value.cloned().unwrap_or_default()
    };
    let findings = changes.iter().map(|change| {
        let mut finding = serde_json::to_value(change.finding())?;
        finding["operation"] = change.operations.first().cloned().into();
        finding["operations"] = change.operations.clone().into();
        finding["old"] = plain(before, &change.old);
        finding["new"] = plain(after, &change.new);
        finding["old_place"] = change.old.clone().into();
        finding["new_place"] = change.new.clone().into();
        Ok(finding)
    });
    let findings = findings.collect::<Result<Vec<Value>>>()?;
    Ok(serde_json::json!({ "schema": 1, "findings": findings }))
}

/// Reads a file, standard input, or a committed spec.
fn read(ctx: &Ctx, source: &str) -> Result<Value> {
    let text = if source == "-" {
        std::io::read_to_string(std::io::stdin()).context("cannot read the spec from standard input")?
    } else if std::path::Path::new(source).is_file() {
        let yaml = [".yaml", ".yml"].iter().any(|ending| source.to_lowercase().ends_with(ending));
        if yaml {
            return Err(Exit::Usage(format!(
                "{source} is YAML, but only JSON can be compared: convert it first"
            ))
            .into());
        }
        std::fs::read_to_string(source).with_context(|| format!("{source} could not be read"))?
    } else {
        committed(ctx, source)?
    };
    // `Value`'s own parser is compiled in serde_json, which is optimised; a parser instantiated here would
    // not be.
    let document: Value =
        text.trim_start_matches('\u{feff}').parse().map_err(|e| anyhow!("{source} is not JSON: {e}"))?;
    recognise(&document).map_err(|what| anyhow!("{source} cannot be compared: {what}"))?;
    Ok(document)
}

/// `REF:APP` is the spec of that app at that revision, `REF:PATH` any file of the repository.
fn committed(ctx: &Ctx, source: &str) -> Result<String> {
    let Some((rev, name)) = source.rsplit_once(':').filter(|(rev, name)| !rev.is_empty() && !name.is_empty())
    else {
        return Err(Exit::Usage(format!(
            "there is no file {source}; give a file, or a committed spec as REF:APP (main:python) or REF:PATH"
        ))
        .into());
    };
    let file = if name.contains(['/', '.']) { Utf8PathBuf::from(name) } else { spec_of(ctx, name)? };
    let commit = ctx.git.commit(rev)?;
    ctx.git
        .read(&["cat-file", "blob", &format!("{commit}:{file}")])
        .with_context(|| format!("{file} is not in {rev}"))
}

fn spec_of(ctx: &Ctx, app: &str) -> Result<Utf8PathBuf> {
    let app = ctx.ws.app(app)?;
    let Some(spec) = &app.settings.spec else {
        bail!("{} has no spec: there is no [spec] in its app.toml", app.name())
    };
    Ok(app.dir.join(&spec.file))
}

/// Groups the changes by operation, the most severe first: one line for each, and the counts at the end.
pub(crate) fn show(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no difference that a client can notice\n".to_string();
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
    text + &counted(
        &levels,
        &[
            (Level::Breaking, "breaking"),
            (Level::Error, "error"),
            (Level::Warning, "warning"),
            (Level::Info, "info"),
        ],
    )
}

fn heading(operations: &[String]) -> String {
    match operations {
        [] => "the whole document".to_string(),
        [one] => one.clone(),
        [first, second] => format!("{first}, {second}"),
        [first, rest @ ..] => format!("{first} and {} more operations", rest.len()),
    }
}

fn level(level: Level) -> String {
    match level {
        Level::Breaking => paint(ui::red, "breaking"),
        Level::Error => paint(ui::red, "error   "),
        Level::Warning => paint(ui::yellow, "warning "),
        Level::Info => paint(ui::dim, "info    "),
    }
}
