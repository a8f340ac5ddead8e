//! The git remote of the rehearsal: a bare repository that accepts and refuses pushes like a forge with
//! protected branches.

use crate::model::workspace::Settings;
use crate::sys::git::Git;
use anyhow::{Context, Result};
use camino::Utf8Path;
use std::os::unix::fs::PermissionsExt;

pub(crate) struct Remote {
    /// Runs git in the repository itself, for changes that a forge may make and a push may not.
    pub git: Git,
    /// A path and not a URL: a clone from a path copies or links the objects, while a URL would pack and
    /// index them for each job.
    pub url: String,
}

/// Creates the repository `dir/remote.git`, without a commit.
pub(super) fn create(dir: &Utf8Path, settings: &Settings) -> Result<Remote> {
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
    std::fs::write(&hook, rules(settings)).with_context(|| format!("cannot write {hook}"))?;
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755))?;
    Ok(Remote { url: path.into_string(), git })
}

/// The `update` hook (githooks(5)). Its arguments are the name, the old and the new object of a pushed ref.
fn rules(settings: &Settings) -> String {
    let protected = match settings.one_branch() {
        // `release --bump` pushes to the branch. receive.denyNonFastForwards protects it against rewriting.
        true => String::new(),
        false => {
            let (main, development) = (quote(&settings.main), quote(&settings.development));
            format!(
                "\n  refs/heads/{main} | refs/heads/{development}) \
                 refuse \"$1 is protected: open a pull request\" ;;"
            )
        }
    };
    format!(
        r#"#!/bin/sh
# The rules of a forge: protected branches change only by pull requests (a single branch is not protected,
# because releases push to it), tags never move, and only the forge writes the refs of pull requests.
refuse() {{ echo "remote rule: $1" >&2; exit 1; }}
case $1 in{protected}
  refs/heads/*) ;;
  refs/tags/*) case $2 in *[!0]*) refuse "$1 exists: a tag cannot be changed" ;; esac ;;
  *) refuse "$1 is not a branch or a tag" ;;
esac
"#
    )
}

/// Quotes a word for sh, so that a branch name cannot end the quotes.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
