//! What a pull request makes of the next release of the apps that it changes, and what stops it: the plan's
//! gates, and its labels.

use super::event::Event;
use super::{Outcome, Section, job, title};
use crate::commands::plan;
use crate::commands::plan::AppPlan;
use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::{affected, labels};
use crate::sys::ui;
use anyhow::Result;

/// Into the release branch a pull request brings every app, and none may have unreleased commits without a
/// new version.
pub fn plans(ctx: &Ctx, event: &Event, names: &[String], outcome: &mut Outcome) -> Result<()> {
    let promotes = job::promotes(event, &ctx.ws.settings);
    let mut plans = Vec::new();
    for app in ctx.ws.apps.iter().filter(|app| promotes || names.iter().any(|name| name == app.name())) {
        let section = Section::begin(&format!("plan-{}", app.name()));
        let mut plan = match plan::gate(ctx, app) {
            Ok(plan) => plan,
            // The other apps are told of, too.
            Err(error) => {
                outcome.add(Err(error));
                section.end();
                continue;
            }
        };
        ui::say(&format!("  {}", makes(&plan)));
        let mut findings = std::mem::take(&mut plan.findings);
        if promotes {
            findings.extend(not_bumped(ctx, &plan));
        } else {
            // The version is raised at the latest on the way into the release branch.
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
    Ok(())
}

/// One line for whoever decides on a pull request, with what each source has to say.
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
        None => format!("nothing to release of {}: {} stays", plan.app, plan.manifest),
    }
}

fn not_bumped(ctx: &Ctx, plan: &AppPlan) -> Option<Finding> {
    let next = plan.next.as_ref().filter(|next| **next != plan.manifest)?;
    let message = format!("what changed asks for {next}, its manifest says {}", plan.manifest);
    let help = format!(
        "cargo xtask bump {}, on a branch off {}; or cargo xtask promote",
        plan.app, ctx.ws.settings.development
    );
    Some(Finding::new("not-bumped", Level::Error, message).app(&plan.app).help(help))
}

/// Into the release branch come all commits since the last releases, which after a squash are not those
/// beyond the branch.
fn label(
    ctx: &Ctx,
    base: &str,
    labels: &[String],
    promotes: bool,
    plans: &[AppPlan],
) -> Result<Option<Finding>> {
    let declared = match affected::branch_point(ctx, base)? {
        Some(base) if !promotes => labels::declared_since(&ctx.git, &base)?,
        _ => {
            plans.iter().flat_map(|plan| &plan.commits).filter(|c| c.counts && c.breaking).cloned().collect()
        }
    };
    Ok(labels::judge(labels, &declared, plans.iter().any(|plan| !plan.accepted.is_empty())))
}
