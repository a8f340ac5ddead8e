//! compat.json in what is published: the one nearest to the top of a wheel, an sdist or an npm tarball. The
//! release's build and the downstream gate look with the same eyes.

use crate::sys::{child, tools};
use anyhow::{Context, Result, bail};
use base64::Engine;
use camino::Utf8Path;
use serde::Deserialize;
use std::io::Read;
use xshell::cmd;

/// No honest one is longer.
const LONGEST: u64 = 1 << 20;
/// Nor is what an honest package unpacks to: a few kilobytes can be told to become any number.
const UNPACKED: u64 = 1 << 30;

/// Where it lies in the file, and its bytes; None where it has none.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Looks into a `.whl`, a `.tar.gz` or a `.tgz`.
pub fn find(file: &Utf8Path) -> Result<Option<Found>> {
    match file.extension() {
        Some("whl") => in_wheel(file),
        _ => in_tarball(file),
    }
    .with_context(|| format!("{file} can't be read"))
}

/// Fails where the file holds none, or one with other bytes than `committed`.
pub fn must_hold(file: &Utf8Path, committed: &[u8]) -> Result<()> {
    let name = file.file_name().unwrap_or_default();
    match find(file)? {
        Some(found) if found.bytes == committed => Ok(()),
        Some(found) => bail!("{name}: {} is not the committed compat.json", found.path),
        None => bail!(
            "{name} holds no compat.json: the package must ship the one that [compat] in app.toml names"
        ),
    }
}

/// The path nearest to the top; an error where two are equally near.
fn nearest<'a>(paths: impl Iterator<Item = &'a str>) -> Result<Option<&'a str>> {
    let ours = |path: &&str| path.rsplit('/').next() == Some("compat.json") && !path.contains(".dist-info/");
    let mut found: Vec<&str> = paths.filter(ours).collect();
    found.sort_by_key(|path| path.matches('/').count());
    match found[..] {
        [a, b, ..] if a.matches('/').count() == b.matches('/').count() => {
            bail!("it holds two, {a} and {b}: which counts can't be known")
        }
        _ => Ok(found.first().copied()),
    }
}

fn in_tarball(file: &Utf8Path) -> Result<Option<Found>> {
    let open = || -> Result<_> {
        Ok(tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(file)?).take(UNPACKED)))
    };
    // A link has no bytes of its own.
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

/// A wheel is a zip file (PEP 427), which Python's own library reads.
fn in_wheel(file: &Utf8Path) -> Result<Option<Found>> {
    let python = tools::python()?;
    let sh = child::shell("/")?;
    let names = "import json, sys, zipfile; print(json.dumps(zipfile.ZipFile(sys.argv[1]).namelist()))";
    let paths: Vec<String> =
        serde_json::from_str(&child::capture(cmd!(sh, "{python} -I -c {names} {file}"), &[])?)?;
    let Some(path) = nearest(paths.iter().map(String::as_str))? else { return Ok(None) };
    #[derive(Deserialize)]
    struct Content {
        base64: String,
    }
    let content = "import base64, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as file:
    print(json.dumps({'base64': base64.b64encode(file.read(int(sys.argv[3]))).decode()}))";
    let longest = LONGEST.to_string();
    let read: Content = serde_json::from_str(&child::capture(
        cmd!(sh, "{python} -I -c {content} {file} {path} {longest}"),
        &[],
    )?)?;
    Ok(Some(Found {
        path: path.to_string(),
        bytes: base64::engine::general_purpose::STANDARD.decode(read.base64)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_to_the_top_counts() {
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
    fn a_link_of_that_name_is_passed_over() {
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
