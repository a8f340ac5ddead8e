//! compat.json: the plugin APIs and channels that an app declares to support. `compat` writes it from the
//! code and checks the committed file, which is shipped in the package. `compat --template` is the downstream
//! gate: it checks that a template fits the release that it pins.

use crate::checks::passed;
use crate::commands::openapi;
use crate::finding::{Finding, Level, to_json};
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::manifest;
use crate::model::workspace::{App, CompatSettings};
use crate::sys::exit::Exit;
use crate::sys::{hash, ui};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use document::Document;

mod dispatched;
pub(crate) mod document;
pub(crate) mod downstream;
mod pinned;
mod template;

pub(crate) fn command(ctx: &Ctx, flags: &flags::Compat) -> Result<()> {
    match flags.write {
        true => write(ctx, &flags.apps, flags.dry_run),
        false => check(ctx, &flags.apps, false),
    }
}

/// The path from the repository's root: `apps/python/src/demo/compat.json`.
pub(crate) fn file(app: &App, settings: &CompatSettings) -> Utf8PathBuf {
    app.dir.join(&settings.file)
}

/// The document that the code of `app` in the checkout `root` prints. An error if it is not a valid
/// compat.json. None for an app without `[compat]`.
pub(crate) fn render(ctx: &Ctx, app: &App, root: &Utf8Path) -> Result<Option<String>> {
    let Some(settings) = &app.settings.compat else { return Ok(None) };
    let text = app.settings.ecosystem.run(ctx, app, root, &settings.generate)?;
    if let Err(problems) = document::read(text.as_bytes()) {
        let command = settings.generate.join(" ");
        bail!(
            "{}: `{command}` did not print a valid compat.json (contract/compat.schema.json):\n  {}",
            app.name(),
            problems.join("\n  ")
        );
    }
    Ok(Some(text))
}

fn write(ctx: &Ctx, apps: &[String], dry_run: bool) -> Result<()> {
    for app in ctx.ws.select(apps)? {
        let line = ui::begin(&format!("compat {}", app.name()));
        let (Some(settings), Some(text)) = (&app.settings.compat, render(ctx, app, &ctx.ws.root)?) else {
            line.end(ui::Outcome::Skipped("no [compat] in its app.toml".into()));
            continue;
        };
        openapi::put(ctx, line, &file(app, settings), &text, dry_run)?;
    }
    Ok(())
}

/// Checks compat.json of each app and reports all problems together. With `reuse`, the output that the code
/// printed before for identical files is used.
pub(crate) fn check(ctx: &Ctx, apps: &[String], reuse: bool) -> Result<()> {
    let mut findings = Vec::new();
    for app in ctx.ws.select(apps)? {
        findings.extend(check_app(ctx, app, reuse)?);
    }
    if ctx.json {
        ui::print(to_json(&findings));
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    Ok(())
}

/// Checks one app, with one progress line: whether the committed file is what the code prints, and whether
/// package, version and spec in it are right.
pub(crate) fn check_app(ctx: &Ctx, app: &App, reuse: bool) -> Result<Vec<Finding>> {
    let line = ui::begin(&format!("compat-{}", app.name()));
    let Some(settings) = &app.settings.compat else {
        line.end(ui::Outcome::Skipped("no [compat] in its app.toml".into()));
        return Ok(Vec::new());
    };
    let (text, before) = match passed::printed(ctx, app, "compat", reuse, || render(ctx, app, &ctx.ws.root)) {
        Ok((text, before)) => (text.unwrap_or_default(), before),
        Err(e) => {
            line.end(ui::Outcome::Failed("the generator failed".into()));
            return Err(e);
        }
    };
    let mut findings: Vec<Finding> = stale(ctx, app, settings, &text).into_iter().collect();
    let document =
        document::read(text.as_bytes()).map_err(|problems| anyhow::anyhow!(problems.join("\n")))?;
    findings.extend(contradictions(ctx, app, &document)?);
    let findings: Vec<Finding> =
        findings.into_iter().map(|f| f.app(app.name()).place(file(app, settings))).collect();
    line.end(match findings.iter().find(|f| f.stops()).map(|f| f.id) {
        None if before => ui::Outcome::Done(format!(
            "the committed file matched the code {}: {}",
            passed::BEFORE,
            document.summary()
        )),
        None => ui::Outcome::Done(format!("the committed file matches the code: {}", document.summary())),
        Some("compat-stale") => ui::Outcome::Failed("stale".into()),
        Some(_) => ui::Outcome::Failed("wrong".into()),
    });
    Ok(findings)
}

fn stale(ctx: &Ctx, app: &App, settings: &CompatSettings, text: &str) -> Option<Finding> {
    let file = file(app, settings);
    let committed = std::fs::read_to_string(ctx.ws.root.join(&file)).unwrap_or_default();
    if committed == text {
        return None;
    }
    let message = format!(
        "the committed compat.json does not match the code\n{}",
        openapi::unified(&committed, text, file.as_str())
    );
    Some(
        Finding::new("compat-stale", Level::Error, message)
            .help(format!("cargo xtask compat {} --write", app.name())),
    )
}

/// The places where the document contradicts the manifest or the committed spec.
fn contradictions(ctx: &Ctx, app: &App, document: &Document) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut differs = |id, what: &str, shown: &str, right: &str, help: String| {
        if shown != right {
            findings.push(
                Finding::new(
                    id,
                    Level::Error,
                    format!("compat.json has {what} {shown:?}, but it should be {right:?}"),
                )
                .help(help),
            );
        }
    };
    let generator = || format!("the generator in {}/app.toml, [compat], must print it", app.dir);
    differs("compat-package", "the package", &document.package, &app.settings.package, generator());
    let version = app.settings.ecosystem.package_version(&manifest::read(&ctx.ws.root, app)?)?;
    differs("compat-version", "the version", &document.version, &version, generator());
    if let Some(spec) = &app.settings.spec {
        let file = app.dir.join(&spec.file);
        let bytes = std::fs::read(ctx.ws.root.join(&file)).with_context(|| format!("cannot read {file}"))?;
        let hash = format!("sha256:{}", hash::sha256(&bytes));
        let help = format!("cargo xtask openapi generate {0} && cargo xtask compat {0} --write", app.name());
        differs("compat-spec", &format!("the hash of {file}"), &document.contract.spec, &hash, help);
    }
    findings.extend(document.overdue().map(|what| {
        let message = format!("{what}, and this is {}", document.version);
        Finding::new("compat-overdue", Level::Warning, message)
            .help("remove it from the code, or set a later removal")
    }));
    Ok(findings)
}
