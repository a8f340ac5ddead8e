//! Moves `latest` (npm's dist-tag and the image's tag) to the release. It moves after the verification, never
//! to an older version, and never to a pre-release.

use super::{Release, State};
use crate::commands::image;
use crate::model::tags::{self, Tagged};
use crate::sys::retry;
use anyhow::{Context, Result};
use semver::Version;

pub(crate) fn state(release: &Release) -> Result<State> {
    let (ctx, app) = (release.ctx, release.app);
    let on_index = app.settings.ecosystem.is_latest(ctx, app, &release.version)?;
    if app.settings.image.is_none() && on_index.is_none() {
        return Ok(State::Skip("no [image] in its app.toml".into()));
    }
    if !release.version.pre.is_empty() {
        return Ok(State::Skip(format!("{} is a pre-release", release.version)));
    }
    let tagged = tags::on_remote(ctx, app)?;
    if tagged.withdrawn.contains(&release.version) {
        return Ok(State::Skip(format!("{} was rolled back", release.version)));
    }
    if let Some(newer) = newer(release, &tagged)? {
        return Ok(State::Skip(format!("{newer} is newer")));
    }
    if on_index == Some(false) {
        return Ok(State::Todo);
    }
    let mut seen: Vec<String> =
        on_index.iter().map(|_| format!("{}@latest is {}", app.settings.package, release.version)).collect();
    if app.settings.image.is_some() {
        let wanted = release.tag().and_then(|t| t.image.as_ref());
        match image::remote_digest(ctx, app, "latest")? {
            Some(has) if wanted == Some(&has) => seen.push(format!("latest is {has}")),
            _ => return Ok(State::Todo),
        }
    }
    Ok(State::Done(seen.join("; ")))
}

/// The newest stable release above this one that users can have.
pub(super) fn newer_release(release: &Release) -> Result<Option<Version>> {
    newer(release, &tags::on_remote(release.ctx, release.app)?)
}

/// The newest stable release above this one that users can have: neither rolled back nor withdrawn from the
/// index.
fn newer(release: &Release, tagged: &Tagged) -> Result<Option<Version>> {
    let (ctx, app) = (release.ctx, release.app);
    let mut newer = tagged.stable().filter(|v| **v > release.version).peekable();
    if newer.peek().is_none() {
        return Ok(None);
    }
    let published = app.settings.ecosystem.published_versions(ctx, app)?.unwrap_or_default();
    let withdrawn = |v: &Version| published.iter().any(|out| out.withdrawn && out.version == *v);
    Ok(newer.find(|v| !withdrawn(v)).cloned())
}

pub(crate) fn preview(release: &Release) -> Vec<String> {
    let (ctx, app) = (release.ctx, release.app);
    let mut lines = Vec::new();
    if matches!(app.settings.ecosystem.is_latest(ctx, app, &release.version), Ok(Some(false))) {
        lines.push(format!(
            "dist-tag {}@{} latest on {}   after verification",
            app.settings.package, release.version, ctx.endpoints.npm
        ));
    }
    lines.extend(
        app.settings.image.iter().map(|image| format!("tag {}:latest   after verification", image.name)),
    );
    lines
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let (ctx, app, version) = (release.ctx, release.app, &release.version);
    let mut moved = Vec::new();
    if app.settings.ecosystem.is_latest(ctx, app, version)? == Some(false) {
        app.settings.ecosystem.make_latest(ctx, app, version)?;
        // A page of a gateway passes for success, here and below.
        let is = || Ok(app.settings.ecosystem.is_latest(ctx, app, version)?.filter(|is| *is));
        let what = format!("{version} as {}@latest", app.settings.package);
        retry::until_shown(&what, is)?.with_context(|| {
            format!(
                "{} reported success, but does not show {what}: {}",
                ctx.endpoints.npm,
                retry::still_stale()
            )
        })?;
        moved.push(format!("{}@latest is {version}", app.settings.package));
    }
    if app.settings.image.is_some() {
        let digest =
            release.tag().and_then(|t| t.image.as_deref()).context("the release's tag names no image")?;
        image::retag(ctx, app, digest, "latest")?;
        let is = || Ok(image::remote_digest(ctx, app, "latest")?.filter(|has| has == digest));
        retry::until_shown("latest in the registry", is)?.with_context(|| {
            format!(
                "the registry reported success, but does not show {digest} as latest: {}",
                retry::still_stale()
            )
        })?;
        moved.push(format!("latest is v{version} ({digest})"));
    }
    Ok(moved.join("; "))
}
