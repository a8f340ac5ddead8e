//! The output of `bun test`: the number of tests, and the failed ones.

use crate::sys::child;

/// How many failed tests are shown with their errors. Of the others only the names are shown.
const WITH_ERRORS: usize = 10;
/// How many lines of a failed test's output and error are shown.
const LINES: usize = 30;

/// The number of tests, from bun's last lines: ` 41 pass`, ` 0 fail`, `Ran 41 tests across 5 files. [1.20s]`.
pub(super) fn counted(output: &str) -> String {
    let ran = output.lines().rev().find(|l| l.starts_with("Ran ")).unwrap_or("no tests");
    let skipped = output.lines().map(str::trim).find(|l| l.ends_with(" skip") && !l.starts_with("0 "));
    [Some(ran), skipped].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The failed tests with their files and errors, and the number of tests. Leaves out the tests that passed,
/// and the table of coverage. If no test failed, returns the files with the lowest coverage, because bun does
/// not name the file that is below the threshold. If bun crashed, returns the last lines.
pub(super) fn failures(output: &str) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut failed = 0;
    let mut file = None;
    // What bun printed since the end of the test before.
    let mut block: Vec<&str> = Vec::new();
    for line in output.lines() {
        if is_file(line) {
            file = Some(line);
            block.clear();
        } else if ["(pass) ", "(skip) ", "(todo) "].iter().any(|end| line.starts_with(end)) {
            block.clear();
        } else if line.starts_with("(fail) ") || is_end_of_error(line, &block) {
            failed += 1;
            shown.extend(file.take().map(str::to_string));
            if failed <= WITH_ERRORS {
                shown.extend(Some(child::last_lines(&block.join("\n"), LINES)).filter(|b| !b.is_empty()));
            }
            shown.push(line.to_string());
            block.clear();
        } else if line.starts_with("  ^ ") && block.is_empty() && failed > 0 {
            // Follows the name of a test that took too long.
            shown.push(line.to_string());
        } else if !line.is_empty() || !block.is_empty() {
            block.push(line);
        }
    }
    if failed == 0 {
        return least_covered(output).unwrap_or_else(|| child::last_lines(output, 40));
    }
    shown.push(counted(output));
    shown.join("\n")
}

/// The files of which the least is covered. None if the output has no table of coverage.
fn least_covered(output: &str) -> Option<String> {
    // `File | % Funcs | % Lines | Uncovered Line #s`
    let least = |row: &str| {
        let percent = row.split('|').skip(1).take(2).map(|one| one.trim().parse().ok());
        percent.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::min)
    };
    let mut rows: Vec<(f64, &str)> = output.lines().filter_map(|row| Some((least(row)?, row))).collect();
    rows.retain(|(_, row)| !row.starts_with("All files"));
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let title = "no test failed: a file is below coverageThreshold of bunfig.toml (% functions, lines)";
    let shown = rows.into_iter().take(5).map(|(_, row)| row.trim());
    let lines: Vec<&str> = std::iter::once(title).chain(shown).collect();
    (lines.len() > 1).then(|| lines.join("\n"))
}

/// Whether the tests of the named file follow: `tests/app.test.ts:`.
fn is_file(line: &str) -> bool {
    let path = line.strip_suffix(':').filter(|path| !path.contains(' '));
    path.and_then(|p| p.rsplit_once('.'))
        .is_some_and(|(_, end)| ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"].contains(&end))
}

/// Whether an error outside of a test ends here: between two rules, below the title.
fn is_end_of_error(line: &str, block: &[&str]) -> bool {
    let rule = |line: &str| !line.is_empty() && line.chars().all(|c| c == '-');
    rule(line) && block.iter().any(|l| l.starts_with("# Unhandled error")) && block.iter().any(|l| rule(l))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_summary_counts_the_tests_that_ran_and_were_skipped() {
        for (text, expected) in [
            (
                " 3 pass\n 0 fail\nRan 3 tests across 1 file. [9.00ms]\n",
                "Ran 3 tests across 1 file. [9.00ms]",
            ),
            (
                " 3 pass\n 2 skip\n 0 fail\nRan 5 tests across 1 file. [9.00ms]\n",
                "Ran 5 tests across 1 file. [9.00ms], 2 skip",
            ),
            ("", "no tests"),
        ] {
            assert_eq!(counted(text), expected);
        }
    }

    #[test]
    fn failed_tests_are_shown_without_the_others() {
        let ended = " 3 pass\n 1 fail\nRan 4 tests across 2 files. [9.00ms]\n";
        let covered = "-----|-----\nFile | % Lines\nAll  | 99\n-----|-----\n";
        for (name, text, expected) in [
            (
                "a failed test between others",
                format!(
                    "bun test v1.4.5\n\na.test.ts:\n(pass) one [0.1ms]\n\nb.test.ts:\nprinted\n(pass) two\n\
                     3 | expect(1)\nerror: expect(received)\n\nReceived: 2\n(fail) adds [0.18ms]\n\
                     noise\n(pass) four\n{covered}{ended}"
                ),
                expect![[r#"
                    b.test.ts:
                    3 | expect(1)
                    error: expect(received)

                    Received: 2
                    (fail) adds [0.18ms]
                    Ran 4 tests across 2 files. [9.00ms]"#]],
            ),
            (
                "a test that took too long",
                format!(
                    "a.test.ts:\n(fail) late [59ms]\n  ^ this test timed out after 50ms.\n(pass) b\n{ended}"
                ),
                expect![[r#"
                    a.test.ts:
                    (fail) late [59ms]
                      ^ this test timed out after 50ms.
                    Ran 4 tests across 2 files. [9.00ms]"#]],
            ),
            (
                "a file that can't be loaded",
                format!(
                    "a.test.ts:\n\n# Unhandled error between tests\n---\nerror: Cannot find module './b'\n\
                     ---\n\n\nb.test.ts:\n(pass) b\n{covered}{ended}"
                ),
                expect![[r#"
                    a.test.ts:
                    # Unhandled error between tests
                    ---
                    error: Cannot find module './b'
                    ---
                    Ran 4 tests across 2 files. [9.00ms]"#]],
            ),
            (
                "only the coverage is too small",
                "a.test.ts:\n(pass) b\n---|---\nFile | % Funcs | % Lines | Uncovered Line #s\n\
                 All files |   95.00 |   97.00 |\n a.ts |  100.00 |  100.00 | \n\
                 b.ts |   95.00 |   89.50 | 4,7\n\
                 c.ts |   91.00 |   95.00 | 7\n---|---\n\n 1 pass\n 0 fail\n"
                    .to_string(),
                expect![[r#"
                    no test failed: a file is below coverageThreshold of bunfig.toml (% functions, lines)
                    b.ts |   95.00 |   89.50 | 4,7
                    c.ts |   91.00 |   95.00 | 7
                    a.ts |  100.00 |  100.00 |"#]],
            ),
            (
                "bun crashed",
                "a.test.ts:\n(pass) b\npanic: reached unreachable code\n".to_string(),
                expect![[r#"
                    a.test.ts:
                    (pass) b
                    panic: reached unreachable code"#]],
            ),
        ] {
            eprintln!("{name}");
            expected.assert_eq(&failures(&text));
        }
    }

    #[test]
    fn of_many_failed_tests_only_the_first_have_errors() {
        let tests: String = (1..=12).map(|n| format!("error: {n}\n(fail) test {n}\n")).collect();
        let shown = failures(&format!("a.test.ts:\n{tests}Ran 12 tests across 1 file.\n"));
        let last: Vec<&str> = shown.lines().rev().take(5).collect();
        let expected = [
            "Ran 12 tests across 1 file.",
            "(fail) test 12",
            "(fail) test 11",
            "(fail) test 10",
            "error: 10",
        ];
        assert_eq!(last, expected);
    }
}
