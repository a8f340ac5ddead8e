//! The git remote of the rehearsal: a bare repository that takes and refuses pushes as a forge with protected
//! branches does.

use crate::model::workspace::Settings;
use crate::sys::git::Git;
use anyhow::{Context, Result};
use camino::Utf8Path;
use std::os::unix::fs::PermissionsExt;

pub struct Remote {
    /// Plumbing in the repository itself: what the forge does, and no push may.
    pub git: Git,
    /// A path: a clone takes the objects over as they are, where a URL would have them packed and indexed
    /// once more for each job.
    pub url: String,
}

/// Makes the repository `dir/remote.git`, without a commit.
pub fn create(dir: &Utf8Path, settings: &Settings) -> Result<Remote> {
    let path = dir.join("remote.git");
    let git = Git::new(&path);
    Git::new(dir).run(&[
        "init",
        "--quiet",
        "--bare",
        &format!("--initial-branch={}", settings.main),
        "--",
        path.as_str(),
    ])?;
    for (key, value) in [
        ("receive.denyDeletes", "true"),
        ("receive.denyNonFastForwards", "true"),
        ("receive.autogc", "false"),
        ("gc.auto", "0"),
    ] {
        git.run(&["config", key, value])?;
    }
    git.run(&["config", "user.name", "Rehearsal"])?;
    git.run(&["config", "user.email", "rehearsal@localhost"])?;
    let hook = path.join("hooks/update");
    std::fs::create_dir_all(path.join("hooks"))?;
    std::fs::write(&hook, rules(settings)).with_context(|| format!("{hook} can't be written"))?;
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755))?;
    Ok(Remote { url: path.into_string(), git })
}

/// githooks(5), update: name, old and new object of each ref that a push wants to change.
fn rules(settings: &Settings) -> String {
    let protected = match settings.one_branch() {
        // `release --bump` pushes the version to it. No push may rewrite it: receive.denyNonFastForwards.
        true => String::new(),
        false => {
            let (main, development) = (quote(&settings.main), quote(&settings.development));
            format!(
                "\n  refs/heads/{main} | refs/heads/{development}) refuse \"$1 is protected: open a pull request\" ;;"
            )
        }
    };
    format!(
        r#"#!/bin/sh
# The rules of a forge: protected branches change by pull request alone (one branch is not protected: releases push to it), tags are made once, pull requests belong to the forge.
refuse() {{ echo "remote rule: $1" >&2; exit 1; }}
case $1 in{protected}
  refs/heads/*) ;;
  refs/tags/*) case $2 in *[!0]*) refuse "$1 exists: tags stay where they are" ;; esac ;;
  *) refuse "$1 is not a branch or a tag" ;;
esac
"#
    )
}

/// A word for sh that no branch name can leave.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
