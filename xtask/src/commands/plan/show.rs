//! The plan as text for people and as JSON for programs. Colours only where standard output is a terminal.

use super::AppPlan;
use super::decide::Demands;
use crate::finding::Finding;
use crate::model::commits::Entry;
use crate::model::workspace::Settings;
use crate::sys::git::Git;
use crate::sys::ui;
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;

/// Without `all`, long lists of commits are shortened. `changelog` is the text of CHANGELOG.md: it knows the
/// release dates.
pub(super) fn text(plans: &[AppPlan], settings: &Settings, changelog: &str, all: bool) -> String {
    let colours = std::io::stdout().is_terminal() && ui::colours();
    let paint = |code: &str, text: &str| if colours { ui::paint(code, text) } else { text.to_string() };
    plans.iter().map(|plan| app(plan, settings, changelog, all, &paint)).collect::<Vec<_>>().join("\n")
}

/// `{"schema": 1, "apps": […], "index_asked": false, "findings": […]}`: a number that only the index knows is
/// not in it. The last release's commit is looked up here: no number depends on it.
pub(super) fn json(git: &Git, plans: &[AppPlan], findings: &[Finding]) -> Result<Value> {
    let mut document = json!({ "schema": 1, "apps": plans, "index_asked": false, "findings": findings });
    for (plan, app) in plans.iter().zip(document["apps"].as_array_mut().into_iter().flatten()) {
        if let Some(last) = &plan.last {
            app["last"]["commit"] = git.commit(&format!("refs/tags/{}", last.tag))?.into();
        }
    }
    Ok(document)
}

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "31";

type Paint<'a> = &'a dyn Fn(&str, &str) -> String;

/// How many commits of a list are shown without `--all`.
const COUNTING: usize = 25;
const NOT_COUNTING: usize = 5;

fn app(plan: &AppPlan, settings: &Settings, changelog: &str, all: bool, paint: Paint) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", heading(plan, changelog, paint));
    let since = plan.last.as_ref().map(|r| format!(" since {}", r.tag)).unwrap_or_default();
    let (counting, rest): (Vec<&Entry>, Vec<&Entry>) = plan.commits.iter().partition(|c| c.counts);
    let width = plan.commits.iter().map(|c| head_and_text(c).0.chars().count()).max().unwrap_or(0).min(20);
    let shown = |limit: usize| if all { usize::MAX } else { limit };
    list(&mut out, &format!("counts{since}"), &counting, shown(COUNTING), width, paint, &|c| {
        if c.breaking { paint(RED, "breaking") } else { String::new() }
    });
    let title = format!("does not count{since}");
    list(&mut out, &title, &rest, shown(NOT_COUNTING), width, paint, &|c| paint(DIM, &c.why));
    let _ = writeln!(out, "  {}", paint(BOLD, "evidence"));
    let demands = plan.evidence.iter().map(|e| e.demands.to_string().chars().count()).max().unwrap_or(0);
    for evidence in &plan.evidence {
        let why = if evidence.why.is_empty() { String::new() } else { paint(DIM, &evidence.why) };
        let line = format!("    {:<8}  {:<demands$}  {why}", evidence.source, evidence.demands.to_string());
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if !plan.unread_pulls.is_empty() {
        let list: Vec<String> = plan.unread_pulls.iter().take(3).map(|n| format!("#{n}")).collect();
        let more = plan.unread_pulls.len() - list.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let why = format!(
            "the commits of {}{more} are not in this clone; bump and release ask the remote",
            list.join(", ")
        );
        let _ = writeln!(out, "    {:<8}  {:<demands$}  {}", "pulls", "?", paint(DIM, &why));
    }
    // A number that only the index knows makes `bump` choose a higher one.
    if plan.next.is_some() {
        let why = "not asked: plan is offline; bump and release ask which numbers are taken";
        let _ = writeln!(out, "    {:<8}  {:<demands$}  {}", "index", "?", paint(DIM, why));
    }
    if let Some(command) = next_command(plan, settings) {
        let _ = writeln!(out, "  {} {command}", paint(BOLD, "next"));
    }
    out
}

/// `python  0.1.0 (2026-11-20) → 0.2.0  (major, but 0.y: minor)`
fn heading(plan: &AppPlan, changelog: &str, paint: Paint) -> String {
    let last = plan.last.as_ref().map_or("not released yet".to_string(), |release| {
        match date(changelog, &release.tag) {
            Some(date) => format!("{} ({date})", release.version),
            None => release.version.to_string(),
        }
    });
    let Some(next) = &plan.next else {
        return format!("{}  {last} → {}", paint(BOLD, &plan.app), paint(DIM, "nothing to release"));
    };
    let demanded = plan.evidence.iter().filter_map(|e| match e.demands {
        Demands::Level(bump) => Some(bump.word()),
        _ => None,
    });
    let bump = match plan.bump {
        // A break below 1.0.0 raises the second number.
        "minor" if demanded.into_iter().any(|word| word == "major") => "major, but 0.y: minor",
        bump => bump,
    };
    let pending = if plan.pending { ", pending in the manifest" } else { "" };
    let how = paint(DIM, &format!("({bump}{pending})"));
    format!("{}  {last} → {}  {how}", paint(BOLD, &plan.app), paint("1;32", &next.to_string()))
}

/// The date of a release, from its section's heading in the changelog: `## [python-v0.1.0] - 2026-11-20`.
fn date<'a>(changelog: &'a str, tag: &str) -> Option<&'a str> {
    let heading = format!("## [{tag}] - ");
    changelog.lines().find_map(|line| line.strip_prefix(heading.as_str())).map(str::trim)
}

/// What brings the planned version closer to its release; None where findings must be fixed first.
fn next_command(plan: &AppPlan, settings: &Settings) -> Option<String> {
    plan.next.as_ref().filter(|_| !plan.findings.iter().any(Finding::stops))?;
    Some(match (plan.pending, settings.one_branch()) {
        (false, false) => format!("cargo xtask bump {} (or `cargo xtask promote`, which bumps)", plan.app),
        (true, false) => {
            format!("cargo xtask promote (on {}: cargo xtask release {})", settings.main, plan.app)
        }
        (false, true) => format!("cargo xtask release {} --bump", plan.app),
        (true, true) => format!("cargo xtask release {}", plan.app),
    })
}

/// The first `limit` entries, with the number of the others.
fn list(
    out: &mut String,
    title: &str,
    entries: &[&Entry],
    limit: usize,
    width: usize,
    paint: Paint,
    note: &dyn Fn(&Entry) -> String,
) {
    if entries.is_empty() {
        return;
    }
    // Show the last commit instead of a line that says "and 1 more".
    let limit =
        if entries.len().saturating_sub(1) == limit { entries.len() } else { limit.min(entries.len()) };
    let (shown, left) = entries.split_at(limit);
    let _ = writeln!(out, "  {}", paint(BOLD, title));
    for entry in shown {
        let (head, text) = head_and_text(entry);
        let head = format!("{head:<width$}");
        let head = if entry.counts { paint(GREEN, &head) } else { paint(DIM, &head) };
        let note = Some(note(entry)).filter(|n| !n.is_empty()).map(|n| format!("  {n}")).unwrap_or_default();
        let _ = writeln!(out, "    {}  {head}  {}{note}", paint(DIM, entry.short()), plain(text));
        if let Some(text) = entry.note.as_ref().filter(|text| entry.breaking && **text != entry.description) {
            let _ = writeln!(out, "    {:<7}  {:<width$}  {}", "", "", paint(DIM, &plain(text)));
        }
    }
    if !left.is_empty() {
        let _ = writeln!(
            out,
            "    {}",
            paint(DIM, &format!("and {} more: {}; --all shows them", left.len(), kinds(left)))
        );
    }
}

/// `12 feat, 3 fix`, the most frequent first.
fn kinds(entries: &[&Entry]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for entry in entries {
        let kind = entry.kind.as_deref().unwrap_or("other");
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shown: Vec<String> = counts.iter().take(4).map(|(kind, count)| format!("{count} {kind}")).collect();
    shown.join(", ") + if counts.len() > 4 { ", …" } else { "" }
}

/// `feat(api)!` and what follows; a dash for what is not conventional.
fn head_and_text(entry: &Entry) -> (&str, &str) {
    let conventional = entry.kind.is_some().then(|| entry.subject.split_once(": ")).flatten();
    match conventional.filter(|(head, _)| !head.contains('"')) {
        Some((head, text)) => (head, text.trim_start()),
        None => (entry.kind.as_deref().unwrap_or("-"), &entry.subject),
    }
}

/// A subject is somebody else's text: no control characters reach the terminal.
fn plain(text: &str) -> String {
    text.replace(crate::sys::ui::is_control, "\u{fffd}")
}
