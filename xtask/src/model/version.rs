//! Versions in SemVer and PEP 440, bumps, and the next version. Pure. Tags, the changelog and images use
//! SemVer; Python's own files use PEP 440. Only versions that both schemes order the same way are accepted.

use anyhow::{Context, Result, bail};
use pep440_rs::{Prerelease, PrereleaseKind};
use semver::{BuildMetadata, Version};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What a break bumps in 0.y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ZeroBreaking {
    #[default]
    Minor,
    Major,
}

/// The part of the version that a change increases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bump {
    #[default]
    None,
    Patch,
    Minor,
    Major,
}

impl Bump {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Bump::None => "none",
            Bump::Patch => "patch",
            Bump::Minor => "minor",
            Bump::Major => "major",
        }
    }

    /// The bump that leads from one version to a higher one.
    pub(crate) fn between(from: &Version, to: &Version) -> Bump {
        match to {
            to if to <= from => Bump::None,
            to if to.major > from.major => Bump::Major,
            to if to.minor > from.minor => Bump::Minor,
            _ => Bump::Patch,
        }
    }

    /// The bump to apply to `from`: in 0.y a break is a minor bump, because `^0.1` and `~=0.1.0` do not
    /// accept the next minor version.
    pub(crate) fn after(self, from: &Version, zero: ZeroBreaking) -> Bump {
        match self {
            Bump::Major if from.major == 0 && zero == ZeroBreaking::Minor => Bump::Minor,
            bump => bump,
        }
    }
}

/// The version after `from`. A number that cannot grow (u64::MAX) is kept. A pre-release is followed by its
/// own release if that bump is large enough: 0.2.0 follows 0.2.0-rc.1.
pub(crate) fn next(from: &Version, bump: Bump, zero: ZeroBreaking) -> Version {
    let (major, minor, patch) = (from.major, from.minor, from.patch);
    let pre = !from.pre.is_empty();
    match bump.after(from, zero) {
        Bump::None => from.clone(),
        Bump::Patch if pre => Version::new(major, minor, patch),
        Bump::Patch => Version::new(major, minor, patch.saturating_add(1)),
        Bump::Minor if pre && patch == 0 => Version::new(major, minor, 0),
        Bump::Minor => Version::new(major, minor.saturating_add(1), 0),
        Bump::Major if pre && minor == 0 && patch == 0 => Version::new(major, 0, 0),
        Bump::Major => Version::new(major.saturating_add(1), 0, 0),
    }
}

/// The version without its pre-release part: X.Y.Z.
pub(crate) fn core(version: &Version) -> Version {
    Version::new(version.major, version.minor, version.patch)
}

/// Is the version at least `required`? A pre-release of `required` counts too.
pub(crate) fn reaches(version: &Version, required: &Version) -> bool {
    version >= required || (!version.pre.is_empty() && core(version) >= *required)
}

/// `core`-`channel`.N, where N is one more than the highest in `taken`.
pub(crate) fn next_pre<'a>(
    core: &Version,
    channel: &str,
    taken: impl IntoIterator<Item = &'a Version>,
) -> Result<Version> {
    channel_kind(channel)
        .with_context(|| format!("--pre {channel}: not a pre-release channel; use alpha, beta or rc"))?;
    let same_core = |v: &&Version| (v.major, v.minor, v.patch) == (core.major, core.minor, core.patch);
    let number = |v: &Version| v.pre.strip_prefix(channel)?.strip_prefix('.')?.parse::<u64>().ok();
    let highest = taken.into_iter().filter(same_core).filter_map(number).max().unwrap_or(0);
    let mut version = Version::new(core.major, core.minor, core.patch);
    version.pre = semver::Prerelease::new(&format!("{channel}.{}", highest.saturating_add(1)))?;
    Ok(version)
}

/// The version in a tag's name. Build metadata is dropped: it has no part in the order (SemVer 2.0.0, 10).
pub(crate) fn in_tag(text: &str) -> Option<Version> {
    let mut version = Version::parse(text).ok()?;
    version.build = BuildMetadata::EMPTY;
    Some(version)
}

fn channel_kind(channel: &str) -> Option<PrereleaseKind> {
    match channel {
        "alpha" => Some(PrereleaseKind::Alpha),
        "beta" => Some(PrereleaseKind::Beta),
        "rc" => Some(PrereleaseKind::Rc),
        _ => None,
    }
}

/// Parses a SemVer version. Refuses one that has no PEP 440 equivalent of the same order.
pub(crate) fn parse(text: &str) -> Result<Version> {
    let version =
        Version::parse(text).with_context(|| format!("{text:?} is not SemVer (X.Y.Z, X.Y.Z-rc.N)"))?;
    to_pep440(&version)?;
    Ok(version)
}

/// `1.0.0-rc.1` is `1.0.0rc1` (PEP 440, "Public version identifiers").
pub(crate) fn to_pep440(version: &Version) -> Result<String> {
    if version.build != BuildMetadata::EMPTY {
        bail!(
            "{version} has build metadata: an index refuses it (PEP 440, local versions), \
             and an image tag cannot contain `+`"
        );
    }
    let core = pep440_rs::Version::new([version.major, version.minor, version.patch]);
    if version.pre.is_empty() {
        return Ok(core.to_string());
    }
    let twin = version
        .pre
        .split_once('.')
        .and_then(|(channel, number)| Some((channel_kind(channel)?, number.parse().ok()?)));
    let Some((kind, number)) = twin else {
        bail!(
            "{version}: -{} has no PEP 440 equivalent of the same order; \
             use -alpha.N, -beta.N or -rc.N, as in {}-rc.1",
            version.pre,
            Version::new(version.major, version.minor, version.patch)
        );
    };
    Ok(core.with_pre(Some(Prerelease { kind, number })).to_string())
}

/// The SemVer of a PEP 440 version. Refuses a version that the two schemes order differently.
pub(crate) fn from_pep440(text: &str) -> Result<Version> {
    let version: pep440_rs::Version =
        text.trim().parse().map_err(|e| anyhow::anyhow!("{text:?} is not a PEP 440 version: {e}"))?;
    let untranslatable = [
        (version.epoch() != 0, "an epoch"),
        (version.is_post(), "a post-release"),
        (version.is_dev(), "a dev-release (SemVer orders it after alpha, PEP 440 before)"),
        (version.is_local(), "a local version"),
        (version.release().len() > 3, "more than three numbers"),
    ];
    if let Some((_, what)) = untranslatable.iter().find(|(found, _)| *found) {
        bail!("{text:?} has {what}, which SemVer has no equal for; use X.Y.Z, X.Y.ZaN, X.Y.ZbN or X.Y.ZrcN");
    }
    let mut semver = floor(&version);
    if let Some(Prerelease { kind, number }) = version.pre() {
        let channel = match kind {
            PrereleaseKind::Alpha => "alpha",
            PrereleaseKind::Beta => "beta",
            PrereleaseKind::Rc => "rc",
        };
        semver.pre = semver::Prerelease::new(&format!("{channel}.{number}"))?;
    }
    Ok(semver)
}

/// The first three numbers of a PEP 440 version. The next patch version is higher than every version that
/// begins with these numbers, such as a post-release or one with four numbers.
pub(crate) fn floor(version: &pep440_rs::Version) -> Version {
    let part = |i: usize| version.release().get(i).copied().unwrap_or(0);
    Version::new(part(0), part(1), part(2))
}

/// The first version in `text` and its span in bytes: `0.1.129` in a file of its own, `v0.1.0-rc.1` in a
/// chart.
pub(crate) fn find(text: &str) -> Option<(std::ops::Range<usize>, Version)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let boundary = at == 0 || !(bytes[at - 1].is_ascii_digit() || bytes[at - 1] == b'.');
        if boundary && bytes[at].is_ascii_digit() {
            let length =
                bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || b".-".contains(b)).count();
            if let Some((end, version)) = longest_version(&text[at..at + length]) {
                return Some((at..at + end, version));
            }
        }
        at += 1;
    }
    None
}

/// The longest prefix of `word` that is a complete version, and its length: `0.1.0-slim` begins with 0.1.0.
fn longest_version(word: &str) -> Option<(usize, Version)> {
    let whole =
        |text: &str| text.split('.').count() >= 3 && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    let read = |text: &str| parse(text).ok().or_else(|| from_pep440(text).ok());
    (5..=word.len()).rev().find_map(|end| {
        let next_is_number = word[end..].trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit());
        let head = &word[..end];
        (whole(head) && !next_is_number).then(|| read(head)).flatten().map(|version| (end, version))
    })
}
