//! The event that a forge runs a job for. GitHub and Gitea pass it in the same variables and the same JSON
//! file: docs.github.com, "Variables reference" and "Webhook events and payloads". Branch names and titles in
//! it are untrusted input: anybody who opens a pull request chooses them.

use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use anyhow::Result;
use serde::Deserialize;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Push {
        branch: String,
        /// The commit of the branch before the push. None if the branch is new, or if it is not known.
        before: Option<String>,
    },
    PullRequest {
        head: String,
        base: String,
        /// None if the labels are not known.
        labels: Option<Vec<String>>,
        /// None if the title is not known.
        squash: Option<Squash>,
    },
    /// An event for which no job has work, with the reason.
    Other(String),
}

/// The text of a pull request that a squash merge keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Squash {
    pub title: String,
    pub keeps: Keeps,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Only the title is certain to be kept: Gitea's API (1.26), GitHub's "BLANK", and unknown settings.
    Title,
    /// The title and this description.
    Description(String),
    /// The title and the messages of the commits, if there are several. Of a single commit the body is kept;
    /// with `own_title` its subject replaces the title.
    Commits { own_title: bool },
}

impl Event {
    /// Adds the labels of `--label` to those that the forge reports.
    pub(super) fn with_labels(self, more: &[String]) -> Result<Event> {
        match self {
            event if more.is_empty() => Ok(event),
            Event::PullRequest { head, base, labels, squash } => {
                let labels = labels.into_iter().flatten().chain(more.iter().cloned()).collect();
                Ok(Event::PullRequest { head, base, labels: Some(labels), squash })
            }
            other => {
                Err(Exit::Usage(format!("--label is for pull requests, but this event is: {other}")).into())
            }
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Push { branch, .. } => write!(f, "push to {branch}"),
            Event::PullRequest { head, base, .. } => write!(f, "pull request from {head} into {base}"),
            Event::Other(why) => f.write_str(why),
        }
    }
}

/// The keys of the event's JSON that are used.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Payload {
    before: Option<String>,
    deleted: Option<bool>,
    merge_group: Option<MergeGroup>,
    pull_request: Option<PullRequest>,
    /// The pull request's number.
    number: Option<u64>,
}

#[derive(Deserialize)]
struct PullRequest {
    /// Gitea writes null for an empty list. None if the key is missing.
    #[serde(default, deserialize_with = "null_is_empty")]
    labels: Option<Vec<Label>>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    base: Base,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Base {
    repo: Repository,
}

/// GitHub's settings of a repository for squash merges (REST API, "Update a repository"). Gitea does not send
/// them.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Repository {
    squash_merge_commit_title: Option<String>,
    squash_merge_commit_message: Option<String>,
}

impl PullRequest {
    fn squash(self) -> Option<Squash> {
        let Repository { squash_merge_commit_title: own_title, squash_merge_commit_message: message } =
            self.base.repo;
        let keeps = match message.as_deref() {
            Some("COMMIT_MESSAGES") => {
                Keeps::Commits { own_title: own_title.as_deref() == Some("COMMIT_OR_PR_TITLE") }
            }
            Some("PR_BODY") => Keeps::Description(self.body.unwrap_or_default()),
            _ => Keeps::Title,
        };
        Some(Squash { title: self.title?, keeps })
    }
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Label>>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

#[derive(Deserialize)]
struct MergeGroup {
    base_ref: String,
}

/// A variable of the job. An empty one counts as missing, because the forges set unused variables to "".
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

pub(super) fn from_forge(variable: &dyn Fn(&str) -> Option<String>) -> Result<Event> {
    let Some(name) = variable("GITHUB_EVENT_NAME") else {
        let how = "cargo xtask ci lint --event pull_request --base development\n  \
                   cargo xtask ci image --event push --ref BRANCH";
        return Err(Exit::Usage(format!(
            "no forge runs this job (GITHUB_EVENT_NAME is not set); to run it by hand:\n  {how}"
        ))
        .into());
    };
    let needed = |key: &str| {
        variable(key).ok_or_else(|| {
            anyhow::Error::from(Exit::Usage(format!("{key} is not set, though the event is {name}")))
        })
    };
    match name.as_str() {
        "push" => pushed(&needed("GITHUB_REF")?, &payload(variable)?),
        // A run started by hand or by a schedule: handle it like a push of the branch.
        "workflow_dispatch" | "schedule" => pushed(&needed("GITHUB_REF")?, &Payload::default()),
        "pull_request" => {
            let mut pull = payload(variable)?.pull_request;
            let labels = pull.as_mut().and_then(|pull| pull.labels.take());
            Ok(Event::PullRequest {
                head: branch(&needed("GITHUB_HEAD_REF")?)?,
                base: branch(&needed("GITHUB_BASE_REF")?)?,
                labels: labels.map(|list| list.into_iter().map(|label| label.name).collect()),
                squash: pull.and_then(PullRequest::squash),
            })
        }
        "merge_group" => match payload(variable)?.merge_group {
            Some(group) => Ok(Event::PullRequest {
                head: branch(&needed("GITHUB_REF")?)?,
                base: branch(&group.base_ref)?,
                labels: None,
                squash: None,
            }),
            None => Err(Exit::Usage("the event's JSON has no merge_group.base_ref".into()).into()),
        },
        "pull_request_target" => {
            let why = "pull_request_target runs code of the pull request with the repository's secrets; use \
                       pull_request";
            Err(Exit::Usage(why.into()).into())
        }
        other => Ok(Event::Other(format!("no job handles the event {other:?}"))),
    }
}

/// The number of the pull request that the job runs for. None for other events.
pub(super) fn number(variable: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let of_pull = variable("GITHUB_EVENT_NAME").is_some_and(|name| name == "pull_request");
    payload(variable).ok().filter(|_| of_pull)?.number
}

/// `--event`, `--ref` and `--base`.
pub(super) fn by_hand(ctx: &Ctx, name: &str, reference: Option<&str>, base: Option<&str>) -> Result<Event> {
    let here = || -> Result<String> {
        match (reference, ctx.git.branch()?) {
            (Some(reference), _) => Ok(reference.to_string()),
            (None, Some(branch)) => Ok(branch),
            (None, None) => Err(Exit::Usage("HEAD is detached: name the branch with --ref".into()).into()),
        }
    };
    match name {
        "push" => pushed(&here()?, &Payload::default()),
        "pull_request" => Ok(Event::PullRequest {
            head: branch(&here()?)?,
            base: branch(base.unwrap_or(&ctx.ws.settings.development))?,
            labels: None,
            squash: None,
        }),
        other => Err(Exit::Usage(format!("--event {other:?} must be push or pull_request")).into()),
    }
}

fn pushed(reference: &str, payload: &Payload) -> Result<Event> {
    if payload.deleted == Some(true) {
        return Ok(Event::Other(format!("{reference:?} was deleted")));
    }
    if reference.starts_with("refs/") && !reference.starts_with("refs/heads/") {
        return Ok(Event::Other(format!("{reference:?} is not a branch")));
    }
    Ok(Event::Push { branch: branch(reference)?, before: payload.before.as_deref().and_then(commit) })
}

/// A full commit id. None for the id of zeros, which means that there was no commit, and for any other text.
fn commit(text: &str) -> Option<String> {
    let hex = (text.len() == 40 || text.len() == 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    (hex && text.bytes().any(|b| b != b'0')).then(|| text.to_ascii_lowercase())
}

/// The branch's name without refs/heads/. An error for a name that git does not allow
/// (git-check-ref-format(1)) or that starts like an option.
fn branch(reference: &str) -> Result<String> {
    let name = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    let odd = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let parts =
        name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"));
    if name.is_empty()
        || name.starts_with('-')
        || name.contains(odd)
        || name.contains("..")
        || name.contains("@{")
        || name.ends_with('.')
        || !parts
    {
        return Err(Exit::Usage(format!("{name:?} is not a valid branch name")).into());
    }
    Ok(name.to_string())
}

fn payload(variable: &dyn Fn(&str) -> Option<String>) -> Result<Payload> {
    let Some(path) = variable("GITHUB_EVENT_PATH") else { return Ok(Payload::default()) };
    let usage = |why: String| {
        anyhow::Error::from(Exit::Usage(format!("the event's file {path} (GITHUB_EVENT_PATH) {why}")))
    };
    let text = std::fs::read_to_string(&path).map_err(|e| usage(format!("cannot be read: {e}")))?;
    // serde also deserializes a struct from a JSON array, so check for an object first.
    let object = serde_json::from_str::<serde_json::Map<_, _>>(&text).map(serde_json::Value::Object);
    object.and_then(serde_json::from_value).map_err(|e| usage(format!("is not an event: {e}")))
}

#[cfg(test)]
mod tests;
