//! A rule: id, severity, who is broken, and message of a difference. Each language has a table of rules.

use crate::finding::Level;

pub struct Rule {
    /// `{kind}` is replaced by function, class, method, …
    pub id: &'static str,
    pub level: Level,
    /// Who is broken; empty if nobody is.
    pub whom: &'static str,
    /// The message. `{what}` is the subject, `{old}` and `{new}` are the two values.
    pub says: &'static str,
}

pub const fn rule(id: &'static str, level: Level, whom: &'static str, says: &'static str) -> Rule {
    Rule { id, level, whom, says }
}

/// The message of a rule, with the values inserted.
pub fn sentence(rule: &Rule, what: &str, old: &str, new: &str) -> String {
    // One pass, so that a value that contains `{new}` is not replaced.
    let mut text = String::new();
    let mut rest = rule.says;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        let (word, after) = rest[at + 1..].split_once('}').unwrap_or((&rest[at + 1..], ""));
        text.push_str(match word {
            "what" => what,
            "old" => old,
            _ => new,
        });
        rest = after;
    }
    text + rest
}
