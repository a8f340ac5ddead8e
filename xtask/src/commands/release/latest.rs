//! Moves `latest` (npm's dist-tag and the image's tag) to the release. It moves after the verification, never
//! to an older version, and never to a pre-release.

use super::{Release, State};
use crate::commands::image;
use anyhow::{Context, Result};

pub(crate) fn state(release: &Release) -> Result<State> {
    let (ctx, app) = (release.ctx, release.app);
    let on_index = app.settings.ecosystem.is_latest(ctx, app, &release.version)?;
    if app.settings.image.is_none() && on_index.is_none() {
        return Ok(State::Skip("no [image] in its app.toml".into()));
    }
    if !release.version.pre.is_empty() {
        return Ok(State::Skip(format!("{} is a pre-release", release.version)));
    }
    if let Some(newer) = crate::model::tags::highest_stable(ctx, app.name())?.filter(|v| *v > release.version)
    {
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
        moved.push(format!("{}@latest is {version}", app.settings.package));
    }
    if app.settings.image.is_some() {
        let digest =
            release.tag().and_then(|t| t.image.as_deref()).context("the release's tag names no image")?;
        image::retag(ctx, app, digest, "latest")?;
        moved.push(format!("latest is v{version} ({digest})"));
    }
    Ok(moved.join("; "))
}
