//! Comments of a pull request.

use super::Forge;
use anyhow::Result;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
}

impl Forge {
    /// Makes the pull request have this comment once. `marker`, a hidden text, finds the comment of an
    /// earlier run. Returns false if it was there with the same text.
    pub(crate) fn comment(&self, number: u64, marker: &str, text: &str) -> Result<bool> {
        let body = format!("{marker}\n{text}");
        let path = format!("/issues/{number}/comments");
        let what = "comment on the pull request";
        let Some(old) = self.comment_with(&path, marker)? else {
            let is_there = || Ok(self.comment_with(&path, marker)?.is_some());
            self.create(&path, &json!({ "body": body }), what, is_there)?;
            return Ok(true);
        };
        if old.body.unwrap_or_default().replace("\r\n", "\n").trim_end() == body.trim_end() {
            return Ok(false);
        }
        let path = format!("/issues/comments/{}", old.id);
        self.success("PATCH", &path, &json!({ "body": body }), what)?;
        Ok(true)
    }

    fn comment_with(&self, path: &str, marker: &str) -> Result<Option<Comment>> {
        let ours = |comment: &Comment| comment.body.as_deref().is_some_and(|body| body.starts_with(marker));
        let what = "list the comments of the pull request";
        // Gitea returns all comments of an issue, and ignores the page.
        let all: Vec<Comment> = match self.place.kind {
            crate::model::workspace::ForgeKind::Github => self.list(path, what)?,
            crate::model::workspace::ForgeKind::Gitea => self.get(path, what)?,
        };
        Ok(all.into_iter().find(ours))
    }
}
