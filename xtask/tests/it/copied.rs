//! The README's section "In your own monorepo": the files that it copies are complete, and xtask serves other
//! apps with them.

use crate::docs;
use crate::support::{Repo, run};
use camino::{Utf8Path, Utf8PathBuf};
use expect_test::expect;

/// A repository with an app, in which the commands of the README's section were run.
fn copied() -> Repo {
    let readme = docs::read("README.md");
    let (_, section) = readme.split_once("\n## In your own monorepo\n").expect("the section");
    let commands = section.split("```sh\n").nth(1).expect("commands").split("```").next().unwrap();
    let repo = Repo::empty("my monorepo");
    // The files of the checkout as one commit.
    let from = repo.world().join("from");
    repo.git(&["init", "--quiet", from.as_str()]);
    repo.git_in(&from, &["--work-tree", docs::root().as_str(), "add", "--all"]);
    repo.git_in(&from, &["commit", "--quiet", "--message", "chore: a checkout"]);
    assert!(commands.contains("from=../fractal-agents-runtime\n"), "{commands}");
    let commands = commands.replace("../fractal-agents-runtime", "../from");
    let ran = run(repo.command("bash", &repo.path).args(["-euo", "pipefail", "-c", &commands])).expect(0);
    assert_eq!(ran.stderr, "");
    repo
}

fn files(repo: &Repo, pattern: &str) -> Vec<Utf8PathBuf> {
    let found = glob::glob(&format!("{}/{pattern}", repo.path)).unwrap();
    found.map(|path| Utf8PathBuf::try_from(path.unwrap()).unwrap()).collect()
}

/// The paths in the text that follow `start` and end with `end`.
fn quoted<'a>(text: &'a str, start: &str, end: char) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn the_files_that_the_readme_copies_need_no_other_files() {
    let repo = copied();
    let mut missing = Vec::new();
    let mut read = 0;
    for file in files(&repo, "xtask/**/*.rs") {
        let text = std::fs::read_to_string(&file).unwrap();
        for start in ["include_str!(\"", "include_bytes!(\"", "#[path = \""] {
            for path in quoted(&text, start, '"') {
                read += 1;
                if !file.parent().unwrap().join(path).exists() {
                    missing.push(format!("{file}: {path}"));
                }
            }
        }
    }
    // Without the job that the section tells to delete.
    let workflow = repo.read(".github/workflows/ci.yml");
    let (before, rest) = workflow.split_once("\n  artifacts:\n").expect("the job");
    let kept = format!("{before}{}", rest.split_once("\n\n").expect("the next job").1);
    for path in
        [quoted(&kept, "run: .ci/", '\n'), quoted(&repo.read("lefthook.yml"), "run: .ci/", ' ')].concat()
    {
        read += 1;
        if !repo.path.join(".ci").join(path).exists() {
            missing.push(format!(".ci/{path}"));
        }
    }
    assert!(read > 20, "{read} paths");
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(files(&repo, "xtask/tests"), [] as [&Utf8Path; 0]);
}

#[test]
fn nothing_that_the_readme_copies_names_the_apps_of_this_repository() {
    let repo = copied();
    let mut naming = Vec::new();
    for pattern in [".ci/*", ".cargo/*", ".github/**/*.yml", "*"] {
        for file in files(&repo, pattern).into_iter().filter(|file| file.is_file()) {
            let text = std::fs::read_to_string(&file).unwrap();
            let names = |line: &&str| ["fractal", "apps/python", "apps/ts"].iter().any(|n| line.contains(n));
            naming.extend(
                text.lines()
                    .filter(names)
                    .map(|line| format!("{}: {}", file.strip_prefix(&repo.path).unwrap(), line.trim())),
            );
        }
    }
    expect![[r#"
        .github/actions/cache/action.yml: ~/.cache/fractal-xtask
        Cargo.toml: repository = "https://github.com/l4b4r4b4b4/fractal-agents-runtime""#]]
    .assert_eq(&naming.join("\n"));
}

/// An app without a server and an image, with a name that xtask uses for something else.
#[test]
fn xtask_serves_other_apps_where_the_readme_was_followed() {
    let repo = copied();
    let settings = repo.read("Cargo.toml").replace("apps = \"apps\"", "apps = \"packages\"");
    repo.write("Cargo.toml", settings);
    repo.write("packages/api/app.toml", "name = \"api\"\necosystem = \"python\"\npackage = \"api-demo\"\n");
    repo.write(
        "packages/api/pyproject.toml",
        "[project]\nname = \"api-demo\"\nversion = \"0.0.0\"\nrequires-python = \">=3.11\"\n",
    );
    repo.commit("packages/api/src/api/__init__.py", "", "feat: an app");
    expect![[r#"
        exit code 0
        api  not released yet → 0.0.1  (first)
          counts
            1234567  feat  an app
          evidence
            commits   minor     feat: an app (1234567)
            manifest  >= 0.0.1  the first release; packages/api/pyproject.toml has 0.0.0
            index     ?         not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump api (or `cargo xtask promote`, which bumps)
    "#]]
    .assert_eq(&repo.xtask(&["plan"]).seen());
    expect![[r#"
        exit code 0
        api  0.0.0  packages/api/pyproject.toml:3, not released yet
        stderr:
          - runs, secrets, protection, packages: not checked, not set up: XTASK_FORGE_TOKEN or GITHUB_TOKEN
        ✓ all versions agree: no place except the manifest shows a version
    "#]]
    .assert_eq(&repo.xtask(&["audit"]).seen());
    repo.xtask(&["bump", "api"]).expect(0);
}
