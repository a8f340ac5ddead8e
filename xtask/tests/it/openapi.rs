//! `openapi diff`: files, committed specs, exit codes, text and JSON output.

use crate::support::Repo;
use serde_json::{Value, json};

/// A spec whose `GET /runs` has these query parameters.
fn spec(parameters: Value) -> String {
    let operation = json!({ "operationId": "listRuns", "parameters": parameters, "responses": { "200": { "description": "Done." } } });
    json!({ "openapi": "3.1.0", "info": { "title": "Demo", "version": "0" }, "paths": { "/runs": { "get": operation } } }).to_string()
}

fn limit(required: bool) -> Value {
    json!([{ "name": "limit", "in": "query", "required": required, "schema": { "type": "integer" } }])
}

/// `apps/python/openapi.json` without the parameter at the tag `python-v0.0.1`, with an optional one at HEAD.
fn released() -> Repo {
    let repo = Repo::new();
    let app = format!(
        "{}\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"true\"]\nserve = [\"true\"]\n",
        crate::support::APP_TOML
    );
    repo.commit("apps/python/app.toml", &app, "chore: a spec");
    repo.commit("apps/python/openapi.json", &spec(json!([])), "feat: runs");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.commit("apps/python/openapi.json", &spec(limit(false)), "feat: a limit");
    repo
}

#[test]
fn a_change_that_breaks_clients_is_refused_and_named() {
    let repo = released();
    repo.write("new.json", spec(limit(true)));
    let output = repo.untouched(|| repo.xtask(&["openapi", "diff", "HEAD:python", "new.json"]).expect(3));
    assert!(
        output.stdout.contains("GET /runs\n  breaking the query parameter `limit` is now required"),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.contains("[request-parameter-became-required] /paths/~1runs/get/parameters/0"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.ends_with("1 change: 1 breaking\n"), "{}", output.stdout);
    assert_eq!(output.stderr, "error: 1 breaking change between HEAD:python and new.json\n");
}

#[test]
fn a_compatible_change_is_listed_and_passes() {
    let repo = released();
    let output = repo.xtask(&["openapi", "diff", "python-v0.0.1:python", "HEAD:python"]).expect(0);
    assert!(
        output.stdout.contains("info     the query parameter `limit` is new and optional"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.ends_with("1 change: 0 breaking, 1 info\n"), "{}", output.stdout);
    let output = repo.xtask(&["openapi", "diff", "HEAD:python", "apps/python/openapi.json"]).expect(0);
    assert_eq!(output.stdout, "no difference that a client can notice\n");
}

#[test]
fn json_has_the_findings_of_every_command() {
    let repo = released();
    repo.write("new.json", spec(limit(true)));
    let document = repo.xtask(&["--json", "openapi", "diff", "HEAD:python", "new.json"]).expect(3).json();
    let expected = json!({ "schema": 1, "findings": [{
        "id": "request-parameter-became-required", "level": "breaking", "app": null, "place": "/paths/~1runs/get/parameters/0",
        "message": "GET /runs: the query parameter `limit` is now required", "help": null,
        "operation": "GET /runs", "operations": ["GET /runs"], "old": null, "new": null,
        "old_place": "/paths/~1runs/get/parameters/0", "new_place": "/paths/~1runs/get/parameters/0",
    }] });
    assert_eq!(document, expected);
    let document = repo.xtask(&["--json", "openapi", "diff", "new.json", "new.json"]).expect(0).json();
    assert_eq!(document, json!({ "schema": 1, "findings": [] }));
}

#[test]
fn any_committed_file_and_standard_input_can_be_compared() {
    let repo = released();
    repo.commit("docs/api.json", &spec(json!([])), "docs: a spec that no app names");
    let output = repo.xtask(&["openapi", "diff", "HEAD:docs/api.json", "HEAD:python"]).expect(0);
    assert!(output.stdout.contains("[new-optional-request-parameter]"), "{}", output.stdout);
    // The tests give no standard input.
    let output = repo.xtask(&["openapi", "diff", "-", "HEAD:python"]).expect(1);
    assert!(output.stderr.contains("- is not JSON: EOF"), "{}", output.stderr);
    let output = repo.xtask(&["openapi", "diff", "-", "-"]).expect(2);
    assert!(output.stderr.contains("only one of both specs"), "{}", output.stderr);
}

#[test]
fn a_warning_fails_only_if_that_is_asked_for() {
    let repo = released();
    repo.write("new.json", spec(json!([])));
    let output = repo.xtask(&["openapi", "diff", "HEAD:python", "new.json"]).expect(0);
    assert!(output.stdout.contains("[request-parameter-removed]"), "{}", output.stdout);
    let output =
        repo.xtask(&["openapi", "diff", "HEAD:python", "new.json", "--fail-on", "warning"]).expect(3);
    assert!(output.stderr.contains("1 warning between HEAD:python and new.json"), "{}", output.stderr);
}

#[test]
fn a_comparison_that_is_impossible_fails_with_the_reason() {
    let repo = released();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let files = [
        ("empty.json", "", 1, "empty.json is not JSON: EOF while parsing"),
        ("deep.json", &deep, 1, "deep.json is not JSON: recursion limit exceeded"),
        ("old.json", r#"{"swagger": "2.0"}"#, 1, "old.json cannot be compared: it is Swagger 2.0"),
        (
            "package.json",
            r#"{"name": "demo"}"#,
            1,
            "package.json cannot be compared: it has no `openapi` version",
        ),
        ("spec.yaml", "openapi: 3.1.0", 2, "spec.yaml is YAML, but only JSON can be compared"),
    ];
    for (name, text, code, words) in files {
        repo.write(name, text);
        let output = repo.xtask(&["openapi", "diff", name, "HEAD:python"]).expect(code);
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    let sources = [
        ("nowhere.json", 2, "there is no file nowhere.json; give a file, or a committed spec as REF:APP"),
        ("HEAD:ruby", 2, "ruby"),
        ("v9:python", 1, "\"v9\" names no commit"),
        ("--output=x:python", 1, "it begins with `-`"),
        ("HEAD:apps/python/none.json", 1, "apps/python/none.json is not in HEAD"),
        ("HEAD:../openapi.json", 1, "../openapi.json is not in HEAD"),
        ("HEAD~3:python", 1, "apps/python/openapi.json is not in HEAD~3"),
    ];
    for (source, code, words) in sources {
        let output = repo.xtask(&["openapi", "diff", "--", source, "HEAD:python"]).expect(code);
        assert!(output.stderr.contains(words), "{source}: {}", output.stderr);
    }
    assert!(!repo.path.join("x").exists());
}

/// Released as 0.1.0 with an optional `limit`. HEAD requires it, in a commit with this subject.
fn breaks(subject: &str, more: &str) -> Repo {
    let repo = Repo::new();
    let spec_toml = "\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"true\"]\nserve = [\"true\"]\n";
    repo.commit("apps/python/app.toml", &format!("{}{spec_toml}", crate::support::APP_TOML), "chore: a spec");
    repo.commit("apps/python/openapi.json", &spec(limit(false)), "feat: a limit");
    repo.commit(
        "apps/python/pyproject.toml",
        &crate::support::PYPROJECT.replace("0.0.0", "0.1.0"),
        "chore(release): python v0.1.0",
    );
    repo.git(&["tag", "-a", "-m", "notes", "python-v0.1.0"]);
    repo.commit("apps/python/openapi.json", &spec(limit(true)), subject);
    if !more.is_empty() {
        let app = format!("{}{spec_toml}{more}", crate::support::APP_TOML);
        repo.commit("apps/python/app.toml", &app, "chore: say what is accepted");
    }
    repo
}

#[test]
fn an_undeclared_break_stops_the_plan_with_its_place_and_the_ways_to_go_on() {
    let repo = breaks("fix: a limit is needed", "");
    let stopped = repo.untouched(|| repo.xtask(&["plan", "python"]).expect(3));
    let evidence = "spec      major    breaks clients since python-v0.1.0: GET /runs: the query parameter `limit` is now required";
    assert!(stopped.stdout.contains(evidence), "{}", stopped.stdout);
    for part in [
        "breaking[undeclared-break]",
        "apps/python/openapi.json#/paths/~1runs/get/parameters/0",
        "BREAKING CHANGE",
        "or revert it",
        "[[accept]] id = \"request-parameter-became-required\"",
    ] {
        assert!(stopped.stderr.contains(part), "{part} is missing in {}", stopped.stderr);
    }
    // The evidence of the spec counts more than the commit's type.
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(3).json()["apps"][0]["next"], "0.2.0");
}

#[test]
fn a_declared_or_accepted_break_passes_and_a_stale_acceptance_is_reported() {
    let accept = |version: &str| {
        format!(
            "\n[[accept]]\nid = \"request-parameter-became-required\"\nversion = \"{version}\"\nreason = \"nobody calls it yet\"\n"
        )
    };
    for (subject, accepted, code, next) in [
        ("fix!: a limit is needed", String::new(), 0, "0.2.0"),
        ("fix: a limit is needed", accept("0.1.1"), 0, "0.1.1"),
        ("fix: a limit is needed", accept("0.1.0"), 3, "0.2.0"),
    ] {
        let repo = breaks(subject, &accepted);
        let plan = repo.xtask(&["plan", "python", "--json"]).expect(code);
        assert_eq!(plan.json()["apps"][0]["next"], next, "{subject} {accepted}");
        assert_eq!(plan.stderr.contains("acceptance-stale"), code == 3, "{}", plan.stderr);
    }
    let broken =
        breaks("fix: x", "\n[[accept]]\nid = \"x\"\nversion = \"0.1.1\"\n").xtask(&["plan"]).expect(2);
    assert!(broken.stderr.contains("missing field `reason`"), "{}", broken.stderr);
}

#[test]
fn a_wider_spec_demands_a_minor_version_and_an_equal_spec_demands_nothing() {
    let repo = breaks("fix: x", "");
    repo.commit("apps/python/openapi.json", &spec(json!([])), "fix: no limit");
    repo.commit("apps/python/openapi.json", &spec(limit(false)), "fix: the limit again");
    repo.change("fix: something else");
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(0).json()["apps"][0]["next"], "0.1.1");
    let mut wider: Value = serde_json::from_str(&spec(limit(false))).unwrap();
    wider["paths"]["/runs"]["post"] = json!({ "responses": { "200": { "description": "Done." } } });
    repo.commit("apps/python/openapi.json", &wider.to_string(), "fix: runs can be made");
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(0).json()["apps"][0]["next"], "0.2.0");
}

#[test]
fn an_unreadable_released_spec_is_reported_and_does_not_stop_the_next_release() {
    let repo = breaks("fix: a limit is needed", "");
    repo.commit("apps/python/openapi.json", "{ not json", "docs: a broken spec");
    repo.git(&["tag", "--force", "-a", "-m", "notes", "python-v0.1.0"]);
    repo.commit("apps/python/openapi.json", &spec(limit(true)), "fix: a limit is needed");
    let plan = repo.xtask(&["plan", "python", "--json"]).expect(0);
    assert_eq!(plan.json()["apps"][0]["next"], "0.1.1");
    assert!(
        plan.stderr.contains("warning[contract-unreadable]") && plan.stderr.contains("is not JSON"),
        "{}",
        plan.stderr
    );
}
