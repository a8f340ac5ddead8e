//! Chooses the next version from the evidence, the tags and the manifest, and reports what is wrong. Pure.

use crate::finding::{Finding, Level};
use crate::model::commits::Entry;
use crate::model::version::{Bump, ZeroBreaking};
use crate::model::{commits, version};
use camino::Utf8Path;
use semver::Version;
use serde::{Serialize, Serializer};

#[cfg(test)]
mod tests;

/// What one source demands of the next version; the highest demand decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Evidence {
    pub source: &'static str,
    pub demands: Demands,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Demands {
    Level(Bump),
    /// The version must be higher than this one, which is already used.
    Above(Version),
    AtLeast(Version),
    /// This version or a higher one, from an `[[accept]]` in `app.toml`.
    Version(Version),
}

impl std::fmt::Display for Demands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Demands::Level(bump) => f.write_str(bump.word()),
            Demands::Above(version) => write!(f, "> {version}"),
            Demands::AtLeast(version) => write!(f, ">= {version}"),
            Demands::Version(version) => write!(f, "{version}"),
        }
    }
}

impl Serialize for Demands {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The `MAJOR.MINOR` that a hotfix branch is for: `hotfix/python-v0.2.0` is for 0.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub major: u64,
    pub minor: u64,
}

impl Line {
    pub(crate) fn of_branch(branch: &str, app: &str) -> Option<Line> {
        let name = branch.strip_prefix("hotfix/")?.strip_prefix(app)?.strip_prefix("-v")?;
        let (_, version) = version::find(name).filter(|(range, _)| range.start == 0)?;
        Some(Line { major: version.major, minor: version.minor })
    }
    pub(crate) fn contains(&self, version: &Version) -> bool {
        (version.major, version.minor) == (self.major, self.minor)
    }
}

pub(super) struct Facts<'a> {
    pub app: &'a str,
    pub manifest: &'a Version,
    pub manifest_file: &'a Utf8Path,
    pub last: Option<&'a Version>,
    pub tagged: &'a [Version],
    pub line: Option<&'a Line>,
    pub zero: ZeroBreaking,
    /// Whether any commit since the last release touches the app.
    pub touched: bool,
    /// Whether the changelog has a section for the manifest's version.
    pub in_changelog: bool,
}

#[derive(Debug)]
pub(super) struct Decision {
    pub next: Option<Version>,
    /// What the evidence demands, regardless of a pending version.
    pub required: Option<Version>,
    /// The highest version that is already used.
    pub floor: Option<Version>,
    pub bump: &'static str,
    pub pending: bool,
    pub evidence: Vec<Evidence>,
    pub findings: Vec<Finding>,
}

pub(super) fn from_commits(commits: &[Entry]) -> Evidence {
    let bump = commits::highest(commits);
    let counting = commits.iter().filter(|c| c.counts).count();
    let why = match commits.iter().find(|c| c.bump == bump && c.counts) {
        None if commits.is_empty() => "no commit touches the app".to_string(),
        None => format!("none of {} counts", plural(commits.len(), "commit")),
        Some(first) if counting == 1 => format!("{} ({})", first.subject, first.short()),
        Some(first) => format!("{} ({}) and {}", first.subject, first.short(), plural(counting - 1, "more")),
    };
    Evidence { source: "commits", demands: Demands::Level(bump), why }
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 || what == "more" { format!("{n} {what}") } else { format!("{n} {what}s") }
}

/// A version is used only once, so the next one must exceed the highest tag (on a hotfix branch, the highest
/// of its own `MAJOR.MINOR`).
pub(super) fn from_tags(tagged: &[Version], line: Option<&Line>) -> Option<Evidence> {
    let highest = tagged.iter().filter(|v| line.is_none_or(|l| l.contains(v))).max()?;
    let why = if line.is_some() { "the highest tag of this minor version" } else { "the highest tag" };
    Some(Evidence { source: "tags", demands: Demands::Above(highest.clone()), why: why.into() })
}

/// A version in a pin file, used before the first release: if it is above the manifest's, that version was
/// released in some other way.
pub(super) fn from_pin(file: &str, version: Version, manifest: &Version) -> Evidence {
    let used = version > *manifest;
    let demands = if used { Demands::Above(version) } else { Demands::AtLeast(version) };
    Evidence { source: "pins", demands, why: format!("in {file}") }
}

pub(super) fn decide(facts: &Facts, mut evidence: Vec<Evidence>) -> Decision {
    let level = evidence
        .iter()
        .filter_map(|e| if let Demands::Level(bump) = e.demands { Some(bump) } else { None })
        .max()
        .unwrap_or_default();
    let named = evidence
        .iter()
        .filter_map(|e| if let Demands::Version(version) = &e.demands { Some(version) } else { None })
        .max()
        .cloned();
    let taken = facts.tagged.contains(facts.manifest);
    let far =
        facts.last.zip(named.as_ref()).map(|(last, named)| Bump::between(last, named)).unwrap_or_default();
    let (required, bump) = match facts.last {
        Some(last) => {
            let counted = (level > Bump::None).then(|| version::next(last, level, facts.zero));
            (counted.max(named), level.after(last, facts.zero).max(far).word())
        }
        None => (facts.touched.then(|| first(facts, &mut evidence)), "first"),
    };
    let required = required.map(|version| raise(version, level, facts, &evidence));
    // A new app's manifest often begins with 0.1.0. Only a bump writes the section.
    let begun = *facts.manifest > ZERO && facts.in_changelog;
    let above_last = facts.last.map_or(begun, |last| facts.manifest > last);
    let pending = above_last && !taken && facts.touched;
    let mut findings: Vec<Finding> = hotfix_too_big(facts, level.max(far)).into_iter().collect();
    findings.extend(manifest_findings(facts, pending, required.as_ref(), &evidence));
    let enough = required.as_ref().is_none_or(|r| version::reaches(facts.manifest, r));
    let next = if pending && enough { Some(facts.manifest.clone()) } else { required.clone() };
    let floor = evidence
        .iter()
        .filter_map(|e| if let Demands::Above(version) = &e.demands { Some(version) } else { None })
        .max()
        .cloned();
    if pending && facts.last.is_some() {
        let demands = Demands::AtLeast(facts.manifest.clone());
        evidence.push(Evidence {
            source: "manifest",
            demands,
            why: format!("pending in {}", facts.manifest_file),
        });
    }
    Decision {
        next,
        required,
        floor,
        bump: if facts.last.is_none() && !facts.touched { "none" } else { bump },
        pending,
        evidence,
        findings,
    }
}

const ZERO: Version = Version::new(0, 0, 0);

/// The first release uses the manifest's version; 0.0.0 means "no version yet".
fn first(facts: &Facts, evidence: &mut Vec<Evidence>) -> Version {
    let version = if *facts.manifest == ZERO { Version::new(0, 0, 1) } else { facts.manifest.clone() };
    let why = format!("the first release; {} has {}", facts.manifest_file, facts.manifest);
    evidence.push(Evidence { source: "manifest", demands: Demands::AtLeast(version.clone()), why });
    version
}

/// The lowest version that all evidence allows.
fn raise(mut number: Version, level: Bump, facts: &Facts, evidence: &[Evidence]) -> Version {
    let step = if facts.last.is_some() { level.max(Bump::Patch) } else { Bump::Patch };
    for evidence in evidence {
        if let Demands::Above(version) = &evidence.demands
            && *version >= number
        {
            number = version::next(version, step, facts.zero);
        }
    }
    number
}

/// The first source that demands the highest level.
fn highest_level(evidence: &[Evidence]) -> Option<&Evidence> {
    let level = |e: &&Evidence| if let Demands::Level(bump) = e.demands { bump } else { Bump::None };
    evidence.iter().rev().max_by_key(level).filter(|e| level(e) > Bump::None)
}

/// The source that makes this version too low. A source that names a version comes before one that names a
/// level.
fn against<'a>(number: &Version, evidence: &'a [Evidence]) -> Option<&'a Evidence> {
    let exceeds = |e: &&Evidence| match &e.demands {
        // The manifest has what these two demand.
        Demands::Level(_) | Demands::AtLeast(_) => false,
        Demands::Above(version) => version >= number,
        Demands::Version(version) => version > number,
    };
    evidence.iter().find(exceeds).or_else(|| highest_level(evidence))
}

fn manifest_findings(
    facts: &Facts,
    pending: bool,
    required: Option<&Version>,
    evidence: &[Evidence],
) -> Option<Finding> {
    let Facts { app, manifest, manifest_file, .. } = facts;
    let finding = |id, message: String, help: String| {
        Some(Finding::new(id, Level::Error, message).app(app).place(manifest_file.as_str()).help(help))
    };
    let bump = format!("cargo xtask bump {app}");
    match (facts.last, required) {
        (Some(last), _) if *manifest < last => finding(
            "manifest-below-tag",
            format!("the manifest has {manifest}, but {last} is already released"),
            required.map_or_else(|| format!("set it to {last}"), |_| bump),
        ),
        (_, Some(required)) if pending && !version::reaches(manifest, required) => {
            let why = against(manifest, evidence)
                .map(|e| format!(" ({}, {}: {})", e.source, e.demands, e.why))
                .unwrap_or_default();
            let message = format!(
                "the manifest's pending {manifest} is below {required}, which the evidence demands{why}"
            );
            finding("pending-too-low", message, bump)
        }
        _ => None,
    }
}

fn hotfix_too_big(facts: &Facts, level: Bump) -> Option<Finding> {
    let last = facts.last.filter(|_| facts.line.is_some() && level > Bump::Patch)?;
    let message = format!(
        "a hotfix of {last} can only be a patch, but the evidence demands {}",
        level.after(last, facts.zero).word()
    );
    Some(Finding::new("hotfix-too-big", Level::Error, message).app(facts.app).help(format!(
        "`cargo xtask plan {}` shows what demands it: move that change to the development branch, and \
                 keep only fixes here",
        facts.app
    )))
}
