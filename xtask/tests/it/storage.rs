//! The installed servers of this repository on a database. Here and not among the apps' own tests, because a
//! rehearsal repeats those. The contract with the Python server and a SQLite file is there, because it
//! measures that app's coverage.

use crate::contract::passes;
use crate::installed::On;
use crate::skip::{optional, skip};
use std::process::Command;

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

fn keeps_everything_in_a_sqlite_file(on: On) {
    let Some(command) = on.steps() else { return };
    let folder = tempfile::tempdir().unwrap();
    script("restart.py", &[vec![format!("sqlite:{}/a.db", folder.path().display())], command].concat());
}

fn holds_with_a_sqlite_file(on: On) {
    let Some(command) = on.server() else { return };
    let folder = tempfile::tempdir().unwrap();
    script("whole.py", &[vec![format!("sqlite:{}/a.db", folder.path().display())], command].concat());
}

/// 7 s.
#[test]
fn the_python_server_keeps_everything_in_a_sqlite_file() {
    keeps_everything_in_a_sqlite_file(On::Python);
}

/// 7 s.
#[test]
fn the_typescript_server_keeps_everything_in_a_sqlite_file() {
    keeps_everything_in_a_sqlite_file(On::Bun);
}

/// 9 s.
#[test]
fn the_contract_holds_for_the_typescript_server_with_a_sqlite_file() {
    holds_with_a_sqlite_file(On::Bun);
}

/// 25 s. On Node the file is read by better-sqlite3, which is compiled for each version of Node.
#[test]
fn the_typescript_server_keeps_everything_in_a_sqlite_file_on_node() {
    let Some(folder) = On::Node.folder() else { return };
    let loads = ["-e", "new (require('better-sqlite3'))(':memory:')"];
    if !Command::new("node").args(loads).current_dir(folder).output().is_ok_and(|o| o.status.success()) {
        optional("Node can't load better-sqlite3: npm rebuild better-sqlite3 in apps/ts");
        return;
    }
    keeps_everything_in_a_sqlite_file(On::Node);
    holds_with_a_sqlite_file(On::Node);
}

/// 30 s.
#[test]
fn python_servers_share_a_postgresql() {
    let Some(command) = On::Python.steps() else { return };
    on_postgresql(&["restart.py", "several.py"], command);
}

/// 30 s.
#[test]
fn typescript_servers_share_a_postgresql() {
    let Some(command) = On::Bun.steps() else { return };
    on_postgresql(&["restart.py", "several.py"], command);
}

/// 15 s.
#[test]
fn the_contract_holds_for_the_typescript_server_with_postgresql() {
    let Some(command) = On::Bun.server() else { return };
    on_postgresql(&["whole.py"], command);
}

/// 15 s.
#[test]
fn the_contract_holds_for_the_python_server_with_postgresql() {
    let Some(command) = On::Python.server() else { return };
    on_postgresql(&["whole.py"], command);
}
