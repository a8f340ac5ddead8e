//! Pinned tools in the user's cache folder, each installed the first time somebody asks for it.

use crate::child;
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;
use xshell::cmd;

/// What is installed from PyPI, each into a virtual environment of its own.
pub const PYPI: &[(&str, &str)] = &[("uv", "0.13.8"), ("lefthook", "2.2.2"), ("twine", "7.0.0"), ("pypiserver", "2.4.2")];

/// The pinned version of a tool.
pub fn version(name: &str) -> &'static str {
    PYPI.iter().find(|(n, _)| *n == name).map(|(_, v)| *v).expect("a tool of the table")
}

/// uv itself: installed by pip into a virtual environment, everything else by uv.
pub fn uv() -> Result<Utf8PathBuf> {
    installed("uv", |venv, spec| {
        let sh = child::shell("/")?;
        let python = python()?;
        child::capture(cmd!(sh, "{python} -m venv {venv}"), &[])
            .context("python3 has no venv module; on Debian and Ubuntu: apt-get install python3-venv")?;
        child::capture(cmd!(sh, "{venv}/bin/python -m pip install --quiet --no-deps {spec}"), &[]).map(drop)
    })
}

/// A console script of a pinned PyPI tool.
pub fn pypi(name: &'static str) -> Result<Utf8PathBuf> {
    if name == "uv" {
        return uv();
    }
    installed(name, |venv, spec| {
        let sh = child::shell("/")?;
        let (uv, python) = (uv()?, python()?);
        child::capture(cmd!(sh, "{uv} venv --quiet --python {python} {venv}"), &[])?;
        let extra: &[&str] = if name == "pypiserver" { &["passlib==1.7.4"] } else { &[] };
        child::capture(cmd!(sh, "{uv} pip install --quiet --python {venv}/bin/python {spec} {extra...}"), &[]).map(drop)
    })
}

/// The tool's program, made by `install(venv, "name==version")` where it isn't there yet.
fn installed(name: &'static str, install: impl Fn(&Utf8Path, &str) -> Result<()>) -> Result<Utf8PathBuf> {
    let version = version(name);
    let venv = child::cache()?.join("tools").join(format!("{name}-{version}"));
    let program = venv.join("bin").join(if name == "pypiserver" { "pypi-server" } else { name });
    made_once(&venv, || {
        install(&venv, &format!("{name}=={version}")).with_context(|| format!("{name} {version} could not be installed into {venv}"))?;
        if !program.exists() {
            bail!("{name} {version} brought no {program}");
        }
        Ok(())
    })?;
    Ok(program)
}

/// Makes a folder of the cache the first time somebody needs it. Safe beside other processes, and after one that was killed.
pub fn made_once(folder: &Utf8Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let complete = folder.join(".complete");
    if complete.exists() {
        return Ok(());
    }
    let (parent, name) = (folder.parent().context("a folder of the cache")?, folder.file_name().unwrap_or_default());
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
            let script = "import sys; assert sys.version_info >= (3, 11); print(getattr(sys, '_base_executable', sys.executable))";
            let output = std::process::Command::new(program).args(["-I", "-c", script]).output().ok()?;
            output.status.success().then(|| Utf8PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        })
    });
    found.clone().context("no Python >= 3.11 on PATH (tried python3, python3.11 to python3.14)")
}
