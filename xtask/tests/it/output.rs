//! How commands write their output and parse their arguments.

use crate::support::{Repo, run};
use expect_test::expect;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

#[test]
fn a_closed_stdout_ends_a_command_without_a_panic() {
    let repo = Repo::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    let output = command.arg("plan").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(141), ""));
}

#[test]
fn global_flags_may_precede_or_follow_the_command_and_arguments_that_are_not_utf8_are_refused() {
    let repo = Repo::new();
    let xtask = |args: &[&[u8]]| {
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), repo.world());
        run(command.args(args.iter().map(|arg| OsStr::from_bytes(arg))))
    };
    let root = repo.path.as_str().as_bytes();
    let after = xtask(&[b"plan", b"--json", b"--root", root]).expect(0);
    assert!(after.stdout.starts_with("{\"schema\":1"), "{}", after.stdout);
    assert_eq!(xtask(&[b"--root", root, b"--json", b"plan"]).expect(0).stdout, after.stdout);
    let refused = [&[b"pl\xffan" as &[u8]] as &[&[u8]], &[b"plan", b"pyth\xffon"], &[b"--ro\xffot", b"plan"]];
    expect![[r#"
        exit code 2
        error: unrecognized subcommand 'pl�an'

          tip: a similar subcommand exists: 'plan'

        Usage: cargo xtask [OPTIONS] <COMMAND>

        For more information, try '--help'.
        exit code 2
        error: invalid UTF-8 was detected in one or more arguments

        Usage: cargo xtask plan [OPTIONS] [APP]...

        For more information, try '--help'.
        exit code 2
        error: unexpected argument '--ro�ot' found

          tip: a similar argument exists: '--root'

        Usage: cargo xtask --root <DIR> <COMMAND>

        For more information, try '--help'.
    "#]]
    .assert_eq(&refused.map(|args| xtask(args).seen()).concat());
}
