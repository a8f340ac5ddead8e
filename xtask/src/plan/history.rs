//! The commits since an app's last release, across squashes. The usual case is one walk: no commit on the tag's side means that the
//! tag, or a commit with the same content, is an ancestor.

use super::Release;
use super::number::Line;
use super::repository::{self, Head, Refs, Tag};
use super::walk::{Walk, walk};
use crate::Ctx;
use crate::commits::Commit;
use crate::git::Git;
use crate::workspace::App;
use anyhow::{Result, bail};
use semver::Version;

pub struct History {
    /// The last release that HEAD contains; pre-releases are steps on the way, not releases to count from.
    pub last: Option<Release>,
    /// Those since, touching the app; newest first.
    pub commits: Vec<Commit>,
    /// May the app's settings have changed since?
    pub settings: bool,
    /// Every version that was ever tagged; the highest first.
    pub tagged: Vec<Version>,
    /// Set on a hotfix branch.
    pub line: Option<Line>,
    /// Releases above the last that the index no longer offers; the highest first.
    pub withdrawn: Vec<Version>,
}

/// `withdrawn` are versions that nobody is to have any more: no release to count from.
pub fn read(ctx: &Ctx, app: &App, withdrawn: &[Version]) -> Result<History> {
    let git = &ctx.git;
    repository::refuse_shallow(git)?;
    let head = repository::head(git)?;
    let refs = repository::refs(ctx, app)?;
    let line = head.branch.as_deref().and_then(|branch| Line::of_branch(branch, app.name()));
    let counts = |tag: &&Tag| tag.version.pre.is_empty() && line.as_ref().is_none_or(|l| l.contains(&tag.version));
    let (gone, tags): (Vec<&Tag>, Vec<&Tag>) = refs.tags.iter().filter(counts).partition(|tag| withdrawn.contains(&tag.version));
    let two_branches = ctx.ws.settings.main != ctx.ws.settings.development;
    let on_main = two_branches && on_main(ctx, &head, &refs);
    // Tags are made on main: anywhere else they are behind a squash.
    let squashed = two_branches && !on_main && line.is_none();
    let (mut last, mut walked) = since(git, app, &tags, "HEAD", squashed).map_err(|e| explain(git, e))?;
    if !walked.commits.is_empty() && on_main {
        let development = refs.branch(repository::remote_name(ctx), &ctx.ws.settings.development);
        let released = last.filter(|_| !development.is_empty()).map(|tag| repository::source(git, tag)).transpose()?.flatten();
        if let Some(source) = source_in(git, app, "HEAD", &development, released.as_deref())? {
            let (origin, originals) = since(git, app, &tags, &source, true)?;
            // Not found from there: the squashes' own messages are what is left.
            if origin.map(|t| &t.name) == last.map(|t| &t.name) {
                (last, walked) = (origin, originals);
            }
        }
    }
    let last = last.map(|t| Release { version: t.version.clone(), tag: t.name.clone() });
    let withdrawn = gone.iter().map(|tag| tag.version.clone()).filter(|v| last.as_ref().is_none_or(|last| *v > last.version)).collect();
    let Walk { commits, settings, .. } = walked;
    Ok(History { withdrawn, last, commits, settings, tagged: refs.tags.into_iter().map(|t| t.version).collect(), line })
}

fn explain(git: &Git, error: anyhow::Error) -> anyhow::Error {
    match git.commit("HEAD") {
        Ok(_) => error,
        Err(_) => anyhow::anyhow!("{} has no commit yet: there is nothing to plan from", git.dir),
    }
}

fn on_main(ctx: &Ctx, head: &Head, refs: &Refs) -> bool {
    let settings = &ctx.ws.settings;
    match (&head.branch, &head.commit) {
        (Some(branch), _) => *branch == settings.main,
        (None, Some(commit)) => refs.branch(repository::remote_name(ctx), &settings.main).contains(&commit.as_str()),
        (None, None) => false,
    }
}

/// The last release below `tip`, and the commits since.
fn since<'a>(git: &Git, app: &App, tags: &[&'a Tag], tip: &str, squashed: bool) -> Result<(Option<&'a Tag>, Walk)> {
    for tag in tags {
        // Behind a squash, the development commit that it was made from is the shorter way. It is unknown where only main was fetched.
        let by_source = || match repository::source(git, tag) {
            Ok(Some(source)) => unreleased(git, app, tag, &source, tip, true).unwrap_or(None),
            _ => None,
        };
        let by_tag = || unreleased(git, app, tag, &tag.object, tip, !squashed);
        let found = if squashed {
            by_source().map_or_else(by_tag, |walked| Ok(Some(walked)))
        } else {
            by_tag().map(|found| found.or_else(by_source))
        };
        if let Some(walked) = found? {
            return Ok((Some(tag), walked));
        }
    }
    Ok((None, walk(git, app, &[tip])?))
}

/// The commits since the release, counted from `start`; None where `tip` does not contain it. Counting begins at the newest commit whose
/// content is the release's: what came and went before changed nothing. Where `start` is on the tip's own line, such a commit is one that
/// comes back to an earlier state, which the walk has seen.
fn unreleased(git: &Git, app: &App, tag: &Tag, start: &str, tip: &str, own_line: bool) -> Result<Option<Walk>> {
    let walked = walk(git, app, &[&format!("{start}...{tip}")])?;
    if own_line && walked.behind == 0 && !walked.may_revisit() {
        return Ok(Some(walked));
    }
    Ok(match newest_equal(git, app, &tag.object, &walked.commits)? {
        Some(equal) => Some(walk(git, app, &[tip, &format!("^{start}"), &format!("^{equal}")])?),
        None => (walked.behind == 0).then_some(walked),
    })
}

/// The newest of the commits whose app folder and shared paths equal those of `of`.
fn newest_equal(git: &Git, app: &App, of: &str, commits: &[Commit]) -> Result<Option<String>> {
    if commits.is_empty() {
        return Ok(None);
    }
    let ids: Vec<&str> = std::iter::once(of).chain(commits.iter().map(|c| c.id.as_str())).collect();
    let trees = folders(git, app, &ids)?;
    let Some((wanted, trees)) = trees.split_first().filter(|(wanted, _)| *wanted != MISSING) else { return Ok(None) };
    for (commit, tree) in commits.iter().zip(trees) {
        if tree == wanted && (app.settings.release.shared.is_empty() || same_content(git, app, of, &commit.id)?) {
            return Ok(Some(commit.id.clone()));
        }
    }
    Ok(None)
}

/// The tree of the app's folder in each commit, in one process.
fn folders(git: &Git, app: &App, commits: &[&str]) -> Result<Vec<String>> {
    let names: String = commits.iter().map(|c| format!("{c}:{}\n", app.dir)).collect();
    let text = git.pipe(&["cat-file", "--batch-check=%(objectname)", "--buffer"], names.as_bytes())?;
    let lines: Vec<String> = String::from_utf8_lossy(&text).lines().map(str::to_string).collect();
    if lines.len() != commits.len() {
        bail!("git cat-file answered {} of {} questions in {}", lines.len(), commits.len(), git.dir);
    }
    Ok(lines.into_iter().map(|l| if l.ends_with(" missing") { MISSING.to_string() } else { l }).collect())
}

/// Stands for the folder's tree where a commit has no such folder.
const MISSING: &str = "missing";

/// Is everything that belongs to the app the same in both commits?
pub fn same_content(git: &Git, app: &App, a: &str, b: &str) -> Result<bool> {
    let mut args = vec!["diff-tree", "--quiet", "-r", a, b, "--"];
    let specs = app.pathspecs();
    args.extend(specs.iter().map(String::as_str));
    git.ask(&args)
}

/// The development commit that a commit of main was squashed from: the newest whose content of the app equals it. None where the
/// development branch is not here, or never had this content.
pub fn source_commit(ctx: &Ctx, app: &App, commit: &str) -> Result<Option<String>> {
    let refs = repository::refs(ctx, app)?;
    source_in(&ctx.git, app, commit, &refs.branch(repository::remote_name(ctx), &ctx.ws.settings.development), None)
}

/// Searched from each tip down to `released`, where that is known and here.
pub fn source_in(git: &Git, app: &App, commit: &str, tips: &[&str], released: Option<&str>) -> Result<Option<String>> {
    for tip in tips {
        // The branch's tip first: it is the one just after a promotion.
        if same_content(git, app, commit, tip)? {
            return Ok(Some(tip.to_string()));
        }
        let shorter = released.and_then(|r| walk(git, app, &[tip, &format!("^{r}")]).ok());
        let walk = shorter.map_or_else(|| walk(git, app, &[tip]), Ok)?;
        if let Some(found) = newest_equal(git, app, commit, &walk.commits)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
