//! Tests two gates, with commits that are on no branch of the remote. Undeclared breaking changes: a commit
//! removes a path from an app's spec, once as `fix:` and once as `fix!:`. Lost features: a squash keeps only
//! the title `fix:` of a pull request with a `feat:`.

use super::Walk;
use crate::commands::rehearse::developer::Developer;
use crate::commands::rehearse::steps::Skip;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use serde_json::Value;

/// The number of the lost pull request. No other one of the rehearsal has it.
const LOST: u32 = 1_000_000;

impl Walk<'_> {
    /// Runs the test for each app with a spec, on a detached commit that is never pushed. The evidence is the
    /// refusal, and the version that the declared break demands.
    pub(super) fn undeclared_break(&mut self) -> Result<()> {
        let main = format!("origin/{}", self.main());
        for app in self.rehearsal.apps.iter().filter(|app| app.settings.spec.is_some()) {
            let mut seen = String::new();
            self.rehearsal.steps.run(format!("gate, {} breaks its clients", app.name()), |log| {
                seen = refused_then_declared(&self.walked.developer, log, app, &main)?;
                Ok(seen.clone())
            })?;
            self.walked.gates.push((app.name().to_string(), seen));
        }
        Ok(())
    }

    /// Squashes a `feat:` under the title `fix:`, and checks that `bump` finds it in the pull request.
    pub(super) fn lost_feature(&mut self) -> Result<()> {
        let rehearsal = self.rehearsal;
        let app = rehearsal.apps[0];
        let (dev, remote) = (&self.walked.developer, &rehearsal.world.remote.git);
        let main = format!("origin/{}", self.main());
        let mut seen = String::new();
        rehearsal.steps.run(format!("gate, a squash loses a feature of {}", app.name()), |log| {
            if rehearsal.world.gitea.is_some() {
                let why = "a real Gitea lets nobody write the refs of a pull request";
                return Err(Skip(why.into()).into());
            }
            seen = found_in_the_pull_request(dev, remote, log, app, &main)?;
            Ok(seen.clone())
        })?;
        self.walked.lost = Some(seen).filter(|seen| !seen.is_empty());
        Ok(())
    }
}

fn found_in_the_pull_request(
    dev: &Developer,
    remote: &Git,
    log: &Utf8Path,
    app: &App,
    main: &str,
) -> Result<String> {
    dev.git(log, &["fetch", "--quiet", "origin"])?;
    dev.git(log, &["switch", "--quiet", "--detach", main])?;
    let file = dev.git.dir.join(&app.dir).join("README.md");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    std::fs::write(&file, text + "\nA feature.\n").with_context(|| format!("cannot write {file}"))?;
    dev.git(log, &["add", "--", file.as_str()])?;
    let commit = |message: &str| dev.git(log, &["commit", "--quiet", "--no-verify", "--message", message]);
    commit(&format!("feat({}): a feature", app.name()))?;
    let head = format!("refs/pull/{LOST}/head");
    remote.run(&["fetch", "--quiet", "--", dev.git.dir.as_str(), &format!("HEAD:{head}")])?;
    dev.git(log, &["reset", "--quiet", "--soft", main])?;
    commit(&format!("fix({}): tidy up (#{LOST})", app.name()))?;
    let (_, plan, _) = dev.ask(log, &["plan", app.name()])?;
    let planned = plan["apps"][0]["next"].as_str().unwrap_or("nothing").to_string();
    let bumped = dev.ended(log, &["bump", app.name(), "--dry-run"], 0);
    remote.run(&["update-ref", "-d", &head])?;
    let bumped = bumped?;
    let version = bumped.lines().find_map(|line| Some(line.split_once("✓ chore(release): ")?.1));
    match version {
        Some(version) if version.ends_with(".0") => Ok(format!(
            "the title `fix` alone gives {planned}; with the commits of the pull request it is {version}"
        )),
        _ => bail!("bump does not count the `feat` of a squashed pull request:\n{bumped}"),
    }
}

fn refused_then_declared(dev: &Developer, log: &Utf8Path, app: &App, main: &str) -> Result<String> {
    dev.git(log, &["fetch", "--quiet", "origin"])?;
    dev.git(log, &["switch", "--quiet", "--detach", main])?;
    let path = without_a_path(dev, app)?;
    // --no-verify: the hooks would find that the spec does not match the code. `plan` does not run the code.
    let subject = |mark: &str| format!("fix({}){mark}: drop {path}", app.name());
    dev.git(log, &["commit", "--quiet", "--all", "--no-verify", "--message", &subject("")])?;
    let (code, plan, stderr) = dev.ask(log, &["plan", app.name()])?;
    let stopped =
        plan["findings"].as_array().is_some_and(|list| list.iter().any(|f| f["id"] == "undeclared-break"));
    if code != 3 || !stopped {
        bail!(
            "{path} is removed by a `fix:` commit, but plan did not refuse it (exit code {code}):\n{stderr}"
        );
    }
    dev.git(log, &["commit", "--quiet", "--amend", "--no-verify", "--message", &subject("!")])?;
    let (code, plan, stderr) = dev.ask(log, &["plan", app.name()])?;
    let next = plan["apps"][0]["next"].as_str().unwrap_or_default();
    if code != 0 || next.is_empty() {
        bail!("the breaking change is declared, but plan ended with exit code {code}:\n{stderr}");
    }
    Ok(format!("without {path}, exit code 3 under `fix:`, {next} under `fix!:`"))
}

/// Removes the last path from the app's spec, and returns it.
fn without_a_path(dev: &Developer, app: &App) -> Result<String> {
    let file = app.settings.spec.as_ref().context("the app has no spec")?.file.clone();
    let file = dev.git.dir.join(&app.dir).join(file);
    let mut spec: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)
        .with_context(|| format!("{file} is not JSON"))?;
    let paths = spec["paths"].as_object_mut().with_context(|| format!("{file} has no paths"))?;
    let last = paths.keys().next_back().with_context(|| format!("{file} has no path"))?.clone();
    paths.shift_remove(&last);
    std::fs::write(&file, format!("{spec:#}\n"))?;
    Ok(last)
}
