//! Pull requests and their labels.

use super::{Forge, read};
use crate::model::workspace::ForgeKind;
use crate::sys::url::escape;
use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// An open pull request.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PullRequest {
    pub number: u64,
    #[serde(rename = "html_url")]
    pub url: String,
    pub title: String,
    body: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

/// An open pull request in a list.
#[derive(Deserialize)]
struct Open {
    number: u64,
    head: Branch,
    base: Branch,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "ref")]
    name: String,
}

/// What [`Forge::pull_request`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Opened,
    Updated,
    Unchanged,
}

/// The title, text and branches of a pull request to open.
pub(crate) struct Draft<'a> {
    pub head: &'a str,
    pub base: &'a str,
    pub title: &'a str,
    pub body: &'a str,
}

/// A merged pull request, as the forge keeps it after its branch is gone.
#[derive(Debug)]
pub(crate) struct Merged {
    /// The commit that the merge made on the base branch.
    pub commit: Option<String>,
    /// Its commits with their messages, the newest first. Without merges.
    pub commits: Vec<(String, String)>,
}

#[derive(Deserialize)]
pub(super) struct State {
    merged: bool,
    pub merge_commit_sha: Option<String>,
    /// GitHub's number of commits, of which it lists 250.
    commits: Option<usize>,
}

#[derive(Deserialize)]
struct Listed {
    sha: String,
    commit: Message,
    #[serde(default)]
    parents: Vec<Value>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

impl Forge {
    /// The merged pull request of this number. None if there is none: the number is an issue's or another
    /// repository's, or the pull request is not merged.
    pub(crate) fn merged(&self, number: u64) -> Result<Option<Merged>> {
        let path = format!("/pulls/{number}");
        let Some(state) = self.state(number)? else { return Ok(None) };
        let listed: Vec<Listed> = self.list(&format!("{path}/commits"), "list the pull request's commits")?;
        if let Some(all) = state.commits.filter(|all| *all != listed.len()) {
            bail!("the forge lists {} of the {all} commits of pull request #{number}", listed.len());
        }
        if listed.is_empty() {
            bail!("the forge lists no commit of pull request #{number}");
        }
        let own = listed.into_iter().filter(|one| one.parents.len() < 2);
        let mut commits: Vec<(String, String)> = own.map(|one| (one.sha, one.commit.message)).collect();
        // GitHub lists the oldest first, Gitea the newest.
        if self.place.kind == ForgeKind::Github {
            commits.reverse();
        }
        Ok(Some(Merged { commit: state.merge_commit_sha, commits }))
    }

    /// Is there a merged pull request of this number?
    pub(crate) fn is_merged(&self, number: u64) -> Result<bool> {
        Ok(self.state(number)?.is_some())
    }

    /// The state of a merged pull request.
    pub(super) fn state(&self, number: u64) -> Result<Option<State>> {
        let found = self.find_one::<State>(&format!("/pulls/{number}"), "read the pull request")?;
        Ok(found.filter(|state| state.merged))
    }

    /// Opens the pull request, or gives the open one of these branches this title and text.
    pub(crate) fn pull_request(&self, draft: &Draft) -> Result<(PullRequest, Done)> {
        if let Some(open) = self.find(draft)? {
            return self.refresh(open, draft);
        }
        let body = json!({
            "head": draft.head, "base": draft.base, "title": draft.title, "body": draft.body,
        });
        let answer = self.send("POST", "/pulls", Some(&body))?;
        match answer.status {
            201 => Ok((read(answer)?, Done::Opened)),
            // Opened since the search, by another run or by the same request, whose answer was lost.
            409 | 422 => match self.find(draft)? {
                Some(open) => self.refresh(open, draft),
                None => Err(self.refused(answer, "open a pull request")),
            },
            _ => Err(self.refused(answer, "open a pull request")),
        }
    }

    /// The open pull request of the two branches.
    fn find(&self, draft: &Draft) -> Result<Option<PullRequest>> {
        let (head, base) = (escape(draft.head), escape(draft.base));
        if self.place.kind == ForgeKind::Gitea {
            let answer = self.send("GET", &format!("/pulls/{base}/{head}"), None)?;
            return match answer.status {
                200 => Ok(Some(read(answer)?)),
                404 => self.repository().map(|()| None),
                _ => Err(self.refused(answer, "look for the pull request")),
            };
        }
        let owner = escape(&self.place.owner);
        let query = format!("/pulls?state=open&head={owner}:{head}&base={base}");
        let found: Vec<PullRequest> = self.get(&query, "look for the pull request")?;
        Ok(found.into_iter().next())
    }

    fn refresh(&self, open: PullRequest, draft: &Draft) -> Result<(PullRequest, Done)> {
        // Forges store line breaks as the client sent them, and a browser sends CRLF.
        let body = open.body.as_deref().unwrap_or("").replace("\r\n", "\n");
        if open.title == draft.title && body.trim_end() == draft.body.trim_end() {
            return Ok((open, Done::Unchanged));
        }
        let body = json!({ "title": draft.title, "body": draft.body });
        let path = format!("/pulls/{}", open.number);
        self.success("PATCH", &path, &body, "update the pull request")?;
        Ok((open, Done::Updated))
    }

    /// Closes the other open pull requests with this label into the same branch, if their own branches begin
    /// with the same word (`release/`). Returns their numbers.
    pub(crate) fn close_replaced(&self, draft: &Draft, label: &str) -> Result<Vec<u64>> {
        let kind = |branch: &str| branch.split_once('/').map(|(kind, _)| kind.to_string());
        let open: Vec<Open> = self.list("/pulls?state=open", "list the open pull requests")?;
        let replaced = open.into_iter().filter(|one| {
            one.base.name == draft.base
                && one.head.name != draft.head
                && kind(&one.head.name) == kind(draft.head)
                && one.labels.iter().any(|one| one.name == label)
        });
        let numbers: Vec<u64> = replaced.map(|one| one.number).collect();
        for number in &numbers {
            let path = format!("/pulls/{number}");
            if self.place.kind == ForgeKind::Gitea {
                // A merge for later must not be left: 404 without one.
                self.send("DELETE", &format!("{path}/merge"), None)?;
            }
            self.success("PATCH", &path, &json!({ "state": "closed" }), "close the pull request")?;
        }
        Ok(numbers)
    }

    /// Adds the label to the pull request, and creates it first where the repository does not have it.
    pub(crate) fn add_label(&self, pull: &PullRequest, name: &str, colour: &str) -> Result<()> {
        if pull.labels.iter().any(|label| label.name == name) {
            return Ok(());
        }
        let is_there = || -> Result<bool> {
            let known: Vec<Label> = self.list("/labels", "list the labels")?;
            Ok(known.iter().any(|label| label.name == name))
        };
        // Gitea would create a second label of the same name.
        let label = json!({ "name": name, "color": colour });
        self.create("/labels", &label, "create the label", is_there)?;
        let path = format!("/issues/{}/labels", pull.number);
        self.success("POST", &path, &json!({ "labels": [name] }), "label the pull request")?;
        Ok(())
    }
}
