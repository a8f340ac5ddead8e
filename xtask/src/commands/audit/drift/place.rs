//! A place in a file that shows a version, and what kind of place it is. Pure.

use super::number::{self, Wanted};
use crate::model::version;
use serde::Serialize;
use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A literal in the app's own code or settings: `__version__ = "0.1.0"`.
    Constant,
    /// `org.opencontainers.image.version` in a Containerfile.
    Label,
    /// The app's own entry in a lock file.
    Lock,
    /// `info.version` of the app's spec.
    Spec,
    /// `version` in a compat.json.
    Compat,
    /// A file named in `[release] pins`.
    DeclaredPin,
    /// A version of the package or image that another folder requests: a requirement, `.runtime-version`,
    /// `FROM`, a lock file's resolution.
    Pin,
    /// An install command in the docs.
    Install,
    Badge,
    /// `appVersion` of a helm chart.
    Chart,
    Citation,
    /// The newest section of a changelog.
    Changelog,
    /// The highest of the app's tags.
    Tag,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Constant => "constant",
            Kind::Label => "image label",
            Kind::Lock => "lock file",
            Kind::Spec => "spec",
            Kind::Compat => "compat.json",
            Kind::DeclaredPin => "declared pin",
            Kind::Pin => "pin",
            Kind::Install => "install command",
            Kind::Badge => "badge",
            Kind::Chart => "chart",
            Kind::Citation => "citation",
            Kind::Changelog => "changelog",
            Kind::Tag => "tag",
        }
    }

    /// Whether the place must show the manifest's version. The others show a release, and may show the last
    /// one until the next is published.
    pub(crate) fn follows_the_source(self) -> bool {
        matches!(
            self,
            Kind::Constant | Kind::Label | Kind::Lock | Kind::Spec | Kind::Compat | Kind::DeclaredPin
        )
    }
}

/// A version or range in a file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub kind: Kind,
    /// The bytes of the version, without quotes.
    pub span: Range<usize>,
    pub wanted: Wanted,
}

impl Shown {
    /// The version at `span`. None if it is not a version with at least that many numbers. `span` may be part
    /// of a longer text.
    pub(super) fn version(kind: Kind, text: &str, span: Range<usize>, numbers: usize) -> Option<Shown> {
        let literal = text.get(span.clone())?;
        number::is_version(literal, numbers).then(|| Shown {
            kind,
            span,
            wanted: Wanted::Exact(literal.to_string()),
        })
    }
}

/// Each line without its line ending, with the byte where it begins.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_end_matches(['\n', '\r'])))
    })
}

/// The line, counted from 1, that holds this byte.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}

/// The byte range of `part`, which must be a slice of `whole`.
pub(super) fn span_in(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// Whether the place is the first version in the text: `bump` would write it if the file were a declared pin.
pub(super) fn is_first_version(text: &str, shown: &Shown) -> bool {
    version::find(text).is_some_and(|(range, _)| range.start < shown.span.end && shown.span.start < range.end)
}
