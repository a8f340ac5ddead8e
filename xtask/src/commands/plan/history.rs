//! Finds an app's last release and the commits since, across squash merges. The usual case needs one walk: if
//! no commit is only on the tag's side, then the tag, or a commit with the same content, is an ancestor of
//! HEAD.

use super::LastRelease;
use super::decide::Line;
use super::hotfix;
use super::repository::{self, Head, Origin, Refs, Tag};
use super::side_branches::{self, SideBranches};
use super::walk::{Walk, same_content, simplified, walk};
use crate::model::commits::Commit;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::{Result, bail};
use semver::Version;

pub(super) struct History {
    /// The last release that HEAD contains. A pre-release is never the last release.
    pub last: Option<LastRelease>,
    /// The commits since that touch the app, newest first.
    pub commits: Vec<Commit>,
    /// Whether the app's settings may have changed since.
    pub settings: bool,
    /// Every version that was ever tagged; the highest first.
    pub tagged: Vec<Version>,
    /// Set on a hotfix branch.
    pub line: Option<Line>,
    /// Releases above the last that users no longer get; the highest first.
    pub withdrawn: Vec<Version>,
    /// The versions that `rollback` has marked.
    pub marked: Vec<Version>,
    /// The commits among them that a merge may have discarded on purpose.
    pub undecided: Vec<Commit>,
    /// Releases' tags that are not on a commit.
    pub without_commit: Vec<String>,
    /// The names of all tags, if none is a release of the app or the settings name the form of its tags.
    pub other_tags: Vec<String>,
}

/// `withdrawn`: versions that the index no longer offers. They are not counted from, nor are versions that
/// were rolled back.
pub(super) fn read(ctx: &Ctx, app: &App, withdrawn: &[Version]) -> Result<History> {
    let git = &ctx.git;
    repository::refuse_incomplete(git)?;
    let head = repository::head(git)?;
    let refs = repository::refs(ctx, app)?;
    let line = head.branch.as_deref().and_then(|branch| Line::of_branch(branch, app.name()));
    let counts =
        |tag: &&Tag| tag.version.pre.is_empty() && line.as_ref().is_none_or(|l| l.contains(&tag.version));
    let (gone, mut tags): (Vec<&Tag>, Vec<&Tag>) = refs
        .tags
        .iter()
        .filter(counts)
        .partition(|tag| withdrawn.contains(&tag.version) || refs.withdrawn.contains(&tag.version));
    let two_branches = ctx.ws.settings.main != ctx.ws.settings.development;
    let on_main = two_branches && on_main(ctx, &head, &refs);
    // Tags are on main. From any other branch they are only reached through a squash.
    let squashed = two_branches && !on_main && line.is_none();
    let mut without_commit = Vec::new();
    let (last, mut walked) = match since(git, app, &tags, "HEAD", squashed) {
        Ok(found) => found,
        Err(error) => {
            without_commit = repository::without_commit(git, &tags)?;
            if without_commit.is_empty() {
                return Err(explain(git, error));
            }
            tags.retain(|tag| !without_commit.contains(&tag.name));
            since(git, app, &tags, "HEAD", squashed)?
        }
    };
    let mut tip = "HEAD".to_string();
    if !walked.commits.is_empty() && on_main {
        let development = refs.branch(repository::remote_name(ctx), &ctx.ws.settings.development);
        let released = match last.filter(|_| !development.is_empty()) {
            Some(tag) => repository::origins(git, &[tag])?.remove(0).source,
            None => None,
        };
        if let Some(source) = source_in(git, app, "HEAD", &development, released.as_deref())? {
            let (origin, originals) = since(git, app, &tags, &source, true)?;
            // If the release is not found from there, only the messages of the squashes are left. A hotfix of
            // main that came back to development in another form is newer than any release found from
            // development: then the commits are development's, and the version continues from main's.
            if origin.map(|t| &t.name) == last.map(|t| &t.name)
                || origin.is_some_and(|o| last.is_some_and(|l| o.version < l.version))
            {
                walked = originals;
                tip = source;
            }
        }
    }
    let last = last.map(|t| LastRelease { version: t.version.clone(), tag: t.name.clone() });
    let withdrawn = gone
        .iter()
        .map(|tag| tag.version.clone())
        .filter(|v| last.as_ref().is_none_or(|last| *v > last.version))
        .collect();
    // Earlier releases have the default form, or another one, if the settings name a form.
    let other_tags = match refs.tags.is_empty() || app.settings.release.tag.is_some() {
        true => repository::tag_names(git)?,
        false => Vec::new(),
    };
    let settings = walked.settings;
    let mut not: Vec<&str> = tags.iter().map(|tag| tag.object.as_str()).collect();
    if two_branches && !(on_main && tip == "HEAD") {
        not.extend(refs.branch(repository::remote_name(ctx), &ctx.ws.settings.main));
    }
    let SideBranches { commits, undecided } =
        side_branches::with_side_branches(git, app, walked, &tip, &not)?;
    let undecided = commits.iter().filter(|commit| undecided.contains(&commit.id)).cloned().collect();
    Ok(History {
        withdrawn,
        last,
        commits,
        undecided,
        settings,
        without_commit,
        other_tags,
        marked: refs.withdrawn,
        tagged: refs.tags.into_iter().map(|t| t.version).collect(),
        line,
    })
}

fn explain(git: &Git, error: anyhow::Error) -> anyhow::Error {
    git.refuse_without_commits().err().unwrap_or(error)
}

fn on_main(ctx: &Ctx, head: &Head, refs: &Refs) -> bool {
    let settings = &ctx.ws.settings;
    match (&head.branch, &head.commit) {
        (Some(branch), _) => *branch == settings.main,
        (None, Some(commit)) => {
            refs.branch(repository::remote_name(ctx), &settings.main).contains(&commit.as_str())
        }
        (None, None) => false,
    }
}

/// The last release that `tip` contains, and the commits since. `squashed`: tags are not ancestors of the
/// tip.
fn since<'a>(
    git: &Git,
    app: &App,
    tags: &[&'a Tag],
    tip: &str,
    squashed: bool,
) -> Result<(Option<&'a Tag>, Walk)> {
    for (at, tag) in tags.iter().enumerate() {
        if squashed {
            if let Some((walked, last)) = behind_squash(git, app, tags, at, tip)? {
                return Ok((Some(tags[last]), walked));
            }
        } else if let Some(mut walked) = on_own_line(git, app, tag, tip)? {
            // Hotfixes of releases that the tip does not contain may have been picked.
            mark_hotfixes(git, app, &tags[..at], &tags[at..], &mut walked.commits)?;
            return Ok((Some(tag), walked));
        }
    }
    Ok((None, walk(git, app, &[tip])?))
}

fn on_own_line(git: &Git, app: &App, tag: &Tag, tip: &str) -> Result<Option<Walk>> {
    if let Some(walked) = unreleased(git, app, tag, &tag.object, tip, true)? {
        return Ok(Some(walked));
    }
    match repository::origins(git, &[tag])?.remove(0).source {
        Some(source) => Ok(unreleased(git, app, tag, &source, tip, true).unwrap_or(None)),
        None => Ok(None),
    }
}

/// The commits since `tags[at]`, and the index of the last release: newer hotfixes may have been merged back
/// into development.
fn behind_squash(git: &Git, app: &App, tags: &[&Tag], at: usize, tip: &str) -> Result<Option<(Walk, usize)>> {
    let tag = tags[at];
    let Origin { commit, source } = repository::origins(git, &[tag])?.remove(0);
    // Starting from the development commit that the release was squashed from is faster. It is missing if
    // only main was fetched.
    if let Some(source) = source.filter(|source| *source != commit)
        && let Some(mut walked) = unreleased(git, app, tag, &source, tip, true).unwrap_or(None)
    {
        let last = at - mark_hotfixes(git, app, &tags[..at], &tags[at..], &mut walked.commits)?;
        return Ok(Some((walked, last)));
    }
    let Some(walked) = unreleased(git, app, tag, &tag.object, tip, false)? else { return Ok(None) };
    if walked.commits.is_empty() {
        return Ok(Some((walked, at)));
    }
    // A hotfix, or the branch of a promotion, has main as an ancestor: the tag is reached through main, but
    // the development commits of earlier releases are not ancestors of the tag.
    let mut earlier = release_commits(git, &tags[at..])?;
    earlier.extend(newest_equal(git, app, &tag.object, &walked.commits)?);
    let bounds: Vec<String> = earlier.iter().map(|id| format!("^{id}")).collect();
    let range: Vec<&str> = std::iter::once(tip).chain(bounds.iter().map(String::as_str)).collect();
    let mut walked = walk(git, app, &range)?;
    // Several hotfixes in a row may have been merged back one by one.
    let end = at
        + repository::origins(git, &tags[at..])?
            .iter()
            .take_while(|o| o.source.as_ref() == Some(&o.commit))
            .count()
            .max(1);
    let back = mark_hotfixes(git, app, &tags[..end], &tags[end..], &mut walked.commits)?;
    Ok(Some((walked, at.min(end - back))))
}

/// The tagged commits of these releases and the development commits they were squashed from, as far as this
/// clone has them.
fn release_commits(git: &Git, tags: &[&Tag]) -> Result<Vec<String>> {
    if tags.is_empty() {
        return Ok(Vec::new());
    }
    let origins = repository::origins(git, tags)?;
    let ids: Vec<String> = origins.into_iter().flat_map(|o| [Some(o.commit), o.source]).flatten().collect();
    let asked = ids.iter().map(|id| format!("{id}\n")).collect::<String>();
    let text =
        git.pipe(&["cat-file", "--batch-check=%(objectname) %(objecttype)", "--buffer"], asked.as_bytes())?;
    let here = |line: &str| line.strip_suffix(" commit").map(str::to_string);
    Ok(String::from_utf8_lossy(&text).lines().filter_map(here).collect())
}

/// Marks the commits that bring back a hotfix as already released. `hotfixes`: the highest version first;
/// `earlier`: the releases below them. Returns how many of the hotfixes, from the lowest up, have come back
/// completely.
fn mark_hotfixes(
    git: &Git,
    app: &App,
    hotfixes: &[&Tag],
    earlier: &[&Tag],
    commits: &mut [Commit],
) -> Result<usize> {
    if hotfixes.is_empty() || commits.is_empty() {
        return Ok(0);
    }
    let mut below = release_commits(git, earlier)?;
    let mut whole = 0;
    for (at, tag) in hotfixes.iter().rev().enumerate() {
        let own = own_commits(git, app, &tag.object, &below)?;
        let back = hotfix::find(git, app, &own, commits)?;
        for (commit, by) in commits.iter_mut().zip(&back.commits) {
            if *by && commit.released.is_none() {
                commit.released = Some(tag.name.clone());
            }
        }
        whole += usize::from(back.whole && whole == at);
        below.extend(release_commits(git, &[tag])?);
    }
    Ok(whole)
}

fn own_commits(git: &Git, app: &App, tag: &str, below: &[String]) -> Result<Vec<String>> {
    let bounds: Vec<String> = below.iter().map(|id| format!("^{id}")).collect();
    let specs = app.pathspecs();
    let args = ["rev-list", "--no-merges", tag].into_iter().chain(bounds.iter().map(String::as_str));
    let args: Vec<&str> = args.chain(["--"]).chain(specs.iter().map(String::as_str)).collect();
    Ok(git.read(&args)?.lines().map(str::to_string).collect())
}

/// The commits since the release, counted from `start`. None if `tip` does not contain the release. Counting
/// begins at the newest commit whose content equals the release's: changes before it that were undone do not
/// count. If `start` is an ancestor of the tip, such a commit can only exist if the app's folder came back to
/// an earlier state, which the walk detects.
fn unreleased(
    git: &Git,
    app: &App,
    tag: &Tag,
    start: &str,
    tip: &str,
    own_line: bool,
) -> Result<Option<Walk>> {
    let walked = walk(git, app, &[&format!("{start}...{tip}")])?;
    // A tag of another history has no commit that touches the folder either.
    let contained = walked.behind == 0
        && (!walked.creates_folder() || git.ask(&["merge-base", "--is-ancestor", start, tip])?);
    if own_line && contained && !walked.may_revisit() {
        return Ok(Some(walked));
    }
    Ok(match newest_equal(git, app, &tag.object, &walked.commits)? {
        Some(equal) => Some(walk(git, app, &[tip, &format!("^{start}"), &format!("^{equal}")])?),
        None => contained.then_some(walked),
    })
}

/// The newest of the commits whose app folder and shared paths equal those of commit `of`.
fn newest_equal(git: &Git, app: &App, of: &str, commits: &[Commit]) -> Result<Option<String>> {
    if commits.is_empty() {
        return Ok(None);
    }
    let ids: Vec<&str> = std::iter::once(of).chain(commits.iter().map(|c| c.id.as_str())).collect();
    let trees = folders(git, app, &ids)?;
    let Some((wanted, trees)) = trees.split_first().filter(|(wanted, _)| *wanted != MISSING) else {
        return Ok(None);
    };
    for (commit, tree) in commits.iter().zip(trees) {
        if tree == wanted
            && (app.settings.release.shared.is_empty() || same_content(git, app, of, &commit.id)?)
        {
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
        bail!("git cat-file answered {} of {} requests in {}", lines.len(), commits.len(), git.dir);
    }
    Ok(lines.into_iter().map(|l| if l.ends_with(" missing") { MISSING.to_string() } else { l }).collect())
}

/// Used in place of a tree id if a commit does not have the folder.
const MISSING: &str = "missing";

/// The development commit that a commit of main was squashed from: the newest with the same content of the
/// app. None if the development branch is not in this clone, or never had this content.
pub(crate) fn source_commit(ctx: &Ctx, app: &App, commit: &str) -> Result<Option<String>> {
    let refs = repository::refs(ctx, app)?;
    source_in(
        &ctx.git,
        app,
        commit,
        &refs.branch(repository::remote_name(ctx), &ctx.ws.settings.development),
        None,
    )
}

/// Searches from each tip back to `released`, if that is known and in this clone.
pub(crate) fn source_in(
    git: &Git,
    app: &App,
    commit: &str,
    tips: &[&str],
    released: Option<&str>,
) -> Result<Option<String>> {
    for tip in tips {
        // The branch's tip first: just after a promotion it is the source.
        if same_content(git, app, commit, tip)? {
            return Ok(Some(tip.to_string()));
        }
        let shorter = released.and_then(|r| simplified(git, app, &[tip, &format!("^{r}")]).ok());
        let walk = shorter.map_or_else(|| simplified(git, app, &[tip]), Ok)?;
        if let Some(found) = newest_equal(git, app, commit, &walk.commits)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
