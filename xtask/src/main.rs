//! Entry point: parses the flags, builds the context, and calls the command.

mod checks;
mod commands;
mod ecosystem;
mod flags;
mod forge;
mod model;
mod oci;
#[cfg(test)]
mod skip;
mod sys;

use anyhow::Result;
use commands::{
    api, audit, build, bump, check, ci, compat, hook, hotfix, image, openapi, plan, promote, rehearse,
    release, rollback, setup,
};
use diff::finding;
use flags::{Command, Flags};
use model::ctx::Ctx;
use model::{endpoints, workspace};
use sys::{checkout_lock, exit, git, supervise, ui};

fn main() -> std::process::ExitCode {
    // Build tools copy the modes of the files that they create into packages.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let flags = Flags::read(release::steps_help);
    match run(flags) {
        Ok(()) => 0.into(),
        Err(error) => {
            let code = error.downcast_ref::<exit::Exit>().map(|e| e.code()).unwrap_or(1);
            if let Some(exit::Exit::Gate(findings)) = error.downcast_ref() {
                findings.iter().for_each(ui::finding);
            }
            match code {
                4 => ui::say(&format!("{error:#}")),
                _ => ui::say(&format!("{} {error:#}", ui::red("error:"))),
            }
            code.into()
        }
    }
}

fn run(flags: Flags) -> Result<()> {
    let ctx = || -> Result<Ctx> {
        let ws = workspace::Workspace::load(flags.root.as_deref())?;
        let mut endpoints = endpoints::Endpoints::from_flags(&flags.endpoints)?;
        let git = git::Git::new(&ws.root);
        if flags.endpoints.remote.is_none() {
            endpoints.remote = git.default_remote();
        }
        let (git, remote) = git.with_remote(&endpoints.remote);
        endpoints.remote = remote;
        let mut ctx = Ctx { git, ws, endpoints, json: flags.json };
        if ctx.ws.settings.registries.is_some() {
            forge::Forge::use_registries(&mut ctx, &flags.endpoints)?;
        }
        ctx.endpoints.refuse_outside()?;
        Ok(ctx)
    };
    // For commands that write into the checkout.
    let alone = |dry_run: bool| -> Result<Ctx> {
        let ctx_before = ctx()?;
        ctx_before.git.refuse_without_commits()?;
        let waited = !dry_run && checkout_lock::take(&ctx_before.git)?;
        if waited { ctx() } else { Ok(ctx_before) }
    };
    match &flags.command {
        Command::Supervise { argv } => std::process::exit(supervise::run(argv)?.into()),
        // Needs no workspace: it loads one only if the template names an app of this repository.
        Command::Compat(compat @ flags::Compat { template: Some(dir), .. }) => {
            compat::downstream::command(&flags, compat, dir, ctx)
        }
        Command::Lint(flags) => check::lint(&ctx()?, flags),
        Command::Test(flags) => check::test(&ctx()?, flags),
        Command::Check(flags) => check::check(&ctx()?, flags),
        Command::Api { command } => {
            api::command(&ctx()?, command, |ctx, app| Ok(plan::last(ctx, app)?.map(|release| release.tag)))
        }
        Command::Openapi { command } => openapi::command(&ctx()?, command, |ctx, app| {
            Ok(plan::last(ctx, app)?.map(|release| release.version))
        }),
        Command::Compat(flags) => compat::command(&ctx()?, flags),
        Command::Plan(flags) => plan::command(&ctx()?, flags),
        Command::Audit(flags) => audit::command(&ctx()?, flags),
        Command::Bump(flags) => bump::bump(&alone(flags.dry_run)?, flags),
        Command::Hotfix(flags) => hotfix::command(&alone(flags.dry_run)?, flags),
        Command::Rollback(flags) => rollback::command(&alone(flags.dry_run)?, flags),
        Command::Promote(flags) => promote::promote(&ctx()?, flags),
        Command::Build(flags) => build::command(&alone(flags.dry_run)?, flags),
        Command::Image(flags) => image::command(&alone(false)?, flags),
        Command::Tag(flags) => release::step_command(&alone(flags.dry_run)?, flags, "tag"),
        Command::Publish(flags) => release::step_command(&alone(flags.dry_run)?, flags, "publish"),
        Command::Release(flags) => release::command(&alone(flags.dry_run)?, flags),
        Command::Verify(flags) => release::verify::command(&ctx()?, flags),
        Command::Rehearse(flags) => rehearse::command(&ctx()?, flags),
        Command::World { dir } => rehearse::world::serve(&ctx()?, dir),
        Command::Ci(flags) => ci::command(&ctx()?, flags),
        Command::Hook { hook } => hook::command(&ctx()?, hook),
        Command::Setup(flags) => setup::setup(&ctx()?, flags),
    }
}
