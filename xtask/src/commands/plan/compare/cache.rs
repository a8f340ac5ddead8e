//! Caches comparisons in the user's cache folder, so that all checkouts share them: the jobs of a pull
//! request and of its release compare the same trees. The key is a hash of what was compared and of the
//! version of the rules. An entry that cannot be read is ignored.

use crate::model::evidence::Difference;
use crate::sys::{child, files, hash};
use anyhow::Result;
use camino::Utf8PathBuf;

/// Changes whenever a rule does; see build.rs.
const RULES: &str = env!("XTASK_RULES");

pub(super) struct Entry {
    /// None if there is no cache folder.
    file: Option<Utf8PathBuf>,
}

impl Entry {
    pub(super) fn of(parts: &[&str]) -> Entry {
        let key = hash::sha256(format!("{RULES}\0{}", parts.join("\0")));
        let file = |cache: Utf8PathBuf| cache.join("evidence").join(key).with_extension("json");
        Entry { file: child::cache().ok().map(file) }
    }

    pub(super) fn read(&self) -> Option<Vec<Difference>> {
        serde_json::from_slice(&std::fs::read(self.file.as_ref()?).ok()?).ok()
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
        let Some((file, folder)) = self.file.as_ref().and_then(|file| Some((file, file.parent()?))) else {
            return;
        };
        if std::fs::create_dir_all(folder).is_ok()
            && let Ok(text) = serde_json::to_vec(differences)
        {
            let _ = files::write_atomic(file, &text);
        }
    }
}
