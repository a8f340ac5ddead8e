//! compat.json: written, checked, bumped, shipped, served.

use crate::demo::{self, World};
use crate::seen::masked;
use crate::support::{Repo, run};
use camino::Utf8Path;
use expect_test::expect;

/// Gives the demo app a `[compat]`, an example plugin, and black-box tests.
pub(crate) fn promise(repo: &Repo, app: &str) {
    demo::copy(
        &Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/demo-compat/{app}")),
        &repo.path.join("apps").join(app),
    );
    repo.write(&format!("apps/{app}/black_box.py"), include_str!("demo-compat/black_box.py"));
    let file = format!("apps/{app}/app.toml");
    let (place, generate, users) = match app {
        "python" => (
            "src/demo_agent/compat.json",
            r#""python", "-m", "demo_agent.compat""#,
            r#""python", "-m", "unittest", "discover", "--start-directory", "examples/plugin""#,
        ),
        _ => ("compat.json", r#""bun", "src/compat-json.js""#, r#""bun", "test", "examples/plugin""#),
    };
    let contract = format!("contract = [\"python3\", \"apps/{app}/black_box.py\"]\n");
    let compat =
        format!("[compat]\nfile = \"{place}\"\ngenerate = [{generate}]\nusers = [{users}]\n\n[api]\n");
    repo.write(&file, repo.read(&file).replace("\n[api]\n", &format!("{contract}\n{compat}")));
    if app == "ts" {
        let manifest = repo.read("apps/ts/package.json");
        repo.write("apps/ts/package.json", manifest.replace("\"src\"\n", "\"src\",\n    \"compat.json\"\n"));
    }
}

/// The demo app with `[compat]`, its spec and compat.json written, in one commit.
pub(crate) fn repo(app: &str) -> Repo {
    let repo = demo::files(&[app]);
    promise(&repo, app);
    repo.xtask(&["openapi", "generate"]).expect(0);
    repo.xtask(&["compat", "--write"]).expect(0);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: promises"]);
    repo
}

fn file(app: &str) -> &'static str {
    if app == "python" { "apps/python/src/demo_agent/compat.json" } else { "apps/ts/compat.json" }
}

/// The app's source file that prints compat.json.
fn source(app: &str) -> &'static str {
    if app == "python" { "apps/python/src/demo_agent/compat.py" } else { "apps/ts/src/compat.js" }
}

#[test]
fn a_changed_document_is_stale_until_it_is_written() {
    let mut seen = String::new();
    for app in ["python", "ts"] {
        let repo = repo(app);
        seen.push_str(&repo.untouched(|| repo.xtask(&["compat", app])).seen());
        repo.write(source(app), repo.read(source(app)).replace("9.0.0", "10.0.0"));
        let stale = repo.xtask(&["compat", "--json"]).expect(3);
        let committed = repo.git(&["show", &format!("HEAD:{}", file(app))]) + "\n";
        assert_eq!(repo.read(file(app)), committed, "a check writes nothing");
        let finding = &stale.json()["findings"][0];
        assert_eq!(
            (&finding["id"], &finding["place"]),
            (&"compat-stale".into(), &file(app).into()),
            "{stale:#?}"
        );
        seen.push_str(&stale.seen_findings());
        seen.push_str(&repo.xtask(&["check", "--quick", app]).seen_lines(&["compat"]));
        seen.push_str(&repo.untouched(|| repo.xtask(&["compat", "--write", "--dry-run"])).seen());
        repo.xtask(&["compat", "--write", app]).expect(0);
        repo.xtask(&["compat", app]).expect(0);
        assert!(repo.read(file(app)).ends_with("}\n"));
    }
    expect![[r#"
        exit code 0
          ✓ compat-python     the committed file matches the code: plugins 1, 2; channels http 1 (TIME)
        exit code 3
        error[compat-stale]: python: the committed compat.json does not match the code (apps/python/src/demo_agent/compat.json)
        --- apps/python/src/demo_agent/compat.json (committed)
        +++ apps/python/src/demo_agent/compat.json (from the code)
        @@ -16,7 +16,7 @@
           "plugins": [
             {
               "apiVersion": "1",
        -      "removal": "9.0.0",
        +      "removal": "10.0.0",
               "status": "deprecated"
             },
             {
          → cargo xtask compat python --write
        error: 1 finding to fix first
        exit code 3
          ✗ compat-python     stale (TIME)
        error[compat-stale]: python: the committed compat.json does not match the code (apps/python/src/demo_agent/compat.json)
        --- apps/python/src/demo_agent/compat.json (committed)
        +++ apps/python/src/demo_agent/compat.json (from the code)
          → cargo xtask compat python --write
        exit code 0
        --- apps/python/src/demo_agent/compat.json (committed)
        +++ apps/python/src/demo_agent/compat.json (from the code)
        @@ -16,7 +16,7 @@
           "plugins": [
             {
               "apiVersion": "1",
        -      "removal": "9.0.0",
        +      "removal": "10.0.0",
               "status": "deprecated"
             },
             {
        stderr:
          ✓ compat python     apps/python/src/demo_agent/compat.json would change (TIME)
        exit code 0
          ✓ compat-ts         the committed file matches the code: plugins 1, 2; channels http 1 (TIME)
        exit code 3
        error[compat-stale]: ts: the committed compat.json does not match the code (apps/ts/compat.json)
        --- apps/ts/compat.json (committed)
        +++ apps/ts/compat.json (from the code)
        @@ -16,7 +16,7 @@
           "plugins": [
             {
               "apiVersion": "1",
        -      "removal": "9.0.0",
        +      "removal": "10.0.0",
               "status": "deprecated"
             },
             {
          → cargo xtask compat ts --write
        error: 1 finding to fix first
        exit code 3
          ✗ compat-ts         stale (TIME)
        error[compat-stale]: ts: the committed compat.json does not match the code (apps/ts/compat.json)
        --- apps/ts/compat.json (committed)
        +++ apps/ts/compat.json (from the code)
          → cargo xtask compat ts --write
        exit code 0
        --- apps/ts/compat.json (committed)
        +++ apps/ts/compat.json (from the code)
        @@ -16,7 +16,7 @@
           "plugins": [
             {
               "apiVersion": "1",
        -      "removal": "9.0.0",
        +      "removal": "10.0.0",
               "status": "deprecated"
             },
             {
        stderr:
          ✓ compat ts         apps/ts/compat.json would change (TIME)
    "#]].assert_eq(&seen);
}

#[test]
fn a_wrong_or_malformed_document_is_refused() {
    let repo = repo("python");
    let source = repo.read(source("python"));
    let cases = [
        ("\"package\": \"demo-agent\"", "\"package\": \"another\""),
        ("\"version\": __version__", "\"version\": \"0.0.9\""),
        ("+ \"\\n\"", "+ \"\\n\\n\""),
        ("\"9.0.0\"", "None"),
        ("\"schema\": 1,", ""),
        ("indent=2, sort_keys=True))\n", "indent=2)[10:])\n"),
    ];
    let mut said = String::new();
    for (old, new) in cases {
        let at = source.rfind(old).unwrap_or_else(|| panic!("{old}"));
        repo.write(
            "apps/python/src/demo_agent/compat.py",
            format!("{}{new}{}", &source[..at], &source[at + old.len()..]),
        );
        said.push_str(&repo.xtask(&["check", "--quick", "python"]).expect(3).seen());
    }
    expect![[r#"
        exit code 3
          ✗ compat-python     stale (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
        error[compat-stale]: python: the committed compat.json does not match the code (apps/python/src/demo_agent/compat.json)
        --- apps/python/src/demo_agent/compat.json (committed)
        +++ apps/python/src/demo_agent/compat.json (from the code)
        @@ -12,7 +12,7 @@
             "spec": "sha256:SHA256",
             "version": "1"
           },
        -  "package": "demo-agent",
        +  "package": "another",
           "plugins": [
             {
               "apiVersion": "1",
          → cargo xtask compat python --write
        error[compat-package]: python: compat.json has the package "another", but it should be "demo-agent" (apps/python/src/demo_agent/compat.json)
          → the generator in apps/python/app.toml, [compat], must print it
        error: 2 findings to fix first
        exit code 3
          ✗ compat-python     stale (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
        error[compat-stale]: python: the committed compat.json does not match the code (apps/python/src/demo_agent/compat.json)
        --- apps/python/src/demo_agent/compat.json (committed)
        +++ apps/python/src/demo_agent/compat.json (from the code)
        @@ -26,5 +26,5 @@
             }
           ],
           "schema": 1,
        -  "version": "0.0.0"
        +  "version": "0.0.9"
         }
          → cargo xtask compat python --write
        error[compat-version]: python: compat.json has the version "0.0.9", but it should be "0.0.0" (apps/python/src/demo_agent/compat.json)
          → the generator in apps/python/app.toml, [compat], must print it
        error: 2 findings to fix first
        exit code 3
          ✗ compat-python     stale (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
        error[compat-stale]: python: the committed compat.json does not match the code (apps/python/src/demo_agent/compat.json)
        --- apps/python/src/demo_agent/compat.json (committed)
        +++ apps/python/src/demo_agent/compat.json (from the code)
        @@ -9,7 +9,7 @@
             }
           ],
           "contract": {
        -    "spec": "sha256:SHA256",
        +    "spec": "sha256:SHA256",
             "version": "1"
           },
           "package": "demo-agent",
          → cargo xtask compat python --write
        error[compat-spec]: python: compat.json has the hash of apps/python/openapi.json "sha256:SHA256", but it should be "sha256:SHA256" (apps/python/src/demo_agent/compat.json)
          → cargo xtask openapi generate python && cargo xtask compat python --write
        error: 2 findings to fix first
        exit code 3
          ✗ compat-python     the generator failed (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
        error[compat]: python: `python -m demo_agent.compat` did not print a valid compat.json (contract/compat.schema.json) (apps/python):
          plugins[0].removal: null, but a deprecated entry needs the version of its removal
        error: 1 finding to fix first
        exit code 3
          ✗ compat-python     the generator failed (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
        error[compat]: python: `python -m demo_agent.compat` did not print a valid compat.json (contract/compat.schema.json) (apps/python):
          missing field `schema` at line 29 column 1
        error: 1 finding to fix first
        exit code 3
          ✗ compat-python     the generator failed (TIME)
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
        error[compat]: python: `python -m demo_agent.compat` did not print a valid compat.json (contract/compat.schema.json) (apps/python):
          not JSON: expected value at line 1 column 1
        error: 1 finding to fix first
    "#]].assert_eq(&said);
    // `compat` reports it too.
    repo.write("apps/python/src/demo_agent/compat.py", source.replace("\"9.0.0\"", "\"0.0.0\""));
    repo.xtask(&["compat", "--write"]).expect(0);
    let overdue = repo.xtask(&["compat"]).expect(0).stderr;
    expect![[r#"
          ✓ compat-python     the committed file matches the code: plugins 1, 2; channels http 1 (TIME)
        warning[compat-overdue]: python: plugin apiVersion 1 is deprecated, and its removal is 0.0.0, and this is 0.0.0 (apps/python/src/demo_agent/compat.json)
          → remove it from the code, or set a later removal
    "#]].assert_eq(&masked(&overdue));
}

#[test]
fn the_settings_of_compat_are_strict() {
    let repo = Repo::new();
    let mut said = String::new();
    for lines in [
        "file = \"compat.json\"",
        "file = \"promises.json\"\ngenerate = [\"x\"]",
        "file = \"../compat.json\"\ngenerate = [\"x\"]",
        "file = \"/tmp/compat.json\"\ngenerate = [\"x\"]",
        "file = \"compat.json\"\ngenerate = []",
        "file = \"compat.json\"\ngenerate = [\"x\"]\nusers = []",
        "file = \"compat.json\"\ngenerate = [\"x\"]\nuser = [\"x\"]",
    ] {
        let spec = "[spec]\nfile = \"openapi.json\"\ngenerate = [\"x\"]\nserve = [\"x\"]\n";
        repo.write("apps/python/app.toml", format!("{}{spec}[compat]\n{lines}\n", crate::support::APP_TOML));
        said.push_str(&repo.xtask(&["compat"]).expect(2).seen());
    }
    expect![[r#"
        exit code 2
        error: apps/python/app.toml:9:1: missing field `generate`
        exit code 2
        error: apps/python/app.toml: [compat] file = "promises.json": the file must be called compat.json, because downstream repositories look for that name in a package
        exit code 2
        error: apps/python/app.toml: [compat] file = "../compat.json" is outside the app's folder
        exit code 2
        error: apps/python/app.toml: [compat] file = "/tmp/compat.json" is outside the app's folder
        exit code 2
        error: apps/python/app.toml: [compat] generate has an empty command; write it as a list: ["program", "argument"]
        exit code 2
        error: apps/python/app.toml: [compat] users has an empty command; write it as a list: ["program", "argument"]
        exit code 2
        error: apps/python/app.toml:12:1: unknown field `user`, expected one of `file`, `generate`, `users`; did you mean `users`?
    "#]].assert_eq(&said);
    repo.write(
        "apps/python/app.toml",
        format!("{}[compat]\nfile = \"compat.json\"\ngenerate = [\"x\"]\n", crate::support::APP_TOML),
    );
    expect![[r#"
        exit code 2
        error: apps/python/app.toml: [compat] needs a [spec], because compat.json contains its hash
    "#]]
    .assert_eq(&repo.xtask(&["compat"]).expect(2).seen());
    repo.write("apps/python/app.toml", crate::support::APP_TOML);
    expect![[r#"
        exit code 0
          - compat-python     no [compat] in its app.toml
    "#]]
    .assert_eq(&repo.xtask(&["compat"]).expect(0).seen());
}

#[test]
fn a_bump_writes_the_version_and_the_specs_hash_into_compat_json_in_its_commit() {
    for app in ["python", "ts"] {
        let repo = repo(app);
        repo.xtask(&["bump", app]).expect(0);
        let committed = repo.git(&["show", "--format=", "--name-only", "HEAD"]);
        assert!(committed.lines().any(|l| l == file(app)), "{committed}");
        let document: serde_json::Value = serde_json::from_str(&repo.read(file(app))).unwrap();
        assert_eq!(document["version"], "0.0.1");
        repo.xtask(&["compat", app]).expect(0);
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn a_package_without_the_committed_document_is_not_built() {
    let mut seen = String::new();
    for (app, lose, change) in [
        // uv_build packs every file in the module.
        (
            "python",
            "[tool.uv.build-backend]\nwheel-exclude = [\"compat.json\"]\n",
            ("apps/python/pyproject.toml", ""),
        ),
        ("ts", "\"src\"\n", ("apps/ts/package.json", "\"src\",\n    \"compat.json\"\n")),
    ] {
        let repo = repo(app);
        repo.xtask(&["build", app]).expect(0);
        let (manifest, old) = change;
        let text = repo.read(manifest);
        let text = if old.is_empty() { format!("{text}\n{lose}") } else { text.replace(old, lose) };
        repo.commit(manifest, &text, "fix: lose it");
        seen.push_str(&repo.xtask(&["build", app]).seen_error());
    }
    expect![[r#"
        exit code 1
        error: apps/python at COMMIT: demo_agent-0.0.0-py3-none-any.whl contains no compat.json: the package must contain the one that [compat] in app.toml names
        exit code 1
        error: apps/ts at COMMIT: demo-agent-0.0.0.tgz contains no compat.json: the package must contain the one that [compat] in app.toml names
    "#]].assert_eq(&seen);
    let repo = repo("ts");
    let manifest = repo.read("apps/ts/package.json");
    let build = "  \"scripts\": { \"build\": \"echo '{}' > compat.json\" },\n  \"bin\"";
    repo.commit("apps/ts/package.json", &manifest.replacen("  \"bin\"", build, 1), "fix: write another");
    let refused = repo.xtask(&["build", "ts"]).expect(1).stderr;
    expect![[r#"
        error: apps/ts at COMMIT: demo-agent-0.0.0.tgz: package/compat.json differs from the committed compat.json
    "#]].assert_eq(&masked(&refused));
}

#[test]
fn a_server_that_serves_another_document_than_it_ships_is_not_released() {
    let world = World::of("ts");
    promise(&world.repo, "ts");
    let answers = world.repo.read("apps/ts/src/answers.js");
    assert!(answers.contains("compat: compat()"), "{answers}");
    world.repo.write(
        "apps/ts/src/answers.js",
        answers.replace("compat: compat()", "compat: { ...compat(), channels: [] }"),
    );
    world.xtask(&["openapi", "generate"]).expect(0);
    world.xtask(&["compat", "--write"]).expect(0);
    world.repo.git(&["add", "--all"]);
    world.repo.git(&["commit", "--quiet", "--message", "feat: promises"]);
    world.bump(&[]);
    let outside = world.outside();
    let refused =
        run(world.command(&world.repo.path).args(["release", "ts", "--until", "smoke"])).expect(1).stderr;
    expect![[r#"
        Release ts v0.0.1 at 1234567
          ✓ compat-ts         the committed file matches the code: plugins 1, 2; channels http 1 (TIME)
          ✓ lint-ts           bun.lock (TIME)
          ✓ openapi-ts        the committed spec matches the code (TIME)
          ✓ test-ts           Ran 2 tests across 2 files. [TIME]; contract: Ran 1 test in TIME (TIME)
          - users-ts          no release yet, so there are no earlier tests to run
          ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: nothing ran for 1234567, no open release-blocker (TIME)
          ✓ build             demo-agent-0.0.1.tgz 1234567890ab (TIME)
          ✗ smoke             stopped here (TIME)
        error: step smoke of ts-v0.0.1 failed: http://127.0.0.1:PORT/info does not serve the committed compat.json: they differ at /compat/channels (served [], committed [{"protocol":"http","removal":null,"status":"supported","ver…); run `cargo xtask compat --write`
          → `cargo xtask release ts` continues
    "#]].assert_eq(&masked(&refused));
    assert_eq!(outside, world.outside());
}
