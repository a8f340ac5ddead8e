//! Reports a test that cannot run on this machine.

/// Like [`optional`], but with XTASK_TEST_NO_SKIP=1, as in CI, a skip is a failure.
pub(super) fn skip(reason: &str) {
    let line = optional(reason);
    assert!(std::env::var("XTASK_TEST_NO_SKIP").as_deref() != Ok("1"), "{line}");
}

/// Prints that the test was skipped, and why. XTASK_TEST_SKIPS names a file to which the line is also
/// appended.
pub(super) fn optional(reason: &str) -> String {
    let line = format!("SKIPPED {}: {reason}\n", std::thread::current().name().unwrap_or("a test"));
    eprint!("{line}");
    if let Some(file) = std::env::var_os("XTASK_TEST_SKIPS") {
        use std::io::Write;
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(file)
            .expect("the file that XTASK_TEST_SKIPS names can be opened");
        file.write_all(line.as_bytes()).expect("the file that XTASK_TEST_SKIPS names can be written");
    }
    line
}
