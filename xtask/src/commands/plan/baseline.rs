//! Findings about the release that the next one is compared with: newer releases that were withdrawn, that
//! have no tag, or whose tag is on another branch. Pure.

use super::Published;
use super::history::History;
use crate::finding::{Finding, Level};
use crate::model::version;
use crate::model::workspace::App;
use crate::sys::ui;
use semver::Version;

/// `alone`: whether the repository has no other app.
pub(super) fn findings(app: &App, history: &History, published: &Published, alone: bool) -> Vec<Finding> {
    let gone: Vec<Version> = published.withdrawn.iter().chain(&history.marked).cloned().collect();
    let found = [
        withdrawn(app, history),
        untagged(app, history, published),
        elsewhere(app, history, &gone),
        without_commit(history),
        other_form(app, history, alone),
        undecided(history),
    ];
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
             compared with no earlier release"
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
        history.last.as_ref().map_or("no earlier release", |last| last.tag.as_str())
    );
    let help = format!(
        "git fetch --tags\n\
         or, if that tag does not exist: git tag {tag} COMMIT, with the commit that {newest} was built from"
    );
    Some(Finding::new("release-untagged", Level::Warning, message).help(help))
}

/// There are releases above the last one that HEAD contains.
fn elsewhere(app: &App, history: &History, withdrawn: &[Version]) -> Option<Finding> {
    let stable = |v: &&Version| {
        v.pre.is_empty() && !withdrawn.contains(v) && history.line.is_none_or(|line| line.contains(v))
    };
    let newest = history.tagged.iter().filter(stable).max()?;
    let tag = app.tag(newest);
    if history.without_commit.contains(&tag) {
        return None;
    }
    if let Some(last) = &history.last {
        let message = format!(
            "{tag} exists, but HEAD does not contain it: the next release is compared with {}, and its \
             number is above {newest}",
            last.tag
        );
        let help = format!(
            "git rebase {tag}, or for a fix of {}: git switch --create hotfix/{}",
            last.version,
            app.in_branch(&last.version)
        );
        return Some(Finding::new("release-elsewhere", Level::Warning, message).help(help))
            .filter(|_| *newest > last.version);
    }
    let message = format!(
        "{tag} exists, but HEAD contains neither it nor a commit with the same content of {}: the next \
         release is compared with no earlier release",
        app.dir
    );
    Some(
        Finding::new("release-elsewhere", Level::Warning, message)
            .help(format!("git rebase {tag}, if you release from this branch")),
    )
}

/// A tag has a release's name, but is on a folder or a file.
fn without_commit(history: &History) -> Option<Finding> {
    let tag = history.without_commit.first()?;
    let message = format!(
        "{tag} is not on a commit but on a folder or a file, so the next release is not compared with it"
    );
    Some(
        Finding::new("tag-without-commit", Level::Warning, message)
            .help(format!("git tag --force {tag} COMMIT, with the commit that it was built from")),
    )
}

/// A clone without all files cannot show whether a merge left a side branch out.
fn undecided(history: &History) -> Option<Finding> {
    let (first, rest) = history.undecided.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let message = format!(
        "commit {:?} ({}){more} may come from a side branch whose changes a merge discarded; this partial \
         clone lacks the files that tell, so these commits count, and a full clone may plan a lower version",
        ui::plain(first.message.lines().next().unwrap_or_default()),
        &first.id[..7.min(first.id.len())],
    );
    Some(
        Finding::new("side-branch-undecided", Level::Warning, message)
            .help("git fetch --refetch --no-filter, then run it again"),
    )
}

/// Tags above every release look like releases of the app: another tool made them, or the settings named
/// another form then.
fn other_form(app: &App, history: &History, alone: bool) -> Option<Finding> {
    let package = app.settings.package.as_str();
    let folder = app.dir.file_name().unwrap_or_default();
    let names = [app.name(), package, package.rsplit('/').next().unwrap_or_default(), folder];
    let found = |tag: &String| Some((version_in(tag, &names, alone)?, tag.clone()));
    let mut releases: Vec<(Version, String)> = history.other_tags.iter().filter_map(found).collect();
    let highest = history.tagged.iter().max();
    releases
        .retain(|(version, tag)| highest.is_none_or(|h| version > h) && app.version_in_tag(tag).is_none());
    releases.sort_by(|a, b| b.cmp(a));
    // If some tags have the form of the settings, it is the right one.
    let form = releases
        .iter()
        .filter(|_| highest.is_none())
        .find_map(|(version, tag)| app.form_of_tag(tag, version));
    let (newest, tag) = releases.into_iter().next()?;
    let message = format!(
        "{tag} looks like a release of {}, but only tags like {} are read: the next release is compared \
         with {}",
        app.name(),
        app.tag(&newest),
        history.last.as_ref().map_or("no earlier release", |last| last.tag.as_str())
    );
    let tagged = format!("git tag {} {tag}^{{}}, if {tag} is the last release", app.tag(&newest));
    let help = match form {
        Some(form) => format!(
            "write into {}, if releases keep such tags:\n[release]\ntag = {form:?}\nor: {tagged}",
            app.file()
        ),
        None => tagged,
    };
    Some(Finding::new("tags-unread", Level::Warning, message).help(help))
}

/// The version in a tag such as `name==1.2.3`, `name@1.2.3`, `name/v1.2.3` or, if the name may be missing,
/// `v1.2.3`.
fn version_in(tag: &str, names: &[&str], bare: bool) -> Option<Version> {
    let tag = tag.to_lowercase();
    let version = |text: &str| {
        let text = text.strip_prefix('v').unwrap_or(text);
        let whole = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.');
        whole.then(|| version::in_tag(text).or_else(|| version::from_pep440(text).ok())).flatten()
    };
    let named = |name: &&str| {
        let rest = tag.strip_prefix(name.to_lowercase().as_str()).filter(|_| !name.is_empty())?;
        let separators = ["==", "@", "/", "-", "_", ""];
        separators.iter().find_map(|separator| version(rest.strip_prefix(separator)?))
    };
    names.iter().find_map(named).or_else(|| version(&tag).filter(|_| bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_other_tools_are_recognised() {
        for (tag, bare, expected) in [
            ("langchain-aws==1.7.3", false, "1.7.3"),
            ("aws/v1.2.3", false, "1.2.3"),
            ("aws-1.2.3", false, "1.2.3"),
            ("AWS_v1.2.3rc1", false, "1.2.3-rc.1"),
            ("@team/aws@1.2.3-rc.1", false, "1.2.3-rc.1"),
            ("aws1.2", false, "1.2.0"),
            ("v1.2.3", true, "1.2.3"),
            ("1.2.3", true, "1.2.3"),
            ("v1.2.3", false, "-"),
            ("v1", true, "-"),
            ("awsome-1.2.3", true, "-"),
            ("aws-old", true, "-"),
            ("aws", true, "-"),
            ("other@1.2.3", true, "-"),
            ("", true, "-"),
        ] {
            let names = ["aws", "langchain-aws", "@team/aws", ""];
            let found = version_in(tag, &names, bare).map_or("-".to_string(), |v| v.to_string());
            assert_eq!(found, expected, "{tag}");
        }
    }
}
