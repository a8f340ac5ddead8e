//! Tables of install commands, badges and changelogs.

use super::*;
use crate::commands::audit::drift::testing::app;

#[test]
fn only_commands_and_requirements_to_copy_are_install_commands() {
    let python = app("python", "demo-agent");
    for (text, expected) in [
        ("`pip install demo-agent==0.1.0`", vec!["0.1.0"]),
        ("```sh\nuv add 'demo-agent[x]==0.1.0'\n```", vec!["0.1.0"]),
        ("docker run --rm \\\n  -p 80:80 \\\n  ghcr.io/team/demo:v0.1.0", vec!["v0.1.0"]),
        ("```\ndemo-agent==0.1.0\n```", vec!["0.1.0"]),
        ("```toml\ndependencies = [\"demo-agent>=0.1,<0.2\"]\n```", vec![">=0.1,<0.2"]),
        ("```\n  ✓ demo-agent==0.0.3 published   demo_agent-0.0.3-py3-none-any.whl\n```", vec![]),
        ("Since demo-agent==0.0.3 the server answers 405.", vec![]),
        ("pip install demo-agent", vec![]),
        ("pip install demo-agent==X.Y.Z", vec![]),
        ("pip install demo-agent-tools==9.9.9", vec![]),
        ("", vec![]),
    ] {
        let found: Vec<_> = installs(text, &python).into_iter().map(|s| &text[s.span]).collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn a_badge_counts_if_its_label_means_the_app() {
    let python = app("python", "demo-agent");
    let url = |badge: &str| format!("![x](https://img.shields.io/badge/{badge})");
    for (badge, own, expected) in [
        ("version-0.1.0-blue", true, Some("0.1.0")),
        ("version-0.1.0-blue?style=flat", true, Some("0.1.0")),
        ("pypi-v0.1.0--rc.1-blue.svg", true, Some("v0.1.0--rc.1")),
        ("demo--agent-0.1.0-green", false, Some("0.1.0")),
        ("version-0.1.0-blue", false, None),
        ("python-3.11.4-blue", true, None),
        ("coverage-99.9.9-green", true, None),
        ("version-0.1-blue", true, None),
        ("0.1.0-blue", true, None),
        ("version", true, None),
        ("---", true, None),
    ] {
        let text = url(badge);
        let found = badges(&text, &python, own);
        assert_eq!(found.first().map(|s| &text[s.span.clone()]), expected, "{badge}");
    }
}

#[test]
fn the_newest_section_is_the_highest_of_this_app() {
    let common = "# Changelog\n\n## [Unreleased]\n\n```\n## [python-v9.0.0]\n```\n\
                  ## [ts-v3.0.0] - 2026-01-01\n## [python-v0.2.0-rc.1] - 2026-01-01\n## [python-v0.1.0]\n";
    for (text, app, own, expected) in [
        (common, "python", false, Some("0.2.0-rc.1")),
        (common, "ts", false, Some("3.0.0")),
        (common, "worker", false, None),
        ("## [0.0.3] - 2026\r\n## 0.0.2\r\n", "ts", true, Some("0.0.3")),
        ("## 0.0.2 (2026-01-01)\n## v0.0.10\n", "ts", true, Some("0.0.10")),
        ("## [0.0.3]\n", "ts", false, None),
        ("## Overview\n", "ts", true, None),
        ("", "ts", true, None),
    ] {
        assert_eq!(
            newest_section(text, &format!("{app}-v"), own).map(|(_, v)| v.to_string()).as_deref(),
            expected,
            "{app}: {text}"
        );
    }
}
