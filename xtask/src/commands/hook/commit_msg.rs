//! The commit-msg hook: checks a message by the rules of `plan`, and says what it counts as for each app that
//! the commit changes.

use crate::finding::{Finding, Level};
use crate::model::commits::{self, Commit, Entry};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::ui;
use anyhow::{Context, Result};
use camino::Utf8Path;

/// The line above the diff that `git commit --verbose` shows in the editor (git-commit(1), `scissors`).
const SCISSORS: &str = "------------------------ >8 ------------------------";
/// The first words of commits that a rebase folds into another one (git-rebase(1), --autosquash).
const FOLDED: [&str; 3] = ["fixup! ", "squash! ", "amend! "];

pub(super) fn run(ctx: &Ctx, file: &Utf8Path) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {file}"))?;
    let text = String::from_utf8_lossy(&bytes);
    let above = text.lines().take_while(|line| !line.ends_with(SCISSORS)).collect::<Vec<_>>().join("\n");
    let message = ctx.git.pipe(&["stripspace", "--strip-comments"], above.as_bytes())?;
    let message = String::from_utf8_lossy(&message).into_owned();
    // Git refuses an empty message itself. The commits of a merge count, not the merge.
    let merge = ctx.git.ask(&["rev-parse", "--verify", "--quiet", "MERGE_HEAD"])?;
    if message.trim().is_empty() || merge || FOLDED.iter().any(|word| message.starts_with(word)) {
        return Ok(());
    }
    let names: Vec<&str> = ctx.ws.names.iter().map(String::as_str).collect();
    let commit = [Commit { id: String::new(), merge: false, message, released: None }];
    let mut findings: Vec<Finding> = Vec::new();
    for app in changed(ctx)? {
        let entries = commits::entries(&commit, app.name(), &names);
        let Some(highest) = entries.iter().max_by_key(|entry| entry.bump) else { continue };
        let level = highest.bump.word();
        ui::say(&format!("{}: {level} ({})", app.name(), highest.why));
        for finding in problems(&entries) {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    Ok(())
}

/// The apps that the commit changes. None if only an earlier commit is amended and nothing is staged.
fn changed(ctx: &Ctx) -> Result<Vec<&App>> {
    let mut apps = Vec::new();
    for app in &ctx.ws.apps {
        let mut diff = ctx.git.in_hook();
        let status = diff.args(["diff", "--cached", "--quiet", "--"]).args(app.pathspecs()).status()?;
        if !status.success() {
            apps.push(app);
        }
    }
    Ok(apps)
}

/// What makes a message count for less than its author may think. Pure.
fn problems(entries: &[Entry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(subject) = entries.first().filter(|_| entries.iter().all(|e| e.kind.is_none())) {
        let message =
            format!("{:?} is not a conventional commit, so no release would count it", subject.subject);
        let help = format!(
            "write: TYPE(SCOPE): WHAT USERS GET; for example `fix: {}`. A break is `fix!: …`, or a footer \
             `BREAKING CHANGE: WHAT BREAKS`. The types are {}. To keep the message: git commit --no-verify",
            subject.subject,
            commits::TYPES.join(", ")
        );
        findings.push(Finding::new("message-not-conventional", Level::Error, message).help(help));
    }
    for entry in entries {
        let Some(kind) = entry.kind.as_deref().filter(|kind| !commits::TYPES.contains(kind)) else {
            continue;
        };
        if !entry.counts {
            let message = format!("`{kind}` is not one of the usual types, and releases nothing");
            let help = format!("use one of {}", commits::TYPES.join(", "));
            findings.push(Finding::new("message-type", Level::Warning, message).help(help));
        }
    }
    if entries.iter().any(|entry| entry.unread_break) {
        let message = "the message mentions a break in a form that does not count";
        let help =
            "write `!` before the colon, as in `feat(api)!: x`, or a line `BREAKING CHANGE: WHAT BREAKS`";
        findings.push(Finding::new("breaking-unread", Level::Error, message).help(help));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_count_for_less_than_they_seem_are_reported() {
        for (message, ids) in [
            ("fix: x", ""),
            ("fix(python)!: x", ""),
            ("chore: x", ""),
            ("Revert \"feat: x\"\n\nThis reverts commit 1234567.", ""),
            ("feat: x (#1)\n\n* feat: x\n* wip", ""),
            ("wip", "message-not-conventional"),
            ("Fix the parser", "message-not-conventional"),
            ("fix:x", "message-not-conventional"),
            ("feature: x", "message-type"),
            ("feature!: x", ""),
            ("fix: x\n\nbreaking change: y", "breaking-unread"),
            ("feat!(api): x", "message-not-conventional breaking-unread"),
            ("Revert \"feat!: x\"", ""),
            ("what I did\n\nBREAKING CHANGE: y", "message-not-conventional breaking-unread"),
        ] {
            let commit =
                Commit { id: String::new(), merge: false, message: message.to_string(), released: None };
            let found: Vec<_> =
                problems(&commits::entries(&[commit], "python", &["python"])).iter().map(|f| f.id).collect();
            assert_eq!(found.join(" "), ids, "{message:?}");
        }
    }
}
