//! What GitHub and Gitea (1.26) know of a workflow file: events, and keys without effect. Gitea's were seen
//! on a running one and in its source; GitHub's are from its documentation of workflow triggers.

use crate::finding::Level;
use crate::model::workflow::{Job, Trigger, Workflow};
use crate::model::workspace::ForgeKind;

const BOTH: &[&str] = &[
    "create",
    "delete",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "schedule",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
];

const GITHUB: &[&str] = &[
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "image_version",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "public",
    "repository_dispatch",
    "status",
    "watch",
];

const GITEA: &[&str] = &["pull_request_comment"];

/// The types of `release` that Gitea sends.
const GITEA_RELEASE: &[&str] = &["published", "edited", "deleted"];

/// Why this forge never sends the event. None if it does.
pub(super) fn never(kind: ForgeKind, trigger: &Trigger) -> Option<String> {
    let event = trigger.event.as_str();
    let own = match kind {
        ForgeKind::Github => GITHUB,
        ForgeKind::Gitea => GITEA,
    };
    if !BOTH.contains(&event) && !own.contains(&event) {
        return Some(match event {
            "merge_group" => "Gitea has no merge queue".to_string(),
            _ => format!("{} has no such event", kind.name()),
        });
    }
    let types = trigger.filter("types");
    if kind == ForgeKind::Gitea && event == "release" && !types.is_empty() {
        let sent = types.iter().any(|(one, _)| GITEA_RELEASE.contains(one));
        return (!sent)
            .then(|| format!("Gitea sends only the types {} of this event", GITEA_RELEASE.join(", ")));
    }
    None
}

/// A key that the forge ignores without a word: its name, its line, what that means.
pub(super) struct Ignored {
    pub key: &'static str,
    pub line: usize,
    pub level: Level,
    pub why: &'static str,
}

/// The keys of a job that have no effect.
pub(super) fn ignored(kind: ForgeKind, job: &Job) -> Vec<Ignored> {
    if kind == ForgeKind::Github {
        return Vec::new();
    }
    let known = [
        ("environment", Level::Warning, "its secrets and its protection do not exist on Gitea"),
        ("continue-on-error", Level::Warning, "on Gitea the run still fails"),
        ("timeout-minutes", Level::Info, "the limit of Gitea's runner applies"),
    ];
    let found = known.into_iter().filter_map(|(key, level, why)| {
        let (at, _) = job.node.entry(key)?;
        Some(Ignored { key, line: at.line, level, why })
    });
    found.collect()
}

/// The lines of the permission to ask for OIDC tokens, of the workflow and of its jobs.
pub(super) fn oidc(workflow: &Workflow) -> Vec<usize> {
    let nodes = std::iter::once(&workflow.root).chain(workflow.jobs.iter().map(|job| &job.node));
    let permission = |node: &crate::model::workflow::node::Node| {
        let (key, value) = node.get("permissions")?.entry("id-token")?;
        (value.text() == Some("write")).then_some(key.line)
    };
    nodes.filter_map(permission).collect()
}

/// An action without its reference: `pypa/gh-action-pypi-publish`.
pub(super) fn action(uses: &str) -> &str {
    uses.split('@').next().unwrap_or(uses)
}

/// Is it named by a commit or a digest, or a part of this repository?
pub(super) fn pinned(uses: &str) -> bool {
    if uses.starts_with("./") {
        return true;
    }
    let reference = uses.rsplit_once('@').map_or("", |(_, reference)| reference);
    reference.starts_with("sha256:")
        || (reference.len() == 40 && reference.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Actions that do nothing without an OIDC token.
pub(super) fn only_signs(uses: &str) -> bool {
    ["actions/attest", "actions/attest-build-provenance", "actions/attest-sbom"].contains(&action(uses))
}

/// The action that publishes to PyPI, by OIDC unless it has a password.
pub(super) const PYPI_ACTION: &str = "pypa/gh-action-pypi-publish";
