//! Commits of side branches that git leaves out of a log of paths. If a merge has the same content as one of
//! its parents, git follows only that parent. This is right for a branch whose changes the merge discarded.
//! It is wrong for a branch that was squashed first and merged afterwards: the squash may have another
//! subject.

use super::repository::{self, Tag};
use super::walk::{Walk, same_content};
use crate::model::commits::Commit;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::Result;
use std::collections::{HashMap, HashSet};

/// The commits of the walk from `tip`, with those of side branches that count. `tags`: releases, whose
/// commits do not count again.
pub(super) fn with_side_branches(
    git: &Git,
    app: &App,
    walked: Walk,
    tip: &str,
    tags: &[&Tag],
) -> Result<Vec<Commit>> {
    let Walk { commits, all, .. } = walked;
    let kept: HashSet<&str> = commits.iter().map(|commit| commit.id.as_str()).collect();
    // With `--full-history` git also lists merges that only bring what a parent has.
    let left_out = |commit: &&Commit| !commit.merge && !kept.contains(commit.id.as_str());
    let mut dropped: Vec<String> = all.iter().filter(left_out).map(|commit| commit.id.clone()).collect();
    if dropped.is_empty() {
        return Ok(commits);
    }
    let graph = Graph::read(git, tip, tags)?;
    dropped.retain(|id| graph.parents.contains_key(id));
    let discarded = discarded(git, app, &graph, &dropped)?;
    let counts: HashSet<String> = dropped.into_iter().filter(|id| !discarded.contains(id)).collect();
    let mut known: HashMap<String, Commit> = commits.into_iter().map(|c| (c.id.clone(), c)).collect();
    let pick = |commit: Commit| {
        let counts = counts.contains(&commit.id).then_some(commit.clone());
        known.remove(&commit.id).or(counts)
    };
    Ok(all.into_iter().filter_map(pick).collect())
}

/// The commits that no release contains, with their parents; parents come before their children.
struct Graph {
    order: Vec<String>,
    parents: HashMap<String, Vec<String>>,
}

impl Graph {
    fn read(git: &Git, tip: &str, tags: &[&Tag]) -> Result<Graph> {
        let bounds = tags.iter().map(|tag| format!("^{}", tag.object));
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

/// The commits that a merge left out on purpose (`git merge --strategy=ours`): without a conflict, git would
/// have brought in other content.
fn discarded(git: &Git, app: &App, graph: &Graph, dropped: &[String]) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    // A merge of a clone without all files would fetch them.
    if dropped.is_empty() || repository::is_partial(git)? {
        return Ok(found);
    }
    let dropped: HashSet<&str> = dropped.iter().map(String::as_str).collect();
    // Which of the dropped commits each commit contains.
    let mut contains: HashMap<&str, HashSet<&str>> = HashMap::new();
    for id in &graph.order {
        let parents = &graph.parents[id];
        let of = |parent: &String| contains.get(parent.as_str()).cloned().unwrap_or_default();
        if let [one, other] = parents.as_slice() {
            let (left, right) = (of(one), of(other));
            for (kept, side, only) in [(one, other, &right - &left), (other, one, &left - &right)] {
                if !only.is_empty()
                    && same_content(git, app, id, kept)?
                    && !same_content(git, app, id, side)?
                    && clean_merge(git, kept, side)
                        .is_some_and(|tree| same_content(git, app, id, &tree).is_ok_and(|same| !same))
                {
                    found.extend(only.iter().map(|id| id.to_string()));
                }
            }
        }
        let mut all = parents.iter().fold(HashSet::new(), |all, parent| &all | &of(parent));
        all.extend(dropped.get(id.as_str()));
        contains.insert(id, all);
    }
    Ok(found)
}

/// The tree of a merge without conflicts.
fn clean_merge(git: &Git, one: &str, other: &str) -> Option<String> {
    git.read(&["merge-tree", "--write-tree", one, other]).ok()
}
