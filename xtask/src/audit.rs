//! What nobody looks at until it hurts, each with its mend. A file per family of findings.

use crate::exit::Exit;
use crate::finding::{Finding, Level};
use crate::{Ctx, flags, ui};
use anyhow::Result;
use drift::{AppDrift, Verdict};
use std::fmt::Write;
use std::io::IsTerminal;

mod drift;

pub fn command(ctx: &Ctx, flags: &flags::Audit) -> Result<()> {
    let apps = ctx.ws.select(&flags.apps)?;
    let drifts = drift::drift(ctx, &apps)?;
    let findings: Vec<Finding> = drifts.iter().flat_map(|d| d.findings.clone()).collect();
    if ctx.json {
        println!("{}", serde_json::json!({ "schema": 1, "apps": drifts, "findings": findings }));
    } else {
        print!("{}", text(&drifts));
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    ui::say(&summary(ctx, &drifts, &findings));
    Ok(())
}

fn summary(ctx: &Ctx, drifts: &[AppDrift], findings: &[Finding]) -> String {
    let warnings = findings.iter().filter(|f| f.level == Level::Warning).count();
    let places: usize = drifts.iter().map(|d| d.places.len()).sum();
    match warnings {
        _ if drifts.is_empty() => format!("no app under {}/{}", ctx.ws.root, ctx.ws.settings.apps),
        0 => format!(
            "{} nothing has drifted: {}",
            ui::green("✓"),
            count(places, "place shows", "places show a version, each the right one", " a version, the right one")
        ),
        n => format!("nothing stops a release; {n} warning{} above", if n == 1 { "" } else { "s" }),
    }
}

fn count(n: usize, one: &str, many: &str, one_end: &str) -> String {
    if n == 1 { format!("1 {one}{one_end}") } else { format!("{n} {many}") }
}

/// Per app the source, then every place that shows its version.
fn text(drifts: &[AppDrift]) -> String {
    let colours = std::io::stdout().is_terminal() && ui::colours();
    let paint = |code: &str, text: &str| if colours { ui::paint(code, text) } else { text.to_string() };
    let mut out = String::new();
    for drift in drifts {
        let version = drift.version.as_ref().map_or("?".to_string(), |v| v.to_string());
        let released = drift.released.as_ref().map_or(", not released yet".to_string(), |v| format!(", last release {v}"));
        let _ = writeln!(out, "{}  {version}  {}", paint("1", &drift.app), paint("2", &format!("{}{released}", drift.source)));
        let kinds = drift.places.iter().map(|p| p.kind.word().len()).max().unwrap_or(0);
        let shows = drift.places.iter().map(|p| p.shows.chars().count()).max().unwrap_or(0);
        for place in &drift.places {
            let mark = match place.verdict {
                Verdict::Ok => paint("32", "✓"),
                Verdict::Unkept | Verdict::Behind => paint("33", "!"),
                Verdict::Wrong => paint("31", "✗"),
            };
            let _ = writeln!(out, "  {mark} {:<kinds$}  {:<shows$}  {}", place.kind.word(), place.shows, paint("2", &place.place));
        }
    }
    out
}
