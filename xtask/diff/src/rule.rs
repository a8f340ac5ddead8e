//! A rule: what a difference is called, how grave it is, whom it breaks, and its sentence. Which there are,
//! each language's table says.

use crate::finding::Level;

pub struct Rule {
    /// `{kind}` is function, class, method, …
    pub id: &'static str,
    pub level: Level,
    /// Who notices; empty where nobody breaks.
    pub whom: &'static str,
    /// `{what}` is what it is about, `{old}` and `{new}` the two values.
    pub says: &'static str,
}

pub const fn rule(id: &'static str, level: Level, whom: &'static str, says: &'static str) -> Rule {
    Rule { id, level, whom, says }
}

/// The sentence of a rule.
pub fn sentence(rule: &Rule, what: &str, old: &str, new: &str) -> String {
    // One pass: a value that holds `{new}` is not to be filled in.
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
