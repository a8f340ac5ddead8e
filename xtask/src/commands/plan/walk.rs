//! Walks the history between two commits once, for the paths of one app.

use crate::model::commits::Commit;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::Result;
use std::collections::HashSet;

/// The commits between two points. Commits that only the first has are counted, not listed.
pub(super) struct Walk {
    pub behind: usize,
    /// Newest first. Merges only if they differ from every parent.
    pub commits: Vec<Commit>,
    /// For each commit, the tree ids of the app's folder before and after. None if git shows none: for
    /// merges, and if the commit does not touch the folder.
    trees: Vec<Option<(String, String)>>,
    /// Whether the app's settings may have changed. True for every merge, because git shows no files for it.
    pub settings: bool,
    /// These and the commits of side branches that git leaves out (see `dropped`), newest first.
    pub all: Vec<Commit>,
}

/// `git log` prints the trees together with the messages, which `rev-list` does not. The options turn off
/// user settings that would change the output.
const LOG: &[&str] = &[
    "-c",
    "log.follow=false",
    "log",
    "--no-color",
    "--no-renames",
    "--no-relative",
    "--left-right",
    "--no-diff-merges",
    "--raw",
    "-t",
    "--no-abbrev",
    "--format=%m%H%x00%P%x00%B%x00",
];

/// `range`: revisions for git, such as `a...b`, or tips and `^`bounds. Asks git for every commit and merge
/// first. A second call, for the commits that git does not leave out, is only needed if there are merges.
pub(super) fn walk(git: &Git, app: &App, range: &[&str]) -> Result<Walk> {
    let mut full = log(git, app, range, &["--full-history", "--parents"])?;
    if full.behind == 0 && !full.commits.iter().any(|commit| commit.merge) {
        full.all.clone_from(&full.commits);
        return Ok(full);
    }
    Ok(Walk { all: full.commits, ..simplified(git, app, range)? })
}

/// Without the commits of side branches that git leaves out.
pub(super) fn simplified(git: &Git, app: &App, range: &[&str]) -> Result<Walk> {
    log(git, app, range, &[])
}

fn log(git: &Git, app: &App, range: &[&str], options: &[&str]) -> Result<Walk> {
    let specs = app.pathspecs();
    let args = LOG.iter().chain(options).chain(range).copied().chain(["--"]);
    let args: Vec<&str> = args.chain(specs.iter().map(String::as_str)).collect();
    Ok(read(&String::from_utf8_lossy(&git.bytes(&args)?), app))
}

/// Whether all paths that belong to the app are equal in both commits.
pub(crate) fn same_content(git: &Git, app: &App, a: &str, b: &str) -> Result<bool> {
    let mut args = vec!["diff-tree", "--quiet", "-r", a, b, "--"];
    let specs = app.pathspecs();
    args.extend(specs.iter().map(String::as_str));
    git.ask(&args)
}

/// Each commit has three fields that end in NUL. The lines with trees and the next commit's first field
/// follow.
fn read(text: &str, app: &App) -> Walk {
    let mut walk =
        Walk { behind: 0, commits: Vec::new(), trees: Vec::new(), settings: false, all: Vec::new() };
    let settings = format!("\t{}", app.file());
    let mut fields = text.split('\0');
    let mut head = fields.next().unwrap_or_default();
    while let (Some(parents), Some(message), Some(rest)) = (fields.next(), fields.next(), fields.next()) {
        let id = head.lines().last().unwrap_or_default();
        head = rest;
        if id.starts_with('<') {
            walk.behind += 1;
            continue;
        }
        let (id, merge) = (id.trim_start_matches('>').to_string(), parents.contains(' '));
        walk.settings |= merge || rest.lines().any(|line| line.ends_with(&settings));
        walk.commits.push(Commit { id, merge, message: message.to_string(), released: None });
        walk.trees.push(rest.lines().find_map(|line| trees(line, app)));
    }
    walk
}

/// `:040000 040000 <before> <after> M\tapps/python`
fn trees(line: &str, app: &App) -> Option<(String, String)> {
    let (change, path) = line.strip_prefix(':')?.split_once('\t')?;
    let mut words = change.split(' ').skip(2);
    if path == app.dir { Some((words.next()?.to_string(), words.next()?.to_string())) } else { None }
}

impl Walk {
    /// Whether a commit created the app's folder.
    pub(super) fn creates_folder(&self) -> bool {
        self.trees.iter().flatten().any(|(before, _)| before.bytes().all(|digit| digit == b'0'))
    }

    /// Whether the app's folder may have come back to an earlier state. True if git shows no trees.
    pub(super) fn may_revisit(&self) -> bool {
        let mut seen = HashSet::new();
        self.trees.iter().rev().any(|trees| match trees {
            None => true,
            Some((before, after)) => {
                seen.insert(before);
                seen.contains(after)
            }
        })
    }
}
