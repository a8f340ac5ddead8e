//! `promote` opens its pull request on GitHub and Gitea: the rehearsal's forge gives the status codes that
//! the real ones gave (GitHub's API 2022-11-28, Gitea 1.26.3), and refuses what those refuse.

use crate::promote::flow;
use crate::support::{Output, Repo};
use expect_test::expect;
use serde_json::json;
use server::{Dialect, Repository, State};
use std::sync::{Arc, Mutex};

#[path = "../../src/commands/rehearse/forge/server.rs"]
pub(crate) mod server;

pub(crate) const TOKEN: &str = "forge-token-of-a-test";

/// A forge with the repositories `team/mono` and `team/template`.
pub(crate) struct Forge {
    pub dialect: Dialect,
    pub api: String,
    state: Arc<Mutex<State>>,
}

impl Forge {
    pub(crate) fn start(dialect: Dialect) -> Forge {
        let (address, state) = server::start(TOKEN, &["team/mono", "team/template"]).unwrap();
        Forge { dialect, api: format!("http://{address}{}/repos/team/mono", dialect.api()), state }
    }

    fn promote(&self, repo: &Repo, args: &[&str]) -> Output {
        self.promote_as(repo, TOKEN, args)
    }

    fn promote_as(&self, repo: &Repo, token: &str, args: &[&str]) -> Output {
        let name = if self.dialect == Dialect::Gitea { "GITEA_TOKEN" } else { "GITHUB_TOKEN" };
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.args([&["promote"], args].concat()).env("XTASK_FORGE", &self.api).env(name, token);
        crate::support::run(&mut command)
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Looks at a repository, or changes it.
    pub(crate) fn with<T>(&self, name: &str, look: impl FnOnce(&mut Repository) -> T) -> T {
        look(self.state().repositories.get_mut(name).unwrap())
    }

    fn mono<T>(&self, look: impl FnOnce(&mut Repository) -> T) -> T {
        self.with("team/mono", look)
    }

    /// The next request that begins so gets this status.
    pub(crate) fn fault(&self, request: &str, status: u16) {
        let body = json!({ "message": "the test's fault" }).to_string();
        self.state().faults.push((request.to_string(), status, String::new(), body));
    }
}

/// The repository of `promote`'s tests, with the settings that name its page.
fn repo() -> Repo {
    let repo = flow();
    repo.git(&["switch", "-q", "development"]);
    let settings = "[workspace.metadata.xtask]\nrepository = \"https://forge.example/team/mono\"\n";
    let settings = format!("[workspace]\n{settings}");
    repo.commit("Cargo.toml", &settings, "chore: name the page");
    repo.git(&["push", "-q", "origin", "development"]);
    repo
}

#[test]
fn the_pull_request_is_opened_once_with_label_and_status_and_updated_when_the_plan_changes() {
    let mut seen = String::new();
    for kind in [Dialect::Github, Dialect::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        seen.push_str(&forge.promote(&repo, &[]).seen());
        let pull = forge.mono(|mono| mono.pulls[0].clone());
        assert_eq!(
            (&pull["title"], &pull["head"], &pull["base"], &pull["labels"][0]["name"]),
            (
                &json!("chore(release): python v0.0.1"),
                &json!("release/python-v0.0.1"),
                &json!("development"),
                &json!("release")
            )
        );
        let body = pull["body"].as_str().unwrap().to_string();
        expect_test::expect![[r#"
            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | first release → 0.0.1 | commits | minor | feat: first (COMMIT) |
            | python | first release → 0.0.1 | manifest | >= 0.0.1 | WHY |

            python: first release → 0.0.1

            * feat: first
        "#]]
        .assert_eq(&format!(
            "{}\n",
            without_commit(&body).replace("the first release; apps/python/pyproject.toml has 0.0.0", "WHY")
        ));
        let [commit, context, _, description] = forge.mono(|mono| mono.statuses[0].clone());
        let head =
            repo.git_in(&repo.world().join("remote.git"), &["rev-parse", "refs/heads/release/python-v0.0.1"]);
        assert_eq!(
            [commit.as_str(), context.as_str(), description.as_str()],
            [head.as_str(), "xtask/plan", "python first release → 0.0.1 (commits minor, manifest >= 0.0.1)"]
        );
        // A second run finds everything and writes nothing.
        forge.state().writes.clear();
        let out = forge.promote(&repo, &["--json"]).expect(0).json();
        assert_eq!(
            out["pull_request"],
            json!({
                "number": 1, "url": "https://forge.example/team/mono/pulls/1", "new": false,
            })
        );
        assert_eq!(forge.state().writes, [""; 0], "{kind:?}");
        // Somebody changed the title by hand.
        forge.mono(|mono| mono.pulls[0]["title"] = "another".into());
        seen.push_str(&forge.promote(&repo, &[]).seen());
        assert_eq!(forge.state().writes, ["PATCH /pulls/1"]);
        assert_eq!(forge.mono(|mono| mono.pulls[0]["title"].clone()), "chore(release): python v0.0.1");
    }
    expect![[r#"
        exit code 0
        https://forge.example/team/mono/pulls/1
        stderr:
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ pushed release/python-v0.0.1
        ✓ pull request #1 opened
        exit code 0
        https://forge.example/team/mono/pulls/1
        stderr:
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ release/python-v0.0.1 is already on the remote
        ✓ pull request #1 updated
        exit code 0
        https://forge.example/team/mono/pulls/1
        stderr:
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ pushed release/python-v0.0.1
        ✓ pull request #1 opened
        exit code 0
        https://forge.example/team/mono/pulls/1
        stderr:
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ release/python-v0.0.1 is already on the remote
        ✓ pull request #1 updated
    "#]]
    .assert_eq(&seen);
}

/// The text without the abbreviated commit in parentheses.
fn without_commit(text: &str) -> String {
    let at = text.find("feat: first (").unwrap() + "feat: first (".len();
    let end = at + text[at..].find(')').unwrap();
    format!("{}COMMIT{}", &text[..at], &text[end..])
}

#[test]
fn faults_of_the_forge_are_explained_and_a_second_run_goes_on() {
    let mut seen = String::new();
    for kind in [Dialect::Github, Dialect::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        for (fault, status, code) in [
            ("POST /pulls", 403, 1),
            ("POST /labels", 403, 1),
            ("POST /issues", 404, 1),
            ("POST /statuses", 429, 0),
            // The server's own fault goes away: tried again.
            ("GET /commits", 503, 0),
        ] {
            forge.fault(fault, status);
            let out = forge.promote(&repo, &[]).expect(code);
            assert!(!out.stderr.contains(TOKEN), "{out:?}");
            if code == 1 {
                seen.push_str(&out.seen_error());
            }
        }
        let (pulls, labels) = forge.mono(|mono| (mono.pulls.clone(), mono.labels.clone()));
        assert_eq!((pulls.len(), labels), (1, vec!["release".to_string()]), "{kind:?}");
        assert_eq!(pulls[0]["labels"], json!([{ "name": "release" }]));
        seen.push_str(&forge.promote_as(&repo, "a-wrong-token", &[]).seen_error());
    }
    expect![[r#"
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot open a pull request on the forge: the token in GITHUB_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: POST http://127.0.0.1:PORT/api/v3/repos/team/mono/pulls: 403 Forbidden: {"message":"the test's fault"}
          → `cargo xtask promote` continues
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot create the label on the forge: the token in GITHUB_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: POST http://127.0.0.1:PORT/api/v3/repos/team/mono/labels: 403 Forbidden: {"message":"the test's fault"}
          → `cargo xtask promote` continues
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot label the pull request on the forge: the token in GITHUB_TOKEN cannot see team/mono or may not change it, or that repository does not exist: POST http://127.0.0.1:PORT/api/v3/repos/team/mono/issues/1/labels: 404 Not Found: {"message":"the test's fault"}
          → `cargo xtask promote` continues
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot look for the pull request on the forge: the forge does not accept the token in GITHUB_TOKEN; create a new one: GET http://127.0.0.1:PORT/api/v3/repos/team/mono/pulls?…: 401 Unauthorized: {"message":"Bad credentials"}
          → `cargo xtask promote` continues
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot open a pull request on the forge: the token in GITEA_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: POST http://127.0.0.1:PORT/api/v1/repos/team/mono/pulls: 403 Forbidden: {"message":"the test's fault"}
          → `cargo xtask promote` continues
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot create the label on the forge: the token in GITEA_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: POST http://127.0.0.1:PORT/api/v1/repos/team/mono/labels: 403 Forbidden: {"message":"the test's fault"}
          → `cargo xtask promote` continues
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot label the pull request on the forge: the token in GITEA_TOKEN cannot see team/mono or may not change it, or that repository does not exist: POST http://127.0.0.1:PORT/api/v1/repos/team/mono/issues/1/labels: 404 Not Found: {"message":"the test's fault"}
          → `cargo xtask promote` continues
        exit code 1
        error: release/python-v0.0.1 is on the remote, but its pull request is not complete: cannot look for the pull request on the forge: the forge does not accept the token in GITEA_TOKEN; create a new one: GET http://127.0.0.1:PORT/api/v1/repos/team/mono/pulls/development/release%2Fpython-v0.0.1: 401 Unauthorized: {"message":"Bad credentials"}
          → `cargo xtask promote` continues
    "#]].assert_eq(&seen);
}

#[test]
fn a_label_is_not_created_twice_if_the_answer_is_lost() {
    let (repo, forge) = (repo(), Forge::start(Dialect::Gitea));
    forge.state().lost = Some("POST /labels".to_string());
    let out = forge.promote(&repo, &[]);
    expect![[r#"
        exit code 0
            create the label: 500 Internal Server Error; retry in TIME (1/4)
    "#]]
    .assert_eq(&out.seen_lines(&["retry in"]));
    assert_eq!(forge.mono(|mono| mono.labels.clone()), ["release"]);
}

#[test]
fn without_a_token_the_reason_and_the_text_to_open_it_by_hand_are_printed() {
    let (repo, forge) = (repo(), Forge::start(Dialect::Gitea));
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
        - pull request: not set up: XTASK_FORGE_TOKEN or GITEA_TOKEN
    "#]].assert_eq(&forge.promote_as(&repo, "", &[]).seen());
    assert!(forge.state().writes.is_empty());
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
        - pull request: would be opened
    "#]].assert_eq(&forge.promote(&repo, &["--dry-run"]).seen());
    assert!(forge.state().writes.is_empty());
    expect![[r#"
        exit code 2
        error: "forge.example" is not an http(s) address
    "#]]
    .assert_eq(&repo.xtask(&["promote", "--forge-api", "forge.example"]).seen());
}

/// With `auto-merge = true`. About 3 s.
#[test]
fn auto_merge_is_turned_on_if_the_settings_ask_for_it() {
    let mut seen = String::new();
    for kind in [Dialect::Github, Dialect::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        let settings = "[workspace.metadata.xtask]\nauto-merge = true\n[workspace]\n";
        repo.commit("Cargo.toml", settings, "chore: merge by itself");
        repo.git(&["push", "-q", "origin", "development"]);
        let mut say = |out: Output| {
            let lines = out.stderr.lines().filter(|line| line.contains("auto-merge"));
            lines.for_each(|line| seen.push_str(&format!("{kind:?}: {line}\n")));
        };
        say(forge.promote(&repo, &[]).expect(0));
        let rule = json!({ "enable_status_check": true, "status_check_contexts": ["lint"] });
        forge.mono(|mono| {
            mono.settings.insert("allow_auto_merge".to_string(), true.into());
            mono.protections.insert("development".to_string(), rule);
        });
        say(forge.promote(&repo, &[]).expect(0));
        say(forge.promote(&repo, &[]).expect(0));
        let out = forge.promote(&repo, &["--json"]).expect(0).json();
        assert_eq!(out["pull_request"]["auto_merge"], true);
        forge.mono(|mono| mono.pulls[0]["title"] = "another".into());
        say(forge.promote(&repo, &[]).expect(0));
        if kind == Dialect::Gitea {
            let message = forge.mono(|mono| mono.pulls[0]["scheduled"].clone());
            assert_eq!(message["MergeTitleField"], "chore(release): python v0.0.1 (#1)");
            assert!(message["MergeMessageField"].as_str().unwrap().contains("* feat: first"), "{message}");
        }
    }
    expect![[r#"
        Github: - auto-merge: Pull request Auto merge is not allowed for this repository
        Github: ✓ auto-merge: on; the forge merges when the checks have passed
        Github: ✓ auto-merge: is on
        Github: ✓ auto-merge: is on
        Gitea: - auto-merge: development requires no checks, so the forge would merge at once; to require them: cargo xtask setup --forge
        Gitea: ✓ auto-merge: on; the forge merges when the checks have passed
        Gitea: ✓ auto-merge: is on
        Gitea: ✓ auto-merge: on; the forge merges when the checks have passed
    "#]].assert_eq(&seen);
}

/// About 2 s.
#[test]
fn the_registries_of_the_forge_are_used_if_the_settings_say_so() {
    let repo = repo();
    repo.commit(
        "Cargo.toml",
        "[workspace.metadata.xtask]\nregistries = \"gitea\"\n[workspace]\n",
        "chore: x",
    );
    // Nothing listens there.
    let xtask = |api: &str, args: &[&str]| {
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.env_remove("XTASK_PYPI").args(args);
        crate::support::run(command.env("XTASK_FORGE", format!("http://127.0.0.1:1/{api}/repos/team/mono")))
    };
    let bump = |api: &str, given: &[&str]| {
        xtask(api, &[&["bump", "python", "--dry-run"] as &[&str], given].concat())
    };
    let asked =
        [&[] as &[&str], &["--pypi", "http://127.0.0.1:1/x"]].map(|given| bump("api/v1", given).seen());
    expect![[r#"
        exit code 3
        error[index-unreachable]: python: the index could not be asked which versions it has: cannot read the index: GET http://127.0.0.1:1/api/packages/team/pypi/simple/demo-agent/: io: Connection refused (os error N)
          → run it again when the index answers
          → or, if you know that it has no higher version: cargo xtask bump python --version 0.0.1
        error: 1 finding to fix first
        exit code 3
        error[index-unreachable]: python: the index could not be asked which versions it has: cannot read the index: GET http://127.0.0.1:1/x/demo-agent/: io: Connection refused (os error N)
          → run it again when the index answers
          → or, if you know that it has no higher version: cargo xtask bump python --version 0.0.1
        error: 1 finding to fix first
    "#]].assert_eq(&asked.concat());
    expect![[r#"
        exit code 2
        error: registries = "gitea" is set, but http://127.0.0.1:1/api/v3 is not a Gitea
    "#]]
    .assert_eq(&bump("api/v3", &[]).seen());

    // A template that names an app of the repository.
    repo.write("template/template.toml", "app = \"python\"\n");
    repo.write("template/.runtime-version", "0.0.1\n");
    expect![[r#"
        exit code 1
        error: cannot read the index: GET http://127.0.0.1:1/api/packages/team/pypi/simple/demo-agent/: io: Connection refused (os error N)
    "#]].assert_eq(&xtask("api/v1", &["compat", "--template", "template"]).seen_error());
}

/// `ci promote` as in a job after a push to this branch. A runner has no git identity.
fn promote_job(forge: &Forge, repo: &Repo, branch: &str, token: &str) -> Output {
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args(["ci", "promote"]).env("XTASK_FORGE", &forge.api).env("XTASK_FORGE_TOKEN", token);
    command.envs([("GITHUB_ACTIONS", "true"), ("GITEA_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push")]);
    command.env("GITHUB_REF", format!("refs/heads/{branch}"));
    crate::support::run(command.env("EMAIL", "").env("GIT_CONFIG_GLOBAL", "/dev/null"))
}

/// The job opens the bump, and after its merge the promotion, without a person. About 4 s.
#[test]
fn the_job_promote_opens_the_next_pull_request_when_development_changes() {
    let (repo, forge) = (repo(), Forge::start(Dialect::Gitea));
    let mut seen = String::new();
    for (branch, token) in [("feature", TOKEN), ("main", TOKEN), ("development", ""), ("development", TOKEN)]
    {
        seen.push_str(&promote_job(&forge, &repo, branch, token).seen());
    }
    let remote = repo.world().join("remote.git");
    let by = repo.git_in(&remote, &["log", "-1", "--format=%cn", "release/python-v0.0.1"]);
    assert_eq!(by, repo.git(&["log", "-1", "--format=%cn", "development"]));
    repo.git_in(&remote, &["update-ref", "refs/heads/development", "refs/heads/release/python-v0.0.1"]);
    seen.push_str(&promote_job(&forge, &repo, "development", TOKEN).seen());
    let opened = forge.mono(|mono| mono.pulls.iter().map(|pull| pull["base"].clone()).collect::<Vec<_>>());
    assert_eq!(opened, ["development", "main"]);
    expect![[r#"
        exit code 0
        promote: push to feature at 1234567
          nothing to do: the next pull request is opened when development changes
        exit code 0
        promote: push to main at 1234567
          nothing to do: the next pull request is opened when development changes
        exit code 0
        promote: push to development at 1234567
          nothing to do: not set up: XTASK_FORGE_TOKEN or GITEA_TOKEN. Set the secret PROMOTE_TOKEN, or run it yourself: cargo xtask promote
        exit code 0
        https://forge.example/team/mono/pulls/1
        stderr:
        promote: push to development at 1234567
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        ✓ pushed release/python-v0.0.1
        ✓ pull request #1 opened
        exit code 0
        https://forge.example/team/mono/pulls/2
        stderr:
        promote: push to development at 1234567
        ✓ pushed promote/1234567
        ✓ pull request #2 opened
    "#]].assert_eq(&seen);
}

/// Development goes on before the first one is merged. About 3 s.
#[test]
fn a_pull_request_that_a_newer_one_replaces_is_closed() {
    let mut seen = String::new();
    for kind in [Dialect::Github, Dialect::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        forge.promote(&repo, &[]).expect(0);
        let remote = repo.world().join("remote.git");
        repo.git_in(&remote, &["update-ref", "refs/heads/development", "refs/heads/release/python-v0.0.1"]);
        forge.promote(&repo, &[]).expect(0);
        // Others stay: of another kind, without the label, or into another branch.
        forge.mono(|mono| {
            let other = |number: u64, head: &str, base: &str, label: &str| {
                json!({ "number": number, "head": head, "base": base, "labels": [{ "name": label }] })
            };
            mono.pulls.push(other(3, "feat/x", "main", "release"));
            mono.pulls.push(other(4, "promote/by-hand", "main", "docs"));
            mono.pulls.push(other(5, "promote/old", "development", "release"));
            mono.pulls[1]["scheduled"] = json!({});
        });
        repo.git(&["fetch", "-q", "origin"]);
        repo.git(&["switch", "-qC", "development", "origin/development"]);
        repo.change("fix: second");
        repo.git(&["push", "-q", "origin", "development"]);
        seen.push_str(&forge.promote(&repo, &[]).seen());
        let left = forge.mono(|mono| mono.pulls.iter().map(|p| p["number"].clone()).collect::<Vec<_>>());
        assert_eq!(left, [1, 3, 4, 5, 6], "{kind:?}");
    }
    expect![[r#"
        exit code 0
        https://forge.example/team/mono/pulls/6
        stderr:
        ✓ pushed promote/1234567
        ✓ pull request #6 opened
        ✓ pull request #2 closed: this one replaces it
        exit code 0
        https://forge.example/team/mono/pulls/6
        stderr:
        ✓ pushed promote/1234567
        ✓ pull request #6 opened
        ✓ pull request #2 closed: this one replaces it
    "#]]
    .assert_eq(&seen);
}
