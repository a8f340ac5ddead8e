//! Four causes that broke images of a real monorepo's TypeScript app after the push, each of which stops
//! before the push here: an outdated lock file, a lock file at the workspace's root, dependencies other than
//! the locked ones, and a user that the base image cannot create.

use crate::demo::World;
use crate::support::{Output, run};
use expect_test::expect;

/// The findings without the reason that a program gives.
fn findings(output: &Output) -> String {
    let seen = output.seen_lines(&["error["]);
    let short = |line: &str| line.split(": `").next().unwrap().split(": no user").next().unwrap().to_string();
    seen.lines().map(|line| short(line) + "\n").collect()
}

#[test]
fn an_outdated_or_misplaced_lock_file_stops_the_lint_and_the_release() {
    let world = World::of("ts");
    let outside = world.outside();
    let lock = world.repo.read("apps/ts/bun.lock");
    let manifest = world
        .repo
        .read("apps/ts/package.json")
        .replace("\"picocolors\": \"^1.0.0\"", "\"picocolors\": \"^1.1.0\"");
    world.repo.commit("apps/ts/package.json", &manifest, "build: a newer dependency");
    world.push();
    expect![[r#"
        exit code 3
        error[lint]: ts: bun.lock does not match package.json
    "#]]
    .assert_eq(&findings(&world.xtask(&["lint", "ts"])));
    let release =
        run(world.command(&world.repo.path).env("NPM_TOKEN", "wrong-token").args(["release", "ts"]));
    expect![[r#"
        exit code 3
        error[credentials]: ts: http://127.0.0.1:PORT refuses the credentials in NPM_TOKEN
        error[lint]: ts: bun.lock does not match package.json
    "#]]
    .assert_eq(&findings(&release));
    assert!(!release.stderr.contains("wrong-token"));

    world.repo.git(&["rm", "--quiet", "apps/ts/bun.lock"]);
    world.repo.write("package.json", "{ \"private\": true, \"workspaces\": [\"apps/*\"] }\n");
    world.repo.commit("bun.lock", &lock, "build: one lock file for the workspace");
    world.push();
    let stopped = [["lint", "ts"], ["release", "ts"], ["image", "ts"]];
    expect![[r#"
        exit code 3
        error[lint]: ts: WORLD/Prüfung #1; mit Raum/apps/ts has neither a bun.lock nor a package-lock.json: run `bun install` or `npm install` there and commit the lock file (apps/ts)
        error: 1 finding to fix first
        exit code 3
        error[lint]: ts: WORLD/Prüfung #1; mit Raum/apps/ts has neither a bun.lock nor a package-lock.json: run `bun install` or `npm install` there and commit the lock file (apps/ts)
        error: 1 finding to fix first
        exit code 1
        error: WORLD/tmp/xtask-run/apps/ts has neither a bun.lock nor a package-lock.json: run `bun install` or `npm install` there and commit the lock file
    "#]].assert_eq(&stopped.map(|args| world.xtask(&args).seen_findings()).concat());
    let new: Vec<_> = world
        .outside()
        .into_iter()
        .filter(|file| !outside.contains(file) && !file.contains("remote.git"))
        .collect();
    assert_eq!(new, [] as [&str; 0], "something was published");
}

impl World {
    /// Every JSON document in the container registry.
    fn documents(&self) -> Vec<serde_json::Value> {
        let blobs =
            self.outside().into_iter().filter(|f| f.contains("/blobs/sha256/") && f.ends_with("/data"));
        let read =
            |line: String| serde_json::from_slice(&std::fs::read(line.split(" bytes ").nth(1)?).ok()?).ok();
        blobs.filter_map(read).collect()
    }
}

#[test]
fn an_image_has_the_locked_dependencies_and_a_numeric_user() {
    let world = World::of("ts");
    world.xtask(&["image", "ts", "--push"]).expect(0);
    let documents = world.documents();
    let users: Vec<_> = documents
        .iter()
        .filter(|d| d["config"]["Entrypoint"].is_array())
        .map(|d| &d["config"]["User"])
        .collect();
    assert_eq!(users, ["10001:10001"; 2], "one for each platform");

    let lists: Vec<_> = documents.iter().filter(|d| d["bomFormat"] == "CycloneDX").collect();
    assert_eq!(lists.len(), 2, "one for each platform");
    for list in lists {
        let versions: Vec<_> = list["components"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["name"] == "picocolors")
            .map(|c| &c["version"])
            .collect();
        // package.json would accept newer versions, and they exist.
        assert_eq!(versions, ["1.0.0"], "{list:#}");
    }

    // Without dependencies bun writes no lock file, and none is required.
    let manifest = world
        .repo
        .read("apps/ts/package.json")
        .replace(",\n  \"dependencies\": {\n    \"picocolors\": \"^1.0.0\"\n  }", "");
    assert!(!manifest.contains("picocolors"), "{manifest}");
    let cli = world
        .repo
        .read("apps/ts/src/cli.js")
        .replace("import colours from \"picocolors\";\n", "")
        .replace("colours.bold", "String");
    world.repo.write("apps/ts/package.json", manifest);
    world.repo.git(&["rm", "--quiet", "apps/ts/bun.lock"]);
    world.repo.commit("apps/ts/src/cli.js", &cli, "build: no dependencies");
    world.xtask(&["lint", "ts"]).expect(0);
    world.xtask(&["image", "ts", "--push"]).expect(0);
}
