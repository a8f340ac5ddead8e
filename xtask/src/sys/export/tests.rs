//! Exported trees: links, modes, pointers of Git LFS.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A repository with these files and links (`path -> target`). Returns it and the id of its tree.
fn tree(format: &str, entries: &[&str]) -> (tempfile::TempDir, Git, String) {
    let temp = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(temp.path()).unwrap();
    let git = Git::new(root);
    git.run(&["init", "--quiet", &format!("--object-format={format}")]).unwrap();
    for entry in entries {
        let (path, target) = entry.split_once(" -> ").unwrap_or((entry, ""));
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        if target.is_empty() {
            fs::write(&file, format!("content of {path}")).unwrap();
        } else {
            symlink(target, file).unwrap();
        }
    }
    git.run(&["add", "--all"]).unwrap();
    let id = git.read(&["write-tree"]).unwrap();
    (temp, git, id)
}

/// The exported files as `path: content`, and those that are missing.
fn exported(git: &Git, id: &str, folder: &str) -> (Vec<String>, Vec<String>) {
    let temp = tempfile::tempdir().unwrap();
    let into = Utf8Path::from_path(temp.path()).unwrap();
    files(git, id, Utf8Path::new(folder), into).unwrap();
    let mut found = Vec::new();
    walk(into, &mut |path, kind| {
        if kind.is_file() {
            found.push(format!("{}: {}", path.strip_prefix(into)?, fs::read_to_string(path)?));
        }
        Ok(())
    })
    .unwrap();
    found.sort();
    (found, missing(&into.join(folder)).unwrap())
}

#[test]
fn links_become_copies_where_they_can_be_followed() {
    for (entries, files, missing) in [
        (&["app/a"][..], &["app/a: content of app/a"][..], &[][..]),
        (&["app/a -> ../b", "b"], &["app/a: content of b"], &[]),
        (
            &["app/a -> b", "app/b -> ../c/d", "c -> e", "e/d"],
            &["app/a: content of e/d", "app/b: content of e/d"],
            &[],
        ),
        (&["app/a -> ../b", "b/c", "b/d -> c"], &["app/a/c: content of b/c", "app/a/d: content of b/c"], &[]),
        (&["app/a -> ../app/b", "app/b"], &["app/a: content of app/b", "app/b: content of app/b"], &[]),
        (&["app/a -> a"], &[], &["a is a link to a"]),
        (&["app/a -> b", "app/b -> a"], &[], &["a is a link to b", "b is a link to a"]),
        (&["app/a -> ../../b"], &[], &["a is a link to ../../b"]),
        (&["app/a -> /etc/passwd"], &[], &["a is a link to /etc/passwd"]),
        (
            &["app/x", "app/a -> ."],
            &["app/a/x: content of app/x", "app/x: content of app/x"],
            &["a/a is a link to ."],
        ),
        (
            &["app/a -> ../b", "b/c -> ../d", "d/e", "d/f -> ../b"],
            &["app/a/c/e: content of d/e"],
            &["a/c/f is a link to ../b"],
        ),
        (&["app/a -> ../b", "b/c -> nowhere"], &[], &["a/c is a link to nowhere"]),
    ] {
        let (_temp, git, id) = tree("sha1", entries);
        let (found, left) = exported(&git, &id, "app");
        assert_eq!(found, files, "{entries:?}");
        let reason = ", which cannot be followed inside the repository";
        assert_eq!(left, missing.iter().map(|m| format!("{m}{reason}")).collect::<Vec<_>>(), "{entries:?}");
    }
}

#[test]
fn the_root_is_exported_as_it_is_and_a_folder_without_the_rest() {
    let (_temp, git, id) = tree("sha1", &["a[b]/c", "ab/c", "link -> a[b]"]);
    let both = ["a[b]/c: content of a[b]/c", "ab/c: content of ab/c"];
    assert_eq!(exported(&git, &id, "").0, both);
    assert_eq!(exported(&git, &id, "a[b]").0, &both[..1]);
}

#[test]
fn modes_are_normalised_and_sha256_repositories_are_read() {
    let (_temp, git, _) = tree("sha256", &["app/run", "app/read"]);
    fs::set_permissions(git.dir.join("app/run"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(git.dir.join("app/read"), fs::Permissions::from_mode(0o600)).unwrap();
    git.run(&["add", "--all"]).unwrap();
    let id = git.read(&["write-tree"]).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let into = Utf8Path::from_path(temp.path()).unwrap();
    files(&git, &id, Utf8Path::new("app"), into).unwrap();
    let mode = |name: &str| fs::metadata(into.join("app").join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("run"), mode("read")), (0o755, 0o644));
}

#[test]
fn a_pointer_of_git_lfs_is_told_from_a_text_about_it() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    for (text, expected) in [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", 1),
        ("# version https://git-lfs.github.com/spec/v1\n", 0),
        ("version 1\n", 0),
        ("", 0),
    ] {
        fs::write(dir.join("file"), text).unwrap();
        assert_eq!(missing(dir).unwrap().len(), expected, "{text:?}");
    }
}

#[test]
fn a_clone_without_blobs_fetches_what_it_exports_and_fails_without_its_remote() {
    let (temp, git, _) = tree("sha1", &["app/a", "b"]);
    let identity = ["-c", "user.name=a", "-c", "user.email=b"];
    git.run(&[&identity[..], &["commit", "--quiet", "--message", "x"]].concat()).unwrap();
    git.run(&["config", "uploadpack.allowFilter", "true"]).unwrap();
    git.run(&["config", "uploadpack.allowAnySHA1InWant", "true"]).unwrap();
    let clones = tempfile::tempdir().unwrap();
    let clones = Utf8Path::from_path(clones.path()).unwrap();
    let url = format!("file://{}", git.dir);
    let clone = |name: &str| {
        let filtered = ["clone", "--quiet", "--no-checkout", "--filter=blob:none", &url];
        Git::new(clones).run(&[&filtered[..], &[name]].concat()).unwrap();
        let git = Git::new(clones.join(name));
        let id = git.commit("HEAD").unwrap();
        (git, id)
    };
    let (one, id) = clone("one");
    assert_eq!(exported(&one, &id, "app").0, ["app/a: content of app/a"]);
    let (two, id) = clone("two");
    drop(temp);
    let into = clones.join("into");
    let error = files(&two, &id, Utf8Path::new("app"), &into).unwrap_err();
    assert!(format!("{error:#}").contains("does not appear to be a git repository"), "{error:#}");
    assert!(!into.exists());
}
