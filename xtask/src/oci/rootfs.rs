//! Unpacks an image's layers into a folder, as an engine does: in order and with whiteouts. Nothing is
//! written outside that folder, whatever names and links a layer contains.

use crate::sys::hash;
use crate::sys::hash::Hasher;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};

/// The most links that are followed to resolve one name, as in Linux.
const LINKS: usize = 40;
/// The most bytes of a layer's uncompressed tar: a compressed layer may unpack to a thousand times its size.
const LARGEST: u64 = 16 << 30;

/// Unpacks one layer into `root`, over the layers below it. An error if its tar does not have the digest
/// `diff_id`.
pub(crate) fn apply(root: &Path, layer: &Utf8Path, diff_id: &str) -> Result<()> {
    let mut tar = Hashing { from: plain(layer)?, hash: Hasher::new(&hash::SHA256), left: LARGEST };
    unpack(root, &mut tar, FolderOverLink::Replaces).with_context(|| format!("cannot unpack {layer}"))?;
    io::copy(&mut tar, &mut io::sink())?;
    let found = hash::oci(tar.hash);
    if found != diff_id {
        bail!("{layer} contains a tar with the digest {found}, but the image's config lists {diff_id}");
    }
    Ok(())
}

/// The layer's uncompressed tar. The compression is recognised by the first bytes.
fn plain(layer: &Utf8Path) -> Result<Box<dyn Read>> {
    let mut file = File::open(layer).with_context(|| format!("cannot read {layer}"))?;
    let mut magic = Vec::new();
    (&mut file).take(4).read_to_end(&mut magic)?;
    let file = BufReader::with_capacity(256 << 10, File::open(layer)?);
    match magic[..] {
        [0x1f, 0x8b, ..] => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            bail!(
                "{layer} is compressed with zstd, which only docker and podman can unpack; \
                 set XTASK_ENGINE=docker or XTASK_ENGINE=podman"
            )
        }
        _ => Ok(Box::new(file)),
    }
}

/// What to do if a folder is unpacked where a link exists: an OCI layer replaces the link, a Debian package
/// follows it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum FolderOverLink {
    Replaces,
    Follows,
}

pub(crate) fn unpack(root: &Path, tar: impl Read, policy: FolderOverLink) -> Result<()> {
    let mut archive = tar::Archive::new(tar);
    // The paths that this layer created: an opaque whiteout removes only files of lower layers.
    let mut fresh = HashSet::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        entry_into(root, &mut entry, &name, policy, &mut fresh)
            .with_context(|| name.display().to_string())?;
    }
    Ok(())
}

fn entry_into<R: Read>(
    root: &Path,
    entry: &mut tar::Entry<R>,
    name: &Path,
    policy: FolderOverLink,
    fresh: &mut HashSet<PathBuf>,
) -> Result<()> {
    let Some(path) = place(root, name)? else { return Ok(()) };
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(hidden) = file_name.strip_prefix(".wh.") {
        let folder = path.parent().unwrap_or(root);
        return if hidden == ".wh..opq" { empty(folder, fresh) } else { whiteout(folder, hidden) };
    }
    let header = entry.header();
    let kind = header.entry_type();
    let mode = header.mode()? & 0o1777;
    let (uid, gid) = (u32::try_from(header.uid()?)?, u32::try_from(header.gid()?)?);
    let there = fs::symlink_metadata(&path).ok();
    if policy == FolderOverLink::Follows
        && kind.is_dir()
        && there.as_ref().is_some_and(|meta| meta.is_symlink())
    {
        return Ok(());
    }
    if there.as_ref().is_some_and(|meta| !(meta.is_dir() && kind.is_dir())) {
        remove(&path)?;
    }
    if kind.is_dir() {
        fs::create_dir_all(&path)?;
    } else if kind.is_symlink() {
        symlink(entry.link_name()?.context("a symbolic link without a target")?, &path)?;
    } else if kind.is_hard_link() {
        let target = entry.link_name()?.context("a hard link without a target")?.into_owned();
        fs::hard_link(place(root, &target)?.context("a hard link to the root")?, &path)?;
    } else if kind.is_file() || kind == tar::EntryType::Continuous {
        io::copy(entry, &mut File::create_new(&path)?)?;
    } else {
        // Devices and pipes are skipped: the engine creates those that a program needs.
        return Ok(());
    }
    if rustix::process::geteuid().is_root() {
        lchown(&path, Some(uid), Some(gid))?;
    }
    if !kind.is_symlink() && !kind.is_hard_link() {
        fs::set_permissions(&path, Permissions::from_mode(mode | if kind.is_dir() { 0o700 } else { 0o400 }))?;
    }
    fresh.insert(path);
    Ok(())
}

/// The path of `name` inside `root`. Links in its parent folders are followed as after chroot; the last part
/// is not followed. None for the root itself.
pub(crate) fn place(root: &Path, name: &Path) -> Result<Option<PathBuf>> {
    let mut parts = Vec::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_os_string()),
            Component::ParentDir => bail!("the name contains `..`"),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    let Some(last) = parts.pop() else { return Ok(None) };
    let mut folder = root.to_path_buf();
    let mut links = 0;
    parts.reverse();
    while let Some(part) = parts.pop() {
        if part == ".." {
            if folder != root {
                folder.pop();
            }
            continue;
        }
        let next = folder.join(&part);
        match fs::symlink_metadata(&next) {
            Ok(meta) if meta.is_symlink() => {
                links += 1;
                if links > LINKS {
                    bail!("too many links in the path");
                }
                let target = fs::read_link(&next)?;
                if target.is_absolute() {
                    folder = root.to_path_buf();
                }
                let steps = target.components().rev().filter_map(|c| match c {
                    Component::Normal(part) => Some(part.to_os_string()),
                    Component::ParentDir => Some("..".into()),
                    _ => None,
                });
                parts.extend(steps);
            }
            Ok(meta) if meta.is_dir() => folder = next,
            Ok(_) => bail!("a parent of the path is a file"),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&next)?;
                folder = next;
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(Some(folder.join(last)))
}

fn whiteout(folder: &Path, hidden: &str) -> Result<()> {
    if matches!(hidden, "" | "." | "..") {
        bail!("a whiteout with the invalid name {hidden:?}");
    }
    remove(&folder.join(hidden))
}

/// Removes the files of lower layers from a folder.
fn empty(folder: &Path, fresh: &HashSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !fresh.iter().any(|kept| kept.starts_with(&path)) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(fs::remove_dir_all(path)?),
        Ok(_) => Ok(fs::remove_file(path)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e.into()),
    }
}

struct Hashing<R> {
    from: R,
    hash: Hasher,
    /// How many bytes more are read until the tar is refused.
    left: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.left = self
            .left
            .checked_sub(n as u64)
            .ok_or_else(|| io::Error::other(format!("it unpacks to more than {} GiB", LARGEST >> 30)))?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
