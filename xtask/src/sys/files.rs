//! Writes files atomically: a reader sees either the old bytes or the new bytes, never a mixture.

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::io::Write;

/// The file that is changed when `file` is written, from the root, with every link resolved. `file` need not
/// exist. An error if it is outside the repository: nothing there may be written.
pub(crate) fn inside(root: &Utf8Path, file: &Utf8Path) -> Result<Utf8PathBuf> {
    let path = root.join(file);
    let real = match path.canonicalize_utf8() {
        Ok(real) => real,
        Err(_) if path.is_symlink() => bail!("{file} is a link that leads nowhere; remove it"),
        Err(_) => {
            let (folder, name) =
                path.parent().zip(path.file_name()).context("the file's path has no folder")?;
            let folder = folder.canonicalize_utf8().with_context(|| format!("{file} has no folder"))?;
            folder.join(name)
        }
    };
    match real.strip_prefix(root.canonicalize_utf8()?) {
        Ok(inside) => Ok(inside.to_path_buf()),
        Err(_) => bail!("{file} leads to {real}, which is outside the repository, so it is not written"),
    }
}

/// Replaces `path` in one step and keeps its mode.
pub(crate) fn write_atomic(path: &Utf8Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("the file's path has no folder")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_and_must_stay_in_the_repository() {
        let temp = camino_tempdir();
        let (outside, root) = (temp.1.join("outside"), temp.1.join("root"));
        for folder in [&outside, &root, &root.join("docs")] {
            std::fs::create_dir(folder).expect("created");
        }
        std::fs::write(root.join("docs/a"), "").expect("written");
        for (target, link) in
            [("docs/a", "a"), ("../outside", "out"), ("nothing", "dangling"), ("docs", "folder")]
        {
            std::os::unix::fs::symlink(target, root.join(link)).expect("linked");
        }
        let shown = |file: &str| match inside(&root, file.into()) {
            Ok(file) => file.to_string(),
            Err(error) => error.to_string(),
        };
        for (file, expected) in [
            ("docs/a", "docs/a"),
            ("docs/new", "docs/new"),
            ("a", "docs/a"),
            ("folder/new", "docs/new"),
            ("docs/../a", "docs/a"),
            ("dangling", "dangling is a link that leads nowhere; remove it"),
            ("none/a", "none/a has no folder"),
        ] {
            assert_eq!(shown(file), expected, "{file}");
        }
        for file in ["out/x", "../outside/x", "/etc/hostname", "docs/../../x"] {
            assert!(shown(file).ends_with("outside the repository, so it is not written"), "{}", shown(file));
        }
    }

    fn camino_tempdir() -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().expect("a folder");
        let path = Utf8PathBuf::try_from(temp.path().to_path_buf()).expect("UTF-8");
        (temp, path)
    }
}
