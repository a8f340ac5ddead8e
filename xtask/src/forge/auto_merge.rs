//! Auto-merge: the forge squashes a pull request by itself when the required checks have passed.

use super::{Draft, Forge, JSON, PullRequest, read};
use crate::model::workspace::ForgeKind;
use crate::sys::http::Http;
use crate::sys::url::escape;
use anyhow::Result;
use serde_json::{Value, json};

/// GitHub has auto-merge in its GraphQL API only.
const ENABLE: &str = "mutation($pull: ID!) { enablePullRequestAutoMerge(input: { pullRequestId: $pull, \
    mergeMethod: SQUASH }) { clientMutationId } }";

impl Forge {
    /// Asks the forge to squash the pull request when its checks have passed. Returns false if it was asked
    /// before. The inner error is the reason why the forge does not. `changed`: title or text are new.
    pub(crate) fn auto_merge(
        &self,
        pull: &PullRequest,
        draft: &Draft,
        changed: bool,
    ) -> Result<Result<bool, String>> {
        match self.place.kind {
            ForgeKind::Github => self.on_github_auto_merge(pull),
            ForgeKind::Gitea => self.on_gitea_auto_merge(pull, draft, changed),
        }
    }

    fn on_github_auto_merge(&self, pull: &PullRequest) -> Result<Result<bool, String>> {
        let now: Value = self.get(&format!("/pulls/{}", pull.number), "read the pull request")?;
        if !now["auto_merge"].is_null() {
            return Ok(Ok(false));
        }
        // `https://api.github.com/graphql`, `https://HOST/api/graphql`
        let url = format!("{}/graphql", self.place.api.trim_end_matches("/v3"));
        let body = json!({ "query": ENABLE, "variables": { "pull": now["node_id"] } }).to_string();
        let answer = self.send_to("POST", &url, Some((JSON, body.as_bytes())), JSON, Http::send)?;
        if answer.status != 200 {
            return Ok(Err(format!("{:#}", self.refused(answer, "turn on auto-merge"))));
        }
        let answer: Value = read(answer)?;
        let said = answer["errors"].as_array().into_iter().flatten();
        let said: Vec<&str> = said.filter_map(|error| error["message"].as_str()).collect();
        Ok(if said.is_empty() { Ok(true) } else { Err(said.join("; ")) })
    }

    /// Gitea merges at once where no check is required. Its squash keeps the title only, unless it is given
    /// the text.
    fn on_gitea_auto_merge(
        &self,
        pull: &PullRequest,
        draft: &Draft,
        changed: bool,
    ) -> Result<Result<bool, String>> {
        let base: Value = self.get(&format!("/branches/{}", escape(draft.base)), "read the branch")?;
        let required = base["status_check_contexts"].as_array().is_some_and(|list| !list.is_empty());
        if base["enable_status_check"] != true || !required {
            let reason = "requires no checks, so the forge would merge at once; to require them: \
                          cargo xtask setup --forge";
            return Ok(Err(format!("{} {reason}", draft.base)));
        }
        let path = format!("/pulls/{}/merge", pull.number);
        if changed {
            // With the old title and text. 404: it was not asked before.
            let answer = self.send("DELETE", &path, None)?;
            if !matches!(answer.status, 200..=299 | 404) {
                return Ok(Err(format!("{:#}", self.refused(answer, "take back the auto-merge"))));
            }
        }
        let body = json!({
            "Do": "squash",
            "merge_when_checks_succeed": true,
            "MergeTitleField": format!("{} (#{})", draft.title, pull.number),
            "MergeMessageField": draft.body,
        });
        let answer = self.send("POST", &path, Some(&body))?;
        Ok(match answer.status {
            200..=299 => Ok(true),
            409 if answer.says("already scheduled") => Ok(false),
            _ => Err(format!("{:#}", self.refused(answer, "turn on auto-merge"))),
        })
    }
}
