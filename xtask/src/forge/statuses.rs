//! Commit statuses.

use super::{Forge, PER_PAGE};
use anyhow::Result;
use serde::Deserialize;
use serde_json::json;

/// GitHub's maximum for the description of a commit status, in characters. Gitea allows more.
const LONGEST_DESCRIPTION: usize = 140;

#[derive(Deserialize)]
struct Statuses {
    statuses: Option<Vec<Status>>,
}

/// GitHub calls the state `state`, Gitea calls it `status`.
#[derive(Clone, Deserialize)]
pub(crate) struct Status {
    pub context: String,
    #[serde(alias = "status")]
    pub state: String,
    pub description: Option<String>,
    pub target_url: Option<String>,
}

impl Forge {
    /// The newest status of each context of the commit.
    pub(crate) fn statuses(&self, commit: &str) -> Result<Vec<Status>> {
        let path = format!("/commits/{commit}/status?per_page={PER_PAGE}&limit=50");
        let there: Statuses = self.get(&path, "read the commit's statuses")?;
        Ok(there.statuses.unwrap_or_default())
    }

    /// Sets the commit status `context` to this state (`success`, `pending`) with this text, unless it is
    /// that already.
    pub(crate) fn set_status(&self, commit: &str, context: &str, state: &str, text: &str) -> Result<()> {
        let text = shortened(text, LONGEST_DESCRIPTION);
        let same = |status: &Status| {
            status.context == context
                && status.state == state
                && status.description.as_deref() == Some(text.as_str())
        };
        if self.statuses(commit)?.iter().any(same) {
            return Ok(());
        }
        let body = json!({ "state": state, "context": context, "description": text });
        self.success("POST", &format!("/statuses/{commit}"), &body, "set the commit's status")?;
        Ok(())
    }
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_string();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}
