//! Which apps an event affects: by the difference to where its commits began.

use super::event::Event;
use crate::model::affected;
use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use crate::sys::git::short;
use anyhow::Result;

pub struct Affected {
    /// Apps, and `xtask`.
    pub names: Vec<String>,
    /// For people: what it was compared with.
    pub since: String,
}

pub fn of(ctx: &Ctx, event: &Event) -> Result<Affected> {
    if ctx.git.read(&["rev-parse", "--is-shallow-repository"])? == "true" {
        let why = "this is a shallow clone, which does not show what changed nor what was released";
        return Err(Exit::Usage(format!(
            "{why}: git fetch --unshallow --tags; in a workflow: actions/checkout with fetch-depth: 0"
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

/// The commit that HEAD is compared with; None: everything counts as changed.
fn base(ctx: &Ctx, event: &Event) -> Result<Option<String>> {
    let settings = &ctx.ws.settings;
    match event {
        Event::PullRequest { base, .. } => match affected::branch_point(ctx, base)? {
            Some(commit) => Ok(Some(commit)),
            None => {
                let help =
                    format!("git fetch origin {base}; in a workflow: actions/checkout with fetch-depth: 0");
                Err(Exit::Usage(format!(
                    "the branch {base} that the pull request goes into is not here: {help}"
                ))
                .into())
            }
        },
        Event::Push { branch, before } if *branch == settings.main || *branch == settings.development => {
            // A forced push may have removed what was there before.
            Ok(before.clone().filter(|commit| {
                ctx.git.ask(&["merge-base", "--is-ancestor", commit, "HEAD"]).unwrap_or(false)
            }))
        }
        // Everything the branch brings: its last push alone may hold a document, and the image of the one
        // before may have failed.
        Event::Push { .. } => affected::branched_off(ctx),
        Event::Other(_) => Ok(None),
    }
}
