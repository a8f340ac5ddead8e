//! Which release the next one is compared with: none that was withdrawn. Releases without a
//! tag are reported.

use crate::breaks::{BASE, renamed_under_a_fix};
use crate::bump::serve;
use crate::support::{PYPROJECT, Repo};

/// 0.0.2 renamed a symbol as a fix; HEAD has the old name again.
fn renamed_and_back() -> Repo {
    let repo = renamed_under_a_fix();
    repo.commit(
        "apps/python/pyproject.toml",
        &PYPROJECT.replace("0.0.0", "0.0.2"),
        "chore(release): python v0.0.2",
    );
    repo.git(&["tag", "python-v0.0.2"]);
    repo.commit("apps/python/src/demo_agent/adapters/base.py", BASE, "fix(python): the name that users have");
    repo
}

#[test]
fn a_yanked_release_is_not_compared_with() {
    let repo = renamed_and_back();
    let out = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b">demo_agent-0.0.2.tar.gz</a>"#;
    let yanked = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b" data-yanked="a name is gone">demo_agent-0.0.2.tar.gz</a>"#;
    // `plan` does not ask the index.
    repo.xtask(&["plan", "python", "--pypi", &serve(yanked)]).expect(3);
    let stopped = repo.xtask(&["check", "python", "--pypi", &serve(out)]).expect(3);
    assert!(stopped.stderr.contains("breaking[undeclared-break]"), "{}", stopped.stderr);
    let passed = repo.xtask(&["check", "python", "--pypi", &serve(yanked)]);
    let said = "info[release-withdrawn]: python: python-v0.0.2 was withdrawn, so the next release is \
                compared with python-v0.0.1";
    assert!(passed.stderr.contains(said) && !passed.stderr.contains("undeclared-break"), "{}", passed.stderr);
    // Removes files that the tools of `check` leave behind.
    repo.git(&["clean", "--quiet", "--force", "-d"]);
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(yanked)]).expect(0);
    assert!(
        bumped.stderr.contains(said) && bumped.stderr.contains("chore(release): python v0.0.3"),
        "{}",
        bumped.stderr
    );
    assert!(
        repo.read("CHANGELOG.md").contains("/compare/python-v0.0.1...python-v0.0.3\n"),
        "{}",
        repo.read("CHANGELOG.md")
    );
}

/// The index has a version above the tags, or there are no tags: the number is right, but breaks cannot be
/// found.
#[test]
fn a_published_release_without_a_tag_is_reported() {
    let repo = renamed_under_a_fix();
    let out = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b">demo_agent-0.1.129.tar.gz</a> <a href="c" data-yanked="">demo_agent-0.2.0.tar.gz</a>"#;
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    let said = "warning[release-untagged]: python: demo-agent 0.1.129 is on the index, but there is no tag \
                python-v0.1.129, so its commit is unknown: the next release is compared with python-v0.0.1";
    assert!(
        bumped.stderr.contains(said) && bumped.stderr.contains("git tag python-v0.1.129 COMMIT"),
        "{}",
        bumped.stderr
    );
    repo.git(&["tag", "--delete", "python-v0.0.1"]);
    let first = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    assert!(
        first.stderr.contains("the next release is compared with nothing, and may break users of 0.1.129"),
        "{}",
        first.stderr
    );
    // With the tag that the help proposes, the release is compared with.
    repo.git(&["tag", "python-v0.1.129", "HEAD~1"]);
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    assert!(
        !bumped.stderr.contains("release-untagged")
            && bumped.stderr.contains("breaks users of python-v0.1.129"),
        "{}",
        bumped.stderr
    );
}

#[test]
fn a_plan_warns_if_the_branch_contains_no_release() {
    let repo = renamed_under_a_fix();
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.git(&["commit", "--quiet", "--message", "feat: all of it"]);
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    let said = "warning[release-elsewhere]: python: python-v0.0.1 exists, but HEAD contains neither it nor a commit \
                with the same content";
    assert!(plan.stderr.contains(said), "{}", plan.stderr);
}

#[test]
fn a_release_deprecated_on_npm_is_not_compared_with() {
    let repo = Repo::new();
    let package =
        |version: &str| format!("{{\n  \"name\": \"demo-agent\",\n  \"version\": \"{version}\"\n}}\n");
    repo.write("apps/ts/app.toml", "name = \"ts\"\necosystem = \"ts\"\npackage = \"demo-agent\"\n");
    for version in ["0.1.0", "0.2.0"] {
        repo.commit("apps/ts/package.json", &package(version), &format!("chore(release): ts v{version}"));
        repo.git(&["tag", &format!("ts-v{version}")]);
    }
    repo.commit("apps/ts/index.ts", "", "fix: x");
    let index = serve(
        r#"{"name": "demo-agent", "versions": {"0.1.0": {"dist": {"tarball": ""}}, "0.2.0": {"dist": {"tarball": ""}, "deprecated": "broken"}}}"#,
    );
    let bumped = repo.xtask(&["bump", "ts", "--npm", index.trim_end_matches("/simple")]).expect(0);
    assert!(
        bumped.stderr.contains("ts-v0.2.0 was withdrawn, so the next release is compared with ts-v0.1.0"),
        "{}",
        bumped.stderr
    );
    assert!(bumped.stderr.contains("chore(release): ts v0.2.1"), "{}", bumped.stderr);
}
