//! The actions of the script, each a step: commit, push, promote, open and squash a pull request, run its
//! checks, run a job, verify a release.

use super::Walk;
use crate::commands::rehearse::developer::Developer;
use crate::commands::rehearse::forge;
use crate::commands::rehearse::forge::PullRequest;
use crate::commands::rehearse::gitea::Gitea;
use crate::commands::rehearse::runner::{Event, LONGEST};
use crate::commands::rehearse::steps::{self, Step, step};
use crate::model::workspace::App;
use crate::sys::git::short;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;
use serde_json::Value;

/// The beginning of the line in which a pull request's job shows the next version and its reasons.
pub(crate) const PLANNED: &str = "this pull request makes the ";

impl Walk<'_> {
    pub(super) fn develop(
        &mut self,
        name: &str,
        work: impl FnOnce(&Developer, &Utf8Path) -> Result<()> + Send,
    ) -> Result<()> {
        let developer = &self.walked.developer;
        let before = developer.hooks()?;
        let mut commits = 0;
        self.rehearsal.steps.run(name, |log| {
            work(developer, log)?;
            let after = developer.hooks()?;
            commits = after.get("pre-commit").copied().unwrap_or_default().passed
                - before.get("pre-commit").copied().unwrap_or_default().passed;
            Ok(format!(
                "{} at {}, pre-commit passed {commits}x",
                developer.git.branch()?.unwrap_or_default(),
                short(&developer.git.commit("HEAD")?)
            ))
        })?;
        self.walked.commits += commits;
        Ok(())
    }

    pub(super) fn push(&mut self, branch: &str) -> Result<String> {
        let developer = &self.walked.developer;
        let mut pushed = String::new();
        self.rehearsal.steps.run(format!("push, {branch}"), |log| {
            let login = self.rehearsal.world.gitea.as_ref().map(Gitea::login).unwrap_or_default();
            pushed = developer.push(log, branch, login)?;
            Ok(format!("{} through pre-push", short(&pushed)))
        })?;
        self.walked.pushes += 1;
        Ok(pushed)
    }

    pub(super) fn promote(&mut self, name: &str) -> Result<Value> {
        let developer = &self.walked.developer;
        let mut request = Value::Null;
        self.rehearsal.steps.run(name, |log| {
            let (code, json, stderr) =
                developer.ask_with(log, &["promote"], &self.rehearsal.world.login())?;
            if code != 0 {
                bail!("promote ended with exit code {code}:\n{stderr}");
            }
            request = json;
            let (branch, _) = branch_and_title(&request)?;
            Ok(format!("{branch} into {}", request["base"].as_str().unwrap_or("?")))
        })?;
        Ok(request)
    }

    pub(super) fn open(&mut self, head: &str, base: &str, title: &str) -> Result<PullRequest> {
        self.pulls += 1;
        let number = self.pulls;
        let mut pull = None;
        self.rehearsal.steps.run(format!("pull request {number}"), |_| {
            let git = &self.rehearsal.world.remote.git;
            pull = Some(match &self.rehearsal.world.gitea {
                Some(gitea) => gitea.open(git, head, base, title)?,
                None => forge::open(git, number, head, base, title, self.runner.forge.test_merges())?,
            });
            Ok(format!("{title:?} into {base}, merges cleanly"))
        })?;
        pull.context("the pull request was not opened")
    }

    pub(super) fn squash(&self, pull: &PullRequest) -> Result<String> {
        let mut commit = String::new();
        self.rehearsal.steps.run(format!("squash, pull request {}", pull.number), |_| {
            let (keeps, kept) = self.runner.forge.squash(pull.number);
            let git = &self.rehearsal.world.remote.git;
            commit = match &self.rehearsal.world.gitea {
                Some(gitea) => gitea.squash(git, pull)?,
                None => forge::squash(git, pull, keeps)?,
            };
            Ok(format!("{} on {}, {kept}", short(&commit), pull.base))
        })?;
        Ok(commit)
    }

    /// Runs the jobs of a pull request that changes these apps. In parallel with them runs the image job
    /// `image` of a push.
    pub(super) fn checks(
        &self,
        pull: &PullRequest,
        apps: &[&App],
        image: Option<(String, Event)>,
    ) -> Result<()> {
        let mut steps: Vec<Step> = Vec::new();
        if let Some((name, event)) = image.filter(|_| self.rehearsal.world.registry.is_some()) {
            let apps: Vec<&App> = apps.iter().copied().filter(|a| a.settings.image.is_some()).collect();
            steps.push(step(name, move |log| self.job(log, "image", &event, &apps)));
        }
        for job in [LONGEST, "lint", "openapi"] {
            let event = Event::PullRequest(pull.clone());
            steps.push(step(format!("ci {job}, pull request {}", pull.number), move |log| {
                self.job(log, job, &event, apps)
            }));
        }
        self.rehearsal.steps.side_by_side(steps)
    }

    /// Runs a job, and checks that it did something for each of the apps. Returns its evidence.
    pub(super) fn job(&self, log: &Utf8Path, job: &str, event: &Event, apps: &[&App]) -> Result<String> {
        let ended = self.runner.job(log, job, event, &[])?.expect(0)?;
        for app in apps.iter().filter(|a| job != "openapi" || a.settings.spec.is_some()) {
            if !ended.text.contains(&format!("{job}-{}", app.name())) {
                bail!("the job did nothing for {}", app.name());
            }
        }
        // The evidence of the image job is its push, and that of the openapi job is the check of the spec,
        // which also checks compat.json. Other jobs have one line per app.
        let begins = match job {
            "image" => "push ",
            "openapi" => "openapi-",
            _ => "",
        };
        let mut evidence = last_done(&ended.text, begins, apps.len());
        if evidence.is_empty() {
            evidence = ended
                .text
                .lines()
                .rev()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .unwrap_or("no output")
                .to_string();
        }
        for line in ended.text.lines().map(str::trim).filter(|line| line.starts_with(PLANNED)) {
            evidence = format!("{line}; {evidence}");
        }
        Ok(evidence)
    }

    /// Verifies a release again, with the command `verify`.
    pub(super) fn verify<'s>(&'s self, (app, version): &'s (String, Version)) -> Step<'s> {
        step(format!("verify, {app} v{version}"), move |log| {
            let (code, json, stderr) =
                self.walked.developer.ask(log, &["verify", app, &version.to_string()])?;
            if code != 0 {
                bail!("{app} v{version} does not match its tag:\n{stderr}");
            }
            let list = json["evidence"].as_array().cloned().unwrap_or_default();
            let evidence: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            Ok(evidence.join("; "))
        })
    }
}

pub(crate) fn branch_and_title(request: &Value) -> Result<(String, String)> {
    let text = |key: &str| {
        request[key].as_str().map(str::to_string).with_context(|| format!("promote's answer has no {key}"))
    };
    Ok((text("branch")?, text("title")?))
}

/// The evidence of the step `verify` of this version's release, from the output of the job.
pub(crate) fn verification(text: &str, app: &str, version: &Version) -> Option<Vec<String>> {
    let released = text.lines().find_map(|l| l.strip_prefix("Release "))?;
    let titles: Vec<&str> =
        released.split(", ").filter_map(|title| Some(title.split_once(" at ")?.0)).collect();
    if !titles.contains(&format!("{app} v{version}").as_str()) {
        return None;
    }
    // With several apps each line contains the app's name.
    let mark = if titles.len() > 1 { format!("✓ verify-{app} ") } else { "✓ verify ".to_string() };
    let line = text.lines().find_map(|l| l.trim().strip_prefix(&mark))?;
    Some(without_duration(line).split("; ").map(|seen| seen.trim().to_string()).collect())
}

/// The last `apps` lines of a job's output that begin with ✓ or -, in their order, without marks and
/// durations. With `begins`, only lines whose text begins with it.
fn last_done(text: &str, begins: &str, apps: usize) -> String {
    let marked = text.lines().rev().filter_map(|l| l.trim().strip_prefix(['✓', '-']));
    let lines = marked.filter(|l| l.trim_start().starts_with(begins)).take(apps);
    let mut last: Vec<String> =
        lines.map(|l| without_duration(l).split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    last.reverse();
    steps::shorter(&last.join("; "))
}

fn without_duration(line: &str) -> &str {
    match line.rsplit_once(" (") {
        Some((rest, duration)) if duration.ends_with(" s)") => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verification_of_a_release_is_found_in_the_output_of_its_job() {
        let one = "release-a\nRelease a v1.0.0 at 1\n  ✓ tag  x\n  ✓ verify   seen of a (1.0 s)\n";
        let two = "Release a v1.0.0 at 1, b v2.0.0-rc.1 at 1\n  ✓ verify-b  b (1); c (9.0 s)\n  \
                   ✓ verify-a  seen, too\n";
        for (text, app, version, expected) in [
            (one, "a", "1.0.0", Some(vec!["seen of a"])),
            (one, "a", "1.0.1", None),
            (one, "b", "1.0.0", None),
            (two, "a", "1.0.0", Some(vec!["seen, too"])),
            (two, "b", "2.0.0-rc.1", Some(vec!["b (1)", "c"])),
            ("Release a v1.0.0 at 1\n  - verify  before", "a", "1.0.0", None),
            ("", "a", "1.0.0", None),
        ] {
            let found = verification(text, app, &version.parse().expect("a version"));
            assert_eq!(
                found,
                expected.map(|list| list.into_iter().map(str::to_string).collect::<Vec<_>>()),
                "{app} {version}"
            );
        }
    }

    #[test]
    fn the_last_marked_lines_of_a_job_are_its_evidence() {
        for (text, expected) in [
            ("lint-python\n  ✓ lint-python     ruff, mypy (4.3 s)\n", "lint-python ruff, mypy"),
            ("  ✓ a  b (1 min 02 s)\nother", "a b"),
            ("  ✓ a (b)\n  - test  passed before (see 1)\n", "test passed before (see 1)"),
            ("nothing", ""),
        ] {
            assert_eq!(last_done(text, "", 1), expected);
        }
        assert_eq!(
            last_done("✓ other\n  ✓ test-a 3 (1.0 s)\n  - test-b  before\n", "", 2),
            "test-a 3; test-b before"
        );
        assert_eq!(last_done("✓ push a\n  ✓ build b\n  ✓ push b\n", "push ", 2), "push a; push b");
    }
}
