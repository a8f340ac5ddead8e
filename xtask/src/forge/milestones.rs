//! Milestones.

use super::Forge;
use anyhow::Result;
use serde::Deserialize;
use serde_json::json;

/// GitHub names a milestone by its number in the repository, Gitea by its id.
#[derive(Deserialize)]
struct Milestone {
    number: Option<u64>,
    id: u64,
    title: String,
}

impl Forge {
    /// Closes the open milestone with one of these titles. Returns its title, or None if there is none.
    pub(crate) fn close_milestone(&self, titles: &[String]) -> Result<Option<String>> {
        let open: Vec<Milestone> = self.list("/milestones?state=open", "list the milestones")?;
        let Some(found) = open.into_iter().find(|one| titles.contains(&one.title)) else { return Ok(None) };
        let path = format!("/milestones/{}", found.number.unwrap_or(found.id));
        self.success("PATCH", &path, &json!({ "state": "closed" }), "close the milestone")?;
        Ok(Some(found.title))
    }
}
