//! Stamps the program with the version of the rules by which releases are compared: a hash of their sources,
//! which nobody can forget to raise.

use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where the rules live.
const RULES: [&str; 4] = ["src/commands/api.rs", "src/commands/api", "src/commands/plan/compare", "diff/src"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut hasher = DefaultHasher::new();
    for path in RULES {
        println!("cargo::rerun-if-changed={path}");
        for file in files(Path::new(path)) {
            hasher.write(file.to_string_lossy().as_bytes());
            hasher.write(&std::fs::read(&file).unwrap_or_default());
        }
    }
    announce();
    println!("cargo::rustc-env=XTASK_RULES={:016x}", hasher.finish());
}

/// `cargo xtask` compiles with --quiet, so that later commands do not print cargo's lines. The first
/// compilation takes a minute, and says so. cargo keeps a build script's output to itself, so the line goes
/// to cargo's own standard error (a terminal or a CI job's log), and where there is no /proc, to the
/// terminal.
fn announce() {
    let cargo = format!("/proc/{}/fd/2", std::os::unix::process::parent_id());
    let open = |path: &str| std::fs::OpenOptions::new().append(true).open(path);
    if let Ok(mut out) = open(&cargo).or_else(|_| open("/dev/tty")) {
        let _ = writeln!(out, "Compiling xtask: about a minute on two cores the first time");
    }
}

/// Every file below, sorted.
fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(path) else { return vec![path.to_path_buf()] };
    let mut entries: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries.iter().flat_map(|entry| files(entry)).collect()
}
