//! What a plan needs to know of the repository before it walks any history: HEAD, whether the clone is complete, and the refs that
//! matter, in one git process.

use crate::Ctx;
use crate::git::Git;
use crate::workspace::App;
use anyhow::{Context, Result, bail};
use camino::Utf8PathBuf;
use semver::Version;
use std::collections::HashMap;

pub struct Head {
    /// None: detached.
    pub branch: Option<String>,
    /// The commit, where HEAD names one itself.
    pub commit: Option<String>,
}

/// A release's tag.
#[derive(Clone, Debug)]
pub struct Tag {
    pub name: String,
    pub version: Version,
    /// What the ref holds: an annotated tag, or the commit itself.
    pub object: String,
}

pub struct Refs {
    /// The highest version first.
    pub tags: Vec<Tag>,
    branches: HashMap<String, String>,
}

impl Refs {
    /// The commits that a branch has here and on the remote.
    pub fn branch(&self, remote: &str, name: &str) -> Vec<&str> {
        let names = [format!("refs/heads/{name}"), format!("refs/remotes/{remote}/{name}")];
        let mut found: Vec<&str> = names.iter().filter_map(|n| self.branches.get(n)).map(String::as_str).collect();
        found.dedup();
        found
    }
}

/// HEAD, read from its file (gitrepository-layout(5)): a process less.
pub fn head(git: &Git) -> Result<Head> {
    let folder = git_folder(git)?;
    let text = std::fs::read_to_string(folder.join("HEAD")).with_context(|| format!("{folder}/HEAD can't be read"))?;
    Ok(match text.trim_end().strip_prefix("ref: ") {
        // What the reftable format leaves in the file for older programs.
        Some("refs/heads/.invalid") => Head { branch: git.branch()?, commit: None },
        Some(name) => Head { branch: Some(name.strip_prefix("refs/heads/").unwrap_or(name).to_string()), commit: None },
        None => Head { branch: None, commit: Some(text.trim_end().to_string()) },
    })
}

/// A clone without its history can't know what is released.
pub fn refuse_shallow(git: &Git) -> Result<()> {
    let folder = git_folder(git)?;
    let common = std::fs::read_to_string(folder.join("commondir")).map(|c| folder.join(c.trim_end())).unwrap_or(folder);
    if common.join("shallow").exists() {
        bail!(
            "{} is a shallow clone: its tags and history are not all here, so what is released can't be known\n\
             type: git fetch --unshallow --tags\n\
             (in a forge's job: let the checkout fetch everything, fetch-depth: 0)",
            git.dir
        );
    }
    Ok(())
}

/// The `.git` of the checkout around a folder: a folder, or in a worktree a file that names one.
fn git_folder(git: &Git) -> Result<Utf8PathBuf> {
    let found = git.dir.ancestors().map(|d| d.join(".git")).find(|d| d.exists());
    let Some(dot_git) = found else { bail!("{} is not in a git repository, and a plan is made from its history", git.dir) };
    if dot_git.is_dir() {
        return Ok(dot_git);
    }
    let text = std::fs::read_to_string(&dot_git).with_context(|| format!("{dot_git} can't be read"))?;
    let target = text.strip_prefix("gitdir: ").with_context(|| format!("{dot_git} is neither a folder nor names one"))?;
    Ok(dot_git.with_file_name(target.trim_end()))
}

/// The app's tags and the branches of the flow. One `for-each-ref` of exact prefixes that reads no object: `--merged` would read the
/// whole history.
pub fn refs(ctx: &Ctx, app: &App) -> Result<Refs> {
    let settings = &ctx.ws.settings;
    let mut args =
        vec!["for-each-ref".to_string(), "--format=%(objectname) %(refname)".to_string(), format!("refs/tags/{}-v*", app.name())];
    for branch in [&settings.development, &settings.main] {
        args.push(format!("refs/heads/{branch}"));
        args.push(format!("refs/remotes/{}/{branch}", remote_name(ctx)));
    }
    let mut refs = Refs { tags: Vec::new(), branches: HashMap::new() };
    for line in ctx.git.read(&args)?.lines() {
        let Some((object, name)) = line.split_once(' ') else { continue };
        match name.strip_prefix("refs/tags/") {
            Some(tag) => refs.tags.extend(release_tag(app, tag, object)),
            None => drop(refs.branches.insert(name.to_string(), object.to_string())),
        }
    }
    refs.tags.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(refs)
}

/// Exactly `<app>-v<semver>`: `python-v1.0.0`, neither `python-v1` nor `python-very-old`.
fn release_tag(app: &App, name: &str, object: &str) -> Option<Tag> {
    let version = Version::parse(name.strip_prefix(app.name())?.strip_prefix("-v")?).ok()?;
    Some(Tag { name: name.to_string(), version, object: object.to_string() })
}

/// The development commit that a release was squashed from, by the trailer in its annotated tag.
pub fn source(git: &Git, tag: &Tag) -> Result<Option<String>> {
    let format = "--format=%(objecttype) %(contents:trailers:key=Source-Commit,valueonly)";
    let text = git.read(&["for-each-ref", format, &format!("refs/tags/{}", tag.name)])?;
    let is_id = |id: &&str| id.len() >= 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(text.strip_prefix("tag ").map(str::trim).filter(is_id).map(str::to_string))
}

/// The remote's name; the usual one where an address was given.
pub fn remote_name(ctx: &Ctx) -> &str {
    let remote = ctx.endpoints.remote.as_str();
    if remote.contains([':', '/', '*', '?', '[', ' ']) { "origin" } else { remote }
}
