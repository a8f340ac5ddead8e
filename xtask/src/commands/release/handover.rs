//! The files that a job without secrets builds for a job that has them. The first writes a folder with a list
//! of all files and their hashes, and passes on the hash of the list by another way than the files. The
//! second uses the files only if the list has that hash, and each file the hash that the list names.

use super::Release;
use crate::commands::image;
use crate::ecosystem::DistFile;
use crate::finding::{Finding, Level};
use crate::oci::Built;
use crate::oci::reference::is_digest;
use crate::sys::exit::Exit;
use crate::sys::git::short;
use crate::sys::hash::sha256;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The file with the list.
const LIST: &str = "handed.json";
const SCHEMA: u32 = 1;

/// Where the files of a release come from.
pub(crate) enum Mode {
    /// This run builds and publishes.
    Alone,
    /// This run builds into the folder, and publishes nothing. It has no secrets.
    Build(Utf8PathBuf),
    /// This run publishes what another one has built.
    Publish(Handed),
}

/// Files whose hashes were checked.
pub(crate) struct Handed {
    dir: Utf8PathBuf,
    list: List,
}

#[derive(Serialize, Deserialize, Default)]
struct List {
    schema: u32,
    apps: Vec<Entry>,
    /// The path below the folder, and the sha256.
    files: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Entry {
    app: String,
    version: String,
    commit: String,
    image: Option<Image>,
    breaks: Breaks,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Image {
    digest: String,
    /// The digest that the name of the base image resolved to.
    base: String,
    /// The repository that the base was read from.
    from: Option<String>,
}

/// The breaking changes since the last release, for the tag's trailers. To find them the app's code is built,
/// so the job with the secrets does not look for them.
#[derive(Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
pub(crate) struct Breaks {
    pub declared: Vec<String>,
    pub accepted: Vec<String>,
}

/// Empties the folder for a new hand-over. Refuses one whose files were not all written by another hand-over.
pub(super) fn prepare(dir: &Utf8Path) -> Result<()> {
    let read = |dir: &Utf8Path| dir.read_dir_utf8().map(|mut entries| entries.next().is_some());
    match read(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(true) => {
            let foreign = match hash(dir)? {
                Some(own) => checked(dir, &own)?.1,
                None => vec![format!("it has no {LIST}")],
            };
            if !foreign.is_empty() {
                let message = format!("{dir} is not empty, and its files are not those of a release");
                let reasons = foreign.join("\n  ");
                return Err(Exit::Usage(format!("{message}: name another folder\n  {reasons}")).into());
            }
            std::fs::remove_dir_all(dir).with_context(|| format!("cannot empty {dir}"))?;
        }
        Ok(false) => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {dir}")),
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {dir}"))
}

/// The hash of the folder's list. None if nothing was handed over.
pub(crate) fn hash(dir: &Utf8Path) -> Result<Option<String>> {
    let list = dir.join(LIST);
    match std::fs::read(&list) {
        Ok(bytes) => Ok(Some(sha256(bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {list}")),
    }
}

/// Writes the files of these releases and the list. Returns how many files there are.
pub(super) fn write(
    releases: &[Release],
    dir: &Utf8Path,
    breaks: fn(&Release) -> Result<Breaks>,
) -> Result<usize> {
    let mut list = List { schema: SCHEMA, ..List::default() };
    for release in releases {
        let place = dir.join(release.app.name());
        for file in release.dist() {
            copy(&file.path, &place.join("dist").join(&file.name))?;
        }
        let image = release.image();
        if let Some(built) = image {
            for path in walk(&built.store.dir)? {
                let target = place.join("image").join(path.strip_prefix(&built.store.dir)?);
                copy(&path, &target)?;
            }
        }
        list.apps.push(Entry {
            app: release.app.name().to_string(),
            version: release.version.to_string(),
            commit: release.commit.clone(),
            image: image.map(|built| Image {
                digest: built.digest.clone(),
                base: built.base_digest.clone(),
                from: built.base.as_ref().map(ToString::to_string),
            }),
            // Its trailers are written once, with the tag.
            breaks: if release.tag().is_none() { breaks(release)? } else { Breaks::default() },
        });
    }
    for path in walk(dir)? {
        let name = path.strip_prefix(dir)?.to_string();
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {path}"))?;
        list.files.insert(name, sha256(bytes));
    }
    let text = serde_json::to_string_pretty(&list)? + "\n";
    let path = dir.join(LIST);
    std::fs::write(&path, text).with_context(|| format!("cannot write {path}"))?;
    Ok(list.files.len())
}

/// Reads the folder that a build job has handed over, and checks every file. `wanted`: the hash of the list,
/// as the build job passed it on; empty if it handed over nothing.
pub(super) fn read(dir: &Utf8Path, wanted: &str) -> Result<Handed> {
    let nothing = Handed { dir: dir.to_owned(), list: List::default() };
    if wanted.is_empty() {
        return Ok(nothing);
    }
    let (list, problems) = checked(dir, wanted)?;
    if problems.is_empty() { Ok(Handed { list, ..nothing }) } else { Err(refused(&problems).into()) }
}

fn refused(problems: &[String]) -> Exit {
    let message = format!("the files are not those of the build job:\n  {}", problems.join("\n  "));
    Exit::Gate(vec![differs(message)])
}

fn differs(message: String) -> Finding {
    let help = "run the whole workflow again, so that the build job hands the files over once more";
    Finding::new("files-differ", Level::Error, message).help(help)
}

/// The list, and what is wrong with the files. If the list is not the one that was handed over, nothing in it
/// is used.
fn checked(dir: &Utf8Path, wanted: &str) -> Result<(List, Vec<String>)> {
    let path = dir.join(LIST);
    let one = |problem: String| Ok((List::default(), vec![problem]));
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return one(format!("{path} is missing"));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
    };
    let has = sha256(&bytes);
    if has != wanted {
        return one(format!("{LIST} has sha256 {has}, but the build job wrote one with {wanted}"));
    }
    let list: List = serde_json::from_slice(&bytes).with_context(|| format!("cannot read {path}"))?;
    if list.schema != SCHEMA {
        return one(format!("{LIST} has schema {}, expected {SCHEMA}", list.schema));
    }
    let mut problems = Vec::new();
    // They become lines of the tag.
    for Entry { app, image, .. } in &list.apps {
        let digests = image.iter().flat_map(|image| [&image.digest, &image.base]);
        problems.extend(
            digests.filter(|digest| !is_digest(digest)).map(|d| format!("{app}: {d:?} is no digest")),
        );
    }
    let mut left: BTreeMap<&str, &str> = list.files.iter().map(|(n, h)| (n.as_str(), h.as_str())).collect();
    for path in walk(dir)? {
        let name = path.strip_prefix(dir)?;
        if name == LIST {
            continue;
        }
        let expected = left.remove(name.as_str());
        let is_file = std::fs::symlink_metadata(&path)?.is_file();
        match expected {
            None => problems.push(format!("{name} is not in the list")),
            Some(_) if !is_file => problems.push(format!("{name} is not a file")),
            Some(expected) => {
                let has = sha256(std::fs::read(&path).with_context(|| format!("cannot read {path}"))?);
                if has != expected {
                    problems.push(format!("{name} has sha256 {has}, expected {expected}"));
                }
            }
        }
    }
    problems.extend(left.keys().map(|name| format!("{name} is missing")));
    Ok((list, problems))
}

impl Handed {
    /// What was handed over for this release. The error says why there is nothing for it.
    fn entry(&self, release: &Release) -> std::result::Result<&Entry, Finding> {
        let (app, wanted) =
            (release.app.name(), format!("{} at {}", release.title(), short(&release.commit)));
        let found = self.list.apps.iter().find(|entry| entry.app == app);
        let message = match found {
            Some(entry) if entry.version == release.version.to_string() && entry.commit == release.commit => {
                return Ok(entry);
            }
            Some(entry) => format!(
                "the build job handed over {app} v{} at {}, but this job releases {wanted}",
                entry.version,
                short(&entry.commit)
            ),
            None => format!("the build job handed over no files of {wanted}"),
        };
        Err(differs(message))
    }
}

/// A finding if this run publishes what another one has built, and that one built nothing for this release.
pub(super) fn missing(release: &Release) -> Option<Finding> {
    let Mode::Publish(handed) = release.mode else { return None };
    handed.entry(release).err()
}

/// The package files from the build job. None if this run builds them.
pub(super) fn dist(release: &Release) -> Result<Option<Vec<DistFile>>> {
    let Some((handed, entry)) = of(release)? else { return Ok(None) };
    let place = format!("{}/dist/", entry.app);
    let files = handed.list.files.iter().filter_map(|(name, sha256)| {
        let name = name.strip_prefix(&place)?;
        let path = handed.dir.join(&place).join(name);
        Some(DistFile { path, name: name.to_string(), sha256: sha256.clone() })
    });
    Ok(Some(files.collect()))
}

/// The image from the build job. None if this run builds it.
pub(super) fn image(release: &Release) -> Result<Option<Built>> {
    let Some((handed, entry)) = of(release)? else { return Ok(None) };
    let image = entry.image.as_ref().context("the build job handed over no image")?;
    let dir = handed.dir.join(&entry.app).join("image");
    image::open(release.app, &dir, &image.digest, &image.base, image.from.as_deref()).map(Some)
}

/// The breaking changes that the build job found. None if this run looks for them.
pub(super) fn breaks(release: &Release) -> Result<Option<Breaks>> {
    Ok(of(release)?.map(|(_, entry)| entry.breaks.clone()))
}

fn of<'a>(release: &Release<'a>) -> Result<Option<(&'a Handed, &'a Entry)>> {
    let Mode::Publish(handed) = release.mode else { return Ok(None) };
    match handed.entry(release) {
        Ok(entry) => Ok(Some((handed, entry))),
        Err(finding) => Err(Exit::Gate(vec![finding]).into()),
    }
}

/// A hard link, because layers are large, or a copy if the folders are on two file systems.
fn copy(from: &Utf8Path, to: &Utf8Path) -> Result<()> {
    let folder = to.parent().context("a file has no folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {folder}"))?;
    std::fs::hard_link(from, to)
        .or_else(|_| std::fs::copy(from, to).map(drop))
        .with_context(|| format!("cannot write {to}"))
}

/// Everything below the folder that is not a folder itself, sorted. Symbolic links are not followed.
fn walk(dir: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().with_context(|| format!("cannot read {folder}"))? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.into_path()),
                false => found.push(entry.into_path()),
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::try_from(temp.path().to_owned()).unwrap();
        (temp, dir)
    }

    #[test]
    fn only_the_files_of_the_list_with_their_hashes_are_taken() {
        let (_temp, dir) = folder();
        let file = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let write = || {
            file("a/dist/one.whl", "one");
            let files = BTreeMap::from([("a/dist/one.whl".to_string(), sha256("one"))]);
            let list = List { schema: SCHEMA, apps: Vec::new(), files };
            file(LIST, &serde_json::to_string(&list).unwrap());
            hash(&dir).unwrap().unwrap()
        };
        let wanted = write();
        let problems = || checked(&dir, &wanted).unwrap().1.join("; ");
        assert_eq!(problems(), "");
        file("a/dist/one.whl", "two");
        assert!(problems().starts_with("a/dist/one.whl has sha256 "), "{}", problems());
        std::fs::remove_file(dir.join("a/dist/one.whl")).unwrap();
        assert_eq!(problems(), "a/dist/one.whl is missing");
        std::os::unix::fs::symlink("/dev/null", dir.join("a/dist/one.whl")).unwrap();
        assert_eq!(problems(), "a/dist/one.whl is not a file");
        std::fs::remove_file(dir.join("a/dist/one.whl")).unwrap();
        write();
        file("a/dist/more.whl", "more");
        file(".hidden", "");
        assert_eq!(problems(), ".hidden is not in the list; a/dist/more.whl is not in the list");
        file(LIST, "{}");
        assert!(problems().starts_with("handed.json has sha256 "), "{}", problems());
        std::fs::remove_file(dir.join(LIST)).unwrap();
        assert!(problems().ends_with("handed.json is missing"), "{}", problems());
        assert_eq!(hash(&dir).unwrap(), None);
    }

    #[test]
    fn a_folder_is_emptied_only_if_a_hand_over_wrote_every_file() {
        let (_temp, dir) = folder();
        let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
        let files = BTreeMap::from([("one.whl".to_string(), sha256("one"))]);
        let list = serde_json::to_string(&List { schema: SCHEMA, apps: Vec::new(), files }).unwrap();
        write("one.whl", "one");
        let refused = |expected: &str| {
            let error = prepare(&dir).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(dir.join("one.whl").exists());
        };
        refused("name another folder\n  it has no handed.json");
        write(LIST, "{}");
        refused("handed.json");
        write(LIST, &list);
        write("thesis.txt", "mine");
        refused("thesis.txt is not in the list");
        std::fs::remove_file(dir.join("thesis.txt")).unwrap();
        write("one.whl", "changed by hand");
        refused("one.whl has sha256");
        write("one.whl", "one");
        prepare(&dir).unwrap();
        assert_eq!(walk(&dir).unwrap(), [""; 0]);
    }

    #[test]
    fn the_digest_of_an_image_adds_no_line_to_the_tag() {
        let (_temp, dir) = folder();
        let digest = format!("sha256:{}", "a".repeat(64));
        let problems = |base: &str| {
            let image = Image { digest: digest.clone(), base: base.to_string(), from: None };
            let entry = Entry {
                app: "python".into(),
                version: "0.0.1".into(),
                commit: "1".into(),
                image: Some(image),
                breaks: Breaks::default(),
            };
            let list = List { schema: SCHEMA, apps: vec![entry], files: BTreeMap::new() };
            std::fs::write(dir.join(LIST), serde_json::to_string(&list).unwrap()).unwrap();
            checked(&dir, &hash(&dir).unwrap().unwrap()).unwrap().1.join("; ")
        };
        assert_eq!(problems(&digest), "");
        let forged = format!("{digest}\nDist-Sha256: {}  evil.whl", "b".repeat(64));
        assert!(problems(&forged).ends_with("evil.whl\" is no digest"), "{}", problems(&forged));
    }
}
