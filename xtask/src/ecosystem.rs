//! Linting, testing, building and publishing an app in its language. Every language has the same functions,
//! in a file of its own.

use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::language::Ecosystem;
use crate::model::workspace::App;
use crate::oci::Source;
use crate::oci::reference::Reference;
use crate::sys::exit::{Exit, with_next};
use crate::sys::{export, http, retry, scratch, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

mod detect;
mod dist;
pub(crate) mod gitea;
mod locked;
pub(crate) mod packed;
pub(crate) mod python;
pub(crate) mod ts;
mod withdraw;

use detect::Kind;
use dist::keep;
pub(crate) use dist::{DistFile, IndexVersion, Prepared, PublishedFile};
pub(crate) use withdraw::{Shown, Way};

/// The version that an installed program shows: the last word of its output for `--version`. `what` is the
/// command as a user types it.
fn shown_version(what: &str, output: Result<String>) -> Result<String> {
    let next = "a release needs every program of the package to answer --version with exit code 0, \
                and with the package's version as the last word";
    let found = output.and_then(|output| {
        let word =
            output.split_whitespace().last().filter(|word| word.contains(|c: char| c.is_ascii_digit()));
        word.map(str::to_string).with_context(|| format!("`{what}` shows no version: {:?}", output.trim()))
    });
    found.map_err(|error| with_next(error, next))
}

/// The source of an installation.
pub(crate) enum Origin<'a> {
    File(&'a DistFile),
    /// Only a file with one of these hashes is installed.
    Index {
        stage: bool,
        version: &'a Version,
        sha256: Vec<&'a str>,
    },
}

/// A package that was installed as a user installs it.
pub(crate) struct Installed {
    /// The folder of its programs.
    pub programs: Utf8PathBuf,
    /// Environment variables that the programs need.
    pub env: Vec<(&'static str, Utf8PathBuf)>,
}

impl Installed {
    /// Runs one of its programs in a clean environment.
    pub(crate) fn command(&self, argv: &[String]) -> Result<Command> {
        let (program, args) = argv.split_first().context("the command has no words")?;
        let mut command = Command::new(self.programs.join(program));
        command
            .args(args)
            .env_clear()
            .envs(crate::sys::child::env()?)
            .envs(self.env.iter().cloned())
            .current_dir(&self.programs);
        Ok(command)
    }
}

/// A lock: only one thread at a time updates environments, because parallel checks need the same one.
fn environments() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last line that counts tests, or the last line if none does.
fn summary(text: &str) -> String {
    let counts =
        |line: &&str| line.contains("passed") || line.starts_with("Ran ") || line.starts_with("# pass");
    let line = text.lines().rev().find(counts).or_else(|| text.trim_end().lines().last());
    line.unwrap_or("passed").trim_matches(['=', ' ']).to_string()
}

/// The name of a linter or type checker of the app, and its result.
pub(crate) struct ToolResult {
    pub tool: String,
    pub result: Result<String>,
}

impl Ecosystem {
    /// Fails if the lock file does not match the manifest.
    pub(crate) fn check_lock(self, ctx: &Ctx, app: &App) -> Result<()> {
        let dir = ctx.ws.root.join(&app.dir);
        match self {
            Ecosystem::Python => python::check_lock(ctx, &dir).map(drop),
            Ecosystem::Ts => ts::check_lock(ctx, &dir).map(drop),
        }
    }

    /// Updates the lock file to match the manifest. It changes only what the manifest demands.
    pub(crate) fn write_lock(self, ctx: &Ctx, app: &App) -> Result<()> {
        let dir = ctx.ws.root.join(&app.dir);
        match self {
            Ecosystem::Python => python::write_lock(ctx, &dir).map(drop),
            Ecosystem::Ts => ts::write_lock(ctx, &dir).map(drop),
        }
    }

    /// The known advisories for the locked dependencies that users get, as text of one or more lines each.
    /// Empty if there are none. An error if the advisory source cannot be queried.
    pub(crate) fn advisories(self, ctx: &Ctx, app: &App) -> Result<String> {
        let dir = ctx.ws.root.join(&app.dir);
        let output = match self {
            Ecosystem::Python => python::audit(&dir),
            Ecosystem::Ts => ts::audit(ctx, &dir),
        };
        match output {
            Ok(_) => Ok(String::new()),
            // The tools exit with 1 both for advisories and for failures; only a failure prints `error:`.
            Err(e)
                if e.to_string().lines().any(|l| l.starts_with("error:") || l.starts_with("npm error")) =>
            {
                Err(e)
            }
            Err(e) => Ok(e.to_string().lines().skip(1).collect::<Vec<_>>().join("\n")),
        }
    }

    /// Runs every linter and type checker that the app configures in parallel, then those of `[commands]`.
    pub(crate) fn lint(self, ctx: &Ctx, app: &App) -> Result<Vec<ToolResult>> {
        let mut reports = match self {
            Ecosystem::Python => python::lint(ctx, app),
            Ecosystem::Ts => ts::lint(ctx, app),
        }?;
        for argv in &app.settings.commands.lint {
            reports.push(ToolResult { tool: argv.join(" "), result: self.command(ctx, app, argv) });
        }
        Ok(reports)
    }

    /// Runs the app's tests and returns a summary of their output. An error if the app has no tests and
    /// `[commands] no-tests` is not set.
    pub(crate) fn test(self, ctx: &Ctx, app: &App) -> Result<String> {
        let commands = &app.settings.commands;
        if !commands.test.is_empty() {
            let output: Result<Vec<String>> =
                commands.test.iter().map(|argv| self.command(ctx, app, argv)).collect();
            let ran = commands.test.iter().map(|argv| argv.join(" ")).collect::<Vec<_>>().join(", ");
            return output.map(|output| format!("{ran}: {}", summary(&output.concat())));
        }
        let tests = match self {
            Ecosystem::Python => python::test(ctx, app),
            Ecosystem::Ts => ts::test(ctx, app),
        }?;
        match (tests, &commands.no_tests) {
            (Some(summary), _) => Ok(summary),
            (None, Some(why)) => Ok(format!("no tests: {why}")),
            (None, None) => bail!(
                "{} has no tests; add some, set the command that runs them \
                 (`[commands] test = [[\"program\", …]]` in {}), \
                 or write there why the app may be released without tests: `[commands] no-tests = \"WHY\"`",
                app.dir,
                app.file()
            ),
        }
    }

    /// The linters that the app configures but that nothing runs, in one line. None if there are none.
    pub(crate) fn linters_not_run(self, ctx: &Ctx, app: &App) -> Result<Option<String>> {
        self.not_run(ctx, app, Kind::Lint)
    }

    /// The sentence for a lock file that is missing. A TypeScript app cannot be checked without one.
    pub(crate) fn missing_lock(self, ctx: &Ctx, app: &App) -> Option<String> {
        match self {
            Ecosystem::Python if python::lock(&ctx.ws.root, app).is_none() => {
                Some(format!("uv.lock is missing: cd {} && uv lock", app.dir))
            }
            Ecosystem::Python | Ecosystem::Ts => None,
        }
    }

    /// The test runners that the app configures but that nothing runs, in one line. None if there are none.
    pub(crate) fn runners_not_run(self, ctx: &Ctx, app: &App) -> Result<Option<String>> {
        self.not_run(ctx, app, Kind::Test)
    }

    fn not_run(self, ctx: &Ctx, app: &App, kind: Kind) -> Result<Option<String>> {
        let dir = ctx.ws.root.join(&app.dir);
        let files = detect::files(&dir)?;
        let tools = match self {
            Ecosystem::Python => detect::python_others(&files, &python::configured(&ctx.ws.root, app)?, kind),
            Ecosystem::Ts => detect::ts_others(&files, &ts::package_json(&dir)?, kind),
        };
        Ok(detect::not_run(&tools, &app.settings.commands, kind))
    }

    /// Runs one of the app's `[commands]`. Returns stdout and stderr together.
    fn command(self, ctx: &Ctx, app: &App, argv: &[String]) -> Result<String> {
        let programs = match self {
            Ecosystem::Python => python::programs(ctx, app)?,
            Ecosystem::Ts => ts::programs_folder(ctx, app)?,
        };
        let path = format!("{programs}:{}", ts::path()?);
        started(&ctx.ws.root.join(&app.dir), argv, &[("PATH", &path), ("NO_COLOR", "1")])
    }

    /// Runs one of the app's own programs in its locked environment. Returns stdout.
    pub(crate) fn run(self, ctx: &Ctx, app: &App, root: &Utf8Path, argv: &[String]) -> Result<String> {
        match self {
            Ecosystem::Python => python::run(ctx, app, root, argv),
            Ecosystem::Ts => ts::run(ctx, app, root, argv),
        }
    }

    /// The command that starts the app's server from the checkout, instead of from an installation.
    pub(crate) fn server(self, ctx: &Ctx, app: &App, argv: &[String]) -> Result<Command> {
        match self {
            Ecosystem::Python => python::server(ctx, app, argv),
            Ecosystem::Ts => ts::server(ctx, app, argv),
        }
    }

    /// Prepares `argv`, a command of an earlier release's app.toml, to run in that release's checkout `tree`
    /// with today's package.
    pub(crate) fn users(self, ctx: &Ctx, app: &App, tree: &Utf8Path, argv: &[String]) -> Result<Prepared> {
        match self {
            Ecosystem::Python => python::users::prepare(ctx, app, tree, argv),
            Ecosystem::Ts => ts::users::prepare(ctx, app, tree, argv),
        }
    }

    /// Subfolders of the app's folder that take long to create and that git ignores. A forge's cache keeps
    /// them between jobs.
    pub(crate) fn cached_folders(self) -> &'static [&'static str] {
        match self {
            Ecosystem::Python => &[".venv"],
            Ecosystem::Ts => &["node_modules"],
        }
    }

    /// The pinned tools that a release needs, each with its version.
    pub(crate) fn tools(self) -> &'static [&'static str] {
        match self {
            Ecosystem::Python => &["uv", "twine", "griffe"],
            Ecosystem::Ts => &["npm", "bun", "publint", "@arethetypeswrong/cli", "typescript"],
        }
    }

    /// The program that replaces the index in a rehearsal.
    pub(crate) fn index_server(self) -> &'static str {
        match self {
            Ecosystem::Python => "pypiserver",
            Ecosystem::Ts => "verdaccio",
        }
    }

    /// Builds the files to publish from `commit` into the folder `out`, and checks them.
    pub(crate) fn build(self, ctx: &Ctx, app: &App, commit: &str, out: &Utf8Path) -> Result<Vec<DistFile>> {
        let temp = scratch::folder()?;
        let tree = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
        export::files(&ctx.git, commit, &app.dir, tree)?;
        let (dir, built) = (tree.join(&app.dir), tree.join("built"));
        std::fs::create_dir(&built)?;
        let missing = export::missing(&dir)?;
        if !missing.is_empty() {
            bail!("the sources of {} are not complete at {commit}:\n  {}", app.dir, missing.join("\n  "));
        }
        let epoch = ctx.git.commit_time(commit)?.to_string();
        let compat = app.settings.compat.as_ref().map(|compat| dir.join(&compat.file));
        let compat = compat
            .map(|file| std::fs::read(&file).with_context(|| format!("cannot read {file}")))
            .transpose()?;
        match self {
            Ecosystem::Python => python::build(ctx, app, tree, &built, &epoch)?,
            Ecosystem::Ts => ts::build::build(ctx, &dir, &built, &epoch)?,
        }
        let files = keep(&built, out)?;
        if let (Some(compat), Some(file)) = (compat, self.installable(&files)) {
            packed::must_hold(&file.path, &compat)?;
        }
        Ok(files)
    }

    /// The file that users install: for Python the wheel, not the sdist.
    pub(crate) fn installable(self, files: &[DistFile]) -> Option<&DistFile> {
        match self {
            Ecosystem::Python => files.iter().find(|f| f.name.ends_with(".whl")),
            Ecosystem::Ts => files.first(),
        }
    }

    /// Installs the package into a clean environment below `dir`, as a user does.
    pub(crate) fn install(self, ctx: &Ctx, app: &App, origin: &Origin, dir: &Utf8Path) -> Result<Installed> {
        match self {
            Ecosystem::Python => python::install::install(ctx, app, origin, dir),
            Ecosystem::Ts => ts::install::install(ctx, app, origin, dir),
        }
    }

    /// Every place where an installed package reports its version, and that version.
    pub(crate) fn reported_versions(self, app: &App, installed: &Installed) -> Result<Vec<(String, String)>> {
        match self {
            Ecosystem::Python => python::install::versions(app, installed),
            Ecosystem::Ts => ts::install::versions(app, installed),
        }
    }

    /// The address of the index that releases are read back from.
    pub(crate) fn index_url(self, ctx: &Ctx) -> &str {
        match self {
            Ecosystem::Python => &ctx.endpoints.pypi.simple,
            Ecosystem::Ts => &ctx.endpoints.npm,
        }
    }

    /// The address that uploads go to, and the environment variable with its token.
    pub(crate) fn upload_target(self, ctx: &Ctx, stage: bool) -> (&str, &'static str) {
        match self {
            Ecosystem::Python => {
                let index = python::target(ctx, stage);
                (&index.upload, index.token)
            }
            Ecosystem::Ts => (&ctx.endpoints.npm, ts::registry::TOKEN),
        }
    }

    /// Every version of the package that was ever published, withdrawn or not. None if the index does not
    /// know the package.
    pub(crate) fn published_versions(self, ctx: &Ctx, app: &App) -> Result<Option<Vec<IndexVersion>>> {
        match self {
            Ecosystem::Python => python::index::versions(&ctx.endpoints.pypi, &app.settings.package),
            Ecosystem::Ts => ts::registry::versions(&ctx.endpoints.npm, &app.settings.package),
        }
    }

    /// The files of that version on the index, or on the staging index.
    pub(crate) fn published(
        self,
        ctx: &Ctx,
        app: &App,
        stage: bool,
        version: &Version,
    ) -> Result<Vec<PublishedFile>> {
        match self {
            Ecosystem::Python => python::publish::published(app, python::target(ctx, stage), version),
            Ecosystem::Ts => ts::registry::published(&ctx.endpoints.npm, &app.settings.package, version),
        }
    }

    /// The reason why the index would refuse an upload, if that can be found out beforehand.
    pub(crate) fn credentials_problem(self, ctx: &Ctx, app: &App, stage: bool) -> Option<String> {
        match self {
            Ecosystem::Python => python::publish::credentials_problem(python::target(ctx, stage)),
            Ecosystem::Ts => ts::publish::credentials_problem(&ctx.endpoints.npm, &app.settings.package),
        }
    }

    /// Uploads the files and waits until the index lists them: seconds to a minute on PyPI. After a failed
    /// upload the index is asked before the next try: the file may have arrived, and an index takes a name
    /// only once. An index that refuses the name, but does not list it, answers from a cache: it has the file
    /// from an earlier try or run.
    pub(crate) fn publish(
        self,
        ctx: &Ctx,
        app: &App,
        stage: bool,
        version: &Version,
        files: &[DistFile],
    ) -> Result<()> {
        let (url, _) = self.upload_target(ctx, stage);
        let listed = |file: &DistFile| -> Result<bool> {
            let there = self.published(ctx, app, stage, version)?;
            match there.iter().find(|p| p.name == file.name) {
                Some(other) if !other.is(&file.name, &file.sha256) => bail!(
                    "{url} has {} with other bytes: sha256 {} instead of {}",
                    file.name,
                    other.sha256.as_deref().unwrap_or("unknown"),
                    file.sha256
                ),
                found => Ok(found.is_some()),
            }
        };
        for file in files {
            let once = || {
                let uploaded = match self {
                    Ecosystem::Python => python::publish::upload(ctx, python::target(ctx, stage), file),
                    Ecosystem::Ts => ts::publish::upload(ctx, app, version, file),
                };
                uploaded.or_else(|error| match listed(file) {
                    Ok(true) => Ok(()),
                    Ok(false) if retry::is_there_already(&format!("{error:#}")) => Ok(()),
                    Ok(false) if retry::is_busy(&error.to_string()) => Err(match http::asked_pause(url) {
                        Some(asked) => error.context(asked),
                        None => error,
                    }),
                    Ok(false) => Err(error),
                    Err(unknown) => Err(error.context(format!(
                        "it is not known whether the upload has arrived, because {url} cannot be asked: \
                         {unknown:#}"
                    ))),
                })
            };
            let what = format!("upload of {}", file.name);
            retry::again(&what, once, |error| retry::temporary(&error.to_string())).map_err(|error| {
                let refusal = match self {
                    Ecosystem::Python => python::publish::refusal(&format!("{error:#}")),
                    Ecosystem::Ts => None,
                };
                let (name, app) = (&file.name, app.name());
                let Some((id, advice)) = refusal else {
                    return error.context(format!("{url} did not accept {name}"));
                };
                let message = format!("{url} did not accept {name}: {advice}\n{error:#}");
                let finding = Finding::new(id, Level::Error, message).app(app);
                let help = format!("correct it there, then go on: cargo xtask release {app}");
                Exit::Gate(vec![finding.help(help)]).into()
            })?;
        }
        for file in files {
            let name = &file.name;
            retry::until_shown(&format!("{name} on {url}"), || Ok(listed(file)?.then_some(())))?
                .with_context(|| {
                    format!("{url} has accepted {name}, but does not list it: {}", retry::still_stale())
                })?;
        }
        Ok(())
    }

    /// Is this the version that users get without naming one? None if the index chooses that version itself.
    pub(crate) fn is_latest(self, ctx: &Ctx, app: &App, version: &Version) -> Result<Option<bool>> {
        match self {
            Ecosystem::Python => Ok(None),
            Ecosystem::Ts => {
                ts::registry::is_latest(&ctx.endpoints.npm, &app.settings.package, version).map(Some)
            }
        }
    }

    /// Makes this the version that users get without naming one. Does nothing if the index chooses it itself.
    pub(crate) fn make_latest(self, ctx: &Ctx, app: &App, version: &Version) -> Result<()> {
        match self {
            Ecosystem::Python => Ok(()),
            Ecosystem::Ts => ts::publish::make_latest(ctx, app, version),
        }
    }

    /// The environment of the app's image.
    pub(crate) fn image_env(self) -> Vec<(String, String)> {
        match self {
            Ecosystem::Python => python::image::env(),
            Ecosystem::Ts => ts::image::env(),
        }
    }

    /// The layers of the app's image over its base. The layers that change least come first. `file`: the
    /// published file.
    pub(crate) fn image_layers<'a>(
        self,
        ctx: &'a Ctx,
        app: &App,
        commit: &str,
        file: &'a Utf8Path,
        base: &Reference,
    ) -> Result<Vec<Source<'a>>> {
        match self {
            Ecosystem::Python => python::image::layers(ctx, app, commit, file, base),
            Ecosystem::Ts => ts::image::layers(ctx, app, commit, file),
        }
    }
}

/// Can the forge issue an identity token for an index (trusted publishing)? Gitea's runner offers such tokens
/// too (Gitea 1.26), but neither PyPI nor npm accepts that issuer.
pub(crate) fn trusted_publishing() -> bool {
    std::env::var_os("ACTIONS_ID_TOKEN_REQUEST_URL").is_some() && std::env::var_os("GITEA_ACTIONS").is_none()
}

/// The tools and their versions, one entry per tool, for the message of a release's tag.
pub(crate) fn tool_versions(ecosystem: Ecosystem) -> Vec<String> {
    ecosystem.tools().iter().map(|name| format!("{name} {}", tools::version(name))).collect()
}

/// The environment of every program that builds, so that its output depends on the commit only.
fn reproducible(epoch: &str) -> [(&'static str, &str); 3] {
    [("SOURCE_DATE_EPOCH", epoch), ("TZ", "UTC"), ("LC_ALL", "C.UTF-8")]
}

fn on_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some() && std::env::var_os("GITEA_ACTIONS").is_none()
}

/// What to do about a missing token. GitHub gives a job the address for identity tokens only with that
/// permission.
fn no_token(url: &str, token: &str, on_github: bool) -> String {
    let identity = match on_github {
        true => "; or publish as a trusted publisher: the job needs `permissions: id-token: write`",
        false => "",
    };
    format!("not set up: {token}, the login for {url}{identity}")
}

/// Runs the commands of `[commands] build` in order, with `programs` first in PATH.
fn built(dir: &Utf8Path, commands: &[Vec<String>], programs: &Utf8Path, epoch: &str) -> Result<()> {
    let path = format!("{programs}:{}", ts::path()?);
    for argv in commands {
        started(dir, argv, &[&reproducible(epoch)[..], &[("PATH", &path)]].concat())
            .with_context(|| format!("[commands] build: {}", argv.join(" ")))?;
    }
    Ok(())
}

/// Runs a command of `[commands]` in this folder. Returns stdout and stderr together.
fn started(dir: &Utf8Path, argv: &[String], env: &[(&str, &str)]) -> Result<String> {
    let (program, args) = argv.split_first().context("the command has no words")?;
    let sh = crate::sys::child::shell(dir)?;
    crate::sys::child::capture_both(xshell::cmd!(sh, "/usr/bin/env {program} {args...}"), env)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_shows_its_version_as_the_last_word() {
        let shown = |output: Result<&str>| {
            shown_version("demo --version", output.map(str::to_string)).unwrap_or_else(|e| format!("{e:#}\n"))
        };
        for (output, expected) in
            [("1.0.0\n", "1.0.0"), ("demo 1.0.0rc1\n", "1.0.0rc1"), ("Python 3.11\ndemo 2.0", "2.0")]
        {
            assert_eq!(shown(Ok(output)), expected);
        }
        let wrong = [Ok(""), Ok("--version\n"), Err(anyhow::anyhow!("`demo --version`: exit code 2"))];
        expect_test::expect![[r#"
            `demo --version` shows no version: ""
              → a release needs every program of the package to answer --version with exit code 0, and with the package's version as the last word
            `demo --version` shows no version: "--version"
              → a release needs every program of the package to answer --version with exit code 0, and with the package's version as the last word
            `demo --version`: exit code 2
              → a release needs every program of the package to answer --version with exit code 0, and with the package's version as the last word
        "#]].assert_eq(&wrong.map(shown).concat());
    }

    #[test]
    fn a_job_on_github_is_told_how_to_publish_without_a_token() {
        let plain = "not set up: TOKEN, the login for https://index";
        assert_eq!(no_token("https://index", "TOKEN", false), plain);
        let job = "; or publish as a trusted publisher: the job needs `permissions: id-token: write`";
        assert_eq!(no_token("https://index", "TOKEN", true), format!("{plain}{job}"));
    }
}
