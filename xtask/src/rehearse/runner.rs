//! A forge's runner: each job in a fresh clone of the remote with the cached folders of the last one, the variables that the forge sets, and
//! the command of the workflow.

use super::forge::PullRequest;
use super::machine::{Ended, Env, Machine, pairs};
use super::world::World;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::sync::{Mutex, MutexGuard};

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
    /// Folders that a forge's cache would restore into a new clone, from the root.
    pub cached: Vec<Utf8PathBuf>,
    /// Where jobs run, one at a time in each.
    pub slots: Vec<Mutex<Utf8PathBuf>>,
}

impl Runner<'_> {
    /// Runs `cargo xtask ci JOB`; only the job that publishes gets the secrets.
    pub fn job(&self, log: &Utf8Path, job: &str, event: &Event, more: &[&str]) -> Result<Ended> {
        let dir = self.slot()?;
        let mut env = self.machine.runner(&dir.join("home"));
        let clone = self.check_out(log, &dir, event, &env)?;
        env.extend(self.variables(&dir, job, event)?);
        if job == "release" {
            env.extend(self.world.secrets());
        }
        let argv: Vec<&str> = ["cargo", "xtask", "ci", job].iter().chain(more).copied().collect();
        self.machine.run(log, &clone, &env, &argv)
    }

    /// A place that nobody uses; there is one for each step that may run at a time.
    fn slot(&self) -> Result<MutexGuard<'_, Utf8PathBuf>> {
        let slot = self.slots.iter().find_map(|slot| slot.try_lock().ok()).context("more jobs at a time than places for them")?;
        std::fs::create_dir_all(slot.join("home")).with_context(|| format!("{} can't be made", *slot))?;
        Ok(slot)
    }

    /// A release from its tag, as somebody would resume it.
    pub fn release_again(&self, log: &Utf8Path, app: &str, tag: &str) -> Result<Ended> {
        let dir = self.slot()?;
        let mut env = self.machine.runner(&dir.join("home"));
        let clone = self.clone(log, &dir, &env)?;
        self.machine.run(log, &clone, &env, &["git", "checkout", "--quiet", "--detach", &format!("refs/tags/{tag}")])?.expect(0)?;
        env.extend(self.world.secrets());
        self.machine.run(log, &clone, &env, &["cargo", "xtask", "release", app])?.expect(0)
    }

    /// As actions/checkout does it with fetch-depth 0: a pushed branch under its name, a pull request's test merge on no branch.
    fn check_out(&self, log: &Utf8Path, dir: &Utf8Path, event: &Event, env: &Env) -> Result<Utf8PathBuf> {
        let clone = self.clone(log, dir, env)?;
        let git = |args: &[&str]| self.machine.run(log, &clone, env, &[&["git"], args].concat())?.expect(0);
        match event {
            Event::Push { branch, after, .. } => git(&["checkout", "--quiet", "-B", branch, after])?,
            Event::PullRequest(pull) => {
                git(&["fetch", "--quiet", "origin", &pull.merge_ref()])?;
                git(&["checkout", "--quiet", "--detach", "FETCH_HEAD"])?
            }
        };
        Ok(clone)
    }

    /// A fresh clone without files, in place of the slot's last one, whose cached folders it gets.
    fn clone(&self, log: &Utf8Path, dir: &Utf8Path, env: &Env) -> Result<Utf8PathBuf> {
        let (clone, old) = (dir.join("clone"), dir.join("old"));
        if clone.exists() {
            std::fs::rename(&clone, &old)?;
        }
        let url = self.world.remote.url.as_str();
        self.machine.run(log, dir, env, &["git", "clone", "--quiet", "--no-checkout", "--", url, clone.as_str()])?.expect(0)?;
        for folder in self.cached.iter().filter(|folder| old.join(folder).exists()) {
            let target = clone.join(folder);
            std::fs::create_dir_all(target.parent().unwrap_or(&clone))?;
            std::fs::rename(old.join(folder), target)?;
        }
        if old.exists() {
            std::fs::remove_dir_all(&old).with_context(|| format!("{old} can't be removed"))?;
        }
        Ok(clone)
    }

    fn variables(&self, dir: &Utf8Path, job: &str, event: &Event) -> Result<Env> {
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
