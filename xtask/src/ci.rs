//! `ci`: what a forge's job runs. Reads the event, finds the apps that it affects, and calls the same functions as the commands do.

use crate::exit::Exit;
use crate::finding::Finding;
use crate::release::short;
use crate::{Ctx, api, check, compat, flags, image, openapi, plan, release, ui};
use affected::Affected;
use anyhow::Result;
use event::Event;
use job::{Duty, Job};

mod affected;
mod event;
mod job;

pub fn command(ctx: &Ctx, flags: &flags::Ci) -> Result<()> {
    let jobs = match &flags.job {
        Some(name) => vec![Job::parse(name)?],
        None => Job::ALL.to_vec(),
    };
    let event = match &flags.event {
        Some(name) => event::by_hand(ctx, name, flags.ref_.as_deref(), flags.base.as_deref())?,
        None => event::from_forge(&event::environment)?,
    };
    let head = ctx.git.commit("HEAD")?;
    let mut outcome = Outcome::default();
    for job in jobs {
        ui::section(&format!("{}: {event} at {}", job.name(), short(&head)));
        match job::duty(job, &event, &ctx.ws.settings) {
            Duty::Nothing(why) => ui::say(&format!("  nothing to do: {why}")),
            Duty::Work => work(ctx, job, &event, flags, &mut outcome)?,
        }
        if job == Job::Lint && job::promotes(&event, &ctx.ws.settings) {
            gate(ctx, &mut outcome)?;
        }
    }
    outcome.result()
}

/// What went wrong so far: a job goes on with the next app, and everything is told at its end.
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
            // Nothing to release is no failure of a job.
            Ok(Exit::Nothing(text)) => ui::say(&format!("  {text}")),
            Ok(exit) => self.errors.push(exit.into()),
            Err(error) => self.errors.push(error),
        }
    }

    fn result(mut self) -> Result<()> {
        if self.errors.is_empty() {
            return if self.findings.is_empty() { Ok(()) } else { Err(Exit::Gate(self.findings).into()) };
        }
        self.findings.iter().for_each(ui::finding);
        let first = self.errors.remove(0);
        self.errors.iter().for_each(|e| ui::say(&format!("{} {e:#}", ui::red("error:"))));
        Err(first)
    }
}

fn work(ctx: &Ctx, job: Job, event: &Event, flags: &flags::Ci, outcome: &mut Outcome) -> Result<()> {
    if job == Job::Release {
        return release(ctx, flags, outcome);
    }
    let Affected { mut names, since } = affected::of(ctx, event)?;
    match job {
        Job::Image => names.retain(|name| ctx.ws.app(name).is_ok_and(|app| app.settings.image.is_some())),
        Job::Openapi => names.retain(|name| ctx.ws.app(name).is_ok_and(|app| app.settings.spec.is_some())),
        _ => {}
    }
    if names.is_empty() {
        ui::say(&format!("  nothing to do: nothing that this job is for changed since {since}"));
    }
    if names.is_empty() {
        return Ok(());
    }
    if job == Job::Image {
        // An image's own parts are made side by side already.
        for app in names {
            let section = Section::begin(&title(job, std::slice::from_ref(&app)));
            outcome.add(image::command(ctx, &flags::Image { app, commit: "HEAD".into(), push: true, dry_run: false }));
            section.end();
        }
        return Ok(());
    }
    let section = Section::begin(&title(job, &names));
    let all = flags::Affected { apps: names.clone(), reuse: ctx.endpoints.loopback_only, ..Default::default() };
    if job == Job::Lint {
        outcome.add(api_breaks(ctx, &names));
    }
    if job == Job::Openapi {
        outcome.add(compat::check(ctx, &names));
    }
    outcome.add(match job {
        Job::Lint => check::lint(ctx, &all),
        Job::Test => check::test(ctx, &all),
        _ => openapi::check(ctx, &names).and_then(|()| undeclared_breaks(ctx, &names)),
    });
    section.end();
    Ok(())
}

/// `lint-python, lint-ts`: what the section is for, under the names that a person looks for.
fn title(job: Job, apps: &[String]) -> String {
    let names: Vec<String> = apps.iter().map(|app| format!("{}-{app}", job.name())).collect();
    names.join(", ")
}

/// Each app with a version that waits for its release, and each whose release may have been left half-way.
fn release(ctx: &Ctx, flags: &flags::Ci, outcome: &mut Outcome) -> Result<()> {
    let apps: Vec<String> = release::waiting(ctx, false)?.into_iter().map(|app| app.name().to_string()).collect();
    if apps.is_empty() {
        ui::say("  nothing to do: no app has a version to release");
        return Ok(());
    }
    let section = Section::begin(&title(Job::Release, &apps));
    outcome.add(release::command(
        ctx,
        &flags::Release { apps, all: false, until: None, bump: false, dry_run: false, fault: flags.fault.clone() },
    ));
    section.end();
    Ok(())
}

/// A pull request must not break those who import the package without saying so.
fn api_breaks(ctx: &Ctx, names: &[String]) -> Result<()> {
    let mut findings = Vec::new();
    // xtask itself may be among them.
    for app in ctx.ws.apps.iter().filter(|app| names.iter().any(|name| name == app.name())) {
        findings.extend(api::check_app(ctx, app)?);
    }
    if findings.is_empty() { Ok(()) } else { Err(Exit::Gate(findings).into()) }
}

/// A pull request must not break clients without saying so.
fn undeclared_breaks(ctx: &Ctx, names: &[String]) -> Result<()> {
    let mut findings = Vec::new();
    for app in ctx.ws.select(names)? {
        findings.extend(plan::plan(ctx, app)?.findings.into_iter().filter(|f| f.id == "undeclared-break"));
    }
    if findings.is_empty() { Ok(()) } else { Err(Exit::Gate(findings).into()) }
}

/// A pull request into the release branch must not bring unreleased commits without a new version.
fn gate(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    for app in &ctx.ws.apps {
        let section = Section::begin(&format!("plan-{}", app.name()));
        let plan = plan::plan(ctx, app)?;
        ui::say(&match &plan.next {
            Some(next) => format!("  the commits ask for {next}, the manifest says {}", plan.manifest),
            None => format!("  nothing to release, {} stays", plan.manifest),
        });
        if let Some(next) = plan.next.as_ref().filter(|next| **next != plan.manifest) {
            let message = format!("its commits ask for {next}, its manifest says {}", plan.manifest);
            let help = format!("cargo xtask bump {}, on a branch off {}; or cargo xtask promote", app.name(), ctx.ws.settings.development);
            outcome.findings.push(Finding::new("not-bumped", crate::finding::Level::Error, message).app(app.name()).help(help));
        }
        outcome.findings.extend(plan.findings);
        section.end();
    }
    Ok(())
}

/// A named part of the output: folded by GitHub, a heading elsewhere (Gitea shows the workflow command as it is).
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
