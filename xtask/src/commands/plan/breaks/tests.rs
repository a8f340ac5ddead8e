//! What the results of the comparisons add to a plan: demands, evidence and findings.

use super::*;
use crate::model::commits;
use crate::model::commits::Commit;

/// An app with these acceptances: id, what, version.
fn app(accept: &[(&str, Option<&str>, &str)]) -> App {
    let mut text = "name = \"python\"\necosystem = \"python\"\npackage = \"p\"\n".to_string();
    for (id, what, version) in accept {
        let what = what.map(|what| format!("what = {what:?}\n")).unwrap_or_default();
        text +=
            &format!("[[accept]]\nid = {id:?}\n{what}version = {version:?}\nreason = \"nobody has it\"\n");
    }
    App { dir: "apps/python".into(), settings: toml_edit::de::from_str(&text).unwrap() }
}

fn release() -> LastRelease {
    LastRelease { version: "0.1.0".parse().unwrap(), tag: "python-v0.1.0".into() }
}

fn difference(id: &str, what: &str, demands: Bump) -> Difference {
    Difference {
        id: id.into(),
        demands,
        what: what.into(),
        message: format!("{what} is different"),
        place: "a.py:3".into(),
    }
}

fn api(found: Vec<Difference>) -> Compared {
    Compared { source: "api", whom: "users", command: "cargo xtask api diff python".into(), found: Ok(found) }
}

fn spec(found: Vec<Difference>) -> Compared {
    Compared { source: "spec", whom: "clients", command: "cargo xtask openapi diff".into(), found: Ok(found) }
}

fn declared() -> Entry {
    let commit = Commit {
        id: "1234567890".into(),
        merge: false,
        message: "feat!: another name".into(),
        released: None,
    };
    commits::entries(&[commit], "python", &["python"]).remove(0)
}

/// The evidence rows as `source demands`, then the ids of the findings.
fn shown(judged: &Judged) -> String {
    let rows: Vec<String> = judged.evidence.iter().map(|e| format!("{} {}", e.source, e.demands)).collect();
    let ids: Vec<&str> = judged.findings.iter().map(|f| f.id).collect();
    format!("{} | {}", rows.join(", "), ids.join(" "))
}

#[test]
fn each_source_adds_its_demand_and_undeclared_breaks_stop_in_one_finding() {
    let gone = || difference("class-removed", "p.A", Bump::Major);
    let added = || difference("class-added", "p.B", Bump::Minor);
    let risky = || difference("parameter-default-changed", "p.f", Bump::Patch);
    let path = || difference("api-path-removed", "GET /a", Bump::Major);
    let accept_all: &[_] = &[("class-removed", None, "0.2.0")];
    type Case<'a> = (&'a [(&'a str, Option<&'a str>, &'a str)], bool, Vec<Compared>, &'a str);
    let cases: Vec<Case> = vec![
        (&[], false, vec![], " | "),
        (&[], false, vec![api(vec![])], "api none | "),
        (&[], false, vec![api(vec![risky()])], "api patch | "),
        (&[], false, vec![api(vec![risky(), added()])], "api minor | "),
        (&[], false, vec![api(vec![added(), gone()])], "api major | undeclared-break"),
        (&[], true, vec![api(vec![gone()])], "api major | "),
        (&[], false, vec![spec(vec![path()]), api(vec![gone()])], "spec major, api major | undeclared-break"),
        // Accepted: the acceptance's version, and nothing stops.
        (accept_all, false, vec![api(vec![gone()])], "api 0.2.0 | "),
        (accept_all, false, vec![api(vec![gone(), added()])], "api minor, api 0.2.0 | "),
        (
            accept_all,
            false,
            vec![api(vec![gone(), difference("class-removed", "p.C", Bump::Major)])],
            "api 0.2.0 | ",
        ),
        (
            accept_all,
            false,
            vec![spec(vec![path()]), api(vec![gone()])],
            "spec major, api 0.2.0 | undeclared-break",
        ),
        (accept_all, true, vec![api(vec![gone()])], "api 0.2.0 | "),
        // One symbol alone.
        (&[("class-removed", Some("p.A"), "0.2.0")], false, vec![api(vec![gone()])], "api 0.2.0 | "),
        (
            &[("class-removed", Some("p.C"), "0.2.0")],
            false,
            vec![api(vec![gone()])],
            "api major | undeclared-break",
        ),
        (
            &[("class-removed", Some("p.A"), "0.2.0")],
            false,
            vec![api(vec![gone(), difference("class-removed", "p.C", Bump::Major)])],
            "api major, api 0.2.0 | undeclared-break",
        ),
        // An acceptance that matches nothing, one for a published release, and one for a compatible change.
        (&[("class-renamed", None, "0.2.0")], false, vec![api(vec![gone()])], "api major | undeclared-break"),
        (
            &[("class-removed", None, "0.1.0")],
            false,
            vec![api(vec![gone()])],
            "api major | acceptance-stale undeclared-break",
        ),
        (&[("class-removed", None, "0.0.9")], false, vec![], " | acceptance-stale"),
        (&[("class-added", None, "0.1.1")], false, vec![api(vec![added()])], "api 0.1.1 | "),
    ];
    for (number, (accept, breaks, compared, expected)) in cases.into_iter().enumerate() {
        let commit = breaks.then(declared);
        let judged = judge(&app(accept), &release(), commit.as_ref(), &compared);
        assert_eq!(shown(&judged), expected, "case {number}");
        let stops = judged.findings.iter().any(|f| f.id == "undeclared-break");
        assert_eq!(stops, !judged.undeclared.is_empty(), "case {number}");
    }
}

#[test]
fn an_undeclared_break_shows_its_place_and_three_ways_to_go_on() {
    let many: Vec<Difference> =
        (0..25).map(|n| difference("class-removed", &format!("p.C{n}"), Bump::Major)).collect();
    let judged = judge(
        &app(&[]),
        &release(),
        None,
        &[spec(vec![difference("path-removed", "GET /a", Bump::Major)]), api(many)],
    );
    let [finding] = &judged.findings[..] else { panic!("{:?}", judged.findings) };
    assert_eq!((finding.level, finding.place.as_deref()), (Level::Breaking, Some("apps/python")));
    let start = "breaks users of python-v0.1.0, and no commit declares it:\n  \
                 [path-removed] GET /a is different (a.py:3)\n";
    assert!(finding.message.starts_with(start), "{}", finding.message);
    assert!(
        finding.message.ends_with("\n  and 6 more: cargo xtask openapi diff ; cargo xtask api diff python"),
        "{}",
        finding.message
    );
    let help = finding.help.as_deref().unwrap();
    for way in [
        "declare it: `!`",
        "or revert it",
        "accept it in apps/python/app.toml: [[accept]] id = \"path-removed\", what = \"GET /a\"",
    ] {
        assert!(help.contains(way), "{way} is missing in {help}");
    }
}

#[test]
fn the_evidence_names_the_declaring_commit_and_the_reason_of_an_acceptance() {
    let gone = difference("class-removed", "p.A", Bump::Major);
    let commit = declared();
    let judged = judge(&app(&[]), &release(), Some(&commit), &[api(vec![gone.clone(), gone.clone()])]);
    assert_eq!(
        judged.evidence[0].why,
        "breaks users since python-v0.1.0: p.A is different, and 1 more; \
         declared by feat!: another name (1234567)"
    );
    let judged =
        judge(&app(&[("class-removed", None, "0.2.0")]), &release(), None, &[api(vec![gone.clone()])]);
    assert_eq!(judged.evidence[0].why, "accepted for 0.2.0: nobody has it [class-removed]");
    assert_eq!(
        judged.accepted.iter().map(|a| (&a.difference, a.by.reason.as_str())).collect::<Vec<_>>(),
        [(&gone, "nobody has it")]
    );
}

#[test]
fn a_source_that_could_not_be_compared_gets_a_row_and_a_finding() {
    for level in [Level::Warning, Level::Error] {
        let unread = Unread {
            id: "api-unread",
            level,
            why: "griffe is missing\nmore".into(),
            place: None,
            help: "cargo xtask setup".into(),
        };
        let judged = judge(&app(&[]), &release(), None, &[Compared { found: Err(unread), ..api(vec![]) }]);
        assert_eq!(shown(&judged), "api none | api-unread");
        assert_eq!(judged.evidence[0].why, "not compared: griffe is missing; cargo xtask setup");
        assert_eq!(judged.findings[0].stops(), level == Level::Error);
    }
}
