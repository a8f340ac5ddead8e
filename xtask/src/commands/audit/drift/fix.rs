//! How a wrong place is fixed: the edit, or the command to type. Pure.

use super::files::{self, File};
use super::number::Wanted;
use super::place::{Kind, Shown, is_first_version};
use crate::model::workspace::App;
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

/// For a place that must show the manifest's version.
pub(super) fn follower(app: &App, source: &Version, file: &File, shown: &Shown) -> String {
    let name = app.name();
    let folder = file.path.parent().unwrap_or(Utf8Path::new(""));
    match shown.kind {
        Kind::DeclaredPin => {
            format!(
                "write {source} there, or wait for the next `cargo xtask bump {name}`: \
                 it writes the new version there"
            )
        }
        Kind::Lock => format!("cd {} && {}", or_here(folder), relock(&file.path)),
        Kind::Spec if is_own_spec(app, &file.path) => {
            format!("cargo xtask openapi generate {name}")
        }
        Kind::Compat if is_own_compat(app, &file.path) => format!("cargo xtask compat --write {name}"),
        _ => {
            let own = from_the_manifest(app, source, file, shown);
            if is_first_version(&file.text, shown) {
                format!("{own}\nor let `bump` write it with each version: {}", declare(app, &file.path))
            } else {
                own
            }
        }
    }
}

/// The spec that the code prints and `bump` writes.
pub(super) fn is_own_spec(app: &App, file: &Utf8Path) -> bool {
    app.settings.spec.as_ref().is_some_and(|spec| app.dir.join(&spec.file) == file)
}

/// The compat.json that the code prints and `bump` writes.
pub(super) fn is_own_compat(app: &App, file: &Utf8Path) -> bool {
    app.settings.compat.as_ref().is_some_and(|compat| app.dir.join(&compat.file) == file)
}

/// Proposes to read the version from the manifest where that is possible, because a copy goes stale.
fn from_the_manifest(app: &App, source: &Version, file: &File, shown: &Shown) -> String {
    let name = file.path.file_name().unwrap_or_default();
    let write = format!("write {}", spelled(app, source));
    if files::is_container_file(name) {
        return format!(
            "{write}, or pass it to the build: ARG VERSION without a value, and --build-arg VERSION=…"
        );
    }
    match file.path.extension() {
        Some("py") if name != "setup.py" => {
            format!(
                "read it: `importlib.metadata.version(\"{}\")` instead of {:?}",
                app.settings.package,
                &file.text[shown.span.clone()]
            )
        }
        Some("ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs" | "cjs") => {
            let manifest = relative(
                file.path.parent().unwrap_or(Utf8Path::new("")),
                &app.dir.join(app.settings.ecosystem.manifest()),
            );
            let manifest = if manifest.starts_with("..") {
                manifest
            } else {
                Utf8PathBuf::from(format!("./{manifest}"))
            };
            format!(
                "read it: `import manifest from \"{manifest}\" with {{ type: \"json\" }}`, \
                 then `manifest.version`"
            )
        }
        _ => write,
    }
}

/// For a place that must show a version that users can install.
pub(super) fn released(app: &App, latest: &Version, file: &File, shown: &Shown) -> String {
    let folder = file.path.parent().unwrap_or(Utf8Path::new(""));
    if files::form(&file.path) == files::Form::Lock {
        return format!("cd {} && {}", or_here(folder), upgrade(&file.path, &app.settings.package));
    }
    let write = match &shown.wanted {
        Wanted::Exact(_) if shown.kind == Kind::Pin => format!("write {} there", spelled(app, latest)),
        _ => format!("write {latest} there"),
    };
    if shown.kind == Kind::Pin && is_first_version(&file.text, shown) {
        return format!("{write}\nor let `bump` write it with each version: {}", declare(app, &file.path));
    }
    write
}

fn spelled(app: &App, version: &Version) -> String {
    app.settings.ecosystem.package_version(version).unwrap_or_else(|_| version.to_string())
}

fn declare(app: &App, file: &Utf8Path) -> String {
    format!("add \"{}\" to pins in {}/app.toml, [release]", relative(&app.dir, file), app.dir)
}

fn or_here(folder: &Utf8Path) -> &str {
    if folder.as_str().is_empty() { "." } else { folder.as_str() }
}

fn relock(lock: &Utf8Path) -> &'static str {
    match lock.file_name() {
        Some("package-lock.json" | "npm-shrinkwrap.json") => "npm install --package-lock-only",
        Some("bun.lock") => "bun install --lockfile-only",
        _ => "uv lock",
    }
}

fn upgrade(lock: &Utf8Path, package: &str) -> String {
    match lock.file_name().unwrap_or_default() {
        "package-lock.json" | "npm-shrinkwrap.json" => format!("npm update --package-lock-only {package}"),
        "bun.lock" => format!("bun update {package}"),
        "pnpm-lock.yaml" => format!("pnpm update {package}"),
        "poetry.lock" => format!("poetry update {package}"),
        "pdm.lock" => format!("pdm update {package}"),
        _ => format!("uv lock --upgrade-package {package}"),
    }
}

/// The relative path from a folder to a file, both given from the root: from `apps/python` to `deploy/x` it
/// is `../../deploy/x`.
pub(super) fn relative(from: &Utf8Path, to: &Utf8Path) -> Utf8PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let mut path = Utf8PathBuf::new();
    from.components().skip(common).for_each(|_| path.push(".."));
    to.components().skip(common).for_each(|part| path.push(part));
    path
}
