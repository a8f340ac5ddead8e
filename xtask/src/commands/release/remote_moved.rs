//! What changed on the git remote while the release ran: its tag must still be there, and the main branch may
//! have moved on.

use super::{Release, preflight, tag};
use crate::finding::{Finding, Level};
use crate::sys::exit::Exit;
use crate::sys::git::short;
use crate::sys::ui;
use anyhow::Result;

/// Fails if the remote no longer has the release's tag as this run saw or pushed it.
pub(crate) fn tag_is_there(release: &Release) -> Result<()> {
    match tag_finding(release)? {
        Some(finding) => Err(Exit::Gate(vec![finding]).into()),
        None => Ok(()),
    }
}

fn tag_finding(release: &Release) -> Result<Option<Finding>> {
    let Some(tag) = release.tag() else { return Ok(None) };
    let (name, remote) = (&release.tag_name, &release.ctx.endpoints.remote);
    let found = match tag::find(release.ctx, name)? {
        tag::Found::Ours(found) if found.object == tag.object => return Ok(None),
        tag::Found::Ours(found) => Some(found.commit),
        tag::Found::Foreign(commit) => Some(commit),
        tag::Found::Nothing => None,
    };
    let (id, message, force) = match &found {
        None => ("tag-gone", format!("the tag {name} was deleted on {remote} while the release ran"), ""),
        Some(commit) => (
            "tag-moved",
            format!(
                "the tag {name} was replaced on {remote} while the release ran: it was at {}, now another \
                 tag is at {}",
                short(&tag.commit),
                short(commit)
            ),
            "--force ",
        ),
    };
    let app = release.app.name();
    let help = format!(
        "ask who did it; to go on with this release: git push {force}{remote} {}:refs/tags/{name}\n\
         and then: cargo xtask release {app}",
        tag.object
    );
    Ok(Some(Finding::new(id, Level::Error, message).app(app).place(format!("refs/tags/{name}")).help(help)))
}

/// Says that the main branch moved on since the preflight. The release continues, for its commit.
pub(super) fn say_if_main_moved(release: &Release) -> Result<()> {
    let (ctx, main) = (release.ctx, &preflight::branch(release.ctx, release.app)?);
    let moved = preflight::tip_on_remote(ctx, main)?.filter(|tip| *tip != release.commit);
    let Some(tip) = moved else { return Ok(()) };
    ui::say(&format!(
        "  {main} is now at {} on {}; the release of commit {} continues",
        short(&tip),
        ctx.endpoints.remote,
        short(&release.commit)
    ));
    Ok(())
}

/// Why the remote refused a bump's commit together with its tag: somebody pushed to the branch. None without
/// such a commit, or if that is not the reason.
pub(super) fn main_moved(release: &Release) -> Result<Option<Finding>> {
    let ctx = release.ctx;
    let Some(branch) = &release.branch else { return Ok(None) };
    let Some(tip) = preflight::tip_on_remote(ctx, branch)? else { return Ok(None) };
    if ctx.git.ask(&["merge-base", "--is-ancestor", &tip, &release.commit]).unwrap_or(false) {
        return Ok(None);
    }
    let remote = &ctx.endpoints.remote;
    let message = format!(
        "{branch} moved on to {} on {remote} while the release ran, so the bump's commit {} cannot be \
         pushed",
        short(&tip),
        short(&release.commit)
    );
    let app = release.app.name();
    let help = if std::env::var_os("CI").is_some() {
        "nothing was released: run the job again".to_string()
    } else {
        let subjects = ctx.git.read(&["log", "-n", "99", "--format=%s", &release.commit])?;
        let bumps = subjects.lines().take_while(|subject| subject.starts_with("chore(release): ")).count();
        format!(
            "nothing was released; replace the bump's commit by one on top of {branch}:\n\
             git reset --keep HEAD~{bumps} && git pull --rebase {remote} {branch}\n\
             cargo xtask release {app} --bump"
        )
    };
    Ok(Some(Finding::new("main-moved", Level::Error, message).app(app).help(help)))
}
