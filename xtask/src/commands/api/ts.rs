//! Compares two versions of a TypeScript package's declarations. Our reader (ts/reader) does it with the
//! TypeScript compiler; this module turns its answer into changes.

use super::Compared;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::ui::report::plain;
use crate::sys::{child, parallel, scratch, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use diff::change::Change;
use serde::Deserialize;
use serde_json::json;
use xshell::cmd;

pub(crate) mod declarations;

const READER: [(&str, &str); 18] = [
    ("main.mjs", include_str!("ts/reader/main.mjs")),
    ("ambient.mjs", include_str!("ts/reader/ambient.mjs")),
    ("entries.mjs", include_str!("ts/reader/entries.mjs")),
    ("fields.mjs", include_str!("ts/reader/fields.mjs")),
    ("install.mjs", include_str!("ts/reader/install.mjs")),
    ("maps.mjs", include_str!("ts/reader/maps.mjs")),
    ("world.mjs", include_str!("ts/reader/world.mjs")),
    ("likeness.mjs", include_str!("ts/reader/likeness.mjs")),
    ("references.mjs", include_str!("ts/reader/references.mjs")),
    ("typescript.mjs", include_str!("ts/reader/typescript.mjs")),
    ("text.mjs", include_str!("ts/reader/text.mjs")),
    ("names.mjs", include_str!("ts/reader/names.mjs")),
    ("compare.mjs", include_str!("ts/reader/compare.mjs")),
    ("members.mjs", include_str!("ts/reader/members.mjs")),
    ("signatures.mjs", include_str!("ts/reader/signatures.mjs")),
    ("positions.mjs", include_str!("ts/reader/positions.mjs")),
    ("questions.mjs", include_str!("ts/reader/questions.mjs")),
    ("places.mjs", include_str!("ts/reader/places.mjs")),
];

/// The JSON document that the reader prints.
#[derive(Deserialize)]
struct Answer {
    problems: Vec<Problem>,
    differences: Vec<Difference>,
    broken: Vec<Broken>,
}

/// What the compiler cannot parse in the new version.
#[derive(Deserialize)]
struct Broken {
    place: String,
    text: String,
}

#[derive(Deserialize)]
struct Problem {
    path: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Difference {
    rule: String,
    symbol: String,
    kind: String,
    what: String,
    old: String,
    new: String,
    whom: String,
    place: String,
    old_place: String,
    was: Option<String>,
    is: Option<String>,
}

/// Compares a package at two commits.
pub(crate) fn compared(ctx: &Ctx, app: &App, old: &str, new: &str) -> Result<Compared> {
    // In parallel, because a build mostly waits for its tools.
    let (before, after) =
        parallel::both(|| declarations::of(ctx, app, old), || declarations::of(ctx, app, new));
    let (before, after) = (before?, after?);
    let answer = compare(app, &before, &after)?;
    let problems: Vec<String> = answer
        .problems
        .iter()
        .map(|p| format!("{}/app.toml: {:?} of [api] public: {}", app.dir, p.path, p.why))
        .collect();
    if !problems.is_empty() {
        return Err(Exit::Usage(problems.join("\n")).into());
    }
    let broken: Vec<String> = answer
        .broken
        .iter()
        .map(|one| format!("{}: {}", app.dir.join(&one.place), plain(&one.text)))
        .collect();
    if !broken.is_empty() {
        bail!(
            "the declarations of {} at {new} cannot be compared, because TypeScript cannot read them:\n{}",
            app.name(),
            broken.join("\n")
        );
    }
    let mut changes =
        answer.differences.into_iter().map(|one| change(app, one)).collect::<Result<Vec<Change>>>()?;
    changes.sort_by(|a, b| (b.level, &a.symbol, &a.id).cmp(&(a.level, &b.symbol, &b.id)));
    Ok(Compared { changes, guarded: app.settings.api.public.clone() })
}

fn compare(app: &App, old: &Utf8Path, new: &Utf8Path) -> Result<Answer> {
    let temp = scratch::folder()?;
    let temp = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    for (name, text) in READER {
        std::fs::write(temp.join(name), text)?;
    }
    let compiler = compiler()?;
    let node = which::which("node").context(
        "node is not on PATH; reading a TypeScript API needs Node 20 or newer: https://nodejs.org",
    )?;
    let request = json!({ "old": old, "new": new, "public": app.settings.api.public });
    let sh = child::shell(temp)?;
    let text = child::capture(cmd!(sh, "{node} main.mjs {compiler}").stdin(request.to_string()), &[])
        .with_context(|| format!("the declarations of {} could not be compared", app.name()))?;
    serde_json::from_str(&text).context("cannot parse the output of the reader of declarations")
}

/// The compiler as a library, found from `tsc` in `node_modules/.bin`.
fn compiler() -> Result<Utf8PathBuf> {
    let program = tools::tool("typescript")?;
    let modules = program.parent().and_then(Utf8Path::parent).context("tsc is not in a node_modules/.bin")?;
    Ok(modules.join("typescript"))
}

fn change(app: &App, one: Difference) -> Result<Change> {
    let rule = diff::ts::ALL
        .iter()
        .find(|rule| rule.id == one.rule)
        .with_context(|| format!("no rule {:?} in the table", one.rule))?;
    let full = |place: String| if place.is_empty() { place } else { app.dir.join(place).into_string() };
    Ok(Change {
        id: rule.id.replace("{kind}", &one.kind),
        level: rule.level,
        symbol: one.symbol,
        message: diff::rule::sentence(rule, &one.what, &one.old, &one.new),
        whom: if one.whom.is_empty() { rule.whom } else { "subclassers" },
        place: full(one.place),
        old_place: full(one.old_place),
        was: one.was,
        is: one.is,
    })
}
