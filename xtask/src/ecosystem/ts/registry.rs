//! Reads a package from an npm registry: its packument (npm's docs/responses/package-metadata.md), and the
//! bytes of a tarball.

use crate::ecosystem::{IndexVersion, PublishedFile, Shown};
use crate::sys::hash;
use crate::sys::http::{Http, Request};
use crate::sys::url::origin;
use anyhow::{Context, Result, bail};
use semver::Version;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

#[derive(Deserialize)]
struct Packument {
    name: String,
    #[serde(default, rename = "dist-tags")]
    tags: BTreeMap<String, String>,
    versions: Option<BTreeMap<String, PackageVersion>>,
    /// The publication time of each version. Unpublished versions stay listed here.
    #[serde(default)]
    time: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct PackageVersion {
    dist: Dist,
    /// The reason, which is empty if a deprecation was undone. Some registries have true or false instead.
    #[serde(default)]
    deprecated: serde_json::Value,
}

impl PackageVersion {
    /// The reason of the deprecation. None if the version is not deprecated.
    fn deprecated(&self) -> Option<String> {
        match &self.deprecated {
            serde_json::Value::String(reason) => Some(reason.clone()).filter(|reason| !reason.is_empty()),
            serde_json::Value::Bool(true) => Some("without a reason".into()),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
    /// Subresource Integrity: `sha512-…`.
    #[serde(default)]
    integrity: Option<String>,
}

/// The versions of a package that can be installed.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The version with the dist-tag `latest`.
    pub latest: Option<String>,
    pub versions: Vec<ListedVersion>,
}

#[derive(Debug)]
pub(crate) struct ListedVersion {
    pub version: String,
    /// The reason of the deprecation. None if the version is not deprecated.
    pub deprecated: Option<String>,
    pub tarball: String,
    pub integrity: Option<String>,
}

/// The installable versions of the package. None if the registry does not know the package.
pub(crate) fn listed(registry: &str, package: &str) -> Result<Option<Listed>> {
    let Some(found) = packument(registry, package)? else { return Ok(None) };
    let version = |(version, release): (String, PackageVersion)| ListedVersion {
        version,
        deprecated: release.deprecated(),
        tarball: release.dist.tarball,
        integrity: release.dist.integrity,
    };
    Ok(Some(Listed {
        latest: found.tags.get("latest").cloned(),
        versions: found.versions.unwrap_or_default().into_iter().map(version).collect(),
    }))
}

/// The package's packument. None if the registry does not know the package.
fn packument(registry: &str, package: &str) -> Result<Option<Packument>> {
    let url = format!("{}/{}", registry.trim_end_matches('/'), package.replace('/', "%2f"));
    let request = Request::new("GET", &url).header("accept", "application/json").login(login(registry, &url));
    let answered = Http::new()?.ask(&request, |answer| {
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.success()?;
        let kind = answer.header("content-type").unwrap_or_default().to_lowercase();
        let read = match kind.contains("json") {
            true => read(&answer.bytes()?, package),
            false => Err(anyhow::anyhow!("its content type is {kind:?}, not JSON")),
        };
        read.map(Some).with_context(|| {
            format!(
                "the answer to GET {url} is not an answer of an npm registry for this package, so the \
                 package's versions are unknown"
            )
        })
    });
    answered.context("cannot read the registry")
}

/// A package document. An error for everything else: `{}` must not pass for a package without versions.
fn read(bytes: &[u8], package: &str) -> Result<Packument> {
    let found: Packument = serde_json::from_slice(bytes).context("not a package document")?;
    if found.name != package {
        bail!("it describes the package {}, not {package}", found.name);
    }
    // The document of a package that was unpublished as a whole has only times.
    if found.versions.is_none() && found.time.is_empty() {
        bail!("a document without versions");
    }
    if let Some((tag, version)) = found.tags.first_key_value().filter(|_| found.released().is_empty()) {
        bail!("a document without versions, whose dist-tag {tag} names {version}");
    }
    if let Some(odd) = found.released().keys().find(|version| version.parse::<Version>().is_err()) {
        bail!("{odd:?} is not a version (SemVer)");
    }
    Ok(found)
}

impl Packument {
    fn released(&self) -> &BTreeMap<String, PackageVersion> {
        static NONE: BTreeMap<String, PackageVersion> = BTreeMap::new();
        self.versions.as_ref().unwrap_or(&NONE)
    }
}

/// The authorization header with the upload token. None if the address is not on the same registry.
fn login(registry: &str, url: &str) -> Option<String> {
    token().filter(|_| origin(registry) == origin(url)).map(|token| format!("Bearer {token}"))
}

/// Every version that was ever published. An unpublished version is included because npm does not allow its
/// number again.
pub(crate) fn versions(registry: &str, package: &str) -> Result<Option<Vec<IndexVersion>>> {
    Ok(packument(registry, package)?.as_ref().map(out))
}

fn out(packument: &Packument) -> Vec<IndexVersion> {
    let there = |version: &Version| {
        packument.released().get(&version.to_string()).is_some_and(|release| release.deprecated().is_none())
    };
    numbers(packument)
        .into_iter()
        .map(|version| IndexVersion { withdrawn: !there(&version), version })
        .collect()
}

fn numbers(packument: &Packument) -> Vec<Version> {
    let mut numbers: Vec<Version> =
        packument.released().keys().chain(packument.time.keys()).filter_map(|v| v.parse().ok()).collect();
    numbers.sort();
    numbers.dedup();
    numbers
}

/// The tarball of that version, with the name that `npm pack` gives it and the sha256 of the bytes that the
/// registry serves now.
pub(crate) fn published(registry: &str, package: &str, version: &Version) -> Result<Vec<PublishedFile>> {
    let Some(found) = packument(registry, package)? else { return Ok(Vec::new()) };
    let Some(release) = found.released().get(&version.to_string()) else { return Ok(Vec::new()) };
    let tarball = &release.dist.tarball;
    let bytes = Http::new()?
        .send(&Request::new("GET", tarball).login(login(registry, tarball)))?
        .success()?
        .bytes()?;
    Ok(vec![PublishedFile { name: file_name(package, version), sha256: Some(hash::sha256(&bytes)) }])
}

/// `@scope/name` 1.0.0 is `scope-name-1.0.0.tgz`.
fn file_name(package: &str, version: &Version) -> String {
    format!("{}-{version}.tgz", package.trim_start_matches('@').replace('/', "-"))
}

/// The environment variable that contains the token.
pub(crate) const TOKEN: &str = "NPM_TOKEN";

pub(crate) fn token() -> Option<String> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty())
}

/// The dist-tag of a version that is published but not verified yet.
pub(crate) const CANDIDATE: &str = "candidate";

/// Does `latest` name this version, and `candidate` not? `latest` alone does not show that the release was
/// verified, because npm gives `latest` to the first version of a package by itself.
pub(crate) fn is_latest(registry: &str, package: &str, version: &Version) -> Result<bool> {
    let Some(found) = packument(registry, package)? else { return Ok(false) };
    let names = |tag: &str| found.tags.get(tag).is_some_and(|v| *v == version.to_string());
    Ok(names("latest") && !names(CANDIDATE))
}

/// The registry's dist-tags, each with its version.
pub(crate) fn dist_tags(registry: &str, package: &str) -> Result<BTreeMap<String, String>> {
    Ok(packument(registry, package)?.map(|found| found.tags).unwrap_or_default())
}

/// How the registry shows a version. An unpublished version is absent.
pub(crate) fn shown(registry: &str, package: &str, version: &Version) -> Result<Shown> {
    let found = packument(registry, package)?;
    let release = found.as_ref().and_then(|found| found.released().get(&version.to_string()));
    Ok(match release {
        None => Shown::Absent,
        Some(release) if release.deprecated().is_some() => Shown::Withdrawn,
        Some(_) => Shown::Offered,
    })
}

/// How long npmjs.com lets anybody unpublish a version (docs.npmjs.com/policies/unpublish).
const UNPUBLISH_WINDOW: Duration = Duration::from_secs(72 * 3600);

/// Why npm would not, or should not, unpublish this version. None if it may.
pub(crate) fn unpublish_problem(registry: &str, package: &str, version: &Version) -> Result<Option<String>> {
    Ok(match packument(registry, package)? {
        Some(found) => kept(&found, version, SystemTime::now()),
        None => None,
    })
}

fn kept(found: &Packument, version: &Version, now: SystemTime) -> Option<String> {
    let version = version.to_string();
    if !found.released().contains_key(&version) {
        return None;
    }
    if found.released().len() == 1 {
        return Some(
            "it is the only version, so npm would remove the whole package and block its name".into(),
        );
    }
    let Some(text) = found.time.get(&version).and_then(|time| time.as_str()) else {
        return Some("the registry does not say when it was published".into());
    };
    let Ok(time) = humantime::parse_rfc3339(text) else {
        return Some(format!("the registry says that it was published at {text:?}, which is not a time"));
    };
    let age = now.duration_since(time).unwrap_or_default();
    (age > UNPUBLISH_WINDOW).then(|| {
        format!("it was published {} hours ago, and npm allows that for 72 hours", age.as_secs() / 3600)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_unpublished_only_within_72_hours_and_never_as_the_last_one() {
        let now = humantime::parse_rfc3339("2026-11-27T12:00:00Z").unwrap();
        let two = |time: &str| {
            let time = if time.is_empty() { String::new() } else { format!(r#""1.1.0": "{time}""#) };
            format!(
                r#"{{"name": "x", "versions": {{"1.0.0": {{"dist": {{"tarball": ""}}}},
                   "1.1.0": {{"dist": {{"tarball": ""}}}}}}, "time": {{{time}}}}}"#
            )
        };
        let one = r#"{"name": "x", "versions": {"1.1.0": {"dist": {"tarball": ""}}},
                      "time": {"1.1.0": "2026-11-27T11:00:00Z"}}"#;
        for (text, version, expected) in [
            (two("2026-11-27T11:00:00.123Z"), "1.1.0", ""),
            (two("2026-11-24T12:00:00Z"), "1.1.0", ""),
            (two("2026-11-24T11:59:59Z"), "1.1.0", "it was published 72 hours ago"),
            // A clock that is ahead.
            (two("2026-11-28T12:00:00Z"), "1.1.0", ""),
            (two("yesterday"), "1.1.0", "which is not a time"),
            (two(""), "1.1.0", "does not say when"),
            (one.to_string(), "1.1.0", "it is the only version"),
            (one.to_string(), "1.0.0", ""),
        ] {
            let found = read(text.as_bytes(), "x").unwrap();
            let problem = kept(&found, &version.parse().unwrap(), now).unwrap_or_default();
            assert!(
                problem.contains(expected) && problem.is_empty() == expected.is_empty(),
                "{text}: {problem}"
            );
        }
    }

    #[test]
    fn unpublished_versions_are_still_listed() {
        let text = r#"{"name": "x", "versions": {"1.0.0": {"dist": {"tarball": "http://x"}}},
            "time": {"created": "t", "modified": "t", "1.0.0": "t", "1.1.0-rc.1": "t", "unpublished":
              {"name": "x"}}}"#;
        let packument: Packument = serde_json::from_str(text).expect("a packument");
        assert_eq!(
            numbers(&packument).iter().map(Version::to_string).collect::<Vec<_>>(),
            ["1.0.0", "1.1.0-rc.1"]
        );
    }

    #[test]
    fn deprecated_and_unpublished_versions_are_withdrawn() {
        let text = r#"{"name": "x", "time": {"created": "t", "0.0.9": "t", "unpublished": {}}, "versions": {
            "1.0.0": {"dist": {"tarball": ""}}, "1.0.1": {"dist": {"tarball": ""}, "deprecated": "broken"},
            "1.0.2": {"dist": {"tarball": ""}, "deprecated": ""}, "1.0.3": {"dist": {"tarball": ""},
              "deprecated": true},
            "1.0.4": {"dist": {"tarball": ""}, "deprecated": false}, "1.0.5": {"dist": {"tarball": ""},
              "deprecated": null}}}"#;
        let packument: Packument = serde_json::from_str(text).expect("a packument");
        let withdrawn: Vec<String> =
            out(&packument).iter().filter(|o| o.withdrawn).map(|o| o.version.to_string()).collect();
        assert_eq!(withdrawn, ["0.0.9", "1.0.1", "1.0.3"]);
        assert_eq!(out(&packument).len(), 7);
    }

    #[test]
    fn what_is_no_package_document_is_an_error() {
        for (text, package, good) in [
            (r#"{"name": "x", "versions": {}}"#, "x", true),
            (r#"{"name": "@s/x", "time": {"created": "t", "unpublished": {}}}"#, "@s/x", true),
            ("{}", "x", false),
            ("", "x", false),
            ("<html>maintenance</html>", "x", false),
            (r#"{"name": "x"}"#, "x", false),
            (r#"{"name": "y", "versions": {}}"#, "x", false),
            (r#"{"name": "x", "dist-tags": {"latest": "5.0.0"}, "versions": {}}"#, "x", false),
            (r#"{"name": "x", "dist-tags": {"latest": "5.0.0"}, "time": {"5.0.0": "t"}}"#, "x", false),
            (r#"{"name": "x", "dist-tags": {}, "versions": null, "time": {"5.0.0": "t"}}"#, "x", true),
            (
                r#"{"name": "x", "versions": {"99999999999999999999.0.0": {"dist": {"tarball": ""}}}}"#,
                "x",
                false,
            ),
            (r#"{"name": "x", "versions": {"1.0.0": {"dist": {"tarball": ""}}"#, "x", false),
        ] {
            assert_eq!(read(text.as_bytes(), package).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_scope_is_part_of_the_files_name() {
        for (package, expected) in [("@a/b-c", "a-b-c-1.0.0.tgz"), ("plain", "plain-1.0.0.tgz")] {
            assert_eq!(file_name(package, &Version::new(1, 0, 0)), expected);
        }
    }
}
