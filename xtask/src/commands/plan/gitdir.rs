//! What git's own folder says without git: HEAD, the mark of a shallow clone, and refs as files
//! (gitrepository-layout(5)). A process is a fifth of a plan. Where the layout is another one, git is asked.

use crate::sys::git::Git;
use anyhow::{Context, Result, bail};
use camino::Utf8PathBuf;
use std::collections::{HashMap, HashSet};

/// More than this is quicker read by git, which searches it.
const PACKED_LIMIT: u64 = 1 << 20;

pub struct GitDir {
    /// HEAD lies here.
    own: Utf8PathBuf,
    /// Refs lie here: another folder where this is a worktree.
    common: Utf8PathBuf,
}

impl GitDir {
    /// The `.git` of the checkout around a folder: a folder, or in a worktree a file that names one.
    pub fn of(git: &Git) -> Result<GitDir> {
        let found = git.dir.ancestors().map(|d| d.join(".git")).find(|d| d.exists());
        let Some(dot_git) = found else {
            bail!("{} is not in a git repository, and a plan is made from its history", git.dir)
        };
        let own = if dot_git.is_dir() {
            dot_git
        } else {
            let text =
                std::fs::read_to_string(&dot_git).with_context(|| format!("{dot_git} can't be read"))?;
            let target = text
                .strip_prefix("gitdir: ")
                .with_context(|| format!("{dot_git} is neither a folder nor names one"))?;
            dot_git.with_file_name(target.trim_end())
        };
        let common = std::fs::read_to_string(own.join("commondir"))
            .map(|c| own.join(c.trim_end()))
            .unwrap_or_else(|_| own.clone());
        Ok(GitDir { own, common })
    }

    pub fn is_shallow(&self) -> bool {
        self.common.join("shallow").exists()
    }

    /// `ref: refs/heads/main`, or a commit.
    pub fn head(&self) -> Result<String> {
        let file = self.own.join("HEAD");
        Ok(std::fs::read_to_string(&file)
            .with_context(|| format!("{file} can't be read"))?
            .trim_end()
            .to_string())
    }

    /// The refs whose names begin with `prefix` or are in `exact`, and what they hold. None where only git
    /// can tell.
    pub fn refs(&self, prefix: &str, exact: &[String]) -> Option<HashMap<String, String>> {
        if self.common.join("reftable").exists() {
            return None;
        }
        let loose = self.loose(prefix)?;
        self.read(loose.iter().chain(exact), |name| {
            name.starts_with(prefix) || exact.iter().any(|e| e == name)
        })
    }

    /// The same for refs of exactly these names.
    pub fn exact(&self, names: &[String]) -> Option<HashMap<String, String>> {
        if self.common.join("reftable").exists() {
            return None;
        }
        let wanted: HashSet<&str> = names.iter().map(String::as_str).collect();
        self.read(names.iter(), |name| wanted.contains(name))
    }

    fn read<'a>(
        &self,
        names: impl Iterator<Item = &'a String>,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<HashMap<String, String>> {
        // Loose ones first: git moves them into packed-refs, and while it does they are in both.
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
        for entry in self.common.join(folder).read_dir_utf8().ok()? {
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

/// SHA-1 or SHA-256.
pub fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
