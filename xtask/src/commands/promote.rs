//! `promote`: pushes the branch of the next pull request towards a release, the bump into development or
//! development into main, and opens the pull request where it has a token for the forge. It works on the
//! remote's branches; the user's checkout and refs are not changed.

use crate::commands::plan::AppPlan;
use crate::commands::{bump, plan};
use crate::finding::{Finding, Level};
use crate::flags;
use crate::forge::{Done, Draft, Forge, PullRequest};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::{Exit, with_next};
use crate::sys::ui;
use anyhow::Result;
use remote::{Branch, Remote};
use request::Request;

mod main_ahead;
mod remote;
mod request;

/// The label of pull requests that lead to a release.
const LABEL: &str = "release";
const LABEL_COLOUR: &str = "0e8a16";
/// The commit status that shows the next versions.
const STATUS: &str = "xtask/plan";

pub(crate) fn promote(ctx: &Ctx, flags: &flags::Promote) -> Result<()> {
    let settings = &ctx.ws.settings;
    if settings.main == settings.development {
        return Err(Exit::Usage(format!(
            "promote needs separate branches for development and releases, but the settings name only {}; to \
             release from it: cargo xtask release --bump",
            settings.main
        ))
        .into());
    }
    ctx.git.refuse_without_commits()?;
    plan::refuse_incomplete(&ctx.git)?;
    let remote = Remote::fetch(ctx)?;
    remote.in_checkout(ctx, |clone| {
        let lost = clone
            .ws
            .apps
            .iter()
            .map(|app| main_ahead::finding(clone, app, &remote))
            .collect::<Result<Vec<_>>>()?;
        let lost: Vec<Finding> = lost.into_iter().flatten().collect();
        if !lost.is_empty() {
            return Err(Exit::Gate(lost).into());
        }
        let plans = clone
            .ws
            .apps
            .iter()
            .map(|app| Ok((app, plan::with_pulls(clone, app)?)))
            .collect::<Result<Vec<_>>>()?;
        let request = match bumps(ctx, clone, &remote, &plans)? {
            Some(request) => request,
            None => promotion(clone, &remote, &plans)?,
        };
        deliver(ctx, clone, &remote, request, flags.dry_run)
    })
}

/// Commits the bumps of every app whose commits demand a version that no bump has written yet. None if
/// there is no such app.
fn bumps(ctx: &Ctx, clone: &Ctx, remote: &Remote, plans: &[(&App, AppPlan)]) -> Result<Option<Request>> {
    let due = plans
        .iter()
        .filter(|(_, plan)| plan.next.as_ref().is_some_and(|next| !plan.pending || *next != plan.manifest));
    let mut bumped = Vec::new();
    for (app, plan) in due {
        if let Some(version) = bump::in_place(clone, app)? {
            bumped.push((plan, version));
        }
    }
    if bumped.is_empty() {
        return Ok(None);
    }
    let tags: Vec<String> = bumped.iter().map(|(plan, version)| format!("{}-v{version}", plan.app)).collect();
    let branch = format!("release/{}", tags.join("_"));
    remote.replaceable(ctx, clone, &branch)?;
    Ok(Some(Request::bump(clone, branch, clone.git.commit("HEAD")?, &bumped)))
}

/// A commit with development's content that has main as a parent. Without main as a parent, after a squash
/// merge a pull request from development conflicts in every file that both branches changed.
fn promotion(clone: &Ctx, remote: &Remote, plans: &[(&App, AppPlan)]) -> Result<Request> {
    let Branch { name, commit } = &remote.development;
    let mut ahead = Vec::new();
    for (app, plan) in plans {
        if !plan::same_content(&clone.git, app, commit, &remote.main.commit)? {
            ahead.push(plan);
        }
    }
    if ahead.is_empty() {
        return Err(Exit::Nothing(format!(
            "nothing to promote: the files of all apps are the same on {} and {}",
            name, remote.main.name
        ))
        .into());
    }
    let mut request = Request::promotion(clone, commit, &ahead);
    let tree = format!("{commit}^{{tree}}");
    let args = ["commit-tree", &tree, "-p", commit, "-p", &remote.main.commit, "-m", &request.title];
    // With the time of development's commit, the same promotion always gives the same commit.
    let time = format!("{} +0000", clone.git.commit_time(commit)?);
    let output = clone
        .git
        .command()
        .args(args)
        .env("GIT_AUTHOR_DATE", &time)
        .env("GIT_COMMITTER_DATE", &time)
        .output()?;
    if !output.status.success() {
        anyhow::bail!("git commit-tree failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    request.commit = String::from_utf8_lossy(&output.stdout).trim().to_string();
    Ok(request)
}

fn deliver(ctx: &Ctx, clone: &Ctx, remote: &Remote, mut request: Request, dry_run: bool) -> Result<()> {
    let there = if dry_run { None } else { remote.push(ctx, clone, &request)? };
    let pushed = !dry_run && there.is_none();
    // A second run creates the bump with another time, so with another commit id. Report the commit that is
    // on the remote.
    request.commit = there.unwrap_or(request.commit);
    let opened = match Forge::connect(ctx)? {
        Ok(_) if dry_run => Err("would be opened".to_string()),
        Ok(forge) => Ok(open(&forge, &request, clone.ws.settings.auto_merge)?),
        Err(reason) => Err(reason),
    };
    if ctx.json {
        ui::print(request.to_json(pushed, opened.as_ref()));
        return Ok(());
    }
    let Request { branch, base, .. } = &request;
    match (dry_run, pushed) {
        (true, _) => {
            ui::say(&format!("would push {branch}"));
            if *base == remote.development.name {
                ui::print(clone.git.read(&[
                    "log",
                    "--patch",
                    "--reverse",
                    "--format=%s",
                    "--no-color",
                    &format!("{}..HEAD", remote.development.commit),
                ])?);
            }
        }
        (false, true) => ui::say(&format!("{} pushed {branch}", ui::green("✓"))),
        (false, false) => ui::say(&format!("{} {branch} is already on the remote", ui::green("✓"))),
    }
    match &opened {
        Ok(Opened { pull, done, auto, replaced }) => {
            ui::say(&format!("{} pull request #{} {}", ui::green("✓"), pull.number, done_word(*done)));
            for number in replaced {
                ui::say(&format!("{} pull request #{number} closed: this one replaces it", ui::green("✓")));
            }
            match auto {
                None => {}
                Some(Ok(true)) => ui::say(&format!(
                    "{} auto-merge: on; the forge merges when the checks have passed",
                    ui::green("✓")
                )),
                Some(Ok(false)) => ui::say(&format!("{} auto-merge: is on", ui::green("✓"))),
                Some(Err(reason)) => ui::say(&format!("- auto-merge: {reason}")),
            }
            ui::print(format!("{}\n", pull.url));
        }
        Err(reason) => {
            ui::say(&format!("- pull request: {reason}"));
            ui::print(request.text());
        }
    }
    Ok(())
}

/// The pull request on the forge.
struct Opened {
    pull: PullRequest,
    done: Done,
    /// Whether auto-merge was turned on now, or why the forge does not. None if the settings do not ask for
    /// it.
    auto: Option<Result<bool, String>>,
    /// The numbers of older ones, which it replaces. They are closed.
    replaced: Vec<u64>,
}

/// Opens the pull request, or updates the open one, with its label, its status, and auto-merge.
fn open(forge: &Forge, request: &Request, auto_merge: bool) -> Result<Opened> {
    let Request { branch, base, title, body, commit, status, .. } = request;
    let draft = Draft { head: branch, base, title, body };
    let opened = || -> Result<Opened> {
        let (pull, done) = forge.pull_request(&draft)?;
        forge.add_label(&pull, LABEL, LABEL_COLOUR)?;
        forge.set_status(commit, STATUS, "success", status)?;
        let auto = match auto_merge {
            true => Some(forge.auto_merge(&pull, &draft, done == Done::Updated)?),
            false => None,
        };
        let replaced = forge.close_replaced(&draft, LABEL)?;
        Ok(Opened { pull, done, auto, replaced })
    };
    opened().map_err(|error| {
        let what = format!("{branch} is on the remote, but its pull request is not complete");
        with_next(error.context(what), "`cargo xtask promote` continues")
    })
}

fn done_word(done: Done) -> &'static str {
    match done {
        Done::Opened => "opened",
        Done::Updated => "updated",
        Done::Unchanged => "is up to date",
    }
}

fn branch_taken(branch: &str) -> anyhow::Error {
    let message = format!("{branch} is already on the remote, with commits other than a bump");
    Exit::Gate(vec![
        Finding::new("branch-taken", Level::Error, message)
            .help("merge its pull request, or delete the branch"),
    ])
    .into()
}
