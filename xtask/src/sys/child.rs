//! Starts programs with an allow-listed environment and a HOME of their own. Errors contain the last lines of
//! their output.

use super::{kill_on_exit, network_fault, retry, traffic::Traffic};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Read, Seek};
use std::ops::Range;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use xshell::{Cmd, Shell};

/// The environment variable with the folder of the rehearsal that started xtask.
pub(crate) const REHEARSAL: &str = "XTASK_REHEARSAL";

/// The environment variables that a child inherits. All variables that could redirect an upload (UV_*,
/// TWINE_*, PIP_INDEX_URL, NPM_CONFIG_*, …) are left out on purpose.
const INHERITED: &[&str] = &[
    "PATH",
    "TERM",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "CI",
    "NO_COLOR",
    "RUST_BACKTRACE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PYENV_ROOT",
    "DOCKER_HOST",
    "XTASK_CACHE",
    "XTASK_ENGINE",
    REHEARSAL,
];

/// The user's cache folder: pinned tools, downloads, layers. It is not in `target/`, because `cargo clean`
/// must not break hooks.
pub(crate) fn cache() -> Result<Utf8PathBuf> {
    let from = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty()).map(Utf8PathBuf::from);
    from("XTASK_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|d| d.join("fractal-xtask")))
        .or_else(|| from("HOME").map(|d| d.join(".cache/fractal-xtask")))
        .context("no cache folder: set HOME, XDG_CACHE_HOME or XTASK_CACHE")
}

/// The environment of every child.
pub(crate) fn env() -> Result<Vec<(OsString, OsString)>> {
    let cache = cache()?;
    let home = cache.join("home");
    std::fs::create_dir_all(&home).with_context(|| format!("cannot create {home}"))?;
    let silence = retry::silence();
    let mut env: Vec<(OsString, OsString)> = INHERITED
        .iter()
        .filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value)))
        .collect();
    for (name, value) in [
        ("HOME", home.as_str()),
        ("XTASK_CACHE", cache.as_str()),
        // Not the user's locale: in one that the machine does not have, as after ssh from another machine,
        // Python cannot read a path with an umlaut. Messages are not translated either.
        ("LC_ALL", "C.UTF-8"),
        ("UV_CACHE_DIR", cache.join("uv").as_str()),
        ("UV_PYTHON_DOWNLOADS", "never"),
        ("UV_NO_CONFIG", "1"),
        ("UV_NO_PROGRESS", "1"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("NPM_CONFIG_CACHE", cache.join("npm").as_str()),
        ("NPM_CONFIG_USERCONFIG", "/dev/null"),
        ("NPM_CONFIG_AUDIT", "false"),
        ("NPM_CONFIG_FUND", "false"),
        ("NPM_CONFIG_UPDATE_NOTIFIER", "false"),
        ("BUN_INSTALL_CACHE_DIR", cache.join("bun").as_str()),
        ("DO_NOT_TRACK", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("UV_HTTP_TIMEOUT", &silence.as_secs().to_string()),
        // npm's own pauses are 10 and 60 s.
        ("NPM_CONFIG_FETCH_RETRY_MINTIMEOUT", "500"),
        ("NPM_CONFIG_FETCH_RETRY_MAXTIMEOUT", "5000"),
        ("NPM_CONFIG_FETCH_TIMEOUT", &silence.as_millis().to_string()),
    ] {
        env.push((name.into(), value.into()));
    }
    Ok(env)
}

/// A shell for `cmd!` whose current folder is `dir`.
pub(crate) fn shell(dir: impl AsRef<Utf8Path>) -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(dir.as_ref());
    Ok(sh)
}

/// Runs a program with the clean environment and the variables in `extra`. Returns stdout, or an error with
/// the last 40 lines of both streams.
pub(crate) fn capture(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    captured(cmd, extra, last_40).map(|(stdout, _)| stdout)
}

/// Like [`capture`], but returns stdout and stderr, for programs that report on stderr.
pub(crate) fn capture_both(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    capture_tests(cmd, extra, last_40)
}

/// Like [`capture_both`], for programs that run tests. `shown` selects the part of the output that the error
/// of a failed run shows.
pub(crate) fn capture_tests(
    cmd: Cmd<'_>,
    extra: &[(&str, &str)],
    shown: fn(&str) -> String,
) -> Result<String> {
    captured(cmd, extra, shown).map(|(stdout, stderr)| stdout + &stderr)
}

fn last_40(output: &str) -> String {
    last_lines(output, 40)
}

fn captured(cmd: Cmd<'_>, extra: &[(&str, &str)], shown: fn(&str) -> String) -> Result<(String, String)> {
    let words = cmd.to_string();
    let cmd = cmd.env_clear().envs(env()?).envs(extra.iter().copied());
    let output =
        cmd.quiet().ignore_status().output().with_context(|| format!("`{words}` could not be started"))?;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    if !output.status.success() {
        let code = output
            .status
            .code()
            .map(|c| format!("exit code {c}"))
            .unwrap_or_else(|| output.status.to_string());
        bail!("`{words}`: {code}\n{}", shown(&format!("{stdout}{stderr}")));
    }
    Ok((stdout, stderr))
}

/// How long a program may take to print its version. A cold start on a busy machine takes a few seconds.
const BRIEF: Duration = Duration::from_secs(60);

/// Like [`capture`], but stops the program after [`BRIEF`]. A server that does not know `--version` may start
/// instead and never end.
pub(crate) fn capture_briefly(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    let words = cmd.to_string();
    within(&mut clean(cmd, extra)?, &words, Limits::overall(BRIEF))
}

/// Like [`capture`], for a program that uses the network: it is stopped at the overall limit and when xtask
/// ends, and a long wait is announced.
pub(crate) fn capture_online(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    let words = cmd.to_string();
    online(&mut clean(cmd, extra)?, &words, &first_words(&words))
}

/// Like [`capture_online`], for a program that only reads from the network: it is tried again where that may
/// help.
pub(crate) fn capture_download(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    let words = cmd.to_string();
    let (mut command, what) = (clean(cmd, extra)?, first_words(&words));
    let run = || online(&mut command, &words, &what);
    retry::again(&what, run, |error| retry::temporary(&error.to_string()))
}

/// Like [`capture_online`], for a program with one limit for the whole of its upload: it is also stopped when
/// it reads and writes nothing for longer than a server may be silent.
pub(crate) fn capture_upload(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    let words = cmd.to_string();
    let limits = Limits { overall: retry::overall(), silence: Some(retry::silence() + OWN_LIMIT) };
    online_within(&mut clean(cmd, extra)?, &words, &first_words(&words), limits)
}

/// A program's own limit comes first: its message says more.
const OWN_LIMIT: Duration = Duration::from_secs(5);

fn online(command: &mut Command, words: &str, what: &str) -> Result<String> {
    online_within(command, words, what, Limits::overall(retry::overall()))
}

fn online_within(command: &mut Command, words: &str, what: &str, limits: Limits) -> Result<String> {
    if let Some(fault) = network_fault::set(None) {
        bail!("`{words}`: {}", fault.words());
    }
    let _waiting = retry::waiting(what, limits.overall);
    within(command, words, limits)
}

/// The program's file name and its first argument, for messages about a command of any length.
fn first_words(words: &str) -> String {
    let mut words = words.split_whitespace();
    let program = words.next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    format!("`{program} {} …`", words.next().unwrap_or_default())
}

fn clean(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<Command> {
    Ok(cmd.env_clear().envs(env()?).envs(extra.iter().copied()).into())
}

/// How long a program may run.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    overall: Duration,
    /// How long it, with the programs that it started, may read and write nothing.
    silence: Option<Duration>,
}

impl Limits {
    pub(super) fn overall(overall: Duration) -> Limits {
        Limits { overall, silence: None }
    }
}

/// What a program printed, and how it ended. `status` is None if it was stopped at a limit.
pub(super) struct Ended {
    pub status: Option<ExitStatus>,
    /// It was stopped because it read and wrote nothing.
    pub silent: bool,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Which processes are stopped together with a program.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stops {
    /// Its process group, which is its own.
    Group,
    /// Its descendants. It stays in xtask's group, so that it can ask on the terminal.
    Tree,
}

/// Runs the program. It is stopped, with the processes that it started, at a limit and when xtask ends.
pub(super) fn bounded(command: &mut Command, words: &str, limits: Limits, stops: Stops) -> Result<Ended> {
    // Files instead of pipes: a process that the program started may keep a pipe open.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    if stops == Stops::Group {
        command.process_group(0);
    }
    let mut child = command.spawn().with_context(|| format!("`{words}` could not be started"))?;
    let pid = Pid::from_child(&child);
    let guard = match stops {
        Stops::Group => kill_on_exit::kill_when_gone(child.id()),
        Stops::Tree => kill_on_exit::kill_tree_when_gone(child.id()),
    };
    let started = Instant::now();
    let ended =
        || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT);
    let (mut in_time, mut silent) = (false, false);
    let mut traffic = limits.silence.map(|limit| Traffic::new(child.id(), limit));
    while guard.is_ok() && !in_time && !silent && started.elapsed() < limits.overall {
        match ended()? {
            Some(_) => in_time = true,
            None => {
                std::thread::sleep(Duration::from_millis(10));
                silent = traffic.as_mut().is_some_and(Traffic::is_silent);
            }
        }
    }
    let status = stopped(&mut child, guard, pid, stops, in_time)?;
    let read = |file: &mut File| -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let status = in_time.then_some(status);
    Ok(Ended { status, silent, stdout: read(&mut stdout)?, stderr: read(&mut stderr)? })
}

/// Kills what is left of the program, and ends its guard.
fn stopped(
    child: &mut Child,
    guard: Result<Child>,
    pid: Pid,
    stops: Stops,
    ended: bool,
) -> Result<ExitStatus> {
    // Until the leader is waited for, the system does not give the group's number to another process.
    let _ = match stops {
        Stops::Group => kill_process_group(pid, Signal::KILL),
        Stops::Tree if ended => Ok(()),
        Stops::Tree => kill_process(pid, Signal::STOP),
    };
    let mut guard = match guard {
        Ok(guard) => guard,
        Err(error) => {
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
    };
    if ended || stops == Stops::Group {
        guard.kill()?;
    } else {
        // The guard kills the descendants.
        drop(guard.stdin.take());
    }
    guard.wait()?;
    Ok(child.wait()?)
}

/// Runs the program in a process group of its own, and returns stdout.
fn within(command: &mut Command, words: &str, limits: Limits) -> Result<String> {
    let Ended { status, silent, stdout, stderr } = bounded(command, words, limits, Stops::Group)?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let output = last_lines(&format!("{stdout}{stderr}"), 40);
    match status {
        Some(status) if status.success() => Ok(stdout.into_owned()),
        Some(status) => {
            let code = status.code().map(|c| format!("exit code {c}")).unwrap_or_else(|| status.to_string());
            bail!("`{words}`: {code}\n{output}")
        }
        None if silent => {
            let seconds = limits.silence.unwrap_or_default().as_secs();
            bail!("`{words}` transferred nothing for {seconds} s and was stopped\n{output}")
        }
        None => {
            bail!("`{words}` did not end within {} s and was stopped\n{output}", limits.overall.as_secs())
        }
    }
}

/// The last `n` lines. If there are more, the first line tells how many were skipped.
pub(crate) fn last_lines(text: &str, n: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let skipped = lines.len().saturating_sub(n);
    let mut shown = lines[skipped..].join("\n");
    if skipped > 0 {
        shown = format!("[{skipped} lines before]\n{shown}");
    }
    shown
}

/// The last lines of a program's log. Empty if it cannot be read.
pub(crate) fn end_of_log(log: &Utf8Path) -> String {
    last_lines(&std::fs::read_to_string(log).unwrap_or_default(), 20)
}

/// The ports that servers get which listen later. They are below the ports that kernels give to outgoing
/// connections (Linux: from 32768, RFC 6335: from 49152): a connection could take one of those before the
/// server listens. The tests of the apps choose theirs from 28000 on.
const PORTS: Range<u16> = 20_000..28_000;
/// How many of them a process reserves at once.
const BLOCK: u16 = 32;

/// The ports that a process has reserved: no other process of this user gets them while it runs.
struct Reserved {
    _lock: File,
    left: Range<u16>,
}

static RESERVED: Mutex<Option<Reserved>> = Mutex::new(None);

/// A TCP port of this machine that is free at this moment, and that this function returns only once. Two
/// servers that start at the same time would otherwise get the same port, and the one that answers first
/// would be taken for both.
pub(crate) fn free_port() -> Result<u16> {
    let mut reserved = RESERVED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    loop {
        let mut left = reserved.iter_mut().flat_map(|reserved| &mut reserved.left);
        if let Some(port) = left.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
            return Ok(port);
        }
        *reserved = Some(reserve()?);
    }
}

/// Locks the file of a block of ports that no other process has. The lock ends with the process.
fn reserve() -> Result<Reserved> {
    let folder = cache()?.join("ports");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {folder}"))?;
    let blocks = u64::from(PORTS.end - PORTS.start) / u64::from(BLOCK);
    let random = RandomState::new().build_hasher().finish() % blocks;
    for block in (random..blocks).chain(0..random) {
        let first = PORTS.start + u16::try_from(block)? * BLOCK;
        let file = folder.join(first.to_string());
        let lock = File::create(&file).with_context(|| format!("cannot create {file}"))?;
        match lock.try_lock() {
            Ok(()) => return Ok(Reserved { _lock: lock, left: first..first + BLOCK }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {file}"));
            }
        }
    }
    bail!("other processes have reserved all ports from {} to {}", PORTS.start, PORTS.end - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        within(&mut command, "program --version", Limits::overall(limit))
    }

    #[test]
    fn a_free_port_is_no_port_of_outgoing_connections_and_is_returned_once() {
        // Nothing listens on them meanwhile.
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..20).map(|_| free_port().unwrap()).collect::<Vec<_>>()))
            .collect();
        let ports: Vec<u16> = threads.into_iter().flat_map(|one| one.join().unwrap()).collect();
        assert!(ports.iter().all(|port| PORTS.contains(port)), "{ports:?}");
        let once: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(once.len(), ports.len(), "{ports:?}");
    }

    #[test]
    fn two_reservations_have_no_port_in_common() {
        // As two processes: each has a file of its own, and a lock belongs to the file that was opened.
        let held: Vec<_> = (0..3).map(|_| reserve().unwrap()).collect();
        let first: std::collections::BTreeSet<_> = held.iter().map(|one| one.left.start).collect();
        assert_eq!(first.len(), held.len());
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        // The child keeps both streams open, and the program ignores SIGTERM.
        let script =
            format!("trap '' TERM; sleep 600 & echo $! > '{}'; echo listening; wait", file.display());
        let error = sh(&script, Duration::from_secs(2)).unwrap_err().to_string();
        assert_eq!(error, "`program --version` did not end within 2 s and was stopped\nlistening");
        ended(&file);
    }

    #[test]
    fn a_program_that_transfers_nothing_is_stopped_before_its_overall_limit() {
        let upload = |script: &str| {
            let limits = Limits { overall: BRIEF, silence: Some(Duration::from_secs(2)) };
            within(Command::new("/bin/sh").args(["-c", script]), "upload", limits)
        };
        // In a child, as npm's shell script starts node.
        let slow = "(for i in 1 2 3 4 5 6 7 8; do head -c 4096 /dev/zero; sleep 0.4; done | wc -c); true";
        assert_eq!(upload(slow).unwrap().trim(), "32768");
        let error = upload("head -c 9 /dev/zero | wc -c; sleep 600").unwrap_err().to_string();
        assert_eq!(error, "`upload` transferred nothing for 2 s and was stopped\n9");
    }

    #[test]
    fn children_that_outlive_the_program_are_stopped_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > '{}'; echo 1.2.3", file.display());
        assert_eq!(sh(&script, Duration::from_secs(60)).unwrap(), "1.2.3\n");
        ended(&file);
    }

    #[test]
    fn the_error_of_a_failed_program_has_its_exit_code_and_output() {
        let error = sh("echo no such option >&2; exit 2", Duration::from_secs(60)).unwrap_err().to_string();
        assert_eq!(error, "`program --version`: exit code 2\nno such option");
    }

    /// Waits until the process is gone. A killed orphan exists until init has reaped it.
    fn ended(file: &std::path::Path) {
        let pid = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let pid = Pid::from_raw(pid).unwrap();
        let gone = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            rustix::process::test_kill_process(pid).is_err()
        });
        assert!(gone, "a child of the program is still running");
    }
}
