//! Edits CHANGELOG.md (keepachangelog.com 1.1.0): text in, text out. All apps share one changelog.

use crate::model::commits::Entry;
use crate::model::evidence::Accepted;
use crate::model::markdown;
use document::{Document, is_link};
use section::Section;
use std::ops::Range;

mod document;
mod link;
pub(crate) mod restore;
mod section;
#[cfg(test)]
mod tests;

/// The start of a new changelog.
const HEADER: &str = "# Changelog\n\n\
    The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and versions are \
    [SemVer](https://semver.org/).\n\n## [Unreleased]\n";

/// The title of the section with the changes that are not released yet.
const UNRELEASED: &str = "Unreleased";

/// The contents of a release's section.
pub(crate) struct ReleaseNotes<'a> {
    pub app: &'a str,
    /// `python-v0.0.2`
    pub tag: &'a str,
    /// `2026-11-21`
    pub date: &'a str,
    /// The last release's tag.
    pub previous: Option<&'a str>,
    /// Tags that an earlier bump wrote into the changelog but that were never created. Their sections are
    /// earlier versions of this one.
    pub replaces: &'a [String],
    /// The commits since the last release, newest first.
    pub commits: &'a [Entry],
    /// Breaks that `app.toml` accepts for this release.
    pub accepted: &'a [Accepted],
    /// The address of the repository's page.
    pub repository: Option<&'a str>,
}

/// Returns the changelog with the release's section. The section contains the text written by hand under `##
/// [Unreleased]`, `### <app>`, the text of earlier bumps for the same release, and the commits that count.
/// Returns the text unchanged if only the date would differ.
pub(crate) fn release(text: &str, release: &ReleaseNotes) -> String {
    let mut document =
        Document::parse(if text.trim_start_matches('\u{feff}').trim().is_empty() { HEADER } else { text });
    document.close_blocks();
    ensure_unreleased(&mut document);
    let parts = parts(&document, release.app);
    let by_hand: Vec<Vec<String>> = parts.iter().map(|part| body(&document, part)).collect();
    // A pre-release copies the handwritten text. Only the final release removes it from Unreleased.
    if !is_pre(release.tag) {
        parts.into_iter().rev().for_each(|part| document.splice(part, &[]));
    }
    let replaces = release.replaces.iter().map(String::as_str).filter(|tag| *tag != release.tag);
    let tags = std::iter::once(release.tag).chain(replaces);
    // A merge may have left several sections of one tag.
    let old: Vec<(&str, Range<usize>)> =
        tags.flat_map(|tag| document.all(tag).map(move |range| (tag, range))).collect();
    let mut section = Section::default();
    let mut links = Vec::new();
    if !old.iter().any(|(tag, _)| is_pre(tag)) {
        by_hand.into_iter().for_each(|part| section.add(&without_links(part, &mut links), 4));
    }
    let old: Vec<Range<usize>> = old.into_iter().map(|(_, range)| range).collect();
    for range in &old {
        section.add(&without_links(body(&document, range), &mut links), 3);
    }
    section.add_commits(release.commits);
    section.add_accepted(release.accepted);
    replace_section(&mut document, release, &section, old);
    add_links(&mut document, links);
    link(&mut document, release);
    document.text()
}

/// `python-v0.0.2-rc.1`
fn is_pre(tag: &str) -> bool {
    let number = |(_, number): (&str, &str)| number.bytes().all(|b| b.is_ascii_digit());
    ["-alpha.", "-beta.", "-rc."].iter().any(|channel| tag.rsplit_once(channel).is_some_and(number))
}

/// The text of a tag's section, used as the release notes. None if the tag has no section.
pub(crate) fn notes(text: &str, tag: &str) -> Option<String> {
    let document = Document::parse(text);
    let range = document.section(tag)?;
    Some(body(&document, &range).join("\n").trim().to_string())
}

/// The text of a tag's section as a release page shows it: breaks with their migration notes first, and the
/// link that compares it with the release before. None if the tag has no section.
pub(crate) fn page(text: &str, tag: &str) -> Option<String> {
    let document = Document::parse(text);
    let lines = body(&document, &document.section(tag)?);
    let shown: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    let hidden = markdown::hidden(&shown);
    let heading = |at: &usize| !hidden[*at] && shown[*at].starts_with("### ");
    let breaking = (0..shown.len()).find(|at| heading(at) && shown[*at][4..].trim() == section::BREAKING);
    let text = match breaking {
        None => shown.join("\n"),
        Some(start) => {
            let end = (start + 1..shown.len()).find(heading).unwrap_or(shown.len());
            let rest = [&shown[..start], &shown[end..]].concat();
            format!("{}\n\n{}", shown[start..end].join("\n").trim(), rest.join("\n").trim())
        }
    };
    let link = document.links().find_map(|at| {
        document.line(at).strip_prefix(&format!("[{tag}]: ")).map(|link| link.trim().to_string())
    });
    let compared = link.and_then(|link| Some((link.rsplit_once("/compare/")?.1.to_string(), link)));
    let compared = compared.map(|(what, link)| format!("\n\n**All changes**: [{what}]({link})"));
    Some(text.trim().to_string() + &compared.unwrap_or_default())
}

/// A section's lines below its heading.
fn body(document: &Document, section: &Range<usize>) -> Vec<String> {
    (section.start + 1..section.end).map(|at| document.line(at).to_string()).collect()
}

/// The lines without link definitions, which go to `links`. At the end of a changelog they would be read as
/// the document's, and for a reader it makes no difference where they are.
fn without_links(lines: Vec<String>, links: &mut Vec<String>) -> Vec<String> {
    let shown: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    let hidden = markdown::hidden(&shown);
    let (found, rest): (Vec<_>, Vec<_>) =
        lines.into_iter().zip(hidden).partition(|(line, hidden)| !hidden && is_link(line));
    links.extend(found.into_iter().map(|(line, _)| line));
    rest.into_iter().map(|(line, _)| line).collect()
}

/// Adds links below those at the end that are not among them.
fn add_links(document: &mut Document, mut links: Vec<String>) {
    let known: Vec<String> = document.links().map(|at| document.line(at).to_string()).collect();
    links.retain(|link| !known.contains(link));
    links.dedup();
    if links.is_empty() {
        return;
    }
    let end = document.lines.len();
    // The release's section is there already.
    if known.is_empty() && !document.blank(end - 1) {
        links.insert(0, String::new());
    }
    document.splice(end..end, &links);
}

/// Adds the section `## [Unreleased]` above the first one if it is missing.
fn ensure_unreleased(document: &mut Document) {
    if document.section(UNRELEASED).is_some() {
        return;
    }
    let at = document.sections().first().map_or(document.links().start, |s| s.start);
    let gap = at > 0 && !document.blank(at - 1);
    let new = ["".to_string(), "## [Unreleased]".to_string(), "".to_string()];
    document.splice(at..at, &new[usize::from(!gap)..]);
}

/// The app's parts of the unreleased changes: each from `### python` up to the next `### `. A merge may have
/// left several.
fn parts(document: &Document, app: &str) -> Vec<Range<usize>> {
    let hidden = document.hidden();
    let heading = |at: &usize| !hidden[*at] && document.line(*at).starts_with("### ");
    let named =
        |at: &usize| document.line(*at)[4..].trim().trim_matches(['[', ']', '`']).eq_ignore_ascii_case(app);
    let mut parts = Vec::new();
    for section in document.all(UNRELEASED) {
        let headings: Vec<usize> = section.clone().filter(heading).collect();
        let ends = headings.iter().skip(1).copied().chain([section.end]);
        parts.extend(headings.iter().copied().zip(ends).filter(|(start, _)| named(start)));
    }
    parts.into_iter().map(|(start, end)| start..end).collect()
}

/// Writes the section in place of its earlier version, or below `## [Unreleased]` if there is no earlier one.
fn replace_section(
    document: &mut Document,
    release: &ReleaseNotes,
    section: &Section,
    mut old: Vec<Range<usize>>,
) {
    let text = section.lines();
    if old.len() == 1 && document.title(&old[0]) == release.tag && same(&body(document, &old[0]), &text) {
        return;
    }
    old.sort_by_key(|range| range.start);
    let mut place = None;
    // From the bottom up: a removal must not shift the ranges that are still to be removed.
    for range in old.into_iter().rev() {
        place = place.map(|at: usize| at - range.len());
        if document.title(&range) == release.tag {
            place = Some(range.start);
        }
        document.splice(range, &[]);
    }
    let place = place.or_else(|| document.section(UNRELEASED).map(|s| s.end)).unwrap_or(document.lines.len());
    let mut new = vec![String::new(); usize::from(place > 0 && !document.blank(place - 1))];
    new.extend([format!("## [{}] - {}", release.tag, release.date), String::new()]);
    new.extend(text);
    new.extend(vec![String::new(); usize::from(place < document.lines.len())]);
    document.splice(place..place, &new);
}

/// Are the texts equal, apart from empty lines at either end?
fn same(a: &[String], b: &[String]) -> bool {
    a.join("\n").trim() == b.join("\n").trim()
}

/// Updates the links at the end: sets the comparison link of this release, and removes the links of the
/// sections that it replaces.
fn link(document: &mut Document, release: &ReleaseNotes) {
    let is_for = |line: &str, tag: &str| {
        line.strip_prefix('[').and_then(|l| l.split_once("]:")).is_some_and(|(name, _)| name == tag)
    };
    let gone: Vec<usize> = document
        .links()
        .filter(|&at| release.replaces.iter().any(|tag| tag != release.tag && is_for(document.line(at), tag)))
        .collect();
    for at in gone.into_iter().rev() {
        document.splice(at..at + 1, &[]);
    }
    let Some(repository) = release.repository else { return };
    let tag = release.tag;
    let new = format!("[{tag}]: {}", link::address(repository, release.previous, tag));
    let links = document.links();
    let old = links.clone().find(|&at| is_for(document.line(at), tag));
    match old {
        Some(at) if document.line(at) == new => {}
        Some(at) => document.splice(at..at + 1, &[new]),
        None if links.is_empty() => {
            let end = document.lines.len();
            let gap = !document.blank(end - 1);
            let lines = [String::new(), new];
            document.splice(end..end, &lines[usize::from(!gap)..]);
        }
        None => {
            let at = links.clone().find(|&at| !is_for(document.line(at), "Unreleased")).unwrap_or(links.end);
            document.splice(at..at, &[new]);
        }
    }
}
