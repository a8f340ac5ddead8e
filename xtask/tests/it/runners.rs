//! The tests and linters of an app are run, or reported as not run. An app without tests must give the
//! reason.

use crate::support::{Repo, run};
use expect_test::expect;

const PYTHON: &str = "name = \"python\"\necosystem = \"python\"\npackage = \"demo-agent\"\n";
const TS: &str = "name = \"ts\"\necosystem = \"ts\"\npackage = \"demo-agent\"\n";
/// A fake pytest: `python -m pytest` runs the module of this name in the app's folder.
const PYTEST: &str = "import os, sys\nprint('1 passed in 0.01s')\nsys.exit(os.path.exists('fail'))\n";

/// A repository with one Python app without settings and without tests.
fn python() -> Repo {
    let repo = Repo::new();
    repo.write("apps/python/app.toml", PYTHON);
    repo
}

#[test]
fn an_app_without_tests_is_an_error_unless_it_gives_the_reason() {
    let repo = python();
    let output = repo.xtask(&["test", "python"]).expect(3);
    expect![[r#"
        exit code 3
          ✗ test-python       1 failed (TIME)
          - users-python      no release yet, so there are no earlier tests to run
        error[test]: python: apps/python has no tests; add some, set the command that runs them (`[commands] test = [["program", …]]` in apps/python/app.toml), or write there why the app may be released without tests: `[commands] no-tests = "WHY"` (apps/python)
        error: 1 finding to fix first
    "#]].assert_eq(&output.seen());
    repo.write("apps/python/app.toml", format!("{PYTHON}[commands]\nno-tests = \"a page of settings\"\n"));
    let output = repo.xtask(&["test", "python"]).expect(0);
    expect![[r#"
        exit code 0
          ✓ test-python       no tests: a page of settings (TIME)
          - users-python      no release yet, so there are no earlier tests to run
    "#]]
    .assert_eq(&output.seen());
    repo.write("apps/python/app.toml", format!("{PYTHON}[commands]\nno-tests = \" \"\n"));
    let output = repo.xtask(&["test", "python"]).expect(2);
    expect![[r#"
        exit code 2
        error: apps/python/app.toml: [commands] no-tests: the reason is empty; write why this app may be released without tests
    "#]].assert_eq(&output.seen());
}

#[test]
fn an_empty_command_is_an_error_that_names_the_setting() {
    let repo = python();
    let spec = "[spec]\nfile = \"openapi.json\"\n";
    let mut said = String::new();
    for lines in [
        "[commands]\ntest = [[]]\n".to_string(),
        "[commands]\nbuild = [[\"make\"], [\"\"]]\n".to_string(),
        "[release]\nannounce = [[]]\n".to_string(),
        format!("{spec}generate = []\nserve = [\"x\"]\n"),
        format!("{spec}generate = [\"x\"]\nserve = []\n"),
        format!("{spec}generate = [\"x\"]\nserve = [\"x\"]\ncontract = []\n"),
    ] {
        repo.write("apps/python/app.toml", format!("{PYTHON}{lines}"));
        said.push_str(&repo.xtask(&["openapi", "check"]).expect(2).seen());
    }
    expect![[r#"
        exit code 2
        error: apps/python/app.toml: [commands] test has an empty command; write it as a list: ["program", "argument"]
        exit code 2
        error: apps/python/app.toml: [commands] build has an empty command; write it as a list: ["program", "argument"]
        exit code 2
        error: apps/python/app.toml: [release] announce has an empty command; write it as a list: ["program", "argument"]
        exit code 2
        error: apps/python/app.toml: [spec] generate has an empty command; write it as a list: ["program", "argument"]
        exit code 2
        error: apps/python/app.toml: [spec] serve has an empty command; write it as a list: ["program", "argument"]
        exit code 2
        error: apps/python/app.toml: [spec] contract has an empty command; write it as a list: ["program", "argument"]
    "#]].assert_eq(&said);
}

#[test]
fn pytest_runs_wherever_its_settings_or_test_files_exist() {
    let mut seen = String::new();
    for (file, text) in [
        ("pytest.ini", "[pytest]\n"),
        ("tox.ini", "[pytest]\n"),
        ("setup.cfg", "[tool:pytest]\n"),
        ("tests/test_it.py", "def test_it(): pass\n"),
        ("src/demo_agent/it_test.py", "def test_it(): pass\n"),
    ] {
        let repo = python();
        repo.write(&format!("apps/python/{file}"), text);
        // There are tests, but pytest is not installed.
        seen.push_str(&repo.xtask(&["test", "python"]).seen_findings());
        repo.write("apps/python/pytest.py", PYTEST);
        seen.push_str(&repo.xtask(&["test", "python"]).seen_lines(&["passed"]));
        repo.write("apps/python/fail", "");
        // Existing tests run even if `no-tests` gives a reason for having none.
        repo.write("apps/python/app.toml", format!("{PYTHON}[commands]\nno-tests = \"x\"\n"));
        repo.xtask(&["test", "python"]).expect(3);
    }
    expect![[r#"
        exit code 3
        error[test]: python: apps/python has tests (the settings of pytest), but pytest is not among its dependencies (run `uv add --dev pytest` there, or set [commands] test in apps/python/app.toml): `WORLD/repo/apps/python/.venv/bin/python -m pytest`: exit code 1 (WORLD/repo/apps/python/.venv/bin/python: No module named pytest
        error: 1 finding to fix first
        exit code 0
          ✓ test-python       1 passed in TIME (TIME)
        exit code 3
        error[test]: python: apps/python has tests (the settings of pytest), but pytest is not among its dependencies (run `uv add --dev pytest` there, or set [commands] test in apps/python/app.toml): `WORLD/repo/apps/python/.venv/bin/python -m pytest`: exit code 1 (WORLD/repo/apps/python/.venv/bin/python: No module named pytest
        error: 1 finding to fix first
        exit code 0
          ✓ test-python       1 passed in TIME (TIME)
        exit code 3
        error[test]: python: apps/python has tests (the settings of pytest), but pytest is not among its dependencies (run `uv add --dev pytest` there, or set [commands] test in apps/python/app.toml): `WORLD/repo/apps/python/.venv/bin/python -m pytest`: exit code 1 (WORLD/repo/apps/python/.venv/bin/python: No module named pytest
        error: 1 finding to fix first
        exit code 0
          ✓ test-python       1 passed in TIME (TIME)
        exit code 3
        error[test]: python: apps/python has tests (tests/test_it.py), but pytest is not among its dependencies (run `uv add --dev pytest` there, or set [commands] test in apps/python/app.toml): `WORLD/repo/apps/python/.venv/bin/python -m pytest`: exit code 1 (WORLD/repo/apps/python/.venv/bin/python: No module named pytest
        error: 1 finding to fix first
        exit code 0
          ✓ test-python       1 passed in TIME (TIME)
        exit code 3
        error[test]: python: apps/python has tests (src/demo_agent/it_test.py), but pytest is not among its dependencies (run `uv add --dev pytest` there, or set [commands] test in apps/python/app.toml): `WORLD/repo/apps/python/.venv/bin/python -m pytest`: exit code 1 (WORLD/repo/apps/python/.venv/bin/python: No module named pytest
        error: 1 finding to fix first
        exit code 0
          ✓ test-python       1 passed in TIME (TIME)
    "#]].assert_eq(&seen);
}

#[test]
fn a_tool_with_settings_that_nothing_runs_is_named() {
    let repo = python();
    repo.write("apps/python/.flake8", "[flake8]\n");
    repo.write("apps/python/tox.ini", "[tox]\n");
    repo.write("apps/python/tests/test_it.py", "");
    repo.write("apps/python/pytest.py", PYTEST);
    let output = repo.xtask(&["lint", "python"]).expect(0);
    expect![[r#"
        exit code 0
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock; not run: flake8 (set [commands] lint in app.toml) (TIME)
    "#]].assert_eq(&output.seen());
    let output = repo.xtask(&["test", "python"]).expect(0);
    expect![[r#"
        exit code 0
          ✓ test-python       1 passed in TIME; not run: tox (set [commands] test in app.toml) (TIME)
          - users-python      no release yet, so there are no earlier tests to run
    "#]]
    .assert_eq(&output.seen());
    // A fake flake8 that fails.
    repo.write("apps/python/flake8.py", "import sys\nsys.exit('E501 too long')\n");
    repo.write(
        "apps/python/app.toml",
        format!("{PYTHON}[commands]\nlint = [[\"python\", \"-m\", \"flake8\"]]\n"),
    );
    let output = repo.xtask(&["lint", "python"]).expect(3);
    expect![[r#"
        exit code 3
          ✗ lint-python       1 failed (TIME)
        error[lint]: python: python -m flake8: `/usr/bin/env python -m flake8`: exit code 1 (apps/python)
        E501 too long
        error: 1 finding to fix first
    "#]]
    .assert_eq(&output.seen());
    assert!(!output.stderr.contains("not run"), "{}", output.stderr);
}

#[test]
fn the_scripts_of_package_json_are_named_or_run_by_the_commands_of_the_settings() {
    let repo = Repo::new();
    let package = r#"{ "name": "demo-agent", "version": "0.0.0",
        "scripts": { "test": "node --test", "lint": "eslint ." } }"#;
    repo.write("apps/ts/app.toml", TS);
    repo.write("apps/ts/package.json", package);
    let output = repo.xtask(&["test", "ts"]).expect(3);
    expect![[r#"
        exit code 3
          ✗ test-ts           1 failed (TIME)
          - users-ts          no release yet, so there are no earlier tests to run
        error[test]: ts: apps/ts has no tests; add some, set the command that runs them (`[commands] test = [["program", …]]` in apps/ts/app.toml), or write there why the app may be released without tests: `[commands] no-tests = "WHY"` (apps/ts)
        error: 1 finding to fix first
    "#]].assert_eq(&output.seen());
    let output = repo.xtask(&["lint", "ts"]).expect(0);
    expect![[r#"
        exit code 0
          ✓ lint-ts           bun.lock; not run: npm run lint (set [commands] lint in app.toml) (TIME)
    "#]]
    .assert_eq(&output.seen());
    repo.write(
        "apps/ts/it.test.js",
        "require(\"node:test\")(\"it\", () => { if (process.versions.bun) throw 1; });\n",
    );
    repo.write("apps/ts/app.toml", format!("{TS}[commands]\ntest = [[\"node\", \"--test\"]]\n"));
    if run(repo.command("node", &repo.path).arg("--version")).code != 0 {
        return crate::skip::skip("node is not installed");
    }
    let output = repo.xtask(&["test", "ts"]).expect(0);
    assert!(output.stderr.contains("node --test: "), "{}", output.stderr);
    repo.write("apps/ts/it.test.js", "throw new Error(\"broken\");\n");
    repo.xtask(&["test", "ts"]).expect(3);
}

#[test]
fn the_readme_lists_every_setting() {
    let root = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let readme = read("../README.md");
    let (_, section) =
        readme.split_once("\n## In your own monorepo\n").expect("the section for other repositories");
    let rows: Vec<&str> = section
        .split("\n## ")
        .next()
        .unwrap()
        .lines()
        .filter_map(|l| l.strip_prefix("| `")?.split('`').next())
        .collect();
    let mut keys = Vec::new();
    let mut table = None;
    for line in read("src/model/workspace/settings.rs").lines() {
        if let Some((name, _)) = line.strip_prefix("pub(crate) struct ").and_then(|l| l.split_once(' ')) {
            table = match name {
                "Settings" | "AppSettings" => Some(String::new()),
                "Acceptance" => Some("[accept] ".to_string()),
                "Downstream" => Some("downstream[].".to_string()),
                name => Some(format!(
                    "[{}] ",
                    name.strip_suffix("Settings").expect("a table's name").to_lowercase()
                )),
            };
        } else if line == "}" {
            table = None;
        } else if let (Some(table), Some((key, kind))) =
            (&table, line.strip_prefix("    pub ").and_then(|l| l.split_once(": ")))
        {
            // A table has no row of its own; each of its keys has one.
            if !["Settings", "Acceptance", "Downstream"].iter().any(|table| kind.contains(table)) {
                keys.push(format!("{table}{}", key.replace('_', "-")));
            }
        }
    }
    assert!(keys.len() > 25, "{keys:?}");
    assert_eq!(rows, keys, "README.md's table and xtask/src/model/workspace/settings.rs, in the same order");
}

#[test]
fn lint_writes_no_files_into_an_app_without_a_lock_file() {
    let repo = crate::demo::files(&["python"]);
    std::fs::remove_file(repo.path.join("apps/python/uv.lock")).unwrap();
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: an app without a lock file"]);
    repo.xtask(&["lint", "python"]).expect(0);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_moved_checkout_runs_its_own_code() {
    let repo = crate::demo::files(&["python"]);
    let settings = repo.read("apps/python/app.toml");
    let code = "import demo_agent; print('at', demo_agent.__file__, 'passed')";
    let (before, _) = settings.split_once("[commands]\n").expect("the last table");
    repo.write(
        "apps/python/app.toml",
        format!("{before}[commands]\ntest = [[\"python\", \"-c\", \"{code}\"]]\n"),
    );
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: an app that prints its path"]);
    repo.xtask(&["test", "python"]).expect(0);
    let moved = repo.world().join("moved");
    assert_eq!(
        run(repo.command("cp", repo.world()).args(["-a", repo.path.as_str(), moved.as_str()])).code,
        0
    );
    let tested = repo.xtask_in(&moved, &["test", "python"]).expect(0);
    expect![[r#"
        exit code 0
          ✓ test-python       python -c import demo_agent; print('at', demo_agent.__file__, 'passed'): at WORLD/moved/apps/python/src/demo_agent/__init__.py passed (TIME)
          - users-python      no release yet, so there are no earlier tests to run
    "#]].assert_eq(&tested.seen());
    assert!(!tested.stderr.contains(repo.path.join("apps").as_str()), "{}", tested.stderr);
}
