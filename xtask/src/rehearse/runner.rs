//! A forge's runner: each job in a fresh clone of the remote, with the variables that the forge sets, by the line that the workflow has.

use super::forge::PullRequest;
use super::machine::{Ended, Machine, pairs};
use super::world::World;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the job runs for.
#[derive(Clone)]
pub enum Event {
    Push { branch: String, before: Option<String>, after: String },
    PullRequest(PullRequest),
}

/// Whose variables a job sees: both forges are rehearsed.
#[derive(Clone, Copy)]
pub enum Forge {
    GitHub,
    Gitea,
}

pub struct Runner<'a> {
    pub machine: &'a Machine,
    pub world: &'a World,
    pub forge: Forge,
    /// Where the clones are made.
    pub dir: Utf8PathBuf,
    pub count: AtomicUsize,
}

impl Runner<'_> {
    /// Runs `cargo xtask ci JOB`; only the job that publishes gets the secrets.
    pub fn job(&self, log: &Utf8Path, job: &str, event: &Event, more: &[&str]) -> Result<Ended> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.join(format!("{number:02}-{job}"));
        std::fs::create_dir_all(&dir).with_context(|| format!("{dir} can't be made"))?;
        let mut env = self.machine.runner(&dir.join("home"));
        std::fs::create_dir_all(dir.join("home"))?;
        let clone = dir.join("clone");
        self.check_out(log, &dir, &clone, event, &env)?;
        env.extend(self.variables(&dir, job, event)?);
        if job == "release" {
            env.extend(self.world.secrets());
        }
        let argv: Vec<&str> = ["cargo", "xtask", "ci", job].iter().chain(more).copied().collect();
        self.machine.run(log, &clone, &env, &argv)
    }

    /// A release from its tag, as somebody would resume it.
    pub fn release_again(&self, log: &Utf8Path, app: &str, tag: &str) -> Result<Ended> {
        let dir = self.dir.join(tag);
        std::fs::create_dir_all(dir.join("home")).with_context(|| format!("{dir} can't be made"))?;
        let mut env = self.machine.runner(&dir.join("home"));
        let clone = dir.join("clone");
        let url = self.world.remote.url.as_str();
        self.machine.run(log, &dir, &env, &["git", "clone", "--quiet", "--branch", tag, "--", url, clone.as_str()])?.expect(0)?;
        env.extend(self.world.secrets());
        self.machine.run(log, &clone, &env, &["cargo", "xtask", "release", app])?.expect(0)
    }

    /// As actions/checkout does it with fetch-depth 0: a pushed branch under its name, a pull request's test merge on no branch.
    fn check_out(&self, log: &Utf8Path, dir: &Utf8Path, clone: &Utf8Path, event: &Event, env: &Vec<(String, String)>) -> Result<()> {
        let url = self.world.remote.url.as_str();
        let git = |dir: &Utf8Path, args: &[&str]| {
            self.machine.run(log, dir, env, &["git"].iter().chain(args).copied().collect::<Vec<_>>())?.expect(0)
        };
        git(dir, &["clone", "--quiet", "--no-checkout", "--", url, clone.as_str()])?;
        match event {
            Event::Push { branch, after, .. } => git(clone, &["checkout", "--quiet", "-B", branch, after])?,
            Event::PullRequest(pull) => {
                git(clone, &["fetch", "--quiet", "origin", &pull.merge_ref()])?;
                git(clone, &["checkout", "--quiet", "--detach", "FETCH_HEAD"])?
            }
        };
        Ok(())
    }

    fn variables(&self, dir: &Utf8Path, job: &str, event: &Event) -> Result<Vec<(String, String)>> {
        let file = dir.join("event.json");
        let mut variables = pairs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_JOB", job), ("GITHUB_EVENT_PATH", file.as_str())]);
        if let Forge::Gitea = self.forge {
            variables.extend(pairs(&[("GITEA_ACTIONS", "true")]));
        }
        let payload = match event {
            Event::Push { branch, before, after } => {
                variables.extend(pairs(&[
                    ("GITHUB_EVENT_NAME", "push"),
                    ("GITHUB_REF", &format!("refs/heads/{branch}")),
                    ("GITHUB_SHA", after),
                ]));
                let none = "0".repeat(after.len());
                serde_json::json!({ "ref": format!("refs/heads/{branch}"), "before": before.as_ref().unwrap_or(&none), "after": after })
            }
            Event::PullRequest(pull) => {
                let names = [("GITHUB_HEAD_REF", pull.head.as_str()), ("GITHUB_BASE_REF", &pull.base), ("GITHUB_REF", &pull.merge_ref())];
                variables.extend(pairs(&names));
                variables.extend(pairs(&[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_SHA", &pull.commit)]));
                serde_json::json!({ "action": "opened", "number": pull.number, "pull_request": { "title": pull.title } })
            }
        };
        std::fs::write(&file, payload.to_string()).with_context(|| format!("{file} can't be written"))?;
        Ok(variables)
    }
}
