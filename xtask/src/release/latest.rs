//! `latest` moves last, never backwards and never to a pre-release: what it names is verified.

use super::{Release, State, tag};
use crate::image;
use anyhow::{Context, Result};

pub fn state(release: &Release) -> Result<State> {
    let (ctx, app) = (release.ctx, release.app);
    if app.settings.image.is_none() {
        return Ok(State::Skip("no [image] in its app.toml".into()));
    }
    if !release.version.pre.is_empty() {
        return Ok(State::Skip(format!("{} is a pre-release", release.version)));
    }
    if let Some(newer) = tag::highest_stable(ctx, app.name())?.filter(|v| *v > release.version) {
        return Ok(State::Skip(format!("{newer} is newer")));
    }
    let wanted = release.tag().and_then(|t| t.image.as_ref());
    match (image::remote_digest(ctx, app, "latest")?, wanted) {
        (Some(has), Some(wanted)) if has == *wanted => Ok(State::Done(format!("latest is {has}"))),
        _ => Ok(State::Todo),
    }
}

pub fn preview(release: &Release) -> Vec<String> {
    let Some(settings) = &release.app.settings.image else { return Vec::new() };
    vec![format!("tag {}:latest   after verification", settings.name)]
}

pub fn run(release: &Release) -> Result<String> {
    let version = format!("v{}", release.version);
    let digest = release.tag().and_then(|t| t.image.as_deref()).context("the release's tag names no image")?;
    image::retag(release.ctx, release.app, digest, "latest")?;
    Ok(format!("latest is {version} ({digest})"))
}
