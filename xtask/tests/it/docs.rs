//! README, RUNBOOK, ARCHITECTURE and CONTRIBUTING against the code: findings, environment variables, paths,
//! line lengths.

use crate::support::run;
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::OnceLock;

const COLUMNS: usize = 110;

pub(crate) fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

pub(crate) fn read(file: impl AsRef<Utf8Path>) -> String {
    let path = root().join(file.as_ref());
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files that git tracks, below these paths, with one of these endings.
pub(crate) fn tracked(paths: &[&str], endings: &[&str]) -> Vec<Utf8PathBuf> {
    let mut command = Command::new("git");
    command
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "--"])
        .args(paths);
    let listed = run(&mut command).expect(0);
    let files = listed.stdout.lines().map(Utf8PathBuf::from);
    files.filter(|f| f.extension().is_some_and(|e| endings.contains(&e)) && root().join(f).exists()).collect()
}

/// xtask's sources without their unit tests.
fn sources() -> Vec<(Utf8PathBuf, String)> {
    let files = tracked(&["xtask/src", "xtask/diff/src"], &["rs"]);
    let product = files.into_iter().filter(|f| !matches!(f.file_stem(), Some("tests" | "testing")));
    product
        .map(|f| {
            (f.clone(), read(&f).split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_string())
        })
        .collect()
}

/// The ids in the first column of the RUNBOOK's tables of findings.
pub(crate) fn documented_findings() -> BTreeSet<String> {
    let runbook = read("xtask/RUNBOOK.md");
    let section =
        runbook.split("\n## Findings\n").nth(1).expect("a section").split("\n## ").next().expect("its text");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let first = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2));
    first.map(str::to_string).collect()
}

/// Does the RUNBOOK have a row for it?
pub(crate) fn documents(id: &str) -> bool {
    static KNOWN: OnceLock<BTreeSet<String>> = OnceLock::new();
    // rustc's own errors, in a repository that holds xtask: `error[E0425]`.
    KNOWN.get_or_init(documented_findings).contains(id) || id.starts_with('E')
}

/// Does the RUNBOOK's table of messages have a row for this output of a release that stopped? `…` in a row
/// stands for any text on the same line.
pub(crate) fn explains(output: &str) -> bool {
    let runbook = read("xtask/RUNBOOK.md");
    let section = runbook.split("\n## A release failed\n").nth(1).expect("a section");
    let table = section.split("\n| message |").nth(1).expect("a table").split("\n\n").next().expect("rows");
    let firsts = table.lines().filter_map(|row| row.split('|').nth(1));
    let messages: Vec<&str> = firsts.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    // Every stopped release has that one.
    let names_a_cause = |message: &&&str| !message.starts_with("step ");
    let fits = |line: &str, message: &str| {
        // A status is no part of a hash or a port.
        if message.bytes().all(|b| b.is_ascii_digit()) {
            return line.split(|c: char| !c.is_alphanumeric()).any(|word| word == message);
        }
        let mut rest = Some(line);
        for part in message.split('…') {
            rest = rest.and_then(|text| Some(text.split_once(part.trim())?.1));
        }
        rest.is_some()
    };
    output.lines().any(|line| messages.iter().filter(names_a_cause).any(|message| fits(line, message)))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

#[test]
fn every_finding_has_a_row_in_the_runbook() {
    let documented = documented_findings();
    let sources = sources();
    let mut missing = BTreeSet::new();
    for (file, text) in &sources {
        // Where an id is written: the constructor, a shorthand for it in one function, a field.
        for start in ["Finding::new(", "finding(", "differs(", "refuse(", "id: ", "ID: &str = "] {
            for (at, _) in text.match_indices(start) {
                let literal = text[at + start.len()..].trim_start().strip_prefix('"');
                let id = literal.and_then(|rest| rest.split('"').next()).filter(|id| is_id(id));
                missing.extend(id.filter(|id| !documented.contains(*id)).map(|id| format!("{id} ({file})")));
            }
        }
    }
    assert!(missing.is_empty(), "findings without a row in xtask/RUNBOOK.md: {missing:#?}");
    let written = |id: &str| sources.iter().any(|(_, text)| text.contains(&format!("\"{id}\"")));
    let unknown: Vec<&String> = documented.iter().filter(|id| !written(id)).collect();
    assert!(unknown.is_empty(), "rows in xtask/RUNBOOK.md for findings that no code has: {unknown:?}");
}

#[test]
fn every_environment_variable_is_in_the_runbook() {
    let runbook = read("xtask/RUNBOOK.md");
    let mut missing = BTreeSet::new();
    let files = tracked(&["xtask", ".ci", ".github", ".gitea"], &["rs", "yml", "py", "mjs"]);
    for file in files.into_iter().chain([".ci/run".into()]) {
        let text = read(&file);
        for (at, _) in text.match_indices("XTASK_") {
            let name: String =
                text[at..].chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            // The build script passes it to the compiler; nobody sets it.
            let ours = name.len() > "XTASK_".len() && name != "XTASK_RULES";
            if ours && !runbook.contains(&format!("`{name}`")) {
                missing.insert(format!("{name} ({file})"));
            }
        }
    }
    assert!(missing.is_empty(), "environment variables without a row in xtask/RUNBOOK.md: {missing:#?}");
}

#[test]
fn paths_in_the_documentation_exist() {
    let mut missing = Vec::new();
    for file in tracked(&["*.md", "*.yml"], &["md", "yml"]) {
        let text = read(&file);
        let words = text.split(|c: char| c.is_whitespace() || "`'\"()[]{},|".contains(c));
        for word in words.filter(|word| word.starts_with("xtask/") || word.starts_with("apps/")) {
            let path = word.trim_end_matches(['.', ':', ';']).split('#').next().unwrap_or(word);
            if !path.contains(['*', '<', '…']) && !root().join(path).exists() {
                missing.push(format!("{file}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn lines_are_not_longer_than_110_columns() {
    let mut long = Vec::new();
    for file in tracked(&["*"], &["rs", "md", "py", "ts", "mjs"]) {
        if file == "CHANGELOG.md" {
            continue;
        }
        let text = read(&file);
        // A snapshot holds what programs print.
        let mut snapshot = false;
        for (number, line) in text.lines().enumerate() {
            let within = snapshot || line.contains("expect![[r#\"");
            snapshot = within && !line.contains("\"#]]");
            if line.chars().count() > COLUMNS && !within {
                long.push(format!("{file}:{}: {} columns", number + 1, line.chars().count()));
            }
        }
    }
    assert!(long.is_empty(), "{} lines are too long:\n{}", long.len(), long.join("\n"));
}

/// The apps do not depend on each other, so neither checks it.
#[test]
fn both_apps_have_the_same_page() {
    let (python, ts) = ("apps/python/src/fractal_agents_runtime/page.html", "apps/ts/page.html");
    assert!(read(python) == read(ts), "copy {python} to {ts}, or the other way round");
}
