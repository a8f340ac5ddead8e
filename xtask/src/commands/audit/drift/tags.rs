//! Reads the apps' release tags, in one git call.

use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::Result;
use semver::Version;

/// The app and version of every tag of the form `<app>-v<semver>`.
pub(super) fn read(git: &Git, apps: &[&App]) -> Result<Vec<(String, Version)>> {
    let mut args = vec!["for-each-ref".to_string(), "--format=%(refname:lstrip=2)".to_string()];
    args.extend(apps.iter().map(|app| format!("refs/tags/{}-v*", app.name())));
    let names: Vec<&str> = apps.iter().map(|app| app.name()).collect();
    Ok(git.read(&args)?.lines().filter_map(|tag| release(tag, &names)).collect())
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
