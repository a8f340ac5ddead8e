//! What is uploaded before the tag: the files to the staging index, from which they are installed; and the
//! image, by its digest and without a name. A release that is resumed after its tag has the image there.

use super::{Release, State, verify};
use crate::commands::image;
use crate::ecosystem::Origin;
use anyhow::Result;

pub(crate) fn state(release: &Release) -> Result<State> {
    let index = index_state(release)?;
    if release.app.settings.image.is_none() || release.tag().is_some() {
        return Ok(index);
    }
    match (image_there(release)?, index) {
        (_, State::Conflict(finding)) => Ok(State::Conflict(finding)),
        (true, index) => Ok(index),
        (false, _) => Ok(State::Todo),
    }
}

/// Does the registry have the image that this run built?
fn image_there(release: &Release) -> Result<bool> {
    let Some(built) = release.image() else { return Ok(false) };
    Ok(image::remote_digest(release.ctx, release.app, &built.digest)?.is_some())
}

fn index_state(release: &Release) -> Result<State> {
    let (ctx, app) = (release.ctx, release.app);
    let Some(name) = &app.settings.release.stage else {
        return Ok(State::Skip("no staging index in the settings".into()));
    };
    if release.tag().is_some() {
        return Ok(State::Done("passed before the tag was created".into()));
    }
    let there = app.settings.ecosystem.published(ctx, app, true, &release.version)?;
    if release.dist().is_empty() || there.is_empty() {
        return Ok(State::Todo);
    }
    if release.dist().iter().all(|f| there.iter().any(|p| p.is(&f.name, &f.sha256))) {
        return Ok(State::Done(format!("the same files are on {name}")));
    }
    let other =
        release.dist().iter().find(|f| there.iter().any(|p| p.name == f.name && !p.is(&f.name, &f.sha256)));
    Ok(match other {
        Some(file) => State::Skip(format!(
            "warning: {name} has {} with other bytes and accepts a file name only once: staging is skipped",
            file.name
        )),
        None => State::Todo,
    })
}

pub(crate) fn preview(release: &Release) -> Vec<String> {
    let staged = release.app.settings.release.stage.is_some();
    let mut lines = if staged { upload_lines(release, true) } else { Vec::new() };
    if let (Some(settings), Some(built)) = (&release.app.settings.image, release.image()) {
        lines.push(format!("push {}@{}, without a tag", settings.name, built.digest));
    }
    lines
}

/// One line per file to upload, for a dry run.
pub(crate) fn upload_lines(release: &Release, stage: bool) -> Vec<String> {
    let app = release.app;
    let (url, token) = app.settings.ecosystem.upload_target(release.ctx, stage);
    release
        .dist()
        .iter()
        .map(|f| format!("upload {} to {url}   sha256 {}…, credentials ${token}", f.name, &f.sha256[..12]))
        .collect()
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let mut seen = match index_state(release)? {
        State::Todo => vec![install_from_index(release)?],
        State::Done(seen) | State::Skip(seen) => vec![seen],
        State::Conflict(_) => Vec::new(),
    };
    if let Some(built) = release.image() {
        seen.push(format!("image without a tag: {}", image::push(release.ctx, release.app, built, &[])?));
    }
    Ok(seen.join("; "))
}

fn install_from_index(release: &Release) -> Result<String> {
    let (ctx, app) = (release.ctx, release.app);
    let there = app.settings.ecosystem.published(ctx, app, true, &release.version)?;
    let missing: Vec<_> =
        release.dist().iter().filter(|f| !there.iter().any(|p| p.name == f.name)).cloned().collect();
    app.settings.ecosystem.publish(ctx, app, true, &release.version, &missing)?;
    let sha256 = release.dist().iter().map(|f| f.sha256.as_str()).collect();
    let origin = Origin::Index { stage: true, version: &release.version, sha256 };
    let (_place, installed) = verify::installed(ctx, app, &origin, true)?;
    super::smoke::same_versions(release.app, &installed, &release.version)?;
    Ok(format!("{} files uploaded, installed from there", missing.len()))
}
