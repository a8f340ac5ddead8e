//! No child process outlives the process that started it, however that process ends.

use crate::support::{Repo, Servers, run};
use expect_test::expect;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a shell script under the supervisor. The script must print the ids of its processes, one a line, then
/// READY.
fn supervise(script: &str) -> (Child, BTreeSet<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let mut child = command
        .args(["__supervise", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let pids =
        lines.map(|l| l.unwrap()).take_while(|l| l != "READY").map(|l| l.trim().parse().unwrap()).collect();
    (child, pids)
}

/// Waits until none of the processes runs. Fails after 30 s.
#[track_caller]
pub(crate) fn all_gone(pids: &BTreeSet<i32>) {
    let started = Instant::now();
    loop {
        let left: Vec<_> = pids.iter().filter(|pid| runs(**pid)).collect();
        if left.is_empty() {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "still running: {left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// True if the process exists and is not a zombie (which has ended, and waits for its parent to collect it).
fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// All descendants of a process.
pub(crate) fn descendants(of: i32) -> BTreeSet<i32> {
    let mut found = BTreeSet::from([of]);
    loop {
        let before = found.len();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat
                .rsplit_once(')')
                .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<i32>().ok());
            if parent.is_some_and(|p| found.contains(&p)) {
                found.insert(pid);
            }
        }
        if found.len() == before {
            found.remove(&of);
            return found;
        }
    }
}

#[test]
fn a_program_and_its_children_end_when_stdin_closes() {
    let (mut supervisor, pids) = supervise("sleep 1000 & echo $!; echo $$; echo READY; wait");
    assert_eq!(pids.len(), 2);
    drop(supervisor.stdin.take());
    let status = supervisor.wait().unwrap();
    assert_eq!(status.code(), Some(128 + 15));
    all_gone(&pids);
}

#[test]
fn a_process_that_ignores_sigterm_and_one_that_left_the_group_are_killed_too() {
    let script = "trap '' TERM; setsid --fork sh -c 'echo $$; exec sleep 1000 >/dev/null' | cat; \
                  sleep 1000 & echo $!; echo $$; echo READY; while :; do wait; done";
    let (mut supervisor, pids) = supervise(script);
    assert_eq!(pids.len(), 3);
    drop(supervisor.stdin.take());
    assert_eq!(supervisor.wait().unwrap().code(), Some(128 + 9));
    all_gone(&pids);
}

#[test]
fn the_exit_code_of_the_program_is_returned_and_its_remaining_children_are_killed() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)] {
        let (mut supervisor, pids) =
            supervise(&format!("setsid sleep 1000 >/dev/null & echo $!; echo READY; {script}"));
        // Keep stdin open: `wait` would close it.
        let _pipe = supervisor.stdin.take();
        assert_eq!(supervisor.wait().unwrap().code(), Some(code), "{script}");
        all_gone(&pids);
    }
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = run(command.args(["__supervise", "--", "/no/such/program"]));
    expect![[r#"
        exit code 1
        error: /no/such/program could not be started: No such file or directory (os error N)
    "#]]
    .assert_eq(&output.seen());
}

#[test]
fn the_servers_of_a_rehearsal_end_with_it_even_by_sigkill() {
    let repo = Repo::new();
    let data = repo.world().join("data");
    let mut servers = Servers::start(&repo, &data);
    assert_eq!(servers.env["XTASK_LOOPBACK_ONLY"], "1");
    assert!(servers.remote().join("HEAD").exists());
    let pids = descendants(servers.process.id() as i32);
    // Two indexes, each with its supervisor.
    assert!(pids.len() >= 4, "{pids:?}");
    servers.process.kill().unwrap();
    servers.process.wait().unwrap();
    all_gone(&pids);
}
