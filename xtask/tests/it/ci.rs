//! `ci`: which apps a job checks for an event, and what it reports when there is nothing to do.

use crate::support::{Output, Repo, run};

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
    assert!(idle.stderr.contains("nothing to do: no app of this job changed since"), "{}", idle.stderr);
    repo.change("fix(python): a thing");
    let busy = ci(&repo, &["lint"], PULL).expect(0);
    assert!(busy.stderr.contains("::group::lint-python\n"), "{}", busy.stderr);
    assert!(busy.stderr.contains("::endgroup::"), "{}", busy.stderr);
}

#[test]
fn sections_are_plain_headings_on_gitea() {
    let repo = repo();
    repo.change("fix(python): a thing");
    let variables: Vec<_> = PULL.iter().copied().chain([("GITEA_ACTIONS", "true")]).collect();
    let busy = ci(&repo, &["lint"], &variables).expect(0);
    assert!(busy.stderr.contains("\nlint-python\n") && !busy.stderr.contains("::group::"), "{}", busy.stderr);
}

#[test]
fn a_job_with_nothing_to_do_says_why_and_succeeds() {
    let repo = repo();
    for (args, why) in [
        (["lint", "--event", "push", "--ref", "feat/x"], "this job runs on pull requests"),
        (["image", "--event", "push", "--ref", "main"], "the release builds the image"),
        (["release", "--event", "push", "--ref", "development"], "releases are made from main"),
        (["release", "--event", "push", "--ref", "refs/tags/v1"], "is not a branch"),
        (["image", "--event", "push", "--ref", "feat/x"], "changed since"),
    ] {
        let idle = ci(&repo, &args, &[]).expect(0);
        assert!(
            idle.stderr.contains("nothing to do: ") && idle.stderr.contains(why),
            "{args:?}: {}",
            idle.stderr
        );
    }
}

#[test]
fn without_a_job_name_every_job_reports() {
    let repo = repo();
    let variables = [("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/tags/python-v0.0.1")];
    let all = ci(&repo, &[], &variables).expect(0);
    for job in ["lint: ", "test: ", "openapi: ", "image: ", "release: "] {
        assert!(all.stderr.contains(job), "{job} is missing in {}", all.stderr);
    }
}

#[test]
fn commits_without_a_bump_may_not_be_merged_into_main() {
    let repo = repo();
    let gate = ["lint", "--event", "pull_request", "--ref", "feat/x", "--base", "main"];
    repo.change("feat(python): a thing");
    let stopped = ci(&repo, &gate, &[]).expect(3);
    assert!(
        stopped.stderr.contains("not-bumped") && stopped.stderr.contains("cargo xtask bump python"),
        "{}",
        stopped.stderr
    );
    let manifest = repo.read("apps/python/pyproject.toml").replace("0.0.0", "0.0.1");
    repo.commit("apps/python/pyproject.toml", &manifest, "chore(release): python v0.0.1");
    // The lock file is stale now, which is another finding.
    let bumped = ci(&repo, &gate, &[]);
    assert!(
        bumped.stderr.contains("plan-python") && !bumped.stderr.contains("not-bumped"),
        "{}",
        bumped.stderr
    );
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
    assert!(stopped.stderr.contains("error[label-without-break]"), "{}", stopped.stderr);
    repo.change("feat(python): a thing");
    let stopped = lint("[]", &["--label", "breaking-change"]).expect(3);
    assert!(stopped.stderr.contains("error[label-without-break]"), "{}", stopped.stderr);
    assert!(
        lint("[]", &[])
            .expect(0)
            .stderr
            .contains("this pull request makes the first release of python 0.0.1")
    );
    repo.change("feat(python)!: another thing");
    lint(labelled, &[]).expect(0);
    let warned = lint("[]", &[]).expect(0);
    assert!(
        warned.stderr.contains("warning[break-without-label]: feat(python)!: another thing ("),
        "{}",
        warned.stderr
    );
    // If the labels are not known, none is reported as missing.
    assert!(!ci(&repo, &["lint"], PULL).expect(0).stderr.contains("break-without-label"));
    // A break that was merged before does not belong to this pull request.
    repo.git(&["branch", "--force", "development", "HEAD"]);
    repo.change("fix(python): a thing");
    assert!(!lint("[]", &[]).expect(0).stderr.contains("break-without-label"));
    repo.change("docs: a thing");
    let checked = repo.xtask(&["check", "python", "--label", "breaking-change"]).expect(3);
    assert!(checked.stderr.contains("error[label-without-break]"), "{}", checked.stderr);
    // An acceptance for another release does not count.
    let settings = repo.read("apps/python/app.toml");
    let stale = "\n[[accept]]\nid = \"function-removed\"\nversion = \"0.0.9\"\nreason = \"nobody has it\"\n";
    repo.commit("apps/python/app.toml", &format!("{settings}{stale}"), "chore: accept it");
    let checked = repo.xtask(&["check", "python", "--label", "breaking-change"]).expect(3);
    assert!(checked.stderr.contains("error[label-without-break]"), "{}", checked.stderr);
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
    assert!(
        output.stderr.contains("git fetch --unshallow") && output.stderr.contains("fetch-depth: 0"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_missing_base_branch_is_named_with_the_command_that_fetches_it() {
    let repo = repo();
    let output =
        ci(&repo, &["test", "--event", "pull_request", "--ref", "feat/x", "--base", "elsewhere"], &[])
            .expect(2);
    assert!(output.stderr.contains("git fetch origin elsewhere"), "{}", output.stderr);
}

#[test]
fn invalid_input_is_a_clear_error() {
    let repo = repo();
    for (args, variables, expected) in [
        (vec!["lint"], vec![], "GITHUB_EVENT_NAME is not set"),
        (vec!["lnt"], vec![], "did you mean \"lint\"?"),
        (vec!["lint", "--event", "tag"], vec![], "must be push or pull_request"),
        (vec!["lint", "--event", "push", "--ref", "a..b"], vec![], "is not a valid branch name"),
        (
            vec!["image"],
            vec![("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/--upload-pack=x")],
            "is not a valid branch name",
        ),
    ] {
        let output = ci(&repo, &args, &variables).expect(2);
        assert!(output.stderr.contains(expected), "{expected} is missing in {}", output.stderr);
    }
}

#[test]
fn the_workflows_of_both_forges_call_xtask_once_per_job_and_use_no_key_that_gitea_ignores() {
    let root = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read =
        |file: &str| std::fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let (github, gitea) = (read(".github/workflows/ci.yml"), read(".gitea/workflows/ci.yml"));
    for (forge, text) in [("GitHub", &github), ("Gitea", &gitea)] {
        for job in ["lint", "test", "validate-openapi", "image", "release"] {
            assert!(text.contains(&format!("\n  {job}:\n")), "{forge} has no job {job}");
            assert_eq!(
                text.matches(&format!("      - run: cargo xtask ci {job}\n")).count(),
                1,
                "{forge}: {job}"
            );
        }
        assert_eq!(
            text.matches("cargo ").count(),
            5 + 1,
            "{forge}: cargo is called elsewhere than in the jobs and the comment"
        );
        assert_eq!(text.matches("fetch-depth: 0").count(), 5, "{forge}: a shallow clone has no tags");
        for job in ["lint", "test", "validate-openapi", "msrv", "image", "release"] {
            let cache = format!("      - uses: ./.github/actions/cache\n        with: {{ job: {job} }}\n");
            assert_eq!(text.matches(&cache).count(), 1, "{forge}: the cache of {job}");
        }
    }
    let cache = read(".github/actions/cache/action.yml");
    let (_, hashed) = cache.split_once("hashFiles(").expect("the key of the cache depends on files");
    for file in hashed.split('\'').skip(1).step_by(2) {
        assert!(root.join(file).exists(), "the cache's key depends on {file}, which does not exist");
    }
    for ignored in ["merge_group:", "environment:", "id-token:", "concurrency:", "permissions:"] {
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
                assert!(
                    job.stderr.contains("title-too-weak")
                        && job.stderr.contains(&format!("set the title to: {enough}")),
                    "{title}: {job:?}"
                );
                assert_eq!(job.code, 3, "{title}: {job:?}");
                assert!(!titled(&repo, enough).stderr.contains("title-too-weak"), "{enough}");
            }
            None => assert!(!job.stderr.contains("title-too-weak"), "{title}: {job:?}"),
        }
    }
}
