//! The commits since an app's last release, across squashes. The usual case is one `rev-list`: no commit on the tag's side means
//! that the tag, or a commit with the same content, is an ancestor.

use super::Release;
use super::number::Line;
use super::repository::{self, Head, Refs, Tag};
use crate::Ctx;
use crate::commits::Commit;
use crate::git::Git;
use crate::workspace::App;
use anyhow::{Context, Result, bail};
use semver::Version;

pub struct History {
    /// The last release that HEAD contains; pre-releases are steps on the way, not releases to count from.
    pub last: Option<Release>,
    /// Those since, touching the app; newest first.
    pub commits: Vec<Commit>,
    /// Every version that was ever tagged; the highest first.
    pub tagged: Vec<Version>,
    /// Set on a hotfix branch.
    pub line: Option<Line>,
}

/// What is between two points: commits that the first has and the second has not are only counted.
struct Walk {
    behind: usize,
    commits: Vec<Commit>,
}

pub fn read(ctx: &Ctx, app: &App) -> Result<History> {
    repository::refuse_shallow(&ctx.git)?;
    let head = repository::head(&ctx.git)?;
    let refs = repository::refs(ctx, app)?;
    let line = head.branch.as_deref().and_then(|branch| Line::of_branch(branch, app.name()));
    let candidates: Vec<&Tag> =
        refs.tags.iter().filter(|t| t.version.pre.is_empty() && line.as_ref().is_none_or(|l| l.contains(&t.version))).collect();
    let git = &ctx.git;
    let (mut last, mut commits) = since(git, app, &candidates, "HEAD").map_err(|e| explain(git, e))?;
    if !commits.is_empty() && on_main(ctx, &head, &refs) {
        let development = refs.branch(repository::remote_name(ctx), &ctx.ws.settings.development);
        let released = last.as_ref().and_then(|t| t.source.as_deref());
        if let Some(source) = source_in(git, app, "HEAD", &development, released)? {
            let (origin, originals) = since(git, app, &candidates, &source)?;
            // Not found from there: the squashes' own messages are what is left.
            if origin.as_ref().map(|t| &t.version) == last.as_ref().map(|t| &t.version) {
                (last, commits) = (origin, originals);
            }
        }
    }
    let last = last.map(|t| Release { version: t.version, tag: t.name, commit: t.commit });
    Ok(History { last, commits, tagged: refs.tags.into_iter().map(|t| t.version).collect(), line })
}

fn explain(git: &Git, error: anyhow::Error) -> anyhow::Error {
    match git.commit("HEAD") {
        Ok(_) => error,
        Err(_) => anyhow::anyhow!("{} has no commit yet: there is nothing to plan from", git.dir),
    }
}

fn on_main(ctx: &Ctx, head: &Head, refs: &Refs) -> bool {
    let settings = &ctx.ws.settings;
    let here = match (&head.branch, &head.commit) {
        (Some(branch), _) => *branch == settings.main,
        (None, Some(commit)) => refs.branch(repository::remote_name(ctx), &settings.main).contains(&commit.as_str()),
        (None, None) => false,
    };
    here && settings.main != settings.development
}

/// The last release below `tip`, and the commits since.
fn since(git: &Git, app: &App, tags: &[&Tag], tip: &str) -> Result<(Option<Tag>, Vec<Commit>)> {
    for tag in tags {
        // The development commit it was squashed from is the shorter way. It is unknown where only main was fetched.
        if let Some(source) = tag.source.as_ref().filter(|s| **s != tag.commit)
            && let Ok(Some(commits)) = unreleased(git, app, tag, source, tip)
        {
            return Ok((Some((*tag).clone()), commits));
        }
        if let Some(commits) = unreleased(git, app, tag, &tag.commit, tip)? {
            return Ok((Some((*tag).clone()), commits));
        }
    }
    Ok((None, walk(git, app, &[tip])?.commits))
}

/// The commits since the release, counted from `start`; None where `tip` does not contain it. Counting begins at the newest commit whose
/// content is the release's: what came and went before changed nothing.
fn unreleased(git: &Git, app: &App, tag: &Tag, start: &str, tip: &str) -> Result<Option<Vec<Commit>>> {
    let walked = walk(git, app, &[&format!("{start}...{tip}")])?;
    Ok(match newest_equal(git, app, &tag.commit, &walked.commits)? {
        Some(equal) => Some(walk(git, app, &[tip, &format!("^{start}"), &format!("^{equal}")])?.commits),
        None => (walked.behind == 0).then_some(walked.commits),
    })
}

/// `rev-list` and not `log`: no user's setting (log.follow, log.showSignature, …) changes what it says.
fn walk(git: &Git, app: &App, range: &[&str]) -> Result<Walk> {
    let mut args = vec!["rev-list", "--left-right", "--no-commit-header", "--encoding=UTF-8", "--format=%m%H%x00%P%x00%B%x00"];
    args.extend(range);
    args.push("--");
    let specs = app.pathspecs();
    args.extend(specs.iter().map(String::as_str));
    let text = git.bytes(&args)?;
    let text = String::from_utf8_lossy(&text);
    let mut walk = Walk { behind: 0, commits: Vec::new() };
    let mut fields = text.split('\0');
    while let (Some(id), Some(parents), Some(message)) = (fields.next(), fields.next(), fields.next()) {
        let id = id.trim_start_matches('\n');
        match id.strip_prefix('<') {
            Some(_) => walk.behind += 1,
            None => walk.commits.push(Commit {
                id: id.trim_start_matches('>').to_string(),
                merge: parents.contains(' '),
                message: message.to_string(),
            }),
        }
    }
    Ok(walk)
}

/// The newest of the commits whose app folder and shared paths equal those of `of`.
fn newest_equal(git: &Git, app: &App, of: &str, commits: &[Commit]) -> Result<Option<String>> {
    if commits.is_empty() {
        return Ok(None);
    }
    let ids: Vec<&str> = std::iter::once(of).chain(commits.iter().map(|c| c.id.as_str())).collect();
    let trees = folders(git, app, &ids)?;
    let (wanted, trees) = trees.split_first().context("git cat-file said nothing")?;
    if wanted == MISSING {
        return Ok(None);
    }
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
