//! `audit`: every place that shows a version, and which of them are wrong.

use crate::forge::server::Dialect;
use crate::forge::{Forge, TOKEN};
use crate::support::{APP_TOML, Output, PYPROJECT, Repo, run};
use expect_test::expect;
use serde_json::json;

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
          → or let `bump` write it with each version: add "src/demo_runtime/__init__.py" to pins in apps/python/app.toml, [release]
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
          → write 0.1.17 there, or wait for the next `cargo xtask bump python`: it writes the new version there
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
          → write 0.2.0-rc.1 there, or wait for the next `cargo xtask bump python`: it writes the new version there
        warning[version-behind]: python: the install command shows 0.1.0; the last release is 0.1.1, and the manifest has 0.2.0-rc.1 (README.md:1)
          → write 0.1.1 there
        error[version-wrong]: python: the lock file shows 0.1.0, but the manifest has 0.2.0-rc.1 (apps/python/uv.lock:3)
          → cd apps/python && uv lock
        warning[version-behind]: python: the pin shows 0.1.0; the last release is 0.1.1, and the manifest has 0.2.0-rc.1 (deploy/compose.yaml:3)
          → write 0.1.1 there
          → or let `bump` write it with each version: add "../../deploy/compose.yaml" to pins in apps/python/app.toml, [release]
        error[version-wrong]: python: the image label shows 0.1.0, but the manifest has 0.2.0-rc.1 (docker/demo.Dockerfile:3)
          → write 0.2.0rc1, or pass it to the build: ARG VERSION without a value, and --build-arg VERSION=…
          → or let `bump` write it with each version: add "../../docker/demo.Dockerfile" to pins in apps/python/app.toml, [release]
        error[version-wrong]: ts: the constant shows 1.3.0, but the manifest has 1.4.0 (apps/ts/src/server.ts:3)
          → read it: `import manifest from "../package.json" with { type: "json" }`, then `manifest.version`
          → or let `bump` write it with each version: add "src/server.ts" to pins in apps/ts/app.toml, [release]
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
          → or let `bump` write it with each version: add "src/server.ts" to pins in apps/ts/app.toml, [release]
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
fn another_checkout_is_audited_by_its_own_settings() {
    let repo = in_step();
    let other = Repo::empty("other");
    other.write("apps/python/app.toml", APP_TOML);
    other.write("apps/python/pyproject.toml", PYPROJECT);
    other.commit("apps/python/x.py", "__version__ = \"0.0.1\"\n", "feat: x");
    let out = repo.xtask(&["--root", other.path.as_str(), "audit"]).expect(3);
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
          → or let `bump` write it with each version: add "src/demo_agent/version.py" to pins in apps/python/app.toml, [release]
        warning[version-copied]: python: the image label repeats 0.1.0, but `bump` does not write it: it will be wrong after the next bump (docker/demo.Dockerfile:2)
          → write 0.1.0, or pass it to the build: ARG VERSION without a value, and --build-arg VERSION=…
          → or let `bump` write it with each version: add "../../docker/demo.Dockerfile" to pins in apps/python/app.toml, [release]
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

/// The workflow that a move from GitHub to Gitea left behind: Gitea reads the other folder, OIDC is
/// GitHub's, `staging` is gone, and there is no merge queue.
const LEFT_BEHIND: &str = "\
name: publish-runtime
# A push publishes.
on:
  push:
    branches:
      - staging
    tags: ['python-v*']
  merge_group:
  workflow_dispatch:
jobs:
  publish:
    runs-on: ubuntu-latest
    environment: pypi
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5 # v4.3.1
      - run: python build.py --version \"${{ github.ref_name }}\"
      - uses: pypa/gh-action-pypi-publish@release/v1
        with:
          packages-dir: dist/
  cascade:
    needs: [publish, verify]
    runs-on: ubuntu-latest
    steps:
      - run: python cascade.py
        env:
          DISPATCH_TOKEN: ${{ secrets.DISPATCH_TOKEN }}
";

const ALIVE: &str = "name: secret-scan\non:\n  push:\njobs:\n  scan:\n    runs-on: ubuntu-latest\n    \
                     steps: [{ run: 'true' }]\n";

/// A repository on Gitea whose publishing workflow is dead.
fn moved_to_gitea() -> Repo {
    let repo = Repo::new();
    repo.write("Cargo.toml", "[workspace.metadata.xtask]\nforge = \"gitea\"\ndevelopment = \"main\"\n");
    repo.write(".github/workflows/publish-runtime.yml", LEFT_BEHIND);
    repo.write(".github/workflows/secret-scan.yml", ALIVE);
    repo.commit(".gitea/workflows/secret-scan.yml", ALIVE, "ci: move to Gitea");
    let remote = repo.world().join("remote.git");
    repo.git(&["clone", "--quiet", "--bare", ".", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    repo
}

/// A repository in place of `github.com/NAME`, with the tags `v1` and `v1.2.0` and the branch `release/v1` on
/// its only commit. Returns the commit.
fn action(repo: &Repo, name: &str) -> String {
    let actions = repo.world().join("actions");
    let folder = actions.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let git = |args: &[&str]| repo.git_in(&folder, args);
    git(&["init", "--quiet"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "feat: an action"]);
    git(&["tag", "v1"]);
    git(&["tag", "--annotate", "--message", "1.2.0", "v1.2.0"]);
    git(&["branch", "release/v1"]);
    let instead = format!("url.file://{actions}/.insteadOf");
    repo.git(&["config", "--global", &instead, "https://github.com/"]);
    git(&["rev-parse", "HEAD"])
}

/// `audit` with a token for this forge.
fn audit_on(repo: &Repo, forge: &Forge, args: &[&str]) -> Output {
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args([&["audit"], args].concat()).env("XTASK_FORGE", &forge.api).env("XTASK_FORGE_TOKEN", TOKEN);
    run(&mut command)
}

#[test]
fn a_workflow_that_a_move_to_gitea_left_behind_is_found_and_ported() {
    let repo = moved_to_gitea();
    let commit = action(&repo, "pypa/gh-action-pypi-publish");
    let forge = Forge::start(Dialect::Gitea);
    let head = repo.head();
    forge.with("team/mono", |mono| {
        mono.runs.push(["secret-scan.yml".into(), head.clone(), "2026-05-06".into()]);
        mono.secrets.push("DISPATCH_TOKEN".into());
        let rule = json!({ "rule_name": "main", "enable_status_check": true, "status_check_contexts": [] });
        mono.protections.insert("main".into(), rule);
    });
    let out = repo.untouched(|| audit_on(&repo, &forge, &[]).expect(3));
    expect![[r#"
        exit code 3
        python  0.0.0  apps/python/pyproject.toml:3, not released yet
        stderr:
        error[workflow-dead]: Gitea does not run this workflow since 2026-01-01: it reads .gitea/workflows only (.github/workflows/publish-runtime.yml)
          → cargo xtask audit --fix, which writes .gitea/workflows/publish-runtime.yml; or delete it; or, if a mirror runs it, write in it: # xtask: only on GitHub
        warning[trigger-never]: `push` of the branch staging: the remote has no such branch (.github/workflows/publish-runtime.yml:6)
          → cargo xtask audit --fix
        warning[trigger-never]: `merge_group` never starts it: Gitea has no merge queue (.github/workflows/publish-runtime.yml:8)
          → cargo xtask audit --fix
        warning[key-ignored]: `environment` of the job publish has no effect: its secrets and its protection do not exist on Gitea (.github/workflows/publish-runtime.yml:13)
          → cargo xtask audit --fix
        warning[oidc-missing]: `id-token: write` has no effect: Gitea gives jobs no OIDC token, so trusted publishing and signing fail (.github/workflows/publish-runtime.yml:16)
          → cargo xtask audit --fix, and publish with a token
        warning[ref-name]: `github.ref_name` is not set by every Gitea, and is a number in a pull request's job (.github/workflows/publish-runtime.yml:19)
          → cargo xtask audit --fix, which writes ${GITHUB_REF#refs/*/} in scripts
        warning[action-unpinned]: pypa/gh-action-pypi-publish@release/v1 is not pinned: whoever can move that tag or branch can run code in this job (.github/workflows/publish-runtime.yml:20)
          → cargo xtask audit --fix, which asks its repository for the commit
        error[oidc-missing]: pypa/gh-action-pypi-publish publishes with an OIDC token, which Gitea does not give (.github/workflows/publish-runtime.yml:20)
          → cargo xtask audit --fix, and set the secret PYPI_TOKEN
        error[workflow-needs]: the job cascade needs verify, which does not exist: it never starts (.github/workflows/publish-runtime.yml:24)
          → remove it
        error: 3 findings to fix first
    "#]].assert_eq(&out.seen());

    let out = repo.untouched(|| audit_on(&repo, &forge, &["--fix", "--dry-run"]));
    expect![[r#"
        exit code 3
        python  0.0.0  apps/python/pyproject.toml:3, not released yet
        stderr:
          - commits of actions: asking 1 repository for tags and branches
          ✓ would write .gitea/workflows/publish-runtime.yml, from .github/workflows/publish-runtime.yml: branch staging of `push` removed, `merge_group` removed, `environment` removed, github.ref_name: ${GITHUB_REF#refs/*/}, PyPI: the secret PYPI_TOKEN, `id-token` removed, pypa/gh-action-pypi-publish@release/v1 is v1.2.0 (1234567)
        error[workflow-dead]: Gitea does not run this workflow since 2026-01-01: it reads .gitea/workflows only (.github/workflows/publish-runtime.yml)
          → cargo xtask audit --fix, which writes .gitea/workflows/publish-runtime.yml; or delete it; or, if a mirror runs it, write in it: # xtask: only on GitHub
        warning[trigger-never]: `push` of the branch staging: the remote has no such branch (.github/workflows/publish-runtime.yml:6)
          → cargo xtask audit --fix
        warning[trigger-never]: `merge_group` never starts it: Gitea has no merge queue (.github/workflows/publish-runtime.yml:8)
          → cargo xtask audit --fix
        warning[key-ignored]: `environment` of the job publish has no effect: its secrets and its protection do not exist on Gitea (.github/workflows/publish-runtime.yml:13)
          → cargo xtask audit --fix
        warning[oidc-missing]: `id-token: write` has no effect: Gitea gives jobs no OIDC token, so trusted publishing and signing fail (.github/workflows/publish-runtime.yml:16)
          → cargo xtask audit --fix, and publish with a token
        warning[ref-name]: `github.ref_name` is not set by every Gitea, and is a number in a pull request's job (.github/workflows/publish-runtime.yml:19)
          → cargo xtask audit --fix, which writes ${GITHUB_REF#refs/*/} in scripts
        warning[action-unpinned]: pypa/gh-action-pypi-publish@release/v1 is not pinned: whoever can move that tag or branch can run code in this job (.github/workflows/publish-runtime.yml:20)
          → cargo xtask audit --fix, which asks its repository for the commit
        error[oidc-missing]: pypa/gh-action-pypi-publish publishes with an OIDC token, which Gitea does not give (.github/workflows/publish-runtime.yml:20)
          → cargo xtask audit --fix, and set the secret PYPI_TOKEN
        error[workflow-needs]: the job cascade needs verify, which does not exist: it never starts (.github/workflows/publish-runtime.yml:24)
          → remove it
        error: 3 findings to fix first
    "#]].assert_eq(&out.seen());
    let out = audit_on(&repo, &forge, &["--fix"]).expect(3);
    expect![[r#"
        exit code 3
        python  0.0.0  apps/python/pyproject.toml:3, not released yet
        stderr:
          - commits of actions: asking 1 repository for tags and branches
          ✓ wrote .gitea/workflows/publish-runtime.yml, from .github/workflows/publish-runtime.yml: branch staging of `push` removed, `merge_group` removed, `environment` removed, github.ref_name: ${GITHUB_REF#refs/*/}, PyPI: the secret PYPI_TOKEN, `id-token` removed, pypa/gh-action-pypi-publish@release/v1 is v1.2.0 (1234567)
        warning[secret-unset]: the job publish needs the secret PYPI_TOKEN, which nobody has set (.gitea/workflows/publish-runtime.yml:17)
          → add PYPI_TOKEN in the repository's settings, Actions, Secrets
        error[workflow-needs]: the job cascade needs verify, which does not exist: it never starts (.gitea/workflows/publish-runtime.yml:20)
          → remove it
        error: 1 finding to fix first
    "#]].assert_eq(&out.seen());
    expect![[r#"
        name: publish-runtime
        # A push publishes.
        on:
          push:
            tags: ['python-v*']
          workflow_dispatch:
        jobs:
          publish:
            runs-on: ubuntu-latest
            permissions:
              contents: read
            steps:
              - uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5 # v4.3.1
              - run: python build.py --version "${GITHUB_REF#refs/*/}"
              - uses: pypa/gh-action-pypi-publish@COMMIT # v1.2.0
                with:
                  password: ${{ secrets.PYPI_TOKEN }}
                  packages-dir: dist/
          cascade:
            needs: [publish, verify]
            runs-on: ubuntu-latest
            steps:
              - run: python cascade.py
                env:
                  DISPATCH_TOKEN: ${{ secrets.DISPATCH_TOKEN }}
    "#]]
    .assert_eq(&repo.read(".gitea/workflows/publish-runtime.yml").replace(&commit, "COMMIT"));

    // A person corrects what only a person can: which job is meant, and the secret.
    let text = repo.read(".gitea/workflows/publish-runtime.yml").replace("[publish, verify]", "[publish]");
    repo.write(".gitea/workflows/publish-runtime.yml", text);
    forge.with("team/mono", |mono| mono.secrets.push("PYPI_TOKEN".into()));
    expect![[r#"
        exit code 0
        python  0.0.0  apps/python/pyproject.toml:3, not released yet
        stderr:
          - no workflow to fix
        ✓ all versions agree: no place except the manifest shows a version
    "#]]
    .assert_eq(&audit_on(&repo, &forge, &["--fix"]).seen());
}

#[test]
fn actions_are_pinned_in_every_file_or_in_none() {
    let repo = Repo::new();
    let workflow = |uses: &str| {
        format!("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: {uses} # first\n")
    };
    repo.write(".github/workflows/ci.yml", workflow("team/cache/restore@v1"));
    repo.write(".github/workflows/other.yml", workflow("team/cache@release/v1"));
    let composite = "runs: { using: composite, steps: [{ uses: team/cache@v9 }, { uses: team/gone@v1 }] }\n";
    repo.commit(".github/actions/a/action.yml", composite, "ci: begin");
    let commit = action(&repo, "team/cache");
    let out = repo.untouched(|| repo.xtask(&["audit", "--fix"]).expect(1));
    expect![[r#"
        exit code 1
          - commits of actions: asking 2 repositories for tags and branches
        error: actions cannot be pinned, and nothing was written:
        team/cache@v9: https://github.com/team/cache has no tag or branch v9; write one that it has
        team/gone@v1: git ls-remote -- https://github.com/team/gone failed in WORLD/repo:
        fatal: 'WORLD/actions/team/gone' does not appear to be a git repository
        fatal: Could not read from remote repository.

        Please make sure you have the correct access rights
        and the repository exists.
    "#]]
    .assert_eq(&out.seen());
    repo.write(".github/actions/a/action.yml", composite.replace("v9", "v1.2.0").replace("gone", "cache"));
    let out = repo.untouched(|| repo.xtask(&["audit", "--fix", "--dry-run"]));
    expect![[r#"
        exit code 0
          ✓ would write .github/actions/a/action.yml: team/cache@v1 is v1.2.0 (1234567), team/cache@v1.2.0 is v1.2.0 (1234567)
          ✓ would write .github/workflows/ci.yml: team/cache/restore@v1 is v1.2.0 (1234567)
          ✓ would write .github/workflows/other.yml: team/cache@release/v1 is v1.2.0 (1234567)
    "#]].assert_eq(&out.seen_lines(&["would write"]));
    let out = repo.xtask(&["audit", "--fix"]).expect(0);
    expect![[r#"
        exit code 0
        python  0.0.0  apps/python/pyproject.toml:3, not released yet
        stderr:
          - commits of actions: asking 1 repository for tags and branches
          ✓ wrote .github/actions/a/action.yml: team/cache@v1 is v1.2.0 (1234567), team/cache@v1.2.0 is v1.2.0 (1234567)
          ✓ wrote .github/workflows/ci.yml: team/cache/restore@v1 is v1.2.0 (1234567)
          ✓ wrote .github/workflows/other.yml: team/cache@release/v1 is v1.2.0 (1234567)
        ✓ all versions agree: no place except the manifest shows a version
    "#]]
    .assert_eq(&out.seen());
    let ci = repo.read(".github/workflows/ci.yml").replace(&commit, "COMMIT");
    assert_eq!(ci, workflow("team/cache/restore@COMMIT # v1.2.0;").replace("; # first", "; first"));
    let out = repo.xtask(&["audit", "--fix"]);
    expect![[r#"
        exit code 0
        python  0.0.0  apps/python/pyproject.toml:3, not released yet
        stderr:
          - no workflow to fix
        ✓ all versions agree: no place except the manifest shows a version
    "#]]
    .assert_eq(&out.seen());
}

#[test]
fn what_the_forge_says_about_runs_checks_and_tags_is_found() {
    for dialect in [Dialect::Github, Dialect::Gitea] {
        let repo = Repo::new();
        let folder = if dialect == Dialect::Github { ".github" } else { ".gitea" };
        let text = ALIVE.replace("push:", "push:\n  pull_request:");
        repo.write("Cargo.toml", "[workspace.metadata.xtask]\ndevelopment = \"main\"\n");
        let head = repo.commit(&format!("{folder}/workflows/ci.yml"), &text, "ci: begin");
        let remote = repo.world().join("remote.git");
        repo.git(&["clone", "--quiet", "--bare", ".", remote.as_str()]);
        repo.git(&["remote", "add", "origin", remote.as_str()]);
        let forge = Forge::start(dialect);
        let protect = |names: &[&str]| {
            let rule = json!({
                "rule_name": "main", "enable_status_check": true, "status_check_contexts": names,
                "required_status_checks": { "contexts": names },
            });
            forge.with("team/mono", |mono| drop(mono.protections.insert("main".into(), rule)));
        };
        forge.with("team/mono", |mono| {
            mono.runs.push(["ci.yml".into(), "0123".into(), "2026-05-06".into()]);
            mono.tag_rules.push(("*-v*".into(), Vec::new()));
            mono.token_ends = Some("1970-01-01 10:00:00 UTC".into());
        });
        protect(&["scan"]);
        // A bare name is what GitHub reports; Gitea reports the workflow and the event with it.
        let seen = audit_on(&repo, &forge, &[]).expect(3).seen();
        match dialect {
            Dialect::Github => expect![[r#"
                exit code 3
                python  0.0.0  apps/python/pyproject.toml:3, not released yet
                stderr:
                error[workflow-not-run]: 1234567 was pushed to main, and did not start this workflow: its last run was on 2026-05-06 (.github/workflows/ci.yml)
                  → see whether Actions and this workflow are enabled: gh workflow list --all
                warning[token-ends]: the token that audit uses ended on 1970-01-01
                  → create a new one with the same permissions, and replace it everywhere
                warning[tag-protected]: python: the rule "*-v*" lets nobody create tags such as python-v1.0.0: the release job may be refused
                  → let GitHub Actions bypass the rule (Settings, Rules, Rulesets)
                error: 1 finding to fix first
            "#]].assert_eq(&seen),
            Dialect::Gitea => expect![[r#"
                exit code 3
                python  0.0.0  apps/python/pyproject.toml:3, not released yet
                stderr:
                error[workflow-not-run]: 1234567 was pushed to main, and did not start this workflow: its last run was on 2026-05-06 (.gitea/workflows/ci.yml)
                  → see whether Actions are enabled for the repository: Settings, Units
                error[check-never-reports]: main requires the check "scan", which nothing reports: nothing can be merged (main)
                  → require "secret-scan / scan (pull_request)" instead: cargo xtask setup --forge
                warning[tag-protected]: python: the rule "*-v*" lets nobody create tags such as python-v1.0.0: the release job may be refused
                  → remove the rule (Settings, Tags): Gitea cannot exempt the automatic token; or push the tag with a token of an allowed user
                error: 2 findings to fix first
            "#]].assert_eq(&seen),
        }
        let ids = |out: &str| -> Vec<String> {
            let ids = out.lines().filter_map(|line| line.split_once('[')?.1.split_once("]: "));
            ids.map(|(id, _)| id.to_string()).collect()
        };
        protect(&[if dialect == Dialect::Github { "scan" } else { "secret-scan / scan (pull_request)" }]);
        forge.with("team/mono", |mono| {
            mono.runs.insert(0, ["ci.yml".into(), head, "2026-05-07".into()]);
            mono.tag_rules.clear();
            mono.token_ends = None;
        });
        let out = audit_on(&repo, &forge, &[]).expect(0).stderr;
        assert_eq!(ids(&out), [""; 0], "{out}");
        forge.with("team/mono", |mono| mono.protections.clear());
        let out = audit_on(&repo, &forge, &[]).expect(0).stderr;
        assert_eq!(ids(&out), ["branch-unprotected"], "{out}");
    }
}

#[test]
fn control_characters_of_file_names_do_not_reach_the_terminal() {
    let repo = Repo::new();
    repo.git(&["tag", "python-v0.0.0"]);
    repo.commit("docs/a\u{1b}[2J\u{202e}.md", "pip install demo-agent==0.0.7\n", "docs: say how");
    let out = repo.xtask(&["audit"]);
    expect![[r#"
        exit code 0
        python  0.0.0  apps/python/pyproject.toml:3, last release 0.0.0
          ! install command  0.0.7  docs/a�[2J�.md:1
          ✓ tag              0.0.0  python-v0.0.0
        stderr:
        warning[version-behind]: python: the install command shows 0.0.7; the last release is 0.0.0 (docs/a�[2J�.md:1)
          → write 0.0.0 there
        nothing stops a release; 1 warning above
    "#]].assert_eq(&out.seen());
    assert_eq!(crate::bump::controls(&(out.stdout + &out.stderr)), "");
}

#[test]
fn packages_without_a_tag_or_withdrawn_by_hand_and_commits_without_a_release_are_found() {
    let repo = Repo::new();
    repo.write("Cargo.toml", "[workspace.metadata.xtask]\ndevelopment = \"main\"\n");
    repo.write("apps/python/pyproject.toml", PYPROJECT.replace("0.0.0", "0.0.1"));
    // `on` is missing.
    repo.commit(".gitea/workflows/broken.yml", "jobs:\n  a:\n    runs-on: x\n", "ci: begin");
    repo.git(&["tag", "python-v0.0.1"]);
    repo.change("feat: more");
    let remote = repo.world().join("remote.git");
    repo.git(&["clone", "--quiet", "--bare", ".", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    let page =
        "<a href=\"1\" data-yanked=\"\">demo_agent-0.0.1.tar.gz</a><a href=\"2\">demo_agent-0.0.2.tar.gz</a>";
    let forge = Forge::start(Dialect::Gitea);
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.arg("audit").env("XTASK_FORGE", &forge.api).env("XTASK_FORGE_TOKEN", TOKEN);
    let out = run(command.env("XTASK_PYPI", crate::bump::serve(page))).expect(3);
    expect![[r#"
        exit code 3
        error[workflow-unreadable]: Gitea starts no run, and does not report the problem: it has no `on`, so nothing starts it (.gitea/workflows/broken.yml:1)
          → correct it there
        warning[branch-unprotected]: main is not protected: anybody who may push can push to it (main)
          → cargo xtask setup --forge
        warning[tag-without-page]: python: no public release page for python-v0.0.1
          → git switch --detach python-v0.0.1 && cargo xtask release python
        warning[withdrawn-unmarked]: python: python-v0.0.1: withdrawn on the index, but images and release pages may still offer it
          → cargo xtask rollback python 0.0.1
        warning[package-without-tag]: python: demo-agent 0.0.2: on the index, but no tag says from which commit
          → git tag python-v0.0.2 COMMIT && git push origin python-v0.0.2
        info[release-behind]: python: HEAD has 1 commit for users since python-v0.0.1 of 2026-01-01
          → cargo xtask bump python, which makes 0.1.0
        error: 1 finding to fix first
    "#]].assert_eq(&out.seen_findings());
}
