//! Runs the steps of the table for one or several apps. It asks every outward step for its state first, and
//! then runs the open steps; a dry run prints the outward ones instead.

use super::handover::{self, Mode};
use super::{Release, STEPS, State, Step, after, load, readiness, remote_moved, step_faults, tag};
use crate::commands::plan;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::{Exit, with_next};
use crate::sys::git::short;
use crate::sys::ui::report::plural;
use crate::sys::{parallel, ui};
use anyhow::{Context, Result};

/// Asks every outward step for its state, and records the open ones in `release.open`. Returns name and
/// evidence of the steps that are done or skipped. All conflicts are one error.
fn ask(release: &mut Release) -> Result<Vec<(&'static str, String)>> {
    if release.withdrawn {
        let mark = release.app.mark(&release.version);
        return Ok(vec![("tag", format!("{} was rolled back ({mark})", release.tag_name))]);
    }
    let mut conflicts = Vec::new();
    let mut closed = Vec::new();
    for step in STEPS.iter().filter(|s| s.outward) {
        match (step.state)(release).with_context(|| format!("step {}", step.name))? {
            State::Todo => release.open.push(step.name),
            State::Done(evidence) => closed.push((step.name, evidence)),
            State::Skip(why) => closed.push((step.name, why)),
            State::Conflict(finding) => conflicts.push(finding),
        }
    }
    if conflicts.is_empty() { Ok(closed) } else { Err(Exit::Gate(conflicts).into()) }
}

/// Releases the apps step by step. Within a step they run in parallel, so no app is tagged before all
/// reversible steps have passed for every app.
pub(super) fn through(
    ctx: &Ctx,
    apps: &[&App],
    branch: Option<String>,
    until: Option<&'static str>,
    mode: &Mode,
    faults: &step_faults::Faults,
) -> Result<()> {
    let mut releases = Vec::new();
    for app in apps {
        let bump = if branch.is_some() { " --bump" } else { "" };
        let again = format!("cargo xtask release {}{bump}", app.name());
        releases.push(load(ctx, app, branch.clone(), mode).map_err(|error| continued(error, &again))?);
    }
    releases.iter_mut().for_each(|release| release.one_of_several = apps.len() > 1);
    let titles: Vec<String> =
        releases.iter().map(|r| format!("{} at {}", r.title(), short(&r.commit))).collect();
    ui::section(&format!("Release {}", titles.join(", ")));
    let ask = |release: &mut Release| ask(release).map_err(|error| continued(error, &command(release)));
    let closed = all(releases.iter_mut().map(ask).collect())?;
    let mut nothing = Vec::new();
    for (release, closed) in releases.iter().zip(closed).filter(|(release, _)| release.open.is_empty()) {
        for (name, evidence) in closed {
            ui::begin(&label(release, name)).end(ui::Outcome::Skipped(evidence));
        }
        if !release.withdrawn {
            finish_verification(release)?;
        }
        nothing.push(nothing_left(release)?);
    }
    if nothing.len() == releases.len() {
        return Err(Exit::Nothing(nothing.join("\n")).into());
    }
    nothing.iter().for_each(|text| ui::say(&format!("  {text}")));
    releases.retain(|release| !release.open.is_empty());
    for group in parallel_groups(until) {
        walk_group(&releases, group, faults)?;
    }
    let last = |release: &Release| {
        remote_moved::tag_is_there(release).map_err(|error| continued(error, &command(release)))
    };
    all(releases.iter().map(last).collect())?;
    if let Mode::Build(dir) = mode {
        let titles: Vec<String> = releases.iter().map(Release::title).collect();
        let files = plural(handover::write(&releases, dir, tag::breaks)?, "file");
        ui::say(&format!("{} {}: {files} in {dir}, to be published", ui::green("✓"), titles.join(", ")));
        return Ok(());
    }
    let stopped = until.filter(|step| STEPS.last().is_some_and(|last| last.name != *step));
    for release in &releases {
        match stopped {
            Some(step) => ui::say(&format!("stopped after {step} (--until); continue: {}", command(release))),
            None => {
                after::all(release);
                ui::say(&format!(
                    "{} {} is released and verified: {}",
                    ui::green("✓"),
                    release.title(),
                    release.tag_name
                ));
            }
        }
    }
    let left: Vec<String> = releases.iter().flat_map(Release::left).collect();
    if !left.is_empty() {
        ui::say("Left to a person:");
        left.iter().for_each(|what| ui::say(&format!("  [ ] {what}")));
    }
    Ok(())
}

/// The steps up to and including `until`, in groups. The steps of a group run in parallel, because they do
/// not need each other's results.
fn parallel_groups(until: Option<&str>) -> impl Iterator<Item = &'static [Step]> {
    let end = STEPS.iter().position(|s| until == Some(s.name)).map_or(STEPS.len(), |at| at + 1);
    STEPS[..end].chunk_by(|a, b| a.name == "smoke" && b.name == "image")
}

fn walk_group(releases: &[Release], group: &[Step], faults: &step_faults::Faults) -> Result<()> {
    if let [step] = group
        && step.name == "tag"
    {
        faults.before(step.name)?;
        walk_tags(releases, step)?;
        return faults.after(step.name);
    }
    let one = |release: &Release, step: &Step| -> Result<()> {
        faults.before(step.name)?;
        walk(release, step)?;
        faults.after(step.name)
    };
    let pairs = releases.iter().flat_map(|release| group.iter().map(move |step| (release, step)));
    all(parallel::all(pairs.map(|(release, step)| move || one(release, step)).collect())).map(drop)
}

/// Pushes all tags in one push; with `--bump` also the commits.
fn walk_tags(releases: &[Release], step: &Step) -> Result<()> {
    let mut open = Vec::new();
    for release in releases {
        match asked(release, step).map_err(|e| failed(release, step, e))? {
            State::Todo => open.push(release),
            State::Done(seen) | State::Skip(seen) => {
                ui::begin(&label(release, step.name)).end(ui::Outcome::Skipped(seen))
            }
            State::Conflict(finding) => return Err(Exit::Gate(vec![finding]).into()),
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    if open[0].branch.is_none() {
        remote_moved::say_if_main_moved(open[0]).map_err(|e| failed(open[0], step, e))?;
    }
    let lines: Vec<_> = open.iter().map(|release| ui::begin(&label(release, step.name))).collect();
    match tag::push(&open) {
        Ok(seen) => {
            lines.into_iter().zip(seen).for_each(|(line, seen)| line.end(ui::Outcome::Done(seen)));
            Ok(())
        }
        Err(e) => {
            lines.into_iter().for_each(|line| line.end(ui::Outcome::Failed("stopped here".into())));
            let moved = if e.is::<Exit>() { None } else { remote_moved::main_moved(open[0]).unwrap_or(None) };
            Err(moved.map_or_else(|| failed(open[0], step, e), |finding| Exit::Gate(vec![finding]).into()))
        }
    }
}

/// Returns all values, or one error. If only gates failed, the error has the findings of all of them.
/// Otherwise it is the first other error, and the findings and further errors are printed.
fn all<T>(results: Vec<Result<T>>) -> Result<Vec<T>> {
    let (mut values, mut findings, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for result in results {
        match result.map_err(|e| e.downcast::<Exit>()) {
            Ok(value) => values.push(value),
            Err(Ok(Exit::Gate(more))) => findings.extend(more),
            Err(Ok(exit)) => errors.push(exit.into()),
            Err(Err(e)) => errors.push(e),
        }
    }
    if errors.is_empty() {
        return if findings.is_empty() { Ok(values) } else { Err(Exit::Gate(findings).into()) };
    }
    findings.iter().for_each(ui::finding);
    errors.iter().skip(1).for_each(|e: &anyhow::Error| ui::say(&format!("{} {e:#}", ui::red("error:"))));
    Err(errors.swap_remove(0))
}

/// The step's name, with the app's name appended if several apps are released.
fn label(release: &Release, step: &str) -> String {
    if release.one_of_several { format!("{step}-{}", release.app.name()) } else { step.to_string() }
}

/// A release that did not move `latest` has no record of its verification, so it is verified again.
fn finish_verification(release: &Release) -> Result<()> {
    let verify = STEPS.iter().find(|s| s.name == "verify").expect("STEPS contains verify");
    walk(release, verify)
}

fn asked(release: &Release, step: &Step) -> Result<State> {
    (step.state)(release).with_context(|| format!("step {}", step.name))
}

fn walk(release: &Release, step: &Step) -> Result<()> {
    let line = ui::begin(&label(release, step.name));
    let outcome = match asked(release, step) {
        Ok(State::Done(evidence) | State::Skip(evidence)) => Ok(ui::Outcome::Skipped(evidence)),
        Ok(State::Conflict(finding)) => Err(Exit::Gate(vec![finding]).into()),
        Ok(State::Todo) => (step.run)(release).map(ui::Outcome::Done),
        Err(e) => Err(e),
    };
    match outcome {
        Ok(outcome) => {
            line.end(outcome);
            Ok(())
        }
        Err(e) => {
            line.end(ui::Outcome::Failed("stopped here".into()));
            Err(failed(release, step, e))
        }
    }
}

/// The command that continues this release. With `--bump` until the tag is on the remote, because the bump's
/// commit is pushed together with the tag.
fn command(release: &Release) -> String {
    let bump = if release.branch.is_some() && release.tag().is_none() { " --bump" } else { "" };
    format!("cargo xtask release {}{bump}", release.app.name())
}

fn failed(release: &Release, step: &Step, error: anyhow::Error) -> anyhow::Error {
    let failed = format!("step {} of {} failed", step.name, release.tag_name);
    continued(error.context(failed), &command(release))
}

fn continued(error: anyhow::Error, command: &str) -> anyhow::Error {
    with_next(error, &format!("`{command}` continues"))
}

/// A dry run: runs the local steps, and prints each outward action instead of doing it. With `--json` the
/// caller prints the pages.
pub(super) fn dry(
    ctx: &Ctx,
    app: &App,
    branch: Option<String>,
    pages: &mut Vec<readiness::Page>,
) -> Result<()> {
    let app = ctx.ws.app(app.name())?;
    let mut release = load(ctx, app, branch, &Mode::Alone)?;
    ui::section(&format!(
        "Dry run of {} v{} at {}: changes nothing on the remote and the registries",
        app.name(),
        release.version,
        short(&release.commit)
    ));
    ask(&mut release)?;
    if release.open.is_empty() {
        return Err(Exit::Nothing(nothing_left(&release)?).into());
    }
    // Findings of the preflight do not stop a dry run. They are reported at its end, after all steps.
    let mut missing = Vec::new();
    for group in parallel_groups(Some("image")) {
        match walk_group(std::slice::from_ref(&release), group, &step_faults::Faults::default())
            .map_err(|e| e.downcast::<Exit>())
        {
            Err(Ok(Exit::Gate(findings))) if group.iter().any(|step| step.name == "preflight") => {
                missing = findings
            }
            Err(Ok(exit)) => return Err(exit.into()),
            Err(Err(error)) => return Err(error),
            Ok(()) => {}
        }
    }
    let action = |step: &Step, what| readiness::Action { step: step.name, what };
    let mut actions = Vec::new();
    for step in STEPS.iter().skip_while(|s| !s.outward) {
        match (step.state)(&release)? {
            State::Todo if step.name == "verify" => {
                actions.push(action(step, "install, pull and run what the registries serve".to_string()))
            }
            State::Todo => {
                actions.extend((step.preview)(&release).into_iter().map(|what| action(step, what)))
            }
            State::Done(why) | State::Skip(why) => actions.push(action(step, format!("- {why}"))),
            State::Conflict(finding) => return Err(Exit::Gate(vec![finding]).into()),
        }
    }
    after::by_hand(&release);
    let page = readiness::page(&release, actions, &command(&release))?;
    if !ctx.json {
        ui::print(readiness::text(&page));
    }
    pages.push(page);
    if !missing.is_empty() {
        return Err(Exit::Gate(missing).into());
    }
    ui::say(&format!(
        "{} {} v{} is ready: {}",
        ui::green("✓"),
        app.name(),
        release.version,
        command(&release)
    ));
    Ok(())
}

/// The message for a release with no open step. It names the next version if there are newer changes.
fn nothing_left(release: &Release) -> Result<String> {
    let plan = plan::plan(release.ctx, release.app)?;
    let since = match &plan.next {
        Some(next) if *next > release.version => {
            format!("; to prepare {next}: cargo xtask bump {}", release.app.name())
        }
        _ => String::new(),
    };
    let state = if release.withdrawn { "was rolled back" } else { "is released" };
    Ok(format!("nothing left to release: {} {state}{since}", release.tag_name))
}
