//! What changed for users since the last release, as the spec, compat.json and the package's public API have it: compared once per pair of trees.
//! Nothing is asked of git where no commit touches the app, nor where there is nothing to compare.

use super::Release;
use super::breaks::Compared;
use crate::exit::Exit;
use crate::finding::Level;
use crate::workspace::App;
use crate::{Ctx, api, tools};
use anyhow::{Result, bail};
use cache::Entry;
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::HashMap;

mod cache;
mod contract;
mod package;
mod promises;

/// May a plan use the network, for what reads the API?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is not installed yet is said to be missing.
    Offline,
    Network,
}

/// One entry per source whose content has changed since `last`.
pub fn compare(ctx: &Ctx, app: &App, last: &Release, reach: Reach) -> Result<Vec<Compared>> {
    let spec = app.settings.spec.as_ref().map(|spec| app.dir.join(&spec.file));
    let promises = app.settings.compat.as_ref().map(|compat| app.dir.join(&compat.file));
    let package = if api::guarded(app) { api::folders(app) } else { Vec::new() };
    let paths: Vec<&Utf8Path> = spec.iter().chain(&promises).chain(&package).map(|path| path.as_path()).collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let pairs = pairs(ctx, last, &paths)?;
    let pair = |path: &Utf8PathBuf| &pairs[path.as_path()];
    let mut compared = Vec::new();
    if let Some(file) = &spec {
        compared.extend(contract::compare(ctx, app, last, file, pair(file))?);
    }
    if let Some(file) = &promises {
        compared.extend(promises::compare(ctx, app, last, file, pair(file))?);
    }
    // The narrowest folder that both have; where one has none, all of the app counts.
    let mut folders = package.iter().map(pair);
    if let Some(trees) = folders.find(|pair| pair.old.is_some() && pair.new.is_some()).filter(|pair| pair.old != pair.new) {
        compared.push(package::compare(ctx, app, last, trees, reach)?);
    }
    Ok(compared)
}

/// What git has under a path at the release and at HEAD: the names of blobs or trees.
#[derive(Clone, Debug)]
struct Pair {
    old: Option<String>,
    new: Option<String>,
}

/// Every path at both, in one process.
fn pairs<'p>(ctx: &Ctx, last: &Release, paths: &[&'p Utf8Path]) -> Result<HashMap<&'p Utf8Path, Pair>> {
    let names: String = paths.iter().map(|path| format!("refs/tags/{}:{path}\nHEAD:{path}\n", last.tag)).collect();
    let answer = ctx.git.pipe(&["cat-file", "--batch-check=%(objectname)", "--buffer"], names.as_bytes())?;
    let answer = String::from_utf8_lossy(&answer);
    let found: Vec<Option<String>> =
        answer.lines().map(|line| (!line.ends_with(" missing") && !line.ends_with(" ambiguous")).then(|| line.to_string())).collect();
    if found.len() != 2 * paths.len() {
        bail!("git cat-file answered {} of {} questions in {}", found.len(), 2 * paths.len(), ctx.git.dir);
    }
    Ok(paths.iter().zip(found.chunks(2)).map(|(path, pair)| (*path, Pair { old: pair[0].clone(), new: pair[1].clone() })).collect())
}
