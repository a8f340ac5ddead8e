//! Benchmarks `api diff` on this repository's apps, and runs griffe's own rules on the test cases of our
//! rules for Python. (griffe is the reader that `api diff` uses for Python.)

use super::{Figures, root, time, xtask};
use anyhow::{Context, Result, bail};
use std::process::Command;

const RUNS: usize = 5;
/// The commit to compare with HEAD, far enough back for the sources to differ.
const BEFORE: &str = "HEAD~20";

pub(crate) fn api() -> Result<()> {
    println!("api diff APP {BEFORE} HEAD: {RUNS} warm runs each, min / median / max in ms");
    for app in ["python", "ts"] {
        let mut runs = Vec::new();
        for run in 0..=RUNS {
            let took =
                time(xtask(&["api", "diff", app, BEFORE, "HEAD", "--root", root().as_str()])?, &[0, 3])?;
            // The first run fills the caches.
            if run > 0 {
                runs.push(took);
            }
        }
        println!("{:>12}  {:>26}", app, Figures::of(runs));
    }
    peer()
}

fn peer() -> Result<()> {
    let home = std::env::var("HOME").context("HOME is not set")?;
    let found = glob::glob(&format!("{home}/.cache/fractal-xtask/tools/griffe-*/bin/python"))?.next();
    let python = found.context("griffe is not installed: cargo xtask setup")??;
    let mut command = Command::new(python);
    command.args([
        "-E",
        "-s",
        "-c",
        include_str!("peer.py"),
        "prelude.py",
        "names.txt",
        "signatures.txt",
        "classes.txt",
        "fields.txt",
    ]);
    let output = command.current_dir(root().join("xtask/tests/it/api")).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    println!("{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}
