//! Looks up the pinned release on its index: whether it exists, whether it was withdrawn, and the compat.json
//! in its package.

use super::dispatched::Dispatched;
use super::template::Package;
use crate::ecosystem::packed::Found;
use crate::ecosystem::{packed, python, ts};
use crate::model::endpoints::Endpoints;
use crate::model::language::Ecosystem;
use crate::sys::hash::{Digest, Hasher};
use crate::sys::http::{Http, Request};
use crate::sys::ui::report::plain;
use crate::sys::{hash, retry, scratch};
use anyhow::{Context, Result, bail};
use base64::Engine;
use camino::Utf8Path;
use semver::Version;
use std::io::{Read, Write};

/// The largest package that is downloaded, in bytes.
const LARGEST: u64 = 1 << 30;

/// The index's answer about the pinned version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    NoPackage,
    /// The package exists, but not this version. With the newest version that exists.
    NoVersion {
        newest: Option<String>,
    },
    Version(PinnedVersion),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PinnedVersion {
    /// Yanked from a Python index, or deprecated on an npm registry; with the reason if there is one.
    pub withdrawn: Option<String>,
    pub newest: Option<String>,
    /// The file's name: for Python the one that the index declares. It decides how the file is read, because
    /// the address may be anything.
    pub name: String,
    pub url: String,
    pub hash: Option<Hash>,
}

/// The hash that the index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// 64 hex digits.
    Sha256(String),
    /// Base64, as in Subresource Integrity.
    Sha512(String),
}

/// The result of a download.
pub(super) enum Download {
    /// The file is not one of the dispatched release; this is its SHA-256.
    Foreign(String),
    /// The file's hash differs from the listed one; this is the file's hash.
    Differs(String),
    /// None: the package contains no compat.json.
    File(Option<Found>),
}

/// Asks the index about the version.
pub(super) fn look(package: &Package, version: &str, endpoints: &Endpoints) -> Result<Listed> {
    match package.ecosystem {
        Ecosystem::Python => Ok(match python::index::files(&endpoints.pypi, &package.name)? {
            Some(files) => on_python_index(package, version, &files),
            None => Listed::NoPackage,
        }),
        Ecosystem::Ts => Ok(match ts::registry::listed(&endpoints.npm, &package.name)? {
            Some(listed) => on_npm(version, &listed),
            None => Listed::NoPackage,
        }),
    }
}

/// Prefers the wheel to the sdist: both contain the document.
fn on_python_index(package: &Package, version: &str, files: &[python::index::IndexFile]) -> Listed {
    let parsed =
        |f: &python::index::IndexFile| f.version.as_ref().and_then(|v| v.parse::<pep440_rs::Version>().ok());
    let alive = || files.iter().filter(|f| !f.yanked).filter_map(parsed);
    let newest = alive().filter(|v| v.is_stable()).max().or_else(|| alive().max()).map(|v| v.to_string());
    let ours: Vec<_> = files
        .iter()
        .filter(|f| f.version.as_ref().is_some_and(|v| package.same_version(v, version)))
        .collect();
    let Some(file) = ours
        .iter()
        .find(|f| f.name.ends_with(".whl"))
        .or_else(|| ours.iter().find(|f| f.name.ends_with(".tar.gz")))
    else {
        return Listed::NoVersion { newest };
    };
    Listed::Version(PinnedVersion {
        withdrawn: file.yanked.then(|| "yanked".to_string()),
        newest,
        name: file.name.clone(),
        url: file.url.clone(),
        hash: file.sha256.clone().map(Hash::Sha256),
    })
}

fn on_npm(version: &str, listed: &ts::registry::Listed) -> Listed {
    // Only a valid version, because it becomes part of a command that people copy.
    let newest = listed.latest.clone().filter(|latest| Version::parse(latest).is_ok());
    match listed.versions.iter().find(|v| v.version == version) {
        None => Listed::NoVersion { newest },
        Some(found) => Listed::Version(PinnedVersion {
            withdrawn: found.deprecated.as_ref().map(|why| format!("deprecated: {}", plain(why))),
            newest,
            name: format!("{version}.tgz"),
            url: found.tarball.clone(),
            // The field may list several algorithms, each with its name (Subresource Integrity).
            hash: found
                .integrity
                .as_ref()
                .and_then(|i| i.split_whitespace().find_map(|h| h.strip_prefix("sha512-")))
                .map(|h| Hash::Sha512(h.into())),
        }),
    }
}

/// Downloads the package's file, compares it with the dispatched hashes and the listed one, and reads
/// compat.json from it. The index cannot be trusted to have the project's package under this name.
pub(super) fn download(release: &PinnedVersion, dispatched: Option<&Dispatched>) -> Result<Download> {
    let name = &release.name;
    let folder = scratch::folder()?;
    let file = Utf8Path::from_path(folder.path()).context("the temporary folder's path is not UTF-8")?;
    let file = file.join(if name.ends_with(".whl") { "package.whl" } else { "package.tar.gz" });
    let what = format!("download of {name}");
    let (sha256, sha512) = retry::again(&what, || save(release, &file), retry::interrupted)?;
    let sha256 = hash::hex(sha256);
    if dispatched.is_some_and(|dispatched| !dispatched.has_file(&sha256)) {
        return Ok(Download::Foreign(sha256));
    }
    let differs = match &release.hash {
        Some(Hash::Sha256(wanted)) => Some(sha256).filter(|has| has != wanted),
        Some(Hash::Sha512(wanted)) => {
            Some(base64::engine::general_purpose::STANDARD.encode(sha512)).filter(|has| has != wanted)
        }
        None => None,
    };
    if let Some(has) = differs {
        return Ok(Download::Differs(has));
    }
    packed::find(&file).map(Download::File).with_context(|| format!("{name}, from {}", release.url))
}

/// Downloads the file. Returns its SHA-256 and SHA-512.
fn save(release: &PinnedVersion, to: &Utf8Path) -> Result<(Digest, Digest)> {
    let reader = Http::new()?.open(&Request::new("GET", &release.url))?.success()?.reader();
    let file = std::fs::File::create(to).with_context(|| format!("cannot write {to}"))?;
    let PinnedVersion { name, url, .. } = release;
    match copied(reader, LARGEST, file) {
        Ok(Some(hashes)) => Ok(hashes),
        Ok(None) => bail!("{name} is larger than {} MiB, from {url}", LARGEST >> 20),
        Err(error) => Err(error).with_context(|| format!("the download of {name} was interrupted")),
    }
}

/// Copies at most `largest` bytes. Returns their SHA-256 and SHA-512, or None if there are more.
fn copied(from: impl Read, largest: u64, mut to: impl Write) -> std::io::Result<Option<(Digest, Digest)>> {
    let (mut sha256, mut sha512) = (Hasher::new(&hash::SHA256), Hasher::new(&hash::SHA512));
    let (mut from, mut buffer, mut left) = (from.take(largest + 1), vec![0; 64 << 10], largest);
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Ok(Some((sha256.finish(), sha512.finish())));
        }
        match left.checked_sub(n as u64) {
            Some(rest) => left = rest,
            None => return Ok(None),
        }
        sha256.update(&buffer[..n]);
        sha512.update(&buffer[..n]);
        to.write_all(&buffer[..n])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use python::index::IndexFile;

    #[test]
    fn a_download_ends_at_the_limit_although_the_server_sends_more() {
        for (sent, expected) in [(99_999, true), (100_000, true), (100_001, false), (u64::MAX, false)] {
            let mut file = Vec::new();
            let hashes = copied(std::io::repeat(b' ').take(sent), 100_000, &mut file).unwrap();
            assert_eq!(hashes.is_some(), expected, "{sent}");
            assert!(file.len() <= 100_000);
        }
    }

    #[test]
    fn a_version_is_found_on_a_python_index_in_any_spelling() {
        let file = |name: &str, version: &str, yanked: bool| IndexFile {
            name: name.into(),
            version: Some(version.into()),
            sha256: Some(version.into()),
            yanked,
            url: format!("http://x/{name}"),
        };
        let files = [
            file("demo-0.9.0.tar.gz", "0.9.0", false),
            file("demo-0.9.0-py3-none-any.whl", "0.9.0", false),
            file("demo-1.0.0rc1-py3-none-any.whl", "1.0.0rc1", false),
            file("demo-1.0.0.tar.gz", "1.0.0", false),
            file("demo-1.1.0.tar.gz", "1.1.0", true),
            IndexFile { version: None, ..file("other.zip", "", false) },
        ];
        let package = Package { name: "demo".into(), ecosystem: Ecosystem::Python };
        for (version, expected) in [
            ("0.9.0", Some(("http://x/demo-0.9.0-py3-none-any.whl", None))),
            ("0.9", Some(("http://x/demo-0.9.0-py3-none-any.whl", None))),
            ("1.0.0-rc.1", Some(("http://x/demo-1.0.0rc1-py3-none-any.whl", None))),
            ("1.0.0", Some(("http://x/demo-1.0.0.tar.gz", None))),
            ("1.1.0", Some(("http://x/demo-1.1.0.tar.gz", Some("yanked")))),
            ("1.2.0", None),
        ] {
            match (on_python_index(&package, version, &files), expected) {
                (Listed::Version(found), Some((url, withdrawn))) => {
                    assert_eq!(
                        (found.url.as_str(), found.withdrawn.as_deref()),
                        (url, withdrawn),
                        "{version}"
                    );
                    assert_eq!(
                        found.newest.as_deref(),
                        Some("1.0.0"),
                        "the newest stable version that is not yanked"
                    );
                }
                (Listed::NoVersion { newest }, None) => assert_eq!(newest.as_deref(), Some("1.0.0")),
                (found, _) => panic!("{version}: {found:?}"),
            }
        }
        assert_eq!(on_python_index(&package, "1.0.0", &[]), Listed::NoVersion { newest: None });
        let candidates = &files[2..3];
        assert_eq!(
            on_python_index(&package, "2.0.0", candidates),
            Listed::NoVersion { newest: Some("1.0.0rc1".into()) }
        );
    }
}
