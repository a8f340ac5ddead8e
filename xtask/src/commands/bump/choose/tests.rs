//! Tables of the version that a bump writes: given, pre-release, planned.

use super::*;
use crate::commands::plan::LastRelease;

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// A plan after release 0.1.0, with a fix since.
fn plan(next: Option<&str>, required: Option<&str>, tagged: &[&str]) -> AppPlan {
    let mut tagged: Vec<Version> = tagged.iter().map(|t| v(t)).collect();
    tagged.sort_by(|a, b| b.cmp(a));
    AppPlan {
        app: "python".into(),
        last: Some(LastRelease { version: v("0.1.0"), tag: "python-v0.1.0".into() }),
        next: next.map(v),
        bump: "patch",
        pending: false,
        evidence: Vec::new(),
        commits: Vec::new(),
        manifest: v("0.1.0"),
        floor: tagged.first().cloned(),
        tagged,
        marked: Vec::new(),
        required: required.map(v),
        accepted: Vec::new(),
        undeclared: Vec::new(),
        differences: Vec::new(),
        unread_pulls: Vec::new(),
        findings: Vec::new(),
    }
}

fn choose(version: Option<&str>, pre: Option<&str>, plan: &AppPlan, published: &[&str]) -> String {
    let flags = flags::Bump {
        app: "python".into(),
        version: version.map(str::to_string),
        pre: pre.map(str::to_string),
        ..Default::default()
    };
    let published: Vec<Version> = published.iter().map(|t| v(t)).collect();
    match super::version(&flags, plan, &published) {
        Ok(Choice::Version(version)) => version.to_string(),
        Ok(Choice::Nothing(why)) => format!("nothing: {why}"),
        Err(error) => match error.downcast_ref::<Exit>() {
            Some(Exit::Gate(findings)) => format!("{}: {}", findings[0].id, findings[0].message),
            _ => format!("usage: {error:#}"),
        },
    }
}

#[test]
fn a_given_version_that_is_not_allowed_is_refused_with_the_reason() {
    let plan = plan(Some("0.2.0"), Some("0.2.0"), &["0.1.0", "0.1.1"]);
    for (version, expected) in [
        ("0.2.0", "0.2.0"),
        ("1.0.0", "1.0.0"),
        ("0.2.0-rc.1", "0.2.0-rc.1"),
        ("0.1.1", "version-taken: 0.1.1 is already used: it has a tag"),
        (
            "0.5.0",
            "version-taken: 0.5.0 is already used: the index has it, and accepts each version only once",
        ),
        ("0.0.9", "version-too-low: 0.0.9 is lower than 0.1.1, which is already published"),
        ("0.1.2", "version-too-low: 0.1.2 is lower than 0.2.0, which the evidence demands"),
        ("0.2.0-dev.1", "usage: --version: 0.2.0-dev.1: -dev.1 has no PEP 440 equivalent"),
        ("0.2", "usage: --version: \"0.2\" is not SemVer"),
        ("--help", "usage: --version: \"--help\" is not SemVer"),
    ] {
        let chosen = choose(Some(version), None, &plan, &["0.5.0"]);
        assert!(chosen.starts_with(expected), "{version}: {chosen}");
    }
}

#[test]
fn pre_releases_are_numbered_up_to_the_planned_version() {
    for (tagged, published, channel, expected) in [
        (&["0.1.0"] as &[&str], &[] as &[&str], "rc", "0.2.0-rc.1"),
        (&["0.1.0", "0.2.0-rc.1"], &[], "rc", "0.2.0-rc.2"),
        (&["0.1.0"], &["0.2.0-rc.4"], "rc", "0.2.0-rc.5"),
        (&["0.1.0", "0.2.0-alpha.1"], &[], "beta", "0.2.0-beta.1"),
        (
            &["0.1.0", "0.2.0-rc.1"],
            &[],
            "alpha",
            "version-too-low: 0.2.0-alpha.1 is lower than 0.2.0-rc.1, which is already published",
        ),
        (&["0.1.0"], &[], "dev", "usage: --pre dev: not a pre-release channel; use alpha, beta or rc"),
    ] {
        let plan = plan(Some("0.2.0"), Some("0.2.0"), tagged);
        assert_eq!(choose(None, Some(channel), &plan, published), expected, "{tagged:?} {channel}");
    }
}

#[test]
fn without_evidence_there_is_nothing_to_bump() {
    let plan = plan(None, None, &["0.1.0"]);
    assert_eq!(choose(None, None, &plan, &[]), "nothing: no commit touches python since python-v0.1.0");
    assert_eq!(choose(None, Some("rc"), &plan, &[]), "nothing: no commit touches python since python-v0.1.0");
    assert_eq!(choose(Some("0.1.1"), None, &plan, &[]), "0.1.1");
}
