//! Templates against documents: each finding has a case, and a template that fits has no finding.

use super::*;
use crate::model::language::Ecosystem;
use serde_json::json;

fn document() -> Document {
    let entry = |version: &str, status: &str, removal: Option<&str>| {
        json!({ "apiVersion": version,
        "status": status, "removal": removal })
    };
    let text = json!({
        "$schema": document::SCHEMA_URL,
        "schema": 1,
        "package": "demo-agent",
        "version": "1.2.0",
        "contract": { "version": "1", "spec": format!("sha256:{}", "a".repeat(64)) },
        "plugins": [
            entry("1", "removed", Some("1.0.0")),
            entry("2", "deprecated", Some("2.0.0")),
            entry("3", "supported", None),
        ],
        "channels": [
            { "protocol": "http", "version": "1", "status": "removed", "removal": "1.1.0" },
            { "protocol": "http", "version": "2", "status": "supported", "removal": null },
            { "protocol": "ws", "version": "1", "status": "deprecated", "removal": "3.0.0" },
        ],
    });
    document::read(text.to_string().as_bytes()).expect("a good document")
}

/// A template that depends on the demo package, with these lines and this pin.
fn asked(lines: &str, pin: &str) -> Asked {
    let text = format!("package = \"demo-agent\"\necosystem = \"python\"\n{lines}\n");
    let template = template::read(&text, "t/template.toml".into()).expect("a good template");
    let package = Package { name: "demo-agent".into(), ecosystem: Ecosystem::Python };
    let pin = template::read_pin(pin, Ecosystem::Python, "t/.runtime-version".into()).expect("a good pin");
    Asked {
        template,
        package,
        pin,
        release: None,
        template_file: "t/template.toml".into(),
        pin_file: "t/.runtime-version".into(),
    }
}

#[test]
fn a_templates_needs_are_compared_with_the_declared_support() {
    let (plugin, channel) = (
        |v: &str| format!("plugins = [{{ name = \"shout\", api-version = \"{v}\" }}]"),
        |p: &str, v: &str| format!("channels = [{{ protocol = \"{p}\", version = \"{v}\" }}]"),
    );
    let spec = |c: &str| format!("spec = \"sha256:{}\"", c.repeat(64));
    for (lines, expected) in [
        (String::new(), ""),
        (plugin("3"), ""),
        (plugin("2"), "warning plugin-deprecated but 2.0.0 removes"),
        (plugin("1"), "error plugin-removed was removed in 1.0.0"),
        (plugin("4"), "error plugin-unsupported demo-agent==1.2.0 does not support"),
        (plugin("03"), "error plugin-unsupported apiVersion 03"),
        (channel("http", "2"), ""),
        (channel("ws", "1"), "warning channel-deprecated but 3.0.0 removes"),
        (channel("http", "1"), "error channel-removed was removed in 1.1.0"),
        (channel("http", "3"), "error channel-unsupported http 3"),
        (channel("HTTP", "2"), "error channel-unsupported HTTP 2"),
        (spec("a"), ""),
        (spec("b"), "error spec-differs built against the spec sha256:bbb"),
    ] {
        let findings = judge(&asked(&lines, "1.2.0"), &document());
        let said: Vec<String> = findings
            .iter()
            .map(|f| format!("{:?} {}", f.level, f.id).to_lowercase() + " " + &f.message)
            .collect();
        match expected {
            "" => assert_eq!(said, [""; 0], "{lines}"),
            expected => {
                let mut parts = expected.splitn(3, ' ');
                let (level, id, rest) = (
                    parts.next().expect("a level"),
                    parts.next().expect("an id"),
                    parts.next().expect("words"),
                );
                assert_eq!(said.len(), 1, "{lines}: {said:?}");
                assert!(
                    said[0].starts_with(&format!("{level} {id} ")) && said[0].contains(rest),
                    "{lines}: {said:?}"
                );
                assert!(findings[0].help.is_some() && findings[0].place.is_some(), "{lines}");
            }
        }
    }
}

#[test]
fn a_document_of_another_package_or_version_is_refused() {
    for (pin, package, version, expected) in [
        ("1.2.0", "demo-agent", "1.2.0", vec![]),
        ("1.2", "Demo_Agent", "1.2.0", vec![]),
        ("1.2.1", "demo-agent", "1.2.0", vec!["compat-other-version"]),
        ("1.2.0", "another", "1.2.0", vec!["compat-other-package"]),
        ("9.9.9", "another", "1.2.0", vec!["compat-other-package"]),
    ] {
        let mut document = document();
        (document.package, document.version) = (package.into(), version.into());
        let ids: Vec<&str> = judge(&asked("", pin), &document).iter().map(|f| f.id).collect();
        assert_eq!(ids, expected, "{pin} {package} {version}");
    }
    let ids = |pin: &str| other_package(&asked("", pin)).iter().map(|f| f.id).collect::<Vec<_>>();
    assert_eq!(
        (ids("1.2.0"), ids("demo_agent==1.2.0"), ids("other==1.2.0")),
        (vec![], vec![], vec!["pin-other-package"])
    );
}

#[test]
fn control_characters_in_published_texts_do_not_reach_the_terminal() {
    let mut document = document();
    document.package = "\u{1b}[31mred".into();
    document.channels[1].protocol = "http\u{7}".into();
    for finding in judge(&asked("channels = [{ protocol = \"http\", version = \"1\" }]", "1.2.0"), &document)
    {
        assert!(
            !finding.message.contains(char::is_control)
                && !finding.help.unwrap_or_default().contains(char::is_control)
        );
    }
    let (_, problems) = parsed(&asked("", "1.2.0"), br#"{"schema": 1, "\u001b[2J": 1}"#, "x");
    assert!(!problems[0].message.replace('\n', "").contains(char::is_control), "{problems:?}");
}

#[test]
fn all_problems_are_reported_together() {
    let lines = format!(
        "plugins = [{{ name = \"a\", api-version = \"1\" }}, {{ name = \"b\", api-version = \"2\" }}, \
         {{ name = \"c\", api-version = \"9\" }}]\n\
         channels = [{{ protocol = \"http\", version = \"1\" }}]\nspec = \"sha256:{}\"",
        "0".repeat(64)
    );
    let ids: Vec<&str> = judge(&asked(&lines, "1.0.0"), &document()).iter().map(|f| f.id).collect();
    assert_eq!(
        ids,
        [
            "compat-other-version",
            "plugin-removed",
            "plugin-deprecated",
            "plugin-unsupported",
            "channel-removed",
            "spec-differs"
        ]
    );
}
