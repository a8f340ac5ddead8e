//! The script for a repository with a single branch: twice, a feature branch is merged into main, and
//! `release --bump` bumps the version there.

use super::{Released, Verified, Walk};
use crate::commands::rehearse::runner::{Event, Forge};
use crate::commands::rehearse::start::Start;
use crate::model::manifest;
use crate::model::workspace::App;
use crate::sys::git::short;
use anyhow::{Context, Result, bail};

impl Walk<'_> {
    pub(super) fn trunk(&mut self, start: &Start) -> Result<()> {
        let main = self.main();
        self.section("Round 1", &format!("merge a branch into {main}, then release --bump"));
        let branch = "feat/rehearsed-1";
        let apps = self.rehearsal.apps.clone();
        self.develop("branch and fix", |dev, log| {
            dev.git(log, &["switch", "--quiet", "--create", branch])?;
            let idle = |app: &&&App| start.idle.iter().any(|name| name == app.name());
            apps.iter().filter(idle).try_for_each(|app| dev.fix(log, app, "round 1"))
        })?;
        self.merge_and_release(branch, "say what was rehearsed")?;
        self.undeclared_break()?;
        self.lost_feature()?;
        self.runner.forge = Forge::Gitea;
        self.section("Round 2", &format!("the same from the new {main}"));
        let branch = "feat/rehearsed-2";
        self.develop("branch and fix", |dev, log| {
            dev.branch(log, branch, main)?;
            apps.iter().try_for_each(|app| dev.fix(log, app, "round 2"))
        })?;
        self.merge_and_release(branch, "say what was rehearsed again")
    }

    fn merge_and_release(&mut self, branch: &str, what: &str) -> Result<()> {
        let (main, apps) = (self.main(), self.rehearsal.apps.clone());
        let git = &self.rehearsal.world.remote.git;
        let pushed = self.push(branch)?;
        let merged = self.merge_into_development(branch, &pushed, &self.title(what), &apps, true)?;
        let before = Some(git.commit(&format!("{}^", merged.1))?);
        let event = Event::Push { branch: main.to_string(), before, after: merged.1.clone() };
        if self.rehearsal.world.registry.is_some() {
            let with_image: Vec<&App> =
                apps.iter().copied().filter(|app| app.settings.image.is_some()).collect();
            self.rehearsal
                .steps
                .run(format!("ci image, {main}"), |log| self.job(log, "image", &event, &with_image))?;
        }
        // The version is not bumped yet, so the forge's job has nothing to release.
        self.rehearsal.steps.run(format!("ci release, {main}, no version yet"), |log| {
            let output = self.runner.job(log, "release", &event, &[])?.expect(0)?.text;
            // In round 2 the job finds the release of round 1 complete.
            let nothing = |line: &&str| {
                line.starts_with("nothing to do") || line.starts_with("nothing left to release")
            };
            let line = output.lines().map(str::trim).find(nothing);
            line.map(str::to_string).context("the job released something, but no version was bumped")
        })?;
        let names: Vec<&str> = apps.iter().map(|app| app.name()).collect();
        let secrets = self.rehearsal.world.secrets();
        let developer = &self.walked.developer;
        let fault = if self.walked.releases.is_empty() { self.fault() } else { Vec::new() };
        if !fault.is_empty() {
            let args: Vec<&str> = names.iter().copied().chain(fault.iter().map(String::as_str)).collect();
            self.rehearsal.steps.run(
                format!("release --bump, {}", fault.join(" ")),
                |log| match developer.release(log, main, &args, &secrets)?.code {
                    0 => bail!("the release succeeded despite {}", fault.join(" ")),
                    code => {
                        Ok(format!("failed as requested (exit code {code}); the same command runs again"))
                    }
                },
            )?;
        }
        let (mut versions, mut verified, mut commit) = (Vec::new(), Vec::new(), String::new());
        self.rehearsal.steps.run(format!("release --bump, {}", names.join(", ")), |log| {
            developer.release(log, main, &names, &secrets)?.expect(0)?;
            self.rehearsal.world.fetch()?;
            commit = git.commit(&format!("refs/heads/{main}"))?;
            for app in &apps {
                let version = manifest::at(git, app, &commit)?;
                verified.push(Verified::read(&[log], app.name(), &version)?);
                versions.push((app.name().to_string(), version));
            }
            let what: Vec<String> =
                versions.iter().map(|(app, version)| format!("{app} v{version}")).collect();
            Ok(format!("{} released and verified, {main} is {}", what.join(" and "), short(&commit)))
        })?;
        self.walked.verified.extend(verified);
        self.walked.releases.push(Released {
            versions,
            pushed,
            development: Some(merged),
            promotion: None,
            commit,
        });
        Ok(())
    }
}
