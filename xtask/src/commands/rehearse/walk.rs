//! The script of a rehearsal: a feature branch is released, then a hotfix on main is released and applied to
//! development, then the next release follows. A repository with a single branch has neither promotion nor
//! hotfix; its script is in trunk.rs.

use super::Rehearsal;
use super::developer::Developer;
use super::gitea_runner;
use super::runner::{Event, Forge, Runner};
use super::start::{self, Start};
use super::steps::{SIDE_BY_SIDE, Skip};
use crate::flags::Part;
use crate::model::manifest;
use crate::model::workspace::App;
use crate::sys::child;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;
use std::sync::Mutex;

pub(super) mod acts;
mod gates;
mod trunk;

use acts::{branch_and_title, verification};

/// The result of the script, for the report.
pub(super) struct Walked<'a> {
    pub developer: Developer<'a>,
    pub releases: Vec<Released>,
    /// The evidence of each release's verification.
    pub verified: Vec<Verified>,
    /// The finding with which `promote` failed after the hotfix.
    pub refused: Option<String>,
    /// The evidence that an undeclared breaking change was refused, by app.
    pub gates: Vec<(String, String)>,
    /// The evidence that a feature which a squash has lost was found. None on a real Gitea.
    pub lost: Option<String>,
    /// What Gitea's own runner did, or why there was none. None without a Gitea that the rehearsal has
    /// started.
    pub on_runner: Option<std::result::Result<String, String>>,
    /// How many commits and pushes the developer made.
    pub commits: usize,
    pub pushes: usize,
}

/// One release, from branch to verification.
pub(super) struct Released {
    pub versions: Vec<(String, Version)>,
    /// The pushed tip of the feature branch.
    pub pushed: String,
    /// The pull request and its squash commit on development, or on the only branch. None for a hotfix.
    pub development: Option<(u32, String)>,
    /// The pull request into main. None if `release --bump` created the commit.
    pub promotion: Option<u32>,
    /// The released commit on main.
    pub commit: String,
}

pub(super) struct Verified {
    pub app: String,
    pub version: Version,
    pub evidence: Vec<String>,
}

impl Verified {
    /// Reads the evidence from the logs of the release's runs: a run that a fault did not stop has verified
    /// it already.
    fn read(logs: &[&Utf8Path], app: &str, version: &Version) -> Result<Verified> {
        let text =
            |log: &&Utf8Path| std::fs::read_to_string(log).with_context(|| format!("cannot read {log}"));
        let texts = logs.iter().map(text).collect::<Result<Vec<_>>>()?;
        let evidence = texts
            .iter()
            .find_map(|text| verification(text, app, version))
            .with_context(|| format!("{app} v{version} was released, but not verified"))?;
        Ok(Verified { app: app.to_string(), version: version.clone(), evidence })
    }
}

struct Walk<'a> {
    rehearsal: &'a Rehearsal<'a>,
    walked: Walked<'a>,
    runner: Runner<'a>,
    pulls: u32,
}

pub(super) fn walk<'a>(rehearsal: &'a Rehearsal<'a>, start: &Start) -> Result<Walked<'a>> {
    let mut developer = None;
    rehearsal.steps.run("clone and hooks", |log| {
        let dir = rehearsal.dir.join("developer");
        developer =
            Some(Developer::new(&rehearsal.machine, log, &dir, &rehearsal.world.remote.url, start::HEAD)?);
        Ok("cloned, `cargo xtask setup` has installed the hooks".to_string())
    })?;
    let developer = developer.context("the developer has no clone")?;
    let cached = rehearsal
        .apps
        .iter()
        .flat_map(|app| app.settings.ecosystem.cached_folders().iter().map(|f| app.dir.join(f)))
        .collect();
    let slots = (1..=SIDE_BY_SIDE).map(|n| Mutex::new(rehearsal.dir.join(format!("jobs/{n}")))).collect();
    let forge = if rehearsal.world.gitea.is_some() { Forge::Gitea } else { Forge::GitHub };
    let runner = Runner { machine: &rehearsal.machine, world: &rehearsal.world, forge, cached, slots };
    let walked = Walked {
        developer,
        releases: Vec::new(),
        verified: Vec::new(),
        refused: None,
        gates: Vec::new(),
        lost: None,
        on_runner: None,
        commits: 0,
        pushes: 0,
    };
    let mut walk = Walk { rehearsal, walked, runner, pulls: 0 };
    walk.last_releases(start)?;
    match rehearsal.ctx.ws.settings.one_branch() {
        true => walk.trunk(start)?,
        false => walk.two_branches(start)?,
    }
    walk.on_runner()?;
    let last = walk.walked.releases.last().map(|r| r.versions.clone()).unwrap_or_default();
    walk.rehearsal.steps.side_by_side(last.iter().map(|one| walk.verify(one)).collect())?;
    Ok(walk.walked)
}

impl<'a> Walk<'a> {
    fn two_branches(&mut self, start: &Start) -> Result<()> {
        self.first(start)?;
        if !self.rehearsal.without(Part::Hotfix) {
            self.hotfix()?;
        }
        self.runner.forge = Forge::Gitea;
        self.undeclared_break()?;
        self.lost_feature()?;
        self.second()
    }

    fn section(&self, round: &str, what: &str) {
        crate::sys::ui::section(&format!("{round}, jobs as on {}: {what}", self.runner.forge.name()));
    }

    /// The first release: the feature branch bumps the version.
    fn first(&mut self, start: &Start) -> Result<()> {
        self.section("Round 1", "the version is raised on the feature branch");
        let branch = "feat/rehearsed-1";
        let apps = self.rehearsal.apps.clone();
        self.develop("branch, fix and bump", |dev, log| {
            dev.git(log, &["switch", "--quiet", "--create", branch])?;
            for app in apps.iter().filter(|a| start.idle.iter().any(|name| name == a.name())) {
                dev.fix(log, app, "round 1")?;
            }
            apps.iter().try_for_each(|app| dev.xtask(log, &["bump", app.name()]))
        })?;
        let pushed = self.push(branch)?;
        let title = self.title("say what was rehearsed");
        let merged = self.merge_into_development(branch, &pushed, &title, &apps, true)?;
        self.promote_and_release(pushed, merged)
    }

    /// The second release: `promote` bumps the version in a pull request of its own.
    fn second(&mut self) -> Result<()> {
        self.section("Round 2", "`promote` raises the version");
        let branch = "feat/rehearsed-2";
        let apps = self.rehearsal.apps.clone();
        let development = self.development().to_string();
        self.develop("branch and fix", |dev, log| {
            dev.branch(log, branch, &development)?;
            apps.iter().try_for_each(|app| dev.fix(log, app, "round 2"))
        })?;
        let pushed = self.push(branch)?;
        let title = self.title("say what was rehearsed again");
        self.merge_into_development(branch, &pushed, &title, &apps, true)?;
        let request = self.promote("promote, the bump")?;
        if request["base"] != development.as_str() {
            bail!(
                "promote prepared a pull request into {}, but the version is not bumped yet",
                request["base"]
            );
        }
        let (head, title) = branch_and_title(&request)?;
        let merged = self.merge_into_development(&head, &pushed, &title, &apps, false)?;
        self.promote_and_release(pushed, merged)
    }

    /// A hotfix: released from main first, and then applied to development.
    fn hotfix(&mut self) -> Result<()> {
        self.section("Hotfix", "main first, then back into development");
        let app = self.rehearsal.apps[0];
        let main = self.main().to_string();
        let mut releases = self.walked.releases.iter().flat_map(|released| &released.versions);
        let (_, version) =
            releases.find(|(name, _)| name == app.name()).context("nothing was released yet")?;
        let branch = format!("hotfix/{}", app.in_branch(version));
        let version = version.to_string();
        self.develop("hotfix, fix and bump", |dev, log| {
            dev.xtask(log, &["hotfix", app.name(), &version])?;
            dev.fix(log, app, "hotfix")?;
            dev.xtask(log, &["bump", app.name()])
        })?;
        let pushed = self.push(&branch)?;
        let pull =
            self.open(&branch, &main, &format!("fix({}): note the hotfix in the readme", app.name()))?;
        self.checks(&pull, &[app], None)?;
        let squashed = self.squash(&pull)?;
        self.release(pushed, None, (pull.number, squashed))?;
        self.apply_hotfix(app, &version)
    }

    /// Checks that `hotfix` names `promote` as the next command and that `promote` refuses now, and runs the
    /// commands that it prints.
    fn apply_hotfix(&mut self, app: &App, version: &str) -> Result<()> {
        let mut printed = Vec::new();
        let mut output = String::new();
        self.develop("promote refuses, cherry-pick", |dev, log| {
            dev.git(log, &["fetch", "--quiet", "origin"])?;
            let (_, hotfix, stderr) = dev.ask(log, &["hotfix", app.name(), version])?;
            if hotfix["next"] != serde_json::json!(["cargo xtask promote"]) {
                bail!(
                    "the hotfix is released, but `cargo xtask hotfix` does not print `cargo xtask promote` \
                     as the next command:\n{stderr}"
                );
            }
            output = dev.ended(log, &["promote"], 3)?;
            printed = output
                .lines()
                .filter_map(|l| l.split_once("git "))
                .map(|(_, args)| args.trim().to_string())
                // The rehearsal pushes it like every branch, with its jobs.
                .filter(|args| !args.starts_with("push "))
                .collect();
            if !printed.iter().any(|l| l.starts_with("cherry-pick")) {
                bail!("promote refused, but printed no git cherry-pick command");
            }
            printed.iter().try_for_each(|line| dev.git(log, &line.split_whitespace().collect::<Vec<_>>()))
        })?;
        self.walked.refused =
            output.lines().find(|l| l.contains('[')).map(|l| l.trim().trim_end_matches(':').to_string());
        let branch = self.walked.developer.git.branch()?.context("the printed commands created no branch")?;
        let pushed = self.push(&branch)?;
        let title = format!("fix({}): apply the hotfix", app.name());
        self.merge_into_development(&branch, &pushed, &title, &[app], false).map(drop)
    }

    /// Merges a branch that changes these apps into development: pull request, checks, and squash. With
    /// `with_image` the image of the branch is built in parallel with the checks. Development's image is
    /// built in the next step of the script.
    fn merge_into_development(
        &mut self,
        branch: &str,
        pushed: &str,
        title: &str,
        apps: &[&App],
        with_image: bool,
    ) -> Result<(u32, String)> {
        let development = self.development().to_string();
        let pull = self.open(branch, &development, title)?;
        let event = Event::Push { branch: branch.to_string(), before: None, after: pushed.to_string() };
        self.checks(&pull, apps, with_image.then(|| (format!("ci image, {branch}"), event)))?;
        Ok((pull.number, self.squash(&pull)?))
    }

    /// Merges development into main and releases it: promotion, checks with the image of development in
    /// parallel, squash, release.
    fn promote_and_release(&mut self, pushed: String, merged: (u32, String)) -> Result<()> {
        let main = self.main().to_string();
        let request = self.promote("promote")?;
        if request["base"] != main.as_str() {
            bail!("promote prepared a pull request into {}, expected {main}", request["base"]);
        }
        let (head, title) = branch_and_title(&request)?;
        let pull = self.open(&head, &main, &title)?;
        let git = &self.rehearsal.world.remote.git;
        let before = git.commit(&format!("{}^", merged.1))?;
        let event = Event::Push {
            branch: self.development().to_string(),
            before: Some(before),
            after: merged.1.clone(),
        };
        let apps = self.rehearsal.apps.clone();
        self.checks(&pull, &apps, Some(("ci image, development".to_string(), event)))?;
        let squashed = self.squash(&pull)?;
        self.release(pushed, Some(merged), (pull.number, squashed))
    }

    /// Runs the release job, as a push to main starts it.
    fn release(
        &mut self,
        pushed: String,
        development: Option<(u32, String)>,
        main: (u32, String),
    ) -> Result<()> {
        let git = &self.rehearsal.world.remote.git;
        let before = git.commit(&format!("{}^", main.1))?;
        let apps: Vec<&App> = match development {
            Some(_) => self.rehearsal.apps.clone(),
            None => vec![self.rehearsal.apps[0]],
        };
        let versions = apps
            .iter()
            .map(|app| Ok((app.name().to_string(), manifest::at(git, app, &main.1)?)))
            .collect::<Result<Vec<_>>>()?;
        let event =
            Event::Push { branch: self.main().to_string(), before: Some(before), after: main.1.clone() };
        let what: Vec<String> = versions.iter().map(|(app, version)| format!("{app} v{version}")).collect();
        let fault = if self.walked.releases.is_empty() { self.fault() } else { Vec::new() };
        let mut earlier = None;
        if !fault.is_empty() {
            self.rehearsal.steps.run(format!("ci release, {}", fault.join(" ")), |log| {
                earlier = Some(log.to_owned());
                self.interrupted_release(log, &event, &fault)
            })?;
        }
        let mut verified = Vec::new();
        self.rehearsal.steps.run(format!("ci release, {}", what.join(", ")), |log| {
            let evidence = self.job(log, "release", &event, &apps)?;
            let logs: Vec<&Utf8Path> = [log].into_iter().chain(earlier.as_deref()).collect();
            verified = versions
                .iter()
                .map(|(app, version)| Verified::read(&logs, app, version))
                .collect::<Result<_>>()?;
            Ok(evidence)
        })?;
        self.walked.verified.extend(verified);
        self.walked.releases.push(Released {
            versions,
            pushed,
            development,
            promotion: Some(main.0),
            commit: main.1,
        });
        Ok(())
    }

    /// The flags `--fail-at`, `--kill-at` and `--fault` of the rehearsal, which are passed to the first
    /// release.
    fn fault(&self) -> Vec<String> {
        let fault = &self.rehearsal.flags.fault;
        let one = |name: &str, value: &Option<String>| {
            value.iter().flat_map(|v| [name.to_string(), v.clone()]).collect::<Vec<_>>()
        };
        let stops = [one("--fail-at", &fault.fail_at), one("--kill-at", &fault.kill_at)].concat();
        [stops, one("--fault", &fault.fault)].concat()
    }

    fn interrupted_release(&self, log: &Utf8Path, event: &Event, fault: &[String]) -> Result<String> {
        let args: Vec<&str> = fault.iter().map(String::as_str).collect();
        let ended = self.runner.job(log, "release", event, &args)?;
        match ended.code {
            0 if fault[0] == "--fault" => Ok("the release went on by itself".to_string()),
            0 => bail!("the release succeeded despite {}", fault.join(" ")),
            137 => Ok("killed as requested; the same job runs again".to_string()),
            code => Ok(format!("failed as requested (exit code {code}); the same job runs again")),
        }
    }

    /// Lets Gitea's own runner check a pull request.
    fn on_runner(&mut self) -> Result<()> {
        let Some(gitea) = &self.rehearsal.world.gitea else { return Ok(()) };
        let Some(server) = gitea.started() else { return Ok(()) };
        self.rehearsal.steps.run("Gitea's runner", |log| {
            let seen = gitea_runner::rehearse(self.rehearsal, gitea, server, log)?;
            self.walked.on_runner = Some(seen.clone());
            seen.map_err(|reason| Skip(reason).into())
        })
    }

    /// Releases the last version of each app again from its tag, so that the registries have it.
    fn last_releases(&self, start: &Start) -> Result<()> {
        for (app, tag) in &start.last {
            self.rehearsal.steps.run(format!("last release, {tag}"), |log| {
                match self.runner.release_again(log, app, tag) {
                    Ok(_) => Ok("released again from its tag".to_string()),
                    // The last release may have been made with another tool. The rehearsal tests the next
                    // release.
                    Err(e) => {
                        let text = std::fs::read_to_string(log).unwrap_or_default();
                        let error = text.lines().find(|line| line.starts_with("error"));
                        let reason =
                            error.map_or_else(|| child::last_lines(text.trim_end(), 1), str::to_string);
                        Err(Skip(format!(
                            "cannot be released again, so the index does not have it: {e:#}; {reason}"
                        ))
                        .into())
                    }
                }
            })?;
        }
        Ok(())
    }

    /// A title for a pull request that counts for every app.
    fn title(&self, what: &str) -> String {
        let names: Vec<&str> = self.rehearsal.apps.iter().map(|a| a.name()).collect();
        format!("fix({}): {what}", names.join(","))
    }

    fn development(&self) -> &'a str {
        &self.rehearsal.ctx.ws.settings.development
    }

    fn main(&self) -> &'a str {
        &self.rehearsal.ctx.ws.settings.main
    }
}
