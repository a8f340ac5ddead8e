//! Starts a server to probe it, in a process group of its own. The server stops when the handle is dropped.

use crate::sys::child;
use crate::sys::kill_on_exit::kill_when_gone;
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server. Dropping it kills the server and all processes that it started.
pub(crate) struct Server {
    child: Child,
    /// Kills the group when xtask ends for any reason.
    guard: Child,
    pub url: String,
    log: Utf8PathBuf,
}

/// Starts `command` with PORT in its environment and waits until `path` answers 200.
pub(crate) fn start(mut command: Command, port: u16, path: &str, log: &Utf8Path) -> Result<Server> {
    let file = std::fs::File::create(log).with_context(|| format!("cannot write {log}"))?;
    let words = format!("{:?}", command.get_program());
    command
        .env("PORT", port.to_string())
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .process_group(0);
    let child = command.spawn().with_context(|| format!("{words} could not be started"))?;
    let guard = kill_when_gone(child.id())?;
    let mut server = Server { child, guard, url: format!("http://127.0.0.1:{port}"), log: log.to_path_buf() };
    server.wait_ready(path, Duration::from_secs(60))?;
    Ok(server)
}

impl Server {
    fn wait_ready(&mut self, path: &str, limit: Duration) -> Result<()> {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(2)))
            .proxy(None)
            .build()
            .new_agent();
        let started = Instant::now();
        loop {
            if agent.get(format!("{}{path}", self.url)).call().is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it answered ({status}):\n{}", child::end_of_log(&self.log));
            }
            if started.elapsed() > limit {
                bail!(
                    "the server did not answer {path} within {} s:\n{}",
                    limit.as_secs(),
                    child::end_of_log(&self.log)
                );
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }

    /// Stops the server with SIGTERM, as container engines do. Returns how long it took. An error if the
    /// server still runs after ten seconds, when an engine would kill it.
    pub(crate) fn stop(mut self) -> Result<Duration> {
        let started = Instant::now();
        self.signal(Signal::TERM);
        while started.elapsed() < Duration::from_secs(10) {
            if self.child.try_wait()?.is_some() {
                return Ok(started.elapsed());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server ignored SIGTERM for 10 s:\n{}", child::end_of_log(&self.log))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The system does not give the group's number to another process until the leader is waited for, so
        // the signal cannot reach a foreign group.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}
