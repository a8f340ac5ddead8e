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

/// Every tag of the form `<app>-v<semver>` and `withdrawn/<app>-v<semver>`.
pub(super) fn read(git: &Git, apps: &[&App]) -> Result<Tags> {
    let mut args = vec!["for-each-ref".to_string(), "--format=%(refname:lstrip=2)".to_string()];
    for app in apps {
        args.extend(["", "withdrawn/"].map(|mark| format!("refs/tags/{mark}{}-v*", app.name())));
    }
    let names: Vec<&str> = apps.iter().map(|app| app.name()).collect();
    let mut tags = Tags::default();
    for tag in git.read(&args)?.lines() {
        match tag.strip_prefix("withdrawn/") {
            Some(marked) => tags.withdrawn.extend(release(marked, &names)),
            None => tags.released.extend(release(tag, &names)),
        }
    }
    Ok(tags)
}

/// One app's name may be a prefix of another's: `a` and `a-v2`.
fn release(tag: &str, apps: &[&str]) -> Option<(String, Version)> {
    let version = |app: &str| Version::parse(tag.strip_prefix(app)?.strip_prefix("-v")?).ok();
    apps.iter().find_map(|app| Some((app.to_string(), version(app)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_belongs_to_its_own_app_even_if_another_apps_name_is_a_prefix() {
        for (tag, expected) in [
            ("a-v0.1.0", Some("a 0.1.0")),
            ("a-v2-v0.1.0", Some("a-v2 0.1.0")),
            ("a-v1.0.0-rc.1", Some("a 1.0.0-rc.1")),
            ("ab-v0.1.0", None),
            ("a-v2", None),
            ("a-v0.1", None),
            ("", None),
        ] {
            let found = release(tag, &["a", "a-v2"]).map(|(app, version)| format!("{app} {version}"));
            assert_eq!(found.as_deref(), expected, "{tag}");
        }
    }
}
