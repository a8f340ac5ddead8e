//! Installs a release as a user does: a clean virtual environment, `pip install`, start.

use crate::ecosystem::{Installed, Origin, shown_version};
use crate::model::ctx::Ctx;
use crate::model::endpoints::PythonIndex;
use crate::model::workspace::App;
use crate::sys::{child, scratch, tools};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use xshell::cmd;

/// Installs into the new environment `dir/venv`. From an index it first installs the package from that index
/// only, without its dependencies, because the same name may exist on other indexes. Then it installs the
/// dependencies from the read index.
pub(crate) fn install(ctx: &Ctx, app: &App, origin: &Origin, dir: &Utf8Path) -> Result<Installed> {
    let (uv, base, read) = (tools::uv()?, tools::python()?, &ctx.endpoints.pypi_read);
    let venv = dir.join("venv");
    let sh = child::shell(dir)?;
    let bytecode = scratch::bytecode()?;
    let env: &[(&str, &str)] = &[("PYTHONPYCACHEPREFIX", bytecode.as_str())];
    let python = venv.join("bin/python");
    let package = &app.settings.package;
    match origin {
        Origin::File(file) => {
            child::capture(cmd!(sh, "{uv} venv --quiet --python {base} {venv}"), &[])?;
            let (folder, name) =
                file.path.parent().zip(file.path.file_name()).context("the wheel's path has no folder")?;
            // uv reads a path as a requirement, in which a `;` begins a marker and ` #` a comment.
            let (sh, wheel) = (child::shell(folder)?, format!("./{name}"));
            child::capture_download(
                cmd!(sh, "{uv} pip install --quiet --python {python} --default-index {read} {wheel}"),
                &[],
            )?;
            asked().push(package.clone());
        }
        Origin::Index { stage, version, sha256 } => {
            let index = &super::target(ctx, *stage).simple;
            let version = app.settings.ecosystem.package_version(version)?;
            let hashes: String = sha256.iter().map(|sha256| format!(" --hash=sha256:{sha256}")).collect();
            let requirements = dir.join("requirements.txt");
            std::fs::write(&requirements, format!("{package}=={version}{hashes}\n"))?;
            let netrc = netrc(super::target(ctx, *stage), dir)?;
            let mut env: Vec<(&str, &str)> = env.to_vec();
            env.extend(netrc.as_ref().map(|file| ("NETRC", file.as_str())));
            let only = [
                "--no-deps",
                "--only-binary",
                ":all:",
                "--require-hashes",
                "--index-url",
                index,
                "--requirement",
            ];
            // A release is verified with pip, because users have pip. For the staging index uv gives the same
            // result faster.
            if *stage {
                child::capture(cmd!(sh, "{uv} venv --quiet --python {base} {venv}"), &[])?;
                child::capture_download(
                    cmd!(
                        sh,
                        "{uv} pip install --quiet --no-cache --python {python} {only...} {requirements}"
                    ),
                    &env,
                )?;
            } else {
                child::capture(cmd!(sh, "{uv} venv --quiet --seed --python {base} {venv}"), &[])?;
                child::capture_download(
                    cmd!(sh, "{python} -m pip install --quiet --no-cache-dir {only...} {requirements}"),
                    &env,
                )?;
            }
            if let Some(file) = netrc {
                std::fs::remove_file(file)?;
            }
            let pinned = format!("{package}=={version}");
            let from = ["--python", python.as_str(), "--default-index", read.as_str()];
            let rest = |offline: &[&str]| {
                child::capture_download(
                    cmd!(sh, "{uv} pip install --quiet {offline...} {from...} {pinned}"),
                    &[],
                )
            };
            // The dependencies of the first installation are in uv's cache. Checking again whether they are
            // current takes about a hundred requests and several seconds.
            if !(asked().contains(package) && rest(&["--offline"]).is_ok()) {
                rest(&[])?;
            }
        }
    }
    Ok(Installed { programs: venv.join("bin"), env: vec![("PYTHONPYCACHEPREFIX", bytecode)] })
}

/// Writes the index's login to a netrc file, which pip and uv read, so that it is not in an argument or
/// address. None if there is no login for reads.
fn netrc(index: &PythonIndex, dir: &Utf8Path) -> Result<Option<Utf8PathBuf>> {
    let Some(login) = index.login() else { return Ok(None) };
    let file = dir.join("netrc");
    let host = login.host.split(':').next().unwrap_or_default();
    let mut private =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
    writeln!(private, "machine {host} login {} password {}", login.user, login.token)?;
    Ok(Some(file))
}

/// The packages whose dependencies this process has already fetched from the read index.
fn asked() -> MutexGuard<'static, Vec<String>> {
    static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every place where an installed package reports its version, and that version: the metadata, `__version__`
/// of its modules, `--version` of its programs.
pub(crate) fn versions(app: &App, installed: &Installed) -> Result<Vec<(String, String)>> {
    let sh = child::shell("/")?;
    let python = installed.programs.join("python");
    let env: Vec<(&str, &str)> = installed.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let package = &app.settings.package;
    let script = "import importlib, importlib.metadata as m, json, sys
package, modules = sys.argv[1], sys.argv[2:]
said = [['metadata', m.version(package)]]
said += [
    [name + '.__version__', getattr(importlib.import_module(name), '__version__', None)] for name in modules
]
scripts = [e.name for e in m.distribution(package).entry_points if e.group == 'console_scripts']
print(json.dumps([said, scripts]))";
    let modules = &app.settings.api.public;
    let output = child::capture_briefly(cmd!(sh, "{python} -P -c {script} {package} {modules...}"), &env)?;
    let (said, scripts): (Vec<(String, Option<String>)>, Vec<String>) =
        serde_json::from_str(output.trim()).context("the installed package's versions are not readable")?;
    let mut versions: Vec<_> =
        said.into_iter().filter_map(|(place, version)| Some((place, version?))).collect();
    for script in scripts {
        let program = python.with_file_name(&script);
        let output = child::capture_briefly(cmd!(sh, "{program} --version"), &env);
        let what = format!("{script} --version");
        let version = shown_version(&what, output)?;
        versions.push((what, version));
    }
    Ok(versions)
}
