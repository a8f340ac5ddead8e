//! Does to pull requests what a forge does, with git plumbing commands in the bare remote: the ref of the
//! head, the test merge, the squash. server.rs answers the calls of its API.

use crate::sys::git::Git;
use anyhow::{Context, Result, bail};

pub(crate) mod server;

/// An open pull request.
#[derive(Clone, Debug)]
pub(super) struct PullRequest {
    pub number: u32,
    pub title: String,
    pub body: String,
    pub head: String,
    pub base: String,
    /// The tip of the head branch.
    pub commit: String,
}

impl Squash {
    /// GitHub's `squash_merge_commit_title` and `squash_merge_commit_message`.
    pub(super) fn settings(self) -> [&'static str; 2] {
        match self {
            Squash::TitleAndCommits => ["COMMIT_OR_PR_TITLE", "COMMIT_MESSAGES"],
            Squash::TitleAndDescription => ["PR_TITLE", "PR_BODY"],
            Squash::Title => ["PR_TITLE", "BLANK"],
        }
    }
}

impl PullRequest {
    /// The ref under which GitHub and Gitea keep the head.
    pub(super) fn head_ref(&self) -> String {
        format!("refs/pull/{}/head", self.number)
    }
    /// The ref under which GitHub keeps the test merge, which its jobs check out.
    pub(super) fn merge_ref(&self) -> String {
        format!("refs/pull/{}/merge", self.number)
    }
}

/// The text of a pull request that a squash merge keeps in its commit message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Squash {
    /// GitHub's "Default message": the title and the messages of the commits, or the message of a single
    /// commit.
    TitleAndCommits,
    /// GitHub's "Pull request title and description".
    TitleAndDescription,
    /// GitHub's "Pull request title", and a squash through Gitea's API (1.26).
    Title,
}

/// Opens the pull request `number`. An error if it conflicts with its base. With `test_merge` also creates
/// the test merge, which GitHub has and Gitea does not.
pub(super) fn open(
    git: &Git,
    number: u32,
    head: &str,
    base: &str,
    title: &str,
    test_merge: bool,
) -> Result<PullRequest> {
    let commit = git.commit(&format!("refs/heads/{head}"))?;
    let body = format!("A change for a rehearsal.\n\n* from {head}\n* into {base}");
    let pull = PullRequest {
        number,
        title: title.to_string(),
        body,
        head: head.to_string(),
        base: base.to_string(),
        commit,
    };
    git.run(&["update-ref", &pull.head_ref(), &pull.commit])?;
    let tip = git.commit(&format!("refs/heads/{base}"))?;
    let tree = merge_tree(git, &pull)?;
    if !test_merge {
        return Ok(pull);
    }
    let message = format!("Merge {} into {tip}", pull.commit);
    let merge = git.read(&["commit-tree", &tree, "-p", &tip, "-p", &pull.commit, "-m", &message])?;
    git.run(&["update-ref", &pull.merge_ref(), &merge])?;
    Ok(pull)
}

/// Squash-merges a pull request into its base and deletes the head branch. Returns the new commit.
pub(super) fn squash(git: &Git, pull: &PullRequest, keeps: Squash) -> Result<String> {
    let base = format!("refs/heads/{}", pull.base);
    let tip = git.commit(&base)?;
    let tree = merge_tree(git, pull)?;
    let messages = git.read(&[
        "log",
        "--reverse",
        "--no-merges",
        "--format=%B%x00",
        "--end-of-options",
        &format!("{tip}..{}", pull.commit),
    ])?;
    let message = squash_message(pull, keeps, &messages.split('\0').collect::<Vec<_>>());
    let id = git.pipe(&["commit-tree", &tree, "-p", &tip, "-F", "-"], message.as_bytes())?;
    let commit = String::from_utf8_lossy(&id).trim().to_string();
    // With the old value: git then refuses if the base has moved in between.
    git.run(&["update-ref", &base, &commit, &tip])?;
    git.run(&["update-ref", "-d", &format!("refs/heads/{}", pull.head)])?;
    Ok(commit)
}

/// The commit message of a squash: the title with the number, and below it, depending on `keeps`, the
/// commits' messages as a list, or the description.
fn squash_message(pull: &PullRequest, keeps: Squash, messages: &[&str]) -> String {
    let title = format!("{} (#{})\n", pull.title, pull.number);
    match keeps {
        Squash::TitleAndCommits => {
            let messages: Vec<&str> = messages.iter().map(|m| m.trim()).filter(|m| !m.is_empty()).collect();
            if let [message] = messages[..] {
                let (subject, body) = message.split_once('\n').unwrap_or((message, ""));
                return format!("{subject} (#{})\n{body}\n", pull.number);
            }
            let items: Vec<String> = messages.iter().map(|m| format!("* {m}")).collect();
            format!("{title}\n{}\n", items.join("\n\n"))
        }
        Squash::TitleAndDescription => format!("{title}\n{}\n", pull.body),
        Squash::Title => title,
    }
}

/// The tree of the merge of the head into its base. On a conflict, an error with the files.
fn merge_tree(git: &Git, pull: &PullRequest) -> Result<String> {
    let args = [
        "merge-tree",
        "--write-tree",
        "--name-only",
        "--no-messages",
        &format!("refs/heads/{}", pull.base),
        &pull.commit,
    ];
    let output = git.command().args(args).output().context("cannot start git")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => Ok(text.trim().to_string()),
        Some(1) => {
            let files: Vec<&str> = text.lines().skip(1).filter(|l| !l.is_empty()).collect();
            bail!(
                "pull request #{} ({} into {}) conflicts in:\n  {}",
                pull.number,
                pull.head,
                pull.base,
                files.join("\n  ")
            )
        }
        _ => bail!(
            "git merge-tree failed in {} (a rehearsal needs git 2.38 or newer):\n{}",
            git.dir,
            String::from_utf8_lossy(&output.stderr).trim_end()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_squash_keeps_the_text_that_the_forges_setting_selects() {
        let pull = PullRequest {
            number: 7,
            title: "feat: t".into(),
            body: "why\n\n* how".into(),
            head: "x".into(),
            base: "main".into(),
            commit: "1".into(),
        };
        let commits = ["fix: a\n"];
        assert_eq!(squash_message(&pull, Squash::Title, &commits), "feat: t (#7)\n");
        assert_eq!(
            squash_message(&pull, Squash::TitleAndDescription, &commits),
            "feat: t (#7)\n\nwhy\n\n* how\n"
        );
        for (messages, expected) in [
            (vec!["fix(python): a\n"], "fix(python): a (#7)\n\n"),
            (vec!["fix(python): a\n\nwhy\n", ""], "fix(python): a (#7)\n\nwhy\n"),
            (
                vec!["fix: a\n\nwhy\n", "\nchore(release): python v0.0.1\n", ""],
                "feat: t (#7)\n\n* fix: a\n\nwhy\n\n* chore(release): python v0.0.1\n",
            ),
            (vec![], "feat: t (#7)\n\n\n"),
        ] {
            assert_eq!(squash_message(&pull, Squash::TitleAndCommits, &messages), expected);
        }
    }
}
