//! One release's text: an introduction, then groups in Keep a Changelog's order with what breaks at the top.

use crate::model::commits;
use crate::model::commits::Entry;
use crate::model::evidence::Accepted;

const BREAKING: &str = "Breaking";
/// What stands before the reason, below an accepted break.
const ACCEPTED: &str = "  accepted: ";

/// The order in which groups stand; others follow as they were met.
const ORDER: &[&str] = &[BREAKING, "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

#[derive(Default)]
pub struct Section {
    groups: Vec<(String, Vec<String>)>,
}

impl Section {
    /// Takes over lines whose groups have headings of `level` (`### Added` is 3). What stands before the
    /// first is the introduction.
    pub fn add(&mut self, lines: &[String], level: usize) {
        let prefix = format!("{} ", "#".repeat(level));
        let mut group = String::new();
        for line in lines {
            match line.strip_prefix(&prefix) {
                Some(name) => group = name.trim().to_string(),
                None => self.group(&group).push(line.clone()),
            }
        }
        for (_, lines) in &mut self.groups {
            trim_blank(lines);
        }
    }

    /// Adds a line per commit that counts. Lines of commits that no longer count were made by an earlier run:
    /// they go. A line is known by its commit's description, so whatever somebody wrote or changed by hand
    /// stays.
    pub fn add_commits(&mut self, commits: &[Entry]) {
        for (_, lines) in &mut self.groups {
            remove_items(lines, commits);
        }
        // Newest first in the plan; a changelog reads in the order in which things were done.
        for commit in commits.iter().rev().filter(|c| c.counts) {
            let item = item(commit);
            let lines = self.group(group_of(commit));
            let known = item.first().is_some_and(|first| lines.iter().any(|l| key(l) == key(first)));
            if !known {
                lines.extend(item);
            }
        }
    }

    /// Adds what breaks and is accepted, with the reason. Items of an earlier run go where their break is no
    /// longer accepted; one that was changed by hand is known by its id and symbol, and stays.
    pub fn add_accepted(&mut self, accepted: &[Accepted]) {
        let lines = self.group(BREAKING);
        let is_for = |line: &str, a: &Accepted| line.ends_with(&mark(a)) && names(line, &a.difference.what);
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
                    format!("- {} {}", one_line(&one.difference.message), mark(one)),
                    format!("{ACCEPTED}{}", one_line(&one.by.reason)),
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

    pub fn lines(&self) -> Vec<String> {
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

/// `- the description`, and what breaks indented below it.
fn item(commit: &Entry) -> Vec<String> {
    let mut lines = vec![format!("- {}", commit.description)];
    lines.extend(
        commit
            .note
            .iter()
            .filter(|note| key(note) != key(&commit.description))
            .map(|note| format!("  {note}")),
    );
    lines
}

/// Removes what [`item`] makes of any of these commits.
fn remove_items(lines: &mut Vec<String>, commits: &[Entry]) {
    let mut at = 0;
    while at < lines.len() {
        let made = commits
            .iter()
            .filter(|c| c.kind.is_some() && lines[at].starts_with("- "))
            .find(|c| key(&lines[at]) == key(&c.description));
        match made {
            Some(commit) => {
                let notes = item(commit).len() - 1;
                let noted = lines.get(at + 1).is_some_and(|l| l.starts_with("  ")) as usize;
                lines.drain(at..at + 1 + notes.min(noted));
            }
            None => at += 1,
        }
    }
    trim_blank(lines);
}

/// A line without its bullet and its pull request's number, which the squash adds later.
fn key(line: &str) -> String {
    let line = line.trim().trim_start_matches("- ");
    one_line(commits::strip_reference(line))
}

/// Does the line name this symbol, and not `demo.Base` within `demo.BaseAdapter` or `demo.Base.run`, nor `GET
/// /a` within `GET /a/b`?
fn names(line: &str, what: &str) -> bool {
    let goes_on = |rest: &str| {
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_alphanumeric() || "_/{".contains(c))
    };
    let after_another = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "_.".contains(c));
    line.match_indices(what).any(|(at, _)| !after_another(&line[..at]) && !goes_on(&line[at + what.len()..]))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn trim_blank(lines: &mut Vec<String>) {
    while lines.last().is_some_and(|l| l.trim().is_empty()) {
        lines.pop();
    }
    let leading = lines.iter().take_while(|l| l.trim().is_empty()).count();
    lines.drain(..leading);
}
