//! The last release's own tests against the current code: they find breaks that comparing texts does not.

use crate::bump::serve;
use crate::compat::{promise, repo};
use crate::demo::World;
use crate::seen::masked;
use crate::support::{Repo, run};
use expect_test::expect;

const INIT: &str = "apps/python/src/demo_agent/__init__.py";

/// The app with a compat.json, tagged as 0.0.1.
fn released(app: &str) -> Repo {
    released_as(app, |_| {})
}

/// The same, changed before the release.
fn released_as(app: &str, change: impl FnOnce(&Repo)) -> Repo {
    let repo = repo(app);
    change(&repo);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "--message", "feat: more promises"]);
    repo.xtask(&["bump", app]).expect(0);
    repo.git(&["tag", "--annotate", "--message", "notes", &format!("{app}-v0.0.1")]);
    repo
}

fn replace(repo: &Repo, file: &str, old: &str, new: &str, message: &str) {
    let text = repo.read(file);
    assert!(text.contains(old), "{file}: {text}");
    repo.commit(file, &text.replace(old, new), message);
}

/// What xtask itself says, without the output of the tests, which differs between versions of Python.
fn own(stderr: &str) -> String {
    let text = masked(stderr);
    let (before, tests) = text.split_once("\n`WORLD").unwrap_or_else(|| panic!("no test output: {text}"));
    let (_, after) = tests.split_once("\n  →").unwrap_or_else(|| panic!("no help: {text}"));
    format!("{before}\n…\n  →{after}")
}

/// The progress line of the last release's tests.
fn line(output: &crate::support::Output) -> String {
    let line = output.stderr.lines().find(|l| l.contains("users-")).unwrap_or_else(|| panic!("{output:#?}"));
    masked(line.trim_start())
}

#[test]
fn tests_that_can_not_run_are_skipped_with_the_reason() {
    let repo = repo("python");
    expect![[r#"
        - users-python      no release yet, so there are no earlier tests to run
    "#]]
    .assert_eq(&line(&repo.xtask(&["test", "python"]).expect(0)));
    repo.xtask(&["bump", "python"]).expect(0);
    repo.git(&["tag", "python-v0.0.1"]);
    expect![[r#"
        - users-python      nothing changed since python-v0.0.1
    "#]]
    .assert_eq(&line(&repo.xtask(&["test", "python"]).expect(0)));
    let plain = Repo::new();
    plain.git(&["tag", "python-v0.0.0"]);
    plain.change("fix: more");
    let said = plain.xtask(&["test", "python"]).expect(0);
    expect![[r#"
        - users-python      python-v0.0.0 has neither black-box tests nor an example plugin
    "#]]
    .assert_eq(&line(&said));
    plain.git(&["mv", "apps/python", "apps/snake"]);
    plain.git(&["commit", "--quiet", "--message", "chore: move"]);
    let said = plain.xtask(&["test", "python"]).expect(0);
    expect![[r#"
        - users-python      python-v0.0.0 has no readable apps/snake/app.toml, so its tests are not known
    "#]]
    .assert_eq(&line(&said));
}

#[test]
fn passing_tests_are_reused_only_for_the_same_release() {
    let mut seen = String::new();
    for app in ["python", "ts"] {
        let repo = released(app);
        let readme = format!("apps/{app}/README.md");
        // Passes are recorded for the machine, so another run of this test must use other files.
        let (less, more) = (format!("# demo of {}\n", repo.path), format!("# demo! of {}\n", repo.path));
        repo.commit(&readme, &less, "fix: say less");
        let mut test = |args: &[&str]| {
            seen.push_str(&line(&repo.xtask(&[&["test", app], args].concat()).expect(0)));
        };
        test(&[]);
        test(&["--reuse"]);
        repo.commit(&readme, &more, "fix: say more");
        repo.commit(&readme, &less, "fix: say less again");
        repo.git(&["tag", &format!("{app}-v0.0.2"), "HEAD~1"]);
        test(&["--reuse"]);
        test(&["--reuse"]);
        // The same tag on another release.
        repo.git(&["tag", "--force", &format!("{app}-v0.0.2"), &format!("{app}-v0.0.1^{{}}")]);
        test(&["--reuse"]);
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
    }
    expect![[r#"
        ✓ users-python      python-v0.0.1's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test in TIME) pass with the current code (TIME)
        - users-python      passed on this machine before, with the same files: python-v0.0.1's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test in TIME) pass with the current code
        ✓ users-python      python-v0.0.2's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test in TIME) pass with the current code (TIME)
        - users-python      passed on this machine before, with the same files: python-v0.0.2's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test in TIME) pass with the current code
        ✓ users-python      python-v0.0.2's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test in TIME) pass with the current code (TIME)
        ✓ users-ts          ts-v0.0.1's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test across 1 file. [TIME]) pass with the current code (TIME)
        - users-ts          passed on this machine before, with the same files: ts-v0.0.1's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test across 1 file. [TIME]) pass with the current code
        ✓ users-ts          ts-v0.0.2's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test across 1 file. [TIME]) pass with the current code (TIME)
        - users-ts          passed on this machine before, with the same files: ts-v0.0.2's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test across 1 file. [TIME]) pass with the current code
        ✓ users-ts          ts-v0.0.2's black-box tests (Ran 1 test in TIME) and example plugin (Ran 1 test across 1 file. [TIME]) pass with the current code (TIME)
    "#]].assert_eq(&seen);
}

#[test]
fn renaming_a_name_that_is_created_at_run_time_is_found() {
    // Comparing the texts cannot find this: the package creates the name only when somebody imports it.
    let lazily = |name: &str| {
        format!(
            "\n\ndef __getattr__(name: str) -> object:\n    if name == \"{name}\":\n        return \
             _Plugin\n    raise AttributeError(name)\n"
        )
    };
    let repo = released_as("python", |repo| {
        let text = repo
            .read(INIT)
            .replace("class Plugin:", "class _Plugin:")
            .replace("\"COMMIT\", \"Plugin\",", "\"COMMIT\",");
        repo.write(INIT, text + &lazily("Plugin"));
    });
    replace(&repo, INIT, &lazily("Plugin"), &lazily("Extension"), "fix: a better name");
    let api = repo.xtask(&["api", "diff", "python"]).expect(0).stdout;
    expect![[r#"
        no difference that a user of the package can notice
        compared: demo_agent, demo_agent.answers, demo_agent.compat, demo_agent.openapi
    "#]]
    .assert_eq(&masked(&api));
    let stopped = repo.xtask(&["check", "python"]).expect(3).stderr;
    expect![[r#"
          ✓ compat-python     the committed file matches the code: plugins 1, 2; channels http 1 (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
          ✓ test-python       no tests: other tests look at it from outside; contract: Ran 1 test in TIME (TIME)
          ✗ users-python      tests of the last release fail with the current code (TIME)
          ✓ plan-python       the next release is patch (0.0.2) (TIME)
        breaking[yesterday-broken]: python: the current code breaks the example plugin of python-v0.0.1, which passed at that release (test_shout failed) (apps/python)
        …
          → restore the behaviour that users of python-v0.0.1 rely on
          → or declare the break: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`
          → or, if the test relied on something that was never guaranteed, accept it in apps/python/app.toml: [[accept]] id = "yesterday-broken", version = the next one, reason = "…"
        error: 1 finding to fix first
    "#]].assert_eq(&own(&stopped));
    for part in [
        "ImportError: cannot import name 'Plugin' from 'demo_agent'",
        "File \"python-v0.0.1:apps/python/examples/plugin/shout.py\"",
    ] {
        assert!(stopped.contains(part), "{part} is missing in {stopped}");
    }
    let found = repo.xtask(&["test", "python", "--json"]).expect(3).json();
    assert_eq!(
        (&found["findings"][0]["id"], &found["findings"][0]["level"]),
        (&"yesterday-broken".into(), &"breaking".into())
    );

    // If declared, the check passes and reports the failure. It is not recorded as a pass.
    repo.git(&["commit", "--quiet", "--amend", "--message", "feat!: a better name"]);
    let mut said = String::new();
    for args in [&["check", "python"] as &[&str], &["test", "python", "--reuse"]] {
        let declared = repo.xtask(args).expect(0);
        said.push_str(&line(&declared));
    }
    expect![[r#"
        ✓ users-python      python-v0.0.1's tests fail: example plugin (test_shout failed); feat!: a better name (1234567) declares a break (TIME)
        ✓ users-python      python-v0.0.1's tests fail: example plugin (test_shout failed); feat!: a better name (1234567) declares a break (TIME)
    "#]].assert_eq(&said);
    repo.git(&["commit", "--quiet", "--amend", "--message", "fix: a better name"]);
    repo.xtask(&["test", "python", "--reuse"]).expect(3);

    // Or the release was withdrawn.
    let page = |attribute: &str| format!(r#"<a href="a" {attribute}>demo_agent-0.0.1.tar.gz</a>"#);
    let index = serve(page("data-yanked").leak());
    let yanked = repo.xtask(&["test", "python", "--pypi", &index]).expect(0);
    expect![[r#"
        ✓ users-python      python-v0.0.1's tests fail: example plugin (test_shout failed); that release was withdrawn from the index, so this stops nothing (TIME)
    "#]].assert_eq(&line(&yanked));
    repo.xtask(&["test", "python", "--pypi", &serve(page("").leak())]).expect(3);

    // Or it is accepted, for the next release only.
    for (version, code) in [("0.0.2", 0), ("0.0.1", 3)] {
        let settings = repo.git(&["show", "HEAD:apps/python/app.toml"]);
        let accept = format!(
            "{settings}\n\n[[accept]]\nid = \"yesterday-broken\"\nversion = \"{version}\"\n\
             reason = \"nobody has one\"\n"
        );
        repo.write("apps/python/app.toml", accept);
        repo.xtask(&["test", "python"]).expect(code);
    }
}

#[test]
fn a_server_that_answers_differently_fails_the_black_box_tests_of_its_clients() {
    for (app, file, old, new) in [
        ("python", "apps/python/src/demo_agent/answers.py", "\"hello\"", "\"good day\""),
        ("ts", "apps/ts/src/answers.js", "\"hello\"", "\"good day\""),
    ] {
        let repo = released(app);
        replace(&repo, file, old, new, "fix: another word");
        // Today's tests were changed with it.
        replace(&repo, &format!("apps/{app}/black_box.py"), old, new, "fix: expect the other word");
        let stopped = repo.xtask(&["test", app]).expect(3).stderr;
        assert!(
            stopped.contains("-v0.0.1, which passed at that release (test_it_says_hello failed)"),
            "{stopped}"
        );
        assert!(!stopped.contains("error[contract]"), "today's own tests pass: {stopped}");
    }
}

#[test]
fn a_ts_plugin_is_tested_with_the_packed_files() {
    let cases = [
        // The types still declare it.
        ("apps/ts/src/index.js", "export class Plugin", "class Plugin", "Plugin"),
        // It is only in the checkout, not in the package.
        ("apps/ts/package.json", "\"src\",", "\"src/cli.js\",", "Cannot find module '@demo/agent'"),
        ("apps/ts/src/index.js", "hello from", "good day from", "(it greets failed)"),
    ];
    for (file, old, new, words) in cases {
        let repo = released("ts");
        replace(&repo, file, old, new, "fix: less");
        let stopped = repo.xtask(&["test", "ts"]).expect(3).stderr;
        assert!(
            stopped.contains("example plugin of ts-v0.0.1") && stopped.contains(words),
            "{file}: {stopped}"
        );
    }
}

#[test]
fn the_old_releases_own_code_is_never_tested() {
    // Python searches the current folder first, which contains the old package here.
    let repo = released_as("python", |repo| {
        repo.git(&["mv", "apps/python/src/demo_agent", "apps/python/demo_agent"]);
        let manifest = repo.read("apps/python/pyproject.toml");
        repo.write(
            "apps/python/pyproject.toml",
            format!("{manifest}\n[tool.uv.build-backend]\nmodule-root = \"\"\n"),
        );
        let settings = repo.read("apps/python/app.toml");
        repo.write(
            "apps/python/app.toml",
            settings.replace("src/demo_agent/compat.json", "demo_agent/compat.json"),
        );
        std::fs::remove_dir_all(repo.path.join("apps/python/.venv")).unwrap();
    });
    replace(&repo, "apps/python/demo_agent/__init__.py", "hello from", "good day from", "fix: another word");
    let stopped = repo.xtask(&["test", "python"]).expect(3).stderr;
    expect![[r#"
          ✓ test-python       no tests: other tests look at it from outside; contract: Ran 1 test in TIME (TIME)
          ✗ users-python      tests of the last release fail with the current code (TIME)
        breaking[yesterday-broken]: python: the current code breaks the example plugin of python-v0.0.1, which passed at that release (test_it_greets failed) (apps/python)
        …
          → restore the behaviour that users of python-v0.0.1 rely on
          → or declare the break: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`
          → or, if the test relied on something that was never guaranteed, accept it in apps/python/app.toml: [[accept]] id = "yesterday-broken", version = the next one, reason = "…"
        error: 1 finding to fix first
    "#]].assert_eq(&own(&stopped));
}

#[test]
fn a_release_that_fails_the_last_releases_tests_stops_before_anything_is_published() {
    let world = World::of("python");
    promise(&world.repo, "python");
    world.xtask(&["openapi", "generate"]).expect(0);
    world.repo.git(&["add", "--all"]);
    world.repo.git(&["commit", "--quiet", "--message", "feat: promises"]);
    world.bump(&[]);
    world.xtask(&["release", "python"]).expect(0);
    replace(&world.repo, INIT, "hello from", "good day from", "fix: another word");
    world.bump(&[]);
    let outside = world.outside();
    let stopped = run(world.command(&world.repo.path).args(["release", "python"])).expect(3).stderr;
    expect![[r#"
        Release python v0.0.2 at 1234567
          ✓ compat-python     the committed file matches the code: plugins 1, 2; channels http 1 (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
          ✓ test-python       no tests: other tests look at it from outside; contract: Ran 1 test in TIME (TIME)
          ✗ users-python      tests of the last release fail with the current code (TIME)
          ✗ preflight         stopped here (TIME)
        breaking[yesterday-broken]: python: the current code breaks the example plugin of python-v0.0.1, which passed at that release (test_it_greets failed) (apps/python)
        …
          → restore the behaviour that users of python-v0.0.1 rely on
          → or declare the break: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`
          → or, if the test relied on something that was never guaranteed, accept it in apps/python/app.toml: [[accept]] id = "yesterday-broken", version = the next one, reason = "…"
        error: 1 finding to fix first
    "#]].assert_eq(&own(&stopped));
    assert_eq!(outside, world.outside());
}
