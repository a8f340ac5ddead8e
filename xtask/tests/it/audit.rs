//! `audit`: every place that shows a version, and which of them are wrong.

use crate::support::{APP_TOML, Output, PYPROJECT, Repo};

fn audit(repo: &Repo) -> Output {
    repo.xtask(&["audit"])
}

/// A package with three version strings: 0.1.17 in its metadata, 0.1.0 in its code, 0.1.129 in a template that is built on it.
fn three_strings() -> Repo {
    let repo = Repo::new();
    repo.write("apps/python/app.toml", APP_TOML.replace("demo-agent", "demo-workspace-runtime"));
    repo.write("apps/python/pyproject.toml", PYPROJECT.replace("demo-agent", "demo-workspace-runtime").replace("0.0.0", "0.1.17"));
    repo.write("apps/python/src/demo_runtime/__init__.py", "\"\"\"A runtime.\"\"\"\n\n__version__ = \"0.1.0\"\n");
    repo.write("templates/claude-code/.runtime-version", "0.1.129\n");
    repo.write("templates/claude-code/requirements.txt", "requests==2.32.3\n");
    repo.commit("templates/claude-code/.python-version", "3.11.4\n", "chore: three strings");
    repo
}

#[test]
fn three_version_strings_are_found_in_one_run_and_mended_as_it_says() {
    let repo = three_strings();
    let out = repo.untouched(|| audit(&repo).expect(3));
    assert_eq!(
        out.stdout,
        "python  0.1.17  apps/python/pyproject.toml:3, not released yet\n  \
         ✗ constant  0.1.0    apps/python/src/demo_runtime/__init__.py:3\n  \
         ✗ pin       0.1.129  templates/claude-code/.runtime-version:1\n"
    );
    for says in [
        "error[version-wrong]: python: the constant shows 0.1.0, the manifest 0.1.17 (apps/python/src/demo_runtime/__init__.py:3)",
        "→ read it: `importlib.metadata.version(\"demo-workspace-runtime\")` instead of \"0.1.0\"",
        "error[pin-unreleased]: python: the pin asks for 0.1.129, which nothing here has released",
        "add \"../../templates/claude-code/.runtime-version\" to pins in apps/python/app.toml, [release]",
        "2 findings to settle first",
    ] {
        assert!(out.stderr.contains(says), "{says} is missing in {}", out.stderr);
    }

    // The mends, as they are told.
    let code = "from importlib.metadata import version\n\n__version__ = version(\"demo-workspace-runtime\")\n";
    repo.write("apps/python/src/demo_runtime/__init__.py", code);
    let settings = repo.read("apps/python/app.toml") + "[release]\npins = [\"../../templates/claude-code/.runtime-version\"]\n";
    repo.commit("apps/python/app.toml", &settings, "fix: one source for the version");
    let out = audit(&repo).expect(3);
    assert!(out.stderr.contains("error[pin-wrong]") && out.stderr.contains("cargo xtask bump python"), "{out:?}");
    repo.xtask(&["bump", "python"]).expect(0);
    // The template has 0.1.129, so somebody may have it: no lower number can be the next one.
    assert_eq!(repo.read("templates/claude-code/.runtime-version"), "0.1.130\n");
    let out = audit(&repo).expect(0);
    assert!(out.stderr.contains("nothing has drifted: 2 places show a version, each the right one"), "{out:?}");
    repo.git(&["tag", "python-v0.1.130"]);
    repo.change("fix: more");
    repo.xtask(&["bump", "python"]).expect(0);
    assert_eq!(repo.read("templates/claude-code/.runtime-version"), "0.1.131\n", "bump keeps the declared pin in step");
    audit(&repo).expect(0);
}

#[test]
fn the_document_for_programs_has_the_same_places_and_findings() {
    let repo = three_strings();
    let document = repo.xtask(&["audit", "python", "--json"]).expect(3).json();
    assert_eq!(document["schema"], 1);
    let app = &document["apps"][0];
    assert_eq!((&app["source"], &app["version"]), (&"apps/python/pyproject.toml:3".into(), &"0.1.17".into()));
    let places: Vec<String> =
        app["places"].as_array().unwrap().iter().map(|p| format!("{} {} {}", p["kind"], p["shows"], p["verdict"])).collect();
    assert_eq!(places, ["\"constant\" \"0.1.0\" \"wrong\"", "\"pin\" \"0.1.129\" \"wrong\""]);
    assert_eq!(document["findings"].as_array().unwrap().len(), 2);
}
