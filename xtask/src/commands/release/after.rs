//! After a release: closes its milestone, comments on its pull requests, runs the commands of
//! `[release] announce`, and lists what is left to a person. Nothing here fails a release: it is out.

use super::{Release, cascade, released_in};
use crate::ecosystem;
use crate::finding::{Finding, Level};
use crate::forge::Forge;
use crate::sys::child;
use crate::sys::ui;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::process::{Command, Stdio};

/// The steps that make a release visible. A run that did one of them completes the release.
const VISIBLE: [&str; 4] = ["publish", "image-push", "latest", "page"];

/// For a release whose last step has ended in this run.
pub(super) fn all(release: &Release) {
    if !release.open.iter().any(|step| VISIBLE.contains(step)) {
        return;
    }
    close_milestone(release);
    comment(release);
    link(release);
    announce(release);
    by_hand(release);
}

fn close_milestone(release: &Release) {
    let open = |error: anyhow::Error, help: &str| {
        let message = format!("{} is released, but its milestone stays open: {error:#}", release.tag_name);
        warn(release, Finding::new("milestone-open", Level::Warning, message).help(help));
    };
    let forge = match Forge::connect(release.ctx) {
        Ok(Ok(forge)) => forge,
        Ok(Err(_)) => return,
        Err(error) => return open(error, "close the milestone on the forge"),
    };
    match forge.close_milestone(&[release.title(), release.tag_name.clone()]) {
        Ok(Some(title)) => ui::say(&format!("  {} milestone {title} is closed", ui::green("✓"))),
        Ok(None) => {}
        Err(error) => open(error, &format!("close the milestone on {}/milestones", forge.web())),
    }
}

/// Says on the pull requests of the release that they are in it, if the settings ask for it.
fn comment(release: &Release) {
    if !release.ctx.ws.settings.released_comments {
        return;
    }
    let Ok(Ok(forge)) = Forge::connect(release.ctx) else { return };
    let comments = match released_in::comment(release, &forge) {
        Ok(Some(comments)) => comments,
        Ok(None) => {
            return ui::say(&format!(
                "  - {}: no comments, because no release is before it",
                release.tag_name
            ));
        }
        Err(error) => return warn(release, uncommented(&release.tag_name, "its pull requests", &error)),
    };
    if !comments.there.is_empty() {
        let told = list(comments.there.iter());
        ui::say(&format!("  {} commented on {told}: released in {}", ui::green("✓"), release.tag_name));
    }
    if let Some((_, error)) = comments.missing.first() {
        let missing = list(comments.missing.iter().map(|(number, _)| number));
        warn(release, uncommented(&release.tag_name, &missing, error));
    }
}

fn list<'a>(numbers: impl Iterator<Item = &'a u64>) -> String {
    numbers.map(|number| format!("#{number}")).collect::<Vec<_>>().join(", ")
}

fn uncommented(tag: &str, pulls: &str, error: &anyhow::Error) -> Finding {
    let message = format!("{tag} is released, but there is no comment on {pulls}: {error:#}");
    let help = format!("comment on {pulls} yourself");
    Finding::new("release-uncommented", Level::Warning, message).help(help)
}

/// Shows the packages on the repository's page, if they are in the registries of its forge.
fn link(release: &Release) {
    let Ok(Ok(forge)) = Forge::connect(release.ctx) else { return };
    match ecosystem::gitea::link(release.ctx, release.app, &forge) {
        Ok(kinds) if kinds.is_empty() => {}
        Ok(kinds) => {
            ui::say(&format!("  {} linked to {}: {}", ui::green("✓"), forge.web(), kinds.join(", ")))
        }
        Err(error) => warn(release, unlinked(&release.tag_name, &error)),
    }
}

fn unlinked(tag: &str, error: &anyhow::Error) -> Finding {
    let message = format!("{tag} is released, but not linked to the repository: {error:#}");
    let help = "link the package to the repository on the package's page: Settings";
    Finding::new("package-unlinked", Level::Warning, message).help(help)
}

fn announce(release: &Release) {
    let commands = &release.app.settings.release.announce;
    if commands.is_empty() {
        return;
    }
    if release.ctx.endpoints.loopback_only {
        ui::say("  - announce: not run in a rehearsal");
        return;
    }
    let failed = |error: String| {
        let message = format!("{} is released, but not announced: {error}", release.tag_name);
        let help = "correct [release] announce, and announce this release yourself";
        warn(release, Finding::new("announce-failed", Level::Warning, message).help(help));
    };
    let notice = match cascade::notice(release) {
        Ok(notice) => notice.to_string(),
        Err(error) => return failed(format!("{error:#}")),
    };
    for argv in commands {
        let words = argv.join(" ");
        match run(release, argv, &notice) {
            Ok(()) => ui::say(&format!("  {} announced: {words}", ui::green("✓"))),
            Err(error) => failed(format!("`{words}`: {error:#}")),
        }
    }
}

/// Runs the command in the root, with the clean environment and the JSON on its stdin.
fn run(release: &Release, argv: &[String], json: &str) -> Result<()> {
    let (program, args) = argv.split_first().context("the command has no words")?;
    let mut command = Command::new(program);
    command.args(args).current_dir(&release.ctx.ws.root).env_clear().envs(child::env()?);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    // A command that does not read its stdin is no failure.
    let _ = child.stdin.take().context("no stdin")?.write_all(json.as_bytes());
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{}\n{}", output.status, child::last_lines(&String::from_utf8_lossy(&output.stderr), 10));
    }
    Ok(())
}

/// Shows the warning. What helps is left to a person.
fn warn(release: &Release, finding: Finding) {
    let help = finding.help.clone().unwrap_or_default();
    ui::finding(&finding.app(release.app.name()));
    release.leave(format!("{help}: {}", release.title()));
}

/// Notes the work that is left to a person, because no step could do it.
pub(super) fn by_hand(release: &Release) {
    if let Ok(Err(reason)) = Forge::connect(release.ctx) {
        release.leave(format!("write the release page of {} ({reason})", release.tag_name));
    }
    let settings = &release.ctx.ws.settings;
    if !settings.downstream.is_empty() && !Forge::may_dispatch() {
        release.leave("tell the downstream repositories (not set up: DISPATCH_TOKEN)".to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_package_that_could_not_be_linked_is_a_warning() {
        let error = anyhow::anyhow!("403 Forbidden: only the owner may link packages");
        expect![[r#"
            warning[package-unlinked]: python-v0.0.1 is released, but not linked to the repository: 403 Forbidden: only the owner may link packages
              → link the package to the repository on the package's page: Settings
        "#]]
        .assert_eq(&(ui::plain(&ui::finding_text(&unlinked("python-v0.0.1", &error))) + "\n"));
    }
}
