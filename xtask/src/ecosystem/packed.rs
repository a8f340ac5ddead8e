//! Finds compat.json in a published package: the one nearest to the top of a wheel, an sdist or an npm
//! tarball. The release build and the downstream check both use this search.

use super::python::wheel;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use std::io::Read;

/// The most bytes that are read of a compat.json. A real one is much shorter.
const LONGEST: u64 = 1 << 20;
/// The most bytes that are unpacked from a tarball. A malicious one of a few kilobytes can unpack to any
/// size.
const UNPACKED: u64 = 1 << 30;

/// The path of compat.json inside the package, and its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Searches a `.whl`, a `.tar.gz` or a `.tgz`. None if it contains no compat.json.
pub(crate) fn find(file: &Utf8Path) -> Result<Option<Found>> {
    match file.extension() {
        Some("whl") => in_wheel(file),
        _ => in_tarball(file),
    }
    .with_context(|| format!("cannot read {file}"))
}

/// Fails if the package contains no compat.json, or one that differs from `committed`.
pub(crate) fn must_hold(file: &Utf8Path, committed: &[u8]) -> Result<()> {
    let name = file.file_name().unwrap_or_default();
    match find(file)? {
        Some(found) if found.bytes == committed => Ok(()),
        Some(found) => bail!("{name}: {} differs from the committed compat.json", found.path),
        None => bail!(
            "{name} contains no compat.json: the package must contain the one that [compat] in app.toml names"
        ),
    }
}

/// The path nearest to the top. An error if two are equally near.
fn nearest<'a>(paths: impl Iterator<Item = &'a str>) -> Result<Option<&'a str>> {
    let ours = |path: &&str| path.rsplit('/').next() == Some("compat.json") && !path.contains(".dist-info/");
    let mut found: Vec<&str> = paths.filter(ours).collect();
    found.sort_by_key(|path| path.matches('/').count());
    match found[..] {
        [a, b, ..] if a.matches('/').count() == b.matches('/').count() => {
            bail!("it contains compat.json twice at the same depth, as {a} and {b}; remove one of them")
        }
        _ => Ok(found.first().copied()),
    }
}

fn in_tarball(file: &Utf8Path) -> Result<Option<Found>> {
    let open = || -> Result<_> {
        Ok(tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(file)?).take(UNPACKED)))
    };
    // Links are skipped: they have no contents of their own.
    let files = |entry: &std::io::Result<tar::Entry<_>>| {
        entry.as_ref().map_or(true, |entry| entry.header().entry_type().is_file())
    };
    let mut paths = Vec::new();
    for entry in open()?.entries()?.filter(files) {
        paths.push(String::from_utf8_lossy(&entry?.path_bytes()).into_owned());
    }
    let Some(path) = nearest(paths.iter().map(String::as_str))? else { return Ok(None) };
    for entry in open()?.entries()?.filter(files) {
        let entry = entry?;
        if String::from_utf8_lossy(&entry.path_bytes()) == path {
            let mut bytes = Vec::new();
            entry.take(LONGEST).read_to_end(&mut bytes)?;
            return Ok(Some(Found { path: path.to_string(), bytes }));
        }
    }
    Ok(None)
}

fn in_wheel(file: &Utf8Path) -> Result<Option<Found>> {
    let paths = wheel::names(file)?;
    let Some(path) = nearest(paths.iter().map(String::as_str))? else { return Ok(None) };
    Ok(Some(Found { path: path.to_string(), bytes: wheel::read(file, path, LONGEST)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compat_json_nearest_to_the_top_is_used() {
        for (paths, expected) in [
            (vec![], None),
            (
                vec![
                    "pkg/__init__.py",
                    "pkg-1.dist-info/compat.json",
                    "pkg/xcompat.json",
                    "pkg/compat.json5",
                ],
                None,
            ),
            (vec!["pkg/data/compat.json", "pkg/compat.json"], Some("pkg/compat.json")),
            (
                vec!["package/compat.json", "package/dist/compat.json", "package/tests/compat.json"],
                Some("package/compat.json"),
            ),
            (vec!["pkg-1/src/pkg/compat.json"], Some("pkg-1/src/pkg/compat.json")),
        ] {
            assert_eq!(nearest(paths.iter().copied()).expect("one at most"), expected, "{paths:?}");
        }
        assert!(nearest(["a/compat.json", "b/compat.json"].into_iter()).is_err());
    }

    #[test]
    fn a_link_named_compat_json_is_skipped() {
        let file = tempfile::Builder::new().suffix(".tgz").tempfile().expect("a file");
        let mut archive =
            tar::Builder::new(flate2::write::GzEncoder::new(file.as_file(), flate2::Compression::fast()));
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        archive.append_link(&mut link, "package/compat.json", "dist/compat.json").expect("a link");
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        archive.append_data(&mut header, "package/dist/compat.json", "{}".as_bytes()).expect("a file");
        archive.into_inner().expect("an archive").finish().expect("gzip");
        let found = find(Utf8Path::from_path(file.path()).expect("UTF-8")).expect("readable").expect("found");
        assert_eq!(
            (found.path.as_str(), found.bytes.as_slice()),
            ("package/dist/compat.json", "{}".as_bytes())
        );
    }
}
