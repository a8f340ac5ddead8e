//! lint, test and check: what is taken over from before, and when.

use crate::support::Repo;

const TAKEN_OVER: &str = "passed on this machine before, with the same files";

#[test]
fn a_check_that_passed_is_taken_over_when_asked_for_and_the_files_are_the_same() {
    let repo = Repo::new();
    repo.commit(".gitignore", ".venv/\nuv.lock\n", "chore: ignore what uv makes");
    let lint = |args: &[&str]| repo.xtask(&[&["lint", "python"], args].concat()).expect(0).stderr;
    assert!(!lint(&[]).contains(TAKEN_OVER));
    assert!(!lint(&[]).contains(TAKEN_OVER), "nobody asked for it");
    assert!(lint(&["--reuse"]).contains(TAKEN_OVER));
    repo.write("apps/python/src/demo_agent/__init__.py", format!("VALUE = {:?}\n", repo.path));
    assert!(!lint(&["--reuse"]).contains(TAKEN_OVER), "a file is not committed");
    repo.git(&["commit", "--quiet", "--all", "--message", "fix: another value"]);
    assert!(!lint(&["--reuse"]).contains(TAKEN_OVER), "these files were never checked");
}

#[test]
fn every_stale_thing_is_a_finding_of_check() {
    let repo = Repo::new();
    repo.change("feat: something to release");
    repo.write("apps/python/pyproject.toml", repo.read("apps/python/pyproject.toml").replace("0.0.0", "0.0.0rc1.post1"));
    let output = repo.xtask(&["check", "python"]);
    assert_ne!(output.code, 0, "{output:#?}");
    assert!(output.stderr.contains("0.0.0rc1.post1"), "{}", output.stderr);
}
