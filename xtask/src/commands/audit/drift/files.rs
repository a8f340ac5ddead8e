//! Finds the files that can show a version: one `git grep` over the tracked files in the working tree,
//! without tests and third-party files.

use super::locks;
use crate::model::language::Ecosystem;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::{Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

#[cfg(test)]
mod tests;

/// Bytes. Lock files of large repositories have a few megabytes; larger files are data.
const LARGEST: u64 = 16 << 20;

/// A file and its text.
pub(super) struct File {
    /// From the root.
    pub path: Utf8PathBuf,
    pub text: String,
}

/// Every tracked text file that names a package or image, or contains a line that looks like a version. Git
/// does not search links, submodules and binary files; files that are not UTF-8 are skipped here.
pub(super) fn candidates(git: &Git, root: &Utf8Path, apps: &[&App]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for path in grep(git, apps)? {
        if !is_foreign(&path) {
            files.extend(read(root, &path));
        }
    }
    Ok(files)
}

/// A text file of the working tree. None if it is missing, too large, or not UTF-8.
pub(super) fn read(root: &Utf8Path, path: &Utf8Path) -> Option<File> {
    let full = root.join(path);
    let meta = std::fs::symlink_metadata(&full).ok()?;
    if !meta.is_file() || meta.len() > LARGEST {
        return None;
    }
    let text = String::from_utf8(std::fs::read(full).ok()?).ok()?;
    Some(File { path: path.to_path_buf(), text })
}

/// Lines that may hold a version: `version = "0.1`, `__version__: str = '0`, `"version": "0.`, `version: 0.`,
/// `version=0.`. `ALONE`: a line that is only a version.
const VERSION_LINE: &str =
    r#"version(__)?["']?[[:space:]]*(:[[:space:]]*[a-z_.]+[[:space:]]*)?[:= ][[:space:]]*["'`]?v?[0-9]+[.]"#;
const ALONE: &str = r"^v?[0-9]+[.][0-9]+[.][0-9]+[-a-z0-9.+]*[[:space:]]*$";

fn grep(git: &Git, apps: &[&App]) -> Result<Vec<Utf8PathBuf>> {
    let config = ["-c", "submodule.recurse=false", "-c", "grep.fullName=false"];
    let mut patterns: Vec<String> = [VERSION_LINE, ALONE].map(String::from).to_vec();
    patterns.extend(apps.iter().flat_map(|app| names(app)));
    let search = |syntax: &str| {
        let patterns = patterns.iter().flat_map(|pattern| ["-e", pattern]);
        // `.`: the workspace's root may be below the repository's root.
        git.command()
            .env("LC_ALL", "C")
            .args(config)
            .args(["grep", "-l", "-z", "-I", "-i", syntax])
            .args(patterns)
            .args(["--", "."])
            .output()
    };
    // PCRE needs a tenth of the time, but git can be built without it.
    let mut output = search("-P")?;
    if !matches!(output.status.code(), Some(0 | 1)) {
        output = search("-E")?;
    }
    // Exit code 1 means that nothing was found.
    if !matches!(output.status.code(), Some(0 | 1)) {
        bail!("git grep failed in {}:\n{}", git.dir, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let names = output.stdout.split(|b| *b == 0).filter(|name| !name.is_empty());
    Ok(names.filter_map(|name| std::str::from_utf8(name).ok()).map(Utf8PathBuf::from).collect())
}

/// The names as regular expressions that are valid in both syntaxes.
fn names(app: &App) -> Vec<String> {
    let literal = |text: &str| {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("[{c}]") })
            .collect::<String>()
    };
    let mut found = Vec::new();
    match app.settings.ecosystem {
        Ecosystem::Python => {
            let parts: Vec<String> =
                app.settings.package.split(['-', '_', '.']).filter(|p| !p.is_empty()).map(literal).collect();
            found.push(parts.join("[-_.]+"));
        }
        Ecosystem::Ts => found.push(literal(&app.settings.package)),
    }
    if let Some(image) = &app.settings.image {
        // Without the host, because charts write it in another key.
        found.push(literal(image.name.split_once('/').map_or(image.name.as_str(), |(_, rest)| rest)));
    }
    found
}

const FOREIGN: &[&str] = &[
    "tests",
    "test",
    "__tests__",
    "testdata",
    "test-data",
    "fixtures",
    "__fixtures__",
    "__snapshots__",
    "__mocks__",
    "mocks",
    "e2e",
    "vendor",
    "vendored",
    "_vendor",
    "_vendored",
    "third_party",
    "third-party",
    "thirdparty",
    "extern",
    "node_modules",
    "site-packages",
    ".venv",
    "dist",
    "target",
    "generated",
    "__generated__",
    "_generated",
    "ISSUE_TEMPLATE",
    "issue_template",
    ".changeset",
    "changelogs",
    "release-notes",
    "releases",
    "archive",
    "blog",
];

/// Whether a file is a test, test data, third-party or generated: its versions are not the app's, or wrong on
/// purpose.
pub(super) fn is_foreign(path: &Utf8Path) -> bool {
    let folders = path.parent().into_iter().flat_map(Utf8Path::components);
    let name = path.file_name().unwrap_or_default();
    let test = name.starts_with("test_")
        || name == "conftest.py"
        || ["_test", ".test", ".spec", ".snap", ".min"].iter().any(|end| stem_ends(name, end));
    test || folders.into_iter().any(|folder| FOREIGN.contains(&folder.as_str()))
}

/// `parts.test.ts`, `parts_test.go`, `x.snap`.
fn stem_ends(name: &str, end: &str) -> bool {
    name.ends_with(end) || name.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with(end))
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Lock,
    /// CHANGELOG.md and similar files, which rightly show old versions.
    History,
    Docs,
    /// Settings, workflows, scripts, container files; with the comment marker, "" if there are no comments.
    Settings(&'static str),
    Code,
}

pub(super) fn form(path: &Utf8Path) -> Form {
    let name = path.file_name().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    if locks::FILES.contains(&name) {
        return Form::Lock;
    }
    let stem = lower.split('.').next().unwrap_or_default();
    if [
        "changelog",
        "changes",
        "history",
        "news",
        "releases",
        "release-notes",
        "release_notes",
        "migration",
        "migrating",
        "upgrading",
    ]
    .contains(&stem)
    {
        return Form::History;
    }
    let requirements = lower.starts_with("requirements")
        || lower.starts_with("constraints")
        || path.parent().is_some_and(|p| p.ends_with("requirements"));
    if is_container_file(name)
        || requirements
        || ["makefile", "justfile", "pipfile", "procfile", "setup.py", "noxfile.py", ".env"]
            .contains(&lower.as_str())
    {
        return Form::Settings("#");
    }
    match path.extension() {
        Some("md" | "mdx" | "markdown" | "rst" | "adoc" | "txt" | "html") => Form::Docs,
        Some(
            "yml" | "yaml" | "toml" | "cfg" | "ini" | "sh" | "bash" | "mk" | "env" | "nix" | "tf" | "hcl"
            | "in" | "cff" | "just",
        ) => Form::Settings("#"),
        Some("json" | "jsonc" | "json5") => Form::Settings("//"),
        None if lower.starts_with('.') || lower.contains("version") => Form::Settings("#"),
        _ => Form::Code,
    }
}

/// Containerfile, Dockerfile, Dockerfile.dev, python.Dockerfile
pub(super) fn is_container_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["containerfile", "dockerfile"].iter().any(|word| {
        lower == *word || lower.starts_with(&format!("{word}.")) || lower.ends_with(&format!(".{word}"))
    })
}
