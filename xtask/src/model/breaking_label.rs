//! Checks that the label `breaking-change` of a pull request matches the breaks that its commits declare. The
//! label asks the reviewer to confirm the break. [`declared_since`] reads commits from git; the rest is pure.

use crate::finding::{Finding, Level};
use crate::model::commits;
use crate::model::commits::{Commit, Entry};
use crate::sys::git::Git;
use anyhow::Result;

pub(crate) const BREAKING: &str = "breaking-change";

/// Compares the labels with the breaks that the commits declare. `accepted`: `app.toml` accepts a break,
/// which justifies the label even if no commit declares one.
pub(crate) fn judge(labels: &[String], declared: &[Entry], accepted: bool) -> Option<Finding> {
    let labelled = labels.iter().any(|label| label.trim().eq_ignore_ascii_case(BREAKING));
    match declared.first() {
        None if labelled && !accepted => {
            let message = format!(
                "the pull request has the label {BREAKING}, but none of its commits declares a break"
            );
            Some(Finding::new("label-without-break", Level::Error, message).help(
                "declare it: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`\n\
                         or remove the label",
            ))
        }
        Some(first) if !labelled => {
            let message = format!(
                "{} ({}) declares a break, but the pull request does not have the label {BREAKING}",
                first.subject,
                first.short()
            );
            let help = format!("add the label {BREAKING}: it asks the reviewer to confirm the break");
            Some(Finding::new("break-without-label", Level::Warning, message).help(help))
        }
        _ => None,
    }
}

/// The commits between `base` and HEAD that declare a break, for any app. If `base` is not a commit, the
/// whole history is read.
pub(crate) fn declared_since(git: &Git, base: &str) -> Result<Vec<Entry>> {
    let format = ["log", "-z", "--no-merges", "--no-color", "--format=%H%n%B"];
    let range = git.commit(base).map_or("HEAD".to_string(), |base| format!("{base}..HEAD"));
    let text = git.bytes(&[&format[..], &[&range, "--"]].concat())?;
    let commit = |record: &str| {
        let (id, message) = record.split_once('\n')?;
        Some(Commit { id: id.to_string(), merge: false, message: message.to_string(), released: None })
    };
    let commits: Vec<Commit> = String::from_utf8_lossy(&text).split('\0').filter_map(commit).collect();
    Ok(commits::entries(&commits, "", &[])
        .into_iter()
        .filter(|entry| entry.breaking && entry.counts)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_and_a_declared_break_require_each_other() {
        let message = |message: &str| Commit {
            id: "1234567890".into(),
            merge: false,
            message: message.into(),
            released: None,
        };
        let declared = commits::entries(&[message("feat!: another port")], "", &[]);
        for (labels, breaks, accepted, expected) in [
            (&[] as &[&str], false, false, None),
            (&["bug"], false, false, None),
            (&["breaking-change"], false, false, Some("label-without-break")),
            (&["bug", " Breaking-Change "], false, false, Some("label-without-break")),
            (&["breaking-change"], true, false, None),
            (&["breaking-change"], false, true, None),
            (&["no-breaking-change"], true, false, Some("break-without-label")),
            (&["breaking"], true, false, Some("break-without-label")),
            (&[""], true, true, Some("break-without-label")),
            (&[], false, true, None),
        ] {
            let labels: Vec<String> = labels.iter().map(|label| label.to_string()).collect();
            let found = judge(&labels, if breaks { &declared } else { &[] }, accepted);
            assert_eq!(found.as_ref().map(|f| f.id), expected, "{labels:?} {breaks} {accepted}");
            assert!(found.is_none_or(|f| f.stops() == (expected == Some("label-without-break"))));
        }
    }
}
