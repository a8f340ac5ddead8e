//! The contract's word: the spec of the last release against the committed one. What breaks clients demands a version that says so, whatever the
//! commits say, and stops what does not declare it.

use super::Release;
use super::number::{Demands, Evidence};
use crate::Ctx;
use crate::finding::{Finding, Level};
use crate::openapi::diff::{self, Change};
use crate::version::Bump;
use crate::workspace::App;
use anyhow::Result;
use serde_json::Value;

/// So many breaks are enough to see what is meant.
const SHOWN: usize = 5;

/// The evidence where the spec has changed since `last`, and what is wrong. `declared`: a commit says that it breaks.
pub fn read(ctx: &Ctx, app: &App, last: Option<&Release>, declared: bool) -> Result<(Option<Evidence>, Vec<Finding>)> {
    let (Some(spec), Some(last)) = (&app.settings.spec, last) else { return Ok((None, Vec::new())) };
    let file = app.dir.join(&spec.file);
    let (old, new) = (format!("refs/tags/{}:{file}", last.tag), format!("HEAD:{file}"));
    // A release from before there was a spec promised nothing.
    let Ok(before) = ctx.git.read(&["rev-parse", "--verify", "--quiet", "--end-of-options", &old]) else { return Ok((None, Vec::new())) };
    let now = ctx.git.read(&["rev-parse", "--verify", "--quiet", "--end-of-options", &new]);
    if now.as_ref().is_ok_and(|now| *now == before) {
        return Ok((None, Vec::new()));
    }
    let document = |rev: &str| -> Result<Value> {
        let text = ctx.git.read(&["show", "--end-of-options", rev])?;
        let document: Value = text.parse().map_err(|e| anyhow::anyhow!("{rev} is not JSON: {e}"))?;
        diff::recognise(&document).map_err(|what| anyhow::anyhow!("{rev}: {what}"))?;
        Ok(document)
    };
    let new = match now {
        Ok(_) => document(&new),
        // The spec is gone: nothing of it is promised any more.
        Err(_) => Ok(serde_json::json!({ "openapi": "3.1.0", "paths": {} })),
    };
    match document(&old).and_then(|old| Ok((old, new?))) {
        Ok((old, new)) => Ok(judge(app, last, &diff::diff(&old, &new, &crate::date::today()?), declared, file.as_str())),
        // A release that is out can't be mended, and must not stop the next one.
        Err(e) => {
            let message = format!("the specs can't be compared, so what breaks clients is not known: {e:#}");
            let finding = Finding::new("contract-unreadable", Level::Warning, message).app(app.name()).place(file.as_str());
            Ok((None, vec![finding.help("what the commits declare decides alone")]))
        }
    }
}

/// Pure: from the changes to what they demand, and what stops.
fn judge(app: &App, last: &Release, changes: &[Change], declared: bool, file: &str) -> (Option<Evidence>, Vec<Finding>) {
    let accepted = |change: &Change| app.settings.accepts(&change.id, &last.version);
    let (breaks, others): (Vec<&Change>, Vec<&Change>) = changes.iter().filter(|c| !accepted(c)).partition(|c| c.level == Level::Breaking);
    let why = |what: &str, list: &[&Change]| {
        let more = if list.len() > 1 { format!(", and {} more", list.len() - 1) } else { String::new() };
        format!("{what} since {}: {}{more}", last.tag, list[0].finding().message)
    };
    let evidence = match (&breaks[..], &others[..]) {
        ([], []) => None,
        ([], others) => Some((Bump::Minor, why("changed", others))),
        (breaks, _) => Some((Bump::Major, why("breaks clients", breaks))),
    };
    let evidence = evidence.map(|(bump, why)| Evidence { source: "contract", demands: Demands::Level(bump), why });
    let mut findings = stale(app, last);
    if !breaks.is_empty() && !declared {
        findings.push(undeclared(app, last, &breaks, file));
    }
    (evidence, findings)
}

fn undeclared(app: &App, last: &Release, breaks: &[&Change], file: &str) -> Finding {
    let mut lines: Vec<String> =
        breaks.iter().take(SHOWN).map(|c| format!("[{}] {} ({file}#{})", c.id, c.finding().message, c.place())).collect();
    if breaks.len() > SHOWN {
        lines.push(format!("and {} more: cargo xtask openapi diff {}:{} HEAD:{}", breaks.len() - SHOWN, last.tag, app.name(), app.name()));
    }
    let message = format!("breaks the clients of {}, and no commit declares it:\n  {}", last.tag, lines.join("\n  "));
    let accept = format!("[[accept]] id = {:?}, version = the next one, reason = \"…\"", breaks[0].id);
    Finding::new("undeclared-break", Level::Breaking, message).app(app.name()).place(file).help(format!(
        "declare it: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`\nor revert it\nor, if it breaks nobody, accept it in {}/app.toml: {accept}",
        app.dir
    ))
}

/// What was accepted for a release that is out means nothing any more.
fn stale(app: &App, last: &Release) -> Vec<Finding> {
    let stale = app.settings.accept.iter().filter(|a| a.version <= last.version);
    stale
        .map(|a| {
            let message = format!("{} was accepted for {}, and {} is released: {}", a.id, a.version, last.version, a.reason);
            Finding::new("acceptance-stale", Level::Warning, message)
                .app(app.name())
                .place(app.dir.join("app.toml"))
                .help("take that [[accept]] out")
        })
        .collect()
}
