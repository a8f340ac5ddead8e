//! Writes files atomically: a reader sees either the old bytes or the new bytes, never a mixture.

use anyhow::{Context, Result};
use camino::Utf8Path;
use std::io::Write;

/// Replaces `path` in one step and keeps its mode.
pub(crate) fn write_atomic(path: &Utf8Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    let mut temp =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write to {folder}"))?;
    temp.write_all(bytes)?;
    let mode = match std::fs::metadata(path) {
        Ok(old) => old.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    temp.as_file().set_permissions(mode)?;
    temp.persist(path).with_context(|| format!("cannot write {path}"))?;
    Ok(())
}
