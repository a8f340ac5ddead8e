//! How often the rules of the reader that `api diff` uses would be right on the cases that ours are tested by.

use crate::{Ctx, child, tools};
use anyhow::Result;
use xshell::cmd;

pub fn api(ctx: &Ctx) -> Result<()> {
    let python = tools::tool("griffe")?.with_file_name("python");
    let sh = child::shell(ctx.ws.root.join("xtask/tests/it/api"))?;
    let script = include_str!("peer.py");
    let cases = ["names.txt", "signatures.txt", "classes.txt", "fields.txt"];
    println!("{}", child::capture(cmd!(sh, "{python} -E -s -c {script} prelude.py {cases...}"), &[])?);
    Ok(())
}
