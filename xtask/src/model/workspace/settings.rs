//! What the settings say, as types: `[workspace.metadata.xtask]`, and one `app.toml`.

use crate::model::language::Ecosystem;
use crate::model::version::ZeroBreaking;
use camino::{Utf8Component, Utf8PathBuf};
use serde::Deserialize;

/// What is repo-wide: `[workspace.metadata.xtask]` of the root `Cargo.toml`. A repository without that file
/// gets the defaults.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The folder whose children with an `app.toml` are the apps.
    pub apps: Utf8PathBuf,
    /// The branch that releases are made from.
    pub main: String,
    /// The branch that feature branches go into; the same as `main` in a trunk-based repository.
    pub development: String,
    /// Address of the repository's page: changelog links and image labels.
    pub repository: Option<String>,
    /// What a breaking change bumps in 0.y: `minor` or `major`.
    pub zero_breaking: ZeroBreaking,
}

impl Settings {
    /// Feature branches go into the branch that releases are made from.
    pub fn one_branch(&self) -> bool {
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
        }
    }
}

/// One `app.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppSettings {
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

/// The app's own commands, where the defaults do not fit. Each is a program and its arguments, run in the
/// app's folder with the programs of its environment (`.venv/bin`, `node_modules/.bin`) first in PATH.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CommandsSettings {
    /// Run beside the linters that the app has set up.
    pub lint: Vec<Vec<String>>,
    /// Run instead of pytest or `bun test`.
    pub test: Vec<Vec<String>>,
    /// Run in the exported sources before the package is made; in a TypeScript app instead of the `build`
    /// script.
    pub build: Vec<Vec<String>>,
    /// Why the app has no tests, and may be released without any.
    pub no_tests: Option<String>,
}

impl CommandsSettings {
    /// What is wrong with them.
    pub fn problem(&self) -> Option<&'static str> {
        if self
            .lint
            .iter()
            .chain(&self.test)
            .chain(&self.build)
            .any(|argv| argv.first().is_none_or(|program| program.is_empty()))
        {
            return Some("an empty command; write each as a list: [[\"program\", \"argument\"]]");
        }
        let empty = self.no_tests.as_ref().is_some_and(|why| why.trim().is_empty());
        empty.then_some("no-tests: the reason is empty; why may this app be released without tests?")
    }
}

/// A break that is no break for the app's users, said aloud.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Acceptance {
    /// The break's id.
    pub id: String,
    /// The symbol or operation that it is about; None: every break with this id.
    pub what: Option<String>,
    /// The release that it is accepted for; afterwards it is stale.
    pub version: semver::Version,
    pub reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageSettings {
    /// Without a tag: `ghcr.io/owner/name`.
    pub name: String,
    /// With a tag, or pinned by digest: `docker.io/library/python:3.11-slim-bookworm`.
    pub base: String,
    /// `os/arch`, as in `linux/amd64`.
    pub platforms: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SpecSettings {
    /// Relative to the app's folder.
    pub file: Utf8PathBuf,
    /// Prints the spec on standard output; run in the app's own environment.
    pub generate: Vec<String>,
    /// Starts the server; PORT is in its environment.
    pub serve: Vec<String>,
    /// The path that answers 200 once the server is ready.
    #[serde(default = "health")]
    pub health: String,
    /// Black-box tests of the running server, a command that is run in the root with BASE_URL in its
    /// environment. Apps with the same command have one contract: their specs are equal but for `info`.
    #[serde(default)]
    pub contract: Option<Vec<String>>,
}

fn health() -> String {
    "/health".to_string()
}

/// What the app promises to plugins and channel adapters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CompatSettings {
    /// Relative to the app's folder; called `compat.json`, and shipped in the package: that name is what
    /// downstream looks for.
    pub file: Utf8PathBuf,
    /// Prints it on standard output; run in the app's own environment.
    pub generate: Vec<String>,
    /// Tests of an example plugin that use nothing but the package's public API: run in the app's folder, and
    /// by the next release's checks as they are in the tag.
    #[serde(default)]
    pub users: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ApiSettings {
    /// Modules (python) or entry points (ts) whose surface is guarded.
    pub public: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ReleaseSettings {
    /// A staging index, used before the real one.
    pub stage: Option<String>,
    /// Globs, from the root, of paths outside the folder that belong to the app too.
    pub shared: Vec<String>,
    /// Other files that must carry the version, relative to the app's folder.
    pub pins: Vec<Utf8PathBuf>,
}

impl CompatSettings {
    /// What is wrong with them, beyond what their types say.
    pub fn problem(&self, spec: Option<&SpecSettings>) -> Option<String> {
        let file = &self.file;
        if file.file_name() != Some("compat.json") {
            return Some(format!(
                "file = {file:?}: the file is called compat.json, which is what downstream looks for in a package"
            ));
        }
        if file.is_absolute() || file.components().any(|part| part == Utf8Component::ParentDir) {
            return Some(format!("file = {file:?} leads out of the app's folder"));
        }
        if spec.is_none() {
            return Some("needs a [spec], whose hash compat.json holds".to_string());
        }
        let commands = [("generate", Some(&self.generate)), ("users", self.users.as_ref())];
        let empty = commands.into_iter().find(|(_, argv)| argv.is_some_and(Vec::is_empty));
        empty.map(|(key, _)| format!("{key} is an empty command"))
    }
}

impl Acceptance {
    /// One without a reason says nothing aloud, and a pre-release is on its way to a number that users stay
    /// with.
    pub fn problem(&self) -> Option<String> {
        let Acceptance { id, version, reason, .. } = self;
        if reason.trim().is_empty() {
            return Some(format!(
                "[[accept]] of {id}: the reason is empty; what do users lose, and why may they?"
            ));
        }
        let plain = semver::Version::new(version.major, version.minor, version.patch);
        (*version != plain)
            .then(|| format!("[[accept]] of {id}: version = \"{version}\": say \"{plain}\", the release that it is accepted for"))
    }
}

impl AppSettings {
    /// What accepts this break of a symbol or operation, found since the release `last`, for the next one.
    pub fn accepts(&self, id: &str, what: &str, last: &semver::Version) -> Option<&Acceptance> {
        self.accept
            .iter()
            .find(|a| a.id == id && a.what.as_ref().is_none_or(|w| w == what) && a.version > *last)
    }
}
