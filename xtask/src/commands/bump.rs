//! The next version, written into manifest, lock file, pins, changelog and spec: one commit. Whatever fails,
//! everything is as before.

use crate::commands::plan;
use crate::commands::plan::AppPlan;
use crate::finding::{Finding, Level};
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::model::{dry_run, version};
use crate::sys::exit::Exit;
use crate::sys::ui;
use anyhow::Result;
use choose::Choice;
use semver::Version;

mod choose;
mod confirm;
mod edits;

pub fn bump(ctx: &Ctx, flags: &flags::Bump) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    refuse_dirty(ctx)?;
    if !flags.dry_run {
        return write(ctx, app, flags).map(drop);
    }
    let branch = ctx.git.branch()?;
    dry_run::in_clone(ctx, |clone| {
        // A hotfix branch counts otherwise than others.
        if let Some(branch) = &branch {
            clone.git.run(&["checkout", "--quiet", "-B", branch])?;
        }
        dry_run::take_identity(&ctx.git, &clone.git)?;
        if write(clone, app, flags)?.is_some() {
            println!(
                "{}",
                clone.git.read(&["show", "--format=%s", "--patch", "--no-color", "--no-ext-diff", "HEAD"])?
            );
        }
        Ok(())
    })
}

/// The planned bump as a commit on the branch that is checked out; None where nothing is to be written.
pub fn in_place(ctx: &Ctx, app: &App) -> Result<Option<Version>> {
    write(ctx, app, &flags::Bump { app: app.name().to_string(), ..Default::default() })
}

fn refuse_dirty(ctx: &Ctx) -> Result<()> {
    let dirty = ctx.git.dirty()?;
    if dirty.is_empty() {
        return Ok(());
    }
    let message = format!("the working tree has changes that are not committed:\n  {}", dirty.join("\n  "));
    Err(Exit::Gate(vec![Finding::new("dirty-tree", Level::Error, message).help("git stash, or commit them")])
        .into())
}

/// What the plan says of a version that the bump writes anew.
const MENDED: &[&str] = &["pending-too-low", "manifest-below-tag"];

/// Makes the commit, and says so.
fn write(ctx: &Ctx, app: &App, flags: &flags::Bump) -> Result<Option<Version>> {
    let reason = confirm::reason(flags)?;
    let (mut plan, published) = plan::bump(ctx, app)?;
    // A bump may come before its break is declared; nothing after it may. What it mends itself needs no word.
    let settled = |f: &&Finding| {
        MENDED.contains(&f.id) || f.id == "hotfix-too-big" || (f.id == "undeclared-break" && reason.is_some())
    };
    plan.findings.iter().filter(|f| !settled(f)).for_each(ui::finding);
    let hotfix: Vec<Finding> = plan.findings.iter().filter(|f| f.id == "hotfix-too-big").cloned().collect();
    if !hotfix.is_empty() {
        return Err(Exit::Gate(hotfix).into());
    }
    let version = match choose::version(flags, &plan, &published.versions)? {
        Choice::Version(version) => version,
        Choice::Nothing(why) => {
            ui::say(&format!("{}: nothing to bump: {why}", app.name()));
            return Ok(None);
        }
    };
    version::to_pep440(&version)?;
    let confirmed =
        reason.map(|reason| confirm::accept(&mut plan, &version, &reason)).transpose()?.unwrap_or_default();
    let subject = subject(app, &version);
    match edits::commit(ctx, app, &plan, &version, &confirmed, &subject)? {
        Some(files) => ui::say(&format!("{} {subject}\n  {}", ui::green("✓"), files.join("\n  "))),
        None => {
            ui::say(&format!("{}: {version} is written already: nothing changed", app.name()));
            return Ok(None);
        }
    }
    Ok(Some(version))
}

/// The bump commit's subject, by which people and tools know it.
pub fn subject(app: &App, version: &Version) -> String {
    format!("chore(release): {} v{version}", app.name())
}

/// The sections of an earlier bump whose tag was never made.
fn replaced(app: &App, plan: &AppPlan) -> Vec<String> {
    if plan.pending { vec![app.tag(&plan.manifest)] } else { Vec::new() }
}
