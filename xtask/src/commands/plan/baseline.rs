//! What the next release is compared with, where that is not simply the last one: releases that were
//! withdrawn, and those that nobody here knows. Pure.

use super::Published;
use super::history::History;
use crate::finding::{Finding, Level};
use crate::model::workspace::App;
use semver::Version;

pub fn findings(app: &App, history: &History, published: &Published) -> Vec<Finding> {
    let found = [
        withdrawn(app, history),
        untagged(app, history, published),
        elsewhere(app, history, &published.withdrawn),
    ];
    found.into_iter().flatten().map(|finding| finding.app(app.name())).collect()
}

fn withdrawn(app: &App, history: &History) -> Option<Finding> {
    let newest = app.tag(history.withdrawn.first()?);
    let message = match &history.last {
        Some(last) => {
            format!(
                "{newest} was withdrawn from the index, so users have {}: that is what the next release is compared with",
                last.tag
            )
        }
        None => format!(
            "{newest} was withdrawn from the index, and no release before it is out: the next one is compared with nothing"
        ),
    };
    Some(Finding::new("release-withdrawn", Level::Info, message))
}

/// Users have a release that no commit here stands for: made by hand, or by something that made no tags.
fn untagged(app: &App, history: &History, published: &Published) -> Option<Finding> {
    let Published { versions, withdrawn, .. } = published;
    let on_line = |v: &&Version| history.line.is_none_or(|line| line.contains(v));
    let newer = |v: &&Version| history.last.as_ref().is_none_or(|last| **v > last.version);
    let unknown = |v: &&Version| v.pre.is_empty() && !history.tagged.contains(v) && !withdrawn.contains(v);
    let newest = versions.iter().filter(on_line).filter(newer).filter(unknown).max()?;
    let tag = app.tag(newest);
    let message = format!(
        "{} {newest} is on the index, and no tag {tag} says what it was made from: the next release is compared with {}, and may break who has {newest}",
        app.settings.package,
        history.last.as_ref().map_or("nothing", |last| last.tag.as_str())
    );
    let help = format!(
        "git fetch --tags\nor, where nobody has made that tag: git tag {tag} COMMIT, the commit that it was made from"
    );
    Some(Finding::new("release-untagged", Level::Warning, message).help(help))
}

/// There are releases, and HEAD goes back to none of them.
fn elsewhere(app: &App, history: &History, withdrawn: &[Version]) -> Option<Finding> {
    let stable = |v: &&Version| {
        v.pre.is_empty() && !withdrawn.contains(v) && history.line.is_none_or(|line| line.contains(v))
    };
    let newest = history.tagged.iter().filter(stable).max().filter(|_| history.last.is_none())?;
    let tag = app.tag(newest);
    let message = format!(
        "{tag} is tagged, but HEAD contains neither it nor a commit with the same content of {}: the next release is compared with nothing",
        app.dir
    );
    Some(
        Finding::new("release-elsewhere", Level::Warning, message)
            .help(format!("git merge {tag}, where this branch is to be released")),
    )
}
