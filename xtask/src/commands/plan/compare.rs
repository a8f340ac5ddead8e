//! What changed for users since the last release, as the spec, compat.json and the package's public API have
//! it: compared once per pair of trees. Nothing is asked of git where no commit touches the app, nor where
//! there is nothing to compare.

use super::Release;
use super::breaks::Compared;
use crate::commands::api;
use crate::finding::Level;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::tools;
use anyhow::{Result, bail};
use cache::Entry;
use camino::{Utf8Path, Utf8PathBuf};
use guards::Guards;

mod cache;
mod guards;
mod package;
mod promises;
mod spec;

/// May a plan use the network, for what reads the API?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is not installed yet is said to be missing.
    Offline,
    Network,
}

/// One entry per source whose content has changed since `last`; `settings`: may `app.toml` have changed?
pub fn compare(ctx: &Ctx, app: &App, last: &Release, settings: bool, reach: Reach) -> Result<Vec<Compared>> {
    if settings && let Some(moved) = guards::moved(ctx, app, last) {
        return Ok(vec![moved]);
    }
    let now = Guards::now(app);
    let then = if settings { Guards::then(ctx, app, last) } else { now.clone() };
    let spec = Place::of(&then.spec, &now.spec);
    let promises = Place::of(&then.compat, &now.compat);
    let package: Vec<Place> =
        if api::guarded(app) { api::folders(app).into_iter().map(Place::same).collect() } else { Vec::new() };
    let mut compared: Vec<Compared> = guards::dropped(app, last, &then).into_iter().collect();
    let places: Vec<&Place> = spec.iter().chain(&promises).chain(&package).collect();
    if places.is_empty() {
        return Ok(compared);
    }
    let mut pairs = pairs(ctx, last, &places)?.into_iter();
    if let Some(place) = &spec
        && let Some(pair) = pairs.next()
    {
        compared.extend(spec::compare(ctx, app, last, place.shown(), &pair)?);
    }
    if let Some(place) = &promises
        && let Some(pair) = pairs.next()
    {
        compared.extend(promises::compare(ctx, app, last, place.shown(), &pair)?);
    }
    // The narrowest folder that both have; where one has none, all of the app counts.
    if let Some(trees) =
        pairs.find(|pair| pair.old.is_some() && pair.new.is_some()).filter(|pair| pair.old != pair.new)
    {
        compared.push(package::compare(ctx, app, last, &trees, reach)?);
    }
    Ok(compared)
}

/// Where something lies, from the root.
struct Place {
    then: Utf8PathBuf,
    /// None where the settings name it no more: whatever lies there is promised by nobody.
    now: Option<Utf8PathBuf>,
}

impl Place {
    /// What today's settings name may have been there before they did.
    fn of(then: &Option<Utf8PathBuf>, now: &Option<Utf8PathBuf>) -> Option<Place> {
        let then = then.as_ref().or(now.as_ref())?.clone();
        Some(Place { then, now: now.clone() })
    }

    fn same(path: Utf8PathBuf) -> Place {
        Place { then: path.clone(), now: Some(path) }
    }

    fn shown(&self) -> &Utf8Path {
        self.now.as_ref().unwrap_or(&self.then)
    }
}

/// What git has under a path at the release and at HEAD: the names of blobs or trees.
#[derive(Clone, Debug)]
struct Pair {
    old: Option<String>,
    new: Option<String>,
}

/// Every place at both, in one process.
fn pairs(ctx: &Ctx, last: &Release, places: &[&Place]) -> Result<Vec<Pair>> {
    let then = places.iter().map(|place| format!("refs/tags/{}:{}\n", last.tag, place.then));
    let now = places.iter().filter_map(|place| place.now.as_ref()).map(|path| format!("HEAD:{path}\n"));
    let names: Vec<String> = then.chain(now).collect();
    let answer =
        ctx.git.pipe(&["cat-file", "--batch-check=%(objectname)", "--buffer"], names.concat().as_bytes())?;
    let answer = String::from_utf8_lossy(&answer);
    let found: Vec<Option<String>> = answer
        .lines()
        .map(|line| (!line.ends_with(" missing") && !line.ends_with(" ambiguous")).then(|| line.to_string()))
        .collect();
    if found.len() != names.len() {
        bail!("git cat-file answered {} of {} questions in {}", found.len(), names.len(), ctx.git.dir);
    }
    let (then, now) = found.split_at(places.len());
    let mut now = now.iter();
    let pair = |(place, old): (&&Place, &Option<String>)| Pair {
        old: old.clone(),
        new: place.now.as_ref().and_then(|_| now.next().cloned().flatten()),
    };
    Ok(places.iter().zip(then).map(pair).collect())
}
