//! Reads the cases of `api diff` from text files, and checks that the findings are the expected ones.

use serde_json::Value;
use std::collections::BTreeMap;

/// `## what`, then `level id` lines in any place, then `--- old [file]` and `--- new [file]` with their text.
pub(crate) struct Case {
    pub what: String,
    pub expected: Vec<String>,
    /// Whether it is of the new side, its name, and its text.
    pub files: Vec<(bool, String, String)>,
}

/// Reads the cases of each topic's text. `default`: the file name if a case gives none.
pub(crate) fn read(topics: &[(&str, &str)], default: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (topic, line) in topics.iter().flat_map(|(topic, text)| text.lines().map(move |line| (topic, line))) {
        if let Some(what) = line.strip_prefix("## ") {
            cases.push(Case { what: format!("{topic}: {what}"), expected: Vec::new(), files: Vec::new() });
            continue;
        }
        let case = cases.last_mut().expect("a file begins with a case");
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("---"), Some(side @ ("old" | "new")), file) => {
                case.files.push((side == "new", file.unwrap_or(default).to_string(), String::new()));
            }
            (Some("breaking" | "warning" | "info"), Some(_), None) => case.expected.push(line.to_string()),
            _ => {
                if let Some((_, _, text)) = case.files.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    cases.iter_mut().for_each(|case| case.expected.sort());
    cases
}

/// Checks all cases together. `number` returns the index of a finding's case.
#[track_caller]
pub(crate) fn all_right(cases: &[Case], document: &Value, number: impl Fn(&Value) -> Option<usize>) {
    let mut found: BTreeMap<usize, Vec<&Value>> = BTreeMap::new();
    for finding in document["findings"].as_array().expect("findings") {
        found
            .entry(number(finding).unwrap_or_else(|| panic!("belongs to no case: {finding}")))
            .or_default()
            .push(finding);
    }
    let word = |finding: &&Value, key: &str| finding[key].as_str().unwrap_or_default().to_string();
    let mut wrong = String::new();
    for (i, case) in cases.iter().enumerate() {
        let list = found.remove(&i).unwrap_or_default();
        let mut said: Vec<String> =
            list.iter().map(|f| format!("{} {}", word(f, "level"), word(f, "id"))).collect();
        said.sort();
        if said != case.expected {
            let messages: String = list
                .iter()
                .map(|f| format!("      {} ({})\n", word(f, "message"), word(f, "place")))
                .collect();
            wrong.push_str(&format!(
                "{}\n  expected {:?}\n  found    {said:?}\n{messages}",
                case.what, case.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "of {} cases these are wrong:\n{wrong}", cases.len());
}

/// Fails if a rule of the table has no case: neither among `cases`, nor by its whole id in the text of the
/// tests of packages.
#[track_caller]
pub(crate) fn every_rule_is_tried(rules: &str, cases: &[Case], elsewhere: &str) {
    let ids: Vec<&str> = rules
        .split(" rule(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .collect();
    assert_eq!(ids.len(), rules.matches(" rule(").count(), "a rule without a literal id");
    let expected: Vec<&str> =
        cases.iter().flat_map(|case| &case.expected).filter_map(|line| line.split(' ').nth(1)).collect();
    let elsewhere: Vec<&str> = elsewhere.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).collect();
    let tried = |id: &str| match id.strip_prefix("{kind}") {
        Some(end) => expected.iter().chain(&elsewhere).any(|known| known.ends_with(end)),
        None => expected.iter().chain(&elsewhere).any(|known| *known == id),
    };
    let untried: Vec<&str> = ids.into_iter().filter(|id| !tried(id)).collect();
    assert!(untried.is_empty(), "rules without a case: {untried:?}");
}
