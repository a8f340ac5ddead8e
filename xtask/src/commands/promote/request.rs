//! The pull request for a person to open: its branches, title and body. `plan` can read the body if a squash
//! merge keeps it in the commit message.

use super::Opened;
use crate::commands::plan::AppPlan;
use crate::forge::Done;
use crate::model::ctx::Ctx;
use crate::sys::ui;
use semver::Version;
use serde_json::{Value, json};

pub(super) struct Request {
    pub branch: String,
    pub base: String,
    pub commit: String,
    pub title: String,
    pub body: String,
    /// The text of the commit status: the versions and what demands them.
    pub status: String,
    repository: Option<String>,
}

impl Request {
    /// The pull request with the bumps, into development.
    pub(super) fn bump(
        clone: &Ctx,
        branch: String,
        commit: String,
        bumped: &[(&AppPlan, Version)],
    ) -> Request {
        let names: Vec<String> =
            bumped.iter().map(|(plan, version)| format!("{} v{version}", plan.app)).collect();
        let releases: Vec<(&AppPlan, &Version)> =
            bumped.iter().map(|(plan, version)| (*plan, version)).collect();
        let settings = &clone.ws.settings;
        Request {
            branch,
            base: settings.development.clone(),
            commit,
            title: format!("chore(release): {}", names.join(", ")),
            body: body(&releases),
            status: status(&releases),
            repository: settings.repository.clone(),
        }
    }

    /// The pull request from development into main.
    pub(super) fn promotion(clone: &Ctx, commit: &str, ahead: &[&AppPlan]) -> Request {
        let settings = &clone.ws.settings;
        let releases: Vec<(&AppPlan, &Version)> =
            ahead.iter().filter_map(|plan| Some((*plan, plan.next.as_ref()?))).collect();
        let names: Vec<String> =
            releases.iter().map(|(plan, version)| format!("{} v{version}", plan.app)).collect();
        let title = match names.as_slice() {
            [] => format!("chore: promote {} to {}", settings.development, settings.main),
            names => format!("chore(release): promote {}", names.join(", ")),
        };
        Request {
            branch: format!("promote/{}", crate::sys::git::short(commit)),
            base: settings.main.clone(),
            commit: String::new(),
            title,
            body: body(&releases),
            status: status(&releases),
            repository: settings.repository.clone(),
        }
    }

    pub(super) fn text(&self) -> String {
        let indented: Vec<String> = self
            .body
            .lines()
            .map(|l| if l.is_empty() { String::new() } else { format!("    {l}") })
            .collect();
        let address = self.repository.iter().map(|r| format!("\n  {}", self.address(r))).collect::<String>();
        format!(
            "open a pull request from {} into {}{address}\n\n  {}\n\n{}",
            self.branch,
            self.base,
            ui::bold(&self.title),
            indented.join("\n")
        )
    }

    /// The page on which GitHub and Gitea compare the branches and offer to open the pull request.
    fn address(&self, repository: &str) -> String {
        format!("{}/compare/{}...{}", repository.trim_end_matches('/'), self.base, self.branch)
    }

    pub(super) fn to_json(&self, pushed: bool, opened: std::result::Result<&Opened, &String>) -> Value {
        let pull = match opened {
            Ok(Opened { pull, done, auto, .. }) => {
                let mut shown =
                    json!({ "number": pull.number, "url": pull.url, "new": *done == Done::Opened });
                if let Some(auto) = auto {
                    shown["auto_merge"] = auto.is_ok().into();
                }
                shown
            }
            Err(_) => Value::Null,
        };
        json!({
            "schema": 1,
            "branch": self.branch,
            "base": self.base,
            "commit": self.commit,
            "title": self.title,
            "body": self.body,
            "pushed": pushed,
            "pull_request": pull,
            "not_opened": opened.err(),
        })
    }
}

const NOTHING: &str = "This releases nothing.";

/// A table with the versions and what demands them, and below it each app's commits that count.
fn body(releases: &[(&AppPlan, &Version)]) -> String {
    if releases.is_empty() {
        return NOTHING.to_string();
    }
    let mut lines = vec!["| app | version | source | demands | why |".into(), "|---|---|---|---|---|".into()];
    for (plan, version) in releases {
        for evidence in &plan.evidence {
            let (step, why) = (step(plan, version), cell(&evidence.why));
            let cells = [plan.app.as_str(), &step, evidence.source, &evidence.demands.to_string(), &why];
            lines.push(format!("| {} |", cells.join(" | ")));
        }
    }
    let commits = releases.iter().map(|(plan, version)| released(plan, version));
    [vec![lines.join("\n")], commits.collect()].concat().join("\n\n")
}

/// `python 0.1.1 → 0.2.0 (commits minor, api none)`, for each app.
fn status(releases: &[(&AppPlan, &Version)]) -> String {
    let one = |(plan, version): &(&AppPlan, &Version)| {
        let because: Vec<String> =
            plan.evidence.iter().map(|e| format!("{} {}", e.source, e.demands)).collect();
        format!("{} {} ({})", plan.app, step(plan, version), because.join(", "))
    };
    match releases {
        [] => NOTHING.to_string(),
        releases => releases.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}

/// `0.0.1 → 0.0.2`
fn step(plan: &AppPlan, version: &Version) -> String {
    let last = plan.last.as_ref().map_or("first release".to_string(), |r| r.version.to_string());
    format!("{last} → {version}")
}

/// The text in one cell of a Markdown table. `<` would begin HTML.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

/// `python: 0.0.1 → 0.0.2`, and below it the commits that count for the release as bullets.
fn released(plan: &AppPlan, version: &Version) -> String {
    let mut lines = vec![format!("{}: {}", plan.app, step(plan, version)), String::new()];
    lines.extend(plan.commits.iter().rev().filter(|c| c.counts).map(|c| format!("* {}", c.subject)));
    lines.join("\n").trim_end().to_string()
}
