//! Reads HEAD, the marker of a shallow clone and refs directly from the git folder (gitrepository-layout(5)),
//! because starting a git process takes a fifth of a plan's time. For any other layout, git is asked.

use crate::sys::git::Git;
use anyhow::{Context, Result, bail};
use camino::Utf8PathBuf;
use std::collections::{HashMap, HashSet};

/// Bytes of packed-refs. Git reads a larger file faster, because it searches in it.
const PACKED_LIMIT: u64 = 1 << 20;

pub(super) struct GitDir {
    /// The folder that holds HEAD.
    own: Utf8PathBuf,
    /// The folder that holds the refs: in a worktree, another one than `own`.
    common: Utf8PathBuf,
}

impl GitDir {
    /// The `.git` of the checkout that contains the folder. In a worktree `.git` is a file that names the
    /// folder.
    pub(super) fn of(git: &Git) -> Result<GitDir> {
        let found = git.dir.ancestors().map(|d| d.join(".git")).find(|d| d.exists());
        let Some(dot_git) = found else {
            bail!("{} is not in a git repository, and a plan needs its history", git.dir)
        };
        let own = if dot_git.is_dir() {
            dot_git
        } else {
            let text = std::fs::read_to_string(&dot_git).with_context(|| format!("cannot read {dot_git}"))?;
            let target = text.strip_prefix("gitdir: ").with_context(|| {
                format!("{dot_git} is neither a folder nor a file that begins with \"gitdir: \"")
            })?;
            dot_git.with_file_name(target.trim_end())
        };
        let common = std::fs::read_to_string(own.join("commondir"))
            .map(|c| own.join(c.trim_end()))
            .unwrap_or_else(|_| own.clone());
        Ok(GitDir { own, common })
    }

    pub(super) fn is_shallow(&self) -> bool {
        self.common.join("shallow").exists()
    }

    /// Was it cloned with a filter?
    pub(super) fn is_partial(&self) -> bool {
        let config = std::fs::read_to_string(self.common.join("config")).unwrap_or_default();
        config.to_ascii_lowercase().contains("partialclonefilter")
    }

    /// `ref: refs/heads/main`, or a commit.
    pub(super) fn head(&self) -> Result<String> {
        let file = self.own.join("HEAD");
        Ok(std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {file}"))?
            .trim_end()
            .to_string())
    }

    /// The refs whose names begin with one of `prefixes` or are in `exact`, and the object ids that they
    /// hold. None if only git can read them.
    pub(super) fn refs(&self, prefixes: &[String], exact: &[String]) -> Option<HashMap<String, String>> {
        if self.common.join("reftable").exists() {
            return None;
        }
        let loose: Vec<Vec<String>> =
            prefixes.iter().map(|prefix| self.loose(prefix)).collect::<Option<_>>()?;
        self.read(loose.iter().flatten().chain(exact), |name| {
            prefixes.iter().any(|prefix| name.starts_with(prefix)) || exact.iter().any(|e| e == name)
        })
    }

    /// The same for refs of exactly these names, all of which are in one of `folders`. Most clones have none
    /// of the folders: then no name is looked up.
    pub(super) fn exact(&self, folders: &[String], names: &[String]) -> Option<HashMap<String, String>> {
        if self.common.join("reftable").exists() {
            return None;
        }
        let is_loose = folders.iter().any(|folder| self.common.join(folder).exists());
        let packed = self.packed()?;
        if !is_loose && !folders.iter().any(|folder| packed.contains(folder)) {
            return Some(HashMap::new());
        }
        let wanted: HashSet<&str> = names.iter().map(String::as_str).collect();
        self.read(names.iter(), |name| wanted.contains(name))
    }

    fn read<'a>(
        &self,
        names: impl Iterator<Item = &'a String>,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<HashMap<String, String>> {
        // Loose refs first: while git moves them into packed-refs, they are in both.
        let mut found = HashMap::new();
        for name in names {
            match std::fs::read_to_string(self.common.join(name)) {
                Ok(text) if is_id(text.trim_end()) => {
                    drop(found.insert(name.clone(), text.trim_end().to_string()))
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                _ => return None,
            }
        }
        for line in self.packed()?.lines() {
            let Some((id, name)) = line.split_once(' ') else { continue };
            if wanted(name) && !found.contains_key(name) {
                found.insert(name.to_string(), id.to_string());
            }
        }
        Some(found)
    }

    fn loose(&self, prefix: &str) -> Option<Vec<String>> {
        let (folder, start) = prefix.rsplit_once('/')?;
        let mut names = Vec::new();
        let entries = match self.common.join(folder).read_dir_utf8() {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Some(names),
            entries => entries.ok()?,
        };
        for entry in entries {
            let entry = entry.ok()?;
            if entry.file_name().starts_with(start) && entry.file_type().ok()?.is_file() {
                names.push(format!("{folder}/{}", entry.file_name()));
            }
        }
        Some(names)
    }

    fn packed(&self) -> Option<String> {
        let file = self.common.join("packed-refs");
        match std::fs::metadata(&file) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Some(String::new()),
            Ok(meta) if meta.len() <= PACKED_LIMIT => std::fs::read_to_string(&file).ok(),
            _ => None,
        }
    }
}

/// An object id: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
