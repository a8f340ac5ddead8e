//! The plan as a person reads it, and as a program does. Colours only where standard output is a terminal.

use super::AppPlan;
use crate::finding::Finding;
use crate::model::commits::Entry;
use crate::sys::git::Git;
use crate::sys::ui;
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;

pub fn text(plans: &[AppPlan]) -> String {
    let colours = std::io::stdout().is_terminal() && ui::colours();
    let paint = |code: &str, text: &str| if colours { ui::paint(code, text) } else { text.to_string() };
    plans.iter().map(|plan| app(plan, &paint)).collect::<Vec<_>>().join("\n")
}

/// `{"schema": 1, "apps": […], "index_asked": false, "findings": […]}`: a number that only the index knows is
/// not in it. The last release's commit is looked up here: no number depends on it.
pub fn json(git: &Git, plans: &[AppPlan], findings: &[Finding]) -> Result<Value> {
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

fn app(plan: &AppPlan, paint: Paint) -> String {
    let mut out = String::new();
    let last = plan.last.as_ref().map_or("not released yet".to_string(), |r| r.version.to_string());
    let next = match &plan.next {
        Some(next) => paint("1;32", &next.to_string()),
        None => paint(DIM, "nothing to release"),
    };
    let pending = if plan.pending { ", pending in the manifest" } else { "" };
    let bump = plan
        .next
        .as_ref()
        .map(|_| format!("  {}", paint(DIM, &format!("({}{pending})", plan.bump))))
        .unwrap_or_default();
    let _ = writeln!(out, "{}  {last} → {next}{bump}", paint(BOLD, &plan.app));
    let since = plan.last.as_ref().map(|r| format!(" since {}", r.tag)).unwrap_or_default();
    let (counting, rest): (Vec<&Entry>, Vec<&Entry>) = plan.commits.iter().partition(|c| c.counts);
    let width = plan.commits.iter().map(|c| head_and_text(c).0.chars().count()).max().unwrap_or(0).min(20);
    list(&mut out, &format!("counts{since}"), &counting, width, paint, &|c| {
        if c.breaking { paint(RED, "breaking") } else { String::new() }
    });
    list(&mut out, &format!("does not count{since}"), &rest, width, paint, &|c| paint(DIM, &c.why));
    let _ = writeln!(out, "  {}", paint(BOLD, "evidence"));
    let demands = plan.evidence.iter().map(|e| e.demands.to_string().chars().count()).max().unwrap_or(0);
    for evidence in &plan.evidence {
        let _ = writeln!(
            out,
            "    {:<8}  {:<demands$}  {}",
            evidence.source,
            evidence.demands.to_string(),
            paint(DIM, &evidence.why)
        );
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
        let why = "not asked: plan works offline; bump and release ask the index which numbers are taken";
        let _ = writeln!(out, "    {:<8}  {:<demands$}  {}", "index", "?", paint(DIM, why));
    }
    out
}

fn list(
    out: &mut String,
    title: &str,
    entries: &[&Entry],
    width: usize,
    paint: Paint,
    note: &dyn Fn(&Entry) -> String,
) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {}", paint(BOLD, title));
    for entry in entries {
        let (head, text) = head_and_text(entry);
        let head = format!("{head:<width$}");
        let head = if entry.counts { paint(GREEN, &head) } else { paint(DIM, &head) };
        let note = Some(note(entry)).filter(|n| !n.is_empty()).map(|n| format!("  {n}")).unwrap_or_default();
        let _ = writeln!(out, "    {}  {head}  {}{note}", paint(DIM, entry.short()), plain(text));
    }
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
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
