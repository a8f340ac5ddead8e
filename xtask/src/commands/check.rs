//! `lint`, `test` and `check`: what a pull request must pass. Apps are checked in parallel, then xtask
//! itself.

use crate::checks::{black_box, passed};
use crate::commands::{compat, openapi, plan};
use crate::ecosystem::ToolResult;
use crate::finding::{Finding, Level};
use crate::flags::Affected;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::model::{affected, breaking_label};
use crate::sys::exit::Exit;
use crate::sys::{child, parallel, secrets, ui};
use crate::{finding, flags};
use anyhow::{Context, Result, anyhow};

mod last_users;
mod own_dependencies;
mod scripts;

/// The name under which xtask itself is linted and tested.
const XTASK: &str = "xtask";

pub(crate) fn lint(ctx: &Ctx, flags: &Affected) -> Result<()> {
    let scope = Scope::of(ctx, flags)?;
    report(ctx, scope.each(|app| lint_app(ctx, app, flags.reuse), || lint_xtask(ctx))?)
}

pub(crate) fn test(ctx: &Ctx, flags: &Affected) -> Result<()> {
    let scope = Scope::of(ctx, flags)?;
    report(ctx, scope.each(|app| tests(ctx, app, flags.reuse), || test_xtask(ctx))?)
}

/// Runs lint, tests, the spec checks and the plan's gates, which report undeclared breaks. `--quick` skips
/// tests and release gates: gates can only pass once the version has been bumped.
pub(crate) fn check(ctx: &Ctx, flags: &flags::Check) -> Result<()> {
    let scope = Scope::of(ctx, &flags.affected)?;
    let all = |app: &App| -> Result<Vec<Finding>> {
        let reuse = flags.affected.reuse;
        let (lint, spec) = parallel::both(|| lint_app(ctx, app, reuse), || spec_app(ctx, app, reuse));
        let mut findings = [lint?, spec?].concat();
        if !flags.quick {
            findings.extend(tests(ctx, app, reuse)?);
            findings.extend(plan_app(ctx, app)?);
        }
        Ok(findings)
    };
    let xtask = || -> Result<Vec<Finding>> {
        let mut findings = lint_xtask(ctx)?;
        if !flags.quick {
            findings.extend(test_xtask(ctx)?);
        }
        Ok(findings)
    };
    let mut findings = scope.each(all, xtask)?;
    if !flags.labels.is_empty() {
        let declared = breaking_label::declared_since(&ctx.git, &begun(ctx)?)?;
        let plans = ctx.ws.apps.iter().map(|app| plan::plan(ctx, app)).collect::<Result<Vec<_>>>()?;
        findings.extend(breaking_label::judge(
            &flags.labels,
            &declared,
            plans.iter().any(|plan| !plan.accepted.is_empty()),
        ));
    }
    if flags.affected.affected && findings.iter().any(Finding::stops) {
        findings.extend(not_in_commit(ctx)?);
    }
    report(ctx, findings)
}

/// A hook checks the working tree, which may have more changes than the commit: one of those can be at fault.
fn not_in_commit(ctx: &Ctx) -> Result<Option<Finding>> {
    let status = ctx.git.in_hook().args(["status", "--porcelain"]).output()?;
    let listed = String::from_utf8_lossy(&status.stdout).into_owned();
    let files: Vec<String> = listed
        .lines()
        .filter_map(|line| match line.as_bytes() {
            [b'?', ..] => Some(format!("{} (new)", &line[3..])),
            [_, change, ..] if *change != b' ' => Some(format!("{} (changed)", &line[3..])),
            _ => None,
        })
        .collect();
    if files.is_empty() {
        return Ok(None);
    }
    let message =
        format!("the checks also read changes that are not part of the commit:\n  {}", files.join("\n  "));
    let help = "if these changes cause the failure, git add them, or put them aside: \
                git stash --keep-index --include-untracked";
    Ok(Some(Finding::new("not-in-commit", Level::Warning, message).help(help)))
}

/// The findings of `check` for one app, for a release's preflight.
pub(crate) fn app_findings(ctx: &Ctx, app: &App) -> Result<Vec<Finding>> {
    let (lint, spec) = parallel::both(|| lint_app(ctx, app, true), || spec_app(ctx, app, true));
    Ok(once([lint?, tests(ctx, app, true)?, spec?].concat()))
}

/// Removes duplicates: a lock file that cannot be installed fails every check with the same message.
fn once(mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen = std::collections::HashSet::new();
    findings.retain(|f| seen.insert((f.app.clone(), f.message.clone())));
    findings
}

/// A check that could not run counts as failed; the other checks and apps go on.
fn failed(app: &App, check: &'static str, error: anyhow::Error) -> Result<Vec<Finding>> {
    if error.is::<Exit>() {
        return Err(error);
    }
    let text = format!("{error:#}");
    // The finding itself names the app.
    let text = text.strip_prefix(&format!("{}: ", app.name())).unwrap_or(&text);
    Ok(vec![Finding::new(check, Level::Error, text).app(app.name()).place(app.dir.as_str())])
}

fn report(ctx: &Ctx, findings: Vec<Finding>) -> Result<()> {
    let findings = once(findings);
    if ctx.json {
        ui::print(finding::to_json(&findings));
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    Ok(())
}

/// The apps that a command checks, and whether it checks xtask.
struct Scope<'a> {
    apps: Vec<&'a App>,
    xtask: bool,
}

impl<'a> Scope<'a> {
    fn of(ctx: &'a Ctx, flags: &Affected) -> Result<Scope<'a>> {
        let ours = affected::has_xtask(ctx);
        if !flags.affected {
            let named: Vec<String> = flags.apps.iter().filter(|n| *n != XTASK).cloned().collect();
            let xtask = ours && (flags.apps.is_empty() || flags.apps.len() > named.len());
            let apps = if named.is_empty() && !flags.apps.is_empty() {
                Vec::new()
            } else {
                ctx.ws.select(&named)?
            };
            return Ok(Scope { apps, xtask });
        }
        let base = match &flags.since {
            Some(rev) => ctx.git.commit(rev)?,
            None => begun(ctx)?,
        };
        let selected = ctx.ws.select(&flags.apps)?;
        let changed = |pathspecs: Vec<String>| affected::changed_since(ctx, &base, &pathspecs);
        let (apps, xtask) = parallel::both(
            || parallel::each(selected.len(), &selected, |app| changed(app.pathspecs())),
            || -> Result<bool> { Ok(ours && flags.apps.is_empty() && changed(affected::xtask_pathspecs())?) },
        );
        let (apps, xtask) = (apps?, xtask?);
        let apps: Vec<&App> =
            selected.into_iter().zip(apps).filter_map(|(app, changed)| changed.then_some(app)).collect();
        if apps.is_empty() && !xtask {
            ui::say(&format!(
                "nothing to check: neither an app nor xtask changed since {}",
                crate::sys::git::short(&base)
            ));
        }
        Ok(Scope { apps, xtask })
    }

    /// Checks each app in a thread of its own, then xtask, whose tests use all cores.
    fn each(
        &self,
        app: impl Fn(&App) -> Result<Vec<Finding>> + Sync,
        xtask: impl FnOnce() -> Result<Vec<Finding>>,
    ) -> Result<Vec<Finding>> {
        let results = parallel::all(self.apps.iter().map(|a| || app(a)).collect());
        let mut findings = Vec::new();
        for result in results {
            findings.extend(result?);
        }
        if self.xtask {
            findings.extend(xtask()?);
        }
        Ok(findings)
    }
}

/// The commit where the branch began. If that is unknown, the empty tree, so that every file counts as
/// changed.
fn begun(ctx: &Ctx) -> Result<String> {
    match affected::branched_off(ctx)? {
        Some(commit) => Ok(commit),
        None => {
            Ok(String::from_utf8_lossy(&ctx.git.pipe(&["hash-object", "-w", "-t", "tree", "--stdin"], b"")?)
                .trim()
                .to_string())
        }
    }
}

fn lint_app(ctx: &Ctx, app: &App, reuse: bool) -> Result<Vec<Finding>> {
    one(ctx, app, "lint", reuse, || {
        let reports = app.settings.ecosystem.lint(ctx, app)?;
        let names: Vec<_> = reports.iter().map(|r| r.tool.clone()).collect();
        let failed = reports.into_iter().filter_map(|r| Some((r.tool, r.result.err()?)));
        let findings =
            failed.map(|(tool, e)| Finding::new("lint", Level::Error, format!("{tool}: {e:#}"))).collect();
        let ran = if names.is_empty() { "no linter is configured".to_string() } else { names.join(", ") };
        let left = app.settings.ecosystem.linters_not_run(ctx, app)?;
        let lock = app.settings.ecosystem.missing_lock(ctx, app);
        Ok((findings, [Some(ran), lock, left].into_iter().flatten().collect::<Vec<_>>().join("; ")))
    })
}

/// Runs the app's own tests and, in parallel, the tests of the last release. The latter are prepared first,
/// because the preparation may change the environment that the app's tests use.
fn tests(ctx: &Ctx, app: &App, reuse: bool) -> Result<Vec<Finding>> {
    let mut users = Some(last_users::begin(ctx, app, reuse));
    let mut beside = None;
    let mut findings =
        test_app(ctx, app, reuse, || beside = users.take().map(|begun| last_users::end(ctx, app, begun)))?;
    // `beside` did not run if the result of the app's own tests was reused.
    let alone = users.map(|begun| last_users::end(ctx, app, begun));
    findings.extend(beside.or(alone).unwrap_or(Ok(Vec::new()))?);
    Ok(findings)
}

/// `beside` runs in parallel with the tests. It is not called if the tests' result is reused.
fn test_app(ctx: &Ctx, app: &App, reuse: bool, beside: impl FnOnce() + Send) -> Result<Vec<Finding>> {
    one(ctx, app, "test", reuse, || {
        let (mut findings, mut said) = (Vec::new(), Vec::new());
        let server = black_box::server(ctx, app);
        // In parallel, because the black-box tests mostly wait and the app's tests mostly compute.
        let tests = || {
            parallel::both(|| app.settings.ecosystem.test(ctx, app), || black_box::test(ctx, app, server?))
        };
        let ((tests, contract), ()) = parallel::both(tests, beside);
        match tests {
            Ok(output) => {
                said.push(output.trim_end().lines().last().unwrap_or("").trim_matches(['=', ' ']).to_string())
            }
            Err(e) => findings.push(Finding::new("test", Level::Error, format!("{e:#}"))),
        }
        said.extend(app.settings.ecosystem.runners_not_run(ctx, app)?);
        match contract {
            Ok(contract) => said.extend(contract.map(|said| format!("contract: {said}"))),
            Err(e) => findings.push(Finding::new("contract", Level::Error, format!("{e:#}"))),
        }
        Ok((findings, said.join("; ")))
    })
}

/// Runs one check of one app, with one progress line. With `reuse`, a check that passed before for the same
/// tree is skipped, and the line reports that.
fn one(
    ctx: &Ctx,
    app: &App,
    check: &'static str,
    reuse: bool,
    run: impl FnOnce() -> Result<(Vec<Finding>, String)>,
) -> Result<Vec<Finding>> {
    let line = ui::begin(&format!("{check}-{}", app.name()));
    let place = passed::place(ctx, app, check)?;
    if let Some(said) = place.as_ref().filter(|_| reuse).and_then(passed::recall) {
        line.end(ui::Outcome::Skipped(format!("passed {}: {said}", passed::BEFORE)));
        return Ok(Vec::new());
    }
    let (findings, said) =
        run().or_else(|e| failed(app, check, e).map(|findings| (findings, String::new())))?;
    match (findings.len(), place) {
        (0, place) => {
            place.map_or(Ok(()), |place| passed::remember(ctx, app, check, &place, &said))?;
            line.end(ui::Outcome::Done(said));
        }
        (n, _) => line.end(ui::Outcome::Failed(format!("{n} failed"))),
    }
    Ok(findings.into_iter().map(|f| f.app(app.name()).place(app.dir.as_str())).collect())
}

/// Compares what the code prints with the committed files: the spec, and compat.json for plugins and channel
/// adapters.
fn spec_app(ctx: &Ctx, app: &App, reuse: bool) -> Result<Vec<Finding>> {
    let compat = || match app.settings.compat {
        Some(_) => compat::check_app(ctx, app, reuse).or_else(|e| failed(app, "compat", e)),
        None => Ok(Vec::new()),
    };
    let spec = || match app.settings.spec {
        Some(_) => openapi::check_app(ctx, app, reuse).or_else(|e| failed(app, "spec", e)),
        None => Ok(Vec::new()),
    };
    let (spec, compat) = parallel::both(spec, compat);
    Ok([spec?, compat?].concat())
}

fn plan_app(ctx: &Ctx, app: &App) -> Result<Vec<Finding>> {
    let line = ui::begin(&format!("plan-{}", app.name()));
    let plan = plan::gate(ctx, app, false)?;
    let stops = plan.findings.iter().filter(|f| f.stops()).count();
    line.end(match stops {
        0 => ui::Outcome::Done(match (&plan.next, plan.pending) {
            (None, _) => "nothing to release".to_string(),
            (Some(next), true) => format!("{next} is written and not released yet"),
            (Some(next), false) => format!(
                "the next release is {} ({next})",
                if plan.last.is_none() { "the first" } else { plan.bump }
            ),
        }),
        n => ui::Outcome::Failed(format!("{n} to fix")),
    });
    Ok(plan.findings)
}

/// rustfmt and clippy, and beside them cargo-deny and the linters of the scripts.
fn lint_xtask(ctx: &Ctx) -> Result<Vec<Finding>> {
    let line = ui::begin("lint-xtask");
    let beside = || (own_dependencies::lint(ctx), scripts::lint(ctx));
    let (rust, (dependencies, scripts)) = parallel::both(|| lint_rust(ctx), beside);
    let (denied, skipped) = dependencies?;
    let reports: Vec<_> = rust?.into_iter().chain(denied).chain(scripts.reports).collect();
    let names: Vec<_> = reports.iter().map(|report| report.tool.clone()).collect();
    let failed = reports.into_iter().filter_map(|report| Some((report.tool, report.result.err()?)));
    let finding = |message| Finding::new("lint", Level::Error, message).app(XTASK).place("xtask");
    let findings: Vec<_> = failed.map(|(tool, e)| finding(format!("{tool}: {e:#}"))).collect();
    line.end(match findings.len() {
        0 => ui::Outcome::Done([vec![names.join(", ")], skipped, scripts.skipped].concat().join("; ")),
        n => ui::Outcome::Failed(format!("{n} failed")),
    });
    Ok(findings)
}

fn lint_rust(ctx: &Ctx) -> Result<Vec<ToolResult>> {
    let mut reports = Vec::new();
    for (tool, args) in [
        ("rustfmt", &["fmt", "--all", "--check"] as &[&str]),
        ("clippy", &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    ] {
        // The profile turns incremental builds off, which is faster for cold builds. A hook lints repeatedly.
        let output = cargo(ctx, args)
            .env("CARGO_INCREMENTAL", "1")
            .stderr_to_stdout()
            .stdout_capture()
            .unchecked()
            .run()
            .context("cargo could not be started")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let result = match output.status.success() {
            true => Ok(String::new()),
            false => Err(anyhow!("`cargo {}` failed:\n{}", args.join(" "), child::last_lines(&said, 60))),
        };
        reports.push(ToolResult { tool: tool.to_string(), result });
    }
    Ok(reports)
}

/// Runs `cargo test` and shows its output as it comes. The skipped parts are repeated and counted at the end.
fn test_xtask(ctx: &Ctx) -> Result<Vec<Finding>> {
    let skips = tempfile::NamedTempFile::new()?;
    let started = std::time::Instant::now();
    let tests = cargo(ctx, &["test", "--workspace"]).env("XTASK_TEST_SKIPS", skips.path());
    let status = tests.unchecked().run().context("cargo could not be started")?.status;
    let skipped = std::fs::read_to_string(skips.path())?;
    for line in skipped.lines() {
        ui::say(&format!("  {}", ui::yellow(line)));
    }
    let line = ui::begin("test-xtask");
    let took = ui::duration(started.elapsed());
    if status.success() {
        line.end(ui::Outcome::Done(format!("passed in {took}, {} skipped", skipped.lines().count())));
        return Ok(Vec::new());
    }
    line.end(ui::Outcome::Failed(format!("failed after {took}")));
    Ok(vec![
        Finding::new("test", Level::Error, "cargo test failed; see its output above")
            .app(XTASK)
            .place("xtask"),
    ])
}

/// A program with our environment, which cargo needs, without the tokens in it.
fn inherited(command: duct::Expression) -> duct::Expression {
    secrets::NAMES.iter().fold(command, |command, name| command.env_remove(name))
}

/// Cargo in the workspace. It keeps the environment, because it needs the user's toolchain.
fn cargo(ctx: &Ctx, args: &[&str]) -> duct::Expression {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    inherited(duct::cmd(program, args)).dir(ctx.ws.root.as_std_path())
}
