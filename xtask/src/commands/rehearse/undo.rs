//! The last act of a rehearsal, after everything else was checked: the last release of each app is rolled
//! back, and the registries are asked what users get then.

use super::Rehearsal;
use super::walk::Walked;
use crate::commands::image;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;
use serde_json::Value;

/// Rolls back the last release of each app. Returns a criterion for each, with what was seen.
pub(super) fn roll_back(ctx: &Ctx, rehearsal: &Rehearsal, walked: &Walked) -> Result<Vec<(String, String)>> {
    let mut criteria = Vec::new();
    for app in &rehearsal.apps {
        let mut versions = walked.releases.iter().rev().flat_map(|r| &r.versions);
        let mut of_app = || versions.find(|(name, _)| name == app.name()).map(|(_, version)| version);
        let (Some(last), Some(before)) = (of_app(), of_app()) else { continue };
        let mut seen = String::new();
        rehearsal.steps.run(format!("rollback, {} v{last}", app.name()), |log| {
            seen = one(ctx, rehearsal, walked, app, last, before, log)?;
            Ok(seen.clone())
        })?;
        criteria.push((format!("rollback of {} v{last}", app.name()), seen));
    }
    Ok(criteria)
}

/// `before`: the release before the one that is rolled back.
fn one(
    ctx: &Ctx,
    rehearsal: &Rehearsal,
    walked: &Walked,
    app: &App,
    last: &Version,
    before: &Version,
    log: &Utf8Path,
) -> Result<String> {
    let (developer, secrets) = (&walked.developer, rehearsal.world.secrets());
    let version = last.to_string();
    let args = ["rollback", app.name(), &version, "--yes"];
    let (code, first, stderr) = developer.ask_with(log, &args, &secrets)?;
    let (again, second, _) = developer.ask_with(log, &args, &secrets)?;
    let by_hand = texts(&second, "by-hand");
    // 3: a person has to yank it, on a page of PyPI. 4: nothing is left.
    let expected = if by_hand.is_empty() { (0, 4) } else { (3, 3) };
    if (code, again) != expected || !texts(&first, "todo").is_empty() || second["actions"] != first["actions"]
    {
        bail!("two rollbacks ended with exit codes {code} and {again}, expected {expected:?}:\n{stderr}");
    }
    let mut seen = Vec::new();
    if rehearsal.world.registry.is_some() && app.settings.image.is_some() {
        let digest = |tag: &str| image::remote_digest(ctx, app, tag);
        let (latest, wanted) = (digest("latest")?, digest(&format!("v{before}"))?);
        if latest.is_none() || latest != wanted {
            bail!("after the rollback of v{last}, latest is {latest:?}, and v{before} is {wanted:?}");
        }
        seen.push(format!("image latest is v{before} again"));
    }
    if app.settings.ecosystem.is_latest(ctx, app, before)? == Some(true) {
        seen.push(format!("@latest is {before} again"));
    }
    let tag = app.tag(last);
    if !rehearsal.world.is_withdrawn(&tag)? {
        bail!("after the rollback of v{last}, its release page is not marked");
    }
    seen.push("its release page says so".to_string());
    let remote_main = format!("origin/{}", ctx.ws.settings.main);
    developer.git(log, &["fetch", "--quiet", "origin"])?;
    developer.git(log, &["switch", "--quiet", "--detach", &remote_main])?;
    let (_, plan, stderr) = developer.ask(log, &["plan", app.name()])?;
    let counts = plan["apps"][0]["last"]["version"].as_str();
    if counts != Some(before.to_string().as_str()) {
        bail!("after the rollback of v{last}, plan counts from {counts:?}, expected {before}:\n{stderr}");
    }
    seen.push(format!("plan counts from {before}"));
    let package = texts(&second, "by-hand").into_iter().map(|text| format!("for a person: {text}")).next();
    seen.push(
        package.or_else(|| package_line(&second)).context("the rollback does not mention the package")?,
    );
    Ok(seen.join("; "))
}

/// The texts of the actions with this state.
fn texts(json: &Value, state: &str) -> Vec<String> {
    let actions = json["actions"].as_array().into_iter().flatten();
    actions
        .filter(|action| action["state"] == state)
        .filter_map(|action| action["text"].as_str().map(str::to_string))
        .collect()
}

fn package_line(json: &Value) -> Option<String> {
    let mut actions = json["actions"].as_array()?.iter();
    let found = actions.find(|action| action["what"] == "package")?;
    found["text"].as_str().map(str::to_string)
}
