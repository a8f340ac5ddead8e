//! Programs that we start: an allow-listed environment, a HOME of their own, and errors that carry their last words.

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::ffi::OsString;
use xshell::{Cmd, Shell};

/// What a child may inherit. Everything that could redirect an upload (UV_*, TWINE_*, PIP_INDEX_URL, NPM_CONFIG_*, …) is missing on purpose.
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
];

/// The user's cache folder: pinned tools, downloads, layers. Not `target/`: `cargo clean` must not disable hooks.
pub fn cache() -> Result<Utf8PathBuf> {
    let from = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty()).map(Utf8PathBuf::from);
    from("XTASK_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|d| d.join("fractal-xtask")))
        .or_else(|| from("HOME").map(|d| d.join(".cache/fractal-xtask")))
        .context("no cache folder: set HOME, XDG_CACHE_HOME or XTASK_CACHE")
}

/// The environment of every child.
pub fn env() -> Result<Vec<(OsString, OsString)>> {
    let cache = cache()?;
    let home = cache.join("home");
    std::fs::create_dir_all(&home).with_context(|| format!("{home} can't be made"))?;
    let mut env: Vec<(OsString, OsString)> =
        INHERITED.iter().filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value))).collect();
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

/// A shell in `dir` for `cmd!`.
pub fn shell(dir: impl AsRef<Utf8Path>) -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(dir.as_ref());
    Ok(sh)
}

/// Runs it with the clean environment plus what the command itself sets in `extra`; standard output, or an error with the last lines of both streams.
pub fn capture(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    captured(cmd, extra).map(|(stdout, _)| stdout)
}

/// The same for programs that report on standard error: both streams.
pub fn capture_both(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<String> {
    captured(cmd, extra).map(|(stdout, stderr)| stdout + &stderr)
}

fn captured(cmd: Cmd<'_>, extra: &[(&str, &str)]) -> Result<(String, String)> {
    let words = cmd.to_string();
    let cmd = cmd.env_clear().envs(env()?).envs(extra.iter().copied());
    let output = cmd.quiet().ignore_status().output().with_context(|| format!("`{words}` could not be started"))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    if !output.status.success() {
        let code = output.status.code().map(|c| format!("exit code {c}")).unwrap_or_else(|| output.status.to_string());
        bail!("`{words}`: {code}\n{}", last_lines(&format!("{stdout}{stderr}"), 40));
    }
    Ok((stdout, stderr))
}

/// The last `n` lines, with a word on how many came before.
pub fn last_lines(text: &str, n: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let skipped = lines.len().saturating_sub(n);
    let mut shown = lines[skipped..].join("\n");
    if skipped > 0 {
        shown = format!("[{skipped} lines before]\n{shown}");
    }
    shown
}

/// A TCP port of this machine that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
