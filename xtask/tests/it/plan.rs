//! `plan` on real histories: where counting starts, which commits count, and the next version.

use crate::forge::server::Dialect;
use crate::forge::{Forge, TOKEN};
use crate::seen::masked;
use crate::support::{APP_TOML, Output, PYPROJECT, Repo, run};
use expect_test::expect;
use serde_json::{Value, json};

fn plan(repo: &Repo) -> Value {
    repo.untouched(|| repo.xtask(&["plan", "python", "--json"]).json()["apps"][0].clone())
}

/// The subjects that count, newest first.
fn counting(app: &Value) -> Vec<&str> {
    let commits = app["commits"].as_array().unwrap();
    commits.iter().filter(|c| c["counts"] == true).map(|c| c["subject"].as_str().unwrap()).collect()
}

fn bump_file(repo: &Repo, version: &str) -> String {
    repo.commit(
        "apps/python/pyproject.toml",
        &PYPROJECT.replace("0.0.0", version),
        &format!("chore(release): python v{version}"),
    )
}

/// Released 0.1.0 on main.
fn released() -> Repo {
    let repo = Repo::new();
    bump_file(&repo, "0.1.0");
    repo.git(&["tag", "-a", "-m", "notes", "python-v0.1.0"]);
    repo
}

#[test]
fn the_first_release_takes_the_manifests_version_or_0_0_1() {
    let repo = Repo::new();
    let app = plan(&repo);
    assert_eq!(
        (&app["last"], &app["next"], &app["bump"], &app["pending"]),
        (&Value::Null, &json!("0.0.1"), &json!("first"), &json!(false))
    );
    // The manifest of a new app often has a version already. A release also needs the changelog's section.
    bump_file(&repo, "0.3.0");
    let app = plan(&repo);
    assert_eq!((&app["next"], &app["pending"]), (&json!("0.3.0"), &json!(false)));
    repo.change("feat: x");
    repo.xtask(&["bump", "python"]).expect(0);
    let app = plan(&repo);
    assert_eq!((&app["next"], &app["pending"]), (&json!("0.3.0"), &json!(true)));
}

#[test]
fn the_json_document_has_the_documented_shape() {
    let repo = released();
    let tagged = repo.head();
    let fix = repo.change("fix: x");
    let document = repo.xtask(&["plan", "--json"]).expect(0).json();
    assert_eq!((&document["schema"], &document["index_asked"]), (&json!(1), &json!(false)));
    assert_eq!(
        document["apps"][0],
        json!({
            "app": "python",
            "last": {"version": "0.1.0", "tag": "python-v0.1.0", "commit": tagged},
            "next": "0.1.1",
            "bump": "patch",
            "pending": false,
            "evidence": [
                {"source": "commits", "demands": "patch", "why": format!("fix: x ({})", &fix[..7])},
                {"source": "tags", "demands": "> 0.1.0", "why": "the highest tag"},
            ],
            "commits": [{"commit": fix, "subject": "fix: x", "type": "fix", "breaking": false,
                "counts": true, "why": "fix"}],
        })
    );
}

#[test]
fn exit_codes_distinguish_success_a_stop_and_nothing_to_release() {
    let repo = released();
    let nothing = repo.xtask(&["plan"]).expect(4);
    expect![[r#"
        exit code 4
        python  0.1.0 → nothing to release
          evidence
            commits   none     no commit touches the app
            tags      > 0.1.0  the highest tag
        stderr:
        nothing to release
    "#]]
    .assert_eq(&nothing.seen());
    repo.change("docs: x");
    repo.xtask(&["plan", "python"]).expect(4);
    repo.change("feat: x");
    repo.xtask(&["plan", "python"]).expect(0);
    bump_file(&repo, "0.1.1");
    let low = repo.xtask(&["plan", "python"]).expect(3);
    expect![[r#"
        exit code 3
        python  0.1.0 → 0.2.0  (minor, pending in the manifest)
          counts since python-v0.1.0
            1234567  feat            x
          does not count since python-v0.1.0
            1234567  chore(release)  python v0.1.1  chore releases nothing
            1234567  docs            x  docs releases nothing
          evidence
            commits   minor     feat: x (1234567)
            tags      > 0.1.0   the highest tag
            manifest  >= 0.1.1  pending in apps/python/pyproject.toml
            index     ?         not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        error[pending-too-low]: python: the manifest's pending 0.1.1 is below 0.2.0, which the evidence demands (commits, minor: feat: x (1234567)) (apps/python/pyproject.toml)
          → cargo xtask bump python
        error: 1 finding to fix first
    "#]].assert_eq(&low.seen());
    bump_file(&repo, "0.0.9");
    expect![[r#"
        exit code 3
        python  0.1.0 → 0.2.0  (minor)
          counts since python-v0.1.0
            1234567  feat            x
          does not count since python-v0.1.0
            1234567  chore(release)  python v0.0.9  chore releases nothing
            1234567  chore(release)  python v0.1.1  chore releases nothing
            1234567  docs            x  docs releases nothing
          evidence
            commits   minor    feat: x (1234567)
            tags      > 0.1.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        error[manifest-below-tag]: python: the manifest has 0.0.9, but 0.1.0 is already released (apps/python/pyproject.toml)
          → cargo xtask bump python
        error: 1 finding to fix first
    "#]].assert_eq(&repo.xtask(&["plan", "python"]).expect(3).seen());
    let unknown = repo.xtask(&["plan", "pyton"]).expect(2);
    expect![[r#"
        exit code 2
        error: no app "pyton" under WORLD/repo/apps (there are: python); did you mean "python"?
    "#]]
    .assert_eq(&unknown.seen());
}

#[test]
fn a_person_sees_what_counts_and_why_the_rest_does_not() {
    let repo = released();
    repo.change("fix(api): answer 405");
    repo.change("wip");
    repo.change("feat!: other port");
    let seen = repo.xtask(&["plan"]).expect(0).stdout;
    let seen = repo.git(&["log", "--format=%h"]).lines().fold(seen, |seen, id| seen.replace(id, "1234567"));
    expect_test::expect![[r#"
        python  0.1.0 → 0.2.0  (major, but 0.y: minor)
          counts since python-v0.1.0
            1234567  feat!     other port  breaking
            1234567  fix(api)  answer 405
          does not count since python-v0.1.0
            1234567  -         wip  not conventional
          evidence
            commits   major    feat!: other port (1234567) and 1 more
            tags      > 0.1.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&seen);
}

#[test]
fn only_exact_tags_of_the_app_are_releases() {
    let repo = released();
    for tag in [
        "v9.0.0",
        "python-graphs-v8.0.0",
        "python-v7",
        "python-very-old",
        "python-vv6.0.0",
        "xpython-v5.0.0",
        "python-v0.1.0x",
        "python-v4.0.0.0",
    ] {
        repo.git(&["tag", tag]);
    }
    repo.change("fix: x");
    let app = plan(&repo);
    assert_eq!((&app["last"]["tag"], &app["next"]), (&json!("python-v0.1.0"), &json!("0.1.1")));
}

#[test]
fn only_commits_that_touch_the_app_or_its_shared_paths_count() {
    let repo = released();
    repo.write("apps/python/app.toml", format!("{APP_TOML}[release]\nshared = [\"contract/**\"]\n"));
    repo.commit("contract/a/b.json", "1", "feat: shared");
    repo.commit("README.md", "1", "feat: elsewhere");
    repo.commit("apps/pythonic/x", "1", "feat: a neighbour");
    assert_eq!(counting(&plan(&repo)), ["feat: shared"]);
}

#[test]
fn a_reverted_change_does_not_count() {
    let repo = released();
    repo.change("feat: came");
    repo.write("apps/python/src/demo_agent/__init__.py", "VALUE = 0\n");
    repo.git(&["commit", "-qam", "chore: and went, without git's words"]);
    assert_eq!(repo.xtask(&["plan"]).code, 4);
    repo.change("fix: x");
    assert_eq!(counting(&plan(&repo)), ["fix: x"]);
}

/// Released from main as `python-v0.1.0` by a squash; development continues from the squashed commit, which
/// is returned.
fn squashed(trailer: bool) -> (Repo, String) {
    let repo = Repo::new();
    repo.git(&["switch", "-qc", "development"]);
    repo.change("feat: old");
    let source = bump_file(&repo, "0.1.0");
    squash_to_main(&repo, "release: promote (#1)");
    let message = if trailer { format!("notes\n\nSource-Commit: {source}\n") } else { "notes".to_string() };
    repo.git(&["tag", "-a", "--cleanup=verbatim", "-m", &message, "python-v0.1.0"]);
    repo.git(&["switch", "-q", "development"]);
    (repo, source)
}

fn squash_to_main(repo: &Repo, message: &str) {
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["rm", "-rq", "."]);
    repo.git(&["checkout", "development", "--", "."]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", message]);
}

#[test]
fn after_a_squash_counting_starts_at_the_commit_with_the_same_content() {
    for trailer in [true, false] {
        let (repo, _) = squashed(trailer);
        assert_eq!(repo.xtask(&["plan"]).code, 4, "nothing came since, trailer: {trailer}");
        repo.change("fix: one");
        repo.change("feat: two");
        let app = plan(&repo);
        assert_eq!(
            (counting(&app), &app["last"]["version"], &app["next"]),
            (vec!["feat: two", "fix: one"], &json!("0.1.0"), &json!("0.2.0"))
        );
        // On a feature branch, and on a promotion's branch.
        repo.git(&["switch", "-qc", "feature"]);
        repo.change("fix: three");
        assert_eq!(counting(&plan(&repo)).len(), 3);
        let head =
            repo.git(&["commit-tree", "feature^{tree}", "-p", "feature", "-p", "main", "-m", "promote"]);
        repo.git(&["switch", "-q", "--detach", &head]);
        assert_eq!(counting(&plan(&repo)).len(), 3);
    }
}

#[test]
fn on_main_the_commits_are_read_from_development() {
    for trailer in [true, false] {
        let (repo, _) = squashed(trailer);
        repo.change("fix: one");
        repo.change("feat: two");
        squash_to_main(&repo, "chore: says nothing of what it brings (#2)");
        assert_eq!(counting(&plan(&repo)), ["feat: two", "fix: one"]);
        // A forge's checkout has a detached HEAD, and development only as a remote branch.
        repo.git(&["update-ref", "refs/remotes/origin/development", "development"]);
        repo.git(&["update-ref", "refs/remotes/origin/main", "main"]);
        repo.git(&["switch", "-q", "--detach", "main"]);
        repo.git(&["branch", "-qD", "development", "main"]);
        assert_eq!(counting(&plan(&repo)), ["feat: two", "fix: one"]);
    }
}

#[test]
fn without_development_the_squash_bodies_are_read() {
    let (repo, _) = squashed(true);
    repo.change("fix: one");
    squash_to_main(&repo, "chore: promote (#2)\n\n* fix: one\n\n* feat(other): two");
    repo.git(&["branch", "-qD", "development"]);
    let app = plan(&repo);
    assert_eq!((counting(&app), &app["next"]), (vec!["feat(other): two", "fix: one"], &json!("0.2.0")));
}

#[test]
fn a_change_only_on_main_is_read_from_main() {
    let (repo, _) = squashed(true);
    repo.git(&["switch", "-q", "main"]);
    repo.change("fix: made on main");
    assert_eq!(counting(&plan(&repo)), ["fix: made on main"]);
}

/// Tags HEAD as a release from a development commit, or without one as a hotfix of main.
fn tag_release(repo: &Repo, version: &str, source: Option<&str>) {
    let source = source.map_or_else(|| repo.head(), str::to_string);
    let message = format!("notes\n\nSource-Commit: {source}\n");
    repo.git(&["tag", "-a", "--cleanup=verbatim", "-m", &message, &format!("python-v{version}")]);
}

/// 0.2.0 with a `feat` is released by a squash, then 0.2.1 as a hotfix on main. Development is checked out.
/// Returns the hotfix's commit.
fn hotfixed() -> (Repo, String) {
    let (repo, _) = squashed(true);
    repo.change("feat: released (#1)");
    let source = bump_file(&repo, "0.2.0");
    squash_to_main(&repo, "chore(release): promote python v0.2.0 (#2)");
    tag_release(&repo, "0.2.0", Some(&source));
    repo.write("apps/python/pyproject.toml", PYPROJECT.replace("0.0.0", "0.2.1"));
    let hotfix = repo.commit("apps/python/urgent.py", "URGENT = 1\n", "fix: urgent (#3)");
    tag_release(&repo, "0.2.1", None);
    repo.git(&["switch", "-q", "development"]);
    (repo, hotfix)
}

/// The commit that `promote` creates: development's content, with both branches as parents.
fn promoted<T>(repo: &Repo, run: impl FnOnce() -> T) -> T {
    let head = repo.git(&[
        "commit-tree",
        "development^{tree}",
        "-p",
        "development",
        "-p",
        "main",
        "-m",
        "chore: promote",
    ]);
    repo.git(&["switch", "-q", "--detach", &head]);
    let result = run();
    repo.git(&["switch", "-q", "development"]);
    result
}

#[test]
fn released_commits_do_not_count_again_after_a_hotfix() {
    let (repo, _) = hotfixed();
    repo.git(&["checkout", "-q", "main", "--", "."]);
    repo.git(&["commit", "-qm", "fix: urgent, for development (#4)"]);
    // No commit of this app since, for example if another app is promoted.
    for promotion in [false, true] {
        let code = || repo.xtask(&["plan"]).code;
        assert_eq!(if promotion { promoted(&repo, code) } else { code() }, 4, "promotion: {promotion}");
    }
    repo.change("fix: another (#5)");
    bump_file(&repo, "0.2.2");
    let expected = (vec!["fix: another (#5)".to_string()], json!("0.2.1"), json!("0.2.2"));
    let said = || {
        let app = plan(&repo);
        (
            counting(&app).into_iter().map(str::to_string).collect::<Vec<_>>(),
            app["last"]["version"].clone(),
            app["next"].clone(),
        )
    };
    assert_eq!(said(), expected);
    assert_eq!(promoted(&repo, said), expected);
    squash_to_main(&repo, "chore(release): promote python v0.2.2 (#6)");
    assert_eq!(said(), expected);
}

/// Without a development branch the trunk keeps its own tags, and a hotfix is picked onto it.
#[test]
fn a_hotfix_that_was_picked_onto_the_trunk_does_not_count_again() {
    let repo = released();
    repo.write("Cargo.toml", "[workspace.metadata.xtask]\ndevelopment = \"main\"\n");
    repo.git(&["commit", "-qam", "chore: one branch"]);
    repo.git(&["switch", "-qc", "hotfix/python-v0.1.0", "python-v0.1.0"]);
    let fix = repo.commit("apps/python/src/demo_agent/hot.py", "HOT = 1\n", "fix: hot");
    bump_file(&repo, "0.1.1");
    repo.git(&["tag", "-a", "-m", "notes", "python-v0.1.1"]);
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["cherry-pick", "-x", &fix]);
    repo.xtask(&["plan"]).expect(4);
    repo.change("feat: x");
    let app = plan(&repo);
    assert_eq!((counting(&app), &app["next"]), (vec!["feat: x"], &json!("0.2.0")));
    assert_eq!(app["commits"][1]["why"], "released in python-v0.1.1");
}

#[test]
fn a_hotfix_merged_back_with_other_changes_does_not_count_again() {
    for by_name in [false, true] {
        let (repo, hotfix) = hotfixed();
        repo.change("docs: development goes on (#4)");
        // Cherry-picking the version's line conflicts: development keeps its own.
        let extra = if by_name { format!("\n\n(cherry picked from commit {hotfix})") } else { String::new() };
        let text = if by_name { "URGENT = 1 # adapted\n" } else { "URGENT = 1\n" };
        repo.commit("apps/python/urgent.py", text, &format!("fix: urgent (#5){extra}"));
        bump_file(&repo, "0.2.1");
        assert_eq!(repo.xtask(&["plan"]).code, 4, "by name: {by_name}");
        assert_eq!(promoted(&repo, || repo.xtask(&["plan"]).code), 4, "by name: {by_name}");
        let app = plan(&repo);
        let why = |subject: &str| {
            let commits = app["commits"].as_array().unwrap();
            commits
                .iter()
                .find(|c| c["subject"].as_str().unwrap().starts_with(subject))
                .map(|c| c["why"].clone())
        };
        assert_eq!(
            (&app["last"]["version"], why("fix: urgent")),
            (&json!("0.2.1"), Some(json!("released in python-v0.2.1")))
        );
        repo.change("feat: more (#6)");
        bump_file(&repo, "0.3.0");
        let said = || {
            let app = plan(&repo);
            (counting(&app).len(), app["next"].clone())
        };
        assert_eq!(said(), (1, json!("0.3.0")));
        assert_eq!(promoted(&repo, said), (1, json!("0.3.0")));
        squash_to_main(&repo, "chore(release): promote python v0.3.0 (#7)");
        assert_eq!(said(), (1, json!("0.3.0")));
    }
}

#[test]
fn development_does_not_count_from_a_hotfix_that_was_not_merged_back() {
    let (repo, _) = hotfixed();
    repo.change("fix: another (#4)");
    let app = plan(&repo);
    assert_eq!(
        (&app["last"]["version"], &app["next"], counting(&app).len()),
        (&json!("0.2.0"), &json!("0.2.2"), 1)
    );
}

/// Squashes a branch with these commits onto `main` with this message, as pull request 7. Returns the
/// branch's last commit.
fn squash_of(repo: &Repo, message: &str, commits: &[&str]) -> String {
    repo.git(&["switch", "-qc", "feature"]);
    for (n, message) in commits.iter().enumerate() {
        repo.commit(&format!("apps/python/src/{n}.py"), &format!("{message}\n"), message);
    }
    let head = repo.head();
    repo.git(&["switch", "-q", "main"]);
    repo.change("chore: meanwhile");
    repo.git(&["merge", "-q", "--squash", "feature"]);
    repo.git(&["commit", "-q", "--cleanup=verbatim", "-m", message]);
    repo.git(&["branch", "-qD", "feature"]);
    head
}

#[test]
fn commits_that_the_squash_does_not_mention_are_read_from_the_pull_request() {
    let next = |message: &str, commits: &[&str], name: &str| {
        let repo = released();
        let head = squash_of(&repo, message, commits);
        repo.git(&["update-ref", name, &head]);
        repo.git(&["pack-refs", "--all"]);
        let app = plan(&repo);
        (counting(&app).join("; "), app["next"].as_str().unwrap_or("none").to_string())
    };
    let here = "refs/pull/7/head";
    for (message, commits, name, expected) in [
        (
            "fix: a (#7)",
            &["fix: a", "feat: b", "docs: c"] as &[&str],
            here,
            ("fix: a (#7); feat: b", "0.2.0"),
        ),
        ("Tidy up (#7)", &["fix: a", "feat!: b"], here, ("feat!: b; fix: a", "0.2.0")),
        ("Tidy up (#7)", &["fix: a"], "refs/remotes/origin/pull/7/head", ("fix: a", "0.1.1")),
        ("Tidy up (#7)", &["fix: a"], "refs/remotes/origin/pr/7", ("fix: a", "0.1.1")),
        // The title demands as much as the branch's commits, so those are not listed.
        ("feat: a (#7)", &["feat: begin", "fix: the beginning"], here, ("feat: a (#7)", "0.2.0")),
        // A squash that lists its commits is complete.
        ("fix: a (#7)\n\n* fix: a", &["feat: b"], here, ("fix: a (#7)", "0.1.1")),
        // Reverted on the branch.
        ("fix: a (#7)", &["fix: a", "feat: b", "Revert \"feat: b\""], here, ("fix: a (#7)", "0.1.1")),
        // The number of another pull request.
        ("fix: a (#8)", &["feat: b"], here, ("fix: a (#8)", "0.1.1")),
        ("fix: a, see (#7) there", &["feat: b"], here, ("fix: a, see (#7) there", "0.1.1")),
    ] {
        let found = next(message, commits, name);
        assert_eq!((found.0.as_str(), found.1.as_str()), expected, "{message:?} {commits:?}");
    }
}

/// What each forge's squash keeps of a pull request with a `feat` under the title of a `fix`: GitHub's three
/// settings, and Gitea, which keeps the title. The pull request's job refuses the title (ci.rs); merged all
/// the same, it stops the release of a version that is too low. About 10 s.
#[test]
fn a_feat_that_a_squash_loses_stops_the_release() {
    let title = "fix(python): tidy up (#7)";
    let mut seen = String::new();
    for (keeps, message) in [
        ("the title: Gitea, and GitHub's BLANK", title.to_string()),
        ("GitHub's PR_BODY", format!("{title}\n\nWhy it is tidier.")),
        ("GitHub's COMMIT_MESSAGES", format!("{title}\n\n* fix(python): a\n\n* feat(python): b")),
    ] {
        let repo = released();
        let head = squash_of(&repo, &message, &["fix(python): a", "feat(python): b"]);
        bump_file(&repo, "0.1.1");
        let remote = repo.world().join("remote.git");
        repo.git(&["clone", "-q", "--bare", ".", remote.as_str()]);
        repo.git(&["remote", "add", "origin", remote.as_str()]);
        repo.git_in(&remote, &["fetch", "-q", repo.path.as_str(), &head]);
        repo.git_in(&remote, &["update-ref", "refs/pull/7/head", &head]);
        let mut release = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        let out = run(release.args(["release", "python"]).env("XTASK_PYPI_UPLOAD", "http://127.0.0.1:1/"));
        let out = out.expect(3);
        assert_eq!(repo.git_in(&remote, &["tag"]), "python-v0.1.0", "it is released: {out:?}");
        let too_low = masked(&out.stderr);
        let too_low = too_low.lines().find(|line| line.contains("pending-too-low"));
        seen.push_str(&format!("{keeps}\n{}\n", too_low.unwrap_or("not stopped")));
    }
    expect![[r#"
        the title: Gitea, and GitHub's BLANK
        error[pending-too-low]: python: the manifest's pending 0.1.1 is below 0.2.0, which the evidence demands (commits, minor: feat(python): b (1234567) and 1 more) (apps/python/pyproject.toml)
        GitHub's PR_BODY
        error[pending-too-low]: python: the manifest's pending 0.1.1 is below 0.2.0, which the evidence demands (commits, minor: feat(python): b (1234567) and 1 more) (apps/python/pyproject.toml)
        GitHub's COMMIT_MESSAGES
        error[pending-too-low]: python: the manifest's pending 0.1.1 is below 0.2.0, which the evidence demands (commits, minor: feat(python): b (1234567) and 2 more) (apps/python/pyproject.toml)
    "#]]
    .assert_eq(&seen);
}

#[test]
fn commits_that_differ_from_the_squash_do_not_count() {
    let repo = released();
    let head = squash_of(&repo, "fix: a (#7)", &["fix: a", "feat: b"]);
    repo.git(&["switch", "-q", "--detach", &head]);
    let later = repo.change("feat: pushed after the merge");
    repo.git(&["update-ref", "refs/pull/7/head", &later]);
    repo.git(&["switch", "-q", "main"]);
    let out = repo.xtask(&["plan", "--json"]).expect(0);
    assert_eq!(out.json()["apps"][0]["next"], "0.1.1");
    expect![[r#"
        exit code 0
        {"schema":1,"apps":[{"app":"python","last":{"version":"0.1.0","tag":"python-v0.1.0","commit":"COMMIT"},"next":"0.1.1","bump":"patch","pending":false,"evidence":[{"source":"commits","demands":"patch","why":"fix: a (#7) (1234567)"},{"source":"tags","demands":"> 0.1.0","why":"the highest tag"}],"commits":[{"commit":"COMMIT","subject":"fix: a (#7)","type":"fix","breaking":false,"counts":true,"why":"fix"},{"commit":"COMMIT","subject":"chore: meanwhile","type":"chore","breaking":false,"counts":false,"why":"chore releases nothing"}]}],"index_asked":false,"findings":[{"id":"pull-request-differs","level":"warning","app":"python","place":null,"message":"pull request #7 contains \"feat: pushed after the merge\", \"feat: b\", but its commits differ from the squash, so this does not count","help":"compare the squash with git show COMMIT; if it contains the change, declare it in a commit that changes a file of the app"}]}
        stderr:
        warning[pull-request-differs]: python: pull request #7 contains "feat: pushed after the merge", "feat: b", but its commits differ from the squash, so this does not count
          → compare the squash with git show COMMIT; if it contains the change, declare it in a commit that changes a file of the app
    "#]].assert_eq(&out.seen());
}

#[test]
fn a_plan_reports_that_it_does_not_ask_the_remote_and_a_bump_asks_it() {
    let repo = released();
    let head = squash_of(&repo, "fix: a (#7)", &["fix: a", "feat: b"]);
    let remote = repo.world().join("remote.git");
    repo.git(&["init", "-q", "--bare", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    repo.git(&["push", "-q", "origin", "main", &format!("{head}:refs/pull/7/head")]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(plan(&repo)["next"], "0.1.1");
    let seen = repo.xtask(&["plan"]).expect(0).stdout;
    expect![[r#"
        python  0.1.0 → 0.1.1  (patch)
          counts since python-v0.1.0
            1234567  fix    a (#7)
          does not count since python-v0.1.0
            1234567  chore  meanwhile  chore releases nothing
          evidence
            commits   patch    fix: a (#7) (1234567)
            tags      > 0.1.0  the highest tag
            pulls     ?        the commits of #7 are not in this clone; bump and release ask the remote
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&masked(&seen));
    let refs = repo.git(&["for-each-ref"]);
    let said = repo.untouched(|| repo.xtask(&["bump", "python", "--dry-run"]));
    expect![[r#"
        exit code 0
        chore(release): python v0.2.0

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        new file mode 100644
        index 1234567..1234567
        --- /dev/null
        +++ b/CHANGELOG.md
        @@ -0,0 +1,17 @@
        +# Changelog
        +
        +The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are [SemVer](https://semver.org/).
        +
        +## [Unreleased]
        +
        +## [python-v0.2.0] - 2026-01-01
        +
        +### Added
        +
        +- b
        +
        +### Fixed
        +
        +- a (#7)
        +
        +[python-v0.2.0]: https://forge.example/team/mono/compare/python-v0.1.0...python-v0.2.0
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.1.0" # the only place
        +version = "0.2.0" # the only place
         requires-python = ">=3.11"
        stderr:
        ✓ chore(release): python v0.2.0
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&said.seen());
    assert_eq!(repo.git(&["for-each-ref"]), refs);
    // A remote that cannot be reached is reported.
    repo.git(&["remote", "set-url", "origin", repo.world().join("gone.git").as_str()]);
    repo.git(&["gc", "-q", "--prune=now"]);
    let said = repo.xtask(&["bump", "python", "--dry-run"]);
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
        +- a (#7)
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
        warning[pull-requests-unread]: python: the commits of pull requests #7 could not be read: git ls-remote -- WORLD/gone.git refs/pull/7/head failed in WORLD/tmp/xtask-run/clone:
        fatal: 'WORLD/gone.git' does not appear to be a git repository
        fatal: Could not read from remote repository.

        Please make sure you have the correct access rights
        and the repository exists.; the forge was not asked: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
          → the version is chosen from the squash commits only, and a `feat` or `!` of those pull requests may be missing; run it again when the remote can be reached, or with a token for the forge
        ✓ chore(release): python v0.1.1
          apps/python/pyproject.toml
          CHANGELOG.md
    "#]].assert_eq(&said.seen());
}

/// A remote without `refs/pull/7/head`: the forge's API has the commits. About 3 s.
#[test]
fn commits_that_only_the_forge_has_are_asked_of_its_api() {
    let mut seen = String::new();
    for dialect in [Dialect::Github, Dialect::Gitea] {
        let repo = released();
        squash_of(&repo, "fix: a (#7)", &["fix: a", "feat!: b", "feat(other): c"]);
        let squash = repo.head();
        let remote = repo.world().join("remote.git");
        repo.git(&["init", "-q", "--bare", remote.as_str()]);
        repo.git(&["remote", "add", "origin", remote.as_str()]);
        repo.git(&["push", "-q", "origin", "main"]);
        let forge = Forge::start(dialect);
        let bump = |token: &str| {
            let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
            command.args(["bump", "python", "--dry-run"]);
            run(command.env("XTASK_FORGE", &forge.api).env("XTASK_FORGE_TOKEN", token)).expect(0)
        };
        let version = |out: &Output| out.stdout.lines().next().unwrap_or_default().to_string();
        // Nobody has pull request 7.
        let out = bump(TOKEN);
        assert!(!out.stderr.contains("pull-request"), "{out:?}");
        assert_eq!(version(&out), "chore(release): python v0.1.1");
        let commits = ["fix: a", "feat!: b", "feat(other): c"];
        let commits: Vec<[String; 2]> = commits
            .iter()
            .enumerate()
            .map(|(n, text)| [n.to_string().repeat(40), text.to_string()])
            .collect();
        forge.with("team/mono", |mono| mono.merged.push((7, squash.clone(), commits)));
        let out = bump(TOKEN);
        assert_eq!(version(&out), "chore(release): python v0.2.0", "{out:?}");
        assert!(out.stdout.contains("### Breaking") && !out.stderr.contains("pull-request"), "{out:?}");
        // The number is that of another pull request.
        forge.with("team/mono", |mono| mono.merged[0].1 = "5".repeat(40));
        seen.push_str(&warnings(&bump(TOKEN)));
        forge.fault("GET /pulls/7", 403);
        seen.push_str(&warnings(&bump(TOKEN)));
        seen.push_str(&warnings(&bump("")));
        // The plan of a developer asks nobody.
        forge.state().faults.push(("GET /".into(), 500, String::new(), String::new()));
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        let plan = run(command.arg("plan").env("XTASK_FORGE", &forge.api).env("XTASK_FORGE_TOKEN", TOKEN));
        assert_eq!(plan.stdout.lines().next(), Some("python  0.1.0 → 0.1.1  (patch)"), "{plan:?}");
        assert_eq!(forge.state().faults.len(), 1, "{plan:?}");
    }
    expect![[r#"
        warning[pull-request-differs]: python: pull request #7 contains "feat(other): c", "feat!: b", but its commits differ from the squash, so this does not count
          → compare the squash with the page of the pull request; if it contains the change, declare it in a commit that changes a file of the app
        warning[pull-requests-unread]: python: the commits of pull requests #7 could not be read: the remote does not have them; cannot read the pull request on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: GET http://127.0.0.1:PORT/api/v3/repos/team/mono/pulls/7: 403 Forbidden: {"message":"the test's fault"}
          → the version is chosen from the squash commits only, and a `feat` or `!` of those pull requests may be missing; run it again when the remote can be reached, or with a token for the forge
        warning[pull-requests-unread]: python: the commits of pull requests #7 could not be read: the remote does not have them; the forge was not asked: not set up: XTASK_FORGE_TOKEN or GITHUB_TOKEN
          → the version is chosen from the squash commits only, and a `feat` or `!` of those pull requests may be missing; run it again when the remote can be reached, or with a token for the forge
        warning[pull-request-differs]: python: pull request #7 contains "feat(other): c", "feat!: b", but its commits differ from the squash, so this does not count
          → compare the squash with the page of the pull request; if it contains the change, declare it in a commit that changes a file of the app
        warning[pull-requests-unread]: python: the commits of pull requests #7 could not be read: the remote does not have them; cannot read the pull request on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: GET http://127.0.0.1:PORT/api/v1/repos/team/mono/pulls/7: 403 Forbidden: {"message":"the test's fault"}
          → the version is chosen from the squash commits only, and a `feat` or `!` of those pull requests may be missing; run it again when the remote can be reached, or with a token for the forge
        warning[pull-requests-unread]: python: the commits of pull requests #7 could not be read: the remote does not have them; the forge was not asked: not set up: XTASK_FORGE_TOKEN or GITEA_TOKEN
          → the version is chosen from the squash commits only, and a `feat` or `!` of those pull requests may be missing; run it again when the remote can be reached, or with a token for the forge
    "#]].assert_eq(&seen);
}

/// The warnings about pull requests, with their help.
fn warnings(out: &Output) -> String {
    let text = masked(&out.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let found = lines.windows(2).filter(|pair| pair[0].contains("warning[pull-request"));
    found.map(|pair| format!("{}\n{}\n", pair[0], pair[1])).collect()
}

#[test]
fn a_hidden_app_is_still_known_by_name() {
    let repo = released();
    repo.write("apps/other/app.toml", APP_TOML.replace("\"python\"\necosystem", "\"other\"\necosystem"));
    repo.write("apps/other/pyproject.toml", PYPROJECT);
    repo.change("fix(python): one (#1)\n\n* fix(python): one\n\n* feat(other): two");
    let mut hidden = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    let alone = run(hidden.args(["plan", "--json"]).env("XTASK_ONLY", "python")).expect(0).json();
    assert_eq!(alone["apps"].as_array().unwrap().len(), 1);
    assert_eq!((&alone["apps"][0]["next"], &plan(&repo)["next"]), (&json!("0.1.1"), &json!("0.1.1")));
}

#[test]
fn a_tag_outside_this_history_still_uses_its_version() {
    let repo = released();
    repo.git(&["switch", "-qc", "side"]);
    bump_file(&repo, "0.2.0");
    repo.git(&["tag", "python-v0.2.0"]);
    repo.git(&["switch", "-q", "main"]);
    repo.change("feat: x");
    let app = plan(&repo);
    assert_eq!((&app["last"]["version"], &app["next"]), (&json!("0.1.0"), &json!("0.3.0")));
}

#[test]
fn build_metadata_in_a_tag_has_no_part_in_the_order() {
    let repo = released();
    repo.change("feat: x");
    bump_file(&repo, "0.2.0");
    repo.git(&["tag", "python-v0.2.0+build.5"]);
    repo.change("fix: y");
    let app = plan(&repo);
    assert_eq!((&app["last"]["version"], &app["next"]), (&json!("0.2.0"), &json!("0.2.1")));
    assert_eq!((&app["last"]["tag"], counting(&app)), (&json!("python-v0.2.0+build.5"), vec!["fix: y"]));
}

#[test]
fn a_hotfix_branch_counts_from_its_own_line() {
    let repo = released();
    repo.change("feat: x");
    bump_file(&repo, "0.2.0");
    repo.git(&["tag", "python-v0.2.0"]);
    repo.git(&["switch", "-qc", "hotfix/python-v0.1.0", "python-v0.1.0"]);
    repo.change("fix: urgent");
    let app = plan(&repo);
    assert_eq!((&app["last"]["version"], &app["next"]), (&json!("0.1.0"), &json!("0.1.1")));
    repo.change("feat: too much");
    expect![[r#"
        exit code 3
        python  0.1.0 → 0.2.0  (minor)
          counts since python-v0.1.0
            1234567  feat  too much
            1234567  fix   urgent
          evidence
            commits   minor    feat: too much (1234567) and 1 more
            tags      > 0.1.0  the highest tag of this minor version
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
        stderr:
        error[hotfix-too-big]: python: a hotfix of 0.1.0 can only be a patch, but the evidence demands minor
          → `cargo xtask plan python` shows what demands it: move that change to the development branch, and keep only fixes here
        error: 1 finding to fix first
    "#]]
    .assert_eq(&repo.xtask(&["plan"]).expect(3).seen());
}

#[test]
fn pre_releases_are_not_counted_from_and_end_in_their_version() {
    let repo = released();
    repo.change("feat: x");
    bump_file(&repo, "0.2.0rc1");
    assert_eq!((&plan(&repo)["next"], &plan(&repo)["pending"]), (&json!("0.2.0-rc.1"), &json!(true)));
    repo.git(&["tag", "python-v0.2.0-rc.1"]);
    repo.change("fix: y");
    let app = plan(&repo);
    assert_eq!(
        (&app["last"]["version"], &app["next"], &app["pending"]),
        (&json!("0.1.0"), &json!("0.2.0"), &json!(false))
    );
}

#[test]
fn a_merge_counts_only_if_it_changes_something_itself() {
    let repo = released();
    repo.git(&["switch", "-qc", "side"]);
    repo.change("fix: brought");
    repo.git(&["switch", "-q", "main"]);
    repo.commit("README.md", "x", "docs: elsewhere");
    repo.git(&["merge", "-q", "--no-ff", "-m", "feat: the merge's own title (#4)", "side"]);
    assert_eq!(counting(&plan(&repo)), ["fix: brought"]);
    // Resolved by hand to a text that neither side had.
    repo.git(&["switch", "-qc", "other"]);
    repo.commit("apps/python/a.py", "other\n", "fix: other");
    repo.git(&["switch", "-q", "main"]);
    repo.commit("apps/python/a.py", "mine\n", "fix: mine");
    run(repo.command("git", &repo.path).args(["merge", "-q", "other"]));
    repo.commit("apps/python/a.py", "both\n", "feat: both at once");
    assert_eq!(counting(&plan(&repo)), ["feat: both at once", "fix: mine", "fix: other", "fix: brought"]);
}

#[test]
fn a_side_branch_that_was_squashed_and_merged_counts_unless_the_merge_discards_it() {
    // `into`: the branch that releases, and development.
    let side = |into: &str, squash: &str, later: bool, merge: &[&str]| {
        let repo = released();
        repo.git(&["branch", "development"]);
        repo.git(&["switch", "-qc", "side"]);
        repo.commit("apps/python/src/0.py", "0\n", "feat!: another first argument");
        repo.commit("apps/python/src/1.py", "1\n", "docs: explain it");
        repo.git(&["switch", "-q", into]);
        repo.change("fix: before");
        if !squash.is_empty() {
            repo.git(&["merge", "-q", "--squash", "side"]);
            repo.git(&["commit", "-qm", squash]);
        }
        if later {
            repo.commit("apps/python/src/0.py", "later\n", "fix: say it better");
        }
        repo.git(&[&["merge", "-q", "--no-ff", "-m", "Merge side"], merge, &["side"]].concat());
        repo
    };
    let (poor, good) = ("Update stuff (#7)", "Update stuff (#7)\n\n* feat!: another first argument");
    for into in ["main", "development"] {
        for (squash, later, merge) in [
            (poor, false, &[][..]),
            (good, false, &[]),
            ("", false, &[]),
            (poor, false, &["-s", "ours"]),
            // A later change of the same line conflicts with the side branch.
            (poor, true, &["-s", "ours"]),
        ] {
            let app = plan(&side(into, squash, later, merge));
            let found = counting(&app);
            let breaks = found.iter().filter(|s| **s == "feat!: another first argument").count();
            assert_eq!((breaks, &app["next"]), (1, &"0.2.0".into()), "{into} {squash} {merge:?}: {found:?}");
        }
        // The merge brings nothing of the side branch.
        for later in [false, true] {
            let app = plan(&side(into, "", later, &["-s", "ours"]));
            assert_eq!(app["next"], "0.1.1", "{into} {later}: {:?}", counting(&app));
        }
    }
    // What a release contains does not count again.
    let repo = side("main", poor, false, &[]);
    repo.git(&["tag", "python-v0.2.0"]);
    repo.git(&["switch", "-qc", "late", "side"]);
    repo.commit("apps/python/README.md", "late\n", "fix: late");
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "-m", "Merge late", "late"]);
    assert_eq!(counting(&plan(&repo)), ["fix: late"]);
}

#[test]
fn paths_with_spaces_and_non_ascii_letters_work() {
    let repo = Repo::named("with space é");
    repo.write("Cargo.toml", "[workspace.metadata.xtask]\napps = \"my äpps\"\n");
    repo.git(&["mv", "apps", "my äpps"]);
    repo.git(&["commit", "-qam", "refactor: move"]);
    repo.git(&["tag", "python-v0.1.0"]);
    repo.commit("my äpps/python/[a] *.py", "x", "fix: x");
    assert_eq!(counting(&plan(&repo)), ["fix: x"]);
}

#[test]
fn a_shallow_clone_is_an_error_that_says_how_to_fix_it() {
    let repo = released();
    repo.change("fix: x");
    let clone = repo.world().join("shallow");
    repo.git(&["clone", "-q", "--depth=1", &format!("file://{}", repo.path), clone.as_str()]);
    let out = repo.xtask_in(&clone, &["plan"]).expect(1);
    expect![[r#"
        exit code 1
        error: WORLD/shallow is a shallow clone: tags and history are missing, so the last release cannot be determined
        type: git fetch --unshallow --tags
        (in a CI job: let the checkout fetch everything with fetch-depth: 0)
    "#]].assert_eq(&out.seen());
    repo.git_in(&clone, &["fetch", "-q", "--unshallow", "--tags"]);
    repo.xtask_in(&clone, &["plan"]).expect(0);
}

#[test]
fn another_checkout_is_planned_by_root_and_from_a_worktree() {
    let repo = released();
    repo.change("fix: x");
    let elsewhere = repo.world().join("home");
    let out = repo.xtask_in(&elsewhere, &["plan", "--json", "--root", repo.path.as_str()]).expect(0);
    assert_eq!(out.json()["apps"][0]["next"], "0.1.1");
    let tree = repo.world().join("tree");
    repo.git(&["worktree", "add", "-q", tree.as_str(), "-b", "other"]);
    assert_eq!(repo.xtask_in(&tree, &["plan", "--json"]).expect(0).json()["apps"][0]["next"], "0.1.1");
}

#[test]
fn the_apps_folder_may_be_spelled_in_any_way_but_must_be_in_the_repository() {
    let repo = released();
    repo.change("fix: x");
    let settings = |apps: &str| {
        format!(
            "[workspace.metadata.xtask]\nrepository = \"https://forge.example/team/mono\"\n\
             apps = \"{apps}\"\n"
        )
    };
    for apps in ["apps", "./apps", "apps/", "./apps/."] {
        repo.write("Cargo.toml", settings(apps));
        assert_eq!(repo.xtask(&["plan", "--json"]).expect(0).json()["apps"][0]["next"], "0.1.1", "{apps}");
    }
    let refused = |apps| {
        repo.write("Cargo.toml", settings(apps));
        repo.xtask(&["plan"]).seen()
    };
    expect![[r#"
        exit code 2
        error: Cargo.toml: apps = "/apps" must be the path of a folder from the repository's top, such as apps = "apps"
        exit code 2
        error: Cargo.toml: apps = "../repo/apps" must be the path of a folder from the repository's top, such as apps = "apps"
        exit code 2
        error: no app in WORLD/repo/ap: an app is a folder with an app.toml. If the apps are elsewhere, set apps = "FOLDER" in [workspace.metadata.xtask] of Cargo.toml
        exit code 2
        error: no app in WORLD/repo/: an app is a folder with an app.toml. If the apps are elsewhere, set apps = "FOLDER" in [workspace.metadata.xtask] of Cargo.toml
    "#]].assert_eq(&["/apps", "../repo/apps", "ap", "."].map(refused).concat());
    repo.git(&["mv", "apps/python", "python"]);
    repo.write("Cargo.toml", settings("."));
    repo.git(&["commit", "-qam", "refactor: move"]);
    repo.git(&["tag", "-f", "-am", "notes", "python-v0.1.0"]);
    repo.commit("python/x", "1", "feat: y");
    assert_eq!(counting(&plan(&repo)), ["feat: y"]);
}

#[test]
fn what_git_does_not_see_is_an_error_and_never_nothing_to_release() {
    let repo = released();
    repo.change("fix: x");
    // A link to the folder, and a link as the app's folder.
    repo.git(&["mv", "apps", "real"]);
    std::os::unix::fs::symlink("real", repo.path.join("apps")).unwrap();
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "refactor: move"]);
    let mut seen = repo.xtask(&["plan"]).seen();
    std::fs::remove_file(repo.path.join("apps")).unwrap();
    std::fs::create_dir(repo.path.join("apps")).unwrap();
    std::os::unix::fs::symlink("../real/python", repo.path.join("apps/python")).unwrap();
    seen.push_str(&repo.xtask(&["plan"]).seen());
    // A folder that was not committed.
    std::fs::remove_file(repo.path.join("apps/python")).unwrap();
    std::fs::rename(repo.path.join("real/python"), repo.path.join("apps/worker")).unwrap();
    seen.push_str(&repo.xtask(&["plan"]).seen());
    // A root below git's top.
    let below = released();
    std::fs::rename(below.path.join(".git"), below.world().join(".git")).unwrap();
    below.git(&["add", "--all", "."]);
    below.git(&["commit", "--quiet", "--message", "refactor: move"]);
    let root = below.path.as_str();
    seen.push_str(&below.xtask(&["plan"]).seen());
    seen.push_str(&below.xtask_in(below.world(), &["plan", "--root", root]).seen());
    expect![[r#"
        exit code 2
        error: apps is a link, and git does not look into links; move the folder here, or name its place: apps = "FOLDER" in [workspace.metadata.xtask] of Cargo.toml
        exit code 2
        error: apps/python is a link, and git does not look into links; move the folder here, or name its place: apps = "FOLDER" in [workspace.metadata.xtask] of Cargo.toml
        exit code 1
        error: apps/worker/app.toml is not committed, so nothing of python can be released yet
        type: git add apps/worker && git commit
        exit code 2
        error: WORLD/repo is not the top of its git repository, which is WORLD: move Cargo.toml and the apps there, or type `git init WORLD/repo` if this is a repository of its own
        exit code 2
        error: WORLD/repo is not the top of its git repository, which is WORLD: move Cargo.toml and the apps there, or type `git init WORLD/repo` if this is a repository of its own
    "#]].assert_eq(&seen);
}

#[test]
fn the_environment_of_a_git_hook_changes_nothing() {
    let (repo, other) = (released(), Repo::new());
    repo.change("fix: x");
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command
        .args(["plan", "--json"])
        .env("GIT_DIR", other.path.join(".git"))
        .env("GIT_INDEX_FILE", other.path.join(".git/index"));
    assert_eq!(run(&mut command).expect(0).json()["apps"][0]["next"], "0.1.1");
}

#[test]
fn the_users_git_configuration_changes_nothing() {
    let repo = released();
    repo.change("fix: x");
    for setting in [
        "log.follow=true",
        "log.showSignature=true",
        "color.ui=always",
        "log.date=relative",
        "i18n.logOutputEncoding=ISO-8859-1",
    ] {
        let (key, value) = setting.split_once('=').unwrap();
        repo.git(&["config", "--global", key, value]);
    }
    assert_eq!(counting(&plan(&repo)), ["fix: x"]);
}

#[test]
fn messages_in_other_encodings_are_read() {
    let repo = released();
    let file = repo.world().join("message");
    std::fs::write(&file, b"fix: gr\xfc\xdfe").unwrap();
    repo.write("apps/python/x", "1");
    repo.git(&["add", "-A"]);
    repo.git(&["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-qF", file.as_str()]);
    // git repairs the encoding of what it commits; other programs don't.
    repo.commit("apps/python/x", "2", "feat: XY broken");
    let mut object =
        run(repo.command("git", &repo.path).args(["cat-file", "commit", "HEAD"])).stdout.into_bytes();
    let at = object.windows(2).position(|w| w == b"XY").unwrap();
    object[at..at + 2].copy_from_slice(b"\xff\xfe");
    std::fs::write(&file, object).unwrap();
    let broken = repo.git(&["hash-object", "-t", "commit", "-w", file.as_str()]);
    repo.git(&["reset", "-q", "--soft", &broken]);
    assert_eq!(counting(&plan(&repo)), ["feat: \u{fffd}\u{fffd} broken", "fix: grüße"]);
}

#[test]
fn a_folder_without_history_is_a_clear_error() {
    let repo = Repo::empty("repo");
    repo.write("apps/python/app.toml", APP_TOML);
    repo.write("apps/python/pyproject.toml", PYPROJECT);
    expect![[r#"
        exit code 1
        error: WORLD/repo has no commit yet; create the first one: git add --all && git commit
    "#]]
    .assert_eq(&repo.xtask(&["plan"]).expect(1).seen());
    std::fs::remove_dir_all(repo.path.join(".git")).unwrap();
    let out = repo.xtask(&["plan", "--root", "."]).expect(1);
    expect![[r#"
        exit code 1
        error: WORLD/repo is not in a git repository, and a plan needs its history
    "#]]
    .assert_eq(&out.seen());
}

#[test]
fn an_unreadable_version_names_the_file_and_the_reason() {
    let repo = released();
    repo.commit("apps/python/pyproject.toml", "[project]\ndynamic = [\"version\"]\n", "chore: x");
    let out = repo.xtask(&["plan"]).expect(2);
    expect![[r#"
        exit code 2
        error: apps/python/pyproject.toml: the version is dynamic; write it into [project] as version = "X.Y.Z", so that it has a single source
    "#]].assert_eq(&out.seen());
}

#[test]
fn pins_count_until_the_first_release() {
    let repo = Repo::new();
    repo.write("apps/python/app.toml", format!("{APP_TOML}[release]\npins = [\"../../deploy/.version\"]\n"));
    repo.commit("deploy/.version", "0.1.129\n", "feat: x");
    bump_file(&repo, "0.1.17");
    let out = repo.xtask(&["plan", "--json"]).expect(0);
    let app = &out.json()["apps"][0];
    assert_eq!((&app["next"], &app["pending"]), (&json!("0.1.130"), &json!(false)));
    assert!(
        app["evidence"]
            .as_array()
            .unwrap()
            .contains(&json!({"source": "pins", "demands": "> 0.1.129", "why": "in deploy/.version"}))
    );
}

#[test]
fn a_revert_of_a_released_commit_may_declare_a_break() {
    let repo = Repo::new();
    let added = repo.change("feat: sockets");
    bump_file(&repo, "1.0.0");
    repo.git(&["tag", "-a", "-m", "notes", "python-v1.0.0"]);
    repo.change(&format!(
        "Revert \"feat: sockets\"\n\nThis reverts commit {added}.\n\nBREAKING CHANGE: use HTTP"
    ));
    let app = plan(&repo);
    assert_eq!((&app["next"], &app["commits"][0]["why"]), (&json!("2.0.0"), &json!("breaking")));
}

#[test]
fn commits_to_a_folder_that_the_app_left_do_not_get_lost_without_a_word() {
    let repo = released();
    repo.change("feat: x");
    repo.git(&["mv", "apps/python", "apps/py"]);
    repo.git(&["commit", "-qm", "refactor: another folder"]);
    expect![[r#"
        exit code 4
        python  0.1.0 → nothing to release
          does not count since python-v0.1.0
            1234567  refactor  another folder  refactor releases nothing
          evidence
            commits   none     none of 1 commit counts
            settings  none     not compared: python-v0.1.0 has no folder apps/py: commits to the app's earlier folder do not count, and breaking changes are not detected; declare what is missing in a commit that changes a file of the new folder
            tags      > 0.1.0  the highest tag
        stderr:
        warning[release-moved]: python: python-v0.1.0 has no folder apps/py: commits to the app's earlier folder do not count, and breaking changes are not detected (apps/py/app.toml)
          → declare what is missing in a commit that changes a file of the new folder
        nothing to release
    "#]]
    .assert_eq(&repo.xtask(&["plan"]).seen());
}

#[test]
fn a_shared_path_begins_at_the_repositorys_top() {
    let repo = released();
    repo.write("apps/python/app.toml", format!("{APP_TOML}[release]\nshared = [\"./contract/**\"]\n"));
    repo.commit("contract/rules.txt", "1\n", "feat: x");
    assert_eq!(plan(&repo)["next"], json!("0.2.0"));
    for wrong in ["/contract/**", "../contract/**"] {
        repo.write("apps/python/app.toml", format!("{APP_TOML}[release]\nshared = [{wrong:?}]\n"));
        let out = repo.xtask(&["plan"]).expect(2);
        assert!(out.stderr.contains("from the repository's top"), "{}", out.stderr);
    }
}

#[test]
fn a_tag_whose_number_cannot_grow_is_an_error() {
    let repo = released();
    repo.git(&["tag", "python-v0.18446744073709551615.18446744073709551615"]);
    repo.change("fix: x");
    expect![[r#"
        exit code 1
        error: python: no version is above 0.18446744073709551615.18446744073709551615: delete its tag
    "#]]
    .assert_eq(&repo.xtask(&["plan"]).seen());
}

#[test]
fn a_break_declared_in_an_unknown_form_is_reported() {
    let repo = released();
    repo.change("fix: x\n\nbreaking change: y\n\nand a last word");
    let out = repo.xtask(&["plan"]).expect(0);
    expect![[r#"
        exit code 0
        python  0.1.0 → 0.1.1  (patch)
          counts since python-v0.1.0
            1234567  fix  x
          evidence
            commits   patch    fix: x (1234567)
            tags      > 0.1.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[breaking-unread]: python: fix: x (1234567) mentions a breaking change in a form that does not count
          → declare it with `!` before the colon of a conventional subject, or with a line that begins with `BREAKING CHANGE: `
    "#]].assert_eq(&out.seen());
}
