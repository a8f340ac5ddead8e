//! The help of every command, as a person sees it.

use crate::support::run;
use std::process::Command;

fn help(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = run(command.args(args).env("COLUMNS", "100").env("NO_COLOR", "1")).expect(0);
    output.stdout.lines().map(|line| line.trim_end().to_string() + "\n").collect()
}

#[test]
fn every_command_explains_itself() {
    let all = help(&["--help"]);
    expect_test::expect_file!["help/xtask.txt"].assert_eq(&all);
    let listed =
        all.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = listed
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let folder = format!("{}/tests/it/help", env!("CARGO_MANIFEST_DIR"));
        expect_test::expect_file![format!("{folder}/{name}.txt")].assert_eq(&help(&["help", name]));
    }
}
