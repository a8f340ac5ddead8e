//! What commands write, and to whom.

use crate::support::Repo;

#[test]
fn a_reader_that_has_seen_enough_ends_it_without_a_panic() {
    let repo = Repo::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    let output = command.arg("plan").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(141), ""));
}
