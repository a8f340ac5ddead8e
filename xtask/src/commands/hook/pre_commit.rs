//! The pre-commit hook: regenerates and stages what the staged files make stale (lock file, spec,
//! compat.json), then checks what changed. Files with changes that are not staged are never written.

use crate::checks::passed;
use crate::commands::{check, compat, openapi};
use crate::flags::{Affected, Check};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{files, ui};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::ffi::OsStr;

pub(super) fn run(ctx: &Ctx) -> Result<()> {
    let staged = listed(ctx, &["diff", "--cached", "--name-only", "-z"])?;
    // The index of `git commit FILE`. After the commit git drops it, and the user's own index would show what
    // was added here as removed.
    let partial = std::env::var_os("GIT_INDEX_FILE").is_some_and(|index| {
        Utf8Path::from_path(index.as_ref())
            .and_then(Utf8Path::file_name)
            .unwrap_or("")
            .starts_with("next-index-")
    });
    for app in ctx.ws.apps.iter().filter(|_| !partial) {
        if staged.iter().any(|file| file.starts_with(&app.dir)) {
            refresh(ctx, app, &staged)?;
        }
    }
    let affected = Affected { affected: true, reuse: true, ..Affected::default() };
    check::check(ctx, &Check { affected, quick: true, labels: Vec::new() })
}

/// Brings one app's generated files up to date with its staged files. Where other files of the app have
/// changes that are not staged, the code might print what is not committed: nothing is written, and the
/// check that follows reports a stale file.
fn refresh(ctx: &Ctx, app: &App, staged: &[Utf8PathBuf]) -> Result<()> {
    let ecosystem = app.settings.ecosystem;
    let lock = app.dir.join(ecosystem.lock_file(&ctx.ws.root.join(&app.dir)));
    let spec = app.settings.spec.as_ref().map(|spec| app.dir.join(&spec.file));
    let compat = app.settings.compat.as_ref().map(|settings| compat::file(app, settings));
    let generated: Vec<&Utf8PathBuf> =
        [Some(&lock), spec.as_ref(), compat.as_ref()].into_iter().flatten().collect();
    let folder = format!(":(top,literal){}", app.dir);
    let mut unstaged = listed(ctx, &["diff", "--name-only", "-z", "--", &folder])?;
    unstaged.extend(listed(ctx, &["ls-files", "--others", "--exclude-standard", "-z", "--", &folder])?);
    if unstaged.iter().any(|file| !generated.contains(&file)) {
        return Ok(());
    }
    let manifest = app.dir.join(ecosystem.manifest());
    if staged.contains(&manifest)
        && ctx.ws.root.join(&lock).exists()
        && ecosystem.check_lock(ctx, app).is_err()
    {
        let line = ui::begin(&format!("lock {}", app.name()));
        match unstaged.contains(&lock) {
            true => line.end(ui::Outcome::Skipped(format!("{lock} has changes that are not staged"))),
            false => match ecosystem.write_lock(ctx, app) {
                Ok(()) => {
                    stage(ctx, &lock)?;
                    line.end(ui::Outcome::Done(format!("{lock} updated and staged")));
                }
                // The check that follows says what is wrong.
                Err(_) => line.end(ui::Outcome::Skipped(format!("{lock} could not be updated"))),
            },
        }
    }
    // compat.json is last, because it contains the hash of the spec.
    if let Some(file) = spec {
        let print = || openapi::render(ctx, app, &ctx.ws.root);
        write(ctx, app, "openapi", &file, &unstaged, passed::printed(ctx, app, "spec", true, print))?;
    }
    if let Some(file) = compat {
        let print = || compat::render(ctx, app, &ctx.ws.root);
        write(ctx, app, "compat", &file, &unstaged, passed::printed(ctx, app, "compat", true, print))?;
    }
    Ok(())
}

/// Writes and stages a generated file if it is not what the code prints. Code that prints nothing is left to
/// the check that follows.
fn write(
    ctx: &Ctx,
    app: &App,
    what: &str,
    file: &Utf8Path,
    unstaged: &[Utf8PathBuf],
    printed: Result<(Option<String>, bool)>,
) -> Result<()> {
    let Ok((Some(text), _)) = printed else { return Ok(()) };
    let file = files::inside(&ctx.ws.root, file)?;
    let path = ctx.ws.root.join(&file);
    let same = std::fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes());
    let edited = unstaged.contains(&file);
    if same && !edited {
        return Ok(());
    }
    let line = ui::begin(&format!("{what} {}", app.name()));
    if edited && !same {
        line.end(ui::Outcome::Skipped(format!(
            "{file} has changes that are not staged, so it is not written"
        )));
        return Ok(());
    }
    if !same {
        files::write_atomic(&path, text.as_bytes())?;
    }
    stage(ctx, &file)?;
    line.end(ui::Outcome::Done(format!("{file} {}", if same { "staged" } else { "regenerated and staged" })));
    Ok(())
}

fn stage(ctx: &Ctx, file: &Utf8Path) -> Result<()> {
    let output = ctx.git.in_hook().args(["add", "--", &format!(":(top,literal){file}")]).output()?;
    anyhow::ensure!(
        output.status.success(),
        "git add {file} failed:\n{}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(())
}

/// The paths that a git command lists with -z, in the index of the commit.
fn listed<S: AsRef<OsStr>>(ctx: &Ctx, args: &[S]) -> Result<Vec<Utf8PathBuf>> {
    let output =
        ctx.git.in_hook().args(args).output().context("git could not be started (is it on PATH?)")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim_end());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split('\0').filter(|path| !path.is_empty()).map(Utf8PathBuf::from).collect())
}
