//! Simulated faults of a step (`--fail-at`, `--kill-at`, `--fault`). They test that a release that stopped at
//! any moment completes when it is run again.

use crate::flags;
use crate::sys::exit::Exit;
use crate::sys::network_fault::{self, NetworkFault};
use crate::sys::ui;
use anyhow::{Result, bail};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use std::sync::Once;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Faults {
    fail: Option<Point>,
    kill: Option<(Point, Kind)>,
    /// The step whose first use of the network gets this answer.
    answer: Option<(NetworkFault, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    step: &'static str,
    moment: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    /// This long after the step's beginning, or at its end if it is over by then.
    During(Duration),
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signal(Signal),
    /// From then on no file can grow, here and in children, as on a full disk. The release itself goes on.
    FullDisk,
}

impl Faults {
    pub(crate) fn parse(flags: &flags::Fault) -> Result<Faults> {
        let parsed = |text: &Option<String>| text.as_deref().map(parse).transpose();
        let fail = match parsed(&flags.fail_at)? {
            Some((Point { moment: Moment::During(_), .. }, _) | (_, Some(_))) => {
                return Err(Exit::Usage("--fail-at is STEP, STEP:before or STEP:after".into()).into());
            }
            fail => fail.map(|(point, _)| point),
        };
        let kill = parsed(&flags.kill_at)?.map(|(at, kind)| (at, kind.unwrap_or(Kind::Signal(Signal::KILL))));
        let answer = flags.fault.as_deref().map(answer).transpose()?;
        Ok(Faults { fail, kill, answer })
    }

    pub(crate) fn before(&self, step: &'static str) -> Result<()> {
        match self.kill {
            Some((Point { step: at, moment: Moment::During(delay) }, kind)) if at == step => {
                std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    strike(kind);
                });
            }
            Some((at, kind)) if at == (Point { step, moment: Moment::Before }) => strike(kind),
            _ => {}
        }
        self.fail(Point { step, moment: Moment::Before })?;
        if let Some((fault, _)) = self.answer.filter(|(_, at)| *at == step) {
            network_fault::set(Some(fault));
        }
        Ok(())
    }

    pub(crate) fn after(&self, step: &'static str) -> Result<()> {
        if self.answer.is_some_and(|(_, at)| at == step) && network_fault::set(None).is_some() {
            ui::say(&format!("    {step} did not use the network: --fault had no effect"));
        }
        if let Some((at, kind)) = self.kill
            && at.step == step
            && at.moment != Moment::Before
        {
            strike(kind);
        }
        self.fail(Point { step, moment: Moment::After })
    }

    fn fail(&self, here: Point) -> Result<()> {
        if self.fail == Some(here) {
            bail!("failed {:?} {} on purpose (--fail-at)", here.moment, here.step);
        }
        Ok(())
    }
}

/// Happens once, whatever the number of apps that run the step.
fn strike(kind: Kind) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| match kind {
        // SIGKILL prevents every cleanup, as the loss of a CI runner does.
        Kind::Signal(signal) => {
            let _ = kill_process(getpid(), signal);
        }
        Kind::FullDisk => {
            let _ = setrlimit(Resource::Fsize, Rlimit { current: Some(0), maximum: Some(0) });
        }
    });
}

/// Parses `503@STEP`, `silent@STEP` or `reset@STEP`.
fn answer(text: &str) -> Result<(NetworkFault, &'static str)> {
    let parsed = text.split_once('@').and_then(|(fault, step)| Some((NetworkFault::parse(fault)?, step)));
    let Some((fault, step)) = parsed else {
        return Err(Exit::Usage(format!(
            "{text:?} is not STATUS@STEP, with a status of 400 to 599, silent or reset: 503@publish"
        ))
        .into());
    };
    Ok((fault, super::step_name(step)?))
}

/// Parses `STEP` with an optional moment, `before`, `after` (the default) or `350ms`, and an optional kind of
/// fault: `kill`, `int`, `term`, `full`.
fn parse(text: &str) -> Result<(Point, Option<Kind>)> {
    let wrong =
        || Exit::Usage(format!("{text:?} is not STEP[:before|:after|:350ms][:kill|:int|:term|:full]"));
    let mut words = text.split(':').peekable();
    let step = super::step_name(words.next().unwrap_or_default())?;
    let moment = words.peek().and_then(|word| match *word {
        "before" => Some(Moment::Before),
        "after" => Some(Moment::After),
        delay => delay.strip_suffix("ms")?.parse().ok().map(|ms| Moment::During(Duration::from_millis(ms))),
    });
    if moment.is_some() {
        words.next();
    }
    let kind = words
        .next()
        .map(|word| match word {
            "kill" => Ok(Kind::Signal(Signal::KILL)),
            "int" => Ok(Kind::Signal(Signal::INT)),
            "term" => Ok(Kind::Signal(Signal::TERM)),
            "full" => Ok(Kind::FullDisk),
            _ => Err(wrong()),
        })
        .transpose()?;
    match words.next() {
        None => Ok((Point { step, moment: moment.unwrap_or(Moment::After) }, kind)),
        Some(_) => Err(wrong().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_step_with_a_moment_and_a_kind_of_fault() {
        let during = |ms| Moment::During(Duration::from_millis(ms));
        for (text, moment, kind) in [
            ("tag", Moment::After, None),
            ("tag:before", Moment::Before, None),
            ("tag:0ms", during(0), None),
            ("tag:term", Moment::After, Some(Kind::Signal(Signal::TERM))),
            ("tag:350ms:full", during(350), Some(Kind::FullDisk)),
            ("tag:after:int", Moment::After, Some(Kind::Signal(Signal::INT))),
        ] {
            assert_eq!(parse(text).unwrap(), (Point { step: "tag", moment }, kind), "{text}");
        }
        for text in ["", "tga", "tag:", "tag:ms", "tag:-1ms", "tag:kill:before", "tag:before:kill:int"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let flags = |fail: &str| flags::Fault { fail_at: Some(fail.into()), ..Default::default() };
        assert!(Faults::parse(&flags("tag:before")).is_ok());
        assert!(Faults::parse(&flags("tag:5ms")).is_err() && Faults::parse(&flags("tag:kill")).is_err());
    }
}
