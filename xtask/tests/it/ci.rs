//! `ci`: which apps a job checks for an event, and what it reports when there is nothing to do.

use crate::seen::masked;
use crate::support::{Output, Repo, run};
use expect_test::expect;

/// `ci ARGS` with the variables that a forge sets.
fn ci(repo: &Repo, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    run(command.arg("ci").args(args).envs(variables.iter().copied()))
}

/// The app on `main` and `development`, and a feature branch.
fn repo() -> Repo {
    let repo = Repo::new();
    repo.git(&["branch", "development"]);
    repo.git(&["switch", "--quiet", "--create", "feat/x"]);
    repo
}

const PULL: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_EVENT_NAME", "pull_request"),
    ("GITHUB_HEAD_REF", "feat/x"),
    ("GITHUB_BASE_REF", "development"),
    ("GITHUB_REF", "refs/pull/1/merge"),
];

#[test]
fn a_pull_request_is_checked_for_the_apps_that_it_changes() {
    let repo = repo();
    repo.commit("notes.md", "nothing of any app\n", "docs: notes");
    let idle = ci(&repo, &["lint"], PULL).expect(0);
    expect![[r#"
        exit code 0
        lint: pull request from feat/x into development at 1234567
          nothing to do: no app of this job changed since 1234567
    "#]]
    .assert_eq(&idle.seen());
    repo.change("fix(python): a thing");
    let busy = ci(&repo, &["lint"], PULL).expect(0);
    expect![[r#"
        exit code 0
        lint: pull request from feat/x into development at 1234567
        ::group::plan-python
          this pull request makes the first release of python 0.0.1: commits patch, manifest >= 0.0.1
        ::endgroup::
        ::group::lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
        ::endgroup::
    "#]]
    .assert_eq(&busy.seen());
}

#[test]
fn sections_are_plain_headings_on_gitea() {
    let repo = repo();
    repo.change("fix(python): a thing");
    let variables: Vec<_> = PULL.iter().copied().chain([("GITEA_ACTIONS", "true")]).collect();
    let busy = ci(&repo, &["lint"], &variables).expect(0);
    expect![[r#"
        exit code 0
        lint: pull request from feat/x into development at 1234567
        plan-python
          this pull request makes the first release of python 0.0.1: commits patch, manifest >= 0.0.1
        lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
    "#]]
    .assert_eq(&busy.seen());
}

#[test]
fn a_job_with_nothing_to_do_says_why_and_succeeds() {
    let repo = repo();
    let said = [
        ["lint", "--event", "push", "--ref", "feat/x"],
        ["image", "--event", "push", "--ref", "main"],
        ["release", "--event", "push", "--ref", "development"],
        ["release", "--event", "push", "--ref", "refs/tags/v1"],
        ["image", "--event", "push", "--ref", "feat/x"],
    ]
    .map(|args| format!("ci {}: {}", args.join(" "), ci(&repo, &args, &[]).seen()));
    expect![[r#"
        ci lint --event push --ref feat/x: exit code 0
        lint: push to feat/x at 1234567
          nothing to do: this job runs on pull requests, before they are merged
        ci image --event push --ref main: exit code 0
        image: push to main at 1234567
          nothing to do: on this branch the release builds the image
        ci release --event push --ref development: exit code 0
        release: push to development at 1234567
          nothing to do: releases are made from main and hotfix/…
        ci release --event push --ref refs/tags/v1: exit code 0
        release: "refs/tags/v1" is not a branch at 1234567
          nothing to do: "refs/tags/v1" is not a branch
        ci image --event push --ref feat/x: exit code 0
        image: push to feat/x at 1234567
          nothing to do: no app of this job changed since 1234567
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn of_two_mirrored_forges_one_releases() {
    let repo = repo();
    let settings = "[workspace.metadata.xtask]\nrelease-forge = \"github\"\n";
    repo.commit("Cargo.toml", settings, "chore: release on GitHub");
    let release = |api: &str| {
        let api = format!("http://127.0.0.1:1/api/{api}/repos/team/mono");
        let variables = [("XTASK_FORGE", api.as_str())];
        ci(&repo, &["release", "--event", "push", "--ref", "main"], &variables).expect(0)
    };
    expect![[r#"
        exit code 0
        release: push to main at 1234567
          nothing to do: this is Gitea, and GitHub releases (release-forge)
    "#]]
    .assert_eq(&release("v1").seen());
    expect![[r#"
        exit code 0
        release: push to main at 1234567
          nothing to do: no app has a version to release
    "#]]
    .assert_eq(&release("v3").seen());
}

#[test]
fn without_a_job_name_every_job_reports() {
    let repo = repo();
    let variables = [("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/tags/python-v0.0.1")];
    let all = ci(&repo, &[], &variables).expect(0);
    expect![[r#"
        exit code 0
        lint: "refs/tags/python-v0.0.1" is not a branch at 1234567
          nothing to do: "refs/tags/python-v0.0.1" is not a branch
        test: "refs/tags/python-v0.0.1" is not a branch at 1234567
          nothing to do: "refs/tags/python-v0.0.1" is not a branch
        openapi: "refs/tags/python-v0.0.1" is not a branch at 1234567
          nothing to do: "refs/tags/python-v0.0.1" is not a branch
        image: "refs/tags/python-v0.0.1" is not a branch at 1234567
          nothing to do: "refs/tags/python-v0.0.1" is not a branch
        release: "refs/tags/python-v0.0.1" is not a branch at 1234567
          nothing to do: "refs/tags/python-v0.0.1" is not a branch
    "#]]
    .assert_eq(&all.seen());
}

#[test]
fn commits_without_a_bump_may_not_be_merged_into_main() {
    let repo = repo();
    let gate = ["lint", "--event", "pull_request", "--ref", "feat/x", "--base", "main"];
    repo.change("feat(python): a thing");
    let stopped = ci(&repo, &gate, &[]).expect(3);
    expect![[r#"
        exit code 3
        lint: pull request from feat/x into main at 1234567
        plan-python
          this pull request makes the first release of python 0.0.1: commits minor, manifest >= 0.0.1
        lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
        error[not-bumped]: python: the changes demand 0.0.1, but the version in the manifest is 0.0.0
          → cargo xtask bump python, on a new branch from development; or cargo xtask promote
        error: 1 finding to fix first
    "#]]
    .assert_eq(&stopped.seen());
    let manifest = repo.read("apps/python/pyproject.toml").replace("0.0.0", "0.0.1");
    repo.commit("apps/python/pyproject.toml", &manifest, "chore(release): python v0.0.1");
    // The lock file is stale now, which is another finding.
    let bumped = ci(&repo, &gate, &[]);
    expect![[r#"
        exit code 0
        lint: pull request from feat/x into main at 1234567
        plan-python
          this pull request makes the first release of python 0.0.1: commits minor, manifest >= 0.0.1
        lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
    "#]]
    .assert_eq(&bumped.seen());
}

/// In a private repository a job without a token sees no pull requests.
#[test]
fn pull_requests_that_the_lint_job_cannot_read_are_one_line() {
    let repo = repo();
    repo.change("feat(python): a thing (#7)");
    let remote = repo.world().join("remote.git");
    repo.git(&["clone", "--quiet", "--bare", ".", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    let gate = ["lint", "--event", "pull_request", "--ref", "feat/x", "--base", "main"];
    let forge = [("XTASK_FORGE", "http://127.0.0.1:1/api/v1/repos/team/mono")];
    let out = ci(&repo, &gate, &forge).expect(3);
    expect![[r#"
        exit code 3
        lint: pull request from feat/x into main at 1234567
        plan-python
          this pull request makes the first release of python 0.0.1: commits minor, manifest >= 0.0.1
          - commits of pull requests #7: not read (not set up: XTASK_FORGE_TOKEN or GITEA_TOKEN); `release` reads them with its token, and stops if the version is too low
        lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
        error[not-bumped]: python: the changes demand 0.0.1, but the version in the manifest is 0.0.0
          → cargo xtask bump python, on a new branch from development; or cargo xtask promote
        error: 1 finding to fix first
    "#]]
    .assert_eq(&out.seen());
}

#[test]
fn the_label_of_a_break_and_its_declaration_go_together() {
    let repo = repo();
    let lint = |labels: &str, more: &[&str]| {
        let event = repo.world().join("event.json");
        std::fs::write(&event, format!(r#"{{"pull_request": {{"labels": {labels}}}}}"#)).unwrap();
        let variables: Vec<_> = PULL.iter().copied().chain([("GITHUB_EVENT_PATH", event.as_str())]).collect();
        ci(&repo, &[&["lint"], more].concat(), &variables)
    };
    let labelled = r#"[{"name": "breaking-change"}]"#;
    // Also if the pull request changes no app.
    repo.commit("notes.md", "nothing of any app\n", "docs: notes");
    let stopped = lint(labelled, &[]).expect(3);
    expect![[r#"
        exit code 3
        lint: pull request from feat/x into development at 1234567
          nothing to do: no app of this job changed since 1234567
        error[label-without-break]: the pull request has the label breaking-change, but none of its commits declares a break
          → declare it: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`
          → or remove the label
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    repo.change("feat(python): a thing");
    let stopped = lint("[]", &["--label", "breaking-change"]).expect(3);
    expect![[r#"
        exit code 3
        lint: pull request from feat/x into development at 1234567
        ::group::plan-python
          this pull request makes the first release of python 0.0.1: commits minor, manifest >= 0.0.1
        ::endgroup::
        ::group::lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
        ::endgroup::
        error[label-without-break]: the pull request has the label breaking-change, but none of its commits declares a break
          → declare it: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`
          → or remove the label
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen());
    expect![[r#"
        exit code 0
        lint: pull request from feat/x into development at 1234567
        ::group::plan-python
          this pull request makes the first release of python 0.0.1: commits minor, manifest >= 0.0.1
        ::endgroup::
        ::group::lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
        ::endgroup::
    "#]]
    .assert_eq(&lint("[]", &[]).expect(0).seen());
    repo.change("feat(python)!: another thing");
    lint(labelled, &[]).expect(0);
    let warned = lint("[]", &[]).expect(0);
    expect![[r#"
        exit code 0
        lint: pull request from feat/x into development at 1234567
        ::group::plan-python
          this pull request makes the first release of python 0.0.1: commits major, manifest >= 0.0.1
        ::endgroup::
        warning[break-without-label]: feat(python)!: another thing (1234567) declares a break, but the pull request does not have the label breaking-change
          → add the label breaking-change: it asks the reviewer to confirm the break
        ::group::lint-python
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
        ::endgroup::
    "#]].assert_eq(&warned.seen());
    // If the labels are not known, none is reported as missing.
    assert!(!ci(&repo, &["lint"], PULL).expect(0).stderr.contains("break-without-label"));
    // A break that was merged before does not belong to this pull request.
    repo.git(&["branch", "--force", "development", "HEAD"]);
    repo.change("fix(python): a thing");
    assert!(!lint("[]", &[]).expect(0).stderr.contains("break-without-label"));
    repo.change("docs: a thing");
    let checked = repo.xtask(&["check", "python", "--label", "breaking-change"]).expect(3);
    expect![[r#"
        exit code 3
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ test-python       no tests: a fixture (TIME)
          - users-python      no release yet, so there are no earlier tests to run
          ✓ plan-python       the next release is the first (0.0.1) (TIME)
        error[label-without-break]: the pull request has the label breaking-change, but none of its commits declares a break
          → declare it: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`
          → or remove the label
        error: 1 finding to fix first
    "#]].assert_eq(&checked.seen());
    // An acceptance for another release does not count.
    let settings = repo.read("apps/python/app.toml");
    let stale = "\n[[accept]]\nid = \"function-removed\"\nversion = \"0.0.9\"\nreason = \"nobody has it\"\n";
    repo.commit("apps/python/app.toml", &format!("{settings}{stale}"), "chore: accept it");
    let checked = repo.xtask(&["check", "python", "--label", "breaking-change"]).expect(3);
    expect![[r#"
        exit code 3
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ test-python       no tests: a fixture (TIME)
          - users-python      no release yet, so there are no earlier tests to run
          ✓ plan-python       the next release is the first (0.0.1) (TIME)
        error[label-without-break]: the pull request has the label breaking-change, but none of its commits declares a break
          → declare it: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`
          → or remove the label
        error: 1 finding to fix first
    "#]].assert_eq(&checked.seen());
    repo.git(&["branch", "--quiet", "-D", "development"]);
    let checked = repo.xtask(&["check", "python", "--label", "breaking-change"]);
    assert!(!checked.stderr.contains("label-without-break"), "the whole history counts: {}", checked.stderr);
}

#[test]
fn a_shallow_clone_is_refused_with_the_command_that_completes_it() {
    let repo = repo();
    repo.change("fix(python): a thing");
    let clone = repo.world().join("shallow");
    repo.git(&["clone", "--quiet", "--depth=1", &format!("file://{}", repo.path), clone.as_str()]);
    let output =
        repo.xtask_in(&clone, &["ci", "lint", "--event", "pull_request", "--ref", "feat/x"]).expect(2);
    expect![[r#"
        exit code 2
        lint: pull request from feat/x into development at 1234567
        error: this is a shallow clone: the history that shows changes and releases is missing; run git fetch --unshallow --tags, or in a workflow: actions/checkout with fetch-depth: 0
    "#]].assert_eq(&output.seen());
}

#[test]
fn a_missing_base_branch_is_named_with_the_command_that_fetches_it() {
    let repo = repo();
    let output =
        ci(&repo, &["test", "--event", "pull_request", "--ref", "feat/x", "--base", "elsewhere"], &[])
            .expect(2);
    expect![[r#"
        exit code 2
        test: pull request from feat/x into elsewhere at 1234567
        error: the base branch of the pull request, elsewhere, is not in this clone; run git fetch origin elsewhere, or in a workflow: actions/checkout with fetch-depth: 0
    "#]].assert_eq(&output.seen());
}

#[test]
fn invalid_input_is_a_clear_error() {
    let repo = repo();
    let said = [
        (vec!["lint"], vec![]),
        (vec!["lnt"], vec![]),
        (vec!["lint", "--event", "tag"], vec![]),
        (vec!["lint", "--event", "push", "--ref", "a..b"], vec![]),
        (vec!["image"], vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/--upload-pack=x")]),
    ]
    .map(|(args, variables)| ci(&repo, &args, &variables).expect(2).seen());
    expect![[r#"
        exit code 2
        error: no forge runs this job (GITHUB_EVENT_NAME is not set); to run it by hand:
          cargo xtask ci lint --event pull_request --base development
          cargo xtask ci image --event push --ref BRANCH
        exit code 2
        error: no job "lnt" (the jobs are: lint, test, openapi, image, promote, build, release, comment); did you mean "lint"?
        exit code 2
        error: --event "tag" must be push or pull_request
        exit code 2
        error: "a..b" is not a valid branch name
        exit code 2
        error: "--upload-pack=x" is not a valid branch name
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn the_workflows_of_both_forges_call_xtask_once_per_job_and_use_no_key_that_gitea_ignores() {
    let root = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read =
        |file: &str| std::fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let (github, gitea) = (read(".github/workflows/ci.yml"), read(".gitea/workflows/ci.yml"));
    for (forge, text) in [("GitHub", &github), ("Gitea", &gitea)] {
        for job in ["lint", "comment", "test", "validate-openapi", "image", "promote", "build", "release"] {
            assert!(text.contains(&format!("\n  {job}:\n")), "{forge} has no job {job}");
            assert_eq!(
                text.matches(&format!(" run: exec cargo xtask ci {job}\n")).count(),
                1,
                "{forge}: {job}"
            );
        }
        assert_eq!(
            text.matches("cargo ").count(),
            8 + 1,
            "{forge}: cargo is called elsewhere than in the jobs and the comment"
        );
        assert_eq!(text.matches("fetch-depth: 0").count(), 8, "{forge}: a shallow clone has no tags");
        for job in
            ["lint", "test", "validate-openapi", "msrv", "artifacts", "image", "promote", "build", "release"]
        {
            let cache = format!("      - uses: ./.github/actions/cache\n        with: {{ job: {job} }}\n");
            assert_eq!(text.matches(&cache).count(), 1, "{forge}: the cache of {job}");
        }
    }
    let cache = read(".github/actions/cache/action.yml");
    let (_, hashed) = cache.split_once("hashFiles(").expect("the key of the cache depends on files");
    for file in hashed.split('\'').skip(1).step_by(2) {
        assert!(root.join(file).exists(), "the cache's key depends on {file}, which does not exist");
    }
    for ignored in ["merge_group:", "environment:", "id-token:"] {
        assert!(
            !gitea.lines().any(|line| line.trim_start().starts_with(ignored)),
            "{ignored} in Gitea's workflow"
        );
    }
}

/// Runs the lint job for a pull request with this title into development.
fn titled(repo: &Repo, title: &str) -> Output {
    let event = repo.world().join("event.json");
    std::fs::write(
        &event,
        serde_json::json!({ "pull_request": { "title": title, "labels": [{ "name": "breaking-change" }] } })
            .to_string(),
    )
    .unwrap();
    let variables: Vec<_> = PULL.iter().copied().chain([("GITHUB_EVENT_PATH", event.as_str())]).collect();
    ci(repo, &["lint"], &variables)
}

#[test]
fn text_that_the_forge_keeps_in_addition_to_the_title_counts() {
    let repo = repo();
    repo.git(&["tag", "python-v0.1.0", "development"]);
    repo.commit(
        "apps/python/pyproject.toml",
        &crate::support::PYPROJECT.replace("0.0.0", "0.1.1"),
        "chore: the released version and more",
    );
    repo.change("fix(python): a thing");
    repo.change("fix(python)!: another port");
    let event = repo.world().join("event.json");
    let weak = |title: &str, message: &str, body: &str| {
        let settings =
            serde_json::json!({ "squash_merge_commit_title": title, "squash_merge_commit_message": message });
        let pull = serde_json::json!({
            "title": "fix(python): a thing",
            "body": body,
            "labels": [],
            "base": { "repo": settings },
        });
        std::fs::write(&event, serde_json::json!({ "pull_request": pull }).to_string()).unwrap();
        let variables: Vec<_> = PULL.iter().copied().chain([("GITHUB_EVENT_PATH", event.as_str())]).collect();
        ci(&repo, &["lint"], &variables).stderr.contains("title-too-weak")
    };
    for (title, message, body, expected) in [
        ("PR_TITLE", "BLANK", "BREAKING CHANGE: the port", true),
        ("PR_TITLE", "PR_BODY", "", true),
        ("PR_TITLE", "PR_BODY", "Text.\n\nBREAKING CHANGE: the port\n\nCloses #3", false),
        ("PR_TITLE", "COMMIT_MESSAGES", "", false),
        ("COMMIT_OR_PR_TITLE", "COMMIT_MESSAGES", "", false),
        ("", "", "", true),
    ] {
        assert_eq!(weak(title, message, body), expected, "{title} {message} {body:?}");
    }
    // The subject of a single commit is lost if the forge uses the title of the pull request.
    repo.git(&["reset", "--quiet", "--soft", "development"]);
    repo.git(&["commit", "--quiet", "--message", "fix(python)!: all of it"]);
    assert!(weak("PR_TITLE", "COMMIT_MESSAGES", "") && !weak("COMMIT_OR_PR_TITLE", "COMMIT_MESSAGES", ""));
}

#[test]
fn a_title_that_declares_less_than_the_commits_is_refused_with_a_sufficient_one() {
    let repo = repo();
    repo.git(&["tag", "python-v0.1.0", "development"]);
    repo.commit(
        "apps/python/pyproject.toml",
        &crate::support::PYPROJECT.replace("0.0.0", "0.1.1"),
        "chore: the released version and more",
    );
    repo.change("fix(python): a thing");
    repo.change("feat(python)!: another port");
    let mut seen = String::new();
    for (title, enough) in [
        ("fix(python): a thing", Some("fix(python)!: a thing")),
        ("fix: a thing (#3)", Some("fix(python)!: a thing")),
        ("Another port", Some("feat(python)!: Another port")),
        ("docs(api): a thing", Some("docs(api)!: a thing")),
        ("feat!: another port", None),
    ] {
        let job = titled(&repo, title);
        match enough {
            Some(enough) => {
                seen.push_str(&job.seen_findings());
                assert!(!titled(&repo, enough).stderr.contains("title-too-weak"), "{enough}");
            }
            None => assert!(!job.stderr.contains("title-too-weak"), "{title}: {job:?}"),
        }
    }
    expect![[r#"
        exit code 3
        error[title-too-weak]: the title "fix(python): a thing" declares less than the commits (python major, not patch), and a squash may keep only the title
          → set the title to: fix(python)!: a thing
        error: 1 finding to fix first
        exit code 3
        error[title-too-weak]: the title "fix: a thing (#3)" declares less than the commits (python major, not patch), and a squash may keep only the title
          → set the title to: fix(python)!: a thing
        error: 1 finding to fix first
        exit code 3
        error[title-too-weak]: the title "Another port" declares less than the commits (python major, not none), and a squash may keep only the title
          → set the title to: feat(python)!: Another port
        error: 1 finding to fix first
        exit code 3
        error[title-too-weak]: the title "docs(api): a thing" declares less than the commits (python major, not none), and a squash may keep only the title
          → set the title to: docs(api)!: a thing
        error: 1 finding to fix first
    "#]].assert_eq(&seen);
}

#[test]
fn the_lint_job_passes_its_comment_on_and_another_job_writes_it() {
    use crate::forge::{Forge, TOKEN, server::Dialect};
    let repo = repo();
    repo.change("feat(python): more");
    let (event, output) = (repo.world().join("event.json"), repo.world().join("output"));
    std::fs::write(&event, r#"{ "number": 7, "pull_request": { "labels": [] } }"#).unwrap();
    let forge = Forge::start(Dialect::Gitea);
    let with = |job: &str, more: &[(&str, &str)]| {
        let given = [("GITHUB_EVENT_PATH", event.as_str()), ("XTASK_FORGE", forge.api.as_str())];
        ci(&repo, &[job], &PULL.iter().copied().chain(given).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    with("lint", &[("GITHUB_OUTPUT", output.as_str()), ("GITEA_TOKEN", TOKEN)]);
    assert_eq!(forge.state().writes, [""; 0], "the lint job runs the code of the pull request");
    let passed = std::fs::read_to_string(&output).unwrap();
    let (head, rest) = passed.split_once('\n').unwrap();
    let (text, _) = rest.split_once(&format!("\n{}\n", head.strip_prefix("comment<<").unwrap())).unwrap();
    expect![[r#"
        **Next release**

        | app | version | why |
        |---|---|---|
        | python | first release → 0.0.1 | commits minor, manifest >= 0.0.1 |
    "#]]
    .assert_eq(&masked(text));

    let token = ("GITEA_TOKEN", TOKEN);
    let comment = ("XTASK_COMMENT", text);
    let given: [&[(&str, &str)]; 3] = [&[comment], &[comment, token], &[comment, token]];
    let written = given.map(|given| with("comment", given).seen());
    expect![[r#"
        exit code 0
        comment
          - comment: not set up: XTASK_FORGE_TOKEN or GITEA_TOKEN
        exit code 0
        comment
          ✓ comment on pull request 7
        exit code 0
        comment
          - comment on pull request 7: up to date
    "#]]
    .assert_eq(&written.concat());
    let comments = forge.with("team/mono", |mono| mono.comments.clone());
    assert!(comments.len() == 1 && comments[0].2.ends_with(text), "{comments:?}");
    expect![[r#"
        exit code 0
        comment
          nothing to do: there is no pull request, or its lint job left no text
    "#]]
    .assert_eq(&with("comment", &[token]).seen());
}
