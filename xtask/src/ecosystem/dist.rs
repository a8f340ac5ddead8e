//! The files of a release: as they are built, and as an index lists them.

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

/// A file that is published: an sdist, a wheel, an npm tarball.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DistFile {
    pub path: Utf8PathBuf,
    pub name: String,
    /// 64 hex digits.
    pub sha256: String,
}

impl DistFile {
    pub(crate) fn read(path: Utf8PathBuf) -> Result<DistFile> {
        let name = path.file_name().unwrap_or_default().to_string();
        let sha256 = crate::sys::hash::sha256(std::fs::read(&path)?);
        Ok(DistFile { path, name, sha256 })
    }
}

/// A version that an index has, or had before it was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexVersion {
    pub version: Version,
    /// Users should no longer install it: yanked (PEP 592), deprecated or unpublished (npm).
    pub withdrawn: bool,
}

/// A file as an index lists it. `sha256` is None if the index gives no hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedFile {
    pub name: String,
    pub sha256: Option<String>,
}

impl PublishedFile {
    pub(crate) fn is(&self, name: &str, sha256: &str) -> bool {
        self.name == name && self.sha256.as_deref() == Some(sha256)
    }
}

/// A command of the last release's `app.toml`, ready to run with today's package.
pub(crate) struct Prepared {
    pub dir: Utf8PathBuf,
    pub program: String,
    pub args: Vec<String>,
    pub env: Vec<(&'static str, String)>,
}

/// Copies the built files to the folder `out`. Returns them sorted by name.
pub(super) fn keep(built: &Utf8Path, out: &Utf8Path) -> Result<Vec<DistFile>> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot create {out}"))?;
    let mut files = Vec::new();
    for entry in built.read_dir_utf8()? {
        let entry = entry?;
        let target = out.join(entry.file_name());
        std::fs::copy(entry.path(), &target)?;
        files.push(DistFile::read(target)?);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}
