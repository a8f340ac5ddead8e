//! The image layers of a Python app: the locked dependencies, installed for each platform on this machine,
//! and the published wheel.

use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::oci::reference::Reference;
use crate::oci::sbom::Component;
use crate::oci::spec::Platform;
use crate::oci::{Source, data_folder, spec};
use crate::sys::{child, scratch, tools};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use std::fs;
use xshell::cmd;

const DEPENDENCIES: &str = "app/deps";
const APP: &str = "app/lib";
/// Increased when the dependency layer is built in another way, so that cached layers are not reused.
const LAYOUT: u32 = 2;

/// The environment that makes both layers importable.
pub(crate) fn env() -> Vec<(String, String)> {
    let pairs = [
        ("PYTHONPATH", format!("/{APP}:/{DEPENDENCIES}")),
        ("PYTHONUNBUFFERED", "1".to_string()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_string()),
        ("HOST", "0.0.0.0".to_string()),
        ("PORT", crate::oci::PORT.to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// The dependencies come first because they change least.
pub(crate) fn layers<'a>(
    ctx: &'a Ctx,
    app: &App,
    commit: &str,
    wheel: &'a Utf8Path,
    base: &Reference,
) -> Result<Vec<Source<'a>>> {
    let python = crate::oci::base::python_of(base)?;
    let requirements = requirements(ctx, app, commit)?;
    let key = format!("python {python} dependencies {LAYOUT} {}", spec::digest(requirements.as_bytes()));
    Ok(vec![
        Source {
            what: "dependencies",
            key: Some(key),
            fill: Box::new(move |platform, dir| {
                install(&ctx.endpoints.pypi_read, &python, &requirements, platform, &dir.join(DEPENDENCIES))
            }),
        },
        Source {
            what: "app",
            key: None,
            fill: Box::new(move |_, dir| {
                data_folder(dir)?;
                unzip(wheel, &dir.join(APP))
            }),
        },
    ])
}

/// The dependencies in the commit's `uv.lock` as requirements.txt, with hashes and without the app itself.
fn requirements(ctx: &Ctx, app: &App, commit: &str) -> Result<String> {
    let temp = scratch::folder()?;
    let dir = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    for file in ["pyproject.toml", "uv.lock"] {
        let place = app.dir.join(file);
        let bytes = ctx.git.bytes(&["cat-file", "blob", &format!("{commit}:{place}")]);
        fs::write(dir.join(file), bytes.with_context(|| format!("an image needs {place}; commit it"))?)?;
    }
    let (uv, python) = (tools::uv()?, tools::python()?);
    let sh = child::shell(dir)?;
    let extras = app.settings.image.as_ref().map_or(&[][..], |image| &image.extras);
    let extras: Vec<String> = extras.iter().map(|extra| format!("--extra={extra}")).collect();
    let args = [
        "--quiet",
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--no-header",
        "--no-annotate",
        "--format",
        "requirements.txt",
    ];
    child::capture(cmd!(sh, "{uv} export {args...} {extras...} --python {python}"), &[])
}

/// Installs wheels for a platform, which may differ from this machine's, and removes the files that differ
/// from run to run.
fn install(
    index: &str,
    version: &str,
    requirements: &str,
    platform: &Platform,
    dir: &Utf8Path,
) -> Result<Vec<Component>> {
    fs::create_dir_all(dir)?;
    if requirements.trim().is_empty() {
        return Ok(Vec::new());
    }
    let triple = match (platform.os.as_str(), platform.architecture.as_str()) {
        ("linux", "amd64") => "x86_64-unknown-linux-gnu",
        ("linux", "arm64") => "aarch64-unknown-linux-gnu",
        _ => {
            bail!("{platform} is not supported for Python images; set linux/amd64 or linux/arm64 in app.toml")
        }
    };
    let temp = scratch::folder()?;
    let list = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let list = list.join("requirements.txt");
    fs::write(&list, requirements)?;
    let (uv, python) = (tools::uv()?, tools::python()?);
    let sh = child::shell("/")?;
    let args = [
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--no-compile-bytecode",
        "--python-version",
        version,
    ];
    let files = ["--default-index", index, "--target", dir.as_str(), "--requirements", list.as_str()];
    let run = cmd!(sh, "{uv} pip install {args...} --python {python} --python-platform {triple} {files...}");
    child::capture_download(run, &[])?;
    normalise(dir)?;
    components(dir)
}

/// Makes the folder reproducible. Removes console scripts, because their first line names this machine's
/// interpreter, and the files that uv writes for itself. Removes the lines of these files from each RECORD.
fn normalise(dir: &Utf8Path) -> Result<()> {
    for name in ["bin", ".lock"] {
        let path = dir.join(name);
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if path.exists() {
            fs::remove_file(&path)?;
        }
    }
    for info in dist_infos(dir)? {
        for note in ["uv_cache.json", "direct_url.json"] {
            let path = info.join(note);
            if path.exists() {
                fs::remove_file(path)?;
            }
        }
        let record = info.join("RECORD");
        if let Ok(text) = fs::read_to_string(&record) {
            let mut kept: Vec<&str> = text.lines().filter(|line| !is_removed(line)).collect();
            kept.sort_unstable();
            // Removed before it is written: the file may be a hard link into uv's cache.
            fs::remove_file(&record)?;
            fs::write(&record, kept.join("\n") + "\n")?;
        }
    }
    Ok(())
}

/// Is this line of a RECORD (path,hash,size) about a file that is not in the layer?
fn is_removed(line: &str) -> bool {
    let path = line.split(',').next().unwrap_or_default().trim_matches('"');
    path.starts_with("bin/")
        || path.starts_with("../")
        || path.ends_with("/uv_cache.json")
        || path.ends_with("/direct_url.json")
}

/// Unpacks the wheel, which is a zip file (PEP 427).
fn unzip(wheel: &Utf8Path, dir: &Utf8Path) -> Result<Vec<Component>> {
    fs::create_dir_all(dir)?;
    let python = tools::python()?;
    let sh = child::shell("/")?;
    child::capture(cmd!(sh, "{python} -I -m zipfile -e {wheel} {dir}"), &[])
        .with_context(|| format!("cannot unpack {wheel}"))?;
    for entry in dir.read_dir_utf8()? {
        let name = entry?.file_name().to_string();
        if name.ends_with(".data") {
            bail!(
                "{wheel} has a folder {name}, whose files are installed outside the package; \
                 an image does not support them"
            );
        }
    }
    components(dir)
}

fn dist_infos(dir: &Utf8Path) -> Result<Vec<camino::Utf8PathBuf>> {
    let mut found = Vec::new();
    for entry in dir.read_dir_utf8()? {
        let path = entry?.into_path();
        if path.extension() == Some("dist-info") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn components(dir: &Utf8Path) -> Result<Vec<Component>> {
    let read = |info: camino::Utf8PathBuf| {
        let file = info.join("METADATA");
        let text = fs::read(&file).with_context(|| format!("cannot read {file}"))?;
        component(&String::from_utf8_lossy(&text)).with_context(|| format!("{file} has no Name or Version"))
    };
    dist_infos(dir)?.into_iter().map(read).collect()
}

/// Name, version and licence of a METADATA file (PEP 566, PEP 639).
fn component(metadata: &str) -> Option<Component> {
    let headers = || metadata.lines().take_while(|line| !line.trim().is_empty());
    let get = |name: &str| {
        headers().find_map(|line| {
            line.split_once(':')
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_string())
        })
    };
    let (name, version) = (get("Name")?, get("Version")?);
    // The License field is free text. Only License-Expression (PEP 639) is SPDX.
    Some(Component {
        purl: format!("pkg:pypi/{}@{version}", crate::model::language::python::normalise(&name)),
        name,
        version,
        license: get("License-Expression"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_read_from_the_headers_only() {
        let text = "Metadata-Version: 2.4\nName: Foo_.Bar\nVersion: 1.0\nLicense: see file\n\
         license-expression: MIT\n\nName: not me\n";
        let expected = Component {
            name: "Foo_.Bar".into(),
            version: "1.0".into(),
            purl: "pkg:pypi/foo-bar@1.0".into(),
            license: Some("MIT".into()),
        };
        assert_eq!(component(text), Some(expected));
        assert_eq!(component("Name: x\n\nVersion: 1"), None);
        assert_eq!(component(""), None);
    }

    #[test]
    fn the_python_version_is_read_from_the_tag_of_the_base() {
        for (base, expected) in [
            ("python:3.11-slim-bookworm", Some("3.11")),
            ("python:3.12.4", Some("3.12")),
            ("ghcr.io/o/python:3.13-alpine", Some("3.13")),
            ("python", None),
            ("python:3", None),
            ("python:slim", None),
            ("debian:bookworm-slim", None),
            ("python:3.x", None),
        ] {
            assert_eq!(
                crate::oci::base::python_of(&Reference::parse(base).unwrap()).ok().as_deref(),
                expected,
                "{base}"
            );
        }
    }

    #[test]
    fn lines_about_removed_files_are_removed_from_a_record() {
        for (line, expected) in [
            ("bin/robyn,sha256=x,1", true),
            ("../../bin/robyn,sha256=x,1", true),
            ("\"bin/a,b\",,", true),
            ("x-1.dist-info/uv_cache.json,,", true),
            ("binary/x.py,,", false),
            ("x-1.dist-info/RECORD,,", false),
        ] {
            assert_eq!(is_removed(line), expected, "{line}");
        }
    }
}
