//! Each call against the rehearsal's forge, which has the status codes of both forges. The tests that ask
//! for `worlds()` also use a real Gitea, if GITEA_URL and GITEA_TOKEN name one on this machine: 10 s.

use super::*;
use crate::commands::rehearse::forge::server::{self, Asset, Dialect, Release, Repository, State};
use crate::skip;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

const BOTH: [Dialect; 2] = [Dialect::Github, Dialect::Gitea];

struct World {
    forge: Forge,
    dialect: Dialect,
    /// None for a real Gitea.
    state: Option<Arc<Mutex<State>>>,
    /// A commit of the repository.
    commit: String,
}

/// The rehearsal's forge as GitHub and as Gitea, and a real Gitea if there is one.
fn worlds() -> Vec<World> {
    BOTH.map(World::new).into_iter().chain(World::real()).collect()
}

impl World {
    fn new(dialect: Dialect) -> World {
        World::with_token(dialect, "the-token")
    }

    fn with_token(dialect: Dialect, token: &str) -> World {
        let (address, state) = server::start("the-token", &["team/mono"]).unwrap();
        let kind = if dialect == Dialect::Github { ForgeKind::Github } else { ForgeKind::Gitea };
        let api = format!("http://{address}{}", dialect.api());
        let place = Place { kind, api, owner: "team".into(), name: "mono".into() };
        let http = Http::new().unwrap();
        let forge = Forge { place, token: token.into(), token_name: "T", http };
        World { forge, dialect, state: Some(state), commit: "c0ffee".to_string() }
    }

    /// A new repository with one commit on a real Gitea.
    fn real() -> Option<World> {
        let (url, token) = (variable("GITEA_URL")?, variable("GITEA_TOKEN")?);
        let api = format!("{}/api/v1", url.trim_end_matches('/'));
        assert!(is_loopback(&api), "GITEA_URL is not on this machine: tests send nothing elsewhere");
        let place = Place { kind: ForgeKind::Gitea, api, owner: String::new(), name: String::new() };
        let forge = Forge { place, token, token_name: "T", http: Http::new().unwrap() };
        let mut world = World { forge, dialect: Dialect::Gitea, state: None, commit: String::new() };
        let owner = world.api("GET", "/user", None)["login"].as_str().unwrap().to_string();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let new = json!({ "name": format!("suite-{now:x}"), "auto_init": true, "default_branch": "main" });
        let name = world.api("POST", "/user/repos", Some(&new))["name"].as_str().unwrap().to_string();
        (world.forge.place.owner, world.forge.place.name) = (owner, name);
        let main: Value = world.forge.get("/branches/main", "read the branch").unwrap();
        world.commit = main["commit"]["id"].as_str().unwrap().to_string();
        Some(world)
    }

    /// The same repository with the token of somebody who may only read it, on a real Gitea with the token of
    /// a new user.
    fn reader(&self) -> Forge {
        let Place { kind, api, owner, name } = self.forge.place.clone();
        let token = match &self.state {
            Some(_) => "reader".to_string(),
            None => {
                let (user, password) = (format!("reader-{name}"), "a-password-of-a-test");
                let new = json!({
                    "username": user, "password": password, "email": format!("{user}@example.org"),
                    "must_change_password": false,
                });
                self.api("POST", "/admin/users", Some(&new));
                let wish = json!({ "name": "t", "scopes": ["write:repository", "write:issue"] }).to_string();
                let request = Request::new("POST", format!("{api}/users/{user}/tokens"))
                    .header("authorization", http::basic(&user, password))
                    .body(JSON, wish.as_bytes());
                let made: Value = read(self.forge.http.send(&request).unwrap()).unwrap();
                made["sha1"].as_str().unwrap().to_string()
            }
        };
        let place = Place { kind, api, owner, name };
        Forge { place, token, token_name: "T", http: Http::new().unwrap() }
    }

    fn with_wrong_token(&self) -> Forge {
        let place = self.forge.place.clone();
        Forge { place, token: "expired".to_string(), token_name: "T", http: Http::new().unwrap() }
    }

    /// A call of a real Gitea's API.
    fn api(&self, method: &'static str, path: &str, body: Option<&Value>) -> Value {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let content = bytes.as_deref().map(|bytes| (JSON, bytes));
        let url = format!("{}{path}", self.forge.place.api);
        let answer = self.forge.send_to(method, &url, content, JSON, Http::send).unwrap();
        let bytes = answer.success().unwrap().bytes().unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// A call below the address of the real Gitea's repository.
    fn call(&self, method: &'static str, path: &str, body: &Value) -> Value {
        self.api(method, &self.path(path), Some(body))
    }

    fn path(&self, path: &str) -> String {
        format!("/repos/{}/{}{path}", self.forge.place.owner, self.forge.place.name)
    }

    /// A file in a new commit of a real Gitea, on main or on a new branch.
    fn file(&self, name: &str, text: &str, branch: Option<&str>) {
        if self.state.is_none() {
            self.content("main", branch.unwrap_or_default(), name, text, &format!("feat: {name}"));
        }
    }

    /// A file in a new commit of a branch, on a real Gitea.
    fn file_on(&self, branch: &str, name: &str, message: &str) {
        self.content(branch, "", name, "text", message);
    }

    fn content(&self, branch: &str, new_branch: &str, name: &str, text: &str, message: &str) {
        let content = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        let body =
            json!({ "content": content, "message": message, "branch": branch, "new_branch": new_branch });
        self.call("POST", &format!("/contents/{name}"), &body);
    }

    /// A pull request of the branch into main.
    fn pull(&self, branch: &str) -> PullRequest {
        self.file(&format!("{branch}.txt"), branch, Some(branch));
        let draft = Draft { head: branch, base: "main", title: "feat: a", body: "why" };
        self.forge.pull_request(&draft).unwrap().0
    }

    fn with<T>(&self, look: impl FnOnce(&mut Repository) -> T) -> T {
        look(self.state().repositories.get_mut("team/mono").unwrap())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.as_ref().expect("a forge in this process").lock().unwrap()
    }

    /// The next request that begins so gets this answer.
    fn fault(&self, request: &str, status: u16, headers: &str, body: &str) {
        let fault = (request.to_string(), status, headers.to_string(), body.to_string());
        self.state().faults.push(fault);
    }

    /// The requests that changed something since the last call. None on a real Gitea.
    fn writes(&self) -> Option<Vec<String>> {
        self.state.as_ref().map(|state| std::mem::take(&mut state.lock().unwrap().writes))
    }

    fn draft(&self) -> Result<Page> {
        self.draft_with(&self.forge)
    }

    fn draft_with(&self, forge: &Forge) -> Result<Page> {
        let (tag, commit, title) = ("a-v1.0.0", self.commit.as_str(), "a v1.0.0");
        forge.draft_page(&NewPage { tag, commit, title, body: "notes", prerelease: false })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.state.is_none() {
            let _ = self.forge.send("DELETE", "", None);
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let real = if self.state.is_none() { "a real " } else { "" };
        write!(f, "{real}{:?}", self.dialect)
    }
}

#[test]
fn a_real_gitea_is_used_too() {
    if World::real().is_none() {
        skip::optional("GITEA_URL and GITEA_TOKEN name no Gitea: only the rehearsal's forge is tested");
    }
}

#[test]
fn a_draft_is_created_once_gets_its_files_and_becomes_public() {
    for world in worlds() {
        assert!(world.forge.page("a-v1.0.0").unwrap().is_none());
        let page = world.draft().unwrap();
        assert_eq!(world.draft().unwrap().id, page.id, "{world:?}");
        assert_eq!(world.forge.pages().unwrap().len(), 1, "{world:?}");
        assert!(world.forge.upload(&page, "a b.whl", b"bytes").unwrap());
        let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
        assert!(page.draft && page.body() == "notes", "{world:?}");
        assert_eq!((page.assets.len(), page.assets[0].name.as_str()), (1, "a b.whl"));
        world.writes();
        assert!(!world.forge.upload(&page, "a b.whl", b"bytes").unwrap());
        assert_eq!(world.writes().unwrap_or_default(), [""; 0], "{world:?}: nothing is uploaded twice");
        assert_eq!(world.forge.download(&page.assets[0]).unwrap(), b"bytes");
        let page = world.forge.edit_page(&page, &json!({ "draft": false })).unwrap();
        assert!(!page.draft && world.forge.page("a-v1.0.0").unwrap().is_some());
        assert!(world.draft().unwrap().id == page.id, "a public page is not created again");
        let page = world.forge.edit_page(&page, &json!({ "body": "edited" })).unwrap();
        assert!(page.body() == "edited" && !page.draft, "{world:?}");
    }
}

#[test]
fn a_second_upload_of_a_name_is_undone_on_gitea() {
    for world in worlds().iter().filter(|world| world.dialect == Dialect::Gitea) {
        let page = world.draft().unwrap();
        for bytes in [b"bytes".as_slice(), b"other bytes", b"bytes"] {
            let address = world.forge.upload_address(&page, "a").unwrap();
            let sent =
                world.forge.send_to("POST", &address, Some((releases::BYTES, bytes)), JSON, Http::send);
            assert_eq!(sent.unwrap().status, 201, "{world:?}");
        }
        let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
        assert_eq!(page.assets.len(), 3, "{world:?}");
        assert!(!world.forge.upload(&page, "a", b"bytes").unwrap(), "{world:?}");
        let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
        assert_eq!(page.assets.iter().map(|asset| asset.size).collect::<Vec<_>>(), [5], "{world:?}");
    }
}

#[test]
fn files_that_broke_off_or_are_there_twice_are_replaced() {
    for dialect in BOTH {
        let world = World::new(dialect);
        world.draft().unwrap();
        let asset = |id, bytes: &[u8], starter| Asset { id, name: "a".into(), bytes: bytes.into(), starter };
        for (there, replaced) in [
            (vec![asset(91, b"", true)], true),
            (vec![asset(91, b"other length", false)], true),
            (vec![asset(91, b"bytes", false), asset(92, b"bytes", false)], false),
            (vec![asset(91, b"", false), asset(92, b"bytes", false)], false),
        ] {
            world.with(|forge| forge.releases[0].assets = there);
            let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
            // Gitea has no states: an upload that broke off has another size.
            assert_eq!(world.forge.upload(&page, "a", b"bytes").unwrap(), replaced, "{dialect:?}");
            let left = world.with(|forge| forge.releases[0].assets.clone());
            assert_eq!(left.iter().map(|a| a.bytes.as_slice()).collect::<Vec<_>>(), [b"bytes"]);
        }
        // The answer to the upload was lost, and the request is sent again.
        world.with(|forge| forge.releases[0].assets.clear());
        let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
        if dialect == Dialect::Github {
            world.with(|forge| forge.releases[0].assets.push(asset(93, b"bytes", false)));
            assert!(world.forge.upload(&page, "a", b"bytes").unwrap(), "422 for a file that is there");
            world.with(|forge| forge.releases[0].assets[0].bytes = b"others".to_vec());
            let error = format!("{:#}", world.forge.upload(&page, "a", b"bytes").unwrap_err());
            assert!(error.contains("already_exists"), "{error}");
        }
    }
}

#[test]
fn leftover_drafts_are_found_beyond_the_first_page_and_only_equal_ones_are_deleted() {
    let world = World::new(Dialect::Github);
    let draft = |id, tag: &str, body: &str| Release {
        id,
        tag: tag.into(),
        body: body.into(),
        draft: true,
        ..Release::default()
    };
    world.with(|forge| {
        forge.releases = vec![draft(1, "a-v1.0.0", "notes\r\n"), draft(2, "a-v1.0.0", "notes")];
        forge.releases.push(draft(3, "a-v1.0.0", "edited by a person"));
        forge.releases.extend((10..260).map(|id| draft(id, &format!("b-v{id}.0.0"), "")));
    });
    assert_eq!(world.draft().unwrap().id, 1);
    let ids = world.with(|forge| forge.releases.iter().map(|r| r.id).take(3).collect::<Vec<_>>());
    assert_eq!(ids, [1, 3, 10]);
    assert_eq!(world.forge.pages().unwrap().len(), 252);
}

#[test]
fn lists_are_read_beyond_the_first_page() {
    // Gitea's pages hold 50 at most.
    for world in worlds() {
        let count = if world.state.is_some() { 110 } else { 55 };
        for number in 0..count {
            let tag = format!("b-v{number}.0.0");
            let (tag, commit) = (tag.as_str(), world.commit.as_str());
            let body = json!({ "tag_name": tag, "target_commitish": commit, "name": tag, "draft": true });
            world.forge.success("POST", "/releases", &body, "create").unwrap();
        }
        assert_eq!(world.forge.pages().unwrap().len(), count, "{world:?}");
    }
}

#[test]
fn without_the_right_to_write_drafts_are_hidden_and_the_error_says_what_is_missing() {
    for world in worlds() {
        world.draft().unwrap();
        let reader = world.reader();
        assert!(reader.page("a-v1.0.0").unwrap().is_none(), "{world:?}");
        let error = format!("{:#}", world.draft_with(&reader).unwrap_err());
        assert!(error.contains("the token in T lacks a permission"), "{world:?}: {error}");
        let error = format!("{:#}", world.with_wrong_token().page("a-v1.0.0").unwrap_err());
        assert!(error.contains("does not accept the token in T") && !error.contains("expired"), "{error}");
    }
}

#[test]
fn the_right_to_write_release_pages_is_asked_without_a_page() {
    for world in worlds() {
        world.forge.may_write_pages().unwrap();
        let error = format!("{:#}", world.reader().may_write_pages().unwrap_err());
        assert!(error.contains("cannot write a release page on the forge: the token in T"), "{error}");
        assert_eq!(world.forge.pages().unwrap().len(), 0, "{world:?}");
        let error = format!("{:#}", world.with_wrong_token().may_write_pages().unwrap_err());
        assert!(error.contains("does not accept the token in T"), "{world:?}: {error}");
    }
}

#[test]
fn a_pull_request_is_opened_once_updated_labelled_once_and_gets_its_status_once() {
    for world in worlds() {
        let draft = |title, body| Draft { head: "feat/x", base: "main", title, body };
        world.file("x.txt", "x", Some("feat/x"));
        let (pull, done) = world.forge.pull_request(&draft("feat: a", "why\n\n* how")).unwrap();
        assert_eq!(done, Done::Opened, "{world:?}");
        let (again, done) = world.forge.pull_request(&draft("feat: a", "why\n\n* how")).unwrap();
        assert_eq!((again.number, done), (pull.number, Done::Unchanged), "{world:?}");
        let (_, done) = world.forge.pull_request(&draft("feat: b", "why")).unwrap();
        assert_eq!(done, Done::Updated, "{world:?}");
        for _ in 0..2 {
            let (pull, _) = world.forge.pull_request(&draft("feat: b", "why")).unwrap();
            world.forge.add_label(&pull, "release", "0e8a16").unwrap();
        }
        assert_eq!(world.forge.labels().unwrap(), ["release"], "{world:?}");
        let (pull, _) = world.forge.pull_request(&draft("feat: b", "why")).unwrap();
        assert_eq!(pull.labels.iter().map(|label| &label.name).collect::<Vec<_>>(), ["release"]);
        world.writes();
        for _ in 0..2 {
            world.forge.set_status(&world.commit, "xtask/plan", "success", "a 1.0.0 → 1.1.0").unwrap();
        }
        assert_eq!(world.writes().map_or(1, |writes| writes.len()), 1, "{world:?}");
        world.forge.set_status(&world.commit, "ci / x (push)", "failure", "no").unwrap();
        let all = world.forge.statuses(&world.commit).unwrap();
        assert_eq!(all.len(), 2, "{world:?}");
        let checks = world.forge.checks(&world.commit).unwrap();
        let seen: Vec<_> = checks.iter().map(|c| (c.name.as_str(), c.outcome.clone())).collect();
        assert_eq!(seen, [("ci / x (push)", Outcome::Failed("failure".to_string()))], "{world:?}");
        let error = world.forge.pull_request(&Draft { head: "gone", base: "main", title: "t", body: "" });
        if world.state.is_none() {
            let error = format!("{:#}", error.unwrap_err());
            assert!(error.contains("cannot open a pull request"), "{error}");
        }
    }
}

#[test]
fn an_older_pull_request_of_the_same_kind_is_closed() {
    for world in worlds() {
        let older = world.pull("promote/a");
        let others = ["release/a", "promote/without-label"].map(|branch| world.pull(branch).number);
        world.forge.add_label(&older, "release", "0e8a16").unwrap();
        world.pull("promote/b");
        let draft = Draft { head: "promote/b", base: "main", title: "feat: a", body: "why" };
        assert_eq!(world.forge.close_replaced(&draft, "release").unwrap(), [older.number], "{world:?}");
        assert_eq!(world.forge.close_replaced(&draft, "release").unwrap(), [0; 0], "{world:?}");
        for number in others {
            let open: Value = world.forge.get(&format!("/pulls/{number}"), "read it").unwrap();
            assert_ne!(open["state"], "closed", "{world:?}");
        }
    }
}

#[test]
fn the_commits_of_a_merged_pull_request_are_read_after_the_squash() {
    for world in worlds() {
        assert!(world.forge.merged(77).unwrap().is_none(), "{world:?}: there is no pull request 77");
        let number = world.pull("b").number;
        assert!(world.forge.merged(number).unwrap().is_none(), "{world:?}: it is open");
        let number = match &world.state {
            Some(_) => {
                let commit = |n: u32| [format!("c{n}"), format!("feat: {n}")];
                world.with(|forge| forge.merged.push((9, "5".repeat(40), (0..120).map(commit).collect())));
                9
            }
            None => {
                for n in 1..3 {
                    world.file_on("b", &format!("{n}.txt"), &format!("feat: {n}"));
                }
                world.call("POST", &format!("/pulls/{number}/merge"), &json!({ "Do": "squash" }));
                number
            }
        };
        assert!(world.forge.is_merged(number).unwrap() && !world.forge.is_merged(77).unwrap(), "{world:?}");
        let merged = world.forge.merged(number).unwrap().unwrap();
        let (count, newest) = if world.state.is_some() { (120, "feat: 119") } else { (3, "feat: 2") };
        assert_eq!(merged.commits.len(), count, "{world:?}");
        assert_eq!(merged.commits[0].1.trim_end(), newest, "{world:?}");
        assert_eq!(merged.commit.unwrap().len(), 40, "{world:?}");
    }
}

/// On a real Gitea it is squashed as soon as its check has passed, with the text of the pull request.
#[test]
fn auto_merge_is_turned_on_once_where_checks_are_required() {
    for world in worlds() {
        let pull = world.pull("b");
        let draft = |body| Draft { head: "b", base: "main", title: "feat: a", body };
        let auto = |body, changed| world.forge.auto_merge(&pull, &draft(body), changed).unwrap();
        let refused = auto("why", false).unwrap_err();
        match world.dialect {
            Dialect::Github => {
                assert_eq!(refused, "Pull request Auto merge is not allowed for this repository");
                world.forge.change_settings(&json!({ "allow_auto_merge": true })).unwrap();
                let refused = auto("why", false).unwrap_err();
                assert_eq!(refused, "Pull request Pull request is in clean status");
            }
            Dialect::Gitea => assert!(refused.starts_with("main requires no checks"), "{refused}"),
        }
        let checks = ["ci / x (pull_request)".to_string()];
        world.forge.protect("main", &checks, &Protection::No).unwrap();
        assert_eq!(auto("why", false), Ok(true), "{world:?}");
        assert_eq!(auto("why", false), Ok(false), "{world:?}");
        if world.dialect == Dialect::Gitea {
            assert_eq!(auto("the text", true), Ok(true), "{world:?}");
            assert_eq!(auto("the text", false), Ok(false), "{world:?}");
        }
        if world.state.is_some() {
            continue;
        }
        let head = world.api("GET", &world.path("/branches/b"), None)["commit"]["id"].clone();
        world.forge.set_status(head.as_str().unwrap(), &checks[0], "success", "passed").unwrap();
        let mut squashed = None;
        for _ in 0..100 {
            squashed = world.forge.merged(pull.number).unwrap();
            if squashed.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let commit = squashed.unwrap().commit.unwrap();
        let commit = world.api("GET", &world.path(&format!("/git/commits/{commit}")), None);
        let message = commit["commit"]["message"].as_str().unwrap().trim_end();
        assert_eq!(message, format!("feat: a (#{})\n\nthe text", pull.number));
    }
}

#[test]
fn only_the_open_issues_with_the_label_are_listed() {
    for world in worlds() {
        assert!(world.forge.open_issues("release-blocker").unwrap().is_empty(), "{world:?}: no such label");
        match &world.state {
            Some(_) => world.with(|forge| {
                forge.labels.push("release-blocker".to_string());
                let labels = ["release-blocker".to_string()].to_vec();
                forge.issues = vec![(1, "other".into(), Vec::new()), (2, "stop".into(), labels)];
            }),
            None => {
                world.call("POST", "/issues", &json!({ "title": "other" }));
                world.forge.create_label("release-blocker", "d93f0b").unwrap();
                let id = world.api("GET", &world.path("/labels"), None)[0]["id"].clone();
                world.call("POST", "/issues", &json!({ "title": "stop", "labels": [id] }));
                world.call("POST", "/issues", &json!({ "title": "past", "labels": [id], "closed": true }));
            }
        }
        let open = world.forge.open_issues("release-blocker").unwrap();
        let titles: Vec<&str> = open.iter().map(|issue| issue.title.as_str()).collect();
        assert_eq!(titles, ["stop"], "{world:?}");
    }
}

#[test]
fn protections_settings_and_the_names_of_secrets_are_read_as_they_were_set() {
    for world in worlds() {
        let forge = &world.forge;
        assert_eq!(forge.protection("main").unwrap(), Protection::No, "{world:?}");
        for checks in [vec!["ci / lint (pull_request)".to_string()], vec!["b".to_string(), "c".to_string()]] {
            forge.protect("main", &checks, &forge.protection("main").unwrap()).unwrap();
            let now = forge.protection("main").unwrap();
            assert_eq!(now, Protection::Yes { required: checks }, "{world:?}");
        }
        assert_eq!(forge.protection("other").unwrap(), Protection::No, "{world:?}");
        assert!(forge.tag_rules().unwrap().is_empty(), "{world:?}");
        match &world.state {
            Some(_) => world.with(|forge| {
                forge.tag_rules.push(("a-v*".to_string(), Vec::new()));
                forge.secrets.push("PYPI_TOKEN".to_string());
            }),
            None => {
                let owner = &world.forge.place.owner;
                let rule = json!({ "name_pattern": "a-v*", "whitelist_usernames": [owner] });
                world.call("POST", "/tag_protections", &rule);
                world.call("PUT", "/actions/secrets/PYPI_TOKEN", &json!({ "data": "secret" }));
            }
        }
        let rules = forge.tag_rules().unwrap();
        assert_eq!((rules.len(), rules[0].pattern.as_str()), (1, "a-v*"), "{world:?}");
        let secrets = forge.secrets(&BTreeSet::new()).unwrap().unwrap();
        assert_eq!(secrets.into_iter().collect::<Vec<_>>(), ["PYPI_TOKEN"], "{world:?}");
        forge.change_settings(&json!({ "allow_squash_merge": true, "allow_rebase": false })).unwrap();
        assert_eq!(forge.settings().unwrap()["allow_squash_merge"], true, "{world:?}");
        assert!(forge.runs(None).unwrap().unwrap().is_empty(), "{world:?}");
        assert!(forge.newest_run("ci.yml").unwrap().is_none(), "{world:?}");
        assert_eq!(forge.token_ends().unwrap(), None, "{world:?}");
        let reader = world.reader();
        assert_eq!(reader.secrets(&BTreeSet::new()).unwrap(), None, "{world:?}");
    }
}

#[test]
fn limits_of_the_rate_are_waited_for_if_they_are_short() {
    for (status, headers, body, waits) in [
        (403, "Retry-After: 0\r\n", "", true),
        (429, "Retry-After: 0\r\n", "", true),
        (403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n", "", true),
        (405, "", "{\"message\": \"Please try again later\"}", true),
        (403, "Retry-After: 3600\r\n", "", false),
        (403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 99999999999\r\n", "", false),
        (403, "", "{\"message\": \"You have exceeded a secondary rate limit\"}", false),
        (405, "", "{\"message\": \"not allowed\"}", false),
    ] {
        let world = World::new(Dialect::Gitea);
        world.fault("GET /releases", status, headers, body);
        let found = world.forge.pages();
        assert_eq!(found.is_ok(), waits, "{status} {headers} {body}: {found:?}");
        if let Err(error) = found {
            let limit = format!("{error:#}").contains("limits the rate of requests; run the same command");
            assert_eq!(limit, status == 403, "{error:#}");
        }
    }
}

#[test]
fn a_long_answer_of_the_forge_is_shortened() {
    let world = World::new(Dialect::Gitea);
    world.fault("GET /releases", 422, "", &"words ".repeat(1000));
    let error = format!("{:#}", world.forge.pages().unwrap_err());
    assert!(error.contains("words words") && error.len() < 700, "{error}");
}

#[test]
fn one_comment_is_written_and_updated() {
    for world in worlds() {
        let number = world.pull("b").number;
        match &world.state {
            Some(_) => world.with(|forge| {
                let others = (100..160).map(|id| (number, id, "from a person <!-- m -->".to_string()));
                forge.comments.extend(others);
            }),
            None => {
                let path = format!("/issues/{number}/comments");
                for _ in 0..60 {
                    world.call("POST", &path, &json!({ "body": "from a person <!-- m -->" }));
                }
            }
        }
        if let Some(state) = &world.state {
            state.lock().unwrap().lost = Some("POST /issues".to_string());
        }
        let comment = |text| world.forge.comment(number, "<!-- m -->", text).unwrap();
        assert!(comment("one"), "{world:?}");
        assert!(!comment("one"), "{world:?}");
        assert!(comment("two"), "{world:?}");
        let all: Vec<String> = match &world.state {
            Some(_) => world.with(|f| f.comments.iter().map(|comment| comment.2.clone()).collect()),
            None => {
                let path = world.path(&format!("/issues/{number}/comments"));
                let all = world.api("GET", &path, None);
                let text = |comment: &Value| comment["body"].as_str().unwrap().to_string();
                all.as_array().unwrap().iter().map(text).collect()
            }
        };
        assert_eq!((all.len(), all[60].as_str()), (61, "<!-- m -->\ntwo"), "{world:?}");
    }
}

#[test]
fn only_the_open_milestone_of_that_name_is_closed() {
    for world in worlds() {
        for (id, title, state) in
            [(1, "a v1.0.0", "closed"), (2, "b v1.0.0", "open"), (3, "a-v1.0.0", "open")]
        {
            match &world.state {
                Some(_) => world.with(|forge| forge.milestones.push((id, title.into(), state.into()))),
                None => {
                    world.call("POST", "/milestones", &json!({ "title": title, "state": state }));
                }
            }
        }
        let names = ["a v1.0.0".to_string(), "a-v1.0.0".to_string()];
        assert_eq!(world.forge.close_milestone(&names).unwrap().as_deref(), Some("a-v1.0.0"), "{world:?}");
        assert_eq!(world.forge.close_milestone(&names).unwrap(), None, "{world:?}");
        let other = ["b v1.0.0".to_string()];
        assert_eq!(world.forge.close_milestone(&other).unwrap().as_deref(), Some("b v1.0.0"), "{world:?}");
    }
}

/// A workflow that can be dispatched, and that no runner runs.
const RUN_YML: &str = "\
on: { workflow_dispatch: { inputs: { app: {}, version: {}, release: {} } } }
jobs: { a: { runs-on: nothing, steps: [{ run: 'true' }] } }
";

#[test]
fn a_workflow_or_an_event_is_started_as_the_forge_has_it() {
    for world in worlds() {
        let inputs = ["app", "version", "release"].map(str::to_string).to_vec();
        match &world.state {
            Some(_) => world.with(|forge| drop(forge.workflows.insert("run.yml".into(), inputs))),
            None => world.file(".gitea/workflows/run.yml", RUN_YML, None),
        }
        let release = json!({ "app": "a", "index": "https://x/simple", "newest": true });
        let notice = || Notice { app: "a", version: "1.0.0", release: release.clone() };
        let start = |file, branch| world.forge.start(file, branch, &notice());
        start(Some("run.yml"), "main").unwrap();
        if world.state.is_some() {
            let (file, inputs) = world.with(|forge| forge.dispatched.remove(0));
            assert_eq!((file.as_str(), &inputs["version"]), ("run.yml", &json!("1.0.0")));
            assert_eq!(inputs["release"], release.to_string());
            world.with(|forge| forge.runs.push(["run.yml", "c0ffee", ""].map(str::to_string)));
        }
        let run = world.forge.newest_run("run.yml").unwrap().unwrap();
        assert_eq!(run.day(), None, "{world:?}: no runner has taken it");
        for (file, branch) in [(Some("other.yml"), "main"), (Some("run.yml"), "gone")] {
            let error = format!("{:#}", start(file, branch).unwrap_err());
            let Place { owner, name, .. } = &world.forge.place;
            let expected = format!("start {} on {branch} of {owner}/{name}", file.unwrap());
            assert!(error.contains(&expected), "{world:?}: {error}");
        }
        let event = start(None, "main");
        match world.dialect {
            Dialect::Github => {
                event.unwrap();
                let (name, payload) = world.with(|forge| forge.dispatched.remove(0));
                let without_index = json!({ "app": "a", "newest": true });
                assert_eq!((name.as_str(), payload), ("runtime-released", without_index));
            }
            Dialect::Gitea => {
                let error = event.unwrap_err().to_string();
                assert!(error.contains("name a workflow"), "{error}");
            }
        }
    }
}
