//! Names the image in the registry: the version's tag and the commit's tag. `stage` has uploaded it. `latest`
//! is moved by a step of its own, after the verification.

use super::{Release, State};
use crate::commands::image;
use crate::finding::{Finding, Level};
use anyhow::{Context, Result};

/// `v0.0.1` and `sha-<7 hex>`.
pub(crate) fn tags(release: &Release) -> [String; 2] {
    [format!("v{}", release.version), image::sha_tag(&release.commit)]
}

pub(crate) fn state(release: &Release) -> Result<State> {
    let (ctx, app) = (release.ctx, release.app);
    let Some(settings) = &app.settings.image else {
        return Ok(State::Skip("no [image] in its app.toml".into()));
    };
    let [version, sha] = tags(release);
    let there = image::remote_digest(ctx, app, &version)?;
    let conflict = |message: String| {
        Ok(State::Conflict(
            Finding::new("image-differs", Level::Error, message)
                .app(app.name())
                .place(format!("{}:{version}", settings.name))
                .help(release.next_version_help()),
        ))
    };
    match (there, release.tag().and_then(|t| t.image.as_ref())) {
        (None, _) => Ok(State::Todo),
        (Some(has), None) => conflict(format!(
            "{version} is already in the registry ({has}), but the tag {} does not exist",
            release.tag_name
        )),
        (Some(has), Some(wanted)) if has != *wanted => conflict(format!(
            "{version} is {has} in the registry, but {wanted} in the tag {}",
            release.tag_name
        )),
        (Some(has), Some(_)) => match image::remote_digest(ctx, app, &sha)? {
            Some(digest) if digest == has => Ok(State::Done(format!("{version} and {sha} are {has}"))),
            _ => Ok(State::Todo),
        },
    }
}

pub(crate) fn preview(release: &Release) -> Vec<String> {
    let (Some(settings), Some(digest)) = (&release.app.settings.image, digest(release)) else {
        return Vec::new();
    };
    tags(release).iter().map(|tag| format!("push {}:{tag}   {digest}", settings.name)).collect()
}

/// Of the image that this run built, or else of the tag's.
fn digest<'a>(release: &'a Release) -> Option<&'a str> {
    let built = release.image().map(|built| built.digest.as_str());
    built.or_else(|| release.tag()?.image.as_deref())
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let names = tags(release).join(" and ");
    // Also uploads what the registry has lost since.
    if let Some(built) = release.image() {
        let report = image::push(release.ctx, release.app, built, &tags(release))?;
        return Ok(format!("{} as {names}; {report}", built.digest));
    }
    let digest = digest(release).context("the image was not built")?;
    for name in tags(release) {
        image::retag(release.ctx, release.app, digest, &name)?;
    }
    Ok(format!("{digest} as {names}; it was in the registry"))
}
