//! What `release --dry-run` prints: the version, each check of the preflight, what would be published where,
//! and what is left to a person.

use super::Release;
use crate::commands::plan;
use crate::finding::Finding;
use crate::sys::git::short;
use crate::sys::ui;
use anyhow::Result;
use std::fmt::Write;

/// What the preflight looked at, for the page.
pub(super) struct Checked {
    pub findings: Vec<Finding>,
    /// What the forge said, in words, or why it was not asked.
    pub forge: std::result::Result<String, String>,
}

/// Each check with the findings that belong to it. The one without ids has all others: the plan's.
const CHECKS: &[(&str, &[&str])] = &[
    ("everything is committed, at the branch's newest commit", &["dirty-tree", "not-at-main", "no-main"]),
    ("the version fits the changes since the last release", &[]),
    ("the changelog has a text for it", &["changelog-empty"]),
    (FORGE, &["ci-failed", "ci-pending", "release-blocker", "forge-unread"]),
    ("linters, formats and types", &["lint"]),
    ("tests and coverage", &["test", "users", "yesterday-broken"]),
    (
        "spec and compat.json are up to date",
        &["spec-stale", "contract", "compat", "compat-stale", "compat-spec", "compat-package"],
    ),
    (
        "the package is complete, and the index takes it",
        &["not-publishable", "sources-incomplete", "name-taken"],
    ),
    ("no known advisories about locked dependencies", &["advisories"]),
    (LOGINS, &["credentials"]),
    (TOOLS, &["tool-missing"]),
];
/// What a release looks at also when it is resumed.
const LOGINS: &str = "logins are there, and accepted";
const TOOLS: &str = "pinned tools are installed";
/// Replaced by what the forge said.
const FORGE: &str = "the forge";

/// `actions`: name of the step and what it would do, in order. `command` makes the release.
pub(super) fn page(release: &Release, actions: &[(&str, String)], command: &str) -> Result<String> {
    let mut text = format!("{} at {}\n", release.title(), short(&release.commit));
    if release.tag().is_none() {
        let plan = plan::plan(release.ctx, release.app)?;
        let last = plan.last.as_ref().map_or("first release".to_string(), |last| last.version.to_string());
        let why: Vec<String> = plan.evidence.iter().map(|e| format!("{} {}", e.source, e.demands)).collect();
        writeln!(text, "  {last} → {}: {}", release.version, why.join(", "))?;
    }
    let none = Checked { findings: Vec::new(), forge: Ok(String::new()) };
    let checked = release.checked.get().unwrap_or(&none);
    text += "Checks\n";
    for (mark, line) in checks(checked, release.tag().is_some(), release.ctx.endpoints.loopback_only) {
        writeln!(text, "  [{mark}] {line}")?;
    }
    text += "Published, in this order\n";
    for (step, action) in actions {
        writeln!(text, "  {step:<11} {action}")?;
    }
    text += "Left to a person\n";
    let stopped = checked.findings.iter().any(Finding::stops);
    let first = stopped.then(|| "fix what stops the release".to_string());
    for line in first.into_iter().chain([format!("release: {command}")]).chain(release.left()) {
        writeln!(text, "  [ ] {line}")?;
    }
    Ok(ui::safe(&text))
}

/// The lines of the checks, each with its mark: `x` passed, `!` a warning, `-` not asked, a space for what
/// stops a release.
fn checks(checked: &Checked, resumed: bool, offline: bool) -> Vec<(char, String)> {
    let known = |id: &str| CHECKS.iter().any(|(_, ids)| ids.contains(&id));
    let mut lines = Vec::new();
    for (title, ids) in CHECKS {
        if resumed && ![LOGINS, TOOLS].contains(title) || offline && ids.contains(&"advisories") {
            continue;
        }
        let mine = |f: &&Finding| ids.contains(&f.id) || ids.is_empty() && !known(f.id);
        let found: Vec<&Finding> = checked.findings.iter().filter(mine).collect();
        let mark = match found.iter().map(|f| f.stops()).max() {
            None if *title == FORGE && checked.forge.is_err() => '-',
            None => 'x',
            Some(false) => '!',
            Some(true) => ' ',
        };
        let (Ok(forge) | Err(forge)) = &checked.forge;
        let mut title = if *title == FORGE { forge } else { *title }.to_string();
        for finding in found {
            let first = finding.message.lines().next().unwrap_or_default();
            write!(title, "\n      {}: {first}", finding.id).unwrap_or_default();
        }
        lines.push((mark, title));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;

    #[test]
    fn each_finding_is_shown_at_its_check() {
        let finding = |id, level, text: &str| Finding::new(id, level, text);
        let findings = vec![
            finding("advisories", Level::Warning, "two\nand more"),
            finding("pending-too-low", Level::Error, "the version is too low"),
            finding("credentials", Level::Error, "no token"),
            finding("index-unreachable", Level::Warning, "offline"),
        ];
        let checked = Checked { findings, forge: Ok("CI: 2 of 2 checks passed".into()) };
        let shown = |resumed, offline| -> Vec<String> {
            let lines = checks(&checked, resumed, offline);
            lines.into_iter().map(|(mark, line)| format!("[{mark}] {line}")).collect()
        };
        let all = shown(false, false);
        assert_eq!(all.len(), CHECKS.len());
        assert_eq!(
            all[1],
            "[ ] the version fits the changes since the last release\n      \
             pending-too-low: the version is too low\n      index-unreachable: offline"
        );
        assert_eq!(all[3], "[x] CI: 2 of 2 checks passed");
        assert!(all[8].starts_with("[!] ") && all[8].ends_with("advisories: two"), "{}", all[8]);
        let unasked = Checked { findings: Vec::new(), forge: Err("CI not asked: no token".into()) };
        assert!(checks(&unasked, false, false).contains(&('-', "CI not asked: no token".to_string())));
        let resumed = ["[ ] logins are there, and accepted\n      credentials: no token"];
        assert_eq!(shown(true, true), [resumed[0], "[x] pinned tools are installed"]);
    }
}
