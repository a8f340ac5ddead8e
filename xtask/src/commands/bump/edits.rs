//! Writes the files of a bump, all or none, and commits them. The user's git hooks run.

use super::{confirm, replaced};
use crate::commands::plan::AppPlan;
use crate::commands::{compat, openapi};
use crate::model::ctx::Ctx;
use crate::model::workspace::{Acceptance, App};
use crate::model::{changelog, manifest};
use crate::sys::files;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

const CHANGELOG: &str = "CHANGELOG.md";

/// A file before the bump.
struct Saved {
    file: Utf8PathBuf,
    /// None: the file did not exist.
    bytes: Option<Vec<u8>>,
}

/// Writes all files and commits them. Returns the files that changed, or None if none did.
pub(super) fn commit(
    ctx: &Ctx,
    app: &App,
    plan: &AppPlan,
    version: &Version,
    confirmed: &[Acceptance],
    subject: &str,
) -> Result<Option<Vec<String>>> {
    let mut saved = Vec::new();
    let outcome = write_and_commit(ctx, app, texts(ctx, app, plan, version, confirmed)?, subject, &mut saved);
    if outcome.is_err() {
        restore(ctx, &saved)
            .context("the bump failed, and its files could not be restored: type git checkout -- .")?;
    }
    outcome?;
    Ok((!saved.is_empty()).then(|| saved.into_iter().map(|s| s.file.into_string()).collect()))
}

fn write_and_commit(
    ctx: &Ctx,
    app: &App,
    texts: Vec<(Utf8PathBuf, String)>,
    subject: &str,
    saved: &mut Vec<Saved>,
) -> Result<()> {
    let root = &ctx.ws.root;
    for (file, text) in texts {
        put(root, file, &text, saved)?;
    }
    if root.join(lock_file(root, app)).exists() {
        app.settings.ecosystem.check_lock(ctx, app)?;
    }
    if let (Some(spec), Some(text)) = (&app.settings.spec, openapi::render(ctx, app, root)?) {
        put(root, app.dir.join(&spec.file), &text, saved)?;
    }
    // After the spec, because compat.json contains its hash.
    if let (Some(settings), Some(text)) = (&app.settings.compat, compat::render(ctx, app, root)?) {
        put(root, compat::file(app, settings), &text, saved)?;
    }
    if saved.is_empty() {
        return Ok(());
    }
    let with_paths = |args: &[&str]| -> Vec<String> {
        let paths = saved.iter().map(|s| format!(":(top,literal){}", s.file));
        args.iter().map(|a| a.to_string()).chain(["--".to_string()]).chain(paths).collect()
    };
    ctx.git.run(&with_paths(&["add"]))?;
    ctx.git
        .run(&with_paths(&["commit", "--quiet", "--message", subject]))
        .context("git refused the commit; all files are restored")
}

fn lock_file(root: &Utf8Path, app: &App) -> Utf8PathBuf {
    app.dir.join(app.settings.ecosystem.lock_file(&root.join(&app.dir)))
}

/// Every file that contains the version, except the spec and compat.json: the new version's code prints
/// those.
fn texts(
    ctx: &Ctx,
    app: &App,
    plan: &AppPlan,
    version: &Version,
    confirmed: &[Acceptance],
) -> Result<Vec<(Utf8PathBuf, String)>> {
    let (root, ecosystem) = (&ctx.ws.root, app.settings.ecosystem);
    let mut texts = Vec::new();
    let file = app.dir.join(ecosystem.manifest());
    let text =
        ecosystem.set_version(&manifest::text(root, &file)?, version).with_context(|| file.to_string())?;
    texts.push((file, text));
    let file = lock_file(root, app);
    if root.join(&file).exists() {
        let text = ecosystem
            .set_locked_version(&file, &manifest::text(root, &file)?, version)
            .with_context(|| file.to_string())?;
        texts.push((file, text));
    }
    for file in manifest::pin_files(app)? {
        let text = manifest::set_pin(&file, &manifest::text(root, &file)?, version)?;
        texts.push((file, text));
    }
    let file = Utf8PathBuf::from(CHANGELOG);
    let old = if root.join(&file).exists() { manifest::text(root, &file)? } else { String::new() };
    let release = changelog::ReleaseNotes {
        app: app.name(),
        tag: &app.tag(version),
        date: &crate::sys::date::today()?,
        previous: plan.last.as_ref().map(|r| r.tag.as_str()),
        replaces: &replaced(app, plan),
        commits: &plan.commits,
        accepted: &plan.accepted,
        repository: ctx.ws.settings.repository.as_deref(),
    };
    texts.push((file, changelog::release(&old, &release)));
    if !confirmed.is_empty() {
        texts.push(confirm::settings(root, app, confirmed)?);
    }
    Ok(texts)
}

/// Writes the file if its content changes, and saves the old content.
fn put(root: &Utf8Path, file: Utf8PathBuf, text: &str, saved: &mut Vec<Saved>) -> Result<()> {
    // The target of a symbolic link is written, not the link.
    let path = root.join(&file);
    let path = path.canonicalize_utf8().unwrap_or(path);
    let bytes = if path.exists() {
        Some(std::fs::read(&path).with_context(|| format!("cannot read {file}"))?)
    } else {
        None
    };
    if bytes.as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    saved.push(Saved { file, bytes });
    files::write_atomic(&path, text.as_bytes())
}

/// Restores every file byte for byte and removes it from git's index.
fn restore(ctx: &Ctx, saved: &[Saved]) -> Result<()> {
    for Saved { file, bytes } in saved {
        let path = ctx.ws.root.join(file);
        match bytes {
            Some(bytes) => files::write_atomic(&path, bytes)?,
            None if path.exists() => std::fs::remove_file(&path)?,
            None => {}
        }
    }
    if saved.is_empty() {
        return Ok(());
    }
    let paths = saved.iter().map(|s| format!(":(top,literal){}", s.file));
    let args: Vec<String> = ["reset", "--quiet", "--"].map(str::to_string).into_iter().chain(paths).collect();
    ctx.git.run(&args)
}
