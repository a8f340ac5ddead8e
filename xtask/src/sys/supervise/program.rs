//! The supervisor process, `xtask __supervise -- PROGRAM ARGS…`. It exits with the program's exit code after
//! it has killed all processes that the program started.

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// How long orphans may take to end after SIGKILL. Only a process in the kernel's uninterruptible sleep takes
/// longer.
const ORPHANS: Duration = Duration::from_secs(5);

enum Event {
    /// Stdin was closed: the starting process has ended, or it wants the program stopped.
    Closed,
    Ended(ExitStatus),
}

/// Runs the program. Returns its exit code, or 128 + the signal that ended it, as shells do.
pub(crate) fn run(argv: &[String]) -> Result<u8> {
    let (program, args) = argv.split_first().context("no program to supervise")?;
    // The program's orphans become children of this process instead of init, so that all of them can be
    // killed: see prctl(2), PR_SET_CHILD_SUBREAPER.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut child = Command::new(program)
        .args(args)
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("{program} could not be started"))?;
    let group = Pid::from_child(&child);
    let (sender, events) = mpsc::channel();
    let closed = sender.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        let _ = closed.send(Event::Closed);
    });
    std::thread::spawn(move || {
        if let Ok(status) = child.wait() {
            let _ = sender.send(Event::Ended(status));
        }
    });
    let status = match events.recv()? {
        Event::Ended(status) => Some(status),
        Event::Closed => {
            let _ = kill_process_group(group, Signal::TERM);
            match events.recv_timeout(GRACE) {
                Ok(Event::Ended(status)) => Some(status),
                _ => None,
            }
        }
    };
    let _ = kill_process_group(group, Signal::KILL);
    kill_orphans();
    Ok(status.map(code).unwrap_or(128 + 9))
}

fn code(status: ExitStatus) -> u8 {
    status.code().or(status.signal().map(|s| 128 + s)).and_then(|c| u8::try_from(c).ok()).unwrap_or(1)
}

/// Kills all children until there are none left. The children of a killed child become children of this
/// process.
fn kill_orphans() {
    let started = Instant::now();
    while started.elapsed() < ORPHANS {
        for orphan in children() {
            let _ = kill_process(orphan, Signal::KILL);
        }
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            // ECHILD: no child is left.
            Err(_) => return,
        }
    }
}

/// The processes whose parent is this one, read from /proc. Empty on other systems than Linux, where only the
/// process group is killed.
fn children() -> Vec<Pid> {
    let me = std::process::id();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent(*pid) == Some(me)).filter_map(Pid::from_raw).collect()
}

/// The parent's id: the fourth field of /proc/PID/stat. The second field, the program's name in parentheses,
/// may contain any characters, so the fields are counted from its end.
fn parent(pid: i32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
