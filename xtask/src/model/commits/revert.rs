//! Finds the commit that a revert undoes. If both are unreleased, neither counts. Pure.

use super::message::{quoted, strip_reference};
use super::{Bump, Entry};
use std::collections::{BTreeMap, HashMap};

/// The title of the commit that a revert undoes.
fn target_title(entry: &Entry) -> Option<String> {
    let subject = strip_reference(&entry.subject);
    if let Some(title) = quoted(subject, "Revert ") {
        return Some(title.to_string());
    }
    if let Some(title) = quoted(subject, "Reapply ") {
        return Some(format!("Revert \"{title}\""));
    }
    let conventional = entry.kind.as_deref() == Some("revert");
    conventional.then(|| entry.description.trim_matches('"').to_string())
}

/// The `(#12)` at the end of a title.
fn reference(title: &str) -> Option<&str> {
    let title = title.trim_end();
    Some(title[strip_reference(title).len()..].trim()).filter(|reference| !reference.is_empty())
}

/// The pull request that GitHub names below the title of a revert (`Reverts team/mono#12`), as `(#12)`.
fn reverted_pull(body: &str) -> Option<String> {
    let number = |line: &str| {
        let (_, number) = line.trim().strip_prefix("Reverts ")?.rsplit_once('#')?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| format!("(#{number})"))
    };
    body.lines().find_map(number)
}

/// A subject in the form in which titles are compared: no pull request number, single spaces, lower case.
pub(super) fn key(subject: &str) -> String {
    let words: Vec<&str> = strip_reference(subject).split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// The commits that a revert names: `This reverts commit <id>` (git), or `Refs: <id>, <id>` (the example in
/// Conventional Commits).
fn target_ids(body: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for line in body.lines() {
        let rest =
            line.trim().strip_prefix("This reverts commit ").or_else(|| line.trim().strip_prefix("Refs: "));
        let words = rest.unwrap_or("").split([' ', ',']);
        let id = |w: &str| w.trim_end_matches('.').to_lowercase();
        ids.extend(words.map(id).take_while(|w| w.is_empty() || is_id(w)).filter(|w| is_id(w)));
    }
    ids
}

fn is_id(word: &str) -> bool {
    (7..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The positions of commits and of parts of squashes: a squash may have thousands of parts and reverts.
#[derive(Default)]
struct Index {
    /// By the keys of a part's subject and description, oldest last.
    titles: HashMap<String, Vec<usize>>,
    commits: BTreeMap<String, Vec<usize>>,
}

impl Index {
    fn of(entries: &[Entry]) -> Index {
        let mut index = Index::default();
        for (at, entry) in entries.iter().enumerate() {
            let plain = entry.kind.as_deref().is_some_and(|kind| kind != "revert");
            let description = plain.then(|| key(&entry.description));
            let subject = key(&entry.subject);
            for title in description.filter(|d| *d != subject).into_iter().chain([subject]) {
                index.titles.entry(title).or_default().push(at);
            }
            index.commits.entry(entry.commit.clone()).or_default().push(at);
        }
        index
    }
}

/// Makes reverts and the commits that they undo count nothing. Entries are newest first, so a revert that was
/// itself reverted is already marked when the loop reaches it.
pub(super) fn cancel(entries: &mut [Entry], bodies: &[String]) {
    // A released commit is never cancelled: reverting it is a change for users.
    let mut cancelled: Vec<bool> = entries.iter().map(|entry| entry.released).collect();
    let index = Index::of(entries);
    for at in 0..entries.len() {
        let Some(title) = target_title(&entries[at]).filter(|_| !cancelled[at]) else { continue };
        let ids = target_ids(&bodies[at]);
        let found: Vec<Vec<usize>> =
            ids.iter().map(|id| by_id(&index, &cancelled, at, &entries[at].commit, id)).collect();
        let complete = !ids.is_empty() && found.iter().all(|f| !f.is_empty());
        let mut targets: Vec<usize> = found.into_iter().flatten().collect();
        if targets.is_empty() {
            // An id names one commit exactly. Only a squash commit cannot know the ids of its own bullets.
            let named = !ids.is_empty();
            let commit = entries[at].commit.clone();
            let pull = reference(&title).map(str::to_string).or_else(|| reverted_pull(&bodies[at]));
            targets = by_title(&index, entries, &cancelled, at, &title, pull.as_deref());
            targets.retain(|&target| !named || entries[target].commit == commit);
        }
        if targets.is_empty() {
            continue;
        }
        let whole = complete || ids.len() <= 1;
        let by = entries[at].short().to_string();
        let of = entries[targets[0]].short().to_string();
        for target in targets {
            cancelled[target] = true;
            count_nothing(&mut entries[target], format!("reverted by {by}"));
        }
        if whole {
            count_nothing(&mut entries[at], format!("reverts {of}, unreleased"));
        }
    }
}

fn count_nothing(entry: &mut Entry, why: String) {
    (entry.bump, entry.counts, entry.why) = (Bump::None, false, why);
}

/// Every part of the older commit with this id.
fn by_id(index: &Index, cancelled: &[bool], at: usize, own: &str, id: &str) -> Vec<usize> {
    let named = index.commits.range(id.to_string()..).take_while(|(commit, _)| commit.starts_with(id));
    let parts = named.filter(|(commit, _)| *commit != own).flat_map(|(_, parts)| parts.iter().copied());
    let mut parts: Vec<usize> = parts.filter(|&part| part > at && !cancelled[part]).collect();
    parts.sort_unstable();
    parts
}

/// The next older part with this title, or all parts of its commit if the title is the commit's own. `pull`:
/// the pull request, as `(#12)`. Two may have the same title.
fn by_title(
    index: &Index,
    entries: &[Entry],
    cancelled: &[bool],
    at: usize,
    title: &str,
    pull: Option<&str>,
) -> Vec<usize> {
    let Some(same) = index.titles.get(&key(title)) else { return Vec::new() };
    let another = |e: &Entry| pull.zip(reference(&e.subject)).is_some_and(|(a, b)| a != b);
    let mut older = same[same.partition_point(|&part| part <= at)..].iter().copied();
    let Some(first) = older.find(|&i| !cancelled[i] && !another(&entries[i])) else {
        return Vec::new();
    };
    let commit = &entries[first].commit;
    let leads = entries[first - 1].commit != *commit;
    match leads {
        true => (first..entries.len())
            .take_while(|&i| entries[i].commit == *commit)
            .filter(|&i| !cancelled[i])
            .collect(),
        false => vec![first],
    }
}
