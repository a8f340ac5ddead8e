//! What `release --dry-run` prints: the version, each check of the preflight, what would be published where,
//! and what is left to a person.

use super::Release;
use crate::commands::plan;
use crate::finding::Finding;
use crate::sys::git::short;
use crate::sys::ui;
use serde::Serialize;

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

/// The page of one release. With `--json`: `{"schema": 1, "releases": [PAGE]}`.
#[derive(Serialize)]
pub(super) struct Page {
    app: String,
    version: String,
    commit: String,
    /// The last release, and the reasons for the version. None for a release that has its tag.
    plan: Option<Plan>,
    checks: Vec<Check>,
    actions: Vec<Action>,
    left: Vec<String>,
}

#[derive(Serialize)]
struct Plan {
    last: Option<String>,
    evidence: Vec<String>,
}

#[derive(Serialize)]
struct Check {
    title: String,
    result: Result,
    findings: Vec<Finding>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "kebab-case")]
enum Result {
    Passed,
    Warning,
    /// It stops the release.
    Stops,
    NotAsked,
}

#[derive(Serialize)]
pub(super) struct Action {
    pub step: &'static str,
    pub what: String,
}

/// `actions`: what each step would do, in order. `command` makes the release.
pub(super) fn page(release: &Release, actions: Vec<Action>, command: &str) -> anyhow::Result<Page> {
    let plan = match release.tag() {
        Some(_) => None,
        None => {
            let plan = plan::plan(release.ctx, release.app)?;
            let evidence = plan.evidence.iter().map(|e| format!("{} {}", e.source, e.demands));
            let last = plan.last.as_ref().map(|last| last.version.to_string());
            Some(Plan { last, evidence: evidence.collect() })
        }
    };
    let none = Checked { findings: Vec::new(), forge: Ok(String::new()) };
    let checked = release.checked.get().unwrap_or(&none);
    let stopped = checked.findings.iter().any(Finding::stops);
    let first = stopped.then(|| "fix what stops the release".to_string());
    Ok(Page {
        app: release.app.name().to_string(),
        version: release.version.to_string(),
        commit: release.commit.clone(),
        plan,
        checks: checks(checked, release.tag().is_some(), release.ctx.endpoints.loopback_only),
        actions,
        left: first.into_iter().chain([format!("release: {command}")]).chain(release.left()).collect(),
    })
}

/// The page as text.
pub(super) fn text(page: &Page) -> String {
    let mut text = format!("{} v{} at {}\n", page.app, page.version, short(&page.commit));
    if let Some(Plan { last, evidence }) = &page.plan {
        let last = last.as_deref().unwrap_or("first release");
        text += &format!("  {last} → {}: {}\n", page.version, evidence.join(", "));
    }
    text += "Checks\n";
    page.checks.iter().for_each(|check| text += &line(check));
    text += "Published, in this order\n";
    for Action { step, what } in &page.actions {
        text += &format!("  {step:<11} {what}\n");
    }
    text += "Left to a person\n";
    page.left.iter().for_each(|line| text += &format!("  [ ] {line}\n"));
    ui::safe(&text)
}

/// A check with its mark: `x` passed, `!` a warning, `-` not asked, a space for what stops a release.
fn line(check: &Check) -> String {
    let mark = match check.result {
        Result::Passed => 'x',
        Result::Warning => '!',
        Result::Stops => ' ',
        Result::NotAsked => '-',
    };
    let mut text = format!("  [{mark}] {}\n", check.title);
    for finding in &check.findings {
        let first = finding.message.lines().next().unwrap_or_default();
        text += &format!("      {}: {first}\n", finding.id);
    }
    text
}

fn checks(checked: &Checked, resumed: bool, offline: bool) -> Vec<Check> {
    let known = |id: &str| CHECKS.iter().any(|(_, ids)| ids.contains(&id));
    let mut all = Vec::new();
    for (title, ids) in CHECKS {
        if resumed && ![LOGINS, TOOLS].contains(title) || offline && ids.contains(&"advisories") {
            continue;
        }
        let mine = |f: &&Finding| ids.contains(&f.id) || ids.is_empty() && !known(f.id);
        let findings: Vec<Finding> = checked.findings.iter().filter(mine).cloned().collect();
        let result = match findings.iter().map(|f| f.stops()).max() {
            None if *title == FORGE && checked.forge.is_err() => Result::NotAsked,
            None => Result::Passed,
            Some(false) => Result::Warning,
            Some(true) => Result::Stops,
        };
        let (Ok(forge) | Err(forge)) = &checked.forge;
        let title = if *title == FORGE { forge } else { *title }.to_string();
        all.push(Check { title, result, findings });
    }
    all
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
            checks(&checked, resumed, offline).iter().map(|one| line(one).trim().to_string()).collect()
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
        let lines: Vec<String> = checks(&unasked, false, false).iter().map(line).collect();
        assert!(lines.contains(&"  [-] CI not asked: no token\n".to_string()), "{lines:?}");
        let resumed = ["[ ] logins are there, and accepted\n      credentials: no token"];
        assert_eq!(shown(true, true), [resumed[0], "[x] pinned tools are installed"]);
    }
}
