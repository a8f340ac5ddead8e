//! Finds the app's version in lock files: its own entry, and the release that another folder has resolved.
//! Pure.

use super::names;
use super::place::{Kind, Shown, lines, span_in};
use crate::model::language::Ecosystem;
use crate::model::language::python::normalise;
use crate::model::workspace::AppSettings;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::Range;

#[cfg(test)]
mod tests;

pub(super) const FILES: &[&str] = &[
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "bun.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
];

pub(super) fn read(name: &str, text: &str, app: &AppSettings) -> Vec<Shown> {
    match app.ecosystem {
        Ecosystem::Python => match name {
            "uv.lock" | "poetry.lock" | "pdm.lock" | "pylock.toml" => toml_packages(text, app),
            _ => Vec::new(),
        },
        Ecosystem::Ts => match name {
            "package-lock.json" | "npm-shrinkwrap.json" => npm(text, app),
            "bun.lock" => bun(text, app),
            "pnpm-lock.yaml" => resolved(text, app),
            _ => Vec::new(),
        },
    }
}

/// `[[package]]` tables with `name`, `version` and where the package comes from.
fn toml_packages(text: &str, app: &AppSettings) -> Vec<Shown> {
    let own = normalise(&app.package);
    let mut found = Vec::new();
    let mut package = Package::default();
    for (_, line) in lines(text) {
        if line.starts_with("[[") {
            found.extend(package.shown(text, &own));
            package = Package { ours: line.ends_with("package]]"), ..Package::default() };
        } else if line.starts_with('[') {
            package.ours = false;
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| package.ours) {
            match key {
                "name" => package.name = value.trim_matches('"'),
                "version" => package.version = Some(value.trim_matches('"')),
                "source" => {
                    package.local = ["editable", "virtual", "directory"]
                        .iter()
                        .any(|kind| value.contains(&format!("{kind} =")))
                }
                _ => {}
            }
        }
    }
    found.extend(package.shown(text, &own));
    found
}

#[derive(Default)]
struct Package<'a> {
    ours: bool,
    name: &'a str,
    version: Option<&'a str>,
    /// The package is a folder of this repository.
    local: bool,
}

impl Package<'_> {
    fn shown(&self, text: &str, own: &str) -> Option<Shown> {
        // Lengths are compared first for speed: a lock file has many packages.
        let named = self.name.len() == own.len() && normalise(self.name) == own;
        let kind = if self.local { Kind::Lock } else { Kind::Pin };
        Shown::version(kind, text, span_in(text, self.version.filter(|_| named)?), 1)
    }
}

/// package-lock.json: the app is its root, a workspace of it, or a dependency (docs.npmjs.com,
/// "package-lock.json").
fn npm(text: &str, app: &AppSettings) -> Vec<Shown> {
    let string = |path: &[&str]| string_at(text, path);
    let named = |path: &[&str]| string(path).is_some_and(|(_, name)| name == app.package);
    let mut found = Vec::new();
    if named(&["name"]) {
        found.extend(string(&["version"]).map(|(span, _)| (Kind::Lock, span)));
    }
    let packages: Object = object_at(text, &["packages"]).unwrap_or_default();
    for folder in packages.keys() {
        let kind = match folder.strip_suffix(app.package.as_str()) {
            Some(before) if before.ends_with("node_modules/") => Kind::Pin,
            _ if !folder.contains("node_modules/") && named(&["packages", folder, "name"]) => Kind::Lock,
            _ => continue,
        };
        found.extend(string(&["packages", folder, "version"]).map(|(span, _)| (kind, span)));
    }
    found.into_iter().filter_map(|(kind, span)| Shown::version(kind, text, span, 3)).collect()
}

/// bun.lock: workspaces with their names and versions, packages as `name@version`.
fn bun(text: &str, app: &AppSettings) -> Vec<Shown> {
    let own = format!("\"name\": \"{}\",", app.package);
    let all: Vec<(usize, &str)> = lines(text).collect();
    let mut found = resolved(text, app);
    for pair in all.windows(2) {
        let version = pair[1].1.trim().strip_prefix("\"version\": \"").and_then(|v| v.split('"').next());
        if pair[0].1.trim() == own {
            found.extend(version.and_then(|v| Shown::version(Kind::Lock, text, span_in(text, v), 3)));
        }
    }
    found
}

/// The versions of the package in the text. A lock file repeats the resolved version; each version is
/// returned once.
fn resolved(text: &str, app: &AppSettings) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for mention in names::mentions(text, app) {
        if !found.iter().any(|f| f.wanted == mention.wanted) {
            found.push(Shown { kind: Kind::Pin, span: mention.span, wanted: mention.wanted });
        }
    }
    found
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// The string at a path of keys in a JSON document, and its span without the quotes.
pub(super) fn string_at(text: &str, path: &[&str]) -> Option<(Range<usize>, String)> {
    let (last, before) = path.split_last()?;
    let raw: &RawValue = object_at(text, before)?.get(*last)?;
    let string = serde_json::from_str(raw.get()).ok()?;
    let span = span_in(text, raw.get());
    Some((span.start + 1..span.end.saturating_sub(1), string))
}

fn object_at<'a>(text: &'a str, path: &[&str]) -> Option<Object<'a>> {
    let mut object: Object = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    for key in path {
        let raw: &RawValue = object.get(*key)?;
        object = serde_json::from_str(raw.get()).ok()?;
    }
    Some(object)
}
