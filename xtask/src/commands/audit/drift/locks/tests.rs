//! Tables of lock files: the app's own entry, and versions that others resolved.

use super::*;
use crate::commands::audit::drift::testing::app;

fn found(name: &str, text: &str, settings: &AppSettings) -> Vec<String> {
    read(name, text, settings)
        .iter()
        .map(|s| format!("{} {}", s.kind.word(), &text[s.span.clone()]))
        .collect()
}

#[test]
fn in_toml_locks_the_own_package_differs_from_a_resolved_one() {
    let python = app("python", "Demo_Agent");
    let entry = |name: &str, source: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\nsource = {{ {source} }}\n")
    };
    for (text, expected) in [
        (entry("demo-agent", "editable = \".\""), vec!["lock file 0.1.0"]),
        (entry("demo-agent", "virtual = \"../python\"").replace('\n', "\r\n"), vec!["lock file 0.1.0"]),
        (entry("demo-agent", "registry = \"https://pypi.org/simple\""), vec!["pin 0.1.0"]),
        (entry("demo-agent-tools", "editable = \".\""), vec![]),
        (
            entry("other", "registry = \"x\"")
                + "\n[[package.metadata.requires-dist]]\nname = \"demo-agent\"\n\
                   version = \"9.9.9\"\n",
            vec![],
        ),
        (
            "version = 1\n[[package]]\nname = \"demo-agent\"\nversion = \"0.1.0\"\n[package.dependencies]\n\
             version = \"9.9.9\"\n"
                .into(),
            vec!["pin 0.1.0"],
        ),
        ("[[package]]\nname = \"demo-agent\"\n".into(), vec![]),
        (String::new(), vec![]),
    ] {
        assert_eq!(found("uv.lock", &text, &python), expected, "{text}");
    }
}

#[test]
fn in_npm_locks_the_root_workspaces_and_installed_packages_are_found() {
    let ts = app("ts", "@team/demo");
    for (name, text, expected) in [
        (
            "package-lock.json",
            r#"{"name":"@team/demo","version":"0.1.0",
                "packages":{"":{"name":"@team/demo","version":"0.1.0"}}}"#,
            vec!["lock file 0.1.0"; 2],
        ),
        (
            "package-lock.json",
            "\u{feff}{\"name\":\"root\",\"packages\":{\"apps/ts\":\
             {\"name\":\"@team/demo\",\"version\":\"0.1.1\"}}}",
            vec!["lock file 0.1.1"],
        ),
        (
            "package-lock.json",
            r#"{"name":"x","packages":{"node_modules/@team/demo":{"version":"0.1.2"},
                "node_modules/@team/demo-extra":{"version":"9.0.0"}}}"#,
            vec!["pin 0.1.2"],
        ),
        (
            "package-lock.json",
            r#"{"packages":{"node_modules/a/node_modules/@team/demo":{"version":"0.1.3"}}}"#,
            vec!["pin 0.1.3"],
        ),
        ("package-lock.json", "{ broken", vec![]),
        (
            "bun.lock",
            "{\n  \"workspaces\": {\n    \"apps/ts\": {\n\
             \"name\": \"@team/demo\",\n      \"version\": \"0.1.0\",\n    },\n  },\n}",
            vec!["lock file 0.1.0"],
        ),
        (
            "bun.lock",
            "{ \"packages\": {\n \"@team/demo\": [\"@team/demo@0.1.2\", \"\", {}, \"sha512-x\"],\n\
             \"@team/demo/x\": [\"x@1.0.0\"], } }",
            vec!["pin 0.1.2"],
        ),
        (
            "bun.lock",
            "{\n \"workspaces\": {\n \"\": {\n \"name\": \"@team/demo\",\n \"dependencies\": {\n\
             \"version\": \"1.0.0\" } } } }",
            vec![],
        ),
        (
            "pnpm-lock.yaml",
            "packages:\n  '@team/demo@0.1.2':\n    resolution: {}\nsnapshots:\n  '@team/demo@0.1.2': {}\n",
            vec!["pin 0.1.2"],
        ),
        ("uv.lock", "[[package]]\nname = \"@team/demo\"\nversion = \"0.1.0\"\n", vec![]),
    ] {
        assert_eq!(found(name, text, &ts), expected, "{name}: {text}");
    }
}

#[test]
fn a_string_is_found_by_its_path_with_its_span() {
    for (text, path, expected) in [
        (r#"{"info": {"version": "1.0.0"}}"#, vec!["info", "version"], Some("1.0.0")),
        ("\u{feff}{\"version\" : \"1.0.0\"}", vec!["version"], Some("1.0.0")),
        (r#"{"info": {"version": 3}}"#, vec!["info", "version"], None),
        (r#"{"info": []}"#, vec!["info", "version"], None),
        ("[]", vec!["version"], None),
        ("", vec![], None),
    ] {
        assert_eq!(string_at(text, &path).map(|(span, _)| &text[span]), expected, "{text}");
    }
}
