//! `ci`: runs a CI job. It reads the forge's event, finds the apps that the event affects, and calls the same
//! functions as the other commands.

use crate::commands::{check, compat, image, openapi, promote, release};
use crate::finding::Finding;
use crate::flags;
use crate::forge::Forge;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::git::short;
use crate::sys::{checkout_lock, kill_on_exit, parallel, ui};
use anyhow::{Context, Result};
use apps::Affected;
use camino::Utf8Path;
use event::Event;
use job::{Duty, Job};

mod apps;
mod comment;
mod event;
mod hotfix;
mod job;
mod plans;
mod title;

pub(crate) fn command(ctx: &Ctx, flags: &flags::Ci) -> Result<()> {
    // Gitea's runner kills the process of a cancelled job, and waits until its output is closed.
    let _guard = kill_on_exit::own_group_when_gone()?;
    if flags.job.as_deref() == Some(job::COMMENT) {
        return comment::job(ctx);
    }
    let jobs = match &flags.job {
        Some(name) => vec![Job::parse(name)?],
        // Without the job `build`, the job `release` builds itself.
        None => Job::ALL.iter().copied().filter(|job| ![Job::Build, Job::Promote].contains(job)).collect(),
    };
    let event = match &flags.event {
        Some(name) => event::by_hand(ctx, name, flags.ref_.as_deref(), flags.base.as_deref())?,
        None => event::from_forge(&event::environment)?,
    };
    let event = event.with_labels(&flags.labels)?;
    let head = ctx.git.commit("HEAD")?;
    let mut outcome = Outcome::default();
    for job in jobs {
        ui::section(&format!("{}: {event} at {}", job.name(), short(&head)));
        match job::duty(job, &event, &ctx.ws.settings) {
            Duty::Nothing(why) => ui::say(&format!("  nothing to do: {why}")),
            Duty::Work => work(ctx, job, &event, flags, &mut outcome)?,
        }
    }
    outcome.result()
}

/// The failures so far. A job continues with the next app after a failure, and reports all failures at its
/// end.
#[derive(Default)]
struct Outcome {
    findings: Vec<Finding>,
    errors: Vec<anyhow::Error>,
}

impl Outcome {
    fn add(&mut self, result: Result<()>) {
        let Err(error) = result else { return };
        match error.downcast::<Exit>() {
            Ok(Exit::Gate(findings)) => self.findings.extend(findings),
            // A job with nothing to release succeeds.
            Ok(Exit::Nothing(text)) => ui::say(&format!("  {text}")),
            Ok(exit) => self.errors.push(exit.into()),
            Err(error) => self.errors.push(error),
        }
    }

    /// Adds findings. Errors are reported at the end of the job; warnings are printed at once.
    fn found(&mut self, findings: Vec<Finding>) {
        let (stops, rest): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::stops);
        rest.iter().for_each(ui::finding);
        self.findings.extend(stops);
    }

    fn result(mut self) -> Result<()> {
        if self.errors.is_empty() {
            return if self.findings.iter().any(Finding::stops) {
                Err(Exit::Gate(self.findings).into())
            } else {
                Ok(())
            };
        }
        self.findings.iter().for_each(ui::finding);
        let first = self.errors.remove(0);
        self.errors.iter().for_each(|e| ui::say(&format!("{} {e:#}", ui::red("error:"))));
        Err(first)
    }
}

fn work(ctx: &Ctx, job: Job, event: &Event, flags: &flags::Ci, outcome: &mut Outcome) -> Result<()> {
    if [Job::Image, Job::Build, Job::Release].contains(&job) {
        checkout_lock::take(&ctx.git)?;
    }
    if job == Job::Promote {
        return open_next(ctx, outcome);
    }
    if [Job::Build, Job::Release].contains(&job) {
        let (wanted, here) = (ctx.ws.settings.release_forge, Forge::kind_of(ctx));
        if let (Some(wanted), Some(here)) = (wanted, here)
            && wanted != here
        {
            let (wanted, here) = (wanted.name(), here.name());
            ui::say(&format!("  nothing to do: this is {here}, and {wanted} releases (release-forge)"));
            return Ok(());
        }
        let apps = match event {
            Event::Push { branch, .. } if branch.starts_with(job::HOTFIX) => hotfix::apps(ctx, branch)?,
            _ => release::waiting(ctx, false)?,
        };
        release(ctx, job, &apps, flags, outcome);
        return Ok(());
    }
    let Affected { mut names, since } = apps::of(ctx, event)?;
    if job == Job::Lint {
        plans::plans(ctx, event, &names, outcome)?;
    }
    match job {
        Job::Image => names.retain(|name| ctx.ws.app(name).is_ok_and(|app| app.settings.image.is_some())),
        Job::Openapi => names.retain(|name| ctx.ws.app(name).is_ok_and(|app| app.settings.spec.is_some())),
        _ => {}
    }
    if names.is_empty() {
        ui::say(&format!("  nothing to do: no app of this job changed since {since}"));
        return Ok(());
    }
    if job == Job::Image {
        // One app after the other: the parts of one image are already built in parallel.
        for app in names {
            let section = Section::begin(&title(job, std::slice::from_ref(&app)));
            outcome.add(image::command(
                ctx,
                &flags::Image { app, commit: "HEAD".into(), push: true, dry_run: false },
            ));
            section.end();
        }
        return Ok(());
    }
    let section = Section::begin(&title(job, &names));
    let all =
        flags::Affected { apps: names.clone(), reuse: ctx.endpoints.loopback_only, ..Default::default() };
    match job {
        Job::Lint => outcome.add(check::lint(ctx, &all)),
        Job::Test => outcome.add(check::test(ctx, &all)),
        _ => {
            let (spec, compat) = parallel::both(
                || openapi::check(ctx, &names, all.reuse),
                || compat::check(ctx, &names, all.reuse),
            );
            outcome.add(spec);
            outcome.add(compat);
        }
    }
    section.end();
    Ok(())
}

/// Opens or updates the next pull request towards a release. A forge starts no checks for one that the job's
/// own token has opened, so a person has to give one.
fn open_next(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    match Forge::connect(ctx)? {
        Ok(_) => outcome.add(promote::promote(ctx, &flags::Promote { dry_run: false })),
        Err(reason) => ui::say(&format!(
            "  nothing to do: {reason}. Set the secret PROMOTE_TOKEN, or run it yourself: cargo xtask promote"
        )),
    }
    Ok(())
}

/// The title of a section, such as `lint-python, lint-ts`.
fn title(job: Job, apps: &[String]) -> String {
    let names: Vec<String> = apps.iter().map(|app| format!("{}-{app}", job.name())).collect();
    names.join(", ")
}

/// What the job `build` hands over to the job `release`. A cache of `target` must not keep it.
const HANDED: &str = "target/handed";
/// The hash of its list, from the output of the job `build`. Set, but empty: it handed over nothing. Not set:
/// there is no such job, and the job `release` builds itself.
const HANDED_VAR: &str = "XTASK_HANDED";

/// The list of what the job `release` has released, in the form of SHA256SUMS.
const RELEASED: &str = "target/xtask/released.sha256";

/// Releases these apps: their version is not released yet, or their release may have been interrupted. The
/// job `build` stops before anything is published.
fn release(ctx: &Ctx, job: Job, apps: &[&App], flags: &flags::Ci, outcome: &mut Outcome) {
    if apps.is_empty() {
        return ui::say("  nothing to do: no app has a version to release");
    }
    let names: Vec<String> = apps.iter().map(|app| app.name().to_string()).collect();
    let section = Section::begin(&title(job, &names));
    let dir = ctx.ws.root.join(HANDED);
    let handed = std::env::var(HANDED_VAR).ok().filter(|_| job == Job::Release);
    let release = flags::Release {
        apps: names,
        all: false,
        until: None,
        bump: false,
        dry_run: false,
        files_to: (job == Job::Build).then(|| dir.clone()),
        files_from: handed.is_some().then(|| dir.clone()),
        sha256: handed,
        fault: flags.fault.clone(),
    };
    let mut ended = release::command(ctx, &release);
    if ended.is_ok() {
        ended = match job {
            Job::Build => pass_on(&dir),
            _ => published(ctx, apps, &dir),
        };
    }
    outcome.add(ended);
    section.end();
}

/// Lists the released files and images with their hashes, for the forge to attest. Removes the handed files.
fn published(ctx: &Ctx, apps: &[&App], handed: &Utf8Path) -> Result<()> {
    if handed.exists() {
        std::fs::remove_dir_all(handed).with_context(|| format!("cannot remove {handed}"))?;
    }
    let mut lines = Vec::new();
    for app in apps {
        lines.extend(release::subjects(ctx, app)?);
    }
    if lines.is_empty() {
        return Ok(());
    }
    let list = ctx.ws.root.join(RELEASED);
    std::fs::write(&list, lines.join("\n") + "\n").with_context(|| format!("cannot write {list}"))?;
    comment::output("subjects", RELEASED)
}

fn pass_on(dir: &Utf8Path) -> Result<()> {
    release::handover::hash(dir)?.map_or(Ok(()), |sha256| comment::output("sha256", &sha256))
}

/// A named part of the output: a folded group on GitHub, a heading elsewhere. Gitea does not interpret the
/// `::group::` command and shows it as text.
struct Section {
    folded: bool,
}

impl Section {
    fn begin(name: &str) -> Section {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| v == "true");
        let folded = set("GITHUB_ACTIONS") && !set("GITEA_ACTIONS");
        if folded {
            ui::say(&format!("::group::{name}"))
        } else {
            ui::section(name)
        }
        Section { folded }
    }
    fn end(self) {
        if self.folded {
            ui::say("::endgroup::");
        }
    }
}
