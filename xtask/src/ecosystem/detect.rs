//! Finds the linters and tests that an app has, from the files in its folder. Pure, except for [`files`].

use crate::model::workspace::CommandsSettings;
use anyhow::Result;
use camino::Utf8Path;

/// Folders without tests of the app: those that tools write, and examples, whose tests `[compat] users` runs.
const SKIPPED: [&str; 6] = ["node_modules", "dist", "build", "target", "examples", "__pycache__"];

/// Every file below `dir`, relative to it, sorted.
pub(super) fn files(dir: &Utf8Path) -> Result<Vec<String>> {
    let (mut found, mut open) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in folder.read_dir_utf8()? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_file() {
                found.push(entry.path().strip_prefix(dir)?.to_string());
            } else if kind.is_dir()
                && !entry.file_name().starts_with('.')
                && !SKIPPED.contains(&entry.file_name())
            {
                // Skip a virtual environment of any name.
                if !entry.path().join("pyvenv.cfg").exists() {
                    open.push(entry.path().to_path_buf());
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The first file that looks like tests for pytest.
pub(super) fn python_tests(files: &[String]) -> Option<&str> {
    files.iter().map(String::as_str).find(|path| {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(stem) = name.strip_suffix(".py") else { return false };
        let in_tests = matches!(folders.split('/').next(), Some("tests" | "test"))
            && !matches!(stem, "__init__" | "conftest");
        in_tests || stem.starts_with("test_") || stem.ends_with("_test")
    })
}

/// The first file that looks like tests for bun, vitest or jest.
pub(super) fn ts_tests(files: &[String]) -> Option<&str> {
    files.iter().map(String::as_str).find(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some((stem, extension)) = name.rsplit_once('.') else { return false };
        let script = matches!(extension, "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts");
        let test = [".test", "_test", ".spec", "_spec"].iter().any(|end| stem.ends_with(end));
        script && (test || path.contains("__tests__/"))
    })
}

/// The kind of a tool that the app configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Lint,
    Test,
}

/// Files whose presence means that a tool is configured. A name with `*` matches by the part before it.
const FILES: [(&str, Kind, &[&str]); 16] = [
    ("flake8", Kind::Lint, &[".flake8"]),
    ("pylint", Kind::Lint, &[".pylintrc", "pylintrc"]),
    ("pyright", Kind::Lint, &["pyrightconfig.json"]),
    ("pre-commit", Kind::Lint, &[".pre-commit-config.yaml"]),
    ("eslint", Kind::Lint, &["eslint.config.*", ".eslintrc*"]),
    ("prettier", Kind::Lint, &["prettier.config.*", ".prettierrc*"]),
    ("stylelint", Kind::Lint, &["stylelint.config.*", ".stylelintrc*"]),
    ("oxlint", Kind::Lint, &[".oxlintrc*"]),
    ("tox", Kind::Test, &[]),
    ("nox", Kind::Test, &["noxfile.py"]),
    ("vitest", Kind::Test, &["vitest.config.*", "vitest.workspace.*"]),
    ("jest", Kind::Test, &["jest.config.*"]),
    ("mocha", Kind::Test, &[".mocharc*"]),
    ("ava", Kind::Test, &["ava.config.*"]),
    ("playwright", Kind::Test, &["playwright.config.*"]),
    ("cypress", Kind::Test, &["cypress.config.*"]),
];

/// Tables `[tool.X]` and sections `[X]` that configure a tool that xtask does not run by itself.
const TABLES: [(&str, Kind); 7] = [
    ("flake8", Kind::Lint),
    ("pylint", Kind::Lint),
    ("black", Kind::Lint),
    ("isort", Kind::Lint),
    ("bandit", Kind::Lint),
    ("tox", Kind::Test),
    ("testenv", Kind::Test),
];

fn top<'a>(files: &'a [String], name: &str) -> Option<&'a str> {
    let (start, open) = name.split_once('*').map_or((name, false), |(start, _)| (start, true));
    files
        .iter()
        .map(String::as_str)
        .find(|f| !f.contains('/') && (*f == name || open && f.starts_with(start)))
}

fn of_files(files: &[String], kind: Kind) -> Vec<String> {
    let set_up = FILES
        .iter()
        .filter(|(_, k, names)| *k == kind && names.iter().any(|name| top(files, name).is_some()));
    set_up.map(|(tool, ..)| tool.to_string()).collect()
}

/// The section names of an INI file, such as `tool:pytest` and `testenv:py`.
pub(super) fn sections(text: &str) -> Vec<String> {
    let headers = text.lines().filter_map(|line| line.trim_end().strip_prefix('[')?.strip_suffix(']'));
    headers.map(|name| name.trim().to_string()).collect()
}

/// The tools that a Python app configures and that only `[commands]` can run. `tables`: the tables below
/// `tool` in pyproject.toml, and the sections of setup.cfg and tox.ini.
pub(super) fn python_others(files: &[String], tables: &[String], kind: Kind) -> Vec<String> {
    let mut tools = of_files(files, kind);
    for (table, k) in TABLES {
        if k == kind && tables.iter().any(|t| t == table || t.split([':', '.']).next() == Some(table)) {
            tools.push(if table == "testenv" { "tox" } else { table }.to_string());
        }
    }
    tools.sort();
    tools.dedup();
    tools
}

/// The tools that a TypeScript app configures and that only `[commands]` can run.
pub(super) fn ts_others(files: &[String], package: &serde_json::Value, kind: Kind) -> Vec<String> {
    let mut tools = of_files(files, kind);
    let names: &[(&str, &str)] = match kind {
        Kind::Lint => &[("eslintConfig", "eslint"), ("prettier", "prettier"), ("stylelint", "stylelint")],
        Kind::Test => &[("jest", "jest"), ("ava", "ava"), ("mocha", "mocha")],
    };
    tools.extend(names.iter().filter(|(key, _)| !package[*key].is_null()).map(|(_, tool)| tool.to_string()));
    if kind == Kind::Test {
        let installed = ["vitest", "jest", "mocha", "ava"].into_iter();
        tools.extend(installed.filter(|name| !package["devDependencies"][*name].is_null()).map(String::from));
    }
    let (script, ours): (&str, &[&str]) = match kind {
        Kind::Lint => ("lint", &["biome", "tsc"]),
        Kind::Test => ("test", &["bun test"]),
    };
    if let Some(text) = package["scripts"][script].as_str() {
        // The placeholder that `npm init` writes runs no tests.
        let placeholder = text.contains("no test specified");
        if !placeholder && !ours.iter().any(|tool| text.starts_with(tool)) {
            tools.push(format!("npm run {script}"));
        }
    }
    tools.sort();
    tools.dedup();
    tools
}

/// `not run: flake8 (set [commands] lint in app.toml)`. None if `[commands]` runs every tool.
pub(super) fn not_run(tools: &[String], commands: &CommandsSettings, kind: Kind) -> Option<String> {
    let (key, argvs) = match kind {
        Kind::Lint => ("lint", &commands.lint),
        Kind::Test => ("test", &commands.test),
    };
    // A script of package.json may run all of them.
    let scripts = argvs
        .iter()
        .any(|argv| matches!(argv.first().map(String::as_str), Some("npm" | "bun" | "pnpm" | "yarn")));
    let runs = |tool: &str| argvs.iter().flatten().any(|word| word.rsplit('/').next() == Some(tool));
    let left: Vec<&str> = tools.iter().map(String::as_str).filter(|tool| !scripts && !runs(tool)).collect();
    (!left.is_empty()).then(|| format!("not run: {} (set [commands] {key} in app.toml)", left.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| n.to_string()).collect()
    }

    #[test]
    fn tests_are_found_by_file_name() {
        for (file, python, ts) in [
            ("tests/test_x.py", true, false),
            ("tests/x.py", true, false),
            ("tests/conftest.py", false, false),
            ("tests/__init__.py", false, false),
            ("tests/README.md", false, false),
            ("src/a/test_x.py", true, false),
            ("x_test.py", true, false),
            ("src/testing.py", false, false),
            ("src/tests.py", false, false),
            ("src/x.test.ts", false, true),
            ("x.spec.mjs", false, true),
            ("src/__tests__/x.tsx", false, true),
            ("src/x.test.snap", false, false),
            ("src/latest.ts", false, false),
        ] {
            assert_eq!(
                (python_tests(&list(&[file])).is_some(), ts_tests(&list(&[file])).is_some()),
                (python, ts),
                "{file}"
            );
        }
    }

    #[test]
    fn other_tools_are_found_by_files_sections_and_scripts() {
        let python = |files: &[&str], tables: &[&str], kind| {
            python_others(&list(files), &list(tables), kind).join(" ")
        };
        assert_eq!(
            python(&[".flake8", "noxfile.py", "src/.pylintrc"], &["black", "pytest"], Kind::Lint),
            "black flake8"
        );
        assert_eq!(python(&["noxfile.py"], &["testenv:py311", "tox"], Kind::Test), "nox tox");
        assert_eq!(python(&[], &["pylint.main"], Kind::Lint), "pylint");
        let ts = |files: &[&str], package, kind| ts_others(&list(files), &package, kind).join(", ");
        assert_eq!(ts(&["eslint.config.mjs", "a/.prettierrc"], json!({}), Kind::Lint), "eslint");
        assert_eq!(
            ts(
                &[],
                json!({ "scripts": { "test": "vitest run" }, "devDependencies": { "vitest": "1" } }),
                Kind::Test
            ),
            "npm run test, vitest"
        );
        assert_eq!(
            ts(&[], json!({ "scripts": { "test": "bun test", "lint": "biome check" } }), Kind::Test),
            ""
        );
        assert_eq!(
            ts(
                &[],
                json!({ "scripts": { "test": "echo \"Error: no test specified\" && exit 1" } }),
                Kind::Test
            ),
            ""
        );
    }

    #[test]
    fn tools_that_commands_run_are_not_reported() {
        let commands = |lint: &[&str]| CommandsSettings { lint: vec![list(lint)], ..Default::default() };
        let left = |lint: &[&str]| not_run(&list(&["eslint", "prettier"]), &commands(lint), Kind::Lint);
        assert_eq!(
            left(&["eslint", "."]).as_deref(),
            Some("not run: prettier (set [commands] lint in app.toml)")
        );
        assert_eq!(left(&["npm", "run", "lint"]), None);
        assert_eq!(not_run(&[], &commands(&[]), Kind::Lint), None);
    }
}
