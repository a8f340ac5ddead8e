//! Finds where a text names an app's package or image, and the version or range that follows the name. Pure.

use super::number::{self, Wanted};
use crate::model::language::Ecosystem;
use crate::model::workspace::AppSettings;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// A requested version of a package or image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// The bytes of the version or range in the text.
    pub span: Range<usize>,
    pub wanted: Wanted,
}

/// Every place where the text requests a version of the app's package or image.
pub(super) fn mentions(text: &str, app: &AppSettings) -> Vec<Mention> {
    let mut found: Vec<Mention> =
        packages(text, app).into_iter().filter_map(|at| after_package(text, at, app.ecosystem)).collect();
    if let Some(image) = &app.image {
        found.extend(images(text, &image.name).into_iter().filter_map(|at| after_image(text, at)));
    }
    found.sort_by_key(|m| m.span.start);
    found
}

/// Whether the text names the package or the image, with or without a version.
pub(super) fn names(text: &str, app: &AppSettings) -> bool {
    !packages(text, app).is_empty()
        || app.image.as_ref().is_some_and(|image| !images(text, &image.name).is_empty())
}

/// The positions where the package's name ends in the text. A longer name is another package:
/// `demo-agent-tools`, `@team/demo-agent`.
fn packages(text: &str, app: &AppSettings) -> Vec<usize> {
    match app.ecosystem {
        Ecosystem::Python => python_names(text, &app.package),
        Ecosystem::Ts => npm_names(text, &app.package),
    }
}

/// PEP 503: case is ignored, and runs of `-`, `_` and `.` are equal to one dash.
fn python_names(text: &str, package: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    let package = package.to_ascii_lowercase();
    let parts: Vec<&str> = package.split(['-', '_', '.']).filter(|p| !p.is_empty()).collect();
    let Some((first, rest)) = parts.split_first() else { return Vec::new() };
    let whole = |start: usize| {
        let mut end = start + first.len();
        for part in rest {
            let dashes = lower[end..].bytes().take_while(|b| b"-_.".contains(b)).count();
            end += dashes;
            if dashes == 0 || !lower[end..].starts_with(part) {
                return None;
            }
            end += part.len();
        }
        Some(end)
    };
    lower
        .match_indices(first)
        .filter(|(start, _)| begins(&lower, *start, "@") && !is_scoped(&lower[..*start]))
        .filter_map(|(start, _)| whole(start))
        .filter(|end| ends(&lower, *end))
        .collect()
}

fn npm_names(text: &str, package: &str) -> Vec<usize> {
    // `@team/demo` is not `demo`; a scoped name may follow a slash: `esm.sh/@team/demo@0.1.0`.
    let not_before = if package.starts_with('@') { "" } else { "/@" };
    text.match_indices(package)
        .filter(|(start, _)| begins(text, *start, not_before))
        .map(|(start, _)| start + package.len())
        .filter(|end| ends(text, *end))
        .collect()
}

/// The positions where the image's name with its host ends in the text.
fn images(text: &str, image: &str) -> Vec<usize> {
    text.match_indices(image)
        .filter(|(start, _)| begins(text, *start, "@"))
        .map(|(start, _)| start + image.len())
        .filter(|end| ends(text, *end))
        .collect()
}

fn begins(text: &str, start: usize, not_before: &str) -> bool {
    let before = text[..start].chars().next_back();
    before.is_none_or(|c| !(c.is_alphanumeric() || "-_.".contains(c) || not_before.contains(c)))
}

/// Whether `@team/` precedes a name: then it is a package of npm, not of PyPI.
fn is_scoped(before: &str) -> bool {
    let scope = before.strip_suffix('/').map(|b| {
        b.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "-_.@".contains(c))).next().unwrap_or_default()
    });
    scope.is_some_and(|scope| scope.contains('@'))
}

/// Whether the name ends here: `demo-agent.` at the end of a sentence and `demo-agent-0.1.0.whl` do;
/// `demo-agents` and `demo-agent-tools` are other names.
fn ends(text: &str, end: usize) -> bool {
    let mut after = text[end..].chars();
    match after.next() {
        Some('-' | '_' | '.') => !after.next().is_some_and(|c| c.is_alphabetic() || "-_.".contains(c)),
        c => !c.is_some_and(char::is_alphanumeric),
    }
}

fn after_package(text: &str, name_end: usize, ecosystem: Ecosystem) -> Option<Mention> {
    let rest = &text[name_end..];
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    // `package@0.1.2`: the form of npm, and of uv for tools.
    let at_sign = |spec: &str| {
        let length =
            spec.find(|c: char| c.is_whitespace() || "\"'`,;/)]}>\\".contains(c)).unwrap_or(spec.len());
        mention(spec[..length].trim_end_matches('.'), name_end + 1, ecosystem)
    };
    match (ecosystem, line.chars().next()) {
        (Ecosystem::Python, Some('-')) => built_file(&line[1..], name_end + 1),
        (Ecosystem::Python, Some('@')) if for_uv(&text[..name_end]) => at_sign(&line[1..]),
        (Ecosystem::Python, _) => python_requirement(line, name_end).or_else(|| in_toml(line, name_end)),
        (Ecosystem::Ts, Some('@')) => at_sign(&line[1..]),
        (Ecosystem::Ts, _) => in_json(line, name_end),
    }
}

/// Whether the last line installs a tool with uv.
fn for_uv(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.contains("uvx ") || line.contains("uv tool ")
}

/// `0.1.2-py3-none-any.whl`, `0.1.2.tar.gz` after the name and a dash.
fn built_file(rest: &str, at: usize) -> Option<Mention> {
    let word =
        &rest[..rest.find(|c: char| c.is_whitespace() || "\"'`,;()".contains(c)).unwrap_or(rest.len())];
    let version =
        if word.ends_with(".whl") { word.split('-').next()? } else { word.strip_suffix(".tar.gz")? };
    number::is_version(version, 1)
        .then(|| Mention { span: at..at + version.len(), wanted: Wanted::Exact(version.to_string()) })
}

/// `[extra] >=0.1, <0.2` after the name (PEP 508).
fn python_requirement(line: &str, at: usize) -> Option<Mention> {
    let mut rest = line;
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']')?.1;
    }
    let rest = rest.trim_start().trim_start_matches('(');
    if !["==", "~=", ">=", "<=", "!=", "<", ">"].iter().any(|op| rest.starts_with(op)) {
        return None;
    }
    let in_specifier = |c: char| c.is_ascii_alphanumeric() || " ,.*+!-_=<>~".contains(c);
    let head = &rest[..rest.find(|c| !in_specifier(c)).unwrap_or(rest.len())];
    let length = specifiers(head);
    mention(&head[..length], at + (line.len() - rest.len()), Ecosystem::Python)
}

/// The length in bytes of the list of specifiers that the text begins with: 7 for `==0.1.2 and more`.
fn specifiers(text: &str) -> usize {
    let mut end = 0;
    loop {
        let rest = &text[end..];
        let operator = rest.len()
            - rest.trim_start_matches([' ', ',']).trim_start_matches(['=', '<', '>', '~', '!']).len();
        let gap = rest[operator..].len() - rest[operator..].trim_start().len();
        let number = rest[operator + gap..]
            .find([' ', ',', '=', '<', '>', '~'])
            .unwrap_or(rest.len() - operator - gap);
        let more = rest[..operator].contains(['=', '<', '>', '~']) && number > 0;
        if !more {
            return end;
        }
        end += operator + gap + number;
    }
}

/// `package = "^0.1"` and `package = { version = "0.1.2" }`: TOML, as Python tools write it.
fn in_toml(line: &str, at: usize) -> Option<Mention> {
    let value = after(line.strip_prefix(['"', '\'']).unwrap_or(line), '=')?;
    let value = match value.strip_prefix('{') {
        Some(table) => after(table.split_once("version")?.1, '=')?,
        None => value,
    };
    quoted(line, value, at, Ecosystem::Python)
}

/// `"package": "^0.1.2"`: JSON, as npm writes it.
fn in_json(line: &str, at: usize) -> Option<Mention> {
    quoted(line, after(line.strip_prefix(['"', '\''])?, ':')?, at, Ecosystem::Ts)
}

fn after(text: &str, sign: char) -> Option<&str> {
    text.trim_start().strip_prefix(sign).map(str::trim_start)
}

/// `value` is the rest of `line`, and must begin with a quote.
fn quoted(line: &str, value: &str, at: usize, ecosystem: Ecosystem) -> Option<Mention> {
    let quote = value.chars().next().filter(|c| "\"'".contains(*c))?;
    mention(value[1..].split(quote).next()?, at + (line.len() - value.len()) + 1, ecosystem)
}

fn mention(spec: &str, at: usize, ecosystem: Ecosystem) -> Option<Mention> {
    let spec = spec.trim_end();
    let wanted = number::wanted(spec, ecosystem)?;
    // Only the version, without the operator before it.
    let start = match &wanted {
        Wanted::Exact(version) => spec.len() - version.len(),
        Wanted::Range(_) => 0,
    };
    Some(Mention { span: at + start..at + spec.len(), wanted })
}

/// `:v0.1.2` or `:0.1.2-slim` after an image's name. Moving tags such as `latest`, `development` and `0.1` do
/// not name a version.
fn after_image(text: &str, name_end: usize) -> Option<Mention> {
    let tag = text[name_end..].strip_prefix(':')?;
    let tag =
        &tag[..tag.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(tag.len())];
    let bare = tag.trim_start_matches('v');
    number::is_version(bare, 3).then(|| Mention {
        span: name_end + 1..name_end + 1 + tag.len(),
        wanted: Wanted::Exact(bare.to_string()),
    })
}
