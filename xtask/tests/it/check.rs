//! lint, test and check: what is taken over from before, and when.

use crate::support::{APP_TOML, Repo};

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
    assert!(!lint(&["--reuse"]).contains(TAKEN_OVER), "a file is neither staged nor committed");
    repo.git(&["add", "--all"]);
    assert!(!lint(&["--reuse"]).contains(TAKEN_OVER), "these files were never checked");
    repo.git(&["commit", "--quiet", "--message", "fix: another value"]);
    assert!(lint(&["--reuse"]).contains(TAKEN_OVER), "they were when they were staged");
    repo.write("apps/python/src/demo_agent/new.py", "");
    assert!(!lint(&["--reuse"]).contains(TAKEN_OVER), "a file is not known to git");
}

#[test]
fn what_the_code_describes_is_taken_over_when_asked_for_and_the_files_are_the_same() {
    let repo = Repo::new();
    let app = format!("{APP_TOML}\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"python\", \"spec.py\"]\nserve = [\"true\"]\n");
    let asked = repo.path.join(".git/asked");
    repo.write(".gitignore", ".venv/\nuv.lock\n");
    repo.write("apps/python/app.toml", app);
    repo.write("apps/python/spec.py", format!("print(\"{{}}\")\nopen({asked:?}, \"a\").write(\".\")\n"));
    repo.commit("apps/python/openapi.json", "{}\n", "feat: a spec");
    let check = |args: &[&str]| {
        let said = repo.xtask(&[&["check", "python", "--quick"], args].concat()).expect(0).stderr;
        (
            std::fs::read_to_string(&asked).unwrap().len(),
            said.contains("what the code described on this machine before, with the same files"),
        )
    };
    assert_eq!(check(&[]), (1, false));
    assert_eq!(check(&["--reuse"]), (2, false), "nothing was kept");
    assert_eq!(check(&["--reuse"]), (2, true));
    assert_eq!(check(&[]), (3, false), "nobody asked for it");
    repo.write("apps/python/src/demo_agent/__init__.py", "VALUE = 1\n");
    assert_eq!(check(&["--reuse"]), (4, false), "a file is neither staged nor committed");
    repo.git(&["add", "--all"]);
    assert_eq!(check(&["--reuse"]), (5, false), "the code of these files was never asked");
    repo.git(&["commit", "--quiet", "--message", "fix: another value"]);
    assert_eq!(check(&["--reuse"]), (5, true), "it was when they were staged");
    let spec = repo.read("apps/python/spec.py") + "open(\"src/demo_agent/__init__.py\", \"a\").write(\"\\n\")\n";
    repo.commit("apps/python/spec.py", &spec, "fix: a file that changes while the code is asked");
    assert_eq!(check(&["--reuse"]), (6, false));
    repo.git(&["checkout", "--quiet", "."]);
    assert_eq!(check(&["--reuse"]), (7, false), "nobody knows which files the code was asked for");
}

#[test]
fn a_spec_is_checked_where_there_is_no_repository() {
    let repo = Repo::new();
    let app = format!("{APP_TOML}\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"python\", \"spec.py\"]\nserve = [\"true\"]\n");
    repo.write("apps/python/app.toml", app);
    repo.write("apps/python/spec.py", "print(\"{}\")\n");
    repo.write("apps/python/openapi.json", "{}\n");
    std::fs::remove_dir_all(repo.path.join(".git")).unwrap();
    assert!(repo.xtask(&["openapi", "check", "python"]).expect(0).stderr.contains("is what the code describes"));
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
