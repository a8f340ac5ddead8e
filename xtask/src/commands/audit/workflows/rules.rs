//! The rules for one workflow file on one forge. Pure: what was asked of the outside is in [`Facts`].

use super::forges::{self, PYPI_ACTION};
use super::pin;
use crate::finding::{Finding, Level};
use crate::model::workflow::node::Node;
use crate::model::workflow::{Trigger, Workflow, code_lines, matches, secrets};
use crate::model::workspace::ForgeKind;
use std::collections::BTreeSet;

/// What is known of the repository.
pub(super) struct Facts {
    pub kind: ForgeKind,
    /// The branches on the remote. None if it was not asked.
    pub branches: Option<BTreeSet<String>>,
    /// The names of the secrets that jobs can use. None if the forge was not asked.
    pub secrets: Option<BTreeSet<String>>,
}

/// Every forge sets these.
const AUTOMATIC: &[&str] = &["GITHUB_TOKEN", "GITEA_TOKEN"];

pub(super) const FIX: &str = "cargo xtask audit --fix";

pub(super) fn findings(path: &str, text: &str, facts: &Facts) -> Vec<Finding> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let workflow = match Workflow::read(file, text) {
        Ok(workflow) => workflow,
        Err((why, line)) => return vec![unreadable(path, &why, line, facts.kind)],
    };
    let mut found = triggers(&workflow, facts);
    found.extend(needs(&workflow));
    found.extend(keys(&workflow, facts));
    found.extend(conditions(text, facts));
    found.extend(ref_names(text, facts));
    found.extend(missing_secrets(text, &workflow, facts));
    found.extend(workflow.jobs.iter().flat_map(|job| actions(&job.node, job.steps(), facts)));
    found.sort_by_key(|(line, _)| *line);
    found.into_iter().map(|(line, finding)| finding.place(format!("{path}:{line}"))).collect()
}

type Found = (usize, Finding);

fn unreadable(path: &str, why: &str, line: usize, kind: ForgeKind) -> Finding {
    let silent = match kind {
        ForgeKind::Github => "GitHub refuses the file",
        ForgeKind::Gitea => "Gitea starts no run, and does not report the problem",
    };
    Finding::new("workflow-unreadable", Level::Error, format!("{silent}: {}", why.trim()))
        .place(format!("{path}:{line}"))
        .help("correct it there")
}

/// The events whose branches are those of this repository.
const WITH_BRANCHES: &[&str] = &["push", "pull_request", "pull_request_target"];

/// The branches of the filter that are not on the remote. A pattern may match a branch of tomorrow.
pub(super) fn dead_branches<'a>(trigger: &'a Trigger, facts: &Facts) -> Vec<(&'a str, usize)> {
    let Some(branches) = facts.branches.as_ref().filter(|_| WITH_BRANCHES.contains(&trigger.event.as_str()))
    else {
        return Vec::new();
    };
    let plain = |name: &str| !name.contains(['*', '?', '[', '+', '!', '$']);
    let mut named = trigger.filter("branches");
    named.retain(|(name, _)| plain(name) && !branches.contains(*name));
    named
}

/// Can the trigger still fire, with the branches that exist?
fn alive(trigger: &Trigger, facts: &Facts) -> bool {
    let all = trigger.filter("branches");
    let only_dead = !all.is_empty() && dead_branches(trigger, facts).len() == all.len();
    forges::never(facts.kind, trigger).is_none() && (!only_dead || !trigger.filter("tags").is_empty())
}

fn triggers(workflow: &Workflow, facts: &Facts) -> Vec<Found> {
    let nothing_left = !workflow.triggers.iter().any(|trigger| alive(trigger, facts));
    let level = if nothing_left { Level::Error } else { Level::Warning };
    let so = if nothing_left { "; nothing else starts this workflow" } else { "" };
    // Only a person knows what should start it instead.
    let help =
        if nothing_left { "name an event or a branch that exists, or delete the workflow" } else { FIX };
    let mut found = Vec::new();
    for trigger in &workflow.triggers {
        let event = &trigger.event;
        if let Some(why) = forges::never(facts.kind, trigger) {
            let message = format!("`{event}` never starts it: {why}{so}");
            found.push((trigger.line, Finding::new("trigger-never", level, message).help(help)));
        }
        for (branch, line) in dead_branches(trigger, facts) {
            let message = format!("`{event}` of the branch {branch}: the remote has no such branch{so}");
            found.push((line, Finding::new("trigger-never", level, message).help(help)));
        }
    }
    found
}

fn needs(workflow: &Workflow) -> Vec<Found> {
    let known: Vec<&str> = workflow.jobs.iter().map(|job| job.id.as_str()).collect();
    let mut found = Vec::new();
    for job in &workflow.jobs {
        for (needed, line) in job.needs().into_iter().filter(|(needed, _)| !known.contains(needed)) {
            let near = crate::model::workspace::nearest(needed, &known);
            let near = near.map_or("remove it".to_string(), |near| format!("did you mean {near}?"));
            let message = format!("the job {} needs {needed}, which does not exist: it never starts", job.id);
            found.push((line, Finding::new("workflow-needs", Level::Error, message).help(near)));
        }
    }
    found
}

fn keys(workflow: &Workflow, facts: &Facts) -> Vec<Found> {
    let mut found = Vec::new();
    for job in &workflow.jobs {
        for ignored in forges::ignored(facts.kind, job) {
            let message = format!("`{}` of the job {} has no effect: {}", ignored.key, job.id, ignored.why);
            // Without the others the workflow would mean something else.
            let help =
                if ignored.key == "environment" { FIX } else { "remove it, so that nobody relies on it" };
            found.push((ignored.line, Finding::new("key-ignored", ignored.level, message).help(help)));
        }
    }
    if facts.kind == ForgeKind::Gitea {
        for line in forges::oidc(workflow) {
            let message = "`id-token: write` has no effect: Gitea gives jobs no OIDC token, so trusted \
                           publishing and signing fail";
            let help = format!("{FIX}, and publish with a token");
            found.push((line, Finding::new("oidc-missing", Level::Warning, message).help(help)));
        }
    }
    found
}

/// Conditions for a branch that is not on the remote: `github.ref == 'refs/heads/main'`.
fn conditions(text: &str, facts: &Facts) -> Vec<Found> {
    let Some(branches) = &facts.branches else { return Vec::new() };
    let named = code_lines(text).flat_map(|(line, code)| {
        let after = code.split("refs/heads/").skip(1);
        after.filter_map(move |rest| Some((line, rest.split_once(['\'', '"'])?.0)))
    });
    // `refs/heads/hotfix/` is the beginning of a name.
    let gone = named.filter(|(_, branch)| {
        !branch.is_empty() && !branch.ends_with(['/', '*']) && !branches.contains(*branch)
    });
    let found = gone.map(|(line, branch)| {
        let message = format!("a condition is for the branch {branch}: the remote has no such branch");
        let help = "name a branch that exists";
        (line, Finding::new("trigger-never", Level::Warning, message).help(help))
    });
    found.collect()
}

/// `github.ref_name`, which in a pull request's job is not a branch either.
fn ref_names(text: &str, facts: &Facts) -> Vec<Found> {
    if facts.kind == ForgeKind::Github {
        return Vec::new();
    }
    let uses = |code: &str| code.contains("github.ref_name") || code.contains("GITHUB_REF_NAME");
    let lines = code_lines(text).filter(|(_, code)| uses(code));
    let found = lines.map(|(line, _)| {
        let message = "`github.ref_name` is not set by every Gitea, and is a number in a pull request's job";
        let help = format!("{FIX}, which writes ${{GITHUB_REF#refs/*/}} in scripts");
        (line, Finding::new("ref-name", Level::Warning, message).help(help))
    });
    found.collect()
}

fn missing_secrets(text: &str, workflow: &Workflow, facts: &Facts) -> Vec<Found> {
    let Some(set) = &facts.secrets else { return Vec::new() };
    let mut found: Vec<Found> = Vec::new();
    let mut named = BTreeSet::new();
    for job in &workflow.jobs {
        for (name, line) in secrets(text, job.lines) {
            if set.contains(&name) || AUTOMATIC.contains(&name.as_str()) || !named.insert(name.clone()) {
                continue;
            }
            let message = format!("the job {} needs the secret {name}, which nobody has set", job.id);
            let help = match facts.kind {
                ForgeKind::Github => format!("gh secret set {name}"),
                ForgeKind::Gitea => format!("add {name} in the repository's settings, Actions, Secrets"),
            };
            found.push((line, Finding::new("secret-unset", Level::Warning, message).help(help)));
        }
    }
    found
}

/// The steps of a job or of an action.
pub(super) fn actions(job: &Node, steps: &[Node], facts: &Facts) -> Vec<Found> {
    let called = job.get("uses").into_iter();
    let used = called.chain(steps.iter().filter_map(|step| step.get("uses")));
    let mut found = Vec::new();
    for (uses, line) in used.filter_map(|node| Some((node.text()?, node.line))) {
        if !forges::pinned(uses) {
            let message =
                format!("{uses} is not pinned: whoever can move that tag or branch can run code in this job");
            let action = forges::action(uses);
            let help = match pin::can_be_asked(uses) {
                true => format!("{FIX}, which asks its repository for the commit"),
                false => format!("write {action}@ and the digest or commit"),
            };
            found.push((line, Finding::new("action-unpinned", Level::Warning, message).help(help)));
        }
        if facts.kind == ForgeKind::Gitea && forges::only_signs(uses) {
            let message = format!("{uses} needs an OIDC token, which Gitea does not give");
            found.push((line, Finding::new("oidc-missing", Level::Error, message).help(FIX)));
        }
    }
    for step in steps.iter().filter(|step| publishes_by_oidc(step) && facts.kind == ForgeKind::Gitea) {
        let message = format!("{PYPI_ACTION} publishes with an OIDC token, which Gitea does not give");
        let help = format!("{FIX}, and set the secret PYPI_TOKEN");
        let line = step.get("uses").map_or(step.line, |uses| uses.line);
        found.push((line, Finding::new("oidc-missing", Level::Error, message).help(help)));
    }
    found
}

pub(super) fn publishes_by_oidc(step: &Node) -> bool {
    let uses = step.get("uses").and_then(Node::text).unwrap_or_default();
    let password = step.get("with").and_then(|with| with.get("password"));
    forges::action(uses) == PYPI_ACTION && password.is_none()
}

/// Required checks that none of these workflows reports for pull requests. `reported` are the checks that
/// were seen on commits, which others may report.
pub(super) fn never_reported(
    required: &[String],
    workflows: &[&Workflow],
    reported: &[String],
    kind: ForgeKind,
) -> Vec<(String, Option<String>)> {
    let checks: Vec<String> = workflows.iter().flat_map(|workflow| workflow.checks(kind)).collect();
    let meets = |required: &str, check: &str| match kind {
        ForgeKind::Github => required == check || loose(check, required),
        ForgeKind::Gitea => loose(required, check) || loose(check, required),
    };
    let missing = required.iter().filter(|name| {
        !checks.iter().any(|check| meets(name, check)) && !reported.iter().any(|check| meets(name, check))
    });
    let meant = |name: &str| {
        let middle = format!(" / {name} (");
        checks.iter().find(|check| check.contains(&middle)).cloned()
    };
    missing.map(|name| (name.clone(), meant(name))).collect()
}

/// A name in which `*` is anything, slashes too.
fn loose(pattern: &str, name: &str) -> bool {
    pattern.contains('*') && glob::Pattern::new(pattern).is_ok_and(|p| p.matches(name))
        || matches(pattern, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(kind: ForgeKind) -> Facts {
        let set = |names: &[&str]| Some(names.iter().map(|name| name.to_string()).collect());
        Facts { kind, branches: set(&["main", "dev"]), secrets: set(&["SET"]) }
    }

    /// `id line level`, for each finding.
    fn found(text: &str, kind: ForgeKind) -> String {
        let lines = findings("w/ci.yml", text, &facts(kind)).into_iter().map(|f| {
            let line = f.place.unwrap().rsplit(':').next().unwrap().to_string();
            format!("{} {line} {:?}", f.id, f.level)
        });
        lines.collect::<Vec<_>>().join(", ")
    }

    const SHA: &str = "34e114876b0b11c390a56381ad16ebd13914f8d5";

    #[test]
    fn each_rule_on_each_forge() {
        let job = "\njobs:\n  a:\n    runs-on: x\n";
        let on = |on: &str| format!("on: {on}{job}");
        let with = |more: &str| format!("on: push{job}{more}");
        let step = |step: &str| with(&format!("    steps:\n      - uses: {step}\n"));
        for (text, github, gitea) in [
            (on("push"), "", ""),
            (on("[push, merge_group]"), "", "trigger-never 1 Warning"),
            (on("merge_group"), "", "trigger-never 1 Error"),
            (on("[repository_dispatch, push]"), "", "trigger-never 1 Warning"),
            (on("[pull_request_comment, push]"), "trigger-never 1 Warning", ""),
            (on("pus"), "trigger-never 1 Error", "trigger-never 1 Error"),
            (on("{ release: { types: [published] } }"), "", ""),
            (on("{ release: { types: [created] } }"), "", "trigger-never 1 Error"),
            (
                on("{ push: { branches: [main, gone] } }"),
                "trigger-never 1 Warning",
                "trigger-never 1 Warning",
            ),
            (on("{ push: { branches: [gone] } }"), "trigger-never 1 Error", "trigger-never 1 Error"),
            (
                on("{ push: { branches: gone, tags: ['v*'] } }"),
                "trigger-never 1 Warning",
                "trigger-never 1 Warning",
            ),
            (on("{ push: { branches: ['hotfix/*', '!x'] } }"), "", ""),
            (on("{ push: { branches-ignore: [gone] } }"), "", ""),
            (on("{ workflow_run: { branches: [gone], workflows: [x] } }"), "", ""),
            (with("    if: github.ref == 'refs/heads/main'\n"), "", ""),
            (with("    if: startsWith(github.ref, 'refs/heads/hotfix/')\n"), "", ""),
            (with("    # 'refs/heads/gone'\n"), "", ""),
            (
                with("    if: github.ref == 'refs/heads/main' || github.ref == 'refs/heads/gone'\n"),
                "trigger-never 5 Warning",
                "trigger-never 5 Warning",
            ),
            (with("    needs: [b]\n"), "workflow-needs 5 Error", "workflow-needs 5 Error"),
            (with("    environment: release\n"), "", "key-ignored 5 Warning"),
            (with("    timeout-minutes: 5\n"), "", "key-ignored 5 Info"),
            (with("    continue-on-error: true\n"), "", "key-ignored 5 Warning"),
            (with("    permissions:\n      id-token: write\n"), "", "oidc-missing 6 Warning"),
            (with("    permissions:\n      id-token: none\n"), "", ""),
            (with("    steps:\n      - run: echo $GITHUB_REF_NAME\n"), "", "ref-name 6 Warning"),
            (with("    # github.ref_name\n"), "", ""),
            (with("    env: { A: '${{ secrets.SET }}' }\n"), "", ""),
            (with("    env: { A: '${{ secrets.GITHUB_TOKEN }}' }\n"), "", ""),
            (
                with("    env: { A: '${{ secrets.NO }}' }\n"),
                "secret-unset 5 Warning",
                "secret-unset 5 Warning",
            ),
            (step(&format!("a/b@{SHA}")), "", ""),
            (step("./local"), "", ""),
            (step("docker://x@sha256:1"), "", ""),
            (step("a/b@v4"), "action-unpinned 6 Warning", "action-unpinned 6 Warning"),
            (step("a/b"), "action-unpinned 6 Warning", "action-unpinned 6 Warning"),
            (step(&format!("actions/attest@{SHA}")), "", "oidc-missing 6 Error"),
            (step(&format!("{PYPI_ACTION}@{SHA}")), "", "oidc-missing 6 Error"),
            (step(&format!("{PYPI_ACTION}@{SHA}\n        with: {{ password: x }}")), "", ""),
            (
                "on: push\njobs: {}\n".to_string(),
                "workflow-unreadable 1 Error",
                "workflow-unreadable 1 Error",
            ),
            ("on: [push\n".to_string(), "workflow-unreadable 1 Error", "workflow-unreadable 1 Error"),
        ] {
            assert_eq!(found(&text, ForgeKind::Github), github, "GitHub: {text}");
            assert_eq!(found(&text, ForgeKind::Gitea), gitea, "Gitea: {text}");
        }
    }

    #[test]
    fn what_was_not_asked_is_not_found() {
        let facts = Facts { kind: ForgeKind::Gitea, branches: None, secrets: None };
        let text = "on: { push: { branches: [gone] } }\njobs:\n  a: { runs-on: x, \
                    if: github.ref == 'refs/heads/gone', env: { A: '${{ secrets.NO }}' } }\n";
        assert!(findings("ci.yml", text, &facts).is_empty());
    }

    #[test]
    fn a_required_check_must_have_the_name_that_the_forge_reports() {
        let text = "name: ci\non: pull_request\njobs:\n  lint: { runs-on: x }\n  \
                    many: { runs-on: x, strategy: { matrix: { os: [a] } } }\n";
        let workflow = Workflow::read("ci.yml", text).unwrap();
        let (github, gitea) = (ForgeKind::Github, ForgeKind::Gitea);
        let reported = ["other/check".to_string()];
        for (kind, required, expected) in [
            (github, "lint", None),
            (github, "many (a)", None),
            (github, "other/check", None),
            (github, "ci / lint", Some(None)),
            (gitea, "ci / lint (pull_request)", None),
            (gitea, "ci / many (a) (pull_request)", None),
            (gitea, "ci / *", None),
            (gitea, "*", None),
            (gitea, "lint", Some(Some("ci / lint (pull_request)"))),
            (gitea, "ci / lint (push)", Some(None)),
            (gitea, "tests", Some(None)),
        ] {
            let found = never_reported(&[required.to_string()], &[&workflow], &reported, kind);
            let meant = found.first().map(|(_, meant)| meant.as_deref());
            assert_eq!(meant, expected, "{kind:?} {required}");
        }
    }
}
