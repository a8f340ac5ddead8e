//! Layers have the same bytes for the same files, and their cache is checked.

use super::*;
use std::os::unix::fs::symlink;

/// Writes the same tree in the given order of names and with this mode.
fn tree(dir: &Path, names: &[&str], mode: u32) {
    for name in names {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn entries(bytes: &[u8]) -> Vec<(String, u32, u64, u64)> {
    tar::Archive::new(flate2::read::GzDecoder::new(bytes))
        .entries()
        .unwrap()
        .map(|e| {
            let e = e.unwrap();
            let h = e.header();
            (
                e.path().unwrap().to_string_lossy().into_owned(),
                h.mode().unwrap(),
                h.mtime().unwrap(),
                h.uid().unwrap(),
            )
        })
        .collect()
}

#[test]
fn the_same_tree_gives_the_same_bytes_for_any_order_umask_and_time() {
    let long = format!("{}/{}/näme 文", "d".repeat(120), "e".repeat(150));
    let names = ["b", "a/z", "a/b/c", "a-b", "A", long.as_str()];
    let reversed: Vec<&str> = names.iter().rev().copied().collect();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tree(one.path(), &names, 0o600);
    tree(two.path(), &reversed, 0o664);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let first = write(one.path(), &mut a).unwrap();
    assert_eq!(first, write(two.path(), &mut b).unwrap());
    assert_eq!(a, b);
    assert_eq!((first.1, first.2), (spec::digest(&a), a.len() as u64));
    let listed = entries(&a);
    let files: Vec<&str> = listed.iter().map(|e| e.0.as_str()).filter(|n| !n.ends_with('/')).collect();
    assert_eq!(files, ["A", "a/b/c", "a/z", "a-b", "b", long.as_str()]);
    assert!(
        listed.iter().all(|(_, mode, mtime, uid)| [0o644, 0o755].contains(mode) && *mtime == 0 && *uid == 0),
        "{listed:?}"
    );
}

#[test]
fn links_and_execute_bits_are_kept_and_hard_links_become_files() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path(), &["run"], 0o4711);
    fs::hard_link(dir.path().join("run"), dir.path().join("twin")).unwrap();
    symlink("/nowhere/".repeat(30), dir.path().join("dangling")).unwrap();
    symlink("run", dir.path().join("alias")).unwrap();
    let mut bytes = Vec::new();
    write(dir.path(), &mut bytes).unwrap();
    let kinds: Vec<_> = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]))
        .entries()
        .unwrap()
        .map(|e| {
            let e = e.unwrap();
            (
                e.path().unwrap().to_string_lossy().into_owned(),
                e.header().entry_type(),
                e.header().mode().unwrap(),
                e.link_name().unwrap().map(|l| l.as_os_str().len()),
            )
        })
        .collect();
    use tar::EntryType::{Regular, Symlink};
    assert_eq!(
        kinds,
        [
            ("alias".to_string(), Symlink, 0o777, Some(3)),
            ("dangling".to_string(), Symlink, 0o777, Some(270)),
            ("run".to_string(), Regular, 0o755, None),
            ("twin".to_string(), Regular, 0o755, None),
        ]
    );
}

#[test]
fn a_socket_is_refused_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s")).unwrap();
    let error = format!("{:#}", write(dir.path(), io::sink()).unwrap_err());
    assert!(error.contains("/s cannot be added to a layer"), "{error}");
}

#[test]
fn a_cached_layer_is_reused_unless_its_blob_is_damaged() {
    let temp = tempfile::tempdir().unwrap();
    let store = Store::at(Utf8Path::from_path(temp.path()).unwrap()).unwrap();
    let made = std::cell::Cell::new(0);
    let get = |key: &str| {
        cached(&store, key, |dir| {
            made.set(made.get() + 1);
            fs::write(dir.join("x"), key)?;
            Ok(vec![])
        })
        .unwrap()
    };
    let first = get("a");
    assert_eq!(get("a"), first);
    assert_eq!(made.get(), 1);
    assert_ne!(get("b").digest, first.digest);
    fs::write(store.path(&first.digest), vec![0; usize::try_from(first.size).unwrap()]).unwrap();
    assert_eq!(get("a"), first);
    assert_eq!(made.get(), 3);
    assert!(
        fs::read_dir(&store.dir).unwrap().all(|e| !e.unwrap().file_name().to_string_lossy().starts_with('.')),
        "scratch files are left"
    );
}
