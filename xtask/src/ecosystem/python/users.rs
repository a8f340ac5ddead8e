//! Users of an earlier release, tried with today's code: their tests as that release has them, in today's environment.

use super::synced;
use crate::Ctx;
use crate::users::Prepared;
use crate::workspace::App;
use anyhow::{Context, Result};
use camino::Utf8Path;

/// `argv` in the app's folder of the other checkout `tree`, whose packages are taken out.
pub fn prepare(ctx: &Ctx, app: &App, tree: &Utf8Path, argv: &[String]) -> Result<Prepared> {
    let python = synced(ctx, app, &ctx.ws.root)?;
    let dir = tree.join(&app.dir);
    without_sources(app, &dir)?;
    let (program, args) = argv.split_first().context("an empty command")?;
    let bin = python.parent().context("python has a folder")?;
    let own = bin.join(program);
    let program = if own.exists() { own.into_string() } else { program.clone() };
    let venv = bin.parent().context("an environment has a folder")?.to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").context("PATH is not set, or not UTF-8")?);
    Ok(Prepared { dir, program, args: args.to_vec(), env: vec![("PATH", path), ("VIRTUAL_ENV", venv)] })
}

/// The earlier release's own packages go: Python would take them from the current folder before those that are installed.
fn without_sources(app: &App, dir: &Utf8Path) -> Result<()> {
    for module in &app.settings.api.public {
        let top = module.split('.').next().unwrap_or(module);
        for folder in [dir.to_path_buf(), dir.join("src")] {
            for path in [folder.join(top), folder.join(format!("{top}.py"))] {
                let gone = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                match gone {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(e).with_context(|| format!("{path} can't be removed"));
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}
