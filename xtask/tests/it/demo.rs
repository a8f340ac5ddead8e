//! A world to release into: real indexes, a real container registry, a bare remote, and the demo app on its main branch.

use crate::support::{Output, Repo, run};
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub struct World {
    pub repo: Repo,
    /// Where the registries keep what they have.
    pub data: Utf8PathBuf,
    pub env: BTreeMap<String, String>,
    process: Child,
}

impl World {
    /// The demo app at version 0.0.1, bumped and pushed to `main` and `development`.
    pub fn new() -> World {
        let repo = files();
        let data = repo.world().join("registries");
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        let mut process =
            command.args(["__world", data.as_str()]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the world starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let env: BTreeMap<String, String> = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        let world = World { repo, data, env, process };
        world.repo.git(&["remote", "add", "origin", &world.env["XTASK_REMOTE"]]);
        world.xtask(&["openapi", "generate", "python"]).expect(0);
        world.repo.git(&["add", "--all"]);
        world.repo.git(&["commit", "--quiet", "--message", "feat: a server that says who it is"]);
        world.bump(&[]);
        world
    }

    /// Raises the version in a commit and pushes it, as the squash of a promotion would.
    pub fn bump(&self, args: &[&str]) {
        let args: Vec<&str> = ["bump", "python"].iter().chain(args).copied().collect();
        self.xtask(&args).expect(0);
        self.push();
    }

    /// Main and development are what HEAD is.
    pub fn push(&self) {
        let remote = self.env["XTASK_REMOTE"].clone();
        let remote = remote.strip_prefix("file://").unwrap_or(&remote);
        self.repo.git(&["fetch", "--quiet", "origin"]);
        // The remote protects its branches from pushes; a merge on the forge is an update from within.
        let head = self.repo.head();
        run(self.repo.command("git", Utf8Path::new(remote)).args(["fetch", "--quiet", self.repo.path.as_str(), &head]));
        for branch in ["main", "development"] {
            self.repo.git_in(Utf8Path::new(remote), &["update-ref", &format!("refs/heads/{branch}"), &head]);
        }
        self.repo.git(&["fetch", "--quiet", "origin"]);
    }

    pub fn command(&self, dir: &Utf8Path) -> Command {
        let mut command = self.repo.command(env!("CARGO_BIN_EXE_xtask"), dir);
        command.envs(&self.env);
        command
    }

    pub fn xtask(&self, args: &[&str]) -> Output {
        run(self.command(&self.repo.path).args(args))
    }

    /// Every file that the registries and the remote keep, without their logs: what an outward step would change.
    pub fn outside(&self) -> Vec<String> {
        let mut files = Vec::new();
        list(&self.data, &mut files);
        files.retain(|f| !f.contains("/log") && !f.contains("_uploads") && !f.contains(".pid"));
        files.sort();
        files
    }

    /// The files that the index keeps, by name.
    pub fn published(&self) -> Vec<String> {
        let mut files: Vec<_> =
            self.outside().iter().filter(|f| f.contains("/pypi/")).filter_map(|f| Some(f.rsplit('/').next()?.to_string())).collect();
        files.retain(|f| f.ends_with(".whl") || f.ends_with(".tar.gz"));
        files.sort();
        files
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A repository with the demo app's files, nothing committed.
pub fn files() -> Repo {
    let repo = Repo::empty("repo");
    let from = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/demo");
    copy(&from, &repo.path.join("apps/python"));
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n");
    repo.write(".gitignore", "/target/\n.venv/\n__pycache__/\n");
    repo
}

fn list(dir: &Utf8Path, into: &mut Vec<String>) {
    for entry in dir.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            list(entry.path(), into);
        } else {
            into.push(format!("{} bytes {}", entry.metadata().map(|m| m.len()).unwrap_or(0), entry.path()));
        }
    }
}

fn copy(from: &Utf8Path, to: &Utf8Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
