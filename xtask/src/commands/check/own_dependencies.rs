//! Checks xtask's dependencies with cargo-deny and deny.toml.

use crate::ecosystem::ToolResult;
use crate::model::ctx::Ctx;
use crate::sys::{child, tools};
use anyhow::{Context, Result, anyhow};

/// Returns the reports, and what was skipped with the reason. Advisories come from a database that changes
/// and must be downloaded: only CI checks them, so that elsewhere lint gives the same result for the same
/// tree.
pub(super) fn lint(ctx: &Ctx) -> Result<(Vec<ToolResult>, Vec<String>)> {
    if !ctx.ws.root.join("deny.toml").exists() {
        return Ok((Vec::new(), vec!["no cargo-deny: there is no deny.toml".to_string()]));
    }
    let report = |checks: &str, args: &[&str]| ToolResult {
        tool: format!("cargo-deny {checks}"),
        result: deny(ctx, args),
    };
    let checks = ["--locked", "check", "bans", "licenses", "sources"];
    let mut reports = vec![report("bans, licenses, sources", &checks)];
    let mut skipped = Vec::new();
    if std::env::var_os("CI").is_none() {
        skipped.push("no cargo-deny advisories: CI is not set".to_string());
    } else if deny(ctx, &["fetch", "db"]).is_err() {
        skipped.push("no cargo-deny advisories: the RustSec database could not be fetched".to_string());
    } else {
        reports.push(report("advisories", &["--locked", "--offline", "check", "advisories"]));
    }
    Ok((reports, skipped))
}

/// Keeps the environment, because cargo-deny starts cargo, which needs the user's toolchain.
fn deny(ctx: &Ctx, args: &[&str]) -> Result<String> {
    let program = tools::tool(tools::CARGO_DENY)?;
    let output = super::inherited(duct::cmd(program.as_std_path(), args))
        .dir(ctx.ws.root.as_std_path())
        .stderr_to_stdout()
        .stdout_capture()
        .unchecked()
        .run()
        .context("cargo-deny could not be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.success() {
        true => Ok(String::new()),
        false => Err(anyhow!("`cargo deny {}` failed:\n{}", args.join(" "), child::last_lines(&said, 60))),
    }
}
