//! `[release] tag`: plan, audit, bump, hotfix and promote read and write tags of the form that the settings
//! name, and a form that cannot be read back is refused. The rehearsal of `third` in rehearse.rs releases and
//! rolls back with such a form. About 3 seconds.

use crate::support::{PYPROJECT, Repo};

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
    repo.git(&["tag", "python-v0.9.0"]);
    repo.git(&["tag", "demo-agent==next"]);
    repo.git(&["push", "--quiet", "--tags", "origin", "main", "main:development"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo
}

#[test]
fn every_command_uses_the_form_of_the_settings() {
    let repo = released();
    repo.change("fix(python): a fix");
    let plan = repo.xtask(&["plan", "python"]).expect(0);
    assert!(plan.stdout.contains("0.2.0 (2026-01-01) → 0.2.1"), "{}", plan.stdout);
    assert!(plan.stdout.contains("counts since demo-agent==0.2.0"), "{}", plan.stdout);
    let taken = repo.xtask(&["bump", "python", "--version", "0.2.0"]).expect(3);
    assert!(taken.stderr.contains("version-taken"), "{}", taken.stderr);
    repo.xtask(&["bump", "python"]).expect(0);
    let changelog = repo.read("CHANGELOG.md");
    assert!(changelog.contains("\n## [demo-agent==0.2.1] - "), "{changelog}");
    let audit = repo.xtask(&["audit", "python"]);
    assert!(!audit.stderr.contains("error["), "{}", audit.stderr);

    let hotfix = repo.xtask(&["hotfix", "python", "0.1.0"]).expect(0);
    let said = "hotfix/python-v0.1.0 created from demo-agent==0.1.0";
    assert!(hotfix.stderr.contains(said), "{}", hotfix.stderr);
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
    let promote = repo.xtask(&["promote", "--dry-run", "--json"]).expect(0);
    assert!(promote.stdout.contains("release/python-v0.2.1"), "{}", promote.stdout);
}

#[test]
fn a_form_that_cannot_be_read_back_is_refused() {
    let repo = Repo::new();
    for (form, said) in [
        ("{app}", "[release] tag = \"{app}\": the form must end with {version}"),
        ("{app} {version}", "[release] tag = \"{app} {version}\": a tag consists of letters, digits"),
    ] {
        let settings = repo.read("apps/python/app.toml") + &format!("\n[release]\ntag = \"{form}\"\n");
        let before = repo.read("apps/python/app.toml");
        repo.write("apps/python/app.toml", settings);
        let plan = repo.xtask(&["plan"]).expect(2);
        assert!(plan.stderr.contains(&format!("apps/python/app.toml: {said}")), "{}", plan.stderr);
        repo.write("apps/python/app.toml", before);
    }
}
