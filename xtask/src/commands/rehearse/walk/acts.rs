//! What the walk does again and again: develop, push, open and squash a pull request, run a job, verify a
//! release. Each is a step.

use super::Walk;
use crate::commands::rehearse::developer::Developer;
use crate::commands::rehearse::forge;
use crate::commands::rehearse::forge::PullRequest;
use crate::commands::rehearse::runner::{Event, LONGEST};
use crate::commands::rehearse::steps::{self, Step, step};
use crate::model::workspace::App;
use crate::sys::git::short;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;
use serde_json::Value;

/// How a pull request's job begins the line with what each source of evidence says.
pub const PLANNED: &str = "this pull request makes the ";

impl Walk<'_> {
    pub fn develop(
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
            pull = Some(forge::open(
                &self.rehearsal.world.remote.git,
                number,
                head,
                base,
                title,
                self.runner.forge.test_merges(),
            )?);
            Ok(format!("{title:?} into {base}, merges cleanly"))
        })?;
        pull.context("the pull request is open")
    }

    pub fn squash(&self, pull: &PullRequest) -> Result<String> {
        let mut commit = String::new();
        self.rehearsal.steps.run(format!("squash, pull request {}", pull.number), |_| {
            let (keeps, said) = self.runner.forge.squash(pull.number);
            commit = forge::squash(&self.rehearsal.world.remote.git, pull, keeps)?;
            Ok(format!("{} on {}, {said}", short(&commit), pull.base))
        })?;
        Ok(commit)
    }

    /// The jobs of a pull request that changes these apps; beside them the image of the push that goes with
    /// it.
    pub fn checks(&self, pull: &PullRequest, apps: &[&App], image: Option<(String, Event)>) -> Result<()> {
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

    /// Runs the job, which must have had something to do for each of the apps.
    pub fn job(&self, log: &Utf8Path, job: &str, event: &Event, apps: &[&App]) -> Result<String> {
        let ended = self.runner.job(log, job, event, &[])?.expect(0)?;
        for app in apps.iter().filter(|a| job != "openapi" || a.settings.spec.is_some()) {
            if !ended.text.contains(&format!("{job}-{}", app.name())) {
                bail!("the job did nothing for {}", app.name());
            }
        }
        // An image's last line is its push, and a spec is checked beside its promises; other jobs have one
        // line for each app.
        let begins = match job {
            "image" => "push ",
            "openapi" => "openapi-",
            _ => "",
        };
        let mut said = last_done(&ended.text, begins, apps.len());
        if said.is_empty() {
            said = ended
                .text
                .lines()
                .rev()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .unwrap_or("nothing was said")
                .to_string();
        }
        for line in ended.text.lines().map(str::trim).filter(|line| line.starts_with(PLANNED)) {
            said = format!("{line}; {said}");
        }
        Ok(said)
    }

    /// The verification of a release once more, by the command that users have for it.
    pub fn verify<'s>(&'s self, (app, version): &'s (String, Version)) -> Step<'s> {
        step(format!("verify, {app} v{version}"), move |log| {
            let (code, json, said) =
                self.walked.developer.ask(log, &["verify", app, &version.to_string()])?;
            if code != 0 {
                bail!("{app} v{version} is not what its tag says:\n{said}");
            }
            let list = json["evidence"].as_array().cloned().unwrap_or_default();
            let evidence: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            Ok(evidence.join("; "))
        })
    }
}

pub fn branch_and_title(request: &Value) -> Result<(String, String)> {
    let text = |key: &str| {
        request[key].as_str().map(str::to_string).with_context(|| format!("promote's answer has no {key}"))
    };
    Ok((text("branch")?, text("title")?))
}

/// What the release of this version saw when it verified, from what the job said.
pub fn verification(text: &str, app: &str, version: &Version) -> Option<Vec<String>> {
    let released = text.lines().find_map(|l| l.strip_prefix("Release "))?;
    let titles: Vec<&str> =
        released.split(", ").filter_map(|title| Some(title.split_once(" at ")?.0)).collect();
    if !titles.contains(&format!("{app} v{version}").as_str()) {
        return None;
    }
    // With several apps each line has its app's name.
    let mark = if titles.len() > 1 { format!("✓ verify-{app} ") } else { "✓ verify ".to_string() };
    let line = text.lines().find_map(|l| l.trim().strip_prefix(&mark))?;
    Some(without_duration(line).split("; ").map(|seen| seen.trim().to_string()).collect())
}

/// The last lines of a job that say what was done or why not, one for each app, without their marks and
/// durations.
fn last_done(text: &str, begins: &str, apps: usize) -> String {
    let said = text.lines().rev().filter_map(|l| l.trim().strip_prefix(['✓', '-']));
    let lines = said.filter(|l| l.trim_start().starts_with(begins)).take(apps);
    let mut said: Vec<String> =
        lines.map(|l| without_duration(l).split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    said.reverse();
    steps::shorter(&said.join("; "))
}

fn without_duration(line: &str) -> &str {
    match line.rsplit_once(" (") {
        Some((said, duration)) if duration.ends_with(" s)") => said,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_releases_own_verification_is_found_in_its_part() {
        let one = "release-a\nRelease a v1.0.0 at 1\n  ✓ tag  x\n  ✓ verify   seen of a (1.0 s)\n";
        let two = "Release a v1.0.0 at 1, b v2.0.0-rc.1 at 1\n  ✓ verify-b  b (1); c (9.0 s)\n  ✓ verify-a  seen, too\n";
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
    fn a_jobs_last_word_is_its_evidence() {
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
