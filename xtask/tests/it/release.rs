//! Releases of the demo app into real registries: through, interrupted everywhere, in conflict, and not at all.

use crate::demo::World;
use crate::support::run;

const STEPS: &[&str] =
    &["preflight", "build", "smoke", "image", "stage", "tag", "page-draft", "publish", "image-push", "verify", "latest", "page", "cascade"];

#[test]
fn a_release_goes_through_and_a_second_one_finds_nothing_left() {
    let world = World::new();
    let first = world.xtask(&["release", "python"]).expect(0);
    assert!(first.stderr.contains("python v0.0.1 is released and verified"), "{}", first.stderr);
    eprintln!("{}", first.stderr);
    assert_eq!(world.published(), ["demo_agent-0.0.1-py3-none-any.whl", "demo_agent-0.0.1.tar.gz"]);
    let outside = world.outside();
    let second = world.repo.untouched(|| world.xtask(&["release", "python"]).expect(4));
    assert!(second.stderr.contains("nothing left to release: python-v0.0.1"), "{}", second.stderr);
    assert_eq!(outside, world.outside(), "the second run changed something outside");
    assert!(!second.stderr.contains("✓ build"), "the second run built: {}", second.stderr);
    world.xtask(&["verify", "python", "0.0.1"]).expect(0);
}

fn survives_a_kill_after(steps: &[&str]) {
    let world = World::new();
    for (patch, step) in (1..).zip(steps) {
        if patch > 1 {
            world.repo.commit("apps/python/README.md", &format!("# demo-agent, edition {patch}\n"), "fix: say the edition");
            world.bump(&[]);
        }
        let killed = world.xtask(&["release", "python", "--kill-at", step]);
        assert_eq!(killed.code, -1, "{step}: not killed by a signal: {killed:#?}");
        let again = world.xtask(&["release", "python"]);
        // Killed after the last outward step, there is nothing left to do.
        let finished = ["latest", "page", "cascade"].contains(step);
        assert_eq!(again.code, if finished { 4 } else { 0 }, "{step}: {}", again.stderr);
        assert_eq!(world.published().len(), 2 * patch, "{step}: exactly one copy of each file");
        world.xtask(&["verify", "python"]).expect(0);
    }
}

#[test]
fn a_release_killed_before_its_tag_completes_when_run_again() {
    survives_a_kill_after(&STEPS[..6]);
}

#[test]
fn a_release_killed_after_its_tag_completes_when_run_again() {
    survives_a_kill_after(&STEPS[6..]);
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let world = World::new();
    let outside = world.outside();
    let dry = world.repo.untouched(|| world.xtask(&["release", "python", "--dry-run"]).expect(0));
    for action in ["git push", "upload demo_agent-0.0.1-py3-none-any.whl", "push ghcr.io/example/demo-agent:v0.0.1", "latest"] {
        assert!(dry.stderr.contains(action), "{action} is missing in {}", dry.stderr);
    }
    for secret in ["PYPI_TOKEN", "TESTPYPI_TOKEN"] {
        assert!(!dry.stderr.contains(&world.env[secret]), "the token is shown");
    }
    assert_eq!(outside, world.outside());
}

#[test]
fn a_tag_that_somebody_made_by_hand_stops_the_release() {
    let world = World::new();
    world.repo.git(&["push", "--quiet", "origin", "HEAD~1:refs/tags/python-v0.0.1"]);
    let outside = world.outside();
    let stopped = world.xtask(&["release", "python"]).expect(3);
    assert!(stopped.stderr.contains("tag-taken"), "{}", stopped.stderr);
    assert_eq!(outside, world.outside());
}

#[test]
fn a_file_with_other_bytes_on_the_index_stops_the_release_and_is_named() {
    let world = World::new();
    world.xtask(&["release", "python", "--until", "tag"]).expect(0);
    let package = world.data.join("pypi/packages");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("demo_agent-0.0.1.tar.gz"), "somebody else's").unwrap();
    let stopped = world.xtask(&["release", "python"]).expect(3);
    assert!(stopped.stderr.contains("published-differs") && stopped.stderr.contains("demo_agent-0.0.1.tar.gz"), "{}", stopped.stderr);
}

#[test]
fn latest_does_not_move_back_to_an_older_release() {
    let world = World::new();
    world.xtask(&["release", "python"]).expect(0);
    let old = world.repo.head();
    world.repo.commit("apps/python/README.md", "# newer\n", "feat: newer");
    world.bump(&[]);
    world.xtask(&["release", "python"]).expect(0);
    world.repo.git(&["switch", "--quiet", "--create", "hotfix/python-v0.0.1", &old]);
    world.repo.commit("apps/python/README.md", "# hot\n", "fix: hot");
    world.bump(&["--version", "0.0.2"]);
    let hotfix = world.xtask(&["release", "python"]).expect(0);
    assert!(hotfix.stderr.contains("0.1.0 is newer"), "{}", hotfix.stderr);
    world.xtask(&["verify", "python", "0.1.0"]).expect(0);
}

#[test]
fn preflight_reports_everything_that_is_wrong_at_once() {
    let world = World::new();
    world.repo.git(&["switch", "--quiet", "--create", "feat/later"]);
    world.repo.commit("CHANGELOG.md", "# Changelog\n", "docs: lose the changelog");
    world.repo.write("apps/python/README.md", "# not committed\n");
    let mut command = world.command(&world.repo.path);
    command.env("PYPI_TOKEN", "wrong-token").env_remove("TESTPYPI_TOKEN");
    let outside = world.outside();
    let stopped = run(command.args(["release", "python"])).expect(3);
    for id in ["dirty-tree", "not-at-main", "changelog-empty", "refuses the credentials in PYPI_TOKEN", "set TESTPYPI_TOKEN"] {
        assert!(stopped.stderr.contains(id), "{id} is missing in {}", stopped.stderr);
    }
    assert!(!stopped.stderr.contains("wrong-token"));
    assert_eq!(outside, world.outside());
}

#[test]
fn of_two_racing_releases_one_wins_and_the_other_names_it() {
    let world = World::new();
    let twin = world.repo.world().join("twin");
    world.repo.git(&["clone", "--quiet", &world.env["XTASK_REMOTE"], twin.as_str()]);
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let runs = [&world.repo.path, &twin].map(|dir| {
            let mut command = world.command(dir);
            command.args(["release", "python"]);
            scope.spawn(move || run(&mut command))
        });
        runs.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let mut codes: Vec<_> = outputs.iter().map(|o| o.code).collect();
    codes.sort();
    assert_eq!(codes, [0, 3], "{outputs:#?}");
    let loser = outputs.iter().find(|o| o.code == 3).unwrap();
    assert!(loser.stderr.contains("lost-race") && loser.stderr.contains("run local-"), "{}", loser.stderr);
    assert_eq!(world.published().len(), 2);
}
