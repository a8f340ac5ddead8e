//! Releases of a demo app into real registries: complete, interrupted at every step, in conflict, and
//! refused. Tests of both ecosystems share one function.

use crate::demo::World;
use crate::support::run;

const STEPS: &[&str] = &[
    "preflight",
    "build",
    "smoke",
    "image",
    "stage",
    "tag",
    "page-draft",
    "publish",
    "image-push",
    "verify",
    "latest",
    "page",
    "cascade",
];

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

fn completes(app: &'static str) {
    let world = World::of(app);
    let first = world.xtask(&["release", app]).expect(0);
    assert!(first.stderr.contains(&format!("{app} v0.0.1 is released and verified")), "{}", first.stderr);
    keeps_secrets(&world, &first.stderr);
    assert_eq!(world.published(), files(app, "0.0.1"));
    let outside = world.outside();
    let second = world.repo.untouched(|| world.xtask(&["release", app]).expect(4));
    assert!(second.stderr.contains(&format!("nothing left to release: {app}-v0.0.1")), "{}", second.stderr);
    assert_eq!(outside, world.outside(), "the second run changed something outside");
    assert!(!second.stderr.contains("✓ build"), "the second run built: {}", second.stderr);
    world.xtask(&["verify", app, "0.0.1"]).expect(0);
}

#[test]
fn a_release_completes_and_a_second_one_finds_nothing_left() {
    completes("python");
}

#[test]
fn a_ts_release_completes_and_a_second_one_finds_nothing_left() {
    completes("ts");
}

fn survives_a_kill_after(app: &'static str, steps: &[&str]) {
    let world = World::of(app);
    for (patch, step) in (1..).zip(steps) {
        if patch > 1 {
            change(&world, app, &format!("edition {patch}"), "fix: say the edition");
            world.bump(&[]);
        }
        let killed = world.xtask(&["release", app, "--kill-at", step]);
        assert_eq!(killed.code, -1, "{step}: not killed by a signal: {killed:#?}");
        let again = world.xtask(&["release", app]);
        // After the last outward step nothing is left to do.
        let finished = ["latest", "page", "cascade"].contains(step);
        assert_eq!(again.code, if finished { 4 } else { 0 }, "{step}: {}", again.stderr);
        assert_eq!(
            world.published().len(),
            files(app, "").len() * patch,
            "{step}: exactly one copy of each file"
        );
    }
    world.xtask(&["verify", app]).expect(0);
}

#[test]
fn a_release_killed_before_its_tag_completes_when_run_again() {
    survives_a_kill_after("python", &STEPS[..6]);
}

#[test]
fn a_release_killed_after_its_tag_completes_when_run_again() {
    survives_a_kill_after("python", &STEPS[6..]);
}

#[test]
fn a_ts_release_killed_before_its_tag_completes_when_run_again() {
    survives_a_kill_after("ts", &STEPS[..6]);
}

#[test]
fn a_ts_release_killed_after_its_tag_completes_when_run_again() {
    survives_a_kill_after("ts", &STEPS[6..]);
}

/// Checks that a dry run lists the actions of the release, and changes nothing.
fn dry_run_changes_nothing(app: &'static str, actions: &[&str]) {
    let world = World::of(app);
    let outside = world.outside();
    let dry = world.repo.untouched(|| world.xtask(&["release", app, "--dry-run"]).expect(0));
    for action in ["git push", &format!("push ghcr.io/{}:v0.0.1", image(app)), "latest"].iter().chain(actions)
    {
        assert!(dry.stderr.contains(action), "{action} is missing in {}", dry.stderr);
    }
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
        &["upload demo_agent-0.0.1-py3-none-any.whl", "upload demo_agent-0.0.1.tar.gz"],
    );
}

#[test]
fn a_ts_dry_run_lists_the_actions_and_changes_nothing() {
    dry_run_changes_nothing("ts", &["upload demo-agent-0.0.1.tgz", "dist-tag @demo/agent@0.0.1 latest"]);
}

#[test]
fn a_dry_run_shows_every_step_before_it_reports_what_is_missing() {
    let world = World::new();
    let mut command = world.command(&world.repo.path);
    let dry = run(command.args(["release", "python", "--dry-run"]).env_remove("PYPI_TOKEN")).expect(3);
    let at =
        |text: &str| dry.stderr.find(text).unwrap_or_else(|| panic!("{text} is missing in {}", dry.stderr));
    assert!(at("git push") < at("latest"));
    assert!(at("latest") < at("error[credentials]"));
    assert!(!dry.stderr.contains("is ready"), "{}", dry.stderr);
}

#[test]
fn a_tag_that_was_created_by_hand_stops_the_release() {
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
    assert!(
        stopped.stderr.contains("published-differs") && stopped.stderr.contains("demo_agent-0.0.1.tar.gz"),
        "{}",
        stopped.stderr
    );
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
    assert!(
        stopped.stderr.contains("published-differs") && stopped.stderr.contains("demo-agent-0.0.1.tgz"),
        "{}",
        stopped.stderr
    );
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
    let hotfix = world.xtask(&["release", app]).expect(0);
    assert!(hotfix.stderr.contains("0.1.0 is newer"), "{}", hotfix.stderr);
    latest_is_0_1_0(&world, app);

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
fn preflight_reports_all_problems_together() {
    let world = World::new();
    world.repo.git(&["switch", "--quiet", "--create", "feat/later"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    world.repo.write("apps/python/src/demo_agent/model.bin", pointer);
    world.repo.commit("CHANGELOG.md", "# Changelog\n", "docs: lose the changelog");
    world.repo.write("apps/python/README.md", "# not committed\n");
    let mut command = world.command(&world.repo.path);
    command.env("PYPI_TOKEN", "wrong-token").env_remove("TESTPYPI_TOKEN");
    let outside = world.outside();
    let stopped = run(command.args(["release", "python"])).expect(3);
    for id in [
        "dirty-tree",
        "not-at-main",
        "changelog-empty",
        "src/demo_agent/model.bin is a pointer of Git LFS",
        "refuses the credentials in PYPI_TOKEN",
        "set TESTPYPI_TOKEN",
    ] {
        assert!(stopped.stderr.contains(id), "{id} is missing in {}", stopped.stderr);
    }
    assert!(!stopped.stderr.contains("wrong-token"));
    assert_eq!(outside, world.outside());
}

#[test]
fn only_one_of_two_racing_releases_succeeds_and_the_other_names_it() {
    let world = World::new();
    let twin = world.repo.world().join("twin");
    world.repo.git(&["clone", "--quiet", &world.servers.env["XTASK_REMOTE"], twin.as_str()]);
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
