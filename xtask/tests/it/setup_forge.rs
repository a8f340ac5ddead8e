//! `setup --forge`: what it changes on each kind of forge, that a second run has nothing to do, and what it
//! leaves to a person. About 2 s.

use crate::forge::server::Dialect;
use crate::forge::{Forge, TOKEN};
use crate::support::{Output, Repo, run};
use expect_test::expect;

const WORKFLOW: &str = "\
name: ci
on: [push, pull_request]
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: [{ run: 'true' }]
  release:
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    steps: [{ run: 'true', env: { A: \"${{ secrets.PYPI_TOKEN }}\", B: \"${{ secrets.OTHER }}\" } }]
";

fn repo(folder: &str) -> Repo {
    let repo = Repo::new();
    repo.commit(&format!("{folder}/ci.yml"), WORKFLOW, "ci: begin");
    let remote = repo.world().join("remote.git");
    repo.git(&["branch", "development"]);
    repo.git(&["clone", "--quiet", "--bare", ".", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    repo
}

fn setup(repo: &Repo, forge: &Forge, args: &[&str]) -> Output {
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args([&["setup", "--forge"], args].concat());
    run(command.env("XTASK_FORGE", &forge.api).env("XTASK_FORGE_TOKEN", TOKEN))
}

#[test]
fn the_settings_are_made_once_on_both_forges() {
    for dialect in [Dialect::Github, Dialect::Gitea] {
        let github = dialect == Dialect::Github;
        let repo = repo(if github { ".github/workflows" } else { ".gitea/workflows" });
        let forge = Forge::start(dialect);
        forge.with("team/mono", |mono| mono.secrets.push("OTHER".into()));

        let planned = setup(&repo, &forge, &["--dry-run"]).expect(0);
        assert_eq!(forge.state().writes, [""; 0]);
        let asked = setup(&repo, &forge, &[]);
        expect![[r#"
            exit code 2
            error: setup --forge asks before it changes anything, and there is no terminal to ask on; nothing was changed
              to skip the question: cargo xtask setup --forge --yes
        "#]].assert_eq(&asked.seen_error());
        assert_eq!(forge.state().writes, [""; 0]);
        match dialect {
            Dialect::Github => expect![[r#"
                exit code 0
                Settings of http://127.0.0.1:PORT/team/mono
                  → squash merges only (allow_squash_merge, allow_merge_commit, allow_rebase_merge, squash_merge_commit_title, squash_merge_commit_message)
                  → label breaking-change
                  → label release-blocker
                  → protect development: pull requests only, with the checks lint
                  → protect main: pull requests only, with the checks lint
                  → environment release
                  → limit the environment release to the branch main
                  → limit the environment release to the branch hotfix/*
                What only a person can do
                  ! set the secret PYPI_TOKEN, a token of PyPI for this project: http://127.0.0.1:PORT/team/mono/settings/environments
                  ! instead of PYPI_TOKEN: a trusted publisher of demo-agent (owner team, repository mono, workflow ci.yml, environment release): https://pypi.org/manage/project/demo-agent/settings/publishing/, or, before its first release, a pending one: https://pypi.org/manage/account/publishing/
            "#]].assert_eq(&planned.seen()),
            Dialect::Gitea => expect![[r#"
                exit code 0
                Settings of http://127.0.0.1:PORT/team/mono
                  → squash merges only (allow_squash_merge, allow_merge_commits, allow_rebase, allow_rebase_explicit, allow_fast_forward_only_merge, default_merge_style, has_pull_requests)
                  → label breaking-change
                  → label release-blocker
                  → protect development: pull requests only, with the checks ci / lint (pull_request)
                  → protect main: pull requests only, with the checks ci / lint (pull_request)
                What only a person can do
                  ! set the secret PYPI_TOKEN, a token of PyPI for this project: http://127.0.0.1:PORT/team/mono/settings/actions/secrets
            "#]].assert_eq(&planned.seen()),
        }

        setup(&repo, &forge, &["--yes"]).expect(0);
        let checks = forge.with("team/mono", |mono| {
            let rule = &mono.protections["main"];
            if github { &rule["required_status_checks"]["contexts"] } else { &rule["status_check_contexts"] }
                .clone()
        });
        let expected = if github { "lint" } else { "ci / lint (pull_request)" };
        assert_eq!(checks, serde_json::json!([expected]), "{dialect:?}");

        forge.state().writes.clear();
        let again = setup(&repo, &forge, &["--yes"]);
        expect![[r#"
            exit code 0
              - everything that the forge's API allows is set
        "#]]
        .assert_eq(&again.seen_lines(&["→", "✓", "- everything"]));
        assert_eq!(forge.state().writes, [""; 0], "{dialect:?}");

        // A check of another system stays; a bare name on Gitea goes, because it matches nothing.
        forge.with("team/mono", |mono| {
            let rule = mono.protections.get_mut("main").unwrap();
            let names = serde_json::json!(["lint-old", "other/check"]);
            rule["status_check_contexts"] = names.clone();
            rule["required_status_checks"] = serde_json::json!({ "contexts": names });
        });
        setup(&repo, &forge, &["--yes"]).expect(0);
        let checks = forge.with("team/mono", |mono| {
            let rule = &mono.protections["main"];
            if github { &rule["required_status_checks"]["contexts"] } else { &rule["status_check_contexts"] }
                .clone()
        });
        let expected = match dialect {
            Dialect::Github => serde_json::json!(["lint", "lint-old", "other/check"]),
            Dialect::Gitea => serde_json::json!(["ci / lint (pull_request)", "other/check"]),
        };
        assert_eq!(checks, expected, "{dialect:?}");
    }
}

#[test]
fn a_setting_that_the_forge_refuses_does_not_stop_the_others() {
    let repo = repo(".github/workflows");
    let forge = Forge::start(Dialect::Github);
    forge.fault("PUT /branches/main", 403);
    expect![[r#"
        exit code 1
        Settings of http://127.0.0.1:PORT/team/mono
          → squash merges only (allow_squash_merge, allow_merge_commit, allow_rebase_merge, squash_merge_commit_title, squash_merge_commit_message)
          → label breaking-change
          → label release-blocker
          → protect development: pull requests only, with the checks lint
          → protect main: pull requests only, with the checks lint
          → environment release
          → limit the environment release to the branch main
          → limit the environment release to the branch hotfix/*
          ✓ squash merges only (allow_squash_merge, allow_merge_commit, allow_rebase_merge, squash_merge_commit_title, squash_merge_commit_message)
          ✓ label breaking-change
          ✓ label release-blocker
          ✓ protect development: pull requests only, with the checks lint
          ✗ protect main: pull requests only, with the checks lint: cannot protect the branch on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: PUT http://127.0.0.1:PORT/api/v3/repos/team/mono/branches/main/protection: 403 Forbidden: {"message":"the test's fault"}
          ✓ environment release
          ✓ limit the environment release to the branch hotfix/*
          ✓ limit the environment release to the branch main
        What only a person can do
          ! set the secret OTHER, which a workflow names: http://127.0.0.1:PORT/team/mono/settings/environments
          ! set the secret PYPI_TOKEN, a token of PyPI for this project: http://127.0.0.1:PORT/team/mono/settings/environments
          ! instead of PYPI_TOKEN: a trusted publisher of demo-agent (owner team, repository mono, workflow ci.yml, environment release): https://pypi.org/manage/project/demo-agent/settings/publishing/, or, before its first release, a pending one: https://pypi.org/manage/account/publishing/
        error: 1 of 8 settings were not made; the reasons are above
    "#]].assert_eq(&setup(&repo, &forge, &["--yes"]).seen());
    // Without a token nothing is asked.
    let out = run(repo
        .command(env!("CARGO_BIN_EXE_xtask"), &repo.path)
        .args(["setup", "--forge"])
        .env("XTASK_FORGE", &forge.api));
    expect![[r#"
        exit code 2
        error: setup --forge: not set up: XTASK_FORGE_TOKEN or GITHUB_TOKEN
    "#]]
    .assert_eq(&out.seen());
}

#[test]
fn auto_merge_is_allowed_on_github_if_the_settings_ask_for_it() {
    let repo = repo(".github/workflows");
    let settings = "[workspace.metadata.xtask]\nauto-merge = true\n[workspace]\n";
    repo.commit("Cargo.toml", settings, "chore: merge by itself");
    let forge = Forge::start(Dialect::Github);
    let out = setup(&repo, &forge, &["--yes"]);
    expect![[r#"
        exit code 0
        Settings of http://127.0.0.1:PORT/team/mono
          → squash merges only (allow_squash_merge, allow_merge_commit, allow_rebase_merge, squash_merge_commit_title, squash_merge_commit_message, allow_auto_merge)
          → label breaking-change
          → label release-blocker
          → protect development: pull requests only, with the checks lint
          → protect main: pull requests only, with the checks lint
          → environment release
          → limit the environment release to the branch main
          → limit the environment release to the branch hotfix/*
          ✓ squash merges only (allow_squash_merge, allow_merge_commit, allow_rebase_merge, squash_merge_commit_title, squash_merge_commit_message, allow_auto_merge)
          ✓ label breaking-change
          ✓ label release-blocker
          ✓ protect development: pull requests only, with the checks lint
          ✓ protect main: pull requests only, with the checks lint
          ✓ environment release
          ✓ limit the environment release to the branch hotfix/*
          ✓ limit the environment release to the branch main
        What only a person can do
          ! set the secret OTHER, which a workflow names: http://127.0.0.1:PORT/team/mono/settings/environments
          ! set the secret PYPI_TOKEN, a token of PyPI for this project: http://127.0.0.1:PORT/team/mono/settings/environments
          ! instead of PYPI_TOKEN: a trusted publisher of demo-agent (owner team, repository mono, workflow ci.yml, environment release): https://pypi.org/manage/project/demo-agent/settings/publishing/, or, before its first release, a pending one: https://pypi.org/manage/account/publishing/
    "#]].assert_eq(&out.seen());
    assert!(forge.with("team/mono", |mono| mono.settings["allow_auto_merge"] == true));
    expect![[r#"
        exit code 0
        Settings of http://127.0.0.1:PORT/team/mono
          - everything that the forge's API allows is set
        What only a person can do
          ! set the secret OTHER, which a workflow names: http://127.0.0.1:PORT/team/mono/settings/environments
          ! set the secret PYPI_TOKEN, a token of PyPI for this project: http://127.0.0.1:PORT/team/mono/settings/environments
          ! instead of PYPI_TOKEN: a trusted publisher of demo-agent (owner team, repository mono, workflow ci.yml, environment release): https://pypi.org/manage/project/demo-agent/settings/publishing/, or, before its first release, a pending one: https://pypi.org/manage/account/publishing/
    "#]].assert_eq(&setup(&repo, &forge, &["--yes"]).seen());
}

#[test]
fn only_secrets_that_an_app_needs_are_asked_for_and_gitea_has_tokens_of_its_own() {
    let repo = repo(".gitea/workflows");
    let names = ["PYPI_TOKEN", "TESTPYPI_TOKEN", "NPM_TOKEN", "REGISTRY_TOKEN", "DISPATCH_TOKEN", "OTHER"];
    let names = names.into_iter().chain(["PROMOTE_TOKEN"]);
    let env: String = names.map(|name| format!("      {name}: ${{{{ secrets.{name} }}}}\n")).collect();
    let job = format!("on: push\njobs:\n  release:\n    runs-on: x\n    steps: []\n    env:\n{env}");
    repo.write(".gitea/workflows/ci.yml", job);
    repo.commit("Cargo.toml", "[workspace.metadata.xtask]\nregistries = \"gitea\"\n[workspace]\n", "ci: all");
    let forge = Forge::start(Dialect::Gitea);
    let out = setup(&repo, &forge, &["--yes"]).expect(0).seen();
    let lines = out.lines().map(str::trim);
    let asked: Vec<&str> = lines.filter(|line| line.contains("set the secret")).collect();
    expect![[r#"
          ! set the secret OTHER, which a workflow names: http://127.0.0.1:PORT/team/mono/settings/actions/secrets
          ! set the secret PYPI_TOKEN, a personal token with write:package: http://127.0.0.1:PORT/team/mono/settings/actions/secrets"#]].assert_eq(&asked.join("\n"));
    let mut audit = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    audit.arg("audit").env("XTASK_FORGE", &forge.api).env("XTASK_FORGE_TOKEN", TOKEN);
    let out = run(&mut audit).seen();
    let unset: Vec<&str> = out.lines().filter(|line| line.contains("secret-unset")).collect();
    expect![[r#"
        warning[secret-unset]: the job release needs the secret PYPI_TOKEN, which nobody has set (.gitea/workflows/ci.yml:7)
        warning[secret-unset]: the job release needs the secret OTHER, which nobody has set (.gitea/workflows/ci.yml:12)"#]].assert_eq(&unset.join("\n"));
    let settings = "[workspace.metadata.xtask]\nauto-merge = true\n[workspace]\n";
    repo.commit("Cargo.toml", settings, "chore: merge by itself");
    let out = setup(&repo, &forge, &["--yes"]).expect(0).seen();
    let promote = out.lines().find(|line| line.contains("PROMOTE_TOKEN")).unwrap_or_default();
    expect![[r#"
        ! set the secret PROMOTE_TOKEN, a personal token that may push branches and open pull requests: http://127.0.0.1:PORT/team/mono/settings/actions/secrets
    "#]].assert_eq(&format!("{}\n", promote.trim()));
    // Nothing is left to a person.
    let job = "on: push\njobs:\n  release:\n    runs-on: x\n    steps: []\n";
    repo.commit(".gitea/workflows/ci.yml", job, "ci: no secrets");
    expect![[r#"
        exit code 0
        Settings of http://127.0.0.1:PORT/team/mono
          - everything that the forge's API allows is set
    "#]]
    .assert_eq(&setup(&repo, &forge, &["--yes"]).seen());
}
