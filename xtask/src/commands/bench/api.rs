//! `api diff` on this repository's apps, and how often the rules of the reader that it uses for Python would be right on the cases that ours are
//! tested by.

use super::{Figures, time, xtask};
use crate::model::ctx::Ctx;
use crate::sys::{child, tools};
use anyhow::Result;
use xshell::cmd;

const RUNS: usize = 5;
/// What is compared with HEAD: far enough for the sources to differ.
const BEFORE: &str = "HEAD~20";

pub fn api(ctx: &Ctx) -> Result<()> {
    println!("api diff APP {BEFORE} HEAD: {RUNS} warm runs each, min / median / max in ms");
    let root = ctx.ws.root.as_str();
    for app in ctx.ws.apps.iter().filter(|app| crate::commands::api::guarded(app)) {
        let mut runs = Vec::new();
        for run in 0..=RUNS {
            let took = time(xtask(&["api", "diff", app.name(), BEFORE, "HEAD", "--root", root])?, &[0, 3])?;
            // The first fetches and builds what the others find.
            if run > 0 {
                runs.push(took);
            }
        }
        println!("{:>12}  {:>26}", app.name(), Figures::of(runs));
    }
    peer(ctx)
}

fn peer(ctx: &Ctx) -> Result<()> {
    let python = tools::tool("griffe")?.with_file_name("python");
    let sh = child::shell(ctx.ws.root.join("xtask/tests/it/api"))?;
    let script = include_str!("peer.py");
    let cases = ["names.txt", "signatures.txt", "classes.txt", "fields.txt"];
    println!("{}", child::capture(cmd!(sh, "{python} -E -s -c {script} prelude.py {cases...}"), &[])?);
    Ok(())
}
