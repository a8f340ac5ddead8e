//! The servers of this repository on a database: the contract, with the environments of the apps in
//! the checkout. Here and not among the apps' own tests, because a rehearsal repeats those. Only the
//! contract with the Python server and a SQLite file is there, because it measures that app's coverage.

use crate::skip::skip;
use crate::support::tool;
use camino::{Utf8Path, Utf8PathBuf};
use std::process::Command;

/// The root of the repository.
fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The command of an app's server from the checkout. None: it can't run here.
fn server(app: &str) -> Option<Vec<String>> {
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

/// The same with the graph `steps`, which the tests of restarts need.
fn steps(app: &str) -> Option<Vec<String>> {
    let graphs = root().join("apps").join(app).join("tests/steps.json").into_string();
    let more = ["serve".to_string(), "--config".to_string(), graphs];
    Some([server(app)?, more.to_vec()].concat())
}

/// Runs a script of `contract/storage`. The exit code 77 means that this machine lacks something.
fn script(name: &str, arguments: &[String]) {
    let mut command = Command::new("python3");
    command.arg(format!("contract/storage/{name}")).args(arguments).current_dir(root());
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) {
        return skip(told.trim());
    }
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
}

/// Runs scripts with an empty database of a PostgreSQL of their own.
fn on_postgresql(scripts: &[&str], command: Vec<String>) {
    let scripts = scripts.iter().map(|name| format!("contract/storage/{name}"));
    script("postgresql.py", &scripts.chain(["--".to_string()]).chain(command).collect::<Vec<_>>());
}

fn keeps_everything_in_a_sqlite_file(app: &str) {
    let Some(command) = steps(app) else { return };
    let folder = tempfile::tempdir().unwrap();
    script("restart.py", &[vec![format!("sqlite:{}/a.db", folder.path().display())], command].concat());
}

/// 7 s.
#[test]
fn the_python_server_keeps_everything_in_a_sqlite_file() {
    keeps_everything_in_a_sqlite_file("python");
}

/// 7 s.
#[test]
fn the_typescript_server_keeps_everything_in_a_sqlite_file() {
    keeps_everything_in_a_sqlite_file("ts");
}

/// 9 s.
#[test]
fn the_contract_holds_for_the_typescript_server_with_a_sqlite_file() {
    let Some(command) = server("ts") else { return };
    let folder = tempfile::tempdir().unwrap();
    script("whole.py", &[vec![format!("sqlite:{}/a.db", folder.path().display())], command].concat());
}

/// 30 s.
#[test]
fn python_servers_share_a_postgresql() {
    let Some(command) = steps("python") else { return };
    on_postgresql(&["restart.py", "several.py"], command);
}

/// 30 s.
#[test]
fn typescript_servers_share_a_postgresql() {
    let Some(command) = steps("ts") else { return };
    on_postgresql(&["restart.py", "several.py"], command);
}

/// 15 s.
#[test]
fn the_contract_holds_for_the_typescript_server_with_postgresql() {
    let Some(command) = server("ts") else { return };
    on_postgresql(&["whole.py"], command);
}

/// 15 s.
#[test]
fn the_contract_holds_for_the_python_server_with_postgresql() {
    let Some(command) = server("python") else { return };
    on_postgresql(&["whole.py"], command);
}
