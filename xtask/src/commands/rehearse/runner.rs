//! A forge's runner: each job in a fresh clone of the remote with the cached folders of the last one, the
//! variables that the forge sets, and the command of the workflow.

use super::forge::{PullRequest, Squash};
use super::machine::{Ended, Env, Machine, pairs};
use super::world::World;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::sync::{Mutex, MutexGuard};

/// The job that takes longest, and ends with waiting.
pub const LONGEST: &str = "test";

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

impl Forge {
    /// Does it keep a merge of the pull request with its base (`refs/pull/N/merge`)? Gitea's jobs run for the
    /// head alone.
    pub fn test_merges(self) -> bool {
        match self {
            Forge::GitHub => true,
            Forge::Gitea => false,
        }
    }

    /// What the squash of a pull request keeps, in words too: on GitHub each of its three settings in turn.
    pub fn squash(self, number: u32) -> (Squash, &'static str) {
        let title = (Squash::Title, "the title alone");
        match (self, number % 3) {
            (Forge::Gitea, _) | (_, 0) => title,
            (Forge::GitHub, 1) => (Squash::TitleAndCommits, "title and commits"),
            (Forge::GitHub, _) => (Squash::TitleAndDescription, "title and description"),
        }
    }

    /// What a pull request's job checks out.
    fn checked_out(self, pull: &PullRequest) -> String {
        if self.test_merges() { pull.merge_ref() } else { pull.head_ref() }
    }
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
        let dir = self.slot(job)?;
        let mut env = self.machine.runner(&dir.join("home"));
        let clone = self.check_out(log, &dir, event, &env)?;
        env.extend(self.variables(&dir, job, event)?);
        if job == "release" {
            env.extend(self.world.secrets());
        }
        // What runs beside the longest has time enough for itself when that waits.
        let nice: &[&str] = if job == LONGEST { &[] } else { &["nice", "-n", "5"] };
        let argv: Vec<&str> =
            nice.iter().chain(&["cargo", "xtask", "ci", job]).chain(more).copied().collect();
        self.machine.run(log, &clone, &env, &argv)
    }

    /// A place that nobody uses; there is one for each step that may run at a time. The longest job has the
    /// same one again where it can: Python has compiled there what only tests import.
    fn slot(&self, job: &str) -> Result<MutexGuard<'_, Utf8PathBuf>> {
        let mut slots: Vec<_> = self.slots.iter().collect();
        if job != LONGEST {
            slots.reverse();
        }
        let slot = slots.iter().find_map(|slot| slot.try_lock().ok());
        let slot = slot.context("more jobs at a time than places for them")?;
        std::fs::create_dir_all(slot.join("home")).with_context(|| format!("{} can't be made", *slot))?;
        Ok(slot)
    }

    /// A release from its tag, as somebody would resume it.
    pub fn release_again(&self, log: &Utf8Path, app: &str, tag: &str) -> Result<Ended> {
        let dir = self.slot("release")?;
        let mut env = self.machine.runner(&dir.join("home"));
        let clone = self.clone(log, &dir, &env)?;
        self.files(log, &clone, &env, &["--detach", &format!("refs/tags/{tag}")])?;
        env.extend(self.world.secrets());
        self.machine.run(log, &clone, &env, &["cargo", "xtask", "release", app])?.expect(0)
    }

    /// As actions/checkout does it with fetch-depth 0: a pushed branch under its name, a pull request's test
    /// merge (its head on Gitea) on no branch.
    fn check_out(&self, log: &Utf8Path, dir: &Utf8Path, event: &Event, env: &Env) -> Result<Utf8PathBuf> {
        let clone = self.clone(log, dir, env)?;
        match event {
            Event::Push { branch, after, .. } => self.files(log, &clone, env, &["-B", branch, after])?,
            Event::PullRequest(pull) => {
                self.machine
                    .run(
                        log,
                        &clone,
                        env,
                        &["git", "fetch", "--quiet", "origin", &self.forge.checked_out(pull)],
                    )?
                    .expect(0)?;
                self.files(log, &clone, env, &["--detach", "FETCH_HEAD"])?
            }
        }
        Ok(clone)
    }

    /// A fresh clone in place of the slot's last one. It starts with that one's files and index: most are the
    /// same in the next commit, and to make and remove them all for each job would take a good part of its
    /// time.
    fn clone(&self, log: &Utf8Path, dir: &Utf8Path, env: &Env) -> Result<Utf8PathBuf> {
        let (clone, old) = (dir.join("clone"), dir.join("old"));
        if clone.exists() {
            std::fs::rename(&clone, &old)?;
        }
        let url = self.world.remote.url.as_str();
        self.machine
            .run(log, dir, env, &["git", "clone", "--quiet", "--no-checkout", "--", url, clone.as_str()])?
            .expect(0)?;
        if old.exists() {
            std::fs::rename(old.join(".git/index"), clone.join(".git/index"))?;
            std::fs::remove_dir_all(old.join(".git")).with_context(|| format!("{old} can't be removed"))?;
            for entry in old.read_dir_utf8()? {
                let entry = entry?;
                std::fs::rename(entry.path(), clone.join(entry.file_name()))?;
            }
            std::fs::remove_dir(&old)?;
        }
        Ok(clone)
    }

    /// The files of a commit, the folders that a forge's cache would restore, and nothing else.
    fn files(&self, log: &Utf8Path, clone: &Utf8Path, env: &Env, commit: &[&str]) -> Result<()> {
        let cached: Vec<String> = self.cached.iter().map(|folder| format!("--exclude=/{folder}")).collect();
        let clean: Vec<&str> = ["git", "clean", "--quiet", "-ffdx"]
            .into_iter()
            .chain(cached.iter().map(String::as_str))
            .collect();
        for argv in [[&["git", "checkout", "--quiet", "--force"], commit].concat(), clean] {
            self.machine.run(log, clone, env, &argv)?.expect(0)?;
        }
        Ok(())
    }

    fn variables(&self, dir: &Utf8Path, job: &str, event: &Event) -> Result<Env> {
        let file = dir.join("event.json");
        let mut variables =
            pairs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_JOB", job), ("GITHUB_EVENT_PATH", file.as_str())]);
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
                let reference = self.forge.checked_out(pull);
                let names = [
                    ("GITHUB_HEAD_REF", pull.head.as_str()),
                    ("GITHUB_BASE_REF", &pull.base),
                    ("GITHUB_REF", &reference),
                ];
                variables.extend(pairs(&names));
                variables
                    .extend(pairs(&[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_SHA", &pull.commit)]));
                let mut json = serde_json::json!({ "title": pull.title, "body": pull.body });
                if let Forge::GitHub = self.forge {
                    let [title, message] = self.forge.squash(pull.number).0.settings();
                    json["base"] = serde_json::json!({ "ref": pull.base, "repo": {
                        "squash_merge_commit_title": title, "squash_merge_commit_message": message,
                    }});
                }
                serde_json::json!({ "action": "opened", "number": pull.number, "pull_request": json })
            }
        };
        std::fs::write(&file, payload.to_string()).with_context(|| format!("{file} can't be written"))?;
        Ok(variables)
    }
}
