//! One process at a time changes a checkout: a second one says who runs, and waits. The lock is the system's
//! (flock), so it ends with its process, even if that is killed.

use super::git::Git;
use super::ui;
use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Keeps other processes out of this checkout until this process ends. Returns true if it had to wait: then
/// what was read before may have changed.
pub(crate) fn take(git: &Git) -> Result<bool> {
    // The jobs of one `ci` run in one process, which must not wait for itself.
    static HELD: Mutex<Option<File>> = Mutex::new(None);
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if held.is_some() {
        return Ok(false);
    }
    // In git's own folder, so that it is never part of the checkout. A worktree has such a folder of its own.
    let path = Utf8PathBuf::from(git.read(&["rev-parse", "--absolute-git-dir"])?).join("xtask-running");
    let cannot = || format!("cannot lock {path}");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(cannot)?;
    let waits = match file.try_lock() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => {
            let holder = holder(&mut file).with_context(cannot)?;
            ui::say(&format!("waiting for {holder}, which works in this checkout (Ctrl-C stops waiting)"));
            file.lock().with_context(cannot)?;
            true
        }
        Err(TryLockError::Error(e)) => return Err(e).with_context(cannot),
    };
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(this_process().as_bytes()).with_context(cannot)?;
    *held = Some(file);
    Ok(waits)
}

/// The process that has locked the file. It writes its name a moment after it has locked it.
fn holder(file: &mut File) -> std::io::Result<String> {
    let mut name = String::new();
    for _ in 0..100 {
        file.rewind()?;
        if file.read_to_string(&mut name)? > 0 {
            return Ok(name);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok("another xtask".to_string())
}

/// `xtask release python (process 4711, since 2026-11-27T19:02:11Z)`. Without flags, because an address may
/// have a password.
fn this_process() -> String {
    let words: Vec<String> = std::env::args().skip(1).take_while(|word| !word.starts_with('-')).collect();
    let since = super::date::now();
    format!("xtask {} (process {}, since {since})", words.join(" "), std::process::id())
}
