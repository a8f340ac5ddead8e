//! Builds the declarations of an app at a commit: runs its own build on the exported tree with its locked
//! dependencies. The result is cached in the user's cache folder, by tree id.

use crate::ecosystem::ts;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::{child, export, hash, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

/// A folder with the package at that commit: manifest, sources, the build's output, and `node_modules`.
pub(crate) fn of(ctx: &Ctx, app: &App, commit: &str) -> Result<Utf8PathBuf> {
    let tree = ctx.git.read(&[
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &format!("{commit}:{}", app.dir),
    ]);
    // A commit without the app has an empty package.
    let Ok(tree) = tree else { return empty() };
    let root = format!("{commit}^{{tree}}");
    let root = ctx.git.read(&["rev-parse", "--verify", "--quiet", "--end-of-options", &root])?;
    // A link may lead out of the folder. Then the folder's tree does not name all of its content.
    let has_links = ctx
        .git
        .read(&["ls-tree", "-r", "--full-tree", &tree])?
        .lines()
        .any(|line| line.starts_with("120000"));
    let key = if has_links { format!("{tree}-{root}") } else { tree };
    let cache = child::cache()?.join("declarations");
    let folder = cache.join(format!("{key}-bun-{}", tools::version("bun")));
    let make = || {
        let temp = tempfile::tempdir_in(&cache)?;
        let whole = Utf8Path::from_path(temp.path()).context("the cache folder's path is not UTF-8")?;
        // The root's tree and not the commit: `export-subst` would make every commit's declarations differ.
        export::files(&ctx.git, &root, &app.dir, whole)?;
        std::fs::rename(whole.join(&app.dir), &folder)?;
        linked(ctx, &cache, &folder)?;
        let epoch = ctx.git.commit_time(commit)?.to_string();
        ts::build::script(&folder, &epoch)
    };
    // A failed build's folder is removed while we hold its lock: a waiting process builds it next.
    let made = || make().inspect_err(|_| drop(std::fs::remove_dir_all(&folder)));
    tools::create_once(&folder, made)
        .with_context(|| format!("the declarations of {} at {commit} could not be built", app.name()))?;
    // The dependencies may have been removed from the cache since.
    linked(ctx, &cache, &folder)?;
    Ok(folder)
}

fn empty() -> Result<Utf8PathBuf> {
    let folder = child::cache()?.join("declarations/empty");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {folder}"))?;
    Ok(folder)
}

/// Whether the declarations can be built without downloading anything.
pub(crate) fn available(ctx: &Ctx, app: &App, commit: &str) -> Result<bool> {
    let file = |name: &str| ctx.git.bytes(&["cat-file", "blob", &format!("{commit}:{}/{name}", app.dir)]);
    let Ok(manifest) = file("package.json") else { return Ok(true) };
    let modules = modules(
        &child::cache()?.join("declarations"),
        &manifest,
        &file("bun.lock").or_else(|_| file(crate::model::language::ts::NPM_LOCK)).unwrap_or_default(),
    );
    Ok(tools::is_installed("bun") && modules.join(".complete").exists())
}

/// The folder with the `node_modules` of all trees with the same dependencies and lock file.
fn modules(cache: &Utf8Path, manifest: &[u8], lock: &[u8]) -> Utf8PathBuf {
    let manifest: Value = serde_json::from_slice(manifest).unwrap_or_default();
    let asked = [
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "peerDependencies",
        "trustedDependencies",
    ];
    let asked = asked.map(|kind| manifest[kind].to_string()).join("\0");
    let key = hash::sha256([asked.as_bytes(), lock].join(&0));
    cache.join(format!("modules-{}-bun-{}", &key[..40], tools::version("bun")))
}

/// The manifest without the package's own scripts (`prepare`, `postinstall`): they need its sources or a git
/// repository, which are missing there. Its dependencies' scripts run.
fn without_scripts(manifest: &[u8]) -> Result<Vec<u8>> {
    let mut manifest: Value = serde_json::from_slice(manifest).context("package.json is not JSON")?;
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.shift_remove("scripts");
    }
    Ok(serde_json::to_vec(&manifest)?)
}

fn linked(ctx: &Ctx, cache: &Utf8Path, package: &Utf8Path) -> Result<()> {
    let manifest = package.join("package.json");
    let text = std::fs::read(&manifest).with_context(|| format!("cannot read {manifest}"))?;
    let modules = modules(
        cache,
        &text,
        &std::fs::read(package.join(crate::model::language::ts::lock_file(package))).unwrap_or_default(),
    );
    tools::create_once(&modules, || {
        std::fs::create_dir_all(modules.join("node_modules"))?;
        std::fs::write(modules.join("package.json"), without_scripts(&text)?)?;
        for name in [crate::model::language::ts::lock_file(package), "bunfig.toml"] {
            if package.join(name).exists() {
                std::fs::copy(package.join(name), modules.join(name))?;
            }
        }
        ts::frozen_install(ctx, &modules)
    })?;
    let link = package.join("node_modules");
    match std::fs::symlink_metadata(&link) {
        Ok(found) if found.is_symlink() => {}
        Ok(_) => bail!("{link} is in the commit: node_modules must not be committed"),
        Err(_) => std::os::unix::fs::symlink(modules.join("node_modules"), &link)
            .with_context(|| format!("cannot create {link}"))?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_loses_its_scripts_and_nothing_else() {
        for (text, expected) in [
            (
                r#"{"name":"a","scripts":{"prepare":"exit 9"},"dependencies":{"scripts":"1"}}"#,
                r#"{"name":"a","dependencies":{"scripts":"1"}}"#,
            ),
            (r#"{"b":1,"a":2}"#, r#"{"b":1,"a":2}"#),
            ("[]", "[]"),
        ] {
            assert_eq!(
                String::from_utf8(without_scripts(text.as_bytes()).expect("JSON")).expect("text"),
                expected
            );
        }
        assert!(without_scripts(b"{").is_err());
    }
}
