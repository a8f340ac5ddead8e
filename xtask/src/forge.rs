//! The forge that hosts the repository, by its REST API. GitHub's API (version 2022-11-28) and Gitea's (1.26)
//! differ in a few addresses and status codes; both are here. This file has the connection and its errors,
//! and each file below it one kind of thing: pull requests, release pages, …

use crate::flags::EndpointFlags;
use crate::model::ctx::Ctx;
use crate::model::workspace::ForgeKind;
use crate::sys::exit::Exit;
use crate::sys::http::{self, Http, Request, Response};
use crate::sys::retry;
use crate::sys::url::{escape, is_loopback, without_secrets};
use anyhow::{Context, Result, anyhow, bail};
use place::{Job, Place, Sources};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::{Duration, SystemTime};

mod actions;
mod auto_merge;
mod checks;
mod comments;
mod dispatch;
mod issues;
mod milestones;
mod place;
mod protection;
mod pulls;
mod releases;
mod repositories;
mod settings;
mod statuses;

pub(crate) use checks::{Check, Outcome};
pub(crate) use dispatch::Notice;
pub(crate) use issues::Issue;
pub(crate) use protection::{Protection, matches};
pub(crate) use pulls::{Done, Draft, Merged, PullRequest};
pub(crate) use releases::{NewPage, Page};
pub(crate) use statuses::Status;

/// The token that is used for every forge. Without it, GITHUB_TOKEN or GITEA_TOKEN is used.
const TOKEN: &str = "XTASK_FORGE_TOKEN";
/// The most that GitHub returns on a page. Gitea's default maximum is 50; it then returns 50.
const PER_PAGE: usize = 100;
/// More pages than any of our lists has. The end of a list that never ends.
const MOST_PAGES: usize = 100;
/// How long to wait if the forge limits the rate of requests and does not say for how long: GitHub's advice.
const LIMITED: Duration = Duration::from_secs(60);

const JSON: &str = "application/json";

pub(crate) struct Forge {
    place: Place,
    token: String,
    /// The variable that the token came from, for messages.
    token_name: &'static str,
    http: Http,
}

impl Forge {
    /// The forge of the git remote, with a token. The inner error says what is missing: the token, or an
    /// address that is known to be a forge.
    pub(crate) fn connect(ctx: &Ctx) -> Result<Result<Forge, String>> {
        let place = match locate(ctx) {
            Ok(place) => place,
            Err(reason) => return Ok(Err(reason)),
        };
        if ctx.endpoints.loopback_only && !is_loopback(&place.api) {
            return Ok(Err(format!("{} is not on this machine (XTASK_LOOPBACK_ONLY)", place.api)));
        }
        let names = match place.kind {
            ForgeKind::Github => [TOKEN, "GITHUB_TOKEN"],
            ForgeKind::Gitea => [TOKEN, "GITEA_TOKEN"],
        };
        match names.into_iter().find_map(|name| Some((name, variable(name)?))) {
            Some((token_name, token)) => Ok(Ok(Forge { place, token, token_name, http: Http::new()? })),
            None => Ok(Err(format!("not set up: {}", names.join(" or ")))),
        }
    }

    /// Another repository of the same forge, with the token in this variable. None without that token.
    fn of(&self, repository: &str, token_name: &'static str) -> Result<Option<Forge>> {
        let Some((owner, name)) = repository.split_once('/') else {
            bail!("{repository:?} is not OWNER/NAME");
        };
        let place = Place { owner: owner.to_string(), name: name.to_string(), ..self.place.clone() };
        let Some(token) = variable(token_name) else { return Ok(None) };
        Ok(Some(Forge { place, token, token_name, http: Http::new()? }))
    }

    /// Sends packages to the registries of the Gitea that hosts the repository, except those whose address
    /// was given.
    pub(crate) fn use_registries(ctx: &mut Ctx, given: &EndpointFlags) -> Result<()> {
        let wrong = |reason: &str| Exit::Usage(format!("registries = \"gitea\" is set, but {reason}"));
        let place = locate(ctx).map_err(|reason| wrong(&reason))?;
        if place.kind != ForgeKind::Gitea {
            return Err(wrong(&format!("{} is not a Gitea", place.api)).into());
        }
        ctx.endpoints.on_gitea(place.api.trim_end_matches("/api/v1"), &place.owner, given);
        Ok(())
    }

    /// The address of a Gitea, below which its registries are. None on GitHub.
    pub(crate) fn gitea(&self) -> Option<&str> {
        self.place.api.strip_suffix("/api/v1").filter(|_| self.place.kind == ForgeKind::Gitea)
    }

    pub(crate) fn kind(&self) -> ForgeKind {
        self.place.kind
    }

    /// The kind of the git remote's forge. None if it is not known.
    pub(crate) fn kind_of(ctx: &Ctx) -> Option<ForgeKind> {
        locate(ctx).ok().map(|place| place.kind)
    }

    fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T> {
        let answer = self.send("GET", path, None)?;
        if answer.status != 200 {
            return Err(self.refused(answer, what));
        }
        read(answer)
    }

    /// Like `get`; None if the forge does not have it.
    fn find_one<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<Option<T>> {
        let answer = self.send("GET", path, None)?;
        match answer.status {
            200 => read(answer).map(Some),
            404 => self.repository().map(|()| None),
            _ => Err(self.refused(answer, what)),
        }
    }

    /// A forge also answers 404 to a token that may not see the repository.
    fn repository(&self) -> Result<()> {
        self.get::<Value>("", "read the repository").map(drop)
    }

    /// Every page of a list. `path` may have a query.
    fn list<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<Vec<T>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let found: Vec<T> =
                self.get(&format!("{path}{separator}per_page={PER_PAGE}&limit=50&page={page}"), what)?;
            if found.is_empty() {
                return Ok(all);
            }
            all.extend(found);
        }
        bail!("cannot {what}: the list has more than {MOST_PAGES} pages")
    }

    fn success(&self, method: &'static str, path: &str, body: &Value, what: &str) -> Result<Response> {
        let answer = self.send(method, path, Some(body))?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(self.refused(answer, what)),
        }
    }

    fn send(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<Response> {
        let Place { api, owner, name, .. } = &self.place;
        let url = format!("{api}/repos/{}/{}{path}", escape(owner), escape(name));
        let bytes = body.map(|body| body.to_string().into_bytes());
        let content = bytes.as_deref().map(|bytes| (JSON, bytes));
        self.send_to(method, &url, content, JSON, Http::send)
    }

    /// Like `success` for a POST that must not be repeated blindly: one attempt.
    fn post_once(&self, path: &str, body: &Value, what: &str) -> Result<()> {
        let Place { api, owner, name, .. } = &self.place;
        let url = format!("{api}/repos/{}/{}{path}", escape(owner), escape(name));
        let bytes = body.to_string().into_bytes();
        let answer = self.send_to("POST", &url, Some((JSON, &bytes)), JSON, Http::once)?;
        match answer.status {
            200..=299 => Ok(()),
            _ => Err(self.refused(answer, what)),
        }
    }

    /// Creates something unless `is_there` finds it. It looks before each try, because the answer to the try
    /// before may be lost, and the forge would create a second one.
    fn create(
        &self,
        path: &str,
        body: &Value,
        what: &str,
        is_there: impl Fn() -> Result<bool>,
    ) -> Result<()> {
        let mut attempt = 1;
        while !is_there()? {
            let Err(error) = self.post_once(path, body, what) else { break };
            match http::temporary(&error).filter(|_| attempt < retry::TRIES) {
                Some(why) => retry::wait(what, &why, attempt, retry::pause(attempt)),
                None => return Err(error),
            }
            attempt += 1;
        }
        Ok(())
    }

    /// Sends a request with the token. Where the forge limits the rate of requests, or asks to try again
    /// later, it is sent again.
    fn send_to(
        &self,
        method: &'static str,
        url: &str,
        content: Option<(&str, &[u8])>,
        accept: &str,
        send: impl Fn(&Http, &Request) -> Result<Response>,
    ) -> Result<Response> {
        let mut attempt = 1;
        loop {
            let request = Request::new(method, url).header("Accept", accept);
            let request = match self.place.kind {
                ForgeKind::Github => request
                    .header("Authorization", format!("Bearer {}", self.token))
                    .header("X-GitHub-Api-Version", "2022-11-28"),
                ForgeKind::Gitea => request.header("Authorization", format!("token {}", self.token)),
            };
            let answer = match content {
                Some((kind, bytes)) => send(&self.http, &request.body(kind, bytes))?,
                None => send(&self.http, &request)?,
            };
            let pause = later(&answer, attempt).filter(|pause| *pause <= retry::LONGEST_PAUSE);
            let Some(pause) = pause.filter(|_| attempt < retry::TRIES) else { return Ok(answer) };
            let what = format!("{method} {}", without_secrets(url));
            retry::wait(&what, &format!("{}, try again later", answer.status), attempt, pause);
            attempt += 1;
        }
    }

    /// The forge's words, and what to do about them.
    fn refused(&self, answer: Response, what: &str) -> anyhow::Error {
        let Place { owner, name, kind, .. } = &self.place;
        let variable = self.token_name;
        let advice = match (answer.status, limited(&answer)) {
            (_, Some(pause)) => format!(
                "the forge limits the rate of requests; run the same command again in {} s",
                pause.as_secs()
            ),
            (401, None) => format!("the forge does not accept the token in {variable}; create a new one"),
            (403, None) => {
                let rights = match kind {
                    ForgeKind::Github if variable == "DISPATCH_TOKEN" => {
                        "Actions and Contents: read and write"
                    }
                    ForgeKind::Github => {
                        "Contents, Pull requests, Issues and Commit statuses: read and write"
                    }
                    ForgeKind::Gitea if variable == "DISPATCH_TOKEN" => "the scope write:repository",
                    ForgeKind::Gitea => "the scopes write:repository and write:issue",
                };
                format!("the token in {variable} lacks a permission; it needs {rights}")
            }
            (404, None) => format!(
                "the token in {variable} cannot see {owner}/{name} or may not change it, or that \
                 repository does not exist"
            ),
            (400..=499, None) => "correct what the forge's answer names".to_string(),
            _ => "run the same command again when the forge works".to_string(),
        };
        anyhow!(answer.error()).context(format!("cannot {what} on the forge: {advice}"))
    }
}

/// The pause after which the same request may succeed: a limit of the rate, or Gitea's 405 while it still
/// works on the thing.
fn later(answer: &Response, attempt: u32) -> Option<Duration> {
    let busy = answer.status == 405 && answer.says("try again later");
    limited(answer).or_else(|| busy.then(|| retry::pause(attempt)))
}

/// How long the forge asks to wait before the next request. GitHub's primary limit names the time at which it
/// ends (`X-RateLimit-Reset`), its secondary limit a pause (`Retry-After`), or only says so.
fn limited(answer: &Response) -> Option<Duration> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    let number = |name: &str| answer.header(name)?.trim().parse::<u64>().ok();
    if let Some(seconds) = number("Retry-After") {
        return Some(Duration::from_secs(seconds));
    }
    if number("X-RateLimit-Remaining") == Some(0) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let left = number("X-RateLimit-Reset").map(|at| Duration::from_secs(at).saturating_sub(now));
        return Some(left.unwrap_or(LIMITED));
    }
    (answer.status == 429 || answer.says("secondary rate limit")).then_some(LIMITED)
}

fn variable(name: &str) -> Option<String> {
    Some(std::env::var(name).ok()?.trim().to_string()).filter(|value| !value.is_empty())
}

fn read<T: DeserializeOwned>(answer: Response) -> Result<T> {
    let url = answer.url.clone();
    serde_json::from_slice(&answer.bytes()?).with_context(|| {
        format!("{}: the answer is not in the format of the forge's API", without_secrets(&url))
    })
}

fn locate(ctx: &Ctx) -> Result<Place, String> {
    let settings = &ctx.ws.settings;
    let job = variable("GITHUB_API_URL").zip(variable("GITHUB_REPOSITORY")).map(|(api, repository)| Job {
        api,
        repository,
        gitea: variable("GITEA_ACTIONS").is_some_and(|value| value == "true"),
    });
    let remote = &ctx.endpoints.remote;
    let url = ctx.git.read(&["config", "--get", &format!("remote.{remote}.url")]);
    let remote = url.unwrap_or_else(|_| remote.clone());
    place::locate(&Sources {
        setting: settings.forge,
        api: ctx.endpoints.forge.as_deref(),
        job,
        remote: remote.trim(),
        page: settings.repository.as_deref(),
    })
}

#[cfg(test)]
mod tests;
