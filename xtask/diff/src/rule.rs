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
    while let Some((before, opened)) = rest.split_once('{') {
        text.push_str(before);
        let (word, after) = opened.split_once('}').unwrap_or((opened, ""));
        let value = match word {
            "what" => what,
            "old" => old,
            _ => new,
        };
        // "an attribute"
        if text.ends_with(" a ") && value.starts_with(['a', 'e', 'i', 'o']) {
            text.truncate(text.len() - 1);
            text.push_str("n ");
        }
        text.push_str(value);
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_its_values_at_their_places() {
        let says = |text| sentence(&rule("id", Level::Info, "", text), "{old}", "o", "n");
        assert_eq!(says("{what} was {old}, now {new}."), "{old} was o, now n.");
        assert_eq!(says("it changed"), "it changed");
        let kinds =
            |old, new| sentence(&rule("id", Level::Info, "", "it was a {old}, now a {new}"), "", old, new);
        assert_eq!(kinds("class", "attribute"), "it was a class, now an attribute");
        assert_eq!(kinds("interface", "union"), "it was an interface, now a union");
    }
}
