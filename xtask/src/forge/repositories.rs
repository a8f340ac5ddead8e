//! Repositories of a Gitea that a rehearsal creates, uses and deletes.

use super::{Forge, JSON, read};
use crate::forge::place::Place;
use crate::model::workspace::ForgeKind;
use crate::sys::http::Http;
use anyhow::{Context, Result};
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// A comment, with the page of its pull request.
#[derive(Deserialize)]
struct OfPull {
    pull_request_url: String,
}

impl Forge {
    /// Creates a repository of the token's owner on this Gitea. It is public, so that reads need no login.
    pub(crate) fn create_on_gitea(url: &str, token: &str, name: &str) -> Result<Forge> {
        let api = format!("{}/api/v1", url.trim_end_matches('/'));
        let place = Place { kind: ForgeKind::Gitea, api, owner: String::new(), name: name.to_string() };
        let mut forge =
            Forge { place, token: token.to_string(), token_name: "GITEA_TOKEN", http: Http::new()? };
        let user = forge.of_user("GET", "/user", None, "read the owner of the token")?;
        let owner = user["login"].as_str();
        forge.place.owner = owner.context("Gitea's answer does not name the owner of the token")?.to_string();
        let repository = json!({ "name": name, "default_branch": "main" });
        forge.of_user("POST", "/user/repos", Some(&repository), "create a repository")?;
        Ok(forge)
    }

    fn of_user(&self, method: &'static str, path: &str, body: Option<&Value>, what: &str) -> Result<Value> {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let content = bytes.as_deref().map(|bytes| (JSON, bytes));
        let answer = self.send_to(method, &format!("{}{path}", self.place.api), content, JSON, Http::send)?;
        match answer.status {
            200..=299 => read(answer),
            _ => Err(self.refused(answer, what)),
        }
    }

    pub(crate) fn delete_repository(&self) -> Result<()> {
        self.success("DELETE", "", &json!({}), "delete the repository").map(drop)
    }

    /// Commits a new file to the default branch.
    pub(crate) fn add_file(&self, path: &str, text: &str) -> Result<()> {
        let content = base64::Engine::encode(&STANDARD, text);
        let body = json!({ "content": content, "message": "chore: a file" });
        self.success("POST", &format!("/contents/{path}"), &body, "commit a file").map(drop)
    }

    /// Squashes a pull request and deletes its branch. Returns the commit on the base branch.
    pub(crate) fn squash(&self, number: u64) -> Result<String> {
        let body = json!({ "Do": "squash", "delete_branch_after_merge": true });
        self.success("POST", &format!("/pulls/{number}/merge"), &body, "squash the pull request")?;
        let state = self.state(number)?.context("the pull request is not merged after its squash")?;
        state.merge_commit_sha.context("the forge names no commit of the squash")
    }

    /// The pages of the pull requests with comments, one for each comment.
    pub(crate) fn commented(&self) -> Result<Vec<String>> {
        let all: Vec<OfPull> = self.list("/issues/comments", "list the comments")?;
        Ok(all.into_iter().map(|comment| comment.pull_request_url).collect())
    }

    /// The token with which a runner registers itself for this repository.
    pub(crate) fn runner_token(&self) -> Result<String> {
        let what = "get a token for a runner";
        let answer = self.success("POST", "/actions/runners/registration-token", &json!({}), what)?;
        let token: Value = read(answer)?;
        Ok(token["token"].as_str().context("Gitea sent no token for a runner")?.to_string())
    }

    /// Has a runner of this repository asked for jobs?
    pub(crate) fn has_runner(&self) -> Result<bool> {
        let all: Value = self.get("/actions/runners", "list the runners")?;
        Ok(all["runners"].as_array().into_iter().flatten().any(|runner| runner["status"] == "online"))
    }

    /// The address of the repository in the API.
    pub(crate) fn api(&self) -> String {
        let Place { api, owner, name, .. } = &self.place;
        format!("{api}/repos/{owner}/{name}")
    }
}
