//! What a batch of commits asks for: which of them count, how much, and why the others do not. Pure: text in,
//! entries out.

use crate::model::version::Bump;
use message::{Parsed, Part};
use serde::Serialize;

mod message;
mod revert;
#[cfg(test)]
mod tests;

pub use message::{lists_commits, strip_reference};

/// A commit as git has it.
#[derive(Clone, Debug)]
pub struct Commit {
    pub id: String,
    pub merge: bool,
    pub message: String,
    /// The tag of the hotfix that it brings back: its change is released already.
    pub released: Option<String>,
}

/// A commit, or one bullet of a squash, with what it means for one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub commit: String,
    pub subject: String,
    /// None: not conventional.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub breaking: bool,
    pub counts: bool,
    pub why: String,
    /// The subject without type and scope.
    #[serde(skip)]
    pub description: String,
    /// What breaks, in its author's words.
    #[serde(skip)]
    pub note: Option<String>,
    #[serde(skip)]
    pub bump: Bump,
    /// Brings back a hotfix that is released.
    #[serde(skip)]
    pub released: bool,
    /// Speaks of a break that the rules do not read.
    #[serde(skip)]
    pub unread_break: bool,
}

impl Entry {
    pub fn short(&self) -> &str {
        crate::sys::git::short(&self.commit)
    }
}

/// Newest first, as the commits are. `apps` are the names of all apps.
pub fn entries(commits: &[Commit], app: &str, apps: &[&str]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut bodies: Vec<String> = Vec::new();
    for commit in commits {
        let title = entries.len();
        for part in parts(commit) {
            let entry = entry(commit, &part, app, apps);
            // A squash repeats its title as a bullet: said once, with everything that either says.
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

/// A merge brings its commits with it: only its own subject speaks for it.
fn parts(commit: &Commit) -> Vec<Part> {
    let mut parts = message::split(&commit.message);
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

/// The scopes that name other apps, where none names this one.
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

/// The most that any of them asks for.
pub fn highest(entries: &[Entry]) -> Bump {
    entries.iter().map(|e| e.bump).max().unwrap_or_default()
}
