//! Python: environments and builds with uv, the app's own linters, pytest, and `twine check` of the built
//! files.

use super::{DistFile, ToolResult};
use crate::model::ctx::Ctx;
use crate::model::endpoints::PythonIndex;
use crate::model::language;
use crate::model::workspace::App;
use crate::sys::exit::with_next;
use crate::sys::{child, files, kill_on_exit, parallel, retry, tools, ui};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use metadata::Classifiers;
use std::process::Command;
use xshell::cmd;

pub(crate) mod image;
pub(crate) mod index;
pub(crate) mod install;
mod metadata;
pub(crate) mod publish;
pub(crate) mod users;
pub(crate) mod wheel;

/// The index to publish to: the staging index if `stage` is set.
pub(crate) fn target(ctx: &Ctx, stage: bool) -> &PythonIndex {
    if stage { &ctx.endpoints.testpypi } else { &ctx.endpoints.pypi }
}

/// Updates the app's `.venv` in the checkout `root` to match `uv.lock`. Returns the path of its interpreter.
fn synced(ctx: &Ctx, app: &App, root: &Utf8Path) -> Result<Utf8PathBuf> {
    let _mine = super::environments();
    let dir = root.join(&app.dir);
    let python = dir.join(".venv/bin/python");
    let marker = dir.join(".venv/.synced");
    let locked = lock(root, app);
    let wanted = format!(
        "{dir}\0{}\0{}",
        read(&dir.join("pyproject.toml"))?,
        locked.as_deref().and_then(|lock| std::fs::read_to_string(lock).ok()).unwrap_or_default()
    );
    let had = std::fs::read_to_string(&marker).ok();
    if python.exists() && had.as_ref() == Some(&wanted) {
        return Ok(python);
    }
    // In a checkout that was moved or copied, the environment still runs the programs and code of the old
    // folder.
    if had.is_some_and(|had| !had.starts_with(&format!("{dir}\0"))) {
        std::fs::remove_dir_all(dir.join(".venv"))
            .with_context(|| format!("{dir}/.venv belongs to another folder and cannot be removed"))?;
    }
    let (uv, base, index) = (tools::uv()?, tools::python()?, &ctx.endpoints.pypi_read);
    let sh = child::shell(&dir)?;
    let frozen: &[&str] = if locked.is_some() { &["--frozen"] } else { &[] };
    let before = Locks::read(root, app);
    let mut guard = before.remove_new_ones_when_gone()?;
    let synced = child::capture_download(
        cmd!(sh, "{uv} sync --quiet --all-groups {frozen...} --python {base} --default-index {index}"),
        // In a workspace, uv would use one environment for all members.
        &[("UV_PROJECT_ENVIRONMENT", dir.join(".venv").as_str())],
    );
    guard.kill()?;
    guard.wait()?;
    before.restore()?;
    synced?;
    std::fs::write(&marker, wanted)?;
    Ok(python)
}

/// The lock file that has the app's dependencies: its own, or the one of the workspace that it is a member
/// of.
pub(crate) fn lock(root: &Utf8Path, app: &App) -> Option<Utf8PathBuf> {
    let own = root.join(&app.dir).join("uv.lock");
    let of_workspace = || {
        app.dir.ancestors().skip(1).find_map(|folder| {
            let file = root.join(folder).join("uv.lock");
            let member = app.dir.strip_prefix(folder).ok()?;
            language::python::locks(&std::fs::read_to_string(&file).ok()?, member.as_str()).then_some(file)
        })
    };
    if own.exists() { Some(own) } else { of_workspace() }
}

/// The lock files that `uv sync` may write in the app's folder and above it. A check must not change them.
struct Locks(Vec<(Utf8PathBuf, Option<Vec<u8>>)>);

impl Locks {
    fn read(root: &Utf8Path, app: &App) -> Locks {
        let files = app.dir.ancestors().map(|folder| root.join(folder).join("uv.lock"));
        Locks(files.map(|file| (file.clone(), std::fs::read(file).ok())).collect())
    }

    /// A process that removes the lock files that uv has created, if xtask is killed meanwhile. It waits
    /// until uv, which is killed too, has ended.
    fn remove_new_ones_when_gone(&self) -> Result<std::process::Child> {
        let missing: Vec<&str> =
            self.0.iter().filter(|(_, before)| before.is_none()).map(|(file, _)| file.as_str()).collect();
        kill_on_exit::when_gone("sleep 1; rm -f -- \"$0\" \"$@\"", &[&["/nowhere"], &missing[..]].concat())
    }

    fn restore(self) -> Result<()> {
        for (file, before) in self.0 {
            match before {
                Some(bytes) if std::fs::read(&file).ok().as_ref() != Some(&bytes) => {
                    files::write_atomic(&file, &bytes)?
                }
                None if file.exists() => std::fs::remove_file(&file)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn read(path: &Utf8Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// The tools that the app configures, which are the ones to run: the `[tool.*]` tables of pyproject.toml, the
/// sections of setup.cfg and tox.ini, and the tools with a configuration file of their own.
pub(crate) fn configured(root: &Utf8Path, app: &App) -> Result<Vec<String>> {
    let path = root.join(&app.dir).join("pyproject.toml");
    let document: toml_edit::DocumentMut =
        read(&path)?.parse().with_context(|| format!("{path} is not TOML"))?;
    let tables = document.get("tool").and_then(|t| t.as_table_like());
    let mut names: Vec<String> =
        tables.map(|t| t.iter().map(|(name, _)| name.to_string()).collect()).unwrap_or_default();
    let dir = root.join(&app.dir);
    for ini in ["setup.cfg", "tox.ini"] {
        names.extend(super::detect::sections(&std::fs::read_to_string(dir.join(ini)).unwrap_or_default()));
    }
    for (file, tool) in [
        ("pytest.ini", "pytest"),
        (".pytest.ini", "pytest"),
        ("ruff.toml", "ruff"),
        (".ruff.toml", "ruff"),
        ("mypy.ini", "mypy"),
        (".mypy.ini", "mypy"),
        ("ty.toml", "ty"),
    ] {
        if dir.join(file).exists() {
            names.push(tool.to_string());
        }
    }
    Ok(names)
}

/// Checks the lock file and runs ruff and the type checkers, in parallel.
pub(crate) fn lint(ctx: &Ctx, app: &App) -> Result<Vec<ToolResult>> {
    let root = &ctx.ws.root;
    let dir = root.join(&app.dir);
    let python = synced(ctx, app, root)?;
    let tools = configured(root, app)?;
    let mut jobs: Vec<(&str, Vec<&str>)> = Vec::new();
    for (tool, runs) in [
        (
            "ruff",
            &[
                ("ruff check", &["ruff", "check", "."] as &[&str]),
                ("ruff format", &["ruff", "format", "--check", "."]),
            ] as &[(&str, &[&str])],
        ),
        ("mypy", &[("mypy", &["mypy"])]),
        ("basedpyright", &[("basedpyright", &["basedpyright"])]),
        ("pyright", &[("pyright", &["pyright"])]),
        ("ty", &[("ty", &["ty", "check"])]),
    ] {
        if tools.iter().any(|t| t == tool) {
            jobs.extend(runs.iter().map(|(name, argv)| (*name, argv.to_vec())));
        }
    }
    let lock = lock(root, app).is_some().then_some("uv lock");
    let linters = || {
        parallel::all(
            jobs.iter()
                .map(|(name, argv)| {
                    || ToolResult { tool: name.to_string(), result: module(&dir, &python, argv) }
                })
                .collect(),
        )
    };
    let locked = || lock.map(|tool| ToolResult { tool: tool.to_string(), result: check_lock(ctx, &dir) });
    let (locked, linters) = parallel::both(locked, linters);
    Ok(locked.into_iter().chain(linters).collect())
}

/// Runs a module of the app's environment. The linters' caches are in the user's cache folder, so that a
/// fresh clone can use them too.
pub(crate) fn module(dir: &Utf8Path, python: &Utf8Path, argv: &[&str]) -> Result<String> {
    let sh = child::shell(dir)?;
    let cache = child::cache()?.join("lint");
    let (mypy, ruff) = (cache.join("mypy"), cache.join("ruff"));
    child::capture(
        cmd!(sh, "{python} -m {argv...}"),
        &[("MYPY_CACHE_DIR", mypy.as_str()), ("RUFF_CACHE_DIR", ruff.as_str())],
    )
}

/// Fails if `uv.lock` does not match `pyproject.toml`.
pub(crate) fn check_lock(ctx: &Ctx, dir: &Utf8Path) -> Result<String> {
    let (uv, python, index) = (tools::uv()?, tools::python()?, &ctx.endpoints.pypi_read);
    let sh = child::shell(dir)?;
    child::capture_download(cmd!(sh, "{uv} lock --check --python {python} --default-index {index}"), &[])
        .map_err(|e| {
            let text = e.to_string();
            let unreachable = retry::temporary(&text).is_some() || text.contains("error sending request");
            if text.contains("needs to be updated") {
                let error = e.context("uv.lock does not match pyproject.toml");
                return with_next(error, "`uv lock` updates uv.lock");
            }
            e.context(match unreachable {
                true => format!("cannot check uv.lock, because {index} does not answer"),
                false => "cannot check uv.lock".to_string(),
            })
        })
}

/// Updates `uv.lock` to match `pyproject.toml`.
pub(crate) fn write_lock(ctx: &Ctx, dir: &Utf8Path) -> Result<String> {
    let (uv, python, index) = (tools::uv()?, tools::python()?, &ctx.endpoints.pypi_read);
    let sh = child::shell(dir)?;
    child::capture_download(cmd!(sh, "{uv} lock --python {python} --default-index {index}"), &[])
}

/// Queries osv.dev for advisories about the locked dependencies that users get.
pub(crate) fn audit(dir: &Utf8Path) -> Result<String> {
    let uv = tools::uv()?;
    let sh = child::shell(dir)?;
    child::capture_online(
        cmd!(sh, "{uv} audit --quiet --frozen --no-dev --preview-features audit-command"),
        &[],
    )
}

/// Runs pytest, with the coverage floor of its settings. None if pytest is not configured and there are no
/// test files.
pub(crate) fn test(ctx: &Ctx, app: &App) -> Result<Option<String>> {
    let root = &ctx.ws.root;
    let dir = root.join(&app.dir);
    let set_up = configured(root, app)?.iter().any(|t| t == "pytest" || t == "tool:pytest");
    let files = super::detect::files(&dir)?;
    let Some(why) = super::detect::python_tests(&files).or(set_up.then_some("the settings of pytest")) else {
        return Ok(None);
    };
    let python = synced(ctx, app, root)?;
    module(&dir, &python, &["pytest"]).map(Some).map_err(|e| {
        match e.to_string().contains("No module named pytest") {
            true => e.context(format!(
                "{} has tests ({why}), but pytest is not among its dependencies (run `uv add --dev pytest` \
                 there, or set [commands] test in {})",
                app.dir,
                app.file()
            )),
            false => e,
        }
    })
}

/// The folder of the environment's programs.
pub(crate) fn programs(ctx: &Ctx, app: &App) -> Result<Utf8PathBuf> {
    let python = synced(ctx, app, &ctx.ws.root)?;
    Ok(python.parent().context("the path of the Python interpreter has no folder")?.to_path_buf())
}

/// Runs one of the app's own programs. `python` is the environment's interpreter. Returns stdout.
pub(crate) fn run(ctx: &Ctx, app: &App, root: &Utf8Path, argv: &[String]) -> Result<String> {
    let python = synced(ctx, app, root)?;
    let (program, args) = argv.split_first().context("the command has no words")?;
    let program = if program == "python" { python } else { python.with_file_name(program) };
    let sh = child::shell(root.join(&app.dir))?;
    child::capture(cmd!(sh, "{program} {args...}"), &[])
}

/// The command that starts the server, with the environment's own programs.
pub(crate) fn server(ctx: &Ctx, app: &App, argv: &[String]) -> Result<Command> {
    let python = synced(ctx, app, &ctx.ws.root)?;
    let (program, args) = argv.split_first().context("the command has no words")?;
    let mut command = Command::new(python.with_file_name(program));
    command.args(args).env_clear().envs(child::env()?).current_dir(ctx.ws.root.join(&app.dir));
    Ok(command)
}

/// Runs `[commands] build` in the exported sources below `root`. They get an environment of their own, which
/// is removed afterwards so that it does not get into the package.
fn prepared(ctx: &Ctx, app: &App, root: &Utf8Path, epoch: &str) -> Result<()> {
    let commands = &app.settings.commands.build;
    if commands.is_empty() {
        return Ok(());
    }
    let python = synced(ctx, app, root)?;
    let programs = python.parent().context("the path of the Python interpreter has no folder")?;
    let dir = root.join(&app.dir);
    super::built(&dir, commands, programs, epoch)?;
    std::fs::remove_dir_all(dir.join(".venv")).with_context(|| format!("cannot remove {dir}/.venv"))
}

/// Builds the sdist and the wheel of the app's sources below `root` into `out`. They are reproducible and
/// must pass `twine check --strict`.
pub(crate) fn build(ctx: &Ctx, app: &App, root: &Utf8Path, out: &Utf8Path, epoch: &str) -> Result<()> {
    prepared(ctx, app, root, epoch)?;
    let dir = root.join(&app.dir);
    let (uv, python, index) = (tools::uv()?, tools::python()?, &ctx.endpoints.pypi_read);
    let sh = child::shell(dir)?;
    let args = ["--quiet", "--sdist", "--wheel", "--no-create-gitignore"];
    child::capture_download(
        cmd!(sh, "{uv} build {args...} --python {python} --default-index {index} --out-dir {out}"),
        &super::reproducible(epoch),
    )?;
    let mut files = Vec::new();
    for entry in out.read_dir_utf8()? {
        files.push(DistFile::read(entry?.path().to_path_buf())?);
    }
    check_files(&files, index)
}

/// Checks that there are one sdist and one wheel, that the wheel has the expected contents, and that the
/// index will accept the metadata.
fn check_files(files: &[DistFile], index: &str) -> Result<()> {
    let wheels: Vec<_> = files.iter().filter(|f| f.name.ends_with(".whl")).collect();
    let sdists = files.iter().filter(|f| f.name.ends_with(".tar.gz")).count();
    let [wheel] = wheels.as_slice() else {
        bail!("the build created {} wheels; one is expected", wheels.len())
    };
    if sdists != 1 || files.len() != 2 {
        let names: Vec<_> = files.iter().map(|f| f.name.as_str()).collect();
        bail!("the build created {}; one sdist and one wheel are expected", names.join(", "));
    }
    let names = wheel::names(&wheel.path)?;
    let mut problems = wheel_problems(&names);
    let metadata = metadata_of(&wheel.path, &names)?;
    if !metadata::has_readme(&metadata) {
        problems.push(
            "the README is missing: name it under project.readme; the index shows it as the package's page"
                .to_string(),
        );
    }
    let classifiers = metadata::has_classifiers(&metadata).then(|| classifiers(index)).flatten();
    let refused = metadata::refused(&wheel.name, &metadata, classifiers.as_ref());
    problems.extend(refused.into_iter().map(|reason| format!("PyPI would refuse it: {reason}")));
    if !problems.is_empty() {
        bail!("{}:\n  {}", wheel.name, problems.join("\n  "));
    }
    let twine = tools::tool("twine")?;
    let sh = child::shell("/")?;
    let paths: Vec<_> = files.iter().map(|f| &f.path).collect();
    child::capture(cmd!(sh, "{twine} check --strict {paths...}"), &[]).map(drop)
}

/// PyPI's list of classifiers today. A pinned list would refuse classifiers that are newer. None if it cannot
/// be downloaded.
fn classifiers(index: &str) -> Option<Classifiers> {
    let read = || -> Result<Classifiers> {
        let (uv, python, script) = (tools::uv()?, tools::python()?, Classifiers::SCRIPT);
        let sh = child::shell("/")?;
        let options = ["--quiet", "--no-project", "--isolated", "--with", "trove-classifiers"];
        let text = child::capture_download(
            cmd!(sh, "{uv} run {options...} --python {python} --default-index {index} python -I -c {script}"),
            &[],
        )?;
        Ok(serde_json::from_str(&text)?)
    };
    read()
        .inspect_err(|error| {
            let note = ui::yellow("note:");
            ui::say(&format!(
                "{note} the list of classifiers cannot be read; only their first level is checked: {error:#}"
            ));
        })
        .ok()
}

/// The most bytes that are read of a METADATA, which holds the README too.
const METADATA_LONGEST: u64 = 1 << 26;

/// The METADATA of a wheel with these paths.
fn metadata_of(wheel: &Utf8Path, names: &[String]) -> Result<String> {
    let wanted = |name: &&String| name.ends_with(".dist-info/METADATA") && name.matches('/').count() == 1;
    let path = names.iter().find(wanted).with_context(|| format!("{wheel} has no METADATA"))?;
    Ok(String::from_utf8(wheel::read(wheel, path, METADATA_LONGEST)?)?)
}

/// The problems with a wheel's contents, one line each.
pub(crate) fn wheel_problems(names: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for name in names {
        let mut parts = name.split('/');
        if parts.clone().any(|p| p == "__pycache__" || p == ".pytest_cache" || p == ".mypy_cache")
            || name.ends_with(".pyc")
        {
            problems.push(format!("{name}: a cache file must not be in a wheel"));
        } else if parts.any(|p| p == "tests" || p == "test")
            || name.rsplit('/').next().is_some_and(|f| f.starts_with("test_") || f == "conftest.py")
        {
            problems.push(format!("{name}: tests must not be in a wheel"));
        } else if name
            .rsplit('/')
            .next()
            .is_some_and(|f| f == ".env" || f.ends_with(".pem") || f == ".pypirc")
        {
            problems.push(format!("{name}: looks like a secret"));
        }
    }
    if !names.iter().any(|n| n.ends_with("/py.typed")) {
        problems
            .push("py.typed is missing: type checkers will ignore the package's types (PEP 561)".to_string());
    }
    let licence = |n: &&String| {
        n.contains(".dist-info/")
            && n.to_ascii_uppercase()
                .rsplit('/')
                .next()
                .is_some_and(|f| f.starts_with("LICEN") || f.starts_with("COPYING"))
    };
    if !names.iter().any(|n| licence(&n)) {
        problems
            .push("the licence file is missing: name it under project.license-files (PEP 639)".to_string());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_with_wrong_contents_is_reported() {
        let good = [
            "pkg/__init__.py",
            "pkg/py.typed",
            "pkg/testing.py",
            "pkg-1.dist-info/licenses/LICENSE",
            "pkg-1.dist-info/RECORD",
        ];
        let names = |extra: &[&str]| good.iter().chain(extra).map(|n| n.to_string()).collect::<Vec<_>>();
        for (extra, problems) in [
            (vec![], 0),
            (vec!["pkg/__pycache__/x.cpython-311.pyc"], 1),
            (vec!["tests/test_x.py", "pkg/test_y.py", "pkg/conftest.py"], 3),
            (vec!["pkg/.env"], 1),
            (vec!["pkg/latest.py", "pkg/contest.py"], 0),
        ] {
            assert_eq!(wheel_problems(&names(&extra)).len(), problems, "{extra:?}");
        }
        assert_eq!(wheel_problems(&["pkg/__init__.py".to_string()]).len(), 2);
    }
}
