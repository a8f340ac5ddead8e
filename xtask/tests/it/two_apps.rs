//! Two apps in two languages in one repository: planned, checked and released together, with one contract
//! test and one push.

use crate::demo::{self, World};
use crate::support::Repo;
use expect_test::expect;
use std::os::unix::fs::PermissionsExt;

const CONTRACT: &str = "contract = [\"python3\", \"contract/test.py\"]";

/// A contract test that gets the server's spec, prints nine lines and exits with `code`.
fn contract(code: i32) -> String {
    format!(
        "import json, os, sys, urllib.request\n\n\
         opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))\n\
         with opener.open(os.environ[\"BASE_URL\"] + \"/openapi.json\") as answer:\n    \
             spec = json.load(answer)\n\
         for number in range(9):\n    \
             print(f\"{{spec['info']['title']}} tested {{number}}\", flush=True)\n\
         sys.exit({code})\n"
    )
}

/// A repository with both apps, their common contract test and their generated specs, committed on `main`.
fn repo() -> Repo {
    let repo = demo::files(&["python", "ts"]);
    for app in ["python", "ts"] {
        let file = format!("apps/{app}/app.toml");
        let settings = repo.read(&file).replace("[api]\n", &format!("{CONTRACT}\n\n[api]\n"));
        let (text, released) = settings.split_once("[release]\n").unwrap_or((&settings, ""));
        let only = if app == "ts" { ", \"types/**\"" } else { "" };
        repo.write(&file, format!("{text}[release]\nshared = [\"contract/**\"{only}]\n{released}"));
    }
    repo.write("contract/test.py", contract(0));
    repo.xtask(&["openapi", "generate"]).expect(0);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: two servers that say who they are"]);
    repo
}

#[test]
fn a_commit_counts_for_the_apps_that_it_touches() {
    let repo = repo();
    let apps = ["python", "ts"];
    for app in apps {
        repo.git(&["tag", &format!("{app}-v0.0.0")]);
    }
    let count = |app: &str, message: &str| {
        let plan = repo.xtask(&["plan", "--json"]).json();
        let app = plan["apps"].as_array().unwrap().iter().find(|a| a["app"] == app).unwrap().clone();
        app["commits"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["subject"] == message && c["counts"] == true)
            .count()
    };
    for (message, files, counts) in [
        ("fix: both", &["apps/python/README.md", "apps/ts/README.md"] as &[&str], [1, 1]),
        ("fix: neither", &["docs/README.md"], [0, 0]),
        ("fix: what both share", &["contract/more.py"], [1, 1]),
        ("fix: what one shares", &["types/index.d.ts"], [0, 1]),
        ("fix: one", &["apps/python/src/demo_agent/more.py"], [1, 0]),
    ] {
        for file in files {
            repo.write(file, message);
        }
        repo.commit(files[0], message, message);
        assert_eq!(apps.map(|app| count(app, message)), counts, "{message}");
    }
    let text = repo.xtask(&["plan"]).expect(0).stdout;
    assert!(apps.iter().all(|app| text.contains(app)), "{text}");
}

/// Checks that the `lines` lines with `what` are adjacent: the output of apps that run in parallel must not
/// be mixed.
#[track_caller]
fn in_one_piece(output: &str, what: &str, lines: usize) {
    let places: Vec<usize> =
        output.lines().enumerate().filter(|(_, line)| line.contains(what)).map(|(at, _)| at).collect();
    assert_eq!(places.len(), lines, "{what}: {output}");
    assert_eq!(places.last().unwrap() - places[0] + 1, lines, "{what} is interrupted: {output}");
}

#[test]
fn apps_with_one_contract_have_equal_specs_and_one_test_and_separate_output() {
    let repo = repo();
    let tested = repo.xtask(&["test"]).expect(0).stderr;
    for app in ["test-python", "test-ts"] {
        in_one_piece(&tested, app, 1);
    }
    assert_eq!(tested.matches("contract: ").count(), 2, "{tested}");
    let linted = repo.xtask(&["lint"]).expect(0).stderr;
    for app in ["lint-python", "lint-ts"] {
        in_one_piece(&linted, app, 1);
    }
    repo.xtask(&["openapi", "check"]).expect(0);
    repo.xtask(&["check"]).expect(0);

    repo.write("contract/test.py", contract(1));
    let failed = repo.xtask(&["test"]);
    for title in ["demo-agent tested", "@demo/agent tested"] {
        in_one_piece(&failed.stderr, title, 9);
    }
    expect![[r#"
        exit code 3
          ✗ test-python       1 failed (TIME)
          ✗ test-ts           1 failed (TIME)
          - users-python      no release yet, so there are no earlier tests to run
          - users-ts          no release yet, so there are no earlier tests to run
        error[contract]: python: the contract's tests failed: `python3 contract/test.py`: exit code 1 (apps/python)
        demo-agent tested 0
        demo-agent tested 1
        demo-agent tested 2
        demo-agent tested 3
        demo-agent tested 4
        demo-agent tested 5
        demo-agent tested 6
        demo-agent tested 7
        demo-agent tested 8
        error[contract]: ts: the contract's tests failed: `python3 contract/test.py`: exit code 1 (apps/ts)
        @demo/agent tested 0
        @demo/agent tested 1
        @demo/agent tested 2
        @demo/agent tested 3
        @demo/agent tested 4
        @demo/agent tested 5
        @demo/agent tested 6
        @demo/agent tested 7
        @demo/agent tested 8
        error: 2 findings to fix first
    "#]].assert_eq(&failed.seen());

    let spec = repo.read("apps/ts/src/spec.js").replace("\"/info\", ", "\"/info\", \"/more\", ");
    repo.write("apps/ts/src/spec.js", spec);
    repo.xtask(&["openapi", "generate", "ts"]).expect(0);
    let differs = [&["openapi", "check"] as &[&str], &["check", "--quick"]];
    let mut seen = differs.map(|command| repo.xtask(command).seen()).concat();
    seen.push_str(&repo.xtask(&["check"]).seen_findings());
    expect![[r#"
        exit code 3
          ✗ openapi-python    differs (TIME)
          ✗ openapi-ts        differs (TIME)
        error[contract-differs]: python and ts share a contract, but their specs differ (apps/ts/openapi.json):
          /paths/~1more: only in ts: {"get":{"responses":{"200":{"description":"OK"}}}}
          → change one of the apps, then run: cargo xtask openapi generate python ts
        error: 1 finding to fix first
        exit code 3
          ✓ lint-python       uv lock (TIME)
          ✓ lint-ts           bun.lock (TIME)
          ✗ openapi-python    differs (TIME)
          ✗ openapi-ts        differs (TIME)
        error[contract-differs]: python and ts share a contract, but their specs differ (apps/ts/openapi.json):
          /paths/~1more: only in ts: {"get":{"responses":{"200":{"description":"OK"}}}}
          → change one of the apps, then run: cargo xtask openapi generate python ts
        error: 1 finding to fix first
        exit code 3
        error[contract-differs]: python and ts share a contract, but their specs differ (apps/ts/openapi.json):
          /paths/~1more: only in ts: {"get":{"responses":{"200":{"description":"OK"}}}}
          → change one of the apps, then run: cargo xtask openapi generate python ts
        error[contract]: python: the contract's tests failed: `python3 contract/test.py`: exit code 1 (apps/python)
        demo-agent tested 0
        demo-agent tested 1
        demo-agent tested 2
        demo-agent tested 3
        demo-agent tested 4
        demo-agent tested 5
        demo-agent tested 6
        demo-agent tested 7
        demo-agent tested 8
        error[contract]: ts: the contract's tests failed: `python3 contract/test.py`: exit code 1 (apps/ts)
        @demo/agent tested 0
        @demo/agent tested 1
        @demo/agent tested 2
        @demo/agent tested 3
        @demo/agent tested 4
        @demo/agent tested 5
        @demo/agent tested 6
        @demo/agent tested 7
        @demo/agent tested 8
        error: 3 findings to fix first
    "#]].assert_eq(&seen);
}

impl World {
    /// Makes the remote record each push: a line `push`, then a line for each ref.
    fn record_pushes(&self) {
        let hook = self.servers.remote().join("hooks/post-receive");
        std::fs::write(
            &hook,
            "#!/bin/sh\n{ echo push; while read -r old new name; do echo \"$name\"; done; } >> pushes.txt\n",
        )
        .unwrap();
        std::fs::set_permissions(hook, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// The pushes that were recorded since the last call.
    fn pushes(&self) -> Vec<String> {
        let file = self.servers.remote().join("pushes.txt");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(&file, "").unwrap();
        text.lines().map(str::to_string).collect()
    }
}

#[test]
fn two_apps_are_released_with_one_push_of_both_tags_or_not_at_all() {
    let world = World::of_both();
    world.record_pushes();
    let killed = world.xtask(&["release", "--all", "--kill-at", "publish"]);
    assert_eq!(killed.code, -1, "{}", killed.stderr);
    world.xtask(&["release", "--all"]).expect(0);
    assert_eq!(world.pushes(), ["push", "refs/tags/python-v0.0.1", "refs/tags/ts-v0.0.1"]);
    assert_eq!(
        world.published(),
        ["agent-0.0.1.tgz", "demo_agent-0.0.1-py3-none-any.whl", "demo_agent-0.0.1.tar.gz"]
    );
    expect![[r#"
        exit code 4
        Release python v0.0.1 at 1234567, ts v0.0.1 at 1234567
          - stage-python      passed before the tag was created
          - tag-python        python-v0.0.1 at 1234567 (run local-RUN)
          - page-draft-python the page has 5 files
          - publish-python    2 files on the index, hashes as in the tag
          - image-push-python v0.0.1 and sha-1234567 are sha256:SHA256
          - latest-python     latest is sha256:SHA256
          - page-python       http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.1 is public
          - cascade-python    rehearsal/downstream told
          - verify-python     already verified: latest is sha256:SHA256
          - stage-ts          no staging index in the settings
          - tag-ts            ts-v0.0.1 at 1234567 (run local-RUN)
          - page-draft-ts     the page has 4 files
          - publish-ts        1 file on the index, hashes as in the tag
          - image-push-ts     v0.0.1 and sha-1234567 are sha256:SHA256
          - latest-ts         @demo/agent@latest is 0.0.1; latest is sha256:SHA256
          - page-ts           http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.1 is public
          - cascade-ts        rehearsal/downstream told
          - verify-ts         already verified: @demo/agent@latest is 0.0.1; latest is sha256:SHA256
        nothing left to release: python-v0.0.1 is released
        nothing left to release: ts-v0.0.1 is released
    "#]]
    .assert_eq(&world.xtask(&["release", "--all"]).seen());

    // One of the two apps shows a wrong version. That fails before the tag, and stops both releases.
    let cli = world.repo.read("apps/ts/src/cli.js");
    world.repo.write("apps/python/README.md", "# demo-agent, edition 2\n");
    world.repo.commit(
        "apps/ts/src/cli.js",
        &cli.replace("\"demo-agent-ts\"), VERSION", "\"demo-agent-ts\"), \"9.9.9\""),
        "fix: both",
    );
    world.bump(&[]);
    let outside = world.outside();
    let stopped = world.xtask(&["release", "--all"]);
    assert!(stopped.stderr.contains("✓ smoke-python"), "{stopped:?}");
    expect![[r#"
        exit code 1
        error: step smoke of ts-v0.0.2 failed: @demo/agent 0.0.2 was installed, but demo-agent-ts --version (node) shows 9.9.9, demo-agent-ts --version (bun) shows 9.9.9
          → `cargo xtask release ts` continues
    "#]].assert_eq(&stopped.seen_findings());
    assert_eq!(world.pushes(), [] as [&str; 0]);
    let new: Vec<_> = world
        .outside()
        .into_iter()
        .filter(|file| !outside.contains(file) && !file.contains("/testpypi/"))
        .collect();
    assert_eq!(new, [] as [&str; 0], "something was published");
}

#[test]
fn a_release_logs_in_to_indexes_that_require_it_for_reads() {
    let world = World::private();
    world.xtask(&["release", "--all"]).expect(0);
    world.xtask(&["verify", "python"]).expect(0);
    let stranger = |app: &str| {
        let mut command = world.command(&world.repo.path);
        crate::support::run(command.args(["verify", app]).env_remove("PYPI_TOKEN").env_remove("NPM_TOKEN"))
    };
    for app in ["python", "ts"] {
        let refused = stranger(app);
        assert!(refused.code != 0 && refused.stderr.contains("401"), "{app}: {refused:?}");
    }
}

#[test]
fn on_a_trunk_the_bumps_and_both_tags_arrive_in_one_push() {
    let world = World::of_both();
    world.xtask(&["release", "--all", "--until", "tag"]).expect(0);
    world.repo.write("apps/python/README.md", "# demo-agent, edition 2\n");
    world.repo.commit("apps/ts/README.md", "# @demo/agent, edition 2\n", "fix: say the edition");
    world.record_pushes();
    // The main branch of a trunk-based repository accepts pushes.
    std::fs::remove_file(world.servers.remote().join("hooks/update")).unwrap();
    let dry = world.repo.untouched(|| world.xtask(&["release", "python", "--bump", "--dry-run"]));
    expect![[r#"
        exit code 0
        python v0.0.2 at 1234567
          0.0.1 → 0.0.2: commits patch, spec none, tags > 0.0.1, manifest >= 0.0.2
        Checks
          [x] everything is committed, at the branch's newest commit
          [x] the version fits the changes since the last release
          [x] the changelog has a text for it
          [x] CI: 1234567 is not pushed yet, no open release-blocker
          [x] linters, formats and types
          [x] tests and coverage
          [x] spec and compat.json are up to date
          [x] the package is complete, and the index takes it
          [x] logins are there, and accepted
          [x] pinned tools are installed
        Published, in this order
          stage       upload demo_agent-0.0.2-py3-none-any.whl to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $TESTPYPI_TOKEN
          stage       upload demo_agent-0.0.2.tar.gz to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $TESTPYPI_TOKEN
          stage       push ghcr.io/example/demo-agent@sha256:SHA256, without a tag
          tag         git push --atomic WORLD/registries/remote.git 1234567:refs/heads/main <tag object>:refs/tags/python-v0.0.2   at 1234567
          page-draft  create a draft of the release page python-v0.0.2 with demo_agent-0.0.2-py3-none-any.whl, demo_agent-0.0.2.tar.gz, openapi.json, sbom.cdx.json, SHA256SUMS
          publish     upload demo_agent-0.0.2-py3-none-any.whl to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $PYPI_TOKEN
          publish     upload demo_agent-0.0.2.tar.gz to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $PYPI_TOKEN
          image-push  push ghcr.io/example/demo-agent:v0.0.2   sha256:SHA256
          image-push  push ghcr.io/example/demo-agent:sha-1234567   sha256:SHA256
          verify      install, pull and run what the registries serve
          latest      tag ghcr.io/example/demo-agent:latest   after verification
          page        publish the release page python-v0.0.2   after verification
          cascade     start runtime.yml on main of rehearsal/downstream
        Left to a person
          [ ] release: cargo xtask release python --bump
        stderr:
        ✓ chore(release): python v0.0.2
          apps/python/pyproject.toml
          apps/python/uv.lock
          CHANGELOG.md
          apps/python/openapi.json
        note: HEAD is detached, so the commit is on no branch; keep it: git switch -c NAME
        Dry run of python v0.0.2 at 1234567: changes nothing on the remote and the registries
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
          ✓ test-python       no tests: other tests look at it from outside (TIME)
          - users-python      python-v0.0.1 has neither black-box tests nor an example plugin
          ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: 1234567 is not pushed yet, no open release-blocker (TIME)
          ✓ build             demo_agent-0.0.2-py3-none-any.whl 1234567890ab, demo_agent-0.0.2.tar.gz 1234567890ab (TIME)
          ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ smoke             3 places show 0.0.2; /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
        ✓ python v0.0.2 is ready: cargo xtask release python --bump
    "#]].assert_eq(&dry.seen());
    world.xtask(&["release", "--all", "--bump"]).expect(0);
    assert_eq!(world.pushes(), ["push", "refs/heads/main", "refs/tags/python-v0.0.2", "refs/tags/ts-v0.0.2"]);
    assert_eq!(
        world.repo.git(&["log", "--format=%s", "-2"]),
        "chore(release): ts v0.0.2\nchore(release): python v0.0.2"
    );
    assert_eq!(world.repo.git_in(world.servers.remote(), &["rev-parse", "main"]), world.repo.head());
}
