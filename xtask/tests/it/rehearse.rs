//! Rehearsals of a small app: complete, failed, interrupted and killed. None leaves a process or a file
//! behind.

use crate::demo;
use crate::supervise::{all_gone, descendants};
use crate::support::{Output, Repo, Servers, run};
use camino::Utf8Path;
use expect_test::expect;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const HOOKS: &str = "assert_lefthook_installed: true\n\
    pre-commit:\n  jobs:\n    - run: cargo xtask check --affected --quick --reuse\n\
    pre-push:\n  jobs:\n    - run: cargo xtask check --affected --quick --reuse\n";

/// A repository with the demo app and the hooks, committed and never released.
pub(crate) fn repo() -> Repo {
    let repo = demo::files(&["python"]);
    repo.write("lefthook.yml", HOOKS);
    repo.xtask(&["openapi", "generate", "python"]).expect(0);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: a server that says who it is"]);
    repo
}

/// The files and folders that rehearsals have left in the target folder.
fn left(repo: &Repo) -> Vec<String> {
    let Ok(entries) = repo.path.join("target/rehearsal").read_dir_utf8() else { return Vec::new() };
    entries
        .map(|e| e.unwrap().file_name().to_string())
        .filter(|name| ![".guard", "report.json"].contains(&name.as_str()))
        .collect()
}

/// Runs `run`, and checks that it changed nothing in the repository outside of `target/`.
#[track_caller]
fn untouched<T>(repo: &Repo, run: impl FnOnce() -> T) -> T {
    let snapshot =
        || repo.snapshot().lines().filter(|l| !l.starts_with("target/")).collect::<Vec<_>>().join("\n");
    let before = snapshot();
    let result = run();
    assert_eq!(before, snapshot(), "the repository has changed");
    result
}

fn rehearse(repo: &Repo, args: &[&str]) -> Output {
    let args: Vec<&str> = ["rehearse", "python"].iter().chain(args).copied().collect();
    repo.xtask(&args)
}

/// Starts a rehearsal, and waits until its servers run. Returns the process and all its descendants.
fn started(repo: &Repo) -> (Child, BTreeSet<i32>) {
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    let mut child = command
        .args(["rehearse", "python", "--without", "image"])
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(|l| l.unwrap());
    lines.find(|line| line.contains("clone and hooks")).expect("the servers start");
    // Read the rest, otherwise the rehearsal blocks when the pipe is full.
    std::thread::spawn(move || lines.count());
    let pids = descendants(child.id() as i32);
    assert!(pids.len() >= 4, "two indexes, each with its supervisor: {pids:?}");
    (child, pids)
}

#[test]
fn a_rehearsal_meets_every_criterion_and_leaves_no_files() {
    let repo = repo();
    let output = untouched(&repo, || rehearse(&repo, &["--json"])).expect(0);
    let report = &output.json()["report"];
    let criteria: Vec<String> = report["criteria"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["criterion"].as_str().unwrap().to_string())
        .collect();
    assert!(report["criteria"].as_array().unwrap().iter().all(|c| c["seen"].is_string()), "{report:#}");
    for expected in [
        "python-v0.0.1: the branch's push built an image",
        "python-v0.0.1: pull request to development passed and merged cleanly",
        "git tag python-v0.0.1",
        "demo-agent==0.0.1 published",
        "CHANGELOG.md has python-v0.0.1",
        "release page python-v0.0.1",
        "python-v0.0.1: downstream repository told",
        "one comment on each pull request",
        "git tag python-v0.0.2",
        "git tag python-v0.0.3",
        "hooks fired at every commit and push",
        "image latest is v0.0.3 of python",
        "a promotion that loses a hotfix is refused",
        "rollback of python v0.0.3",
        "evidence for the version of python",
        "an undeclared break of python is refused",
        "a feature that a squash loses is found",
    ] {
        assert!(criteria.iter().any(|c| c == expected), "{expected} is not among {criteria:#?}");
    }
    assert_eq!(left(&repo), [] as [&str; 0]);
}

/// A repository with a copy of the TypeScript app under the name `third`, whose tags have a form of their
/// own, and with the contract tests.
fn third() -> Repo {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let repo = Repo::empty("repo");
    let listed =
        run(Command::new("git").current_dir(root).args(["ls-files", "apps/ts", "contract"])).expect(0);
    for file in listed.stdout.lines() {
        let target = file.replace("apps/ts/", "apps/third/");
        repo.write(&target, "");
        std::fs::copy(root.join(file), repo.path.join(&target)).unwrap();
        let text = repo.read(&target).replace("@l4b4r4b4b4/fractal-agents-runtime", "@demo/third");
        repo.write(
            &target,
            text.replace("name = \"ts\"", "name = \"third\"")
                .replace("agents-runtime-ts", "agents-runtime-third"),
        );
    }
    let settings = repo.read("apps/third/app.toml");
    let release = "[release]\ntag = \"{package}@{version}\"";
    repo.write("apps/third/app.toml", settings.replace("[release]", release));
    repo.write("lefthook.yml", HOOKS);
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n");
    repo.write(".gitignore", "/target/\nnode_modules/\ndist/\n__pycache__/\n");
    repo.xtask(&["openapi", "generate"]).expect(0);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: a third app"]);
    repo
}

#[test]
fn a_copy_of_an_app_under_a_third_name_is_planned_built_and_released() {
    let repo = third();
    let plan = repo.xtask(&["plan", "third", "--json"]).expect(0).json();
    assert_eq!(plan["apps"][0]["next"], "0.0.1");
    let output = untouched(&repo, || {
        repo.xtask(&["rehearse", "third", "--without", "hotfix", "--without", "image", "--json"])
    })
    .expect(0);
    let report = &output.json()["report"];
    let seen = report["criteria"].as_array().unwrap();
    for expected in [
        "git tag @demo/third@0.0.1",
        "@demo/third==0.0.1 published",
        "CHANGELOG.md has @demo/third@0.0.1",
        "rollback of third v0.0.2",
    ] {
        assert!(
            seen.iter().any(|c| c["criterion"] == expected && c["seen"].is_string()),
            "{expected} is not among {seen:#?}"
        );
    }
    assert!(!output.stdout.contains("python"), "another app is in {}", output.stdout);
}

#[test]
fn a_rehearsal_first_repeats_the_last_release_from_its_tag() {
    let world = demo::World::new();
    world.xtask(&["release", "python"]).expect(0);
    let repo = &world.repo;
    repo.git(&["fetch", "--quiet", "--tags", "origin"]);
    repo.commit("lefthook.yml", HOOKS, "build: hooks");
    repo.commit("apps/python/README.md", "# demo-agent, edition 2\n", "feat: another page");
    let output = untouched(repo, || rehearse(repo, &["--without", "image", "--without", "hotfix"])).expect(0);
    assert!(output.stderr.contains("released again from its tag"), "{}", output.stderr);
    assert!(
        output.stdout.contains("python v0.1.0 ") && output.stdout.contains("python v0.1.1 "),
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains("python v0.0.1 "), "{}", output.stdout);
}

/// The run with the fault has verified the release already; the second one finds nothing left.
#[test]
fn a_rehearsed_fault_that_the_release_survives_counts_as_verified() {
    let repo = repo();
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args(["rehearse", "python", "--without", "image", "--without", "hotfix"]);
    let output = run(command.args(["--fault", "503@publish"])).expect(0);
    assert!(output.stderr.contains("the release went on by itself"), "{}", output.stderr);
    assert!(output.stderr.contains("503@publish"), "{}", output.stderr);
}

#[test]
fn a_report_lists_what_was_left_out_and_a_killed_release_is_completed() {
    let repo = repo();
    let started = std::time::SystemTime::now();
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args(["rehearse", "python", "--keep", "--without", "image", "--without", "hotfix"]);
    command.args(["--kill-at", "publish"]);
    let (output, processes) = untouched(&repo, || crate::watched::watch(&mut command));
    let output = output.expect(0);
    // Its registries' tokens are in no log and in no argument.
    let tokens: BTreeSet<&str> = processes
        .iter()
        .flat_map(|process| process.environment.split(' '))
        .filter_map(|pair| pair.split_once('=').filter(|(name, _)| name.ends_with("PYPI_TOKEN")))
        .map(|(_, token)| token)
        .collect();
    assert_eq!(tokens.len(), 2, "the index and the staging index");
    let forms: Vec<String> = tokens.iter().flat_map(|token| crate::watched::forms(token)).collect();
    let with = crate::watched::files_with(&repo.path.join("target/rehearsal"), started, &forms);
    assert!(with.is_empty(), "{with:#?}");
    let arguments = processes.iter().map(|process| &process.arguments);
    for text in arguments.chain([&output.stdout, &output.stderr]) {
        assert!(!forms.iter().any(|form| text.contains(form.as_str())), "{text}");
    }
    repo.xtask(&["rehearse", "--clean"]).expect(0);
    assert!(output.stdout.contains("NOT REHEARSED"), "{}", output.stdout);
    assert!(output.stderr.contains("killed as requested"), "{}", output.stderr);
    assert!(
        output.stdout.contains("python v0.0.2 ") && !output.stdout.contains("package, image"),
        "{}",
        output.stdout
    );
}

#[test]
fn a_failed_rehearsal_shows_the_step_the_end_of_its_log_and_the_folder() {
    let repo = repo();
    // A release that was made by hand, and that this tool would refuse.
    repo.git(&["tag", "--annotate", "--message", "by hand", "python-v0.7.0"]);
    repo.commit("apps/python/openapi.json", "{}\n", "docs: a spec that does not match the code");
    let output = untouched(&repo, || rehearse(&repo, &["--without", "image"])).expect(1);
    for expected in [
        "- last release, python-v0.7.0",
        "exit code 3; error[",
        "step \"branch, fix and bump\" failed",
        "kept for inspection: ",
    ] {
        assert!(output.stderr.contains(expected), "{expected} is missing in {}", output.stderr);
    }
    let (before, _) = output.stderr.split_once(".log:").expect("the error names the log");
    let log = format!("{}.log", before.rsplit("the end of ").next().unwrap());
    assert!(std::fs::read_to_string(log).unwrap().contains("spec-stale"));
    let cleaned = repo.xtask(&["rehearse", "--clean"]).expect(0);
    assert!(cleaned.stderr.contains("removed "), "{}", cleaned.stderr);
    assert_eq!(left(&repo), [] as [&str; 0]);
}

#[test]
fn a_killed_rehearsal_leaves_no_process_and_its_folder_is_removed_later() {
    let repo = repo();
    let (mut child, pids) = started(&repo);
    child.kill().unwrap();
    child.wait().unwrap();
    all_gone(&pids);
    assert!(!left(&repo).is_empty());
    repo.xtask(&["rehearse", "--clean"]).expect(0);
    assert_eq!(left(&repo), [] as [&str; 0]);
}

#[test]
fn an_interrupted_rehearsal_stops_everything_and_keeps_its_logs() {
    let repo = repo();
    let (mut child, pids) = started(&repo);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(!child.wait().unwrap().success());
    all_gone(&pids);
    let kept = left(&repo);
    let logs: Vec<_> = kept
        .iter()
        .map(|name| repo.path.join("target/rehearsal").join(name).join("logs"))
        .filter(|dir| dir.is_dir())
        .collect();
    assert_eq!(logs.len(), 1, "{kept:?}");
    assert!(logs[0].read_dir_utf8().unwrap().next().is_some(), "no log in {}", logs[0]);
}

#[test]
fn a_folder_in_use_is_not_removed() {
    let repo = repo();
    let (mut child, _) = started(&repo);
    let before = left(&repo);
    expect![[r#"
        exit code 0
        nothing to remove in WORLD/Prüfung #1; mit Raum/target/rehearsal
    "#]]
    .assert_eq(&repo.xtask(&["rehearse", "--clean"]).seen());
    assert_eq!(left(&repo), before);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_shallow_repository_is_refused_with_the_reason() {
    let repo = repo();
    let shallow = repo.world().join("shallow");
    repo.commit("notes.md", "", "docs: notes");
    repo.git(&["clone", "--quiet", "--depth=1", &format!("file://{}", repo.path), shallow.as_str()]);
    expect![[r#"
        exit code 2
        error: a rehearsal needs the whole history: git fetch --unshallow --tags
    "#]]
    .assert_eq(&repo.xtask_in(&shallow, &["rehearse", "python"]).seen());
}

#[test]
fn a_repository_with_a_single_branch_is_rehearsed_with_two_releases() {
    let repo = repo();
    repo.git(&["rm", "--quiet", "lefthook.yml"]);
    repo.commit("Cargo.toml", "[workspace.metadata.xtask]\ndevelopment = \"main\"\n", "chore: one branch");
    let output = untouched(&repo, || rehearse(&repo, &["--json"])).expect(0);
    let report = &output.json()["report"];
    let seen = report["criteria"].as_array().unwrap();
    for expected in [
        "python-v0.0.1: the branch's push built an image",
        "python-v0.0.1: pull request to main passed and merged cleanly",
        "python-v0.0.1: main built an image",
        "git tag python-v0.0.1",
        "git tag python-v0.0.2",
        "demo-agent==0.0.2 published",
        "image latest is v0.0.2 of python",
        "rollback of python v0.0.2",
        "git hooks",
        "an undeclared break of python is refused",
        "a feature that a squash loses is found",
    ] {
        assert!(
            seen.iter().any(|c| c["criterion"] == expected && c["seen"].is_string()),
            "{expected} is not among {seen:#?}"
        );
    }
    assert!(!output.stdout.contains("hotfix"), "{}", output.stdout);
    assert_eq!(left(&repo), [] as [&str; 0]);
}

#[test]
fn the_remote_accepts_only_branches_and_new_tags() {
    let repo = Repo::new();
    let data = repo.world().join("data");
    let servers = Servers::start(&repo, &data);
    let url = &servers.env["XTASK_REMOTE"];
    let push = |args: &[&str]| run(repo.command("git", &repo.path).args(["push", "--quiet", url]).args(args));
    let first = repo.head();
    repo.change("fix: more");
    push(&["HEAD:refs/heads/feat/x", "HEAD:refs/tags/v1"]).expect(0);
    for (refspec, why) in [
        ("HEAD:refs/heads/main", "protected"),
        ("HEAD:refs/heads/development", "protected"),
        (":refs/heads/feat/x", "delet"),
        (":refs/tags/v1", "exists"),
        (&format!("+{first}:refs/heads/feat/x"), "non-fast-forward"),
        (&format!("+{first}:refs/tags/v1"), "exists"),
        ("HEAD:refs/pull/1/head", "is not a branch or a tag"),
    ] {
        let refused = push(&[refspec]).expect(1);
        assert!(refused.stderr.contains(why), "{refspec}: {}", refused.stderr);
    }
    assert_eq!(
        repo.git_in(servers.remote(), &["for-each-ref", "--format=%(refname)"]),
        "refs/heads/feat/x\nrefs/tags/v1"
    );
}
