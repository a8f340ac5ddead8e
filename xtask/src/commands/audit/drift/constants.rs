//! Finds versions in an app's own code, container files and tool settings. Pure.

use super::place::{Kind, Shown, lines, span_in};
use crate::model::workspace::AppSettings;
use camino::Utf8Path;

#[cfg(test)]
mod tests;

/// The places in a file of the app that show the app's version. `path` is relative to the app's folder.
pub(super) fn read(path: &Utf8Path, text: &str, app: &AppSettings) -> Vec<Shown> {
    let name = path.file_name().unwrap_or_default();
    match name {
        "setup.py" => keyword(text, "setup("),
        "setup.cfg" => section(text, &["metadata", "bumpversion"], &["version", "current_version"]),
        "pyproject.toml" => section(
            text,
            &["tool.poetry", "tool.commitizen", "tool.bumpversion", "tool.bumpver"],
            &["version", "current_version"],
        ),
        ".bumpversion.cfg" | ".bumpversion.toml" => {
            section(text, &["bumpversion", "tool.bumpversion"], &["current_version"])
        }
        ".cz.toml" => section(text, &["tool.commitizen"], &["version"]),
        "sonar-project.properties" => section(text, &[""], &["sonar.projectVersion"]),
        _ if super::files::is_container_file(name) => container(text, app),
        _ => match path.extension() {
            Some("py") => code(path, text, app, true),
            Some("ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs" | "cjs") => code(path, text, app, false),
            _ => Vec::new(),
        },
    }
}

fn code(path: &Utf8Path, text: &str, app: &AppSettings, python: bool) -> Vec<Shown> {
    let all: Vec<(usize, &str)> = lines(text).collect();
    let top = at_the_top(path);
    let mut found = Vec::new();
    let mut in_text = false;
    for (at, (_, line)) in all.iter().enumerate() {
        // Versions in docstrings and template strings are examples. One that opens and closes in the same
        // line changes nothing.
        let marks = if python {
            line.matches("\"\"\"").count() + line.matches("'''").count()
        } else {
            line.matches('`').count()
        };
        let was_in_text = in_text;
        in_text ^= marks % 2 == 1;
        if was_in_text || line.trim_start().starts_with(['#', '*']) || line.trim_start().starts_with("//") {
            continue;
        }
        let literal = match assignment(line) {
            Some(("__version__", literal)) => Some((literal, 1)),
            Some((name, literal)) if top && !line.starts_with(' ') && is_version_name(name, app) => {
                Some((literal, 3))
            }
            _ => beside_the_name(&all, at, app).map(|literal| (literal, 3)),
        };
        found.extend(literal.and_then(|(literal, numbers)| {
            Shown::version(Kind::Constant, text, span_in(text, literal), numbers)
        }));
    }
    found
}

/// Whether a file's `VERSION` is the whole app's: `src/demo/__init__.py`, `src/version.ts`. A `VERSION` in a
/// deeper folder belongs to a part of the app.
fn at_the_top(path: &Utf8Path) -> bool {
    let stems = [
        "__init__",
        "__main__",
        "__version__",
        "__about__",
        "_version",
        "version",
        "about",
        "meta",
        "index",
        "main",
        "cli",
        "app",
        "server",
    ];
    let stem = path.file_name().unwrap_or_default().split('.').next().unwrap_or_default();
    let path = path.strip_prefix("src").or_else(|_| path.strip_prefix("lib")).unwrap_or(path);
    (stems.contains(&stem) || stem == "constants") && path.components().count() <= 2
}

/// `export const VERSION: string = "0.1.0"` -> VERSION, 0.1.0
fn assignment(line: &str) -> Option<(&str, &str)> {
    let mut rest = line.trim_start();
    for word in [
        "export ",
        "declare ",
        "public ",
        "static ",
        "readonly ",
        "const ",
        "let ",
        "var ",
        "module.",
        "exports.",
    ] {
        rest = rest.strip_prefix(word).unwrap_or(rest).trim_start();
    }
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let (kind, value) = rest.split_once('=')?;
    let kind = kind.trim();
    if name.is_empty() || !(kind.is_empty() || kind.starts_with(':')) {
        return None;
    }
    Some((name, quoted(value.trim_start())?))
}

/// The text between the quotes that `text` begins with.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| "\"'`".contains(*c))?;
    let inner = &text[1..];
    Some(&inner[..inner.find(quote)?])
}

/// `VERSION`, `appVersion`, `DEMO_AGENT_VERSION`; neither `API_VERSION` nor `PROTOCOL_VERSION`.
fn is_version_name(name: &str, app: &AppSettings) -> bool {
    let flat = flat(name);
    let before = flat.strip_suffix("version").unwrap_or("-");
    ["", "app", "application", "package", "pkg"].contains(&before)
        || own_names(app).iter().any(|own| own == before)
}

/// The letters and digits in lower case: names are compared regardless of case and dashes.
fn flat(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// The package with and without its scope, and the image without its host, as `flat` returns them.
fn own_names(app: &AppSettings) -> Vec<String> {
    let last = |name: &str| flat(name.rsplit('/').next().unwrap_or(name));
    let image = app.image.as_ref().map(|image| last(&image.name));
    [flat(&app.package), last(&app.package)].into_iter().chain(image).collect()
}

/// `version: "0.1.0"` within three lines of the package's name or title: `new McpServer({ name: "demo-agent",
/// version: "0.1.0" })`.
fn beside_the_name<'a>(all: &[(usize, &'a str)], at: usize, app: &AppSettings) -> Option<&'a str> {
    let (_, line) = *all.get(at)?;
    let literal = line.match_indices("version").find_map(|(start, word)| {
        let before = line[..start].chars().next_back();
        let key = before.is_none_or(|c| !(c.is_alphanumeric() || "_.$-".contains(c)));
        let rest = line[start + word.len()..].trim_start_matches(['"', '\'']).trim_start();
        quoted(rest.strip_prefix([':', '=']).filter(|_| key)?.trim_start())
    })?;
    let own = own_names(app);
    let near = &all[at.saturating_sub(3)..(at + 4).min(all.len())];
    let names =
        |line: &str| line.split(['"', '\'', '`']).skip(1).step_by(2).any(|text| own.contains(&flat(text)));
    near.iter().any(|(_, line)| names(line)).then_some(literal)
}

/// `setup(version="0.1.0")`
fn keyword(text: &str, call: &str) -> Vec<Shown> {
    let Some(start) = text.find(call) else { return Vec::new() };
    let argument = |line: &str| {
        let rest = line
            .trim_start()
            .trim_start_matches(call)
            .trim_start()
            .strip_prefix("version")?
            .trim_start()
            .strip_prefix('=')?;
        quoted(rest.trim_start()).map(|literal| span_in(text, literal))
    };
    lines(&text[start..])
        .filter_map(|(_, line)| Shown::version(Kind::Constant, text, argument(line)?, 1))
        .collect()
}

/// `key = value` in sections of INI or TOML; the section before the first heading is "".
pub(super) fn section(text: &str, sections: &[&str], keys: &[&str]) -> Vec<Shown> {
    let mut current = "";
    let mut found = Vec::new();
    for (_, line) in lines(text) {
        let line = line.trim().trim_start_matches('\u{feff}');
        if let Some(heading) = line.strip_prefix('[') {
            current = heading.trim_end_matches(']').trim();
        }
        let Some((_, value)) =
            line.split_once('=').filter(|(key, _)| sections.contains(&current) && keys.contains(&key.trim()))
        else {
            continue;
        };
        let value = value.trim();
        let value = quoted(value).unwrap_or(value.split([' ', '\t', '#', ';']).next().unwrap_or_default());
        found.extend(Shown::version(Kind::Constant, text, span_in(text, value), 1));
    }
    found
}

/// Labels, build arguments and variables that hold the app's own version.
pub(super) fn container(text: &str, app: &AppSettings) -> Vec<Shown> {
    let mut found = Vec::new();
    let mut instruction = String::new();
    let mut continued = false;
    for (_, line) in lines(text) {
        let trimmed = line.trim_start();
        if trimmed.starts_with('#') {
            continue;
        }
        if !continued {
            instruction = trimmed.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        }
        continued = line.trim_end().ends_with('\\');
        for (key, value) in pairs(trimmed) {
            let kind = match instruction.as_str() {
                "LABEL"
                    if ["org.opencontainers.image.version", "org.label-schema.version", "version"]
                        .contains(&key) =>
                {
                    Kind::Label
                }
                "ARG" | "ENV" if is_version_name(key, app) => Kind::Constant,
                _ => continue,
            };
            found.extend(Shown::version(kind, text, span_in(text, value), 3));
        }
    }
    found
}

/// `a="b" "c"=d`, and the older form `LABEL a b`.
fn pairs(line: &str) -> Vec<(&str, &str)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut found: Vec<(&str, &str)> = words
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(key, value)| (key.trim_matches(['"', '\'']), value.trim_matches(['"', '\''])))
        .collect();
    if let [_, key, value] = words[..]
        && !key.contains('=')
        && !value.contains('=')
    {
        found.push((key.trim_matches(['"', '\'']), value.trim_matches(['"', '\''])));
    }
    found
}
