//! `plan`: computes the next version of each app, with the reasons, from git and the manifest. Nothing is
//! stored. Without `bump`, `release` or a gate it stays offline.

use crate::finding::{Finding, Level};
use crate::flags;
use crate::model::commits::{Commit, Entry};
use crate::model::ctx::Ctx;
use crate::model::evidence::{Accepted, Difference};
use crate::model::workspace::App;
use crate::model::{changelog, commits, manifest};
use crate::sys::exit::Exit;
use crate::sys::ui;
use anyhow::{Result, bail};
use breaks::Judged;
use compare::Reach;
use decide::{Demands, Evidence, Facts};
use history::History;
use semver::Version;
use serde::Serialize;

mod baseline;
mod breaks;
mod compare;
mod decide;
mod gitdir;
mod history;
mod hotfix;
mod published;
mod pulls;
mod repository;
mod show;
mod side_branches;
mod walk;

pub(crate) use decide::Line;
pub(crate) use history::{source_commit, source_in};
pub(crate) use published::Published;
pub(crate) use repository::{refuse_incomplete, remote_name};
pub(crate) use walk::same_content;

/// The plan of one app, as `plan --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AppPlan {
    pub app: String,
    /// The last release that HEAD contains; commits are counted from it.
    pub last: Option<LastRelease>,
    /// None: nothing to release.
    pub next: Option<Version>,
    /// `first`, or how far the number moves: none, patch, minor, major.
    pub bump: &'static str,
    /// The manifest holds a version that is not released yet.
    pub pending: bool,
    pub evidence: Vec<Evidence>,
    /// Newest first.
    pub commits: Vec<Entry>,
    #[serde(skip)]
    pub manifest: Version,
    /// Every version that was ever tagged for the app, reachable or not; the highest first.
    #[serde(skip)]
    pub tagged: Vec<Version>,
    /// The versions that were rolled back.
    #[serde(skip)]
    pub marked: Vec<Version>,
    /// The version that the evidence demands, regardless of a pending version in the manifest.
    #[serde(skip)]
    pub required: Option<Version>,
    /// The highest version that is already used; on a hotfix branch, the highest of its own `MAJOR.MINOR`.
    #[serde(skip)]
    pub floor: Option<Version>,
    /// Breaks that `app.toml` accepts for the next release.
    #[serde(skip)]
    pub accepted: Vec<Accepted>,
    /// Breaks that no commit declares and `app.toml` does not accept.
    #[serde(skip)]
    pub undeclared: Vec<Difference>,
    /// What changed for users since the last release, each with the source that found it.
    #[serde(skip)]
    pub differences: Vec<(&'static str, Difference)>,
    /// Pull requests whose commits are not in this clone: only their squash commits are counted.
    #[serde(skip)]
    pub unread_pulls: Vec<u64>,
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

impl AppPlan {
    /// Leaves out what tells what changed: the log of a public job must not show a security fix before its
    /// release.
    fn leave_out_texts(&mut self) {
        self.commits.clear();
        self.unread_pulls.clear();
        self.differences.clear();
        let of_numbers = |e: &Evidence| ["tags", "pins", "manifest", "index"].contains(&e.source);
        self.evidence.iter_mut().filter(|e| !of_numbers(e)).for_each(|e| e.why.clear());
        for finding in &mut self.findings {
            finding.message = "not shown (--quiet)".into();
            finding.place = None;
            finding.help = Some(format!("where only you see it: cargo xtask plan {}", self.app));
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LastRelease {
    pub version: Version,
    pub tag: String,
}

pub(crate) fn command(ctx: &Ctx, flags: &flags::Plan) -> Result<()> {
    if ctx.ws.apps.is_empty() {
        let message = format!(
            "no app in {}: an app is a folder with an app.toml. If the apps are elsewhere, set \
             apps = \"FOLDER\" in [workspace.metadata.xtask] of Cargo.toml",
            ctx.ws.root.join(&ctx.ws.settings.apps)
        );
        return Err(Exit::Usage(message).into());
    }
    let mut plans: Vec<AppPlan> =
        ctx.ws.select(&flags.apps)?.into_iter().map(|app| plan(ctx, app)).collect::<Result<_>>()?;
    for plan in plans.iter().filter(|plan| plan.commits.is_empty()) {
        repository::refuse_uncommitted(&ctx.git, ctx.ws.app(&plan.app)?)?;
    }
    if flags.quiet {
        plans.iter_mut().for_each(AppPlan::leave_out_texts);
    }
    let findings: Vec<Finding> = plans.iter().flat_map(|p| p.findings.clone()).collect();
    if ctx.json {
        ui::print(show::json(&ctx.git, &plans, &findings)?);
    } else {
        ui::print(show::text(&plans, &ctx.ws.settings, &read_changelog(ctx), flags.all));
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    if plans.iter().all(|p| p.next.is_none()) {
        return Err(Exit::Nothing("nothing to release".into()).into());
    }
    Ok(())
}

/// The plan of one app at HEAD.
pub(crate) fn plan(ctx: &Ctx, app: &App) -> Result<AppPlan> {
    plan_with(ctx, app, &Published::default(), Reach::Offline, false)
}

/// Like `plan`; the remote and the forge are asked for commits that a squash does not mention.
pub(crate) fn with_pulls(ctx: &Ctx, app: &App) -> Result<AppPlan> {
    plan_with(ctx, app, &Published::default(), Reach::Offline, true)
}

/// The commits of a range that touch the app, newest first; `range` is what git takes: tips and `^`bounds.
pub(crate) fn commits(ctx: &Ctx, app: &App, range: &[&str]) -> Result<Vec<Commit>> {
    Ok(walk::simplified(&ctx.git, app, range)?.commits)
}

/// The last release that HEAD contains, without the commits since.
pub(crate) fn last(ctx: &Ctx, app: &App) -> Result<Option<LastRelease>> {
    Ok(history::read(ctx, app, &[])?.last)
}

/// The plan for a gate, which may install the program that reads the API. If a break stops the plan, the
/// index is asked whether that release has been withdrawn: a break against a withdrawn release affects no
/// user. `ask_pulls` as in `plan_with`.
pub(crate) fn gate(ctx: &Ctx, app: &App, ask_pulls: bool) -> Result<AppPlan> {
    let plan = plan_with(ctx, app, &Published::default(), Reach::Network, ask_pulls)?;
    let stopped = plan.last.as_ref().filter(|_| !plan.undeclared.is_empty());
    match stopped.map(|last| (last, published::ask(ctx, app).withdrawn)) {
        Some((last, withdrawn)) if withdrawn.contains(&last.version) => {
            let published = Published { withdrawn, ..Published::default() };
            plan_with(ctx, app, &published, Reach::Network, ask_pulls)
        }
        _ => Ok(plan),
    }
}

/// Whether this release was yanked, deprecated or unpublished. False if the index cannot be reached.
pub(crate) fn is_withdrawn(ctx: &Ctx, app: &App, version: &Version) -> bool {
    published::ask(ctx, app).withdrawn.contains(version)
}

/// The plan for `release`: asks the index, and counts from the newest release that has not been withdrawn.
/// The version itself may be on the index: what of it is there is compared file by file. An error if the
/// index's answer is unknown: its highest version may be above the one to release.
pub(crate) fn release(ctx: &Ctx, app: &App) -> Result<AppPlan> {
    let mut published = published::ask(ctx, app);
    if let Some(why) = published.unread {
        bail!("the index could not be asked which versions it has: {why}");
    }
    let own = Demands::Above(manifest::read(&ctx.ws.root, app)?);
    published.evidence.retain(|evidence| evidence.demands != own);
    plan_with(ctx, app, &published, Reach::Network, true)
}

/// The text of CHANGELOG.md; empty if there is none.
fn read_changelog(ctx: &Ctx) -> String {
    std::fs::read_to_string(ctx.ws.root.join("CHANGELOG.md")).unwrap_or_default()
}

/// The plan for `bump`, and the index's answer.
pub(crate) fn bump(ctx: &Ctx, app: &App) -> Result<(AppPlan, Published)> {
    let published = published::ask(ctx, app);
    let plan = plan_with(ctx, app, &published, Reach::Network, true)?;
    Ok((plan, published))
}

/// `ask_pulls`: whether the remote and the forge may be asked for the commits of pull requests.
fn plan_with(ctx: &Ctx, app: &App, published: &Published, reach: Reach, ask_pulls: bool) -> Result<AppPlan> {
    let manifest = manifest::read(&ctx.ws.root, app)?;
    let history = history::read(ctx, app, &published.withdrawn)?;
    let names: Vec<&str> = ctx.ws.names.iter().map(String::as_str).collect();
    let mut commits = commits::entries(&history.commits, app.name(), &names);
    let pulls = pulls::add(ctx, app, &history.commits, &mut commits, ask_pulls)?;
    let mut evidence = vec![decide::from_commits(&commits)];
    let judged = judged(ctx, app, &history, &commits, reach)?;
    evidence.extend(judged.evidence);
    evidence.extend(decide::from_tags(&history.tagged, history.line.as_ref()));
    if history.last.is_none() {
        evidence.extend(
            manifest::pins(&ctx.ws.root, app)?
                .into_iter()
                .map(|(file, version)| decide::from_pin(&file, version, &manifest)),
        );
    }
    evidence.extend_from_slice(&published.evidence);
    let changelog = read_changelog(ctx);
    let facts = Facts {
        app: app.name(),
        manifest: &manifest,
        manifest_file: &app.dir.join(app.settings.ecosystem.manifest()),
        last: history.last.as_ref().map(|r| &r.version),
        tagged: &history.tagged,
        line: history.line.as_ref(),
        zero: ctx.ws.settings.zero_breaking,
        touched: !commits.is_empty(),
        in_changelog: changelog::notes(&changelog, &app.tag(&manifest)).is_some(),
    };
    let mut decision = decide::decide(&facts, evidence);
    if let Some((next, used)) = decision.required.as_ref().zip(decision.floor.as_ref())
        && next <= used
    {
        bail!("{}: no version is above {used}: delete its tag", app.name());
    }
    decision.findings.extend(baseline::findings(app, &history, published, names.len() == 1));
    decision.findings.extend(judged.findings);
    decision.findings.extend(unread_breaks(app, &commits));
    decision.findings.extend(pulls.findings);
    Ok(AppPlan {
        app: app.name().to_string(),
        last: history.last,
        next: decision.next,
        bump: decision.bump,
        pending: decision.pending,
        evidence: decision.evidence,
        commits,
        manifest,
        tagged: history.tagged,
        marked: history.marked,
        required: decision.required,
        floor: decision.floor,
        accepted: judged.accepted,
        undeclared: judged.undeclared,
        differences: judged.differences,
        unread_pulls: pulls.unread,
        findings: decision.findings,
    })
}

/// Compares the spec, compat.json and the public API with the last release. Without a commit that touches the
/// app nothing can have changed, so nothing is compared.
fn judged(ctx: &Ctx, app: &App, history: &History, commits: &[Entry], reach: Reach) -> Result<Judged> {
    let Some(last) = &history.last else { return Ok(Judged::default()) };
    let compared = if commits.is_empty() {
        Vec::new()
    } else {
        compare::compare(ctx, app, last, history.settings, reach)?
    };
    Ok(breaks::judge(app, last, commits.iter().find(|c| c.counts && c.breaking), &compared))
}

/// Warns about commits that mention a breaking change in a form that the rules do not recognise.
fn unread_breaks(app: &App, commits: &[Entry]) -> Vec<Finding> {
    let undone = |c: &Entry| c.why.starts_with("reverted by") || c.why.starts_with("reverts ");
    let unread = commits.iter().filter(|c| c.unread_break && !undone(c));
    unread
        .map(|c| {
            let message = format!(
                "{} ({}) mentions a breaking change in a form that does not count",
                c.subject,
                c.short()
            );
            Finding::new("breaking-unread", Level::Warning, message).app(app.name()).help(
                "declare it with `!` before the colon of a conventional subject, or with a line that begins \
                     with `BREAKING CHANGE: `",
            )
        })
        .collect()
}
