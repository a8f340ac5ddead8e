//! Turns a folder into a layer: a gzipped tar whose bytes depend only on names, contents and execute bits, on
//! every machine.

use super::sbom::Component;
use super::spec;
use super::store::{self, Store};
use crate::sys::hash;
use crate::sys::hash::Hasher;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The compression level. The next level takes two thirds longer and saves 2 %.
const LEVEL: u32 = 5;

/// A layer in a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Layer {
    pub digest: String,
    pub size: u64,
    /// The digest of the uncompressed tar (`rootfs.diff_ids`).
    pub diff_id: String,
    /// The packages in it, for the SBOM.
    pub components: Vec<Component>,
}

/// The layer cached under `key`, or else a new layer, built by [`make`] and then cached.
pub(super) fn cached(
    cache: &Store,
    key: &str,
    fill: impl FnOnce(&Utf8Path) -> Result<Vec<Component>>,
) -> Result<Layer> {
    let folder = cache.dir.join("layers");
    fs::create_dir_all(&folder)?;
    let note = folder.join(format!("{}.json", spec::digest(key.as_bytes()).trim_start_matches("sha256:")));
    // If the note is not readable, or its blob is missing or damaged, the layer is built again.
    let kept: Option<Layer> = fs::read(&note).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(layer) = kept
        && cache.has(&layer.digest, layer.size)?
    {
        return Ok(layer);
    }
    let layer = make(cache, fill)?;
    let mut file = cache.scratch()?;
    file.write_all(&spec::to_bytes(&layer))?;
    file.persist(&note).with_context(|| format!("cannot write {note}"))?;
    Ok(layer)
}

/// Builds a layer from the files that `fill` writes into an empty folder, which is the image's root.
pub(super) fn make(store: &Store, fill: impl FnOnce(&Utf8Path) -> Result<Vec<Component>>) -> Result<Layer> {
    let temp = tempfile::Builder::new().prefix(&store::scratch_prefix()).tempdir_in(&store.dir)?;
    let dir = Utf8Path::from_path(temp.path()).context("the cache folder's path is not UTF-8")?;
    let mut components = fill(dir)?;
    components.sort();
    components.dedup();
    let mut file = store.scratch()?;
    let (diff_id, digest, size) = write(dir.as_std_path(), &mut file)?;
    store.keep(file, &digest)?;
    Ok(Layer { digest, size, diff_id, components })
}

/// Writes the gzipped tar of `dir`. Returns (diff_id, digest, size). Entries are sorted by name and have
/// mtime 0, owner 0:0 and mode 755 or 644. Hard links are written as separate files, because it depends on
/// the tool that copied them whether two names share an inode.
pub(super) fn write(dir: &Path, to: impl Write) -> Result<(String, String, u64)> {
    let gzip = flate2::GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Hashing::new(to), flate2::Compression::new(LEVEL));
    let mut tar = tar::Builder::new(BufWriter::with_capacity(256 << 10, Hashing::new(gzip)));
    tar.sparse(false);
    append(&mut tar, dir, Path::new(""))?;
    let inner = tar.into_inner()?.into_inner().map_err(|e| e.into_error())?;
    let (gzip, diff_id, _) = inner.finish();
    let (mut to, digest, size) = gzip.finish()?.finish();
    to.flush()?;
    Ok((diff_id, digest, size))
}

type Tar<W> = tar::Builder<BufWriter<Hashing<GzEncoder<Hashing<W>>>>>;

fn append<W: Write>(tar: &mut Tar<W>, root: &Path, folder: &Path) -> Result<()> {
    let at = root.join(folder);
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&at).with_context(|| format!("cannot read {}", at.display()))? {
        names.push(folder.join(entry?.file_name()));
    }
    names.sort();
    for name in names {
        let source = root.join(&name);
        let shown = || format!("{} cannot be added to a layer", source.display());
        let meta = fs::symlink_metadata(&source).with_context(shown)?;
        let mut header = tar::Header::new_gnu();
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        if meta.is_dir() {
            header.set_entry_type(tar::EntryType::Directory);
            // A world-writable folder with a sticky bit, such as /tmp, keeps both.
            header.set_mode(if meta.permissions().mode() & 0o1002 == 0o1002 { 0o1777 } else { 0o755 });
            // A folder's name ends in a slash, as GNU tar writes it.
            tar.append_data(&mut header, name.join(""), io::empty()).with_context(shown)?;
            append(tar, root, &name)?;
        } else if meta.is_symlink() {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            tar.append_link(&mut header, &name, fs::read_link(&source)?).with_context(shown)?;
        } else if meta.is_file() {
            let executable = meta.permissions().mode() & 0o111 != 0;
            header.set_mode(if executable { 0o755 } else { 0o644 });
            header.set_size(meta.len());
            tar.append_data(&mut header, &name, fs::File::open(&source).with_context(shown)?)
                .with_context(shown)?;
        } else {
            bail!("{}: it is neither a file, a folder nor a link", shown());
        }
    }
    Ok(())
}

/// A writer that hashes and counts the bytes that are written through it.
struct Hashing<W> {
    to: W,
    hash: Hasher,
    size: u64,
}

impl<W> Hashing<W> {
    fn new(to: W) -> Hashing<W> {
        Hashing { to, hash: Hasher::new(&hash::SHA256), size: 0 }
    }
    fn finish(self) -> (W, String, u64) {
        (self.to, hash::oci(self.hash), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests;
