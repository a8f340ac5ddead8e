//! Finds versions in files with a known format: specs, compat.json, charts, citations, and files that contain
//! only a version. Pure.

use super::locks::string_at;
use super::names;
use super::number::{self, Wanted};
use super::place::{Kind, Shown, lines, span_in};
use crate::model::workspace::AppSettings;

#[cfg(test)]
mod tests;

/// `info.version` of an OpenAPI document in JSON or YAML.
pub(super) fn spec(text: &str) -> Option<Shown> {
    let span = match string_at(text, &["info", "version"]) {
        Some((span, _)) => span,
        None => yaml_spec(text)?,
    };
    Shown::version(Kind::Spec, text, span, 3)
}

fn yaml_spec(text: &str) -> Option<std::ops::Range<usize>> {
    lines(text).find(|(_, line)| line.starts_with("openapi:") || line.starts_with("swagger:"))?;
    let info = lines(text).skip_while(|(_, line)| line.trim_end() != "info:").skip(1);
    let mut block = info.take_while(|(_, line)| line.starts_with([' ', '\t']) || line.trim().is_empty());
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = block.next()?.1;
    let mut own = std::iter::once((0, first)).chain(block).filter(|(_, line)| indent(line) == indent(first));
    own.find_map(|(_, line)| Some(span_in(text, scalar(line.trim_start().strip_prefix("version:")?))))
}

/// A YAML scalar without quotes and comment.
fn scalar(text: &str) -> &str {
    let text = text.split(" #").next().unwrap_or_default().trim();
    text.trim_matches(['"', '\''])
}

/// `version` in a compat.json of this package.
pub(super) fn compat(text: &str, app: &AppSettings) -> Option<Shown> {
    string_at(text, &["package"]).filter(|(_, name)| *name == app.package)?;
    let (span, _) = string_at(text, &["version"])?;
    Shown::version(Kind::Compat, text, span, 1)
}

/// The top-level key of a YAML document: `appVersion` of Chart.yaml, `version` of CITATION.cff.
pub(super) fn yaml_key(text: &str, key: &str, kind: Kind) -> Option<Shown> {
    let value = lines(text).find_map(|(_, line)| line.strip_prefix(key)?.strip_prefix(':'))?;
    Shown::version(kind, text, span_in(text, scalar(value)), 3)
}

/// A file that contains only a version: `.runtime-version`, `VERSION`. Comments and empty lines are allowed.
pub(super) fn bare_version(text: &str) -> Option<Shown> {
    let mut values = lines(text)
        .map(|(_, line)| line.trim().trim_start_matches('\u{feff}'))
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let only = values.next().filter(|_| values.next().is_none())?;
    Shown::version(Kind::Pin, text, span_in(text, only), 3)
}

/// Version files of interpreters and tools, which never hold an app's version.
const FOREIGN: &[&str] = &[
    ".python-version",
    ".node-version",
    ".bun-version",
    ".ruby-version",
    ".go-version",
    ".java-version",
    ".terraform-version",
    ".deno-version",
    ".php-version",
    ".swift-version",
    ".rust-version",
    ".nvm-version",
    ".uv-version",
    ".pnpm-version",
    ".yarn-version",
    ".npm-version",
];

/// Whether a file's name says that it holds a version: `.runtime-version`, `VERSION`, `version.txt`.
pub(super) fn is_version_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".txt").unwrap_or(&lower);
    (stem == "version"
        || stem.ends_with("-version")
        || stem.ends_with("_version")
        || stem.ends_with(".version"))
        && !FOREIGN.contains(&stem)
}

/// Whether the file's name and the package's name have a word in common: `.runtime-version` and
/// `demo-agents-runtime`.
pub(super) fn shares_a_word(file: &str, package: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.to_ascii_lowercase()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_string)
            .collect()
    };
    let package = words(package);
    words(file).iter().any(|word| !["version", "txt"].contains(&word.as_str()) && package.contains(word))
}

/// Requirements in settings, workflows, scripts and container files, except in comments; and `repository:`
/// with `tag:` in charts.
pub(super) fn requirements(text: &str, app: &AppSettings, comment: &str) -> Vec<Shown> {
    let commented = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
        !comment.is_empty() && text[start..at].trim_start().starts_with(comment)
    };
    let mentions = names::mentions(text, app).into_iter().filter(|m| !commented(m.span.start));
    let mut found: Vec<Shown> =
        mentions.map(|m| Shown { kind: Kind::Pin, span: m.span, wanted: m.wanted }).collect();
    found.extend(image_values(text, app));
    found
}

/// `repository: ghcr.io/team/demo` and `tag: "v0.1.2"` in the same block (helm's values), or `name:` and
/// `newTag:` (kustomize's images).
fn image_values(text: &str, app: &AppSettings) -> Vec<Shown> {
    let Some(image) = &app.image else { return Vec::new() };
    let without_host = image.name.split_once('/').map_or(image.name.as_str(), |(_, rest)| rest);
    let all: Vec<(usize, &str)> = lines(text).filter(|(_, line)| !line.trim().is_empty()).collect();
    let mut found = Vec::new();
    for (at, (_, line)) in all.iter().enumerate() {
        let (indent, key) = item(line);
        let tag = ["tag:", "newTag:"].iter().find_map(|word| key.strip_prefix(word)).map(scalar);
        let Some(tag) = tag.filter(|tag| number::is_version(tag, 3)) else { continue };
        // The block is the lines around it with the same indentation; deeper lines belong to its keys.
        let beside = |(_, other): &&(usize, &str)| item(other).0 >= indent;
        let begins = |(_, other): &(usize, &str)| other.trim_start().starts_with("- ");
        let above = if begins(&all[at]) {
            0
        } else {
            all[..at].iter().rev().take_while(beside).position(begins).map_or(usize::MAX, |n| n + 1)
        };
        let block = all[..at]
            .iter()
            .rev()
            .take_while(beside)
            .take(above)
            .chain(all[at + 1..].iter().take_while(beside).take_while(|l| !begins(l)));
        let name = block.filter(|(_, other)| item(other).0 == indent).find_map(|(_, other)| {
            ["repository:", "newName:", "name:"]
                .iter()
                .find_map(|word| item(other).1.strip_prefix(word))
                .map(scalar)
        });
        if name.is_some_and(|name| name == image.name || name == without_host) {
            let bare = tag.trim_start_matches('v').to_string();
            found.push(Shown { kind: Kind::Pin, span: span_in(text, tag), wanted: Wanted::Exact(bare) });
        }
    }
    found
}

/// A line's key and the column where it begins; a list's dash counts as a space.
fn item(line: &str) -> (usize, &str) {
    let key = line.trim_start().trim_start_matches("- ").trim_start();
    (line.len() - key.len(), key)
}
