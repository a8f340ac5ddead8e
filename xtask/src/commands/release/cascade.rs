//! Tells the downstream repositories of the settings about a release. A failure is a warning: what is
//! published stays published, and a second run tries again. A commit status on the released commit records
//! each repository that was told. It is written before and after, so a repository may be told twice if a run
//! was interrupted between; the second run says so.

use super::{Release, State, latest};
use crate::finding::{Finding, Level};
use crate::forge::{Forge, Notice, Status};
use crate::model::workspace::Downstream;
use crate::sys::hash::sha256;
use crate::sys::ui;
use anyhow::Result;
use serde_json::{Value, json};

pub(crate) fn state(release: &Release) -> Result<State> {
    let downstream = &release.ctx.ws.settings.downstream;
    if downstream.is_empty() {
        return Ok(State::Skip("no downstream repository in the settings".into()));
    }
    let forge = match Forge::connect(release.ctx)? {
        Ok(forge) => forge,
        Err(reason) => return Ok(State::Skip(reason)),
    };
    if !Forge::may_dispatch() {
        return Ok(State::Skip("not set up: DISPATCH_TOKEN".into()));
    }
    if !release.version.pre.is_empty() {
        return Ok(State::Skip(format!("{} is a pre-release", release.version)));
    }
    if release.tag().is_none() {
        return Ok(State::Todo);
    }
    // A status that cannot be read must not stop the release: `run` reports it.
    let statuses = forge.statuses(&release.commit).unwrap_or_default();
    if downstream.iter().any(|one| told(release, one, &statuses) != Told::Yes) {
        return Ok(State::Todo);
    }
    Ok(State::Done(format!("{} told", names(downstream))))
}

/// Whether a repository was told, as the commit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    No,
    /// A run was interrupted while it told it.
    Perhaps,
    Yes,
}

fn told(release: &Release, one: &Downstream, statuses: &[Status]) -> Told {
    let context = context(release, one);
    match statuses.iter().find(|status| status.context == context).map(|status| status.state.as_str()) {
        Some("success") => Told::Yes,
        Some(_) => Told::Perhaps,
        None => Told::No,
    }
}

/// The name of the commit status. Several apps may be released from one commit.
fn context(release: &Release, one: &Downstream) -> String {
    format!("xtask/cascade/{}/{}", release.app.name(), one.repository)
}

fn names(downstream: &[Downstream]) -> String {
    downstream.iter().map(|one| one.repository.as_str()).collect::<Vec<_>>().join(", ")
}

pub(crate) fn preview(release: &Release) -> Vec<String> {
    let what = |one: &Downstream| match &one.workflow {
        Some(file) => format!("start {file} on {} of {}", one.branch, one.repository),
        None => format!("send an event to {}", one.repository),
    };
    release.ctx.ws.settings.downstream.iter().map(what).collect()
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let forge = Forge::connect(release.ctx)?.map_err(anyhow::Error::msg)?;
    let downstream = &release.ctx.ws.settings.downstream;
    let mut done = Vec::new();
    let mut failed = Vec::new();
    let statuses = match forge.statuses(&release.commit) {
        Ok(statuses) => statuses,
        Err(error) => {
            failed.push(format!("{} was not told: {error:#}", names(downstream)));
            Vec::new()
        }
    };
    if failed.is_empty() {
        let notice = notice(release)?;
        for one in downstream {
            match told(release, one, &statuses) {
                Told::Yes => done.push(format!("{} was told before", one.repository)),
                before => match tell(release, &forge, one, &notice, before) {
                    Ok(text) => done.push(text),
                    Err(error) => failed.push(format!("{} was not told: {error:#}", one.repository)),
                },
            }
        }
    }
    for message in &failed {
        let app = release.app.name();
        let message = format!("{} is released, but {message}", release.tag_name);
        let help = format!("tell it again: cargo xtask release {app}");
        let finding = Finding::new("cascade-failed", Level::Warning, message).app(app).help(help);
        ui::finding(&finding);
        release.leave(format!("tell downstream repositories again: cargo xtask release {app}"));
    }
    if done.is_empty() {
        return Ok(format!("not told, see the warning: {}", names(downstream)));
    }
    Ok(done.join("; "))
}

fn tell(release: &Release, forge: &Forge, one: &Downstream, notice: &Value, before: Told) -> Result<String> {
    let (context, commit) = (context(release, one), &release.commit);
    let told =
        Notice { app: release.app.name(), version: &release.version.to_string(), release: notice.clone() };
    let recorded =
        forge.set_status(commit, &context, "pending", &format!("{} is being told", one.repository));
    forge.dispatch(&one.repository, one.workflow.as_deref(), &one.branch, &told)?;
    let text = format!("{} was told of {}", one.repository, release.tag_name);
    let recorded = recorded.and_then(|()| forge.set_status(commit, &context, "success", &text));
    let mut text = match before {
        Told::Perhaps => format!("{text}, perhaps for the second time"),
        _ => text,
    };
    if let Err(error) = recorded {
        let root = error.root_cause();
        text = format!("{text}; not recorded, so the next run tells it again: {root}");
    }
    Ok(text)
}

/// The release as JSON.
pub(super) fn notice(release: &Release) -> Result<Value> {
    let (app, tag) = (release.app, release.tag());
    let settings = &app.settings;
    let hash = |file: Option<&str>| -> Result<Option<String>> {
        file.map(|file| Ok(format!("sha256:{}", sha256(release.committed(file)?)))).transpose()
    };
    let files: serde_json::Map<String, Value> = tag
        .iter()
        .flat_map(|tag| &tag.dist)
        .map(|(name, sha256)| (name.clone(), format!("sha256:{sha256}").into()))
        .collect();
    let image = settings.image.as_ref().zip(tag.and_then(|tag| tag.image.as_ref()));
    Ok(json!({
        "app": app.name(),
        "version": release.version.to_string(),
        "package": settings.package,
        "tag": release.tag_name,
        "commit": release.commit,
        "index": settings.ecosystem.index(&release.ctx.endpoints),
        "files": files,
        "image": image.map(|(image, digest)| format!("{}@{digest}", image.name)),
        "spec": hash(settings.spec.as_ref().map(|spec| spec.file.as_str()))?,
        "compat": hash(settings.compat.as_ref().map(|compat| compat.file.as_str()))?,
        "newest": release.version.pre.is_empty() && latest::newer_release(release)?.is_none(),
    }))
}
