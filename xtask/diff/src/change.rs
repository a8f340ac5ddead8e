//! One change of a public API, whatever the language: what the comparisons hand out, and gates and reports
//! show.

use crate::finding::{Finding, Level};

/// One thing that changed for those who use the package.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub level: Level,
    /// What users import: `demo.adapters.Adapter.send`.
    pub symbol: String,
    pub message: String,
    /// Who breaks; empty where nobody does.
    pub whom: &'static str,
    /// `file:line` in the new version, or in the old one of what is gone.
    pub place: String,
    pub old_place: String,
    /// Signatures, where there are any.
    pub was: Option<String>,
    pub is: Option<String>,
}

impl Change {
    /// As a finding that stands alone.
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
        // Made of parts, few, and needed to the end of the process.
        Finding::new(self.id.clone().leak(), self.level, message).place(self.where_())
    }

    /// In the new version, and in the old one where that is elsewhere.
    pub fn where_(&self) -> String {
        match (self.place.is_empty(), self.place == self.old_place || self.old_place.is_empty()) {
            (true, _) => self.old_place.clone(),
            (_, true) => self.place.clone(),
            _ => format!("{} (was {})", self.place, self.old_place),
        }
    }
}
