//! TypeScript: dependencies and tests with bun, or with npm if the app has only a `package-lock.json`; the
//! app's own linters; packing and publishing with npm.

use super::ToolResult;
use crate::model::ctx::Ctx;
use crate::model::language::ts::{by_npm, lock_file};
use crate::model::workspace::App;
use crate::sys::exit::with_next;
use crate::sys::{child, parallel, tools};
use anyhow::{Context, Result, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use std::process::Command;
use xshell::cmd;

pub(crate) mod build;
mod bun_test;
pub(crate) mod image;
pub(crate) mod install;
pub(crate) mod publish;
pub(crate) mod registry;
pub(crate) mod users;

/// The keys of a `package.json` that list dependencies.
const KINDS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// `package.json` of the app in a checkout.
pub(crate) fn package_json(dir: &Utf8Path) -> Result<Value> {
    let file = dir.join("package.json");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    serde_json::from_str(&text).with_context(|| format!("{file} is not JSON"))
}

/// The programs that a `package.json` declares, each with its file. `bin` is a path or an object.
pub(crate) fn programs(package: &Value) -> Vec<(String, String)> {
    let name = package["name"].as_str().unwrap_or_default();
    match &package["bin"] {
        Value::String(file) => vec![(name.rsplit('/').next().unwrap_or(name).to_string(), file.clone())],
        Value::Object(bins) => {
            bins.iter().filter_map(|(name, file)| Some((name.clone(), file.as_str()?.to_string()))).collect()
        }
        _ => Vec::new(),
    }
}

/// PATH with the pinned bun first, so that an app's scripts call it.
pub(crate) fn path() -> Result<String> {
    let bun = tools::tool("bun")?;
    let folder = bun.parent().context("the path of bun has no folder")?;
    Ok(format!("{folder}:{}", std::env::var("PATH").context("PATH is not set, or not UTF-8")?))
}

/// Updates the app's `node_modules` in the checkout `root` to match its lock file. Returns the app's folder.
fn synced(ctx: &Ctx, app: &App, root: &Utf8Path) -> Result<Utf8PathBuf> {
    let _mine = super::environments();
    let dir = root.join(&app.dir);
    let marker = dir.join("node_modules/.synced");
    let package = package_json(&dir)?;
    let asked = KINDS.map(|kind| package[kind].to_string()).join("\0");
    let wanted =
        format!("{asked}\0{}", std::fs::read_to_string(dir.join(lock_file(&dir))).unwrap_or_default());
    if std::fs::read_to_string(&marker).is_ok_and(|had| had == wanted) {
        return Ok(dir);
    }
    frozen_install(ctx, &dir)?;
    std::fs::create_dir_all(dir.join("node_modules"))?;
    std::fs::write(&marker, wanted)?;
    Ok(dir)
}

/// Does the package have dependencies of any kind? Without any, bun writes no lock file and removes an empty
/// one.
pub(crate) fn has_dependencies(package: &Value) -> bool {
    KINDS.iter().any(|kind| package[kind].as_object().is_some_and(|names| !names.is_empty()))
}

/// Runs `npm ci ARGS`, or `bun install ARGS` with the `bun.lock` of this folder. Fails if that file is
/// missing, because bun would use one from a parent folder, or continue without a lock file.
fn frozen(ctx: &Ctx, dir: &Utf8Path, args: &[&str]) -> Result<String> {
    if by_npm(dir) {
        let (npm, registry) = (tools::tool("npm")?, &ctx.endpoints.npm_read);
        let sh = child::shell(dir)?;
        let quiet = ["--no-audit", "--no-fund", "--loglevel", "error"];
        return child::capture_download(cmd!(sh, "{npm} ci {quiet...} {args...} --registry {registry}"), &[])
            .map_err(stale);
    }
    if !dir.join("bun.lock").exists() {
        if !has_dependencies(&package_json(dir)?) {
            return Ok(String::new());
        }
        bail!(
            "{dir} has neither a bun.lock nor a package-lock.json: run `bun install` or `npm install` there \
             and commit the lock file"
        );
    }
    let (bun, registry) = (tools::tool("bun")?, &ctx.endpoints.npm_read);
    let sh = child::shell(dir)?;
    child::capture_download(
        cmd!(sh, "{bun} install --frozen-lockfile {args...} --no-progress --registry {registry}"),
        &[],
    )
    .map_err(stale)
}

/// Installs exactly the lock file of this folder. An error if it does not match `package.json`.
pub(crate) fn frozen_install(ctx: &Ctx, dir: &Utf8Path) -> Result<()> {
    frozen(ctx, dir, &[]).map(drop)
}

/// Fails if the lock file does not match `package.json`.
pub(crate) fn check_lock(ctx: &Ctx, dir: &Utf8Path) -> Result<String> {
    frozen(ctx, dir, &["--dry-run"])
}

/// Updates the lock file to match `package.json`, without installing.
pub(crate) fn write_lock(ctx: &Ctx, dir: &Utf8Path) -> Result<String> {
    let registry = &ctx.endpoints.npm_read;
    let sh = child::shell(dir)?;
    let command = if by_npm(dir) {
        let npm = tools::tool("npm")?;
        let quiet = ["--no-audit", "--no-fund", "--loglevel", "error"];
        cmd!(sh, "{npm} install --package-lock-only {quiet...} --registry {registry}")
    } else {
        let bun = tools::tool("bun")?;
        cmd!(sh, "{bun} install --lockfile-only --no-progress --registry {registry}")
    };
    child::capture_download(command, &[])
}

fn stale(error: anyhow::Error) -> anyhow::Error {
    let message = error.to_string();
    if message.contains("lockfile had changes") {
        let error = error.context("bun.lock does not match package.json");
        return with_next(error, "`bun install` updates bun.lock");
    }
    // npm prints its full usage after the differences, so its output is dropped.
    if message.contains("npm help ci") {
        let error = anyhow!("package-lock.json does not match package.json");
        return with_next(error, "`npm install --package-lock-only` updates package-lock.json");
    }
    error
}

/// Runs a program of the app's development dependencies. Returns stdout.
fn tool(dir: &Utf8Path, argv: &[&str]) -> Result<String> {
    let (name, args) = argv.split_first().context("the command has no words")?;
    let program = dir.join("node_modules/.bin").join(name);
    let sh = child::shell(dir)?;
    child::capture(cmd!(sh, "{program} {args...}"), &[])
}

/// Checks the lock file, and runs Biome and the TypeScript compiler if the app configures them, in parallel.
pub(crate) fn lint(ctx: &Ctx, app: &App) -> Result<Vec<ToolResult>> {
    let dir = synced(ctx, app, &ctx.ws.root)?;
    let all: &[(&str, &str, &[&str])] = &[
        ("biome", "biome.json", &["biome", "check", "--error-on-warnings", "--colors=off", "."]),
        ("tsc", "tsconfig.json", &["tsc", "--noEmit", "--pretty", "false"]),
    ];
    let set_up = all.iter().filter(|(_, settings, _)| dir.join(settings).exists());
    let linters: Vec<_> = set_up
        .map(|(name, _, argv)| || ToolResult { tool: name.to_string(), result: tool(&dir, argv) })
        .collect();
    let locked = || ToolResult { tool: lock_file(&dir).to_string(), result: check_lock(ctx, &dir) };
    let (locked, linters) = parallel::both(locked, || parallel::all(linters));
    Ok(std::iter::once(locked).chain(linters).collect())
}

/// Queries the registry for advisories about the locked dependencies that users get.
pub(crate) fn audit(ctx: &Ctx, dir: &Utf8Path) -> Result<String> {
    if by_npm(dir) {
        let (npm, registry) = (tools::tool("npm")?, &ctx.endpoints.npm_read);
        let sh = child::shell(dir)?;
        return child::capture_online(
            cmd!(sh, "{npm} audit --omit dev --package-lock-only --registry {registry}"),
            &[],
        );
    }
    let bun = tools::tool("bun")?;
    let sh = child::shell(dir)?;
    child::capture_online(
        cmd!(sh, "{bun} audit --production"),
        &[("BUN_CONFIG_REGISTRY", &ctx.endpoints.npm_read)],
    )
}

/// Runs `bun test`, with the coverage floor of bunfig.toml. Returns the number of tests. None if there are no
/// test files.
pub(crate) fn test(ctx: &Ctx, app: &App) -> Result<Option<String>> {
    if super::detect::ts_tests(&super::detect::files(&ctx.ws.root.join(&app.dir))?).is_none() {
        return Ok(None);
    }
    let dir = synced(ctx, app, &ctx.ws.root)?;
    if by_npm(&dir) {
        bail!(
            "{} has tests and a package-lock.json; set the command that runs them in {}: \
             [commands] test = [[\"npm\", \"test\"]]",
            app.dir,
            app.file()
        );
    }
    let bun = tools::tool("bun")?;
    let sh = child::shell(&dir)?;
    let output = child::capture_tests(cmd!(sh, "{bun} test"), &[("PATH", &path()?)], bun_test::failures)?;
    Ok(Some(bun_test::counted(&output)))
}

/// The folder of the development dependencies' programs.
pub(crate) fn programs_folder(ctx: &Ctx, app: &App) -> Result<Utf8PathBuf> {
    Ok(synced(ctx, app, &ctx.ws.root)?.join("node_modules/.bin"))
}

/// Runs one of the app's own programs. `bun` is the pinned bun. Returns stdout.
pub(crate) fn run(ctx: &Ctx, app: &App, root: &Utf8Path, argv: &[String]) -> Result<String> {
    let dir = synced(ctx, app, root)?;
    let (program, args) = argv.split_first().context("the command has no words")?;
    let program = if program == "bun" { tools::tool("bun")? } else { Utf8PathBuf::from(program) };
    let sh = child::shell(dir)?;
    child::capture(cmd!(sh, "{program} {args...}"), &[])
}

/// The command that starts the server: the program that `bin` declares, after a build, run by bun or Node.
pub(crate) fn server(ctx: &Ctx, app: &App, argv: &[String]) -> Result<Command> {
    let dir = synced(ctx, app, &ctx.ws.root)?;
    build::script(&dir, "0")?;
    let (name, args) = argv.split_first().context("the command has no words")?;
    let programs = programs(&package_json(&dir)?);
    let (_, file) = programs.iter().find(|(program, _)| program == name).with_context(|| {
        format!("{}/app.toml: serve starts {name:?}, which is missing in \"bin\" of package.json", app.dir)
    })?;
    // An app that is installed with npm runs on Node.
    let mut command =
        Command::new(if by_npm(&dir) { Utf8PathBuf::from("node") } else { tools::tool("bun")? });
    command.arg(dir.join(file)).args(args).env_clear().envs(child::env()?).current_dir(dir);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn npm_is_used_if_its_lock_file_is_the_only_one() {
        for (files, expected) in [
            (vec![], "bun.lock"),
            (vec!["bun.lock"], "bun.lock"),
            (vec!["package-lock.json"], "package-lock.json"),
            (vec!["bun.lock", "package-lock.json"], "bun.lock"),
        ] {
            let temp = tempfile::tempdir().expect("a folder");
            let dir = Utf8Path::from_path(temp.path()).expect("UTF-8");
            for file in &files {
                std::fs::write(dir.join(file), "").expect("written");
            }
            assert_eq!(lock_file(dir), expected, "{files:?}");
        }
    }

    #[test]
    fn dependencies_of_every_kind_count() {
        for (package, expected) in [
            (json!({}), false),
            (json!({ "dependencies": {} }), false),
            (json!({ "dependencies": null, "scripts": { "a": "b" } }), false),
            (json!({ "dependencies": { "a": "1" } }), true),
            (json!({ "dependencies": {}, "devDependencies": { "a": "1" } }), true),
            (json!({ "peerDependencies": { "a": "1" } }), true),
            (json!({ "optionalDependencies": { "a": "1" } }), true),
        ] {
            assert_eq!(has_dependencies(&package), expected, "{package}");
        }
    }

    #[test]
    fn programs_are_read_in_both_forms() {
        for (package, expected) in [
            (json!({ "name": "@s/tool", "bin": "./cli.js" }), vec![("tool", "./cli.js")]),
            (json!({ "name": "tool", "bin": "cli.js" }), vec![("tool", "cli.js")]),
            (json!({ "name": "x", "bin": { "a": "a.js", "b": 1 } }), vec![("a", "a.js")]),
            (json!({ "name": "x" }), vec![]),
            (json!([]), vec![]),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
            assert_eq!(programs(&package), expected, "{package}");
        }
    }
}
