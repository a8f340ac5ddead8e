//! Hotfixes: the branch from a release's tag, the next patch of its line, its release beside newer ones, and
//! how it gets into development.

use crate::demo::World;
use crate::support::{Output, PYPROJECT, Repo, run};
use expect_test::expect;

/// A bare remote with the releases 0.0.1 and 0.1.0 of an app without an image. `main` and `development` are
/// at 0.1.0.
fn released(versions: &[&str]) -> Repo {
    let repo = Repo::new();
    let remote = repo.world().join("remote.git");
    repo.git(&["init", "--quiet", "--bare", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    for version in versions {
        repo.change("feat(python): more");
        let text = format!("# Changelog\n\n## [Unreleased]\n\n{}", sections(versions, version));
        repo.write("CHANGELOG.md", text);
        repo.commit(
            "apps/python/pyproject.toml",
            &PYPROJECT.replace("0.0.0", version),
            &format!("chore(release): python v{version}"),
        );
        repo.git(&["tag", &format!("python-v{version}")]);
    }
    repo.git(&["push", "--quiet", "--tags", "origin", "main", "main:development"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo
}

/// The changelog's sections up to this version, the newest first.
fn sections(versions: &[&str], last: &str) -> String {
    let end = versions.iter().position(|v| *v == last).unwrap() + 1;
    let section = |v: &&str| format!("## [python-v{v}] - 2026-01-01\n\n### Added\n\n- More.\n\n");
    versions[..end].iter().rev().map(section).collect()
}

/// The commands that `hotfix` prints.
fn commands(output: &Output) -> Vec<String> {
    let lines = output.stdout.lines().filter_map(|line| line.strip_prefix("  "));
    lines.map(|line| line.split("   #").next().unwrap().to_string()).collect()
}

#[test]
fn the_branch_of_the_newest_release_leads_to_main() {
    let repo = released(&["0.1.0"]);
    let dry = repo.untouched(|| repo.xtask(&["hotfix", "python", "0.1.0", "--dry-run"]));
    expect![[r#"
        exit code 0
        To release it:
          git commit --message "fix(python): WHAT USERS GET"
          cargo xtask bump python
          git push origin hotfix/python-v0.1.0
          # open a pull request into main; its squash makes the release
          cargo xtask hotfix python 0.1.0   # how it gets into development
        stderr:
        ✓ would create hotfix/python-v0.1.0 from python-v0.1.0 (1234567)
    "#]]
    .assert_eq(&dry.seen());
    expect![[r#"
        exit code 0
        To release it:
          git commit --message "fix(python): WHAT USERS GET"
          cargo xtask bump python
          git push origin hotfix/python-v0.1.0
          # open a pull request into main; its squash makes the release
          cargo xtask hotfix python 0.1.0   # how it gets into development
        stderr:
        ✓ hotfix/python-v0.1.0 created from python-v0.1.0 (1234567)
    "#]]
    .assert_eq(&repo.xtask(&["hotfix", "python", "0.1.0"]).seen());
    assert_eq!(repo.git(&["branch", "--show-current"]), "hotfix/python-v0.1.0");
    // Again, from elsewhere, and with uncommitted changes.
    let second = repo.untouched(|| repo.xtask(&["hotfix", "python", "0.1.0"]));
    expect![[r#"
        exit code 0
        To release it:
          git commit --message "fix(python): WHAT USERS GET"
          cargo xtask bump python
          git push origin hotfix/python-v0.1.0
          # open a pull request into main; its squash makes the release
          cargo xtask hotfix python 0.1.0   # how it gets into development
        stderr:
        ✓ hotfix/python-v0.1.0 is there already, at 1234567
    "#]]
    .assert_eq(&second.seen());
    repo.git(&["switch", "--quiet", "main"]);
    repo.write("apps/python/src/demo_agent/__init__.py", "VALUE = -1\n");
    let dirty = repo.untouched(|| repo.xtask(&["hotfix", "python", "0.1.0"]));
    expect![[r#"
        exit code 3
        error[dirty-tree]: the working tree has uncommitted changes:
           M apps/python/src/demo_agent/__init__.py
          → git stash, or commit them
        error: 1 finding to fix first
    "#]]
    .assert_eq(&dirty.seen());
    repo.git(&["checkout", "--quiet", "--", "."]);
    repo.xtask(&["hotfix", "python", "0.1.0", "--json"]).expect(0);
    assert_eq!(repo.git(&["branch", "--show-current"]), "hotfix/python-v0.1.0");
}

#[test]
fn what_cannot_be_a_hotfix_is_refused() {
    let repo = released(&["0.1.0", "0.1.1", "0.2.0"]);
    let refused = |version| repo.untouched(|| repo.xtask(&["hotfix", "python", version])).seen();
    expect![[r#"
        exit code 3
        error[hotfix-superseded]: python: python-v0.1.1 is released already, and a hotfix from 0.1.0 would lack its fixes
          → cargo xtask hotfix python 0.1.1
        error: 1 finding to fix first
        exit code 1
        error: 0.9.0 is not released: the tag python-v0.9.0 is not on origin
        exit code 2
        error: 0.1.0-rc.1 is a pre-release: its fix is the next pre-release, not a hotfix
        exit code 2
        error: "next" is not a version: "next" is not SemVer (X.Y.Z, X.Y.Z-rc.N): unexpected character 'n' while parsing major version number
    "#]].assert_eq(&["0.1.0", "0.9.0", "0.1.0-rc.1", "next"].map(refused).concat());
    // A patch that was rolled back supersedes nothing.
    repo.git(&["push", "--quiet", "origin", "python-v0.1.1^{}:refs/tags/withdrawn/python-v0.1.1"]);
    repo.xtask(&["hotfix", "python", "0.1.0"]).expect(0);
    // Somebody else's branch of that name stays as it is.
    repo.git(&["branch", "--quiet", "hotfix/python-v0.2.0", "python-v0.1.0"]);
    let other = repo.untouched(|| repo.xtask(&["hotfix", "python", "0.2.0"]));
    expect![[r#"
        exit code 1
        error: the branch hotfix/python-v0.2.0 exists at 1234567, but it does not contain python-v0.2.0: rename it, or delete it
    "#]].assert_eq(&other.seen());
}

#[test]
fn the_next_patch_and_the_way_back_of_an_older_line() {
    let repo = released(&["0.1.0", "0.2.0"]);
    expect![[r#"
        exit code 0
        To release it, from this branch; latest stays at 0.2.0:
          git commit --message "fix(python): WHAT USERS GET"
          cargo xtask bump python
          git push origin hotfix/python-v0.1.0
          cargo xtask release python   # a forge's job does it after the push
          cargo xtask hotfix python 0.1.0   # how it gets into development
        stderr:
        ✓ hotfix/python-v0.1.0 created from python-v0.1.0 (1234567)
    "#]]
    .assert_eq(&repo.xtask(&["hotfix", "python", "0.1.0"]).seen());
    repo.commit("apps/python/src/demo_agent/hot.py", "HOT = 1\n", "fix(python): lose no run");
    let fix = repo.head();
    let plan = repo.xtask(&["plan", "python", "--json"]).expect(0).json();
    assert_eq!(plan["apps"][0]["next"], "0.1.1", "{plan}");
    repo.xtask(&["bump", "python"]).expect(0);
    assert_eq!(repo.git(&["log", "-1", "--format=%s"]), "chore(release): python v0.1.1");
    // The release itself is tested below; here its tag is enough.
    repo.git(&["push", "--quiet", "origin", "HEAD:hotfix/python-v0.1.0", "HEAD:refs/tags/python-v0.1.1"]);
    let back = repo.xtask(&["hotfix", "python", "0.1.0"]).expect(0);
    expect![[r#"
        exit code 0
        python-v0.1.1 is released. To bring python's fix into development:
          git fetch origin
          git switch --no-track --create apply-hotfix-python-v0.1.1 origin/development
          git cherry-pick -x COMMIT
          cargo xtask hotfix python 0.1.0 --changelog
          git push origin apply-hotfix-python-v0.1.1
          # open a pull request into development
        stderr:
        ✓ hotfix/python-v0.1.0 is there already, at 1234567
    "#]]
    .assert_eq(&back.seen());
    assert_eq!(commands(&back)[2], format!("git cherry-pick -x {fix}"));
    for line in commands(&back).iter().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "git" => drop(repo.git(&words[1..])),
            _ => drop(repo.xtask(&words[2..]).expect(0)),
        }
    }
    let headings = |text: String| -> Vec<String> {
        text.lines()
            .filter_map(|l| l.strip_prefix("## [python-v")?.split_once(']'))
            .map(|(v, _)| v.into())
            .collect()
    };
    assert_eq!(headings(repo.read("CHANGELOG.md")), ["0.2.0", "0.1.1", "0.1.0"]);
    assert!(repo.read("CHANGELOG.md").contains("lose no run"));
    assert_eq!(
        repo.git(&["log", "-2", "--format=%s"]),
        "docs: add python-v0.1.1 to the changelog\nfix(python): lose no run"
    );
    // The number continues from the newest release, and the fix is not out there yet.
    let plan = repo.xtask(&["plan", "python", "--json"]).expect(0).json();
    assert_eq!(plan["apps"][0]["next"], "0.2.1", "{plan}");
    // Once development has it, nothing is left but the entry.
    repo.git(&["push", "--quiet", "origin", "HEAD:development"]);
    let done = repo.untouched(|| repo.xtask(&["hotfix", "python", "0.1.0", "--changelog"]));
    expect![[r#"
        exit code 0
        CHANGELOG.md has every patch of python-v0.1.0
        exit code 0
        python-v0.1.1 is released. development has its fixes.
          cargo xtask hotfix python 0.1.0 --changelog
        stderr:
        ✓ hotfix/python-v0.1.0 is there already, at 1234567
    "#]]
    .assert_eq(&(done.seen() + &repo.xtask(&["hotfix", "python", "0.1.0"]).seen()));
}

/// What a forge's release job does after a push of the branch that is checked out.
fn job(world: &World) -> Output {
    let branch = world.repo.git(&["branch", "--show-current"]);
    let mut command = world.command(&world.repo.path);
    command.args(["ci", "release"]).envs([
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_REF", &format!("refs/heads/{branch}")),
    ]);
    run(&mut command).expect(0)
}

#[test]
fn a_hotfix_beside_a_newer_release_is_released_from_its_branch_and_takes_no_latest() {
    let world = World::of("ts");
    world.xtask(&["release", "ts"]).expect(0);
    world.repo.commit("apps/ts/README.md", "# demo-agent, newer\n", "feat(ts): newer");
    world.bump(&[]);
    world.xtask(&["release", "ts"]).expect(0);
    let newest = world.image("example/demo-agent-ts", "v0.1.0");

    world.xtask(&["hotfix", "ts", "0.0.1"]).expect(0);
    world.repo.commit("apps/ts/README.md", "# demo-agent, hot\n", "fix(ts): hot");
    world.xtask(&["bump", "ts"]).expect(0);
    // Not pushed yet: nobody could review it.
    expect![[r#"
        exit code 3
        error[no-main]: ts: WORLD/registries/remote.git has no branch hotfix/ts-v0.0.1
          → git push WORLD/registries/remote.git HEAD:hotfix/ts-v0.0.1
        error: 1 finding to fix first
    "#]]
    .assert_eq(&world.xtask(&["release", "ts", "--until", "preflight"]).seen_findings());
    world.repo.git(&["push", "--quiet", "origin", "hotfix/ts-v0.0.1"]);
    let released = job(&world).seen();
    assert_eq!(world.image("example/demo-agent-ts", "latest"), newest);
    assert_eq!(
        world.dist_tags("@demo/agent"),
        serde_json::json!({ "latest": "0.1.0", "release-0.0": "0.0.2" })
    );
    expect![[r#"
        exit code 0
        release: push to hotfix/ts-v0.0.1 at 1234567
        ::group::release-ts
        Release ts v0.0.2 at 1234567
          ✓ lint-ts           bun.lock (TIME)
          ✓ openapi-ts        the committed spec matches the code (TIME)
          ✓ test-ts           Ran 1 test across 1 file. [TIME] (TIME)
          - users-ts          ts-v0.0.1 has neither black-box tests nor an example plugin
          ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: nothing ran for 1234567, no open release-blocker (TIME)
          ✓ build             demo-agent-0.0.2.tgz 1234567890ab (TIME)
          ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ smoke             3 places show 0.0.2; /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
          ✓ stage             no staging index in the settings; image without a tag: layers: N uploaded, N mounted, N already there; N KiB sent; sha256:SHA256 (TIME)
          ✓ tag               ts-v0.0.2 at 1234567 pushed (run local-RUN) (TIME)
          ✓ page-draft        draft http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2: 4 uploaded, 0 already there; Gitea had made it public with the tag, it is a draft again (TIME)
          ✓ publish           1 uploaded, 0 already there (TIME)
          ✓ image-push        sha256:SHA256 as v0.0.2 and sha-1234567; layers: N uploaded, N mounted, N already there; N KiB sent; sha256:SHA256 (TIME)
          ✓ verify            @demo/agent==0.0.2 installed, sha256 as in the tag: demo-agent-0.0.2.tgz 1234567890ab…; installed package: /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME; image v0.0.2 is sha256:SHA256, as in the tag; pulled image: v0.0.2 pulled, sha256:SHA256: ENGINE: /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          - latest            0.1.0 is newer
          ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 is public; Gitea shows the newest page as latest, which is now this one, not 0.1.0 (TIME)
          ✓ cascade           rehearsal/downstream was told of ts-v0.0.2 (TIME)
        ✓ ts v0.0.2 is released and verified: ts-v0.0.2
        ::endgroup::
        exit code 0
        release: push to hotfix/ts-v0.0.1 at 1234567
        ::group::release-ts
        Release ts v0.0.2 at 1234567
          - stage             no staging index in the settings
          - tag               ts-v0.0.2 at 1234567 (run local-RUN)
          - page-draft        the page has 4 files
          - publish           1 file on the index, hashes as in the tag
          - image-push        v0.0.2 and sha-1234567 are sha256:SHA256
          - latest            0.1.0 is newer
          - page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 is public
          - cascade           rehearsal/downstream told
          ✓ verify            @demo/agent==0.0.2 installed, sha256 as in the tag: demo-agent-0.0.2.tgz 1234567890ab…; installed package: /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME; image v0.0.2 is sha256:SHA256, as in the tag; pulled image: v0.0.2 pulled, sha256:SHA256: ENGINE: /health 200, /info 0.0.2 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          nothing left to release: ts-v0.0.2 is released
        ::endgroup::
    "#]].assert_eq(&(released + &job(&world).seen()));
    expect![[r#"
        exit code 0
        ts-v0.0.2 is released. To bring ts's fix into development:
          git fetch origin
          git switch --no-track --create apply-hotfix-ts-v0.0.2 origin/development
          git cherry-pick -x COMMIT
          cargo xtask hotfix ts 0.0.1 --changelog
          git push origin apply-hotfix-ts-v0.0.2
          # open a pull request into development
        stderr:
        ✓ hotfix/ts-v0.0.1 is there already, at 1234567
    "#]]
    .assert_eq(&world.xtask(&["hotfix", "ts", "0.0.1"]).seen());

    // The patch of the newest release would take `latest`: no push of a hotfix branch makes it.
    world.xtask(&["hotfix", "ts", "0.1.0"]).expect(0);
    world.repo.commit("apps/ts/README.md", "# demo-agent, hotter\n", "fix(ts): hotter");
    world.xtask(&["bump", "ts"]).expect(0);
    world.repo.git(&["push", "--quiet", "origin", "hotfix/ts-v0.1.0"]);
    let outside = world.outside();
    let refused = job(&world).seen();
    assert_eq!(outside, world.outside());
    // Another app's release is not made from there either.
    world.repo.git(&["switch", "--quiet", "--create", "hotfix/other-v0.1.0"]);
    expect![[r#"
        exit code 0
        release: push to hotfix/ts-v0.1.0 at 1234567
          ts 0.1.1 would be the newest release, and this job never moves latest:
          open a pull request into main
          nothing to do: no app has a version to release
        exit code 0
        release: push to hotfix/other-v0.1.0 at 1234567
          nothing to do: no app has a version to release
    "#]]
    .assert_eq(&(refused + &job(&world).seen()));
    world.repo.git(&["switch", "--quiet", "hotfix/ts-v0.0.1"]);

    // When 0.1.0 is rolled back, the hotfix is the newest release.
    world.xtask(&["rollback", "ts", "0.1.0", "--yes"]).expect(0);
    assert_eq!(world.dist_tags("@demo/agent")["latest"], "0.0.2");
    assert_eq!(
        world.image("example/demo-agent-ts", "latest"),
        world.image("example/demo-agent-ts", "v0.0.2")
    );
}
