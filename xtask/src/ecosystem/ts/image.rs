//! A TypeScript app's layers: bun for each platform, the locked dependencies, and the tarball that is
//! published.

use super::install::download;
use super::{has_dependencies, package_json, programs};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::oci::sbom::Component;
use crate::oci::spec::Platform;
use crate::oci::{Source, spec};
use crate::sys::{child, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use xshell::cmd;

const MODULES: &str = "app/node_modules";
/// Counted up when the layers are made in another way.
const LAYOUT: u32 = 2;

/// The environment that finds the app's program, and bun.
pub fn env() -> Vec<(String, String)> {
    let pairs = [
        ("PATH", format!("/{MODULES}/.bin:/usr/local/bin:/usr/bin:/bin")),
        ("NODE_ENV", "production".to_string()),
        ("HOST", "0.0.0.0".to_string()),
        ("PORT", crate::oci::PORT.to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Those that change least come first.
pub fn layers<'a>(ctx: &'a Ctx, app: &App, commit: &str, tarball: &'a Utf8Path) -> Result<Vec<Source<'a>>> {
    let file = |name: &str| -> Result<Vec<u8>> {
        let place = app.dir.join(name);
        let bytes = ctx.git.bytes(&["show", "--end-of-options", &format!("{commit}:{place}")]);
        bytes.with_context(|| format!("an image needs {place} in the commit"))
    };
    if file("bun.lock").is_err() && file(crate::model::language::ts::NPM_LOCK).is_ok() {
        let why = "its dependencies are locked by package-lock.json, and images are made with bun.lock";
        bail!(
            "{} can't have an image: {why}; take [image] out of {}, or write a bun.lock with `bun install`",
            app.dir,
            app.file()
        );
    }
    let manifest = file("package.json")?;
    let lock = if has_dependencies(&serde_json::from_slice(&manifest).context("package.json is not JSON")?) {
        file("bun.lock")?
    } else {
        Vec::new()
    };
    let bun = tools::version("bun");
    let registry = &ctx.endpoints.npm_read;
    let key = format!(
        "bun {bun} dependencies {LAYOUT} {} {}",
        spec::digest(&dependencies(&manifest)?),
        spec::digest(&lock)
    );
    Ok(vec![
        Source {
            what: "bun",
            key: Some(format!("bun {bun} {LAYOUT}")),
            fill: Box::new(move |platform, dir| runtime(registry, bun, platform, dir)),
        },
        Source {
            what: "dependencies",
            key: Some(key),
            fill: Box::new(move |platform, dir| {
                install(registry, &manifest, &lock, platform, &dir.join(MODULES))
            }),
        },
        Source { what: "app", key: None, fill: Box::new(move |_, dir| package(tarball, &dir.join(MODULES))) },
    ])
}

/// What of the manifest the dependencies hang on; its version, say, is none of that.
fn dependencies(manifest: &[u8]) -> Result<Vec<u8>> {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).context("package.json is not JSON")?;
    let keys = [
        "dependencies",
        "optionalDependencies",
        "peerDependencies",
        "overrides",
        "patchedDependencies",
        "trustedDependencies",
    ];
    Ok(serde_json::to_vec(&keys.map(|key| &manifest[key]))?)
}

/// The operating system and processor as npm has them.
fn npm_names(platform: &Platform) -> Result<(&str, &str)> {
    match (platform.os.as_str(), platform.architecture.as_str()) {
        ("linux", "amd64") => Ok(("linux", "x64")),
        ("linux", "arm64") => Ok(("linux", "arm64")),
        _ => bail!("there is no bun for {platform}; app.toml can have linux/amd64 and linux/arm64"),
    }
}

/// bun's own package for the platform. Under the name of node it runs what asks for node in its first line.
fn runtime(registry: &str, version: &str, platform: &Platform, dir: &Utf8Path) -> Result<Vec<Component>> {
    let (os, cpu) = npm_names(platform)?;
    let name = format!("@oven/bun-{os}-{}", if cpu == "arm64" { "aarch64" } else { cpu });
    let temp = tempfile::tempdir()?;
    let folder = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let tarball = download(registry, &format!("{name}@{version}"), folder)?;
    unpack(&tarball, folder)?;
    let bin = dir.join("usr/local/bin");
    fs::create_dir_all(&bin)?;
    fs::copy(folder.join("package/bin/bun"), bin.join("bun"))
        .with_context(|| format!("{name} {version} brought no bin/bun"))?;
    fs::set_permissions(bin.join("bun"), fs::Permissions::from_mode(0o755))?;
    symlink("bun", bin.join("node"))?;
    Ok(vec![component(&folder.join("package"))?])
}

/// What `bun.lock` says for the platform, without development dependencies. A package without any has no lock
/// file.
fn install(
    registry: &str,
    manifest: &[u8],
    lock: &[u8],
    platform: &Platform,
    modules: &Utf8Path,
) -> Result<Vec<Component>> {
    let (os, cpu) = npm_names(platform)?;
    if lock.is_empty() {
        fs::create_dir_all(modules)?;
        return Ok(Vec::new());
    }
    let parent = modules.parent().context("node_modules has a folder")?;
    fs::create_dir_all(parent)?;
    fs::write(parent.join("package.json"), manifest)?;
    fs::write(parent.join("bun.lock"), lock)?;
    let bun = tools::tool("bun")?;
    let sh = child::shell(parent)?;
    let args = [
        "--frozen-lockfile",
        "--production",
        "--ignore-scripts",
        "--no-progress",
        "--linker",
        "hoisted",
        "--backend",
        "copyfile",
    ];
    child::capture(cmd!(sh, "{bun} install {args...} --os {os} --cpu {cpu} --registry {registry}"), &[])?;
    fs::remove_file(parent.join("package.json"))?;
    fs::remove_file(parent.join("bun.lock"))?;
    fs::create_dir_all(modules)?;
    // bun notes in it what it has downloaded, with times.
    let cache = modules.join(".cache");
    if cache.exists() {
        fs::remove_dir_all(cache)?;
    }
    packages(modules)?.iter().map(|dir| component(dir)).collect()
}

/// Every package of a node_modules folder, nested ones included.
fn packages(modules: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    for entry in modules.read_dir_utf8()? {
        let path = entry?.into_path();
        let name = path.file_name().unwrap_or_default();
        if name.starts_with('.') || !path.is_dir() {
            continue;
        }
        let dirs = match name.starts_with('@') {
            true => path.read_dir_utf8()?.map(|e| Ok(e?.into_path())).collect::<Result<Vec<_>>>()?,
            false => vec![path],
        };
        for dir in dirs {
            let nested = dir.join("node_modules");
            if nested.is_dir() {
                found.extend(packages(&nested)?);
            }
            found.push(dir);
        }
    }
    Ok(found)
}

/// The published tarball where an installation puts it, and its programs in `.bin`.
fn package(tarball: &Utf8Path, modules: &Utf8Path) -> Result<Vec<Component>> {
    let temp = tempfile::tempdir()?;
    let folder = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    unpack(tarball, folder)?;
    let source = folder.join("package");
    let manifest = package_json(&source)?;
    let name = manifest["name"].as_str().with_context(|| format!("package.json in {tarball} has no name"))?;
    let (target, bin) = (modules.join(name), modules.join(".bin"));
    fs::create_dir_all(target.parent().unwrap_or(modules))?;
    fs::create_dir_all(&bin)?;
    let sh = child::shell("/")?;
    child::capture(cmd!(sh, "cp -R {source} {target}"), &[])?;
    for (program, file) in programs(&manifest) {
        let path = target.join(file.trim_start_matches("./"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{tarball} has no {file}"))?;
        symlink(format!("../{name}/{}", file.trim_start_matches("./")), bin.join(program))?;
    }
    Ok(vec![component(&target)?])
}

fn unpack(tarball: &Utf8Path, dir: &Utf8Path) -> Result<()> {
    let file = fs::File::open(tarball).with_context(|| format!("{tarball} can't be read"))?;
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(dir)
        .with_context(|| format!("{tarball} can't be unpacked"))
}

/// Name, version and licence of the package in a folder.
fn component(dir: &Utf8Path) -> Result<Component> {
    let package = package_json(dir)?;
    let text = |key: &str| package[key].as_str().map(str::to_string);
    let (name, version) =
        (text("name").with_context(|| format!("{dir} has no name"))?, text("version").unwrap_or_default());
    // The package-url specification has the scope's @ escaped.
    Ok(Component {
        purl: format!("pkg:npm/{}@{version}", name.replace('@', "%40")),
        name,
        version,
        license: text("license"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dependencies_do_not_hang_on_the_version() {
        let of = |text: &str| dependencies(text.as_bytes()).expect(text);
        let one = of(r#"{"version": "1.0.0", "dependencies": {"a": "1"}, "scripts": {"x": "y"}}"#);
        assert_eq!(one, of(r#"{"dependencies": {"a": "1"}, "version": "2.0.0"}"#));
        assert_ne!(one, of(r#"{"dependencies": {"a": "2"}}"#));
        assert_ne!(one, of(r#"{"dependencies": {"a": "1"}, "overrides": {"a": "3"}}"#));
    }
}
