//! Programs that must not outlive us: each runs below a supervisor of this same binary, which reads a pipe
//! that only we hold open. When we end, kill -9 included, the pipe closes and the supervisor kills the
//! program and everything it started.

use crate::sys::child;
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

mod program;

pub use program::run;

/// How often a child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(15);
/// Longer than the supervisor's own grace for the program.
const STOP: Duration = Duration::from_secs(20);

/// What is started: the whole environment, nothing is inherited.
pub struct Start<'a> {
    pub argv: &'a [String],
    pub dir: &'a Utf8Path,
    pub env: &'a [(String, String)],
    /// Receives both output streams; what is there already is kept.
    pub log: &'a Utf8Path,
    /// Receives standard output instead of the log.
    pub stdout: Option<&'a Utf8Path>,
}

/// A running program. Dropped, it is stopped.
pub struct Supervised {
    name: String,
    supervisor: Child,
    pipe: Option<ChildStdin>,
    log: Utf8PathBuf,
}

/// Starts a program below a supervisor. `xtask` is our own binary, or a copy of it.
pub fn start(xtask: &Utf8Path, start: &Start) -> Result<Supervised> {
    let name = start.argv.first().context("no program to supervise")?;
    let name = Utf8Path::new(name).file_name().unwrap_or(name).to_string();
    let log = File::options()
        .create(true)
        .append(true)
        .open(start.log)
        .with_context(|| format!("{} can't be written", start.log))?;
    let stdout = match start.stdout {
        Some(path) => File::create(path).with_context(|| format!("{path} can't be written"))?,
        None => log.try_clone()?,
    };
    let mut command = Command::new(xtask);
    command.arg("__supervise").arg("--").args(start.argv);
    command.current_dir(start.dir).env_clear().envs(start.env.iter().map(|(k, v)| (k, v)));
    // A group of its own, so that Ctrl-C on the terminal reaches us and not the supervisor, which still has
    // work to do then.
    command.process_group(0).stdin(Stdio::piped()).stdout(stdout).stderr(log);
    let mut supervisor =
        command.spawn().with_context(|| format!("{xtask} could not be started to supervise {name}"))?;
    let pipe = supervisor.stdin.take();
    Ok(Supervised { name, supervisor, pipe, log: start.log.to_path_buf() })
}

impl Supervised {
    /// Waits until the address answers, with whatever status.
    pub fn wait_ready(&mut self, url: &str, limit: Duration) -> Result<()> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(2)))
            .proxy(None)
            .http_status_as_error(false);
        let agent = config.build().new_agent();
        let started = Instant::now();
        loop {
            if let Some(status) = self.supervisor.try_wait()? {
                bail!(
                    "{} ended before it answered ({status}); its log, {}:\n{}",
                    self.name,
                    self.log,
                    self.last_words()
                );
            }
            if agent.get(url).call().is_ok() {
                return Ok(());
            }
            if started.elapsed() > limit {
                bail!(
                    "{} did not answer {url} within {} s; its log, {}:\n{}",
                    self.name,
                    limit.as_secs(),
                    self.log,
                    self.last_words()
                );
            }
            stop_when_interrupted()?;
            std::thread::sleep(POLL);
        }
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.supervisor.try_wait()? {
                return Ok(status);
            }
            stop_when_interrupted()?;
            std::thread::sleep(POLL);
        }
    }

    fn last_words(&self) -> String {
        child::last_lines(&std::fs::read_to_string(&self.log).unwrap_or_default(), 20)
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let started = Instant::now();
        while matches!(self.supervisor.try_wait(), Ok(None)) {
            if started.elapsed() > STOP {
                let _ = self.supervisor.kill();
                let _ = self.supervisor.wait();
            }
            std::thread::sleep(POLL);
        }
    }
}

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From here on SIGINT, SIGTERM and SIGHUP let every wait above end in an error, so that what was started is
/// stopped and removed on the way out. Where that takes too long the process ends all the same, and the
/// supervisors do the rest.
pub fn catch_interrupts() -> io::Result<()> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, flag.clone())?;
    }
    std::thread::spawn(|| {
        while !interrupted() {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(3 * STOP);
        std::process::exit(130);
    });
    Ok(())
}

pub fn interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

fn stop_when_interrupted() -> Result<()> {
    if interrupted() {
        bail!("interrupted");
    }
    Ok(())
}
