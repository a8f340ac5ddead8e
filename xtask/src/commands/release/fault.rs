//! Injected faults (`--fail-at`, `--kill-at`, `--fault`). They test that a release that stopped at any step
//! completes when it is run again.

use crate::flags;
use crate::sys::exit::Exit;
use crate::sys::injected::{self, Injected};
use crate::sys::ui;
use anyhow::{Result, bail};

#[derive(Default)]
pub(crate) struct Faults {
    fail: Option<Point>,
    kill: Option<Point>,
    /// The step whose first use of the network gets this answer.
    answer: Option<(Injected, &'static str)>,
}

#[derive(PartialEq, Eq)]
struct Point {
    step: &'static str,
    after: bool,
}

impl Faults {
    pub(crate) fn parse(flags: &flags::Fault) -> Result<Faults> {
        let point = |text: &Option<String>| text.as_deref().map(point).transpose();
        let answer = flags.fault.as_deref().map(answer).transpose()?;
        Ok(Faults { fail: point(&flags.fail_at)?, kill: point(&flags.kill_at)?, answer })
    }
    pub(crate) fn before(&self, step: &'static str) -> Result<()> {
        self.strike(Point { step, after: false })?;
        if let Some((fault, _)) = self.answer.filter(|(_, at)| *at == step) {
            injected::set(Some(fault));
        }
        Ok(())
    }
    pub(crate) fn after(&self, step: &'static str) -> Result<()> {
        if self.answer.is_some_and(|(_, at)| at == step) && injected::set(None).is_some() {
            ui::say(&format!("    {step} did not use the network: --fault had no effect"));
        }
        self.strike(Point { step, after: true })
    }
    fn strike(&self, here: Point) -> Result<()> {
        if self.kill.as_ref() == Some(&here) {
            // SIGKILL prevents every cleanup, as the loss of a CI runner does.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
        if self.fail.as_ref() == Some(&here) {
            bail!(
                "failed {} {} on purpose (--fail-at)",
                if here.after { "after" } else { "before" },
                here.step
            );
        }
        Ok(())
    }
}

/// Parses `503@STEP`, `silent@STEP` or `reset@STEP`.
fn answer(text: &str) -> Result<(Injected, &'static str)> {
    let parsed = text.split_once('@').and_then(|(fault, step)| Some((Injected::parse(fault)?, step)));
    let Some((fault, step)) = parsed else {
        return Err(Exit::Usage(format!(
            "{text:?} is not STATUS@STEP, with a status of 400 to 599, silent or reset: 503@publish"
        ))
        .into());
    };
    Ok((fault, super::step_name(step)?))
}

/// Parses `STEP`, `STEP:before` or `STEP:after`; `STEP` alone means after.
fn point(text: &str) -> Result<Point> {
    let (step, when) = text.split_once(':').unwrap_or((text, "after"));
    let after = match when {
        "before" => false,
        "after" => true,
        _ => return Err(Exit::Usage(format!("{text:?} is not STEP, STEP:before or STEP:after")).into()),
    };
    Ok(Point { step: super::step_name(step)?, after })
}
