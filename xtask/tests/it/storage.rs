//! The servers of this repository on a database: the contract's tests of restarts, with the environments of
//! the apps in the checkout. Here and not among the apps' own tests, because a rehearsal repeats those.

use crate::skip::skip;
use crate::support::tool;
use camino::{Utf8Path, Utf8PathBuf};
use std::process::Command;

/// The root of the repository.
fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The command that serves a file of graphs in the TypeScript app. None: it can't run here.
fn typescript() -> Option<Vec<String>> {
    let app = root().join("apps/ts");
    if !app.join("node_modules/@langchain/langgraph-checkpoint-sqlite").exists() {
        skip("the TypeScript app's environment is not complete: cargo xtask test ts");
        return None;
    }
    let bun = Utf8PathBuf::try_from(tool("bun")?).unwrap();
    let [cli, graphs] = ["src/cli.ts", "tests/steps.json"].map(|file| app.join(file).into_string());
    Some(vec![bun.into_string(), cli, "serve".to_string(), "--config".to_string(), graphs])
}

/// Runs the tests of restarts with a server on a database.
fn restarts(database: &str, server: &[String]) {
    let mut command = Command::new("python3");
    command.arg("contract/storage/restart.py").arg(database).args(server).current_dir(root());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// 6 s.
#[test]
fn the_typescript_server_keeps_everything_in_a_sqlite_file() {
    let Some(server) = typescript() else { return };
    let folder = tempfile::tempdir().unwrap();
    restarts(&format!("sqlite:{}/agents.db", folder.path().display()), &server);
}
