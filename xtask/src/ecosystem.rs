//! How an app's language lints, tests, packs and publishes: the same few functions for each, one file a language.

use anyhow::Result;
use semver::Version;
use serde::Deserialize;

pub mod python;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    Python,
}

impl Ecosystem {
    /// The file in the app's folder that holds its version.
    pub fn manifest(self) -> &'static str {
        match self {
            Ecosystem::Python => "pyproject.toml",
        }
    }
    /// The file in the app's folder that repeats the version among its dependencies'.
    pub fn lock_file(self) -> &'static str {
        match self {
            Ecosystem::Python => "uv.lock",
        }
    }
    /// The version in the manifest's text.
    pub fn read_version(self, manifest: &str) -> Result<Version> {
        match self {
            Ecosystem::Python => python::version::read(manifest),
        }
    }
    /// The manifest's text with this version, every other byte as it was.
    pub fn set_version(self, manifest: &str, version: &Version) -> Result<String> {
        match self {
            Ecosystem::Python => python::version::set(manifest, version),
        }
    }
    /// The lock file's text with this version, every other byte as it was.
    pub fn set_locked_version(self, lock: &str, version: &Version) -> Result<String> {
        match self {
            Ecosystem::Python => python::version::set_locked(lock, version),
        }
    }
}
