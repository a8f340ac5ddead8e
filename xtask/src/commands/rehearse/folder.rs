//! The folder of a rehearsal below `target/rehearsal`. It is locked while its process runs. Folders of
//! processes that have ended are removed.

use crate::sys::ui;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::{self, File};

/// A marker file in the folder of a failed rehearsal, which is kept until the next one fails or `--clean`
/// removes it.
const FAILED: &str = "FAILED";

/// A folder and its lock. The kernel releases the lock when this process ends, also after SIGKILL.
pub(super) struct Folder {
    pub path: Utf8PathBuf,
    lock: File,
}

/// Creates a folder below `root/target/rehearsal`, after removing the folders of processes that have ended.
pub(super) fn create(root: &Utf8Path) -> Result<Folder> {
    let all = all(root);
    fs::create_dir_all(&all).with_context(|| format!("cannot create the folder {all}"))?;
    let _guard = guard(&all)?;
    remove_dead(&all, true)?;
    let name = format!("{}-{}", crate::sys::date::stamp(), std::process::id());
    let path = all.join(&name);
    let lock = File::create(all.join(format!("{name}.lock")))?;
    lock.try_lock().with_context(|| format!("another process holds {name}.lock"))?;
    fs::create_dir(&path).with_context(|| format!("cannot create the folder {path}"))?;
    Ok(Folder { path, lock })
}

/// `rehearse --clean`: removes every folder whose process has ended, and prints their names.
pub(super) fn clean(root: &Utf8Path) -> Result<()> {
    let all = all(root);
    if !all.exists() {
        ui::say(&format!("nothing to remove: {all} does not exist"));
        return Ok(());
    }
    let _guard = guard(&all)?;
    let removed = remove_dead(&all, false)?;
    removed.iter().for_each(|name| ui::say(&format!("removed {}", all.join(name))));
    if removed.is_empty() {
        ui::say(&format!("nothing to remove in {all}"));
    }
    Ok(())
}

impl Folder {
    /// Removes the folder and its lock file.
    pub(super) fn remove(self) -> Result<()> {
        let all = self.path.parent().context("a folder below target/rehearsal")?;
        let _guard = guard(all)?;
        fs::remove_dir_all(&self.path).with_context(|| format!("cannot remove {}", self.path))?;
        fs::remove_file(self.path.with_extension("lock"))?;
        drop(self.lock);
        Ok(())
    }

    /// Keeps the folder for inspection after a failure.
    pub(super) fn keep(self) -> Result<()> {
        Ok(fs::write(self.path.join(FAILED), "")?)
    }
}

fn all(root: &Utf8Path) -> Utf8PathBuf {
    root.join("target/rehearsal")
}

/// A lock under which one process at a time creates and removes folders.
fn guard(all: &Utf8Path) -> Result<File> {
    let guard = File::create(all.join(".guard"))?;
    guard.lock()?;
    Ok(guard)
}

/// Removes the folders whose lock is free. With `keep_last` the last failed one is kept. Returns the removed
/// names.
fn remove_dead(all: &Utf8Path, keep_last: bool) -> Result<Vec<String>> {
    let mut dead = Vec::new();
    for entry in all.read_dir_utf8()? {
        let entry = entry?;
        let Some(name) = entry.file_name().strip_suffix(".lock").map(str::to_string) else { continue };
        let lock = File::open(entry.path())?;
        if lock.try_lock().is_ok() {
            dead.push(name);
        }
    }
    dead.sort();
    let kept = if keep_last {
        dead.iter().rev().find(|name| all.join(name).join(FAILED).exists()).cloned()
    } else {
        None
    };
    dead.retain(|name| Some(name) != kept.as_ref());
    for name in &dead {
        let folder = all.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {folder}"))?;
        }
        fs::remove_file(all.join(format!("{name}.lock")))?;
    }
    Ok(dead)
}
