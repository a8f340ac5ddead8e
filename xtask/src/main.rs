//! Parse flags, build the context, one match over the commands.

mod api;
mod audit;
mod bench;
mod build;
mod bump;
mod changelog;
mod changes;
mod check;
mod child;
mod ci;
mod commits;
mod compat;
mod contract;
mod date;
mod debian;
mod dry_run;
mod ecosystem;
mod endpoints;
mod exit;
mod files;
mod flags;
mod git;
mod hash;
mod http;
mod image;
mod labels;
mod manifest;
mod markdown;
mod memory;
mod openapi;
mod parallel;
mod plan;
mod probe;
mod promote;
mod rehearse;
mod release;
mod scratch;
mod serve;
mod setup;
mod supervise;
mod tools;
mod ui;
mod users;
mod version;
mod workspace;

use anyhow::Result;
use diff::finding;
use flags::{Command, Flags};

/// What every command needs: the checkout, its git, and where it may read and write.
pub struct Ctx {
    pub ws: workspace::Workspace,
    pub git: git::Git,
    pub endpoints: endpoints::Endpoints,
    pub json: bool,
}

/// What a shell shows for a program that SIGPIPE ended.
const NOBODY_READS: i32 = 141;

fn main() -> std::process::ExitCode {
    end_when_nobody_reads();
    let flags = Flags::read();
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

/// A reader that has seen enough (`| head`) ends the program without a panic's words: Rust ignores SIGPIPE, and `println!` panics instead.
fn end_when_nobody_reads() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.payload_as_str() {
        Some(text) if text.starts_with("failed printing to stdout: Broken pipe") => std::process::exit(NOBODY_READS),
        _ => others(panic),
    }));
}

fn run(flags: Flags) -> Result<()> {
    if let Command::Supervise { argv } = &flags.command {
        std::process::exit(supervise::run(argv)?.into());
    }
    if let Command::Compat(compat) = &flags.command
        && let Some(dir) = &compat.template
    {
        return compat::downstream::command(&flags, compat, dir);
    }
    let ws = workspace::Workspace::load(flags.root.as_deref())?;
    let ctx = Ctx { git: git::Git::new(&ws.root), ws, endpoints: endpoints::Endpoints::from_flags(&flags.endpoints)?, json: flags.json };
    match &flags.command {
        Command::Lint(flags) => check::lint(&ctx, flags),
        Command::Test(flags) => check::test(&ctx, flags),
        Command::Check(flags) => check::check(&ctx, flags),
        Command::Api { command } => api::command(&ctx, command),
        Command::Openapi { command } => openapi::command(&ctx, command),
        Command::Compat(flags) => compat::command(&ctx, flags),
        Command::Plan(flags) => plan::command(&ctx, flags),
        Command::Audit(flags) => audit::command(&ctx, flags),
        Command::Bench(flags) => bench::bench(&ctx, flags),
        Command::Bump(flags) => bump::bump(&ctx, flags),
        Command::Promote(flags) => promote::promote(&ctx, flags),
        Command::Build(flags) => build::command(&ctx, flags),
        Command::Image(flags) => image::command(&ctx, flags),
        Command::Tag(flags) => release::step_command(&ctx, flags, "tag"),
        Command::Publish(flags) => release::step_command(&ctx, flags, "publish"),
        Command::Release(flags) => release::command(&ctx, flags),
        Command::Verify(flags) => release::verify::command(&ctx, flags),
        Command::Rehearse(flags) => rehearse::command(&ctx, flags),
        Command::World { dir } => rehearse::world::serve(&ctx, dir),
        Command::Ci(flags) => ci::command(&ctx, flags),
        Command::Setup(flags) => setup::setup(&ctx, flags),
        _ => anyhow::bail!("not there yet"),
    }
}
