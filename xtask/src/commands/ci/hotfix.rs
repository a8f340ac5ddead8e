//! The release from a hotfix branch: of its app only, and only beside a newer release. The patch of the
//! newest release would take `latest`; a pull request into main makes it.

use crate::commands::{plan, release};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::model::{manifest, tags};
use crate::sys::ui;
use anyhow::Result;
use plan::Line;

/// The app of this branch, if its version is to be released from here.
pub(super) fn apps<'a>(ctx: &'a Ctx, branch: &str) -> Result<Vec<&'a App>> {
    let waiting = release::waiting(ctx, false)?;
    let of_branch = |app: &&App| Line::of_branch(branch, app.name()).is_some();
    let Some(app) = waiting.into_iter().find(of_branch) else { return Ok(Vec::new()) };
    let version = manifest::at(&ctx.git, app, "HEAD")?;
    let line = Line { major: version.major, minor: version.minor };
    let tagged = tags::on_remote(ctx, app)?;
    if tagged.versions.contains(&version) {
        // Perhaps its release was interrupted.
        return Ok(vec![app]);
    }
    let newer = tagged.stable().next().is_some_and(|newest| *newest > version && !line.contains(newest));
    if !newer {
        let name = app.name();
        ui::say(&format!("  {name} {version} would be the newest release, and this job never moves latest:"));
        match ctx.ws.settings.one_branch() {
            true => ui::say(&format!("  release it on your machine: cargo xtask release {name}")),
            false => ui::say(&format!("  open a pull request into {}", ctx.ws.settings.main)),
        }
        return Ok(Vec::new());
    }
    Ok(vec![app])
}
