//! What CI says of a commit: the jobs of workflows, and the statuses of other systems.

use super::{Forge, MOST_PAGES, PER_PAGE};
use crate::model::workspace::ForgeKind;
use anyhow::Result;
use serde::Deserialize;

pub(crate) struct Check {
    /// `lint` on GitHub, `ci / lint (push)` on Gitea.
    pub name: String,
    pub outcome: Outcome,
    /// The page of its run: `…/actions/runs/12/job/34`.
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Pending,
    /// In the forge's word: `failure`, `cancelled`, `timed_out`, …
    Failed(String),
}

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    name: String,
    /// Absent until it is completed.
    conclusion: Option<String>,
    details_url: Option<String>,
}

impl Forge {
    /// The newest result of each check of the commit, without the statuses that xtask itself sets. Gitea
    /// reports its jobs as statuses, GitHub as check runs.
    pub(crate) fn checks(&self, commit: &str) -> Result<Vec<Check>> {
        let mut all: Vec<Check> = Vec::new();
        if self.place.kind == ForgeKind::Github {
            for page in 1..=MOST_PAGES {
                let path = format!("/commits/{commit}/check-runs?per_page={PER_PAGE}&page={page}");
                let found: CheckRuns = self.get(&path, "read the commit's checks")?;
                let more = found.check_runs.len() == PER_PAGE;
                all.extend(found.check_runs.into_iter().map(|run| Check {
                    name: run.name,
                    outcome: outcome(run.conclusion.as_deref().unwrap_or("pending")),
                    url: run.details_url.unwrap_or_default(),
                }));
                if !more {
                    break;
                }
            }
        }
        let statuses = self.statuses(commit)?.into_iter();
        all.extend(statuses.filter(|status| !status.context.starts_with("xtask/")).map(|status| Check {
            outcome: outcome(&status.state),
            name: status.context,
            url: status.target_url.unwrap_or_default(),
        }));
        Ok(all)
    }
}

/// Maps the conclusion of a check run, or the state of a status. Gitea's `warning` is a status that passed.
fn outcome(word: &str) -> Outcome {
    match word {
        "success" | "neutral" | "skipped" | "warning" => Outcome::Passed,
        "pending" => Outcome::Pending,
        other => Outcome::Failed(other.to_string()),
    }
}
