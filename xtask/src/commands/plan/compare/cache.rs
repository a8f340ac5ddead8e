//! Caches comparisons in `target/xtask/evidence`. The key is a hash of what was compared and of the rules'
//! version. An entry that cannot be read is ignored.

use crate::model::ctx::Ctx;
use crate::model::evidence::Difference;
use crate::sys::{files, hash};
use anyhow::Result;
use camino::Utf8PathBuf;

/// Changes whenever a rule does; see build.rs.
const RULES: &str = env!("XTASK_RULES");

pub(super) struct Entry {
    file: Utf8PathBuf,
}

impl Entry {
    pub(super) fn of(ctx: &Ctx, parts: &[&str]) -> Entry {
        let key = hash::sha256(format!("{RULES}\0{}", parts.join("\0")));
        Entry { file: ctx.ws.root.join("target/xtask/evidence").join(key).with_extension("json") }
    }

    pub(super) fn read(&self) -> Option<Vec<Difference>> {
        serde_json::from_slice(&std::fs::read(&self.file).ok()?).ok()
    }

    /// Returns the cached differences, or runs `find` and caches its result.
    pub(super) fn or_found(&self, find: impl FnOnce() -> Result<Vec<Difference>>) -> Result<Vec<Difference>> {
        if let Some(found) = self.read() {
            return Ok(found);
        }
        let found = find()?;
        self.write(&found);
        Ok(found)
    }

    /// A failed write is ignored: the next plan compares again.
    fn write(&self, differences: &[Difference]) {
        let Some(folder) = self.file.parent() else { return };
        // A plan must leave `git status` unchanged, also in a repository that does not ignore target/.
        let ignore = folder.join(".gitignore");
        if std::fs::create_dir_all(folder).is_ok()
            && (ignore.exists() || files::write_atomic(&ignore, b"*\n").is_ok())
            && let Ok(text) = serde_json::to_vec(differences)
        {
            let _ = files::write_atomic(&self.file, &text);
        }
    }
}
