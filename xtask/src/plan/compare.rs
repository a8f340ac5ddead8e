//! What changed for users since the last release, as the spec and the package's public API have it: compared once per pair of trees.
//! Nothing is asked of git where no commit touches the app, nor where there is nothing to compare.

use super::Release;
use super::breaks::Compared;
use crate::exit::Exit;
use crate::finding::Level;
use crate::workspace::App;
use crate::{Ctx, api, tools};
use anyhow::{Result, bail};
use cache::Entry;

mod cache;
mod contract;
mod package;

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
    let package = if api::guarded(app) { api::folders(app) } else { Vec::new() };
    if spec.is_none() && package.is_empty() {
        return Ok(Vec::new());
    }
    let paths: Vec<&str> = spec.iter().chain(&package).map(|path| path.as_str()).collect();
    let objects = Objects::of(ctx, last, &paths)?;
    let mut compared = Vec::new();
    if let Some(spec) = &spec {
        compared.extend(contract::compare(ctx, app, last, spec, &objects.pair(0))?);
    }
    // The narrowest folder that both have; where one has none, all of the app counts.
    let mut pairs = (usize::from(spec.is_some())..paths.len()).map(|i| objects.pair(i));
    if let Some(pair) = pairs.find(|pair| pair.old.is_some() && pair.new.is_some()).filter(|pair| pair.old != pair.new) {
        compared.push(package::compare(ctx, app, last, &pair, reach)?);
    }
    Ok(compared)
}

/// What git has under a path at the release and at HEAD: the names of blobs or trees.
#[derive(Clone, Debug)]
struct Pair {
    old: Option<String>,
    new: Option<String>,
}

struct Objects(Vec<Option<String>>);

impl Objects {
    /// All paths at both, in one process.
    fn of(ctx: &Ctx, last: &Release, paths: &[&str]) -> Result<Objects> {
        let names: String = paths.iter().map(|path| format!("refs/tags/{}:{path}\nHEAD:{path}\n", last.tag)).collect();
        let answer = ctx.git.pipe(&["cat-file", "--batch-check=%(objectname)", "--buffer"], names.as_bytes())?;
        let answer = String::from_utf8_lossy(&answer);
        let found: Vec<Option<String>> =
            answer.lines().map(|line| (!line.ends_with(" missing") && !line.ends_with(" ambiguous")).then(|| line.to_string())).collect();
        if found.len() != 2 * paths.len() {
            bail!("git cat-file answered {} of {} questions in {}", found.len(), 2 * paths.len(), ctx.git.dir);
        }
        Ok(Objects(found))
    }
    fn pair(&self, path: usize) -> Pair {
        Pair { old: self.0[2 * path].clone(), new: self.0[2 * path + 1].clone() }
    }
}
