//! `openapi diff`: files, committed specs, exit codes, text and JSON output.

use crate::support::{Repo, run};
use expect_test::expect;
use serde_json::{Value, json};

/// A spec whose `GET /runs` has these query parameters.
fn spec(parameters: Value) -> String {
    let operation = json!({ "operationId": "listRuns", "parameters": parameters,
        "responses": { "200": { "description": "Done." } } });
    json!({ "openapi": "3.1.0", "info": { "title": "Demo", "version": "0" },
        "paths": { "/runs": { "get": operation } } })
    .to_string()
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
    let output = repo.untouched(|| repo.xtask(&["openapi", "diff", "HEAD:python", "new.json"]));
    expect![[r#"
        exit code 3
        GET /runs
          breaking the query parameter `limit` is now required [request-parameter-became-required] /paths/~1runs/get/parameters/0
        1 change: 1 breaking
        stderr:
        error: 1 breaking change between HEAD:python and new.json
    "#]].assert_eq(&output.seen());
}

#[test]
fn a_compatible_change_is_listed_and_passes() {
    let repo = released();
    let compared = [["python-v0.0.1:python", "HEAD:python"], ["HEAD:python", "apps/python/openapi.json"]]
        .map(|[old, new]| repo.xtask(&["openapi", "diff", old, new]).seen());
    expect![[r#"
        exit code 0
        GET /runs
          info     the query parameter `limit` is new and optional [new-optional-request-parameter] /paths/~1runs/get/parameters/0 (was /paths/~1runs/get)
        1 change: 0 breaking, 1 info
        exit code 0
        no difference that a client can notice
    "#]].assert_eq(&compared.concat());
}

#[test]
fn json_has_the_findings_of_every_command() {
    let repo = released();
    repo.write("new.json", spec(limit(true)));
    let document = repo.xtask(&["--json", "openapi", "diff", "HEAD:python", "new.json"]).expect(3).json();
    let expected = json!({ "schema": 1, "findings": [{
        "id": "request-parameter-became-required", "level": "breaking", "app": null,
            "place": "/paths/~1runs/get/parameters/0",
        "message": "GET /runs: the query parameter `limit` is now required", "help": null,
        "operation": "GET /runs", "operations": ["GET /runs"], "old": null, "new": null,
        "old_file": "apps/python/openapi.json:1", "new_file": "new.json:1", "accepted": null,
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
    // The tests give no standard input.
    let compared = [["HEAD:docs/api.json", "HEAD:python"], ["-", "HEAD:python"], ["-", "-"]]
        .map(|[old, new]| repo.xtask(&["openapi", "diff", old, new]).seen());
    expect![[r#"
        exit code 0
        GET /runs
          info     the query parameter `limit` is new and optional [new-optional-request-parameter] /paths/~1runs/get/parameters/0 (was /paths/~1runs/get)
        1 change: 0 breaking, 1 info
        exit code 1
        error: the spec on standard input cannot be compared: it is not an object
        exit code 2
        error: only one of both specs can be read from standard input
    "#]].assert_eq(&compared.concat());
}

#[test]
fn a_warning_fails_only_if_that_is_asked_for() {
    let repo = released();
    repo.write("new.json", spec(json!([])));
    let compared = [&[] as &[&str], &["--fail-on", "warning"]]
        .map(|args| repo.xtask(&[&["openapi", "diff", "HEAD:python", "new.json"], args].concat()).seen());
    expect![[r#"
        exit code 0
        GET /runs
          warning  the query parameter `limit` was removed [request-parameter-removed] /paths/~1runs/get (was /paths/~1runs/get/parameters/0)
        1 change: 0 breaking, 1 warning
        exit code 3
        GET /runs
          warning  the query parameter `limit` was removed [request-parameter-removed] /paths/~1runs/get (was /paths/~1runs/get/parameters/0)
        1 change: 0 breaking, 1 warning
        stderr:
        error: 1 warning between HEAD:python and new.json
    "#]].assert_eq(&compared.concat());
}

#[test]
fn a_comparison_that_is_impossible_fails_with_the_reason() {
    let repo = released();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let files = [
        ("empty.json", ""),
        ("deep.json", &deep),
        ("old.json", r#"{"swagger": "2.0"}"#),
        ("package.json", r#"{"name": "demo"}"#),
        ("bad.yaml", "openapi: 3.1.0\nopenapi: 3"),
        ("list.yml", "- a"),
        ("binary.yaml", "\u{0}"),
    ];
    let mut sources = Vec::new();
    for (name, text) in files {
        repo.write(name, text);
        sources.push(name);
    }
    sources.extend(["nowhere.json", "HEAD:ruby", "v9:python", "--output=x:python"]);
    sources.extend(["HEAD:apps/python/none.json", "HEAD:../openapi.json", "HEAD~3:python"]);
    let compared: Vec<String> = sources
        .iter()
        .map(|source| repo.xtask(&["openapi", "diff", "--", source, "HEAD:python"]).seen())
        .collect();
    expect![[r#"
        exit code 1
        error: empty.json is not JSON: EOF while parsing a value at line 1 column 0
        exit code 1
        error: deep.json is not JSON: recursion limit exceeded at line 1 column 128
        exit code 1
        error: old.json cannot be compared: it is Swagger 2.0; convert it to OpenAPI 3 first
        exit code 1
        error: package.json cannot be compared: it has no `openapi` version, so it is not an OpenAPI document
        exit code 1
        error: bad.yaml is not YAML: the key "openapi" is there twice, in line 2
        exit code 1
        error: list.yml cannot be compared: it is not an object
        exit code 1
        error: binary.yaml is not YAML: unexpected character: `\u{0}' at char 0 line 1 column 1
        exit code 2
        error: there is no file nowhere.json; give a file, or a committed spec as REF:APP (main:python) or REF:PATH
        exit code 2
        error: no app "ruby" under WORLD/repo/apps (there are: python)
        exit code 1
        error: "v9" names no commit in WORLD/repo
        exit code 1
        error: "--output=x" is not a revision: it begins with `-`
        exit code 1
        error: apps/python/none.json is not in HEAD: git cat-file blob COMMIT:apps/python/none.json failed in WORLD/repo:
        fatal: path 'apps/python/none.json' does not exist in 'COMMIT'
        exit code 1
        error: ../openapi.json is not in HEAD: git cat-file blob COMMIT:../openapi.json failed in WORLD/repo:
        fatal: '../openapi.json' is outside repository at 'WORLD/repo'
        exit code 1
        error: apps/python/openapi.json is not in HEAD~3: git cat-file blob COMMIT:apps/python/openapi.json failed in WORLD/repo:
        fatal: path 'apps/python/openapi.json' exists on disk, but not in 'COMMIT'
    "#]].assert_eq(&compared.concat());
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
    expect![[r#"
        exit code 3
        python  0.1.0 → 0.2.0  (major, but 0.y: minor)
          counts since python-v0.1.0
            1234567  fix  a limit is needed
          evidence
            commits   patch    fix: a limit is needed (1234567)
            spec      major    breaks clients since python-v0.1.0: GET /runs: the query parameter `limit` is now required
            tags      > 0.1.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        breaking[undeclared-break]: python: breaks users of python-v0.1.0, and no commit declares it (apps/python/openapi.json#/paths/~1runs/get/parameters/0):
          [request-parameter-became-required] GET /runs: the query parameter `limit` is now required
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "request-parameter-became-required", what = "GET /runs", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&repo.untouched(|| repo.xtask(&["plan", "python"])).seen());
    // The evidence of the spec counts more than the commit's type.
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(3).json()["apps"][0]["next"], "0.2.0");
}

#[test]
fn a_declared_or_accepted_break_passes_and_a_stale_acceptance_is_reported() {
    let accept = |version: &str| {
        format!(
            "\n[[accept]]\nid = \"request-parameter-became-required\"\nversion = \"{version}\"\nreason \
             = \"nobody calls it yet\"\n"
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
    let broken = breaks("fix: x", "\n[[accept]]\nid = \"x\"\nversion = \"0.1.1\"\n");
    expect![[r#"
        exit code 2
        error: apps/python/app.toml:11:1: missing field `reason`
    "#]]
    .assert_eq(&broken.xtask(&["plan"]).seen());
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
    expect![[r#"
        exit code 0
        python  0.1.0 → 0.1.1  (patch)
          counts since python-v0.1.0
            1234567  fix  a limit is needed
          evidence
            commits   patch    fix: a limit is needed (1234567)
            spec      none     not compared: the specs cannot be compared, so breaking changes for clients are not detected: python-v0.1.0:apps/python/openapi.json is not JSON: key must be a string at line 1 column 3; only the commits decide the version: declare breaking changes in them
            tags      > 0.1.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[contract-unreadable]: python: the specs cannot be compared, so breaking changes for clients are not detected: python-v0.1.0:apps/python/openapi.json is not JSON: key must be a string at line 1 column 3 (apps/python/openapi.json)
          → only the commits decide the version: declare breaking changes in them
    "#]].assert_eq(&repo.xtask(&["plan", "python"]).seen());
}

/// A spec in three files: `GET /runs` answers with a run.
const MAIN: &str = "\
openapi: 3.1.0
info: { title: Demo, version: '0' }
paths:
  /runs:
    $ref: 'paths/runs.yaml#/runs'
components:
  schemas:
    Run: { $ref: schemas/run.json }
";
const RUNS: &str = "\
runs:
  get:
    responses:
      200:
        description: Done.
        content:
          application/json:
            schema: { $ref: ../schemas/run.json }
";
const RUN: &str = r##"{
  "type": "object",
  "required": ["id"],
  "properties": {
    "id": { "type": "string" },
    "next": { "$ref": "#" },
    "first": { "$ref": "../openapi.yaml#/components/schemas/Run" }
  }
}"##;

#[test]
fn a_spec_in_several_files_is_read_from_the_checkout_and_from_a_commit() {
    let repo = Repo::new();
    for (file, text) in
        [("docs/openapi.yaml", MAIN), ("docs/paths/runs.yaml", RUNS), ("docs/schemas/run.json", RUN)]
    {
        repo.commit(file, text, "docs: a spec");
    }
    let compare =
        |old: &str, new: &str, code: i32| repo.xtask(&["--json", "openapi", "diff", old, new]).expect(code);
    let same = compare("HEAD:docs/openapi.yaml", "docs/openapi.yaml", 0);
    assert_eq!(same.json()["findings"], json!([]));
    repo.write("docs/schemas/run.json", RUN.replace("string", "integer"));
    let changed = compare("HEAD:docs/openapi.yaml", "docs/openapi.yaml", 3).json();
    let [finding] = &changed["findings"].as_array().unwrap()[..] else { panic!("{changed}") };
    assert_eq!(finding["message"], "GET /runs: the response property `run.id` was string, now integer");
    assert_eq!(finding["place"], "docs/schemas/run.json#/properties/id/type");
    assert_eq!(finding["new_file"], "docs/schemas/run.json:5");
    // The same by standard input: references are relative to the current folder.
    repo.write("openapi.yaml", MAIN.replace("paths/", "docs/paths/").replace("schemas/", "docs/schemas/"));
    let shell = "exec \"$0\" --json openapi diff HEAD:docs/openapi.yaml - < openapi.yaml";
    let mut command = repo.command("sh", &repo.path);
    let output = run(command.args(["-c", shell, env!("CARGO_BIN_EXE_xtask")])).expect(3).json();
    assert_eq!(output["findings"][0]["new_file"], "docs/schemas/run.json:5");
}

#[test]
fn what_is_outside_of_the_repository_is_not_read_and_said_to_be_not_compared() {
    let repo = Repo::new();
    let secret = repo.path.parent().unwrap().join("outside.yaml");
    std::fs::write(&secret, "type: integer\n").unwrap();
    std::os::unix::fs::symlink(&secret, repo.path.join("link.yaml")).unwrap();
    let absolute = secret.to_string();
    for reference in [
        "../outside.yaml",
        "link.yaml",
        "missing.yaml",
        "http://127.0.0.1:1/a.json",
        "file:///etc/passwd",
        &absolute,
        ".",
    ] {
        let spec = |title: &str| {
            format!(
                "openapi: 3.0.3\ninfo: {{ title: {title} }}\npaths:\n  /a:\n    post:\
                 \n      requestBody:\n        content:\n          application/json:\
                 \n            schema: {{ $ref: '{reference}' }}\n"
            )
        };
        repo.write("old.yaml", spec("A"));
        repo.write("new.yaml", spec("B"));
        let output = repo.xtask(&["--json", "openapi", "diff", "old.yaml", "new.yaml"]).expect(0).json();
        let [finding] = &output["findings"].as_array().unwrap()[..] else { panic!("{reference}: {output}") };
        assert_eq!(
            (&finding["id"], &finding["level"]),
            (&json!("not-compared"), &json!("warning")),
            "{reference}"
        );
        assert_eq!(finding["new_file"], "new.yaml:9", "{reference}");
    }
}

#[test]
fn the_changes_are_written_in_each_format() {
    let repo = released();
    let mut two = limit(true);
    two[0]["name"] = json!("<limit>|`x` @all");
    repo.write(
        "new.json",
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(&spec(two)).unwrap()).unwrap(),
    );
    let mut all = String::new();
    for format in ["markdown", "html", "junit", "github"] {
        let different =
            repo.xtask(&["openapi", "diff", "HEAD:python", "new.json", "--format", format]).expect(3);
        let same = repo.xtask(&["openapi", "diff", "new.json", "new.json", "--format", format]).expect(0);
        all += &format!("{format}\n\n{}\n{}\n", different.stdout, same.stdout);
    }
    expect_test::expect_file!["openapi/formats.txt"].assert_eq(&all);
    let both = repo.xtask(&["--json", "openapi", "diff", "new.json", "new.json", "--format", "html"]);
    expect![[r#"
        exit code 2
        error: --json cannot be used with --format
    "#]]
    .assert_eq(&both.seen());
}

#[test]
fn settings_change_the_level_of_a_rule_for_the_comparison_and_for_the_plan() {
    let id = "request-parameter-became-required";
    let rules = |level: &str| format!("rules = {{ {id} = \"{level}\" }}\n");
    let repo = breaks("fix: a limit is needed", &rules("info"));
    expect![[r#"
        exit code 0
        GET /runs
          info     the query parameter `limit` is now required [request-parameter-became-required] /paths/~1runs/get/parameters/0
        1 change: 0 breaking, 1 info
    "#]].assert_eq(&repo.xtask(&["openapi", "diff", "HEAD~2:python", "HEAD:python"]).seen());
    assert_eq!(repo.xtask(&["plan", "python", "--json"]).expect(0).json()["apps"][0]["next"], "0.2.0");
    let listed = repo.xtask(&["--json", "openapi", "rules", "python"]).expect(0).json();
    let rule = listed["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id).unwrap();
    assert_eq!((&rule["level"], &rule["default"]), (&json!("info"), &json!("breaking")));
    let text = repo.xtask(&["openapi", "rules"]).expect(0).stdout;
    assert!(
        text.lines().any(|line| line.starts_with("breaking  request-parameter-became-required ")),
        "{text}"
    );
    assert!(text.lines().count() > 500 && !text.contains('{'), "{text}");

    let app = repo.read("apps/python/app.toml");
    repo.write("apps/python/app.toml", app.replace(id, "request-parameter-become-required"));
    let misspelt = repo.xtask(&["plan"]).seen();
    repo.write("apps/python/app.toml", app.replace("\"info\"", "\"loud\""));
    expect![[r#"
        exit code 2
        error: apps/python/app.toml: [spec] rules: there is no rule "request-parameter-become-required"; did you mean "request-parameter-became-required"?; `cargo xtask openapi rules` lists them
        exit code 2
        error: apps/python/app.toml:10:47: unknown variant `loud`, expected one of `breaking`, `warning`, `info`
    "#]].assert_eq(&(misspelt + &repo.xtask(&["plan"]).seen()));
}

#[test]
fn an_accepted_break_is_information_with_its_reason() {
    let accept = |version: &str| {
        format!(
            "\n[[accept]]\nid = \"request-parameter-became-required\"\nversion = \"{version}\"\n\
             reason = \"nobody calls it\"\n"
        )
    };
    let repo = breaks("fix: a limit is needed", &accept("0.1.1"));
    let output =
        repo.xtask(&["--json", "openapi", "diff", "python-v0.1.0:python", "HEAD:python"]).expect(0).json();
    let finding = &output["findings"][0];
    assert_eq!((&finding["level"], &finding["accepted"]), (&json!("info"), &json!("nobody calls it")));
    let message = finding["message"].as_str().unwrap();
    assert!(message.ends_with("is now required; accepted for 0.1.1: nobody calls it"), "{message}");
    // One for a release that is already out has no effect.
    let repo = breaks("fix: a limit is needed", &accept("0.1.0"));
    repo.xtask(&["openapi", "diff", "python-v0.1.0:python", "HEAD:python"]).expect(3);
}
