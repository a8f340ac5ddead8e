//! What the forge says before a release: what CI found out about the commit, which open issues stop a
//! release, and whether the token may write the release page.

use crate::commands::release::Release;
use crate::finding::{Finding, Level};
use crate::forge::{Check, Forge, Issue, Outcome};
use crate::model::workflow;
use crate::sys::git::short;
use crate::sys::ui::report::plural;
use anyhow::Result;

/// Open issues with this label stop a release. A label with an app's name limits one to that app.
const BLOCKER: &str = "release-blocker";

/// Asks about a commit that has no tag yet. Returns the findings, and what was seen, in words; an error says
/// why the forge was not asked.
pub(super) fn findings(release: &Release) -> Result<(Vec<Finding>, Result<String, String>)> {
    let forge = match Forge::connect(release.ctx)? {
        Ok(forge) => forge,
        Err(reason) => {
            return Ok((Vec::new(), Err(format!("CI and {BLOCKER} issues not checked: {reason}"))));
        }
    };
    let (mut findings, mut seen) = (Vec::new(), Vec::new());
    match ci(release, &forge) {
        Ok((found, text)) => {
            findings.extend(found);
            seen.push(text);
        }
        Err(error) => findings.push(unread("the CI results of the commit", &error)),
    }
    match forge.open_issues(BLOCKER) {
        Ok(issues) => {
            let found = blockers(release, &issues);
            if found.is_empty() {
                seen.push(format!("no open {BLOCKER}"));
            }
            findings.extend(found);
        }
        Err(error) => findings.push(unread(&format!("open issues with the label {BLOCKER}"), &error)),
    }
    Ok((findings, Ok(seen.join(", "))))
}

/// The reason for which the token may not write the release page, if the page is still to be written.
pub(super) fn cannot_write(release: &Release) -> Option<String> {
    if !["page-draft", "page"].iter().any(|step| release.open.contains(step)) {
        return None;
    }
    let forge = Forge::connect(release.ctx).ok()?.ok()?;
    forge.may_write_pages().err().map(|error| format!("{error:#}"))
}

fn unread(what: &str, error: &anyhow::Error) -> Finding {
    let message = format!("the forge could not be asked for {what}: {error:#}");
    Finding::new("forge-unread", Level::Warning, message).help("look at the forge's page before the release")
}

fn ci(release: &Release, forge: &Forge) -> Result<(Vec<Finding>, String)> {
    let commit = short(&release.commit);
    if release.branch.is_some() {
        return Ok((Vec::new(), format!("CI: {commit} is not pushed yet")));
    }
    let run = std::env::var("GITHUB_RUN_ID").ok().filter(|id| !id.is_empty());
    // A release that failed before its tag leaves a failed job, and is finished by running it again.
    let mut own = Vec::new();
    for (file, _) in workflow::of(&release.ctx.ws.root, forge.kind())? {
        for job in ["build", "release"] {
            own.extend(file.checks_running(forge.kind(), &format!("xtask ci {job}")));
        }
    }
    let mut checks = forge.checks(&release.commit)?;
    checks.retain(|check| !own.contains(&check.name) && !is_of_run(check, run.as_deref()));
    Ok(judged(&checks, commit, run.is_some()))
}

/// Both forges have the run's number in the address of a job: `…/actions/runs/12/job/34`.
fn is_of_run(check: &Check, run: Option<&str>) -> bool {
    run.is_some_and(|id| format!("{}/", check.url).contains(&format!("/actions/runs/{id}/")))
}

/// In a job nobody waits for other workflows, so a pending check is a warning there.
fn judged(checks: &[Check], commit: &str, in_job: bool) -> (Vec<Finding>, String) {
    let names = |wanted: fn(&Outcome) -> bool| -> Vec<String> {
        let these = checks.iter().filter(|check| wanted(&check.outcome));
        these
            .map(|check| match &check.outcome {
                Outcome::Failed(word) => format!("{} ({word})", check.name),
                _ => check.name.clone(),
            })
            .collect()
    };
    let failed = names(|outcome| matches!(outcome, Outcome::Failed(_)));
    let pending = names(|outcome| *outcome == Outcome::Pending);
    let mut findings = Vec::new();
    if !failed.is_empty() {
        let message = format!("CI failed for {commit}: {}", failed.join(", "));
        let help = "fix it, or run the job again if it failed by accident; then run the release again";
        findings.push(Finding::new("ci-failed", Level::Error, message).help(help));
    }
    if !pending.is_empty() {
        let level = if in_job { Level::Warning } else { Level::Error };
        let message = format!("CI is still running for {commit}: {}", pending.join(", "));
        let help = "wait until it has ended, then run the release again";
        findings.push(Finding::new("ci-pending", level, message).help(help));
    }
    let passed = checks.len() - failed.len() - pending.len();
    let seen = match (checks.len(), in_job) {
        (0, true) => format!("CI: no other run of {commit}"),
        (0, false) => format!("CI: nothing ran for {commit}"),
        (all, _) => format!("CI: {passed} of {} passed", plural(all, "check")),
    };
    (findings, seen)
}

fn blockers(release: &Release, issues: &[Issue]) -> Vec<Finding> {
    let app = release.app.name();
    let finding = |issue: &Issue| {
        let message = format!("#{} stops releases: {}", issue.number, issue.title);
        let help = format!("close it, or remove the label {BLOCKER} from it");
        Finding::new("release-blocker", Level::Error, message).place(&issue.html_url).help(help)
    };
    issues.iter().filter(|issue| stops(issue, app, &release.ctx.ws.names)).map(finding).collect()
}

/// An issue with names of apps as labels stops only these apps.
fn stops(issue: &Issue, app: &str, apps: &[String]) -> bool {
    issue.has(app) || !apps.iter().any(|name| issue.has(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, outcome: Outcome) -> Check {
        Check { name: name.into(), outcome, url: "/t/m/actions/runs/12/jobs/3".into() }
    }

    #[test]
    fn failed_and_pending_checks_are_named_and_an_absent_ci_is_said() {
        use Outcome::{Failed, Passed, Pending};
        let of = |outcomes: &[Outcome], in_job| {
            let checks: Vec<Check> =
                outcomes.iter().enumerate().map(|(at, one)| check(&format!("c{at}"), one.clone())).collect();
            let (findings, seen) = judged(&checks, "abc", in_job);
            let mut said: Vec<String> =
                findings.iter().map(|f| format!("{:?} {}", f.level, f.message)).collect();
            said.push(seen);
            said.join("; ")
        };
        for (outcomes, in_job, expected) in [
            (vec![], false, "CI: nothing ran for abc"),
            (vec![], true, "CI: no other run of abc"),
            (vec![Passed], false, "CI: 1 of 1 check passed"),
            (
                vec![Passed, Failed("failure".into()), Failed("timed_out".into())],
                true,
                "Error CI failed for abc: c1 (failure), c2 (timed_out); CI: 1 of 3 checks passed",
            ),
            (
                vec![Pending, Failed("error".into())],
                false,
                "Error CI failed for abc: c1 (error); Error CI is still running for abc: c0; \
                 CI: 0 of 2 checks passed",
            ),
            (vec![Pending], true, "Warning CI is still running for abc: c0; CI: 0 of 1 check passed"),
        ] {
            assert_eq!(of(&outcomes, in_job), expected);
        }
    }

    #[test]
    fn a_blocker_with_the_label_of_an_app_stops_that_app_only() {
        let apps = ["python", "ts"].map(str::to_string);
        for (labels, stopped) in [
            (vec![BLOCKER], vec!["python", "ts"]),
            (vec![BLOCKER, "ts"], vec!["ts"]),
            (vec!["python", BLOCKER], vec!["python"]),
            (vec![BLOCKER, "python", "ts"], vec!["python", "ts"]),
            (vec![BLOCKER, "tests", "bug"], vec!["python", "ts"]),
        ] {
            let labels: Vec<_> = labels.iter().map(|name| serde_json::json!({ "name": name })).collect();
            let issue = serde_json::json!({ "number": 1, "title": "x", "html_url": "", "labels": labels });
            let issue: Issue = serde_json::from_value(issue).unwrap();
            let found: Vec<&str> =
                apps.iter().map(String::as_str).filter(|app| stops(&issue, app, &apps)).collect();
            assert_eq!(found, stopped, "{issue:?}", issue = labels);
        }
    }

    #[test]
    fn the_jobs_of_the_own_run_do_not_count() {
        let one = check("x", Outcome::Pending);
        for (run, own) in [(Some("12"), true), (Some("1"), false), (Some("2"), false), (None, false)] {
            assert_eq!(is_of_run(&one, run), own, "{run:?}");
        }
    }
}
