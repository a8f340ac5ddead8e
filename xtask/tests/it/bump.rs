//! `bump` writes one commit, or nothing at all.

use crate::seen::masked;
use crate::support::{APP_TOML, Output, PYPROJECT, Repo, run};
use expect_test::expect;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

/// Released as 0.1.0, with a fix since.
fn with_a_fix() -> Repo {
    let repo = Repo::new();
    repo.commit(
        "apps/python/pyproject.toml",
        &PYPROJECT.replace("0.0.0", "0.1.0"),
        "chore(release): python v0.1.0",
    );
    repo.git(&["tag", "python-v0.1.0"]);
    repo.change("fix: answer 405");
    repo
}

fn bump(repo: &Repo, args: &[&str]) -> Output {
    repo.xtask(&[&["bump", "python"], args].concat())
}

/// The subject and the files of HEAD.
fn head(repo: &Repo) -> String {
    repo.git(&["show", "--format=%s", "--name-only", "HEAD"])
}

fn hook(repo: &Repo, script: &str) {
    let file = repo.path.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_bump_is_one_commit_and_the_second_changes_nothing() {
    let repo = with_a_fix();
    let before = repo.head();
    bump(&repo, &[]).expect(0);
    assert_eq!(head(&repo), "chore(release): python v0.1.1\n\nCHANGELOG.md\napps/python/pyproject.toml");
    assert_eq!(repo.git(&["rev-parse", "HEAD^"]), before);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    expect![[r#"
        # Changelog

        The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).

        ## [Unreleased]

        ## [python-v0.1.1] - 2026-01-01

        ### Fixed

        - answer 405

        [python-v0.1.1]: https://forge.example/team/mono/compare/python-v0.1.0...python-v0.1.1
    "#]].assert_eq(&repo.read("CHANGELOG.md"));
    expect![[r#"
        exit code 0
        python: 0.1.1 is already written: nothing changed
    "#]]
    .assert_eq(&repo.untouched(|| bump(&repo, &[])).seen());
}

#[test]
fn changelog_text_written_by_hand_is_released_and_survives_the_next_bump() {
    let repo = with_a_fix();
    let by_hand = "# Changelog\n\n## [Unreleased]\n\n### python\n\nRead this first.\n\n#### Breaking\n\n\
                   - mind the port\n\n### ts\n\n- theirs\n";
    repo.commit("CHANGELOG.md", by_hand, "docs: what is coming");
    bump(&repo, &[]).expect(0);
    repo.commit(
        "CHANGELOG.md",
        &repo.read("CHANGELOG.md").replace("Read this", "Do read this"),
        "docs: in better words",
    );
    repo.change("feat!: another port\n\nBREAKING CHANGE: set PORT");
    bump(&repo, &[]).expect(0);
    expect![[r#"
        # Changelog

        ## [Unreleased]

        ### ts

        - theirs

        ## [python-v0.2.0] - 2026-01-01

        Do read this first.

        ### Breaking

        - mind the port
        - another port
          set PORT

        ### Fixed

        - answer 405

        [python-v0.2.0]: https://forge.example/team/mono/compare/python-v0.1.0...python-v0.2.0
    "#]]
    .assert_eq(&repo.read("CHANGELOG.md"));
}

#[test]
fn a_higher_demand_before_the_tag_bumps_again() {
    let repo = with_a_fix();
    bump(&repo, &[]).expect(0);
    repo.change("feat: more");
    bump(&repo, &[]).expect(0);
    expect![[r#"
        # Changelog

        The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).

        ## [Unreleased]

        ## [python-v0.2.0] - 2026-01-01

        ### Added

        - more

        ### Fixed

        - answer 405

        [python-v0.2.0]: https://forge.example/team/mono/compare/python-v0.1.0...python-v0.2.0
    "#]].assert_eq(&repo.read("CHANGELOG.md"));
    assert_eq!(repo.xtask(&["plan", "--json"]).expect(0).json()["apps"][0]["next"], "0.2.0");
}

#[test]
fn nothing_to_bump_is_reported_and_exits_with_0() {
    let repo = with_a_fix();
    repo.git(&["tag", "python-v0.1.1"]);
    repo.git(&["tag", "-d", "python-v0.1.0"]);
    expect![[r#"
        exit code 3
        error[version-too-low]: python: 0.1.0 is lower than 0.1.1, which is already published
          → cargo xtask plan python
        error: 1 finding to fix first
    "#]]
    .assert_eq(&repo.untouched(|| bump(&repo, &["--version", "0.1.0"])).seen());
    let repo = with_a_fix();
    repo.git(&["tag", "-f", "python-v0.1.0"]);
    expect![[r#"
        exit code 0
        python: nothing to bump: no commit touches python since python-v0.1.0
    "#]]
    .assert_eq(&repo.untouched(|| bump(&repo, &[])).seen());
}

#[test]
fn every_byte_except_the_version_is_unchanged() {
    let repo = with_a_fix();
    let pyproject = "\u{feff}# first\r\n[project]\r\nname = 'demo-agent'   # c\r\nversion='0.1.0'# tight\r\n\
                     \r\n\r\n[tool.x]\r\nversion = \"0.1.0\"";
    let pin = "# version of the runtime\r\nimage: demo:v0.1.0-slim\nother: 0.1.0";
    repo.write(
        "apps/python/app.toml",
        format!("{APP_TOML}[release]\npins = [\"../../deploy/values.yaml\"]\n"),
    );
    repo.write("deploy/values.yaml", pin);
    repo.commit("apps/python/pyproject.toml", pyproject, "fix: bytes");
    std::fs::set_permissions(repo.path.join("deploy/values.yaml"), PermissionsExt::from_mode(0o600)).unwrap();
    bump(&repo, &[]).expect(0);
    assert_eq!(repo.read("apps/python/pyproject.toml"), pyproject.replace("='0.1.0'", "='0.1.1'"));
    assert_eq!(repo.read("deploy/values.yaml"), pin.replace("v0.1.0-slim", "v0.1.1-slim"));
    let mode = std::fs::metadata(repo.path.join("deploy/values.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_dirty_tree_is_refused_with_its_files() {
    let repo = with_a_fix();
    repo.write("apps/python/new.py", "x");
    let seen = [&[] as &[&str], &["--dry-run"]].map(|args| repo.untouched(|| bump(&repo, args)).seen());
    expect![[r#"
        exit code 3
        error[dirty-tree]: the working tree has uncommitted changes:
          ?? apps/python/new.py
          → git stash, or commit them
        error: 1 finding to fix first
        exit code 3
        error[dirty-tree]: the working tree has uncommitted changes:
          ?? apps/python/new.py
          → git stash, or commit them
        error: 1 finding to fix first
    "#]]
    .assert_eq(&seen.concat());
}

#[test]
fn the_users_hook_runs_and_if_it_fails_all_files_are_restored() {
    let repo = with_a_fix();
    hook(&repo, "git diff --cached --name-only > ../seen");
    bump(&repo, &[]).expect(0);
    assert_eq!(
        std::fs::read_to_string(repo.world().join("seen")).unwrap(),
        "CHANGELOG.md\napps/python/pyproject.toml\n"
    );
    repo.change("feat: more");
    hook(&repo, "echo not today >&2; exit 1");
    expect![[r#"
        exit code 1
        error: git refused the commit; all files are restored: git commit --quiet --message chore(release): python v0.2.0 failed in WORLD/repo:
        not today
    "#]].assert_eq(&repo.untouched(|| bump(&repo, &[])).seen());
    let fresh = with_a_fix();
    hook(&fresh, "exit 1");
    fresh.untouched(|| bump(&fresh, &[]).expect(1));
    assert!(!fresh.path.join("CHANGELOG.md").exists());
}

#[test]
fn a_dry_run_prints_the_commit_and_changes_nothing() {
    let repo = with_a_fix();
    // The clone gets the identity that is set only in this repository.
    repo.git(&["config", "--global", "--remove-section", "user"]);
    repo.git(&["config", "user.name", "Local"]);
    repo.git(&["config", "user.email", "local@example.org"]);
    expect![[r#"
        exit code 0
        chore(release): python v0.1.1

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        new file mode 100644
        index 1234567..1234567
        --- /dev/null
        +++ b/CHANGELOG.md
        @@ -0,0 +1,13 @@
        +# Changelog
        +
        +The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).
        +
        +## [Unreleased]
        +
        +## [python-v0.1.1] - 2026-01-01
        +
        +### Fixed
        +
        +- answer 405
        +
        +[python-v0.1.1]: https://forge.example/team/mono/compare/python-v0.1.0...python-v0.1.1
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.1.0" # the only place
        +version = "0.1.1" # the only place
         requires-python = ">=3.11"
        stderr:
        ✓ chore(release): python v0.1.1
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&repo.untouched(|| bump(&repo, &["--dry-run"])).seen());
    assert_eq!(std::fs::read_dir(repo.world().join("tmp")).unwrap().count(), 0, "the clone is gone");
}

#[test]
fn pre_releases_count_up_and_end_in_their_version() {
    let repo = with_a_fix();
    bump(&repo, &["--pre", "rc"]).expect(0);
    expect![[r#"
        chore(release): python v0.1.1-rc.1

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        new file mode 100644
        index 1234567..1234567
        --- /dev/null
        +++ b/CHANGELOG.md
        @@ -0,0 +1,13 @@
        +# Changelog
        +
        +The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).
        +
        +## [Unreleased]
        +
        +## [python-v0.1.1-rc.1] - 2026-01-01
        +
        +### Fixed
        +
        +- answer 405
        +
        +[python-v0.1.1-rc.1]: https://forge.example/team/mono/compare/python-v0.1.0...python-v0.1.1-rc.1
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -3 +3 @@ name = "demo-agent"
        -version = "0.1.0" # the only place
        +version = "0.1.1rc1" # the only place
    "#]].assert_eq(&masked(&repo.git(&["show", "--format=%s", "--unified=0", "HEAD"])));
    repo.untouched(|| bump(&repo, &["--pre", "rc"]).expect(0));
    repo.git(&["tag", "python-v0.1.1-rc.1"]);
    bump(&repo, &["--pre", "rc"]).expect(0);
    assert!(head(&repo).starts_with("chore(release): python v0.1.1-rc.2"));
    repo.git(&["tag", "python-v0.1.1-rc.2"]);
    bump(&repo, &[]).expect(0);
    assert!(head(&repo).starts_with("chore(release): python v0.1.1\n"));
    expect![[r#"
        exit code 2
        error: --pre nightly: not a pre-release channel; use alpha, beta or rc
    "#]]
    .assert_eq(&repo.untouched(|| bump(&repo, &["--pre", "nightly"])).seen());
}

#[test]
fn a_given_version_is_used_or_refused_with_the_reason() {
    let repo = with_a_fix();
    let refused = |version| repo.untouched(|| bump(&repo, &["--version", version])).seen();
    expect![[r#"
        exit code 3
        error[version-taken]: python: 0.1.0 is already used: it has a tag
          → cargo xtask bump python (that is 0.1.1)
        error: 1 finding to fix first
        exit code 3
        error[version-too-low]: python: 0.0.5 is lower than 0.1.0, which is already published
          → cargo xtask bump python (that is 0.1.1)
        error: 1 finding to fix first
        exit code 2
        error: --version: 1.0.0-dev.1: -dev.1 has no PEP 440 equivalent of the same order; use -alpha.N, -beta.N or -rc.N, as in 1.0.0-rc.1
        exit code 2
        error: --version: "1" is not SemVer (X.Y.Z, X.Y.Z-rc.N): unexpected end of input while parsing major version number
    "#]].assert_eq(&["0.1.0", "0.0.5", "1.0.0-dev.1", "1"].map(refused).concat());
    bump(&repo, &["--version", "1.0.0"]).expect(0);
    repo.untouched(|| bump(&repo, &[]).expect(0));
    repo.untouched(|| bump(&repo, &["--version", "1.0.0"]).expect(0));
}

#[test]
fn the_version_exceeds_the_highest_on_the_index() {
    let repo = with_a_fix();
    let page = r#"<a href="f#sha256=1">demo_agent-0.1.4-py3-none-any.whl</a>
        <a href="g" data-yanked="">demo-agent-0.1.5.post1.tar.gz</a>"#;
    let index = serve(page);
    let out = bump(&repo, &["--pypi", &index]).expect(0);
    assert!(head(&repo).starts_with("chore(release): python v0.1.6\n"), "{out:?}");
    let repo = with_a_fix();
    expect![[r#"
        exit code 0
        ✓ chore(release): python v0.1.1
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]]
    .assert_eq(&bump(&repo, &[]).seen());
}

#[test]
fn without_an_answer_of_the_index_only_a_person_chooses_the_version() {
    let repo = with_a_fix();
    let page = "<html>Down for maintenance</html>";
    let answered = |answer| repo.untouched(|| bump(&repo, &["--pypi", &serve(answer)])).seen();
    expect![[r#"
        exit code 3
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (1/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (2/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (3/4)
        error[index-unreachable]: python: the index could not be asked which versions it has: cannot read the index: the answer to GET http://127.0.0.1:PORT/simple/demo-agent/ is not an answer of a Python index, so its versions are unknown: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629)
          → run it again when the index answers
          → or, if you know that it has no higher version: cargo xtask bump python --version 0.1.1
        error: 1 finding to fix first
        exit code 3
            GET http://127.0.0.1:PORT/simple/demo-agent/: missing field `meta` at line 1 column 2; retry in TIME (1/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: missing field `meta` at line 1 column 2; retry in TIME (2/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: missing field `meta` at line 1 column 2; retry in TIME (3/4)
        error[index-unreachable]: python: the index could not be asked which versions it has: cannot read the index: the answer to GET http://127.0.0.1:PORT/simple/demo-agent/ is not an answer of a Python index, so its versions are unknown: not what PEP 691 describes: missing field `meta` at line 1 column 2
          → run it again when the index answers
          → or, if you know that it has no higher version: cargo xtask bump python --version 0.1.1
        error: 1 finding to fix first
    "#]].assert_eq(&["", "{}"].map(answered).concat());
    let refused = |args: &[&str]| repo.untouched(|| bump(&repo, args)).seen();
    expect![[r#"
        exit code 3
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (1/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (2/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (3/4)
        error[index-unreachable]: python: the index could not be asked which versions it has: cannot read the index: the answer to GET http://127.0.0.1:PORT/simple/demo-agent/ is not an answer of a Python index, so its versions are unknown: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629)
          → run it again when the index answers
          → or, if you know that it has no higher version: cargo xtask bump python --version 0.1.1
        error: 1 finding to fix first
    "#]].assert_eq(&refused(&["--pypi", &serve(page)]));
    let offline = ["--pypi", "http://127.0.0.1:1/simple"];
    expect![[r#"
        exit code 3
        error[index-unreachable]: python: the index could not be asked which versions it has: cannot read the index: GET http://127.0.0.1:1/simple/demo-agent/: io: Connection refused (os error N)
          → run it again when the index answers
          → or, if you know that it has no higher version: cargo xtask bump python --version 0.1.1-rc.1
        error: 1 finding to fix first
    "#]].assert_eq(&refused(&[&offline[..], &["--pre", "rc"]].concat()));
    expect![[r#"
        exit code 0
        warning[index-unreachable]: python: the index could not be asked which versions it has: cannot read the index: GET http://127.0.0.1:1/simple/demo-agent/: io: Connection refused (os error N)
          → `release` asks the index again, before the tag
        ✓ chore(release): python v0.1.1
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&bump(&repo, &[&offline[..], &["--version", "0.1.1"]].concat()).seen());
}

/// A one-page index on this machine, while the test runs.
pub(crate) fn serve(page: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/simple", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let kind = if page.starts_with('{') { "application/json" } else { "text/html" };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n");
            let _ = write!(stream, "{head}content-length: {}\r\n\r\n{page}", page.len());
        }
    });
    address
}

/// An app with a lock file and a spec that its code prints. Needs uv, and installs it if it is missing.
fn with_lock_and_spec() -> Repo {
    let repo = Repo::new();
    let script = "import json, tomllib; print(json.dumps({'version': tomllib.load(open('pyproject.toml', \
                  'rb'))['project']['version']}))";
    repo.write(
        "apps/python/app.toml",
        format!(
            "{APP_TOML}[spec]\nfile = \"openapi.json\"\ngenerate = [\"python\", \"-c\", \"{script}\"]\n\
                 serve = [\"x\"]\n"
        ),
    );
    repo.write("apps/python/openapi.json", "{\"version\": \"0.0.0\"}\n");
    repo.write(
        "apps/python/uv.lock",
        "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"demo-agent\"\n\
         version = \"0.0.0\"\nsource = { virtual = \".\" }\n",
    );
    repo.change("feat: x");
    repo
}

#[test]
fn lock_file_and_spec_are_part_of_the_commit() {
    let repo = with_lock_and_spec();
    bump(&repo, &[]).expect(0);
    assert_eq!(
        head(&repo),
        "chore(release): python v0.0.1\n\nCHANGELOG.md\napps/python/openapi.json\n\
         apps/python/pyproject.toml\napps/python/uv.lock"
    );
    assert!(repo.read("apps/python/uv.lock").contains("version = \"0.0.1\"\nsource"));
    assert_eq!(repo.read("apps/python/openapi.json"), "{\"version\": \"0.0.1\"}\n");
    repo.untouched(|| bump(&repo, &[]).expect(0));
}

#[test]
fn a_lock_file_that_does_not_agree_stops_the_bump() {
    let repo = with_lock_and_spec();
    let pyproject = repo.read("apps/python/pyproject.toml").replace(">=3.11", ">=3.10");
    repo.commit("apps/python/pyproject.toml", &pyproject, "chore: forgot the lock file");
    expect![[r#"
        exit code 1
        error: uv.lock does not match pyproject.toml: `CACHE/tools/uv/bin/uv lock --check --python PYTHON --default-index https://pypi.org/simple`: exit code 1
        Resolved 1 package in TIME
        error: The lockfile at `uv.lock` needs to be updated, but `--check` was provided.

        hint: To update the lockfile, run `uv lock`.
          → `uv lock` updates uv.lock
    "#]].assert_eq(&repo.untouched(|| bump(&repo, &[])).seen());
}

#[test]
fn an_unreachable_index_is_not_reported_as_a_stale_lock_file() {
    let repo = with_lock_and_spec();
    let pyproject = repo
        .read("apps/python/pyproject.toml")
        .replace("requires-python", "dependencies = [\"idna\"]\nrequires-python");
    repo.commit("apps/python/pyproject.toml", &pyproject, "chore: a dependency");
    let out = repo.untouched(|| bump(&repo, &["--pypi-read", "http://127.0.0.1:1/simple"]));
    expect![[r#"
        exit code 1
        error: cannot check uv.lock, because http://127.0.0.1:1/simple does not answer: `CACHE/tools/uv/bin/uv lock --check --python PYTHON --default-index http://127.0.0.1:1/simple`: exit code 2
        error: Request failed after 3 retries in TIME
          cause: Failed to fetch: http://127.0.0.1:1/simple/idna/
          cause: error sending request for url (http://127.0.0.1:1/simple/idna/)
          cause: client error (Connect)
          cause: tcp connect error
          cause: Connection refused (os error N)
    "#]].assert_eq(&out.seen());
}

#[test]
fn hooks_see_the_users_locale() {
    for locale in [None, Some("C.UTF-8")] {
        let repo = with_a_fix();
        hook(&repo, "echo \"${LC_ALL-unset}\" > ../locale");
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.args(["bump", "python"]).envs(locale.map(|value| ("LC_ALL", value)));
        run(&mut command).expect(0);
        let seen = std::fs::read_to_string(repo.world().join("locale")).unwrap();
        assert_eq!(seen.trim(), locale.unwrap_or("unset"));
    }
}

#[test]
fn a_hook_that_formats_and_adds_again_leaves_a_clean_tree() {
    let repo = with_a_fix();
    hook(&repo, "sed -i 's/^- /* /' CHANGELOG.md && git add CHANGELOG.md");
    bump(&repo, &[]).expect(0);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert!(repo.git(&["show", "HEAD:CHANGELOG.md"]).contains("* answer 405"));
}

#[test]
fn a_link_in_the_repository_is_followed_and_its_target_committed() {
    let repo = with_a_fix();
    std::fs::create_dir(repo.path.join("docs")).unwrap();
    repo.write("docs/CHANGES.md", "# Changelog\n");
    std::os::unix::fs::symlink("docs/CHANGES.md", repo.path.join("CHANGELOG.md")).unwrap();
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "-qm", "docs: move the changelog"]);
    bump(&repo, &[]).expect(0);
    assert_eq!(head(&repo), "chore(release): python v0.1.1\n\napps/python/pyproject.toml\ndocs/CHANGES.md");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert!(repo.path.join("CHANGELOG.md").is_symlink());
}

#[test]
fn nothing_outside_the_repository_is_written() {
    let outside = |repo: &Repo| repo.world().join("outside");
    let mut seen = String::new();
    for file in ["CHANGELOG.md", "apps/python/pyproject.toml", "apps/python/uv.lock", "apps/python/VERSION"] {
        let repo = with_a_fix();
        repo.write("apps/python/app.toml", format!("{APP_TOML}\n[release]\npins = [\"VERSION\"]\n"));
        repo.write("apps/python/VERSION", "0.1.0\n");
        let path = repo.path.join(file);
        let text = match file.ends_with("uv.lock") {
            true => "[[package]]\nname = \"x\"\nversion = \"0.1.0\"\nsource = { editable = \".\" }\n".into(),
            false => std::fs::read_to_string(&path).unwrap_or_default(),
        };
        std::fs::write(outside(&repo), &text).unwrap();
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(outside(&repo), &path).unwrap();
        repo.git(&["add", "--all"]);
        repo.git(&["commit", "-qm", "chore: link"]);
        seen.push_str(&repo.untouched(|| bump(&repo, &[])).seen());
        assert_eq!(std::fs::read_to_string(outside(&repo)).unwrap(), text, "{file}");
    }
    expect![[r#"
        exit code 1
        error: CHANGELOG.md leads to WORLD/outside, which is outside the repository, so it is not written
        exit code 1
        error: apps/python/pyproject.toml leads to WORLD/outside, which is outside the repository, so it is not written
        exit code 1
        error: apps/python/uv.lock leads to WORLD/outside, which is outside the repository, so it is not written
        exit code 1
        error: apps/python/VERSION leads to WORLD/outside, which is outside the repository, so it is not written
    "#]].assert_eq(&seen);
}

#[test]
fn settings_that_lead_outside_are_refused_by_every_command() {
    let mut seen = String::new();
    for spec in ["../../../x", "/etc/x", "a/../../x", ""] {
        let repo = Repo::new();
        let settings = format!("[spec]\nfile = {spec:?}\ngenerate = [\"x\"]\nserve = [\"x\"]\n");
        repo.write("apps/python/app.toml", format!("{APP_TOML}\n{settings}"));
        seen.push_str(&repo.xtask(&["plan"]).seen());
    }
    let repo = Repo::new();
    repo.git(&["mv", "apps/python", "elsewhere"]);
    std::fs::create_dir_all(repo.path.join("apps")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", repo.path.join("apps/python")).unwrap();
    seen.push_str(&repo.xtask(&["plan"]).seen());

    let repo = Repo::new();
    std::os::unix::fs::symlink(repo.world(), repo.path.join("target")).unwrap();
    seen.push_str(&repo.xtask(&["plan"]).seen());
    expect![[r#"
        exit code 2
        error: apps/python/app.toml: [spec] file = "../../../x" is outside the app's folder
        exit code 2
        error: apps/python/app.toml: [spec] file = "/etc/x" is outside the app's folder
        exit code 2
        error: apps/python/app.toml: [spec] file = "a/../../x" is outside the app's folder
        exit code 2
        error: apps/python/app.toml: [spec] file = "" is outside the app's folder
        exit code 2
        error: apps/python is a link, and git does not look into links; move the folder here, or name its place: apps = "FOLDER" in [workspace.metadata.xtask] of Cargo.toml
        exit code 2
        error: target is a link to WORLD, which is outside the repository, so nothing is written there; remove the link (cargo's own files can be elsewhere: build.target-dir in ~/.cargo/config.toml)
    "#]].assert_eq(&seen);
    for link in ["target/xtask/dist", "target/xtask/release/python-v0.0.1", "apps/python/.venv"] {
        let repo = Repo::new();
        let (path, elsewhere) = (repo.path.join(link), repo.world().join("elsewhere"));
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        for args in [&["plan"] as &[&str], &["bump", "python"], &["test"], &["build", "python"]] {
            let error = repo.xtask(args).expect(2).stderr;
            assert!(error.contains(&format!("{link} is a link to {elsewhere}, which is outside")), "{error}");
        }
        assert_eq!(elsewhere.read_dir_utf8().unwrap().count(), 0);
    }
}

#[test]
fn both_sides_of_a_merge_stop_the_bump() {
    let repo = with_a_fix();
    let text = "# Changelog\n\n<<<<<<< HEAD\n- a\n=======\n- b\n>>>>>>> other\n";
    repo.commit("CHANGELOG.md", text, "docs: merge");
    expect![[r#"
        exit code 3
        error[conflict-markers]: a merge conflict is not resolved (CHANGELOG.md:3)
          → remove one side and the markers (`<<<<<<<`, `=======`, `>>>>>>>`), and commit
        error: 1 finding to fix first
    "#]]
    .assert_eq(&repo.untouched(|| bump(&repo, &[])).seen());
}

/// By the real uv, bun and npm: what they would write after a bump is what `bump` has written.
#[test]
fn the_lock_file_of_a_workspace_is_as_the_tool_itself_would_write_it() {
    const TS: &str = "name = \"python\"\necosystem = \"ts\"\npackage = \"demo\"\n\
        commands.no-tests = \"a fixture\"\n";
    let package = "{\n  \"name\": \"demo\",\n  \"version\": \"0.1.0\"\n}\n";
    let root = "{\n  \"name\": \"root\",\n  \"private\": true,\n  \"workspaces\": [\"apps/*\"]\n}\n";
    let uv = "[project]\nname = \"root\"\nversion = \"1.0.0\"\nrequires-python = \">=3.11\"\n\n\
        [tool.uv.workspace]\nmembers = [\"apps/*\"]\n";
    for (name, lock, args) in [
        ("uv", "uv.lock", &["lock", "--offline"] as &[&str]),
        ("bun", "bun.lock", &["install", "--lockfile-only"]),
        ("npm", "package-lock.json", &["install", "--package-lock-only", "--offline"]),
    ] {
        let Some(program) = crate::support::tool(name) else { continue };
        let repo = with_a_fix();
        match name {
            "uv" => repo.write("pyproject.toml", uv),
            _ => {
                repo.git(&["rm", "--quiet", "apps/python/pyproject.toml"]);
                repo.write("package.json", root);
                repo.write("apps/python/app.toml", TS);
                repo.write("apps/python/package.json", package);
            }
        }
        let write = || {
            let mut command = repo.command(program.to_str().unwrap(), &repo.path);
            run(command.args(args)).expect(0);
        };
        write();
        let before = repo.read(lock);
        repo.git(&["add", "--all"]);
        repo.git(&["commit", "--quiet", "--message", "build: lock the workspace"]);
        bump(&repo, &["--version", "0.2.0"]).expect(0);
        let bumped = repo.read(lock);
        assert!(bumped != before && bumped == before.replace("0.1.0", "0.2.0"), "{name}: {bumped}");
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
        write();
        assert_eq!(repo.read(lock), bumped, "{name}");
    }
}

#[test]
fn the_lock_file_of_a_workspace_is_part_of_the_commit() {
    let repo = with_a_fix();
    let member = |version: &str, source: &str| {
        format!(
            "[[package]]\nname = \"demo\"\nversion = \"{version}\"\nsource = {{ editable = \"{source}\" }}\n"
        )
    };
    let lock = |version: &str| {
        format!("version = 1\n\n{}{}", member("0.1.0", "libs/x"), member(version, "apps/python"))
    };
    repo.commit("uv.lock", &lock("0.1.0"), "chore: lock the workspace");
    bump(&repo, &[]).expect(0);
    assert_eq!(repo.read("uv.lock"), lock("0.1.1"));
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    // A lock file that does not name the app is not changed.
    let repo = with_a_fix();
    repo.commit("uv.lock", &member("0.1.0", "libs/x"), "chore: lock the workspace");
    bump(&repo, &[]).expect(0);
    assert_eq!(repo.read("uv.lock"), member("0.1.0", "libs/x"));
}

/// The control characters of a text, and those that turn its direction.
pub(crate) fn controls(text: &str) -> String {
    let turns = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').collect::<Vec<_>>();
    text.chars().filter(|c| turns.contains(c) || (c.is_control() && !"\n\t".contains(*c))).collect()
}

#[test]
fn control_characters_of_commits_reach_neither_the_terminal_nor_the_changelog() {
    let repo = with_a_fix();
    repo.change(
        "feat!: a \u{1b}[2Jclean port\u{7}\u{202e}\n\n\
         BREAKING CHANGE: set \u{1b}]0;PORT\u{7} and \u{9b}2J it\u{8}\u{2066}",
    );
    let outputs = [
        run(repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path).args(["plan", "python"])),
        run(repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path).args(["plan", "python", "--json"])),
        bump(&repo, &["--dry-run"]).expect(0),
        bump(&repo, &[]).expect(0),
    ];
    let changelog = repo.read("CHANGELOG.md");
    assert!(changelog.contains("clean port"), "{changelog}");
    let shown = outputs.iter().flat_map(|output| [&output.stdout, &output.stderr]);
    for text in shown.chain([&changelog]) {
        assert_eq!(controls(text), "", "in {text:?}");
    }
}
