//! What the walk does again and again: develop, push, open and squash a pull request, run a job, verify a release. Each is a step.

use super::{Verified, Walk};
use crate::rehearse::developer::Developer;
use crate::rehearse::forge::{self, PullRequest};
use crate::rehearse::report;
use crate::rehearse::runner::Event;
use crate::rehearse::steps::{Step, step};
use crate::release::short;
use crate::workspace::App;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;
use serde_json::Value;

impl Walk<'_> {
    pub fn develop(&mut self, name: &str, work: impl FnOnce(&Developer, &Utf8Path) -> Result<()> + Send) -> Result<()> {
        let developer = &self.walked.developer;
        let before = developer.hooks()?;
        let mut commits = 0;
        self.rehearsal.steps.run(name, |log| {
            work(developer, log)?;
            let after = developer.hooks()?;
            commits =
                after.get("pre-commit").copied().unwrap_or_default().passed - before.get("pre-commit").copied().unwrap_or_default().passed;
            Ok(format!(
                "{} at {}, pre-commit passed {commits}x",
                developer.git.branch()?.unwrap_or_default(),
                short(&developer.git.commit("HEAD")?)
            ))
        })?;
        self.walked.commits += commits;
        Ok(())
    }

    pub fn push(&mut self, branch: &str) -> Result<String> {
        let developer = &self.walked.developer;
        let mut pushed = String::new();
        self.rehearsal.steps.run(format!("push, {branch}"), |log| {
            pushed = developer.push(log, branch)?;
            Ok(format!("{} through pre-push", short(&pushed)))
        })?;
        self.walked.pushes += 1;
        Ok(pushed)
    }

    pub fn promote(&mut self, name: &str) -> Result<Value> {
        let developer = &self.walked.developer;
        let mut request = Value::Null;
        self.rehearsal.steps.run(name, |log| {
            let (code, json, said) = developer.ask(log, &["promote"])?;
            if code != 0 {
                bail!("promote ended with exit code {code}:\n{said}");
            }
            request = json;
            let (branch, _) = branch_and_title(&request)?;
            Ok(format!("{branch} into {}", request["base"].as_str().unwrap_or("?")))
        })?;
        Ok(request)
    }

    pub fn open(&mut self, head: &str, base: &str, title: &str) -> Result<PullRequest> {
        self.pulls += 1;
        let number = self.pulls;
        let mut pull = None;
        self.rehearsal.steps.run(format!("pull request {number}"), |_| {
            pull = Some(forge::open(&self.rehearsal.world.remote.git, number, head, base, title)?);
            Ok(format!("{title:?} into {base}, merges cleanly"))
        })?;
        pull.context("the pull request is open")
    }

    pub fn squash(&self, pull: &PullRequest) -> Result<String> {
        let mut commit = String::new();
        self.rehearsal.steps.run(format!("squash, pull request {}", pull.number), |_| {
            commit = forge::squash(&self.rehearsal.world.remote.git, pull)?;
            Ok(format!("{} on {}", short(&commit), pull.base))
        })?;
        Ok(commit)
    }

    /// The jobs of a pull request; beside them the image of the push that goes with it, and what waits for its verification.
    pub fn checks(&mut self, pull: &PullRequest, image: Option<(String, Event)>) -> Result<()> {
        let unverified = self.verifications();
        let walk = &*self;
        let mut steps: Vec<Step> = Vec::new();
        if let Some((name, event)) = image.filter(|_| self.rehearsal.world.registry.is_some()) {
            let apps: Vec<&App> = self.rehearsal.apps.iter().copied().filter(|a| a.settings.image.is_some()).collect();
            steps.push(step(name, move |log| walk.job(log, "image", &event, &apps)));
        }
        steps.extend(unverified.iter().map(|one| walk.verify(one)));
        // The longest of a pull request's jobs first.
        for job in ["test", "lint", "openapi"] {
            let event = Event::PullRequest(pull.clone());
            steps
                .push(step(format!("ci {job}, pull request {}", pull.number), move |log| walk.job(log, job, &event, &walk.rehearsal.apps)));
        }
        walk.rehearsal.steps.side_by_side(steps)
    }

    /// Runs the job, which must have had something to do for each of the apps.
    pub fn job(&self, log: &Utf8Path, job: &str, event: &Event, apps: &[&App]) -> Result<String> {
        let ended = self.runner.job(log, job, event, &[])?.expect(0)?;
        for app in apps.iter().filter(|a| job != "openapi" || a.settings.spec.is_some()) {
            if !ended.text.contains(&format!("{job}-{}", app.name())) {
                bail!("the job did nothing for {}", app.name());
            }
        }
        Ok(last_done(&ended.text))
    }

    /// What is released and not verified yet.
    pub fn verifications(&mut self) -> Vec<(String, Version)> {
        std::mem::take(&mut self.unverified)
    }

    /// The verification of a release as its users see it.
    pub fn verify<'s>(&'s self, (app, version): &'s (String, Version)) -> Step<'s> {
        step(format!("verify, {app} v{version}"), move |log| {
            let (code, json, said) = self.walked.developer.ask(log, &["verify", app, &version.to_string()])?;
            if code != 0 {
                bail!("{app} v{version} is not what its tag says:\n{said}");
            }
            let list = json["evidence"].as_array().cloned().unwrap_or_default();
            let evidence = list.iter().filter_map(|e| e.as_str().map(str::to_string)).collect();
            self.walked.verified.lock().expect("nobody panics with it").push(Verified {
                app: app.clone(),
                version: version.clone(),
                evidence,
            });
            Ok("installed, pulled and run from the registries, as the tag says".to_string())
        })
    }
}

pub fn branch_and_title(request: &Value) -> Result<(String, String)> {
    let text = |key: &str| request[key].as_str().map(str::to_string).with_context(|| format!("promote's answer has no {key}"));
    Ok((text("branch")?, text("title")?))
}

/// The last line of a job that says what was done or why not, without its mark and duration.
fn last_done(text: &str) -> String {
    let Some(line) = text.lines().rev().find_map(|l| l.trim().strip_prefix(['✓', '-'])) else { return String::new() };
    let line = match line.rsplit_once(" (") {
        Some((said, duration)) if duration.ends_with(" s)") => said,
        _ => line,
    };
    report::shorter(&line.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_last_word_is_its_evidence() {
        for (text, expected) in [
            ("lint-python\n  ✓ lint-python     ruff, mypy (4.3 s)\n", "lint-python ruff, mypy"),
            ("  ✓ a  b (1 min 02 s)\nother", "a b"),
            ("  ✓ a (b)\n  - test  passed before (see 1)\n", "test passed before (see 1)"),
            ("nothing", ""),
        ] {
            assert_eq!(last_done(text), expected);
        }
    }
}
