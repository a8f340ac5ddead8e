//! `hotfix --changelog`: adds the sections of the released patches of a minor version to the changelog of the
//! branch that is checked out.

use super::Hotfix;
use crate::commands::bump;
use crate::model::changelog::restore;
use crate::sys::{files, ui};
use anyhow::{Context, Result};
use semver::Version;

const CHANGELOG: &str = "CHANGELOG.md";

impl Hotfix<'_> {
    /// Commits the sections of every released patch of this line that the changelog lacks.
    pub(super) fn add_entries(&self, dry_run: bool) -> Result<()> {
        let (ctx, app) = (self.ctx, self.app);
        bump::refuse_dirty(ctx)?;
        self.fetch_tags()?;
        let place = files::inside(&ctx.ws.root, CHANGELOG.into())?;
        let file = ctx.ws.root.join(&place);
        let mut text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
        let line = self.line();
        let mut patches: Vec<&Version> = self.tagged.versions.iter().collect();
        patches.retain(|v| line.contains(v) && **v > self.version);
        patches.sort();
        let mut added = Vec::new();
        for version in patches {
            let from = ctx.git.read(&["show", &format!("refs/tags/{}:{CHANGELOG}", app.tag(version))])?;
            if let Some(with) = restore::section(&text, &from, &app.tag_start(), version) {
                text = with;
                added.push(app.tag(version));
            }
        }
        if added.is_empty() {
            ui::say(&format!("{CHANGELOG} has every patch of {}", app.tag(&self.version)));
            return Ok(());
        }
        let subject = format!("docs: add {} to the changelog", added.join(", "));
        if dry_run {
            ui::say(&format!("would commit {subject:?}"));
            return Ok(());
        }
        files::write_atomic(&file, text.as_bytes())?;
        ctx.git.run(&["commit", "--quiet", "--message", &subject, "--", place.as_str()])?;
        ui::say(&format!("{} {subject}", ui::green("✓")));
        Ok(())
    }
}
