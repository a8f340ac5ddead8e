//! The servers of this repository on a database: the contract, with the environments of the apps in
//! the checkout. Here and not among the apps' own tests, because a rehearsal repeats those. Only the
//! contract with the Python server and a SQLite file is there, because it measures that app's coverage.

use crate::contract::{passes, root, server};
use crate::skip::{optional, skip};
use crate::support::tool;
use std::process::Command;

/// The same with the graph `steps`, which the tests of restarts need.
fn steps(app: &str) -> Option<Vec<String>> {
    let graphs = root().join("apps").join(app).join("tests/steps.json").into_string();
    let more = ["serve".to_string(), "--config".to_string(), graphs];
    Some([server(app)?, more.to_vec()].concat())
}

/// Runs a script of `contract/storage`.
fn script(name: &str, arguments: &[String]) {
    let mut command = Command::new("python3");
    passes(command.arg(format!("contract/storage/{name}")).args(arguments), skip);
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

/// 25 s. On Node the file is read by better-sqlite3, which is compiled for each version of Node.
#[test]
fn the_typescript_server_keeps_everything_in_a_sqlite_file_on_node() {
    if server("ts").is_none() {
        return;
    }
    let dir = root().join("apps/ts");
    let loads = ["-e", "new (require('better-sqlite3'))(':memory:')"];
    if !Command::new("node").args(loads).current_dir(&dir).output().is_ok_and(|o| o.status.success()) {
        optional("Node can't load better-sqlite3: npm rebuild better-sqlite3 in apps/ts");
        return;
    }
    let Some(bun) = tool("bun") else { return };
    let built = |arguments: &[&str]| passes(Command::new(&bun).args(arguments).current_dir(&dir), skip);
    built(&["run", "build"]);
    // Where the graph finds its packages.
    let folder = tempfile::tempdir_in(dir.join("dist")).unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let steps = at("steps.js");
    built(&["build", "tests/steps.ts", "--target=node", "--packages=external", "--outfile", &steps]);
    std::fs::write(at("steps.json"), r#"{ "graphs": { "steps": "./steps.js:graph" } }"#).unwrap();
    let node = ["node".to_string(), dir.join("dist/cli.js").into_string()];
    let serve = ["serve".to_string(), "--config".to_string(), at("steps.json")];
    let database = |name| vec![format!("sqlite:{}", at(name))];
    script("restart.py", &[database("restart.db"), node.to_vec(), serve.to_vec()].concat());
    script("whole.py", &[database("whole.db"), node.to_vec()].concat());
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
