//! Checks the Python and JavaScript files of xtask and of contract/ with the apps' linters and settings.

use crate::ecosystem::{ToolResult, python, ts};
use crate::model::ctx::Ctx;
use crate::model::language::Ecosystem;
use crate::model::workspace::App;
use crate::sys::{child, parallel, scratch, tools};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xshell::cmd;

/// The folders with Python files. Their modules are scripts, not packages.
const PYTHON: [&str; 6] = [
    "xtask/src/commands/api/python/reader",
    "xtask/src/commands/image",
    "xtask/examples/bench",
    "contract",
    "contract/sdk",
    "contract/storage",
];
/// Rules of ruff that are off for these files: function names replace docstrings, and contract/ uses the
/// standard library's unittest.
const NOT_ASKED: [&str; 17] = [
    "*.py:INP001",
    "*.py:PLR2004",
    "*.py:D102",
    "*.py:D103",
    "contract/*.py:D101",
    "contract/*.py:PT009",
    "contract/*.py:S",
    "contract/sdk/*.py:S",
    "contract/storage/*.py:D101",
    "contract/storage/*.py:PT",
    "contract/storage/*.py:S",
    // One long function calls every method of the SDK.
    "contract/sdk/drive.py:C901",
    "contract/sdk/drive.py:PLR0915",
    "xtask/examples/**/*.py:S",
    // It starts a program in a root file system of its own, and imports as little as possible.
    "xtask/src/commands/image/*.py:PTH",
    "xtask/src/commands/image/*.py:S108",
    "xtask/src/commands/image/*.py:S606",
];
/// The folder with the JavaScript files, and the settings of the TypeScript compiler.
const JAVASCRIPT: &str = "xtask/src/commands/api/ts/reader";

/// The reports, and what was skipped with the reason.
pub(super) struct Checked {
    pub reports: Vec<ToolResult>,
    pub skipped: Vec<String>,
}

/// Runs ruff, mypy, Biome and tsc in parallel. A copy of xtask in another repository, which has no tests, is
/// left out: the settings of the apps there were not written for these files.
pub(super) fn lint(ctx: &Ctx) -> Checked {
    if !ctx.ws.root.join("xtask/tests").exists() {
        let reason = "no ruff, mypy, Biome and tsc: there is no xtask/tests, so this is a copy of xtask";
        return Checked { reports: Vec::new(), skipped: vec![reason.to_string()] };
    }
    let (one, other) = parallel::both(|| of_python(ctx), || of_javascript(ctx));
    let mut checked = Checked { reports: Vec::new(), skipped: Vec::new() };
    for (tool, result) in [("ruff and mypy", one), ("Biome and tsc", other)] {
        match result {
            Ok(Ok(reports)) => checked.reports.extend(reports),
            Ok(Err(reason)) => checked.skipped.push(format!("no {tool}: {reason}")),
            Err(e) => checked.reports.push(ToolResult { tool: tool.to_string(), result: Err(e) }),
        }
    }
    checked
}

/// The inner error is the reason why there are no reports.
type Outcome = Result<std::result::Result<Vec<ToolResult>, String>>;

/// The first app of this language whose settings satisfy `set_up`.
fn app(ctx: &Ctx, ecosystem: Ecosystem, set_up: impl Fn(&Utf8Path) -> bool) -> Option<&App> {
    let set_up = |app: &&App| set_up(&ctx.ws.root.join(&app.dir));
    ctx.ws.apps.iter().filter(|app| app.settings.ecosystem == ecosystem).find(set_up)
}

fn of_python(ctx: &Ctx) -> Outcome {
    let root = &ctx.ws.root;
    let mut files = Vec::new();
    for folder in PYTHON.iter().filter(|folder| root.join(folder).exists()) {
        files.extend(with_extension(&root.join(folder), "py")?);
    }
    if files.is_empty() {
        return Ok(Err("there are no Python files".to_string()));
    }
    let set_up = |dir: &Utf8Path| {
        let text = std::fs::read_to_string(dir.join("pyproject.toml")).unwrap_or_default();
        text.contains("[tool.ruff") && text.contains("[tool.mypy")
    };
    let Some(app) = app(ctx, Ecosystem::Python, set_up) else {
        return Ok(Err("no app configures both in its pyproject.toml".to_string()));
    };
    let settings = app.dir.join("pyproject.toml");
    let python = python::programs(ctx, app)?.join("python");
    // griffe's Python, because the readers import griffe and mypy needs its types.
    let griffe = tools::tool("griffe")?.with_file_name("python");
    let files: Vec<&str> = files.iter().map(|file| file.as_str()).collect();
    let ruff = [
        ["ruff", "check", "--config", settings.as_str()].as_slice(),
        &NOT_ASKED.iter().flat_map(|rule| ["--extend-per-file-ignores", rule]).collect::<Vec<_>>(),
    ]
    .concat();
    let format = ["ruff", "format", "--check", "--config", settings.as_str()];
    let mypy = ["mypy", "--config-file", settings.as_str(), "--python-executable", griffe.as_str()];
    let jobs = [("ruff check", ruff.as_slice()), ("ruff format", &format), ("mypy", &mypy)];
    let run = |args: &[&str]| python::module(root, &python, &[args, &files].concat());
    let report = &|(tool, args): (&str, &[&str])| ToolResult { tool: tool.to_string(), result: run(args) };
    Ok(Ok(parallel::all(jobs.map(|job| move || report(job)).into())))
}

/// The files have no biome.json beside them, and tsc searches types in a `node_modules` above them. So both
/// run on a copy with those files.
fn of_javascript(ctx: &Ctx) -> Outcome {
    let folder = ctx.ws.root.join(JAVASCRIPT);
    if !folder.exists() {
        return Ok(Err("there are no JavaScript files".to_string()));
    }
    let Some(app) = app(ctx, Ecosystem::Ts, |dir| dir.join("biome.json").exists()) else {
        return Ok(Err("no app has a biome.json".to_string()));
    };
    let biome = ts::programs_folder(ctx, app)?.join("biome");
    let types = ctx.ws.root.join(&app.dir).join("node_modules/@types");
    let tsc = tools::tool("typescript")?;
    let modules = tsc.parent().and_then(Utf8Path::parent).context("tsc is not in node_modules/.bin")?;
    let temp = scratch::folder()?;
    let copy = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    for file in ["mjs", "json"].map(|extension| with_extension(&folder, extension)) {
        for file in file? {
            std::fs::copy(&file, copy.join(file.file_name().unwrap_or_default()))?;
        }
    }
    std::fs::copy(ctx.ws.root.join(&app.dir).join("biome.json"), copy.join("biome.json"))?;
    std::fs::create_dir(copy.join("node_modules"))?;
    for (name, target) in [("typescript", modules.join("typescript")), ("@types", types)] {
        std::os::unix::fs::symlink(target, copy.join("node_modules").join(name))?;
    }
    let run = |program: &Utf8Path, args: &[&str]| {
        let sh = child::shell(copy)?;
        child::capture(cmd!(sh, "{program} {args...}"), &[]).context(format!("in {JAVASCRIPT}"))
    };
    let (checked, typed) = parallel::both(
        || run(&biome, &["check", "--error-on-warnings", "--colors=off", "."]),
        || run(&tsc, &["--project", ".", "--pretty", "false"]),
    );
    let report = |tool: &str, result| ToolResult { tool: tool.to_string(), result };
    Ok(Ok(vec![report("Biome", checked), report("tsc", typed)]))
}

/// The files of a folder with this extension, sorted.
fn with_extension(folder: &Utf8Path, extension: &str) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8().with_context(|| format!("cannot read {folder}"))? {
        found.push(entry?.path().to_path_buf());
    }
    found.retain(|file| file.extension() == Some(extension));
    found.sort();
    Ok(found)
}
