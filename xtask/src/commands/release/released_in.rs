//! The comment `released in python-v0.2.0` on each pull request of a release.

use super::{Release, tag};
use crate::commands::plan;
use crate::forge::Forge;
use crate::model::tags;
use anyhow::Result;
use std::collections::BTreeSet;

/// Which pull requests have the comment, and which do not.
#[derive(Default)]
pub(super) struct Comments {
    /// The pull requests that have the comment now.
    pub there: Vec<u64>,
    /// Those that do not have it, each with the reason.
    pub missing: Vec<(u64, anyhow::Error)>,
}

/// Makes each merged pull request of the release have the comment once. None for the first release: its pull
/// requests are the whole history of the app, perhaps hundreds.
pub(super) fn comment(release: &Release, forge: &Forge) -> Result<Option<Comments>> {
    let before = before(release)?;
    if before.is_empty() {
        return Ok(None);
    }
    let tag = &release.tag_name;
    let marker = format!("<!-- xtask: released in {tag} -->");
    let text = format!("released in [{tag}]({}/releases/tag/{tag})", forge.web());
    let mut comments = Comments::default();
    for number in numbers(release, &before)? {
        // The number may be an issue's, or one of another repository.
        let done = forge.is_merged(number).and_then(|merged| match merged {
            true => forge.comment(number, &marker, &text).map(|_| true),
            false => Ok(false),
        });
        match done {
            Ok(true) => comments.there.push(number),
            Ok(false) => {}
            Err(error) => comments.missing.push((number, error)),
        }
    }
    Ok(Some(comments))
}

/// The numbers of the pull requests that were merged since the commits `before`, on main and on development.
fn numbers(release: &Release, before: &[String]) -> Result<BTreeSet<u64>> {
    let mut range = vec![release.commit.clone(), release.source_commit.clone()];
    range.extend(before.iter().map(|commit| format!("^{commit}")));
    // A source may be missing in a clone of one branch only.
    range.retain(|commit| release.ctx.git.commit(commit.trim_start_matches('^')).is_ok());
    let range: Vec<&str> = range.iter().map(String::as_str).collect();
    let commits = plan::commits(release.ctx, release.app, &range)?;
    Ok(commits.iter().filter_map(|commit| number(commit.message.trim_start().lines().next()?)).collect())
}

/// The commits of the release before: for a stable release, of the stable one. Empty for the first release.
fn before(release: &Release) -> Result<Vec<String>> {
    let (ctx, app, version) = (release.ctx, release.app, &release.version);
    let tagged = tags::on_remote(ctx, app)?;
    let out = tagged.versions.iter().filter(|v| !tagged.withdrawn.contains(v));
    // The versions are sorted, the highest first.
    let before = out.filter(|v| v.pre.is_empty() || !version.pre.is_empty()).find(|v| *v < version);
    Ok(match before.map(|before| tag::find(ctx, &app.tag(before))).transpose()? {
        Some(tag::Found::Ours(tag)) => vec![tag.commit, tag.source_commit],
        Some(tag::Found::Foreign(commit)) => vec![commit],
        Some(tag::Found::Nothing) | None => Vec::new(),
    })
}

/// The pull request that a commit's subject names: a squash's `feat: x (#12)`, or a merge.
fn number(subject: &str) -> Option<u64> {
    let subject = subject.trim_end();
    let Some(merge) = subject.strip_prefix("Merge pull request ") else {
        return subject.strip_suffix(')')?.rsplit_once("(#")?.1.parse().ok();
    };
    // Gitea: `Merge pull request 'title' (#12) from a into b`. GitHub has `#12` instead of the title.
    let rest = merge.rsplit_once(" (#").map_or_else(|| merge.strip_prefix('#'), |(_, rest)| Some(rest))?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_subject_names_its_pull_request() {
        for (subject, expected) in [
            ("feat(python): a thing (#12)", Some(12)),
            ("feat: closes #3 (#12)\r", Some(12)),
            ("feat: a thing (fixes #12)", None),
            ("feat: a thing #12", None),
            ("Merge pull request #12 from team/topic", Some(12)),
            ("Merge pull request 'feat: see (#3)' (#12) from topic into main", Some(12)),
            ("Merge pull request 'x'", None),
            ("Merge branch 'topic' (#12)", Some(12)),
        ] {
            assert_eq!(super::number(subject), expected, "{subject}");
        }
    }
}
