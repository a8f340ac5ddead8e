//! The current state of the remote: both branches and the release tags. Reading it changes no ref of the
//! user's repository.

use super::{branch_taken, request::Request};
use crate::commands::plan;
use crate::model::ctx::Ctx;
use crate::model::dry_run;
use crate::model::workspace::Workspace;
use crate::sys::exit::Exit;
use crate::sys::git::Git;
use crate::sys::scratch;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::HashMap;

#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub name: String,
    pub commit: String,
}

pub(super) struct Remote {
    /// The remote's name, for messages.
    pub name: String,
    pub development: Branch,
    pub main: Branch,
    /// The object id of every branch and tag of the remote, by full name (`git ls-remote`).
    refs: HashMap<String, String>,
    /// The temporary clone to work in. It is removed when this is dropped.
    folder: scratch::Folder,
}

impl Remote {
    /// Lists the remote's refs and fetches their objects. `ls-remote` and a fetch without a destination
    /// change no refs.
    pub(super) fn fetch(ctx: &Ctx) -> Result<Remote> {
        let settings = &ctx.ws.settings;
        let remote = &ctx.endpoints.remote;
        let listing = ctx.git.online(&["ls-remote", "--heads", "--tags", "--", remote])?;
        let refs: HashMap<String, String> = listing
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter(|(_, name)| !name.ends_with("^{}"))
            .map(|(id, name)| (name.to_string(), id.to_string()))
            .collect();
        let branch = |name: &str| match refs.get(&format!("refs/heads/{name}")) {
            Some(commit) => Ok(Branch { name: name.to_string(), commit: commit.clone() }),
            None => Err(Exit::Usage(format!(
                "{remote} has no branch {name}; push it first: git push {remote} {name}"
            ))),
        };
        let (development, main) = (branch(&settings.development)?, branch(&settings.main)?);
        let is_ours = |name: &str| {
            let tag = name.strip_prefix("refs/tags/").unwrap_or_default();
            let tag = tag.strip_prefix("withdrawn/").unwrap_or(tag);
            ctx.ws.apps.iter().any(|app| app.version_in_tag(tag).is_some())
        };
        let wanted = refs.keys().filter(|name| is_ours(name)).cloned();
        let wanted: Vec<String> =
            wanted.chain([&development, &main].map(|b| format!("refs/heads/{}", b.name))).collect();
        ctx.git.fetch_objects(remote, &wanted)?;
        let folder = scratch::folder()?;
        let remote = Remote { name: plan::remote_name(ctx).to_string(), development, main, refs, folder };
        remote.clone_of(ctx, &wanted)?;
        Ok(remote)
    }

    fn dir(&self) -> Result<Utf8PathBuf> {
        Ok(Utf8Path::from_path(self.folder.path())
            .context("the temporary folder's path is not UTF-8")?
            .join("clone"))
    }

    /// Creates a clone that shares the user's objects and has the remote's refs.
    fn clone_of(&self, ctx: &Ctx, names: &[String]) -> Result<()> {
        let dir = self.dir()?;
        ctx.git.run(&[
            "clone",
            "--quiet",
            "--shared",
            "--no-checkout",
            "--no-tags",
            "--",
            ctx.ws.root.as_str(),
            dir.as_str(),
        ])?;
        let git = Git::new(&dir);
        let target = |name: &str| match name.strip_prefix("refs/heads/") {
            Some(branch) => format!("refs/remotes/origin/{branch}"),
            None => name.to_string(),
        };
        let updates: String =
            names.iter().map(|name| format!("update {} {}\n", target(name), self.refs[name])).collect();
        git.pipe(&["update-ref", "--stdin"], updates.as_bytes())?;
        dry_run::take_identity(&ctx.git, &git)?;
        if git.read(&["var", "GIT_COMMITTER_IDENT"]).is_err() {
            // A CI runner has no git identity: the bump gets that of development's last commit.
            for (key, field) in [("user.name", "%cn"), ("user.email", "%ce")] {
                let format = format!("--format={field}");
                git.run(&["config", key, &git.read(&["show", "-s", &format, &self.development.commit])?])?;
            }
        }
        git.run(&["checkout", "--quiet", "-B", &self.development.name, &self.development.commit])
    }

    /// Runs `f` on a checkout of the development branch.
    pub(super) fn in_checkout<T>(&self, ctx: &Ctx, f: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
        let dir = self.dir()?;
        let mut endpoints = ctx.endpoints.clone();
        endpoints.remote = "origin".into();
        f(&Ctx { ws: Workspace::load(Some(&dir))?, git: Git::new(&dir), endpoints, json: ctx.json })
    }

    /// Refuses to replace a branch with any commit other than an earlier run's bump to the same version.
    pub(super) fn replaceable(&self, ctx: &Ctx, clone: &Ctx, branch: &str) -> Result<()> {
        let name = format!("refs/heads/{branch}");
        let Some(tip) = self.refs.get(&name) else { return Ok(()) };
        ctx.git.fetch_objects(&ctx.endpoints.remote, &[name])?;
        let subjects = |tip: &str| {
            clone.git.read(&["log", "--format=%s", &format!("{}..{tip}", self.development.commit)])
        };
        if subjects(tip)? == subjects("HEAD")? { Ok(()) } else { Err(branch_taken(branch)) }
    }

    /// Pushes the request's commit, and returns None. If the branch already has the same content, pushes
    /// nothing and returns its commit.
    pub(super) fn push(&self, ctx: &Ctx, clone: &Ctx, request: &Request) -> Result<Option<String>> {
        let name = format!("refs/heads/{}", request.branch);
        let there = self.refs.get(&name).map(String::as_str).unwrap_or("");
        let tree = |commit: &str| {
            clone.git.read(&["rev-parse", "--verify", "--quiet", &format!("{commit}^{{tree}}")]).ok()
        };
        if there == request.commit
            || (!there.is_empty() && tree(there).is_some() && tree(there) == tree(&request.commit))
        {
            return Ok(Some(there.to_string()));
        }
        clone.git.run(&["update-ref", &name, &request.commit])?;
        ctx.git.fetch_objects(clone.ws.root.as_str(), std::slice::from_ref(&name))?;
        let lease = format!("--force-with-lease={name}:{there}");
        let refspec = format!("{}:{name}", request.commit);
        // --no-verify: a pre-push hook would check the user's checkout, which is not what is pushed.
        ctx.git.online(&["push", "--quiet", "--no-verify", &lease, "--", &ctx.endpoints.remote, &refspec])?;
        Ok(None)
    }
}
