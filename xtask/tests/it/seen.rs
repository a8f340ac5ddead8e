//! What a person sees of a command, for snapshots: the text without what differs from run to run and from
//! machine to machine.

use crate::support::{Output, user_cache};
use regex_lite::Regex;
use std::sync::OnceLock;

/// What is masked, and the word that replaces it, in this order. A masked commit keeps its length, so columns
/// stay aligned.
const MASKS: &[(&str, &str)] = &[
    (r#"[^ "'`(=,:]*/xtask-it-[A-Za-z0-9]+"#, "WORLD"),
    (r"\bxtask-run-[A-Za-z0-9]+", "xtask-run"),
    (r"127\.0\.0\.1:[0-9]{2,}", "127.0.0.1:PORT"),
    (r"\b[0-9a-f]{64}\b", "SHA256"),
    (r"\b[0-9a-f]{40}\b", "COMMIT"),
    (r"\b[0-9a-f]{12}\b", "1234567890ab"),
    (r"\b[0-9a-f]{10}\b", "1234567890"),
    (r"\b[0-9a-f]{7}\b", "1234567"),
    (r"\b([0-9]+ min )?[0-9.]+ ?m?s\b", "TIME"),
    (r"\blocal-[0-9]{8}T[0-9]{6}Z-[0-9a-f]+\b", "local-RUN"),
    // A release reuses checks that passed on this machine before.
    (r"(?m)^  - (\S+ +)passed on this machine before, with the same files: (.*)$", "  ✓ $1$2 (TIME)"),
    (r"matched the code on this machine before, with the same files", "matches the code"),
    // What depends on the machine: its processor, its container engine, the base image that it can pull.
    (r"\b(sandbox|docker|podman): /health", "ENGINE: /health"),
    (r"linux/[a-z0-9]+ not run here", "linux/OTHER not run here"),
    (r"layers: [0-9]+ uploaded, [0-9]+ mounted, [0-9]+ already", "layers: N uploaded, N mounted, N already"),
    (r"\b[0-9]+ KiB\b", "N KiB"),
    // What changes when a pinned tool is updated.
    (r"(/tools/\.?[a-z]+)-[0-9.]*[0-9]", "$1"),
    (r"(Tool-Version: [a-z]+) .*", "$1 VERSION"),
    (r"(?m)^(  ✓ \S+ +)[0-9.]+(  CACHE/tools)", "${1}VERSION$2"),
    (r"(?m)^Using CPython .*\n", ""),
    // The Python of the machine, and what `setup` removes from its cache.
    (r"(✓ python +|--python )/\S+", "${1}PYTHON"),
    (r"(✓ unused +)[^(]+", "${1}STATE "),
    (r"\(os error [0-9]+\)", "(os error N)"),
    // Said after ten seconds only.
    (r"(?m)^ +.*: waiting for an answer, at most .*\n", ""),
];

impl Output {
    /// The exit code and both streams, masked. The first line also keeps `expect!` from removing an indent
    /// that all other lines have.
    pub(crate) fn seen(&self) -> String {
        let stdout = masked(&self.stdout);
        let stderr = masked(&self.stderr);
        let between = if stdout.is_empty() || stderr.is_empty() { "" } else { "stderr:\n" };
        format!("exit code {}\n{stdout}{between}{stderr}", self.code)
    }

    /// The exit code and what stands below the progress lines: the findings and the error, masked.
    pub(crate) fn seen_findings(&self) -> String {
        self.seen_from(&["info[", "warning[", "error[", "breaking[", "error:"])
    }

    /// The exit code and the error that is not a finding, masked.
    pub(crate) fn seen_error(&self) -> String {
        self.seen_from(&["error:"])
    }

    /// The exit code and the lines of stderr that contain one of these words, masked.
    pub(crate) fn seen_lines(&self, words: &[&str]) -> String {
        let stderr = masked(&self.stderr);
        let lines = stderr.lines().filter(|line| words.iter().any(|word| line.contains(word)));
        lines.fold(format!("exit code {}\n", self.code), |seen, line| seen + line + "\n")
    }

    /// The exit code and stderr from the first line that begins with one of these words, masked.
    fn seen_from(&self, words: &[&str]) -> String {
        let stderr = masked(&self.stderr);
        let begins = |line: &&str| words.iter().any(|word| line.starts_with(word));
        let at = stderr.lines().find(begins).and_then(|line| stderr.find(&format!("{line}\n")));
        format!("exit code {}\n{}", self.code, at.map_or("", |at| &stderr[at..]))
    }
}

/// The text with fixed words for what MASKS lists and for the cache's folder. Lines have no space at their
/// end, and those of parallel steps are sorted.
pub(crate) fn masked(text: &str) -> String {
    static COMPILED: OnceLock<Vec<(Regex, &str)>> = OnceLock::new();
    let masks = COMPILED.get_or_init(|| {
        MASKS.iter().map(|(pattern, word)| (Regex::new(pattern).expect("a pattern"), *word)).collect()
    });
    let text = text.replace(&*user_cache().to_string_lossy(), "CACHE");
    let text = masks.iter().fold(text, |text, (mask, word)| mask.replace_all(&text, *word).into_owned());
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_string() + "\n").collect();
    for together in lines.chunk_by_mut(|a, b| parallel(a).is_some_and(|group| parallel(b) == Some(group))) {
        together.sort_by_key(|line| line.chars().skip(4).collect::<String>());
    }
    lines.concat()
}

/// What runs at the same time as the step of this progress line, so that their order differs from run to run.
fn parallel(line: &str) -> Option<&str> {
    let step = ["  ✓ ", "  - ", "  ✗ "].iter().find_map(|mark| line.strip_prefix(mark))?;
    let step = step.split(' ').next()?;
    match step.split('-').next()? {
        "lint" | "openapi" | "compat" | "test" | "users" => Some("checks"),
        "smoke" | "image" if !step.ends_with("-push") => Some("smoke and image"),
        // The same step of several apps.
        step => Some(step),
    }
}

#[test]
fn only_what_differs_from_run_to_run_is_masked() {
    for (text, expected) in [
        ("in /tmp/xtask-it-a1B2c3/repo/x.py:3", "in WORLD/repo/x.py:3\n"),
        ("--root=/private/tmp/xtask-it-a1B2c3", "--root=WORLD\n"),
        ("file:///tmp/xtask-it-a1B2c3/data", "file:WORLD/data\n"),
        ("http://127.0.0.1:34567/simple, 127.0.0.1:1", "http://127.0.0.1:PORT/simple, 127.0.0.1:1\n"),
        ("1a2b3c4 sha-1a2b3c4 (1a2b3c4)", "1234567 sha-1234567 (1234567)\n"),
        ("✓ build  two files (1.4 s)", "✓ build  two files (TIME)\n"),
        ("(2 min 05 s)  \nRan 3 tests in 0.123s", "(TIME)\nRan 3 tests in TIME\n"),
        ("Run-Id: local-20260101T000300Z-25b15dfc", "Run-Id: local-RUN\n"),
        ("Tool-Version: uv 0.13.8", "Tool-Version: uv VERSION\n"),
        ("refused (os error 111)", "refused (os error N)\n"),
        ("  - test-a  x\n  ✓ lint-a  y\n  ✓ a  z", "  ✓ lint-a  y\n  - test-a  x\n  ✓ a  z\n"),
        ("0.1.129 2026-01-01 v1 5 files 12345 bytes", "0.1.129 2026-01-01 v1 5 files 12345 bytes\n"),
    ] {
        assert_eq!(masked(text), expected);
    }
}
