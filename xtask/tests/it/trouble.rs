//! Trouble that git, the terminal or the settings make: another owner, partial clones, other remote names,
//! lock files, no commits, full disks, and values of a size that nobody expects.

use crate::support::{APP_TOML, Output, Repo, run};
use camino::Utf8Path;
use expect_test::expect;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

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
    let mut seen = String::new();
    for args in [&["plan"] as &[&str], &["bump", "python"], &["lint"], &["release", "python", "--dry-run"]] {
        let repo = with_a_fix();
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        // For git's own tests (t0033-safe-directory.sh).
        seen.push_str(&run(command.args(args).env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")).seen());
    }
    expect![[r#"
        exit code 1
        error: git cat-file --batch-check=%(objecttype) --buffer failed in WORLD/repo:
        fatal: detected dubious ownership in repository at 'WORLD/repo'
        To add an exception for this directory, call:

        	git config --global --add safe.directory WORLD/repo
        another user owns this folder, so git does not run there: type the command above if you trust its files, or make them yours with chown
        exit code 1
        error: git rev-parse --verify --quiet HEAD failed in WORLD/repo:
        fatal: detected dubious ownership in repository at 'WORLD/repo'
        To add an exception for this directory, call:

        	git config --global --add safe.directory WORLD/repo
        another user owns this folder, so git does not run there: type the command above if you trust its files, or make them yours with chown
        exit code 1
        error: git ls-files --modified --others --exclude-standard -- :(top,literal)apps/python failed in WORLD/repo:
        fatal: detected dubious ownership in repository at 'WORLD/repo'
        To add an exception for this directory, call:

        	git config --global --add safe.directory WORLD/repo
        another user owns this folder, so git does not run there: type the command above if you trust its files, or make them yours with chown
        exit code 1
        error: git rev-parse --verify --quiet HEAD failed in WORLD/repo:
        fatal: detected dubious ownership in repository at 'WORLD/repo'
        To add an exception for this directory, call:

        	git config --global --add safe.directory WORLD/repo
        another user owns this folder, so git does not run there: type the command above if you trust its files, or make them yours with chown
    "#]].assert_eq(&seen);
}

#[test]
fn a_repository_without_commits_is_reported_by_every_command_that_needs_one() {
    let repo = Repo::empty("repo");
    repo.write("apps/python/app.toml", APP_TOML);
    repo.write("apps/python/pyproject.toml", crate::support::PYPROJECT);
    let commands = [&["plan"] as &[&str], &["bump", "python"], &["release", "python"], &["promote"]];
    expect![[r#"
        exit code 1
        error: WORLD/repo has no commit yet; create the first one: git add --all && git commit
        exit code 1
        error: WORLD/repo has no commit yet; create the first one: git add --all && git commit
        exit code 1
        error: WORLD/repo has no commit yet; create the first one: git add --all && git commit
        exit code 1
        error: WORLD/repo has no commit yet; create the first one: git add --all && git commit
    "#]]
    .assert_eq(&commands.map(|args| repo.untouched(|| repo.xtask(args)).seen()).concat());
}

#[test]
fn a_lock_file_of_git_is_named_before_anything_is_written() {
    let repo = with_a_fix();
    let lock = repo.path.join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    expect![[r#"
        exit code 1
        error: WORLD/repo/.git/index.lock exists: another git command is running in this repository, or one was killed and left its lock file
        wait until it has ended; if none is running, type: rm 'WORLD/repo/.git/index.lock'
    "#]].assert_eq(&repo.untouched(|| repo.xtask(&["bump", "python"])).seen());
    std::fs::remove_file(lock).unwrap();
    repo.xtask(&["bump", "python"]).expect(0);
}

#[test]
fn a_bump_on_a_detached_head_says_how_to_keep_the_commit() {
    let repo = with_a_fix();
    repo.git(&["checkout", "--quiet", "--detach"]);
    expect![[r#"
        exit code 0
        ✓ chore(release): python v0.0.1
          apps/python/pyproject.toml
          CHANGELOG.md
        note: HEAD is detached, so the commit is on no branch; keep it: git switch -c NAME
    "#]]
    .assert_eq(&repo.xtask(&["bump", "python"]).seen());
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
    expect![[r#"
        exit code 0
        python  0.0.0 → 0.0.1  (patch)
          counts since python-v0.0.0
            1234567  fix  answer 405
          evidence
            commits   patch    fix: answer 405 (1234567)
            tags      > 0.0.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&repo.xtask_in(&dir, &["plan"]).seen());
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
    expect![[r#"
        exit code 0
        python  0.0.0 → 0.0.1  (patch)
          counts since python-v0.0.0
            1234567  fix  more
            1234567  fix  more
            1234567  fix  more
            1234567  fix  more
            1234567  fix  more
            1234567  fix  answer 405
          evidence
            commits   patch    fix: more (1234567) and 5 more
            tags      > 0.0.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&repo.xtask_in(&dir, &["plan"]).seen());
}

#[test]
fn a_remote_of_another_name_is_found() {
    let repo = with_a_fix();
    repo.git(&["branch", "development"]);
    let dir = clone(&repo, &["--origin", "upstream"]);
    expect![[r#"
        exit code 0
        nothing to check: neither an app nor xtask changed since 1234567
    "#]]
    .assert_eq(&repo.xtask_in(&dir, &["check", "--affected", "--quick"]).seen());
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
    let full = |args| redirected(&repo, args, ">/dev/full").seen();
    expect![[r#"
        exit code 1
        error: cannot write the result to standard output: No space left on device (os error N)
        exit code 1
        error: cannot write the result to standard output: No space left on device (os error N)
        exit code 1
        error: cannot write the result to standard output: No space left on device (os error N)
    "#]]
    .assert_eq(&["plan", "plan --json", "audit"].map(full).concat());
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

/// The disk has room for the manifest, but not for the changelog.
#[test]
fn a_bump_that_cannot_write_a_file_leaves_every_file_as_it_was_and_says_why() {
    let repo = with_a_fix();
    repo.commit("CHANGELOG.md", &format!("# Changelog\n\n{}", "- old\n".repeat(9999)), "docs: what was");
    let limited = "ulimit -f 16; exec \"$@\"";
    let mut command = repo.command("env", &repo.path);
    command.args(["--ignore-signal=XFSZ", "sh", "-c", limited, "sh", env!("CARGO_BIN_EXE_xtask"), "bump"]);
    let stopped = repo.untouched(|| run(command.arg("python")).expect(1)).stderr;
    assert!(stopped.contains("File too large"), "{stopped}");
    assert!(!stopped.contains("could not all be undone"), "{stopped}");
}

/// The other process has locked the checkout, but has not written its name yet.
#[test]
fn a_process_that_has_not_written_its_name_is_waited_for_too() {
    let repo = with_a_fix();
    let lock = std::fs::File::create(repo.path.join(".git/xtask-running")).unwrap();
    lock.lock().unwrap();
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args(["bump", "python"]).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut bump = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(bump.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    lock.unlock().unwrap();
    assert!(bump.wait_with_output().unwrap().status.success());
    assert!(said.starts_with("waiting for another xtask, which works in this checkout"), "{said}");
}

/// A line break in a path breaks Python's environments, and every list of paths.
#[test]
fn an_app_folder_with_a_line_break_is_refused() {
    let repo = Repo::new();
    repo.write("apps/a\nb/app.toml", APP_TOML);
    expect![[r#"
        exit code 2
        error: apps/"a\nb": rename the folder: its name has a control character
    "#]]
    .assert_eq(&repo.xtask(&["plan"]).seen());
}

#[test]
fn a_hundred_thousand_settings_are_read() {
    let repo = with_a_fix();
    let entry = |n| format!("[[accept]]\nid = \"x{n}\"\nversion = \"9.0.0\"\nreason = \"r\"\n");
    let entries: String = (0..100_000).map(entry).collect();
    repo.write("apps/python/app.toml", format!("{APP_TOML}{entries}"));
    assert!(repo.xtask(&["plan"]).expect(0).stdout.contains("0.0.1"));
}

/// `main` and `side`, which a merge discarded, have both changed the file `side_file`.
fn with_a_discarded_branch(side_file: &str) -> Repo {
    let repo = with_a_fix();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["switch", "-qc", "side"]);
    repo.commit(side_file, "0\n", "feat!: another first argument");
    repo.git(&["switch", "-q", "main"]);
    repo.change("fix: more");
    repo.git(&["merge", "-q", "--no-ff", "-m", "Merge side", "-s", "ours", "side"]);
    repo
}

fn next_version(repo: &Repo, dir: &camino::Utf8Path) -> serde_json::Value {
    repo.xtask_in(dir, &["plan", "python", "--json"]).expect(0).json()["apps"][0]["next"].clone()
}

#[test]
fn a_clone_without_blobs_plans_a_discarded_side_branch_as_a_full_clone_does_and_fetches_nothing() {
    let repo = with_a_discarded_branch("apps/python/src/0.py");
    let dir = clone(&repo, &["--filter=blob:none"]);
    assert_eq!(next_version(&repo, &repo.path), "0.0.1");
    std::fs::rename(&repo.path, repo.world().join("gone")).unwrap();
    assert_eq!(next_version(&repo, &dir), "0.0.1");
}

#[test]
fn a_clone_without_the_files_of_a_discarded_side_branch_warns_and_says_how_to_get_them() {
    // Both branches change the same file, so only its contents show that the merge discarded one.
    let repo = with_a_discarded_branch("apps/python/src/demo_agent/__init__.py");
    assert_eq!(next_version(&repo, &repo.path), "0.0.1");
    let dir = clone(&repo, &["--filter=blob:none"]);
    let plan = repo.xtask_in(&dir, &["plan", "python"]);
    expect![[r#"
        exit code 0
        python  0.0.0 → 0.1.0  (major, but 0.y: minor)
          counts since python-v0.0.0
            1234567  fix    more
            1234567  feat!  another first argument  breaking
            1234567  fix    answer 405
          evidence
            commits   major    feat!: another first argument (1234567) and 2 more
            tags      > 0.0.0  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
        stderr:
        warning[side-branch-undecided]: python: commit "feat!: another first argument" (1234567) may come from a side branch whose changes a merge discarded; this partial clone lacks the files that tell, so these commits count, and a full clone may plan a lower version
          → git fetch --refetch --no-filter, then run it again
    "#]].assert_eq(&plan.seen());
    // The command of the help.
    repo.git_in(&dir, &["fetch", "--quiet", "--refetch", "--no-filter"]);
    assert_eq!(next_version(&repo, &dir), "0.0.1");
}
