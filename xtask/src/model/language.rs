//! The languages of the apps, and the format of their files: manifest, lock file, version. Text in, text out.
//! Code that starts programs or queries an index is in `ecosystem`.

use super::endpoints::Endpoints;
use anyhow::Result;
use camino::Utf8Path;
use semver::Version;
use serde::Deserialize;

pub(crate) mod python;
pub(crate) mod ts;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ecosystem {
    Python,
    Ts,
}

impl Ecosystem {
    /// The index that releases are read from.
    pub(crate) fn index(self, endpoints: &Endpoints) -> &str {
        match self {
            Ecosystem::Python => &endpoints.pypi.simple,
            Ecosystem::Ts => &endpoints.npm,
        }
    }

    /// The secret for uploads to that index.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Ecosystem::Python => "PYPI_TOKEN",
            Ecosystem::Ts => "NPM_TOKEN",
        }
    }

    /// The file in the app's folder that contains its version.
    pub(crate) fn manifest(self) -> &'static str {
        match self {
            Ecosystem::Python => "pyproject.toml",
            Ecosystem::Ts => "package.json",
        }
    }

    /// The file in the app's folder `dir` that locks its dependencies.
    pub(crate) fn lock_file(self, dir: &Utf8Path) -> &'static str {
        match self {
            Ecosystem::Python => "uv.lock",
            Ecosystem::Ts => ts::lock_file(dir),
        }
    }

    /// The version in the manifest's text.
    pub(crate) fn read_version(self, manifest: &str) -> Result<Version> {
        match self {
            Ecosystem::Python => python::read(manifest),
            Ecosystem::Ts => ts::read(manifest),
        }
    }

    /// The manifest's text with this version. Every other byte stays the same.
    pub(crate) fn set_version(self, manifest: &str, version: &Version) -> Result<String> {
        match self {
            Ecosystem::Python => python::set(manifest, version),
            Ecosystem::Ts => ts::set(manifest, version),
        }
    }

    /// The names of the lock files that a workspace has in a folder above its members.
    pub(crate) fn lock_files(self) -> &'static [&'static str] {
        match self {
            Ecosystem::Python => &["uv.lock"],
            Ecosystem::Ts => &["bun.lock", ts::NPM_LOCK],
        }
    }

    /// The lock file's text with this version in the entry of the package in the folder `member`, which is
    /// `.` for the lock file's own folder. Every other byte stays the same. None if there is no such entry.
    pub(crate) fn set_locked_version(
        self,
        file: &Utf8Path,
        lock: &str,
        member: &str,
        version: &Version,
    ) -> Result<Option<String>> {
        match (self, file.file_name()) {
            (Ecosystem::Python, _) => python::set_locked(lock, member, version),
            (Ecosystem::Ts, Some(ts::NPM_LOCK)) => ts::set_locked(lock, member, version),
            (Ecosystem::Ts, _) => Ok(ts::set_locked_by_bun(lock, member, version)),
        }
    }

    /// The version in the form of the language's packages: `1.0.0-rc.1` is `1.0.0rc1` in Python.
    pub(crate) fn package_version(self, version: &Version) -> Result<String> {
        match self {
            Ecosystem::Python => crate::model::version::to_pep440(version),
            Ecosystem::Ts => Ok(version.to_string()),
        }
    }

    /// The licence that the manifest names: an SPDX expression. None without one.
    pub(crate) fn licence(self, manifest: &str) -> Option<String> {
        match self {
            Ecosystem::Python => {
                let document: toml_edit::DocumentMut = manifest.parse().ok()?;
                document.get("project")?.get("license")?.as_str().map(str::to_string)
            }
            Ecosystem::Ts => {
                let document: serde_json::Value = serde_json::from_str(manifest).ok()?;
                document["license"].as_str().map(str::to_string)
            }
        }
    }

    /// Why the index would refuse the package, by its manifest. `provenance`: a forge can attest how it was
    /// built.
    pub(crate) fn refused(self, manifest: &str, package: &str, provenance: bool) -> Result<Vec<String>> {
        match self {
            Ecosystem::Python => python::refused(manifest, package),
            Ecosystem::Ts => ts::refused(manifest, package, provenance),
        }
    }

    /// Is there a staging index, where a release can be tried first?
    pub(crate) fn has_staging_index(self) -> bool {
        match self {
            Ecosystem::Python => true,
            Ecosystem::Ts => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_each_language_names_its_licence() {
        for (ecosystem, manifest, expected) in [
            (Ecosystem::Python, "[project]\nlicense = \"MIT\"\n", Some("MIT")),
            (Ecosystem::Python, "[project]\nlicense = { file = \"LICENSE\" }\n", None),
            (Ecosystem::Ts, r#"{"license": "Apache-2.0"}"#, Some("Apache-2.0")),
            (Ecosystem::Ts, r#"{"license": {"type": "MIT"}}"#, None),
            (Ecosystem::Ts, "[project]", None),
        ] {
            assert_eq!(ecosystem.licence(manifest).as_deref(), expected, "{manifest}");
        }
    }
}
