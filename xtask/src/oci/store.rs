//! Stores blobs by digest. A blob is written to a temporary file and renamed, and hashed again before it is
//! used, so a killed process leaves no damaged blob.

use super::spec;
use crate::sys::hash::Hasher;
use crate::sys::{child, hash};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::Pid;
use std::fs::File;
use std::io::{Read, Write};

/// A folder with `blobs/sha256/<hex>`, as in an OCI layout.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub dir: Utf8PathBuf,
}

impl Store {
    /// The store in the user's cache folder, with the layers and base images of all builds on this machine.
    pub(crate) fn cache() -> Result<Store> {
        let store = Store::at(child::cache()?.join("oci"))?;
        sweep(&store.dir);
        Ok(store)
    }

    pub(crate) fn at(dir: impl Into<Utf8PathBuf>) -> Result<Store> {
        let store = Store { dir: dir.into() };
        let blobs = store.dir.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).with_context(|| format!("cannot create {blobs}"))?;
        Ok(store)
    }

    pub(crate) fn path(&self, digest: &str) -> Utf8PathBuf {
        self.dir.join("blobs").join(digest.replace(':', "/"))
    }

    /// Does the store have the blob with this size and digest? A damaged blob is removed.
    pub(crate) fn has(&self, digest: &str, size: u64) -> Result<bool> {
        let path = self.path(digest);
        match std::fs::metadata(&path) {
            Ok(meta) if meta.len() == size && file_digest(&path)? == digest => Ok(true),
            Ok(_) => {
                std::fs::remove_file(&path)?;
                Ok(false)
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e).with_context(|| format!("cannot read {path}")),
        }
    }

    pub(crate) fn put(&self, media_type: &str, bytes: &[u8]) -> Result<spec::Descriptor> {
        let descriptor = spec::Descriptor::of(media_type, bytes);
        if !self.has(&descriptor.digest, descriptor.size)? {
            let mut file = self.scratch()?;
            file.write_all(bytes)?;
            self.keep(file, &descriptor.digest)?;
        }
        Ok(descriptor)
    }

    /// Stores the bytes of `from`. An error if they do not have the size and digest of `descriptor`. `name`:
    /// the source's name for errors.
    pub(crate) fn receive(&self, descriptor: &spec::Descriptor, from: impl Read, name: &str) -> Result<()> {
        let mut file = self.scratch()?;
        let (digest, size) = copy_hashed(from.take(descriptor.size + 1), &mut file)
            .with_context(|| format!("the download of {name} was interrupted"))?;
        if size != descriptor.size || digest != descriptor.digest {
            let more = if size > descriptor.size { " or more" } else { "" };
            bail!(
                "{name} has {size} bytes{more} with the digest {digest}; expected {} with {}",
                descriptor.size,
                descriptor.digest
            );
        }
        self.keep(file, &descriptor.digest)
    }

    /// A temporary file in the store's folder, which `keep` renames to a blob.
    pub(crate) fn scratch(&self) -> Result<tempfile::NamedTempFile> {
        tempfile::Builder::new()
            .prefix(&scratch_prefix())
            .tempfile_in(&self.dir)
            .with_context(|| format!("cannot write to {}", self.dir))
    }

    pub(crate) fn keep(&self, file: tempfile::NamedTempFile, digest: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(digest);
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.persist(&path).with_context(|| format!("cannot write {path}"))?;
        Ok(())
    }

    pub(crate) fn bytes(&self, digest: &str) -> Result<Vec<u8>> {
        let path = self.path(digest);
        std::fs::read(&path).with_context(|| format!("cannot read {path}"))
    }

    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self, digest: &str) -> Result<T> {
        spec::from_bytes(&self.bytes(digest)?, digest)
    }

    /// Adds a blob of another store to this one: as a hard link if the file system allows it, otherwise as a
    /// copy.
    pub(crate) fn link(&self, from: &Store, digest: &str) -> Result<()> {
        let (source, target) = (from.path(digest), self.path(digest));
        if target.exists() {
            return Ok(());
        }
        if std::fs::hard_link(&source, &target).is_err() {
            let mut file = self.scratch()?;
            std::io::copy(
                &mut File::open(&source).with_context(|| format!("cannot read {source}"))?,
                &mut file,
            )?;
            self.keep(file, digest)?;
        }
        Ok(())
    }
}

/// The prefix of temporary files and folders in the cache. It contains the id of the process that owns them.
pub(crate) fn scratch_prefix() -> String {
    format!(".{}-", std::process::id())
}

/// Removes the temporary files of processes that no longer exist. Errors are ignored, because the next call
/// tries again.
pub(crate) fn sweep(dir: &Utf8Path) {
    for entry in dir.read_dir_utf8().into_iter().flatten().flatten() {
        let owner = entry
            .file_name()
            .strip_prefix('.')
            .and_then(|rest| rest.split_once('-')?.0.parse().ok())
            .and_then(Pid::from_raw);
        let dead =
            owner.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH));
        if dead {
            let _ = if entry.path().is_dir() {
                std::fs::remove_dir_all(entry.path())
            } else {
                std::fs::remove_file(entry.path())
            };
        }
    }
}

/// `sha256:…` of a file.
pub(crate) fn file_digest(path: &Utf8Path) -> Result<String> {
    let file = File::open(path).with_context(|| format!("cannot read {path}"))?;
    Ok(copy_hashed(file, std::io::sink())?.0)
}

/// Copies all bytes. Returns their digest and size.
fn copy_hashed(mut from: impl Read, mut to: impl Write) -> std::io::Result<(String, u64)> {
    let mut hash = Hasher::new(&hash::SHA256);
    let mut size = 0;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok((hash::oci(hash), size)),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.update(&buffer[..n]);
        to.write_all(&buffer[..n])?;
        size += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_files_of_dead_processes_are_removed() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temp.path()).unwrap();
        // Above the largest process id on Linux (2^22).
        let dead = ".2000000000-abc";
        let alive = format!("{}abc", scratch_prefix());
        for name in [dead, &alive, "blobs", ".x-1", ".complete", ".-1-a"] {
            std::fs::create_dir(dir.join(name)).unwrap();
        }
        sweep(dir);
        assert!(!dir.join(dead).exists());
        assert_eq!(dir.read_dir_utf8().unwrap().count(), 5);
    }

    #[test]
    fn a_damaged_blob_is_removed_and_reported_as_missing() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::at(Utf8Path::from_path(temp.path()).unwrap()).unwrap();
        let blob = store.put("x", b"bytes").unwrap();
        assert!(store.has(&blob.digest, 5).unwrap());
        std::fs::write(store.path(&blob.digest), b"bytez").unwrap();
        assert!(!store.has(&blob.digest, 5).unwrap());
        assert!(!store.path(&blob.digest).exists());
    }
}
