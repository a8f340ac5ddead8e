//! Findings about the release that the next one is compared with: newer releases that were withdrawn, that
//! have no tag, or whose tag is on another branch. Pure.

use super::Published;
use super::history::History;
use crate::finding::{Finding, Level};
use crate::model::workspace::App;
use semver::Version;

pub(super) fn findings(app: &App, history: &History, published: &Published) -> Vec<Finding> {
    let gone: Vec<Version> = published.withdrawn.iter().chain(&history.marked).cloned().collect();
    let found = [withdrawn(app, history), untagged(app, history, published), elsewhere(app, history, &gone)];
    found.into_iter().flatten().map(|finding| finding.app(app.name())).collect()
}

fn withdrawn(app: &App, history: &History) -> Option<Finding> {
    let newest = app.tag(history.withdrawn.first()?);
    let message = match &history.last {
        Some(last) => {
            format!(
                "{newest} was withdrawn, so the next release is compared with {}, the newest \
                 that users can install",
                last.tag
            )
        }
        None => format!(
            "{newest} was withdrawn, and there is no release before it: the next one is \
             compared with nothing"
        ),
    };
    Some(Finding::new("release-withdrawn", Level::Info, message))
}

/// The index has a release without a tag: it was published by hand, or by a tool that creates no tags.
fn untagged(app: &App, history: &History, published: &Published) -> Option<Finding> {
    let Published { versions, withdrawn, .. } = published;
    let on_line = |v: &&Version| history.line.is_none_or(|line| line.contains(v));
    let newer = |v: &&Version| history.last.as_ref().is_none_or(|last| **v > last.version);
    let unknown = |v: &&Version| v.pre.is_empty() && !history.tagged.contains(v) && !withdrawn.contains(v);
    let newest = versions.iter().filter(on_line).filter(newer).filter(unknown).max()?;
    let tag = app.tag(newest);
    let message = format!(
        "{} {newest} is on the index, but there is no tag {tag}, so its commit is unknown: the next \
         release is compared with {}, and may break users of {newest} unnoticed",
        app.settings.package,
        history.last.as_ref().map_or("nothing", |last| last.tag.as_str())
    );
    let help = format!(
        "git fetch --tags\n\
         or, if that tag does not exist: git tag {tag} COMMIT, with the commit that {newest} was built from"
    );
    Some(Finding::new("release-untagged", Level::Warning, message).help(help))
}

/// There are releases, but HEAD contains none of them.
fn elsewhere(app: &App, history: &History, withdrawn: &[Version]) -> Option<Finding> {
    let stable = |v: &&Version| {
        v.pre.is_empty() && !withdrawn.contains(v) && history.line.is_none_or(|line| line.contains(v))
    };
    let newest = history.tagged.iter().filter(stable).max().filter(|_| history.last.is_none())?;
    let tag = app.tag(newest);
    let message = format!(
        "{tag} exists, but HEAD contains neither it nor a commit with the same content of {}: the next \
         release is compared with nothing",
        app.dir
    );
    Some(
        Finding::new("release-elsewhere", Level::Warning, message)
            .help(format!("git merge {tag}, if you release from this branch")),
    )
}
