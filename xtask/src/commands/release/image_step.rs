//! Builds the container image of the released commit from the same file that is published, and probes it.

use super::{Release, State, handover};
use crate::commands::image;
use crate::finding::{Finding, Level};
use crate::oci::Built;
use crate::sys::exit::Exit;
use anyhow::{Context, Result};

pub(crate) fn state(release: &Release) -> Result<State> {
    if release.app.settings.image.is_none() {
        return Ok(State::Skip("no [image] in its app.toml".into()));
    }
    Ok(match needed(release)? {
        true => State::Todo,
        false => State::Skip("no remaining step needs the image".into()),
    })
}

/// Not after the tag, if the registry has the image that the tag names: a build might make another one.
pub(super) fn needed(release: &Release) -> Result<bool> {
    if release.app.settings.image.is_none() || !release.open.contains(&"image-push") {
        return Ok(release.app.settings.image.is_some() && release.open.contains(&"tag"));
    }
    match release.tag().and_then(|tag| tag.image.as_deref()) {
        Some(digest) => Ok(image::remote_digest(release.ctx, release.app, digest)?.is_none()),
        None => Ok(true),
    }
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let (ctx, app) = (release.ctx, release.app);
    let handed = handover::image(release)?;
    let here = handed.is_none();
    let built = handed.map_or_else(|| build(release), Ok)?;
    if let Some(wanted) = release.tag().and_then(|t| t.image.as_ref())
        && *wanted != built.digest
    {
        let message = format!(
            "the build produced the image {}, but the tag {} names {wanted}",
            built.digest, release.tag_name
        );
        let help = super::build::same_tools_help(release);
        return Err(Exit::Gate(vec![
            Finding::new("build-differs", Level::Error, message).app(app.name()).help(help),
        ])
        .into());
    }
    let mut evidence = built.digest.clone();
    if !here {
        evidence = format!("{evidence}, from the build job");
    } else if release.tag().is_none() {
        evidence = format!(
            "{evidence}; {}",
            image::probe_built(
                ctx,
                app,
                &built,
                &crate::checks::probe::expected(ctx, app, &release.version, &release.commit)?
            )?
        );
    }
    release.image.get_or_init(|| built);
    Ok(evidence)
}

fn build(release: &Release) -> Result<Built> {
    let (ctx, app) = (release.ctx, release.app);
    let file = app
        .settings
        .ecosystem
        .installable(release.dist())
        .context("the build produced no file to install")?;
    // A resumed release uses the base image by the digest in the tag: its name may have moved since.
    let base = release.tag().and_then(|t| t.base.as_deref());
    image::build_app(ctx, app, &release.commit, &release.version, &file.path, base)
}
