//! Finds versions in docs: install commands, badges, and the newest section of a changelog. Pure.

use super::names;
use super::number;
use super::place::{Kind, Shown, lines, span_in};
use crate::model::markdown;
use crate::model::workspace::AppSettings;
use semver::Version;

#[cfg(test)]
mod tests;

const INSTALLS: &[&str] = &[
    "pip install",
    "pip3 install",
    "uv add",
    "uv tool",
    "uvx ",
    "pipx ",
    "poetry add",
    "pdm add",
    "conda install",
    "npm i ",
    "npm install",
    "npm add",
    "npx ",
    "bunx ",
    "bun add",
    "bun install",
    "pnpm add",
    "pnpm i ",
    "pnpm dlx",
    "yarn add",
    "yarn dlx",
    "deno add",
    "docker pull",
    "docker run",
    "podman pull",
    "podman run",
    "nerdctl ",
    "FROM ",
    "image:",
];

/// The versions in install commands, and in lines of a code block that are only a requirement.
pub(super) fn installs(text: &str, app: &AppSettings) -> Vec<Shown> {
    let all: Vec<(usize, &str)> = lines(text).collect();
    let plain: Vec<&str> = all.iter().map(|(_, line)| *line).collect();
    let code = markdown::hidden(&plain);
    let mut found = Vec::new();
    for mention in names::mentions(text, app) {
        let at = all.partition_point(|(start, _)| *start <= mention.span.start).saturating_sub(1);
        let command =
            is_install(&plain, at) || (code[at] && is_requirement(plain[at], mention.span.end - all[at].0));
        if command {
            found.push(Shown { kind: Kind::Install, span: mention.span, wanted: mention.wanted });
        }
    }
    found
}

/// A command may continue over several lines that end with a backslash.
fn is_install(lines: &[&str], at: usize) -> bool {
    let first = (0..at).rev().take_while(|&n| lines[n].trim_end().ends_with('\\')).last().unwrap_or(at);
    lines[first..=at].iter().any(|line| INSTALLS.iter().any(|word| line.contains(word)))
}

/// `"demo-agent==0.1.2",` alone in its line, or `dependencies = ["demo-agent==0.1.2"]`; not
/// `demo-agent==0.1.2 published`.
fn is_requirement(line: &str, end: usize) -> bool {
    let before = line[..end].trim_start();
    let whole = !before.split(['"', '\'']).next().unwrap_or_default().trim().contains(' ')
        || before.starts_with("dependencies");
    whole && line[end..].chars().all(|c| "\"',;]}) ".contains(c))
}

/// Static badges (shields.io/badges/static-badge): `badge/version-0.1.0-blue`. The badge belongs to the app
/// if its label is the package, or if it is in the app's own README (`own`) and has a usual label.
pub(super) fn badges(text: &str, app: &AppSettings, own: bool) -> Vec<Shown> {
    let labels = [
        "version",
        "release",
        "latest",
        "latest release",
        "pypi",
        "pypi package",
        "npm",
        "npm package",
        "package",
        "docker",
        "image",
        "ghcr",
    ];
    let package = app.package.rsplit('/').next().unwrap_or(&app.package).to_ascii_lowercase();
    let mut found = Vec::new();
    for (start, _) in text.match_indices("img.shields.io/badge/") {
        let rest = &text[start + "img.shields.io/badge/".len()..];
        let badge =
            &rest[..rest.find(|c: char| c.is_whitespace() || "?)\"'>]".contains(c)).unwrap_or(rest.len())];
        // `--` means a dash, `__` an underscore, and `_` a space.
        let parts: Vec<&str> = dashes(badge);
        let (label, message) = match parts[..] {
            [label, message, _] => (label, message),
            _ => continue,
        };
        let words = label
            .replace("--", "-")
            .replace("__", "\u{0}")
            .replace(['_', '\u{0}'], " ")
            .replace("%20", " ")
            .to_ascii_lowercase();
        let meant = words == package || (own && labels.contains(&words.as_str()));
        let shown = message.replace("--", "-");
        if meant && number::is_version(&shown, 3) {
            found.push(Shown {
                kind: Kind::Badge,
                span: span_in(text, message),
                wanted: number::Wanted::Exact(shown),
            });
        }
    }
    found
}

/// Splits at single dashes.
fn dashes(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(next) = text[at..].find('-').map(|n| at + n) {
        if text[next + 1..].starts_with('-') {
            at = next + 2;
        } else {
            parts.push(&text[start..next]);
            start = next + 1;
            at = start;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The highest version among a changelog's sections: `## [python-v0.1.0] - …` in the repository's changelog,
/// `## 0.1.0` or `## [v0.1.0]` in the app's own.
pub(super) fn newest_section(text: &str, tag_start: &str, own: bool) -> Option<(Shown, Version)> {
    let plain: Vec<&str> = lines(text).map(|(_, line)| line).collect();
    let hidden = markdown::hidden(&plain);
    let headings = plain
        .iter()
        .zip(&hidden)
        .filter(|(line, hidden)| !**hidden && line.starts_with("## "))
        .map(|(line, _)| line[3..].trim());
    let versions = headings.filter_map(|heading| {
        let title = heading.trim_start_matches('[').split([']', ' ', '(']).next().unwrap_or_default();
        let bare = match title.strip_prefix(tag_start) {
            Some(bare) => bare,
            None => Some(title).filter(|_| own)?,
        };
        let shown = Shown::version(Kind::Changelog, text, span_in(text, bare), 3)?;
        Some((shown, number::read(bare)?))
    });
    versions.max_by(|a, b| a.1.cmp(&b.1))
}
