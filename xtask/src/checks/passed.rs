//! Checks that passed, and what the code printed, by the tree they saw: what is committed, what is pushed, a
//! pull request's tree, its squash and its promotion are the same files, and what was seen of them need not
//! run again on the same machine. Failures are never remembered.

use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{child, files, hash, tools};
use anyhow::Result;
use camino::Utf8PathBuf;

/// Said of what is taken over.
pub const BEFORE: &str = "on this machine before, with the same files";

/// What `print` prints, and whether that was taken over: with `reuse`, from an earlier time with the same
/// files. Without it nothing is kept either: to know which files those are takes as long as some programs
/// need to print.
pub fn printed(
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

/// Where the result of a check on the app's tree is kept; None while some of it is neither staged nor
/// committed.
pub fn place(ctx: &Ctx, app: &App, check: &str) -> Result<Option<Utf8PathBuf>> {
    let specs = app.pathspecs();
    let ask = |args: &[&str]| -> Result<String> {
        let args: Vec<&str> = args.iter().copied().chain(specs.iter().map(String::as_str)).collect();
        ctx.git.read(&args)
    };
    if !ask(&["ls-files", "--modified", "--others", "--exclude-standard", "--"])?.is_empty() {
        return Ok(None);
    }
    let tree = ask(&["ls-files", "--stage", "--full-name", "--"])?;
    // Whatever else the outcome hangs on: this program, and the pinned tools that it brings.
    let me = std::fs::metadata(std::env::current_exe()?)?;
    let versions: Vec<&str> = tools::TOOLS.iter().map(|tool| tool.version).collect();
    let build = format!("{} {:?} {versions:?} {}", me.len(), me.modified()?, tools::python()?);
    let key = hash::sha256(format!("{check}\0{}\0{build}\0{tree}", app.name()));
    Ok(Some(child::cache()?.join("checked").join(key)))
}

/// What a check said when it passed there.
pub fn recall(place: &Utf8PathBuf) -> Option<String> {
    std::fs::read_to_string(place).ok()
}

/// What a check said that passed, unless the files have changed since it was at `was`: then nobody knows
/// which of them it saw.
pub fn remember(ctx: &Ctx, app: &App, check: &str, was: &Utf8PathBuf, said: &str) -> Result<()> {
    if place(ctx, app, check)?.as_ref() != Some(was) {
        return Ok(());
    }
    std::fs::create_dir_all(was.parent().unwrap_or(was))?;
    files::write_atomic(was, said.as_bytes())
}
