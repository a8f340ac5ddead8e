//! The app's version in its manifest, which is the only source, and the files that repeat it: the pins. Text
//! in, text out; only [`read`], [`text`] and [`pins`] read files, and [`at`] reads a commit.

use crate::model::version;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::git::Git;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

/// The version in the manifest of a checkout.
pub(crate) fn read(root: &Utf8Path, app: &App) -> Result<Version> {
    let file = app.dir.join(app.settings.ecosystem.manifest());
    let text = text(root, &file)?;
    read_text(app, &text)
}

/// The version in the manifest of a commit.
pub(crate) fn at(git: &Git, app: &App, commit: &str) -> Result<Version> {
    let file = app.dir.join(app.settings.ecosystem.manifest());
    read_text(app, &git.read(&["cat-file", "blob", &format!("{commit}:{file}")])?)
}

/// The version in a manifest's text.
pub(crate) fn read_text(app: &App, text: &str) -> Result<Version> {
    let file = app.dir.join(app.settings.ecosystem.manifest());
    app.settings.ecosystem.read_version(text).map_err(|e| Exit::Usage(format!("{file}: {e:#}")).into())
}

/// A file of the checkout.
pub(crate) fn text(root: &Utf8Path, file: &Utf8Path) -> Result<String> {
    let bytes = std::fs::read(root.join(file)).with_context(|| format!("cannot read {file} in {root}"))?;
    String::from_utf8(bytes).with_context(|| format!("{file} is not UTF-8"))
}

/// The app's pins as paths from the root, with `..` resolved: `deploy/.runtime-version`.
pub(crate) fn pin_files(app: &App) -> Result<Vec<Utf8PathBuf>> {
    app.settings.release.pins.iter().map(|pin| inside(app, pin)).collect()
}

fn inside(app: &App, pin: &Utf8Path) -> Result<Utf8PathBuf> {
    let mut path = Utf8PathBuf::new();
    for part in app.dir.join(pin).components() {
        match part {
            camino::Utf8Component::ParentDir if path.pop() => {}
            camino::Utf8Component::Normal(name) => path.push(name),
            camino::Utf8Component::CurDir => {}
            _ => {
                return Err(Exit::Usage(format!(
                    "{}/app.toml: the pin {pin} is outside the repository",
                    app.dir
                ))
                .into());
            }
        }
    }
    Ok(path)
}

/// The app's pins and the version that each contains.
pub(crate) fn pins(root: &Utf8Path, app: &App) -> Result<Vec<(String, Version)>> {
    let read = |file: Utf8PathBuf| {
        let text = text(root, &file)?;
        let (_, version) = version::find(&text).with_context(|| no_version(&file))?;
        Ok((file.into_string(), version))
    };
    pin_files(app)?.into_iter().map(read).collect()
}

/// The pin's text with its first version replaced. The version is written as SemVer, as everywhere except in
/// Python's own files.
pub(crate) fn set_pin(file: &Utf8Path, text: &str, version: &Version) -> Result<String> {
    let (range, found) = version::find(text).with_context(|| no_version(file))?;
    if found == *version {
        return Ok(text.to_string());
    }
    Ok(format!("{}{version}{}", &text[..range.start], &text[range.end..]))
}

fn no_version(file: &Utf8Path) -> String {
    format!("{file} is a pin (app.toml, [release] pins), but contains no version")
}
