//! Caches the results of passed checks and the output of the app's code, by the tree of files that they used.
//! A commit, its push, its pull request, the squash and the promotion often have the same files, so a check
//! need not run again on the same machine. Failures are never cached.

use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{child, files, hash, tools};
use anyhow::Result;
use camino::Utf8PathBuf;

/// The note on a reused result, as in "passed on this machine before, with the same files".
pub(crate) const BEFORE: &str = "on this machine before, with the same files";

/// Returns the output of `print`, and whether it came from the cache. Without `reuse` the cache is neither
/// read nor written: computing its key costs about as much as running the program.
pub(crate) fn printed(
    ctx: &Ctx,
    app: &App,
    what: &str,
    reuse: bool,
    print: impl FnOnce() -> Result<Option<String>>,
) -> Result<(Option<String>, bool)> {
    if !reuse {
        return Ok((print()?, false));
    }
    let place = place(ctx, app, what)?;
    if let Some(text) = place.as_ref().and_then(recall) {
        return Ok((Some(text), true));
    }
    let text = print()?;
    if let (Some(was), Some(text)) = (&place, &text) {
        remember(ctx, app, what, was, text)?;
    }
    Ok((text, false))
}

/// The cache file for the result of a check on the app's tree. None if the tree has changes that are neither
/// staged nor committed.
pub(crate) fn place(ctx: &Ctx, app: &App, check: &str) -> Result<Option<Utf8PathBuf>> {
    let specs = app.pathspecs();
    let ask = |args: &[&str]| -> Result<String> {
        let args: Vec<&str> = args.iter().copied().chain(specs.iter().map(String::as_str)).collect();
        ctx.git.read(&args)
    };
    if !ask(&["ls-files", "--modified", "--others", "--exclude-standard", "--"])?.is_empty() {
        return Ok(None);
    }
    let tree = ask(&["ls-files", "--stage", "--full-name", "--"])?;
    // The result also depends on this program and on its pinned tools.
    let me = std::fs::metadata(std::env::current_exe()?)?;
    let versions: Vec<&str> = tools::TOOLS.iter().map(|tool| tool.version).collect();
    let build = format!("{} {:?} {versions:?} {}", me.len(), me.modified()?, tools::python()?);
    let key = hash::sha256(format!("{check}\0{}\0{build}\0{tree}", app.name()));
    Ok(Some(child::cache()?.join("checked").join(key)))
}

/// The cached summary of a check that passed. None if nothing is cached.
pub(crate) fn recall(place: &Utf8PathBuf) -> Option<String> {
    std::fs::read_to_string(place).ok()
}

/// Caches the summary of a check that passed. `was`: its place before the check ran. Nothing is cached if the
/// files have changed since, because the check may have used either version.
pub(crate) fn remember(ctx: &Ctx, app: &App, check: &str, was: &Utf8PathBuf, summary: &str) -> Result<()> {
    if place(ctx, app, check)?.as_ref() != Some(was) {
        return Ok(());
    }
    std::fs::create_dir_all(was.parent().unwrap_or(was))?;
    files::write_atomic(was, summary.as_bytes())
}
