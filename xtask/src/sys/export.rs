//! Exports files of a commit: the same bytes on every machine. Only the commit's own `.gitattributes` count;
//! git's settings and attributes of the user, of the machine and of the clone do not.

use super::git::Git;
use super::scratch;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs;
use std::io::Read;

/// Writes the files in `folder` of a commit or tree, given by its id, to the same paths below `into`. An
/// empty `folder` is the root. A commit's id also expands `export-subst` (gitattributes(5)). Links in
/// `folder` become copies of what they name, because `npm pack` leaves links out, and because a link that
/// leads out of the folder would lead nowhere. Links that cannot be followed stay: see [`missing`].
pub(crate) fn files(git: &Git, id: &str, folder: &Utf8Path, into: &Utf8Path) -> Result<()> {
    unpack(git, id, folder, into)?;
    let exported = into.join(folder);
    if folder.as_str().is_empty() || !exported.is_dir() || links(&exported)?.is_empty() {
        return Ok(());
    }
    let temp = scratch::folder()?;
    let whole = Utf8PathBuf::try_from(temp.path().canonicalize()?)?;
    unpack(git, id, Utf8Path::new(""), &whole)?;
    for link in links(&exported)? {
        let source = whole.join(link.strip_prefix(into)?);
        if let Some(target) = followed(&source, &whole) {
            fs::remove_file(&link)?;
            copy(&target, &link, &whole, &mut Vec::new()).with_context(|| format!("cannot copy {target}"))?;
        }
    }
    Ok(())
}

/// The files of an exported folder whose content is missing in it, with the reason, one line each.
pub(crate) fn missing(exported: &Utf8Path) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    walk(exported, &mut |path, kind| {
        let shown = path.strip_prefix(exported)?;
        if kind.is_symlink() {
            let target = fs::read_link(path)?;
            missing.push(format!(
                "{shown} is a link to {}, which cannot be followed inside the repository",
                target.display()
            ));
        } else if kind.is_dir() && path != exported && path.read_dir_utf8()?.next().is_none() {
            // Git has no empty folders.
            missing.push(format!("{shown} is a submodule: its files are not in this repository"));
        } else if kind.is_file() && is_pointer(path)? {
            missing.push(format!("{shown} is a pointer of Git LFS: its content is not in this repository"));
        }
        Ok(())
    })?;
    missing.sort();
    Ok(missing)
}

fn unpack(git: &Git, id: &str, folder: &Utf8Path, into: &Utf8Path) -> Result<()> {
    let temp = scratch::folder()?;
    let dir = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let alone = alone(git, id, dir)?;
    let mut args = vec!["-c", "tar.umask=0022", "-c", "core.abbrev=12", "archive", "--format=tar", id];
    if !folder.as_str().is_empty() {
        args.extend(["--", folder.as_str()]);
    }
    let archive = match alone.bytes(&args) {
        Ok(archive) => archive,
        // A partial clone fetches what it lacks, but a repository without settings knows no remote.
        Err(error) if git.ask(&["config", "--get-regexp", r"^remote\..*\.promisor$"])? => {
            git.bytes(&args).map_err(|e| e.context(error))?;
            alone.bytes(&args)?
        }
        Err(error) => return Err(error),
    };
    tar::Archive::new(archive.as_slice()).unpack(into).with_context(|| format!("cannot write to {into}"))
}

/// An empty repository in `dir` that only borrows the objects of `git`.
fn alone(git: &Git, id: &str, dir: &Utf8Path) -> Result<Git> {
    let objects = git.dir.join(git.read(&["rev-parse", "--git-path", "objects"])?);
    fs::create_dir(dir.join("refs"))?;
    fs::write(dir.join("HEAD"), "ref: refs/heads/none\n")?;
    let format = if id.len() == 64 { "sha256" } else { "sha1" };
    let config =
        format!("[core]\nrepositoryformatversion = 1\nbare = true\n[extensions]\nobjectFormat = {format}\n");
    fs::write(dir.join("config"), config)?;
    Ok(git.borrowing(dir, objects))
}

/// Every link below `folder`.
fn links(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let mut links = Vec::new();
    walk(folder, &mut |path, kind| {
        links.extend(kind.is_symlink().then(|| path.to_path_buf()));
        Ok(())
    })?;
    Ok(links)
}

/// Calls `visit` for the folder and everything in it. Links are not followed.
fn walk(path: &Utf8Path, visit: &mut impl FnMut(&Utf8Path, fs::FileType) -> Result<()>) -> Result<()> {
    let kind = fs::symlink_metadata(path).with_context(|| format!("cannot read {path}"))?.file_type();
    visit(path, kind)?;
    if kind.is_dir() {
        for entry in path.read_dir_utf8()? {
            walk(entry?.path(), visit)?;
        }
    }
    Ok(())
}

/// The file or folder that a path in the tree `root` names. None if it does not exist or is outside.
fn followed(path: &Utf8Path, root: &Utf8Path) -> Option<Utf8PathBuf> {
    path.canonicalize_utf8().ok().filter(|target| target.starts_with(root))
}

/// Copies a file, or a folder with everything that its links name. `open` holds the folders that are being
/// copied: a link to one of them stays a link.
fn copy(from: &Utf8Path, to: &Utf8Path, root: &Utf8Path, open: &mut Vec<Utf8PathBuf>) -> Result<()> {
    if from.is_file() {
        fs::copy(from, to)?;
        return Ok(());
    }
    fs::create_dir(to)?;
    open.push(from.to_path_buf());
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match followed(entry.path(), root).filter(|source| !open.contains(source)) {
            Some(source) => copy(&source, &target, root, open)?,
            None => std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?,
        }
    }
    open.pop();
    Ok(())
}

/// Is this file a pointer that Git LFS commits instead of a large file? A pointer is shorter than 1024 bytes
/// (github.com/git-lfs/git-lfs, docs/spec.md).
fn is_pointer(file: &Utf8Path) -> Result<bool> {
    let mut start = Vec::new();
    fs::File::open(file)?.take(64).read_to_end(&mut start)?;
    Ok(start.starts_with(b"version https://git-lfs.github.com/spec/"))
}

#[cfg(test)]
mod tests;
