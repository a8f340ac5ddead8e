//! `openapi`: writes the spec from the code, checks the committed spec, and compares two specs.

use crate::checks::{black_box, passed};
use crate::finding::{Finding, Level};
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::ui;
use anyhow::{Context, Result};
use camino::Utf8Path;
use semver::Version;
use similar::TextDiff;

pub(crate) mod diff;
mod places;
mod read;
mod rules;
mod yaml;

/// `last` returns the version of an app's last release.
pub(crate) fn command(
    ctx: &Ctx,
    command: &flags::Openapi,
    last: fn(&Ctx, &App) -> Result<Option<Version>>,
) -> Result<()> {
    match command {
        flags::Openapi::Generate { apps, dry_run } => generate(ctx, apps, *dry_run),
        flags::Openapi::Check { apps } => check(ctx, apps, false),
        flags::Openapi::Diff { old, new, fail_on, format } => {
            diff::command(ctx, (old, new), *fail_on, *format, last)
        }
        flags::Openapi::Rules { app } => rules::command(ctx, app.as_deref()),
    }
}

/// The spec that the code of `app` in the checkout `root` prints. None for an app without `[spec]`.
pub(crate) fn render(ctx: &Ctx, app: &App, root: &Utf8Path) -> Result<Option<String>> {
    let Some(spec) = &app.settings.spec else { return Ok(None) };
    let text = app.settings.ecosystem.run(ctx, app, root, &spec.generate)?;
    serde_json::from_str::<serde_json::Value>(&text)
        .with_context(|| format!("{}: `{}` did not print JSON", app.name(), spec.generate.join(" ")))?;
    Ok(Some(text))
}

fn generate(ctx: &Ctx, apps: &[String], dry_run: bool) -> Result<()> {
    for app in ctx.ws.select(apps)? {
        let line = ui::begin(&format!("openapi {}", app.name()));
        let (Some(spec), Some(text)) = (&app.settings.spec, render(ctx, app, &ctx.ws.root)?) else {
            line.end(ui::Outcome::Skipped("no [spec] in its app.toml".into()));
            continue;
        };
        put(ctx, line, &app.dir.join(&spec.file), &text, dry_run)?;
    }
    Ok(())
}

/// Writes a generated file, or shows how it would change.
pub(crate) fn put(ctx: &Ctx, line: ui::Line, file: &Utf8Path, text: &str, dry_run: bool) -> Result<()> {
    let path = ctx.ws.root.join(crate::sys::files::inside(&ctx.ws.root, file)?);
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    if old == text {
        line.end(ui::Outcome::Done(format!("{file} is up to date")));
    } else if dry_run {
        line.end(ui::Outcome::Done(format!("{file} would change")));
        ui::print(unified(&old, text, file.as_str()));
    } else {
        crate::sys::files::write_atomic(&path, text.as_bytes())?;
        line.end(ui::Outcome::Done(format!("{file} written")));
    }
    Ok(())
}

/// Reports every stale spec with the difference. With `reuse`, the spec that the code printed before for
/// identical files is used.
pub(crate) fn check(ctx: &Ctx, apps: &[String], reuse: bool) -> Result<()> {
    let mut findings = Vec::new();
    for app in ctx.ws.select(apps)? {
        for finding in check_app(ctx, app, reuse)? {
            // Two apps with the same contract report the same difference.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    if ctx.json {
        ui::print(crate::finding::to_json(&findings));
    }
    if findings.is_empty() { Ok(()) } else { Err(Exit::Gate(findings).into()) }
}

/// Checks one app's spec, with one progress line: whether it is what the code prints, and whether it equals
/// the specs of apps with the same contract.
pub(crate) fn check_app(ctx: &Ctx, app: &App, reuse: bool) -> Result<Vec<Finding>> {
    let line = ui::begin(&format!("openapi-{}", app.name()));
    let (text, before) = passed::printed(ctx, app, "spec", reuse, || render(ctx, app, &ctx.ws.root))?;
    let findings: Vec<Finding> =
        stale(ctx, app, text).into_iter().chain(black_box::differences(ctx, app)?).collect();
    line.end(match findings.first().map(|f| f.id) {
        None if app.settings.spec.is_none() => ui::Outcome::Skipped("no [spec] in its app.toml".into()),
        None if before => {
            ui::Outcome::Done(format!("the committed spec matched the code {}", passed::BEFORE))
        }
        None => ui::Outcome::Done("the committed spec matches the code".into()),
        Some("spec-stale") => ui::Outcome::Failed("stale".into()),
        Some(_) => ui::Outcome::Failed("differs".into()),
    });
    Ok(findings)
}

/// `text`: the spec that the code prints.
fn stale(ctx: &Ctx, app: &App, text: Option<String>) -> Option<Finding> {
    let (spec, text) = (app.settings.spec.as_ref()?, text?);
    let file = app.dir.join(&spec.file);
    let committed = std::fs::read_to_string(ctx.ws.root.join(&file)).unwrap_or_default();
    if committed == text {
        return None;
    }
    let message =
        format!("the committed spec does not match the code\n{}", unified(&committed, &text, file.as_str()));
    let help = format!("cargo xtask openapi generate {}", app.name());
    Some(Finding::new("spec-stale", Level::Error, message).app(app.name()).place(file.as_str()).help(help))
}

/// A unified diff: `-` is the committed text, `+` the code's.
pub(crate) fn unified(old: &str, new: &str, file: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(&format!("{file} (committed)"), &format!("{file} (from the code)"))
        .to_string();
    text.lines()
        .map(|l| match l.as_bytes().first() {
            Some(b'+') => ui::green(l),
            Some(b'-') => ui::red(l),
            _ => l.to_string(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}
