//! How an app's language lints, tests, packs and publishes: the same few functions for each, one file a language.

use crate::Ctx;
use crate::workspace::App;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;
use serde::Deserialize;
use sha2::Digest;

pub mod python;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    Python,
}

/// A file that is published: an sdist, a wheel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistFile {
    pub path: Utf8PathBuf,
    pub name: String,
    /// 64 hex digits.
    pub sha256: String,
}

impl DistFile {
    pub fn read(path: Utf8PathBuf) -> Result<DistFile> {
        let name = path.file_name().unwrap_or_default().to_string();
        let sha256 = hex(&sha2::Sha256::digest(std::fs::read(&path)?));
        Ok(DistFile { path, name, sha256 })
    }
}

/// A file as an index shows it; without a hash where the index gives none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedFile {
    pub name: String,
    pub sha256: Option<String>,
}

impl PublishedFile {
    pub fn is(&self, name: &str, sha256: &str) -> bool {
        self.name == name && self.sha256.as_deref() == Some(sha256)
    }
}

/// Where an installation comes from.
pub enum Origin<'a> {
    File(&'a DistFile),
    /// Only a file with one of these hashes is taken.
    Index {
        stage: bool,
        version: &'a Version,
        sha256: Vec<&'a str>,
    },
}

/// A package as a user has it after installing.
pub struct Installed {
    /// Every place where it says its version, and what it says there.
    pub versions: Vec<(String, String)>,
    /// The folder of its programs, and what they find in their environment.
    pub programs: Utf8PathBuf,
    pub env: Vec<(&'static str, Utf8PathBuf)>,
}

impl Installed {
    /// One of its programs, with the clean environment.
    pub fn command(&self, argv: &[String]) -> Result<std::process::Command> {
        let (program, args) = argv.split_first().context("an empty command in app.toml")?;
        let mut command = std::process::Command::new(self.programs.join(program));
        command.args(args).env_clear().envs(crate::child::env()?).envs(self.env.iter().cloned()).current_dir(&self.programs);
        Ok(command)
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A linter or type checker of the app: what it is called and how it ended.
pub struct Report {
    pub tool: String,
    pub result: Result<String>,
}

impl Ecosystem {
    /// The file in the app's folder that holds its version.
    pub fn manifest(self) -> &'static str {
        match self {
            Ecosystem::Python => "pyproject.toml",
        }
    }
    /// The file in the app's folder that repeats the version among its dependencies'.
    pub fn lock_file(self) -> &'static str {
        match self {
            Ecosystem::Python => "uv.lock",
        }
    }
    /// The version in the manifest's text.
    pub fn read_version(self, manifest: &str) -> Result<Version> {
        match self {
            Ecosystem::Python => python::version::read(manifest),
        }
    }
    /// The manifest's text with this version, every other byte as it was.
    pub fn set_version(self, manifest: &str, version: &Version) -> Result<String> {
        match self {
            Ecosystem::Python => python::version::set(manifest, version),
        }
    }
    /// The lock file's text with this version, every other byte as it was.
    pub fn set_locked_version(self, lock: &str, version: &Version) -> Result<String> {
        match self {
            Ecosystem::Python => python::version::set_locked(lock, version),
        }
    }

    /// Fails where the lock file does not agree with the manifest.
    pub fn check_lock(self, ctx: &Ctx, app: &App) -> Result<()> {
        match self {
            Ecosystem::Python => python::check_lock(ctx, &ctx.ws.root.join(&app.dir)).map(drop),
        }
    }

    /// Every linter and type checker that the app at `root` has set up, side by side.
    pub fn lint(self, ctx: &Ctx, app: &App) -> Result<Vec<Report>> {
        match self {
            Ecosystem::Python => python::lint(ctx, app),
        }
    }

    /// The app's tests; the last lines of what they printed.
    pub fn test(self, ctx: &Ctx, app: &App) -> Result<String> {
        match self {
            Ecosystem::Python => python::test(ctx, app),
        }
    }

    /// Runs one of the app's own programs in its locked environment; standard output.
    pub fn run(self, ctx: &Ctx, app: &App, root: &Utf8Path, argv: &[String]) -> Result<String> {
        match self {
            Ecosystem::Python => python::run(ctx, app, root, argv),
        }
    }

    /// Builds what is published from `commit` into the folder `out`, and checks it.
    pub fn build(self, ctx: &Ctx, app: &App, commit: &str, out: &Utf8Path) -> Result<Vec<DistFile>> {
        match self {
            Ecosystem::Python => python::build(ctx, app, commit, out),
        }
    }

    /// The files of that version on the index, or on the staging index.
    pub fn published(self, ctx: &Ctx, app: &App, stage: bool, version: &Version) -> Result<Vec<PublishedFile>> {
        match self {
            Ecosystem::Python => python::publish::published(app, python::target(ctx, stage), version),
        }
    }

    /// Uploads the files and waits until the index shows them.
    pub fn publish(self, ctx: &Ctx, app: &App, stage: bool, version: &Version, files: &[DistFile]) -> Result<()> {
        match self {
            Ecosystem::Python => python::publish::publish(app, ctx, python::target(ctx, stage), version, files),
        }
    }

    /// Why the index would not take an upload, as far as that can be asked.
    pub fn credentials_problem(self, ctx: &Ctx, stage: bool) -> Option<String> {
        match self {
            Ecosystem::Python => python::publish::credentials_problem(python::target(ctx, stage)),
        }
    }

    /// The address that uploads go to, for people.
    pub fn upload_url(self, ctx: &Ctx, stage: bool) -> &str {
        match self {
            Ecosystem::Python => &python::target(ctx, stage).upload,
        }
    }

    /// Installs the package into a clean environment below `dir`, as a user does.
    pub fn install(self, ctx: &Ctx, app: &App, origin: &Origin, dir: &Utf8Path) -> Result<Installed> {
        match self {
            Ecosystem::Python => python::install::install(ctx, app, origin, dir),
        }
    }

    /// Folders of the app's folder that take long to make and that git ignores: what a forge's cache keeps between jobs.
    pub fn cached_folders(self) -> &'static [&'static str] {
        match self {
            Ecosystem::Python => &[".venv"],
        }
    }

    /// Does the index know the package?
    pub fn exists(self, ctx: &Ctx, app: &App) -> Result<bool> {
        match self {
            Ecosystem::Python => Ok(python::index::files(&python::target(ctx, false).simple, &app.settings.package)?.is_some()),
        }
    }

    /// The file that is installed: of a wheel and an sdist, the wheel.
    pub fn installable(self, files: &[DistFile]) -> Option<&DistFile> {
        match self {
            Ecosystem::Python => files.iter().find(|f| f.name.ends_with(".whl")),
        }
    }

    /// The version as the language's packages write it: `1.0.0-rc.1` is `1.0.0rc1` in Python.
    pub fn package_version(self, version: &Version) -> Result<String> {
        match self {
            Ecosystem::Python => crate::version::to_pep440(version),
        }
    }
}
