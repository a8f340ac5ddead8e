//! Checks that passed, by the tree they passed on: a pull request's tree, its squash and its promotion are the same files, and what passed
//! on them need not run again on the same machine. Failures are never remembered.

use crate::workspace::App;
use crate::{Ctx, child, files, hash, tools};
use anyhow::Result;
use camino::Utf8PathBuf;

/// Where the result of a check on the app's tree is kept; None while some of it is not committed.
pub fn place(ctx: &Ctx, app: &App, check: &str) -> Result<Option<Utf8PathBuf>> {
    let specs = app.pathspecs();
    let ask = |args: &[&str]| -> Result<String> {
        let args: Vec<&str> = args.iter().copied().chain(specs.iter().map(String::as_str)).collect();
        ctx.git.read(&args)
    };
    if !ask(&["status", "--porcelain", "--"])?.is_empty() {
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

pub fn remember(place: &Utf8PathBuf, said: &str) -> Result<()> {
    std::fs::create_dir_all(place.parent().unwrap_or(place))?;
    files::write_atomic(place, said.as_bytes())
}
