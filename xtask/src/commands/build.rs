//! `build APP`: builds the package files of a commit into `target/`.

use crate::flags;
use crate::model::ctx::Ctx;
use crate::sys::ui;
use anyhow::{Context, Result};

pub(crate) fn command(ctx: &Ctx, flags: &flags::Build) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    let commit = ctx.git.commit(&flags.commit)?;
    let folder = format!("target/xtask/dist/{}/{}", app.name(), crate::sys::git::short(&commit));
    let line = ui::begin(&format!("build-{}", app.name()));
    if flags.dry_run {
        line.end(ui::Outcome::Skipped(format!("would build {commit} into {folder}")));
        return Ok(());
    }
    let out = ctx.ws.root.join(&folder);
    let files = app
        .settings
        .ecosystem
        .build(ctx, app, &commit, &out)
        .with_context(|| format!("{} at {commit}", app.dir))?;
    line.end(ui::Outcome::Done(format!("{} from {}", folder, crate::sys::git::short(&commit))));
    if ctx.json {
        let files: Vec<_> = files
            .iter()
            .map(|f| serde_json::json!({ "name": f.name, "sha256": f.sha256, "path": f.path }))
            .collect();
        ui::print(serde_json::json!({ "schema": 1, "app": app.name(), "commit": commit, "files": files }));
    } else {
        files.iter().for_each(|f| ui::print(format_args!("{}  {}/{}", f.sha256, folder, f.name)));
    }
    Ok(())
}
