//! `bump`: writes the next version into manifest, lock file, pins, changelog, spec and compat.json, in one
//! commit. If anything fails, all files are restored.

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

pub(crate) fn bump(ctx: &Ctx, flags: &flags::Bump) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    refuse_dirty(ctx)?;
    let branch = ctx.git.branch()?;
    if !flags.dry_run {
        if write(ctx, app, flags)?.is_some() && branch.is_none() {
            ui::say("note: HEAD is detached, so the commit is on no branch; keep it: git switch -c NAME");
        }
        return Ok(());
    }
    dry_run::in_clone(ctx, |clone| {
        // On a hotfix branch, `plan` counts differently.
        if let Some(branch) = &branch {
            clone.git.run(&["checkout", "--quiet", "-B", branch])?;
        }
        dry_run::take_identity(&ctx.git, &clone.git)?;
        if write(clone, app, flags)?.is_some() {
            ui::print(clone.git.read(&[
                "show",
                "--format=%s",
                "--patch",
                "--no-color",
                "--no-ext-diff",
                "HEAD",
            ])?);
        }
        Ok(())
    })
}

/// Commits the planned bump on the branch that is checked out. None if there is nothing to write.
pub(crate) fn in_place(ctx: &Ctx, app: &App) -> Result<Option<Version>> {
    write(ctx, app, &flags::Bump { app: app.name().to_string(), ..Default::default() })
}

pub(crate) fn refuse_dirty(ctx: &Ctx) -> Result<()> {
    let dirty = ctx.git.dirty()?;
    if dirty.is_empty() {
        return Ok(());
    }
    let message = format!("the working tree has uncommitted changes:\n  {}", dirty.join("\n  "));
    Err(Exit::Gate(vec![Finding::new("dirty-tree", Level::Error, message).help("git stash, or commit them")])
        .into())
}

/// The plan's findings that the bump itself fixes, by writing the version.
const FIXED: &[&str] = &["pending-too-low", "manifest-below-tag"];

/// Creates the commit and prints what it changed.
fn write(ctx: &Ctx, app: &App, flags: &flags::Bump) -> Result<Option<Version>> {
    let reason = confirm::reason(flags)?;
    let (mut plan, published) = plan::bump(ctx, app)?;
    // An undeclared break does not stop a bump, only the later steps. Findings that the bump fixes, or that
    // stop it below, are not printed here.
    let handled = |f: &&Finding| {
        FIXED.contains(&f.id) || f.id == "hotfix-too-big" || (f.id == "undeclared-break" && reason.is_some())
    };
    plan.findings.iter().filter(|f| !handled(f)).for_each(ui::finding);
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
    if let Some(why) = &published.unread {
        index_unread(app, flags, &version, why)?;
    }
    version::to_pep440(&version)?;
    let confirmed =
        reason.map(|reason| confirm::accept(&mut plan, &version, &reason)).transpose()?.unwrap_or_default();
    let subject = subject(app, &version);
    match edits::commit(ctx, app, &plan, &version, &confirmed, &subject)? {
        Some(files) => ui::say(&format!("{} {subject}\n  {}", ui::green("✓"), files.join("\n  "))),
        None => {
            ui::say(&format!("{}: {version} is already written: nothing changed", app.name()));
            return Ok(None);
        }
    }
    Ok(Some(version))
}

/// Without the index's answer, a version may be one that is taken, or below one that users have. Only a
/// person may choose it then.
fn index_unread(app: &App, flags: &flags::Bump, version: &Version, why: &str) -> Result<()> {
    let message = format!("the index could not be asked which versions it has: {why}");
    let finding = |level| Finding::new("index-unreachable", level, message.clone()).app(app.name());
    if flags.version.is_some() {
        ui::finding(&finding(Level::Warning).help("`release` asks the index again, before the tag"));
        return Ok(());
    }
    let help = format!(
        "run it again when the index answers\n\
         or, if you know that it has no higher version: cargo xtask bump {} --version {version}",
        app.name()
    );
    Err(Exit::Gate(vec![finding(Level::Error).help(help)]).into())
}

/// The bump commit's subject, by which people and tools recognise it.
pub(crate) fn subject(app: &App, version: &Version) -> String {
    format!("chore(release): {} v{version}", app.name())
}

/// The changelog sections of an earlier bump that was never tagged; the new section replaces them.
fn replaced(app: &App, plan: &AppPlan) -> Vec<String> {
    if plan.pending { vec![app.tag(&plan.manifest)] } else { Vec::new() }
}
