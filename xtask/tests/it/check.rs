//! `lint`, `test` and `check`: when an earlier result is reused.

use crate::support::{APP_TOML, Output, PYPROJECT, Repo, run};
use expect_test::expect;

const REUSED: &str = "passed on this machine before, with the same files";

#[test]
fn a_passed_check_is_reused_with_reuse_and_identical_files() {
    let repo = Repo::new();
    repo.commit(".gitignore", ".venv/\nuv.lock\n", "chore: ignore what uv makes");
    let reused =
        |args: &[&str]| repo.xtask(&[&["lint", "python"], args].concat()).expect(0).stderr.contains(REUSED);
    assert!(!reused(&[]));
    assert!(!reused(&[]), "without --reuse");
    assert!(reused(&["--reuse"]));
    repo.write("apps/python/src/demo_agent/__init__.py", format!("VALUE = {:?}\n", repo.path));
    assert!(!reused(&["--reuse"]), "a file is neither staged nor committed");
    repo.git(&["add", "--all"]);
    assert!(!reused(&["--reuse"]), "these files were never checked");
    repo.git(&["commit", "--quiet", "--message", "fix: another value"]);
    assert!(reused(&["--reuse"]), "they were when they were staged");
    repo.write("apps/python/src/demo_agent/new.py", "");
    assert!(!reused(&["--reuse"]), "a file is not known to git");
}

#[test]
fn the_printed_spec_is_reused_with_reuse_and_identical_files() {
    let repo = Repo::new();
    let app = format!(
        "{APP_TOML}\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"python\", \"spec.py\"]\n\
         serve = [\"true\"]\n"
    );
    let asked = repo.path.join(".git/asked");
    repo.write(".gitignore", ".venv/\nuv.lock\n");
    repo.write("apps/python/app.toml", app);
    repo.write("apps/python/spec.py", format!("print(\"{{}}\")\nopen({asked:?}, \"a\").write(\".\")\n"));
    repo.commit("apps/python/openapi.json", "{}\n", "feat: a spec");
    let check = |args: &[&str]| {
        let said = repo.xtask(&[&["check", "python", "--quick"], args].concat()).expect(0).stderr;
        (
            std::fs::read_to_string(&asked).unwrap().len(),
            said.contains("matched the code on this machine before, with the same files"),
        )
    };
    assert_eq!(check(&[]), (1, false));
    assert_eq!(check(&["--reuse"]), (2, false), "nothing was cached");
    assert_eq!(check(&["--reuse"]), (2, true));
    assert_eq!(check(&[]), (3, false), "without --reuse");
    repo.write("apps/python/src/demo_agent/__init__.py", "VALUE = 1\n");
    assert_eq!(check(&["--reuse"]), (4, false), "a file is neither staged nor committed");
    repo.git(&["add", "--all"]);
    assert_eq!(check(&["--reuse"]), (5, false), "the code was never run with these files");
    repo.git(&["commit", "--quiet", "--message", "fix: another value"]);
    assert_eq!(check(&["--reuse"]), (5, true), "it was when they were staged");
    let spec =
        repo.read("apps/python/spec.py") + "open(\"src/demo_agent/__init__.py\", \"a\").write(\"\\n\")\n";
    repo.commit("apps/python/spec.py", &spec, "fix: a file that changes while the code is asked");
    assert_eq!(check(&["--reuse"]), (6, false));
    repo.git(&["checkout", "--quiet", "."]);
    assert_eq!(check(&["--reuse"]), (7, false), "the files of the cached spec are unknown");
}

#[test]
fn a_spec_is_checked_outside_a_git_repository() {
    let repo = Repo::new();
    let app = format!(
        "{APP_TOML}\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"python\", \"spec.py\"]\n\
         serve = [\"true\"]\n"
    );
    repo.write("apps/python/app.toml", app);
    repo.write("apps/python/spec.py", "print(\"{}\")\n");
    repo.write("apps/python/openapi.json", "{}\n");
    std::fs::remove_dir_all(repo.path.join(".git")).unwrap();
    expect![[r#"
        exit code 0
          ✓ openapi-python    the committed spec matches the code (TIME)
    "#]]
    .assert_eq(&repo.xtask(&["openapi", "check", "python"]).expect(0).seen());
}

#[test]
fn check_reports_every_stale_file() {
    let repo = Repo::new();
    repo.change("feat: something to release");
    repo.write(
        "apps/python/pyproject.toml",
        repo.read("apps/python/pyproject.toml").replace("0.0.0", "0.0.0rc1.post1"),
    );
    let output = repo.xtask(&["check", "python"]);
    assert_ne!(output.code, 0, "{output:#?}");
    expect![[r#"
        exit code 2
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
          ✓ test-python       no tests: a fixture (TIME)
        error: apps/python/pyproject.toml: "0.0.0rc1.post1" has a post-release, which SemVer has no equal for; use X.Y.Z, X.Y.ZaN, X.Y.ZbN or X.Y.ZrcN
    "#]].assert_eq(&output.seen());
}

#[test]
fn without_a_development_branch_a_feature_is_compared_with_main() {
    let repo = Repo::new();
    repo.git(&["switch", "--quiet", "--create", "feat/x"]);
    repo.commit("notes.txt", "a note\n", "docs: a note");
    let out = repo.xtask(&["lint", "--affected"]).expect(0);
    expect![[r#"
        exit code 0
        note: there is no branch development: compared with main; create it once: git push origin main:development
        nothing to check: neither an app nor xtask changed since 1234567
    "#]].assert_eq(&out.seen());
    repo.git(&["branch", "development", "main"]);
    let out = repo.xtask(&["lint", "--affected"]).expect(0);
    expect![[r#"
        exit code 0
        nothing to check: neither an app nor xtask changed since 1234567
    "#]]
    .assert_eq(&out.seen());
}

#[test]
fn a_workspace_above_the_git_repository_is_refused() {
    let repo = Repo::new();
    let inner = repo.path.join("inner");
    std::fs::create_dir_all(inner.join("deep")).unwrap();
    repo.git_in(&inner, &["init", "--quiet"]);
    let out = repo.xtask_in(&inner.join("deep"), &["plan", "python"]);
    assert_eq!(out.code, 2, "{out:?}");
    expect![[r#"
        exit code 2
        error: no app in WORLD/repo/inner/apps: an app is a folder with an app.toml. If the apps are elsewhere, set apps = "FOLDER" in [workspace.metadata.xtask] of Cargo.toml
    "#]].assert_eq(&out.seen());
}

#[test]
fn processes_of_a_rehearsal_work_only_in_its_folder() {
    let repo = Repo::new();
    let plan = |folder: &camino::Utf8Path, args: &[&str]| {
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        run(command.args(args).args(["plan", "python"]).env("XTASK_REHEARSAL", folder))
    };
    for folder in [
        repo.world().join("home"),
        repo.world().join("rep"),
        repo.world().join("none"),
        repo.path.join("apps"),
    ] {
        for args in [&[][..], &["--root", repo.path.as_str()]] {
            let out = plan(&folder, args).expect(2);
            let end = "so the command is refused; if this is not a rehearsal: unset XTASK_REHEARSAL\n";
            let why = format!("is not in the rehearsal's folder (XTASK_REHEARSAL={folder})");
            assert!(out.stderr.ends_with(&format!("{why}, {end}")), "{out:?}");
        }
    }
    expect![[r#"
        exit code 0
        python  not released yet → 0.0.1  (first)
          does not count
            1234567  chore  begin  chore releases nothing
          evidence
            commits   none      none of 1 commit counts
            manifest  >= 0.0.1  the first release; apps/python/pyproject.toml has 0.0.0
            index     ?         not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump python (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&plan(repo.world(), &[]).seen());
}

#[test]
fn a_failed_check_names_the_changes_that_are_not_part_of_the_commit() {
    let repo = Repo::new();
    let settings = format!("{APP_TOML}commands.lint = [[\"false\"]]\n");
    repo.write("apps/python/app.toml", settings);
    repo.commit(".gitignore", ".venv/\nuv.lock\n", "chore: ignore what uv makes");
    let hook = repo.path.join(".git/hooks/pre-commit");
    let script = format!("#!/bin/sh\nexec '{}' check --affected --quick\n", env!("CARGO_BIN_EXE_xtask"));
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, script).unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let file = "apps/python/src/demo_agent/__init__.py";
    repo.write(file, "VALUE = 2\n");
    repo.write("apps/python/src/demo_agent/new.py", "");
    let commit = |args: &[&str]| {
        let args = [&["commit", "--quiet", "--message", "fix: a"], args].concat();
        let output = run(repo.command("git", &repo.path).args(args));
        assert_eq!(output.code, 1, "{output:?}");
        output.seen_findings()
    };
    // Git names the index of these commits in the environment.
    let mut seen = [&["--all"][..], &["--", file]].map(commit).concat();
    repo.git(&["add", "apps/python/src/demo_agent/new.py"]);
    seen.push_str(&commit(&[]));
    repo.git(&["add", "--all"]);
    seen.push_str(&commit(&[]));
    expect![[r#"
        exit code 1
        error[lint]: python: false: `/usr/bin/env false`: exit code 1 (apps/python)

        warning[not-in-commit]: the checks also read changes that are not part of the commit:
          apps/python/src/demo_agent/new.py (new)
          → if these changes cause the failure, git add them, or put them aside: git stash --keep-index --include-untracked
        error: 1 finding to fix first
        exit code 1
        error[lint]: python: false: `/usr/bin/env false`: exit code 1 (apps/python)

        warning[not-in-commit]: the checks also read changes that are not part of the commit:
          apps/python/src/demo_agent/new.py (new)
          → if these changes cause the failure, git add them, or put them aside: git stash --keep-index --include-untracked
        error: 1 finding to fix first
        exit code 1
        error[lint]: python: false: `/usr/bin/env false`: exit code 1 (apps/python)

        warning[not-in-commit]: the checks also read changes that are not part of the commit:
          apps/python/src/demo_agent/__init__.py (changed)
          → if these changes cause the failure, git add them, or put them aside: git stash --keep-index --include-untracked
        error: 1 finding to fix first
        exit code 1
        error[lint]: python: false: `/usr/bin/env false`: exit code 1 (apps/python)

        error: 1 finding to fix first
    "#]]
    .assert_eq(&seen);
}

/// Without a lock file of the app uv writes one, and a check must not leave it: the next one would take it
/// for the app's.
#[test]
fn a_check_that_is_killed_leaves_no_lock_file() {
    let repo = Repo::new();
    let app = repo.path.join("apps/python");
    repo.write("apps/python/app.toml", APP_TOML.replace("no-tests = \"a fixture\"", "test = [[\"true\"]]"));
    let backend = "[build-system]\nrequires = []\nbuild-backend = \"slow\"\nbackend-path = [\".\"]\n";
    repo.write("apps/python/pyproject.toml", format!("{PYPROJECT}\n{backend}"));
    let slow = "import pathlib, time\n\n\ndef build_editable(*_):\n    \
        pathlib.Path(\"building\").touch()\n    time.sleep(600)\n";
    repo.commit("apps/python/slow.py", slow, "feat: a slow build");
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    let mut check = command.args(["test", "python"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let until = |what: &str, done: &mut dyn FnMut() -> bool| {
        let started = std::time::Instant::now();
        while !done() {
            assert!(started.elapsed() < std::time::Duration::from_secs(120), "{what}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    until("it does not build", &mut || {
        assert!(check.try_wait().unwrap().is_none(), "it has ended");
        app.join("building").exists()
    });
    assert!(app.join("uv.lock").exists(), "this uv writes no lock file before it builds");
    let processes = crate::supervise::descendants(check.id() as i32);
    check.kill().unwrap();
    check.wait().unwrap();
    until("uv.lock is still there", &mut || !app.join("uv.lock").exists());
    crate::supervise::all_gone(&processes);
}

#[test]
fn hooks_are_not_installed_where_git_does_not_look() {
    let repo = Repo::new();
    repo.write("lefthook.yml", "pre-commit:\n  jobs:\n    - run: true\n");
    let shared = repo.world().join("hooks of all repositories");
    std::fs::create_dir(&shared).unwrap();
    repo.git(&["config", "--global", "core.hooksPath", shared.as_str()]);
    let setup = repo.xtask(&["setup"]);
    expect![[r#"
        exit code 0
        Tools
          ✓ uv                VERSION  CACHE/tools/uv/bin/uv (TIME)
          ✓ lefthook          VERSION  CACHE/tools/lefthook/bin/lefthook (TIME)
          ✓ twine             VERSION  CACHE/tools/twine/bin/twine (TIME)
          ✓ griffe            VERSION  CACHE/tools/griffe/bin/griffe (TIME)
          ✓ pypiserver        VERSION  CACHE/tools/pypiserver/bin/pypi-server (TIME)
          ✓ python            PYTHON (TIME)
          ✓ unused            STATE (TIME)
        Hooks
          - lefthook          git runs the hooks in WORLD/hooks of all repositories (core.hooksPath), so hooks of this checkout would not run; to use these here: git config core.hooksPath "$(git rev-parse --git-common-dir)/hooks", then cargo xtask setup
    "#]].assert_eq(&setup.seen());
    let said = setup.stderr;
    assert_eq!(std::fs::read_dir(&shared).unwrap().count(), 0);
    assert!(!repo.path.join(".git/hooks/pre-commit").exists());
    // The command of the message.
    let advice = "git config core.hooksPath \"$(git rev-parse --git-common-dir)/hooks\"";
    assert!(said.contains(advice), "{said}");
    assert_eq!(run(repo.command("sh", &repo.path).args(["-c", advice])).code, 0);
    repo.xtask(&["setup"]).expect(0);
    assert!(repo.path.join(".git/hooks/pre-commit").exists());
    // A folder of this repository is used, unless its files are committed: they name paths of this machine.
    repo.git(&["config", "core.hooksPath", ".hooks"]);
    let said = repo.xtask(&["setup"]);
    expect![[r#"
        exit code 0
          ✓ lefthook          VERSION  CACHE/tools/lefthook/bin/lefthook (TIME)
          - lefthook          git runs the hooks in .hooks (core.hooksPath), so hooks of this checkout would not run; to use these here: git config core.hooksPath "$(git rev-parse --git-common-dir)/hooks", then cargo xtask setup
    "#]].assert_eq(&said.seen_lines(&["lefthook  "]));
    assert!(!repo.path.join(".hooks").exists());
    repo.commit(".gitignore", ".hooks/\n", "chore: ignore the hooks");
    repo.xtask(&["setup"]).expect(0);
    assert!(repo.path.join(".hooks/pre-commit").exists());
    repo.git(&["config", "core.hooksPath", ".git/mine"]);
    repo.xtask(&["setup"]).expect(0);
    assert!(repo.path.join(".git/mine/pre-commit").exists());
}

#[test]
fn a_dry_run_of_setup_shows_what_is_installed_already() {
    let repo = Repo::new();
    repo.xtask(&["setup"]).expect(0);
    let installed = repo.xtask(&["setup", "--dry-run"]).seen_lines(&["uv  ", "twine"]);
    expect![[r#"
        exit code 0
          ✓ uv                VERSION  CACHE/tools/uv/bin/uv (TIME)
          ✓ twine             VERSION  CACHE/tools/twine/bin/twine (TIME)
    "#]]
    .assert_eq(&installed);
    let mut empty = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    empty.args(["setup", "--dry-run"]).env("XTASK_CACHE", repo.world().join("cache"));
    expect![[r#"
        exit code 0
          - uv                0.13.8 would be installed into WORLD/cache/tools
          - twine             7.0.0 would be installed into WORLD/cache/tools
    "#]]
    .assert_eq(&run(&mut empty).seen_lines(&["uv  ", "twine"]));
}

/// What hooks start: cargo, or the built xtask where it is newer than its sources.
struct Hook {
    repo: Repo,
    home: camino::Utf8PathBuf,
}

impl Hook {
    fn new() -> Hook {
        let repo = Repo::new();
        let home = repo.world().join("cargo");
        let sources = "xtask/src/main.rs xtask/diff/src/lib.rs xtask/build.rs xtask/Cargo.toml \
                       xtask/diff/Cargo.toml Cargo.lock rust-toolchain.toml .cargo/config.toml";
        for file in sources.split_whitespace().filter(|file| !repo.path.join(file).exists()) {
            repo.write(file, "");
        }
        Hook { repo, home }
    }

    fn program(&self, at: &camino::Utf8Path, says: &str) {
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, format!("#!/bin/sh\necho {says} $@\n")).unwrap();
        std::fs::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn run(&self) -> Output {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/xtask");
        let mut command = self.repo.command(program, &self.repo.path);
        command.env_remove("CARGO_TARGET_DIR").env("PATH", "/usr/bin:/bin").env("CARGO_HOME", &self.home);
        run(command.arg("check"))
    }

    /// Gives a file or folder a time in seconds since 1970.
    fn dated(&self, path: &str, seconds: u64) {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        std::fs::File::open(self.repo.path.join(path)).unwrap().set_modified(time).unwrap();
    }
}

#[test]
fn a_client_without_the_shells_path_finds_cargo_or_is_told() {
    let hook = Hook::new();
    if !std::path::Path::new("/usr/bin/cargo").exists() {
        let output = hook.run();
        expect![[r#"
            exit code 1
            The git hook needs cargo, which is not in PATH (/usr/bin:/bin:WORLD/cargo/bin). Start the git client from a terminal,
            or install Rust (https://rustup.rs) and try again.
        "#]].assert_eq(&output.seen());
    }
    hook.program(&hook.home.join("bin/cargo"), "cargo ran");
    assert_eq!(hook.run().stdout, "cargo ran xtask check\n");
}

#[test]
fn a_hook_starts_the_built_xtask_only_if_it_is_newer_than_every_source() {
    let hook = Hook::new();
    hook.program(&hook.home.join("bin/cargo"), "cargo ran");
    hook.program(&hook.repo.path.join("target/debug/xtask"), "built ran");
    let old = ["xtask/src", "xtask/src/main.rs", "xtask/diff/src", "xtask/diff/src/lib.rs", "xtask/build.rs"];
    let rest = ["xtask/Cargo.toml", "xtask/diff/Cargo.toml", "Cargo.toml", "Cargo.lock"];
    let toolchain = ["rust-toolchain.toml", ".cargo", ".cargo/config.toml"];
    let all = [&old[..], &rest, &toolchain].concat();
    for path in &all {
        hook.dated(path, 1_000);
    }
    hook.dated("target/debug/xtask", 2_000);
    assert_eq!(hook.run().stdout, "built ran check\n");
    for path in &all {
        hook.dated(path, 3_000);
        assert_eq!(hook.run().stdout, "cargo ran xtask check\n", "{path} is newer");
        hook.dated(path, 1_000);
    }
    std::fs::remove_file(hook.repo.path.join("xtask/build.rs")).unwrap();
    assert_eq!(hook.run().stdout, "cargo ran xtask check\n", "a source is missing");
}

#[test]
fn a_check_without_a_lock_file_creates_none_and_says_how_to() {
    let repo = Repo::new();
    repo.commit(".gitignore", ".venv/\n", "chore: ignore");
    expect![[r#"
        exit code 0
          ✓ lint-python       no linter is configured; uv.lock is missing: cd apps/python && uv lock (TIME)
    "#]]
    .assert_eq(&repo.xtask(&["lint"]).seen());
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

/// The lock file of a uv workspace is at its root, and stale after somebody changed the version by hand.
#[test]
fn a_check_does_not_change_the_lock_file_of_a_workspace() {
    let repo = Repo::new();
    let root = "[project]\nname = \"root\"\nversion = \"0.0.0\"\nrequires-python = \">=3.11\"\n\
                [tool.uv.workspace]\nmembers = [\"apps/*\"]\n";
    let member = |name: &str, version: &str, at: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = {{ virtual = \"{at}\" }}\n\n"
        )
    };
    let lock = |version: &str| {
        let head = "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n\
                    [manifest]\nmembers = [\n    \"demo-agent\",\n    \"root\",\n]\n\n";
        format!(
            "{head}{}{}",
            member("demo-agent", version, "apps/python"),
            member("root", "0.0.0", ".").trim_end().to_string() + "\n"
        )
    };
    repo.write("pyproject.toml", root);
    repo.write(".gitignore", ".venv/\n");
    repo.commit("uv.lock", &lock("0.0.0"), "build: a workspace");
    expect![[r#"
        exit code 0
          ✓ lint-python       uv lock (TIME)
    "#]]
    .assert_eq(&repo.xtask(&["lint"]).seen());
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    repo.change("feat: x");
    repo.xtask(&["bump", "python"]).expect(0);
    repo.xtask(&["lint"]).expect(0);
    repo.commit("uv.lock", &lock("0.0.5"), "chore: stale");
    expect![[r#"
        exit code 3
          ✗ lint-python       1 failed (TIME)
        error[lint]: python: uv lock: uv.lock does not match pyproject.toml: `CACHE/tools/uv/bin/uv lock --check --python PYTHON --default-index https://pypi.org/simple`: exit code 1 (apps/python)
        Resolved 2 packages in TIME
        error: The lockfile at `uv.lock` needs to be updated, but `--check` was provided.

        hint: To update the lockfile, run `uv lock`.
          → `uv lock` updates uv.lock
        error: 1 finding to fix first
    "#]].assert_eq(&repo.xtask(&["lint"]).seen());
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

/// The settings of the apps there were not written for xtask's scripts.
#[test]
fn a_copy_of_xtask_is_linted_without_its_scripts() {
    let repo = Repo::new();
    repo.write("Cargo.toml", "[workspace]\nmembers = [\"xtask\"]\nresolver = \"3\"\n");
    repo.write("xtask/Cargo.toml", "[package]\nname = \"xtask\"\nedition = \"2024\"\n");
    repo.write("xtask/src/main.rs", "fn main() {}\n");
    repo.write("xtask/src/commands/api/python/reader/read.py", "import  os\n");
    repo.write("apps/python/pyproject.toml", PYPROJECT.to_string() + "[tool.ruff]\n[tool.mypy]\n");
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    // The toolchain of the user.
    command.env("HOME", std::env::var_os("HOME").unwrap()).args(["lint", "xtask"]);
    expect![[r#"
        exit code 0
          ✓ lint-xtask        rustfmt, clippy; no cargo-deny: there is no deny.toml; no ruff, mypy, Biome and tsc: there is no xtask/tests, so this is a copy of xtask (TIME)
    "#]].assert_eq(&run(&mut command).seen());
}
