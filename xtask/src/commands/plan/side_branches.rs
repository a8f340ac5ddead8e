//! Commits of side branches that git leaves out of a log of paths. If a merge has the same content as one of
//! its parents, git follows only that parent. This is right for a branch whose changes the merge discarded.
//! It is wrong for a branch that was squashed first and merged afterwards: the squash may have another
//! subject.

use super::gitdir::GitDir;
use super::hotfix;
use super::walk::{Walk, same_content};
use crate::model::commits::Commit;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::Result;
use std::collections::{HashMap, HashSet};

/// What the side branches add to the commits of a walk.
pub(super) struct SideBranches {
    pub commits: Vec<Commit>,
    /// The commits of these that a merge may have left out on purpose: the files that show it are not in this
    /// clone. They count, because the higher version is the safe one.
    pub undecided: Vec<String>,
}

/// The commits of the walk from `tip`, with those of side branches that count. `not`: commits that do not
/// count with all that they contain, such as releases, and main, where promotions have squashed the commits.
pub(super) fn with_side_branches(
    git: &Git,
    app: &App,
    walked: Walk,
    tip: &str,
    not: &[&str],
) -> Result<SideBranches> {
    let Walk { commits, all, .. } = walked;
    let kept: HashSet<&str> = commits.iter().map(|commit| commit.id.as_str()).collect();
    let listed: HashSet<&str> =
        commits.iter().flat_map(|commit| commit.message.lines()).map(decision).collect();
    // With `--full-history` git also lists merges that only bring what a parent has.
    let left_out = |commit: &&Commit| {
        let subject = commit.message.lines().next().unwrap_or_default();
        !commit.merge && !kept.contains(commit.id.as_str()) && !listed.contains(decision(subject))
    };
    let mut dropped: Vec<String> = all.iter().filter(left_out).map(|commit| commit.id.clone()).collect();
    if dropped.is_empty() {
        return Ok(SideBranches { commits, undecided: Vec::new() });
    }
    let graph = Graph::read(git, tip, not)?;
    dropped.retain(|id| graph.parents.contains_key(id));
    let (discarded, undecided) = discarded(git, app, &graph, &dropped, &commits)?;
    let counts: HashSet<String> = dropped.into_iter().filter(|id| !discarded.contains(id)).collect();
    let mut known: HashMap<String, Commit> = commits.into_iter().map(|c| (c.id.clone(), c)).collect();
    let pick = |commit: Commit| {
        let counts = counts.contains(&commit.id).then_some(commit.clone());
        known.remove(&commit.id).or(counts)
    };
    let commits = all.into_iter().filter_map(pick).collect();
    Ok(SideBranches { commits, undecided: counts.into_iter().filter(|id| undecided.contains(id)).collect() })
}

/// A line of a message without a squash's bullet and number: a commit that a message lists does not count
/// again.
fn decision(line: &str) -> &str {
    let line = line.trim_start_matches(['*', '-', ' ']);
    line.rsplit_once(" (#").map_or(line, |(subject, _)| subject)
}

/// The commits that may count, with their parents; parents come before their children.
struct Graph {
    order: Vec<String>,
    parents: HashMap<String, Vec<String>>,
}

impl Graph {
    fn read(git: &Git, tip: &str, not: &[&str]) -> Result<Graph> {
        let bounds = not.iter().map(|commit| format!("^{commit}"));
        let args = ["rev-list", "--topo-order", "--reverse", "--parents", tip].map(str::to_string);
        let args: Vec<String> = args.into_iter().chain(bounds).collect();
        let mut graph = Graph { order: Vec::new(), parents: HashMap::new() };
        for line in git.read(&args)?.lines() {
            let mut ids = line.split(' ').map(str::to_string);
            let Some(id) = ids.next() else { continue };
            graph.parents.insert(id.clone(), ids.collect());
            graph.order.push(id);
        }
        Ok(graph)
    }
}

/// The commits that a merge left out on purpose (`git merge --strategy=ours`), and those of which the files
/// that show it are missing.
fn discarded(
    git: &Git,
    app: &App,
    graph: &Graph,
    dropped: &[String],
    commits: &[Commit],
) -> Result<(HashSet<String>, HashSet<String>)> {
    let (mut found, mut undecided) = (HashSet::new(), HashSet::new());
    if dropped.is_empty() {
        return Ok((found, undecided));
    }
    let partial = GitDir::of(git)?.is_partial();
    let git = &if partial { git.offline() } else { git.clone() };
    let dropped: HashSet<&str> = dropped.iter().map(String::as_str).collect();
    // Which of the dropped commits each commit contains.
    let mut contains: HashMap<&str, HashSet<&str>> = HashMap::new();
    for id in &graph.order {
        let parents = &graph.parents[id];
        let of = |parent: &String| contains.get(parent.as_str()).cloned().unwrap_or_default();
        if let [one, other] = parents.as_slice() {
            let (left, right) = (of(one), of(other));
            for (kept, side, only) in [(one, other, &right - &left), (other, one, &left - &right)] {
                if only.is_empty() || !same_content(git, app, id, kept)? || same_content(git, app, id, side)?
                {
                    continue;
                }
                let only = only.iter().map(|id| id.to_string());
                match has_changes_of(git, app, kept, side, commits, partial) {
                    Ok(true) => {}
                    Ok(false) => found.extend(only),
                    Err(_) if partial => undecided.extend(only),
                    Err(error) => return Err(error),
                }
            }
        }
        let mut all = parents.iter().fold(HashSet::new(), |all, parent| &all | &of(parent));
        all.extend(dropped.get(id.as_str()));
        contains.insert(id, all);
    }
    Ok((found, undecided))
}

/// Whether the kept parent already has what the side branch changed: a merge brings nothing, or, if later
/// changes conflict, one of `commits` is the squash of the branch. An error in a partial clone that lacks a
/// file.
fn has_changes_of(
    git: &Git,
    app: &App,
    kept: &str,
    side: &str,
    commits: &[Commit],
    partial: bool,
) -> Result<bool> {
    let merge = ["merge-tree", "--write-tree", kept, side];
    if let Ok(tree) = git.read(&merge) {
        return same_content(git, app, kept, &tree);
    }
    if partial {
        // A conflict is no error.
        git.ask(&merge)?;
    }
    for commit in commits.iter().filter(|commit| !commit.merge) {
        if hotfix::same_change(git, app, (&format!("{}^", commit.id), &commit.id), (kept, side))? {
            return Ok(true);
        }
    }
    Ok(false)
}
