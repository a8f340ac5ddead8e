//! Starts programs with an allow-listed environment and a HOME of their own. Errors contain the last lines of
//! their output.

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use xshell::{Cmd, Shell};

/// The environment variable with the folder of the rehearsal that started xtask.
pub(crate) const REHEARSAL: &str = "XTASK_REHEARSAL";

/// The environment variables that a child inherits. All variables that could redirect an upload (UV_*,
/// TWINE_*, PIP_INDEX_URL, NPM_CONFIG_*, …) are left out on purpose.
const INHERITED: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
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
    let mut env: Vec<(OsString, OsString)> = INHERITED
        .iter()
        .filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value)))
        .collect();
    for (name, value) in [
        ("HOME", home.as_str()),
        ("XTASK_CACHE", cache.as_str()),
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
    captured(cmd, extra).map(|(stdout, _)| stdout)
}

/// Like [`capture`], but returns stdout and stderr, for programs that report on stderr.
pub(crate) fn capture_both(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    captured(cmd, extra).map(|(stdout, stderr)| stdout + &stderr)
}

fn captured(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<(String, String)> {
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
        bail!("`{words}`: {code}\n{}", last_lines(&format!("{stdout}{stderr}"), 40));
    }
    Ok((stdout, stderr))
}

/// How long a program may take to print its version. A cold start on a busy machine takes a few seconds.
const BRIEF: Duration = Duration::from_secs(60);

/// Like [`capture`], but stops the program after [`BRIEF`]. A server that does not know `--version` may start
/// instead and never end.
pub(crate) fn capture_briefly(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    let words = cmd.to_string();
    within(cmd.env_clear().envs(env()?).envs(extra.iter().copied()).into(), &words, BRIEF)
}

/// How long an installation may take. Large wheels over a slow connection take minutes.
const INSTALLATION: Duration = Duration::from_secs(20 * 60);

/// Like [`capture`], but stops the program after [`INSTALLATION`], in case an index never finishes its
/// answer.
pub(crate) fn capture_installation(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    let words = cmd.to_string();
    within(cmd.env_clear().envs(env()?).envs(extra.iter().copied()).into(), &words, INSTALLATION)
}

/// Runs the program in a process group of its own. The group is killed when the program ends, at the limit,
/// and when xtask ends.
fn within(mut command: Command, words: &str, limit: Duration) -> Result<String> {
    // Files instead of pipes: a process that the program started may keep a pipe open.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).process_group(0);
    let mut child = command.spawn().with_context(|| format!("`{words}` could not be started"))?;
    let group = Pid::from_child(&child);
    let guard = crate::sys::kill_on_exit::kill_when_gone(child.id());
    let started = Instant::now();
    let ended =
        || waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT);
    let mut in_time = false;
    while guard.is_ok() && !in_time && started.elapsed() < limit {
        match ended()? {
            Some(_) => in_time = true,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    // Until the leader is waited for, the system does not give the group's number to another process.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait()?;
    let mut guard = guard?;
    guard.kill()?;
    guard.wait()?;
    let read = |file: &mut File| -> Result<String> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (stdout, stderr) = (read(&mut stdout)?, read(&mut stderr)?);
    let output = last_lines(&format!("{stdout}{stderr}"), 40);
    if !in_time {
        bail!("`{words}` did not end within {} s and was stopped\n{output}", limit.as_secs());
    }
    if !status.success() {
        let code = status.code().map(|c| format!("exit code {c}")).unwrap_or_else(|| status.to_string());
        bail!("`{words}`: {code}\n{output}");
    }
    Ok(stdout)
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

/// A TCP port of this machine that is free at this moment. Another process may take it before it is used.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        within(command, "program --version", limit)
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
