//! Reads what a plan needs before it walks the history: HEAD, whether the clone is complete, and the refs of
//! releases and branches.

use super::gitdir::{GitDir, is_id};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::{Result, bail};
use semver::Version;
use std::collections::HashMap;

pub(super) struct Head {
    /// None: detached.
    pub branch: Option<String>,
    /// The commit, if HEAD is detached.
    pub commit: Option<String>,
}

/// A release's tag.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub name: String,
    pub version: Version,
    /// The object id in the ref: an annotated tag, or the commit itself.
    pub object: String,
}

pub(super) struct Refs {
    /// The highest version first.
    pub tags: Vec<Tag>,
    /// The versions that `rollback` has marked as withdrawn.
    pub withdrawn: Vec<Version>,
    branches: HashMap<String, String>,
}

impl Refs {
    /// The commits of a local branch and of its remote-tracking branch.
    pub(super) fn branch(&self, remote: &str, name: &str) -> Vec<&str> {
        let names = [format!("refs/heads/{name}"), format!("refs/remotes/{remote}/{name}")];
        let mut found: Vec<&str> =
            names.iter().filter_map(|n| self.branches.get(n)).map(String::as_str).collect();
        found.dedup();
        found
    }
}

pub(super) fn head(git: &Git) -> Result<Head> {
    let head = GitDir::of(git)?.head()?;
    Ok(match head.strip_prefix("ref: ") {
        // The placeholder that the reftable format leaves in HEAD for older programs.
        Some("refs/heads/.invalid") => Head { branch: git.branch()?, commit: None },
        Some(name) => {
            Head { branch: Some(name.strip_prefix("refs/heads/").unwrap_or(name).to_string()), commit: None }
        }
        None => Head { branch: None, commit: Some(head) },
    })
}

/// Fails if HEAD does not have the app: no commit can release it.
pub(super) fn refuse_uncommitted(git: &Git, app: &App) -> Result<()> {
    let file = format!("HEAD:{}", app.file());
    if git.ask(&["rev-parse", "--verify", "--quiet", &file])? {
        return Ok(());
    }
    git.refuse_without_commits()?;
    bail!(
        "{} is not committed, so nothing of {} can be released yet\ntype: git add {} && git commit",
        app.file(),
        app.name(),
        app.dir
    );
}

/// Fails in a clone whose history is incomplete: a shallow one, and one without trees, in which git would
/// connect to the remote for each commit that a plan looks at.
pub(crate) fn refuse_incomplete(git: &Git) -> Result<()> {
    let git_dir = GitDir::of(git)?;
    if git_dir.is_shallow() {
        bail!(
            "{} is a shallow clone: tags and history are missing, so the last release cannot be determined\n\
             type: git fetch --unshallow --tags\n\
             (in a CI job: let the checkout fetch everything with fetch-depth: 0)",
            git.dir
        );
    }
    if git_dir.is_partial()
        && let Ok(found) = git.read(&["config", "--get-regexp", r"^remote\..*\.partialclonefilter$", "tree:"])
        && let Some(key) = found.split_whitespace().next()
        && let Some(remote) = key.strip_prefix("remote.").and_then(|key| key.rsplit_once('.'))
    {
        let remote = remote.0;
        bail!(
            "{} is a clone without trees (--filter=tree:…): git would fetch the files of each commit one by \
             one\ntype: git config remote.{remote}.partialCloneFilter blob:none && \
             git fetch --refetch {remote}",
            git.dir
        );
    }
    Ok(())
}

/// The app's tags, and the main and development branches.
pub(super) fn refs(ctx: &Ctx, app: &App) -> Result<Refs> {
    let settings = &ctx.ws.settings;
    let start = app.tag_start();
    let tags = [format!("refs/tags/{start}"), format!("refs/tags/withdrawn/{start}")];
    let both = |branch: &String| {
        [format!("refs/heads/{branch}"), format!("refs/remotes/{}/{branch}", remote_name(ctx))]
    };
    let branches: Vec<String> = [&settings.development, &settings.main].into_iter().flat_map(both).collect();
    let found = match GitDir::of(&ctx.git)?.refs(&tags, &branches) {
        Some(found) => found,
        None => ask_git(&ctx.git, &tags, &branches)?,
    };
    let mut refs = Refs { tags: Vec::new(), withdrawn: Vec::new(), branches: HashMap::new() };
    for (name, object) in found {
        match (name.strip_prefix("refs/tags/withdrawn/"), name.strip_prefix("refs/tags/")) {
            (Some(mark), _) => refs.withdrawn.extend(release_tag(app, mark, &object).map(|tag| tag.version)),
            (None, Some(tag)) => refs.tags.extend(release_tag(app, tag, &object)),
            (None, None) => drop(refs.branches.insert(name, object)),
        }
    }
    refs.tags.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(refs)
}

/// One `for-each-ref` with exact prefixes, which reads no objects: `--merged` would read the whole history.
fn ask_git(git: &Git, prefixes: &[String], exact: &[String]) -> Result<HashMap<String, String>> {
    let mut args = vec!["for-each-ref".to_string(), "--format=%(refname) %(objectname)".to_string()];
    args.extend(prefixes.iter().map(|prefix| format!("{prefix}*")));
    args.extend(exact.iter().cloned());
    let pair = |line: &str| line.split_once(' ').map(|(name, object)| (name.to_string(), object.to_string()));
    Ok(git.read(&args)?.lines().filter_map(pair).collect())
}

/// Exactly `<app>-v<semver>`, or the app's own form: `python-v1.0.0`, neither `python-v1` nor
/// `python-very-old`.
fn release_tag(app: &App, name: &str, object: &str) -> Option<Tag> {
    let version = app.version_in_tag(name)?;
    Some(Tag { name: name.to_string(), version, object: object.to_string() })
}

/// The commits that a release was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The commit that the tag is on.
    pub commit: String,
    /// The development commit that it was squashed from, by the `Source-Commit` trailer of an annotated tag.
    /// For a hotfix it is the tag's own commit.
    pub source: Option<String>,
}

/// One for each tag, in the same order.
pub(super) fn origins(git: &Git, tags: &[&Tag]) -> Result<Vec<Origin>> {
    let format = "--format=%(refname)%00%(objectname)%00%(*objectname)%00\
                  %(contents:trailers:key=Source-Commit,valueonly)%00";
    let names: Vec<String> = tags.iter().map(|tag| format!("refs/tags/{}", tag.name)).collect();
    let args: Vec<&str> =
        ["for-each-ref", format].into_iter().chain(names.iter().map(String::as_str)).collect();
    let text = git.read(&args)?;
    let fields: Vec<&str> = text.split('\0').collect();
    let read = |fields: &[&str]| {
        let [name, object, commit, source] = fields else { return None };
        let source = Some(source.trim()).filter(|id| is_id(id) && !commit.is_empty()).map(str::to_string);
        let commit = if commit.is_empty() { object } else { commit };
        Some((name.trim().to_string(), Origin { commit: commit.to_string(), source }))
    };
    let mut found: HashMap<String, Origin> = fields.chunks(4).filter_map(read).collect();
    let origin = |name: &String| {
        found.remove(name).ok_or_else(|| anyhow::anyhow!("{name} no longer exists in {}", git.dir))
    };
    names.iter().map(origin).collect()
}

/// The tags that are not on a commit, but on a folder or a file.
pub(super) fn without_commit(git: &Git, tags: &[&Tag]) -> Result<Vec<String>> {
    let asked: String = tags.iter().map(|tag| format!("refs/tags/{}^{{}}\n", tag.name)).collect();
    let text = git.pipe(&["cat-file", "--batch-check=%(objecttype)", "--buffer"], asked.as_bytes())?;
    let text = String::from_utf8_lossy(&text);
    let wrong = tags.iter().zip(text.lines()).filter(|(_, kind)| matches!(*kind, "tree" | "blob"));
    Ok(wrong.map(|(tag, _)| tag.name.clone()).collect())
}

/// The names of all tags, releases or not.
pub(super) fn tag_names(git: &Git) -> Result<Vec<String>> {
    let text = git.read(&["for-each-ref", "--format=%(refname:strip=2)", "refs/tags"])?;
    Ok(text.lines().map(str::to_string).collect())
}

/// The remote's name; `origin` if the settings give a URL.
pub(crate) fn remote_name(ctx: &Ctx) -> &str {
    let remote = ctx.endpoints.remote.as_str();
    if remote.contains([':', '/', '*', '?', '[', ' ']) { "origin" } else { remote }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loose and packed refs, a loose ref that hides an older packed one, and names that only look similar.
    #[test]
    fn reading_files_and_asking_git_give_the_same_refs() {
        let temp = tempfile::tempdir().unwrap();
        let git = Git::new(camino::Utf8Path::from_path(temp.path()).unwrap());
        let identity = ["-c", "user.name=a", "-c", "user.email=b"];
        let commit =
            || git.run(&[&identity[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat()).unwrap();
        let tag =
            |name: &str| git.run(&[&identity[..], &["tag", "-f", "-a", "-m", "x", name]].concat()).unwrap();
        git.run(&["init", "-q", "-b", "main"]).unwrap();
        let prefixes = ["refs/tags/python-v", "refs/tags/withdrawn/python-v"].map(str::to_string);
        let exact = ["refs/heads/main", "refs/heads/gone"].map(str::to_string);
        let same = |expected: usize| {
            let files = GitDir::of(&git).unwrap().refs(&prefixes, &exact).expect("the classic layout");
            assert_eq!(files, ask_git(&git, &prefixes, &exact).unwrap());
            assert_eq!(files.len(), expected);
        };
        same(0);
        commit();
        ["python-v0.1.0", "python-v0.2.0", "ts-v0.1.0", "python-graphs-v1.0.0"]
            .iter()
            .for_each(|name| tag(name));
        same(3);
        git.run(&["pack-refs", "--all"]).unwrap();
        commit();
        tag("python-v0.2.0");
        git.run(&["tag", "python-v0.3.0"]).unwrap();
        same(4);
        tag("withdrawn/python-v0.3.0");
        tag("withdrawn/ts-v0.1.0");
        same(5);
        git.run(&["symbolic-ref", "refs/tags/python-v0.4.0", "refs/heads/main"]).unwrap();
        assert_eq!(GitDir::of(&git).unwrap().refs(&prefixes, &exact), None);
    }
}
