//! Clean folders to install into, at a few fixed paths. Python caches bytecode by path, so an environment at
//! the path of an earlier one starts in half the time.

use crate::sys::child;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;

/// A clean folder that no other process uses. It is removed when the value is dropped.
pub(crate) struct Place {
    pub dir: Utf8PathBuf,
    _lock: File,
}

/// The first place that is not in use, emptied.
pub(crate) fn place() -> Result<Place> {
    let folder = child::cache()?.join("scratch");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {folder}"))?;
    for n in 0.. {
        let lock = File::create(folder.join(format!("{n}.lock")))?;
        if lock.try_lock().is_ok() {
            let dir = folder.join(n.to_string());
            clear(&dir)?;
            std::fs::create_dir(&dir).with_context(|| format!("cannot create {dir}"))?;
            return Ok(Place { dir, _lock: lock });
        }
    }
    unreachable!("the loop ends only with a return")
}

/// The folder where Python caches the bytecode of environments in these places (PYTHONPYCACHEPREFIX).
pub(crate) fn bytecode() -> Result<Utf8PathBuf> {
    Ok(child::cache()?.join("pycache"))
}

/// Removes the folder, which a killed process may have left behind.
fn clear(dir: &Utf8Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {dir}"))
    } else {
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = clear(&self.dir);
    }
}
