//! `setup`: installs the pinned tools into the user's cache folder, and the git hooks into this checkout, or
//! makes the settings of the repository on its forge.

use crate::flags;
use crate::model::ctx::Ctx;
use crate::sys::exit::with_next;
use crate::sys::{child, tools, ui};
use anyhow::{Result, bail};
use camino::Utf8Path;
use std::time::SystemTime;
use xshell::cmd;

mod forge;
mod prune;

/// Packages that only the system's package manager can install: Debian's name, and what the package is for.
const SYSTEM: &[(&str, &str)] = &[("docker.io", "runs built images for the probes of a rehearsal")];

pub(crate) fn setup(ctx: &Ctx, flags: &flags::Setup) -> Result<()> {
    if flags.forge {
        return forge::setup(ctx, flags);
    }
    let python = tools::python()?;
    ui::section("Tools");
    for name in names(ctx) {
        let (line, version) = (ui::begin(name), tools::version(name));
        if flags.dry_run && !tools::is_installed(name) {
            line.end(ui::Outcome::Skipped(format!(
                "{version} would be installed into {}",
                child::cache()?.join("tools")
            )));
            continue;
        }
        let program = tools::tool(name)?;
        line.end(ui::Outcome::Done(format!("{version}  {}", ui::dim(program.as_str()))));
    }
    let line = ui::begin("python");
    line.end(ui::Outcome::Done(python.to_string()));
    let line = ui::begin("unused");
    if flags.dry_run {
        line.end(ui::Outcome::Skipped("would remove cache entries that nothing used for a month".into()));
    } else {
        line.end(ui::Outcome::Done(match prune::prune(&child::cache()?, SystemTime::now())?.len() {
            0 => "every cache entry was used within a month".to_string(),
            1 => "removed 1 cache entry that nothing used for a month".to_string(),
            n => format!("removed {n} cache entries that nothing used for a month"),
        }));
    }
    ui::section("Hooks");
    hooks(ctx, flags.dry_run)?;
    if flags.system {
        ui::section("System packages");
        system(flags.dry_run)?;
    }
    Ok(())
}

/// The tools that the apps' releases and rehearsals, the hooks, and xtask's own lint need.
fn names(ctx: &Ctx) -> Vec<&'static str> {
    let mut names = vec!["uv", "lefthook"];
    for app in &ctx.ws.apps {
        let ecosystem = app.settings.ecosystem;
        names.extend(ecosystem.tools().iter().chain([&ecosystem.index_server()]));
    }
    if ctx.ws.root.join("deny.toml").exists() {
        names.push(tools::CARGO_DENY);
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

/// Installs lefthook's hooks into this checkout's `.git`. They contain the path of the pinned binary.
pub(crate) fn hooks(ctx: &Ctx, dry_run: bool) -> Result<()> {
    let line = ui::begin("lefthook");
    if !ctx.ws.root.join("lefthook.yml").exists() {
        line.end(ui::Outcome::Skipped("no lefthook.yml here".into()));
        return Ok(());
    }
    if dry_run {
        line.end(ui::Outcome::Skipped("`lefthook install` would write .git/hooks".into()));
        return Ok(());
    }
    if let Some(folder) = other_hooks(ctx)? {
        line.end(ui::Outcome::Skipped(format!(
            "git runs the hooks in {folder} (core.hooksPath), so hooks of this checkout would not run; \
             to use these here: git config core.hooksPath \"$(git rev-parse --git-common-dir)/hooks\", \
             then cargo xtask setup"
        )));
        return Ok(());
    }
    let lefthook = tools::tool("lefthook")?;
    let sh = child::shell(&ctx.ws.root)?;
    child::capture(cmd!(sh, "{lefthook} install --force"), &[])?;
    line.end(ui::Outcome::Done("commit-msg, pre-commit, pre-push".into()));
    Ok(())
}

/// The folder that git runs hooks from, if the hooks must not be written there: outside of this repository it
/// may belong to all of the user's repositories, and files of a commit must not hold paths of this machine.
fn other_hooks(ctx: &Ctx) -> Result<Option<String>> {
    let folders = ctx.git.read(&["rev-parse", "--git-path", "hooks", "--git-common-dir"])?;
    let Some((hooks, common)) = folders.split_once('\n') else { return Ok(None) };
    let (used, own) = (ctx.ws.root.join(hooks), ctx.ws.root.join(common.trim()).join("hooks"));
    let real = |path: &Utf8Path| path.canonicalize_utf8().unwrap_or_else(|_| path.to_path_buf());
    let (used, own) = (real(&used), real(&own));
    let ours = own.parent().is_some_and(|common| used.starts_with(common))
        || (used.starts_with(real(&ctx.ws.root))
            && ctx.git.ask(&["check-ignore", "--quiet", "--", used.join("pre-commit").as_str()])?);
    Ok((!ours).then(|| hooks.to_string()))
}

fn system(dry_run: bool) -> Result<()> {
    if which::which("apt-get").is_err() {
        let names: Vec<_> = SYSTEM.iter().map(|(n, _)| *n).collect();
        bail!(
            "--system needs apt-get, which is not on PATH; install the equivalent of Debian's {} by hand",
            names.join(", ")
        );
    }
    for (name, why) in SYSTEM {
        let line = ui::begin(name);
        if dry_run {
            line.end(ui::Outcome::Skipped(format!("would be installed by apt-get: {why}")));
            continue;
        }
        let sh = child::shell("/")?;
        let args = ["install", "--yes", "--no-install-recommends"];
        child::capture(cmd!(sh, "apt-get {args...} {name}"), &[("DEBIAN_FRONTEND", "noninteractive")])
            .map_err(|error| {
                let next = format!("as root: apt-get update && apt-get install {name}");
                with_next(error.context(format!("apt-get cannot install {name}")), &next)
            })?;
        line.end(ui::Outcome::Done(why.to_string()));
    }
    Ok(())
}
