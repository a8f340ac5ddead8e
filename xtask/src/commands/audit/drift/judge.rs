//! Is a place right? From what it shows, the manifest and the tags to a verdict, and a finding where
//! something is to be done. Pure.

use super::files::File;
use super::mend;
use super::number::{self, Wanted};
use super::place::{Kind, Shown};
use crate::finding::{Finding, Level};
use crate::model::workspace::App;
use camino::Utf8Path;
use semver::Version;
use serde::Serialize;

#[cfg(test)]
mod tests;

/// What is known of an app.
pub struct Facts<'a> {
    pub app: &'a App,
    /// The version in the manifest, or why it can't be read.
    pub manifest: Result<Version, String>,
    /// Every tagged version, the lowest first; on a hotfix branch those of its line.
    pub tagged: Vec<Version>,
    /// Is a branch of the flow checked out, where nothing may lag behind a release?
    pub on_flow: bool,
}

impl Facts<'_> {
    pub fn highest(&self) -> Option<&Version> {
        self.tagged.last()
    }

    /// What users get: the highest tag that is no pre-release, or else the highest.
    pub fn released(&self) -> Option<&Version> {
        self.tagged.iter().rev().find(|v| v.pre.is_empty()).or(self.highest())
    }

    fn source(&self) -> Option<&Version> {
        self.manifest.as_ref().ok()
    }

    /// The versions that a place may show that has to be installable: the one in the manifest and the last
    /// ones out.
    fn current(&self) -> Vec<&Version> {
        self.source().into_iter().chain(self.released()).chain(self.highest()).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ok,
    /// Right today, but nothing keeps it so.
    Unkept,
    /// Shows another version than it should, but stops nothing: an older release, mostly.
    Behind,
    /// An error.
    Wrong,
}

/// None where the place is none after all: a placeholder. `who` are the apps that may be meant, `own` one of
/// them.
pub fn judge(own: &Facts, who: &[&Facts], file: &File, shown: &Shown) -> Option<(Verdict, Option<Finding>)> {
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
        Finding::new(id, level, message).help(mend::follower(own.app, source, file, shown))
    };
    let kept = match shown.kind {
        Kind::Constant | Kind::Label => false,
        Kind::Spec => mend::is_own_spec(own.app, &file.path),
        Kind::Compat => mend::is_own_compat(own.app, &file.path),
        // Whoever installs from a lock file that lags behind is told so by the tool.
        _ => true,
    };
    if agrees && kept {
        return (Verdict::Ok, None);
    }
    if agrees {
        let message = format!(
            "the {what} repeats {text}, and `bump` does not write it: it will be wrong after the next one"
        );
        return (Verdict::Unkept, Some(finding("version-copied", Level::Warning, message)));
    }
    // A spec that nobody has declared may have a version of its own.
    let (verdict, level) = if shown.kind == Kind::Spec && !kept {
        (Verdict::Behind, Level::Warning)
    } else {
        (Verdict::Wrong, Level::Error)
    };
    let id = if shown.kind == Kind::DeclaredPin { "pin-wrong" } else { "version-wrong" };
    (verdict, Some(finding(id, level, format!("the {what} shows {text}, the manifest {source}"))))
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
            format!("the last release is {released}, the manifest has {source}")
        }
        Some(released) => format!("the last release is {released}"),
        None => format!("the manifest has {source}, and nothing is released yet"),
    };
    let others: Vec<&str> =
        who.iter().map(|facts| facts.app.name()).filter(|name| *name != own.app.name()).collect();
    if !others.is_empty() {
        latest.push_str(&format!(" (or it means {}, whose version it is not either)", others.join(" or ")));
    }
    let help = mend::released(own.app, own.released().unwrap_or(source), file, shown);
    let above_all =
        |shows: &Version| who.iter().all(|facts| facts.current().into_iter().all(|version| shows > version));
    if let Some(above) = number::read(text).filter(above_all).filter(|_| shown.kind == Kind::Pin) {
        let message = format!("the pin asks for {text}, which nothing here has released: {latest}");
        // The index is asked by `bump`, not here.
        let help = format!(
            "where the index has it: git tag {} COMMIT, the commit that it was made from\nwhere it has not: {help}",
            own.app.tag(&above)
        );
        return (Verdict::Wrong, Some(Finding::new("pin-unreleased", Level::Error, message).help(help)));
    }
    let finding =
        Finding::new("version-behind", Level::Warning, format!("the {what} shows {text}; {latest}"))
            .help(help);
    (Verdict::Behind, Some(finding))
}

/// A range has to let in what is released next; until then it may well keep to what is out.
fn range(own: &Facts, source: &Version, shown: &Shown, spec: &str) -> (Verdict, Option<Finding>) {
    let lets_in = |v: &Version| number::includes(spec, v, own.app.settings.ecosystem).unwrap_or(true);
    if lets_in(source) {
        return (Verdict::Ok, None);
    }
    let what = shown.kind.word();
    let waits = own.released().is_some_and(|released| released != source && lets_in(released));
    let (level, message) = match waits {
        true => (Level::Info, format!("the {what} {spec} will leave out {source}, which is released next")),
        false => (Level::Warning, format!("the {what} {spec} leaves out {source}")),
    };
    let finding = Finding::new("range-excludes", level, message)
        .help(format!("let {source} in, or leave it where that is meant"));
    (if waits { Verdict::Ok } else { Verdict::Behind }, Some(finding))
}

/// A changelog's newest section belongs to the manifest's version, once that is to be released.
pub fn changelog(own: &Facts, newest: &Version) -> (Verdict, Option<Finding>) {
    let Some(source) = own.source() else { return (Verdict::Ok, None) };
    let (app, bump) = (own.app.name(), format!("cargo xtask bump {}", own.app.name()));
    if newest > source {
        let message =
            format!("the changelog's newest section of {app} is {newest}, the manifest has {source}");
        return (
            Verdict::Wrong,
            Some(
                Finding::new("changelog-ahead", Level::Error, message)
                    .help(format!("{bump} --version {newest}, or take the section out")),
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

/// The highest tag against the manifest. A branch that left before the release is right to be behind.
pub fn tag(own: &Facts, manifest: &Utf8Path) -> Option<(Verdict, Option<Finding>)> {
    let (source, highest) = (own.source()?, own.highest()?);
    if highest <= source {
        return Some((Verdict::Ok, None));
    }
    let level = if own.on_flow { Level::Error } else { Level::Info };
    let message = format!("{} is tagged, the manifest has {source}", own.app.tag(highest));
    let help = match own.on_flow {
        true => format!("cargo xtask bump {}", own.app.name()),
        false => "git merge or rebase, where this branch is to be released".to_string(),
    };
    let finding =
        Finding::new("tag-ahead", level, message).app(own.app.name()).place(manifest.as_str()).help(help);
    Some((if own.on_flow { Verdict::Wrong } else { Verdict::Behind }, Some(finding)))
}
