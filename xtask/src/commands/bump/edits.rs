//! Writes the files of a bump, all or none, and commits them. The user's git hooks run.

use super::{confirm, replaced};
use crate::commands::plan::AppPlan;
use crate::commands::{compat, openapi};
use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::workspace::{Acceptance, App};
use crate::model::{changelog, manifest, markdown};
use crate::sys::exit::{Exit, with_next};
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
    ctx.git.refuse_locked_index()?;
    let mut saved = Vec::new();
    let outcome = write_and_commit(ctx, app, texts(ctx, app, plan, version, confirmed)?, subject, &mut saved);
    if let Err(error) = outcome {
        return Err(match restore(ctx, &saved) {
            Ok(()) => error,
            Err(left) => {
                let what = format!("the bump failed, and its changes could not all be undone ({left:#})");
                with_next(error.context(what), "`git reset --hard` undoes them")
            }
        });
    }
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
    // Before anything is written: none of the files may be outside the repository.
    for file in generated(app) {
        files::inside(root, &file)?;
    }
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
    let paths = saved.iter().map(|s| format!(":(top,literal){}", s.file));
    let add: Vec<String> = ["add", "--"].map(str::to_string).into_iter().chain(paths).collect();
    ctx.git.run(&add)?;
    // Without paths: with paths, git would hide from its own index what a formatting hook adds.
    ctx.git
        .run(&["commit", "--quiet", "--message", subject])
        .context("git refused the commit; all files are restored")
}

/// The files that the new version's code prints.
fn generated(app: &App) -> Vec<Utf8PathBuf> {
    let spec = app.settings.spec.as_ref().map(|spec| app.dir.join(&spec.file));
    spec.into_iter().chain(app.settings.compat.as_ref().map(|settings| compat::file(app, settings))).collect()
}

/// The lock files above the app's folder, which may be those of a workspace, with the app's folder as they
/// name it.
fn workspace_locks(root: &Utf8Path, app: &App) -> Vec<(Utf8PathBuf, String)> {
    let mut found = Vec::new();
    for folder in app.dir.ancestors().skip(1) {
        let member = app.dir.strip_prefix(folder).unwrap_or(&app.dir).to_string();
        let files = app.settings.ecosystem.lock_files().iter().map(|name| folder.join(name));
        found.extend(files.filter(|file| root.join(file).exists()).map(|file| (file, member.clone())));
    }
    found
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
    let text = ecosystem.set_version(&merged(root, &file)?, version).with_context(|| file.to_string())?;
    texts.push((file, text));
    let file = lock_file(root, app);
    if root.join(&file).exists() {
        let text = ecosystem
            .set_locked_version(&file, &merged(root, &file)?, ".", version)
            .with_context(|| file.to_string())?
            .with_context(|| {
                format!("{file} has no entry for the app itself; `{}` adds it", lock_command(&file))
            })?;
        texts.push((file, text));
    }
    for (file, member) in workspace_locks(root, app) {
        let text = ecosystem
            .set_locked_version(&file, &merged(root, &file)?, &member, version)
            .with_context(|| file.to_string())?;
        texts.extend(text.map(|text| (file, text)));
    }
    for file in manifest::pin_files(app)? {
        let text = manifest::set_pin(&file, &merged(root, &file)?, version)?;
        texts.push((file, text));
    }
    let file = Utf8PathBuf::from(CHANGELOG);
    let old = if root.join(&file).exists() { merged(root, &file)? } else { String::new() };
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
    texts.into_iter().map(|(file, text)| Ok((files::inside(root, &file)?, text))).collect()
}

/// The command that generates the lock file.
fn lock_command(file: &Utf8Path) -> &'static str {
    match file.file_name() {
        Some("uv.lock") => "uv lock",
        Some("bun.lock") => "bun install",
        _ => "npm install --package-lock-only",
    }
}

/// The text of a file that is edited. A gate if it still holds both sides of a merge conflict.
fn merged(root: &Utf8Path, file: &Utf8Path) -> Result<String> {
    let text = manifest::text(root, file)?;
    match markdown::conflict(&text) {
        None => Ok(text),
        Some(line) => Err(Exit::Gate(vec![
            Finding::new("conflict-markers", Level::Error, "a merge conflict is not resolved")
                .place(format!("{file}:{line}"))
                .help("remove one side and the markers (`<<<<<<<`, `=======`, `>>>>>>>`), and commit"),
        ])
        .into()),
    }
}

/// Writes the file if its content changes, and saves the old content.
fn put(root: &Utf8Path, file: Utf8PathBuf, text: &str, saved: &mut Vec<Saved>) -> Result<()> {
    // The target of a link is written and committed, not the link.
    let file = files::inside(root, &file)?;
    let path = root.join(&file);
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
    let mut failed = Ok(());
    for Saved { file, bytes } in saved {
        let path = ctx.ws.root.join(file);
        // A file that could not be written is as it was, and still cannot be written.
        let restored = match bytes {
            Some(bytes) if std::fs::read(&path).is_ok_and(|now| now == *bytes) => Ok(()),
            Some(bytes) => files::write_atomic(&path, bytes),
            None if path.exists() => std::fs::remove_file(&path).map_err(Into::into),
            None => Ok(()),
        };
        failed = failed.and(restored);
    }
    failed?;
    if saved.is_empty() {
        return Ok(());
    }
    let paths = saved.iter().map(|s| format!(":(top,literal){}", s.file));
    let args: Vec<String> = ["reset", "--quiet", "--"].map(str::to_string).into_iter().chain(paths).collect();
    ctx.git.run(&args).context("git's index still has them")
}
