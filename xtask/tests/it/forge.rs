//! `promote` opens its pull request on GitHub and Gitea: the rehearsal's forge gives the status codes that
//! the real ones gave (GitHub's API 2022-11-28, Gitea 1.26.3), and refuses what those refuse.

use crate::promote::flow;
use crate::support::{Output, Repo};
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
    for kind in [Dialect::Github, Dialect::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        let out = forge.promote(&repo, &[]).expect(0);
        assert!(out.stderr.contains("✓ pull request #1 opened"), "{kind:?}: {out:?}");
        assert_eq!(out.stdout, "https://forge.example/team/mono/pulls/1\n");
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
        let out = forge.promote(&repo, &[]).expect(0);
        assert!(out.stderr.contains("✓ pull request #1 updated"), "{out:?}");
        assert_eq!(forge.state().writes, ["PATCH /pulls/1"]);
        assert_eq!(forge.mono(|mono| mono.pulls[0]["title"].clone()), "chore(release): python v0.0.1");
    }
}

/// The text without the abbreviated commit in parentheses.
fn without_commit(text: &str) -> String {
    let at = text.find("feat: first (").unwrap() + "feat: first (".len();
    let end = at + text[at..].find(')').unwrap();
    format!("{}COMMIT{}", &text[..at], &text[end..])
}

#[test]
fn faults_of_the_forge_are_explained_and_a_second_run_goes_on() {
    for kind in [Dialect::Github, Dialect::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        for (fault, status, expected) in [
            ("POST /pulls", 403, "lacks a permission"),
            ("POST /labels", 403, "lacks a permission"),
            ("POST /issues", 404, "cannot see team/mono"),
            ("POST /statuses", 429, ""),
            // The server's own fault goes away: tried again.
            ("GET /commits", 503, ""),
        ] {
            forge.fault(fault, status);
            let out = forge.promote(&repo, &[]);
            if expected.is_empty() {
                out.expect(0);
                continue;
            }
            let error = out.expect(1).stderr;
            assert!(error.contains(expected), "{kind:?} {fault}: {error}");
            assert!(error.contains("to go on: cargo xtask promote"), "{kind:?} {fault}: {error}");
            assert!(!error.contains(TOKEN), "{error}");
        }
        let (pulls, labels) = forge.mono(|mono| (mono.pulls.clone(), mono.labels.clone()));
        assert_eq!((pulls.len(), labels), (1, vec!["release".to_string()]), "{kind:?}");
        assert_eq!(pulls[0]["labels"], json!([{ "name": "release" }]));
        let error = forge.promote_as(&repo, "a-wrong-token", &[]).expect(1).stderr;
        assert!(error.contains("does not accept the token in GIT"), "{error}");
        assert!(!error.contains("a-wrong-token"), "{error}");
    }
}

#[test]
fn a_label_is_not_created_twice_if_the_answer_is_lost() {
    let (repo, forge) = (repo(), Forge::start(Dialect::Gitea));
    forge.state().lost = Some("POST /labels".to_string());
    let out = forge.promote(&repo, &[]).expect(0);
    assert!(out.stderr.contains("create the label: 500 Internal Server Error; retry in"), "{out:?}");
    assert_eq!(forge.mono(|mono| mono.labels.clone()), ["release"]);
}

#[test]
fn without_a_token_the_reason_and_the_text_to_open_it_by_hand_are_printed() {
    let (repo, forge) = (repo(), Forge::start(Dialect::Gitea));
    let out = forge.promote_as(&repo, "", &[]).expect(0);
    assert!(out.stderr.contains("- pull request: not set up: XTASK_FORGE_TOKEN or GITEA_TOKEN"), "{out:?}");
    assert!(out.stdout.contains("open a pull request from release/python-v0.0.1"), "{out:?}");
    assert!(forge.state().writes.is_empty());
    let dry = forge.promote(&repo, &["--dry-run"]).expect(0);
    assert!(dry.stderr.contains("- pull request: would be opened"), "{dry:?}");
    assert!(forge.state().writes.is_empty());
    let error = repo.xtask(&["promote", "--forge", "forge.example"]).expect(2).stderr;
    assert!(error.contains("is not an http(s) address"), "{error}");
}
