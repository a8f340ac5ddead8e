//! What an npm registry has of a package: its packument (npm's docs/responses/package-metadata.md), and the
//! very bytes of a tarball.

use crate::ecosystem::{IndexVersion, PublishedFile};
use crate::sys::hash;
use crate::sys::http::{Http, Request};
use crate::sys::url::origin;
use anyhow::{Context, Result};
use semver::Version;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Packument {
    #[serde(default, rename = "dist-tags")]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    versions: BTreeMap<String, Release>,
    /// When each version came out; unpublished ones keep their place here.
    #[serde(default)]
    time: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Release {
    dist: Dist,
    /// The reason; empty where a deprecation was taken back. Some registries have true or false.
    #[serde(default)]
    deprecated: serde_json::Value,
}

impl Release {
    /// With the reason.
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

/// What the registry says of a package to who wants to install it.
#[derive(Debug)]
pub struct Listed {
    /// The dist-tag.
    pub latest: Option<String>,
    pub versions: Vec<ListedVersion>,
}

#[derive(Debug)]
pub struct ListedVersion {
    pub version: String,
    /// With the reason.
    pub deprecated: Option<String>,
    pub tarball: String,
    pub integrity: Option<String>,
}

/// None where the registry does not know the package.
pub fn listed(registry: &str, package: &str) -> Result<Option<Listed>> {
    let Some(found) = packument(registry, package)? else { return Ok(None) };
    let version = |(version, release): (String, Release)| ListedVersion {
        version,
        deprecated: release.deprecated(),
        tarball: release.dist.tarball,
        integrity: release.dist.integrity,
    };
    Ok(Some(Listed {
        latest: found.tags.get("latest").cloned(),
        versions: found.versions.into_iter().map(version).collect(),
    }))
}

/// None where the registry does not know the package.
fn packument(registry: &str, package: &str) -> Result<Option<Packument>> {
    let url = format!("{}/{}", registry.trim_end_matches('/'), package.replace('/', "%2f"));
    let request = Request::new("GET", &url).header("accept", "application/json").login(login(registry, &url));
    let answer = Http::new()?.send(&request).context("the registry can't be reached")?;
    if answer.status == 404 {
        return Ok(None);
    }
    let bytes = answer.success()?.bytes()?;
    serde_json::from_slice(&bytes).map(Some).with_context(|| format!("GET {url}: not a packument"))
}

/// The token of uploads, for an address of the same registry.
fn login(registry: &str, url: &str) -> Option<String> {
    token().filter(|_| origin(registry) == origin(url)).map(|token| format!("Bearer {token}"))
}

/// Every version that was ever out: a number is used once, unpublished or not.
pub fn versions(registry: &str, package: &str) -> Result<Option<Vec<IndexVersion>>> {
    Ok(packument(registry, package)?.as_ref().map(out))
}

fn out(packument: &Packument) -> Vec<IndexVersion> {
    let there = |version: &Version| {
        packument.versions.get(&version.to_string()).is_some_and(|release| release.deprecated().is_none())
    };
    numbers(packument)
        .into_iter()
        .map(|version| IndexVersion { withdrawn: !there(&version), version })
        .collect()
}

fn numbers(packument: &Packument) -> Vec<Version> {
    let mut numbers: Vec<Version> =
        packument.versions.keys().chain(packument.time.keys()).filter_map(|v| v.parse().ok()).collect();
    numbers.sort();
    numbers.dedup();
    numbers
}

/// The tarball of that version under the name that `npm pack` gives it; its sha256 is that of what the
/// registry serves now.
pub fn published(registry: &str, package: &str, version: &Version) -> Result<Vec<PublishedFile>> {
    let Some(found) = packument(registry, package)? else { return Ok(Vec::new()) };
    let Some(release) = found.versions.get(&version.to_string()) else { return Ok(Vec::new()) };
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

/// The environment variable with the token.
pub const TOKEN: &str = "NPM_TOKEN";

pub fn token() -> Option<String> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty())
}

/// The dist-tag of what is published and not verified yet.
pub const CANDIDATE: &str = "candidate";

/// `latest` names this version, and `candidate` does not any more: npm gives `latest` to a package's very
/// first version by itself.
pub fn is_latest(registry: &str, package: &str, version: &Version) -> Result<bool> {
    let Some(found) = packument(registry, package)? else { return Ok(false) };
    let names = |tag: &str| found.tags.get(tag).is_some_and(|v| *v == version.to_string());
    Ok(names("latest") && !names(CANDIDATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpublished_versions_keep_their_numbers() {
        let text = r#"{"versions": {"1.0.0": {"dist": {"tarball": "http://x"}}},
            "time": {"created": "t", "modified": "t", "1.0.0": "t", "1.1.0-rc.1": "t", "unpublished": {"name": "x"}}}"#;
        let packument: Packument = serde_json::from_str(text).expect("a packument");
        assert_eq!(
            numbers(&packument).iter().map(Version::to_string).collect::<Vec<_>>(),
            ["1.0.0", "1.1.0-rc.1"]
        );
    }

    #[test]
    fn what_is_deprecated_or_unpublished_is_withdrawn() {
        let text = r#"{"time": {"created": "t", "0.0.9": "t", "unpublished": {}}, "versions": {
            "1.0.0": {"dist": {"tarball": ""}}, "1.0.1": {"dist": {"tarball": ""}, "deprecated": "broken"},
            "1.0.2": {"dist": {"tarball": ""}, "deprecated": ""}, "1.0.3": {"dist": {"tarball": ""}, "deprecated": true},
            "1.0.4": {"dist": {"tarball": ""}, "deprecated": false}, "1.0.5": {"dist": {"tarball": ""}, "deprecated": null}}}"#;
        let packument: Packument = serde_json::from_str(text).expect("a packument");
        let withdrawn: Vec<String> =
            out(&packument).iter().filter(|o| o.withdrawn).map(|o| o.version.to_string()).collect();
        assert_eq!(withdrawn, ["0.0.9", "1.0.1", "1.0.3"]);
        assert_eq!(out(&packument).len(), 7);
    }

    #[test]
    fn a_scope_is_part_of_the_files_name() {
        for (package, expected) in [("@a/b-c", "a-b-c-1.0.0.tgz"), ("plain", "plain-1.0.0.tgz")] {
            assert_eq!(file_name(package, &Version::new(1, 0, 0)), expected);
        }
    }
}
