//! Which apps an event affects: by the difference to where its commits began.

use super::event::Event;
use crate::exit::Exit;
use crate::release::short;
use crate::{Ctx, ui};
use anyhow::Result;

/// The paths that are xtask's own.
const XTASK: &[&str] = &["xtask", "Cargo.toml", "Cargo.lock", "rustfmt.toml"];

pub struct Affected {
    /// Apps, and `xtask`.
    pub names: Vec<String>,
    /// For people: what it was compared with.
    pub since: String,
}

pub fn of(ctx: &Ctx, event: &Event) -> Result<Affected> {
    if ctx.git.read(&["rev-parse", "--is-shallow-repository"])? == "true" {
        let why = "this is a shallow clone, which does not show what changed nor what was released";
        return Err(Exit::Usage(format!("{why}: git fetch --unshallow --tags; in a workflow: actions/checkout with fetch-depth: 0")).into());
    }
    let base = base(ctx, event)?;
    let mut names = Vec::new();
    for app in &ctx.ws.apps {
        if changed(ctx, base.as_deref(), &app.pathspecs())? {
            names.push(app.name().to_string());
        }
    }
    // In a rehearsal xtask is what rehearses: it is neither compiled nor checked there.
    let ours = ctx.ws.root.join("xtask/Cargo.toml").exists() && !ctx.endpoints.loopback_only;
    let paths: Vec<String> = XTASK.iter().map(|path| format!(":(top,literal){path}")).collect();
    if ours && changed(ctx, base.as_deref(), &paths)? {
        names.push("xtask".to_string());
    }
    Ok(Affected { names, since: base.map_or("the beginning".to_string(), |commit| short(&commit).to_string()) })
}

fn changed(ctx: &Ctx, base: Option<&str>, pathspecs: &[String]) -> Result<bool> {
    let Some(base) = base else { return Ok(true) };
    let args = ["diff", "--quiet", base, "HEAD", "--"];
    Ok(!ctx.git.ask(&args.into_iter().chain(pathspecs.iter().map(String::as_str)).collect::<Vec<_>>())?)
}

/// The commit that HEAD is compared with; None: everything counts as changed.
fn base(ctx: &Ctx, event: &Event) -> Result<Option<String>> {
    let settings = &ctx.ws.settings;
    match event {
        Event::PullRequest { base, .. } => match branch_point(ctx, base)? {
            Some(commit) => Ok(Some(commit)),
            None => {
                let help = format!("git fetch origin {base}; in a workflow: actions/checkout with fetch-depth: 0");
                Err(Exit::Usage(format!("the branch {base} that the pull request goes into is not here: {help}")).into())
            }
        },
        Event::Push { branch, before } if *branch == settings.main || *branch == settings.development => {
            // A forced push may have removed what was there before.
            Ok(before.clone().filter(|commit| ctx.git.ask(&["merge-base", "--is-ancestor", commit, "HEAD"]).unwrap_or(false)))
        }
        // Everything the branch brings: its last push alone may hold a document, and the image of the one before may have failed.
        Event::Push { .. } => begun(ctx),
        Event::Other(_) => Ok(None),
    }
}

/// Where the checked-out branch left development; main stands in where nobody has made development yet, and that is said.
pub fn begun(ctx: &Ctx) -> Result<Option<String>> {
    let (main, development) = (&ctx.ws.settings.main, &ctx.ws.settings.development);
    if let Some(point) = branch_point(ctx, development)? {
        return Ok(Some(point));
    }
    let help = format!("make it once: git push {} {main}:{development}", ctx.endpoints.remote);
    let point = if main == development { None } else { branch_point(ctx, main)? };
    let instead = if point.is_some() { format!("compared with {main}") } else { "everything counts as changed".to_string() };
    ui::say(&format!("{} there is no branch {development}: {instead}; {help}", ui::yellow("note:")));
    Ok(point)
}

/// Where HEAD left a branch of the remote. None: the branch is not here, or they have no commit in common.
pub fn branch_point(ctx: &Ctx, branch: &str) -> Result<Option<String>> {
    let named = format!("refs/remotes/{}/{branch}", ctx.endpoints.remote);
    for reference in [named, format!("refs/remotes/origin/{branch}"), format!("refs/heads/{branch}")] {
        if let Ok(commit) = ctx.git.commit(&reference)
            && let Ok(point) = ctx.git.read(&["merge-base", "HEAD", &commit])
        {
            return Ok(Some(point));
        }
    }
    Ok(None)
}
