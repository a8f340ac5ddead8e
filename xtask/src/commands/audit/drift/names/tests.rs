//! Tables of texts that name an app's package, and of some that only look similar.

use super::*;

fn app(ecosystem: &str, package: &str) -> AppSettings {
    let text = format!(
        "name = \"x\"\necosystem = \"{ecosystem}\"\npackage = \"{package}\"\n\
         [image]\nname = \"ghcr.io/team/demo-agent\"\nbase = \"b\"\nplatforms = []\n"
    );
    toml_edit::de::from_str(&text).expect("settings")
}

/// The requested version of each mention, as it is written in the text.
fn found(text: &str, app: &AppSettings) -> Vec<String> {
    let kind = |m: &Mention| match m.wanted {
        Wanted::Exact(_) => "",
        Wanted::Range(_) => "range ",
    };
    mentions(text, app).iter().map(|m| format!("{}{}", kind(m), &text[m.span.clone()])).collect()
}

#[test]
fn a_python_package_is_found_in_every_spelling_and_no_other_package_is() {
    let app = app("python", "Demo_Agent");
    for (text, expected) in [
        ("demo-agent==0.1.17", vec!["0.1.17"]),
        ("pip install Demo.Agent[all] == 0.1.17 # comment", vec!["0.1.17"]),
        ("DEMO__agent==0.1.17\r\ndemo-agent==0.1.18\r\n", vec!["0.1.17", "0.1.18"]),
        ("demo-agent>=0.1,<0.2", vec!["range >=0.1,<0.2"]),
        ("  \"demo-agent (>=0.1, <0.2)\",", vec!["range >=0.1, <0.2"]),
        ("demo-agent~=0.1.0; python_version < '3.12'", vec!["range ~=0.1.0"]),
        ("demo-agent==0.1.2 --hash=sha256:abc", vec!["0.1.2"]),
        ("demo-agent==0.1.2 published", vec!["0.1.2"]),
        ("demo-agent==0.1.2\\", vec!["0.1.2"]),
        ("demo-agent==0.1.*", vec!["range ==0.1.*"]),
        ("uvx demo-agent@0.1.2", vec!["0.1.2"]),
        ("npx demo-agent@9.9.9", vec![]),
        ("\"demo-agent\": \"9.9.9\"", vec![]),
        ("'demo-agent'='0.1.2'", vec!["0.1.2"]),
        ("demo-agent = \"^0.1\"", vec!["range ^0.1"]),
        ("demo-agent = { version = \"0.1.2\", extras = [] }", vec!["0.1.2"]),
        ("demo-agent = { git = \"https://example.org/x\" }", vec![]),
        ("COPY dist/demo_agent-0.1.2-py3-none-any.whl /", vec!["0.1.2"]),
        ("demo_agent-0.1.2.tar.gz demo_agent-0.1.2rc1.tar.gz", vec!["0.1.2", "0.1.2rc1"]),
        ("demo-agent @ https://example.org/demo-agent.zip", vec![]),
        ("demo-agent-tools==1.0.0", vec![]),
        ("demo-agents==1.0.0", vec![]),
        ("my-demo-agent==1.0.0", vec![]),
        ("demo-agent-0==1.0.0", vec![]),
        ("https://pypi.org/project/demo-agent/0.1.2", vec![]),
        ("@team/demo-agent@1.0.0", vec![]),
        ("demo-agent", vec![]),
        ("demo-agent == {version}", vec![]),
        ("demo-agent>", vec![]),
        ("demo-agent[", vec![]),
        ("demo", vec![]),
        ("", vec![]),
        ("démo-agent==1.0.0 ägent demo-agent==0.1.2", vec!["0.1.2"]),
    ] {
        assert_eq!(found(text, &app), expected, "{text:?}");
    }
}

#[test]
fn an_npm_package_is_found_only_by_its_exact_name() {
    let scoped = app("ts", "@team/demo");
    for (text, expected) in [
        ("npm install @team/demo@0.1.2", vec!["0.1.2"]),
        ("\"@team/demo\": \"^0.1.2\",", vec!["range ^0.1.2"]),
        ("'@team/demo':'0.1.2'", vec!["0.1.2"]),
        ("\"@team/demo\": \"workspace:*\"", vec![]),
        ("\"@team/demo\": [\"@team/demo@0.1.2\", \"\", {}]", vec!["0.1.2"]),
        ("https://esm.sh/@team/demo@0.1.2/x.js", vec!["0.1.2"]),
        ("https://esm.sh/@team/demo@0.1.2", vec!["0.1.2"]),
        ("@team/demo-extra@9.0.0 @team/demos@9.0.0 @other/demo@9.0.0 x@team/demo@9.0.0", vec![]),
        ("@team/demo@latest", vec![]),
        ("@team/demo = \"9.9.9\"", vec![]),
        ("Use @team/demo@0.1.2.", vec!["0.1.2"]),
    ] {
        assert_eq!(found(text, &scoped), expected, "{text:?}");
    }
    let bare = app("ts", "demo");
    for (text, expected) in [
        ("npx demo@0.1.2", vec!["0.1.2"]),
        ("@team/demo@0.1.2 ghcr.io/x/demo@0.1.2 demo.js@0.1.2 demo-x@0.1.2", vec![]),
        ("me@demo \"demo\": \"1.2.3\"", vec!["1.2.3"]),
    ] {
        assert_eq!(found(text, &bare), expected, "{text:?}");
    }
}

#[test]
fn an_image_is_found_with_its_host_and_a_fixed_tag() {
    let app = app("ts", "@team/demo");
    for (text, expected) in [
        ("FROM ghcr.io/team/demo-agent:v0.1.2", vec!["v0.1.2"]),
        ("image: \"ghcr.io/team/demo-agent:0.1.2@sha256:00\"", vec!["0.1.2"]),
        ("docker://ghcr.io/team/demo-agent:v0.1.2-rc.1 AS x", vec!["v0.1.2-rc.1"]),
        (
            "ghcr.io/team/demo-agent:latest ghcr.io/team/demo-agent:0.1 ghcr.io/team/demo-agent:sha-1234567",
            vec![],
        ),
        ("ghcr.io/team/demo-agent-python:v0.1.2", vec![]),
        ("other.ghcr.io/team/demo-agent:v0.1.2", vec![]),
        ("ghcr.io/team/demo-agent:${TAG:-v0.1.2}", vec![]),
    ] {
        assert_eq!(found(text, &app), expected, "{text:?}");
    }
}

#[test]
fn a_name_without_a_version_is_found_too() {
    let app = app("python", "demo-agent");
    for (text, expected) in [
        ("package = \"demo_agent\"", true),
        ("We use demo-agent.", true),
        ("FROM ghcr.io/team/demo-agent", true),
        ("see https://pypi.org/project/demo-agent/", true),
        ("\"@team/demo-agent\"", false),
        ("demo-agent-tools", false),
        ("demo agent", false),
        ("", false),
    ] {
        assert_eq!(names(text, &app), expected, "{text:?}");
    }
}
