//! Which release the next one is compared with: none that was withdrawn. Releases without a
//! tag are reported.

use crate::breaks::{BASE, renamed_under_a_fix};
use crate::bump::serve;
use crate::support::{PYPROJECT, Repo};
use expect_test::expect;

/// 0.0.2 renamed a symbol as a fix; HEAD has the old name again.
fn renamed_and_back() -> Repo {
    let repo = renamed_under_a_fix();
    repo.commit(
        "apps/python/pyproject.toml",
        &PYPROJECT.replace("0.0.0", "0.0.2"),
        "chore(release): python v0.0.2",
    );
    repo.git(&["tag", "python-v0.0.2"]);
    repo.commit("apps/python/src/demo_agent/adapters/base.py", BASE, "fix(python): the name that users have");
    repo
}

#[test]
fn a_yanked_release_is_not_compared_with() {
    let repo = renamed_and_back();
    let out = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b">demo_agent-0.0.2.tar.gz</a>"#;
    let yanked = r#"<a href="a">demo_agent-0.0.1.tar.gz</a>
        <a href="b" data-yanked="a name is gone">demo_agent-0.0.2.tar.gz</a>"#;
    // `plan` does not ask the index.
    repo.xtask(&["plan", "python", "--pypi", &serve(yanked)]).expect(3);
    let stopped = repo.xtask(&["check", "python", "--pypi", &serve(out)]).expect(3);
    expect![[r#"
        exit code 3
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ test-python       no tests: a fixture (TIME)
          - users-python      python-v0.0.2 has neither black-box tests nor an example plugin
          ✗ plan-python       1 to fix (TIME)
        breaking[undeclared-break]: python: breaks users of python-v0.0.2, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.AdapterCapabilities: `AdapterCapabilities` is now called `RuntimeCapabilities`; was `class AdapterCapabilities`, is `class RuntimeCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.AdapterCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    let passed = repo.xtask(&["check", "python", "--pypi", &serve(yanked)]);
    expect![[r#"
        exit code 0
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ test-python       no tests: a fixture (TIME)
          - users-python      python-v0.0.2 has neither black-box tests nor an example plugin
          ✓ plan-python       the next release is patch (0.0.3) (TIME)
        info[release-withdrawn]: python: python-v0.0.2 was withdrawn, so the next release is compared with python-v0.0.1, the newest that users can install
    "#]].assert_eq(&passed.seen());
    // Removes files that the tools of `check` leave behind.
    repo.git(&["clean", "--quiet", "--force", "-d"]);
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(yanked)]).expect(0);
    expect![[r#"
        exit code 0
        info[release-withdrawn]: python: python-v0.0.2 was withdrawn, so the next release is compared with python-v0.0.1, the newest that users can install
        ✓ chore(release): python v0.0.3
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&bumped.seen());
    assert!(
        repo.read("CHANGELOG.md").contains("/compare/python-v0.0.1...python-v0.0.3\n"),
        "{}",
        repo.read("CHANGELOG.md")
    );
}

/// The index has a version above the tags, or there are no tags: the number is right, but breaks cannot be
/// found.
#[test]
fn a_published_release_without_a_tag_is_reported() {
    let repo = renamed_under_a_fix();
    let out = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b">demo_agent-0.1.129.tar.gz</a>
        <a href="c" data-yanked="">demo_agent-0.2.0.tar.gz</a>"#;
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    expect![[r#"
        exit code 0
        chore(release): python v0.3.0

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        new file mode 100644
        index 1234567..1234567
        --- /dev/null
        +++ b/CHANGELOG.md
        @@ -0,0 +1,13 @@
        +# Changelog
        +
        +The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).
        +
        +## [Unreleased]
        +
        +## [python-v0.3.0] - 2026-01-01
        +
        +### Fixed
        +
        +- a better name
        +
        +[python-v0.3.0]: https://forge.example/team/mono/compare/python-v0.0.1...python-v0.3.0
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.0.1" # the only place
        +version = "0.3.0" # the only place
         requires-python = ">=3.11"
        stderr:
        warning[release-untagged]: python: demo-agent 0.1.129 is on the index, but there is no tag python-v0.1.129, so its commit is unknown: the next release is compared with python-v0.0.1, and may break users of 0.1.129 unnoticed
          → git fetch --tags
          → or, if that tag does not exist: git tag python-v0.1.129 COMMIT, with the commit that 0.1.129 was built from
        breaking[undeclared-break]: python: breaks users of python-v0.0.1, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        ✓ chore(release): python v0.3.0
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&bumped.seen());
    repo.git(&["tag", "--delete", "python-v0.0.1"]);
    let first = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    expect![[r#"
        exit code 0
        chore(release): python v0.2.1

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        new file mode 100644
        index 1234567..1234567
        --- /dev/null
        +++ b/CHANGELOG.md
        @@ -0,0 +1,17 @@
        +# Changelog
        +
        +The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).
        +
        +## [Unreleased]
        +
        +## [python-v0.2.1] - 2026-01-01
        +
        +### Added
        +
        +- adapters
        +
        +### Fixed
        +
        +- a better name
        +
        +[python-v0.2.1]: https://forge.example/team/mono/releases/tag/python-v0.2.1
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.0.1" # the only place
        +version = "0.2.1" # the only place
         requires-python = ">=3.11"
        stderr:
        warning[release-untagged]: python: demo-agent 0.1.129 is on the index, but there is no tag python-v0.1.129, so its commit is unknown: the next release is compared with no earlier release, and may break users of 0.1.129 unnoticed
          → git fetch --tags
          → or, if that tag does not exist: git tag python-v0.1.129 COMMIT, with the commit that 0.1.129 was built from
        ✓ chore(release): python v0.2.1
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&first.seen());
    // With the tag that the help proposes, the release is compared with.
    repo.git(&["tag", "python-v0.1.129", "HEAD~1"]);
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    expect![[r#"
        exit code 0
        chore(release): python v0.3.0

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        new file mode 100644
        index 1234567..1234567
        --- /dev/null
        +++ b/CHANGELOG.md
        @@ -0,0 +1,13 @@
        +# Changelog
        +
        +The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).
        +
        +## [Unreleased]
        +
        +## [python-v0.3.0] - 2026-01-01
        +
        +### Fixed
        +
        +- a better name
        +
        +[python-v0.3.0]: https://forge.example/team/mono/compare/python-v0.1.129...python-v0.3.0
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.0.1" # the only place
        +version = "0.3.0" # the only place
         requires-python = ">=3.11"
        stderr:
        breaking[undeclared-break]: python: breaks users of python-v0.1.129, and no commit declares it (apps/python/src/demo_agent/adapters/base.py:8):
          [class-renamed] demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "class-renamed", what = "demo_agent.adapters.base.RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        ✓ chore(release): python v0.3.0
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&bumped.seen());
}

#[test]
fn a_plan_warns_if_the_branch_contains_no_release() {
    let repo = renamed_under_a_fix();
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.git(&["commit", "--quiet", "--message", "feat: all of it"]);
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    expect![[r#"
        exit code 0
        python  not released yet → 0.0.2  (first)
          counts
            1234567  feat  all of it
          evidence
            commits   minor     feat: all of it (1234567)
            tags      > 0.0.1   the highest tag
            manifest  >= 0.0.1  the first release; apps/python/pyproject.toml has 0.0.1
            index     ?         not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[release-elsewhere]: python: python-v0.0.1 exists, but HEAD contains neither it nor a commit with the same content of apps/python: the next release is compared with no earlier release
          → git rebase python-v0.0.1, if you release from this branch
    "#]].assert_eq(&plan.seen());
}

#[test]
fn a_release_deprecated_on_npm_is_not_compared_with() {
    let repo = Repo::new();
    let package =
        |version: &str| format!("{{\n  \"name\": \"demo-agent\",\n  \"version\": \"{version}\"\n}}\n");
    repo.write("apps/ts/app.toml", "name = \"ts\"\necosystem = \"ts\"\npackage = \"demo-agent\"\n");
    for version in ["0.1.0", "0.2.0"] {
        repo.commit("apps/ts/package.json", &package(version), &format!("chore(release): ts v{version}"));
        repo.git(&["tag", &format!("ts-v{version}")]);
    }
    repo.commit("apps/ts/index.ts", "", "fix: x");
    let index = serve(
        r#"{"name": "demo-agent", "versions": {"0.1.0": {"dist": {"tarball": ""}},
            "0.2.0": {"dist": {"tarball": ""}, "deprecated": "broken"}}}"#,
    );
    let bumped = repo.xtask(&["bump", "ts", "--npm", index.trim_end_matches("/simple")]).expect(0);
    expect![[r#"
        exit code 0
        info[release-withdrawn]: ts: ts-v0.2.0 was withdrawn, so the next release is compared with ts-v0.1.0, the newest that users can install
        ✓ chore(release): ts v0.2.1
          apps/ts/package.json
          CHANGELOG.md
    "#]].assert_eq(&bumped.seen());
}

#[test]
fn a_plan_warns_if_the_branch_lacks_the_newest_release() {
    let repo = renamed_under_a_fix();
    repo.git(&["switch", "--quiet", "--create", "old", "python-v0.0.1"]);
    repo.git(&["tag", "python-v0.2.0", "main"]);
    repo.change("fix: x");
    expect![[r#"
        exit code 0
        warning[release-elsewhere]: python: python-v0.2.0 exists, but HEAD does not contain it: the next release is compared with python-v0.0.1, and its number is above 0.2.0
          → git rebase python-v0.2.0, or for a fix of 0.0.1: git switch --create hotfix/python-v0.0.1
    "#]].assert_eq(&repo.xtask(&["plan", "python"]).expect(0).seen_findings());
    // What it advises makes no merge commit, which the hook pre-push would refuse.
    repo.git(&["switch", "--quiet", "--create", "rebased"]);
    repo.git(&["rebase", "--quiet", "python-v0.2.0"]);
    assert_eq!(repo.git(&["log", "--merges", "--format=%h"]), "");
    assert!(!repo.xtask(&["plan", "python"]).seen().contains("release-elsewhere"));
    repo.git(&["switch", "--quiet", "old"]);
    // On the hotfix branch, only its own versions matter.
    repo.git(&["branch", "--quiet", "--move", "hotfix/python-v0.0.1"]);
    expect![[r#"
        exit code 0
    "#]]
    .assert_eq(&repo.xtask(&["plan", "python"]).expect(0).seen_findings());
}

#[test]
fn a_tag_on_a_folder_or_a_file_is_not_compared_with() {
    let mut seen = String::new();
    for object in ["HEAD^{tree}", "HEAD:apps/python/pyproject.toml"] {
        let repo = Repo::new();
        repo.git(&["tag", "python-v0.1.0"]);
        repo.change("fix: x");
        repo.git(&["tag", "python-v0.2.0", object]);
        repo.git(&["tag", "-a", "-m", "x", "python-v0.3.0", object]);
        seen.push_str(&repo.xtask(&["plan", "python"]).seen());
    }
    expect![[r#"
        exit code 3
        python  0.1.0 → 0.3.1  (patch)
          counts since python-v0.1.0
            1234567  fix  x
          evidence
            commits   patch    fix: x (1234567)
            tags      > 0.3.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        error[manifest-below-tag]: python: the manifest has 0.0.0, but 0.1.0 is already released (apps/python/pyproject.toml)
          → cargo xtask bump python
        warning[tag-without-commit]: python: python-v0.3.0 is not on a commit but on a folder or a file, so the next release is not compared with it
          → git tag --force python-v0.3.0 COMMIT, with the commit that it was built from
        error: 1 finding to fix first
        exit code 3
        python  0.1.0 → 0.3.1  (patch)
          counts since python-v0.1.0
            1234567  fix  x
          evidence
            commits   patch    fix: x (1234567)
            tags      > 0.3.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        error[manifest-below-tag]: python: the manifest has 0.0.0, but 0.1.0 is already released (apps/python/pyproject.toml)
          → cargo xtask bump python
        warning[tag-without-commit]: python: python-v0.3.0 is not on a commit but on a folder or a file, so the next release is not compared with it
          → git tag --force python-v0.3.0 COMMIT, with the commit that it was built from
        error: 1 finding to fix first
    "#]].assert_eq(&seen);
}

#[test]
fn a_tag_of_another_history_is_not_compared_with() {
    let repo = Repo::new();
    repo.git(&["switch", "--quiet", "--orphan", "other"]);
    repo.commit("README.md", "x", "docs: another project");
    repo.git(&["tag", "python-v0.4.0"]);
    repo.git(&["switch", "--quiet", "main"]);
    repo.change("feat: x");
    expect![[r#"
        exit code 0
        python  not released yet → 0.4.1  (first)
          counts
            1234567  feat   x
          does not count
            1234567  chore  begin  chore releases nothing
          evidence
            commits   minor     feat: x (1234567)
            tags      > 0.4.0   the highest tag
            manifest  >= 0.0.1  the first release; apps/python/pyproject.toml has 0.0.0
            index     ?         not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[release-elsewhere]: python: python-v0.4.0 exists, but HEAD contains neither it nor a commit with the same content of apps/python: the next release is compared with no earlier release
          → git rebase python-v0.4.0, if you release from this branch
    "#]].assert_eq(&repo.xtask(&["plan", "python"]).seen());
}

#[test]
fn tags_of_another_form_are_reported() {
    let repo = Repo::new();
    repo.change("fix: x");
    let mut seen = String::new();
    for tag in ["demo-agent==1.3.0rc1", "demo-agent==1.4.0", "v1.5.0"] {
        repo.git(&["tag", tag]);
        seen.push_str(&repo.xtask(&["plan", "python"]).seen_findings());
    }
    expect![[r#"
        exit code 0
        warning[tags-unread]: python: demo-agent==1.3.0rc1 looks like a release of python, but only tags like python-v1.3.0-rc.1 are read: the next release is compared with no earlier release
          → git tag python-v1.3.0-rc.1 demo-agent==1.3.0rc1^{}, if demo-agent==1.3.0rc1 is the last release
        exit code 0
        warning[tags-unread]: python: demo-agent==1.4.0 looks like a release of python, but only tags like python-v1.4.0 are read: the next release is compared with no earlier release
          → write into apps/python/app.toml, if releases keep such tags:
          → [release]
          → tag = "{package}=={version}"
          → or: git tag python-v1.4.0 demo-agent==1.4.0^{}, if demo-agent==1.4.0 is the last release
        exit code 0
        warning[tags-unread]: python: v1.5.0 looks like a release of python, but only tags like python-v1.5.0 are read: the next release is compared with no earlier release
          → write into apps/python/app.toml, if releases keep such tags:
          → [release]
          → tag = "v{version}"
          → or: git tag python-v1.5.0 v1.5.0^{}, if v1.5.0 is the last release
    "#]].assert_eq(&seen);
    // The tag that the help proposes is read, so the others do not matter. So is the proposed form.
    repo.git(&["tag", "python-v1.5.0", "v1.5.0^{}"]);
    let plan = repo.xtask(&["plan", "python"]);
    assert!(!plan.stderr.contains("tags-unread"), "{}", plan.stderr);
    repo.git(&["tag", "--delete", "python-v1.5.0"]);
    let settings = repo.read("apps/python/app.toml") + "\n[release]\ntag = \"v{version}\"\n";
    repo.commit("apps/python/app.toml", &settings, "build: tags keep their form");
    let plan = repo.xtask(&["plan", "python", "--json"]);
    assert!(!plan.stderr.contains("tags-unread"), "{}", plan.stderr);
    assert_eq!(plan.json()["apps"][0]["last"]["tag"], "v1.5.0");
    // A release from before the form was set.
    repo.git(&["tag", "python-v1.6.0"]);
    repo.change("fix: y");
    expect![[r#"
        exit code 3
        error[manifest-below-tag]: python: the manifest has 0.0.0, but 1.5.0 is already released (apps/python/pyproject.toml)
          → cargo xtask bump python
        warning[tags-unread]: python: python-v1.6.0 looks like a release of python, but only tags like v1.6.0 are read: the next release is compared with v1.5.0
          → git tag v1.6.0 python-v1.6.0^{}, if python-v1.6.0 is the last release
        error: 1 finding to fix first
    "#]].assert_eq(&repo.xtask(&["plan", "python"]).seen_findings());
}
