//! Reads the output of test runners (unittest, pytest, bun, TAP): which tests failed, and how many ran. Pure.

use crate::sys::ui::report;

/// How many names of failed tests a message lists.
const SHOWN: usize = 8;

/// The names of the failed tests, for the known runners. Empty if the output names none, for example if a
/// file could not be loaded.
pub(super) fn names(output: &str) -> String {
    let names = failed(output);
    match names.len() {
        0 => String::new(),
        n if n > SHOWN => format!(" ({}, and {} more failed)", names[..SHOWN].join(", "), n - SHOWN),
        _ => format!(" ({} failed)", names.join(", ")),
    }
}

/// unittest: `FAIL: test_x (module.Class.test_x)`, `ERROR: …`; pytest: `FAILED path::test_x - why`; bun:
/// `(fail) name [0.1ms]`; TAP: `not ok 1 - name`.
fn failed(output: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim();
        let cut = |rest: &str, at: &str| rest.split(at).next().unwrap_or(rest).trim().to_string();
        if let Some(rest) = line.strip_prefix("FAIL: ").or(line.strip_prefix("ERROR: ")) {
            return Some(cut(rest, " ("));
        }
        if let Some(rest) =
            line.strip_prefix("FAILED ").or(line.strip_prefix("ERROR ")).filter(|rest| rest.contains(".py"))
        {
            return Some(cut(rest, " - "));
        }
        if let Some(rest) = line.strip_prefix("(fail) ") {
            return Some(rest.rsplit_once(" [").map_or(rest, |(name, _)| name).trim().to_string());
        }
        line.strip_prefix("not ok ")
            .map(|rest| rest.split_once(" - ").map_or(rest, |(_, name)| name).to_string())
    };
    let mut names: Vec<String> = Vec::new();
    for found in output.lines().filter_map(name).filter(|name| !name.is_empty() && name != "(unnamed)") {
        if !names.contains(&found) {
            names.push(found);
        }
    }
    names
}

/// The runner's own count: unittest's and bun's `Ran 3 tests …`, pytest's `3 passed in 1 s`.
pub(super) fn counted(output: &str) -> String {
    let counts = |line: &&str| line.starts_with("Ran ") || line.contains(" passed in ");
    let line = output.lines().rev().map(|l| l.trim_matches(['=', ' '])).find(counts).unwrap_or("passed");
    report::plain(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_failed_tests_are_read_from_each_runners_output() {
        for (output, expected) in [
            (
                "FAIL: test_a (m.C.test_a)\nERROR: test_b (m.C.test_b)\nFAIL: test_a (m.C.test_a)\n",
                vec!["test_a", "test_b"],
            ),
            ("ERROR: test_shout (unittest.loader._FailedTest.test_shout)", vec!["test_shout"]),
            (
                "FAILED tests/test_x.py::test_y - assert 1 == 2\nERROR tests/test_z.py - ImportError\n",
                vec!["tests/test_x.py::test_y", "tests/test_z.py"],
            ),
            ("FAILED (failures=1)\nERROR something else\n", vec![]),
            (
                "(fail) it greets [0.21ms]\n(fail) a [b] c\n(fail) (unnamed) [9.00ms]\n(pass) fine\n",
                vec!["it greets", "a"],
            ),
            ("not ok 1 - it greets\nok 2 - x\n", vec!["it greets"]),
            ("", vec![]),
        ] {
            assert_eq!(failed(output), expected, "{output}");
        }
    }

    #[test]
    fn the_count_of_tests_is_read_from_each_runners_output() {
        for (output, expected) in [
            ("...\nRan 3 tests in 0.01s\n\nOK\n", "Ran 3 tests in 0.01s"),
            (" 1 pass\nRan 1 test across 1 file. [9.00ms]\n", "Ran 1 test across 1 file. [9.00ms]"),
            ("=== 2 passed in 0.10s ===\n", "2 passed in 0.10s"),
            ("", "passed"),
        ] {
            assert_eq!(counted(output), expected);
        }
    }
}
