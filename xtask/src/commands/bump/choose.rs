//! Chooses the version to write: the plan's, or the one given by `--version` or `--pre` if it is allowed.
//! Pure.

use crate::commands::plan::AppPlan;
use crate::finding::{Finding, Level};
use crate::flags;
use crate::model::version;
use crate::sys::exit::Exit;
use anyhow::Result;
use semver::Version;

#[cfg(test)]
mod tests;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Version(Version),
    Nothing(String),
}

pub(super) fn version(flags: &flags::Bump, plan: &AppPlan, published: &[Version]) -> Result<Choice> {
    if let Some(text) = &flags.version {
        let version = version::parse(text).map_err(|e| Exit::Usage(format!("--version: {e:#}")))?;
        return allowed(version, plan, published).map(Choice::Version);
    }
    let Some(next) = &plan.next else { return Ok(Choice::Nothing(nothing(plan))) };
    let Some(channel) = &flags.pre else { return Ok(Choice::Version(next.clone())) };
    let core = plan.required.as_ref().unwrap_or(next);
    let version = version::next_pre(core, channel, plan.tagged.iter().chain(published))
        .map_err(|e| Exit::Usage(format!("{e:#}")))?;
    allowed(version, plan, published).map(Choice::Version)
}

fn nothing(plan: &AppPlan) -> String {
    let since = plan.last.as_ref().map(|r| format!(" since {}", r.tag)).unwrap_or_default();
    match plan.commits.len() {
        0 => format!("no commit touches {}{since}", plan.app),
        1 => format!("the one commit{since} does not count (cargo xtask plan {})", plan.app),
        n => format!("none of the {n} commits{since} counts (cargo xtask plan {})", plan.app),
    }
}

/// Refuses a version that is already used, is below a published one, or is lower than the evidence demands.
fn allowed(version: Version, plan: &AppPlan, published: &[Version]) -> Result<Version> {
    let refuse = |id, message: String| {
        let help = match &plan.next {
            Some(next) => format!("cargo xtask bump {} (that is {next})", plan.app),
            None => format!("cargo xtask plan {}", plan.app),
        };
        Err(Exit::Gate(vec![Finding::new(id, Level::Error, message).app(&plan.app).help(help)]).into())
    };
    if plan.tagged.contains(&version) {
        return refuse("version-taken", format!("{version} is already used: it has a tag"));
    }
    if published.contains(&version) {
        return refuse(
            "version-taken",
            format!("{version} is already used: the index has it, and accepts each version only once"),
        );
    }
    if let Some(floor) = plan
        .floor
        .iter()
        .chain(plan.last.as_ref().map(|r| &r.version))
        .max()
        .filter(|floor| version < **floor)
    {
        return refuse(
            "version-too-low",
            format!("{version} is lower than {floor}, which is already published"),
        );
    }
    if let Some(required) = plan.required.as_ref().filter(|required| !version::reaches(&version, required)) {
        return refuse(
            "version-too-low",
            format!("{version} is lower than {required}, which the evidence demands"),
        );
    }
    Ok(version)
}
