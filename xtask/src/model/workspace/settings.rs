//! The types of the settings: `[workspace.metadata.xtask]` and `app.toml`.

use crate::finding::Level;
use crate::model::language::Ecosystem;
use crate::model::version::ZeroBreaking;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The repository's settings: `[workspace.metadata.xtask]` of the root `Cargo.toml`. Without that file the
/// defaults are used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Settings {
    /// The folder of the apps: each subfolder with an `app.toml` is one.
    pub apps: Utf8PathBuf,
    /// The branch that releases are made from.
    pub main: String,
    /// The branch that feature branches are merged into. The same as `main` in a trunk-based repository.
    pub development: String,
    /// Address of the repository's page, for changelog links and image labels.
    pub repository: Option<String>,
    /// What a breaking change bumps in 0.y: `minor` or `major`.
    pub zero_breaking: ZeroBreaking,
    /// The forge of the git remote, if its address does not tell.
    pub forge: Option<ForgeKind>,
    /// The forge whose jobs release, where the repository is mirrored to another one. None: every forge's.
    pub release_forge: Option<ForgeKind>,
    /// Packages go to the registries of the forge, which is a Gitea, instead of PyPI and npmjs.com.
    pub registries: Option<Registries>,
    /// Does the forge merge the pull requests of `promote` by itself, when their checks have passed?
    pub auto_merge: bool,
    /// Does a release comment on each of its pull requests?
    pub released_comments: bool,
    /// The repositories of the same forge that are told of each release.
    pub downstream: Vec<Downstream>,
}

/// `downstream = [{ repository = "team/template", workflow = "runtime.yml" }]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Downstream {
    /// `owner/name`
    pub repository: String,
    /// The file of the workflow to start. None: GitHub's event for other repositories.
    pub workflow: Option<String>,
    /// The branch that the workflow is started on.
    #[serde(default = "main_branch")]
    pub branch: String,
}

fn main_branch() -> String {
    "main".to_string()
}

impl Downstream {
    /// The first mistake in the entry. None if it is valid.
    pub(crate) fn problem(&self) -> Option<String> {
        let plain = |text: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            !text.is_empty() && text.chars().all(allowed) && text.chars().any(|c| c != '.')
        };
        let Downstream { repository, workflow, branch } = self;
        if !repository.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name)) {
            return Some(format!(
                "downstream: {repository:?} is not a repository of the same forge, such as \"team/template\""
            ));
        }
        if let Some(file) = workflow.as_ref().filter(|file| !plain(file)) {
            return Some(format!("downstream: workflow = {file:?} is not a file's name, such as \"ci.yml\""));
        }
        let wrong = branch.is_empty() || branch.chars().any(|c| c.is_whitespace() || c.is_control());
        wrong.then(|| format!("downstream: branch = {branch:?} is not a branch"))
    }
}

/// Whose registries packages go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Registries {
    Gitea,
}

/// A kind of forge, by its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ForgeKind {
    Github,
    Gitea,
}

impl ForgeKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ForgeKind::Github => "GitHub",
            ForgeKind::Gitea => "Gitea",
        }
    }
}

impl Settings {
    /// Are feature branches merged into the branch that releases are made from?
    pub(crate) fn one_branch(&self) -> bool {
        self.main == self.development
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            apps: "apps".into(),
            main: "main".into(),
            development: "development".into(),
            repository: None,
            zero_breaking: ZeroBreaking::Minor,
            forge: None,
            release_forge: None,
            registries: None,
            auto_merge: false,
            released_comments: false,
            downstream: Vec::new(),
        }
    }
}

/// One `app.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AppSettings {
    pub name: String,
    pub ecosystem: Ecosystem,
    /// The name on the ecosystem's package index.
    pub package: String,
    pub image: Option<ImageSettings>,
    pub spec: Option<SpecSettings>,
    pub compat: Option<CompatSettings>,
    #[serde(default)]
    pub api: ApiSettings,
    #[serde(default)]
    pub release: ReleaseSettings,
    #[serde(default)]
    pub commands: CommandsSettings,
    #[serde(default)]
    pub accept: Vec<Acceptance>,
}

/// The app's own commands, which replace or extend the defaults. Each is a program and its arguments. It runs
/// in the app's folder, with its environment's programs (`.venv/bin`, `node_modules/.bin`) first in PATH.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct CommandsSettings {
    /// Run in addition to the linters that the app configures.
    pub lint: Vec<Vec<String>>,
    /// Run instead of pytest or `bun test`.
    pub test: Vec<Vec<String>>,
    /// Run in the exported sources before the package is built. In a TypeScript app they replace the `build`
    /// script.
    pub build: Vec<Vec<String>>,
    /// The reason why the app has no tests and may be released without them.
    pub no_tests: Option<String>,
}

impl CommandsSettings {
    /// The first mistake in the settings. None if they are valid.
    pub(crate) fn problem(&self) -> Option<String> {
        let lists = [("lint", &self.lint), ("test", &self.test), ("build", &self.build)];
        let commands = lists.into_iter().flat_map(|(key, list)| list.iter().map(move |argv| (key, argv)));
        if let Some(problem) = empty_command(commands) {
            return Some(problem);
        }
        let empty = self.no_tests.as_ref().is_some_and(|why| why.trim().is_empty());
        let problem = "no-tests: the reason is empty; write why this app may be released without tests";
        empty.then(|| problem.to_string())
    }
}

/// The first command that names no program.
fn empty_command<'a>(commands: impl IntoIterator<Item = (&'static str, &'a Vec<String>)>) -> Option<String> {
    let empty = |argv: &[String]| argv.first().is_none_or(|program| program.is_empty());
    let (key, _) = commands.into_iter().find(|(_, argv)| empty(argv))?;
    Some(format!("{key} has an empty command; write it as a list: [\"program\", \"argument\"]"))
}

/// `[[accept]]`: a break that the app accepts for one release, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Acceptance {
    /// The break's id.
    pub id: String,
    /// The symbol or operation. None: every break with this id.
    pub what: Option<String>,
    /// The release that the break is accepted for. After that release the entry is stale.
    pub version: semver::Version,
    pub reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ImageSettings {
    /// Without a tag: `ghcr.io/owner/name`.
    pub name: String,
    /// With a tag, or pinned by digest: `docker.io/library/python:3.11-slim-bookworm`.
    pub base: String,
    /// `os/arch`, as in `linux/amd64`.
    pub platforms: Vec<String>,
    /// Optional dependencies that the image has: extras in Python, devDependencies in TypeScript.
    #[serde(default)]
    pub extras: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SpecSettings {
    /// Relative to the app's folder.
    pub file: Utf8PathBuf,
    /// The command that prints the spec on standard output. It runs in the app's own environment.
    pub generate: Vec<String>,
    /// The command that starts the server. It gets the port in the environment variable PORT.
    pub serve: Vec<String>,
    /// The path that answers 200 when the server is ready.
    #[serde(default = "health")]
    pub health: String,
    /// The command that runs black-box tests of the running server, in the root and with BASE_URL in its
    /// environment. Apps with the same command share one contract: their specs must be equal except for
    /// `info`.
    #[serde(default)]
    pub contract: Option<Vec<String>>,
    /// Levels of rules of `openapi diff`, other than the usual ones.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleLevel>,
}

/// A level that settings can give a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RuleLevel {
    Breaking,
    Warning,
    Info,
}

fn health() -> String {
    "/health".to_string()
}

/// `[compat]`: what the app guarantees to plugins and channel adapters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CompatSettings {
    /// Relative to the app's folder. The file must be called `compat.json` and be part of the package:
    /// downstream repositories look for that name.
    pub file: Utf8PathBuf,
    /// The command that prints the file on standard output. It runs in the app's own environment.
    pub generate: Vec<String>,
    /// The command that runs the tests of an example plugin, which use only the package's public API. It runs
    /// in the app's folder. The checks of the next release run the tests of this release's tag.
    #[serde(default)]
    pub users: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct ApiSettings {
    /// The modules (python) or entry points (ts) whose public API is compared with the last release.
    pub public: Vec<String>,
    /// Python modules below those which are not guarded.
    pub private: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct ReleaseSettings {
    /// The form of the app's tags, with the placeholders `{app}`, `{package}` and `{version}`.
    pub tag: Option<String>,
    /// A staging index, which gets the release before the real index.
    pub stage: Option<String>,
    /// Globs, relative to the root, of paths outside the app's folder that belong to the app too.
    pub shared: Vec<String>,
    /// Other files that must contain the version, relative to the app's folder.
    pub pins: Vec<Utf8PathBuf>,
    /// Commands that get the release as JSON on stdin after it is complete. They run in the root.
    pub announce: Vec<Vec<String>>,
}

impl ReleaseSettings {
    /// The first mistake in the settings. None if they are valid.
    pub(crate) fn problem(&self) -> Option<String> {
        empty_command(self.announce.iter().map(|argv| ("announce", argv)))
    }
}

impl SpecSettings {
    /// The levels that the settings change.
    pub(crate) fn levels(&self) -> BTreeMap<String, Level> {
        let level = |level: &RuleLevel| match level {
            RuleLevel::Breaking => Level::Breaking,
            RuleLevel::Warning => Level::Warning,
            RuleLevel::Info => Level::Info,
        };
        self.rules.iter().map(|(id, set)| (id.clone(), level(set))).collect()
    }
    /// The ids of `rules` that no rule has, with the nearest one that exists.
    fn unknown_rules(&self) -> Option<String> {
        if self.rules.is_empty() {
            return None;
        }
        let known = diff::openapi::every_rule();
        let known: Vec<&str> = known.iter().map(|rule| rule.id.as_str()).collect();
        let unknown = self.rules.keys().filter(|id| !known.contains(&id.as_str())).map(|id| {
            let near = super::nearest(id, &known).map(|n| format!("; did you mean {n:?}?"));
            format!("there is no rule {id:?}{}", near.unwrap_or_default())
        });
        let unknown: Vec<String> = unknown.collect();
        let hint = "`cargo xtask openapi rules` lists them";
        (!unknown.is_empty()).then(|| format!("rules: {}; {hint}", unknown.join("; ")))
    }
    /// The first mistake in the settings. None if they are valid.
    pub(crate) fn problem(&self) -> Option<String> {
        let health = &self.health;
        outside(&self.file)
            .or_else(|| {
                (!health.starts_with('/'))
                    .then(|| format!("health = {health:?}: the path must begin with /, as in \"/healthz\""))
            })
            .or_else(|| {
                let contract = self.contract.iter().map(|argv| ("contract", argv));
                let own = [("generate", &self.generate), ("serve", &self.serve)];
                empty_command(own.into_iter().chain(contract))
            })
            .or_else(|| self.unknown_rules())
    }
}

/// The mistake of a file that is not below the app's folder.
fn outside(file: &Utf8Path) -> Option<String> {
    let below =
        file.components().all(|part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir));
    (!below || file.file_name().is_none()).then(|| format!("file = {file:?} is outside the app's folder"))
}

impl CompatSettings {
    /// The first mistake that the types do not rule out. None if the settings are valid.
    pub(crate) fn problem(&self, spec: Option<&SpecSettings>) -> Option<String> {
        let file = &self.file;
        if file.file_name() != Some("compat.json") {
            return Some(format!(
                "file = {file:?}: the file must be called compat.json, \
                 because downstream repositories look for that name in a package"
            ));
        }
        if let Some(problem) = outside(file) {
            return Some(problem);
        }
        if spec.is_none() {
            return Some("needs a [spec], because compat.json contains its hash".to_string());
        }
        let users = self.users.iter().map(|argv| ("users", argv));
        empty_command([("generate", &self.generate)].into_iter().chain(users))
    }
}

impl Acceptance {
    /// The mistake in the entry: an empty reason, or a pre-release as its version. A break is accepted for
    /// the final release, because that is the version that users install.
    pub(crate) fn problem(&self) -> Option<String> {
        let Acceptance { id, version, reason, .. } = self;
        if reason.trim().is_empty() {
            return Some(format!(
                "[[accept]] of {id}: the reason is empty; write what users lose and why that is acceptable"
            ));
        }
        let plain = semver::Version::new(version.major, version.minor, version.patch);
        (*version != plain).then(|| {
            format!(
                "[[accept]] of {id}: version = \"{version}\": write \"{plain}\", \
                 the release that the break is accepted for"
            )
        })
    }
}

impl AppSettings {
    /// The entry that accepts this break of a symbol or operation, found since the release `last`, for the
    /// next release.
    pub(crate) fn accepts(&self, id: &str, what: &str, last: &semver::Version) -> Option<&Acceptance> {
        self.accept
            .iter()
            .find(|a| a.id == id && a.what.as_ref().is_none_or(|w| w == what) && a.version > *last)
    }
}
