//! Temporary folders. Some are at a few fixed paths: Python caches bytecode by path, so an environment at the
//! path of an earlier one starts in half the time. What a killed process leaves is removed at the next start.

use crate::sys::child;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;
use std::path::Path;
use std::sync::Once;
use tempfile::TempDir;

/// The first part of the names of temporary folders.
const PREFIX: &str = "xtask-run-";

/// A new folder for temporary files, at a new path. It is removed when this is dropped.
pub(crate) struct Folder {
    dir: TempDir,
    /// Locked as long as this process lives, however it ends.
    _lock: File,
}

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

pub(crate) fn folder() -> Result<Folder> {
    static SWEPT: Once = Once::new();
    let parent = std::env::temp_dir();
    SWEPT.call_once(|| sweep(&parent));
    loop {
        let dir = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(&parent)
            .with_context(|| format!("cannot create a folder in {}", parent.display()))?;
        // Another process may sweep it between its creation and its lock.
        if let Some(lock) = locked(dir.path()).filter(|_| dir.path().exists()) {
            return Ok(Folder { dir, _lock: lock });
        }
    }
}

/// The locked folder. None if it is gone, or if a living process has it.
fn locked(dir: &Path) -> Option<File> {
    let folder = File::open(dir).ok()?;
    folder.try_lock().is_ok().then_some(folder)
}

/// Removes the folders of processes that have ended. Errors are ignored: the next start tries again.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && let Some(_lock) = locked(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folders_of_processes_that_have_ended_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let [dead, alive, other] =
            ["xtask-run-1", "xtask-run-2", "other"].map(|name| parent.path().join(name));
        for dir in [&dead, &alive, &other] {
            std::fs::create_dir(dir).unwrap();
            std::fs::write(dir.join("file"), "").unwrap();
        }
        let lock = locked(&alive).unwrap();
        sweep(parent.path());
        assert!(!dead.exists() && alive.exists() && other.exists());
        drop(lock);
        sweep(parent.path());
        assert!(!alive.exists());
    }
}
