//! Kills a child process when xtask ends for any reason, including SIGKILL: a shell waits beside the child
//! and kills it at once. The programs of a rehearsal may end in order first: see `supervise.rs`.

use super::secrets;
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Kills a process group when xtask has ended.
pub(crate) fn kill_when_gone(group: u32) -> Result<Child> {
    // The built-in kill of every shell accepts `-s KILL --` before a negative number.
    when_gone("kill -s KILL -- \"-$0\"", &[&group.to_string()])
}

/// A guard that [`own_group_when_gone`] has started.
pub(crate) struct OwnGroup(Child);

impl Drop for OwnGroup {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Until this is dropped: if xtask is killed, the programs that it started are killed too. None if xtask does
/// not lead its process group, in which others may be then.
pub(crate) fn own_group_when_gone() -> Result<Option<OwnGroup>> {
    let leads = rustix::process::getpgrp() == rustix::process::getpid();
    leads.then(|| kill_when_gone(std::process::id()).map(OwnGroup)).transpose()
}

/// Kills a process and its descendants when xtask has ended. For a process in xtask's own group, which may
/// ask for a password on the terminal. Without Linux's list of children only the process itself is killed.
pub(crate) fn kill_tree_when_gone(process: u32) -> Result<Child> {
    let tree = "tree() { for child in $(cat /proc/$1/task/*/children 2>/dev/null); do tree $child; done; \
                kill -s KILL $1; }; tree $0";
    when_gone(tree, &[&process.to_string()])
}

/// Starts a shell that waits until xtask has ended or its stdin is dropped, and then runs `script` with these
/// arguments from `$0` on. It has a process group of its own, so that a signal that ends xtask does not end
/// it.
pub(crate) fn when_gone(script: &str, arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new("/bin/sh");
    secrets::withhold(&mut command)
        .args(["-c", &format!("read -r _; {script}")])
        .args(arguments)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("/bin/sh could not be started")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::Pid;
    use std::io::{BufRead, BufReader};
    use std::time::Duration;

    #[test]
    fn a_process_and_its_descendants_are_killed_when_the_guards_pipe_closes() {
        let mut leader = Command::new("/bin/sh")
            .args(["-c", "sh -c 'sleep 600 & echo $!; wait' & wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(leader.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut guard = kill_tree_when_gone(leader.id()).unwrap();
        drop(guard.stdin.take());
        guard.wait().unwrap();
        leader.wait().unwrap();
        let pid = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        let gone = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            rustix::process::test_kill_process(pid).is_err()
        });
        assert!(gone, "a descendant is still running");
    }

    #[test]
    fn a_server_and_its_children_are_killed_when_the_guards_pipe_closes() {
        let mut leader =
            Command::new("/bin/sh").args(["-c", "sleep 600 & sleep 600"]).process_group(0).spawn().unwrap();
        let mut guard = kill_when_gone(leader.id()).unwrap();
        drop(guard.stdin.take());
        guard.wait().unwrap();
        leader.wait().unwrap();
        let group = Pid::from_child(&leader);
        // A killed orphan is a member of the group until init has reaped it.
        let gone = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            rustix::process::test_kill_process_group(group).is_err()
        });
        assert!(gone, "a child of the leader is still running");
    }
}
