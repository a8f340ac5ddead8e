//! `api diff`: each rule and each non-rule on two real source trees, with the real reader; and the command's
//! output.

use crate::api_cases::{self, Case};
use crate::breaks::{app, renamed_under_a_fix};
use crate::skip;
use crate::support::{APP_TOML, Repo, run};
use expect_test::expect;
use std::path::PathBuf;
use std::process::Command;

pub(crate) const FILES: [(&str, &str); 7] = [
    ("conditions", include_str!("api/conditions.txt")),
    ("modules", include_str!("api/modules.txt")),
    ("names", include_str!("api/names.txt")),
    ("signatures", include_str!("api/signatures.txt")),
    ("classes", include_str!("api/classes.txt")),
    ("fields", include_str!("api/fields.txt")),
    ("models", include_str!("api/models.txt")),
];

/// What every snippet may use.
pub(crate) const PRELUDE: &str = include_str!("api/prelude.py");

fn write_side(repo: &Repo, cases: &[Case], new: bool) {
    for (i, case) in cases.iter().enumerate() {
        let folder = format!("apps/python/src/demo_agent/case_{i}");
        let _ = std::fs::remove_dir_all(repo.path.join(&folder));
        repo.write(&format!("{folder}/__init__.py"), PRELUDE);
        for (_, file, text) in case.files.iter().filter(|(is_new, ..)| *is_new == new) {
            let prelude = if file == "__init__.py" { PRELUDE } else { "" };
            repo.write(&format!("{folder}/{file}"), format!("{prelude}{text}"));
        }
    }
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", if new { "fix: all" } else { "feat: all" }]);
}

#[test]
fn every_rule_and_every_non_rule_gives_the_expected_findings() {
    let (repo, cases) = (app(), api_cases::read(&FILES, "__init__.py"));
    write_side(&repo, &cases, false);
    repo.git(&["tag", "python-v0.0.1"]);
    write_side(&repo, &cases, true);
    let document = repo.xtask(&["--json", "api", "diff", "python"]).expect(3).json();
    api_cases::all_right(&cases, &document, |finding| {
        let rest = finding["message"].as_str()?.strip_prefix("demo_agent.case_")?;
        rest.split(['.', ':']).next()?.parse().ok()
    });
}

#[test]
fn a_symbol_renamed_in_a_fix_commit_is_found_with_file_and_line() {
    let repo = renamed_under_a_fix();
    let output = repo.untouched(|| repo.xtask(&["api", "diff", "python"]).expect(3));
    let expected = "\
demo_agent.adapters.base.RuntimeCapabilities
  - class RuntimeCapabilities
  + class AdapterCapabilities
  breaking `RuntimeCapabilities` is now called `AdapterCapabilities`; breaks its users [class-renamed] \
apps/python/src/demo_agent/adapters/base.py:8
1 change: 1 breaking
compared: demo_agent, demo_agent.adapters, demo_agent.adapters.base
";
    assert_eq!(output.stdout, expected);
    assert_eq!(output.stderr, "error: 1 breaking change between python-v0.0.1 and HEAD\n");
}

#[test]
fn every_format_shows_the_same_change() {
    let repo = renamed_under_a_fix();
    let mut seen = String::new();
    for format in ["markdown", "html", "junit", "github", "none"] {
        let output = repo.untouched(|| repo.xtask(&["api", "diff", "python", "--format", format]));
        seen.push_str(&format!("$ --format {format}\n{}", output.seen()));
    }
    expect![[r#"
        $ --format markdown
        exit code 3
        ## Public API of python: python-v0.0.1 and HEAD

        1 change: 1 breaking

        | level | where | change | rule | place |
        |---|---|---|---|---|
        | breaking | demo\_agent.adapters.base.RuntimeCapabilities | \`RuntimeCapabilities\` is now called \`AdapterCapabilities\`; was \`class RuntimeCapabilities\`, is \`class AdapterCapabilities\`; breaks its users | class-renamed | apps/python/src/demo\_agent/adapters/base.py:8 |
        stderr:
        error: 1 breaking change between python-v0.0.1 and HEAD
        $ --format html
        exit code 3
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <title>Public API of python: python-v0.0.1 and HEAD</title>
        <style>body { font-family: sans-serif } td, th { text-align: left; padding: 0.2em 0.6em } .breaking, .error { color: #b00 } .warning { color: #850 }</style>
        </head>
        <body>
        <h1>Public API of python: python-v0.0.1 and HEAD</h1>
        <p>1 change: 1 breaking</p>
        <table>
        <tr><th>level</th><th>where</th><th>change</th><th>rule</th><th>place</th></tr>
        <tr class="breaking"><td>breaking</td><td>demo_agent.adapters.base.RuntimeCapabilities</td><td>`RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users</td><td><code>class-renamed</code></td><td>apps/python/src/demo_agent/adapters/base.py:8</td></tr>
        </table>
        </body>
        </html>
        stderr:
        error: 1 breaking change between python-v0.0.1 and HEAD
        $ --format junit
        exit code 3
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
        <testsuite name="Public API of python: python-v0.0.1 and HEAD" tests="1" failures="1">
        <testcase classname="demo_agent.adapters.base.RuntimeCapabilities" name="class-renamed apps/python/src/demo_agent/adapters/base.py:8"><failure type="breaking" message="`RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users">demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users</failure></testcase>
        </testsuite>
        </testsuites>
        stderr:
        error: 1 breaking change between python-v0.0.1 and HEAD
        $ --format github
        exit code 3
        ::error file=apps/python/src/demo_agent/adapters/base.py,line=8,title=class-renamed::demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
        1 change: 1 breaking
        stderr:
        error: 1 breaking change between python-v0.0.1 and HEAD
        $ --format none
        exit code 2
        error: invalid value 'none' for '--format <FORMAT>'
          [possible values: text, markdown, html, junit, github]

        For more information, try '--help'.
    "#]].assert_eq(&seen);
}

#[test]
fn json_has_the_findings_of_every_command() {
    let repo = renamed_under_a_fix();
    let document = repo.xtask(&["--json", "api", "diff", "python", "python-v0.0.1", "HEAD"]).expect(3).json();
    let message = "demo_agent.adapters.base.RuntimeCapabilities: `RuntimeCapabilities` is now called \
                   `AdapterCapabilities`; \
                   was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users";
    let expected = serde_json::json!({ "schema": 1, "findings": [{
        "id": "class-renamed", "level": "breaking", "app": "python",
            "place": "apps/python/src/demo_agent/adapters/base.py:8",
        "message": message,
        "help": "keep the old name as an alias until the next major version, or declare the break in a \
                 commit: `feat!: …`",
        "symbol": "demo_agent.adapters.base.RuntimeCapabilities",
        "old": "class RuntimeCapabilities", "new": "class AdapterCapabilities", "who": "its users",
    }], "guarded": ["demo_agent", "demo_agent.adapters", "demo_agent.adapters.base"] });
    assert_eq!(document, expected);
    let document = repo.xtask(&["--json", "api", "diff", "python", "HEAD"]).expect(0).json();
    assert_eq!(document["findings"], serde_json::json!([]));
}

#[test]
fn the_stub_of_a_package_gives_the_overloads_of_its_methods() {
    let repo = app();
    let file = |name: &str| format!("apps/python/src/demo_agent/{name}");
    let one = "class Meta:\n    def __init__(self, *, gt: int = 1, lt: int = 1) -> None: ...\n";
    let with = |name: &str| format!("    @overload\n{}", one[12..].replace("lt", name));
    let two =
        |first: &str| format!("from typing import overload\nclass Meta:\n{}{}", with(first), with("le"));
    repo.write(&file("__init__.py"), "from ._core import Meta\n");
    repo.commit(&file("__init__.pyi"), one, "feat: a class of compiled code");
    repo.commit(&file("__init__.pyi"), &two("lt"), "fix: overloads");
    let document = repo.xtask(&["--json", "api", "diff", "python", "HEAD~1"]).expect(0).json();
    assert_eq!(document["findings"], serde_json::json!([]));
    // Without the first of them, a call with `lt` has none.
    repo.commit(&file("__init__.pyi"), &two("ge"), "fix: others");
    let document = repo.xtask(&["--json", "api", "diff", "python", "HEAD~1"]).expect(3).json();
    assert_eq!(document["findings"][0]["id"], "overload-removed");
}

#[test]
fn without_a_release_there_is_nothing_to_compare_with() {
    let repo = app();
    repo.commit("apps/python/src/demo_agent/__init__.py", "VALUE = 1\n", "feat: a value");
    let output = repo.xtask(&["api", "diff", "python"]).expect(0);
    assert_eq!(output.stdout, "python has no release yet: there is nothing to compare with\n");
}

#[test]
fn a_comparison_that_is_impossible_fails_with_the_reason() {
    let repo = app();
    repo.write("apps/ts/app.toml", "name = \"ts\"\necosystem = \"ts\"\npackage = \"demo-agent\"\n");
    repo.write("apps/bare/app.toml", APP_TOML.replace("\"python\"\ne", "\"bare\"\ne"));
    let first =
        repo.commit("apps/python/src/demo_agent/__init__.py", "def f(a):\n    return (\n", "feat: half");
    let second = repo.commit("apps/python/src/demo_agent/__init__.py", "VALUE = 1\n", "fix: whole");
    let cases: [&[&str]; 5] =
        [&["ts"], &["bare"], &["ruby"], &["python", "v9"], &["python", &first, &second]];
    let mut seen = cases.map(|args| repo.xtask(&[&["api", "diff"], args].concat()).seen()).concat();
    repo.write("apps/python/app.toml", format!("{APP_TOML}\n[api]\npublic = [\"demo_agnet\"]\n"));
    seen.push_str(&repo.xtask(&["api", "diff", "python", &second]).seen());
    expect![[r#"
        exit code 2
        error: apps/ts/app.toml names no public entry point; add [api] with public = ["."]
        exit code 2
        error: apps/bare/app.toml names no public module; add [api] with public = ["the_package"]
        exit code 2
        error: no app "ruby" under WORLD/repo/apps (there are: bare, python, ts)
        exit code 1
        error: "v9" names no commit in WORLD/repo
        exit code 1
        error: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo_agent/__init__.py:2: '(' was never closed (<unknown>, line 2)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
        exit code 2
        error: apps/python/app.toml: [api] public names the module demo_agnet, which exists neither in COMMIT nor in COMMIT
    "#]].assert_eq(&seen);
}

#[test]
fn settings_may_guard_less_than_the_package_and_the_output_says_what_is_guarded() {
    let repo = app();
    let file = |name: &str| format!("apps/python/src/demo_agent/{name}.py");
    for name in ["__init__", "a", "b", "c", "d", "e", "f"] {
        repo.write(&file(name), "def f(a): ...\n");
    }
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: modules"]);
    repo.commit(&file("extras/x"), "def f(a): ...\n", "feat: not importable");
    repo.commit(&file("b"), "def f(): ...\n", "fix: b");
    let guarded = |document: serde_json::Value| {
        let names = document["guarded"].as_array().expect("guarded").clone();
        names.iter().map(|name| name.as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ")
    };
    let output = repo.xtask(&["api", "diff", "python", "HEAD~1"]).expect(3);
    let says = "compared: demo_agent, demo_agent.a, demo_agent.b, demo_agent.c, demo_agent.d and 2 more\n";
    assert!(output.stdout.ends_with(says), "{}", output.stdout);
    let settings = format!("{APP_TOML}\n[api]\npublic = [\"demo_agent\"]\nprivate = [\"demo_agent.b\"]\n");
    repo.write("apps/python/app.toml", settings);
    let document = repo.xtask(&["--json", "api", "diff", "python", "HEAD~1"]).expect(0).json();
    let expected = "demo_agent demo_agent.a demo_agent.c demo_agent.d demo_agent.e demo_agent.f";
    assert_eq!(guarded(document), expected);
}

#[test]
fn the_package_is_read_and_never_imported() {
    let repo = app();
    let text =
        "import pathlib\npathlib.Path('imported').write_text('x')\nraise SystemExit(9)\ndef f(a): ...\n";
    repo.commit("apps/python/src/demo_agent/__init__.py", text, "feat: a trap");
    repo.commit("apps/python/src/demo_agent/__init__.py", &text.replace("f(a)", "f(a, b)"), "feat: another");
    let output = repo.untouched(|| repo.xtask(&["api", "diff", "python", "HEAD~1"]));
    expect![[r#"
        exit code 3
        demo_agent.f
          - def f(a)
          + def f(a, b)
          breaking the parameter `b` is new and required; breaks callers [parameter-added-required] apps/python/src/demo_agent/__init__.py:4
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
    "#]].assert_eq(&output.seen());
}

#[test]
fn numbers_that_are_too_large_to_be_worked_out_are_read() {
    let repo = app();
    // Python refuses to write an integer of more than 4300 digits in decimal.
    let (nines, hex) = ("9".repeat(3000), "f".repeat(9000));
    let text = format!(
        "def f(a={nines} * {nines}, b=0x{hex}, c=9**9**9): ...\n\
         class A:\n    SIZE = {nines} * {nines}\n    MASK = 0x{hex}\n"
    );
    let file = "apps/python/src/demo_agent/__init__.py";
    repo.commit(file, &format!("{text}def g(): ...\n"), "feat: huge numbers");
    repo.commit(file, &text, "feat!: remove g");
    let output = repo.xtask(&["api", "diff", "python", "HEAD~1"]).expect(3);
    assert!(output.stdout.contains("`g` was removed"), "{}", output.seen());
    assert!(output.stdout.contains("1 change: 1 breaking"), "{}", output.seen());
}

#[test]
fn what_a_package_imports_from_a_package_beside_it_is_compared() {
    let repo = app();
    let file = |name: &str| format!("apps/python/src/{name}.py");
    repo.write(&file("demo_agent/__init__"), "from _demo.tools import f\n__all__ = [\"f\"]\n");
    repo.write(&file("_demo/__init__"), "");
    repo.commit(&file("_demo/tools"), "def f(a): ...\n", "feat: f");
    repo.commit(&file("_demo/tools"), "def f(): ...\n", "fix: f");
    let output = repo.xtask(&["api", "diff", "python", "HEAD~1"]);
    expect![[r#"
        exit code 3
        demo_agent.f
          - def f(a)
          + def f()
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/python/src/_demo/tools.py:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
    "#]].assert_eq(&output.seen());
}

/// What `type_parameters` writes is read by Python 3.12 and newer alone.
const BOX: &str = "\
from typing import Callable, Generic, TypeVar
T = TypeVar(\"T\")
N = TypeVar(\"N\", bound=int)
Pair = tuple[T, T]
class Box(Generic[T]):
    item: T
    def map(self, f: Callable[[T], N], other: Pair[T]) -> \"Box[N]\": ...
def first(items: list[T]) -> T: ...
def gone(items: list[T]) -> T: ...
";
const BOX_OF_312: &str = "\
from typing import Callable
type Pair[X] = tuple[X, X]
class Box[T]:
    item: T
    def map[N: int](self, f: Callable[[T], N], other: Pair[T]) -> \"Box[N]\": ...
def first[Item](items: list[Item]) -> Item: ...
def gone[A, B](items: list[A]) -> B: ...
";

fn compared(repo: &Repo, old: &str, new: &str) -> Command {
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    command.args(["api", "diff", "python", old, new]);
    command
}

/// The folder of a newer Python than the oldest that griffe may have here: on PATH, or one of pyenv.
fn newer_python() -> Option<PathBuf> {
    let versions = PathBuf::from(std::env::var_os("HOME")?).join(".pyenv/versions");
    let kept = versions.read_dir().into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).chain(kept).collect();
    let works = |program: &PathBuf| {
        Command::new(program).args(["-I", "-c", ""]).output().is_ok_and(|output| output.status.success())
    };
    folders.into_iter().find(|folder| {
        ["python3.14", "python3.13", "python3.12"].iter().any(|name| works(&folder.join(name)))
    })
}

#[test]
fn syntax_of_a_newer_python_is_an_error_that_says_what_to_do() {
    let repo = app();
    // With no other Python than that of griffe.
    let git = which::which("git").expect("git");
    std::os::unix::fs::symlink(git, repo.path.join("git")).expect("a link");
    let old = repo.commit("apps/python/src/demo_agent/__init__.py", BOX, "feat: a box");
    let new = repo.commit("apps/python/src/demo_agent/__init__.py", BOX_OF_312, "refactor: type parameters");
    let output = run(compared(&repo, &old, &new).env("PATH", &repo.path));
    expect![[r#"
        exit code 1
        error: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo_agent/__init__.py:2: invalid syntax (<unknown>, line 2)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
    "#]]
    .assert_eq(&output.seen());
}

#[test]
fn type_parameters_are_read_by_a_newer_python() {
    let Some(folder) = newer_python() else {
        return drop(skip::optional("no Python 3.12 or newer"));
    };
    let repo = app();
    let old = repo.commit("apps/python/src/demo_agent/__init__.py", BOX, "feat: a box");
    let new = repo.commit("apps/python/src/demo_agent/__init__.py", BOX_OF_312, "refactor: type parameters");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("PATH"));
    let output = run(compared(&repo, &old, &new).env("PATH", path));
    expect![[r#"
        exit code 0
        demo_agent.gone
          - def gone(items: list[T]) -> T
          + def gone(items: list[A]) -> B
          risky    `items` accepted list[T], now list[A]: whether every value still fits cannot be determined; breaks callers [parameter-type-changed] apps/python/src/demo_agent/__init__.py:7 (was apps/python/src/demo_agent/__init__.py:9)
          risky    it returned T, now B: whether that is compatible cannot be determined; breaks callers [return-type-changed] apps/python/src/demo_agent/__init__.py:7 (was apps/python/src/demo_agent/__init__.py:9)
        2 changes: 0 breaking, 2 risky
        compared: demo_agent
    "#]].assert_eq(&output.seen());
}

#[test]
fn every_rule_has_a_case() {
    api_cases::every_rule_is_tried(
        include_str!("../../diff/src/python/rules.rs"),
        &api_cases::read(&FILES, "__init__.py"),
        // What concerns a package as a whole has tests of its own.
        include_str!("api.rs"),
    );
}

#[test]
fn packages_of_any_layout_are_found() {
    // The public module, its file, and the place of its `f`.
    let layouts = [
        ("demo_agent", "apps/python/demo_agent/__init__.py"),
        ("demo_agent", "apps/python/src/demo_agent.py"),
        ("spaced.inner", "apps/python/src/spaced/inner/__init__.py"),
        ("spaced.inner", "apps/python/src/spaced/inner.py"),
        ("demo_agent.adapters.base", "apps/python/src/demo_agent/adapters/base.py"),
    ];
    let mut seen = String::new();
    for (module, file) in layouts {
        let repo = Repo::new();
        repo.git(&["rm", "-r", "--quiet", "apps/python/src"]);
        repo.write("apps/python/app.toml", format!("{APP_TOML}\n[api]\npublic = [\"{module}\"]\n"));
        let absent = repo.commit("notes.txt", "", "chore: no package");
        let there = repo.commit(file, "def f(a): ...\n", "feat: f");
        let changed = repo.commit(file, "def f(): ...\n", "fix: f");
        for (old, new) in [(&there, &changed), (&absent, &changed), (&there, &absent)] {
            seen.push_str(&repo.xtask(&["api", "diff", "python", old, new]).seen());
        }
    }
    expect![[r#"
        exit code 3
        demo_agent.f
          - def f(a)
          + def f()
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/python/demo_agent/__init__.py:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 0
        demo_agent
          info     `demo_agent` is new [module-added] apps/python/demo_agent/__init__.py:1
        1 change: 0 breaking, 1 info
        compared: demo_agent
        exit code 3
        demo_agent
          breaking `demo_agent` was removed; breaks its users [module-removed] apps/python/demo_agent/__init__.py:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 3
        demo_agent.f
          - def f(a)
          + def f()
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/python/src/demo_agent.py:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 0
        demo_agent
          info     `demo_agent` is new [module-added] apps/python/src/demo_agent.py:1
        1 change: 0 breaking, 1 info
        compared: demo_agent
        exit code 3
        demo_agent
          breaking `demo_agent` was removed; breaks its users [module-removed] apps/python/src/demo_agent.py:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 3
        spaced.inner.f
          - def f(a)
          + def f()
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/python/src/spaced/inner/__init__.py:1
        1 change: 1 breaking
        compared: spaced.inner
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 0
        spaced.inner
          info     `inner` is new [module-added] apps/python/src/spaced/inner/__init__.py:1
        1 change: 0 breaking, 1 info
        compared: spaced.inner
        exit code 3
        spaced.inner
          breaking `inner` was removed; breaks its users [module-removed] apps/python/src/spaced/inner/__init__.py:1
        1 change: 1 breaking
        compared: spaced.inner
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 3
        spaced.inner.f
          - def f(a)
          + def f()
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/python/src/spaced/inner.py:1
        1 change: 1 breaking
        compared: spaced.inner
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 0
        spaced.inner
          info     `inner` is new [module-added] apps/python/src/spaced/inner.py:1
        1 change: 0 breaking, 1 info
        compared: spaced.inner
        exit code 3
        spaced.inner
          breaking `inner` was removed; breaks its users [module-removed] apps/python/src/spaced/inner.py:1
        1 change: 1 breaking
        compared: spaced.inner
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 3
        demo_agent.adapters.base.f
          - def f(a)
          + def f()
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/python/src/demo_agent/adapters/base.py:1
        1 change: 1 breaking
        compared: demo_agent.adapters.base
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
        exit code 0
        demo_agent.adapters.base
          info     `base` is new [module-added] apps/python/src/demo_agent/adapters/base.py:1
        1 change: 0 breaking, 1 info
        compared: demo_agent.adapters.base
        exit code 3
        demo_agent.adapters.base
          breaking `base` was removed; breaks its users [module-removed] apps/python/src/demo_agent/adapters/base.py:1
        1 change: 1 breaking
        compared: demo_agent.adapters.base
        stderr:
        error: 1 breaking change between COMMIT and COMMIT
    "#]].assert_eq(&seen);
}

#[test]
fn a_package_of_stubs_alone_is_read_and_its_errors_stop_the_comparison() {
    let mut seen = String::new();
    for (folder, public) in
        [("demo_agent", "demo_agent"), ("demo-stubs", "demo"), ("demo-stubs", "demo-stubs")]
    {
        let repo = Repo::new();
        repo.git(&["rm", "-r", "--quiet", "apps/python/src"]);
        repo.write("apps/python/app.toml", format!("{APP_TOML}\n[api]\npublic = [{public:?}]\n"));
        let stub = format!("apps/python/src/{folder}/__init__.pyi");
        repo.commit(&stub, "def f(a: int | str) -> int: ...\n", "feat: typed");
        repo.commit(&stub, "def f(a: int) -> int: ...\n", "fix: typed");
        seen.push_str(&repo.xtask(&["api", "diff", "python", "HEAD~1"]).seen());
        repo.commit(&stub, "def f(a: int -> int: ...\n", "fix: typed");
        seen.push_str(&repo.xtask(&["api", "diff", "python", "HEAD~1"]).seen());
    }
    expect![[r#"
        exit code 3
        demo_agent.f
          - def f(a: int | str) -> int
          + def f(a: int) -> int
          breaking `a` accepted int | str, now only int; breaks callers [parameter-type-narrowed] apps/python/src/demo_agent/__init__.pyi:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
        exit code 1
        error: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo_agent/__init__.pyi:1: invalid syntax (<unknown>, line 1)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
        exit code 3
        demo.f
          - def f(a: int | str) -> int
          + def f(a: int) -> int
          breaking `a` accepted int | str, now only int; breaks callers [parameter-type-narrowed] apps/python/src/demo-stubs/__init__.pyi:1
        1 change: 1 breaking
        compared: demo
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
        exit code 1
        error: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo-stubs/__init__.pyi:1: invalid syntax (<unknown>, line 1)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
        exit code 3
        demo.f
          - def f(a: int | str) -> int
          + def f(a: int) -> int
          breaking `a` accepted int | str, now only int; breaks callers [parameter-type-narrowed] apps/python/src/demo-stubs/__init__.pyi:1
        1 change: 1 breaking
        compared: demo
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
        exit code 1
        error: the API at COMMIT cannot be read by CACHE/tools/griffe/bin/python:
        apps/python/src/demo-stubs/__init__.pyi:1: invalid syntax (<unknown>, line 1)
        if this is the syntax of a newer Python, put that Python on PATH: uv python install 3.14
    "#]].assert_eq(&seen);
}

#[test]
fn versions_of_python_and_the_marker_of_types_are_part_of_the_api() {
    let repo = app();
    let manifest = repo.read("apps/python/pyproject.toml");
    let asks = |python: &str| manifest.replace(">=3.11", python);
    assert!(asks("x") != manifest, "{manifest}");
    repo.write("apps/python/src/demo_agent/py.typed", "");
    let source = |old: &str| format!("import sys\nif sys.version_info < (3, 13):\n    {old}\n");
    let file = "apps/python/src/demo_agent/__init__.py";
    repo.write(file, source("def f(): ..."));
    repo.commit("apps/python/pyproject.toml", &asks(">=3.11"), "feat: f");
    repo.write(file, source("pass"));
    repo.commit("apps/python/pyproject.toml", &asks(">=3.12"), "fix: 3.12");
    let mut seen = repo.xtask(&["api", "diff", "python", "HEAD~1"]).seen();
    // Nobody who may install the new version runs Python 3.12.
    repo.commit("apps/python/pyproject.toml", &asks(">=3.13"), "fix: 3.13");
    seen.push_str(&repo.xtask(&["api", "diff", "python", "HEAD~2"]).seen());
    repo.git(&["rm", "--quiet", "apps/python/src/demo_agent/py.typed"]);
    repo.git(&["commit", "--quiet", "--message", "fix: types"]);
    seen.push_str(&repo.xtask(&["api", "diff", "python", "HEAD~1"]).seen());
    let promised = "\n[project.optional-dependencies]\nfast = []\nall_of = []\n[project.gui-scripts]\n\
                    Demo_Run = \"demo_agent:f\"\n";
    repo.commit("apps/python/pyproject.toml", &(asks(">=3.13") + promised), "feat: a command");
    let less = promised.replace("fast = []", "").replace("Demo_Run", "demo-run").replace("all_of", "All-Of");
    repo.commit("apps/python/pyproject.toml", &(asks(">=3.13") + &less), "fix: an extra");
    seen.push_str(&repo.xtask(&["api", "diff", "python", "HEAD~1"]).seen());
    repo.commit("apps/python/pyproject.toml", &asks(">=3.13"), "fix: neither");
    seen.push_str(&repo.xtask(&["api", "diff", "python", "HEAD~1"]).seen());
    expect![[r#"
        exit code 3
        demo_agent.f
          - def f()
          breaking `f` was removed (only on Python 3.12); breaks its users [function-removed] apps/python/src/demo_agent/__init__.py:3
        requires-python
          risky    it can no longer be installed with Python 3.11: `requires-python` was `>=3.11`, now `>=3.12`; breaks users of that Python [python-dropped] pyproject.toml
        2 changes: 1 breaking, 1 risky
        compared: demo_agent
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
        exit code 0
        requires-python
          risky    it can no longer be installed with Python 3.11, 3.12: `requires-python` was `>=3.11`, now `>=3.13`; breaks users of that Python [python-dropped] pyproject.toml
        1 change: 0 breaking, 1 risky
        compared: demo_agent
        exit code 3
        demo_agent
          breaking `demo_agent` no longer has a `py.typed` file; breaks type checkers [py-typed-removed] apps/python/src/demo_agent/__init__.py:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
        exit code 3
        Demo_Run
          breaking the package no longer installs the command `Demo_Run`; breaks users of the command [script-removed] pyproject.toml
        fast
          breaking the extra `fast` was removed from `optional-dependencies`; installers ignore it with a warning; breaks who installs it with the extra [extra-removed] pyproject.toml
        2 changes: 2 breaking
        compared: demo_agent
        stderr:
        error: 2 breaking changes between HEAD~1 and HEAD
        exit code 3
        all-of
          breaking the extra `all-of` was removed from `optional-dependencies`; installers ignore it with a warning; breaks who installs it with the extra [extra-removed] pyproject.toml
        demo-run
          breaking the package no longer installs the command `demo-run`; breaks users of the command [script-removed] pyproject.toml
        2 changes: 2 breaking
        compared: demo_agent
        stderr:
        error: 2 breaking changes between HEAD~1 and HEAD
    "#]].assert_eq(&seen);
}

#[test]
fn stubs_beside_the_code_determine_the_types() {
    let repo = app();
    repo.write("apps/python/src/demo_agent/__init__.py", "def f(a, b=None): ...\n");
    repo.commit(
        "apps/python/src/demo_agent/__init__.pyi",
        "def f(a: int | str, b: int = ...) -> int: ...\n",
        "feat: typed",
    );
    repo.commit(
        "apps/python/src/demo_agent/__init__.pyi",
        "def f(a: int, b: int = ...) -> int: ...\n",
        "fix: typed",
    );
    expect![[r#"
        exit code 3
        demo_agent.f
          - def f(a: int | str, b: int = None) -> int
          + def f(a: int, b: int = None) -> int
          breaking `a` accepted int | str, now only int; breaks callers [parameter-type-narrowed] apps/python/src/demo_agent/__init__.py:1
        1 change: 1 breaking
        compared: demo_agent
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
    "#]].assert_eq(&repo.xtask(&["api", "diff", "python", "HEAD~1"]).seen());
}
