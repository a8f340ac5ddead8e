//! Finds the commits that bring a released hotfix back into development: they name it as their source (`git
//! cherry-pick -x`), or they change the same lines.

use crate::model::commits::Commit;
use crate::model::version;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::Result;
use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) struct Found {
    /// For each commit: whether it brings back one of the hotfix's commits, and nothing else.
    pub commits: Vec<bool>,
    /// Whether every commit of the hotfix has come back.
    pub whole: bool,
}

/// The removed and added lines of each file.
type Change = BTreeMap<String, Vec<String>>;

/// `hotfix`: the ids of its commits. `commits`: the candidates.
pub(super) fn find(git: &Git, app: &App, hotfix: &[String], commits: &[Commit]) -> Result<Found> {
    if hotfix.is_empty() {
        return Ok(Found { commits: vec![false; commits.len()], whole: false });
    }
    let ids: Vec<&str> =
        hotfix.iter().map(String::as_str).chain(commits.iter().map(|c| c.id.as_str())).collect();
    let changes = changes(git, app, &ids)?;
    let of = |id: &str| changes.get(id).filter(|change| !change.is_empty());
    let mut arrived: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for commit in commits {
        let named = |id: &&String| commit.message.contains(&format!("(cherry picked from commit {id})"));
        let same = |id: &&String| of(id).is_some_and(|change| of(&commit.id) == Some(change));
        let back: Vec<&String> =
            hotfix.iter().filter(|id| same(id) || (named(id) && hotfix.len() == 1)).collect();
        arrived.extend(back.iter().map(|id| id.as_str()));
        found.push(!back.is_empty());
    }
    // A commit that changes only the version needs no counterpart.
    let whole = hotfix.iter().all(|id| arrived.contains(id.as_str()) || of(id).is_none());
    Ok(Found { whole: whole && !arrived.is_empty(), commits: found })
}

/// Whether two pairs of commits `(old, new)` differ in the same lines of the app. For the second pair, `new`
/// is compared with its merge base with `old`.
pub(super) fn same_change(git: &Git, app: &App, one: (&str, &str), other: (&str, &str)) -> Result<bool> {
    let Ok(base) = git.read(&["merge-base", other.0, other.1]) else { return Ok(false) };
    let change = |old: &str, new: &str| -> Result<Change> {
        let specs = app.pathspecs();
        let args: Vec<&str> = ["diff-tree"]
            .iter()
            .chain(PATCH)
            .copied()
            .chain([old, new, "--"])
            .chain(specs.iter().map(String::as_str))
            .collect();
        let text = String::from_utf8_lossy(&git.bytes(&args)?).into_owned();
        Ok(read(&text, &[]).remove("").unwrap_or_default())
    };
    Ok(change(one.0, one.1)? == change(&base, other.1)?)
}

/// Options that keep the user's git settings from changing the output.
const PATCH: &[&str] =
    &["-r", "-p", "-U0", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index"];

fn changes(git: &Git, app: &App, ids: &[&str]) -> Result<HashMap<String, Change>> {
    let specs = app.pathspecs();
    let args = ["diff-tree", "--stdin", "--root"].iter().chain(PATCH).copied().chain(["--"]);
    let args: Vec<&str> = args.chain(specs.iter().map(String::as_str)).collect();
    let asked: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let text = git.pipe(&args, asked.as_bytes())?;
    Ok(read(&String::from_utf8_lossy(&text), ids))
}

/// Reads the output of `git diff-tree --stdin -p`: the id of each commit that changes anything, then its
/// patch.
fn read(text: &str, ids: &[&str]) -> HashMap<String, Change> {
    let known: HashSet<&str> = ids.iter().copied().collect();
    let mut changes: HashMap<String, Change> = HashMap::new();
    let (mut commit, mut file, mut blobs) = ("", String::new(), "");
    for line in text.lines() {
        if known.contains(line) {
            commit = line;
            continue;
        }
        if let Some(paths) = line.strip_prefix("diff --git ") {
            file = paths.to_string();
        } else if let Some(index) = line.strip_prefix("index ") {
            blobs = index;
        }
        let counts = (line.starts_with('+') && !line.starts_with("+++ "))
            || (line.starts_with('-') && !line.starts_with("--- "));
        let binary = line.starts_with("Binary files ");
        let line = if binary { blobs } else { line };
        if counts || binary {
            changes
                .entry(commit.to_string())
                .or_default()
                .entry(file.clone())
                .or_default()
                .push(line.to_string());
        }
    }
    changes.values_mut().for_each(|change| change.retain(|_, lines| !is_version_only(lines)));
    changes
}

/// Whether the lines differ only in version numbers. Development may have another version by now.
fn is_version_only(lines: &[String]) -> bool {
    let side = |mark: char| -> Vec<String> {
        lines.iter().filter_map(|l| l.strip_prefix(mark)).map(without_versions).collect()
    };
    side('-') == side('+')
}

fn without_versions(line: &str) -> String {
    let mut rest = line;
    let mut text = String::new();
    while let Some((range, _)) = version::find(rest) {
        text += &rest[..range.start];
        text.push('#');
        rest = &rest[range.end..];
    }
    text + rest
}
