//! Injected faults (`--fail-at`, `--kill-at`). They test that a release that stopped at any step completes
//! when it is run again.

use crate::flags;
use crate::sys::exit::Exit;
use anyhow::{Result, bail};

#[derive(Default)]
pub(crate) struct Faults {
    fail: Option<Point>,
    kill: Option<Point>,
}

#[derive(PartialEq, Eq)]
struct Point {
    step: &'static str,
    after: bool,
}

impl Faults {
    pub(crate) fn parse(flags: &flags::Fault) -> Result<Faults> {
        let point = |text: &Option<String>| text.as_deref().map(point).transpose();
        Ok(Faults { fail: point(&flags.fail_at)?, kill: point(&flags.kill_at)? })
    }
    pub(crate) fn before(&self, step: &'static str) -> Result<()> {
        self.strike(Point { step, after: false })
    }
    pub(crate) fn after(&self, step: &'static str) -> Result<()> {
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
