//! Tables of events as both forges write them.

use super::*;

/// Reads an event from these variables. The value of `EVENT` is written to the event's file.
fn read(variables: &[(&str, &str)]) -> Result<Event> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let json = variables.iter().find(|(name, _)| *name == "EVENT");
    if let Some((_, json)) = json {
        std::fs::write(file.path(), json).unwrap();
    }
    from_forge(&|name: &str| {
        if name == "GITHUB_EVENT_PATH" && json.is_some() {
            return Some(file.path().to_str().unwrap().to_string());
        }
        variables.iter().find(|(n, v)| *n == name && !v.is_empty()).map(|(_, v)| v.to_string())
    })
}

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn push(branch: &str, before: Option<&str>) -> Event {
    Event::Push { branch: branch.into(), before: before.map(str::to_string) }
}

#[test]
fn pushes_are_read() {
    let zeros = "0".repeat(40);
    for (reference, json, expected) in [
        ("refs/heads/main", format!(r#"{{"before": "{A}", "after": "b"}}"#), push("main", Some(A))),
        ("refs/heads/feat/a-b", format!(r#"{{"before": "{zeros}"}}"#), push("feat/a-b", None)),
        ("refs/heads/fée/ü", "{}".to_string(), push("fée/ü", None)),
        ("refs/heads/refs/heads/x", "{}".to_string(), push("refs/heads/x", None)),
        ("main", r#"{"before": null}"#.to_string(), push("main", None)),
        ("refs/heads/main", r#"{"before": "--output=/etc/passwd"}"#.to_string(), push("main", None)),
        ("refs/heads/main", format!(r#"{{"before": "{}"}}"#, A.to_uppercase()), push("main", Some(A))),
    ] {
        assert_eq!(
            read(&[("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", reference), ("EVENT", &json)]).unwrap(),
            expected
        );
    }
    assert_eq!(
        read(&[("GITHUB_EVENT_NAME", "workflow_dispatch"), ("GITHUB_REF", "refs/heads/main")]).unwrap(),
        push("main", None)
    );
}

#[test]
fn pull_requests_are_read() {
    let expected =
        Event::PullRequest { head: "feat/x".into(), base: "development".into(), labels: None, squash: None };
    let variables = [
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_HEAD_REF", "feat/x"),
        ("GITHUB_BASE_REF", "development"),
    ];
    assert_eq!(read(&variables).unwrap(), expected);
    let queue = [
        ("GITHUB_EVENT_NAME", "merge_group"),
        ("GITHUB_REF", "refs/heads/gh-readonly-queue/main/pr-1-aaaa"),
        ("EVENT", r#"{"merge_group": {"base_ref": "refs/heads/main"}}"#),
    ];
    let expected = Event::PullRequest {
        head: "gh-readonly-queue/main/pr-1-aaaa".into(),
        base: "main".into(),
        labels: None,
        squash: None,
    };
    assert_eq!(read(&queue).unwrap(), expected);
}

/// The labels of a pull request with this JSON.
fn labels(json: &str) -> Result<Option<Vec<String>>> {
    let variables = [
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_HEAD_REF", "x"),
        ("GITHUB_BASE_REF", "main"),
        ("EVENT", json),
    ];
    match read(&variables)? {
        Event::PullRequest { labels, .. } => Ok(labels),
        other => panic!("{other}"),
    }
}

#[test]
fn labels_are_read_as_both_forges_write_them() {
    for (json, expected) in [
        // GitHub, shortened; then Gitea.
        (
            r#"{"action": "labeled", "label": {"name": "x"}, "pull_request": {"number": 1, "labels": [
             {"id": 2, "name": "breaking-change", "color": "f00", "default": false, "description": ""}]}}"#,
            Some(vec!["breaking-change"]),
        ),
        (
            r#"{"action": "opened", "number": 1, "pull_request": {"labels": [
                {"id": 1, "name": "bug", "exclusive": false, "is_archived": false, "url": ""},
                {"name": "é b"}]}}"#,
            Some(vec!["bug", "é b"]),
        ),
        (r#"{"pull_request": {"labels": null}}"#, Some(vec![])),
        (r#"{"pull_request": {"labels": []}}"#, Some(vec![])),
        (r#"{"pull_request": {"labels": [{"name": ""}]}}"#, Some(vec![""])),
        // The labels are not known.
        (r#"{"pull_request": {}}"#, None),
        (r#"{"pull_request": null}"#, None),
        ("{}", None),
    ] {
        let expected =
            expected.map(|list: Vec<&str>| list.into_iter().map(str::to_string).collect::<Vec<_>>());
        assert_eq!(labels(json).unwrap(), expected, "{json}");
    }
    for odd in
        [r#""bug""#, r#"["bug"]"#, "[null]", "{}", "1", r#"[{"name": null}]"#, r#"[{"name": 1}]"#, r#"[{}]"#]
    {
        let error = labels(&format!(r#"{{"pull_request": {{"labels": {odd}}}}}"#)).unwrap_err();
        assert_eq!(error.downcast_ref::<Exit>().map(Exit::code), Some(2), "{odd}: {error}");
    }
}

#[test]
fn labels_of_the_command_line_are_added_to_those_of_the_forge() {
    let pull = |labels: Option<&[&str]>| Event::PullRequest {
        head: "x".into(),
        base: "main".into(),
        labels: labels.map(|list| list.iter().map(|label| label.to_string()).collect()),
        squash: None,
    };
    let more = ["a".to_string()];
    assert_eq!(pull(None).with_labels(&[]).unwrap(), pull(None));
    assert_eq!(pull(None).with_labels(&more).unwrap(), pull(Some(&["a"])));
    assert_eq!(pull(Some(&["b"])).with_labels(&more).unwrap(), pull(Some(&["b", "a"])));
    let error = push("main", None).with_labels(&more).unwrap_err().to_string();
    assert_eq!(error, "--label is for pull requests, but this event is: push to main");
}

#[test]
fn an_event_without_a_job_is_named() {
    for (name, reference, json, expected) in [
        ("push", "refs/tags/python-v0.0.1", "{}", "\"refs/tags/python-v0.0.1\" is not a branch"),
        ("push", "refs/pull/1/head", "{}", "\"refs/pull/1/head\" is not a branch"),
        ("push", "refs/heads/x", r#"{"deleted": true}"#, "\"refs/heads/x\" was deleted"),
        ("issues", "refs/heads/main", "{}", "no job handles the event \"issues\""),
        ("release\n::stop", "refs/heads/main", "{}", "no job handles the event \"release\\n::stop\""),
    ] {
        let event = read(&[("GITHUB_EVENT_NAME", name), ("GITHUB_REF", reference), ("EVENT", json)]).unwrap();
        assert_eq!(event, Event::Other(expected.to_string()));
    }
}

#[test]
fn an_invalid_event_is_refused_with_the_name_of_the_wrong_part() {
    for (variables, expected) in [
        (vec![], "GITHUB_EVENT_NAME is not set"),
        (vec![("GITHUB_EVENT_NAME", "")], "GITHUB_EVENT_NAME is not set"),
        (vec![("GITHUB_EVENT_NAME", "push")], "GITHUB_REF is not set"),
        (vec![("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_HEAD_REF", "x")], "GITHUB_BASE_REF is not set"),
        (
            vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/--force")],
            "\"--force\" is not a valid branch name",
        ),
        (
            vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/")],
            "\"\" is not a valid branch name",
        ),
        (vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/a..b")], "\"a..b\" is not a valid"),
        (vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/a b")], "\"a b\" is not a valid"),
        (vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/x@{1}")], "\"x@{1}\" is not a valid"),
        (
            vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/main"), ("EVENT", "{")],
            "is not an event",
        ),
        (
            vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/main"), ("EVENT", "[]")],
            "is not an event",
        ),
        (
            vec![
                ("GITHUB_EVENT_NAME", "push"),
                ("GITHUB_REF", "refs/heads/main"),
                ("EVENT", r#"{"before": 1}"#),
            ],
            "is not an event",
        ),
        (
            vec![
                ("GITHUB_EVENT_NAME", "push"),
                ("GITHUB_REF", "refs/heads/main"),
                ("GITHUB_EVENT_PATH", "/no/such"),
            ],
            "cannot be read",
        ),
        (
            vec![("GITHUB_EVENT_NAME", "merge_group"), ("GITHUB_REF", "refs/heads/q"), ("EVENT", "{}")],
            "no merge_group.base_ref",
        ),
        (vec![("GITHUB_EVENT_NAME", "pull_request_target")], "use pull_request"),
    ] {
        let error = read(&variables).unwrap_err();
        assert_eq!(error.downcast_ref::<Exit>().map(Exit::code), Some(2), "{error}");
        assert!(error.to_string().contains(expected), "{expected} is not in {error}");
    }
}
