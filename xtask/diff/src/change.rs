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
        Finding::new(self.id.clone().leak(), self.level, message).place(self.where_())
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
