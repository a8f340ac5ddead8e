//! Uploads the files to the index that users install from. A file that is there with the same hash is done; a
//! file that is there with another hash is a conflict.

use super::{Release, State};
use crate::finding::{Finding, Level};
use crate::sys::ui::report::plural;
use anyhow::{Result, bail};

pub(crate) fn state(release: &Release) -> Result<State> {
    let (ctx, app) = (release.ctx, release.app);
    let there = app.settings.ecosystem.published(ctx, app, false, &release.version)?;
    let (url, _) = app.settings.ecosystem.upload_target(ctx, false);
    let Some(tag) = release.tag() else {
        let Some(file) = there.first() else { return Ok(State::Todo) };
        return Ok(State::Conflict(
            Finding::new(
                "version-published",
                Level::Error,
                format!(
                    "{} is already on the index, but the tag {} does not exist",
                    file.name, release.tag_name
                ),
            )
            .app(app.name())
            .place(url)
            .help(release.next_version_help()),
        ));
    };
    let mut missing = 0;
    for (name, sha256) in &tag.dist {
        match there.iter().find(|p| p.name == *name) {
            None => missing += 1,
            Some(file) if file.is(name, sha256) => {}
            Some(file) => {
                let has = file.sha256.as_deref().unwrap_or("no hash");
                let message = format!(
                    "{name} on the index differs from the tag: sha256 {has} on the index, {sha256} in {}",
                    release.tag_name
                );
                let help =
                    format!("the index accepts a file name only once; {}", release.next_version_help());
                return Ok(State::Conflict(
                    Finding::new("published-differs", Level::Error, message)
                        .app(app.name())
                        .place(url)
                        .help(help),
                ));
            }
        }
    }
    Ok(if missing == 0 {
        State::Done(format!("{} on the index, hashes as in the tag", plural(tag.dist.len(), "file")))
    } else {
        State::Todo
    })
}

pub(crate) fn preview(release: &Release) -> Vec<String> {
    super::stage::upload_lines(release, false)
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let (ctx, app) = (release.ctx, release.app);
    if release.tag().is_none() {
        bail!("the tag {} is not on the remote: a release is only published after its tag", release.tag_name);
    }
    // An upload cannot be taken back, and the tag may have been deleted since this run saw it.
    super::remote_moved::tag_is_there(release)?;
    let there = app.settings.ecosystem.published(ctx, app, false, &release.version)?;
    let missing: Vec<_> =
        release.dist().iter().filter(|f| !there.iter().any(|p| p.is(&f.name, &f.sha256))).cloned().collect();
    app.settings.ecosystem.publish(ctx, app, false, &release.version, &missing)?;
    Ok(format!("{} uploaded, {} already there", missing.len(), release.dist().len() - missing.len()))
}
