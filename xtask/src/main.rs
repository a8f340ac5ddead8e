//! Parse flags, build the context, one match over the commands.

mod child;
mod commits;
mod ecosystem;
mod endpoints;
mod exit;
mod finding;
mod flags;
mod git;
mod manifest;
mod markdown;
mod plan;
mod release;
mod tools;
mod ui;
mod version;
mod workspace;

use anyhow::Result;
use clap::Parser;
use flags::{Command, Flags};

/// What every command needs: the checkout, its git, and where it may read and write.
pub struct Ctx {
    pub ws: workspace::Workspace,
    pub git: git::Git,
    pub endpoints: endpoints::Endpoints,
    pub json: bool,
}

fn main() -> std::process::ExitCode {
    let flags = Flags::parse();
    match run(flags) {
        Ok(()) => 0.into(),
        Err(error) => {
            let code = error.downcast_ref::<exit::Exit>().map(|e| e.code()).unwrap_or(1);
            if let Some(exit::Exit::Gate(findings)) = error.downcast_ref() {
                findings.iter().for_each(ui::finding);
            }
            match code {
                4 => eprintln!("{error:#}"),
                _ => eprintln!("{} {error:#}", ui::red("error:")),
            }
            code.into()
        }
    }
}

fn run(flags: Flags) -> Result<()> {
    let ws = workspace::Workspace::load(flags.root.as_deref())?;
    let ctx = Ctx { git: git::Git::new(&ws.root), ws, endpoints: endpoints::Endpoints::from_flags(&flags.endpoints)?, json: flags.json };
    match flags.command {
        Command::Plan(flags) => plan::command(&ctx, &flags),
        _ => todo_command(&ctx),
    }
}

fn todo_command(_: &Ctx) -> Result<()> {
    anyhow::bail!("not there yet")
}
