//! Releases of a demo app into real registries: complete, interrupted at every step, in conflict, and
//! refused. Tests of both ecosystems share one function.

use crate::demo::World;
use crate::support::run;
use expect_test::{Expect, expect};

/// The names of the package files that a release of the app publishes.
fn files(app: &str, version: &str) -> Vec<String> {
    match app {
        "python" => {
            vec![format!("demo_agent-{version}-py3-none-any.whl"), format!("demo_agent-{version}.tar.gz")]
        }
        _ => vec![format!("agent-{version}.tgz")],
    }
}

/// The image's name without the registry.
fn image(app: &str) -> &'static str {
    if app == "python" { "example/demo-agent" } else { "example/demo-agent-ts" }
}

/// Commits a change of the app.
fn change(world: &World, app: &str, text: &str, message: &str) {
    world.repo.commit(&format!("apps/{app}/README.md"), &format!("# demo-agent, {text}\n"), message);
}

/// Checks that the output contains no registry token.
#[track_caller]
fn keeps_secrets(world: &World, output: &str) {
    for (name, value) in world.servers.env.iter().filter(|(name, _)| name.ends_with("_TOKEN")) {
        assert!(!output.contains(value), "{name} is shown");
    }
}

fn completes(app: &'static str, seen: &Expect, seen_again: &Expect) {
    let world = World::of(app);
    let first = world.xtask(&["release", app]).expect(0);
    seen.assert_eq(&first.seen());
    keeps_secrets(&world, &first.stderr);
    assert_eq!(world.published(), files(app, "0.0.1"));
    let outside = world.outside();
    let second = world.repo.untouched(|| world.xtask(&["release", app]).expect(4));
    seen_again.assert_eq(&second.seen());
    assert_eq!(outside, world.outside(), "the second run changed something outside");
    world.xtask(&["verify", app, "0.0.1"]).expect(0);
}

#[test]
fn a_release_completes_and_a_second_one_finds_nothing_left() {
    completes(
        "python",
        &expect![[r#"
            exit code 0
            Release python v0.0.1 at 1234567
              ✓ lint-python       uv lock (TIME)
              ✓ openapi-python    the committed spec matches the code (TIME)
              ✓ test-python       no tests: other tests look at it from outside (TIME)
              - users-python      no release yet, so there are no earlier tests to run
              ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: nothing ran for 1234567, no open release-blocker (TIME)
              ✓ build             demo_agent-0.0.1-py3-none-any.whl 1234567890ab, demo_agent-0.0.1.tar.gz 1234567890ab (TIME)
              ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
              ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
              ✓ stage             2 files uploaded, installed from there; image without a tag: layers: N uploaded, N mounted, N already there; N KiB sent; sha256:SHA256 (TIME)
              ✓ tag               python-v0.0.1 at 1234567 pushed (run local-RUN) (TIME)
              ✓ page-draft        draft http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.1: 5 uploaded, 0 already there; Gitea had made it public with the tag, it is a draft again (TIME)
              ✓ publish           2 uploaded, 0 already there (TIME)
              ✓ image-push        sha256:SHA256 as v0.0.1 and sha-1234567; layers: N uploaded, N mounted, N already there; N KiB sent; sha256:SHA256 (TIME)
              ✓ verify            demo-agent==0.0.1 installed, sha256 as in the tag: demo_agent-0.0.1-py3-none-any.whl 1234567890ab…, demo_agent-0.0.1.tar.gz 1234567890ab…; installed package: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME; image v0.0.1 is sha256:SHA256, as in the tag; pulled image: v0.0.1 pulled, sha256:SHA256: ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
              ✓ latest            latest is v0.0.1 (sha256:SHA256) (TIME)
              ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.1 is public; shown as latest (TIME)
              ✓ cascade           rehearsal/downstream was told of python-v0.0.1 (TIME)
            ✓ python v0.0.1 is released and verified: python-v0.0.1
        "#]],
        &expect![[r#"
            exit code 4
            Release python v0.0.1 at 1234567
              - stage             passed before the tag was created
              - tag               python-v0.0.1 at 1234567 (run local-RUN)
              - page-draft        the page has 5 files
              - publish           2 files on the index, hashes as in the tag
              - image-push        v0.0.1 and sha-1234567 are sha256:SHA256
              - latest            latest is sha256:SHA256
              - page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.1 is public
              - cascade           rehearsal/downstream told
              - verify            already verified: latest is sha256:SHA256
            nothing left to release: python-v0.0.1 is released
        "#]],
    );
}

#[test]
fn a_ts_release_completes_and_a_second_one_finds_nothing_left() {
    completes(
        "ts",
        &expect![[r#"
            exit code 0
            Release ts v0.0.1 at 1234567
              ✓ lint-ts           bun.lock (TIME)
              ✓ openapi-ts        the committed spec matches the code (TIME)
              ✓ test-ts           Ran 1 test across 1 file. [TIME] (TIME)
              - users-ts          no release yet, so there are no earlier tests to run
              ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: nothing ran for 1234567, no open release-blocker (TIME)
              ✓ build             demo-agent-0.0.1.tgz 1234567890ab (TIME)
              ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
              ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
              ✓ stage             no staging index in the settings; image without a tag: layers: N uploaded, N mounted, N already there; N KiB sent; sha256:SHA256 (TIME)
              ✓ tag               ts-v0.0.1 at 1234567 pushed (run local-RUN) (TIME)
              ✓ page-draft        draft http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.1: 4 uploaded, 0 already there; Gitea had made it public with the tag, it is a draft again (TIME)
              ✓ publish           1 uploaded, 0 already there (TIME)
              ✓ image-push        sha256:SHA256 as v0.0.1 and sha-1234567; layers: N uploaded, N mounted, N already there; N KiB sent; sha256:SHA256 (TIME)
              ✓ verify            @demo/agent==0.0.1 installed, sha256 as in the tag: demo-agent-0.0.1.tgz 1234567890ab…; installed package: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME; image v0.0.1 is sha256:SHA256, as in the tag; pulled image: v0.0.1 pulled, sha256:SHA256: ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
              ✓ latest            @demo/agent@latest is 0.0.1; latest is v0.0.1 (sha256:SHA256) (TIME)
              ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.1 is public; shown as latest (TIME)
              ✓ cascade           rehearsal/downstream was told of ts-v0.0.1 (TIME)
            ✓ ts v0.0.1 is released and verified: ts-v0.0.1
        "#]],
        &expect![[r#"
            exit code 4
            Release ts v0.0.1 at 1234567
              - stage             no staging index in the settings
              - tag               ts-v0.0.1 at 1234567 (run local-RUN)
              - page-draft        the page has 4 files
              - publish           1 file on the index, hashes as in the tag
              - image-push        v0.0.1 and sha-1234567 are sha256:SHA256
              - latest            @demo/agent@latest is 0.0.1; latest is sha256:SHA256
              - page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.1 is public
              - cascade           rehearsal/downstream told
              - verify            already verified: @demo/agent@latest is 0.0.1; latest is sha256:SHA256
            nothing left to release: ts-v0.0.1 is released
        "#]],
    );
}

#[test]
fn a_resumed_release_shows_what_is_done_and_completes_the_rest() {
    let world = World::new();
    let killed = world.xtask(&["release", "python", "--kill-at", "publish"]);
    assert_eq!(killed.code, -1, "not killed by a signal: {killed:#?}");
    expect![[r#"
        exit code 0
        python v0.0.1 at 1234567
        Checks
          [x] logins are there, and accepted
          [x] pinned tools are installed
        Published, in this order
          stage       - passed before the tag was created
          tag         - python-v0.0.1 at 1234567 (run local-RUN)
          page-draft  - the draft has 5 files
          publish     - 2 files on the index, hashes as in the tag
          image-push  push ghcr.io/example/demo-agent:v0.0.1   sha256:SHA256
          image-push  push ghcr.io/example/demo-agent:sha-1234567   sha256:SHA256
          verify      install, pull and run what the registries serve
          latest      tag ghcr.io/example/demo-agent:latest   after verification
          page        publish the release page python-v0.0.1   after verification
          cascade     start runtime.yml on main of rehearsal/downstream
        Left to a person
          [ ] release: cargo xtask release python
        stderr:
        Dry run of python v0.0.1 at 1234567: changes nothing on the remote and the registries
          ✓ preflight         resuming; credentials and tools are in order (TIME)
          - build             no remaining step needs the files
          - image             no remaining step needs the image
          - smoke             passed before the tag was created; the tag has the files' hashes
        ✓ python v0.0.1 is ready: cargo xtask release python
    "#]]
    .assert_eq(&world.xtask(&["release", "python", "--dry-run"]).seen());
    expect![[r#"
        exit code 0
        Release python v0.0.1 at 1234567
          ✓ preflight         resuming; credentials and tools are in order (TIME)
          - build             no remaining step needs the files
          - image             no remaining step needs the image
          - smoke             passed before the tag was created; the tag has the files' hashes
          - stage             passed before the tag was created
          - tag               python-v0.0.1 at 1234567 (run local-RUN)
          - page-draft        the draft has 5 files
          - publish           2 files on the index, hashes as in the tag
          ✓ image-push        sha256:SHA256 as v0.0.1 and sha-1234567; it was in the registry (TIME)
          ✓ verify            demo-agent==0.0.1 installed, sha256 as in the tag: demo_agent-0.0.1-py3-none-any.whl 1234567890ab…, demo_agent-0.0.1.tar.gz 1234567890ab…; installed package: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME; image v0.0.1 is sha256:SHA256, as in the tag; pulled image: v0.0.1 pulled, sha256:SHA256: ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ latest            latest is v0.0.1 (sha256:SHA256) (TIME)
          ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.1 is public; shown as latest (TIME)
          ✓ cascade           rehearsal/downstream was told of python-v0.0.1 (TIME)
        ✓ python v0.0.1 is released and verified: python-v0.0.1
    "#]].assert_eq(&world.xtask(&["release", "python"]).seen());
}

/// Checks that a dry run shows the steps and the actions of the release, and changes nothing.
fn dry_run_changes_nothing(app: &'static str, seen: &Expect) {
    let world = World::of(app);
    let outside = world.outside();
    let dry = world.repo.untouched(|| world.xtask(&["release", app, "--dry-run"]).expect(0));
    seen.assert_eq(&dry.seen());
    keeps_secrets(&world, &dry.stderr);
    assert_eq!(outside, world.outside());

    let hashes = || {
        let built = world.xtask(&["build", app, "--json"]).expect(0).json();
        built["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| format!("{}  {}", f["sha256"], f["name"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(hashes(), hashes(), "the build of a commit is reproducible");
}

#[test]
fn a_dry_run_lists_the_actions_and_changes_nothing() {
    dry_run_changes_nothing(
        "python",
        &expect![[r#"
            exit code 0
            python v0.0.1 at 1234567
              first release → 0.0.1: commits minor, manifest >= 0.0.1
            Checks
              [x] everything is committed, at the branch's newest commit
              [x] the version fits the changes since the last release
              [x] the changelog has a text for it
              [x] CI: nothing ran for 1234567, no open release-blocker
              [x] linters, formats and types
              [x] tests and coverage
              [x] spec and compat.json are up to date
              [x] the package is complete, and the index takes it
              [x] logins are there, and accepted
              [x] pinned tools are installed
            Published, in this order
              stage       upload demo_agent-0.0.1-py3-none-any.whl to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $TESTPYPI_TOKEN
              stage       upload demo_agent-0.0.1.tar.gz to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $TESTPYPI_TOKEN
              stage       push ghcr.io/example/demo-agent@sha256:SHA256, without a tag
              tag         git push WORLD/registries/remote.git <tag object>:refs/tags/python-v0.0.1   at 1234567
              page-draft  create a draft of the release page python-v0.0.1 with demo_agent-0.0.1-py3-none-any.whl, demo_agent-0.0.1.tar.gz, openapi.json, sbom.cdx.json, SHA256SUMS
              publish     upload demo_agent-0.0.1-py3-none-any.whl to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $PYPI_TOKEN
              publish     upload demo_agent-0.0.1.tar.gz to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $PYPI_TOKEN
              image-push  push ghcr.io/example/demo-agent:v0.0.1   sha256:SHA256
              image-push  push ghcr.io/example/demo-agent:sha-1234567   sha256:SHA256
              verify      install, pull and run what the registries serve
              latest      tag ghcr.io/example/demo-agent:latest   after verification
              page        publish the release page python-v0.0.1   after verification
              cascade     start runtime.yml on main of rehearsal/downstream
            Left to a person
              [ ] release: cargo xtask release python
            stderr:
            Dry run of python v0.0.1 at 1234567: changes nothing on the remote and the registries
              ✓ lint-python       uv lock (TIME)
              ✓ openapi-python    the committed spec matches the code (TIME)
              ✓ test-python       no tests: other tests look at it from outside (TIME)
              - users-python      no release yet, so there are no earlier tests to run
              ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: nothing ran for 1234567, no open release-blocker (TIME)
              ✓ build             demo_agent-0.0.1-py3-none-any.whl 1234567890ab, demo_agent-0.0.1.tar.gz 1234567890ab (TIME)
              ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
              ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
            ✓ python v0.0.1 is ready: cargo xtask release python
        "#]],
    );
}

#[test]
fn a_ts_dry_run_lists_the_actions_and_changes_nothing() {
    dry_run_changes_nothing(
        "ts",
        &expect![[r#"
            exit code 0
            ts v0.0.1 at 1234567
              first release → 0.0.1: commits minor, manifest >= 0.0.1
            Checks
              [x] everything is committed, at the branch's newest commit
              [x] the version fits the changes since the last release
              [x] the changelog has a text for it
              [x] CI: nothing ran for 1234567, no open release-blocker
              [x] linters, formats and types
              [x] tests and coverage
              [x] spec and compat.json are up to date
              [x] the package is complete, and the index takes it
              [x] logins are there, and accepted
              [x] pinned tools are installed
            Published, in this order
              stage       push ghcr.io/example/demo-agent-ts@sha256:SHA256, without a tag
              tag         git push WORLD/registries/remote.git <tag object>:refs/tags/ts-v0.0.1   at 1234567
              page-draft  create a draft of the release page ts-v0.0.1 with demo-agent-0.0.1.tgz, openapi.json, sbom.cdx.json, SHA256SUMS
              publish     upload demo-agent-0.0.1.tgz to http://127.0.0.1:PORT   sha256 1234567890ab…, credentials $NPM_TOKEN
              image-push  push ghcr.io/example/demo-agent-ts:v0.0.1   sha256:SHA256
              image-push  push ghcr.io/example/demo-agent-ts:sha-1234567   sha256:SHA256
              verify      install, pull and run what the registries serve
              latest      dist-tag @demo/agent@0.0.1 latest on http://127.0.0.1:PORT   after verification
              latest      tag ghcr.io/example/demo-agent-ts:latest   after verification
              page        publish the release page ts-v0.0.1   after verification
              cascade     start runtime.yml on main of rehearsal/downstream
            Left to a person
              [ ] release: cargo xtask release ts
            stderr:
            Dry run of ts v0.0.1 at 1234567: changes nothing on the remote and the registries
              ✓ lint-ts           bun.lock (TIME)
              ✓ openapi-ts        the committed spec matches the code (TIME)
              ✓ test-ts           Ran 1 test across 1 file. [TIME] (TIME)
              - users-ts          no release yet, so there are no earlier tests to run
              ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: nothing ran for 1234567, no open release-blocker (TIME)
              ✓ build             demo-agent-0.0.1.tgz 1234567890ab (TIME)
              ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
              ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
            ✓ ts v0.0.1 is ready: cargo xtask release ts
        "#]],
    );
}

#[test]
fn a_dry_run_shows_every_step_before_it_reports_what_is_missing() {
    let world = World::new();
    let mut command = world.command(&world.repo.path);
    let dry = run(command.args(["release", "python", "--dry-run"]).env_remove("PYPI_TOKEN")).expect(3);
    expect![[r#"
        exit code 3
        python v0.0.1 at 1234567
          first release → 0.0.1: commits minor, manifest >= 0.0.1
        Checks
          [x] everything is committed, at the branch's newest commit
          [x] the version fits the changes since the last release
          [x] the changelog has a text for it
          [x] CI: nothing ran for 1234567, no open release-blocker
          [x] linters, formats and types
          [x] tests and coverage
          [x] spec and compat.json are up to date
          [x] the package is complete, and the index takes it
          [ ] logins are there, and accepted
              credentials: not set up: PYPI_TOKEN, the login for http://127.0.0.1:PORT/
          [x] pinned tools are installed
        Published, in this order
          stage       upload demo_agent-0.0.1-py3-none-any.whl to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $TESTPYPI_TOKEN
          stage       upload demo_agent-0.0.1.tar.gz to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $TESTPYPI_TOKEN
          stage       push ghcr.io/example/demo-agent@sha256:SHA256, without a tag
          tag         git push WORLD/registries/remote.git <tag object>:refs/tags/python-v0.0.1   at 1234567
          page-draft  create a draft of the release page python-v0.0.1 with demo_agent-0.0.1-py3-none-any.whl, demo_agent-0.0.1.tar.gz, openapi.json, sbom.cdx.json, SHA256SUMS
          publish     upload demo_agent-0.0.1-py3-none-any.whl to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $PYPI_TOKEN
          publish     upload demo_agent-0.0.1.tar.gz to http://127.0.0.1:PORT/   sha256 1234567890ab…, credentials $PYPI_TOKEN
          image-push  push ghcr.io/example/demo-agent:v0.0.1   sha256:SHA256
          image-push  push ghcr.io/example/demo-agent:sha-1234567   sha256:SHA256
          verify      install, pull and run what the registries serve
          latest      tag ghcr.io/example/demo-agent:latest   after verification
          page        publish the release page python-v0.0.1   after verification
          cascade     start runtime.yml on main of rehearsal/downstream
        Left to a person
          [ ] fix what stops the release
          [ ] release: cargo xtask release python
        stderr:
        Dry run of python v0.0.1 at 1234567: changes nothing on the remote and the registries
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
          ✓ test-python       no tests: other tests look at it from outside (TIME)
          - users-python      no release yet, so there are no earlier tests to run
          ✗ preflight         stopped here (TIME)
          ✓ build             demo_agent-0.0.1-py3-none-any.whl 1234567890ab, demo_agent-0.0.1.tar.gz 1234567890ab (TIME)
          ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
        error[credentials]: python: not set up: PYPI_TOKEN, the login for http://127.0.0.1:PORT/
        error: 1 finding to fix first
    "#]].assert_eq(&dry.seen());
    let json = world.xtask(&["release", "python", "--dry-run", "--json"]).expect(0).json();
    let page = &json["releases"][0];
    assert_eq!(
        (&json["schema"], &page["app"], &page["version"]),
        (&1.into(), &"python".into(), &"0.0.1".into())
    );
    assert!(page["checks"].as_array().unwrap().iter().all(|check| check["result"] == "passed"), "{page}");
    assert_eq!((&page["actions"][0]["step"], &page["plan"]["last"]), (&"stage".into(), &().into()));
}

#[test]
fn a_tag_that_was_created_by_hand_stops_the_release() {
    let world = World::new();
    world.repo.git(&["push", "--quiet", "origin", "HEAD~1:refs/tags/python-v0.0.1"]);
    let outside = world.outside();
    let stopped = world.xtask(&["release", "python"]).expect(3);
    expect![[r#"
        exit code 3
        error[tag-taken]: python: the tag python-v0.0.1 already exists at 1234567 and was not created by this tool (refs/tags/python-v0.0.1)
          → release the next version: cargo xtask bump python
          → or, if nobody has used that tag: git push --delete WORLD/registries/remote.git refs/tags/python-v0.0.1
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    assert_eq!(outside, world.outside());
}

#[test]
fn a_file_with_other_bytes_on_the_index_stops_the_release_and_is_named() {
    let world = World::new();
    world.xtask(&["release", "python", "--until", "tag"]).expect(0);
    let package = world.data.join("pypi/packages");
    std::fs::create_dir_all(&package).unwrap();
    // An index may list a file while it is uploaded. It is no other file, which would be final.
    std::fs::write(package.join("demo_agent-0.0.1.tar.gz"), "").unwrap();
    let mut waiting = world.command(&world.repo.path);
    let waited = run(waiting.args(["release", "python"]).env("XTASK_SILENCE", "1"));
    expect![[r#"
        exit code 1
        Release python v0.0.1 at 1234567
            all of demo-agent 0.0.1 on the index: not shown yet; asking again for at most TIME
        error: step publish: a file of demo-agent 0.0.1 is empty on the index, and was so for TIME: its upload was interrupted; delete the file on the index
          → `cargo xtask release python` continues
    "#]].assert_eq(&waited.seen());
    std::fs::write(package.join("demo_agent-0.0.1.tar.gz"), "somebody else's").unwrap();
    let stopped = world.xtask(&["release", "python"]).expect(3);
    expect![[r#"
        exit code 3
        Release python v0.0.1 at 1234567
        error[published-differs]: python: demo_agent-0.0.1.tar.gz on the index differs from the tag: sha256 SHA256 on the index, SHA256 in python-v0.0.1 (http://127.0.0.1:PORT/)
          → the index accepts a file name only once; release the next version: cargo xtask bump python --version 0.0.2
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    // The hints lead to a release, even without a commit since the tag.
    follow(&world, &stopped.stderr, "cargo xtask bump python --version 0.0.2");
    world.push();
    let empty = world.xtask(&["release", "python"]);
    expect![[r#"
        exit code 3
        error[changelog-empty]: python: CHANGELOG.md has no text under [python-v0.0.2] (CHANGELOG.md)
          → describe the change for users under `## [Unreleased]`, `### python`, then: cargo xtask bump python
        error: 1 finding to fix first
    "#]]
    .assert_eq(&empty.seen_findings());
    let changelog = world.repo.read("CHANGELOG.md");
    let text = "## [Unreleased]\n\n### python\n\n- the same as 0.0.1, whose upload was blocked\n";
    let changelog = changelog.replacen("## [Unreleased]\n", text, 1);
    world.repo.commit("CHANGELOG.md", &changelog, "docs: describe the release");
    follow(&world, &empty.stderr, "cargo xtask bump python");
    world.push();
    world.xtask(&["release", "python"]).expect(0);
}

/// Runs a command that the output names.
#[track_caller]
fn follow(world: &World, output: &str, command: &str) {
    assert!(output.lines().any(|line| line.ends_with(command)), "{command} is not named in {output}");
    let words: Vec<&str> = command.split(' ').skip(2).collect();
    world.xtask(&words).expect(0);
}

#[test]
fn a_version_that_only_the_index_has_is_passed_over_by_the_hint() {
    let world = World::new();
    let package = world.data.join("pypi/packages");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("demo_agent-0.0.1.tar.gz"), "somebody else's").unwrap();
    let stopped = world.xtask(&["release", "python"]);
    expect![[r#"
        exit code 3
        Release python v0.0.1 at 1234567
        error[version-published]: python: demo_agent-0.0.1.tar.gz is already on the index, but the tag python-v0.0.1 does not exist (http://127.0.0.1:PORT/)
          → release the next version: cargo xtask bump python --version 0.0.2
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    follow(&world, &stopped.stderr, "cargo xtask bump python --version 0.0.2");
    world.push();
    world.xtask(&["release", "python"]).expect(0);
}

#[test]
fn a_tarball_with_other_bytes_on_the_registry_stops_the_release_and_is_named() {
    let world = World::of("ts");
    world.xtask(&["release", "ts", "--until", "publish"]).expect(0);
    let tarball = world.data.join("npm/storage/@demo/agent/agent-0.0.1.tgz");
    let mut bytes = std::fs::read(&tarball).unwrap();
    bytes.push(0);
    std::fs::write(&tarball, bytes).unwrap();
    let stopped = world.xtask(&["release", "ts"]).expect(3);
    expect![[r#"
        exit code 3
        Release ts v0.0.1 at 1234567
        error[published-differs]: ts: demo-agent-0.0.1.tgz on the index differs from the tag: sha256 SHA256 on the index, SHA256 in ts-v0.0.1 (http://127.0.0.1:PORT)
          → the index accepts a file name only once; release the next version: cargo xtask bump ts --version 0.0.2
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
}

/// Checks that after 0.1.0, neither a hotfix of 0.0.1 nor a pre-release of 0.2.0 moves `latest`.
fn latest_stays(app: &'static str) {
    let world = World::of(app);
    world.xtask(&["release", app]).expect(0);
    let old = world.repo.head();
    change(&world, app, "newer", "feat: newer");
    world.bump(&[]);
    world.xtask(&["release", app]).expect(0);
    let newest = world.repo.head();
    #[track_caller]
    fn latest_is_0_1_0(world: &World, app: &str) {
        let newest = world.image(image(app), "v0.1.0");
        assert!(newest.is_some() && newest == world.image(image(app), "latest"));
        if app == "ts" {
            assert_eq!(world.dist_tags("@demo/agent")["latest"], "0.1.0");
        }
    }
    latest_is_0_1_0(&world, app);

    world.repo.git(&["switch", "--quiet", "--create", &format!("hotfix/{app}-v0.0.1"), &old]);
    change(&world, app, "hot", "fix: hot");
    world.bump(&["--version", "0.0.2"]);
    // A hotfix is released from its own branch.
    world.push_to(&[&format!("hotfix/{app}-v0.0.1")]);
    let hotfix = world.xtask(&["release", app]).expect(0);
    assert!(hotfix.stderr.contains("0.1.0 is newer"), "{}", hotfix.stderr);
    latest_is_0_1_0(&world, app);

    if app == "python" {
        // Once 0.1.0 is yanked by hand (PEP 592), 0.0.2 is the newest that users get.
        let page = world.index_page("demo-agent");
        let yanked: Vec<String> = page
            .lines()
            .map(|line| {
                if line.contains("-0.1.0") {
                    line.replace("<a ", "<a data-yanked=\"\" ")
                } else {
                    line.into()
                }
            })
            .collect();
        assert_eq!(yanked.concat().matches("data-yanked").count(), 2, "{page}");
        let index = crate::bump::serve(yanked.join("\n").leak());
        let moved = run(world.command(&world.repo.path).args(["release", "python"]).env("XTASK_PYPI", index));
        let moved = moved.expect(0);
        assert!(moved.stderr.contains("latest is v0.0.2"), "{}", moved.stderr);
        assert_eq!(world.image(image(app), "latest"), world.image(image(app), "v0.0.2"));
        world.repo.git(&["switch", "--quiet", "--detach", &newest]);
        world.xtask(&["release", "python"]).expect(0);
        latest_is_0_1_0(&world, app);
    }
    world.repo.git(&["switch", "--quiet", "--create", "next", &newest]);
    change(&world, app, "next", "feat: next");
    world.bump(&["--pre", "rc"]);
    let candidate = world.xtask(&["release", app]).expect(0);
    assert!(candidate.stderr.contains("0.2.0-rc.1 is a pre-release"), "{}", candidate.stderr);
    latest_is_0_1_0(&world, app);
    if app == "ts" {
        assert_eq!(
            world.dist_tags("@demo/agent"),
            serde_json::json!({ "latest": "0.1.0", "release-0.0": "0.0.2", "rc": "0.2.0-rc.1" })
        );
    }
    for version in ["0.0.2", "0.1.0", "0.2.0-rc.1"] {
        world.xtask(&["verify", app, version]).expect(0);
    }
}

#[test]
fn latest_moves_neither_back_to_an_older_release_nor_to_a_pre_release() {
    latest_stays("python");
}

#[test]
fn latest_of_a_ts_app_moves_neither_back_to_an_older_release_nor_to_a_pre_release() {
    latest_stays("ts");
}

#[test]
fn a_version_below_one_on_the_index_is_refused_before_the_tag() {
    let world = World::new();
    // Chosen while the index did not answer; the clone had no tag of 5.0.0.
    let index = crate::bump::serve("<a href=\"f#sha256=1\">demo_agent-5.0.0-py3-none-any.whl</a>");
    let mut command = world.command(&world.repo.path);
    let refused = run(command.args(["release", "python"]).env("XTASK_PYPI", index));
    expect![[r#"
        exit code 3
        error[pending-too-low]: python: the manifest's pending 0.0.1 is below 5.0.1, which the evidence demands (index, > 5.0.0: the highest on http://127.0.0.1:PORT/simple) (apps/python/pyproject.toml)
          → cargo xtask bump python
        warning[release-untagged]: python: demo-agent 5.0.0 is on the index, but there is no tag python-v5.0.0, so its commit is unknown: the next release is compared with no earlier release, and may break users of 5.0.0 unnoticed
          → git fetch --tags
          → or, if that tag does not exist: git tag python-v5.0.0 COMMIT, with the commit that 5.0.0 was built from
        warning[name-taken]: python: demo-agent is already on the index, but no release of it is tagged here: check its owner (http://127.0.0.1:PORT/simple)
        error: 1 finding to fix first
    "#]].assert_eq(&refused.seen_findings());
    assert!(world.published().is_empty());
    assert_eq!(world.repo.git(&["ls-remote", "--tags", "origin"]), "");
}

#[test]
fn preflight_reports_all_problems_together() {
    let world = World::new();
    world.repo.git(&["switch", "--quiet", "--create", "feat/later"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    world.repo.write("apps/python/src/demo_agent/model.bin", pointer);
    world.repo.commit("CHANGELOG.md", "# Changelog\n\n## [python-v0.0.1]\n", "docs: lose the entries");
    world.repo.write("apps/python/README.md", "# not committed\n");
    let mut command = world.command(&world.repo.path);
    command.env("PYPI_TOKEN", "wrong-token").env_remove("TESTPYPI_TOKEN");
    let outside = world.outside();
    let stopped = run(command.args(["release", "python"])).expect(3);
    expect![[r#"
        exit code 3
        Release python v0.0.1 at 1234567
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
          ✓ test-python       no tests: other tests look at it from outside (TIME)
          - users-python      no release yet, so there are no earlier tests to run
          ✗ preflight         stopped here (TIME)
        error[credentials]: python: not set up: TESTPYPI_TOKEN, the login for http://127.0.0.1:PORT/
        error[credentials]: python: http://127.0.0.1:PORT/ refuses the credentials in PYPI_TOKEN (HTTP 403)
        error[dirty-tree]: python: 1 file is not committed:
           M apps/python/README.md
          → commit or stash them: git status
        error[not-at-main]: python: HEAD is 1234567 on feat/later, but releases are made from main, which is 1234567 on WORLD/registries/remote.git
          → git switch main && git pull
        error[changelog-empty]: python: CHANGELOG.md has no text under [python-v0.0.1] (CHANGELOG.md)
          → describe the change for users under `## [Unreleased]`, `### python`, then: cargo xtask bump python
        error[sources-incomplete]: python: a package cannot contain all sources (apps/python):
          src/demo_agent/model.bin is a pointer of Git LFS: its content is not in this repository
          → commit the files themselves, or leave them out of packages: a line `PATH export-ignore` in a committed .gitattributes
        error: 6 findings to fix first
    "#]].assert_eq(&stopped.seen());
    assert!(!stopped.stderr.contains("wrong-token"));
    assert_eq!(outside, world.outside());
}
