//! A breaking change in a `fix` commit: `plan`, `check`, a pull request's job and `release` find and stop it.

use crate::demo::World;
use crate::seen::masked;
use crate::support::{APP_TOML, PYPROJECT, Repo, run, user_cache};
use expect_test::expect;
use serde_json::Value;

/// The Python app at 0.0.1 with its package guarded; nothing is tagged.
pub(crate) fn app() -> Repo {
    let repo = Repo::new();
    repo.write("apps/python/app.toml", format!("{APP_TOML}\n[api]\npublic = [\"demo_agent\"]\n"));
    repo.write("apps/python/pyproject.toml", PYPROJECT.replace("0.0.0", "0.0.1"));
    repo
}

pub(crate) const BASE: &str = "\
class BaseAdapter:
    \"\"\"What channel adapters derive from.\"\"\"

    def capabilities(self) -> list[str]:
        return []


class RuntimeCapabilities:
    def __init__(self, names: list[str]) -> None:
        self.names = names
";

/// A release with adapters; since then a `fix` commit renamed one symbol.
pub(crate) fn renamed_under_a_fix() -> Repo {
    let repo = app();
    repo.write("apps/python/src/demo_agent/adapters/__init__.py", "");
    repo.commit("apps/python/src/demo_agent/adapters/base.py", BASE, "feat: adapters");
    repo.git(&["tag", "python-v0.0.1"]);
    let renamed = BASE.replace("RuntimeCapabilities", "AdapterCapabilities");
    repo.commit("apps/python/src/demo_agent/adapters/base.py", &renamed, "fix(python): a better name");
    repo
}

#[test]
fn the_plan_shows_what_the_api_demands_and_stops_what_no_commit_declares() {
    let repo = renamed_under_a_fix();
    let stopped = repo.untouched(|| repo.xtask(&["plan", "python"]).expect(3));
    expect![[r#"
        python  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.1
            1234567  fix(python)  a better name
          evidence
            commits   patch    fix(python): a better name (1234567)
            api       major    breaks users since python-v0.0.1: demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
    "#]]
    .assert_eq(&masked(&stopped.stdout));
    expect![[r#"
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]]
    .assert_eq(&masked(&stopped.stderr));
}

#[test]
fn comparisons_are_cached_and_a_broken_cache_is_rebuilt() {
    let repo = renamed_under_a_fix();
    // A cache of the test's own, because the test writes wrong comparisons into it.
    let cache = repo.world().join("cache");
    std::fs::create_dir(&cache).unwrap();
    let tools = std::path::Path::new(&user_cache()).join("tools");
    std::os::unix::fs::symlink(tools, cache.join("tools")).unwrap();
    let plan = |args: &[&str]| {
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        run(command.env("XTASK_CACHE", &cache).args(["plan", "python"]).args(args)).expect(3)
    };
    let first = plan(&["--json"]);
    let folder = cache.join("evidence");
    let entries =
        || -> Vec<_> { folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect() };
    let [entry] = &entries()[..] else { panic!("{:?}", entries()) };
    let text = std::fs::read_to_string(entry).unwrap();
    // The plan shows the cached text.
    std::fs::write(entry, text.replace("is now called", "was renamed to")).unwrap();
    let told = plan(&[]);
    expect![[r#"
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` was renamed to `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
    "#]].assert_eq(&masked(told.stderr.split("\n  →").next().unwrap_or_default()));
    for broken in ["", "{", "[{}]", "null"] {
        std::fs::write(entry, broken).unwrap();
        assert_eq!(plan(&["--json"]).stdout, first.stdout, "{broken:?}");
        assert_eq!(std::fs::read_to_string(entry).unwrap(), text, "{broken:?}");
    }
    // If the cache cannot be written, the plan is the same.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    assert_eq!(plan(&["--json"]).stdout, first.stdout);
}

#[test]
fn a_raised_requires_python_is_compared_without_a_change_of_the_package() {
    let repo = app();
    repo.commit("apps/python/src/demo_agent/adapters.py", BASE, "feat: adapters");
    repo.git(&["tag", "python-v0.0.1"]);
    let manifest = repo.read("apps/python/pyproject.toml");
    let raised = manifest.replace("requires-python = \">=3.11\"", "requires-python = \">=3.12\"");
    assert_ne!(raised, manifest);
    repo.commit("apps/python/pyproject.toml", &raised, "chore(python): drop Python 3.11");
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.0.2  (patch)
          does not count since python-v0.0.1
            1234567  chore(python)  drop Python 3.11  chore releases nothing
          evidence
            commits   none     none of 1 commit counts
            api       patch    changed in ways that may break somebody since python-v0.0.1: requires-python: it can no longer be installed with Python 3.11: `requires-python` was `>=3.11`, now `>=3.12`; breaks users of that Python
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]].assert_eq(&repo.untouched(|| repo.xtask(&["plan", "python"])).seen());
}

#[test]
fn a_plan_downloads_nothing_and_reports_what_is_missing() {
    let repo = renamed_under_a_fix();
    let empty = repo.world().join("empty-cache");
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    let output = run(command.env("XTASK_CACHE", &empty).args(["plan", "python"])).expect(0);
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.0.2  (patch)
          counts since python-v0.0.1
            1234567  fix(python)  a better name
          evidence
            commits   patch    fix(python): a better name (1234567)
            api       none     not compared: griffe, which reads the API, is not installed yet; cargo xtask setup
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[api-unread]: python: griffe, which reads the API, is not installed yet
          → cargo xtask setup
    "#]].assert_eq(&output.seen());
    assert!(!empty.join("tools").exists(), "something was installed");
}

#[test]
fn an_unchanged_package_is_not_compared() {
    let repo = app();
    repo.commit("apps/python/src/demo_agent/__init__.py", "VALUE = 1\n", "feat: a value");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.commit("apps/python/README.md", "# demo\n", "fix: the title");
    let plan = repo.xtask(&["plan", "python", "--json"]).expect(0).json();
    let sources: Vec<&Value> =
        plan["apps"][0]["evidence"].as_array().unwrap().iter().map(|e| &e["source"]).collect();
    assert_eq!(sources, ["commits", "tags"]);
    assert!(!repo.path.join("target").exists());
    repo.commit("apps/python/src/demo_agent/__init__.py", "VALUE = 1\n\ndef more(): ...\n", "fix: more");
    let plan = repo.xtask(&["plan", "python", "--json"]).expect(0).json();
    assert_eq!(
        plan["apps"][0]["next"], "0.1.0",
        "an addition demands a minor version, regardless of the commit's type: {plan}"
    );
    repo.commit(
        "apps/python/pyproject.toml",
        &PYPROJECT.replace("0.0.0", "0.0.2"),
        "chore(release): python v0.0.2",
    );
    let stopped = repo.xtask(&["plan", "python"]).expect(3);
    expect![[r#"
        exit code 3
        python  0.0.1 → 0.1.0  (minor, pending in the manifest)
          counts since python-v0.0.1
            1234567  fix             more
            1234567  fix             the title
          does not count since python-v0.0.1
            1234567  chore(release)  python v0.0.2  chore releases nothing
          evidence
            commits   patch     fix: more (1234567) and 1 more
            api       minor     changed since python-v0.0.1: demo_agent.more: `more` is new
            tags      > 0.0.1   the highest tag
            manifest  >= 0.0.2  pending in apps/python/pyproject.toml
            index     ?         not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        error[pending-too-low]: python: the manifest's pending 0.0.2 is below 0.1.0, which the evidence demands (api, minor: changed since python-v0.0.1: demo_agent.more: `more` is new) (apps/python/pyproject.toml)
          → cargo xtask bump python
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
}

#[test]
fn an_unreadable_api_stops_only_at_head_where_it_can_be_fixed() {
    let repo = app();
    repo.commit("apps/python/src/demo_agent/__init__.py", "def f(:\n", "feat: half");
    repo.git(&["tag", "python-v0.0.1"]);
    // Neither can be read: the command in the hint passes once HEAD is corrected.
    repo.commit("apps/python/src/demo_agent/__init__.py", "def g(:\n", "fix: half too");
    let both = repo.xtask(&["plan", "python"]).expect(3).stderr;
    let hint = both.split_once("then check it: cargo xtask ").expect("a hint").1;
    let hint: Vec<&str> = hint.lines().next().unwrap().split(' ').collect();
    repo.commit("apps/python/src/demo_agent/__init__.py", "def f(): ...\n", "fix: whole");
    let plan = repo.xtask(&hint).expect(0);
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.0.2  (patch)
          counts since python-v0.0.1
            1234567  fix  whole
            1234567  fix  half too
          evidence
            commits   patch    fix: whole (1234567) and 1 more
            api       none     not compared: the API cannot be compared with python-v0.0.1, so breaking changes are not detected: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python; only the commits decide the version: declare breaking changes in them
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[api-unreadable]: python: the API cannot be compared with python-v0.0.1, so breaking changes are not detected: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo_agent/__init__.py:1: invalid syntax (<unknown>, line 1)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
          → only the commits decide the version: declare breaking changes in them
    "#]].assert_eq(&plan.seen());
    repo.commit(
        "apps/python/pyproject.toml",
        &PYPROJECT.replace("0.0.0", "0.0.2"),
        "chore(release): python v0.0.2",
    );
    repo.git(&["tag", "python-v0.0.2"]);
    repo.commit("apps/python/src/demo_agent/__init__.py", "def f(:\n", "fix: half again");
    let plan = repo.xtask(&["plan", "python"]).expect(3);
    expect![[r#"
        exit code 3
        python  0.0.2 → 0.0.3  (patch)
          counts since python-v0.0.2
            1234567  fix  half again
          evidence
            commits   patch    fix: half again (1234567)
            api       none     not compared: the API cannot be compared with python-v0.0.2, so breaking changes are not detected: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python; correct and commit what the message names, then check it: cargo xtask plan python
            tags      > 0.0.2  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        error[api-unreadable]: python: the API cannot be compared with python-v0.0.2, so breaking changes are not detected: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo_agent/__init__.py:1: invalid syntax (<unknown>, line 1)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
          → correct and commit what the message names, then check it: cargo xtask plan python
        error: 1 finding to fix first
    "#]].assert_eq(&plan.seen());
    // Its number may be too low.
    let bump = repo.xtask(&["bump", "python", "--dry-run"]).expect(0);
    expect![[r#"
        error[api-unreadable]: python: the API cannot be compared with python-v0.0.2, so breaking changes are not detected: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo_agent/__init__.py:1: invalid syntax (<unknown>, line 1)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
          → correct and commit what the message names, then check it: cargo xtask plan python
        ✓ chore(release): python v0.0.3
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&masked(&bump.stderr));
}

#[test]
fn check_stops_a_break_that_no_commit_declares_and_passes_one_that_is_declared() {
    let repo = renamed_under_a_fix();
    let output = repo.xtask(&["check", "python"]).expect(3);
    expect![[r#"
        exit code 3
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ test-python       no tests: a fixture (TIME)
          - users-python      python-v0.0.1 has neither black-box tests nor an example plugin
          ✗ plan-python       1 to fix (TIME)
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&output.seen());
    let settings = repo.read("apps/python/app.toml");
    let accept = "\n[[accept]]\nid = \"class-renamed\"\nversion = \"0.0.2\"\nreason = \"nobody has it\"\n";
    repo.commit("apps/python/app.toml", &format!("{settings}{accept}"), "chore: accept it");
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.0.2  (patch)
          counts since python-v0.0.1
            1234567  fix(python)  a better name
          does not count since python-v0.0.1
            1234567  chore        accept it  chore releases nothing
          evidence
            commits   patch    fix(python): a better name (1234567)
            api       0.0.2    accepted for 0.0.2: nobody has it [class-renamed]
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&plan.seen());
    let output = repo.xtask(&["check", "python"]);
    expect![[r#"
        exit code 0
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ test-python       no tests: a fixture (TIME)
          - users-python      python-v0.0.1 has neither black-box tests nor an example plugin
          ✓ plan-python       the next release is patch (0.0.2) (TIME)
    "#]]
    .assert_eq(&output.seen());
    repo.commit("apps/python/app.toml", &settings, "chore: think again");
    repo.change("feat!: adapters say what they can do by another name");
    let output = repo.xtask(&["check", "python"]);
    assert!(!output.stderr.contains("undeclared-break"), "{}", output.stderr);
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.1
            1234567  feat!        adapters say what they can do by another name  breaking
            1234567  fix(python)  a better name
          does not count since python-v0.0.1
            1234567  chore        think again  chore releases nothing
            1234567  chore        accept it  chore releases nothing
          evidence
            commits   major    feat!: adapters say what they can do by another name (1234567) and 1 more
            api       major    breaks users since python-v0.0.1: demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users; declared by feat!: adapters say what they can do by another name (1234567)
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]].assert_eq(&plan.seen());
}

#[test]
fn removing_a_guard_lets_no_break_pass() {
    let repo = renamed_under_a_fix();
    let settings = repo.read("apps/python/app.toml");
    let plan = || repo.xtask(&["plan", "python"]);
    repo.commit("apps/python/app.toml", APP_TOML, "chore(python): less to look at");
    expect![[r#"
        exit code 3
        python  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.1
            1234567  fix(python)    a better name
          does not count since python-v0.0.1
            1234567  chore(python)  less to look at  chore releases nothing
          evidence
            commits   patch    fix(python): a better name (1234567)
            settings  major    breaks users since python-v0.0.1: demo_agent was in [api] public in python-v0.0.1 and no longer is, so later breaks of it would not be detected
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/app.toml):
          [guard-removed] demo_agent was in [api] public in python-v0.0.1 and no longer is, so later breaks of it would not be detected
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "guard-removed", what = "demo_agent", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&plan().expect(3).seen());
    repo.commit(
        "apps/python/app.toml",
        &settings.replace("demo_agent\"]", "demo_agent.adapters\"]"),
        "chore(python): some of it",
    );
    expect![[r#"
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python):
          [guard-removed] demo_agent was in [api] public in python-v0.0.1 and no longer is, so later breaks of it would not be detected (apps/python/app.toml)
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users (apps/python/src/demo_agent/adapters/base.py:8)
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "guard-removed", what = "demo_agent", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&masked(&plan().expect(3).stderr));
    repo.commit("apps/python/app.toml", APP_TOML, "chore(python)!: the adapters are no longer public");
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.1
            1234567  chore(python)!  the adapters are no longer public  breaking
            1234567  fix(python)     a better name
          does not count since python-v0.0.1
            1234567  chore(python)   some of it  chore releases nothing
            1234567  chore(python)   less to look at  chore releases nothing
          evidence
            commits   major    chore(python)!: the adapters are no longer public (1234567) and 1 more
            settings  major    breaks users since python-v0.0.1: demo_agent was in [api] public in python-v0.0.1 and no longer is, so later breaks of it would not be detected; declared by chore(python)!: the adapters are no longer public (1234567)
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]].assert_eq(&plan().expect(0).seen());
}

#[test]
fn an_app_whose_folder_was_renamed_can_not_be_compared_and_the_plan_warns() {
    let repo = renamed_under_a_fix();
    repo.git(&["mv", "apps/python", "apps/py"]);
    repo.git(&["commit", "--quiet", "--message", "fix: another folder"]);
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.0.2  (patch)
          counts since python-v0.0.1
            1234567  fix  another folder
          evidence
            commits   patch    fix: another folder (1234567)
            settings  none     not compared: python-v0.0.1 has no folder apps/py: commits to the app's earlier folder do not count, and breaking changes are not detected; declare what is missing in a commit that changes a file of the new folder
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[release-moved]: python: python-v0.0.1 has no folder apps/py: commits to the app's earlier folder do not count, and breaking changes are not detected (apps/py/app.toml)
          → declare what is missing in a commit that changes a file of the new folder
    "#]].assert_eq(&plan.seen());
}

#[test]
fn a_moved_spec_is_unchanged_and_a_removed_one_breaks_its_clients() {
    let repo = app();
    let settings = repo.read("apps/python/app.toml");
    let with =
        |file: &str| format!("{settings}[spec]\nfile = {file:?}\ngenerate = [\"x\"]\nserve = [\"x\"]\n");
    let spec = r#"{"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"responses": {"200": {"description": "x"}}}}}}"#;
    repo.write("apps/python/app.toml", with("openapi.json"));
    repo.commit("apps/python/openapi.json", spec, "feat: a spec");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.git(&["mv", "apps/python/openapi.json", "apps/python/api.json"]);
    repo.commit("apps/python/app.toml", &with("api.json"), "fix: a better place");
    assert!(!repo.xtask(&["plan", "python"]).expect(0).stdout.contains("    spec "));
    repo.commit("apps/python/api.json", &spec.replace("/a", "/b"), "fix: a better path");
    expect![[r#"
        exit code 3
        python  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.1
            1234567  fix  a better path
            1234567  fix  a better place
          evidence
            commits   patch    fix: a better path (1234567) and 1 more
            spec      major    breaks clients since python-v0.0.1: GET /a: the operation was removed with its path, without deprecation
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/api.json#/paths (was /paths/~1a/get)):
          [api-path-removed-without-deprecation] GET /a: the operation was removed with its path, without deprecation
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "api-path-removed-without-deprecation", what = "GET /a", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&repo.xtask(&["plan", "python"]).expect(3).seen());
    repo.commit("apps/python/api.json", spec, "fix: the path that clients have");
    repo.xtask(&["plan", "python"]).expect(0);
    repo.commit("apps/python/app.toml", &settings, "fix: no spec");
    let stopped = repo.xtask(&["plan", "python"]).expect(3);
    expect![[r#"
        exit code 3
        python  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.1
            1234567  fix  no spec
            1234567  fix  the path that clients have
            1234567  fix  a better path
            1234567  fix  a better place
          evidence
            commits   patch    fix: no spec (1234567) and 3 more
            spec      major    breaks clients since python-v0.0.1: GET /a: the operation was removed with its path, without deprecation
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/openapi.json#/paths (was /paths/~1a/get)):
          [api-path-removed-without-deprecation] GET /a: the operation was removed with its path, without deprecation
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "api-path-removed-without-deprecation", what = "GET /a", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
}

#[test]
fn a_pull_requests_job_shows_the_next_release_and_stops_the_break() {
    let repo = renamed_under_a_fix();
    repo.git(&["branch", "development", "HEAD~1"]);
    let lint = ["ci", "lint", "--event", "pull_request", "--ref", "feat/x"];
    let stopped = repo.xtask(&lint).expect(3);
    expect![[r#"
        exit code 3
        lint: pull request from feat/x into development at 1234567
        plan-python
          this pull request makes the next release of python minor (0.1.0): commits patch, api major, tags > 0.0.1
        lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    repo.change("feat!: adapters say what they can do by another name");
    let passed = repo.xtask(&lint).expect(0);
    expect![[r#"
        exit code 0
        lint: pull request from feat/x into development at 1234567
        plan-python
          this pull request makes the next release of python minor (0.1.0): commits major, api major, tags > 0.0.1
        lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
    "#]].assert_eq(&passed.seen());
}

#[test]
fn a_job_reports_every_app_even_if_one_can_not_be_planned() {
    let repo = renamed_under_a_fix();
    repo.write(
        "apps/zeta/app.toml",
        "name = \"zeta\"\necosystem = \"python\"\npackage = \"zeta\"\n[api]\npublic = [\"nowhere\"]\n",
    );
    repo.write("apps/zeta/pyproject.toml", PYPROJECT.replace("demo-agent", "zeta").replace("0.0.0", "0.0.1"));
    repo.commit("apps/zeta/src/zeta/__init__.py", "", "feat: another app");
    repo.git(&["tag", "zeta-v0.0.1"]);
    repo.git(&["branch", "development", "HEAD~2"]);
    repo.commit("apps/zeta/src/zeta/__init__.py", "A = 1\n", "feat: a value");
    let stopped = repo.xtask(&["ci", "lint", "--event", "pull_request", "--ref", "feat/x"]).expect(2);
    expect![[r#"
        exit code 2
        lint: pull request from feat/x into development at 1234567
        plan-python
          this pull request makes the next release of python minor (0.1.0): commits patch, api major, tags > 0.0.1
        plan-zeta
        lint-python, lint-zeta
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ lint-zeta         no linter is configured; uv.lock is missing: cd apps/zeta && uv lock (TIME)
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: apps/zeta/app.toml: [api] public names the module nowhere, which exists neither in COMMIT nor in COMMIT
    "#]].assert_eq(&stopped.seen());
}

#[test]
fn a_release_stops_an_undeclared_break_too() {
    let world = World::new();
    let repo = &world.repo;
    repo.commit("apps/python/src/demo_agent/adapters.py", BASE, "feat: adapters");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.git(&["push", "--quiet", "origin", "python-v0.0.1"]);
    let renamed = BASE.replace("RuntimeCapabilities", "AdapterCapabilities");
    repo.commit("apps/python/src/demo_agent/adapters.py", &renamed, "fix(python): a better name");
    world.bump(&[]);
    let outside = world.outside();
    let stopped = world.xtask(&["release", "python"]).expect(3);
    expect![[r#"
        exit code 3
        Release python v0.1.0 at 1234567
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
          ✓ test-python       no tests: other tests look at it from outside (TIME)
          - users-python      python-v0.0.1 has neither black-box tests nor an example plugin
          ✗ preflight         stopped here (TIME)
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters.py:8):
          [class-renamed] demo_agent.adapters.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    assert_eq!(outside, world.outside());
    repo.commit(
        "apps/python/README.md",
        "# demo-agent\n",
        "feat!: adapters say what they can do by another name",
    );
    world.bump(&[]);
    let declared = world.xtask(&["release", "python", "--until", "tag"]).expect(0);
    assert!(!declared.stderr.contains("undeclared-break"), "{}", declared.stderr);
    let tag = repo.git(&["cat-file", "-p", "python-v0.1.0"]);
    let commit = repo.git(&["log", "-1", "--format=%h", "--abbrev=7", "--grep=^feat!"]);
    assert!(tag.contains(&format!("by another name ({commit})\n")), "{tag}");
    expect![[r#"
        object COMMIT
        type commit
        tag python-v0.1.0
        tagger Dev <dev@example.org> 1234567890 +0000

        python v0.1.0

        ### Breaking

        - adapters say what they can do by another name

        ### Fixed

        - a better name

        Source-Commit: COMMIT
        Dist-Sha256: SHA256  demo_agent-0.1.0-py3-none-any.whl
        Dist-Sha256: SHA256  demo_agent-0.1.0.tar.gz
        Image-Digest: sha256:SHA256
        Image-Base: sha256:SHA256
        Breaking-Change: feat!: adapters say what they can do by another name (1234567)
        Tool-Version: xtask VERSION
        Tool-Version: uv VERSION
        Tool-Version: twine VERSION
        Tool-Version: griffe VERSION
        Run-Id: local-RUN
    "#]]
    .assert_eq(&masked(&tag));
}

#[test]
fn a_confirmed_break_is_released_with_its_reason_in_the_changelog_and_the_tag() {
    let world = World::new();
    let repo = &world.repo;
    repo.commit("apps/python/src/demo_agent/adapters.py", BASE, "feat: adapters");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.git(&["push", "--quiet", "origin", "python-v0.0.1"]);
    let renamed = BASE.replace("RuntimeCapabilities", "AdapterCapabilities");
    repo.commit("apps/python/src/demo_agent/adapters.py", &renamed, "fix(python): a better name");
    world.bump(&["--confirm-breaking", "nobody has\nwritten an adapter yet"]);
    world.xtask(&["release", "python", "--until", "tag"]).expect(0);
    let tag = repo.git(&["cat-file", "-p", "python-v0.1.0"]);
    expect![[r#"
        object COMMIT
        type commit
        tag python-v0.1.0
        tagger Dev <dev@example.org> 1234567890 +0000

        python v0.1.0

        ### Breaking

        - demo_agent.adapters.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users [class-renamed]
          accepted: nobody has written an adapter yet

        ### Fixed

        - a better name

        Source-Commit: COMMIT
        Dist-Sha256: SHA256  demo_agent-0.1.0-py3-none-any.whl
        Dist-Sha256: SHA256  demo_agent-0.1.0.tar.gz
        Image-Digest: sha256:SHA256
        Image-Base: sha256:SHA256
        Accepted-Break: class-renamed (demo_agent.adapters.RuntimeCapabilities): nobody has written an adapter yet
        Tool-Version: xtask VERSION
        Tool-Version: uv VERSION
        Tool-Version: twine VERSION
        Tool-Version: griffe VERSION
        Run-Id: local-RUN
    "#]].assert_eq(&masked(&tag));
}

#[test]
fn confirming_writes_an_acceptance_for_each_break_in_the_bumps_own_commit() {
    let repo = renamed_under_a_fix();
    repo.commit("apps/python/src/demo_agent/__init__.py", "", "fix: no value");
    let settings = repo.read("apps/python/app.toml");
    for reason in ["", " \n"] {
        let refused =
            repo.untouched(|| repo.xtask(&["bump", "python", "--confirm-breaking", reason]).expect(2));
        assert_eq!(
            refused.stderr,
            "error: --confirm-breaking needs a reason: what do users lose, and why is that acceptable?\n"
        );
    }
    let dry = repo.untouched(|| {
        repo.xtask(&["bump", "python", "--confirm-breaking", "nobody has it", "--dry-run"]).expect(0)
    });
    expect![[r#"
        exit code 0
        chore(release): python v0.1.0

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        new file mode 100644
        index 1234567..1234567
        --- /dev/null
        +++ b/CHANGELOG.md
        @@ -0,0 +1,21 @@
        +# Changelog
        +
        +The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).
        +
        +## [Unreleased]
        +
        +## [python-v0.1.0] - 2026-01-01
        +
        +### Breaking
        +
        +- demo_agent.VALUE: `VALUE` was removed; was `VALUE = 0`; breaks its users [attribute-removed]
        +  accepted: nobody has it
        +- demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users [class-renamed]
        +  accepted: nobody has it
        +
        +### Fixed
        +
        +- a better name
        +- no value
        +
        +[python-v0.1.0]: https://forge.example/team/mono/compare/python-v0.0.1...python-v0.1.0
        diff --git a/apps/python/app.toml b/apps/python/app.toml
        index 1234567..1234567 100644
        --- a/apps/python/app.toml
        +++ b/apps/python/app.toml
        @@ -5,3 +5,15 @@ commands.no-tests = "a fixture"

         [api]
         public = ["demo_agent"]
        +
        +[[accept]]
        +id = "attribute-removed"
        +what = "demo_agent.VALUE"
        +version = "0.1.0"
        +reason = "nobody has it"
        +
        +[[accept]]
        +id = "class-renamed"
        +what = "demo_agent.adapters.base.RuntimeCapabilities"
        +version = "0.1.0"
        +reason = "nobody has it"
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.0.1" # the only place
        +version = "0.1.0" # the only place
         requires-python = ">=3.11"
        stderr:
        ✓ chore(release): python v0.1.0
          apps/python/pyproject.toml
          CHANGELOG.md
          apps/python/app.toml
    "#]].assert_eq(&dry.seen());
    let unconfirmed = repo.xtask(&["bump", "python", "--dry-run"]).expect(0);
    expect![[r#"
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python):
          [attribute-removed] demo_agent.VALUE: `VALUE` was removed; was `VALUE = 0`; breaks its users (apps/python/src/demo_agent/__init__.py:1)
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users (apps/python/src/demo_agent/adapters/base.py:8)
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "attribute-removed", what = "demo_agent.VALUE", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        ✓ chore(release): python v0.1.0
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&masked(&unconfirmed.stderr));
    repo.xtask(&["bump", "python", "--confirm-breaking", "nobody has it"]).expect(0);
    assert_eq!(
        repo.git(&["show", "--format=%s", "--name-only", "HEAD"]),
        "chore(release): python v0.1.0\n\nCHANGELOG.md\napps/python/app.toml\napps/python/pyproject.toml"
    );
    let written = repo.read("apps/python/app.toml");
    expect![[r#"

        [[accept]]
        id = "attribute-removed"
        what = "demo_agent.VALUE"
        version = "0.1.0"
        reason = "nobody has it"

        [[accept]]
        id = "class-renamed"
        what = "demo_agent.adapters.base.RuntimeCapabilities"
        version = "0.1.0"
        reason = "nobody has it"
    "#]]
    .assert_eq(written.strip_prefix(&settings).expect("the text before is unchanged"));
    expect![[r#"
        # Changelog

        The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).

        ## [Unreleased]

        ## [python-v0.1.0] - 2026-01-01

        ### Breaking

        - demo_agent.VALUE: `VALUE` was removed; was `VALUE = 0`; breaks its users [attribute-removed]
          accepted: nobody has it
        - demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users [class-renamed]
          accepted: nobody has it

        ### Fixed

        - a better name
        - no value

        [python-v0.1.0]: https://forge.example/team/mono/compare/python-v0.0.1...python-v0.1.0
    "#]].assert_eq(&repo.read("CHANGELOG.md"));
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    expect![[r#"
        exit code 0
        python  0.0.1 → 0.1.0  (minor, pending in the manifest)
          counts since python-v0.0.1
            1234567  fix             no value
            1234567  fix(python)     a better name
          does not count since python-v0.0.1
            1234567  chore(release)  python v0.1.0  chore releases nothing
          evidence
            commits   patch     fix: no value (1234567) and 1 more
            api       0.1.0     accepted for 0.1.0: nobody has it [attribute-removed]
            api       0.1.0     accepted for 0.1.0: nobody has it [class-renamed]
            tags      > 0.0.1   the highest tag
            manifest  >= 0.1.0  pending in apps/python/pyproject.toml
            index     ?         not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask promote (on main: cargo xtask release python)
    "#]]
    .assert_eq(&plan.seen());
    let again = repo.untouched(|| repo.xtask(&["bump", "python", "--confirm-breaking", "again"]).expect(2));
    expect![[r#"
        exit code 2
        error: --confirm-breaking has nothing to accept: python has no break since python-v0.0.1 that is not declared or accepted already; run: cargo xtask bump python
    "#]].assert_eq(&again.seen());
    repo.git(&["tag", "python-v0.1.0"]);
    repo.change("fix: a value again");
    let stale = repo.xtask(&["plan", "python"]).expect(0);
    expect![[r#"
        warning[acceptance-stale]: python: the [[accept]] of attribute-removed for 0.1.0 has no effect: 0.1.0 is already released (apps/python/app.toml)
          → remove that [[accept]]
        warning[acceptance-stale]: python: the [[accept]] of class-renamed for 0.1.0 has no effect: 0.1.0 is already released (apps/python/app.toml)
          → remove that [[accept]]
    "#]].assert_eq(&masked(&stale.stderr));
}

#[test]
fn dropping_support_for_plugins_in_a_fix_commit_stops() {
    let repo = crate::compat::repo("python");
    repo.xtask(&["bump", "python"]).expect(0);
    repo.git(&["tag", "python-v0.0.1"]);
    let file = "apps/python/src/demo_agent/compat.json";
    let mut promises: Value = serde_json::from_str(&repo.read(file)).unwrap();
    promises["plugins"] = serde_json::json!([]);
    repo.commit(file, &format!("{promises:#}\n"), "fix(python): fewer plugins");
    let stopped = repo.xtask(&["plan", "python", "--json"]).expect(3).json();
    let row = stopped["apps"][0]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["source"] == "compat")
        .expect("a row")
        .clone();
    assert_eq!(row["demands"], "major", "{row}");
    expect![[r#"
        breaks users of python-v0.0.1, and no commit declares it:
          [plugin-api-removed] plugin apiVersion 1 is no longer supported (apps/python/src/demo_agent/compat.json)
          [plugin-api-removed] plugin apiVersion 2 is no longer supported (apps/python/src/demo_agent/compat.json)"#]].assert_eq(stopped["findings"][0]["message"].as_str().unwrap());
    repo.git(&["commit", "--quiet", "--amend", "--message", "fix(python)!: fewer plugins"]);
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(0).json()["apps"][0]["next"], "0.1.0");
    repo.commit(file, "{}", "fix(python)!: nothing that can be read");
    let unread = repo.xtask(&["plan", "python"]).expect(0);
    expect![[r#"
        warning[compat-unreadable]: python: compat.json cannot be compared, so breaking changes for plugins are not detected: HEAD:apps/python/src/demo_agent/compat.json: missing field `$schema` at line 1 column 2 (apps/python/src/demo_agent/compat.json)
          → cargo xtask compat python
    "#]].assert_eq(&masked(&unread.stderr));
}
