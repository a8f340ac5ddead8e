//! Trouble that git, the terminal or the settings make: another owner, partial clones, other remote names,
//! lock files, no commits, full disks, and values of a size that nobody expects.

use crate::support::{APP_TOML, Output, Repo, run};
use camino::Utf8Path;
use std::process::Command;

fn with_a_fix() -> Repo {
    let repo = Repo::new();
    repo.git(&["tag", "python-v0.0.0"]);
    repo.change("fix: answer 405");
    repo
}

/// A clone of the repository next to it.
fn clone(repo: &Repo, args: &[&str]) -> camino::Utf8PathBuf {
    let dir = repo.world().join("clone");
    let from = format!("file://{}", repo.path);
    repo.git(&[&["clone", "--quiet"], args, &[&from, dir.as_str()]].concat());
    dir
}

#[test]
fn a_repository_of_another_user_is_reported_with_the_command() {
    for args in [&["plan"] as &[&str], &["bump", "python"], &["lint"], &["release", "python", "--dry-run"]] {
        let repo = with_a_fix();
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        // For git's own tests (t0033-safe-directory.sh).
        let out = run(command.args(args).env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")).expect(1);
        for expected in ["another user owns this folder", "git config --global --add safe.directory"] {
            assert!(out.stderr.contains(expected), "{args:?}: {out:?}");
        }
    }
}

#[test]
fn a_repository_without_commits_is_reported_by_every_command_that_needs_one() {
    let repo = Repo::empty("repo");
    repo.write("apps/python/app.toml", APP_TOML);
    repo.write("apps/python/pyproject.toml", crate::support::PYPROJECT);
    for args in [&["plan"] as &[&str], &["bump", "python"], &["release", "python"], &["promote"]] {
        let out = repo.untouched(|| repo.xtask(args).expect(1));
        let expected = "has no commit yet; create the first one: git add --all && git commit";
        assert!(out.stderr.contains(expected), "{args:?}: {out:?}");
    }
}

#[test]
fn a_lock_file_of_git_is_named_before_anything_is_written() {
    let repo = with_a_fix();
    let lock = repo.path.join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    let out = repo.untouched(|| repo.xtask(&["bump", "python"]).expect(1));
    for expected in ["another git command is running", &format!("rm '{lock}'")] {
        assert!(out.stderr.contains(expected), "{out:?}");
    }
    std::fs::remove_file(lock).unwrap();
    repo.xtask(&["bump", "python"]).expect(0);
}

#[test]
fn a_bump_on_a_detached_head_says_how_to_keep_the_commit() {
    let repo = with_a_fix();
    repo.git(&["checkout", "--quiet", "--detach"]);
    let out = repo.xtask(&["bump", "python"]).expect(0);
    assert!(out.stderr.contains("HEAD is detached") && out.stderr.contains("git switch -c NAME"), "{out:?}");
}

#[test]
fn a_clone_without_trees_is_refused_with_commands_that_complete_it() {
    let repo = with_a_fix();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let dir = clone(&repo, &["--filter=tree:0"]);
    let out = repo.xtask_in(&dir, &["plan"]).expect(1);
    let command = out.stderr.lines().find_map(|line| line.strip_prefix("type: ")).expect("a command");
    run(repo.command("sh", &dir).args(["-c", command])).expect(0);
    let out = repo.xtask_in(&dir, &["plan"]).expect(0);
    assert!(out.stdout.contains("0.0.1"), "{out:?}");
}

#[test]
fn a_plan_in_a_clone_without_blobs_connects_to_nobody() {
    let repo = with_a_fix();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    for _ in 0..5 {
        repo.change("fix: more");
    }
    let dir = clone(&repo, &["--filter=blob:none"]);
    std::fs::rename(&repo.path, repo.world().join("gone")).unwrap();
    let out = repo.xtask_in(&dir, &["plan"]).expect(0);
    assert!(out.stdout.contains("0.0.1"), "{out:?}");
}

#[test]
fn a_remote_of_another_name_is_found() {
    let repo = with_a_fix();
    repo.git(&["branch", "development"]);
    let dir = clone(&repo, &["--origin", "upstream"]);
    let out = repo.xtask_in(&dir, &["check", "--affected", "--quick"]).expect(0);
    assert!(out.stderr.contains("nothing to check") && !out.stderr.contains("no branch"), "{out:?}");
    let out = repo.xtask_in(&dir, &["promote", "--dry-run"]);
    assert!(!out.stderr.contains("origin"), "{out:?}");
}

/// A shell runs the program with a redirection.
fn redirected(repo: &Repo, args: &str, to: &str) -> Output {
    let program = Utf8Path::new(env!("CARGO_BIN_EXE_xtask"));
    let mut command: Command = repo.command("sh", &repo.path);
    run(command.args(["-c", &format!("'{program}' {args} {to}")]))
}

#[test]
fn a_full_disk_behind_the_output_is_no_panic() {
    let repo = with_a_fix();
    for args in ["plan", "plan --json", "audit"] {
        let out = redirected(&repo, args, ">/dev/full").expect(1);
        assert!(out.stderr.contains("cannot write the result to standard output"), "{args}: {out:?}");
        assert!(!out.stderr.contains("panicked"), "{args}: {out:?}");
    }
    assert!(redirected(&repo, "plan", "2>/dev/full").expect(0).stdout.contains("0.0.1"));
    redirected(&repo, "bump nobody", "2>/dev/full").expect(2);
    redirected(&repo, "bump python", "2>/dev/full").expect(0);
    assert!(repo.read("apps/python/pyproject.toml").contains("0.0.1"));
}

#[test]
fn values_are_shown_shortened() {
    for (long, toml) in [
        ("an app's name", APP_TOML.replace("\"python\"\necosystem", "\"LONG\"\necosystem")),
        ("a package", APP_TOML.replace("\"demo-agent\"", "\"-LONG\"")),
        ("a key", format!("{APP_TOML}LONG = 1\n")),
        ("a value", APP_TOML.replace("ecosystem = \"python\"", "ecosystem = \"LONG\"")),
    ] {
        let repo = Repo::new();
        repo.write("apps/python/app.toml", toml.replace("LONG", &"a".repeat(1_000_000)));
        let out = repo.xtask(&["plan"]).expect(2);
        assert!(out.stderr.len() < 10_000, "{long}: {} bytes", out.stderr.len());
        assert!(out.stderr.contains("apps/python/app.toml"), "{long}: {}", out.stderr);
    }
}

#[test]
fn a_hundred_thousand_settings_are_read() {
    let repo = with_a_fix();
    let entry = |n| format!("[[accept]]\nid = \"x{n}\"\nversion = \"9.0.0\"\nreason = \"r\"\n");
    let entries: String = (0..100_000).map(entry).collect();
    repo.write("apps/python/app.toml", format!("{APP_TOML}{entries}"));
    assert!(repo.xtask(&["plan"]).expect(0).stdout.contains("0.0.1"));
}
