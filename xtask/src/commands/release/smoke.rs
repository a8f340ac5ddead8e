//! Installs the built file in a clean environment, and checks the versions that it shows and the answers of
//! its server.

use super::{Mode, Release, State};
use crate::checks::probe;
use crate::ecosystem::{Installed, Origin};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{child, parallel, scratch, serve};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;

pub(crate) fn state(release: &Release) -> Result<State> {
    Ok(match release.tag() {
        None if matches!(release.mode, Mode::Publish(_)) => State::Skip("passed in the build job".into()),
        None => State::Todo,
        Some(_) => {
            State::Skip("passed before the tag was created; the tag has the files' hashes".to_string())
        }
    })
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let (ctx, app) = (release.ctx, release.app);
    let place = scratch::place()?;
    let dir = &place.dir;
    let file = app
        .settings
        .ecosystem
        .installable(release.dist())
        .context("the build produced no file to install")?;
    let installed = app.settings.ecosystem.install(ctx, app, &Origin::File(file), dir)?;
    let (places, served) = tried(ctx, app, &installed, &release.version, &release.commit, dir)?;
    let versions = format!("{places} places show {}", release.version);
    Ok(served.map_or(versions.clone(), |served| format!("{versions}; {served}")))
}

/// Checks the versions and the server of the installed package, in parallel. Returns the number of places
/// that show the version, and the evidence of the server's probe (None for an app without a server).
pub(crate) fn tried(
    ctx: &Ctx,
    app: &App,
    installed: &Installed,
    version: &Version,
    commit: &str,
    dir: &Utf8Path,
) -> Result<(usize, Option<String>)> {
    let (places, served) = parallel::both(
        || same_versions(app, installed, version),
        || serve_and_probe(ctx, app, installed, version, commit, dir),
    );
    Ok((places?, served?))
}

/// Checks that every place where the package shows a version shows this one. Returns the number of places.
pub(crate) fn same_versions(app: &App, installed: &Installed, version: &Version) -> Result<usize> {
    let wanted = app.settings.ecosystem.package_version(version)?;
    let versions = app.settings.ecosystem.reported_versions(app, installed)?;
    let wrong: Vec<_> = versions
        .iter()
        .filter(|(_, v)| *v != wanted)
        .map(|(place, v)| format!("{place} shows {v}"))
        .collect();
    if !wrong.is_empty() {
        bail!("{} {wanted} was installed, but {}", app.settings.package, wrong.join(", "));
    }
    Ok(versions.len())
}

/// Starts the installed server, probes it, and stops it. None for an app without a server.
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
