//! Blobs by digest in the user's cache folder: written aside and renamed, hashed again before they are used.
//! A killed process leaves nothing wrong.

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
pub struct Store {
    pub dir: Utf8PathBuf,
}

impl Store {
    /// The user's: layers and base images of every build of this machine.
    pub fn cache() -> Result<Store> {
        let store = Store::at(child::cache()?.join("oci"))?;
        sweep(&store.dir);
        Ok(store)
    }

    pub fn at(dir: impl Into<Utf8PathBuf>) -> Result<Store> {
        let store = Store { dir: dir.into() };
        let blobs = store.dir.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).with_context(|| format!("{blobs} can't be made"))?;
        Ok(store)
    }

    pub fn path(&self, digest: &str) -> Utf8PathBuf {
        self.dir.join("blobs").join(digest.replace(':', "/"))
    }

    /// Is the blob there, with the bytes that its name promises? One that isn't whole is removed.
    pub fn has(&self, digest: &str, size: u64) -> Result<bool> {
        let path = self.path(digest);
        match std::fs::metadata(&path) {
            Ok(meta) if meta.len() == size && file_digest(&path)? == digest => Ok(true),
            Ok(_) => {
                std::fs::remove_file(&path)?;
                Ok(false)
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e).with_context(|| format!("{path} can't be read")),
        }
    }

    pub fn put(&self, media_type: &str, bytes: &[u8]) -> Result<spec::Descriptor> {
        let descriptor = spec::Descriptor::of(media_type, bytes);
        if !self.has(&descriptor.digest, descriptor.size)? {
            let mut file = self.scratch()?;
            file.write_all(bytes)?;
            self.keep(file, &descriptor.digest)?;
        }
        Ok(descriptor)
    }

    /// Keeps what `from` gives, if its size and digest are the promised ones.
    pub fn receive(&self, descriptor: &spec::Descriptor, from: impl Read, whence: &str) -> Result<()> {
        let mut file = self.scratch()?;
        let (digest, size) = copy_hashed(from.take(descriptor.size + 1), &mut file)
            .with_context(|| format!("{whence} broke off"))?;
        if size != descriptor.size || digest != descriptor.digest {
            let more = if size > descriptor.size { " or more" } else { "" };
            bail!(
                "{whence} gave {size} bytes{more} with digest {digest}; expected {} with {}",
                descriptor.size,
                descriptor.digest
            );
        }
        self.keep(file, &descriptor.digest)
    }

    /// A file beside the blobs, that `keep` renames.
    pub fn scratch(&self) -> Result<tempfile::NamedTempFile> {
        tempfile::Builder::new()
            .prefix(&scratch_prefix())
            .tempfile_in(&self.dir)
            .with_context(|| format!("{} can't be written", self.dir))
    }

    pub fn keep(&self, file: tempfile::NamedTempFile, digest: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(digest);
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.persist(&path).with_context(|| format!("{path} can't be written"))?;
        Ok(())
    }

    pub fn bytes(&self, digest: &str) -> Result<Vec<u8>> {
        let path = self.path(digest);
        std::fs::read(&path).with_context(|| format!("{path} can't be read"))
    }

    pub fn read<T: serde::de::DeserializeOwned>(&self, digest: &str) -> Result<T> {
        spec::from_bytes(&self.bytes(digest)?, digest)
    }

    /// Puts a blob of another store here: a second name of the same file where the file system allows, a copy
    /// elsewhere.
    pub fn link(&self, from: &Store, digest: &str) -> Result<()> {
        let (source, target) = (from.path(digest), self.path(digest));
        if target.exists() {
            return Ok(());
        }
        if std::fs::hard_link(&source, &target).is_err() {
            let mut file = self.scratch()?;
            std::io::copy(
                &mut File::open(&source).with_context(|| format!("{source} can't be read"))?,
                &mut file,
            )?;
            self.keep(file, digest)?;
        }
        Ok(())
    }
}

/// Of temporary files and folders in the cache: it names the process they belong to.
pub fn scratch_prefix() -> String {
    format!(".{}-", std::process::id())
}

/// Removes what killed processes have left in a folder. One that can't be removed is left for the next time.
pub fn sweep(dir: &Utf8Path) {
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
pub fn file_digest(path: &Utf8Path) -> Result<String> {
    let file = File::open(path).with_context(|| format!("{path} can't be read"))?;
    Ok(copy_hashed(file, std::io::sink())?.0)
}

/// Copies and gives digest and size of what went through.
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
    fn what_dead_processes_left_is_swept_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temp.path()).unwrap();
        // Above the largest process number that Linux gives (2^22).
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
    fn a_damaged_blob_is_not_taken_for_the_real_one() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::at(Utf8Path::from_path(temp.path()).unwrap()).unwrap();
        let blob = store.put("x", b"bytes").unwrap();
        assert!(store.has(&blob.digest, 5).unwrap());
        std::fs::write(store.path(&blob.digest), b"bytez").unwrap();
        assert!(!store.has(&blob.digest, 5).unwrap());
        assert!(!store.path(&blob.digest).exists());
    }
}
