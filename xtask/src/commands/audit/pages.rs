//! Releases without a public release page on the forge. Asked only with a token: drafts are hidden without.

use crate::finding::{Finding, Level};
use crate::forge::Forge;
use crate::model::ctx::Ctx;
use crate::model::tags;
use crate::model::workspace::App;
use anyhow::Result;

/// How many tags a finding names.
const SHOWN: usize = 5;

pub(super) fn missing(ctx: &Ctx, forge: &Forge, apps: &[&App]) -> Result<Vec<Finding>> {
    let pages = forge.pages()?;
    let mut findings = Vec::new();
    for app in apps {
        let tagged = tags::on_remote(ctx, app)?;
        let public = |tag: &str| pages.iter().any(|page| page.tag_name == tag && !page.draft);
        let released = tagged.versions.iter().filter(|version| !tagged.withdrawn.contains(version));
        let missing: Vec<String> = released.map(|v| app.tag(v)).filter(|tag| !public(tag)).collect();
        let Some(newest) = missing.first() else { continue };
        let more = missing.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} older ones") } else { String::new() };
        let shown = missing[..missing.len().min(SHOWN)].join(", ");
        let message = format!("no public release page for {shown}{more}");
        let help = format!("git switch --detach {newest} && cargo xtask release {}", app.name());
        findings.push(Finding::new("tag-without-page", Level::Warning, message).app(app.name()).help(help));
    }
    Ok(findings)
}
