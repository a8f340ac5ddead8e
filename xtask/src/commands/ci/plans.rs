//! Shows the next release of each app that a pull request changes, and checks the plan's gates, the title and
//! the labels.

use super::event::Event;
use super::{Outcome, Section, comment, job, title};
use crate::commands::plan;
use crate::commands::plan::AppPlan;
use crate::finding::{Finding, Level};
use crate::forge::Forge;
use crate::model::ctx::Ctx;
use crate::model::{affected, breaking_label};
use crate::sys::ui;
use anyhow::Result;

/// Checks the plan of each app in `names`. A pull request into the release branch is checked for all apps: no
/// app may have unreleased commits without a new version.
pub(super) fn plans(ctx: &Ctx, event: &Event, names: &[String], outcome: &mut Outcome) -> Result<()> {
    let promotes = job::promotes(event, &ctx.ws.settings);
    let mut plans = Vec::new();
    for app in ctx.ws.apps.iter().filter(|app| promotes || names.iter().any(|name| name == app.name())) {
        let section = Section::begin(&format!("plan-{}", app.name()));
        let mut plan = match plan::gate(ctx, app, promotes) {
            Ok(plan) => plan,
            // Continue, so that the other apps are reported too.
            Err(error) => {
                outcome.add(Err(error));
                section.end();
                continue;
            }
        };
        ui::say(&format!("  {}", makes(&plan)));
        let mut findings = std::mem::take(&mut plan.findings);
        unread(ctx, &plan, &mut findings)?;
        if promotes {
            findings.extend(not_bumped(ctx, &plan));
        } else {
            // The version may still be raised later, in the pull request into the release branch.
            findings.retain(|f| !["pending-too-low", "manifest-below-tag"].contains(&f.id));
        }
        outcome.found(findings);
        section.end();
        plans.push(plan);
    }
    if let Event::PullRequest { base, squash: Some(squash), .. } = event {
        outcome.found(title::finding(ctx, base, squash)?.into_iter().collect());
    }
    if let Event::PullRequest { base, labels: Some(labels), .. } = event {
        outcome.found(label(ctx, base, labels, promotes, &plans)?.into_iter().collect());
    }
    comment::pass_on(&plans)
}

/// One line instead of the warning, in a job without a token, which sees no pull requests of a private
/// repository.
fn unread(ctx: &Ctx, plan: &AppPlan, findings: &mut Vec<Finding>) -> Result<()> {
    let Err(reason) = Forge::connect(ctx)? else { return Ok(()) };
    let before = findings.len();
    findings.retain(|f| f.id != "pull-requests-unread");
    if findings.len() < before {
        let numbers: Vec<String> = plan.unread_pulls.iter().map(|n| format!("#{n}")).collect();
        ui::say(&format!(
            "  - commits of pull requests {}: not read ({reason}); `release` reads them with its token, and \
             stops if the version is too low",
            numbers.join(", ")
        ));
    }
    Ok(())
}

/// One line about the next release for the reviewers of a pull request, with the bump that each source
/// demands.
fn makes(plan: &AppPlan) -> String {
    let asked: Vec<String> = plan.evidence.iter().map(|e| format!("{} {}", e.source, e.demands)).collect();
    let asked = asked.join(", ");
    match &plan.next {
        Some(next) if plan.last.is_none() => {
            format!("this pull request makes the first release of {} {next}: {asked}", plan.app)
        }
        Some(next) => format!(
            "this pull request makes the next release of {} {} ({next}): {asked}",
            plan.app, plan.bump
        ),
        None => format!("{} has nothing to release: its version stays {}", plan.app, plan.manifest),
    }
}

fn not_bumped(ctx: &Ctx, plan: &AppPlan) -> Option<Finding> {
    let next = plan.next.as_ref().filter(|next| **next != plan.manifest)?;
    let message = format!("the changes demand {next}, but the version in the manifest is {}", plan.manifest);
    let help = format!(
        "cargo xtask bump {}, on a new branch from {}; or cargo xtask promote",
        plan.app, ctx.ws.settings.development
    );
    Some(Finding::new("not-bumped", Level::Error, message).app(&plan.app).help(help))
}

/// Checks the `breaking-change` label against the declared breaking changes. For a pull request into the
/// release branch these are taken from the plans, because after squash merges the branch's own commits are
/// not the commits since the last release.
fn label(
    ctx: &Ctx,
    base: &str,
    labels: &[String],
    promotes: bool,
    plans: &[AppPlan],
) -> Result<Option<Finding>> {
    let declared = match affected::branch_point(ctx, base) {
        Some(base) if !promotes => breaking_label::declared_since(&ctx.git, &base)?,
        _ => {
            plans.iter().flat_map(|plan| &plan.commits).filter(|c| c.counts && c.breaking).cloned().collect()
        }
    };
    Ok(breaking_label::judge(labels, &declared, plans.iter().any(|plan| !plan.accepted.is_empty())))
}
