//! Package names (PEP 503), and the version (PEP 440) in Python's files: `project.version` (PEP 621) in
//! pyproject.toml, and the app's own entry in uv.lock. Only the span of the version is replaced, so every
//! other byte stays the same.

use crate::model::version;
use anyhow::{Context, Result, bail};
use semver::Version;
use std::ops::Range;
use toml_edit::{Document, Item, Table};

#[cfg(test)]
mod tests;

const BOM: char = '\u{feff}';

/// Normalises a package name by PEP 503: a run of `-`, `_` and `.` becomes one dash, and letters become lower
/// case.
pub(crate) fn normalise(package: &str) -> String {
    let mut name = String::new();
    for c in package.chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.push(c.to_ascii_lowercase()),
        }
    }
    name
}

pub(crate) fn read(pyproject: &str) -> Result<Version> {
    let (_, found) = located(pyproject)?;
    version::from_pep440(&found)
}

pub(crate) fn set(pyproject: &str, version: &Version) -> Result<String> {
    let (range, found) = located(pyproject)?;
    splice(pyproject, range, &found, version)
}

/// The lock file with this version in the entry of the project in the folder `member`, which is `.` for the
/// lock file's own folder. That entry of uv.lock has `source = { editable = "." }` or `{ virtual = "." }`.
/// None if there is no such entry: the project is not a member of the workspace.
pub(crate) fn set_locked(lock: &str, member: &str, version: &Version) -> Result<Option<String>> {
    let document = parse(lock)?;
    let packages = document.get("package").and_then(Item::as_array_of_tables).into_iter().flatten();
    let own = |package: &&Table| {
        let source = package.get("source").and_then(Item::as_table_like);
        ["editable", "virtual"]
            .iter()
            .any(|kind| source.and_then(|s| s.get(kind)).and_then(Item::as_str) == Some(member))
    };
    let Some(package) = packages.into_iter().find(own) else { return Ok(None) };
    let item = package
        .get("version")
        .context("the app's own [[package]] has no version: run `uv lock` in the app's folder")?;
    let (range, found) = string(lock, item)?;
    splice(lock, range, &found, version).map(Some)
}

/// Does the lock file have an entry of the project in the folder `member`?
pub(crate) fn locks(lock: &str, member: &str) -> bool {
    set_locked(lock, member, &Version::new(0, 0, 0)).is_ok_and(|found| found.is_some())
}

/// Why PyPI would refuse the package: another name, a `Private ::` classifier (pypi.org/classifiers), or a
/// direct address among its dependencies (PEP 440, "Direct references").
pub(crate) fn refused(pyproject: &str, package: &str) -> Result<Vec<String>> {
    let document = parse(pyproject)?;
    let project = document.get("project").context("no [project] table (PEP 621)")?;
    let strings = |item: Option<&Item>| -> Vec<String> {
        let values = item.and_then(Item::as_array).into_iter().flatten();
        values.filter_map(|value| value.as_str().map(str::to_string)).collect()
    };
    let mut reasons = Vec::new();
    if let Some(name) =
        project.get("name").and_then(Item::as_str).filter(|n| normalise(n) != normalise(package))
    {
        reasons.push(format!("[project] name is {name:?}, but app.toml has package = {package:?}"));
    }
    let classifiers = strings(project.get("classifiers"));
    reasons.extend(
        classifiers
            .iter()
            .filter(|c| c.starts_with("Private ::"))
            .map(|c| format!("PyPI refuses the classifier {c:?}")),
    );
    let extras = project.get("optional-dependencies").and_then(Item::as_table_like);
    let optional =
        extras.into_iter().flat_map(|table| table.iter()).flat_map(|(_, item)| strings(Some(item)));
    for requirement in strings(project.get("dependencies")).into_iter().chain(optional) {
        // `name @ address ; marker` (PEP 508).
        if requirement.split(';').next().is_some_and(|named| named.contains('@')) {
            reasons.push(format!("PyPI refuses the direct address in the dependency {requirement:?}"));
        }
    }
    Ok(reasons)
}

fn parse(text: &str) -> Result<Document<&str>> {
    Document::parse(text.strip_prefix(BOM).unwrap_or(text)).map_err(|e| anyhow::anyhow!("not TOML: {e}"))
}

fn located(pyproject: &str) -> Result<(Range<usize>, String)> {
    let document = parse(pyproject)?;
    let project =
        document.get("project").context("no [project] table, which must hold the version (PEP 621)")?;
    let dynamic = project
        .get("dynamic")
        .and_then(Item::as_array)
        .into_iter()
        .flatten()
        .any(|v| v.as_str() == Some("version"));
    if dynamic {
        bail!(
            "the version is dynamic; write it into [project] as version = \"X.Y.Z\", \
             so that it has a single source"
        );
    }
    let item = project.get("version").context("[project] has no version")?;
    string(pyproject, item)
}

/// The span of a string value, including its quotes, and the value.
fn string(text: &str, item: &Item) -> Result<(Range<usize>, String)> {
    let value = item.as_str().context("version is not a string")?;
    let span = item.span().context("the parser gives no span for version")?;
    let bom = text.len() - text.strip_prefix(BOM).unwrap_or(text).len();
    Ok((span.start + bom..span.end + bom, value.to_string()))
}

/// Replaces the version in `range`. Returns the text unchanged if it already has the same version, in any
/// spelling.
fn splice(text: &str, range: Range<usize>, found: &str, version: &Version) -> Result<String> {
    let new = version::to_pep440(version)?;
    if version::from_pep440(found).is_ok_and(|v| v == *version) {
        return Ok(text.to_string());
    }
    let quote = if text[range.clone()].starts_with('\'') { '\'' } else { '"' };
    Ok(format!("{}{quote}{new}{quote}{}", &text[..range.start], &text[range.end..]))
}
