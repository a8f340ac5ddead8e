//! The demo apps on a real Gitea, if GITEA_URL and GITEA_TOKEN name one on this machine: a release into its
//! registries for a private owner, a squash that loses a `feat`, and a rollback; and a rehearsal. About 4
//! minutes. And a rehearsal that starts the program which GITEA_PROGRAM names.

use crate::demo::World;
use crate::skip;
use crate::support::{Output, run};
use base64::engine::general_purpose::STANDARD;
use expect_test::expect;
use serde_json::{Value, json};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// The answer to a request that must succeed.
fn sent(method: &str, url: &str, login: &str, kind: &str, body: Vec<u8>) -> Vec<u8> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("Authorization", login)
        .header("Accept", kind)
        .header("Content-Type", kind)
        .body(body)
        .unwrap();
    let mut answer = agent.run(request).unwrap();
    let status = answer.status();
    let bytes = answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    assert!(status.is_success(), "{method} {url}: {status}: {}", String::from_utf8_lossy(&bytes));
    bytes
}

/// The address and the token.
fn place() -> Option<(String, String)> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(url), Some(token)) = (set("GITEA_URL"), set("GITEA_TOKEN")) else {
        skip::optional("GITEA_URL and GITEA_TOKEN name no Gitea");
        return None;
    };
    let url = url.trim_end_matches('/').to_string();
    assert!(url.starts_with("http://127.0.0.1:"), "tests send nothing to another machine");
    Some((url, token))
}

/// A private organisation with a private repository on the Gitea.
struct Gitea {
    url: String,
    token: String,
    /// The owner of the token.
    user: String,
    org: String,
}

impl Gitea {
    fn find() -> Option<Gitea> {
        let (url, token) = place()?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let mut gitea = Gitea { url, token, user: String::new(), org: format!("it-{now:x}") };
        gitea.user = gitea.call("GET", "/user", &Value::Null)["login"].as_str().unwrap().to_string();
        gitea.call("POST", "/orgs", &json!({ "username": gitea.org, "visibility": "private" }));
        let repository = json!({ "name": "mono", "private": true });
        gitea.call("POST", &format!("/orgs/{}/repos", gitea.org), &repository);
        Some(gitea)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let login = format!("token {}", self.token);
        let url = format!("{}/api/v1{path}", self.url);
        let answer = sent(method, &url, &login, "application/json", body.to_string().into_bytes());
        serde_json::from_slice(&answer).unwrap_or_default()
    }

    /// Copies the base images from the world's registry: `XTASK_REGISTRY` replaces their host too.
    fn base_images(&self, world: &World) {
        if self.exists("library") {
            return;
        }
        self.call("POST", "/orgs", &json!({ "username": "library" }));
        let login = base64::Engine::encode(&STANDARD, format!("x:{}", self.token));
        let login = format!("Basic {login}");
        let from = format!("http://{}/v2", world.servers.env["XTASK_REGISTRY"]);
        let to = format!("{}/v2", self.url);
        for (name, tag) in [("library/python", "3.11-slim-bookworm"), ("library/debian", "bookworm-slim")] {
            let index = sent("GET", &format!("{from}/{name}/manifests/{tag}"), "", INDEX, Vec::new());
            let digests = |list: &Value| -> Vec<String> {
                let all = list.as_array().into_iter().flatten();
                all.map(|one| one["digest"].as_str().unwrap().to_string()).collect()
            };
            let read: Value = serde_json::from_slice(&index).unwrap();
            for digest in digests(&read["manifests"]) {
                let bytes = sent("GET", &format!("{from}/{name}/manifests/{digest}"), "", IMAGE, Vec::new());
                let manifest: Value = serde_json::from_slice(&bytes).unwrap();
                for blob in
                    digests(&json!([manifest["config"]])).into_iter().chain(digests(&manifest["layers"]))
                {
                    let content = sent("GET", &format!("{from}/{name}/blobs/{blob}"), "", "*/*", Vec::new());
                    let upload = format!("{to}/{name}/blobs/uploads/?digest={blob}");
                    sent("POST", &upload, &login, "application/octet-stream", content);
                }
                sent("PUT", &format!("{to}/{name}/manifests/{digest}"), &login, IMAGE, bytes);
            }
            sent("PUT", &format!("{to}/{name}/manifests/{tag}"), &login, INDEX, index);
        }
    }

    fn exists(&self, org: &str) -> bool {
        let all = self.call("GET", "/user/orgs?limit=50", &Value::Null);
        all.as_array().unwrap().iter().any(|one| one["username"] == org)
    }

    /// A call below the repository.
    fn of_repository(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, &format!("/repos/{}/mono{path}", self.org), body)
    }

    fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    fn remote(&self) -> String {
        format!("http://{}:{}@{}/{}/mono.git", self.user, self.token, self.host(), self.org)
    }

    /// xtask with Gitea as remote, forge, indexes and container registry.
    fn xtask(&self, world: &World, args: &[&str]) -> Output {
        let mut command = world.command(&world.repo.path);
        for name in ["XTASK_PYPI", "XTASK_PYPI_UPLOAD", "XTASK_NPM", "XTASK_DOWNSTREAM", "DISPATCH_TOKEN"] {
            command.env_remove(name);
        }
        command
            .env("XTASK_REMOTE", self.remote())
            .env("XTASK_FORGE", format!("{}/api/v1/repos/{}/mono", self.url, self.org))
            .env("XTASK_REGISTRY", self.host())
            .env("REGISTRY_USER", &self.user)
            .args(args);
        for name in ["XTASK_FORGE_TOKEN", "PYPI_TOKEN", "NPM_TOKEN", "REGISTRY_TOKEN"] {
            command.env(name, &self.token);
        }
        let out = run(&mut command);
        assert!(!format!("{out:?}").contains(&self.token), "the token is shown");
        out
    }

    /// The kinds and versions of the owner's packages, each with the repository that it is linked to.
    fn packages(&self) -> Vec<String> {
        let all = self.call("GET", &format!("/packages/{}", self.org), &Value::Null);
        let shown = |one: &Value| {
            let linked = one["repository"]["name"].as_str().unwrap_or("nothing");
            format!("{} {} {} {linked}", one["type"], one["name"], one["version"]).replace('"', "")
        };
        let mut all: Vec<String> = all.as_array().unwrap().iter().map(shown).collect();
        all.retain(|one| !one.contains(" sha"));
        all.sort();
        all
    }
}

#[test]
fn the_demo_apps_are_released_promoted_and_rolled_back_on_a_real_gitea() {
    let Some(gitea) = Gitea::find() else { return };
    let world = World::of_both();
    gitea.base_images(&world);
    let repo = &world.repo;
    repo.write("Cargo.toml", "[workspace.metadata.xtask]\nregistries = \"gitea\"\n[workspace]\n");
    for app in ["python", "ts"] {
        let file = format!("apps/{app}/app.toml");
        repo.write(&file, repo.read(&file).replace("example/", &format!("{}/", gitea.org)));
    }
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "chore: move to Gitea"]);
    repo.git(&["remote", "set-url", "origin", &gitea.remote()]);
    repo.git(&["push", "--quiet", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/development"]);

    let out = gitea.xtask(&world, &["release", "python", "ts"]).expect(0);
    assert!(
        out.stderr.contains(&format!("linked to {}/{}/mono: pypi, container", gitea.url, gitea.org)),
        "{out:?}"
    );
    assert_eq!(
        gitea.packages().iter().filter(|one| !one.contains("latest")).collect::<Vec<_>>(),
        [
            "container demo-agent v0.0.1 mono",
            "container demo-agent-ts v0.0.1 mono",
            "npm @demo/agent 0.0.1 mono",
            "pypi demo-agent 0.0.1 mono",
        ]
    );
    let pages = gitea.of_repository("GET", "/releases", &Value::Null);
    let public = pages.as_array().unwrap().iter().filter(|page| page["draft"] == false).count();
    assert_eq!(public, 2, "{pages}");
    gitea.xtask(&world, &["release", "python", "ts"]).expect(4);
    gitea.xtask(&world, &["verify", "python", "0.0.1"]).expect(0);

    // A squash that keeps the title only.
    repo.git(&["switch", "-qc", "feature"]);
    repo.commit("apps/python/README.md", "# new\n", "feat: more");
    repo.git(&["push", "--quiet", "origin", "feature"]);
    let pull = json!({ "head": "feature", "base": "development", "title": "fix: tidy up" });
    let number = gitea.of_repository("POST", "/pulls", &pull)["number"].clone();
    merge(&gitea, &number);
    let out = gitea.xtask(&world, &["promote", "--json"]).expect(0).json();
    assert_eq!(out["title"], "chore(release): python v0.1.0", "{out}");
    merge(&gitea, &out["pull_request"]["number"]);
    let out = gitea.xtask(&world, &["promote", "--json"]).expect(0).json();
    assert_eq!(
        (&out["base"], &out["title"]),
        (&json!("main"), &json!("chore(release): promote python v0.1.0"))
    );
    merge(&gitea, &out["pull_request"]["number"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo.git(&["switch", "-qC", "main", "origin/main"]);
    gitea.xtask(&world, &["release", "python"]).expect(0);

    gitea.xtask(&world, &["rollback", "python", "0.1.0", "--yes", "--reason", "a test"]).expect(0);
    let packages = gitea.packages();
    for gone in ["pypi demo-agent 0.1.0 mono", "container demo-agent v0.1.0 mono"] {
        assert!(!packages.contains(&gone.to_string()), "{packages:?}");
    }
    assert!(packages.contains(&"container demo-agent v0.0.1 mono".to_string()), "{packages:?}");
    let page = gitea.of_repository("GET", "/releases/tags/python-v0.1.0", &Value::Null);
    assert_eq!(page["prerelease"], true, "{page}");
}

#[test]
fn a_rehearsal_uses_a_real_gitea_as_remote_and_forge() {
    let Some((url, token)) = place() else { return };
    let repo = crate::rehearse::repo();
    let refused = repo.untouched(|| repo.xtask(&["rehearse", "python", "--forge", &format!("gitea:{url}")]));
    assert!(refused.expect(2).stderr.contains("GITEA_TOKEN"));
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args(["rehearse", "python", "--json", "--without", "image", "--keep"]);
    let out = run(command.args(["--forge", &format!("gitea:{url}")]).env("GITEA_TOKEN", &token)).expect(0);
    every_criterion_is_met(&out);
    let login = format!("token {token}");
    let found = sent("GET", &format!("{url}/api/v1/repos/search?q=rehearsal-"), &login, "*/*", Vec::new());
    let found: Value = serde_json::from_slice(&found).unwrap();
    assert_eq!(found["data"], json!([]), "the repositories are left");
    let root = glob::Pattern::escape(repo.path.as_str());
    let logs: Vec<_> = glob::glob(&format!("{root}/target/rehearsal/*/logs/*")).unwrap().flatten().collect();
    assert!(logs.len() > 20, "{logs:?}");
    let all = |pattern: &str| glob::glob(&format!("{root}/target/rehearsal/*/{pattern}")).unwrap().flatten();
    let settings: Vec<_> = all("**/.git/config").chain(all("**/.gitconfig")).collect();
    assert!(settings.len() > 2, "{settings:?}");
    for file in logs.iter().chain(&settings) {
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        assert!(!text.contains(&token), "the token is in {file:?}");
    }
    assert!(!format!("{out:?}").contains(&token), "the token is shown");
}

#[test]
fn a_rehearsal_starts_a_gitea_program_and_stops_it() {
    let Some(program) = std::env::var_os("GITEA_PROGRAM").filter(|program| !program.is_empty()) else {
        skip::optional("GITEA_PROGRAM names no program");
        return;
    };
    let forge = format!("gitea:{}", program.into_string().unwrap());
    let repo = crate::rehearse::repo();
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args(["rehearse", "python", "--json", "--without", "image", "--forge", &forge]);
    let out = run(&mut command).expect(0);
    every_criterion_is_met(&out);
    let skipped = out.json()["report"]["not_rehearsable"].to_string();
    assert!(skipped.contains("the workflow on Gitea's runner: "), "{skipped}");
    let mut left = repo.path.join("target/rehearsal").read_dir_utf8().unwrap().flatten();
    assert!(left.all(|entry| !entry.path().is_dir()), "the rehearsal's folder is left");
}

/// About 60 s. The runner cannot work in a folder with spaces, so this is in a clone.
#[test]
fn a_rehearsal_lets_the_runner_check_a_pull_request() {
    let program = std::env::var("GITEA_PROGRAM").unwrap_or_default();
    if program.is_empty() || !["act_runner", "gitea-runner"].iter().any(|name| which::which(name).is_ok()) {
        skip::optional("GITEA_PROGRAM names no program, or no runner of Gitea is on PATH");
        return;
    }
    let repo = crate::rehearse::repo();
    repo.commit(".gitea/workflows/ci.yml", include_str!("../../../.gitea/workflows/ci.yml"), "ci: on Gitea");
    let plain = repo.world().join("plain");
    repo.git(&["clone", "--quiet", repo.path.as_str(), plain.as_str()]);
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &plain);
    command.args(["rehearse", "python", "--json", "--without", "image", "--without", "hotfix"]);
    let out = run(command.args(["--forge", &format!("gitea:{program}")])).expect(0);
    let criteria = out.json()["report"]["criteria"].clone();
    let mut all = criteria.as_array().unwrap().iter();
    let checked = all.find(|one| one["criterion"] == "Gitea's runner checks a pull request");
    expect![[r#"
        act_runner: ci / lint (pull_request), ci / comment (pull_request), ci / test (pull_request), ci / validate-openapi (pull_request) passed, one comment; merged, with ci / lint (pull_request), ci / test (pull_request), ci / validate-openapi (pull_request) required
    "#]].assert_eq(&format!("{}\n", checked.expect("the criterion")["seen"].as_str().unwrap()));
}

/// The criteria that depend on the forge.
fn every_criterion_is_met(out: &Output) {
    let criteria = out.json()["report"]["criteria"].clone();
    let met = |name: &str| {
        let mut all = criteria.as_array().unwrap().iter();
        all.any(|one| one["criterion"] == name && one["seen"].is_string())
    };
    for criterion in [
        "release page python-v0.0.1",
        "python-v0.0.1: downstream repository told",
        "one comment on each pull request",
        "git tag python-v0.0.3",
        "a promotion that loses a hotfix is refused",
        "rollback of python v0.0.3",
    ] {
        assert!(met(criterion), "{criterion} is not met: {criteria:#}");
    }
}

/// Squashes the pull request as Gitea's API does. Just after it was opened Gitea asks to try again later.
fn merge(gitea: &Gitea, number: &Value) {
    let path = format!("/pulls/{number}");
    for _ in 0..100 {
        if gitea.of_repository("GET", &path, &Value::Null)["mergeable"] == true {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    gitea.of_repository("POST", &format!("{path}/merge"), &json!({ "Do": "squash" }));
}
