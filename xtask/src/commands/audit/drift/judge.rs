//! Judges each place by the version it shows, the manifest and the tags: a verdict, and a finding if
//! something needs fixing. Pure.

use super::files::File;
use super::fix;
use super::number::{self, Wanted};
use super::place::{Kind, Shown};
use crate::finding::{Finding, Level};
use crate::model::workspace::App;
use camino::Utf8Path;
use semver::Version;
use serde::Serialize;

#[cfg(test)]
mod tests;

/// An app's manifest and tags.
pub(super) struct Facts<'a> {
    pub app: &'a App,
    /// The version in the manifest, or why it cannot be read.
    pub manifest: Result<Version, String>,
    /// Every tagged version, the lowest first; on a hotfix branch only those of its `MAJOR.MINOR`.
    pub tagged: Vec<Version>,
    /// The versions that were rolled back.
    pub withdrawn: Vec<Version>,
    /// Whether main or the development branch is checked out, where nothing may be behind a release.
    pub on_flow: bool,
}

impl Facts<'_> {
    pub(super) fn highest(&self) -> Option<&Version> {
        self.tagged.last()
    }

    /// What users install: the highest release that is not a pre-release, or else the highest.
    pub(super) fn released(&self) -> Option<&Version> {
        self.out().find(|v| v.pre.is_empty()).or(self.out().next())
    }

    /// The releases that were not rolled back, the highest first.
    fn out(&self) -> impl Iterator<Item = &Version> {
        self.tagged.iter().rev().filter(|v| !self.withdrawn.contains(v))
    }

    fn source(&self) -> Option<&Version> {
        self.manifest.as_ref().ok()
    }

    /// The versions that a place with an installable version may show: the manifest's and the last published
    /// ones.
    fn current(&self) -> Vec<&Version> {
        let source = self.source().filter(|v| !self.withdrawn.contains(v));
        source.into_iter().chain(self.released()).chain(self.out().next()).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Ok,
    /// Right today, but `bump` does not update it.
    Unkept,
    /// Shows another version than it should, usually an older release, but stops nothing.
    Behind,
    /// An error.
    Wrong,
}

/// Returns None for placeholders such as 0.0.0. `who`: candidate apps; `own`: the one that we judge by.
pub(super) fn judge(
    own: &Facts,
    who: &[&Facts],
    file: &File,
    shown: &Shown,
) -> Option<(Verdict, Option<Finding>)> {
    let source = own.source()?;
    let text = match &shown.wanted {
        Wanted::Range(spec) => return Some(range(own, source, shown, spec)),
        Wanted::Exact(text) => text,
    };
    let shows = number::read(text);
    let agrees = shows.as_ref() == Some(source);
    let by_a_build = matches!(shown.kind, Kind::Constant | Kind::Label) || !shown.kind.follows_the_source();
    if by_a_build && !agrees && number::is_placeholder(text) {
        return None;
    }
    if shown.kind.follows_the_source() {
        return Some(follower(own, source, file, shown, text, agrees));
    }
    if shows.as_ref().is_some_and(|shows| who.iter().any(|facts| facts.current().contains(&shows))) {
        return Some((Verdict::Ok, None));
    }
    Some(behind(own, source, who, file, shown, text))
}

fn follower(
    own: &Facts,
    source: &Version,
    file: &File,
    shown: &Shown,
    text: &str,
    agrees: bool,
) -> (Verdict, Option<Finding>) {
    let what = shown.kind.word();
    let finding = |id, level, message: String| {
        Finding::new(id, level, message).help(fix::follower(own.app, source, file, shown))
    };
    let kept = match shown.kind {
        Kind::Constant | Kind::Label => false,
        Kind::Spec => fix::is_own_spec(own.app, &file.path),
        Kind::Compat => fix::is_own_compat(own.app, &file.path),
        // `bump` or the package manager keeps the others right.
        _ => true,
    };
    if agrees && kept {
        return (Verdict::Ok, None);
    }
    if agrees {
        let message = format!(
            "the {what} repeats {text}, but `bump` does not write it: it will be wrong after the next bump"
        );
        return (Verdict::Unkept, Some(finding("version-copied", Level::Warning, message)));
    }
    // A spec that app.toml does not name may have a version of its own.
    let (verdict, level) = if shown.kind == Kind::Spec && !kept {
        (Verdict::Behind, Level::Warning)
    } else {
        (Verdict::Wrong, Level::Error)
    };
    let id = if shown.kind == Kind::DeclaredPin { "pin-wrong" } else { "version-wrong" };
    (verdict, Some(finding(id, level, format!("the {what} shows {text}, but the manifest has {source}"))))
}

fn behind(
    own: &Facts,
    source: &Version,
    who: &[&Facts],
    file: &File,
    shown: &Shown,
    text: &str,
) -> (Verdict, Option<Finding>) {
    let what = shown.kind.word();
    let mut latest = match own.released() {
        Some(released) if released != source => {
            format!("the last release is {released}, and the manifest has {source}")
        }
        Some(released) => format!("the last release is {released}"),
        None => format!("the manifest has {source}, and nothing is released yet"),
    };
    let others: Vec<&str> =
        who.iter().map(|facts| facts.app.name()).filter(|name| *name != own.app.name()).collect();
    if !others.is_empty() {
        let others = others.join(" or ");
        latest.push_str(&format!(" (nor is it the version of {others}, if this place is about {others})"));
    }
    let help = fix::released(own.app, own.released().unwrap_or(source), file, shown);
    if let Some(shows) = number::read(text).filter(|shows| own.withdrawn.contains(shows)) {
        let message = format!("the {what} shows {shows}, which was withdrawn; {latest}");
        return (
            Verdict::Behind,
            Some(Finding::new("version-withdrawn", Level::Warning, message).help(help)),
        );
    }
    let above_all =
        |shows: &Version| who.iter().all(|facts| facts.current().into_iter().all(|version| shows > version));
    if let Some(above) = number::read(text).filter(above_all).filter(|_| shown.kind == Kind::Pin) {
        let message = format!("the pin asks for {text}, for which there is no tag: {latest}");
        // Only `bump` asks the index.
        let help = format!(
            "if the index has it: git tag {} COMMIT, with the commit that it was built from\nif not: {help}",
            own.app.tag(&above)
        );
        return (Verdict::Wrong, Some(Finding::new("pin-unreleased", Level::Error, message).help(help)));
    }
    let finding =
        Finding::new("version-behind", Level::Warning, format!("the {what} shows {text}; {latest}"))
            .help(help);
    (Verdict::Behind, Some(finding))
}

/// A range must include the next version. Until that is released, it may include only the last release.
fn range(own: &Facts, source: &Version, shown: &Shown, spec: &str) -> (Verdict, Option<Finding>) {
    let lets_in = |v: &Version| number::includes(spec, v, own.app.settings.ecosystem).unwrap_or(true);
    if lets_in(source) {
        return (Verdict::Ok, None);
    }
    let what = shown.kind.word();
    let waits = own.released().is_some_and(|released| released != source && lets_in(released));
    let (level, message) = match waits {
        true => (Level::Info, format!("the {what} {spec} excludes {source}, the next release")),
        false => (Level::Warning, format!("the {what} {spec} excludes {source}")),
    };
    let finding = Finding::new("range-excludes", level, message)
        .help(format!("include {source} in the range, or ignore this if the range is intended"));
    (if waits { Verdict::Ok } else { Verdict::Behind }, Some(finding))
}

/// A changelog's newest section must be for the manifest's version, unless that version is already tagged.
pub(super) fn changelog(own: &Facts, newest: &Version) -> (Verdict, Option<Finding>) {
    let Some(source) = own.source() else { return (Verdict::Ok, None) };
    let (app, bump) = (own.app.name(), format!("cargo xtask bump {}", own.app.name()));
    if newest > source {
        let message =
            format!("the changelog's newest section of {app} is {newest}, but the manifest has {source}");
        return (
            Verdict::Wrong,
            Some(
                Finding::new("changelog-ahead", Level::Error, message)
                    .help(format!("{bump} --version {newest}, or remove that section")),
            ),
        );
    }
    if newest < source && !own.tagged.contains(source) {
        let message = format!("the changelog has no section for {source}; its newest of {app} is {newest}");
        return (
            Verdict::Behind,
            Some(
                Finding::new("changelog-behind", Level::Warning, message)
                    .help(format!("{bump} --version {source}")),
            ),
        );
    }
    (Verdict::Ok, None)
}

/// Compares the highest tag with the manifest. Only a note on a branch that began before the release.
pub(super) fn tag(own: &Facts, manifest: &Utf8Path) -> Option<(Verdict, Option<Finding>)> {
    let (source, highest) = (own.source()?, own.highest()?);
    if highest <= source {
        return Some((Verdict::Ok, None));
    }
    let level = if own.on_flow { Level::Error } else { Level::Info };
    let message = format!("{} is tagged, but the manifest has {source}", own.app.tag(highest));
    let help = match own.on_flow {
        true => format!("cargo xtask bump {}", own.app.name()),
        false => format!("git rebase {}, if you release from this branch", own.app.tag(highest)),
    };
    let finding =
        Finding::new("tag-ahead", level, message).app(own.app.name()).place(manifest.as_str()).help(help);
    Some((if own.on_flow { Verdict::Wrong } else { Verdict::Behind }, Some(finding)))
}
