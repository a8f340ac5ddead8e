//! What a promotion would lose: commits of main, a hotfix say, whose change of an app never came to
//! development.

use super::remote::Remote;
use crate::commands::plan;
use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::model::{manifest, version};
use crate::sys::git::Git;
use anyhow::Result;

/// The commits of main to take over first, as one finding.
pub fn finding(ctx: &Ctx, app: &App, remote: &Remote) -> Result<Option<Finding>> {
    let lost = lost(&ctx.git, app, &remote.main.commit, &remote.development.commit)?;
    if lost.is_empty() {
        return Ok(None);
    }
    let shown = |c: &String| ctx.git.read(&["show", "-s", "--format=%h %s", c]);
    let list = lost.iter().map(shown).collect::<Result<Vec<_>>>()?.join("\n  ");
    let (main, development) = (&remote.main.name, &remote.development.name);
    let message =
        format!("{main} holds what {development} never had, and a promotion would undo it:\n  {list}");
    let help = format!(
        "git switch --create take-over-{name} {origin}/{development}\ngit cherry-pick -x {commits}\nthen a pull request into {development}",
        name = app.name(),
        origin = remote.name,
        commits = lost.join(" "),
    );
    Ok(Some(Finding::new("main-ahead", Level::Error, message).app(app.name()).help(help)))
}

/// Oldest first: the commits of main since its content was last one of development's, without those that came
/// to development otherwise.
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

/// Has development what the commit did? Either a cherry-pick names it, or applying it to one of development's
/// commits changes nothing.
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

/// Files in which the commit changed the app's version and nothing else: development may have another version
/// by now.
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

/// The app's files that differ.
fn changed(git: &Git, app: &App, a: &str, b: &str) -> Result<Vec<String>> {
    let specs = app.pathspecs();
    let mut args = vec!["diff-tree", "-r", "--name-only", "-z", a, b, "--"];
    args.extend(specs.iter().map(String::as_str));
    Ok(git.read(&args)?.split('\0').filter(|f| !f.is_empty()).map(str::to_string).collect())
}

/// A three-way merge of the commit's change into `candidate`, in memory. What can't be tried has not arrived.
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
