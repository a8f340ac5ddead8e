//! The steps of a rehearsal. Each has a progress line, a log and a duration. Independent steps run in
//! parallel, two at a time.

use crate::sys::{child, parallel, supervise, ui};
use anyhow::{Result, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How many steps run at the same time. A step starts further processes of its own.
pub(super) const SIDE_BY_SIDE: usize = 2;
const LAST_LINES: usize = 25;

/// A named piece of work. It writes to the log whose path it gets, and returns its evidence as text.
pub(crate) struct Step<'a> {
    name: String,
    work: Work<'a>,
}

type Work<'a> = Box<dyn FnOnce(&Utf8Path) -> Result<String> + Send + 'a>;

pub(super) fn step<'a>(
    name: impl Into<String>,
    work: impl FnOnce(&Utf8Path) -> Result<String> + Send + 'a,
) -> Step<'a> {
    Step { name: name.into(), work: Box::new(work) }
}

/// The error by which a step reports that it was skipped, with the reason. The rehearsal continues.
#[derive(Debug)]
pub(super) struct Skip(pub String);

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// A step that succeeded or was skipped.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Took {
    pub step: String,
    pub seconds: f64,
    pub seen: String,
    pub log: Utf8PathBuf,
}

pub(crate) struct Steps {
    logs: Utf8PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: usize,
    took: Vec<Took>,
}

impl Steps {
    pub(crate) fn new(logs: &Utf8Path) -> Result<Steps> {
        std::fs::create_dir_all(logs)?;
        Ok(Steps { logs: logs.to_path_buf(), state: Mutex::default() })
    }

    pub(crate) fn run<'a>(
        &self,
        name: impl Into<String>,
        work: impl FnOnce(&Utf8Path) -> Result<String> + Send + 'a,
    ) -> Result<()> {
        self.one(step(name, work))
    }

    /// Runs the steps in their order, SIDE_BY_SIDE at a time. After a failure the others still run; then the
    /// first failure is returned.
    pub(crate) fn side_by_side(&self, steps: Vec<Step>) -> Result<()> {
        let waiting = Mutex::new(VecDeque::from(steps));
        let next = || waiting.lock().expect("a thread panicked while it held the lock").pop_front();
        let worker = || {
            let mut failures = Vec::new();
            while let Some(step) = next() {
                failures.extend(self.one(step).err());
            }
            failures
        };
        let failures = parallel::all(vec![worker; SIDE_BY_SIDE]);
        failures.into_iter().flatten().next().map_or(Ok(()), Err)
    }

    pub(crate) fn took(&self) -> Vec<Took> {
        self.state.lock().expect("a thread panicked while it held the lock").took.clone()
    }

    fn one(&self, step: Step) -> Result<()> {
        if supervise::interrupted() {
            return Err(anyhow!("interrupted before {:?}", step.name));
        }
        let log = self.log(&step.name);
        let line = ui::begin(&format!("{:<32}", step.name));
        let started = Instant::now();
        let result = (step.work)(&log);
        without_colours(&log);
        let took = |seen: String| {
            let took = Took {
                step: step.name.clone(),
                seconds: started.elapsed().as_secs_f64(),
                seen,
                log: log.clone(),
            };
            self.state.lock().expect("a thread panicked while it held the lock").took.push(took);
        };
        match result.map_err(|error| error.downcast::<Skip>()) {
            Ok(seen) => {
                line.end(ui::Outcome::Done(seen.clone()));
                took(seen);
                Ok(())
            }
            Err(Ok(Skip(why))) => {
                line.end(ui::Outcome::Skipped(why.clone()));
                took(why);
                Ok(())
            }
            Err(Err(error)) => {
                line.end(ui::Outcome::Failed(
                    if supervise::interrupted() { "interrupted" } else { "failed" }.into(),
                ));
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                let last = child::last_lines(&text, LAST_LINES).replace('\n', "\n  | ");
                let end = if last.is_empty() {
                    "the log is empty".to_string()
                } else {
                    format!("the end of {log}:\n  | {last}")
                };
                // The text of the inner error follows after a colon.
                Err(error.context(format!("step {:?} failed; {end}\nreason", step.name)))
            }
        }
    }

    /// The path of a step's log, such as `03-ci-lint-pull-request-1.log`.
    fn log(&self, name: &str) -> Utf8PathBuf {
        let mut state = self.state.lock().expect("a thread panicked while it held the lock");
        state.begun += 1;
        let words: Vec<&str> =
            name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|w| !w.is_empty()).collect();
        self.logs.join(format!("{:02}-{}.log", state.begun, words.join("-")))
    }
}

/// Removes colours from a log. Some programs write them although there is no terminal (lefthook 2.2 does so
/// even with NO_COLOR).
fn without_colours(log: &Utf8Path) {
    if let Ok(text) = std::fs::read_to_string(log)
        && text.contains('\x1b')
    {
        // An error is ignored: the log then keeps its colours.
        let _ = std::fs::write(log, ui::plain(&text));
    }
}

/// The time spent per kind of step, longest first. The kind is the first word of a step's name, or the first
/// two after `ci`.
pub(super) fn by_kind(took: &[Took]) -> Vec<(String, Duration)> {
    let mut kinds: Vec<(String, Duration)> = Vec::new();
    for one in took {
        let kind: Vec<&str> =
            one.step.split([',', ' ']).take(if one.step.starts_with("ci ") { 2 } else { 1 }).collect();
        let (kind, spent) = (kind.join(" "), Duration::from_secs_f64(one.seconds));
        match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, sum)) => *sum += spent,
            None => kinds.push((kind, spent)),
        }
    }
    kinds.sort_by_key(|(_, spent)| std::cmp::Reverse(*spent));
    kinds
}

/// Shortens each digest in a text to its first twelve digits. The JSON report has the whole digests.
pub(super) fn shorter(text: &str) -> String {
    let hex = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let word = |word: &str| if hex(word) { format!("{}…", &word[..12]) } else { word.to_string() };
    text.split_inclusive(|c: char| !c.is_ascii_alphanumeric())
        .map(|part| match part.char_indices().next_back() {
            Some((at, end)) if !end.is_ascii_alphanumeric() => format!("{}{end}", word(&part[..at])),
            _ => word(part),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digests_are_shortened() {
        let digest = "0123456789ab".repeat(6)[..64].to_string();
        for (text, expected) in [
            (format!("sha256:{digest}"), "sha256:0123456789ab…".to_string()),
            (format!("a {digest}, b"), "a 0123456789ab…, b".to_string()),
            (format!("{digest}0"), format!("{digest}0")),
            ("ü sha-1234567 …".to_string(), "ü sha-1234567 …".to_string()),
            (String::new(), String::new()),
        ] {
            assert_eq!(shorter(&text), expected);
        }
    }
}
