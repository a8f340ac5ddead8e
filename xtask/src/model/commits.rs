//! Reads commit messages and decides which commits count for a release, which bump each demands, and why the
//! others do not count. Pure: text in, entries out.

use crate::model::version::Bump;
use crate::sys::ui::is_control;
use message::{Parsed, Part};
use serde::Serialize;

mod message;
mod revert;
#[cfg(test)]
mod tests;

pub(crate) use message::{TYPES, lists_commits, strip_reference};

/// A commit as git reports it.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub id: String,
    pub merge: bool,
    pub message: String,
    /// The tag of the hotfix that this commit merges back. Its change is already released.
    pub released: Option<String>,
}

/// A commit, or one bullet of a squash commit, and its effect on one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub commit: String,
    pub subject: String,
    /// The conventional type, such as `feat`. None if the subject is not a conventional commit.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub breaking: bool,
    pub counts: bool,
    pub why: String,
    /// The subject without type and scope.
    #[serde(skip)]
    pub description: String,
    /// What breaks, as the author describes it.
    #[serde(skip)]
    pub note: Option<String>,
    #[serde(skip)]
    pub bump: Bump,
    /// Merges back a hotfix that is already released.
    #[serde(skip)]
    pub released: bool,
    /// Mentions a break in a form that Conventional Commits does not recognise.
    #[serde(skip)]
    pub unread_break: bool,
}

impl Entry {
    pub(crate) fn short(&self) -> &str {
        crate::sys::git::short(&self.commit)
    }
}

/// The entries of `commits` for one app, newest first like the commits. `apps`: the names of all apps.
pub(crate) fn entries(commits: &[Commit], app: &str, apps: &[&str]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut bodies: Vec<String> = Vec::new();
    for commit in commits {
        let title = entries.len();
        for part in parts(commit) {
            let entry = entry(commit, &part, app, apps);
            // A squash commit repeats its title as a bullet: both become one entry with the contents of both.
            if entries.len() > title && revert::key(&entry.subject) == revert::key(&entries[title].subject) {
                merge(&mut entries[title], entry);
                bodies[title] += &format!("\n{}", part.body);
            } else {
                entries.push(entry);
                bodies.push(part.body);
            }
        }
    }
    revert::cancel(&mut entries, &bodies);
    entries
}

fn merge(entry: &mut Entry, twin: Entry) {
    if twin.bump > entry.bump {
        (entry.bump, entry.counts, entry.why) = (twin.bump, twin.counts, twin.why);
    }
    entry.breaking |= twin.breaking;
    entry.note = entry.note.take().or(twin.note);
    entry.unread_break = !entry.breaking && (entry.unread_break || twin.unread_break);
}

/// The parts of a commit's message. Only the subject of a merge is read: its commits are in the history as
/// well.
fn parts(commit: &Commit) -> Vec<Part> {
    let mut parts = message::split(&visible(&commit.message));
    if commit.merge {
        parts.truncate(1);
        parts[0].listed = false;
    }
    parts
}

fn entry(commit: &Commit, part: &Part, app: &str, apps: &[&str]) -> Entry {
    let parsed = message::parse(part);
    let (bump, why) = match &parsed {
        _ if commit.released.is_some() => {
            (Bump::None, format!("released in {}", commit.released.as_deref().unwrap_or_default()))
        }
        None => (Bump::None, "not conventional".to_string()),
        Some(parsed) => match other_apps(parsed, app, apps) {
            Some(others) if part.listed => (Bump::None, format!("for {others}, by its scope")),
            _ => demand(parsed),
        },
    };
    let breaking = parsed.as_ref().is_some_and(|p| p.breaking.is_some());
    Entry {
        commit: commit.id.clone(),
        subject: part.subject.clone(),
        kind: parsed.as_ref().map(|p| p.kind.clone()),
        breaking,
        counts: bump > Bump::None,
        why,
        description: parsed.as_ref().map_or_else(|| part.subject.clone(), |p| p.description.clone()),
        note: parsed.and_then(|p| p.breaking),
        bump,
        released: commit.released.is_some(),
        unread_break: !breaking && message::mentions_break(part),
    }
}

/// The other apps that the scopes name. None if no scope names an app, or if one names this app.
fn other_apps(parsed: &Parsed, app: &str, apps: &[&str]) -> Option<String> {
    let names: Vec<&str> = parsed.scopes.iter().map(String::as_str).filter(|s| apps.contains(s)).collect();
    (!names.is_empty() && !names.contains(&app)).then(|| names.join(", "))
}

fn demand(parsed: &Parsed) -> (Bump, String) {
    if parsed.breaking.is_some() {
        return (Bump::Major, "breaking".into());
    }
    match parsed.kind.as_str() {
        "feat" => (Bump::Minor, "feature".into()),
        "fix" => (Bump::Patch, "fix".into()),
        "perf" => (Bump::Patch, "faster".into()),
        "revert" => (Bump::Patch, "revert of something released".into()),
        other => (Bump::None, format!("{other} releases nothing")),
    }
}

/// The largest bump that any of the entries demands.
pub(crate) fn highest(entries: &[Entry]) -> Bump {
    entries.iter().map(|e| e.bump).max().unwrap_or_default()
}

/// A message without control characters: it becomes part of the changelog, tags and what is printed.
fn visible(message: &str) -> String {
    message.replace(|c: char| is_control(c) && !matches!(c, '\n' | '\t' | '\r'), "\u{fffd}")
}
