//! A breaking change in a `fix` commit: `plan`, `check`, a pull request's job and `release` find and stop it.

use crate::demo::World;
use crate::support::{APP_TOML, PYPROJECT, Repo, run};
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

/// Commit ids differ from run to run.
fn plain(repo: &Repo, seen: &str) -> String {
    repo.git(&["log", "--format=%H"])
        .lines()
        .fold(seen.to_string(), |seen, id| seen.replace(&id[..7], "1234567"))
}

#[test]
fn the_plan_shows_what_the_api_demands_and_stops_what_no_commit_declares() {
    let repo = renamed_under_a_fix();
    let stopped = repo.untouched(|| repo.xtask(&["plan", "python"]).expect(3));
    expect_test::expect![[r#"
        python  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.1
            1234567  fix(python)  a better name
          evidence
            commits   patch    fix(python): a better name (1234567)
            api       major    breaks users since python-v0.0.1: demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
    "#]]
    .assert_eq(&plain(&repo, &stopped.stdout));
    expect_test::expect![[r#"
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]]
    .assert_eq(&stopped.stderr);
}

#[test]
fn comparisons_are_cached_and_a_broken_cache_is_rebuilt() {
    let repo = renamed_under_a_fix();
    let first = repo.xtask(&["plan", "python", "--json"]).expect(3);
    let folder = repo.path.join("target/xtask/evidence");
    let entries = || -> Vec<_> {
        let all = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
        all.filter(|path| path.extension() == Some("json")).collect()
    };
    let [entry] = &entries()[..] else { panic!("{:?}", entries()) };
    let text = std::fs::read_to_string(entry).unwrap();
    // The plan shows the cached text.
    std::fs::write(entry, text.replace("is now called", "was renamed to")).unwrap();
    let told = repo.xtask(&["plan", "python"]).expect(3);
    assert!(
        told.stderr.contains("`RuntimeCapabilities` was renamed to `AdapterCapabilities`"),
        "{}",
        told.stderr
    );
    for broken in ["", "{", "[{}]", "null"] {
        std::fs::write(entry, broken).unwrap();
        assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(3).stdout, first.stdout, "{broken:?}");
        assert_eq!(std::fs::read_to_string(entry).unwrap(), text, "{broken:?}");
    }
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "the cache is hidden from git");
    // If the cache cannot be written, the plan is the same.
    std::fs::remove_dir_all(repo.path.join("target")).unwrap();
    std::fs::write(repo.path.join("target"), "in the way").unwrap();
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(3).stdout, first.stdout);
}

#[test]
fn a_plan_downloads_nothing_and_reports_what_is_missing() {
    let repo = renamed_under_a_fix();
    let empty = repo.world().join("empty-cache");
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    let output = run(command.env("XTASK_CACHE", &empty).args(["plan", "python"])).expect(0);
    let row = "api       none     not compared: griffe, which reads the API, is not installed yet; cargo xtask setup";
    assert!(output.stdout.contains(row), "{}", output.stdout);
    assert!(
        output
            .stderr
            .contains("warning[api-unread]: python: griffe, which reads the API, is not installed yet"),
        "{}",
        output.stderr
    );
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
    let said = "the manifest's pending 0.0.2 is below 0.1.0, which the evidence demands (api, minor: changed since python-v0.0.1: demo_agent.more:";
    assert!(stopped.stderr.contains(said), "{}", stopped.stderr);
}

#[test]
fn an_unreadable_api_stops_only_at_head_where_it_can_be_fixed() {
    let repo = app();
    repo.commit("apps/python/src/demo_agent/__init__.py", "def f(:\n", "feat: half");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.commit("apps/python/src/demo_agent/__init__.py", "def f(): ...\n", "fix: whole");
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    assert!(
        plan.stderr
            .contains("warning[api-unreadable]: python: the API cannot be compared with python-v0.0.1"),
        "{}",
        plan.stderr
    );
    repo.commit(
        "apps/python/pyproject.toml",
        &PYPROJECT.replace("0.0.0", "0.0.2"),
        "chore(release): python v0.0.2",
    );
    repo.git(&["tag", "python-v0.0.2"]);
    repo.commit("apps/python/src/demo_agent/__init__.py", "def f(:\n", "fix: half again");
    let plan = repo.xtask(&["plan", "python"]).expect(3);
    assert!(
        plan.stderr.contains("error[api-unreadable]") && plan.stderr.contains("__init__.py:1"),
        "{}",
        plan.stderr
    );
    let bump = repo.xtask(&["bump", "python", "--dry-run"]).expect(0);
    assert!(bump.stderr.contains("error[api-unreadable]"), "its number may be too low: {}", bump.stderr);
}

#[test]
fn check_stops_a_break_that_no_commit_declares_and_passes_one_that_is_declared() {
    let repo = renamed_under_a_fix();
    let output = repo.xtask(&["check", "python"]).expect(3);
    let stopped =
        "[class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called";
    assert_eq!(output.stderr.matches(stopped).count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("(apps/python/src/demo_agent/adapters/base.py:8)"), "{}", output.stderr);
    let settings = repo.read("apps/python/app.toml");
    let accept = "\n[[accept]]\nid = \"class-renamed\"\nversion = \"0.0.2\"\nreason = \"nobody has it\"\n";
    repo.commit("apps/python/app.toml", &format!("{settings}{accept}"), "chore: accept it");
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    assert!(
        plan.stdout.contains("api       0.0.2    accepted for 0.0.2: nobody has it [class-renamed]"),
        "{}",
        plan.stdout
    );
    assert!(plan.stdout.contains("python  0.0.1 → 0.0.2  (patch)"), "{}", plan.stdout);
    let output = repo.xtask(&["check", "python"]);
    assert!(!output.stderr.contains("undeclared-break"), "{}", output.stderr);
    repo.commit("apps/python/app.toml", &settings, "chore: think again");
    repo.change("feat!: adapters say what they can do by another name");
    let output = repo.xtask(&["check", "python"]);
    assert!(!output.stderr.contains("undeclared-break"), "{}", output.stderr);
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    assert!(plan.stdout.contains("; declared by feat!: adapters say"), "{}", plan.stdout);
}

#[test]
fn removing_a_guard_lets_no_break_pass() {
    let repo = renamed_under_a_fix();
    let settings = repo.read("apps/python/app.toml");
    let plan = || repo.xtask(&["plan", "python"]);
    repo.commit("apps/python/app.toml", APP_TOML, "chore(python): less to look at");
    let stopped = plan().expect(3);
    let told = "[guard-removed] demo_agent was in [api] public in python-v0.0.1 and no longer is";
    assert!(
        stopped.stderr.contains(told) && stopped.stderr.contains("(apps/python/app.toml)"),
        "{}",
        stopped.stderr
    );
    assert!(stopped.stdout.contains("python  0.0.1 → 0.1.0  (major, but 0.y: minor)"), "{}", stopped.stdout);
    repo.commit(
        "apps/python/app.toml",
        &settings.replace("demo_agent\"]", "demo_agent.adapters\"]"),
        "chore(python): some of it",
    );
    let stopped = plan().expect(3);
    assert!(
        stopped.stderr.contains(told) && stopped.stderr.contains("[class-renamed]"),
        "{}",
        stopped.stderr
    );
    repo.commit("apps/python/app.toml", APP_TOML, "chore(python)!: the adapters are no longer public");
    let declared = plan().expect(0);
    assert!(declared.stdout.contains("settings  major"), "{}", declared.stdout);
}

#[test]
fn an_app_whose_folder_was_renamed_can_not_be_compared_and_the_plan_warns() {
    let repo = renamed_under_a_fix();
    repo.git(&["mv", "apps/python", "apps/py"]);
    repo.git(&["commit", "--quiet", "--message", "fix: another folder"]);
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    assert!(
        plan.stderr.contains(
            "warning[release-moved]: python: python-v0.0.1 has no folder apps/py, so it cannot be compared"
        ),
        "{}",
        plan.stderr
    );
    assert!(plan.stdout.contains("settings  none"), "{}", plan.stdout);
}

#[test]
fn a_moved_spec_is_unchanged_and_a_removed_one_breaks_its_clients() {
    let repo = app();
    let settings = repo.read("apps/python/app.toml");
    let with = |file: &str| format!("{settings}[spec]\nfile = {file:?}\ngenerate = []\nserve = []\n");
    let spec = r#"{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": {"responses": {"200": {"description": "x"}}}}}}"#;
    repo.write("apps/python/app.toml", with("openapi.json"));
    repo.commit("apps/python/openapi.json", spec, "feat: a spec");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.git(&["mv", "apps/python/openapi.json", "apps/python/api.json"]);
    repo.commit("apps/python/app.toml", &with("api.json"), "fix: a better place");
    assert!(!repo.xtask(&["plan", "python"]).expect(0).stdout.contains("    spec "));
    repo.commit("apps/python/api.json", &spec.replace("/a", "/b"), "fix: a better path");
    assert!(repo.xtask(&["plan", "python"]).expect(3).stderr.contains("GET /a"));
    repo.commit("apps/python/api.json", spec, "fix: the path that clients have");
    repo.xtask(&["plan", "python"]).expect(0);
    repo.commit("apps/python/app.toml", &settings, "fix: no spec");
    let stopped = repo.xtask(&["plan", "python"]).expect(3);
    assert!(
        stopped.stdout.contains("spec      major    breaks clients since python-v0.0.1"),
        "{}",
        stopped.stdout
    );
}

#[test]
fn a_pull_requests_job_shows_the_next_release_and_stops_the_break() {
    let repo = renamed_under_a_fix();
    repo.git(&["branch", "development", "HEAD~1"]);
    let lint = ["ci", "lint", "--event", "pull_request", "--ref", "feat/x"];
    let stopped = repo.xtask(&lint).expect(3);
    assert_eq!(stopped.stderr.matches("breaking[undeclared-break]").count(), 1, "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("this pull request makes the next release of python minor (0.1.0)"),
        "{}",
        stopped.stderr
    );
    repo.change("feat!: adapters say what they can do by another name");
    let passed = repo.xtask(&lint).expect(0);
    assert!(
        passed.stderr.contains("this pull request makes the next release of python minor (0.1.0)"),
        "{}",
        passed.stderr
    );
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
    for says in ["breaking[undeclared-break]: python", "names the module nowhere"] {
        assert!(stopped.stderr.contains(says), "{says} is missing in {}", stopped.stderr);
    }
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
    let told = "[class-renamed] demo_agent.adapters.RuntimeCapabilities";
    assert_eq!(stopped.stderr.matches(told).count(), 1, "{}", stopped.stderr);
    assert!(stopped.stderr.contains("(apps/python/src/demo_agent/adapters.py:8)"), "{}", stopped.stderr);
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
    let trailer =
        format!("\nBreaking-Change: feat!: adapters say what they can do by another name ({commit})\n");
    assert!(
        tag.contains(&trailer)
            && tag.contains("### Breaking\n\n- adapters say what they can do by another name\n"),
        "{tag}"
    );
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
    let trailer = "\nAccepted-Break: class-renamed (demo_agent.adapters.RuntimeCapabilities): nobody has written an adapter yet\n";
    assert!(tag.contains(trailer), "{tag}");
    assert!(
        tag.contains(
            "### Breaking\n\n- demo_agent.adapters.RuntimeCapabilities: `RuntimeCapabilities` is now called"
        ),
        "{tag}"
    );
}

#[test]
fn confirming_writes_an_acceptance_for_each_break_in_the_bumps_own_commit() {
    let repo = renamed_under_a_fix();
    repo.commit("apps/python/src/demo_agent/__init__.py", "", "fix: no value");
    let settings = repo.read("apps/python/app.toml");
    for (reason, said) in [("", "needs a reason"), (" \n", "needs a reason")] {
        let refused =
            repo.untouched(|| repo.xtask(&["bump", "python", "--confirm-breaking", reason]).expect(2));
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    let dry = repo.untouched(|| {
        repo.xtask(&["bump", "python", "--confirm-breaking", "nobody has it", "--dry-run"]).expect(0)
    });
    assert!(dry.stdout.contains("+reason = \"nobody has it\"\n"), "{}", dry.stdout);
    let unconfirmed = repo.xtask(&["bump", "python", "--dry-run"]).expect(0);
    assert!(
        unconfirmed.stderr.contains("breaking[undeclared-break]")
            && unconfirmed.stderr.contains("--confirm-breaking"),
        "{unconfirmed:?}"
    );
    repo.xtask(&["bump", "python", "--confirm-breaking", "nobody has it"]).expect(0);
    assert_eq!(
        repo.git(&["show", "--format=%s", "--name-only", "HEAD"]),
        "chore(release): python v0.1.0\n\nCHANGELOG.md\napps/python/app.toml\napps/python/pyproject.toml"
    );
    let written = repo.read("apps/python/app.toml");
    expect_test::expect![[r#"

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
    assert!(
        repo.read("CHANGELOG.md").contains("[attribute-removed]\n  accepted: nobody has it\n"),
        "{}",
        repo.read("CHANGELOG.md")
    );
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    assert!(
        plan.stdout.contains("api       0.1.0     accepted for 0.1.0: nobody has it [class-renamed]"),
        "{}",
        plan.stdout
    );
    let again = repo.untouched(|| repo.xtask(&["bump", "python", "--confirm-breaking", "again"]).expect(2));
    assert!(
        again.stderr.contains("every break of python since python-v0.0.1 is already declared or accepted"),
        "{}",
        again.stderr
    );
    repo.git(&["tag", "python-v0.1.0"]);
    repo.change("fix: a value again");
    let stale = repo.xtask(&["plan", "python"]).expect(0);
    assert_eq!(stale.stderr.matches("warning[acceptance-stale]").count(), 2, "{}", stale.stderr);
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
    let message = stopped["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("[plugin-api-removed] plugin apiVersion 1 is no longer supported"), "{message}");
    repo.git(&["commit", "--quiet", "--amend", "--message", "fix(python)!: fewer plugins"]);
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(0).json()["apps"][0]["next"], "0.1.0");
    repo.commit(file, "{}", "fix(python)!: nothing that can be read");
    let unread = repo.xtask(&["plan", "python"]).expect(0);
    assert!(unread.stderr.contains("warning[compat-unreadable]"), "{}", unread.stderr);
}
