//! Tables of specs, charts, version files and requirements.

use super::*;
use crate::commands::audit::drift::testing::app;

fn text_of(text: &str, shown: Option<Shown>) -> Option<String> {
    shown.map(|s| text[s.span].to_string())
}

#[test]
fn a_spec_is_json_or_yaml() {
    for (text, expected) in [
        (r#"{"openapi": "3.1.0", "info": {"title": "x", "version": "0.1.0"}}"#, Some("0.1.0")),
        (
            "openapi: 3.1.0\ninfo:\n  title: x\n  contact:\n    version: 9.9.9\n  version: \"0.1.0\" # c\n\
             paths: {}\n",
            Some("0.1.0"),
        ),
        ("openapi: 3.1.0\r\ninfo:\r\n  version: '0.1.0'\r\n", Some("0.1.0")),
        ("openapi: 3.1.0\ninfo:\n  title: x\npaths:\n  version: 0.1.0\n", None),
        ("info:\n  version: 0.1.0\n", None),
        ("openapi: 3.1.0\ninfo:\n", None),
        (r#"{"info": {"version": "v1"}}"#, None),
        ("", None),
    ] {
        assert_eq!(text_of(text, spec(text)).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_version_file_holds_one_version() {
    for (text, expected) in [
        ("0.1.129\n", Some("0.1.129")),
        ("\u{feff}v0.1.129\r\n", Some("v0.1.129")),
        ("# the runtime\n\n0.1.129", Some("0.1.129")),
        ("0.1.129\n0.1.130\n", None),
        ("3.11\n", None),
        ("demo-agent==0.1.0\n", None),
        ("latest", None),
        ("", None),
    ] {
        assert_eq!(text_of(text, bare_version(text)).as_deref(), expected, "{text:?}");
    }
    for (name, expected) in [
        (".runtime-version", true),
        ("VERSION", true),
        ("version.txt", true),
        ("demo_version", true),
        (".python-version", false),
        (".bun-version", false),
        (".nvmrc", false),
        ("versions", false),
        ("conversion", false),
        ("version.py", false),
    ] {
        assert_eq!(is_version_file(name), expected, "{name}");
    }
    for (file, package, expected) in [
        (".runtime-version", "demo-workspace-runtime", true),
        (".runtime-version", "@team/agents-runtime", true),
        (".runtime-version", "runtimes", false),
        ("VERSION", "version-keeper", false),
        ("version.txt", "txt-tools", false),
    ] {
        assert_eq!(shares_a_word(file, package), expected, "{file} {package}");
    }
}

#[test]
fn the_version_of_charts_and_citations_is_a_top_level_key() {
    for (text, key, expected) in [
        ("apiVersion: v2\nversion: 9.9.9\nappVersion: \"0.1.0\"\n", "appVersion", Some("0.1.0")),
        ("dependencies:\n  - appVersion: 1.0.0\n", "appVersion", None),
        ("cff-version: 1.2.0\r\nversion: 0.1.0\r\n", "version", Some("0.1.0")),
        ("appVersion: latest\n", "appVersion", None),
    ] {
        assert_eq!(text_of(text, yaml_key(text, key, Kind::Chart)).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn requirements_are_read_except_in_comments() {
    let python = app("python", "demo-agent");
    for (text, expected) in [
        ("demo-agent==0.1.0\n# demo-agent==0.0.9\n  # demo-agent==0.0.8\n", vec!["0.1.0"]),
        ("run: pip install demo-agent==0.1.0 # pinned\n", vec!["0.1.0"]),
        ("image:\n  repository: ghcr.io/team/demo\n  tag: \"v0.1.0\"\n", vec!["v0.1.0"]),
        ("image:\n  registry: ghcr.io\n  tag: 0.1.0\n  repository: team/demo\n", vec!["0.1.0"]),
        ("images:\n- name: ghcr.io/team/demo\n  newTag: v0.1.0\n", vec!["v0.1.0"]),
        (
            "a:\n  repository: ghcr.io/team/other\n  tag: v9.9.9\n\
             b:\n  repository: ghcr.io/team/demo\n  pullPolicy: Always\n\n  tag: v0.1.0\n",
            vec!["v0.1.0"],
        ),
        (
            "- name: ghcr.io/team/demo\n  newTag: v0.1.0\n- name: ghcr.io/team/other\n  newTag: v9.9.9\n",
            vec!["v0.1.0"],
        ),
        (
            "- newTag: v9.9.9\n  name: ghcr.io/team/other\n- newTag: v0.1.0\n  name: ghcr.io/team/demo\n",
            vec!["v0.1.0"],
        ),
        ("image:\n  repository: ghcr.io/team/demo-other\n  tag: v0.1.0\n", vec![]),
        ("image:\n  repository: ghcr.io/team/demo\n  tag: latest\n", vec![]),
        ("image:\n  repository: ghcr.io/team/demo\nother:\n  tag: v9.9.9\n", vec![]),
    ] {
        let found: Vec<_> = requirements(text, &python, "#").into_iter().map(|s| &text[s.span]).collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn only_the_compat_json_of_this_package_counts() {
    let python = app("python", "demo-agent");
    for (text, expected) in [
        (r#"{"package": "demo-agent", "version": "0.1.0rc1"}"#, Some("0.1.0rc1")),
        (r#"{"package": "other", "version": "0.1.0"}"#, None),
        (r#"{"version": "0.1.0"}"#, None),
    ] {
        assert_eq!(text_of(text, compat(text, &python)).as_deref(), expected, "{text}");
    }
}
