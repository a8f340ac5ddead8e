//! A forge in this process, with the status codes of GitHub (API 2022-11-28, below `/api/v3`) and of Gitea
//! 1.26 (below `/api/v1`) for the same repositories. It keeps everything in memory. The tests use this file
//! too, so it depends on nothing of xtask.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The most bytes of a request's body.
const LONGEST: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Github,
    Gitea,
}

impl Dialect {
    /// The path of the API.
    pub(crate) fn api(self) -> &'static str {
        match self {
            Dialect::Github => "/api/v3",
            Dialect::Gitea => "/api/v1",
        }
    }
}

#[derive(Default)]
pub(crate) struct State {
    /// The token that may write everywhere.
    pub token: String,
    /// By `owner/name`.
    pub repositories: BTreeMap<String, Repository>,
    /// `POST /pulls`, for each request that is not a GET.
    pub writes: Vec<String>,
    /// Answers to the next requests whose `METHOD /path` begins with the text: status, headers, body.
    pub faults: Vec<(String, u16, String, String)>,
    /// The next request that begins so is handled, but its answer is replaced by a 500.
    pub lost: Option<String>,
    /// Rises with each thing that is created.
    last: u64,
}

#[derive(Default)]
pub(crate) struct Repository {
    /// Is the tag of a draft pushed before the draft is created?
    pub pushes_tags: bool,
    pub releases: Vec<Release>,
    pub pulls: Vec<Value>,
    /// Merged pull requests: number, commit on the base branch, and commits (id, message), the oldest first.
    pub merged: Vec<(u64, String, Vec<[String; 2]>)>,
    pub labels: Vec<String>,
    /// Commit, context, state and description, the newest last.
    pub statuses: Vec<[String; 4]>,
    /// On GitHub: commit, name, conclusion (empty until it is completed), and run of a check.
    pub checks: Vec<[String; 4]>,
    /// Open issues: number, title, labels.
    pub issues: Vec<(u64, String, Vec<String>)>,
    /// Number of the issue or pull request, id, text.
    pub comments: Vec<(u64, u64, String)>,
    /// Id, title, state.
    pub milestones: Vec<(u64, String, String)>,
    /// The workflows that can be dispatched, each with its inputs.
    pub workflows: BTreeMap<String, Vec<String>>,
    /// What was dispatched: a workflow's file or an event, and what it got.
    pub dispatched: Vec<(String, Value)>,
    /// Runs of workflows: the file, the commit, and the day on which it began (empty while it waits). The
    /// newest first.
    pub runs: Vec<[String; 3]>,
    /// The names of the secrets.
    pub secrets: Vec<String>,
    /// Protected branches with what was set, as the forge's own API has it.
    pub protections: BTreeMap<String, Value>,
    /// Protected tags: the pattern, and who may create them.
    pub tag_rules: Vec<(String, Vec<String>)>,
    /// Environments, on GitHub.
    pub environments: BTreeMap<String, Vec<String>>,
    /// What was set of the repository itself.
    pub settings: serde_json::Map<String, Value>,
    /// On GitHub: when the token ends.
    pub token_ends: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Release {
    pub id: u64,
    pub tag: String,
    pub name: String,
    pub body: String,
    pub draft: bool,
    pub prerelease: bool,
    pub assets: Vec<Asset>,
    /// When it was published. 0 for a draft.
    pub published: u64,
    /// When GitHub was told that it is the latest one.
    pub latest: u64,
    /// Gitea handles the push of the tag later, here with the first file, and then makes the draft public.
    pub late: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Asset {
    pub id: u64,
    pub name: String,
    pub bytes: Vec<u8>,
    /// On GitHub an upload that broke off leaves an asset without content in this state.
    pub starter: bool,
}

/// Starts a forge with these repositories. It answers until the process ends.
pub(crate) fn start(token: &str, repositories: &[&str]) -> std::io::Result<(SocketAddr, Arc<Mutex<State>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let repositories = repositories.iter().map(|name| (name.to_string(), Repository::default())).collect();
    let state = Arc::new(Mutex::new(State { token: token.to_string(), repositories, ..State::default() }));
    let shared = state.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let shared = shared.clone();
            // A client that goes away ends only its own connection.
            std::thread::spawn(move || drop(serve(&stream, address, &shared)));
        }
    });
    Ok((address, state))
}

struct Request {
    method: String,
    path: String,
    query: String,
    body: Vec<u8>,
    login: String,
    accept: String,
    kind: String,
}

impl Request {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let values = self.query.split('&').filter_map(|pair| pair.split_once('='));
        values.into_iter().find(|(key, _)| *key == name).map(|(_, value)| unescaped(value))
    }
}

/// Status, more header lines, body.
type Answer = (u16, String, Vec<u8>);

fn answer(status: u16, body: &Value) -> Answer {
    (status, "Content-Type: application/json\r\n".to_string(), body.to_string().into_bytes())
}

fn message(status: u16, text: &str) -> Answer {
    answer(status, &json!({ "message": text }))
}

/// GitHub's answer to a name that is taken.
fn exists(resource: &str) -> Answer {
    let errors = json!([{ "resource": resource, "code": "already_exists", "field": "name" }]);
    answer(422, &json!({ "message": "Validation Failed", "errors": errors }))
}

fn empty(status: u16) -> Answer {
    (status, String::new(), Vec::new())
}

fn not_found() -> Answer {
    message(404, "not found")
}

fn serve(stream: &TcpStream, address: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    let Some(request) = read(stream)? else { return Ok(()) };
    let (status, headers, body) = match state.lock() {
        Ok(mut state) => state.handle(&request, address),
        Err(_) => message(500, "the forge has failed"),
    };
    let mut stream = stream;
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(stream, "HTTP/1.1 {status} x\r\n{headers}{length}Connection: close\r\n\r\n")?;
    stream.write_all(&body)
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_string());
    }
    let mut header = |name: &str| headers.remove(name).unwrap_or_default();
    let mut body = vec![0; header("content-length").parse().unwrap_or(0).min(LONGEST)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request {
        method: method.to_string(),
        path: path.to_string(),
        query: query.to_string(),
        body,
        login: header("authorization"),
        accept: header("accept"),
        kind: header("content-type"),
    }))
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'%').then(|| [rest.next(), rest.next()]);
        let code = digits.and_then(|digits| match digits {
            [Some(a), Some(b)] => u8::from_str_radix(&String::from_utf8_lossy(&[a, b]), 16).ok(),
            _ => None,
        });
        bytes.push(code.unwrap_or(byte));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl State {
    fn handle(&mut self, request: &Request, address: SocketAddr) -> Answer {
        let host = format!("http://{address}");
        // What the release's own addresses name: the content of an asset.
        if let Some(id) = request.path.strip_prefix("/attachments/") {
            return self.content(id);
        }
        if request.path == "/api/graphql" {
            return self.graphql(request);
        }
        if request.path.starts_with("/api/v1/user") {
            return self.of_user(request);
        }
        let (dialect, rest) = if let Some(rest) = request.path.strip_prefix("/api/uploads/repos/") {
            (Dialect::Github, rest)
        } else if let Some(rest) = request.path.strip_prefix("/api/v3/repos/") {
            (Dialect::Github, rest)
        } else if let Some(rest) = request.path.strip_prefix("/api/v1/repos/") {
            (Dialect::Gitea, rest)
        } else {
            return not_found();
        };
        let parts: Vec<String> = rest.split('/').filter(|part| !part.is_empty()).map(unescaped).collect();
        let [owner, name, rest @ ..] = parts.as_slice() else { return not_found() };
        let short = format!("{} /{}", request.method, rest.join("/"));
        if let Some(at) = self.faults.iter().position(|(prefix, ..)| short.starts_with(prefix.as_str())) {
            let (_, status, headers, body) = self.faults.remove(at);
            return (status, headers, body.into_bytes());
        }
        let expected = match dialect {
            Dialect::Github => format!("Bearer {}", self.token),
            Dialect::Gitea => format!("token {}", self.token),
        };
        let writer = request.login == expected;
        if !writer && !request.login.is_empty() && !request.login.ends_with(" reader") {
            return message(401, "Bad credentials");
        }
        if request.method != "GET" {
            if !writer {
                return match dialect {
                    Dialect::Github => message(403, "Resource not accessible by integration"),
                    Dialect::Gitea => message(403, "user should have a permission to write to a repo"),
                };
            }
            self.writes.push(short.clone());
        }
        self.last += 1;
        let last = self.last;
        let key = format!("{owner}/{name}");
        let lost = self.lost.take_if(|prefix| short.starts_with(prefix.as_str())).is_some();
        let root = format!("{host}{}/repos/{key}", dialect.api());
        if request.method == "DELETE" && rest.is_empty() {
            return self.repositories.remove(&key).map_or_else(not_found, |_| empty(204));
        }
        let Some(repository) = self.repositories.get_mut(&key) else { return not_found() };
        let parts: Vec<&str> = rest.iter().map(String::as_str).collect();
        let at = Place { dialect, host, root, key, writer, last };
        let answer = repository.handle(request, &parts, &at);
        if lost { message(500, "lost") } else { answer }
    }

    /// Gitea's repositories of the token's owner, who is called `rehearsal`.
    fn of_user(&mut self, request: &Request) -> Answer {
        if request.login != format!("token {}", self.token) {
            return message(401, "token is required");
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v1/user") => answer(200, &json!({ "login": "rehearsal" })),
            ("POST", "/api/v1/user/repos") => {
                let key = format!("rehearsal/{}", request.json()["name"].as_str().unwrap_or_default());
                if self.repositories.contains_key(&key) {
                    return message(409, "The repository with the same name already exists.");
                }
                self.repositories.insert(key.clone(), Repository::default());
                answer(201, &json!({ "full_name": key }))
            }
            _ => not_found(),
        }
    }

    /// GitHub's `enablePullRequestAutoMerge`, which answers 200 also when it refuses.
    fn graphql(&mut self, request: &Request) -> Answer {
        if request.login != format!("Bearer {}", self.token) {
            return message(401, "Bad credentials");
        }
        self.writes.push("POST /graphql".to_string());
        let refused = |text: &str| answer(200, &json!({ "data": {}, "errors": [{ "message": text }] }));
        let id = request.json()["variables"]["pull"].clone();
        let found = self.repositories.values_mut().find_map(|repository| {
            let at = repository.pulls.iter().position(|pull| pull["node_id"] == id)?;
            Some((repository, at))
        });
        let Some((repository, at)) = found else { return refused("Could not resolve to a node") };
        if repository.settings.get("allow_auto_merge").and_then(Value::as_bool) != Some(true) {
            return refused("Pull request Auto merge is not allowed for this repository");
        }
        let pull = &mut repository.pulls[at];
        if !repository.protections.contains_key(pull["base"].as_str().unwrap_or_default()) {
            return refused("Pull request Pull request is in clean status");
        }
        pull["auto_merge"] = json!({ "merge_method": "squash" });
        answer(200, &json!({ "data": { "enablePullRequestAutoMerge": { "clientMutationId": null } } }))
    }

    fn content(&self, id: &str) -> Answer {
        let assets = self.repositories.values().flat_map(|r| &r.releases).flat_map(|r| &r.assets);
        match assets.into_iter().find(|asset| asset.id.to_string() == id) {
            Some(asset) => (200, "Content-Type: application/octet-stream\r\n".into(), asset.bytes.clone()),
            None => not_found(),
        }
    }
}

/// What an answer depends on beside the repository.
struct Place {
    dialect: Dialect,
    host: String,
    /// The repository's address in the API.
    root: String,
    key: String,
    writer: bool,
    /// A number that nothing else has.
    last: u64,
}

impl Place {
    fn gitea(&self) -> bool {
        self.dialect == Dialect::Gitea
    }

    /// A page of a list, with the headers that both forges send.
    fn page(&self, request: &Request, all: &[Value]) -> Answer {
        let number = |name: &str, default: usize| {
            request.parameter(name).and_then(|v| v.parse().ok()).unwrap_or(default)
        };
        let size = if self.gitea() { number("limit", 30).min(50) } else { number("per_page", 30).min(100) };
        let from = (number("page", 1).max(1) - 1) * size;
        let found: Vec<&Value> = all.iter().skip(from).take(size).collect();
        let (status, mut headers, body) = answer(200, &json!(found));
        if self.gitea() {
            headers += &format!("X-Total-Count: {}\r\n", all.len());
        }
        (status, headers, body)
    }

    fn asset(&self, release: u64, asset: &Asset) -> Value {
        let Place { host, root, .. } = self;
        let mut json = json!({
            "id": asset.id,
            "name": asset.name,
            "size": asset.bytes.len(),
            "browser_download_url": format!("{host}/attachments/{}", asset.id),
        });
        if !self.gitea() {
            json["url"] = format!("{root}/releases/assets/{}", asset.id).into();
            json["state"] = if asset.starter { "starter" } else { "uploaded" }.into();
            json["release"] = release.into();
        }
        json
    }

    fn release(&self, release: &Release) -> Value {
        let assets: Vec<Value> = release.assets.iter().map(|asset| self.asset(release.id, asset)).collect();
        let upload = match self.dialect {
            Dialect::Github => format!(
                "{}/api/uploads/repos/{}/releases/{}/assets{{?name,label}}",
                self.host, self.key, release.id
            ),
            Dialect::Gitea => format!("{}/releases/{}/assets", self.root, release.id),
        };
        json!({
            "id": release.id,
            "tag_name": release.tag,
            "name": release.name,
            "body": release.body,
            "draft": release.draft,
            "prerelease": release.prerelease,
            "html_url": format!("{}/{}/releases/tag/{}", self.host, self.key, release.tag),
            "upload_url": upload,
            "assets": assets,
        })
    }
}

impl Repository {
    fn handle(&mut self, request: &Request, parts: &[&str], at: &Place) -> Answer {
        match (request.method.as_str(), parts) {
            ("GET" | "PATCH", []) => self.itself(request, at),
            (_, ["actions", "runs" | "secrets", ..] | ["actions", "workflows", _, "runs"]) => {
                self.actions(request, &parts[1..], at)
            }
            (_, ["branch_protections" | "tag_protections", ..]) if at.gitea() => {
                self.rules_of_gitea(request, parts)
            }
            ("GET", ["branches", name]) if at.gitea() => {
                let rule = self.protections.get(*name).cloned().unwrap_or_default();
                let on = rule["enable_status_check"].as_bool().unwrap_or_default();
                let checks = &rule["status_check_contexts"];
                answer(
                    200,
                    &json!({ "name": name, "enable_status_check": on, "status_check_contexts": checks }),
                )
            }
            (_, ["branches", ..] | ["rules", ..] | ["rulesets", ..] | ["environments", ..])
                if !at.gitea() =>
            {
                self.rules_of_github(request, parts)
            }
            (_, ["releases", ..]) => self.releases(request, &parts[1..], at),
            (_, ["pulls", ..]) => self.pulls(request, &parts[1..], at),
            (_, ["labels"]) => self.labels(request, at),
            (_, ["issues", ..]) => self.issues(request, &parts[1..], at),
            (_, ["milestones", ..]) => self.milestones(request, &parts[1..], at),
            (_, ["commits" | "statuses", ..]) => self.statuses(request, parts, at),
            ("POST", ["contents", ..]) => answer(201, &json!({})),
            ("POST", ["dispatches"]) if !at.gitea() => self.event(request),
            ("POST", ["actions", "workflows", file, "dispatches"]) => self.workflow(request, file, at),
            _ => not_found(),
        }
    }

    fn itself(&mut self, request: &Request, at: &Place) -> Answer {
        if request.method == "PATCH" {
            self.settings.extend(request.json().as_object().cloned().unwrap_or_default());
        }
        let mut shown = json!({ "full_name": at.key, "permissions": { "push": at.writer } });
        for (key, value) in &self.settings {
            shown[key] = value.clone();
        }
        let (status, mut headers, body) = answer(200, &shown);
        if let Some(end) = self.token_ends.as_ref().filter(|_| !at.gitea()) {
            headers += &format!("github-authentication-token-expiration: {end}\r\n");
        }
        (status, headers, body)
    }

    /// Gitea 1.26 has no list of one workflow's runs.
    fn actions(&mut self, request: &Request, parts: &[&str], at: &Place) -> Answer {
        let shown = |[file, commit, day]: &[String; 3]| {
            // Gitea's word for a run that waits.
            let day = if day.is_empty() { "1970-01-01" } else { day };
            let day = format!("{day}T10:00:00Z");
            match at.dialect {
                Dialect::Github => {
                    let path = format!(".github/workflows/{file}");
                    json!({ "path": path, "head_sha": commit, "created_at": day })
                }
                Dialect::Gitea => {
                    let path = format!("{file}@refs/heads/main");
                    json!({ "path": path, "head_sha": commit, "started_at": day })
                }
            }
        };
        match parts {
            ["runs"] => {
                let commit = request.parameter("head_sha");
                let wanted = |run: &&[String; 3]| commit.as_ref().is_none_or(|sha| run[1] == *sha);
                let runs: Vec<Value> = self.runs.iter().filter(wanted).map(shown).collect();
                answer(200, &json!({ "total_count": runs.len(), "workflow_runs": runs }))
            }
            ["workflows", file, "runs"] if !at.gitea() => {
                let runs: Vec<Value> = self.runs.iter().filter(|run| run[0] == *file).map(shown).collect();
                answer(200, &json!({ "total_count": runs.len(), "workflow_runs": runs }))
            }
            ["secrets"] if !at.writer => message(if at.gitea() { 404 } else { 403 }, "not accessible"),
            ["secrets"] => {
                let names: Vec<Value> = self.secrets.iter().map(|name| json!({ "name": name })).collect();
                answer(200, &if at.gitea() { json!(names) } else { json!({ "secrets": names }) })
            }
            _ => not_found(),
        }
    }

    fn rules_of_gitea(&mut self, request: &Request, parts: &[&str]) -> Answer {
        let body = request.json();
        match (request.method.as_str(), parts) {
            ("GET", ["branch_protections"]) => {
                answer(200, &json!(self.protections.values().collect::<Vec<_>>()))
            }
            ("POST", ["branch_protections"]) => {
                let name = body["rule_name"].as_str().unwrap_or_default().to_string();
                if self.protections.contains_key(&name) {
                    return message(403, "Branch protection already exist");
                }
                self.protections.insert(name, body.clone());
                answer(201, &body)
            }
            ("PATCH", ["branch_protections", name]) => match self.protections.get_mut(*name) {
                Some(rule) => {
                    for (key, value) in body.as_object().cloned().unwrap_or_default() {
                        rule[key] = value;
                    }
                    answer(200, rule)
                }
                None => not_found(),
            },
            ("GET", ["tag_protections"]) => {
                let rule = |(pattern, allowed): &(String, Vec<String>)| {
                    let who = json!(allowed);
                    json!({ "name_pattern": pattern, "whitelist_usernames": who })
                };
                answer(200, &json!(self.tag_rules.iter().map(rule).collect::<Vec<_>>()))
            }
            _ => not_found(),
        }
    }

    fn rules_of_github(&mut self, request: &Request, parts: &[&str]) -> Answer {
        let body = request.json();
        match (request.method.as_str(), parts) {
            ("GET", ["branches", name, "protection"]) => match self.protections.get(*name) {
                Some(rule) => answer(200, rule),
                None => message(404, "Branch not protected"),
            },
            ("PUT", ["branches", name, "protection"]) => {
                // All four are required, and may be null.
                let needed = [
                    "required_status_checks",
                    "enforce_admins",
                    "required_pull_request_reviews",
                    "restrictions",
                ];
                if needed.iter().any(|key| body.get(key).is_none()) {
                    return message(422, "Invalid request.");
                }
                self.protections.insert(name.to_string(), body.clone());
                answer(200, &body)
            }
            ("PATCH", ["branches", name, "protection", "required_status_checks"]) => {
                match self.protections.get_mut(*name) {
                    Some(rule) => {
                        rule["required_status_checks"]["contexts"] = body["contexts"].clone();
                        answer(200, &body)
                    }
                    None => not_found(),
                }
            }
            ("GET", ["rules", "branches", _]) => answer(200, &json!([])),
            ("GET", ["rulesets"]) => {
                let shown = |id: usize| json!({ "id": id, "target": "tag", "enforcement": "active" });
                answer(200, &json!((0..self.tag_rules.len()).map(shown).collect::<Vec<_>>()))
            }
            ("GET", ["rulesets", id]) => match self.tag_rules.get(id.parse().unwrap_or(usize::MAX)) {
                Some((pattern, allowed)) => {
                    let actors: Vec<Value> = allowed.iter().map(|who| json!({ "actor_type": who })).collect();
                    let conditions = json!({ "ref_name": { "include": [format!("refs/tags/{pattern}")] } });
                    let rules = json!([{ "type": "creation" }]);
                    answer(200, &json!({ "conditions": conditions, "rules": rules, "bypass_actors": actors }))
                }
                None => not_found(),
            },
            ("GET", ["environments", name]) => match self.environments.get(*name) {
                Some(_) => answer(200, &json!({ "name": name })),
                None => not_found(),
            },
            ("PUT", ["environments", name]) => {
                self.environments.entry(name.to_string()).or_default();
                answer(200, &json!({ "name": name }))
            }
            ("GET", ["environments", name, "deployment-branch-policies"]) => {
                match self.environments.get(*name) {
                    Some(branches) => {
                        let all: Vec<Value> = branches.iter().map(|name| json!({ "name": name })).collect();
                        answer(200, &json!({ "branch_policies": all }))
                    }
                    None => not_found(),
                }
            }
            ("POST", ["environments", name, "deployment-branch-policies"]) => {
                match self.environments.get_mut(*name) {
                    Some(branches) => {
                        branches.push(body["name"].as_str().unwrap_or_default().to_string());
                        answer(200, &body)
                    }
                    None => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    fn releases(&mut self, request: &Request, parts: &[&str], at: &Place) -> Answer {
        let seen = |release: &&Release| !release.draft || at.writer;
        match (request.method.as_str(), parts) {
            ("GET", []) => {
                let newest = self.releases.iter().rev().filter(seen).map(|release| at.release(release));
                at.page(request, &newest.collect::<Vec<_>>())
            }
            ("POST", []) => self.create(&request.json(), at),
            ("GET", ["latest"]) => match self.latest(at) {
                Some(release) => answer(200, &at.release(release)),
                None => not_found(),
            },
            ("GET", ["tags", tag]) => {
                // GitHub never finds a draft by its tag.
                let found = |release: &&Release| release.tag == *tag && (at.gitea() || !release.draft);
                match self.releases.iter().filter(seen).find(found) {
                    Some(release) => answer(200, &at.release(release)),
                    None => not_found(),
                }
            }
            ("GET", ["assets", id]) if !at.gitea() => {
                let assets = self.releases.iter().flat_map(|release| &release.assets);
                if !assets.into_iter().any(|asset| asset.id.to_string() == *id) {
                    return not_found();
                }
                if request.accept != "application/octet-stream" {
                    return answer(200, &json!({ "id": id }));
                }
                (302, format!("Location: {}/attachments/{id}\r\n", at.host), Vec::new())
            }
            ("DELETE", ["assets", id]) if !at.gitea() => self.delete_asset(id),
            ("DELETE", [_, "assets", id]) if at.gitea() => self.delete_asset(id),
            ("POST", [id, "assets"]) => self.upload(request, id, at),
            ("GET", [id]) => match self.releases.iter().filter(seen).find(|r| r.id.to_string() == *id) {
                Some(release) => answer(200, &at.release(release)),
                None => not_found(),
            },
            ("PATCH", [id]) => self.edit(id, &request.json(), at),
            ("DELETE", [id]) => {
                let before = self.releases.len();
                self.releases.retain(|release| release.id.to_string() != *id);
                if self.releases.len() < before { empty(204) } else { not_found() }
            }
            _ => not_found(),
        }
    }

    /// GitHub: the one that was declared to be the latest, else the newest. Gitea: the newest by date. Never
    /// a draft or a pre-release.
    pub(crate) fn latest_for(&self, dialect: Dialect) -> Option<&Release> {
        let shown = self.releases.iter().filter(|release| !release.draft && !release.prerelease);
        match dialect {
            Dialect::Github => shown.max_by_key(|release| (release.latest, release.published)),
            Dialect::Gitea => shown.max_by_key(|release| release.published),
        }
    }

    fn latest(&self, at: &Place) -> Option<&Release> {
        self.latest_for(at.dialect)
    }

    fn create(&mut self, body: &Value, at: &Place) -> Answer {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_string();
        let flag = |key: &str| body[key].as_bool().unwrap_or_default();
        let tag = text("tag_name");
        if tag.is_empty() {
            return message(422, "[TagName]: Required");
        }
        let same = |release: &&Release| release.tag == tag;
        if at.gitea() && self.releases.iter().any(|release| same(&release)) {
            return message(409, "Release is has no Tag");
        }
        if self.releases.iter().filter(same).any(|release| !release.draft) {
            return exists("Release");
        }
        let mut release = Release { id: at.last, tag, draft: flag("draft"), ..Release::default() };
        (release.name, release.body, release.prerelease) = (text("name"), text("body"), flag("prerelease"));
        release.late = self.pushes_tags && at.gitea() && release.draft;
        if !release.draft {
            release.published = at.last;
        }
        let shown = at.release(&release);
        self.releases.push(release);
        answer(201, &shown)
    }

    fn edit(&mut self, id: &str, body: &Value, at: &Place) -> Answer {
        let Some(release) = self.releases.iter_mut().find(|release| release.id.to_string() == id) else {
            return not_found();
        };
        let name = |key: &str| body[key].as_str().map(str::to_string);
        release.name = name("name").unwrap_or(release.name.clone());
        release.body = name("body").unwrap_or(release.body.clone());
        release.prerelease = body["prerelease"].as_bool().unwrap_or(release.prerelease);
        let draft = body["draft"].as_bool().unwrap_or(release.draft);
        if release.draft && !draft {
            release.published = at.last;
        }
        release.draft = draft;
        // GitHub's default is "true" for a release that becomes public.
        if !at.gitea() && !draft && !release.prerelease {
            match body["make_latest"].as_str() {
                Some("false") => {}
                Some("true") => release.latest = at.last,
                _ if release.published == at.last => release.latest = at.last,
                _ => {}
            }
        }
        let shown = at.release(release);
        answer(200, &shown)
    }

    fn upload(&mut self, request: &Request, id: &str, at: &Place) -> Answer {
        let Some(name) = request.parameter("name").filter(|name| !name.is_empty()) else {
            return message(400, "Could not determine name of attachment.");
        };
        if request.kind.is_empty() {
            return message(400, "no content type");
        }
        let Some(release) = self.releases.iter_mut().find(|release| release.id.to_string() == id) else {
            return not_found();
        };
        if std::mem::take(&mut release.late) {
            (release.draft, release.published) = (false, at.last);
        }
        // Gitea accepts a second asset of the same name.
        if !at.gitea() && release.assets.iter().any(|asset| asset.name == name) {
            return exists("ReleaseAsset");
        }
        let asset = Asset { id: at.last, name, bytes: request.body.clone(), starter: false };
        let shown = at.asset(release.id, &asset);
        release.assets.push(asset);
        answer(201, &shown)
    }

    fn delete_asset(&mut self, id: &str) -> Answer {
        for release in &mut self.releases {
            let before = release.assets.len();
            release.assets.retain(|asset| asset.id.to_string() != id);
            if release.assets.len() < before {
                return empty(204);
            }
        }
        not_found()
    }

    fn pulls(&mut self, request: &Request, parts: &[&str], at: &Place) -> Answer {
        let body = request.json();
        match (request.method.as_str(), parts) {
            ("GET", []) if request.parameter("head").is_none() => {
                let branch = |name: &Value| json!({ "ref": name });
                let shown = |pull: &Value| {
                    let mut shown = pull.clone();
                    (shown["head"], shown["base"]) = (branch(&pull["head"]), branch(&pull["base"]));
                    shown
                };
                at.page(request, &self.pulls.iter().map(shown).collect::<Vec<_>>())
            }
            // GitHub filters the list; Gitea has an address for the two branches.
            ("GET", []) if !at.gitea() => {
                let head = request.parameter("head").unwrap_or_default();
                let head = head.split_once(':').map_or("", |(_, branch)| branch);
                let base = request.parameter("base").unwrap_or_default();
                let wanted = |pull: &&Value| pull["head"] == head && pull["base"] == base;
                let found: Vec<Value> = self.pulls.iter().filter(wanted).cloned().collect();
                at.page(request, &found)
            }
            ("GET", [number]) => {
                let open = self.pulls.iter().find(|pull| pull["number"].as_u64() == number.parse().ok());
                match self.merged.iter().find(|merged| merged.0.to_string() == *number) {
                    Some((_, commit, commits)) => {
                        let mut shown = json!({ "merged": true, "merge_commit_sha": commit });
                        if !at.gitea() {
                            shown["commits"] = commits.len().into();
                        }
                        answer(200, &shown)
                    }
                    None => open.map_or_else(not_found, |pull| answer(200, pull)),
                }
            }
            ("GET", [number, "commits"]) => {
                let found = self.merged.iter().find(|merged| merged.0.to_string() == *number);
                let Some((.., commits)) = found else { return not_found() };
                let shown = |[id, message]: &[String; 2]| {
                    let message = json!({ "message": message });
                    json!({ "sha": id, "commit": message, "parents": [{}] })
                };
                let mut all: Vec<Value> = commits.iter().map(shown).collect();
                // Gitea lists the newest first.
                if at.gitea() {
                    all.reverse();
                }
                at.page(request, &all)
            }
            // A branch's name has slashes, which are escaped.
            ("GET", [base, head]) if at.gitea() => {
                match self.pulls.iter().find(|pull| pull["head"] == *head && pull["base"] == *base) {
                    Some(pull) => answer(200, pull),
                    None => not_found(),
                }
            }
            ("POST", []) => {
                let same = |p: &Value| p["head"] == body["head"] && p["base"] == body["base"];
                if self.pulls.iter().any(same) {
                    let status = if at.gitea() { 409 } else { 422 };
                    return message(status, "a pull request already exists");
                }
                let number = self.pulls.last().map_or(0, |last| last["number"].as_u64().unwrap_or(0)) + 1;
                let mut pull = body;
                pull["number"] = number.into();
                pull["html_url"] = format!("https://forge.example/{}/pulls/{number}", at.key).into();
                pull["labels"] = json!([]);
                pull["merged"] = false.into();
                pull["node_id"] = format!("PR_{}_{number}", at.key).into();
                self.pulls.push(pull.clone());
                answer(201, &pull)
            }
            ("PATCH", [number]) if body["state"] == "closed" => {
                self.pulls.retain(|pull| pull["number"].as_u64() != number.parse().ok());
                answer(if at.gitea() { 201 } else { 200 }, &body)
            }
            ("PATCH", [number]) => {
                match self.pulls.iter_mut().find(|pull| pull["number"].as_u64() == number.parse().ok()) {
                    Some(pull) => {
                        (pull["title"], pull["body"]) = (body["title"].clone(), body["body"].clone());
                        answer(if at.gitea() { 201 } else { 200 }, pull)
                    }
                    None => not_found(),
                }
            }
            ("POST" | "DELETE", [number, "merge"]) if at.gitea() => {
                let mine = |pull: &&mut Value| pull["number"].as_u64() == number.parse().ok();
                let Some(pull) = self.pulls.iter_mut().find(mine) else { return not_found() };
                let scheduled = pull["scheduled"].is_object();
                match (request.method.as_str(), scheduled) {
                    ("DELETE", true) => {
                        pull["scheduled"] = Value::Null;
                        empty(204)
                    }
                    ("DELETE", false) => not_found(),
                    (_, true) => message(409, "pull request is already scheduled to auto merge"),
                    _ if body["merge_when_checks_succeed"] == true => {
                        pull["scheduled"] = body;
                        empty(201)
                    }
                    // It computes whether it can be merged after it was created.
                    _ => message(405, "Please try again later"),
                }
            }
            _ => not_found(),
        }
    }

    fn labels(&mut self, request: &Request, at: &Place) -> Answer {
        let all: Vec<Value> = self.labels.iter().map(|name| json!({ "name": name })).collect();
        if request.method == "GET" {
            return at.page(request, &all);
        }
        let label = request.json();
        let name = label["name"].as_str().unwrap_or_default().to_string();
        // Gitea creates a second label of the same name.
        if !at.gitea() && self.labels.contains(&name) {
            return exists("Label");
        }
        self.labels.push(name);
        answer(201, &label)
    }

    fn issues(&mut self, request: &Request, parts: &[&str], at: &Place) -> Answer {
        let body = request.json();
        let text = body["body"].as_str().unwrap_or_default().to_string();
        let comment = |id: u64, text: &str| json!({ "id": id, "body": text });
        match (request.method.as_str(), parts) {
            ("POST", [number, "labels"]) => {
                let names: Vec<&str> =
                    body["labels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                // Gitea answers 404 for a label that the repository does not have; GitHub creates it.
                if at.gitea() && !names.iter().all(|name| self.labels.iter().any(|label| label == name)) {
                    return not_found();
                }
                let labels: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
                match self.pulls.iter_mut().find(|pull| pull["number"].as_u64() == number.parse().ok()) {
                    Some(pull) => {
                        pull["labels"] = json!(labels);
                        answer(200, &json!(labels))
                    }
                    None => not_found(),
                }
            }
            // Gitea discards the names of labels that do not exist. Without a name that is left it lists all.
            ("GET", []) => {
                let mut wanted: Vec<String> = Vec::new();
                wanted.extend(
                    request.parameter("labels").iter().flat_map(|l| l.split(',')).map(str::to_string),
                );
                if at.gitea() {
                    wanted.retain(|name| self.labels.contains(name));
                }
                let has = |labels: &[String]| wanted.iter().all(|name| labels.contains(name));
                let found = self.issues.iter().filter(|(.., labels)| has(labels));
                let all: Vec<Value> = found
                    .map(|(number, title, labels)| {
                        let labels: Vec<Value> = labels.iter().map(|name| json!({ "name": name })).collect();
                        let page = format!("https://forge.example/{}/issues/{number}", at.key);
                        json!({ "number": number, "title": title, "html_url": page, "labels": labels })
                    })
                    .collect();
                at.page(request, &all)
            }
            ("GET", [number, "comments"]) => {
                let mine = self.comments.iter().filter(|(issue, ..)| issue.to_string() == *number);
                let all: Vec<Value> = mine.map(|(_, id, text)| comment(*id, text)).collect();
                // Gitea has no pages here: it returns all of them.
                if at.gitea() { answer(200, &json!(all)) } else { at.page(request, &all) }
            }
            ("POST", [number, "comments"]) => {
                self.comments.push((number.parse().unwrap_or(0), at.last, text.clone()));
                answer(201, &comment(at.last, &text))
            }
            ("PATCH", ["comments", id]) => {
                match self.comments.iter_mut().find(|(_, found, _)| found.to_string() == *id) {
                    Some(found) => {
                        found.2.clone_from(&text);
                        answer(200, &comment(found.1, &text))
                    }
                    None => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    fn milestones(&mut self, request: &Request, parts: &[&str], at: &Place) -> Answer {
        // GitHub names a milestone by its number, Gitea by its id.
        let key = if at.gitea() { "id" } else { "number" };
        let shown = |one: &(u64, String, String)| {
            let (id, title, state) = one;
            json!({ "id": id, key: id, "title": title, "state": state })
        };
        match (request.method.as_str(), parts) {
            ("GET", []) => {
                let wanted = request.parameter("state").unwrap_or("open".to_string());
                let all: Vec<Value> =
                    self.milestones.iter().filter(|(.., state)| *state == wanted).map(shown).collect();
                at.page(request, &all)
            }
            ("PATCH", [id]) => {
                match self.milestones.iter_mut().find(|(found, ..)| found.to_string() == *id) {
                    Some(milestone) => {
                        milestone.2 = request.json()["state"].as_str().unwrap_or("open").to_string();
                        answer(200, &shown(milestone))
                    }
                    None => not_found(),
                }
            }
            _ => not_found(),
        }
    }

    fn statuses(&mut self, request: &Request, parts: &[&str], at: &Place) -> Answer {
        match (request.method.as_str(), parts) {
            ("GET", ["commits", commit, "check-runs"]) if !at.gitea() => {
                let page = |run: &str| format!("{}/{}/actions/runs/{run}/job/1", at.host, at.key);
                let mine = self.checks.iter().filter(|check| check[0] == *commit);
                let all: Vec<Value> = mine
                    .map(|[_, name, conclusion, run]| {
                        let end = (!conclusion.is_empty()).then_some(conclusion);
                        let status = if end.is_some() { "completed" } else { "in_progress" };
                        json!({ "name": name, "status": status, "conclusion": end, "details_url": page(run) })
                    })
                    .collect();
                answer(200, &json!({ "total_count": all.len(), "check_runs": all }))
            }
            ("GET", ["commits", commit, "status"]) => {
                let state = if at.gitea() { "status" } else { "state" };
                // The newest of each context.
                let mut newest: BTreeMap<&str, &[String; 4]> = BTreeMap::new();
                for status in self.statuses.iter().filter(|status| status[0] == *commit) {
                    newest.insert(&status[1], status);
                }
                let all: Vec<Value> = newest
                    .values()
                    .map(|s| json!({ "context": s[1], state: s[2], "description": s[3] }))
                    .collect();
                answer(200, &json!({ "statuses": all }))
            }
            ("POST", ["statuses", commit]) => {
                let body = request.json();
                let text = |key: &str| body[key].as_str().unwrap_or_default().to_string();
                if !at.gitea() && text("description").chars().count() > 140 {
                    return message(422, "description is too long (maximum is 140 characters)");
                }
                self.statuses.push([commit.to_string(), text("context"), text("state"), text("description")]);
                answer(201, &json!({}))
            }
            _ => not_found(),
        }
    }

    /// GitHub's `repository_dispatch`.
    fn event(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let Some(event) = body["event_type"].as_str().filter(|name| (1..=100).contains(&name.len())) else {
            return message(422, "event_type is missing");
        };
        if body["client_payload"].as_object().is_some_and(|payload| payload.len() > 10) {
            return message(422, "No more than 10 properties are allowed");
        }
        self.dispatched.push((event.to_string(), body["client_payload"].clone()));
        empty(204)
    }

    fn workflow(&mut self, request: &Request, file: &str, at: &Place) -> Answer {
        let Some(known) = self.workflows.get(file) else {
            return message(404, &format!("workflow {file:?} not found"));
        };
        let body = request.json();
        match body["ref"].as_str() {
            None | Some("") => return message(422, "[Ref]: Required"),
            Some("main") => {}
            Some(name) => {
                let status = if at.gitea() { 404 } else { 422 };
                return message(status, &format!("No ref found for: {name}"));
            }
        }
        let inputs = body["inputs"].as_object().cloned().unwrap_or_default();
        if inputs.values().any(|value| !value.is_string()) {
            return message(422, "an input is not a string");
        }
        // Gitea accepts inputs that the workflow does not declare.
        if !at.gitea() && inputs.keys().any(|name| !known.contains(name)) {
            return message(422, "Unexpected inputs provided");
        }
        self.dispatched.push((file.to_string(), Value::Object(inputs)));
        empty(204)
    }
}
