//! `promote` opens its pull request on GitHub and Gitea. The servers here give the status codes that the real
//! ones gave (GitHub's API 2022-11-28, Gitea 1.26.3), and refuse what those refuse.

use crate::promote::flow;
use crate::support::{Output, Repo};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

const TOKEN: &str = "forge-token-of-a-test";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Github,
    Gitea,
}

#[derive(Default)]
struct State {
    pulls: Vec<Value>,
    labels: Vec<String>,
    /// Commit, context and description.
    statuses: Vec<[String; 3]>,
    /// `POST /pulls`, for each request that is not a GET.
    writes: Vec<String>,
    /// Answers with this status instead, to requests whose `METHOD /path` begins so.
    fault: Option<(&'static str, u16)>,
    /// The forge does what this request asks for, but its answer is lost.
    lost: Option<&'static str>,
}

/// A forge with one repository, `team/mono`.
struct Forge {
    kind: Kind,
    api: String,
    state: Arc<Mutex<State>>,
}

impl Forge {
    fn start(kind: Kind) -> Forge {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let version = if kind == Kind::Gitea { "v1" } else { "v3" };
        let api = format!("http://{}/api/{version}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let root = format!("/api/{version}/repos/team/mono");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut method, mut path, mut length, mut login) = Default::default();
                for (i, line) in reader.by_ref().lines().map_while(Result::ok).enumerate() {
                    if i == 0 {
                        let mut words = line.split(' ').map(str::to_string);
                        (method, path) = (words.next().unwrap(), words.next().unwrap());
                    } else if line.is_empty() {
                        break;
                    }
                    match line.split_once(": ") {
                        Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                            length = value.parse().unwrap();
                        }
                        Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                            login = value.to_string();
                        }
                        _ => {}
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                let path = path.strip_prefix(&root).unwrap_or("elsewhere");
                let mut forge = shared.lock().unwrap();
                let (mut status, answer) = match login == expected(kind) {
                    true => forge.answer(kind, &method, path, &body),
                    false => (401, json!({ "message": "Bad credentials" })),
                };
                if forge.lost.take_if(|lost| format!("{method} {path}").starts_with(*lost)).is_some() {
                    status = 500;
                }
                drop(forge);
                let answer = answer.to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                     Connection: close\r\n\r\n{answer}",
                    answer.len()
                );
            }
        });
        Forge { kind, api, state }
    }

    fn promote(&self, repo: &Repo, args: &[&str]) -> Output {
        self.promote_as(repo, TOKEN, args)
    }

    fn promote_as(&self, repo: &Repo, token: &str, args: &[&str]) -> Output {
        let name = if self.kind == Kind::Gitea { "GITEA_TOKEN" } else { "GITHUB_TOKEN" };
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.args([&["promote"], args].concat()).env("XTASK_FORGE", &self.api).env(name, token);
        crate::support::run(&mut command)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Github => format!("Bearer {TOKEN}"),
        Kind::Gitea => format!("token {TOKEN}"),
    }
}

impl State {
    fn answer(&mut self, kind: Kind, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = format!("{method} {path}");
        if let Some((prefix, status)) = self.fault
            && request.starts_with(prefix)
        {
            self.fault = None;
            return (status, json!({ "message": "the test's fault" }));
        }
        if method != "GET" {
            self.writes.push(request);
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_string();
        match (method, parts.as_slice()) {
            ("GET", [""]) => (200, json!({ "full_name": "team/mono" })),
            // GitHub filters the list; Gitea has an address for the two branches.
            ("GET", ["pulls"]) if kind == Kind::Github => {
                let wanted = |pull: &&Value| {
                    let head = pull["head"].as_str().unwrap().replace('/', "%2F");
                    query == format!("state=open&head=team:{head}&base={}", pull["base"].as_str().unwrap())
                };
                (200, self.pulls.iter().filter(wanted).cloned().collect())
            }
            ("GET", ["pulls", base, head]) if kind == Kind::Gitea => {
                let head = head.replace("%2F", "/");
                match self.pulls.iter().find(|pull| pull["head"] == *head && pull["base"] == **base) {
                    Some(pull) => (200, pull.clone()),
                    None => (404, json!({ "message": "not found" })),
                }
            }
            ("POST", ["pulls"]) => {
                let same = |p: &Value| p["head"] == body["head"] && p["base"] == body["base"];
                if self.pulls.iter().any(same) {
                    let status = if kind == Kind::Gitea { 409 } else { 422 };
                    return (status, json!({ "message": "a pull request already exists" }));
                }
                let number = self.pulls.len() + 1;
                let mut pull = body.clone();
                pull["number"] = number.into();
                pull["html_url"] = format!("https://forge.example/team/mono/pulls/{number}").into();
                pull["labels"] = json!([]);
                self.pulls.push(pull.clone());
                (201, pull)
            }
            ("PATCH", ["pulls", number]) => {
                let pull = &mut self.pulls[number.parse::<usize>().unwrap() - 1];
                (pull["title"], pull["body"]) = (body["title"].clone(), body["body"].clone());
                (if kind == Kind::Gitea { 201 } else { 200 }, pull.clone())
            }
            ("GET", ["labels"]) => {
                let first = query.ends_with("page=1");
                let all = self.labels.iter().filter(|_| first).map(|name| json!({ "name": name }));
                (200, all.collect())
            }
            ("POST", ["labels"]) => {
                // Gitea creates a second label of the same name.
                if kind == Kind::Github && self.labels.contains(&text("name")) {
                    return (422, json!({ "message": "already_exists" }));
                }
                self.labels.push(text("name"));
                (201, json!({ "name": text("name") }))
            }
            ("POST", ["issues", number, "labels"]) => {
                let names = body["labels"].as_array().unwrap().clone();
                assert!(names.iter().all(|name| self.labels.iter().any(|l| name == l)), "{names:?}");
                let pull = &mut self.pulls[number.parse::<usize>().unwrap() - 1];
                pull["labels"] = names.iter().map(|name| json!({ "name": name })).collect();
                (200, pull["labels"].clone())
            }
            ("GET", ["commits", commit, "status"]) => {
                let state = if kind == Kind::Gitea { "status" } else { "state" };
                let all = self.statuses.iter().filter(|s| s[0] == **commit);
                let all = all.map(|s| json!({ "context": s[1], state: "success", "description": s[2] }));
                (200, json!({ "statuses": all.collect::<Value>() }))
            }
            ("POST", ["statuses", commit]) => {
                self.statuses.push([commit.to_string(), text("context"), text("description")]);
                (201, json!({}))
            }
            _ => (404, json!({ "message": "not found" })),
        }
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
    for kind in [Kind::Github, Kind::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        let out = forge.promote(&repo, &[]).expect(0);
        assert!(out.stderr.contains("✓ pull request #1 opened"), "{kind:?}: {out:?}");
        assert_eq!(out.stdout, "https://forge.example/team/mono/pulls/1\n");
        let pull = forge.state().pulls[0].clone();
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
        let [commit, context, description] = forge.state().statuses[0].clone();
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
        forge.state().pulls[0]["title"] = "another".into();
        let out = forge.promote(&repo, &[]).expect(0);
        assert!(out.stderr.contains("✓ pull request #1 updated"), "{out:?}");
        assert_eq!(forge.state().writes, ["PATCH /pulls/1"]);
        assert_eq!(forge.state().pulls[0]["title"], "chore(release): python v0.0.1");
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
    for kind in [Kind::Github, Kind::Gitea] {
        let (repo, forge) = (repo(), Forge::start(kind));
        for (fault, status, expected) in [
            ("POST /pulls", 403, "lacks a permission"),
            ("POST /labels", 403, "lacks a permission"),
            ("POST /issues", 404, "cannot see team/mono"),
            ("POST /statuses", 429, ""),
            // The server's own fault goes away: tried again.
            ("GET /commits", 503, ""),
        ] {
            forge.state().fault = Some((fault, status));
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
        let state = forge.state();
        assert_eq!((state.pulls.len(), &state.labels), (1, &vec!["release".to_string()]), "{kind:?}");
        assert_eq!(state.pulls[0]["labels"], json!([{ "name": "release" }]));
        drop(state);
        let error = forge.promote_as(&repo, "a-wrong-token", &[]).expect(1).stderr;
        assert!(error.contains("does not accept the token in GIT"), "{error}");
        assert!(!error.contains("a-wrong-token"), "{error}");
    }
}

#[test]
fn a_label_is_not_created_twice_if_the_answer_is_lost() {
    let (repo, forge) = (repo(), Forge::start(Kind::Gitea));
    forge.state().lost = Some("POST /labels");
    let out = forge.promote(&repo, &[]).expect(0);
    assert!(out.stderr.contains("create the label: 500 Internal Server Error; retry in"), "{out:?}");
    assert_eq!(forge.state().labels, ["release"]);
}

#[test]
fn without_a_token_the_reason_and_the_text_to_open_it_by_hand_are_printed() {
    let (repo, forge) = (repo(), Forge::start(Kind::Gitea));
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
