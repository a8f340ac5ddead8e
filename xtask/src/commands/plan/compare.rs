//! Finds what changed for users since the last release: in the spec, in compat.json and in the package's
//! public API. Each pair of trees is compared once and cached. Git is not asked if no commit touches the app,
//! or if the app has nothing to compare.

use super::LastRelease;
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
mod compat_json;
mod guards;
mod package;
mod spec;

/// Whether a plan may use the network to install the program that reads the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A program that is not installed is reported as missing.
    Offline,
    Network,
}

/// One entry per source whose content has changed since `last`. `settings`: whether `app.toml` may have
/// changed.
pub(super) fn compare(
    ctx: &Ctx,
    app: &App,
    last: &LastRelease,
    settings: bool,
    reach: Reach,
) -> Result<Vec<Compared>> {
    let now = Guards::now(app);
    let then = if settings { Guards::then(ctx, app, last) } else { Some(now.clone()) };
    if then.is_none()
        && let Some(moved) = guards::moved(ctx, app, last)
    {
        return Ok(vec![moved]);
    }
    let then = then.unwrap_or_else(|| now.clone());
    let spec = Place::of(&then.spec, &now.spec);
    let compat = Place::of(&then.compat, &now.compat);
    let package: Vec<Place> =
        if api::guarded(app) { api::folders(app).into_iter().map(Place::same).collect() } else { Vec::new() };
    let manifest = api::manifest(app).filter(|_| api::guarded(app)).map(Place::same);
    let mut compared: Vec<Compared> = guards::dropped(app, last, &then).into_iter().collect();
    let places: Vec<&Place> = spec.iter().chain(&compat).chain(&package).chain(&manifest).collect();
    if places.is_empty() {
        return Ok(compared);
    }
    let mut pairs = pairs(ctx, last, &places)?.into_iter();
    if let Some(place) = &spec
        && let Some(pair) = pairs.next()
    {
        compared.extend(spec::compare(ctx, app, last, place.shown(), &pair)?);
    }
    if let Some(place) = &compat
        && let Some(pair) = pairs.next()
    {
        compared.extend(compat_json::compare(ctx, app, last, place.shown(), &pair)?);
    }
    let manifest = manifest.and_then(|_| pairs.next_back());
    // `folders` begins with the narrowest: the first that exists at both commits is compared.
    if let Some(trees) = pairs.find(|pair| pair.old.is_some() && pair.new.is_some())
        && (trees.changed() || manifest.is_some_and(|pair| pair.changed()))
    {
        let requires = [&format!("refs/tags/{}", last.tag), "HEAD"].map(|at| api::requires(ctx, app, at));
        if trees.changed() || requires[0] != requires[1] {
            compared.push(package::compare(ctx, app, last, &trees, &requires, reach)?);
        }
    }
    Ok(compared)
}

/// The path of a file or folder at the release and now, from the repository's root.
struct Place {
    then: Utf8PathBuf,
    /// None if the settings no longer name it: a file that is still there is no longer guaranteed to users.
    now: Option<Utf8PathBuf>,
}

impl Place {
    /// If the release's settings do not name it, today's path is used: the file may be older than the
    /// setting.
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

/// The ids of the blob or tree under a path, at the release and at HEAD. None: no such path.
#[derive(Clone, Debug)]
struct Pair {
    old: Option<String>,
    new: Option<String>,
}

impl Pair {
    fn changed(&self) -> bool {
        self.old != self.new
    }
}

/// Looks up all places at both commits, in one git process.
fn pairs(ctx: &Ctx, last: &LastRelease, places: &[&Place]) -> Result<Vec<Pair>> {
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
        bail!("git cat-file answered {} of {} requests in {}", found.len(), names.len(), ctx.git.dir);
    }
    let (then, now) = found.split_at(places.len());
    let mut now = now.iter();
    let pair = |(place, old): (&&Place, &Option<String>)| Pair {
        old: old.clone(),
        new: place.now.as_ref().and_then(|_| now.next().cloned().flatten()),
    };
    Ok(places.iter().zip(then).map(pair).collect())
}
