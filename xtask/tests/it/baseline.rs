//! What the next release is compared with: none that was withdrawn from the index, and what can't be known is
//! told.

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
fn a_release_that_was_yanked_is_no_release_to_compare_with() {
    let repo = renamed_and_back();
    let out = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b">demo_agent-0.0.2.tar.gz</a>"#;
    let yanked = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b" data-yanked="a name is gone">demo_agent-0.0.2.tar.gz</a>"#;
    // A plan asks nobody.
    repo.xtask(&["plan", "python", "--pypi", &serve(yanked)]).expect(3);
    let stopped = repo.xtask(&["check", "python", "--pypi", &serve(out)]).expect(3);
    assert!(stopped.stderr.contains("breaking[undeclared-break]"), "{}", stopped.stderr);
    let passed = repo.xtask(&["check", "python", "--pypi", &serve(yanked)]);
    let said = "info[release-withdrawn]: python: python-v0.0.2 was withdrawn from the index, so users have python-v0.0.1";
    assert!(passed.stderr.contains(said) && !passed.stderr.contains("undeclared-break"), "{}", passed.stderr);
    // What the tools of a check leave behind.
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

/// Published past the tags, or without any: the number is right, and what it promises can't be proved.
#[test]
fn a_release_that_is_out_without_a_tag_is_told_of() {
    let repo = renamed_under_a_fix();
    let out = r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b">demo_agent-0.1.129.tar.gz</a> <a href="c" data-yanked="">demo_agent-0.2.0.tar.gz</a>"#;
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    let said = "warning[release-untagged]: python: demo-agent 0.1.129 is on the index, and no tag python-v0.1.129 says what it was made from: \
                the next release is compared with python-v0.0.1";
    assert!(
        bumped.stderr.contains(said) && bumped.stderr.contains("git tag python-v0.1.129 COMMIT"),
        "{}",
        bumped.stderr
    );
    repo.git(&["tag", "--delete", "python-v0.0.1"]);
    let first = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    assert!(
        first.stderr.contains("the next release is compared with nothing, and may break who has 0.1.129"),
        "{}",
        first.stderr
    );
    // As it says: the tag makes it the release to compare with.
    repo.git(&["tag", "python-v0.1.129", "HEAD~1"]);
    let bumped = repo.xtask(&["bump", "python", "--pypi", &serve(out), "--dry-run"]).expect(0);
    assert!(
        !bumped.stderr.contains("release-untagged")
            && bumped.stderr.contains("breaks those who use python-v0.1.129"),
        "{}",
        bumped.stderr
    );
}

#[test]
fn a_plan_on_a_branch_that_has_no_release_says_so() {
    let repo = renamed_under_a_fix();
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.git(&["commit", "--quiet", "--message", "feat: all of it"]);
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    let said = "warning[release-elsewhere]: python: python-v0.0.1 is tagged, but HEAD contains neither it nor a commit with the same content";
    assert!(plan.stderr.contains(said), "{}", plan.stderr);
}

#[test]
fn a_release_that_is_deprecated_on_npm_is_no_release_to_compare_with() {
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
        r#"{"versions": {"0.1.0": {"dist": {"tarball": ""}}, "0.2.0": {"dist": {"tarball": ""}, "deprecated": "broken"}}}"#,
    );
    let bumped = repo.xtask(&["bump", "ts", "--npm", index.trim_end_matches("/simple")]).expect(0);
    assert!(
        bumped.stderr.contains("ts-v0.2.0 was withdrawn from the index, so users have ts-v0.1.0"),
        "{}",
        bumped.stderr
    );
    assert!(bumped.stderr.contains("chore(release): ts v0.2.1"), "{}", bumped.stderr);
}
