//! `promote` pushes the branch of the next pull request, and does not change the checkout.

use crate::support::{Output, PYPROJECT, Repo};
use expect_test::expect;

/// A repository in which development is one feature ahead of main. Both branches are on the remote, and the
/// checkout is on a feature branch.
pub(crate) fn flow() -> Repo {
    let repo = Repo::new();
    let remote = repo.world().join("remote.git");
    repo.git(&["init", "-q", "--bare", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    repo.git(&["push", "-q", "origin", "main"]);
    repo.git(&["switch", "-qc", "development"]);
    repo.change("feat: first");
    push(&repo, "development");
    repo.git(&["switch", "-qc", "feature"]);
    repo
}

fn push(repo: &Repo, branch: &str) {
    repo.git(&["push", "-q", "origin", branch]);
}

fn remote(repo: &Repo, args: &[&str]) -> String {
    repo.git_in(&repo.world().join("remote.git"), args)
}

/// Runs `promote` and checks that it changes nothing in the checkout except the remote-tracking branches,
/// which git updates at a push.
#[track_caller]
fn promote(repo: &Repo, args: &[&str]) -> Output {
    let snapshot = || {
        repo.snapshot().lines().filter(|l| !l.contains("refs/remotes/origin/")).collect::<Vec<_>>().join("\n")
    };
    let before = snapshot();
    let out = repo.xtask(&[&["promote"], args].concat());
    assert_eq!(before, snapshot(), "the repository has changed");
    out
}

/// Squash-merges a branch as a forge does: one commit on the base with the branch's content.
fn squash(repo: &Repo, branch: &str, base: &str, message: &str) {
    let here = repo.git(&["branch", "--show-current"]);
    repo.git(&["fetch", "-q", "origin"]);
    repo.git(&["switch", "-qC", base, &format!("origin/{base}")]);
    repo.git(&["merge", "-q", "--squash", &format!("origin/{branch}")]);
    repo.git(&["commit", "-qm", message]);
    push(repo, base);
    repo.git(&["push", "-q", "origin", "--delete", branch]);
    repo.git(&["switch", "-q", &here]);
}

fn branches(repo: &Repo) -> Vec<String> {
    remote(repo, &["for-each-ref", "--format=%(refname:short)", "refs/heads"])
        .lines()
        .map(str::to_string)
        .collect()
}

fn release(repo: &Repo, version: &str) {
    let source = repo.git(&["rev-parse", "origin/development"]);
    let tag = format!("python-v{version}");
    repo.git(&[
        "tag",
        "-a",
        "--cleanup=verbatim",
        "-m",
        &format!("notes\n\nSource-Commit: {source}\n"),
        &tag,
        "origin/main",
    ]);
    push(repo, &tag);
}

/// Without the bump, main would get a version that it cannot release: its changelog has no text.
#[test]
fn a_new_app_whose_manifest_has_a_version_is_bumped_first() {
    let repo = flow();
    repo.git(&["switch", "-q", "development"]);
    let manifest = PYPROJECT.replace("0.0.0", "0.1.0");
    repo.commit("apps/python/pyproject.toml", &manifest, "build: begin with 0.1.0");
    push(&repo, "development");
    repo.git(&["switch", "-q", "feature"]);
    promote(&repo, &[]).expect(0);
    assert_eq!(branches(&repo), ["development", "main", "release/python-v0.1.0"]);
    let changed = remote(&repo, &["diff", "--name-only", "development", "release/python-v0.1.0"]);
    assert_eq!(changed, "CHANGELOG.md");
}

#[test]
fn promote_first_bumps_on_development_and_then_promotes_development_to_main() {
    let repo = flow();
    let mut seen = String::new();
    for (version, next) in [("0.0.1", "fix: second"), ("0.0.2", "feat: third"), ("0.1.0", "docs: nothing")] {
        let branch = format!("release/python-v{version}");
        seen.push_str(&promote(&repo, &[]).seen());
        assert_eq!(
            remote(&repo, &["log", "-1", "--format=%s", &branch]),
            format!("chore(release): python v{version}")
        );
        seen.push_str(&promote(&repo, &[]).seen());
        // A later run creates a bump with another time, but reports the commit that is on the remote.
        let again = promote(&repo, &["--json"]).expect(0).json();
        assert_eq!(
            (&again["pushed"], &again["commit"]),
            (&false.into(), &remote(&repo, &["rev-parse", &branch]).into())
        );
        squash(&repo, &branch, "development", &format!("chore(release): python v{version} (#1)"));

        let out = promote(&repo, &["--json"]).expect(0).json();
        assert_eq!(
            (&out["base"], &out["title"]),
            (&"main".into(), &format!("chore(release): promote python v{version}").into())
        );
        let branch = out["branch"].as_str().unwrap().to_string();
        assert!(branch.starts_with("promote/"), "{branch}");
        assert_eq!(promote(&repo, &["--json"]).expect(0).json()["pushed"], false);
        squash(&repo, &branch, "main", "chore: promote (#2)");
        assert_eq!(
            remote(&repo, &["rev-parse", "main^{tree}"]),
            remote(&repo, &["rev-parse", "development^{tree}"])
        );
        release(&repo, version);
        seen.push_str(&promote(&repo, &[]).seen());

        repo.git(&["switch", "-qC", "feature", "origin/development"]);
        repo.change(next);
        repo.git(&["push", "-q", "origin", "feature:development"]);
    }
    expect![[r#"
        exit code 0
        open a pull request from release/python-v0.0.1 into development
          https://forge.example/team/mono/compare/development...release/python-v0.0.1

          chore(release): python v0.0.1

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | first release → 0.0.1 | commits | minor | feat: first (1234567) |
            | python | first release → 0.0.1 | manifest | >= 0.0.1 | the first release; apps/python/pyproject.toml has 0.0.0 |

            python: first release → 0.0.1

            * feat: first
        stderr:
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ pushed release/python-v0.0.1
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
        exit code 0
        open a pull request from release/python-v0.0.1 into development
          https://forge.example/team/mono/compare/development...release/python-v0.0.1

          chore(release): python v0.0.1

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | first release → 0.0.1 | commits | minor | feat: first (1234567) |
            | python | first release → 0.0.1 | manifest | >= 0.0.1 | the first release; apps/python/pyproject.toml has 0.0.0 |

            python: first release → 0.0.1

            * feat: first
        stderr:
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ release/python-v0.0.1 is already on the remote
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
        exit code 4
        nothing to promote: the files of all apps are the same on development and main
        exit code 0
        open a pull request from release/python-v0.0.2 into development
          https://forge.example/team/mono/compare/development...release/python-v0.0.2

          chore(release): python v0.0.2

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | 0.0.1 → 0.0.2 | commits | patch | fix: second (1234567) |
            | python | 0.0.1 → 0.0.2 | tags | > 0.0.1 | the highest tag |

            python: 0.0.1 → 0.0.2

            * fix: second
        stderr:
        ✓ chore(release): python v0.0.2
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ pushed release/python-v0.0.2
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
        exit code 0
        open a pull request from release/python-v0.0.2 into development
          https://forge.example/team/mono/compare/development...release/python-v0.0.2

          chore(release): python v0.0.2

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | 0.0.1 → 0.0.2 | commits | patch | fix: second (1234567) |
            | python | 0.0.1 → 0.0.2 | tags | > 0.0.1 | the highest tag |

            python: 0.0.1 → 0.0.2

            * fix: second
        stderr:
        ✓ chore(release): python v0.0.2
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ release/python-v0.0.2 is already on the remote
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
        exit code 4
        nothing to promote: the files of all apps are the same on development and main
        exit code 0
        open a pull request from release/python-v0.1.0 into development
          https://forge.example/team/mono/compare/development...release/python-v0.1.0

          chore(release): python v0.1.0

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | 0.0.2 → 0.1.0 | commits | minor | feat: third (1234567) |
            | python | 0.0.2 → 0.1.0 | tags | > 0.0.2 | the highest tag |

            python: 0.0.2 → 0.1.0

            * feat: third
        stderr:
        ✓ chore(release): python v0.1.0
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ pushed release/python-v0.1.0
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
        exit code 0
        open a pull request from release/python-v0.1.0 into development
          https://forge.example/team/mono/compare/development...release/python-v0.1.0

          chore(release): python v0.1.0

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | 0.0.2 → 0.1.0 | commits | minor | feat: third (1234567) |
            | python | 0.0.2 → 0.1.0 | tags | > 0.0.2 | the highest tag |

            python: 0.0.2 → 0.1.0

            * feat: third
        stderr:
        ✓ chore(release): python v0.1.0
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ release/python-v0.1.0 is already on the remote
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
        exit code 4
        nothing to promote: the files of all apps are the same on development and main
    "#]].assert_eq(&seen);
    // Changes that need no release are promoted too.
    assert_eq!(promote(&repo, &["--json"]).expect(0).json()["title"], "chore: promote development to main");
}

#[test]
fn the_body_lists_the_released_commits() {
    let repo = flow();
    let out = promote(&repo, &["--json"]).expect(0).json();
    expect![[r#"
        | app | version | source | demands | why |
        |---|---|---|---|---|
        | python | first release → 0.0.1 | commits | minor | feat: first (1234567) |
        | python | first release → 0.0.1 | manifest | >= 0.0.1 | the first release; apps/python/pyproject.toml has 0.0.0 |

        python: first release → 0.0.1

        * feat: first
    "#]].assert_eq(&crate::seen::masked(out["body"].as_str().unwrap()));
}

#[test]
fn a_dry_run_pushes_nothing_and_shows_the_commit() {
    let repo = flow();
    let before = remote(&repo, &["for-each-ref"]);
    expect![[r#"
        exit code 0
        chore(release): python v0.0.1

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
        +## [python-v0.0.1] - 2026-01-01
        +
        +### Added
        +
        +- first
        +
        +[python-v0.0.1]: https://forge.example/team/mono/releases/tag/python-v0.0.1
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.0.0" # the only place
        +version = "0.0.1" # the only place
         requires-python = ">=3.11"
        open a pull request from release/python-v0.0.1 into development
          https://forge.example/team/mono/compare/development...release/python-v0.0.1

          chore(release): python v0.0.1

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | first release → 0.0.1 | commits | minor | feat: first (1234567) |
            | python | first release → 0.0.1 | manifest | >= 0.0.1 | the first release; apps/python/pyproject.toml has 0.0.0 |

            python: first release → 0.0.1

            * feat: first
        stderr:
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        would push release/python-v0.0.1
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
    "#]].assert_eq(&promote(&repo, &["--dry-run"]).seen());
    assert_eq!(remote(&repo, &["for-each-ref"]), before);
}

#[test]
fn the_remote_branches_count_and_not_the_local_ones() {
    let repo = flow();
    repo.git(&["branch", "-qD", "development", "main"]);
    repo.git(&["update-ref", "-d", "refs/remotes/origin/development"]);
    let remote = repo.world().join("remote.git");
    promote(&repo, &["--remote", remote.as_str()]).expect(0);
    assert!(branches(&repo).contains(&"release/python-v0.0.1".to_string()));
}

#[test]
fn a_branch_with_an_older_bump_is_replaced_and_one_with_other_commits_is_not() {
    let repo = flow();
    promote(&repo, &[]).expect(0);
    let first = remote(&repo, &["rev-parse", "release/python-v0.0.1"]);
    repo.git(&["switch", "-q", "development"]);
    repo.change("fix: later");
    push(&repo, "development");
    promote(&repo, &[]).expect(0);
    assert_ne!(remote(&repo, &["rev-parse", "release/python-v0.0.1"]), first);
    repo.git(&["fetch", "-q", "origin"]);
    repo.git(&["switch", "-q", "release/python-v0.0.1"]);
    repo.commit("CHANGELOG.md", "better words\n", "docs: by hand");
    push(&repo, "release/python-v0.0.1");
    repo.git(&["switch", "-q", "development"]);
    repo.change("fix: even later");
    push(&repo, "development");
    expect![[r#"
        exit code 3
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        error[branch-taken]: release/python-v0.0.1 is already on the remote, with commits other than a bump
          → merge its pull request, or delete the branch
        error: 1 finding to fix first
    "#]]
    .assert_eq(&promote(&repo, &[]).seen());
}

/// 0.0.1 is released; a hotfix was squashed into main, and development went on.
fn hotfixed() -> (Repo, String) {
    let repo = flow();
    promote(&repo, &[]).expect(0);
    squash(&repo, "release/python-v0.0.1", "development", "chore(release): python v0.0.1");
    let branch = promote(&repo, &["--json"]).expect(0).json()["branch"].as_str().unwrap().to_string();
    squash(&repo, &branch, "main", "chore: promote");
    release(&repo, "0.0.1");
    repo.git(&["switch", "-qC", "hotfix/python-v0.0.1", "origin/main"]);
    repo.commit("apps/python/urgent.py", "fixed\n", "fix: urgent");
    repo.xtask(&["bump", "python"]).expect(0);
    push(&repo, "hotfix/python-v0.0.1");
    squash(&repo, "hotfix/python-v0.0.1", "main", "fix: urgent (#9)");
    let fix = repo.git(&["rev-parse", "origin/main"]);
    repo.git(&["tag", "-am", "notes", "python-v0.0.2", "origin/main"]);
    push(&repo, "python-v0.0.2");
    repo.git(&["switch", "-qC", "development", "origin/development"]);
    repo.change("feat: meanwhile");
    push(&repo, "development");
    (repo, fix)
}

#[test]
fn a_hotfix_on_main_must_be_applied_to_development_first() {
    let (repo, fix) = hotfixed();
    let before = branches(&repo);
    let out = promote(&repo, &[]);
    assert!(out.stderr.contains(&format!("git cherry-pick -x {fix}")), "{out:?}");
    expect![[r#"
        exit code 3
        error[main-ahead]: python: main has commits that development lacks; a promotion would undo them:
          1234567 fix: urgent (#9)
          → git fetch origin
          → git switch --no-track --create apply-hotfix-python origin/development
          → git cherry-pick -x COMMIT
          → git push origin apply-hotfix-python
          → open a pull request into development
        error: 1 finding to fix first
    "#]]
    .assert_eq(&out.seen());
    assert_eq!(branches(&repo), before);
    // As after a pull request: a commit with another message.
    repo.git(&["cherry-pick", "-n", &fix]);
    repo.git(&["commit", "-qm", "fix: urgent, here too"]);
    push(&repo, "development");
    let out = promote(&repo, &["--json"]).expect(0).json();
    assert_eq!(out["branch"], "release/python-v0.1.0");
}

#[test]
fn a_hotfix_counts_as_applied_without_its_version_or_if_a_cherry_pick_names_it() {
    let (repo, _) = hotfixed();
    repo.commit("apps/python/urgent.py", "fixed\n", "fix: by hand");
    push(&repo, "development");
    promote(&repo, &[]).expect(0);
    let (repo, fix) = hotfixed();
    repo.commit(
        "apps/python/urgent.py",
        "otherwise\n",
        &format!("fix: urgent\n\n(cherry picked from commit {fix})"),
    );
    push(&repo, "development");
    promote(&repo, &[]).expect(0);
}

#[test]
fn a_missing_branch_and_a_single_branch_are_errors() {
    let repo = flow();
    repo.git(&["push", "-q", "origin", "--delete", "development"]);
    let missing = promote(&repo, &[]).seen();
    repo.commit("Cargo.toml", "[workspace.metadata.xtask]\ndevelopment = \"main\"\n", "chore: trunk");
    expect![[r#"
        exit code 2
        error: origin has no branch development; push it first: git push origin development
        exit code 2
        error: promote needs separate branches for development and releases, but the settings name only main; to release from it: cargo xtask release --bump
    "#]].assert_eq(&(missing + &promote(&repo, &[]).seen()));
}
