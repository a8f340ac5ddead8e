//! Open issues, by label.

use super::Forge;
use crate::sys::url::escape;
use anyhow::Result;
use serde::Deserialize;

/// An issue or a pull request.
#[derive(Deserialize)]
pub(crate) struct Issue {
    pub number: u64,
    pub title: String,
    pub html_url: String,
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

impl Issue {
    pub(crate) fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|one| one.name == label)
    }
}

impl Forge {
    /// The open issues and pull requests with this label. Gitea discards the names of labels that do not
    /// exist, and then lists all issues.
    pub(crate) fn open_issues(&self, label: &str) -> Result<Vec<Issue>> {
        let path = format!("/issues?state=open&labels={}", escape(label));
        let mut all: Vec<Issue> = self.list(&path, "list the open issues")?;
        all.retain(|issue| issue.has(label));
        Ok(all)
    }
}
