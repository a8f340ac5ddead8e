//! What the forge ran and may run: runs of workflows, the names of secrets.

use super::{Forge, read};
use crate::model::workspace::ForgeKind;
use crate::sys::url::escape;
use anyhow::Result;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Option<Vec<Run>>,
}

/// A run of a workflow.
#[derive(Deserialize)]
pub(crate) struct Run {
    /// `.github/workflows/ci.yml` on GitHub, `ci.yml@refs/heads/main` on Gitea.
    path: String,
    created_at: Option<String>,
    started_at: Option<String>,
}

impl Run {
    /// The workflow's file, without its folder.
    pub(crate) fn file(&self) -> &str {
        let path = self.path.split('@').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// The day on which it began, as `2026-11-21`. None if it waits: Gitea then says that it began in 1970.
    pub(crate) fn day(&self) -> Option<&str> {
        let day = self.created_at.as_deref().or(self.started_at.as_deref())?.get(..10)?;
        (!day.starts_with("1970")).then_some(day)
    }
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    id: u64,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct Secret {
    name: String,
}

/// GitHub wraps the list, Gitea does not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Secrets {
    Wrapped { secrets: Vec<Secret> },
    List(Vec<Secret>),
}

impl Forge {
    /// The newest runs of this commit, or of the repository. None if this forge has no such list.
    pub(crate) fn runs(&self, commit: Option<&str>) -> Result<Option<Vec<Run>>> {
        let only = commit.map(|commit| format!("&head_sha={commit}")).unwrap_or_default();
        let path = format!("/actions/runs?per_page=100&limit=50{only}");
        let runs: Option<Runs> = self.find_one(&path, "list the runs of workflows")?;
        Ok(runs.map(|runs| runs.workflow_runs.unwrap_or_default()))
    }

    /// The newest run of a workflow, by its file's name.
    pub(crate) fn newest_run(&self, file: &str) -> Result<Option<Run>> {
        if self.place.kind == ForgeKind::Github {
            let path = format!("/actions/workflows/{}/runs?per_page=1", escape(file));
            let runs: Option<Runs> = self.find_one(&path, "list the runs of the workflow")?;
            return Ok(runs.and_then(|runs| runs.workflow_runs?.into_iter().next()));
        }
        Ok(self.runs(None)?.unwrap_or_default().into_iter().find(|run| run.file() == file))
    }

    /// The logs of a Gitea's first 50 jobs in this repository, of those that failed.
    pub(crate) fn failed_logs(&self) -> Result<Vec<u8>> {
        let all: Jobs = self.get("/actions/jobs?limit=50", "list the jobs")?;
        let mut logs = Vec::new();
        for job in all.jobs.iter().filter(|job| job.conclusion.as_deref() == Some("failure")) {
            let answer = self.send("GET", &format!("/actions/jobs/{}/logs", job.id), None)?;
            match answer.status {
                200 => logs.extend(answer.bytes()?),
                _ => return Err(self.refused(answer, "read the job's log")),
            }
        }
        Ok(logs)
    }

    /// The names of the secrets of the repository, of its owner, and of these environments. None if the
    /// token may not see those of the repository.
    pub(crate) fn secrets(&self, environments: &BTreeSet<String>) -> Result<Option<BTreeSet<String>>> {
        let Some(mut names) = self.secrets_at("/actions/secrets")? else { return Ok(None) };
        match self.place.kind {
            ForgeKind::Github => {
                names.extend(self.secrets_at("/actions/organization-secrets")?.unwrap_or_default());
                for environment in environments {
                    let path = format!("/environments/{}/secrets", escape(environment));
                    names.extend(self.secrets_at(&path)?.unwrap_or_default());
                }
            }
            ForgeKind::Gitea => {
                let url = format!("{}/orgs/{}/actions/secrets", self.place.api, escape(&self.place.owner));
                let answer = self.send_to("GET", &url, None, super::JSON, super::Http::send)?;
                if answer.status == 200 {
                    names.extend(named(read(answer)?));
                }
            }
        }
        Ok(Some(names))
    }

    fn secrets_at(&self, path: &str) -> Result<Option<BTreeSet<String>>> {
        let answer = self.send("GET", &format!("{path}?per_page=100&limit=50"), None)?;
        match answer.status {
            200 => Ok(Some(named(read(answer)?))),
            403 | 404 => Ok(None),
            _ => Err(self.refused(answer, "list the names of the secrets")),
        }
    }
}

fn named(secrets: Secrets) -> BTreeSet<String> {
    let (Secrets::Wrapped { secrets: list } | Secrets::List(list)) = secrets;
    list.into_iter().map(|secret| secret.name.to_uppercase()).collect()
}
