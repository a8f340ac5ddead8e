//! Finds commits that a promotion would undo: commits on main, such as a hotfix, that change an app and were
//! never applied to development.

use super::remote::Remote;
use crate::commands::plan;
use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::model::{manifest, version};
use crate::sys::git::Git;
use anyhow::Result;

/// A finding with the commits of main that must be applied to development first.
pub(super) fn finding(ctx: &Ctx, app: &App, remote: &Remote) -> Result<Option<Finding>> {
    let lost = lost(&ctx.git, app, &remote.main.commit, &remote.development.commit)?;
    if lost.is_empty() {
        return Ok(None);
    }
    let shown = |c: &String| ctx.git.read(&["show", "-s", "--format=%h %s", c]);
    let list = lost.iter().map(shown).collect::<Result<Vec<_>>>()?.join("\n  ");
    let (main, development) = (&remote.main.name, &remote.development.name);
    let message =
        format!("{main} has commits that {development} lacks; a promotion would undo them:\n  {list}");
    let (origin, branch) = (&remote.name, format!("apply-hotfix-{}", app.name()));
    let help = [
        format!("git fetch {origin}"),
        format!("git switch --no-track --create {branch} {origin}/{development}"),
        format!("git cherry-pick -x {}", lost.join(" ")),
        format!("git push {origin} {branch}"),
        format!("open a pull request into {development}"),
    ]
    .join("\n");
    Ok(Some(Finding::new("main-ahead", Level::Error, message).app(app.name()).help(help)))
}

/// The commits of main since the last one with the same content as a commit of development, oldest first.
/// Commits whose change reached development in another way are left out.
fn lost(git: &Git, app: &App, main: &str, development: &str) -> Result<Vec<String>> {
    let specs = app.pathspecs();
    let own = commits(git, &["--first-parent", main, &format!("^{development}")], &specs)?;
    let mut lost = Vec::new();
    for commit in own {
        if plan::source_in(git, app, &commit, &[development], None)?.is_some() {
            break;
        }
        if !arrived(git, app, &commit, development)? {
            lost.push(commit);
        }
    }
    lost.reverse();
    Ok(lost)
}

fn commits(git: &Git, range: &[&str], specs: &[String]) -> Result<Vec<String>> {
    let mut args = vec!["rev-list"];
    args.extend(range);
    args.push("--");
    args.extend(specs.iter().map(String::as_str));
    Ok(git.read(&args)?.lines().map(str::to_string).collect())
}

/// True if development has the commit's change: a cherry-pick there names the commit, or applying it to one
/// of development's commits changes nothing.
fn arrived(git: &Git, app: &App, commit: &str, development: &str) -> Result<bool> {
    let picked = format!("--grep=(cherry picked from commit {commit})");
    if !git.read(&["rev-list", "--max-count=1", "--fixed-strings", &picked, development])?.is_empty() {
        return Ok(true);
    }
    let Ok(parent) = git.commit(&format!("{commit}^")) else { return Ok(false) };
    let versions_only = versions_only(git, app, &parent, commit)?;
    for candidate in commits(git, &[development, &format!("^{commit}")], &app.pathspecs())? {
        if changes_nothing(git, app, commit, &parent, &candidate, &versions_only) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The files in which the commit changed only the app's version. They are not compared, because development
/// may have another version.
fn versions_only(git: &Git, app: &App, parent: &str, commit: &str) -> Result<Vec<String>> {
    let (Ok(old), Ok(new)) = (manifest::at(git, app, parent), manifest::at(git, app, commit)) else {
        return Ok(Vec::new());
    };
    let text = |commit: &str, file: &str| {
        git.read(&["cat-file", "blob", &format!("{commit}:{file}")]).unwrap_or_default()
    };
    let without = |text: String, version| -> Result<String> {
        Ok(text.replace(&version::to_pep440(version)?, "VERSION").replace(&version.to_string(), "VERSION"))
    };
    let mut files = Vec::new();
    for file in changed(git, app, parent, commit)? {
        if without(text(parent, &file), &old)? == without(text(commit, &file), &new)? {
            files.push(file);
        }
    }
    Ok(files)
}

/// The app's files that differ between `a` and `b`.
fn changed(git: &Git, app: &App, a: &str, b: &str) -> Result<Vec<String>> {
    let specs = app.pathspecs();
    let mut args = vec!["diff-tree", "-r", "--name-only", "-z", a, b, "--"];
    args.extend(specs.iter().map(String::as_str));
    Ok(git.read(&args)?.split('\0').filter(|f| !f.is_empty()).map(str::to_string).collect())
}

/// True if a three-way merge of the commit's change into `candidate` changes no file of the app, except
/// `but`. The merge writes no files. False if the merge fails.
fn changes_nothing(
    git: &Git,
    app: &App,
    commit: &str,
    parent: &str,
    candidate: &str,
    but: &[String],
) -> bool {
    let attempt = || -> Result<bool> {
        let ours =
            git.read(&["commit-tree", &format!("{candidate}^{{tree}}"), "-p", parent, "-m", "tried"])?;
        let output =
            git.command().args(["merge-tree", "--write-tree", "--no-messages", &ours, commit]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let tree = text.lines().next().unwrap_or_default();
        Ok(changed(git, app, tree, candidate)?.iter().all(|file| but.contains(file)))
    };
    attempt().unwrap_or(false)
}
