//! `hook`: what the git hooks of `lefthook.yml` call.

use crate::flags;
use crate::model::ctx::Ctx;
use anyhow::Result;

mod commit_msg;
mod pre_commit;
mod pre_push;

pub(crate) fn command(ctx: &Ctx, hook: &flags::Hook) -> Result<()> {
    match hook {
        flags::Hook::PreCommit => pre_commit::run(ctx),
        flags::Hook::CommitMsg { file } => commit_msg::run(ctx, file),
        flags::Hook::PrePush => pre_push::run(ctx),
    }
}
