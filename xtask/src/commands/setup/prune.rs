//! Removes entries of the user's cache folder that nothing has used for a month. Every entry is downloaded or
//! built again when it is needed.

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs::File;
use std::time::{Duration, SystemTime};

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The cache folders whose entries can be removed one by one.
const FOLDERS: [&str; 8] =
    ["tools", "declarations", "roots", "debian", "checked", "evidence", "oci/layers", "oci/blobs/sha256"];

/// Removes entries that were last used more than 30 days before `now`. Returns the removed paths, relative to
/// `cache`.
pub(super) fn prune(cache: &Utf8Path, now: SystemTime) -> Result<Vec<Utf8PathBuf>> {
    let mut removed = Vec::new();
    for folder in FOLDERS {
        let dir = cache.join(folder);
        if !dir.is_dir() {
            continue;
        }
        for entry in dir.read_dir_utf8().with_context(|| format!("cannot read {dir}"))? {
            let entry = entry?;
            if !entry.file_name().starts_with('.')
                && unused(entry.path(), now)
                && remove(&dir, entry.file_name())?
            {
                removed.push(Utf8Path::new(folder).join(entry.file_name()));
            }
        }
    }
    removed.sort();
    Ok(removed)
}

/// True if the entry's last use is more than 30 days ago. For a complete folder the last use is the
/// modification time of its `.complete` file. An unknown time counts as now.
fn unused(path: &Utf8Path, now: SystemTime) -> bool {
    let modified = |path: &Utf8Path| std::fs::symlink_metadata(path).and_then(|m| m.modified());
    let used = modified(&path.join(".complete")).or_else(|_| modified(path));
    used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > MONTH))
}

/// Removes an entry. False if another process is creating it now.
fn remove(dir: &Utf8Path, name: &str) -> Result<bool> {
    let path = dir.join(name);
    if !path.is_dir() {
        std::fs::remove_file(&path).with_context(|| format!("cannot remove {path}"))?;
        return Ok(true);
    }
    let lock = File::create(dir.join(format!(".{name}.lock")))?;
    if lock.try_lock().is_err() {
        return Ok(false);
    }
    // Rename first, so that no process sees a half-removed entry as complete.
    let gone = dir.join(format!(".{name}.removed"));
    std::fs::rename(&path, &gone)
        .and_then(|()| std::fs::remove_dir_all(&gone))
        .with_context(|| format!("cannot remove {path}"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_were_not_used_for_a_month_are_removed() {
        let temp = tempfile::tempdir().expect("temp");
        let cache = Utf8Path::from_path(temp.path()).expect("UTF-8");
        let now = SystemTime::now();
        let days = |days: u64| now - Duration::from_secs(days * 24 * 60 * 60);
        let entry = |path: &str, age: u64, complete: Option<u64>| {
            let dir = cache.join(path);
            std::fs::create_dir_all(&dir).expect("made");
            std::fs::write(dir.join("file"), "x").expect("written");
            if let Some(age) = complete {
                File::create(dir.join(".complete")).and_then(|f| f.set_modified(days(age))).expect("dated");
            }
            File::open(&dir).and_then(|f| f.set_modified(days(age))).expect("dated");
        };
        entry("tools/uv-1", 90, Some(40));
        entry("tools/uv-2", 90, Some(3));
        entry("tools/half", 31, None);
        entry("tools/held", 40, Some(40));
        entry("roots/new", 0, None);
        entry("npm/not-ours", 90, None);
        std::fs::create_dir_all(cache.join("checked")).expect("made");
        for (name, age) in [("old", 31), ("new", 29)] {
            File::create(cache.join("checked").join(name))
                .and_then(|f| f.set_modified(days(age)))
                .expect("dated");
        }
        let held = File::create(cache.join("tools/.held.lock")).expect("made");
        held.lock().expect("locked");
        assert_eq!(prune(cache, now).expect("pruned"), ["checked/old", "tools/half", "tools/uv-1"]);
        assert!(!cache.join("tools/uv-1").exists() && !cache.join("tools/.uv-1.removed").exists());
        for kept in
            ["tools/uv-2/file", "tools/held/file", "roots/new/file", "npm/not-ours/file", "checked/new"]
        {
            assert!(cache.join(kept).exists(), "{kept}");
        }
        assert!(prune(&cache.join("nowhere"), now).expect("pruned").is_empty());
    }
}
