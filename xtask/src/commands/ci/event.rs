//! The event that a forge runs a job for. GitHub and Gitea hand it over in the same variables and the same
//! JSON file: docs.github.com, "Variables reference" and "Webhook events and payloads". Names in it are
//! chosen by whoever pushes.

use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use anyhow::Result;
use serde::Deserialize;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Push {
        branch: String,
        /// What the branch was before; None where it is new, or nobody says.
        before: Option<String>,
    },
    PullRequest {
        head: String,
        base: String,
        /// None: nobody says which labels it has.
        labels: Option<Vec<String>>,
        /// None: nobody says its title.
        squash: Option<Squash>,
    },
    /// One that no job is for, and why.
    Other(String),
}

/// What will be left of a pull request's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Squash {
    pub title: String,
    pub keeps: Keeps,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Nothing else is sure: Gitea's API (1.26), GitHub's "BLANK", and wherever nobody says.
    Title,
    /// With this text.
    Description(String),
    /// The messages of its commits, where it has several. One commit gives its text, and with `own_title` its
    /// subject too.
    Commits { own_title: bool },
}

impl Event {
    /// With labels that a person names beside those of the forge.
    pub fn with_labels(self, more: &[String]) -> Result<Event> {
        match self {
            event if more.is_empty() => Ok(event),
            Event::PullRequest { head, base, labels, squash } => {
                let labels = labels.into_iter().flatten().chain(more.iter().cloned()).collect();
                Ok(Event::PullRequest { head, base, labels: Some(labels), squash })
            }
            other => {
                Err(Exit::Usage(format!("--label is for pull requests, and this is none: {other}")).into())
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

/// The part of the event's JSON that counts.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Payload {
    before: Option<String>,
    deleted: Option<bool>,
    merge_group: Option<MergeGroup>,
    pull_request: Option<PullRequest>,
}

#[derive(Deserialize)]
struct PullRequest {
    /// Gitea writes null where there is none; without the key nobody says.
    #[serde(default, deserialize_with = "null_is_none_of_them")]
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

/// GitHub's settings of a repository for squash merges (REST API, "Update a repository"); Gitea has none.
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

fn null_is_none_of_them<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Label>>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

#[derive(Deserialize)]
struct MergeGroup {
    base_ref: String,
}

/// A variable of the job; an empty one counts as missing, as the forges set them.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

pub fn from_forge(variable: &dyn Fn(&str) -> Option<String>) -> Result<Event> {
    let Some(name) = variable("GITHUB_EVENT_NAME") else {
        let how = "cargo xtask ci lint --event pull_request --base development\n  cargo xtask ci image --event push --ref BRANCH";
        return Err(Exit::Usage(format!(
            "no forge runs this job (GITHUB_EVENT_NAME is not set); by hand:\n  {how}"
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
        // Started by a person or by the clock: as if the branch had just been pushed.
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
            let why = "pull_request_target runs with the repository's secrets on what a stranger proposes; use pull_request";
            Err(Exit::Usage(why.into()).into())
        }
        other => Ok(Event::Other(format!("no job is for the event {other:?}"))),
    }
}

/// `--event`, `--ref` and `--base`.
pub fn by_hand(ctx: &Ctx, name: &str, reference: Option<&str>, base: Option<&str>) -> Result<Event> {
    let here = || -> Result<String> {
        match (reference, ctx.git.branch()?) {
            (Some(reference), _) => Ok(reference.to_string()),
            (None, Some(branch)) => Ok(branch),
            (None, None) => {
                Err(Exit::Usage("HEAD is on no branch: say which one is meant with --ref".into()).into())
            }
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
        other => Err(Exit::Usage(format!("--event {other:?}: there are push and pull_request")).into()),
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

/// A commit's full name; None for the zeros that stand for "there was none", and for anything else.
fn commit(text: &str) -> Option<String> {
    let hex = (text.len() == 40 || text.len() == 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    (hex && text.bytes().any(|b| b != b'0')).then(|| text.to_ascii_lowercase())
}

/// The name without refs/heads/, refused where git would (git-check-ref-format(1)) or where it could be taken
/// for an option.
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
        return Err(Exit::Usage(format!("{name:?} is not the name of a branch")).into());
    }
    Ok(name.to_string())
}

fn payload(variable: &dyn Fn(&str) -> Option<String>) -> Result<Payload> {
    let Some(path) = variable("GITHUB_EVENT_PATH") else { return Ok(Payload::default()) };
    let usage = |why: String| {
        anyhow::Error::from(Exit::Usage(format!("the event's file {path} (GITHUB_EVENT_PATH) {why}")))
    };
    let text = std::fs::read_to_string(&path).map_err(|e| usage(format!("can't be read: {e}")))?;
    // serde would take an array for a struct.
    let object = serde_json::from_str::<serde_json::Map<_, _>>(&text).map(serde_json::Value::Object);
    object.and_then(serde_json::from_value).map_err(|e| usage(format!("is not an event: {e}")))
}

#[cfg(test)]
mod tests;
