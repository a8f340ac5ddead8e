//! The start of a rehearsal: main and development are at the last release, and the first feature branch is at
//! HEAD.

use crate::commands::plan;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::git::Git;
use anyhow::Result;

pub(super) struct Start {
    pub head: String,
    pub main: String,
    pub development: String,
    /// The release tags of the apps, and the marks of those that were rolled back.
    pub tags: Vec<String>,
    /// The last release of each app that has one: the app's name and the tag.
    pub last: Vec<(String, String)>,
    /// Apps without unreleased changes at HEAD, and apps that were never released: the rehearsal commits a
    /// change to each.
    pub idle: Vec<String>,
}

/// Reads the user's repository; changes nothing.
pub(super) fn find(ctx: &Ctx, apps: &[&App]) -> Result<Start> {
    let git = &ctx.git;
    let head = git.commit("HEAD")?;
    if git.read(&["rev-parse", "--is-shallow-repository"])? == "true" {
        return Err(
            Exit::Usage("a rehearsal needs the whole history: git fetch --unshallow --tags".into()).into()
        );
    }
    let mut last = Vec::new();
    let mut idle = Vec::new();
    let mut tags = Vec::new();
    let mut newest: Option<(i64, String, String)> = None;
    for app in apps {
        let plan = plan::plan(ctx, app)?;
        tags.extend(plan.tagged.iter().map(|version| app.tag(version)));
        tags.extend(plan.marked.iter().map(|version| app.mark(version)));
        if plan.last.is_none() || plan.next.is_none() {
            idle.push(app.name().to_string());
        }
        let Some(release) = plan.last else { continue };
        let commit = git.commit(&format!("refs/tags/{}", release.tag))?;
        let time = git.commit_time(&commit)?;
        if newest.as_ref().is_none_or(|(other, ..)| time > *other) {
            let source = plan::source_commit(ctx, app, &commit)?;
            let development =
                [Some(commit.clone()), source].into_iter().flatten().find(|c| is_ancestor(git, c, &head));
            newest = Some((time, commit, development.unwrap_or_else(|| head.clone())));
        }
        last.push((app.name().to_string(), release.tag));
    }
    let (main, development) = match newest {
        Some((_, main, development)) => (main, development),
        None => (head.clone(), head.clone()),
    };
    Ok(Start { head, main, development, tags, last, idle })
}

fn is_ancestor(git: &Git, commit: &str, of: &str) -> bool {
    git.ask(&["merge-base", "--is-ancestor", commit, of]).unwrap_or(false)
}

/// Fetches HEAD and the tags into the rehearsal's remote, and sets both branches.
pub(super) fn populate(ctx: &Ctx, start: &Start, remote: &Git) -> Result<()> {
    let tags = start.tags.iter().map(|tag| format!("refs/tags/{tag}:refs/tags/{tag}"));
    let refspecs: Vec<String> = std::iter::once(format!("HEAD:{HEAD}")).chain(tags).collect();
    let args = ["fetch", "--quiet", "--no-tags", "--", ctx.ws.root.as_str()];
    remote.run(&args.into_iter().chain(refspecs.iter().map(String::as_str)).collect::<Vec<_>>())?;
    let settings = &ctx.ws.settings;
    remote.run(&["update-ref", &format!("refs/heads/{}", settings.main), &start.main])?;
    remote.run(&["update-ref", &format!("refs/heads/{}", settings.development), &start.development])
}

/// The ref of the user's HEAD in the remote. A clone does not fetch it by default.
pub(super) const HEAD: &str = "refs/rehearsal/head";
