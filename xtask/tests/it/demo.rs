//! A world to release into: real package indexes, a real container registry, and a bare git remote with demo
//! apps on its main branch.

use crate::support::{Output, Repo, Servers, run};
use camino::{Utf8Path, Utf8PathBuf};
use std::process::Command;

pub(crate) struct World {
    pub repo: Repo,
    /// The folder in which the servers store their data.
    pub data: Utf8PathBuf,
    pub servers: Servers,
    apps: Vec<&'static str>,
}

impl World {
    /// The demo app in Python at version 0.0.1, bumped and pushed to `main` and `development`.
    pub(crate) fn new() -> World {
        World::of("python")
    }

    /// Like `new`, with the demo app `python` or `ts`.
    pub(crate) fn of(app: &'static str) -> World {
        World::with(&[app])
    }

    /// Both apps in one repository.
    pub(crate) fn of_both() -> World {
        World::with(&["python", "ts"])
    }

    /// Both apps, and indexes that require the login for reads, like those of a private owner on Gitea.
    pub(crate) fn private() -> World {
        World::filled(World::started(
            files(&["python", "ts"]),
            &["python", "ts"],
            &[("XTASK_WORLD_PRIVATE", "1")],
        ))
    }

    fn with(apps: &[&'static str]) -> World {
        World::filled(World::around(files(apps), apps))
    }

    /// The apps in the first commit, bumped and pushed.
    pub(crate) fn filled(world: World) -> World {
        world.xtask(&["openapi", "generate"]).expect(0);
        world.repo.git(&["add", "--all"]);
        world.repo.git(&["commit", "--quiet", "--message", "feat: a server that says who it is"]);
        world.bump(&[]);
        world
    }

    /// The servers for the apps of this repository. Nothing is pushed.
    pub(crate) fn around(repo: Repo, apps: &[&'static str]) -> World {
        World::started(repo, apps, &[])
    }

    fn started(repo: Repo, apps: &[&'static str], env: &[(&str, &str)]) -> World {
        let data = repo.world().join("registries");
        let servers = Servers::start_with(&repo, &data, env);
        let world = World { repo, data, servers, apps: apps.to_vec() };
        world.repo.git(&["remote", "add", "origin", &world.servers.env["XTASK_REMOTE"]]);
        world
    }

    /// Bumps each app in a commit of its own, and pushes the commits to main and development.
    pub(crate) fn bump(&self, args: &[&str]) {
        for app in &self.apps {
            let args: Vec<&str> = ["bump", app].iter().chain(args).copied().collect();
            self.xtask(&args).expect(0);
        }
        self.push();
    }

    /// Sets the remote's main and development to HEAD.
    pub(crate) fn push(&self) {
        self.push_to(&["main", "development"]);
    }

    /// Sets these branches of the remote to HEAD.
    pub(crate) fn push_to(&self, branches: &[&str]) {
        let remote = self.servers.remote();
        self.repo.git(&["fetch", "--quiet", "origin"]);
        // The remote refuses pushes to protected branches, so update them inside the repository, as a merge
        // on a forge does.
        let head = self.repo.head();
        run(self.repo.command("git", remote).args(["fetch", "--quiet", self.repo.path.as_str(), &head]));
        for branch in branches {
            self.repo.git_in(remote, &["update-ref", &format!("refs/heads/{branch}"), &head]);
        }
        self.repo.git(&["fetch", "--quiet", "origin"]);
    }

    pub(crate) fn command(&self, dir: &Utf8Path) -> Command {
        let mut command = self.repo.command(env!("CARGO_BIN_EXE_xtask"), dir);
        command.envs(&self.servers.env);
        command
    }

    pub(crate) fn xtask(&self, args: &[&str]) -> Output {
        run(self.command(&self.repo.path).args(args))
    }

    /// Every file of the registries and the remote, without logs. An outward step of a release changes this
    /// list.
    pub(crate) fn outside(&self) -> Vec<String> {
        let mut files = Vec::new();
        list(&self.data, &mut files);
        files.retain(|f| !f.contains("/log") && !f.contains("_uploads") && !f.contains(".pid"));
        files.sort();
        files
    }

    /// The names of the files on the package indexes.
    pub(crate) fn published(&self) -> Vec<String> {
        let kept = |path: &String| match path {
            p if p.contains("/pypi/") => p.ends_with(".whl") || p.ends_with(".tar.gz"),
            p => p.contains("/npm/") && p.ends_with(".tgz"),
        };
        let mut files: Vec<_> = self
            .outside()
            .into_iter()
            .filter(kept)
            .filter_map(|f| Some(f.rsplit('/').next()?.to_string()))
            .collect();
        files.sort();
        files
    }

    /// The digest that a tag names in the container registry.
    pub(crate) fn image(&self, name: &str, tag: &str) -> Option<String> {
        let url = format!("http://{}/v2/{name}/manifests/{tag}", self.servers.env["XTASK_REGISTRY"]);
        let answer =
            agent().head(url).header("Accept", "application/vnd.oci.image.index.v1+json").call().unwrap();
        (answer.status() == 200)
            .then(|| answer.headers()["Docker-Content-Digest"].to_str().unwrap().to_string())
    }

    /// The release page of the tag on the forge.
    pub(crate) fn page(&self, tag: &str) -> serde_json::Value {
        let url = format!("{}/releases/tags/{tag}", self.servers.env["XTASK_FORGE"]);
        let login = format!("token {}", self.servers.env["XTASK_FORGE_TOKEN"]);
        let mut answer = agent().get(url).header("Authorization", login).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// The dist-tags of the npm registry.
    pub(crate) fn dist_tags(&self, package: &str) -> serde_json::Value {
        self.packument(package)["dist-tags"].clone()
    }

    /// The package's page in the Python index, with whole addresses, so that another server can show it.
    pub(crate) fn index_page(&self, package: &str) -> String {
        let simple = &self.servers.env["XTASK_PYPI"];
        let page = agent().get(format!("{simple}/{package}/")).call().unwrap();
        let page = page.into_body().read_to_string().unwrap();
        let root = format!("href=\"{}", simple.trim_end_matches("/simple"));
        page.replace("href=\"../..", &root).replace("href=\"/", &format!("{root}/"))
    }

    /// The package's document in the npm registry.
    pub(crate) fn packument(&self, package: &str) -> serde_json::Value {
        let url = format!("{}/{}", self.servers.env["XTASK_NPM"], package.replace('/', "%2f"));
        let text = agent().get(url).call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent()
}

/// A repository with the files of these demo apps, without a commit.
pub(crate) fn files(apps: &[&str]) -> Repo {
    // A path with spaces and an umlaut, as users may have.
    let repo = Repo::empty("Prüfung #1; mit Raum");
    for app in apps {
        let from = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/demo-{app}"));
        copy(&from, &repo.path.join("apps").join(app));
    }
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n");
    repo.write(".gitignore", "/target/\n.venv/\nnode_modules/\n__pycache__/\n");
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

/// Copies a folder with all its content.
pub(crate) fn copy(from: &Utf8Path, to: &Utf8Path) {
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
