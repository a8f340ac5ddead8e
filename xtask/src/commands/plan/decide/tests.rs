//! Tables: evidence, tags and manifest, and the version that follows.

use super::*;

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// The decision on one line: next, bump, pending, findings.
fn decided(
    manifest: &str,
    last: Option<&str>,
    tags: &[&str],
    level: Bump,
    line: Option<Line>,
    more: Vec<Evidence>,
) -> String {
    decided_with(manifest, last, tags, level, line, more, true)
}

fn decided_with(
    manifest: &str,
    last: Option<&str>,
    tags: &[&str],
    level: Bump,
    line: Option<Line>,
    more: Vec<Evidence>,
    in_changelog: bool,
) -> String {
    let (manifest, last) = (v(manifest), last.map(v));
    let mut tagged: Vec<Version> = tags.iter().map(|t| v(t)).collect();
    tagged.sort_by(|a, b| b.cmp(a));
    let facts = Facts {
        app: "python",
        manifest: &manifest,
        manifest_file: Utf8Path::new("apps/python/pyproject.toml"),
        last: last.as_ref(),
        tagged: &tagged,
        line: line.as_ref(),
        zero: ZeroBreaking::Minor,
        touched: true,
        in_changelog,
    };
    let mut evidence =
        vec![Evidence { source: "commits", demands: Demands::Level(level), why: String::new() }];
    evidence.extend(from_tags(&tagged, line.as_ref()));
    evidence.extend(more);
    let decision = decide(&facts, evidence);
    let next = decision.next.map_or("-".to_string(), |v| v.to_string());
    let pending = if decision.pending { " pending" } else { "" };
    let findings: String = decision.findings.iter().map(|f| format!(" {}", f.id)).collect();
    format!("{next} {}{pending}{findings}", decision.bump)
}

#[test]
fn after_a_release_the_evidence_decides_the_next_version() {
    use Bump::*;
    for (manifest, last, tags, level, expected) in [
        ("0.0.1", "0.0.1", &["0.0.1"] as &[&str], Patch, "0.0.2 patch"),
        ("0.0.1", "0.0.1", &["0.0.1"], Minor, "0.1.0 minor"),
        ("0.0.1", "0.0.1", &["0.0.1"], Major, "0.1.0 minor"),
        ("1.4.2", "1.4.2", &["1.4.2"], Major, "2.0.0 major"),
        ("0.0.1", "0.0.1", &["0.0.1"], None, "- none"),
        // The manifest is ahead: pending, or too low.
        ("0.0.2", "0.0.1", &["0.0.1"], Patch, "0.0.2 patch pending"),
        ("0.0.2", "0.0.1", &["0.0.1"], None, "0.0.2 none pending"),
        ("0.0.2", "0.0.1", &["0.0.1"], Minor, "0.1.0 minor pending pending-too-low"),
        ("1.0.0", "0.3.0", &["0.3.0"], Patch, "1.0.0 patch pending"),
        // A tagged version is never used again, whether the tag is reachable or not.
        ("0.1.0", "0.1.0", &["0.1.0", "0.3.0"], Patch, "0.3.1 patch"),
        ("0.1.0", "0.1.0", &["0.1.0", "0.3.0"], Minor, "0.4.0 minor"),
        ("0.1.0", "0.1.0", &["0.1.0", "0.1.1"], Minor, "0.2.0 minor"),
        ("0.1.0", "0.1.0", &["0.1.0", "0.1.1"], Patch, "0.1.2 patch"),
        ("0.1.1", "0.1.0", &["0.1.0", "0.1.1"], Patch, "0.1.2 patch"),
        ("0.2.0", "0.1.0", &["0.1.0", "0.3.0"], Patch, "0.3.1 patch pending pending-too-low"),
        // The manifest is below the last release.
        ("0.0.9", "0.1.0", &["0.1.0"], Patch, "0.1.1 patch manifest-below-tag"),
        ("0.0.9", "0.1.0", &["0.1.0"], None, "- none manifest-below-tag"),
        // A pre-release satisfies a demand for its version.
        ("0.2.0-rc.1", "0.1.0", &["0.1.0"], Minor, "0.2.0-rc.1 minor pending"),
        ("0.2.0-rc.1", "0.1.0", &["0.1.0", "0.2.0-rc.1"], Minor, "0.2.0 minor"),
        ("0.2.0-rc.2", "0.1.0", &["0.1.0", "0.2.0-rc.1"], Minor, "0.2.0-rc.2 minor pending"),
        ("0.2.0-rc.1", "0.1.0", &["0.1.0", "0.2.0-rc.1"], Patch, "0.2.0 patch"),
        ("0.1.1-rc.1", "0.1.0", &["0.1.0"], Minor, "0.2.0 minor pending pending-too-low"),
    ] {
        assert_eq!(
            decided(manifest, Some(last), tags, level, Option::None, vec![]),
            expected,
            "{manifest} after {last}, {tags:?}, {level:?}"
        );
    }
}

#[test]
fn an_acceptance_demands_exactly_its_own_version() {
    let accepted =
        |version| vec![Evidence { source: "api", demands: Demands::Version(v(version)), why: String::new() }];
    for (manifest, last, level, version, expected) in [
        ("0.1.0", "0.1.0", Bump::Patch, "0.1.1", "0.1.1 patch"),
        ("0.1.0", "0.1.0", Bump::Patch, "0.2.0", "0.2.0 minor"),
        ("0.1.0", "0.1.0", Bump::Patch, "0.4.2", "0.4.2 minor"),
        ("0.1.0", "0.1.0", Bump::Minor, "0.1.1", "0.2.0 minor"),
        ("1.1.0", "1.1.0", Bump::Patch, "2.0.0", "2.0.0 major"),
        // Also without a commit that counts.
        ("0.1.0", "0.1.0", Bump::None, "0.1.1", "0.1.1 patch"),
        // A pre-release is enough; a lower version stops.
        ("0.2.0-rc.1", "0.1.0", Bump::Patch, "0.2.0", "0.2.0-rc.1 minor pending"),
        ("0.1.1", "0.1.0", Bump::Patch, "0.2.0", "0.2.0 minor pending pending-too-low"),
        ("0.2.0", "0.1.0", Bump::Patch, "0.2.0", "0.2.0 minor pending"),
    ] {
        assert_eq!(
            decided(manifest, Some(last), &[last], level, None, accepted(version)),
            expected,
            "{manifest} {level:?} {version}"
        );
    }
    let line = Line::of_branch("hotfix/python-v0.2.0", "python");
    let too_big = decided("0.2.0", Some("0.2.0"), &["0.2.0"], Bump::Patch, line, accepted("0.3.0"));
    assert_eq!(too_big, "0.3.0 minor hotfix-too-big");
}

#[test]
fn the_first_release_starts_from_the_manifest_and_exceeds_published_versions() {
    let pin = |manifest, version| vec![from_pin("deploy/.version", v(version), &v(manifest))];
    let index =
        |version| vec![Evidence { source: "index", demands: Demands::Above(v(version)), why: String::new() }];
    for (manifest, tags, more, expected) in [
        ("0.0.0", &[] as &[&str], vec![], "0.0.1 first"),
        ("0.0.1", &[], vec![], "0.0.1 first pending"),
        ("0.3.0", &[], vec![], "0.3.0 first pending"),
        ("0.1.0-rc.1", &[], vec![], "0.1.0-rc.1 first pending"),
        ("0.0.0", &["0.4.0"], vec![], "0.4.1 first"),
        ("0.4.0", &["0.4.0"], vec![], "0.4.1 first"),
        ("0.1.17", &[], pin("0.1.17", "0.1.129"), "0.1.130 first pending pending-too-low"),
        ("0.1.17", &[], pin("0.1.17", "0.1.17"), "0.1.17 first pending"),
        ("0.1.17", &[], pin("0.1.17", "0.1.3"), "0.1.17 first pending"),
        ("0.0.0", &[], pin("0.0.0", "0.0.0"), "0.0.1 first"),
        ("0.0.0", &[], pin("0.0.0", "0.0.1"), "0.0.2 first"),
        ("0.3.0", &[], pin("0.3.0", "0.4.0-rc.1"), "0.4.0 first pending pending-too-low"),
        ("0.0.0", &["0.1.0"], index("0.1.1"), "0.1.2 first"),
        ("0.0.1", &[], index("0.1.1"), "0.1.2 first pending pending-too-low"),
    ] {
        assert_eq!(decided(manifest, None, tags, Bump::Minor, None, more), expected, "{manifest}, {tags:?}");
    }
}

/// The row shows what the decision uses: a version that was released elsewhere is not used again.
#[test]
fn a_pin_demands_a_version_above_it_if_it_is_higher_than_the_manifest() {
    for (pin, expected) in
        [("0.2.9", ">= 0.2.9"), ("0.3.0", ">= 0.3.0"), ("0.3.1", "> 0.3.1"), ("0.4.0-rc.1", "> 0.4.0-rc.1")]
    {
        assert_eq!(from_pin("deploy/.v", v(pin), &v("0.3.0")).demands.to_string(), expected);
    }
}

/// Only a bump writes the changelog, and a release needs its text.
#[test]
fn the_version_that_a_new_apps_manifest_begins_with_is_not_pending() {
    let first = |manifest, more| decided_with(manifest, None, &[], Bump::Minor, None, more, false);
    assert_eq!(first("0.1.0", vec![]), "0.1.0 first");
    assert_eq!(
        first("0.1.17", vec![from_pin("deploy/.version", v("0.1.129"), &v("0.1.17"))]),
        "0.1.130 first"
    );
    // After a release, a version that somebody has written is kept.
    let later = decided_with("0.3.0", Some("0.1.0"), &["0.1.0"], Bump::Minor, None, vec![], false);
    assert_eq!(later, "0.3.0 minor pending");
}

#[test]
fn a_hotfix_counts_on_its_own_line_and_is_a_patch() {
    let line = Line::of_branch("hotfix/python-v0.2.0", "python");
    assert_eq!(line, Some(Line { major: 0, minor: 2 }));
    for (tags, level, expected) in [
        (&["0.2.0", "0.3.0", "1.0.0"] as &[&str], Bump::Patch, "0.2.1 patch"),
        (&["0.2.0", "0.2.1", "0.3.0"], Bump::Patch, "0.2.2 patch"),
        (&["0.2.0", "0.3.0"], Bump::Minor, "0.3.0 minor hotfix-too-big"),
    ] {
        assert_eq!(decided("0.2.0", Some("0.2.0"), tags, level, line, vec![]), expected, "{tags:?}");
    }
    for (branch, expected) in [
        ("hotfix/python-v1.2.3-login", Some((1, 2))),
        ("hotfix/python-v1.2.3", Some((1, 2))),
        ("hotfix/python-graphs-v1.2.3", None),
        ("hotfix/python-v2", None),
        ("hotfix/ts-v1.2.3", None),
        ("feature/python-v1.2.3", None),
        ("main", None),
    ] {
        assert_eq!(Line::of_branch(branch, "python").map(|l| (l.major, l.minor)), expected, "{branch}");
    }
}

#[test]
fn the_source_that_makes_a_pending_version_too_low_is_named() {
    let row = |source, demands| Evidence { source, demands, why: String::new() };
    let level = |source, bump| row(source, Demands::Level(bump));
    for (number, evidence, expected) in [
        ("0.1.1", vec![], "-"),
        ("0.1.1", vec![level("commits", Bump::None)], "-"),
        (
            "0.1.1",
            vec![level("commits", Bump::Patch), level("api", Bump::Minor), level("spec", Bump::Minor)],
            "api",
        ),
        ("0.1.1", vec![level("commits", Bump::Minor), row("tags", Demands::Above(v("0.1.0")))], "commits"),
        ("0.1.1", vec![level("commits", Bump::Minor), row("tags", Demands::Above(v("0.1.1")))], "tags"),
        ("0.1.1", vec![level("commits", Bump::Patch), row("api", Demands::Version(v("0.2.0")))], "api"),
        ("0.1.17", vec![level("commits", Bump::Minor), row("pins", Demands::Above(v("0.1.129")))], "pins"),
    ] {
        assert_eq!(against(&v(number), &evidence).map_or("-", |e| e.source), expected, "{evidence:?}");
    }
}

#[test]
fn the_first_commit_of_the_highest_level_is_the_reason() {
    for (messages, level, why) in [
        (&[] as &[&str], Bump::None, "no commit touches the app"),
        (&["docs: a"], Bump::None, "none of 1 commit counts"),
        (&["docs: a", "docs: b"], Bump::None, "none of 2 commits counts"),
        (&["feat: a"], Bump::Minor, "feat: a (0aaaaaa)"),
        (&["docs: a", "feat: b"], Bump::Minor, "feat: b (1aaaaaa)"),
        (&["fix: a", "feat: b"], Bump::Minor, "feat: b (1aaaaaa) and 1 more"),
        (&["feat: a", "feat: b", "fix: c", "docs: d"], Bump::Minor, "feat: a (0aaaaaa) and 2 more"),
    ] {
        let commit = |(i, message): (usize, &&str)| commits::Commit {
            id: format!("{i}aaaaaaaaaa"),
            merge: false,
            message: message.to_string(),
            released: None,
        };
        let all: Vec<commits::Commit> = messages.iter().enumerate().map(commit).collect();
        let evidence = from_commits(&commits::entries(&all, "python", &["python"]));
        assert_eq!((evidence.demands, evidence.why.as_str()), (Demands::Level(level), why), "{messages:?}");
    }
}

#[test]
fn a_version_is_too_low_for_the_source_that_names_a_higher_one_or_else_for_the_highest_level() {
    let level = |source, bump| Evidence { source, demands: Demands::Level(bump), why: String::new() };
    let commits = [level("commits", Bump::Patch), level("api", Bump::Minor), level("spec", Bump::Minor)];
    for (demands, source) in [
        (Demands::Above(v("0.9.9")), "api"),
        (Demands::Above(v("1.0.0")), "named"),
        (Demands::Version(v("1.0.0")), "api"),
        (Demands::Version(v("1.0.1")), "named"),
    ] {
        let mut evidence = commits.to_vec();
        evidence.push(Evidence { source: "named", demands, why: String::new() });
        let found = against(&v("1.0.0"), &evidence).map(|e| e.source);
        assert_eq!(found, Some(source), "{:?}", evidence[3].demands);
    }
    assert_eq!(against(&v("1.0.0"), &[level("commits", Bump::None)]), None);
}

#[test]
fn a_demand_is_shown_as_people_write_it() {
    let shown = [
        Demands::Level(Bump::Minor),
        Demands::Above(v("1.0.0")),
        Demands::AtLeast(v("1.0.0")),
        Demands::Version(v("1.0.0")),
    ]
    .map(|demands| demands.to_string());
    assert_eq!(shown, ["minor", "> 1.0.0", ">= 1.0.0", "1.0.0"]);
}
