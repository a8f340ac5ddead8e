//! The built file in a clean environment: what it says of itself, and its server's answers.

use super::{Release, State};
use crate::checks::probe;
use crate::ecosystem::{Installed, Origin};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{child, parallel, scratch, serve};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;

pub fn state(release: &Release) -> Result<State> {
    Ok(match release.tag() {
        None => State::Todo,
        Some(_) => State::Skip("passed before the tag was made; the tag names the files by hash".to_string()),
    })
}

pub fn run(release: &Release) -> Result<String> {
    let (ctx, app) = (release.ctx, release.app);
    let place = scratch::place()?;
    let dir = &place.dir;
    let file =
        app.settings.ecosystem.installable(release.dist()).context("the build made nothing to install")?;
    let installed = app.settings.ecosystem.install(ctx, app, &Origin::File(file), dir)?;
    let (places, served) = tried(ctx, app, &installed, &release.version, &release.commit, dir)?;
    let said = format!("{places} places say {}", release.version);
    Ok(served.map_or(said.clone(), |served| format!("{said}; {served}")))
}

/// Its versions, and beside them its server: in how many places it says its version, and what the server
/// answered.
pub fn tried(
    ctx: &Ctx,
    app: &App,
    installed: &Installed,
    version: &Version,
    commit: &str,
    dir: &Utf8Path,
) -> Result<(usize, Option<String>)> {
    let said = || same_versions(app, installed, version);
    let (said, served) = parallel::both(said, || serve_and_probe(ctx, app, installed, version, commit, dir));
    Ok((said?, served?))
}

/// Every place where the package shows a version shows this one; how many there are.
pub fn same_versions(app: &App, installed: &Installed, version: &Version) -> Result<usize> {
    let wanted = app.settings.ecosystem.package_version(version)?;
    let versions = app.settings.ecosystem.said_versions(app, installed)?;
    let wrong: Vec<_> =
        versions.iter().filter(|(_, v)| *v != wanted).map(|(place, v)| format!("{place} says {v}")).collect();
    if !wrong.is_empty() {
        bail!("{} {wanted} was installed, but {}", app.settings.package, wrong.join(", "));
    }
    Ok(versions.len())
}

/// Starts the installed server, probes it, stops it. None for an app without one.
fn serve_and_probe(
    ctx: &Ctx,
    app: &App,
    installed: &Installed,
    version: &Version,
    commit: &str,
    dir: &Utf8Path,
) -> Result<Option<String>> {
    let Some(spec) = &app.settings.spec else { return Ok(None) };
    let server = serve::start(
        installed.command(&spec.serve)?,
        child::free_port()?,
        &spec.health,
        &dir.join("server.log"),
    )?;
    let evidence = probe::probe(&server.url, &probe::expected(ctx, app, version, commit)?)?;
    let stopped = server.stop()?;
    Ok(Some(format!("{evidence}, stopped in {:.1} s", stopped.as_secs_f64())))
}
