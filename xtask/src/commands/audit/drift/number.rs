//! Versions as files show them: one number spelled the SemVer or the PEP 440 way, placeholders, and ranges.
//! Pure.

use crate::model::language::Ecosystem;
use crate::model::version;
use semver::Version;

#[cfg(test)]
mod tests;

/// The version that a text shows: `0.1.0`, `v0.1.0`, `0.1.0rc1` and `0.1.0-rc.1` are what they are to PEP 440
/// or SemVer. None where neither knows it.
pub fn read(text: &str) -> Option<Version> {
    let bare = text.trim().trim_start_matches(['v', 'V', '=']);
    if !bare.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // What both know first: `0.1.0-rc1` is also SemVer, but not the release candidate that PEP 440 sees in
    // it.
    version::parse(bare)
        .ok()
        .or_else(|| version::from_pep440(bare).ok())
        .or_else(|| Version::parse(bare).ok())
}

/// Does it look like a version at all, with as many numbers or more? `0.1.0.dev1` does, though SemVer can't
/// say it.
pub fn is_version(text: &str, numbers: usize) -> bool {
    let bare = text.trim().trim_start_matches(['v', 'V']);
    let head = bare.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or("");
    bare.starts_with(|c: char| c.is_ascii_digit())
        && head.split('.').filter(|n| !n.is_empty()).count() >= numbers
        && (Version::parse(bare).is_ok() || bare.parse::<pep440_rs::Version>().is_ok())
}

/// A number that nobody means: `0.0.0`, `0.0.0+unknown`, `0.0.0.dev0`, which a build replaces or a fallback
/// shows.
pub fn is_placeholder(text: &str) -> bool {
    let bare = text.trim().trim_start_matches(['v', 'V']);
    let head = bare.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or("");
    !head.is_empty() && head.chars().all(|c| c == '0' || c == '.')
}

/// What a requirement asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This version and no other, as it is spelled there.
    Exact(String),
    Range(String),
}

/// `==0.1.2`, `>=0.1,<0.2` as pip reads it, `0.1.2`, `^0.1`, `1.x || 2.x` as npm does. None for what names no
/// version: `*`, `latest`, `workspace:*`.
pub fn wanted(spec: &str, ecosystem: Ecosystem) -> Option<Wanted> {
    let spec = spec.trim();
    // Without an operator poetry means one version, as npm does; two numbers are a range for npm.
    let (exact, numbers) = match ecosystem {
        Ecosystem::Python => (spec.trim_start_matches('=').trim_start(), 1),
        Ecosystem::Ts => (spec.trim_start_matches(['=', 'v']).trim_start(), 3),
    };
    if is_version(exact, numbers) {
        return Some(Wanted::Exact(exact.to_string()));
    }
    includes(spec, &Version::new(0, 0, 0), ecosystem).map(|_| Wanted::Range(spec.to_string()))
}

/// Does the range let the version in? None for what is no range. A pre-release counts as let in where its own
/// release would be.
pub fn includes(spec: &str, version: &Version, ecosystem: Ecosystem) -> Option<bool> {
    let core = Version::new(version.major, version.minor, version.patch);
    let any = |f: &dyn Fn(&Version) -> Option<bool>| Some(f(version)? || f(&core)?);
    let by_npms_rules = match ecosystem {
        // Poetry's own operators are npm's (python-poetry.org, "Dependency specification").
        Ecosystem::Python => spec.trim_start().starts_with(['^', '*']) || is_tilde(spec),
        Ecosystem::Ts => true,
    };
    if by_npms_rules {
        return any(&|v| npm_includes(spec, v));
    }
    let specifiers: pep440_rs::VersionSpecifiers =
        spec.parse().ok().filter(|_| spec.contains(|c: char| c.is_ascii_digit()))?;
    any(&|v| Some(specifiers.contains(&version::to_pep440(v).ok()?.parse().ok()?)))
}

fn is_tilde(spec: &str) -> bool {
    spec.trim_start().strip_prefix('~').is_some_and(|rest| !rest.starts_with('='))
}

/// npm's ranges (github.com/npm/node-semver, "Ranges"): alternatives by `||`, spaces for "and", a bare
/// version means itself.
fn npm_includes(spec: &str, version: &Version) -> Option<bool> {
    let mut found = false;
    for alternative in spec.split("||") {
        found |= npm_requirement(alternative.trim())?.matches(version);
    }
    Some(found)
}

fn npm_requirement(text: &str) -> Option<semver::VersionReq> {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let text = match text.split_once(" - ") {
        Some((low, high)) => format!(">={} <={}", low.trim(), high.trim()),
        None => text.to_string(),
    };
    let mut parts: Vec<String> = Vec::new();
    for word in text.replace(',', " ").split_whitespace() {
        let word = word.replacen(
            ['v', 'V'],
            "",
            usize::from(word.trim_start_matches(['<', '>', '=', '^', '~']).starts_with(['v', 'V'])),
        );
        match parts.last_mut() {
            // `>= 1.2` with a space.
            Some(last) if last.ends_with(['<', '>', '=', '^', '~']) => last.push_str(&word),
            // `1.2.3` is that version, `1.2` every 1.2.x: both what `=` means to the crate.
            _ if word.starts_with(|c: char| c.is_ascii_digit()) => parts.push(format!("={word}")),
            _ => parts.push(word),
        }
    }
    semver::VersionReq::parse(&parts.join(", ")).ok()
}
