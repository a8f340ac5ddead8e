//! What a person sees of a plan: lists of commits are short, breaks show their text, and the next command is
//! named.

use crate::seen::masked;
use crate::support::{PYPROJECT, Repo};
use expect_test::expect;

/// Released as 0.1.0, with a changelog.
fn released() -> Repo {
    let repo = Repo::new();
    let manifest = PYPROJECT.replace("0.0.0", "0.1.0");
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [python-v0.1.0] - 2026-01-31\n\n- x\n");
    repo.commit("apps/python/pyproject.toml", &manifest, "chore(release): python v0.1.0");
    repo.git(&["tag", "-a", "-m", "notes", "python-v0.1.0"]);
    repo
}

/// The plan's text.
fn text(repo: &Repo, args: &[&str]) -> String {
    masked(&repo.xtask(&[&["plan"], args].concat()).expect(0).stdout)
}

#[test]
fn a_break_shows_its_text_and_why_the_number_moves_less() {
    let repo = released();
    repo.change("feat!: another port\n\nBREAKING CHANGE: set PORT=8080 to keep the old one");
    expect_test::expect![[r#"
        python  0.1.0 (2026-01-31) → 0.2.0  (major, but 0.y: minor)
          counts since python-v0.1.0
            1234567  feat!  another port  breaking
                            set PORT=8080 to keep the old one
          evidence
            commits   major    feat!: another port (1234567)
            tags      > 0.1.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&text(&repo, &[]));
}

#[test]
fn long_lists_end_with_a_count_unless_all_is_asked_for() {
    let repo = released();
    (0..27).for_each(|n| drop(repo.change(&format!("fix: number {n}"))));
    (0..7).for_each(|n| drop(repo.change(&format!("docs: page {n}"))));
    repo.change("wip");
    let short = text(&repo, &[]);
    expect_test::expect![[r#"
        python  0.1.0 (2026-01-31) → 0.1.1  (patch)
          counts since python-v0.1.0
            1234567  fix   number 26
            1234567  fix   number 25
            1234567  fix   number 24
            1234567  fix   number 23
            1234567  fix   number 22
            1234567  fix   number 21
            1234567  fix   number 20
            1234567  fix   number 19
            1234567  fix   number 18
            1234567  fix   number 17
            1234567  fix   number 16
            1234567  fix   number 15
            1234567  fix   number 14
            1234567  fix   number 13
            1234567  fix   number 12
            1234567  fix   number 11
            1234567  fix   number 10
            1234567  fix   number 9
            1234567  fix   number 8
            1234567  fix   number 7
            1234567  fix   number 6
            1234567  fix   number 5
            1234567  fix   number 4
            1234567  fix   number 3
            1234567  fix   number 2
            and 2 more: 2 fix; --all shows them
          does not count since python-v0.1.0
            1234567  -     wip  not conventional
            1234567  docs  page 6  docs releases nothing
            1234567  docs  page 5  docs releases nothing
            1234567  docs  page 4  docs releases nothing
            1234567  docs  page 3  docs releases nothing
            and 3 more: 3 docs; --all shows them
    "#]]
    .assert_eq(short.split("  evidence").next().unwrap());
    let all = text(&repo, &["--all"]);
    assert_eq!(
        (all.matches("fix: number").count(), all.matches("releases nothing").count()),
        (1, 7),
        "{all}"
    );
    assert!(all.contains("number 0") && !all.contains("more:"), "{all}");
}

#[test]
fn the_next_command_fits_the_branches_and_what_is_pending() {
    let repo = released();
    repo.change("fix: x");
    let next = |repo: &Repo| text(repo, &[]).lines().last().unwrap().to_string();
    assert_eq!(next(&repo), "  next cargo xtask bump python (or `cargo xtask promote`, which bumps)");
    let manifest = PYPROJECT.replace("0.0.0", "0.1.1");
    repo.commit("apps/python/pyproject.toml", &manifest, "chore(release): python v0.1.1");
    assert_eq!(next(&repo), "  next cargo xtask promote (on main: cargo xtask release python)");
    repo.write("Cargo.toml", "[workspace.metadata.xtask]\ndevelopment = \"main\"\n");
    assert_eq!(next(&repo), "  next cargo xtask release python");
}

/// A security fix must not be readable in a public log before its release.
#[test]
fn a_quiet_plan_shows_numbers_but_neither_texts_of_commits_nor_changes() {
    let repo = released();
    repo.change("fix: a token is read by everybody\n\nBreaking Change: leaks too");
    repo.change("chore: a secret plan");
    expect_test::expect![[r#"
        python  0.1.0 (2026-01-31) → 0.1.1  (patch)
          evidence
            commits   patch
            tags      > 0.1.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&text(&repo, &["--quiet"]));
    let plan = repo.xtask(&["plan", "--quiet", "--json"]).expect(0);
    assert_eq!(plan.json()["apps"][0]["next"], "0.1.1");
    let noisy = repo.xtask(&["plan"]).expect(0);
    let quiet = repo.xtask(&["plan", "--quiet"]).expect(0);
    expect![[r#"
        exit code 0
        warning[breaking-unread]: python: fix: a token is read by everybody (1234567) mentions a breaking change in a form that does not count
          → declare it with `!` before the colon of a conventional subject, or with a line that begins with `BREAKING CHANGE: `
        exit code 0
        warning[breaking-unread]: python: not shown (--quiet)
          → where only you see it: cargo xtask plan python
    "#]].assert_eq(&(noisy.seen_findings() + &quiet.seen_findings()));
    for text in [&plan.stdout, &plan.stderr, &quiet.stdout, &quiet.stderr] {
        assert!(!text.contains("token") && !text.contains("secret"), "{text}");
    }
}
