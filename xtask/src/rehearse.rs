//! `rehearse`.
use crate::{Ctx, flags};
use anyhow::Result;
mod folder;
mod forge;
mod index;
mod registry;
mod remote;
mod servers;
pub mod world;
pub fn command(ctx: &Ctx, flags: &flags::Rehearse) -> Result<()> {
    if flags.clean {
        return folder::clean(&ctx.ws.root);
    }
    let f = folder::create(&ctx.ws.root)?;
    f.remove()
}
