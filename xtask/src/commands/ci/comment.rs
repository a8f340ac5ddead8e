//! The comment on a pull request that says what it does to the next release: the version, the breaks with
//! file and line, and the changes of the spec. There is one for each pull request; later runs update it.

use super::event;
use crate::commands::plan::AppPlan;
use crate::forge::Forge;
use crate::model::ctx::Ctx;
use crate::model::evidence::Difference;
use crate::model::version::Bump;
use crate::sys::hash::sha256;
use crate::sys::ui;
use anyhow::{Context, Result};
use std::io::Write;

/// Finds the comment of an earlier run.
const MARKER: &str = "<!-- xtask: next release -->";
/// The text of the lint job.
const TEXT: &str = "XTASK_COMMENT";
/// A forge refuses a comment of more than 65,536 characters.
const LONGEST: usize = 60_000;
/// How many changes of an app are listed.
const SHOWN: usize = 20;

/// The job that checks the pull request runs its code, so it has no token. It passes the text to the job
/// `comment`, as its output `comment`.
pub(super) fn pass_on(plans: &[AppPlan]) -> Result<()> {
    output("comment", &text(plans))
}

/// Sets an output of the job, which the workflow passes to another job.
pub(super) fn output(name: &str, text: &str) -> Result<()> {
    let Some(file) = event::environment("GITHUB_OUTPUT") else { return Ok(()) };
    // No text contains its own hash, so nothing in it ends it early.
    let end = sha256(text);
    let mut output = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .with_context(|| format!("cannot write {file}"))?;
    write!(output, "{name}<<{end}\n{text}\n{end}\n").with_context(|| format!("cannot write {file}"))
}

/// The job `comment`: writes the comment, or updates that of an earlier run.
pub(super) fn job(ctx: &Ctx) -> Result<()> {
    ui::section("comment");
    let number = event::number(&event::environment);
    let (Some(number), Some(text)) = (number, event::environment(TEXT)) else {
        ui::say("  nothing to do: there is no pull request, or its lint job left no text");
        return Ok(());
    };
    let forge = match Forge::connect(ctx)? {
        Ok(forge) => forge,
        Err(reason) => {
            ui::say(&format!("  - comment: {reason}"));
            return Ok(());
        }
    };
    // The text comes from a job that runs the code of the pull request.
    let text: String = text.chars().take(LONGEST).collect();
    match forge.comment(number, MARKER, &text) {
        Ok(true) => ui::say(&format!("  {} comment on pull request {number}", ui::green("✓"))),
        Ok(false) => ui::say(&format!("  - comment on pull request {number}: up to date")),
        // In a fork's pull request the token can only read.
        Err(error) => ui::say(&format!("  - comment on pull request {number}: not written: {error:#}")),
    }
    Ok(())
}

fn text(plans: &[AppPlan]) -> String {
    if plans.is_empty() {
        return "**Next release**: this pull request changes no app.".to_string();
    }
    let mut lines = vec!["**Next release**".to_string(), String::new()];
    lines.extend(["| app | version | why |".to_string(), "|---|---|---|".to_string()]);
    for plan in plans {
        let last = plan.last.as_ref().map_or("first release".to_string(), |last| last.version.to_string());
        let version = match &plan.next {
            Some(next) => format!("{last} → {next}"),
            None => "nothing to release".to_string(),
        };
        let why: Vec<String> = plan.evidence.iter().map(|e| format!("{} {}", e.source, e.demands)).collect();
        lines.push(format!("| {} | {version} | {} |", plan.app, cell(&why.join(", "))));
    }
    for plan in plans {
        let accepted = |found: &Difference| plan.accepted.iter().any(|one| one.difference == *found);
        let state = |found: &Difference| match found {
            found if plan.undeclared.contains(found) => " (not declared)",
            found if accepted(found) => " (accepted)",
            _ => " (declared)",
        };
        let is_break = |found: &Difference| found.demands == Bump::Major;
        let breaks = plan.differences.iter().filter(|(_, found)| is_break(found));
        let breaks = breaks.map(|(_, found)| format!("{}{}", item(found), state(found)));
        lines.extend(list(&format!("Breaks of {}", plan.app), breaks.collect()));
        let of_spec = plan.differences.iter().filter(|(from, found)| *from == "spec" && !is_break(found));
        lines.extend(list(
            &format!("Other changes in the spec of {}", plan.app),
            of_spec.map(|(_, found)| item(found)).collect(),
        ));
    }
    lines.join("\n")
}

fn list(title: &str, items: Vec<String>) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), format!("**{title}**"), String::new()];
    lines.extend(items.iter().take(SHOWN).cloned());
    if items.len() > SHOWN {
        lines.push(format!("- and {} more", items.len() - SHOWN));
    }
    lines
}

fn item(found: &Difference) -> String {
    let what = if found.what.is_empty() { String::new() } else { format!("`{}`: ", code(&found.what)) };
    let place = if found.place.is_empty() { String::new() } else { format!(" (`{}`)", code(&found.place)) };
    format!("- {what}{}{place}", cell(&found.message))
}

fn code(text: &str) -> String {
    one_line(text).replace('`', "'")
}

/// In a table or a list. `<` would begin HTML, `@` would notify somebody.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|").replace('<', "&lt;").replace('@', "@\u{200b}")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
