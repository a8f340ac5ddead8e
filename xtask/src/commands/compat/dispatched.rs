//! Reads the release as `release/cascade.rs` sends it to downstream repositories: the index that it is on,
//! and the hashes of its files. Pure.

use super::document;
use super::template::Package;
use crate::model::endpoints;
use crate::sys::exit::Exit;
use crate::sys::ui::report::plain;
use anyhow::Result;
use camino::Utf8Path;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the gate needs of it.
#[derive(Debug, Deserialize)]
pub(super) struct Dispatched {
    package: String,
    version: String,
    /// None in what older versions of xtask sent.
    pub index: Option<String>,
    /// By name. In the form `sha256:<64 hex digits>`, like the next.
    files: BTreeMap<String, String>,
    pub compat: Option<String>,
}

impl Dispatched {
    pub(super) fn is(&self, package: &Package, version: &str) -> bool {
        package.is(&self.package) && package.same_version(&self.version, version)
    }

    /// `sha256`: 64 hex digits.
    pub(super) fn has_file(&self, sha256: &str) -> bool {
        self.files.values().any(|hash| hash.strip_prefix("sha256:") == Some(sha256))
    }

    /// The hashes of its files, for messages.
    pub(super) fn hashes(&self) -> String {
        self.files.values().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Package and version, for messages.
    pub(super) fn name(&self) -> String {
        plain(&format!("{} {}", self.package, self.version))
    }
}

pub(super) fn read(text: &str, file: &Utf8Path) -> Result<Dispatched> {
    let wrong = |why: String| Exit::Usage(format!("--release {file}: {why}; it must be the input `release`"));
    let release: Dispatched =
        serde_json::from_str(text).map_err(|e| wrong(format!("not a release as JSON: {e}")))?;
    if release.files.is_empty() {
        return Err(wrong("it names no files, so the package cannot be verified".into()).into());
    }
    if let Some(hash) = release.files.values().chain(&release.compat).find(|hash| !document::is_hash(hash)) {
        return Err(wrong(format!("{hash:?} must be `sha256:` and 64 lower-case hex digits")).into());
    }
    if let Some(Err(error)) = release.index.as_deref().map(endpoints::check_address) {
        return Err(wrong(format!("index: {error}")).into());
    }
    Ok(release)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::language::Ecosystem;

    #[test]
    fn a_release_is_read_or_refused_with_the_reason() {
        let hash = format!("sha256:{}", "a".repeat(64));
        let with = |more: &str| format!("{{\"package\": \"a\", \"version\": \"1.0.0\", {more}}}");
        let files = format!("\"files\": {{\"a.whl\": \"{hash}\"}}");
        for (text, expected) in [
            (with(&files), ""),
            (with(&format!("{files}, \"compat\": null, \"index\": null, \"image\": null")), ""),
            (with(&format!("{files}, \"compat\": \"{hash}\", \"index\": \"https://x/simple\"")), ""),
            (String::new(), "not a release as JSON"),
            (with("\"newest\": true"), "missing field `files`"),
            (with("\"files\": {}"), "it names no files"),
            (with("\"files\": {\"a.whl\": \"\"}"), "must be `sha256:`"),
            (with(&format!("{files}, \"compat\": \"abc\"")), "must be `sha256:`"),
            (with(&format!("{files}, \"index\": \"file:///x\"")), "is not an http(s) address"),
            (with(&format!("{files}, \"index\": \"https://u:p@x/\"")), "must not contain a user"),
        ] {
            let said = read(&text, "r.json".into()).map_or_else(|e| e.to_string(), |_| String::new());
            assert_eq!(said.is_empty(), expected.is_empty(), "{text}: {said}");
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn only_the_release_of_that_package_and_version_has_its_files() {
        let hash = "a".repeat(64);
        let text = format!(
            "{{\"package\": \"a-b\", \"version\": \"1.0.0\", \"files\": {{\"x\": \"sha256:{hash}\"}}}}"
        );
        let release = read(&text, "r.json".into()).expect("a good release");
        let package = |name: &str| Package { name: name.into(), ecosystem: Ecosystem::Python };
        assert!(release.is(&package("A_b"), "1.0"));
        assert!(!release.is(&package("a"), "1.0.0") && !release.is(&package("a-b"), "1.0.1"));
        assert!(release.has_file(&hash) && !release.has_file(&"b".repeat(64)) && !release.has_file(""));
    }
}
