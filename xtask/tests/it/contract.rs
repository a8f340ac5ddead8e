//! The servers of this repository, with the environments of the apps in the checkout: the checks of
//! `contract/` that need more than the app. Not among the apps' own tests, because a rehearsal repeats those.

use crate::skip::{optional, skip};
use crate::support::tool;
use camino::{Utf8Path, Utf8PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The command of an app's server from the checkout. None: it can't run here.
pub(crate) fn server(app: &str) -> Option<Vec<String>> {
    let dir = root().join("apps").join(app);
    let (needed, command) = match app {
        "ts" => {
            let bun = Utf8PathBuf::try_from(tool("bun")?).unwrap();
            let cli = dir.join("src/cli.ts");
            ("node_modules/@langchain/langgraph-checkpoint-sqlite", vec![bun, cli])
        }
        _ => {
            let python = dir.join(".venv/bin/python");
            (".venv/bin/python", vec![python, "-m".into(), "fractal_agents_runtime".into()])
        }
    };
    if !dir.join(needed).exists() {
        skip(&format!("{needed} is missing in {dir}: cargo xtask test {app}"));
        return None;
    }
    Some(command.into_iter().map(Utf8PathBuf::into_string).collect())
}

/// Runs a program in the root of the repository, unless it has another folder. The exit code 77 means that
/// this machine lacks something.
pub(crate) fn passes(command: &mut Command, lacking: impl Fn(&str)) {
    if command.get_current_dir().is_none() {
        command.current_dir(root());
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) {
        return lacking(told.trim());
    }
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
}

/// Starts the server of an app, and runs a program of `contract/` with its address.
fn checked(app: &str, check: &[&str], lacking: impl Fn(&str)) {
    let (Some(server), Some(uv)) = (server(app), tool("uv")) else { return };
    let path = format!("{}:{}", uv.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("python3");
    command.arg("contract/serve.py").args(check).arg("--").args(server);
    passes(command.env("PATH", path), lacking);
}

/// 4 s, in a real browser. `.ci/run` installs one on Debian.
fn page(app: &str) {
    checked(app, &["python3", "contract/page/check.py"], |reason| drop(optional(reason)));
}

#[test]
fn a_browser_talks_to_the_graphs_of_the_python_server() {
    page("python");
}

#[test]
fn a_browser_talks_to_the_graphs_of_the_typescript_server() {
    page("ts");
}

/// 50 s.
#[test]
fn generated_requests_to_the_python_server_are_answered_as_documented() {
    checked("python", &["contract/schemathesis.sh"], skip);
}

/// 60 s.
#[test]
fn generated_requests_to_the_typescript_server_are_answered_as_documented() {
    checked("ts", &["contract/schemathesis.sh"], skip);
}
