//! Benchmarks `openapi diff` on large documents, and counts how often its result agrees with oasdiff.

use super::{Figures, RUNS, copy, root, time, xtask};
use anyhow::Result;
use diff::openapi::{cases, diff, specs};
use std::time::Instant;

/// The number of resources that gives a document of about 1 MB.
const RESOURCES: usize = 95;

pub(crate) fn openapi() -> Result<()> {
    let folder = root().join("target/bench");
    std::fs::create_dir_all(&folder)?;
    let (old, new) = (specs::generated(RESOURCES, 0), specs::generated(RESOURCES, 1));
    let [a, b, c] = ["old", "same", "new"].map(|name| folder.join(format!("spec-{name}.json")));
    for (path, spec) in [(&a, &old), (&b, &old), (&c, &new)] {
        std::fs::write(path, serde_json::to_vec_pretty(spec)?)?;
    }
    let size = std::fs::metadata(&a)?.len() as f64 / 1e6;
    println!("openapi diff: two documents of {size:.1} MB, {RUNS} runs each, min / median / max in ms");
    println!("{:>16}  {:>22}  {:>22}", "", "comparison alone", "cargo xtask");
    for (name, file, spec) in [("the same", &b, &old), ("every 10th other", &c, &new)] {
        let command = xtask(&["openapi", "diff", a.as_str(), file.as_str()])?;
        let (mut alone, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let started = Instant::now();
            std::hint::black_box(diff(&old, spec, "2026-11-21"));
            alone.push(started.elapsed());
            whole.push(time(copy(&command), &[0, 3])?);
        }
        println!("{name:>16}  {:>22}  {:>22}", Figures::of(alone), Figures::of(whole));
    }
    agreement()
}

fn agreement() -> Result<()> {
    let all: Vec<_> = cases::all()?.into_iter().filter(|case| case.oasdiff.is_some()).collect();
    let (agree, differ): (Vec<_>, Vec<_>) = all.iter().partition(|case| case.agrees() == Some(true));
    println!(
        "of {} cases {} have the same ids and levels as with oasdiff's rules; the others, with reasons:",
        all.len(),
        agree.len()
    );
    for case in differ {
        println!(
            "  {}: {}",
            case.what,
            case.why.as_deref().filter(|_| case.is_right()).unwrap_or("NOT INTENDED")
        );
    }
    Ok(())
}
