//! The apps' release tags, in one call.

use crate::git::Git;
use crate::workspace::App;
use anyhow::Result;
use semver::Version;

/// App and version of every tag that is exactly `<app>-v<semver>`.
pub fn read(git: &Git, apps: &[&App]) -> Result<Vec<(String, Version)>> {
    let mut args = vec!["for-each-ref".to_string(), "--format=%(refname:lstrip=2)".to_string()];
    args.extend(apps.iter().map(|app| format!("refs/tags/{}-v*", app.name())));
    let tag = |name: &str| {
        let app = apps.iter().find_map(|app| Some((app.name(), name.strip_prefix(app.name())?.strip_prefix("-v")?)))?;
        Some((app.0.to_string(), Version::parse(app.1).ok()?))
    };
    Ok(git.read(&args)?.lines().filter_map(tag).collect())
}
