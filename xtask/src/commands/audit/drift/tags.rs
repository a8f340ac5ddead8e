//! Reads the apps' release tags and the marks of withdrawn releases, in one git call.

use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::Result;
use semver::Version;

/// Versions, each with its app.
#[derive(Default)]
pub(super) struct Tags {
    pub released: Vec<(String, Version)>,
    pub withdrawn: Vec<(String, Version)>,
}

impl Tags {
    pub(super) fn released(&self, app: &str) -> Vec<Version> {
        of(&self.released, app)
    }
    pub(super) fn withdrawn(&self, app: &str) -> Vec<Version> {
        of(&self.withdrawn, app)
    }
}

fn of(versions: &[(String, Version)], app: &str) -> Vec<Version> {
    versions.iter().filter(|(name, _)| name == app).map(|(_, version)| version.clone()).collect()
}

/// Every tag of the form `<app>-v<semver>`, or the app's own form, and its mark `withdrawn/<tag>`.
pub(super) fn read(git: &Git, apps: &[&App]) -> Result<Tags> {
    let mut args = vec!["for-each-ref".to_string(), "--format=%(refname:lstrip=2)".to_string()];
    for app in apps {
        args.extend(["", "withdrawn/"].map(|mark| format!("refs/tags/{mark}{}*", app.tag_start())));
    }
    let mut tags = Tags::default();
    for tag in git.read(&args)?.lines() {
        match tag.strip_prefix("withdrawn/") {
            Some(marked) => tags.withdrawn.extend(release(marked, apps)),
            None => tags.released.extend(release(tag, apps)),
        }
    }
    Ok(tags)
}

fn release(tag: &str, apps: &[&App]) -> Option<(String, Version)> {
    apps.iter().find_map(|app| Some((app.name().to_string(), app.version_in_tag(tag)?)))
}
