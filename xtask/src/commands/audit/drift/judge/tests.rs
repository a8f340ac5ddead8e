//! Tables of verdicts: the shown version, the manifest and the tags.

use super::*;
use crate::commands::audit::drift::testing;

fn demo(name: &str) -> App {
    let mut settings = testing::app("python", "demo-agent");
    settings.name = name.to_string();
    App { dir: format!("apps/{name}").into(), settings }
}

fn facts<'a>(app: &'a App, manifest: &str, tagged: &[&str]) -> Facts<'a> {
    let version = |text: &&str| text.parse().expect("a version");
    Facts {
        app,
        manifest: Ok(version(&manifest)),
        tagged: tagged.iter().map(version).collect(),
        withdrawn: Vec::new(),
        on_flow: true,
    }
}

/// The verdict, then the finding's level and id.
fn summary(judged: Option<(Verdict, Option<Finding>)>) -> String {
    match judged {
        None => "no place".to_string(),
        Some((verdict, None)) => format!("{verdict:?}"),
        Some((verdict, Some(f))) => format!("{verdict:?} {:?} {}", f.level, f.id),
    }
}

fn shown(kind: Kind, text: &str) -> Shown {
    let spec = text.contains(['>', '<', '^', '~', '*']);
    let wanted = if spec { Wanted::Range(text.into()) } else { Wanted::Exact(text.into()) };
    Shown { kind, span: 0..text.len(), wanted }
}

#[test]
fn a_version_that_was_rolled_back_is_not_the_last_release() {
    let app = demo("python");
    let facts = Facts {
        withdrawn: vec![Version::new(0, 2, 0)],
        ..facts(&app, "0.2.0", &["0.1.0", "0.2.0", "0.3.0-rc.1"])
    };
    assert_eq!(facts.released(), Some(&Version::new(0, 1, 0)));
    for (kind, text, expected) in [
        (Kind::Install, "0.1.0", "Ok"),
        (Kind::Install, "0.2.0", "Behind Warning version-withdrawn"),
        (Kind::Pin, "0.2.0", "Behind Warning version-withdrawn"),
        (Kind::Install, "0.0.9", "Behind Warning version-behind"),
        // These are right if they equal the manifest.
        (Kind::Lock, "0.2.0", "Ok"),
        (Kind::Constant, "0.2.0", "Unkept Warning version-copied"),
    ] {
        let path = if kind == Kind::Lock { "apps/python/uv.lock" } else { "README.md" };
        let file = File { path: path.into(), text: text.into() };
        assert_eq!(summary(judge(&facts, &[&facts], &file, &shown(kind, text))), expected, "{kind:?} {text}");
    }
}

#[test]
fn each_kind_of_place_has_its_own_rule() {
    let app = demo("python");
    for (kind, path, text, manifest, tagged, expected) in [
        (Kind::Constant, "apps/python/x.py", "0.1.0", "0.1.17", vec![], "Wrong Error version-wrong"),
        (Kind::Constant, "apps/python/x.py", "0.1.17", "0.1.17", vec![], "Unkept Warning version-copied"),
        (
            Kind::Constant,
            "apps/python/x.py",
            "0.1.0rc1",
            "0.1.0-rc.1",
            vec![],
            "Unkept Warning version-copied",
        ),
        (Kind::Constant, "apps/python/x.py", "0.1.17.dev1", "0.1.17", vec![], "Wrong Error version-wrong"),
        (Kind::Constant, "apps/python/x.py", "0.0.0+unknown", "0.1.17", vec![], "no place"),
        (Kind::Constant, "apps/python/x.py", "0.0.0", "0.0.0", vec![], "Unkept Warning version-copied"),
        (Kind::Label, "Dockerfile", "0.1.0", "0.1.17", vec!["0.1.0"], "Wrong Error version-wrong"),
        (Kind::Lock, "apps/python/uv.lock", "0.1.17", "0.1.17", vec![], "Ok"),
        (Kind::Lock, "apps/python/uv.lock", "0.0.0", "0.1.17", vec![], "Wrong Error version-wrong"),
        (Kind::Spec, "apps/python/openapi.json", "0.1.17", "0.1.17", vec![], "Ok"),
        (Kind::Spec, "apps/python/openapi.json", "0.1.16", "0.1.17", vec![], "Wrong Error version-wrong"),
        (
            Kind::Spec,
            "apps/python/openapi-spec.json",
            "1.0.0",
            "0.1.17",
            vec![],
            "Behind Warning version-wrong",
        ),
        (Kind::DeclaredPin, "deploy/x", "0.1.17", "0.1.17", vec![], "Ok"),
        (Kind::DeclaredPin, "deploy/x", "0.1.16", "0.1.17", vec!["0.1.16"], "Wrong Error pin-wrong"),
        (Kind::Pin, "deploy/x", "0.1.17", "0.1.17", vec!["0.1.16"], "Ok"),
        (Kind::Pin, "deploy/x", "0.1.16", "0.1.17", vec!["0.1.15", "0.1.16"], "Ok"),
        (Kind::Pin, "deploy/x", "v0.1.16", "0.1.17", vec!["0.1.16", "0.2.0-rc.1"], "Ok"),
        (
            Kind::Pin,
            "deploy/x",
            "0.1.15",
            "0.1.17",
            vec!["0.1.15", "0.1.16"],
            "Behind Warning version-behind",
        ),
        (Kind::Pin, "deploy/x", "0.1.129", "0.1.17", vec!["0.1.16"], "Wrong Error pin-unreleased"),
        (Kind::Pin, "deploy/x", "0.1.129", "0.1.17", vec![], "Wrong Error pin-unreleased"),
        (Kind::Pin, "deploy/x", "0.0.0", "0.1.17", vec![], "no place"),
        (Kind::Pin, "deploy/x", ">=0.1,<0.2", "0.1.17", vec![], "Ok"),
        (Kind::Pin, "deploy/x", "~=0.1.0", "0.2.0", vec!["0.1.16"], "Ok Info range-excludes"),
        (Kind::Pin, "deploy/x", "~=0.1.0", "0.2.0", vec!["0.1.16", "0.2.0"], "Behind Warning range-excludes"),
        (
            Kind::Install,
            "README.md",
            "0.1.15",
            "0.1.17",
            vec!["0.1.15", "0.1.16"],
            "Behind Warning version-behind",
        ),
        (Kind::Install, "README.md", "0.2.0", "0.1.17", vec!["0.1.16"], "Behind Warning version-behind"),
        (Kind::Badge, "README.md", "0.1.16", "0.1.17", vec!["0.1.16"], "Ok"),
        (Kind::Chart, "Chart.yaml", "0.1.3", "0.1.17", vec!["0.1.16"], "Behind Warning version-behind"),
    ] {
        let own = facts(&app, manifest, &tagged);
        let file = File { path: path.into(), text: text.to_string() };
        assert_eq!(
            summary(judge(&own, &[&own], &file, &shown(kind, text))),
            expected,
            "{kind:?} {text} {manifest} {tagged:?}"
        );
    }
}

#[test]
fn a_place_that_may_mean_two_apps_is_right_with_the_version_of_either() {
    let (python, ts) = (demo("python"), demo("ts"));
    let (own, other) = (facts(&python, "0.1.0", &[]), facts(&ts, "0.4.0", &["0.3.0"]));
    for (text, expected) in [
        ("0.1.0", "Ok"),
        ("0.4.0", "Ok"),
        ("0.3.0", "Ok"),
        ("0.2.0", "Behind Warning version-behind"),
        ("0.5.0", "Wrong Error pin-unreleased"),
    ] {
        let file = File { path: ".runtime-version".into(), text: text.into() };
        assert_eq!(summary(judge(&own, &[&own, &other], &file, &shown(Kind::Pin, text))), expected, "{text}");
    }
}

#[test]
fn changelog_and_tags_are_compared_with_the_manifest() {
    let app = demo("python");
    for (newest, manifest, tagged, expected) in [
        ("0.1.0", "0.1.0", vec![], "Ok"),
        ("0.2.0", "0.1.0", vec!["0.1.0"], "Wrong Error changelog-ahead"),
        ("0.1.0", "0.2.0", vec!["0.1.0"], "Behind Warning changelog-behind"),
        ("0.1.0", "0.2.0", vec!["0.2.0"], "Ok"),
    ] {
        assert_eq!(
            summary(Some(changelog(&facts(&app, manifest, &tagged), &newest.parse().unwrap()))),
            expected,
            "{newest} {manifest}"
        );
    }
    for (manifest, tagged, on_flow, expected) in [
        ("0.1.0", vec![], true, "no place"),
        ("0.1.0", vec!["0.1.0"], true, "Ok"),
        ("0.1.0", vec!["0.1.0", "0.2.0"], true, "Wrong Error tag-ahead"),
        ("0.1.0", vec!["0.1.0", "0.2.0"], false, "Behind Info tag-ahead"),
    ] {
        let facts = Facts { on_flow, ..facts(&app, manifest, &tagged) };
        assert_eq!(
            summary(tag(&facts, Utf8Path::new("apps/python/pyproject.toml"))),
            expected,
            "{manifest} {tagged:?}"
        );
    }
}

#[test]
fn a_pin_is_proposed_only_where_bump_would_write_that_place() {
    for (text, at, expected) in [
        ("0.1.0\n", "0.1.0", true),
        ("__version__ = \"0.1.0\"", "0.1.0", true),
        ("requests==2.32.3\ndemo-agent==0.1.0", "0.1.0", false),
        ("FROM python:3.11.4\nLABEL version=0.1.0", "0.1.0", false),
        ("tag: v0.1.0", "v0.1.0", true),
        ("demo ~=0.1", "0.1", false),
    ] {
        let start = text.find(at).unwrap();
        let place = Shown { span: start..start + at.len(), ..shown(Kind::Pin, at) };
        assert_eq!(super::super::place::is_first_version(text, &place), expected, "{text:?}");
    }
}
