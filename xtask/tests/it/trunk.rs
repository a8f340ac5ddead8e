//! A repository of another team: a single branch, a FastAPI app built with hatchling, and a package installed
//! with npm, built with tsc and tested with vitest. Both are released with settings only, without a change to
//! xtask.

use crate::demo::{self, World};
use crate::support::{Output, Repo, run};
use camino::Utf8Path;
use std::process::Command;

/// Both apps, committed on `main`.
fn repo() -> Repo {
    let repo = Repo::empty("repo");
    demo::copy(&Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/demo-trunk"), &repo.path);
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n");
    repo.write(
        ".gitignore",
        "/target/\n.venv/\nnode_modules/\ndist/\nnames.json\n__pycache__/\n.pytest_cache/\n",
    );
    repo.xtask(&["openapi", "generate"]).expect(0);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: a server and a package"]);
    repo
}

/// The path of the file that `build` created for the app and whose name ends with `end`.
fn built(world: &World, app: &str, end: &str) -> String {
    let files = world.xtask(&["build", app, "--json"]).expect(0).json();
    let paths: Vec<&str> =
        files["files"].as_array().expect("files").iter().filter_map(|file| file["path"].as_str()).collect();
    paths.iter().find(|path| path.ends_with(end)).unwrap_or_else(|| panic!("{end} in {paths:?}")).to_string()
}

#[track_caller]
fn prints(output: &Output, words: &[&str]) {
    for word in words {
        assert!(
            output.stderr.contains(word) || output.stdout.contains(word),
            "{word} is missing in {output:#?}"
        );
    }
}

#[test]
fn a_repository_with_one_branch_releases_both_apps() {
    let world = World::around(repo(), &["api", "web"]);
    world.push_to(&["main"]);
    let plan = world.xtask(&["plan", "--json"]).expect(0).json();
    assert_eq!([&plan["apps"][0]["next"], &plan["apps"][1]["next"]], ["0.0.1", "0.0.1"]);
    prints(&world.xtask(&["lint"]).expect(0), &["tsc", "package-lock.json"]);
    prints(&world.xtask(&["test"]).expect(0), &["1 passed", "npm test"]);
    // Both packages contain what `[commands] build` created, and none of the tools that it used.
    let wheel = built(&world, "api", "-py3-none-any.whl");
    let names = run(Command::new("python3").args(["-m", "zipfile", "-l", &wheel]));
    assert!(names.stdout.contains("demo_api/names.json") && !names.stdout.contains(".venv"), "{names:#?}");
    let names = run(Command::new("tar").args(["-tzf", &built(&world, "web", ".tgz")]));
    assert!(names.stdout.contains("package/dist/index.js"), "{names:#?}");

    let lock = world.repo.read("apps/web/package-lock.json");
    for version in ["0.0.1", "0.0.2"] {
        for app in ["api", "web"] {
            prints(
                &world.xtask(&["release", app, "--bump"]).expect(0),
                &[&format!("{app} v{version} is released and verified")],
            );
            let readme = format!("apps/{app}/README.md");
            let text = world.repo.read(&readme);
            world.repo.commit(&readme, &format!("{text}\nAfter {version}.\n"), "fix: say more");
            world.push_to(&["main"]);
        }
    }
    // Only the two places of the version in the lock file have changed.
    let two = lock.replacen("\"version\": \"0.0.0\"", "\"version\": \"0.0.2\"", 2);
    assert_eq!(world.repo.read("apps/web/package-lock.json"), two);
    let published = world.published();
    for file in [
        "demo-web-0.0.1.tgz",
        "demo-web-0.0.2.tgz",
        "demo_api-0.0.1-py3-none-any.whl",
        "demo_api-0.0.2.tar.gz",
    ] {
        assert!(published.iter().any(|name| name == file), "{file} is missing in {published:?}");
    }
    // The check by npm itself finds that the lock file matches.
    world.xtask(&["lint", "web"]).expect(0);
}

#[test]
fn an_npm_app_without_a_test_command_with_a_stale_lock_file_or_with_an_image_is_refused() {
    let repo = repo();
    let settings = repo.read("apps/web/app.toml");
    repo.write("apps/web/app.toml", settings.split("[commands]").next().unwrap());
    prints(
        &repo.xtask(&["test", "web"]).expect(3),
        &["in apps/web/app.toml: [commands] test = [[\"npm\", \"test\"]]"],
    );
    let manifest = repo.read("apps/web/package.json").replace("\"5.9.3\"", "\"5.9.2\"");
    repo.write("apps/web/package.json", manifest);
    prints(
        &repo.xtask(&["lint", "web"]).expect(3),
        &["package-lock.json does not match package.json", "npm install --package-lock-only"],
    );
    repo.git(&["checkout", "--quiet", "."]);
    let image = "[spec]\nfile = \"openapi.json\"\ngenerate = [\"true\"]\nserve = [\"demo-web\"]\n\
                 [image]\nname = \"ghcr.io/example/web\"\nbase = \"docker.io/library/debian:bookworm-slim\"\n\
                 platforms = [\"linux/amd64\"]\n";
    repo.commit("apps/web/app.toml", &format!("{settings}{image}"), "feat: an image");
    prints(
        &repo.xtask(&["image", "web"]).expect(1),
        &["apps/web cannot have an image", "package-lock.json", "remove [image] from apps/web/app.toml"],
    );
}
