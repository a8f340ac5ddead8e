//! One change of a public API, in any language: the result of a comparison, which gates and reports show.

use crate::finding::{Finding, Level};

/// One thing that changed for users of the package.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub level: Level,
    /// What users import: `demo.adapters.Adapter.send`.
    pub symbol: String,
    pub message: String,
    /// Who is broken; empty if nobody is.
    pub whom: &'static str,
    /// `file:line` in the new version; for something removed, in the old version.
    pub place: String,
    pub old_place: String,
    /// The old and new signature, if there is one.
    pub was: Option<String>,
    pub is: Option<String>,
}

impl Change {
    /// The change as a finding.
    pub fn finding(&self) -> Finding {
        let mut message = format!("{}: {}", self.symbol, self.message);
        match (&self.was, &self.is) {
            (Some(was), Some(is)) if was != is => message.push_str(&format!("; was `{was}`, is `{is}`")),
            (Some(was), None) => message.push_str(&format!("; was `{was}`")),
            _ => {}
        }
        if !self.whom.is_empty() {
            message.push_str(&format!("; breaks {}", self.whom));
        }
        // Leaked: there are few of these ids, and they are needed until the process ends.
        let finding = Finding::new(self.id.clone().leak(), self.level, message).place(self.where_());
        Finding { help: self.help(), ..finding }
    }

    /// What its author can do, or that nobody must do anything.
    fn help(&self) -> Option<String> {
        let ends = |words: &[&str]| words.iter().any(|word| self.id.ends_with(word));
        let starts = |words: &[&str]| words.iter().any(|word| self.id.starts_with(word));
        let instead = match self.level {
            Level::Info => return Some("users need not change anything".to_string()),
            _ if crate::ts::help(&self.id).is_some() => crate::ts::help(&self.id).unwrap_or_default(),
            Level::Warning => "check whether users depend on it",
            _ if starts(&["parameter", "args", "kwargs", "option", "rest", "overload", "constructor"]) => {
                "keep accepting the calls that worked"
            }
            _ if ends(&["-removed", "-moved"]) => "restore it, deprecated, until the next major version",
            _ if ends(&["-renamed"]) => "keep the old name as an alias until the next major version",
            _ if ends(&["-added-required", "-became-required"]) => "make it optional",
            _ if ends(&["-narrowed"]) => "accept what was accepted before",
            _ if ends(&["-widened"]) => "return only what was returned before",
            _ => "restore what worked",
        };
        Some(format!("{instead}, or declare the break in a commit: `feat!: …`"))
    }

    /// The place in the new version, and also in the old one if it differs.
    pub fn where_(&self) -> String {
        match (self.place.is_empty(), self.place == self.old_place || self.old_place.is_empty()) {
            (true, _) => self.old_place.clone(),
            (_, true) => self.place.clone(),
            _ => format!("{} (was {})", self.place, self.old_place),
        }
    }
}

/// What tells two changes of one symbol apart. What a removed name may be called now is a guess, and differs.
fn kind(change: &Change) -> (&str, &str) {
    let gone = change.id.strip_suffix("-removed").or_else(|| change.id.strip_suffix("-renamed"));
    match gone {
        Some(kind) => (kind, change.message.split('`').nth(1).unwrap_or_default()),
        None => (&change.id, &change.message),
    }
}

/// The changes that were found in several environments, each once. What the first environment does not have
/// names the ones that do.
pub fn merged(found: Vec<(String, Vec<Change>)>) -> Vec<Change> {
    let mut all: Vec<(Change, Vec<String>)> = Vec::new();
    for (place, changes) in found {
        for change in changes {
            let same = |other: &Change| other.symbol == change.symbol && kind(other) == kind(&change);
            match all.iter_mut().find(|(other, _)| same(other)) {
                Some((_, places)) if places.is_empty() => {}
                Some((_, places)) => places.push(place.clone()),
                None if place.is_empty() => all.push((change, Vec::new())),
                None => all.push((change, vec![place.clone()])),
            }
        }
    }
    let mut changes: Vec<Change> = all
        .into_iter()
        .map(|(change, places)| match places.is_empty() {
            true => change,
            false => {
                Change { message: format!("{} (only on {})", change.message, places.join(", ")), ..change }
            }
        })
        .collect();
    changes.sort_by(|a, b| (b.level, &a.symbol).cmp(&(a.level, &b.symbol)));
    changes
}
