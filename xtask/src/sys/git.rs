//! Runs the git command line. Callers name revisions; git resolves them.

use super::child::{self, Ended, Limits, Stops};
use super::{network_fault, retry, secrets, ui, url};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use login::Login;
use std::process::{Command, Stdio};
use std::sync::Arc;
use trace::Trace;

mod login;
mod trace;
mod trouble;

/// Git in one folder. It ignores the environment of a git hook that may have started xtask.
#[derive(Clone)]
pub(crate) struct Git {
    pub dir: Utf8PathBuf,
    /// The settings with the password of the remote's address.
    login: Option<Arc<Login>>,
    /// The objects of another repository, for a git in a repository without files, refs and settings.
    borrowed: Option<Utf8PathBuf>,
    /// Whether it may connect to a remote. A clone without all files fetches them when they are needed.
    offline: bool,
}

/// The variables that git sets for a hook: its repository (`git rev-parse --local-env-vars`), and in
/// [`HOOK_IDENTITY`] the identity of the commit that is being created.
const HOOK_ENV: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
];
const HOOK_IDENTITY: &[&str] = &[
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
];

/// The user's settings that would change what git prints for a program: lines of `gpg` before a commit's
/// date, paths in quotes, texts in another encoding.
const READABLE: &[&str] =
    &["-c", "log.showSignature=false", "-c", "core.quotePath=false", "-c", "i18n.logOutputEncoding=UTF-8"];

/// The variable with the ssh command of git (git(1)).
const SSH: &str = "GIT_SSH_COMMAND";

impl Git {
    pub(crate) fn new(dir: impl AsRef<Utf8Path>) -> Git {
        Git { dir: dir.as_ref().to_path_buf(), login: None, borrowed: None, offline: false }
    }

    /// Git in another folder, with the same remote.
    pub(crate) fn at(&self, dir: impl AsRef<Utf8Path>) -> Git {
        Git { dir: dir.as_ref().to_path_buf(), ..self.clone() }
    }

    /// Git in the bare repository `dir`, with the objects of another one. It reads no settings and attributes
    /// of the user and the machine, so what it prints depends on the objects only.
    pub(crate) fn borrowing(&self, dir: impl AsRef<Utf8Path>, objects: Utf8PathBuf) -> Git {
        Git { borrowed: Some(objects), ..self.at(dir) }
    }

    /// The same git, which fails where it would have to fetch.
    pub(crate) fn offline(&self) -> Git {
        Git { offline: true, ..self.clone() }
    }

    /// Returns a git that has the login of this remote, and the remote's address without the login.
    pub(crate) fn with_remote(self, remote: &str) -> (Git, String) {
        let named = match remote.contains("://") {
            true => None,
            false => self.addresses(remote).into_iter().find(|address| url::login(address).is_some()),
        };
        let address = named.as_deref().unwrap_or(remote);
        match Login::new(address) {
            Some((login, shown)) => {
                let remote = if named.is_some() { remote.to_string() } else { shown };
                (Git { login: Some(Arc::new(login)), ..self }, remote)
            }
            None => (self, remote.to_string()),
        }
    }

    /// The variables with which any git knows that password, while this one is there.
    pub(crate) fn login(&self) -> Vec<(&'static str, String)> {
        self.login.iter().flat_map(|login| login.environment()).collect()
    }

    /// The addresses of a remote that has a name.
    fn addresses(&self, remote: &str) -> Vec<String> {
        // Saves a process where no address of this repository has a login.
        let config = std::fs::read_to_string(self.dir.join(".git/config"));
        let is_login = |line: &str| {
            line.split_once('=')
                .is_some_and(|(_, value)| url::login(value.trim().trim_matches('"')).is_some())
        };
        if config.is_ok_and(|config| !config.lines().any(is_login)) {
            return Vec::new();
        }
        let read = |kind: &[&str]| self.read(&[&["remote", "get-url"], kind, &["--", remote]].concat());
        let both = [read(&[]), read(&["--push"])];
        both.into_iter().flatten().collect()
    }

    /// A git command in the folder, without the variables of a hook. The user's locale is kept, because hooks
    /// and the Python that they run inherit it. Nothing that git translates is parsed.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.args(READABLE).current_dir(&self.dir).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
        let in_hook = std::env::var_os("GIT_INDEX_FILE").is_some() || std::env::var_os("GIT_DIR").is_some();
        for name in HOOK_ENV.iter().chain(HOOK_IDENTITY.iter().filter(|_| in_hook)) {
            command.env_remove(name);
        }
        if let Some(objects) = &self.borrowed {
            command.env("GIT_DIR", &self.dir).env("GIT_OBJECT_DIRECTORY", objects);
            // The default of core.attributesFile is in the folder XDG_CONFIG_HOME (gitattributes(5)).
            command.env("HOME", &self.dir).env("XDG_CONFIG_HOME", &self.dir);
            command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
            command.env("GIT_ATTR_NOSYSTEM", "1").env("GIT_LITERAL_PATHSPECS", "1");
        }
        if self.offline {
            // No transport has this name (git(1)).
            command.env("GIT_ALLOW_PROTOCOL", "none");
        }
        // Hooks and helpers inherit what git gets.
        secrets::withhold(&mut command);
        // A transfer over HTTP that is silent for this long ends (git-config(1), http.lowSpeedTime). It is
        // set for every command: in a partial clone many of them fetch.
        command.env("GIT_HTTP_LOW_SPEED_LIMIT", "1");
        command.env("GIT_HTTP_LOW_SPEED_TIME", retry::silence().as_secs().to_string());
        command.envs(self.login());
        command
    }

    /// A git command for a hook. It sees the index of the commit that is being made: `git commit --all` and
    /// `git commit FILE` have an index of their own.
    pub(crate) fn in_hook(&self) -> Command {
        let mut command = self.command();
        command.env("GIT_OPTIONAL_LOCKS", "0");
        if let (Some(index), Ok(dir)) = (std::env::var_os("GIT_INDEX_FILE"), std::env::current_dir()) {
            command.env("GIT_INDEX_FILE", dir.join(index));
        }
        command
    }

    /// Runs git and returns stdout as bytes. The error contains git's own message.
    pub(crate) fn bytes<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<Vec<u8>> {
        let output =
            self.command().args(args).output().context("git could not be started (is it on PATH?)")?;
        if !output.status.success() {
            return Err(self.failed(args, &output.stderr));
        }
        Ok(output.stdout)
    }

    fn failed<S: AsRef<std::ffi::OsStr>>(&self, args: &[S], stderr: &[u8]) -> anyhow::Error {
        let stderr = String::from_utf8_lossy(stderr);
        let advice = trouble::advice(&stderr, |file| std::path::Path::new(file).exists());
        let advice = advice.map(|advice| format!("\n{advice}")).unwrap_or_default();
        anyhow::anyhow!("{} failed in {}:\n{}{advice}", words(args), self.dir, stderr.trim_end())
    }

    /// Runs a git command that talks to a remote, and returns stdout as text. It is limited in time, ends
    /// with xtask, and is tried again after a temporary failure. That is safe for a push too: git asks the
    /// remote for its refs first, and sends nothing that is there.
    pub(crate) fn online<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<String> {
        let what = format!("git {}", args.first().map_or("".into(), |arg| arg.as_ref().to_string_lossy()));
        let _waiting = retry::waiting(&what, retry::overall());
        let bytes =
            retry::again(&what, || self.once_online(args), |error| retry::temporary(&error.to_string()))?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_string())
    }

    fn once_online<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<Vec<u8>> {
        if let Some(fault) = network_fault::set(None) {
            return Err(self.failed(args, fault.words().as_bytes()));
        }
        // On a terminal, ssh may ask for a passphrase: only the terminal's group may read from it.
        let stops = if ui::terminal() { Stops::Tree } else { Stops::Group };
        let limit = retry::overall();
        let mut command = self.command();
        command.envs(self.ssh());
        let trace = Trace::new();
        command.envs(trace.iter().flat_map(Trace::environment));
        let Ended { status, stdout, stderr, .. } =
            child::bounded(command.args(args), &words(args), Limits::overall(limit), stops)?;
        match status {
            Some(status) if status.success() => Ok(stdout),
            Some(_) => {
                let error = self.failed(args, &stderr);
                let busy = retry::is_busy(&error.to_string());
                Err(match trace.filter(|_| busy).and_then(Trace::retry_after) {
                    Some(pause) => error.context(retry::Asked(pause)),
                    None => error,
                })
            }
            None => bail!(
                "{} was stopped after {} s (XTASK_LIMIT)\n{}",
                words(args),
                limit.as_secs(),
                String::from_utf8_lossy(&stderr).trim_end()
            ),
        }
    }

    /// The ssh command that ends when the other side does not answer any more. None if the user has set one.
    fn ssh(&self) -> Option<(&'static str, String)> {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set(SSH) || set("GIT_SSH") || self.read(&["config", "--get", "core.sshCommand"]).is_ok() {
            return None;
        }
        // ssh asks for a sign of life after each interval, and gives up after four (ssh_config(5)).
        let (all, interval) = (retry::silence().as_secs(), retry::silence().as_secs().div_ceil(4));
        let options = [
            format!("ConnectTimeout={all}"),
            format!("ServerAliveInterval={interval}"),
            "ServerAliveCountMax=4".to_string(),
        ];
        Some((SSH, format!("ssh -o {}", options.join(" -o "))))
    }

    /// Runs git and returns stdout as text without its last newline. Bytes that are not UTF-8 are replaced.
    pub(crate) fn read<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<String> {
        let text = String::from_utf8_lossy(&self.bytes(args)?).into_owned();
        Ok(text.strip_suffix('\n').map(str::to_string).unwrap_or(text))
    }

    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<()> {
        self.bytes(args).map(drop)
    }

    /// Runs git as a question: exit code 0 is yes, 1 is no, any other is an error.
    pub(crate) fn ask<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<bool> {
        let output =
            self.command().args(args).output().context("git could not be started (is it on PATH?)")?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(self.failed(args, &output.stderr)),
        }
    }

    /// Runs git with `input` on stdin and returns stdout.
    pub(crate) fn pipe<S: AsRef<std::ffi::OsStr>>(&self, args: &[S], input: &[u8]) -> Result<Vec<u8>> {
        use std::io::Write;
        let mut child = self
            .command()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().expect("piped");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output()?;
        // If git stops early, writing fails because the pipe is closed. The exit status below gives the
        // reason.
        let _ = writer.join();
        if !output.status.success() {
            return Err(self.failed(args, &output.stderr));
        }
        Ok(output.stdout)
    }

    /// The commit that a revision names, as 40 hex digits.
    pub(crate) fn commit(&self, rev: &str) -> Result<String> {
        if rev.starts_with('-') {
            bail!("{rev:?} is not a revision: it begins with `-`");
        }
        self.read(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{rev}^{{commit}}")])
            .map_err(|error| match trouble::advice(&error.to_string(), |_| false) {
                Some(_) => error,
                None => anyhow::anyhow!("{rev:?} names no commit in {}", self.dir),
            })
    }

    /// Fails in a repository without a commit.
    pub(crate) fn refuse_without_commits(&self) -> Result<()> {
        if !self.ask(&["rev-parse", "--verify", "--quiet", "HEAD"])? {
            bail!("{} has no commit yet; create the first one: git add --all && git commit", self.dir);
        }
        Ok(())
    }

    /// Fails while another git command changes the index, or if one was killed meanwhile.
    pub(crate) fn refuse_locked_index(&self) -> Result<()> {
        let file = self.dir.join(self.read(&["rev-parse", "--git-path", "index.lock"])?);
        if file.exists() {
            bail!("{file} exists: {}", trouble::locked(file.as_str()));
        }
        Ok(())
    }

    /// The name of the remote that is used if nobody names one. `git clone` does not always call it `origin`:
    /// see clone.defaultRemoteName in git-config(1).
    pub(crate) fn default_remote(&self) -> String {
        // Saves processes where the answer is usual: a remote of this name, or none at all.
        let config = std::fs::read_to_string(self.dir.join(".git/config"));
        let elsewhere = |text: &str| text.contains("[remote ") || text.contains("[include");
        if config.is_ok_and(|text| text.contains("[remote \"origin\"]") || !elsewhere(&text)) {
            return "origin".to_string();
        }
        let names = self.read(&["remote"]).unwrap_or_default();
        let of_branch = || self.read(&["config", &format!("branch.{}.remote", self.branch().ok()??)]).ok();
        trouble::remote(&names.lines().collect::<Vec<_>>(), of_branch)
    }

    /// The committer date in seconds since 1970, for SOURCE_DATE_EPOCH.
    pub(crate) fn commit_time(&self, commit: &str) -> Result<i64> {
        Ok(self.read(&["show", "-s", "--format=%ct", "--end-of-options", commit])?.trim().parse()?)
    }

    /// Fetches the objects of these refs from a remote without writing a ref.
    pub(crate) fn fetch_objects(&self, from: &str, names: &[String]) -> Result<()> {
        let mut args = vec![
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--refmap=",
            "--",
            from,
        ];
        args.extend(names.iter().map(String::as_str));
        self.online(&args).map(drop)
    }

    /// The checked-out branch. None on a detached HEAD.
    pub(crate) fn branch(&self) -> Result<Option<String>> {
        Ok(self.read(&["symbolic-ref", "--quiet", "--short", "HEAD"]).ok())
    }

    /// The uncommitted changes, as lines of `git status --porcelain`.
    pub(crate) fn dirty(&self) -> Result<Vec<String>> {
        Ok(self.read(&["status", "--porcelain"])?.lines().map(str::to_string).collect())
    }
}

/// The command as a person types it.
fn words<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> String {
    let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    format!("git {}", words.join(" "))
}

/// The first seven digits of an object id, git's own short form.
pub(crate) fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}
