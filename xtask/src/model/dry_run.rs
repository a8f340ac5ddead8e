//! Dry runs: the real code runs in a temporary `git clone --shared`. A worktree would write into the user's
//! `.git` and run hooks.

use crate::model::ctx::Ctx;
use crate::model::workspace::Workspace;
use crate::sys::git::Git;
use crate::sys::{scratch, ui};
use anyhow::{Context, Result};
use camino::Utf8Path;

/// Runs `f` on a clone of HEAD that uses the same remote.
pub(crate) fn in_clone<T>(ctx: &Ctx, f: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
    let dirty = ctx.git.dirty()?;
    if !dirty.is_empty() {
        ui::say(&format!(
            "{} only HEAD is used; these uncommitted changes are ignored:\n  {}",
            ui::yellow("note:"),
            dirty.join("\n  ")
        ));
    }
    let temp = scratch::folder()?;
    let dir =
        Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?.join("clone");
    ctx.git.run(&[
        "clone",
        "--quiet",
        "--shared",
        "--no-checkout",
        "--",
        ctx.ws.root.as_str(),
        dir.as_str(),
    ])?;
    let mut endpoints = ctx.endpoints.clone();
    let git = match ctx.git.read(&["remote", "get-url", "--", &endpoints.remote]) {
        Ok(url) => {
            let (git, remote) = Git::new(&dir).with_remote(&url);
            endpoints.remote = remote;
            git
        }
        Err(_) => ctx.git.at(&dir),
    };
    // A clone copies local branches only, but the remote-tracking branches are needed too.
    git.run(&["fetch", "--quiet", "--no-tags", "origin", "+refs/remotes/*:refs/remotes/*"])?;
    let head = ctx.git.commit("HEAD")?;
    // On a hotfix branch, `plan` counts differently, and a release is made from it.
    match ctx.git.branch()?.filter(|branch| branch.starts_with("hotfix/")) {
        Some(branch) => git.run(&["checkout", "--quiet", "-B", &branch, &head])?,
        None => git.run(&["checkout", "--quiet", "--detach", &head])?,
    }
    let ws = Workspace::load(Some(&dir))?;
    f(&Ctx { ws, git, endpoints, json: ctx.json })
}

/// Copies the author and signing settings, so that commits in a clone have the same author and signature.
pub(crate) fn take_identity(from: &Git, to: &Git) -> Result<()> {
    for key in ["user.name", "user.email", "user.signingkey", "commit.gpgsign", "gpg.format"] {
        if let Ok(value) = from.read(&["config", "--get", key]) {
            to.run(&["config", key, &value])?;
        }
    }
    Ok(())
}
