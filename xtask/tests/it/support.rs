//! A hermetic environment for tests: a repository in a temporary folder with a small Python app, and with its
//! own HOME, git configuration and clock.

use camino::{Utf8Path, Utf8PathBuf};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The start of the tests' clock, 2026-01-01T00:00:00Z. Every command is one minute later than the one
/// before.
const EPOCH: i64 = 1_767_225_600;

pub(crate) const APP_TOML: &str = "name = \"python\"\necosystem = \"python\"\npackage = \"demo-agent\"\n\
    commands.no-tests = \"a fixture\"\n";
pub(crate) const PYPROJECT: &str =
    "[project]\nname = \"demo-agent\"\nversion = \"0.0.0\" # the only place\nrequires-python = \">=3.11\"\n";

/// A repository in a temporary folder, which is removed when this is dropped.
pub(crate) struct Repo {
    pub path: Utf8PathBuf,
    _world: tempfile::TempDir,
    minutes: Cell<i64>,
}

/// The output and the exit code of a program; -1 if a signal killed it.
#[derive(Debug)]
pub(crate) struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Parses stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("not JSON ({e}): {self:#?}"))
    }
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Output {
        assert_eq!(self.code, code, "exit code of {self:#?}");
        self
    }
}

/// The address of an index that has no package.
fn empty_index() -> &'static str {
    static INDEX: OnceLock<String> = OnceLock::new();
    INDEX.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}/simple", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // The client may be gone.
                let _ =
                    BufReader::new(&client).lines().find(|line| line.as_ref().map_or(true, String::is_empty));
                let head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = (&client).write_all(head.as_bytes());
            }
        });
        address
    })
}

impl Repo {
    /// A repository with the app `apps/python` in one commit on `main`.
    pub(crate) fn new() -> Repo {
        Repo::named("repo")
    }

    /// Like `new`, in a folder of this name.
    pub(crate) fn named(name: &str) -> Repo {
        let repo = Repo::empty(name);
        repo.write(
            "Cargo.toml",
            "[workspace.metadata.xtask]\nrepository = \"https://forge.example/team/mono\"\n",
        );
        repo.write("apps/python/app.toml", APP_TOML);
        repo.write("apps/python/pyproject.toml", PYPROJECT);
        repo.commit("apps/python/src/demo_agent/__init__.py", "VALUE = 0\n", "chore: begin");
        repo
    }

    /// A repository without a commit.
    pub(crate) fn empty(name: &str) -> Repo {
        let world = tempfile::Builder::new().prefix("xtask-it-").tempdir().expect("a temporary folder");
        let base = Utf8PathBuf::try_from(world.path().canonicalize().unwrap()).unwrap();
        for folder in ["home", "tmp", name] {
            std::fs::create_dir_all(base.join(folder)).unwrap();
        }
        let config = "[user]\nname = Dev\nemail = dev@example.org\n[init]\ndefaultBranch = main\n\
                      [advice]\ndetachedHead = false\n[commit]\ngpgsign = false\n\
                      [core]\nautocrlf = false\n[protocol \"file\"]\nallow = always\n";
        std::fs::write(base.join("home/.gitconfig"), config).unwrap();
        let repo = Repo { path: base.join(name), _world: world, minutes: Cell::new(0) };
        repo.git(&["init", "--quiet"]);
        repo
    }

    /// The temporary folder that contains the repository, its HOME, and files that a test adds next to them.
    pub(crate) fn world(&self) -> &Utf8Path {
        self.path.parent().expect("the repository is in a temporary folder")
    }

    /// A program with this world's environment and clock.
    pub(crate) fn command(&self, program: &str, dir: &Utf8Path) -> Command {
        let home = self.world().join("home");
        let minutes = self.minutes.get() + 1;
        self.minutes.set(minutes);
        let now = EPOCH + minutes * 60;
        let mut command = Command::new(program);
        command.current_dir(dir).env_clear();
        for name in
            ["PATH", "LANG", "CARGO_HOME", "RUSTUP_HOME", "HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE"]
        {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", &home)
            .env("TMPDIR", self.world().join("tmp"))
            .env("XTASK_CACHE", user_cache())
            .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // No test contacts a real index.
            .env("XTASK_PYPI", empty_index())
            .env("GIT_AUTHOR_DATE", format!("{now} +0000"))
            .env("GIT_COMMITTER_DATE", format!("{now} +0000"))
            .env("SOURCE_DATE_EPOCH", now.to_string());
        command
    }

    /// The program under test, which SIGINT ends. A shell without job control starts background jobs with
    /// SIGINT ignored, and programs inherit that.
    pub(crate) fn interruptible(&self) -> Command {
        let mut command = self.command("env", &self.path);
        command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_xtask")]);
        command
    }

    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.path, args)
    }

    #[track_caller]
    pub(crate) fn git_in(&self, dir: &Utf8Path, args: &[&str]) -> String {
        let output = run(self.command("git", dir).args(args));
        assert_eq!(output.code, 0, "git {args:?}: {output:#?}");
        output.stdout.trim_end_matches('\n').to_string()
    }

    /// The program under test, in the repository.
    pub(crate) fn xtask(&self, args: &[&str]) -> Output {
        self.xtask_in(&self.path, args)
    }

    pub(crate) fn xtask_in(&self, dir: &Utf8Path, args: &[&str]) -> Output {
        run(self.command(env!("CARGO_BIN_EXE_xtask"), dir).args(args))
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.path.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Writes one file and commits everything. Returns the commit id.
    #[track_caller]
    pub(crate) fn commit(&self, path: &str, text: &str, message: &str) -> String {
        self.write(path, text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--cleanup=verbatim", "--message", message]);
        self.head()
    }

    #[track_caller]
    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits a change of the app with this message. Each call writes another content. Returns the commit
    /// id.
    #[track_caller]
    pub(crate) fn change(&self, message: &str) -> String {
        let text = format!("VALUE = {}\n", self.minutes.get());
        self.commit("apps/python/src/demo_agent/__init__.py", &text, message)
    }

    /// The state of the repository as text: files, refs, HEAD, index.
    pub(crate) fn snapshot(&self) -> String {
        let mut files = Vec::new();
        list(&self.path, &self.path, &mut files);
        files.sort();
        let git = |args: &[&str]| run(self.command("git", &self.path).args(args)).stdout;
        format!(
            "{}\n{}\n{}\n{}\n{}",
            files.join("\n"),
            git(&["for-each-ref"]),
            git(&["symbolic-ref", "-q", "HEAD"]),
            git(&["rev-parse", "-q", "--verify", "HEAD"]),
            git(&["ls-files", "--stage"]),
        )
    }

    /// Runs `run`, and fails if it changed the repository.
    #[track_caller]
    pub(crate) fn untouched<T>(&self, run: impl FnOnce() -> T) -> T {
        let before = self.snapshot();
        let result = run();
        let after = self.snapshot();
        let gone = before.lines().filter(|l| !after.contains(l));
        let new = after.lines().filter(|l| !before.contains(l));
        let changes: Vec<String> =
            gone.map(|l| format!("-{l}")).chain(new.map(|l| format!("+{l}"))).collect();
        assert!(before == after, "the repository has changed:\n{}", changes.join("\n"));
        result
    }
}

/// The servers of `xtask __world`. They end when this is dropped.
pub(crate) struct Servers {
    /// The environment for a command that releases to the servers.
    pub env: BTreeMap<String, String>,
    pub process: Child,
}

impl Servers {
    /// Starts the servers that the repository's apps need, with their data below `data`.
    pub(crate) fn start(repo: &Repo, data: &Utf8Path) -> Servers {
        Servers::start_with(repo, data, &[])
    }

    /// Like `start`, with more environment variables.
    pub(crate) fn start_with(repo: &Repo, data: &Utf8Path, env: &[(&str, &str)]) -> Servers {
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.envs(env.iter().copied());
        command.args(["__world", data.as_str()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the servers start");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let env = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        Servers { env, process }
    }

    /// The folder of the bare repository of the remote.
    pub(crate) fn remote(&self) -> &Utf8Path {
        Utf8Path::new(self.env["XTASK_REMOTE"].trim_start_matches("file://"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let output = Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    let unknown: Vec<&str> = findings(&output.stderr).filter(|id| !crate::docs::documents(id)).collect();
    assert!(unknown.is_empty(), "findings without a row in xtask/RUNBOOK.md: {unknown:?}");
    output
}

/// The ids of the findings that xtask prints: `error[dirty-tree]: …`.
fn findings(stderr: &str) -> impl Iterator<Item = &str> {
    let levels = ["info[", "warning[", "error[", "breaking["];
    stderr
        .lines()
        .filter_map(move |line| levels.iter().find_map(|level| line.strip_prefix(level))?.split(']').next())
}

/// The SHA-256 of `bytes` as 64 hex digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lists every file except git's own, with its mode and the hash of its content.
fn list(root: &Utf8Path, dir: &Utf8Path, into: &mut Vec<String>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in dir.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_name() == ".git" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            list(root, path, into);
        } else {
            let mode = path.symlink_metadata().unwrap().permissions().mode();
            let hash = sha256(&std::fs::read(path).unwrap_or_default());
            into.push(format!("{} {mode:o} {hash}", path.strip_prefix(root).unwrap()));
        }
    }
}

/// Pinned tools are installed once per machine, not once per test.
pub(crate) fn user_cache() -> std::ffi::OsString {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
    let below =
        |name: &str, path: &str| set(name).map(|dir| std::path::Path::new(&dir).join(path).into_os_string());
    set("XTASK_CACHE")
        .or_else(|| below("XDG_CACHE_HOME", "fractal-xtask"))
        .or_else(|| below("HOME", ".cache/fractal-xtask"))
        .unwrap_or_else(|| "/tmp/fractal-xtask".into())
}

/// A pinned tool that `cargo xtask setup` has installed.
pub(crate) fn tool(name: &str) -> Option<std::path::PathBuf> {
    let cache = user_cache().into_string().unwrap();
    let found = ["bin", "node_modules/.bin"].iter().find_map(|folder| {
        glob::glob(&format!("{cache}/tools/{name}-*/{folder}/{name}")).unwrap().next()?.ok()
    });
    if found.is_none() {
        crate::skip::skip(&format!("{name} is not installed: cargo xtask setup"));
    }
    found
}
