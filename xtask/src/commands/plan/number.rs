//! The number: from the evidence, the tags and the manifest to the next version and what is wrong. Pure.

use crate::finding::{Finding, Level};
use crate::model::commits::Entry;
use crate::model::version::{Bump, ZeroBreaking};
use crate::model::{commits, version};
use camino::Utf8Path;
use semver::Version;
use serde::{Serialize, Serializer};

#[cfg(test)]
mod tests;

/// One source's word on what the next version must at least be; the highest wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    pub source: &'static str,
    pub demands: Demands,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demands {
    Level(Bump),
    /// The number must exceed this one, which is taken.
    Above(Version),
    AtLeast(Version),
    /// This number, or a higher one.
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

/// The releases that a hotfix branch is about: `hotfix/python-v0.2.0` is about 0.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub major: u64,
    pub minor: u64,
}

impl Line {
    pub fn of_branch(branch: &str, app: &str) -> Option<Line> {
        let name = branch.strip_prefix("hotfix/")?.strip_prefix(app)?.strip_prefix("-v")?;
        let (_, version) = version::find(name).filter(|(range, _)| range.start == 0)?;
        Some(Line { major: version.major, minor: version.minor })
    }
    pub fn contains(&self, version: &Version) -> bool {
        (version.major, version.minor) == (self.major, self.minor)
    }
}

pub struct Facts<'a> {
    pub app: &'a str,
    pub manifest: &'a Version,
    pub manifest_file: &'a Utf8Path,
    pub last: Option<&'a Version>,
    pub tagged: &'a [Version],
    pub line: Option<&'a Line>,
    pub zero: ZeroBreaking,
    /// Has any commit touched the app?
    pub touched: bool,
}

#[derive(Debug)]
pub struct Decision {
    pub next: Option<Version>,
    /// Without the pending version's word.
    pub required: Option<Version>,
    /// The highest number that is taken.
    pub floor: Option<Version>,
    pub bump: &'static str,
    pub pending: bool,
    pub evidence: Vec<Evidence>,
    pub findings: Vec<Finding>,
}

pub fn from_commits(commits: &[Entry]) -> Evidence {
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

/// Every number is used once: the highest tag, of the hotfix's own line where there is one.
pub fn from_tags(tagged: &[Version], line: Option<&Line>) -> Option<Evidence> {
    let highest = tagged.iter().filter(|v| line.is_none_or(|l| l.contains(v))).max()?;
    let why = if line.is_some() { "the highest tag of this line" } else { "the highest tag" };
    Some(Evidence { source: "tags", demands: Demands::Above(highest.clone()), why: why.into() })
}

/// A pin of before the first release: where it is above the manifest, that version was released somewhere.
pub fn from_pin(file: &str, version: Version) -> Evidence {
    Evidence { source: "pins", demands: Demands::AtLeast(version), why: format!("{file} has it") }
}

pub fn decide(facts: &Facts, mut evidence: Vec<Evidence>) -> Decision {
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
    let above_last = facts.last.map_or(*facts.manifest > ZERO, |last| facts.manifest > last);
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

/// The first release takes the manifest's version; 0.0.0 stands for "none yet".
fn first(facts: &Facts, evidence: &mut Vec<Evidence>) -> Version {
    let version = if *facts.manifest == ZERO { Version::new(0, 0, 1) } else { facts.manifest.clone() };
    let why = format!("the first release; {} says {}", facts.manifest_file, facts.manifest);
    evidence.push(Evidence { source: "manifest", demands: Demands::AtLeast(version.clone()), why });
    version
}

/// The lowest number that all evidence allows.
fn raise(mut number: Version, level: Bump, facts: &Facts, evidence: &[Evidence]) -> Version {
    let step = if facts.last.is_some() { level.max(Bump::Patch) } else { Bump::Patch };
    for evidence in evidence {
        match &evidence.demands {
            // An equal pin says the same; a higher one tells of a release elsewhere.
            Demands::AtLeast(version) if *version > number => {
                number = version::next(version, step, facts.zero)
            }
            Demands::Above(version) if *version >= number => {
                number = version::next(version, step, facts.zero)
            }
            _ => {}
        }
    }
    number
}

/// Who says how far it goes: the first of those that demand the highest level.
fn gravest(evidence: &[Evidence]) -> Option<&Evidence> {
    let level = |e: &&Evidence| if let Demands::Level(bump) = e.demands { bump } else { Bump::None };
    evidence.iter().rev().max_by_key(level).filter(|e| level(e) > Bump::None)
}

/// Who says that this number is too low: one that is taken or named already before one that counts from the
/// last release.
fn against<'a>(number: &Version, evidence: &'a [Evidence]) -> Option<&'a Evidence> {
    let exceeds = |e: &&Evidence| match &e.demands {
        Demands::Level(_) => false,
        Demands::Above(version) => version >= number,
        Demands::AtLeast(version) | Demands::Version(version) => version > number,
    };
    evidence.iter().find(exceeds).or_else(|| gravest(evidence))
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
            format!("the manifest says {manifest}, but {app}-v{last} is released"),
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
        "a hotfix of {last} is a patch, but the evidence demands {}",
        level.after(last, facts.zero).word()
    );
    Some(
        Finding::new("hotfix-too-big", Level::Error, message)
            .app(facts.app)
            .help("take that commit to the development branch, and leave fixes here"),
    )
}
