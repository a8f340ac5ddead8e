//! The app's lock file, and the version (SemVer) in `package.json` and `package-lock.json`. Only the span of
//! the version is replaced, so every other byte stays the same.

use crate::model::version;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::ops::Range;

/// The lock file of an app that is installed with npm.
pub(crate) const NPM_LOCK: &str = "package-lock.json";

/// The lock file of the app in `dir`: `bun.lock`, unless only npm's lock file exists.
pub(crate) fn lock_file(dir: &Utf8Path) -> &'static str {
    if by_npm(dir) { NPM_LOCK } else { "bun.lock" }
}

/// Does npm install the app's dependencies and run its scripts?
pub(crate) fn by_npm(dir: &Utf8Path) -> bool {
    !dir.join("bun.lock").exists() && dir.join(NPM_LOCK).exists()
}

pub(crate) fn read(manifest: &str) -> Result<Version> {
    let (_, found) = located(manifest)?;
    version::parse(&found).context("\"version\"")
}

pub(crate) fn set(manifest: &str, version: &Version) -> Result<String> {
    let (range, _) = located(manifest)?;
    Ok(format!("{}\"{version}\"{}", &manifest[..range.start], &manifest[range.end..]))
}

/// The text of a `package-lock.json` with this version in every place that repeats the version of the package
/// in the folder `member`: `packages["apps/ts"].version`, and for the lock file's own folder, `.`, `version`
/// and `packages[""].version`. If they are missing, they are not added: npm does not write them for a package
/// without a version. None if the package is not in the lock file.
pub(crate) fn set_locked(lock: &str, member: &str, version: &Version) -> Result<Option<String>> {
    let own = member == ".";
    if !own && place(lock, &["packages", member])?.is_none() {
        return Ok(None);
    }
    let mut text = lock.to_string();
    for path in [&["version"][..], &["packages", if own { "" } else { member }, "version"]] {
        let range = place(&text, path)?.filter(|_| own || path.len() > 1);
        if let Some(range) = range {
            text.replace_range(range, &format!("\"{version}\""));
        }
    }
    Ok(Some(text))
}

/// The text of a `bun.lock` with this version in `workspaces["apps/ts"].version`. bun writes the version of
/// members, but not of the package in the lock file's own folder. None if the package is not in the lock
/// file. bun.lock is JSON with trailing commas, always in bun's own layout, so it is read line by line.
pub(crate) fn set_locked_by_bun(lock: &str, member: &str, version: &Version) -> Option<String> {
    if member == "." {
        return Some(lock.to_string());
    }
    let start = lock.find(&format!("\n    {member:?}: {{\n"))? + 1;
    let end = start + lock[start..].find("\n    }")?;
    let key = "\n      \"version\": \"";
    let Some(at) = lock[start..end].find(key) else { return Some(lock.to_string()) };
    let at = start + at + key.len();
    let length = lock[at..end].find('"')?;
    Some(format!("{}{version}{}", &lock[..at], &lock[at + length..]))
}

/// The span of the value at a path of keys in a package-lock.json. None if there is no such key.
fn place(lock: &str, path: &[&str]) -> Result<Option<Range<usize>>> {
    let mut value = lock.trim_start_matches('\u{feff}');
    for key in path {
        let object: HashMap<String, &RawValue> =
            serde_json::from_str(value).context("package-lock.json does not have npm's format")?;
        let Some(raw) = object.get(*key) else { return Ok(None) };
        value = raw.get();
    }
    let start = value.as_ptr() as usize - lock.as_ptr() as usize;
    Ok(Some(start..start + value.len()))
}

/// The span of the top-level version, including its quotes, and its value. Why an npm registry would refuse
/// the package: it is private, has another name, or asks for a provenance that nobody here can attest
/// (docs.npmjs.com, "Generating provenance statements").
pub(crate) fn refused(manifest: &str, package: &str, provenance: bool) -> Result<Vec<String>> {
    let manifest: serde_json::Value =
        serde_json::from_str(manifest.trim_start_matches('\u{feff}')).context("package.json is not JSON")?;
    let mut reasons = Vec::new();
    if manifest["private"] == true {
        reasons.push("package.json has \"private\": true, so npm does not publish it".to_string());
    }
    if let Some(name) = manifest["name"].as_str().filter(|name| *name != package) {
        reasons.push(format!("package.json has the name {name:?}, but app.toml has package = {package:?}"));
    }
    if !is_package_name(package) {
        reasons.push(format!("{package:?} is not a package name: npm takes lower-case, URL-safe names only"));
    }
    if let Some(version) = manifest["version"].as_str().filter(|version| version.contains('+')) {
        reasons
            .push(format!("npm removes the build metadata of {version:?}, so it would publish another one"));
    }
    if manifest["publishConfig"]["provenance"] == true && !provenance {
        reasons.push(
            "package.json has \"publishConfig\": {\"provenance\": true}, which only a job on GitHub \
             with an identity token can attest"
                .to_string(),
        );
    }
    Ok(reasons)
}

/// May a new package have this name (npmjs.com/package/validate-npm-package-name)?
fn is_package_name(name: &str) -> bool {
    let safe = |part: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
        !part.is_empty() && part.chars().all(plain) && !part.starts_with(['.', '_'])
    };
    let good = match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(scope, name)| safe(scope) && safe(name)),
        None => safe(name) && name != "node_modules" && name != "favicon.ico",
    };
    good && name.len() <= 214
}

fn located(manifest: &str) -> Result<(Range<usize>, String)> {
    // The last value of a duplicate key wins, in npm and in this map.
    let object: HashMap<String, &RawValue> = serde_json::from_str(manifest.trim_start_matches('\u{feff}'))
        .context("package.json is not a JSON object")?;
    let Some(raw) = object.get("version") else { bail!("package.json has no \"version\"") };
    let found = serde_json::from_str::<String>(raw.get()).context("\"version\" is not a string")?;
    // The value borrows from the text, so its address gives its position.
    let start = raw.get().as_ptr() as usize - manifest.as_ptr() as usize;
    Ok((start..start + raw.get().len(), found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing;
    use proptest::prelude::*;

    #[test]
    fn only_the_version_changes() {
        let version: Version = "1.2.3-rc.1".parse().expect("a version");
        for (old, new) in [
            ("{\"version\":\"0.0.0\"}", "{\"version\":\"1.2.3-rc.1\"}"),
            (
                "\u{feff}{\r\n\t\"name\": \"ž\",\r\n\t\"version\"  : \"0.0.0\" }",
                "\u{feff}{\r\n\t\"name\": \"ž\",\r\n\t\"version\"  : \"1.2.3-rc.1\" }",
            ),
            (
                "{\"a\": {\"version\": \"9.9.9\"}, \"version\": \"0.1.0\", \"b\": [\"version\"]}\n",
                "{\"a\": {\"version\": \"9.9.9\"}, \"version\": \"1.2.3-rc.1\", \"b\": [\"version\"]}\n",
            ),
            ("{\"ver\\u0073ion\": \"0.1.0\"}", "{\"ver\\u0073ion\": \"1.2.3-rc.1\"}"),
            (
                "{\"version\": \"0.0.1\", \"version\": \"0.0.2\"}",
                "{\"version\": \"0.0.1\", \"version\": \"1.2.3-rc.1\"}",
            ),
        ] {
            assert_eq!(set(old, &version).expect(old), new);
            assert_eq!(read(new).expect(new), version);
            assert_eq!(set(new, &version).expect(new), new);
        }
    }

    #[test]
    fn the_version_is_set_in_both_places_of_a_lock_file() {
        let version: Version = "1.2.3".parse().expect("a version");
        for (old, new) in [
            (
                "{\"version\": \"0.0.1\",\r\n \"packages\": {\"\": {\"version\": \"0.0.1\"}, \
                  \"node_modules/a\": {\"version\": \"0.0.1\"}}}\n",
                "{\"version\": \"1.2.3\",\r\n \"packages\": {\"\": {\"version\": \"1.2.3\"}, \
                  \"node_modules/a\": {\"version\": \"0.0.1\"}}}\n",
            ),
            (
                "{\"packages\":{\"\":{\"version\":\"0.0.10\"}},\"version\":\"0\"}",
                "{\"packages\":{\"\":{\"version\":\"1.2.3\"}},\"version\":\"1.2.3\"}",
            ),
            ("{\"lockfileVersion\": 3, \"packages\": {}}", "{\"lockfileVersion\": 3, \"packages\": {}}"),
            ("{\"version\": \"0.0.1\"}", "{\"version\": \"1.2.3\"}"),
        ] {
            assert_eq!(set_locked(old, ".", &version).expect(old).expect(old), new);
        }
        for text in ["", "[]", "{\"packages\": []}", "{\"packages\": {\"\": 1}}"] {
            assert!(set_locked(text, ".", &version).is_err(), "{text}");
        }
    }

    #[test]
    fn the_version_is_set_in_the_lock_file_of_a_workspace() {
        let version: Version = "1.2.3".parse().expect("a version");
        let npm = "{\"version\": \"9\", \"packages\": {\"\": {\"version\": \"9\"}, \
                   \"apps/ts\": {\"version\": \"0.0.1\"}, \"node_modules/x\": {\"link\": true}}}";
        assert_eq!(
            set_locked(npm, "apps/ts", &version).expect(npm).expect(npm),
            npm.replace("0.0.1", "1.2.3")
        );
        assert!(set_locked(npm, "apps/other", &version).expect(npm).is_none());
        let bun = [
            "{",
            "  \"workspaces\": {",
            "    \"\": {",
            "      \"name\": \"root\",",
            "    },",
            "    \"apps/ts\": {",
            "      \"name\": \"a\",",
            "      \"version\": \"0.0.1\",",
            "    },",
            "    \"apps/other\": {",
            "      \"name\": \"b\",",
            "    },",
            "  },",
            "}\n",
        ];
        let bun = bun.join("\n");
        let bun = bun.as_str();
        assert_eq!(set_locked_by_bun(bun, "apps/ts", &version).expect(bun), bun.replace("0.0.1", "1.2.3"));
        assert_eq!(set_locked_by_bun(bun, "apps/other", &version).expect(bun), bun);
        assert_eq!(set_locked_by_bun(bun, ".", &version).expect(bun), bun);
        assert!(set_locked_by_bun(bun, "apps/t", &version).is_none());
    }

    #[test]
    fn a_manifest_without_a_usable_version_is_an_error() {
        for (text, says) in [
            ("", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("{", "not a JSON object"),
            ("{}", "no \"version\""),
            ("{\"version\": 1}", "not a string"),
            ("{\"version\": null}", "not a string"),
            ("{\"version\": \"1.0\"}", "not SemVer"),
            ("{\"version\": \"v1.0.0\"}", "not SemVer"),
            ("{\"version\": \"0.0.0-development\"}", "use -alpha.N, -beta.N or -rc.N"),
            ("{\"version\": \"1.0.0-next.3\"}", "use -alpha.N, -beta.N or -rc.N"),
            ("{\"version\": \"1.0.0+build.5\"}", "build metadata"),
        ] {
            let error = format!("{:#}", read(text).expect_err(text));
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_npm_refuses_is_known_before_the_upload() {
        for (manifest, provenance, expected) in [
            (r#"{"name": "@s/x"}"#, false, vec![]),
            (r#"{"name": "@s/x", "private": false, "publishConfig": {"access": "public"}}"#, false, vec![]),
            (r#"{"name": "@s/x", "private": true}"#, true, vec!["private"]),
            (r#"{"name": "x"}"#, true, vec!["name \"x\""]),
            (r#"{"name": "@s/x", "version": "1.0.0+ci.5"}"#, true, vec!["build metadata"]),
            (r#"{"name": "@s/x", "publishConfig": {"provenance": true}}"#, true, vec![]),
            (r#"{"name": "@s/x", "publishConfig": {"provenance": true}}"#, false, vec!["provenance"]),
        ] {
            let reasons = refused(manifest, "@s/x", provenance).unwrap();
            assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
            assert!(
                reasons.iter().zip(expected).all(|(reason, words)| reason.contains(words)),
                "{reasons:?}"
            );
        }
    }

    #[test]
    fn only_names_that_npm_takes_for_new_packages_are_allowed() {
        let long = "a".repeat(215);
        for (name, expected) in [
            ("a", true),
            ("@scope/some-name_1.x", true),
            ("Upper", false),
            ("@scope", false),
            ("@scope/", false),
            ("@/a", false),
            ("@scope/a/b", false),
            (".hidden", false),
            ("_private", false),
            ("@scope/_a", false),
            ("with space", false),
            ("ž", false),
            ("a~b", false),
            ("node_modules", false),
            ("", false),
            (&long, false),
        ] {
            assert_eq!(is_package_name(name), expected, "{name}");
        }
    }

    const MANIFEST: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"version\"",
        "\"0.0.1\"",
        "\"name\"",
        "\"\"",
        "\"packages\"",
        "1",
        "null",
        "\n",
        " ",
        "\u{feff}",
        "\"é\"",
        "\"\\u0076ersion\"",
    ];

    proptest! {
        #![proptest_config(testing::config())]

        #[test]
        fn property_a_version_that_is_set_is_read(
            text in testing::text(MANIFEST),
            rest in testing::text(MANIFEST),
        ) {
            let version: Version = "1.2.3-rc.1".parse().expect("a version");
            let built = serde_json::json!({ "a": [&text], "version": "0.0.1", &rest: &text }).to_string();
            prop_assert!(set(&built, &version).is_ok() || rest == "version");
            for text in [text, built] {
                if let Ok(new) = set(&text, &version) {
                    prop_assert_eq!(read(&new).expect("a version"), version.clone());
                    prop_assert_eq!(set(&new, &version).expect("again"), new);
                }
                if let Ok(Some(new)) = set_locked(&text, ".", &version) {
                    prop_assert_eq!(set_locked(&new, ".", &version).expect("again"), Some(new));
                }
            }
        }
    }
}
