//! Reads versions as files show them: in SemVer or PEP 440 spelling, placeholders, and ranges. Pure.

use crate::model::language::Ecosystem;
use crate::model::version;
use semver::Version;

#[cfg(test)]
mod tests;

/// The version that a text shows, in SemVer or PEP 440 spelling: `0.1.0`, `v0.1.0`, `0.1.0rc1`, `0.1.0-rc.1`.
/// None if it is valid in neither.
pub(super) fn read(text: &str) -> Option<Version> {
    let bare = text.trim().trim_start_matches(['v', 'V', '=']);
    if !bare.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // PEP 440 before plain SemVer: `0.1.0-rc1` is valid SemVer too, but only PEP 440 reads it as a release
    // candidate.
    version::parse(bare)
        .ok()
        .or_else(|| version::from_pep440(bare).ok())
        .or_else(|| Version::parse(bare).ok())
}

/// Whether the text is a version with at least that many numbers. `0.1.0.dev1` is, though SemVer cannot
/// express it.
pub(super) fn is_version(text: &str, numbers: usize) -> bool {
    let bare = text.trim().trim_start_matches(['v', 'V']);
    let head = bare.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or("");
    bare.starts_with(|c: char| c.is_ascii_digit())
        && head.split('.').filter(|n| !n.is_empty()).count() >= numbers
        && (Version::parse(bare).is_ok() || bare.parse::<pep440_rs::Version>().is_ok())
}

/// Whether the version is a placeholder that a build replaces or a fallback shows: `0.0.0`, `0.0.0+unknown`,
/// `0.0.0.dev0`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let bare = text.trim().trim_start_matches(['v', 'V']);
    let head = bare.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or("");
    !head.is_empty() && head.chars().all(|c| c == '0' || c == '.')
}

/// The version or range that a requirement asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Exactly this version, as it is spelled there.
    Exact(String),
    Range(String),
}

/// `==0.1.2`, `>=0.1,<0.2` as pip reads them; `0.1.2`, `^0.1`, `1.x || 2.x` as npm reads them. None without a
/// version: `*`, `latest`, `workspace:*`.
pub(super) fn wanted(spec: &str, ecosystem: Ecosystem) -> Option<Wanted> {
    let spec = spec.trim();
    // Without an operator, poetry and npm mean exactly one version. Fewer than three numbers are a range for
    // npm.
    let (exact, numbers) = match ecosystem {
        Ecosystem::Python => (spec.trim_start_matches('=').trim_start(), 1),
        Ecosystem::Ts => (spec.trim_start_matches(['=', 'v']).trim_start(), 3),
    };
    if is_version(exact, numbers) {
        return Some(Wanted::Exact(exact.to_string()));
    }
    includes(spec, &Version::new(0, 0, 0), ecosystem).map(|_| Wanted::Range(spec.to_string()))
}

/// Whether the range includes the version. None if `spec` is not a range. A pre-release is included if its
/// release is.
pub(super) fn includes(spec: &str, version: &Version, ecosystem: Ecosystem) -> Option<bool> {
    let core = Version::new(version.major, version.minor, version.patch);
    let any = |f: &dyn Fn(&Version) -> Option<bool>| Some(f(version)? || f(&core)?);
    let by_npms_rules = match ecosystem {
        // Poetry's own operators are those of npm (python-poetry.org, "Dependency specification").
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

/// npm's ranges (github.com/npm/node-semver, "Ranges"): `||` separates alternatives, a space means "and", and
/// a version without an operator means exactly that version.
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
            // `1.2.3` is exactly that version, `1.2` every 1.2.x: the semver crate's `=` means both.
            _ if word.starts_with(|c: char| c.is_ascii_digit()) => parts.push(format!("={word}")),
            _ => parts.push(word),
        }
    }
    semver::VersionReq::parse(&parts.join(", ")).ok()
}
