//! Builds the npm tarball: runs the package's `build` script and `npm pack` in the exported sources. Then
//! checks it with publint and are-the-types-wrong, and checks the files in it.

use super::{by_npm, frozen_install, package_json, path};
use crate::ecosystem::reproducible;
use crate::model::ctx::Ctx;
use crate::model::workspace::EarlierSettings;
use crate::sys::{child, parallel, tools};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use serde::Deserialize;
use xshell::cmd;

/// Packs the sources in `dir` into `out`.
pub(crate) fn build(ctx: &Ctx, dir: &Utf8Path, out: &Utf8Path, epoch: &str) -> Result<()> {
    frozen_install(ctx, dir)?;
    script(dir, epoch)?;
    let (name, files) = pack(dir, out, epoch)?;
    let problems = problems(&files);
    if !problems.is_empty() {
        bail!("{name}:\n  {}", problems.join("\n  "));
    }
    check(dir, &out.join(name))
}

/// Runs `npm pack`. Returns the tarball's name in `out`, and the files in it.
pub(crate) fn pack(dir: &Utf8Path, out: &Utf8Path, epoch: &str) -> Result<(String, Vec<String>)> {
    let npm = tools::tool("npm")?;
    let sh = child::shell(dir)?;
    let packed = child::capture(
        cmd!(sh, "{npm} pack --ignore-scripts --json --loglevel error --pack-destination {out}"),
        &reproducible(epoch),
    )?;
    contents(&packed)
}

/// Runs `[commands] build` of the `app.toml` in this folder, or else the package's `build` script if there is
/// one. The lock file decides whether npm or bun runs the script.
pub(crate) fn script(dir: &Utf8Path, epoch: &str) -> Result<()> {
    let commands = EarlierSettings::read(&std::fs::read_to_string(dir.join("app.toml")).unwrap_or_default())
        .unwrap_or_default()
        .commands
        .build;
    if !commands.is_empty() {
        return crate::ecosystem::built(dir, &commands, &dir.join("node_modules/.bin"), epoch);
    }
    if package_json(dir)?["scripts"]["build"].is_null() {
        return Ok(());
    }
    let runner = tools::tool(if by_npm(dir) { "npm" } else { "bun" })?;
    let sh = child::shell(dir)?;
    child::capture(
        cmd!(sh, "{runner} run --silent build"),
        &[&reproducible(epoch)[..], &[("PATH", &path()?)]].concat(),
    )
    .map(drop)
}

/// Checks with publint and are-the-types-wrong, in parallel, that the package can be imported in every
/// supported way and has the right types.
fn check(dir: &Utf8Path, tarball: &Utf8Path) -> Result<()> {
    let (publint, attw) = (tools::tool("publint")?, tools::tool("@arethetypeswrong/cli")?);
    let esm = package_json(dir)?["type"] == "module";
    let run = |argv: &[&str]| -> Result<()> {
        let (program, args) = argv.split_first().context("the command has no words")?;
        let sh = child::shell("/")?;
        child::capture(cmd!(sh, "{program} {args...}"), &[]).map(drop)
    };
    // An ES module is not loaded with `require` on Node 20, so that case is not checked.
    let profile: &[&str] = if esm { &["--profile", "esm-only"] } else { &[] };
    let types = || {
        run(&[&[attw.as_str(), tarball.as_str(), "--format", "table", "--no-color", "--no-emoji"], profile]
            .concat())
    };
    let (types, exports) = parallel::both(types, || run(&[publint.as_str(), "--strict", tarball.as_str()]));
    types.and(exports)
}

/// The tarball's name and the files in it, from the output of `npm pack --json`.
fn contents(json: &str) -> Result<(String, Vec<String>)> {
    #[derive(Deserialize)]
    struct Packed {
        filename: String,
        files: Vec<File>,
    }
    #[derive(Deserialize)]
    struct File {
        path: String,
    }
    let packed: Vec<Packed> =
        serde_json::from_str(json).context("the output of `npm pack --json` is not readable")?;
    let [packed] = packed
        .try_into()
        .map_err(|_| anyhow::anyhow!("`npm pack` created no file or several; one is expected"))?;
    Ok((packed.filename, packed.files.into_iter().map(|f| f.path).collect()))
}

/// The problems with a package's contents, one line each.
fn problems(files: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for path in files {
        let file = path.rsplit('/').next().unwrap_or(path);
        let folders = || path.split('/').rev().skip(1);
        if folders().any(|f| matches!(f, "tests" | "test" | "__tests__"))
            || file.contains(".test.")
            || file.contains(".spec.")
        {
            problems.push(format!("{path}: tests must not be in a package"));
        } else if folders().any(|f| matches!(f, "node_modules" | "coverage" | ".cache"))
            || file.ends_with(".tsbuildinfo")
        {
            problems.push(format!("{path}: files that tools generate must not be in a package"));
        } else if file.starts_with(".env") || file == ".npmrc" || file.ends_with(".pem") {
            problems.push(format!("{path}: looks like a secret"));
        }
    }
    let has = |test: fn(&str) -> bool| files.iter().any(|path| test(path));
    if !has(|path| path.ends_with(".d.ts") || path.ends_with(".d.mts")) {
        problems.push("no .d.ts file: TypeScript will not know the package's types".to_string());
    }
    if !has(|path| {
        let upper = path.to_ascii_uppercase();
        upper.starts_with("LICEN") || upper.starts_with("COPYING")
    }) {
        problems.push("the licence file is missing".to_string());
    }
    if !has(|path| path.to_ascii_lowercase().starts_with("readme")) {
        problems.push("README.md is missing: the registry shows it as the package's page".to_string());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_with_wrong_contents_is_reported() {
        let good =
            ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts", "dist/testing.js"];
        for (extra, problems_found) in [
            (vec![], 0),
            (vec!["tests/a.ts", "dist/app.test.js", "dist/__tests__/x.js"], 3),
            (vec![".env", ".env.local", "dist/.npmrc", "key.pem"], 4),
            (vec!["coverage/lcov.info", "tsconfig.tsbuildinfo", "node_modules/a/index.js"], 3),
            (vec!["dist/latest.js", "dist/contest/x.js", "dist/environment.js"], 0),
        ] {
            let files: Vec<String> = good.iter().chain(&extra).map(|f| f.to_string()).collect();
            assert_eq!(problems(&files).len(), problems_found, "{extra:?}");
        }
        assert_eq!(problems(&["package.json".to_string()]).len(), 3);
    }

    #[test]
    fn unexpected_output_of_npm_pack_is_an_error() {
        let one = r#"[{"filename": "a-1.tgz", "files": [{"path": "x", "size": 1}], "bundled": []}]"#;
        assert_eq!(contents(one).expect("read"), ("a-1.tgz".to_string(), vec!["x".to_string()]));
        for text in ["", "[]", "{}", "[{\"filename\": \"a\"}]"] {
            assert!(contents(text).is_err(), "{text}");
        }
    }
}
