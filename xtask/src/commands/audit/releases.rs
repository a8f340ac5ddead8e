//! What the forge and the index say about releases: protected tags, the token's end, drafts that were left,
//! tags without packages and packages without tags. Asked only with a token.

use crate::commands::plan;
use crate::finding::{Finding, Level};
use crate::forge::{Forge, matches};
use crate::model::ctx::Ctx;
use crate::model::tags;
use crate::model::workspace::{App, ForgeKind};
use crate::sys::date;
use anyhow::Result;
use semver::Version;

/// How many versions a finding names.
const SHOWN: usize = 5;
/// A token that ends in fewer days is reported.
const SOON: i64 = 14;

pub(super) fn findings(ctx: &Ctx, forge: &Forge, apps: &[&App]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    found.extend(forge.token_ends()?.and_then(|end| token_ends(&end, &date::today().ok()?)));
    let rules = forge.tag_rules()?;
    for app in apps {
        let tag = app.tag(&Version::new(1, 0, 0));
        for rule in rules.iter().filter(|rule| matches(&rule.pattern, &tag)) {
            found.push(tag_protected(forge.kind(), app, &rule.pattern, &rule.allowed));
        }
        found.extend(packages(ctx, app)?);
        found.extend(behind(ctx, app)?);
    }
    Ok(found)
}

/// Gitea cannot let a job's automatic token create a protected tag.
fn tag_protected(kind: ForgeKind, app: &App, pattern: &str, allowed: &[String]) -> Finding {
    let who = if allowed.is_empty() { "nobody".to_string() } else { format!("only {}", allowed.join(", ")) };
    let message = format!(
        "the rule {pattern:?} lets {who} create tags such as {}: the release job may be refused",
        app.tag(&Version::new(1, 0, 0))
    );
    let help = match kind {
        ForgeKind::Gitea => {
            "remove the rule (Settings, Tags): Gitea cannot exempt the automatic token; or push the tag with \
             a token of an allowed user"
        }
        ForgeKind::Github => "let GitHub Actions bypass the rule (Settings, Rules, Rulesets)",
    };
    Finding::new("tag-protected", Level::Warning, message).app(app.name()).help(help)
}

fn token_ends(end: &str, today: &str) -> Option<Finding> {
    let left = day(end)? - day(today)?;
    let help = "create a new one with the same permissions, and replace it everywhere";
    let message = match left {
        ..=0 => format!("the token that audit uses ended on {end}"),
        1 => format!("the token that audit uses ends on {end}, in 1 day"),
        _ => format!("the token that audit uses ends on {end}, in {left} days"),
    };
    (left < SOON).then(|| Finding::new("token-ends", Level::Warning, message).help(help))
}

/// Days since 1970 of `2026-11-21`.
fn day(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(&format!("{}T00:00:00Z", text.get(..10)?)).ok()?;
    let seconds = time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(seconds / 86_400).ok()
}

/// Releases that only the remote, or only the index, has.
fn packages(ctx: &Ctx, app: &App) -> Result<Vec<Finding>> {
    let tagged = tags::on_remote(ctx, app)?;
    let published = match app.settings.ecosystem.published_versions(ctx, app) {
        Ok(published) => published.unwrap_or_default(),
        Err(error) => {
            let message = format!("the index was not asked: {error:#}");
            return Ok(vec![Finding::new("index-unreachable", Level::Warning, message).app(app.name())]);
        }
    };
    let package = &app.settings.package;
    let mut found = Vec::new();
    let unmarked: Vec<&Version> = published
        .iter()
        .filter(|one| one.withdrawn && !tagged.withdrawn.contains(&one.version))
        .map(|one| &one.version)
        .filter(|version| tagged.versions.contains(version))
        .collect();
    if let Some(newest) = unmarked.iter().max() {
        let shown = shown(unmarked.iter().rev().map(|version| app.tag(version)).collect());
        let message =
            format!("{shown}: withdrawn on the index, but images and release pages may still offer it");
        let help = format!("cargo xtask rollback {} {newest}", app.name());
        found.push(Finding::new("withdrawn-unmarked", Level::Warning, message).help(help));
    }
    let published: Vec<&Version> = published.iter().map(|one| &one.version).collect();
    let missing: Vec<&Version> = tagged
        .versions
        .iter()
        .filter(|version| !published.contains(version) && !tagged.withdrawn.contains(version))
        .collect();
    if let Some(newest) = missing.first() {
        let shown = shown(missing.iter().map(|version| app.tag(version)).collect());
        let message = format!("{shown}: tagged, but {package} has no such version on the index");
        let help = format!("git switch --detach {} && cargo xtask release {}", app.tag(newest), app.name());
        found.push(Finding::new("tag-without-package", Level::Warning, message).help(help));
    }
    let untagged: Vec<&&Version> =
        published.iter().filter(|version| !tagged.versions.contains(version)).collect();
    if let Some(newest) = untagged.iter().max() {
        let shown = shown(untagged.iter().rev().map(|version| version.to_string()).collect());
        let message = format!("{package} {shown}: on the index, but no tag says from which commit");
        let help = format!("git tag {} COMMIT && git push {} {0}", app.tag(newest), ctx.endpoints.remote);
        found.push(Finding::new("package-without-tag", Level::Warning, message).help(help));
    }
    Ok(found.into_iter().map(|finding| finding.app(app.name())).collect())
}

fn shown(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// Commits that users do not have yet. No mistake, but the first thing to look at when a fix does not arrive.
fn behind(ctx: &Ctx, app: &App) -> Result<Option<Finding>> {
    // What stops a plan is reported by `plan` and `check`.
    let Ok(plan) = plan::plan(ctx, app) else { return Ok(None) };
    let (Some(last), Some(next)) = (&plan.last, &plan.next) else { return Ok(None) };
    let waiting = plan.commits.iter().filter(|commit| commit.counts).count();
    if waiting == 0 {
        return Ok(None);
    }
    let day = ctx.git.read(&["show", "--no-patch", "--format=%as", &format!("{}^{{commit}}", last.tag)]);
    let since = day.map(|day| format!(" of {day}")).unwrap_or_default();
    let commits = if waiting == 1 { "1 commit".to_string() } else { format!("{waiting} commits") };
    let message = format!("HEAD has {commits} for users since {}{since}", last.tag);
    let help = if plan.pending { "cargo xtask release" } else { "cargo xtask bump" };
    let finding = Finding::new("release-behind", Level::Info, message);
    Ok(Some(finding.app(app.name()).help(format!("{help} {}, which makes {next}", app.name()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_reported_two_weeks_before_its_end() {
        for (end, today, reported) in [
            ("2026-12-11 10:00:00 UTC", "2026-11-28", true),
            ("2026-12-12", "2026-11-28", false),
            ("2026-11-01", "2026-11-28", true),
            ("soon", "2026-11-28", false),
        ] {
            assert_eq!(token_ends(end, today).is_some(), reported, "{end}");
        }
    }
}
