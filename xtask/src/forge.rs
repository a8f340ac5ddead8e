//! The forge that hosts the repository, by its REST API: pull requests, labels and commit statuses. GitHub's
//! API (version 2022-11-28) and Gitea's (1.26) differ in a few addresses and status codes; both are here.

use crate::model::ctx::Ctx;
use crate::model::workspace::ForgeKind;
use crate::sys::http::{self, Http, Request, Response};
use crate::sys::retry;
use crate::sys::url::{escape, is_loopback};
use anyhow::{Context, Result, anyhow, bail};
use place::{Job, Place, Sources};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

mod place;

/// The token that is used for every forge. Without it, GITHUB_TOKEN or GITEA_TOKEN is used.
const TOKEN: &str = "XTASK_FORGE_TOKEN";
/// GitHub's maximum for the description of a commit status, in characters. Gitea allows more.
const LONGEST_DESCRIPTION: usize = 140;
/// The most that GitHub returns on a page. Gitea's default maximum is 50; it then returns 50.
const PER_PAGE: usize = 100;
/// More pages than any of our lists has. The end of a list that never ends.
const MOST_PAGES: usize = 50;

pub(crate) struct Forge {
    place: Place,
    token: String,
    /// The variable that the token came from, for messages.
    token_name: &'static str,
    http: Http,
}

/// An open pull request.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PullRequest {
    pub number: u64,
    #[serde(rename = "html_url")]
    pub url: String,
    pub title: String,
    body: Option<String>,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Clone, Debug, Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct Statuses {
    statuses: Option<Vec<Status>>,
}

/// GitHub calls the state `state`, Gitea calls it `status`.
#[derive(Deserialize)]
struct Status {
    context: String,
    #[serde(alias = "status")]
    state: String,
    description: Option<String>,
}

/// What [`Forge::pull_request`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Opened,
    Updated,
    Unchanged,
}

/// The title, text and branches of a pull request to open.
pub(crate) struct Draft<'a> {
    pub head: &'a str,
    pub base: &'a str,
    pub title: &'a str,
    pub body: &'a str,
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
        let token = names.into_iter().find_map(|name| {
            Some((name, std::env::var(name).ok().map(|v| v.trim().to_string()).filter(|v| !v.is_empty())?))
        });
        match token {
            Some((token_name, token)) => Ok(Ok(Forge { place, token, token_name, http: Http::new()? })),
            None => Ok(Err(format!("not set up: {}", names.join(" or ")))),
        }
    }

    /// Opens the pull request, or gives the open one of these branches this title and text.
    pub(crate) fn pull_request(&self, draft: &Draft) -> Result<(PullRequest, Done)> {
        if let Some(open) = self.find(draft)? {
            return self.refresh(open, draft);
        }
        let body = json!({
            "head": draft.head, "base": draft.base, "title": draft.title, "body": draft.body,
        });
        let answer = self.send("POST", "/pulls", Some(&body))?;
        match answer.status {
            201 => Ok((read(answer)?, Done::Opened)),
            // Opened since the search, by another run or by the same request, whose answer was lost.
            409 | 422 => match self.find(draft)? {
                Some(open) => self.refresh(open, draft),
                None => Err(self.refused(answer, "open a pull request")),
            },
            _ => Err(self.refused(answer, "open a pull request")),
        }
    }

    /// The open pull request of the two branches.
    fn find(&self, draft: &Draft) -> Result<Option<PullRequest>> {
        let (head, base) = (escape(draft.head), escape(draft.base));
        if self.place.kind == ForgeKind::Gitea {
            let answer = self.send("GET", &format!("/pulls/{base}/{head}"), None)?;
            return match answer.status {
                200 => Ok(Some(read(answer)?)),
                404 => self.repository().map(|()| None),
                _ => Err(self.refused(answer, "look for the pull request")),
            };
        }
        let owner = escape(&self.place.owner);
        let query = format!("/pulls?state=open&head={owner}:{head}&base={base}");
        let found: Vec<PullRequest> = self.get(&query, "look for the pull request")?;
        Ok(found.into_iter().next())
    }

    /// A forge also answers 404 to a token that may not see the repository.
    fn repository(&self) -> Result<()> {
        self.get::<Value>("", "read the repository").map(drop)
    }

    fn refresh(&self, open: PullRequest, draft: &Draft) -> Result<(PullRequest, Done)> {
        // Forges store line breaks as the client sent them, and a browser sends CRLF.
        let body = open.body.as_deref().unwrap_or("").replace("\r\n", "\n");
        if open.title == draft.title && body.trim_end() == draft.body.trim_end() {
            return Ok((open, Done::Unchanged));
        }
        let body = json!({ "title": draft.title, "body": draft.body });
        let path = format!("/pulls/{}", open.number);
        self.success("PATCH", &path, &body, "update the pull request")?;
        Ok((open, Done::Updated))
    }

    /// Adds the label to the pull request, and creates it first where the repository does not have it. Gitea
    /// would create a second label of the same name.
    pub(crate) fn add_label(&self, pull: &PullRequest, name: &str, colour: &str) -> Result<()> {
        if pull.labels.iter().any(|label| label.name == name) {
            return Ok(());
        }
        self.create_label(name, &json!({ "name": name, "color": colour }))?;
        let path = format!("/issues/{}/labels", pull.number);
        self.success("POST", &path, &json!({ "labels": [name] }), "label the pull request")?;
        Ok(())
    }

    /// Creates the label unless it is there. Before each try it looks again: the answer to the one before may
    /// be lost, and Gitea would create a second label of the same name.
    fn create_label(&self, name: &str, label: &Value) -> Result<()> {
        for attempt in 1.. {
            let known: Vec<Label> = self.list("/labels", "list the labels")?;
            if known.iter().any(|label| label.name == name) {
                break;
            }
            let answer = self.send_by("POST", "/labels", Some(label), Http::once);
            let error = match answer {
                Ok(answer) if (200..300).contains(&answer.status) => break,
                Ok(answer) => self.refused(answer, "create the label"),
                Err(error) => error,
            };
            match http::temporary(&error).filter(|_| attempt < retry::TRIES) {
                Some(why) => retry::wait("create the label", &why, attempt, retry::pause(attempt)),
                None => return Err(error),
            }
        }
        Ok(())
    }

    /// Sets the commit status `context` to success, with this text, unless it is that already.
    pub(crate) fn set_status(&self, commit: &str, context: &str, text: &str) -> Result<()> {
        let text = shortened(text, LONGEST_DESCRIPTION);
        let path = format!("/commits/{commit}/status?per_page={PER_PAGE}");
        let there: Statuses = self.get(&path, "read the commit's statuses")?;
        let same = |status: &Status| {
            status.context == context
                && status.state == "success"
                && status.description.as_deref() == Some(text.as_str())
        };
        if there.statuses.unwrap_or_default().iter().any(same) {
            return Ok(());
        }
        let body = json!({ "state": "success", "context": context, "description": text });
        self.success("POST", &format!("/statuses/{commit}"), &body, "set the commit's status")?;
        Ok(())
    }

    fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T> {
        let answer = self.send("GET", path, None)?;
        if answer.status != 200 {
            return Err(self.refused(answer, what));
        }
        read(answer)
    }

    /// Every page of a list.
    fn list<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let found: Vec<T> =
                self.get(&format!("{path}?per_page={PER_PAGE}&limit=50&page={page}"), what)?;
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
        self.send_by(method, path, body, Http::send)
    }

    fn send_by(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
        send: impl Fn(&Http, &Request) -> Result<Response>,
    ) -> Result<Response> {
        let Place { api, owner, name, kind } = &self.place;
        let url = format!("{api}/repos/{}/{}{path}", escape(owner), escape(name));
        let request = Request::new(method, url).header("Accept", "application/json");
        let request = match kind {
            ForgeKind::Github => request
                .header("Authorization", format!("Bearer {}", self.token))
                .header("X-GitHub-Api-Version", "2022-11-28"),
            ForgeKind::Gitea => request.header("Authorization", format!("token {}", self.token)),
        };
        let bytes = body.map(|body| body.to_string().into_bytes());
        match &bytes {
            Some(bytes) => send(&self.http, &request.body("application/json", bytes)),
            None => send(&self.http, &request),
        }
    }

    /// The forge's words, and what to do about them.
    fn refused(&self, answer: Response, what: &str) -> anyhow::Error {
        let Place { owner, name, kind, .. } = &self.place;
        let variable = self.token_name;
        let limited = answer.header("Retry-After").map(str::to_string).or_else(|| {
            answer.header("X-RateLimit-Remaining").filter(|left| *left == "0").map(|_| "3600".to_string())
        });
        let advice = match (answer.status, limited) {
            (403 | 429, Some(seconds)) => {
                format!("the forge limits the rate of requests; run the same command again in {seconds} s")
            }
            (401, _) => format!("the forge does not accept the token in {variable}; create a new one"),
            (403, _) => {
                let rights = match kind {
                    ForgeKind::Github => "Pull requests, Issues and Commit statuses: read and write",
                    ForgeKind::Gitea => "repository and issue: read and write",
                };
                format!("the token in {variable} lacks a permission; it needs {rights}")
            }
            (404, _) => format!(
                "the token in {variable} cannot see {owner}/{name}, or that repository does not exist"
            ),
            _ => "run the same command again when the forge works".to_string(),
        };
        anyhow!(answer.error()).context(format!("cannot {what} on the forge: {advice}"))
    }
}

fn read<T: DeserializeOwned>(answer: Response) -> Result<T> {
    let url = answer.url.clone();
    serde_json::from_slice(&answer.bytes()?)
        .with_context(|| format!("{} is not an answer of a forge", crate::sys::url::without_secrets(&url)))
}

fn locate(ctx: &Ctx) -> Result<Place, String> {
    let settings = &ctx.ws.settings;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
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

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_string();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}
