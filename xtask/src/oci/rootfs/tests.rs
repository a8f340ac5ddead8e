//! Unpacked layers: whiteouts, links, and hostile names.

use super::*;
use crate::oci::spec;
use tar::EntryType;

/// A tar with the entries (kind, name, link target or content). Names are written unchanged, even hostile
/// ones.
fn tarball(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        let data: &[u8] = if kind.is_file() { content.as_bytes() } else { b"" };
        if !kind.is_file() {
            header.as_gnu_mut().unwrap().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data).unwrap();
    }
    builder.into_inner().unwrap()
}

const FILE: EntryType = EntryType::Regular;
const DIR: EntryType = EntryType::Directory;
const SYM: EntryType = EntryType::Symlink;
const HARD: EntryType = EntryType::Link;

fn layer(root: &Path, entries: &[(EntryType, &str, &str)]) -> Result<()> {
    unpack(root, &tarball(entries)[..], FolderOverLink::Replaces)
}

fn names(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn layers_replace_hide_and_clear_files_of_lower_layers() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    layer(
        root,
        &[
            (FILE, "a/one", "1"),
            (FILE, "a/two", "2"),
            (FILE, "b/x", ""),
            (FILE, "c", "low"),
            (DIR, "d/", ""),
            (FILE, "d/y", ""),
        ],
    )
    .unwrap();
    layer(
        root,
        &[
            (FILE, "a/.wh.one", ""),
            (FILE, "b/new", ""),
            (FILE, "b/.wh..wh..opq", ""),
            (FILE, "./c", "high"),
            (FILE, "d", "now a file"),
            (FILE, ".wh.nothing", ""),
            (EntryType::Char, "null", ""),
        ],
    )
    .unwrap();
    assert_eq!(names(root), ["a", "a/two", "b", "b/new", "c", "d"]);
    assert_eq!(fs::read_to_string(root.join("c")).unwrap(), "high");
}

#[test]
fn links_are_followed_inside_the_root_only() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(temp.path().join("secret"), "s").unwrap();
    layer(
        &root,
        &[
            (DIR, "usr/bin/", ""),
            (SYM, "bin", "usr/bin"),
            (FILE, "bin/sh", "#!"),
            (SYM, "abs", "/usr"),
            (FILE, "abs/lib", ""),
            (SYM, "up", "../../../.."),
            (FILE, "up/caught", ""),
            (SYM, "last", "../secret"),
            (FILE, "last", "replaced, not written through"),
            (HARD, "twin", "bin/sh"),
        ],
    )
    .unwrap();
    assert_eq!(
        names(&root),
        ["abs", "bin", "caught", "last", "twin", "up", "usr", "usr/bin", "usr/bin/sh", "usr/lib"]
    );
    assert_eq!(fs::read_to_string(temp.path().join("secret")).unwrap(), "s");
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 2);
}

#[test]
fn hostile_names_are_refused() {
    for (entries, why) in [
        (vec![(FILE, "../x", "")], "contains `..`"),
        (vec![(FILE, "a/../../x", "")], "contains `..`"),
        (vec![(HARD, "x", "../../etc/passwd")], "contains `..`"),
        (vec![(FILE, "a/.wh...", "")], "whiteout"),
        (vec![(FILE, "a/.wh.", "")], "whiteout"),
        (vec![(SYM, "l", "l"), (FILE, "l/x", "")], "too many links"),
        (vec![(FILE, "f", ""), (FILE, "f/x", "")], "a parent of the path is a file"),
        (vec![(HARD, "h", "/")], "hard link to the root"),
        (vec![(HARD, "h", "missing")], "No such file"),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("root");
        fs::create_dir(&root).unwrap();
        let error = format!("{:#}", layer(&root, &entries).unwrap_err());
        assert!(error.contains(why), "{entries:?}: {error}");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1, "{entries:?} wrote outside");
    }
}

#[test]
fn a_layer_whose_digest_is_not_the_one_in_the_config_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let layer = Utf8Path::from_path(temp.path()).unwrap().join("layer");
    let tar = tarball(&[(FILE, "a", "1")]);
    fs::write(&layer, &tar).unwrap();
    let root = temp.path().join("root");
    fs::create_dir(&root).unwrap();
    apply(&root, &layer, &spec::digest(&tar)).unwrap();
    let error = apply(&root, &layer, &spec::digest(b"other")).unwrap_err().to_string();
    assert!(error.contains("but the image's config lists"), "{error}");
}

#[test]
fn a_layer_that_unpacks_to_more_than_the_limit_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let tar = tarball(&[(FILE, "a", "1")]);
    let within = |left: u64| {
        let mut tar = Hashing { from: &tar[..], hash: Hasher::new(&hash::SHA256), left };
        unpack(temp.path(), &mut tar, FolderOverLink::Replaces)?;
        io::copy(&mut tar, &mut io::sink()).map_err(anyhow::Error::from)
    };
    within(tar.len() as u64).unwrap();
    let error = format!("{:#}", within(tar.len() as u64 - 1).unwrap_err());
    assert_eq!(error, "it unpacks to more than 16 GiB");
}

#[test]
fn a_package_follows_the_links_of_merged_usr() {
    let temp = tempfile::tempdir().unwrap();
    let package = tarball(&[
        (DIR, "./", ""),
        (DIR, "./usr/lib/", ""),
        (SYM, "./lib", "usr/lib"),
        (DIR, "./lib/", ""),
        (FILE, "./lib/x", ""),
    ]);
    unpack(temp.path(), &package[..], FolderOverLink::Follows).unwrap();
    assert_eq!(names(temp.path()), ["lib", "usr", "usr/lib", "usr/lib/x"]);
}
