//! Finds the apps that an event affects: those whose files differ from the commit on which its commits are
//! based.

use super::event::Event;
use crate::model::affected;
use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use crate::sys::git::short;
use anyhow::Result;

pub(super) struct Affected {
    /// Names of apps, and `xtask`.
    pub names: Vec<String>,
    /// The short id of the commit that HEAD was compared with, for messages.
    pub since: String,
}

pub(super) fn of(ctx: &Ctx, event: &Event) -> Result<Affected> {
    if ctx.git.read(&["rev-parse", "--is-shallow-repository"])? == "true" {
        let why = "this is a shallow clone: the history that shows changes and releases is missing";
        return Err(Exit::Usage(format!(
            "{why}; run git fetch --unshallow --tags, or in a workflow: actions/checkout with fetch-depth: 0"
        ))
        .into());
    }
    let base = base(ctx, event)?;
    let changed =
        |specs: &[String]| base.as_ref().map_or(Ok(true), |base| affected::committed_since(ctx, base, specs));
    let mut names = Vec::new();
    for app in &ctx.ws.apps {
        if changed(&app.pathspecs())? {
            names.push(app.name().to_string());
        }
    }
    if affected::has_xtask(ctx) && changed(&affected::xtask_pathspecs())? {
        names.push("xtask".to_string());
    }
    Ok(Affected {
        names,
        since: base.map_or("the beginning".to_string(), |commit| short(&commit).to_string()),
    })
}

/// The commit to compare HEAD with. None: every app counts as changed.
fn base(ctx: &Ctx, event: &Event) -> Result<Option<String>> {
    let settings = &ctx.ws.settings;
    match event {
        Event::PullRequest { base, .. } => match affected::branch_point(ctx, base) {
            Some(commit) => Ok(Some(commit)),
            None => {
                let help = format!(
                    "run git fetch origin {base}, or in a workflow: actions/checkout with fetch-depth: 0"
                );
                Err(Exit::Usage(format!(
                    "the base branch of the pull request, {base}, is not in this clone; {help}"
                ))
                .into())
            }
        },
        Event::Push { branch, before } if *branch == settings.main || *branch == settings.development => {
            // After a forced push the old tip may not be an ancestor of HEAD.
            Ok(before.clone().filter(|commit| {
                ctx.git.ask(&["merge-base", "--is-ancestor", commit, "HEAD"]).unwrap_or(false)
            }))
        }
        // All commits of the branch, not only the last push: the last push may change documents only, and the
        // image build of the push before may have failed.
        Event::Push { .. } => affected::branched_off(ctx),
        Event::Other(_) => Ok(None),
    }
}
