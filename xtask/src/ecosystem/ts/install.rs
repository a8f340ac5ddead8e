//! Installs a release as a user does: a clean folder, `npm install`, start.

use super::programs;
use crate::ecosystem::{DistFile, Installed, Origin, shown_version};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{child, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use xshell::cmd;

/// Installs into `dir/node_modules`. From a registry it downloads the tarball from that registry only and
/// checks its hash. The dependencies come from the read registry.
pub(crate) fn install(ctx: &Ctx, app: &App, origin: &Origin, dir: &Utf8Path) -> Result<Installed> {
    let downloaded;
    let tarball = match origin {
        Origin::File(file) => &file.path,
        Origin::Index { version, sha256, .. } => {
            let package = format!("{}@{version}", app.settings.package);
            // The token is only sent if the registry requires a login for reads.
            let private = || download_with(&package, dir, &|args| super::publish::npm_again(ctx, app, args));
            downloaded =
                download(&ctx.endpoints.npm, &package, dir).or_else(|e| match super::registry::token() {
                    Some(_) if e.to_string().contains("E401") => private(),
                    _ => Err(e),
                })?;
            let has = DistFile::read(downloaded.clone())?.sha256;
            if !sha256.contains(&has.as_str()) {
                bail!(
                    "{} serves {package} with sha256 {has}; expected {}",
                    ctx.endpoints.npm,
                    sha256.join(" or ")
                );
            }
            &downloaded
        }
    };
    std::fs::write(dir.join("package.json"), "{\"private\": true}\n")?;
    let (npm, read) = (tools::tool("npm")?, &ctx.endpoints.npm_read);
    let sh = child::shell(dir)?;
    child::capture_download(
        cmd!(sh, "{npm} install --prefer-offline --loglevel error --registry {read} {tarball}"),
        &[],
    )?;
    let modules = dir.join("node_modules");
    Ok(Installed { programs: modules.join(".bin"), env: Vec::new() })
}

/// Downloads the tarball of `name@version` from the registry with npm's own client.
pub(crate) fn download(registry: &str, package: &str, dir: &Utf8Path) -> Result<Utf8PathBuf> {
    let npm = tools::tool("npm")?;
    let scoped = package.split_once('/').map(|(scope, _)| format!("--{scope}:registry={registry}"));
    let sh = child::shell(dir)?;
    let run = |args: &[&str]| {
        let scoped = scoped.as_slice();
        child::capture_download(
            cmd!(sh, "{npm} {args...} --loglevel error --registry {registry} {scoped...}"),
            &[],
        )
    };
    download_with(package, dir, &run)
}

fn download_with(
    package: &str,
    dir: &Utf8Path,
    npm: &dyn Fn(&[&str]) -> Result<String>,
) -> Result<Utf8PathBuf> {
    #[derive(Deserialize)]
    struct Packed {
        filename: String,
    }
    let output = npm(&["pack", package, "--json", "--prefer-online", "--pack-destination", dir.as_str()])?;
    let packed: Vec<Packed> =
        serde_json::from_str(&output).context("the output of `npm pack --json` is not readable")?;
    let file = packed.first().with_context(|| format!("`npm pack {package}` downloaded nothing"))?;
    Ok(dir.join(&file.filename))
}

/// Every place where an installed package reports its version, and that version: its manifest, and
/// `--version` of its programs under Node and under Bun.
pub(crate) fn versions(app: &App, installed: &Installed) -> Result<Vec<(String, String)>> {
    let modules = installed.programs.parent().context("node_modules")?;
    let dir = modules.join(&app.settings.package);
    let package = super::package_json(&dir)?;
    let version = package["version"].as_str().context("the installed package.json has no version")?;
    let mut versions = vec![("package.json".to_string(), version.to_string())];
    let (bun, sh) = (tools::tool("bun")?, child::shell(modules)?);
    for (name, file) in programs(&package) {
        let (program, file) = (modules.join(".bin").join(&name), dir.join(file));
        for (runtime, output) in [
            ("node", child::capture_briefly(cmd!(sh, "{program} --version"), &[])),
            ("bun", child::capture_briefly(cmd!(sh, "{bun} {file} --version"), &[])),
        ] {
            let what = format!("{name} --version ({runtime})");
            let version = shown_version(&what, output)?;
            versions.push((what, version));
        }
    }
    Ok(versions)
}
