//! The steps of a rehearsal: a line, a log and a duration each; independent ones side by side, two at a time.

use crate::sys::{child, parallel, supervise, ui};
use anyhow::{Result, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How many steps run at the same time; a step brings its own helpers.
pub const SIDE_BY_SIDE: usize = 2;
const LAST_LINES: usize = 25;

/// Something to do. It writes what happens to the log, and returns what was seen.
pub struct Step<'a> {
    name: String,
    work: Work<'a>,
}

type Work<'a> = Box<dyn FnOnce(&Utf8Path) -> Result<String> + Send + 'a>;

pub fn step<'a>(
    name: impl Into<String>,
    work: impl FnOnce(&Utf8Path) -> Result<String> + Send + 'a,
) -> Step<'a> {
    Step { name: name.into(), work: Box::new(work) }
}

/// The error of a step that is skipped, with the reason; the rehearsal goes on.
#[derive(Debug)]
pub struct Skip(pub String);

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// A step that went well, or was skipped.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Took {
    pub step: String,
    pub seconds: f64,
    pub seen: String,
    pub log: Utf8PathBuf,
}

pub struct Steps {
    logs: Utf8PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: usize,
    took: Vec<Took>,
}

impl Steps {
    pub fn new(logs: &Utf8Path) -> Result<Steps> {
        std::fs::create_dir_all(logs)?;
        Ok(Steps { logs: logs.to_path_buf(), state: Mutex::default() })
    }

    pub fn run<'a>(
        &self,
        name: impl Into<String>,
        work: impl FnOnce(&Utf8Path) -> Result<String> + Send + 'a,
    ) -> Result<()> {
        self.one(step(name, work))
    }

    /// All of them, the first ones first; the first failure, after every other one has ended.
    pub fn side_by_side(&self, steps: Vec<Step>) -> Result<()> {
        let waiting = Mutex::new(VecDeque::from(steps));
        let next = || waiting.lock().expect("nobody panics with it").pop_front();
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

    pub fn took(&self) -> Vec<Took> {
        self.state.lock().expect("nobody panics with it").took.clone()
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
            self.state.lock().expect("nobody panics with it").took.push(took);
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
                    "nothing was logged".to_string()
                } else {
                    format!("the end of {log}:\n  | {last}")
                };
                // The error's own text follows behind a colon.
                Err(error.context(format!("step {:?} failed; {end}\nreason", step.name)))
            }
        }
    }

    /// `03-ci-lint-pull-request-1.log`
    fn log(&self, name: &str) -> Utf8PathBuf {
        let mut state = self.state.lock().expect("nobody panics with it");
        state.begun += 1;
        let words: Vec<&str> =
            name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|w| !w.is_empty()).collect();
        self.logs.join(format!("{:02}-{}.log", state.begun, words.join("-")))
    }
}

/// Some programs colour what no terminal shows (lefthook 2.2 does, whatever NO_COLOR says).
fn without_colours(log: &Utf8Path) {
    if let Ok(text) = std::fs::read_to_string(log)
        && text.contains('\x1b')
    {
        // A log that can't be written again keeps its colours.
        let _ = std::fs::write(log, ui::plain(&text));
    }
}

/// Seconds by the first word or two of the steps' names, the longest first: where the time went.
pub fn by_kind(took: &[Took]) -> Vec<(String, Duration)> {
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

/// Digests with their first twelve digits; all of them are in the JSON.
pub fn shorter(text: &str) -> String {
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
    fn digests_are_shortened_and_nothing_else() {
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
