//! `audit`: lists every place that shows an app's version, marks the wrong ones, and says how to fix them.
//! It also finds workflows that the forge does not run. With a token for the forge it asks the forge and the
//! index too: runs, secrets, protection, release pages, packages.

use crate::finding::{Finding, Level};
use crate::flags;
use crate::forge::Forge;
use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use crate::sys::ui;
use anyhow::Result;
use drift::{AppDrift, Verdict};
use std::fmt::Write;
use std::io::IsTerminal;

mod drift;
mod pages;
mod releases;
mod workflows;

/// With `--json`: `{"schema": 1, "apps": [{"app", "source": "file:line", "version", "released", "places":
/// [{"place", "kind", "shows", "verdict": "ok" | "unkept" | "behind" | "wrong"}]}], "findings": […]}`.
pub(crate) fn command(ctx: &Ctx, flags: &flags::Audit) -> Result<()> {
    let apps = ctx.ws.select(&flags.apps)?;
    let drifts = drift::drift(ctx, &apps)?;
    let mut findings: Vec<Finding> = drifts.iter().flat_map(|d| d.findings.clone()).collect();
    if flags.fix {
        let done = workflows::fix(ctx, flags.dry_run)?;
        let verb = if flags.dry_run { "would write" } else { "wrote" };
        done.iter().for_each(|file| ui::say(&format!("  {} {verb} {file}", ui::green("✓"))));
        if done.is_empty() {
            ui::say("  - no workflow to fix");
        }
    }
    let forge = Forge::connect(ctx)?;
    findings.extend(workflows::findings(ctx, forge.as_ref().ok())?);
    match &forge {
        Ok(forge) => {
            findings.extend(pages::missing(ctx, forge, &apps)?);
            findings.extend(releases::findings(ctx, forge, &apps)?);
        }
        Err(reason) => not_asked(ctx, reason),
    }
    if ctx.json {
        ui::print(serde_json::json!({ "schema": 1, "apps": drifts, "findings": findings }));
    } else {
        ui::print(text(&drifts));
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    ui::say(&summary(ctx, &drifts, &findings));
    Ok(())
}

/// Says why the forge was not asked, in a repository that has one.
fn not_asked(ctx: &Ctx, reason: &str) {
    if Forge::kind_of(ctx).is_some() {
        ui::say(&format!("  - runs, secrets, protection, packages: not checked, {reason}"));
    }
}

fn summary(ctx: &Ctx, drifts: &[AppDrift], findings: &[Finding]) -> String {
    let warnings = findings.iter().filter(|f| f.level == Level::Warning).count();
    let places: usize = drifts.iter().map(|d| d.places.len()).sum();
    match (warnings, places) {
        _ if drifts.is_empty() => format!("no app under {}/{}", ctx.ws.root, ctx.ws.settings.apps),
        (0, 0) => {
            format!("{} all versions agree: no place except the manifest shows a version", ui::green("✓"))
        }
        (0, 1) => format!("{} all versions agree: 1 place shows one, and it is right", ui::green("✓")),
        (0, n) => {
            format!("{} all versions agree: {n} places show one, and all are right", ui::green("✓"))
        }
        (1, _) => "nothing stops a release; 1 warning above".to_string(),
        (n, _) => format!("nothing stops a release; {n} warnings above"),
    }
}

/// For each app, its manifest's version and then every place that shows its version.
fn text(drifts: &[AppDrift]) -> String {
    let colours = std::io::stdout().is_terminal() && ui::colours();
    let paint = |code: &str, text: &str| if colours { ui::paint(code, text) } else { text.to_string() };
    let mut out = String::new();
    for drift in drifts {
        let version = drift.version.as_ref().map_or("?".to_string(), |v| v.to_string());
        let released = drift
            .released
            .as_ref()
            .map_or(", not released yet".to_string(), |v| format!(", last release {v}"));
        let _ = writeln!(
            out,
            "{}  {version}  {}",
            paint("1", &drift.app),
            paint("2", &format!("{}{released}", drift.source))
        );
        let kinds = drift.places.iter().map(|p| p.kind.word().len()).max().unwrap_or(0);
        let shows = drift.places.iter().map(|p| p.shows.chars().count()).max().unwrap_or(0);
        for place in &drift.places {
            let mark = match place.verdict {
                Verdict::Ok => paint("32", "✓"),
                Verdict::Unkept | Verdict::Behind => paint("33", "!"),
                Verdict::Wrong => paint("31", "✗"),
            };
            let _ = writeln!(
                out,
                "  {mark} {:<kinds$}  {:<shows$}  {}",
                place.kind.word(),
                place.shows,
                paint("2", &place.place)
            );
        }
    }
    out
}
