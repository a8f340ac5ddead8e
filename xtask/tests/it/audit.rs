//! `audit`: every place that shows a version, and which of them are wrong.

use crate::support::{APP_TOML, Output, PYPROJECT, Repo};
use expect_test::expect;

fn audit(repo: &Repo) -> Output {
    repo.xtask(&["audit"])
}

/// A package with three version strings: 0.1.17 in its metadata, 0.1.0 in its code, 0.1.129 in a template
/// that is built on it.
fn three_strings() -> Repo {
    let repo = Repo::new();
    repo.write("apps/python/app.toml", APP_TOML.replace("demo-agent", "demo-workspace-runtime"));
    repo.write(
        "apps/python/pyproject.toml",
        PYPROJECT.replace("demo-agent", "demo-workspace-runtime").replace("0.0.0", "0.1.17"),
    );
    repo.write(
        "apps/python/src/demo_runtime/__init__.py",
        "\"\"\"A runtime.\"\"\"\n\n__version__ = \"0.1.0\"\n",
    );
    repo.write("templates/worker/.runtime-version", "0.1.129\n");
    repo.write("templates/worker/requirements.txt", "requests==2.32.3\n");
    repo.commit("templates/worker/.python-version", "3.11.4\n", "chore: three strings");
    repo
}

#[test]
fn three_version_strings_are_found_in_one_run_and_fixed_as_the_help_says() {
    let repo = three_strings();
    let out = repo.untouched(|| audit(&repo).expect(3));
    expect![[r#"
        exit code 3
        python  0.1.17  apps/python/pyproject.toml:3, not released yet
          ✗ constant  0.1.0    apps/python/src/demo_runtime/__init__.py:3
          ✗ pin       0.1.129  templates/worker/.runtime-version:1
        stderr:
        error[version-wrong]: python: the constant shows 0.1.0, but the manifest has 0.1.17 (apps/python/src/demo_runtime/__init__.py:3)
          → read it: `importlib.metadata.version("demo-workspace-runtime")` instead of "0.1.0"
          → or let `bump` keep it: add "src/demo_runtime/__init__.py" to pins in apps/python/app.toml, [release]
        error[pin-unreleased]: python: the pin asks for 0.1.129, for which there is no tag: the manifest has 0.1.17, and nothing is released yet (templates/worker/.runtime-version:1)
          → if the index has it: git tag python-v0.1.129 COMMIT, with the commit that it was built from
          → if not: write 0.1.17 there
          → or let `bump` write it with each version: add "../../templates/worker/.runtime-version" to pins in apps/python/app.toml, [release]
        error: 2 findings to fix first
    "#]].assert_eq(&out.seen());

    // Applies the fixes that the help proposes.
    let code =
        "from importlib.metadata import version\n\n__version__ = version(\"demo-workspace-runtime\")\n";
    repo.write("apps/python/src/demo_runtime/__init__.py", code);
    let settings = repo.read("apps/python/app.toml")
        + "[release]\npins = [\"../../templates/worker/.runtime-version\"]\n";
    repo.commit("apps/python/app.toml", &settings, "fix: one source for the version");
    let out = audit(&repo).expect(3);
    expect![[r#"
        exit code 3
        python  0.1.17  apps/python/pyproject.toml:3, not released yet
          ✗ declared pin  0.1.129  templates/worker/.runtime-version:1
        stderr:
        error[pin-wrong]: python: the declared pin shows 0.1.129, but the manifest has 0.1.17 (templates/worker/.runtime-version:1)
          → write 0.1.17 there, or let the next `cargo xtask bump python` write it
        error: 1 finding to fix first
    "#]].assert_eq(&out.seen());
    repo.xtask(&["bump", "python"]).expect(0);
    // The template pins 0.1.129, so somebody may use it: the next version must be higher.
    assert_eq!(repo.read("templates/worker/.runtime-version"), "0.1.130\n");
    let out = audit(&repo).expect(0);
    expect![[r#"
        exit code 0
        python  0.1.130  apps/python/pyproject.toml:3, not released yet
          ✓ declared pin  0.1.130  templates/worker/.runtime-version:1
          ✓ changelog     0.1.130  CHANGELOG.md:7
        stderr:
        ✓ all versions agree: 2 places show one, and all are right
    "#]]
    .assert_eq(&out.seen());
    repo.git(&["tag", "python-v0.1.130"]);
    repo.change("fix: more");
    repo.xtask(&["bump", "python"]).expect(0);
    assert_eq!(repo.read("templates/worker/.runtime-version"), "0.1.131\n", "bump updates the declared pin");
    audit(&repo).expect(0);
}

#[test]
fn the_json_document_has_the_same_places_and_findings() {
    let repo = three_strings();
    let document = repo.xtask(&["audit", "python", "--json"]).expect(3).json();
    assert_eq!(document["schema"], 1);
    let app = &document["apps"][0];
    assert_eq!((&app["source"], &app["version"]), (&"apps/python/pyproject.toml:3".into(), &"0.1.17".into()));
    let places: Vec<String> = app["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| format!("{} {} {}", p["kind"], p["shows"], p["verdict"]))
        .collect();
    assert_eq!(places, ["\"constant\" \"0.1.0\" \"wrong\"", "\"pin\" \"0.1.129\" \"wrong\""]);
    assert_eq!(document["findings"].as_array().unwrap().len(), 2);
}

/// Two released apps whose places all agree, with texts that only look like their versions.
fn in_step() -> Repo {
    let repo = Repo::new();
    let image = "[image]\nname = \"ghcr.io/team/demo-agent\"\nbase = \"docker.io/library/python:3.11.4\"\n\
                 platforms = []\n";
    repo.write(
        "apps/python/app.toml",
        format!("{APP_TOML}{image}[release]\npins = [\"../../deploy/.demo-version\"]\n"),
    );
    repo.write(
        "apps/python/pyproject.toml",
        PYPROJECT
            .replace("0.0.0", "0.2.0rc1")
            .replace("requires", "dependencies = [\"demo-agent-tools==9.0.0\"]\nrequires"),
    );
    repo.write("apps/ts/app.toml", "name = \"ts\"\necosystem = \"ts\"\npackage = \"@team/demo-agent\"\n");
    repo.write(
        "apps/ts/package.json",
        "\u{feff}{\r\n  \"name\": \"@team/demo-agent\",\r\n  \"version\": \"1.4.0\",\r\n\
         \"dependencies\": { \"demo-agent\": \"9.9.9\" }\r\n}\r\n",
    );
    repo.write(
        "apps/ts/src/version.ts",
        "import manifest from \"../package.json\" with { type: \"json\" };\n\
         export const VERSION = manifest.version;\n\
         export const API_VERSION = \"3.0.0\";\n",
    );
    repo.write("deploy/.demo-version", "0.2.0-rc.1\n");
    repo.write(
        "deploy/requirements.txt",
        "demo_agent[x]>=0.1,<0.3\ndemo-agent-tools==9.0.0\n# demo-agent==0.0.1\n",
    );
    repo.write(
        "deploy/compose.yaml",
        "services:\n  a:\n    image: ghcr.io/team/demo-agent:v0.1.0\n  b:\n    image: \
         ghcr.io/team/demo-agent-ui:v9.9.9\n",
    );
    repo.write("deploy/.node-version", "20.1.0\n");
    repo.write(
        "README.md",
        "`pip install demo-agent==0.1.0`, `npm i @team/demo-agent@1.4.0`\n\n\
         ![python](https://img.shields.io/badge/python-3.11.4-blue)\n",
    );
    repo.write(
        "CHANGELOG.md",
        "# Changelog\n\n## [python-v0.2.0-rc.1]\n\nOnce `pip install demo-agent==0.0.3`.\n\n\
         ## [python-v0.1.0]\n\n## [ts-v1.4.0]\n",
    );
    repo.write("apps/python/tests/data/__init__.py", "__version__ = \"9.9.9\"\n");
    repo.write(
        "apps/python/examples/plugin/pyproject.toml",
        "[project]\nname = \"shout\"\nversion = \"5.0.0\"\ndependencies = [\"demo-agent~=0.1\"]\n",
    );
    repo.commit(
        "apps/python/examples/plugin/src/shout/__init__.py",
        "__version__ = \"5.0.0\"\n",
        "chore: in step",
    );
    repo.git(&["tag", "python-v0.1.0"]);
    repo.git(&["tag", "ts-v1.4.0"]);
    repo.git(&["tag", "python-very-old"]);
    repo
}

/// The lines of places that are not right.
fn marked(out: &Output) -> Vec<&str> {
    out.stdout.lines().filter(|line| line.starts_with("  ✗") || line.starts_with("  !")).collect()
}

#[test]
fn a_repository_whose_versions_agree_has_no_findings() {
    let repo = in_step();
    let out = repo.untouched(|| audit(&repo).expect(0));
    expect![[r#"
        exit code 0
        python  0.2.0-rc.1  apps/python/pyproject.toml:3, last release 0.1.0
          ✓ declared pin     0.2.0-rc.1  deploy/.demo-version:1
          ✓ install command  0.1.0       README.md:1
          ✓ pin              0.1.0       deploy/compose.yaml:3
          ✓ pin              >=0.1,<0.3  deploy/requirements.txt:1
          ✓ pin              ~=0.1       apps/python/examples/plugin/pyproject.toml:4
          ✓ changelog        0.2.0-rc.1  CHANGELOG.md:3
          ✓ tag              0.1.0       python-v0.1.0
        ts  1.4.0  apps/ts/package.json:3, last release 1.4.0
          ✓ install command  1.4.0  README.md:1
          ✓ changelog        1.4.0  CHANGELOG.md:9
          ✓ tag              1.4.0  ts-v1.4.0
        stderr:
        ✓ all versions agree: 10 places show one, and all are right
    "#]]
    .assert_eq(&out.seen());
    assert_eq!(marked(&out), [] as [&str; 0], "{out:?}");
}

#[test]
fn an_old_release_is_a_warning_and_a_wrong_version_is_an_error() {
    let repo = in_step();
    repo.git(&["tag", "python-v0.1.1"]);
    let out = audit(&repo).expect(0);
    expect![[r#"
        exit code 0
        python  0.2.0-rc.1  apps/python/pyproject.toml:3, last release 0.1.1
          ✓ declared pin     0.2.0-rc.1  deploy/.demo-version:1
          ! install command  0.1.0       README.md:1
          ✓ pin              ~=0.1       apps/python/examples/plugin/pyproject.toml:4
          ! pin              0.1.0       deploy/compose.yaml:3
          ✓ pin              >=0.1,<0.3  deploy/requirements.txt:1
          ✓ changelog        0.2.0-rc.1  CHANGELOG.md:3
          ✓ tag              0.1.1       python-v0.1.1
        ts  1.4.0  apps/ts/package.json:3, last release 1.4.0
          ✓ install command  1.4.0  README.md:1
          ✓ changelog        1.4.0  CHANGELOG.md:9
          ✓ tag              1.4.0  ts-v1.4.0
        stderr:
        warning[version-behind]: python: the install command shows 0.1.0; the last release is 0.1.1, and the manifest has 0.2.0-rc.1 (README.md:1)
          → write 0.1.1 there
        warning[version-behind]: python: the pin shows 0.1.0; the last release is 0.1.1, and the manifest has 0.2.0-rc.1 (deploy/compose.yaml:3)
          → write 0.1.1 there
          → or let `bump` write it with each version: add "../../deploy/compose.yaml" to pins in apps/python/app.toml, [release]
        nothing stops a release; 2 warnings above
    "#]].assert_eq(&out.seen());

    repo.write(
        "docker/demo.Dockerfile",
        "FROM scratch\nCOPY apps/python/ /x\nLABEL org.opencontainers.image.version=\"0.1.0\"\n",
    );
    repo.write("apps/ts/src/server.ts", "serve({\n  name: \"demo-agent\",\n  version: \"1.3.0\",\n});\n");
    repo.write(
        "apps/python/uv.lock",
        "[[package]]\r\nname = \"demo-agent\"\r\nversion = \"0.1.0\"\r\nsource = { editable = \".\" }\r\n",
    );
    repo.write("deploy/.demo-version", "v0.1.0\n");
    repo.git(&["add", "--all"]);
    repo.git(&["tag", "ts-v1.5.0"]);
    let out = audit(&repo).expect(3);
    expect![[r#"
        exit code 3
        python  0.2.0-rc.1  apps/python/pyproject.toml:3, last release 0.1.1
          ✗ declared pin     0.1.0       deploy/.demo-version:1
          ! install command  0.1.0       README.md:1
          ✓ pin              ~=0.1       apps/python/examples/plugin/pyproject.toml:4
          ✗ lock file        0.1.0       apps/python/uv.lock:3
          ! pin              0.1.0       deploy/compose.yaml:3
          ✓ pin              >=0.1,<0.3  deploy/requirements.txt:1
          ✗ image label      0.1.0       docker/demo.Dockerfile:3
          ✓ changelog        0.2.0-rc.1  CHANGELOG.md:3
          ✓ tag              0.1.1       python-v0.1.1
        ts  1.4.0  apps/ts/package.json:3, last release 1.5.0
          ✓ install command  1.4.0  README.md:1
          ✗ constant         1.3.0  apps/ts/src/server.ts:3
          ✓ changelog        1.4.0  CHANGELOG.md:9
          ✗ tag              1.5.0  ts-v1.5.0
        stderr:
        error[pin-wrong]: python: the declared pin shows 0.1.0, but the manifest has 0.2.0-rc.1 (deploy/.demo-version:1)
          → write 0.2.0-rc.1 there, or let the next `cargo xtask bump python` write it
        warning[version-behind]: python: the install command shows 0.1.0; the last release is 0.1.1, and the manifest has 0.2.0-rc.1 (README.md:1)
          → write 0.1.1 there
        error[version-wrong]: python: the lock file shows 0.1.0, but the manifest has 0.2.0-rc.1 (apps/python/uv.lock:3)
          → cd apps/python && uv lock
        warning[version-behind]: python: the pin shows 0.1.0; the last release is 0.1.1, and the manifest has 0.2.0-rc.1 (deploy/compose.yaml:3)
          → write 0.1.1 there
          → or let `bump` write it with each version: add "../../deploy/compose.yaml" to pins in apps/python/app.toml, [release]
        error[version-wrong]: python: the image label shows 0.1.0, but the manifest has 0.2.0-rc.1 (docker/demo.Dockerfile:3)
          → write 0.2.0rc1, or pass it to the build: ARG VERSION without a value, and --build-arg VERSION=…
          → or let `bump` keep it: add "../../docker/demo.Dockerfile" to pins in apps/python/app.toml, [release]
        error[version-wrong]: ts: the constant shows 1.3.0, but the manifest has 1.4.0 (apps/ts/src/server.ts:3)
          → read it: `import manifest from "../package.json" with { type: "json" }`, then `manifest.version`
          → or let `bump` keep it: add "src/server.ts" to pins in apps/ts/app.toml, [release]
        error[tag-ahead]: ts: ts-v1.5.0 is tagged, but the manifest has 1.4.0 (apps/ts/package.json)
          → cargo xtask bump ts
        error: 5 findings to fix first
    "#]].assert_eq(&out.seen());
    let only = repo.xtask(&["audit", "ts"]).expect(3);
    expect![[r#"
        exit code 3
        ts  1.4.0  apps/ts/package.json:3, last release 1.5.0
          ✓ install command  1.4.0  README.md:1
          ✗ constant         1.3.0  apps/ts/src/server.ts:3
          ✓ changelog        1.4.0  CHANGELOG.md:9
          ✗ tag              1.5.0  ts-v1.5.0
        stderr:
        error[version-wrong]: ts: the constant shows 1.3.0, but the manifest has 1.4.0 (apps/ts/src/server.ts:3)
          → read it: `import manifest from "../package.json" with { type: "json" }`, then `manifest.version`
          → or let `bump` keep it: add "src/server.ts" to pins in apps/ts/app.toml, [release]
        error[tag-ahead]: ts: ts-v1.5.0 is tagged, but the manifest has 1.4.0 (apps/ts/package.json)
          → cargo xtask bump ts
        error: 2 findings to fix first
    "#]].assert_eq(&only.seen());
}

#[test]
fn files_that_are_not_text_show_no_version() {
    let repo = in_step();
    repo.write("apps/python/src/demo_agent/latin.py", b"# \xe9\n__version__ = \"9.9.9\"\n");
    repo.write("apps/python/src/demo_agent/binary.py", b"\0\n__version__ = \"9.9.9\"\n");
    std::os::unix::fs::symlink(
        "../../tests/data/__init__.py",
        repo.path.join("apps/python/src/demo_agent/link.py"),
    )
    .unwrap();
    let other = Repo::new();
    other.commit("VERSION", "9.9.9\n", "feat: x");
    repo.git(&["submodule", "--quiet", "add", other.path.as_str(), "apps/python/sub"]);
    repo.git(&["add", "--all"]);
    repo.write("apps/python/VERSION", "9.9.9\n");
    repo.git(&["config", "submodule.recurse", "true"]);
    std::fs::remove_file(repo.path.join("deploy/compose.yaml")).unwrap();
    let out = audit(&repo).expect(0);
    assert!(!out.stdout.contains("9.9.9"), "not tracked, or not text: {out:?}");
    repo.git(&["add", "apps/python/VERSION"]);
    assert_eq!(marked(&audit(&repo).expect(3)), ["  ✗ constant         9.9.9       apps/python/VERSION:1"]);
}

#[test]
fn a_missing_pin_or_manifest_is_reported_with_the_rest() {
    let repo = in_step();
    std::fs::remove_file(repo.path.join("deploy/.demo-version")).unwrap();
    repo.write("apps/ts/package.json", "{}");
    let out = audit(&repo).expect(3);
    expect![[r#"
        exit code 3
        python  0.2.0-rc.1  apps/python/pyproject.toml:3, last release 0.1.0
          ✓ install command  0.1.0       README.md:1
          ✓ pin              0.1.0       deploy/compose.yaml:3
          ✓ pin              >=0.1,<0.3  deploy/requirements.txt:1
          ✓ pin              ~=0.1       apps/python/examples/plugin/pyproject.toml:4
          ✓ changelog        0.2.0-rc.1  CHANGELOG.md:3
          ✓ tag              0.1.0       python-v0.1.0
        ts  ?  apps/ts/package.json, last release 1.4.0
        stderr:
        error[pin-missing]: python: deploy/.demo-version is a declared pin, but it is not a text file in the working tree (deploy/.demo-version)
          → write the version into it, or remove it from pins in apps/python/app.toml, [release]
        error[manifest-unreadable]: ts: package.json has no "version" (apps/ts/package.json)
        error: 2 findings to fix first
    "#]].assert_eq(&out.seen());
    repo.write("deploy/.demo-version", "latest\n");
    expect![[r#"
        exit code 3
        python  0.2.0-rc.1  apps/python/pyproject.toml:3, last release 0.1.0
          ✓ install command  0.1.0       README.md:1
          ✓ pin              0.1.0       deploy/compose.yaml:3
          ✓ pin              >=0.1,<0.3  deploy/requirements.txt:1
          ✓ pin              ~=0.1       apps/python/examples/plugin/pyproject.toml:4
          ✓ changelog        0.2.0-rc.1  CHANGELOG.md:3
          ✓ tag              0.1.0       python-v0.1.0
        ts  ?  apps/ts/package.json, last release 1.4.0
        stderr:
        error[pin-missing]: python: deploy/.demo-version is a declared pin, but it contains no version (deploy/.demo-version)
          → write the version into it, or remove it from pins in apps/python/app.toml, [release]
        error[manifest-unreadable]: ts: package.json has no "version" (apps/ts/package.json)
        error: 2 findings to fix first
    "#]].assert_eq(&audit(&repo).expect(3).seen());
}

#[test]
fn another_checkout_is_audited_by_its_own_settings_wherever_its_root_is() {
    let repo = in_step();
    let below = Repo::empty("outer");
    std::fs::create_dir_all(below.path.join("inner/apps")).unwrap();
    below.write("inner/apps/python/app.toml", APP_TOML);
    below.write("inner/apps/python/pyproject.toml", PYPROJECT);
    below.write("apps/python/x.py", "__version__ = \"9.9.9\"\n");
    below.commit("inner/apps/python/x.py", "__version__ = \"0.0.1\"\n", "feat: x");
    let out = repo.xtask(&["--root", below.path.join("inner").as_str(), "audit"]).expect(3);
    assert_eq!(marked(&out), ["  ✗ constant  0.0.1  apps/python/x.py:1"]);
    let none = Repo::empty("none");
    expect![[r#"
        exit code 0
        no app under WORLD/none/apps
    "#]]
    .assert_eq(&audit(&none).expect(0).seen());
    let unknown = repo.xtask(&["audit", "pyhton"]).expect(2);
    expect![[r#"
        exit code 2
        error: no app "pyhton" under WORLD/repo/apps (there are: python, ts); did you mean "python"?
    "#]]
    .assert_eq(&unknown.seen());
}

#[test]
fn a_constant_and_a_label_that_are_declared_pins_are_updated_by_bumps() {
    let repo = Repo::new();
    let pins = "[release]\npins = [\"src/demo_agent/version.py\", \"../../docker/demo.Dockerfile\"]\n";
    repo.write("apps/python/pyproject.toml", PYPROJECT.replace("0.0.0", "0.1.0"));
    repo.write("apps/python/src/demo_agent/version.py", "\"\"\"Ours.\"\"\"\r\n\r\n__version__ = '0.1.0'\r\n");
    repo.commit(
        "docker/demo.Dockerfile",
        "FROM scratch\nLABEL org.opencontainers.image.version=0.1.0\nCOPY apps/python/ /\n",
        "feat: x",
    );
    let out = audit(&repo).expect(0);
    assert_eq!(marked(&out).len(), 2, "right today, but not updated by bump: {out:?}");
    expect![[r#"
        exit code 0
        python  0.1.0  apps/python/pyproject.toml:3, not released yet
          ! constant     0.1.0  apps/python/src/demo_agent/version.py:3
          ! image label  0.1.0  docker/demo.Dockerfile:2
        stderr:
        warning[version-copied]: python: the constant repeats 0.1.0, but `bump` does not write it: it will be wrong after the next bump (apps/python/src/demo_agent/version.py:3)
          → read it: `importlib.metadata.version("demo-agent")` instead of "0.1.0"
          → or let `bump` keep it: add "src/demo_agent/version.py" to pins in apps/python/app.toml, [release]
        warning[version-copied]: python: the image label repeats 0.1.0, but `bump` does not write it: it will be wrong after the next bump (docker/demo.Dockerfile:2)
          → write 0.1.0, or pass it to the build: ARG VERSION without a value, and --build-arg VERSION=…
          → or let `bump` keep it: add "../../docker/demo.Dockerfile" to pins in apps/python/app.toml, [release]
        nothing stops a release; 2 warnings above
    "#]].assert_eq(&out.seen());
    repo.commit("apps/python/app.toml", &format!("{APP_TOML}{pins}"), "chore: pins");
    repo.git(&["tag", "python-v0.1.0"]);
    repo.change("fix: y");
    repo.xtask(&["bump", "python", "--pre", "rc"]).expect(0);
    assert!(repo.read("apps/python/src/demo_agent/version.py").contains("__version__ = '0.1.1-rc.1'\r\n"));
    let out = audit(&repo).expect(0);
    assert_eq!((marked(&out), out.stdout.matches("declared pin").count()), (vec![], 2), "{out:?}");
}
