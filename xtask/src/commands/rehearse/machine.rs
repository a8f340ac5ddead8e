//! The environments of a rehearsal: a developer's machine and a CI runner. Their programs run under a
//! supervisor, and their output goes to the log of the step.

use super::servers::environment;
use super::world::World;
use crate::model::endpoints::Endpoints;
use crate::model::workspace::App;
use crate::sys::supervise::Start;
use crate::sys::{supervise, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

pub(super) type Env = Vec<(String, String)>;

pub(crate) struct Machine {
    /// A copy of this binary, so that a build during the rehearsal does not replace it.
    pub xtask: Utf8PathBuf,
    /// The variables that every program gets.
    base: Env,
    home: Utf8PathBuf,
}

/// How a program ended.
pub(crate) struct Ended {
    pub words: String,
    pub code: i32,
    /// The program's stdout and stderr, or only its stderr after `run_json`.
    pub text: String,
    pub stdout: String,
}

impl Ended {
    pub(crate) fn expect(self, code: i32) -> Result<Ended> {
        if self.code != code {
            let expected = if code == 0 { String::new() } else { format!(", expected {code}") };
            bail!("`{}` ended with exit code {}{expected}", self.words, self.code);
        }
        Ok(self)
    }
}

/// Copies the binary into `dir/bin`, and adds a `cargo` there that runs the copy for `cargo xtask …`: hooks
/// and workflows run unchanged, and nothing is compiled. Also links the `python3` that this process found:
/// the shim of a version manager takes a tenth of a second at each of about a hundred starts. Returns the
/// path of the copy.
pub(super) fn install(dir: &Utf8Path) -> Result<Utf8PathBuf> {
    let bin = dir.join("bin");
    std::fs::create_dir_all(&bin)?;
    let xtask = bin.join("xtask");
    std::fs::copy(std::env::current_exe()?, &xtask).with_context(|| format!("cannot write {xtask}"))?;
    std::os::unix::fs::symlink(tools::python()?, bin.join("python3"))?;
    let cargo = which::which("cargo").ok().and_then(|p| p.into_os_string().into_string().ok());
    let other = match cargo {
        Some(cargo) => format!("exec '{}' \"$@\"", cargo.replace('\'', r"'\''")),
        None => "echo 'cargo is not on PATH' >&2; exit 127".to_string(),
    };
    let shim = bin.join("cargo");
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = xtask ]; then shift; exec '{}' \"$@\"; fi\n{other}\n",
        xtask.as_str().replace('\'', r"'\''")
    );
    std::fs::write(&shim, script)?;
    std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755))?;
    Ok(xtask)
}

impl Machine {
    /// Sets up the environments. Homes, temporary files and programs are all below `dir`.
    pub(crate) fn new(
        dir: &Utf8Path,
        xtask: Utf8PathBuf,
        world: &World,
        apps: &[&App],
        read: &Endpoints,
    ) -> Result<Machine> {
        let (home, temp) = (dir.join("home"), dir.join("tmp"));
        std::fs::create_dir_all(&home)?;
        std::fs::create_dir_all(&temp)?;
        std::fs::write(
            home.join(".gitconfig"),
            "[user]\n\tname = Rehearsal\n\temail = rehearsal@localhost\n[init]\n\tdefaultBranch = main\n",
        )?;
        let mut base = environment()?;
        base.retain(|(name, _)| !["HOME", "TMPDIR", "PATH", "CI", "TERM"].contains(&name.as_str()));
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = xtask.parent().context("the program has no folder")?;
        base.extend(pairs(&[
            ("PATH", &format!("{bin}:{path}")),
            ("TMPDIR", temp.as_str()),
            (crate::sys::child::REHEARSAL, dir.as_str()),
            ("TERM", "dumb"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("XTASK_PYPI_READ", &read.pypi_read),
            ("XTASK_NPM_READ", &read.npm_read),
        ]));
        base.extend(world.endpoints());
        let names: Vec<&str> = apps.iter().map(|app| app.name()).collect();
        base.extend(pairs(&[("XTASK_ONLY", &names.join(","))]));
        if world.registry.is_none() {
            base.extend(pairs(&[("XTASK_WITHOUT_IMAGE", "1")]));
        }
        Ok(Machine { xtask, base, home })
    }

    /// The environment of a developer: with an identity for commits, and with git's trace written to `trace`.
    pub(crate) fn developer(&self, trace: &Utf8Path) -> Env {
        let mut env = self.base.clone();
        env.extend(pairs(&[("HOME", self.home.as_str()), ("GIT_TRACE2_EVENT", trace.as_str())]));
        env
    }

    /// The environment of a CI runner: with a home without settings, and with CI=true.
    pub(crate) fn runner(&self, home: &Utf8Path) -> Env {
        let mut env = self.base.clone();
        env.extend(pairs(&[("HOME", home.as_str()), ("CI", "true")]));
        env
    }

    /// Runs a program, and appends its output to the log.
    pub(crate) fn run(&self, log: &Utf8Path, dir: &Utf8Path, env: &Env, argv: &[&str]) -> Result<Ended> {
        self.run_split(log, None, dir, env, argv)
    }

    /// Like `run`, but stdout goes to a file of its own, for a program that prints JSON.
    pub(crate) fn run_json(&self, log: &Utf8Path, dir: &Utf8Path, env: &Env, argv: &[&str]) -> Result<Ended> {
        self.run_split(log, Some(&log.with_extension("json")), dir, env, argv)
    }

    fn run_split(
        &self,
        log: &Utf8Path,
        stdout: Option<&Utf8Path>,
        dir: &Utf8Path,
        env: &Env,
        argv: &[&str],
    ) -> Result<Ended> {
        let words = argv.join(" ");
        let mut file = std::fs::File::options().create(true).append(true).open(log)?;
        writeln!(file, "$ {words}")?;
        let before = file.metadata()?.len();
        let argv: Vec<String> = argv.iter().map(|a| a.to_string()).collect();
        let status = supervise::start(&self.xtask, &Start { argv: &argv, dir, env, log, stdout })?.wait()?;
        let bytes = std::fs::read(log)?;
        let text =
            String::from_utf8_lossy(bytes.get(usize::try_from(before)?..).unwrap_or_default()).into_owned();
        let stdout = match stdout {
            Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?,
            None => String::new(),
        };
        Ok(Ended { words, code: status.code().unwrap_or(-1), text, stdout })
    }
}

pub(super) fn pairs(list: &[(&str, &str)]) -> Env {
    list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}
