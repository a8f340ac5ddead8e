//! Compiles a hash of the comparison rules' sources into the program, as the rules' version. A version number
//! could be forgotten; the hash changes by itself.

use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The files and folders of the comparison rules.
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

/// Announces the first compilation, which takes about a minute: the alias `cargo xtask` compiles with
/// --quiet, so cargo itself prints nothing. cargo captures the output of build scripts, so the line is
/// written to cargo's own stderr (a terminal or a CI job's log), or to the terminal where there is no /proc.
fn announce() {
    let cargo = format!("/proc/{}/fd/2", std::os::unix::process::parent_id());
    let open = |path: &str| std::fs::OpenOptions::new().append(true).open(path);
    if let Ok(mut out) = open(&cargo).or_else(|_| open("/dev/tty")) {
        let _ = writeln!(out, "Compiling xtask: takes about a minute on two cores the first time");
    }
}

/// Every file below `path`, sorted.
fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(path) else { return vec![path.to_path_buf()] };
    let mut entries: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries.iter().flat_map(|entry| files(entry)).collect()
}
