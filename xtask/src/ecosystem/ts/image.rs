//! The image layers of a TypeScript app: bun for the platform, the locked dependencies, and the published
//! tarball.

use super::install::download;
use super::{has_dependencies, package_json, programs};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::oci::sbom::Component;
use crate::oci::spec::Platform;
use crate::oci::{Source, data_folder, spec};
use crate::sys::{child, scratch, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use xshell::cmd;

const MODULES: &str = "app/node_modules";
/// Increased when the layers are built in another way, so that cached layers are not reused.
const LAYOUT: u32 = 2;

/// The environment that makes the app's program and bun available.
pub(crate) fn env() -> Vec<(String, String)> {
    let pairs = [
        ("PATH", format!("/{MODULES}/.bin:/usr/local/bin:/usr/bin:/bin")),
        ("NODE_ENV", "production".to_string()),
        ("HOST", "0.0.0.0".to_string()),
        ("PORT", crate::oci::PORT.to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// The layers that change least come first.
pub(crate) fn layers<'a>(
    ctx: &'a Ctx,
    app: &App,
    commit: &str,
    tarball: &'a Utf8Path,
) -> Result<Vec<Source<'a>>> {
    let file = |name: &str| -> Result<Vec<u8>> {
        let place = app.dir.join(name);
        let bytes = ctx.git.bytes(&["cat-file", "blob", &format!("{commit}:{place}")]);
        bytes.with_context(|| format!("an image needs {place}; commit it"))
    };
    if file("bun.lock").is_err() && file(crate::model::language::ts::NPM_LOCK).is_ok() {
        let why = "its dependencies are locked by package-lock.json, but images are built from bun.lock";
        bail!(
            "{} cannot have an image: {why}; remove [image] from {}, or create a bun.lock with `bun install`",
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
    let extras = app.settings.image.as_ref().map_or(&[][..], |image| &image.extras);
    let (manifest, lock) = with_extras(&manifest, &lock, extras)
        .with_context(|| format!("[image] extras of {} cannot be used", app.file()))?;
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
        Source {
            what: "app",
            key: None,
            fill: Box::new(move |_, dir| {
                data_folder(dir)?;
                package(tarball, &dir.join(MODULES))
            }),
        },
    ])
}

/// Makes these development dependencies dependencies, in `package.json` and in `bun.lock`: bun installs
/// neither optional peer dependencies nor single development dependencies.
fn with_extras(manifest: &[u8], lock: &[u8], extras: &[String]) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut package: serde_json::Value =
        serde_json::from_slice(manifest).context("package.json is not JSON")?;
    let mut lock = String::from_utf8(lock.to_vec()).context("bun.lock is not UTF-8")?;
    for extra in extras {
        let version = package["devDependencies"].as_object_mut().and_then(|names| names.remove(extra));
        let version = version
            .with_context(|| format!("package.json has no {extra} in devDependencies; add it there"))?;
        let line = format!("        \"{extra}\": {version},\n");
        let head = "      \"dependencies\": {\n";
        let Some((before, after)) = lock.split_once(&line).filter(|_| lock.contains(head)) else {
            bail!("bun.lock does not match package.json; update it with `bun install`")
        };
        lock = format!("{before}{after}").replacen(head, &format!("{head}{line}"), 1);
        package["dependencies"][extra] = version;
    }
    Ok((serde_json::to_vec(&package)?, lock.into_bytes()))
}

/// The parts of the manifest that the installed dependencies depend on. The package's version is not one of
/// them.
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

/// npm's names for the operating system and the processor.
fn npm_names(platform: &Platform) -> Result<(&str, &str)> {
    match (platform.os.as_str(), platform.architecture.as_str()) {
        ("linux", "amd64") => Ok(("linux", "x64")),
        ("linux", "arm64") => Ok(("linux", "arm64")),
        _ => bail!("there is no bun for {platform}; set linux/amd64 or linux/arm64 in app.toml"),
    }
}

/// Installs bun's own package for the platform. A link named `node` lets it run scripts whose first line asks
/// for node.
fn runtime(registry: &str, version: &str, platform: &Platform, dir: &Utf8Path) -> Result<Vec<Component>> {
    let (os, cpu) = npm_names(platform)?;
    let name = format!("@oven/bun-{os}-{}", if cpu == "arm64" { "aarch64" } else { cpu });
    let temp = scratch::folder()?;
    let folder = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let tarball = download(registry, &format!("{name}@{version}"), folder)?;
    unpack(&tarball, folder)?;
    let bin = dir.join("usr/local/bin");
    fs::create_dir_all(&bin)?;
    fs::copy(folder.join("package/bin/bun"), bin.join("bun"))
        .with_context(|| format!("{name} {version} contains no bin/bun"))?;
    fs::set_permissions(bin.join("bun"), fs::Permissions::from_mode(0o755))?;
    symlink("bun", bin.join("node"))?;
    Ok(vec![component(&folder.join("package"))?])
}

/// Installs the dependencies in `bun.lock` for the platform, without development dependencies. `lock` is
/// empty if the package has no dependencies.
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
    let parent = modules.parent().context("the path of node_modules has no folder")?;
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
    child::capture_download(
        cmd!(sh, "{bun} install {args...} --os {os} --cpu {cpu} --registry {registry}"),
        &[],
    )?;
    fs::remove_file(parent.join("package.json"))?;
    fs::remove_file(parent.join("bun.lock"))?;
    fs::create_dir_all(modules)?;
    // bun records its downloads in it, with times, so it would differ from run to run.
    let cache = modules.join(".cache");
    if cache.exists() {
        fs::remove_dir_all(cache)?;
    }
    packages(modules)?.iter().map(|dir| component(dir)).collect()
}

/// Every package in a node_modules folder, including nested ones.
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

/// Unpacks the published tarball to the place where npm installs it, and links its programs in `.bin`.
fn package(tarball: &Utf8Path, modules: &Utf8Path) -> Result<Vec<Component>> {
    let temp = scratch::folder()?;
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
    let file = fs::File::open(tarball).with_context(|| format!("cannot read {tarball}"))?;
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(dir)
        .with_context(|| format!("cannot unpack {tarball}"))
}

/// Name, version and licence of the package in a folder.
fn component(dir: &Utf8Path) -> Result<Component> {
    let package = package_json(dir)?;
    let text = |key: &str| package[key].as_str().map(str::to_string);
    let (name, version) =
        (text("name").with_context(|| format!("{dir} has no name"))?, text("version").unwrap_or_default());
    // The package-url specification requires that the @ of the scope is escaped.
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
    fn extras_become_dependencies() {
        let manifest = br#"{"dependencies": {"a": "1"}, "devDependencies": {"@x/b": "2", "c": "3"}}"#;
        let lock = |dependencies: &str, development: &str| {
            format!(
                "{{\n      \"dependencies\": {{\n{dependencies}        \"a\": \"1\",\n      }},\n      \
                 \"devDependencies\": {{\n{development}        \"c\": \"3\",\n      }},\n}}\n"
            )
        };
        let line = "        \"@x/b\": \"2\",\n";
        let of = |extras: &[&str], lock: String| {
            let extras: Vec<String> = extras.iter().map(ToString::to_string).collect();
            with_extras(manifest, lock.as_bytes(), &extras).map_err(|e| e.to_string())
        };
        let (package, locked) = of(&["@x/b"], lock("", line)).expect("it is in both files");
        assert_eq!(String::from_utf8_lossy(&locked), lock(line, ""));
        let package: serde_json::Value = serde_json::from_slice(&package).expect("JSON");
        assert_eq!(package["dependencies"], serde_json::json!({ "a": "1", "@x/b": "2" }));
        assert_eq!(package["devDependencies"], serde_json::json!({ "c": "3" }));
        let missing = "package.json has no d in devDependencies; add it there";
        assert_eq!(of(&["d"], lock("", line)).unwrap_err(), missing);
        let stale = "bun.lock does not match package.json; update it with `bun install`";
        assert_eq!(of(&["@x/b"], lock("", "")).unwrap_err(), stale);
    }

    #[test]
    fn the_dependencies_do_not_depend_on_the_package_version() {
        let of = |text: &str| dependencies(text.as_bytes()).expect(text);
        let one = of(r#"{"version": "1.0.0", "dependencies": {"a": "1"}, "scripts": {"x": "y"}}"#);
        assert_eq!(one, of(r#"{"dependencies": {"a": "1"}, "version": "2.0.0"}"#));
        assert_ne!(one, of(r#"{"dependencies": {"a": "2"}}"#));
        assert_ne!(one, of(r#"{"dependencies": {"a": "1"}, "overrides": {"a": "3"}}"#));
    }
}
