//! The architecture: which modules each module may use. A module may use only those in the lines above its
//! own in LAYERS. Within a module, files in the same folder must not form a circle.

use camino::{Utf8Path, Utf8PathBuf};
use std::collections::{BTreeMap, BTreeSet};

/// From the bottom to the top. `main` uses everything, and nothing uses it, nor `fuzz`, the root of the fuzz
/// targets; `skip` is for tests only; `finding` comes from the crate `diff`.
const LAYERS: &[(&str, &[&str])] = &[
    ("", &["finding", "flags"]),
    ("sys", &["date", "exit", "files", "hash", "network_fault", "parallel", "traffic", "url"]),
    ("sys", &["secrets"]),
    ("sys", &["kill_on_exit", "ui"]),
    ("sys", &["retry"]),
    ("sys", &["child", "http"]),
    ("sys", &["git", "scratch", "serve", "supervise", "tools"]),
    ("sys", &["ask", "checkout_lock", "export"]),
    ("model", &["endpoints", "markdown", "version"]),
    ("model", &["commits", "language"]),
    ("model", &["workspace"]),
    ("model", &["breaking_label", "ctx", "evidence", "manifest"]),
    ("model", &["affected", "changelog", "dry_run", "tags", "workflow"]),
    ("", &["forge", "oci"]),
    ("", &["ecosystem"]),
    ("checks", &["black_box", "passed", "probe"]),
    ("commands", &["build", "image", "openapi", "setup"]),
    ("commands", &["api", "compat"]),
    ("commands", &["plan"]),
    ("commands", &["audit", "bump", "check"]),
    ("commands", &["promote", "release"]),
    ("commands", &["hotfix", "rollback"]),
    ("commands", &["ci", "hook", "rehearse"]),
];

/// A file's module, and the modules that it names, each with the line.
struct File {
    module: Vec<String>,
    path: Utf8PathBuf,
    uses: Vec<(usize, Vec<String>)>,
}

#[test]
fn every_module_uses_only_what_is_below_it() {
    let files = files("src");
    let level = |module: &[String]| {
        let within = |group: &str, name: &str| match group {
            "" => module.first().is_some_and(|first| first == name),
            _ => {
                module.first().is_some_and(|first| first == group)
                    && module.get(1).is_some_and(|second| second == name)
            }
        };
        LAYERS.iter().position(|(group, names)| names.iter().any(|name| within(group, name)))
    };
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !["main", "fuzz", "skip"].contains(&file.module[0].as_str())) {
        let folder = file.module.len() == 1 && LAYERS.iter().any(|(group, _)| *group == file.module[0]);
        let Some(mine) = level(&file.module) else {
            if !folder {
                problems.push(format!(
                    "{}: {} is not in the table LAYERS",
                    file.path,
                    file.module.join("::")
                ));
            }
            continue;
        };
        let top = |module: &[String]| {
            module[..module.len().min(if level(&module[..1]).is_some() { 1 } else { 2 })].to_vec()
        };
        for (line, used) in file.uses.iter().filter(|(_, used)| top(used) != top(&file.module)) {
            if level(used).is_none_or(|theirs| theirs >= mine) {
                problems.push(format!(
                    "{}:{line}: {} uses {}",
                    file.path,
                    file.module.join("::"),
                    used.join("::")
                ));
            }
        }
    }
    problems.extend(circles(&files));
    assert!(problems.is_empty(), "a module uses one that is not below it:\n{}", problems.join("\n"));
}

#[test]
fn the_comparisons_form_no_circle() {
    let circles = circles(&files("diff/src"));
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// Every file below the folder except tests.
fn files(below: &str) -> Vec<File> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let pattern = format!("{root}/**/*.rs");
    let paths: Vec<Utf8PathBuf> =
        glob::glob(&pattern).unwrap().map(|path| Utf8PathBuf::try_from(path.unwrap()).unwrap()).collect();
    let module = |path: &Utf8Path| -> Vec<String> {
        path.strip_prefix(&root)
            .unwrap()
            .with_extension("")
            .components()
            .map(|part| part.as_str().to_string())
            .collect()
    };
    let known: BTreeSet<Vec<String>> = paths.iter().map(|path| module(path)).collect();
    let tests = |path: &&Utf8PathBuf| !matches!(path.file_stem(), Some("tests" | "testing"));
    let read = |path: &Utf8PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        File {
            module: module(path),
            path: path.strip_prefix(&root).unwrap().into(),
            uses: uses(text, &module(path), &known),
        }
    };
    paths.iter().filter(tests).map(read).collect()
}

/// The modules named by `crate::` and `super::`, in `use` and elsewhere, with their lines.
fn uses(text: &str, module: &[String], known: &BTreeSet<Vec<String>>) -> Vec<(usize, Vec<String>)> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or("").to_string() + "\n").collect();
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line = code[..at].matches('\n').count() + 1;
            for path in leaves(&code[at..]) {
                let mut parts: Vec<String> = path.split("::").map(str::to_string).collect();
                let ups = parts.iter().take_while(|part| *part == "super").count();
                let base = if ups > 0 { &module[..module.len().saturating_sub(ups)] } else { &[] };
                parts.drain(..ups.max(1));
                let mut full = [base, &parts].concat();
                while !full.is_empty() && !known.contains(&full) {
                    full.pop();
                }
                if !full.is_empty() {
                    found.push((line, full));
                }
            }
        }
    }
    found
}

/// The paths of the `use` tree at the start of the text: `a::{b, c::{self, d}}` gives `a::b`, `a::c::self`,
/// `a::c::d`.
fn leaves(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let Some(inner) = rest.strip_prefix('{').filter(|_| head.ends_with("::")) else {
        return vec![head.to_string()];
    };
    let (mut paths, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = inner[start..at].trim();
                paths.extend(
                    leaves(part)
                        .into_iter()
                        .filter(|path| !path.is_empty())
                        .map(|path| format!("{head}{path}")),
                );
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    paths
}

/// Circles of modules in the same folder, each with the path around the circle.
fn circles(files: &[File]) -> Vec<String> {
    // For each folder, which module uses which.
    let mut beside: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for file in files {
        for (_, used) in &file.uses {
            let common = file.module.iter().zip(used).take_while(|(a, b)| a == b).count();
            if let (Some(user), Some(used)) = (file.module.get(common), used.get(common)) {
                let folder = beside.entry(file.module[..common].to_vec()).or_default();
                folder.entry(user.clone()).or_default().insert(used.clone());
            }
        }
    }
    let mut found = Vec::new();
    for (folder, uses) in beside {
        // A module that uses none of the remaining ones is not part of a circle.
        let mut left = uses;
        loop {
            let names: BTreeSet<String> = left.keys().cloned().collect();
            left.values_mut().for_each(|used| used.retain(|name| names.contains(name)));
            let before = left.len();
            left.retain(|_, used| !used.is_empty());
            if left.len() == before {
                break;
            }
        }
        found.extend(
            left.iter()
                .map(|(user, used)| format!("a circle in {}: {user} uses {used:?}", folder.join("::"))),
        );
    }
    found
}

#[test]
fn a_use_tree_is_read_completely() {
    for (text, expected) in [
        ("crate::sys::ui;", vec!["crate::sys::ui"]),
        ("crate::{Ctx, sys::{self, ui}};", vec!["crate::Ctx", "crate::sys::self", "crate::sys::ui"]),
        ("super::super::a::b(1)", vec!["super::super::a::b"]),
        ("super::{a as b,\n  c};", vec!["super::a", "super::c"]),
    ] {
        assert_eq!(leaves(text), expected, "{text}");
    }
}

#[test]
fn a_module_above_and_a_circle_are_found() {
    let known: BTreeSet<Vec<String>> =
        [vec!["a".to_string()], vec!["a".into(), "x".into()], vec!["a".into(), "y".into()]].into();
    let file = |module: &[&str], text: &str| {
        let module: Vec<String> = module.iter().map(|part| part.to_string()).collect();
        File { uses: uses(text, &module, &known), path: "f.rs".into(), module }
    };
    let x = file(&["a", "x"], "use std::fs;\nuse super::y::Z; // super::x\n");
    assert_eq!(x.uses, [(2, vec!["a".to_string(), "y".to_string()])]);
    assert!(circles(&[x]).is_empty());
    let both = [file(&["a", "x"], "use super::y::Z;"), file(&["a", "y"], "fn f() { crate::a::x::g() }")];
    assert_eq!(circles(&both).len(), 2);
}
