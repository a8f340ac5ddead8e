//! A CI runner of a forge. Each job runs the workflow's command in a fresh clone of the remote, with the
//! cached folders of the last job and with the variables that the forge sets.

use super::forge::server::Dialect;
use super::forge::{PullRequest, Squash};
use super::machine::{Ended, Env, Machine, pairs};
use super::world::World;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::sync::{Mutex, MutexGuard};

/// As in the workflows: where one job leaves its files for the next, and the variable with their hash.
const HANDED: &str = "target/handed";
const HANDED_VAR: &str = "XTASK_HANDED";

/// The job that takes the longest. At its end it mostly waits.
pub(super) const LONGEST: &str = "test";

/// The event that a job runs for.
#[derive(Clone)]
pub(super) enum Event {
    Push { branch: String, before: Option<String>, after: String },
    PullRequest(PullRequest),
}

/// The forge whose variables a job gets. A rehearsal uses both.
#[derive(Clone, Copy)]
pub(super) enum Forge {
    GitHub,
    Gitea,
}

impl Forge {
    /// True if the forge creates a test merge of a pull request with its base (`refs/pull/N/merge`). Gitea's
    /// jobs run on the head instead.
    pub(super) fn test_merges(self) -> bool {
        match self {
            Forge::GitHub => true,
            Forge::Gitea => false,
        }
    }

    /// What the squash of pull request `number` keeps, also as text. On GitHub its three settings are used in
    /// turn.
    pub(super) fn squash(self, number: u32) -> (Squash, &'static str) {
        let title = (Squash::Title, "only the title");
        match (self, number % 3) {
            (Forge::Gitea, _) | (_, 0) => title,
            (Forge::GitHub, 1) => (Squash::TitleAndCommits, "title and commits"),
            (Forge::GitHub, _) => (Squash::TitleAndDescription, "title and description"),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Forge::GitHub => "GitHub",
            Forge::Gitea => "Gitea",
        }
    }

    fn token_name(self) -> &'static str {
        match self {
            Forge::GitHub => "GITHUB_TOKEN",
            Forge::Gitea => "GITEA_TOKEN",
        }
    }

    /// How the rehearsal's forge answers the calls of its API.
    fn dialect(self) -> Dialect {
        match self {
            Forge::GitHub => Dialect::Github,
            Forge::Gitea => Dialect::Gitea,
        }
    }

    /// The ref that the job of a pull request checks out.
    fn checked_out(self, pull: &PullRequest) -> String {
        if self.test_merges() { pull.merge_ref() } else { pull.head_ref() }
    }
}

pub(super) struct Runner<'a> {
    pub machine: &'a Machine,
    pub world: &'a World,
    pub forge: Forge,
    /// Folders that a forge's cache would restore into a new clone, relative to the root.
    pub cached: Vec<Utf8PathBuf>,
    /// Folders in which jobs run, one job at a time in each.
    pub slots: Vec<Mutex<Utf8PathBuf>>,
}

/// The value of a job's only output: `NAME<<END`, its lines, `END`.
fn passed_on(output: &str) -> Option<&str> {
    let (head, rest) = output.split_once('\n')?;
    let (_, end) = head.split_once("<<")?;
    rest.split_once(&format!("\n{end}\n")).map(|(value, _)| value)
}

impl Runner<'_> {
    /// Runs `cargo xtask ci JOB`. Only the job `release` gets the secrets, and the files that the job `build`
    /// has built before without them. After `lint`, the job `comment` gets its text and the job's own token.
    pub(super) fn job(&self, log: &Utf8Path, job: &str, event: &Event, more: &[&str]) -> Result<Ended> {
        let dir = self.slot(job)?;
        match job {
            "release" => {
                let own = (self.forge.token_name().to_string(), self.world.token());
                let (built, _, handed) = self.one(log, &dir, "build", event, more, vec![own])?;
                if built.code != 0 {
                    return Ok(built);
                }
                // The artifact: all that one job gets from the other.
                let artifact = dir.join("artifact");
                if handed.is_some() {
                    std::fs::rename(dir.join("clone").join(HANDED), &artifact)
                        .with_context(|| format!("the job build left nothing in {HANDED}"))?;
                }
                let mut env = self.world.secrets();
                env.push((HANDED_VAR.to_string(), handed.unwrap_or_default()));
                self.one(log, &dir, job, event, more, env).map(|(ended, ..)| ended)
            }
            _ => {
                let (ended, mut env, comment) = self.one(log, &dir, job, event, more, Env::new())?;
                if let Some(comment) = comment {
                    env.push((self.forge.token_name().to_string(), self.world.token()));
                    env.push(("XTASK_COMMENT".to_string(), comment));
                    let argv = ["cargo", "xtask", "ci", "comment"];
                    self.machine.run(log, &dir.join("clone"), &env, &argv)?.expect(0)?;
                }
                Ok(ended)
            }
        }
    }

    /// Runs one job in a fresh clone. Returns its environment and its only output, too.
    fn one(
        &self,
        log: &Utf8Path,
        dir: &Utf8Path,
        job: &str,
        event: &Event,
        more: &[&str],
        variables: Env,
    ) -> Result<(Ended, Env, Option<String>)> {
        let mut env = self.machine.runner(&dir.join("home"));
        let clone = self.check_out(log, dir, event, &env)?;
        let artifact = dir.join("artifact");
        if artifact.exists() {
            std::fs::create_dir_all(clone.join("target"))?;
            std::fs::rename(&artifact, clone.join(HANDED))?;
        }
        env.extend(self.variables(dir, job, event)?);
        env.extend(variables);
        let output = dir.join("output");
        std::fs::write(&output, "").with_context(|| format!("cannot write {output}"))?;
        env.push(("GITHUB_OUTPUT".to_string(), output.to_string()));
        // Jobs in parallel with the longest run at a lower priority: there is CPU time for them when it
        // waits.
        let nice: &[&str] = if job == LONGEST { &[] } else { &["nice", "-n", "5"] };
        let argv: Vec<&str> =
            nice.iter().chain(&["cargo", "xtask", "ci", job]).chain(more).copied().collect();
        let ended = self.machine.run(log, &clone, &env, &argv)?;
        let text = std::fs::read_to_string(&output).with_context(|| format!("cannot read {output}"))?;
        Ok((ended, env, passed_on(&text).map(str::to_string)))
    }

    /// A free slot; there is one for each step that may run at the same time. The longest job prefers the
    /// slot that it had before, because Python's bytecode of the modules that only tests import is already
    /// there.
    fn slot(&self, job: &str) -> Result<MutexGuard<'_, Utf8PathBuf>> {
        let mut slots: Vec<_> = self.slots.iter().collect();
        if job != LONGEST {
            slots.reverse();
        }
        let slot = slots.iter().find_map(|slot| slot.try_lock().ok());
        let slot = slot.context("more jobs run at the same time than there are slots")?;
        std::fs::create_dir_all(slot.join("home"))
            .with_context(|| format!("cannot create the folder {}", *slot))?;
        Ok(slot)
    }

    /// Releases an app from its tag, as a resumed release does.
    pub(super) fn release_again(&self, log: &Utf8Path, app: &str, tag: &str) -> Result<Ended> {
        let dir = self.slot("release")?;
        let mut env = self.machine.runner(&dir.join("home"));
        let clone = self.clone(log, &dir, &env)?;
        self.files(log, &clone, &env, &["--detach", &format!("refs/tags/{tag}")])?;
        env.extend(self.world.secrets());
        self.machine.run(log, &clone, &env, &["cargo", "xtask", "release", app])?.expect(0)
    }

    /// Checks out the event's commit as actions/checkout does with fetch-depth 0: a pushed branch under its
    /// name, the test merge of a pull request (on Gitea its head) as a detached HEAD.
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

    /// Replaces the slot's clone with a fresh one. The fresh clone gets the files and the index of the last
    /// one: most files are the same in the next commit, and writing all of them would take a large part of a
    /// job's time.
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
            std::fs::remove_dir_all(old.join(".git")).with_context(|| format!("cannot remove {old}"))?;
            for entry in old.read_dir_utf8()? {
                let entry = entry?;
                std::fs::rename(entry.path(), clone.join(entry.file_name()))?;
            }
            std::fs::remove_dir(&old)?;
        }
        Ok(clone)
    }

    /// Checks out a commit, and removes all other files except the folders that a forge's cache would
    /// restore.
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
        variables.extend(pairs(&[("XTASK_FORGE", &self.world.forge_api(self.forge.dialect()))]));
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
                serde_json::json!({
                    "ref": format!("refs/heads/{branch}"),
                    "before": before.as_ref().unwrap_or(&none),
                    "after": after,
                })
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
        std::fs::write(&file, payload.to_string()).with_context(|| format!("cannot write {file}"))?;
        Ok(variables)
    }
}
