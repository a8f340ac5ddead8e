//! Asks the package index which versions it has. A version cannot be used again, even after it was withdrawn.
//! A withdrawn release is not compared with, because users cannot install it.

use super::decide::{Demands, Evidence, Line};
use crate::ecosystem::IndexVersion;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use semver::Version;

#[derive(Default)]
pub(crate) struct Published {
    pub versions: Vec<Version>,
    pub evidence: Vec<Evidence>,
    /// Yanked (PEP 592), deprecated or unpublished (npm).
    pub withdrawn: Vec<Version>,
    /// Why the index's answer is unknown.
    pub unread: Option<String>,
}

/// Asks the index that the app is published to. On a hotfix branch, only versions of its `MAJOR.MINOR` count
/// as evidence.
pub(super) fn ask(ctx: &Ctx, app: &App) -> Published {
    let branch = ctx.git.branch().ok().flatten();
    let line = branch.and_then(|branch| Line::of_branch(&branch, app.name()));
    match app.settings.ecosystem.published_versions(ctx, app) {
        Ok(found) => {
            let found = found.unwrap_or_default();
            let withdrawn = found.iter().filter(|out| out.withdrawn).map(|out| out.version.clone()).collect();
            let versions: Vec<Version> =
                found.into_iter().map(|IndexVersion { version, .. }| version).collect();
            let highest = versions.iter().filter(|v| line.is_none_or(|l| l.contains(v))).max().cloned();
            let why = format!("the highest on {}", app.settings.ecosystem.index_url(ctx));
            let evidence = highest.map(|v| Evidence { source: "index", demands: Demands::Above(v), why });
            Published { versions, evidence: evidence.into_iter().collect(), withdrawn, unread: None }
        }
        Err(error) => Published { unread: Some(format!("{error:#}")), ..Published::default() },
    }
}
