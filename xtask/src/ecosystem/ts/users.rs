//! Runs an earlier release's tests for users against the current code: the tests come from that release, the
//! package is today's packed build.

use super::{build, package_json, path, synced};
use crate::ecosystem::Prepared;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::tools;
use anyhow::{Context, Result};
use camino::Utf8Path;
use std::os::unix::fs::symlink;

/// Prepares `argv` to run in the app's folder of the earlier release's checkout `tree`. Today's package and
/// dependencies are installed there.
pub(crate) fn prepare(ctx: &Ctx, app: &App, tree: &Utf8Path, argv: &[String]) -> Result<Prepared> {
    let today = synced(ctx, app, &ctx.ws.root)?;
    build::script(&today, "0")?;
    let dir = tree.join(&app.dir);
    let modules = dir.join("node_modules");
    link_all(&today.join("node_modules"), &modules)?;
    unpack(&today, &modules.join(&app.settings.package), tree)?;
    remove_package_name(&dir)?;
    let (program, args) = argv.split_first().context("the command has no words")?;
    let program = if program == "bun" { tools::tool("bun")?.into_string() } else { program.clone() };
    Ok(Prepared { dir, program, args: args.to_vec(), env: vec![("PATH", path()?)] })
}

/// Packs the package in `today` and unpacks it to `place`, as an installation does.
fn unpack(today: &Utf8Path, place: &Utf8Path, tree: &Utf8Path) -> Result<()> {
    let packed = tree.with_file_name("packed");
    std::fs::create_dir(&packed)?;
    let tarball = packed.join(build::pack(today, &packed, "0")?.0);
    let unpacked = packed.join("unpacked");
    tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(&tarball)?)).unpack(&unpacked)?;
    if place.symlink_metadata().is_ok() {
        std::fs::remove_file(place).with_context(|| format!("cannot replace {place}"))?;
    }
    std::fs::create_dir_all(place.parent().context("the path of the package has no folder")?)?;
    std::fs::rename(unpacked.join("package"), place)
        .with_context(|| format!("{tarball} contains no folder `package`"))
}

/// Fills the folder `to` with links to everything in `from`. Scopes become folders, so that a package can be
/// added to one.
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

/// Removes the package's name from package.json in this folder. With it, an import of the package would
/// resolve to this folder instead of the installed package (Node's PACKAGE_SELF_RESOLVE).
fn remove_package_name(dir: &Utf8Path) -> Result<()> {
    let kind = package_json(dir)?["type"].as_str().unwrap_or("commonjs").to_string();
    let manifest = serde_json::json!({ "private": true, "type": kind });
    std::fs::write(dir.join("package.json"), format!("{manifest}\n"))
        .context("cannot write package.json of the earlier release")
}
