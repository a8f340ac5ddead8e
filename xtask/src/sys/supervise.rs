//! Runs a rehearsal's programs below a supervisor, which is this same binary and reads a pipe that only xtask
//! holds open. When xtask ends, even by kill -9, the pipe closes. The supervisor lets the program end in
//! order, then kills all processes that it started, orphans too. Other children are killed at once by a
//! shell: see `kill_on_exit.rs`.

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

pub(crate) use program::run;

/// How often to check whether a child has ended.
const POLL: Duration = Duration::from_millis(15);
/// How long a supervisor may take to stop: longer than it gives the program itself.
const STOP: Duration = Duration::from_secs(20);

/// The program to start.
pub(crate) struct Start<'a> {
    pub argv: &'a [String],
    pub dir: &'a Utf8Path,
    /// The whole environment. Nothing is inherited.
    pub env: &'a [(String, String)],
    /// The file that both output streams are appended to.
    pub log: &'a Utf8Path,
    /// If set, the file that receives stdout instead of the log.
    pub stdout: Option<&'a Utf8Path>,
}

/// A running program. Dropping it stops the program.
pub(crate) struct Supervised {
    name: String,
    supervisor: Child,
    pipe: Option<ChildStdin>,
    log: Utf8PathBuf,
}

/// Starts a program below a supervisor. `xtask`: the path of this binary, or of a copy of it.
pub(crate) fn start(xtask: &Utf8Path, start: &Start) -> Result<Supervised> {
    let name = start.argv.first().context("no program to supervise")?;
    let name = Utf8Path::new(name).file_name().unwrap_or(name).to_string();
    let log = File::options()
        .create(true)
        .append(true)
        .open(start.log)
        .with_context(|| format!("cannot write {}", start.log))?;
    let stdout = match start.stdout {
        Some(path) => File::create(path).with_context(|| format!("cannot write {path}"))?,
        None => log.try_clone()?,
    };
    let mut command = Command::new(xtask);
    command.arg("__supervise").arg("--").args(start.argv);
    command.current_dir(start.dir).env_clear().envs(start.env.iter().map(|(k, v)| (k, v)));
    // A group of its own, so that Ctrl-C on the terminal reaches xtask but not the supervisor, which must
    // still stop the program.
    command.process_group(0).stdin(Stdio::piped()).stdout(stdout).stderr(log);
    let mut supervisor =
        command.spawn().with_context(|| format!("{xtask} could not be started to supervise {name}"))?;
    let pipe = supervisor.stdin.take();
    Ok(Supervised { name, supervisor, pipe, log: start.log.to_path_buf() })
}

impl Supervised {
    /// Waits until the address answers with any status. An error if the program ends first, or at the limit.
    pub(crate) fn wait_ready(&mut self, url: &str, limit: Duration) -> Result<()> {
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
                    child::end_of_log(&self.log)
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
                    child::end_of_log(&self.log)
                );
            }
            stop_when_interrupted()?;
            std::thread::sleep(POLL);
        }
    }

    /// Waits until the program has ended.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.supervisor.try_wait()? {
                return Ok(status);
            }
            stop_when_interrupted()?;
            std::thread::sleep(POLL);
        }
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

/// After this call, SIGINT, SIGTERM and SIGHUP end every wait above with an error, so that programs are
/// stopped and folders removed on the way out. If that takes longer than a minute, the process exits with
/// 130, and the supervisors stop the programs.
pub(crate) fn catch_interrupts() -> io::Result<()> {
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

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

pub(crate) fn stop_when_interrupted() -> Result<()> {
    if interrupted() {
        bail!("interrupted");
    }
    Ok(())
}
