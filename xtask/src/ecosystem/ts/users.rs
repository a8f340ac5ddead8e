//! Users of an earlier release, tried with today's code: their tests as that release has them, beside today's
//! packed build.

use super::{build, package_json, path, synced};
use crate::ecosystem::Prepared;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::tools;
use anyhow::{Context, Result};
use camino::Utf8Path;
use std::os::unix::fs::symlink;

/// `argv` in the app's folder of the other checkout `tree`, where today's package is installed with today's
/// dependencies.
pub fn prepare(ctx: &Ctx, app: &App, tree: &Utf8Path, argv: &[String]) -> Result<Prepared> {
    let today = synced(ctx, app, &ctx.ws.root)?;
    build::script(&today, "0")?;
    let dir = tree.join(&app.dir);
    let modules = dir.join("node_modules");
    link_all(&today.join("node_modules"), &modules)?;
    unpack(&today, &modules.join(&app.settings.package), tree)?;
    nameless(&dir)?;
    let (program, args) = argv.split_first().context("an empty command")?;
    let program = if program == "bun" { tools::tool("bun")?.into_string() } else { program.clone() };
    Ok(Prepared { dir, program, args: args.to_vec(), env: vec![("PATH", path()?)] })
}

/// What is published of `today`, where an installation has it.
fn unpack(today: &Utf8Path, place: &Utf8Path, tree: &Utf8Path) -> Result<()> {
    let packed = tree.with_file_name("packed");
    std::fs::create_dir(&packed)?;
    let tarball = packed.join(build::pack(today, &packed, "0")?.0);
    let unpacked = packed.join("unpacked");
    tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(&tarball)?)).unpack(&unpacked)?;
    if place.symlink_metadata().is_ok() {
        std::fs::remove_file(place).with_context(|| format!("{place} can't be replaced"))?;
    }
    std::fs::create_dir_all(place.parent().context("a package has a folder")?)?;
    std::fs::rename(unpacked.join("package"), place)
        .with_context(|| format!("{tarball} holds no folder `package`"))
}

/// A folder with links to everything in `from`; scopes are folders too, so that a package can be put into
/// one.
fn link_all(from: &Utf8Path, to: &Utf8Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    if !from.exists() {
        return Ok(());
    }
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_name().starts_with('@') {
            true => link_all(entry.path(), &target)?,
            false => symlink(entry.path(), &target)?,
        }
    }
    Ok(())
}

/// A package that imports its own name gets itself (Node's PACKAGE_SELF_RESOLVE): the folder must not be
/// called as the package is.
fn nameless(dir: &Utf8Path) -> Result<()> {
    let kind = package_json(dir)?["type"].as_str().unwrap_or("commonjs").to_string();
    let manifest = serde_json::json!({ "private": true, "type": kind });
    std::fs::write(dir.join("package.json"), format!("{manifest}\n"))
        .context("package.json of the earlier release")
}
