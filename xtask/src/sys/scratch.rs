//! Clean folders to install into, at one of a few paths: Python keeps bytecode by path, so an environment
//! made where the last one was starts in half the time.

use crate::sys::child;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;

/// Ours alone until it is dropped; then it is empty again.
pub struct Place {
    pub dir: Utf8PathBuf,
    _lock: File,
}

/// The first place that nobody uses.
pub fn place() -> Result<Place> {
    let folder = child::cache()?.join("scratch");
    std::fs::create_dir_all(&folder).with_context(|| format!("{folder} can't be made"))?;
    for n in 0.. {
        let lock = File::create(folder.join(format!("{n}.lock")))?;
        if lock.try_lock().is_ok() {
            let dir = folder.join(n.to_string());
            clear(&dir)?;
            std::fs::create_dir(&dir).with_context(|| format!("{dir} can't be made"))?;
            return Ok(Place { dir, _lock: lock });
        }
    }
    unreachable!("the numbers don't end")
}

/// Where Python keeps the bytecode of environments in these places (PYTHONPYCACHEPREFIX).
pub fn bytecode() -> Result<Utf8PathBuf> {
    Ok(child::cache()?.join("pycache"))
}

/// Also what a killed process left.
fn clear(dir: &Utf8Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("{dir} can't be removed"))
    } else {
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = clear(&self.dir);
    }
}
