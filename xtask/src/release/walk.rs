//! The loop that walks the table: asks every outward step first, runs what is to do, and in a dry run says it in words.

use super::{Release, STEPS, State, Step, fault, load, short};
use crate::exit::Exit;
use crate::workspace::App;
use crate::{Ctx, plan, ui};
use anyhow::{Context, Result};

/// Asks every outward step; conflicts stop everything. What was seen of the steps that are not to do.
fn ask(release: &mut Release) -> Result<Vec<(&'static str, String)>> {
    let mut conflicts = Vec::new();
    let mut settled = Vec::new();
    for step in STEPS.iter().filter(|s| s.outward) {
        match (step.state)(release).with_context(|| format!("step {}", step.name))? {
            State::Todo => release.open.push(step.name),
            State::Done(evidence) => settled.push((step.name, evidence)),
            State::Skip(why) => settled.push((step.name, why)),
            State::Conflict(finding) => conflicts.push(finding),
        }
    }
    if conflicts.is_empty() { Ok(settled) } else { Err(Exit::Gate(conflicts).into()) }
}

pub fn through(ctx: &Ctx, app: &App, branch: Option<String>, until: Option<&'static str>, fault: &fault::Faults) -> Result<()> {
    let mut release = load(ctx, app, branch)?;
    ui::section(&format!("Release {} v{} at {}", app.name(), release.version, short(&release.commit)));
    let settled = ask(&mut release)?;
    if release.open.is_empty() {
        for (name, evidence) in settled {
            ui::begin(name).end(ui::Outcome::Skipped(evidence));
        }
        finish_verification(&release)?;
        return Err(Exit::Nothing(nothing_left(&release)?).into());
    }
    for group in side_by_side(until) {
        walk_group(&release, group, fault)?;
    }
    if let Some(step) = until.filter(|step| STEPS.last().is_some_and(|last| last.name != *step)) {
        ui::say(&format!("stopped after {step}, as asked; the rest: cargo xtask release {}", app.name()));
        return Ok(());
    }
    ui::say(&format!("{} {} v{} is released and verified: {}", ui::green("✓"), app.name(), release.version, release.tag_name));
    Ok(())
}

/// The steps up to `until`; neighbours that don't need each other's results are one group.
fn side_by_side(until: Option<&str>) -> impl Iterator<Item = &'static [Step]> {
    let end = STEPS.iter().position(|s| until == Some(s.name)).map_or(STEPS.len(), |at| at + 1);
    STEPS[..end].chunk_by(|a, b| a.name == "smoke" && b.name == "image")
}

fn walk_group(release: &Release, group: &[Step], fault: &fault::Faults) -> Result<()> {
    std::thread::scope(|scope| {
        let one = |step: &Step| -> Result<()> {
            fault.before(step.name)?;
            walk(release, step)?;
            fault.after(step.name)
        };
        let running: Vec<_> = group.iter().map(|step| scope.spawn(move || one(step))).collect();
        let results: Vec<_> = running.into_iter().map(|r| r.join().expect("a step's thread")).collect();
        results.into_iter().collect()
    })
}

/// A release without `latest` leaves no mark of its verification, so it is verified again.
fn finish_verification(release: &Release) -> Result<()> {
    let verify = STEPS.iter().find(|s| s.name == "verify").expect("a step of the table");
    walk(release, verify)
}

fn walk(release: &Release, step: &Step) -> Result<()> {
    let line = ui::begin(step.name);
    let asked = (step.state)(release).with_context(|| format!("step {}", step.name));
    let outcome = match asked {
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
            match e.downcast::<Exit>() {
                Ok(exit) => Err(exit.into()),
                Err(e) => {
                    let again = format!("nothing is lost: mend it and run `cargo xtask release {}` again", release.app.name());
                    Err(e.context(format!("step {} of {} failed; {again}", step.name, release.tag_name)))
                }
            }
        }
    }
}

/// The readiness report: the local steps for real, each outward action in words.
pub fn dry(ctx: &Ctx, app: &App, branch: Option<String>) -> Result<()> {
    let app = ctx.ws.app(app.name())?;
    let mut release = load(ctx, app, branch)?;
    ui::section(&format!("Dry run of {} v{} at {}: nothing outside is changed", app.name(), release.version, short(&release.commit)));
    ask(&mut release)?;
    if release.open.is_empty() {
        return Err(Exit::Nothing(nothing_left(&release)?).into());
    }
    for group in side_by_side(Some("image")) {
        walk_group(&release, group, &fault::Faults::default())?;
    }
    for step in STEPS.iter().skip_while(|s| !s.outward) {
        match (step.state)(&release)? {
            State::Todo if step.name == "verify" => ui::begin(step.name).end(ui::Outcome::Skipped("would follow".into())),
            State::Todo => {
                (step.preview)(&release).iter().for_each(|action| ui::say(&format!("  {} {:<15} {action}", ui::dim("→"), step.name)))
            }
            State::Done(why) | State::Skip(why) => ui::begin(step.name).end(ui::Outcome::Skipped(why)),
            State::Conflict(finding) => return Err(Exit::Gate(vec![finding]).into()),
        }
    }
    ui::say(&format!("{} {} v{} is ready: cargo xtask release {}", ui::green("✓"), app.name(), release.version, app.name()));
    Ok(())
}

/// What to say when everything is done; commits that came since wait for a bump.
fn nothing_left(release: &Release) -> Result<String> {
    let plan = plan::plan(release.ctx, release.app)?;
    let since = match &plan.next {
        Some(next) if *next > release.version => format!("; {next} waits for: cargo xtask bump {}", release.app.name()),
        _ => String::new(),
    };
    Ok(format!("nothing left to release: {} is released{since}", release.tag_name))
}
