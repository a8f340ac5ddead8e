//! The text of one release: an introduction, then groups in the order of Keep a Changelog, with breaking
//! changes first.

use crate::model::commits;
use crate::model::commits::Entry;
use crate::model::evidence::Accepted;
use crate::model::markdown;
use std::collections::{HashMap, HashSet};

pub(super) const BREAKING: &str = "Breaking";
/// The prefix of the reason, on the line below an accepted break.
const ACCEPTED: &str = "  accepted: ";

/// The order of the groups. Groups with other names follow in the order in which they were found.
const ORDER: &[&str] = &[BREAKING, "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

#[derive(Default)]
pub(super) struct Section {
    groups: Vec<(String, Vec<String>)>,
}

impl Section {
    /// Adds lines whose groups have headings of `level` (`### Added` is 3). The lines before the first
    /// heading are the introduction.
    pub(super) fn add(&mut self, lines: &[String], level: usize) {
        let prefix = format!("{} ", "#".repeat(level));
        let mut group = String::new();
        let shown: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        for (line, hidden) in lines.iter().zip(markdown::hidden(&shown)) {
            match line.strip_prefix(&prefix).filter(|_| !hidden) {
                Some(name) => group = name.trim().to_string(),
                None => self.group(&group).push(line.clone()),
            }
        }
        for (_, lines) in &mut self.groups {
            trim_blank(lines);
        }
    }

    /// Adds a line for each commit that counts, and removes lines that an earlier run wrote for commits that
    /// no longer count. A line is recognised by its commit's description, so text written or changed by hand
    /// stays.
    pub(super) fn add_commits(&mut self, commits: &[Entry]) {
        // For each key, whether an item has a note. Several commits may have the same description.
        let mut made: HashMap<String, bool> = HashMap::new();
        for commit in commits.iter().filter(|c| c.kind.is_some()) {
            *made.entry(key(&commit.description)).or_default() |= item(commit).len() > 1;
        }
        for (_, lines) in &mut self.groups {
            remove_items(lines, &made);
        }
        let mut known: HashMap<&str, HashSet<String>> = HashMap::new();
        // The plan lists the newest commit first; a changelog lists changes in the order they were made.
        for commit in commits.iter().rev().filter(|c| c.counts) {
            let name = group_of(commit);
            let lines = self.group(name);
            let known = known.entry(name).or_insert_with(|| lines.iter().map(|line| key(line)).collect());
            if known.insert(key(&commit.description)) {
                let item = item(commit);
                known.extend(item.iter().map(|line| key(line)));
                lines.extend(item);
            }
        }
    }

    /// Adds the accepted breaks with their reasons, and removes items of an earlier run whose break is no
    /// longer accepted. An item is recognised by its id and symbol, so one that was changed by hand stays.
    pub(super) fn add_accepted(&mut self, accepted: &[Accepted]) {
        let lines = self.group(BREAKING);
        let is_for = |line: &str, a: &Accepted| {
            line.ends_with(&mark(a)) && names(&markdown::without_escapes(line), &a.difference.what)
        };
        let (mut old, mut at) = (Vec::new(), 0);
        while at + 1 < lines.len() {
            if lines[at].starts_with("- ") && lines[at].ends_with(']') && lines[at + 1].starts_with(ACCEPTED)
            {
                old.push(lines.drain(at..at + 2).collect::<Vec<String>>());
            } else {
                at += 1;
            }
        }
        trim_blank(lines);
        for one in accepted {
            let kept = old.iter().position(|item| is_for(&item[0], one)).map(|at| old.remove(at));
            let made = || {
                vec![
                    format!("- {} {}", text(&one.difference.message), mark(one)),
                    format!("{ACCEPTED}{}", text(&one.by.reason)),
                ]
            };
            lines.extend(kept.unwrap_or_else(made));
        }
    }

    fn group(&mut self, name: &str) -> &mut Vec<String> {
        let at = self.groups.iter().position(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap_or_else(|| {
            self.groups.push((name.to_string(), Vec::new()));
            self.groups.len() - 1
        });
        &mut self.groups[at].1
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let rank =
            |name: &str| ORDER.iter().position(|o| o.eq_ignore_ascii_case(name)).map_or(ORDER.len(), |at| at);
        let mut groups: Vec<_> =
            self.groups.iter().filter(|(_, lines)| lines.iter().any(|l| !l.trim().is_empty())).collect();
        groups.sort_by_key(|(name, _)| if name.is_empty() { 0 } else { 1 + rank(name) });
        let mut out = Vec::new();
        for (name, lines) in groups {
            if !out.is_empty() {
                out.push(String::new());
            }
            if !name.is_empty() {
                out.extend([format!("### {name}"), String::new()]);
            }
            out.extend(lines.iter().cloned());
        }
        out
    }
}

fn group_of(commit: &Entry) -> &'static str {
    match commit.kind.as_deref() {
        _ if commit.breaking => BREAKING,
        Some("feat") => "Added",
        Some("fix") => "Fixed",
        _ => "Changed",
    }
}

/// `[class-renamed]`
fn mark(accepted: &Accepted) -> String {
    format!("[{}]", accepted.difference.id)
}

/// `- the description`, with the description of the break indented below it.
fn item(commit: &Entry) -> Vec<String> {
    let mut lines = vec![format!("- {}", markdown::escape_html(&commit.description))];
    lines.extend(
        commit
            .note
            .iter()
            .filter(|note| key(note) != key(&commit.description))
            .map(|note| format!("  {}", markdown::escape_html(&markdown::escape_fence(note)))),
    );
    lines
}

/// Removes the lines that [`item`] writes for any of these commits, by the key of their description.
fn remove_items(lines: &mut Vec<String>, made: &HashMap<String, bool>) {
    let mut kept = Vec::new();
    let mut all = std::mem::take(lines).into_iter().peekable();
    while let Some(line) = all.next() {
        let noted = if line.starts_with("- ") { made.get(&key(&line)) } else { None };
        match noted {
            Some(true) => drop(all.next_if(|next| next.starts_with("  "))),
            Some(false) => {}
            None => kept.push(line),
        }
    }
    *lines = kept;
    trim_blank(lines);
}

/// A line without its bullet, its escapes and its pull request number: a squash merge adds the number later.
fn key(line: &str) -> String {
    let line = line.trim().trim_start_matches("- ");
    let line = &markdown::without_escapes(line);
    markdown::one_line(commits::strip_reference(line))
}

/// Does the line name exactly this symbol? `demo.BaseAdapter` and `demo.Base.run` do not name `demo.Base`,
/// and `GET /a/b` does not name `GET /a`.
fn names(line: &str, what: &str) -> bool {
    let goes_on = |rest: &str| {
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_alphanumeric() || "_/{".contains(c))
    };
    let after_another = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "_.".contains(c));
    line.match_indices(what).any(|(at, _)| !after_another(&line[..at]) && !goes_on(&line[at + what.len()..]))
}

/// A text on one line, in which nothing is HTML.
fn text(text: &str) -> String {
    markdown::escape_html(&markdown::one_line(text))
}

fn trim_blank(lines: &mut Vec<String>) {
    while lines.last().is_some_and(|l| l.trim().is_empty()) {
        lines.pop();
    }
    let leading = lines.iter().take_while(|l| l.trim().is_empty()).count();
    lines.drain(..leading);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_symbol_only_as_a_whole() {
        for (line, what, expected) in [
            ("- demo.Base: gone", "demo.Base", true),
            ("- it was demo.Base.", "demo.Base", true),
            ("- demo.BaseAdapter: gone", "demo.Base", false),
            ("- demo.Base_: gone", "demo.Base", false),
            ("- demo.Base.run: gone", "demo.Base", false),
            ("- my.demo.Base: gone", "demo.Base", false),
            ("- xdemo.Base: gone", "demo.Base", false),
            ("- _demo.Base: gone", "demo.Base", false),
            ("- demo.BaseAdapter and demo.Base: gone", "demo.Base", true),
            ("- GET /a: gone", "GET /a", true),
            ("- GET /a/b: gone", "GET /a", false),
            ("- GET /a{b}: gone", "GET /a", false),
        ] {
            assert_eq!(names(line, what), expected, "{line}");
        }
    }
}
