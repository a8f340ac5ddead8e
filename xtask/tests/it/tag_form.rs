//! `[release] tag`: plan, audit, bump, hotfix and promote read and write tags of the form that the settings
//! name, and a form that cannot be read back is refused. The rehearsal of `third` in rehearse.rs releases and
//! rolls back with such a form. About 3 seconds.

use crate::support::{PYPROJECT, Repo};
use expect_test::expect;

/// A remote with the releases 0.1.0 and 0.2.0, tagged as `demo-agent==0.1.0`.
fn released() -> Repo {
    let repo = Repo::new();
    let remote = repo.world().join("remote.git");
    repo.git(&["init", "--quiet", "--bare", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    let settings = repo.read("apps/python/app.toml") + "\n[release]\ntag = \"{package}=={version}\"\n";
    repo.commit("apps/python/app.toml", &settings, "build: the form of the tags");
    for (version, sections) in [("0.1.0", &["0.1.0"][..]), ("0.2.0", &["0.2.0", "0.1.0"])] {
        repo.change("feat(python): more");
        let section = |v: &&str| format!("## [demo-agent=={v}] - 2026-01-01\n\n### Added\n\n- More.\n\n");
        let sections: String = sections.iter().map(section).collect();
        repo.write("CHANGELOG.md", format!("# Changelog\n\n## [Unreleased]\n\n{sections}"));
        repo.commit("apps/python/pyproject.toml", &PYPROJECT.replace("0.0.0", version), "chore(release): x");
        repo.git(&["tag", &format!("demo-agent=={version}")]);
    }
    // Not releases of this app.
    repo.git(&["tag", "python-v0.0.9"]);
    repo.git(&["tag", "demo-agent==next"]);
    repo.git(&["push", "--quiet", "--tags", "origin", "main", "main:development"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo
}

#[test]
fn every_command_uses_the_form_of_the_settings() {
    let repo = released();
    repo.change("fix(python): a fix");
    let commands: [&[&str]; 5] = [
        &["plan", "python"],
        &["bump", "python", "--version", "0.2.0"],
        &["bump", "python"],
        &["audit", "python"],
        &["hotfix", "python", "0.1.0"],
    ];
    let mut changelog = String::new();
    let seen = commands.map(|args| {
        let output = repo.xtask(args);
        if args == ["bump", "python"] {
            changelog = repo.read("CHANGELOG.md");
        }
        format!("$ cargo xtask {}\n{}", args.join(" "), output.seen())
    });
    expect![[r#"
        $ cargo xtask plan python
        exit code 0
        python  0.2.0 (2026-01-01) → 0.2.1  (patch)
          counts since demo-agent==0.2.0
            1234567  fix(python)  a fix
          evidence
            commits   patch    fix(python): a fix (1234567)
            tags      > 0.2.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        $ cargo xtask bump python --version 0.2.0
        exit code 3
        error[version-taken]: python: 0.2.0 is already used: it has a tag
          → cargo xtask bump python (that is 0.2.1)
        error: 1 finding to fix first
        $ cargo xtask bump python
        exit code 0
        ✓ chore(release): python v0.2.1
          apps/python/pyproject.toml
          CHANGELOG.md
        $ cargo xtask audit python
        exit code 0
        python  0.2.1  apps/python/pyproject.toml:3, last release 0.2.0
          ✓ changelog  0.2.1  CHANGELOG.md:5
          ✓ tag        0.2.0  demo-agent==0.2.0
        stderr:
        ✓ all versions agree: 2 places show one, and all are right
        $ cargo xtask hotfix python 0.1.0
        exit code 0
        To release it, from this branch; latest stays at 0.2.0:
          git commit --message "fix(python): WHAT USERS GET"
          cargo xtask bump python
          git push origin hotfix/python-v0.1.0
          cargo xtask release python   # a forge's job does it after the push
          cargo xtask hotfix python 0.1.0   # how it gets into development
        stderr:
        ✓ hotfix/python-v0.1.0 created from demo-agent==0.1.0 (1234567)
        # Changelog

        ## [Unreleased]

        ## [demo-agent==0.2.1] - 2026-01-01

        ### Fixed

        - a fix

        ## [demo-agent==0.2.0] - 2026-01-01

        ### Added

        - More.

        ## [demo-agent==0.1.0] - 2026-01-01

        ### Added

        - More.

        [demo-agent==0.2.1]: https://forge.example/team/mono/compare/demo-agent==0.2.0...demo-agent==0.2.1
    "#]]
    .assert_eq(&(seen.concat() + &changelog));
    repo.change("fix(python): an urgent fix");
    let plan = repo.xtask(&["plan", "python", "--json"]).expect(0).json();
    assert_eq!([&plan["apps"][0]["last"]["tag"], &plan["apps"][0]["next"]], ["demo-agent==0.1.0", "0.1.1"]);

    repo.git(&["switch", "--quiet", "--detach", "demo-agent==0.2.0"]);
    repo.git(&["push", "--quiet", "origin", "demo-agent==0.2.0:refs/tags/withdrawn/demo-agent==0.2.0"]);
    repo.git(&["fetch", "--quiet", "--tags", "origin"]);
    let plan = repo.xtask(&["plan", "python", "--json"]).json();
    assert_eq!(plan["apps"][0]["last"]["tag"], "demo-agent==0.1.0");
}

#[test]
fn a_promotion_counts_from_tags_of_that_form() {
    let repo = released();
    repo.change("fix(python): a fix");
    repo.git(&["push", "--quiet", "origin", "main:development"]);
    expect![[r#"
        exit code 0
        chore(release): python v0.2.1

        diff --git a/CHANGELOG.md b/CHANGELOG.md
        index 1234567..1234567 100644
        --- a/CHANGELOG.md
        +++ b/CHANGELOG.md
        @@ -2,6 +2,12 @@

         ## [Unreleased]

        +## [demo-agent==0.2.1] - 2026-01-01
        +
        +### Fixed
        +
        +- a fix
        +
         ## [demo-agent==0.2.0] - 2026-01-01

         ### Added
        @@ -14,3 +20,4 @@

         - More.

        +[demo-agent==0.2.1]: https://forge.example/team/mono/compare/demo-agent==0.2.0...demo-agent==0.2.1
        diff --git a/apps/python/pyproject.toml b/apps/python/pyproject.toml
        index 1234567..1234567 100644
        --- a/apps/python/pyproject.toml
        +++ b/apps/python/pyproject.toml
        @@ -1,4 +1,4 @@
         [project]
         name = "demo-agent"
        -version = "0.2.0" # the only place
        +version = "0.2.1" # the only place
         requires-python = ">=3.11"
        open a pull request from release/python-v0.2.1 into development
          https://forge.example/team/mono/compare/development...release/python-v0.2.1

          chore(release): python v0.2.1

            | app | version | source | demands | why |
            |---|---|---|---|---|
            | python | 0.2.0 → 0.2.1 | commits | patch | fix(python): a fix (1234567) |
            | python | 0.2.0 → 0.2.1 | tags | > 0.2.0 | the highest tag |

            python: 0.2.0 → 0.2.1

            * fix(python): a fix
        stderr:
        ✓ chore(release): python v0.2.1
          apps/python/pyproject.toml
          CHANGELOG.md
        would push release/python-v0.2.1
        - pull request: it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask]
    "#]].assert_eq(&repo.xtask(&["promote", "--dry-run"]).seen());
}

#[test]
fn a_form_that_cannot_be_read_back_is_refused() {
    let repo = Repo::new();
    let mut seen = String::new();
    for form in ["{app}", "{app} {version}"] {
        let settings = repo.read("apps/python/app.toml") + &format!("\n[release]\ntag = \"{form}\"\n");
        let before = repo.read("apps/python/app.toml");
        repo.write("apps/python/app.toml", settings);
        seen.push_str(&repo.xtask(&["plan"]).seen());
        repo.write("apps/python/app.toml", before);
    }
    expect![[r#"
        exit code 2
        error: apps/python/app.toml: [release] tag = "{app}": the form must end with {version}, so that the version can be read back
        exit code 2
        error: apps/python/app.toml: [release] tag = "{app} {version}": a tag consists of letters, digits and . _ - + = @ /
    "#]].assert_eq(&seen);
}
