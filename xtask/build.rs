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

/// `cargo xtask` compiles with --quiet, so that no command after the first prints cargo's lines. Whoever
/// waits at a terminal is told why. cargo keeps what a build script prints to itself; a terminal can be
/// written to all the same.
fn announce() {
    if let Ok(mut terminal) = std::fs::OpenOptions::new().write(true).open("/dev/tty") {
        let _ = writeln!(terminal, "Compiling xtask: about a minute on two cores the first time");
    }
}

/// Every file below, sorted.
fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(path) else { return vec![path.to_path_buf()] };
    let mut entries: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries.iter().flat_map(|entry| files(entry)).collect()
}
