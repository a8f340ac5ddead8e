//! Verifies a release as a user gets it: installs and pulls it from the registries into clean folders, and
//! compares it with the tag. Also the command `verify`.

use super::{Release, State, page, smoke, tag};
use crate::commands::image;
use crate::ecosystem::{Installed, Origin, PublishedFile};
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::tags;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::{parallel, retry, scratch, ui};
use anyhow::{Context, Result, anyhow, bail};
use semver::Version;

pub(crate) fn state(release: &Release) -> Result<State> {
    // `latest` moves after the verification, but files that were lost since are uploaded again.
    let uploads = ["publish", "image-push"].iter().any(|step| release.open.contains(step));
    if release.tag().is_some()
        && !uploads
        && let State::Done(evidence) = super::latest::state(release)?
    {
        return Ok(State::Done(format!("already verified: {evidence}")));
    }
    Ok(State::Todo)
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let tag = release.tag().cloned().context("the release has no tag")?;
    page::still_draft(release)?;
    // What this run has just uploaded may not be shown everywhere yet.
    let fresh = ["publish", "image-push"].iter().any(|step| release.open.contains(step));
    let lost = uploaded_again(release.app, &tag);
    Ok(verify(release.ctx, release.app, &release.version, &tag, fresh, &lost)?.join("; "))
}

/// `cargo xtask verify APP [VERSION]`
pub(crate) fn command(ctx: &Ctx, flags: &flags::Verify) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    let version = match &flags.version {
        Some(text) => {
            text.parse().map_err(|e| Exit::Usage(format!("{text:?} is not a SemVer version: {e}")))?
        }
        None => super::manifest_version(ctx, app, "HEAD")?,
    };
    let name = app.tag(&version);
    let tag = match tag::find(ctx, &name)? {
        tag::Found::Ours(tag) => tag,
        tag::Found::Foreign(commit) => {
            return Err(Exit::Gate(vec![tag::taken(ctx, app.name(), &name, &commit)]).into());
        }
        tag::Found::Nothing => {
            bail!("{version} is not released: the tag {name} is not on {}", ctx.endpoints.remote)
        }
    };
    let line = ui::begin(&format!("verify-{}", app.name()));
    let lost = match tags::on_remote(ctx, app)?.withdrawn.contains(&version) {
        true => format!("{name} was rolled back ({})", app.mark(&version)),
        false => uploaded_again(app, &tag),
    };
    match verify(ctx, app, &version, &tag, false, &lost) {
        Ok(evidence) => {
            line.end(ui::Outcome::Done(format!("{name} at {}", crate::sys::git::short(&tag.commit))));
            if ctx.json {
                ui::print(serde_json::json!({
                    "schema": 1,
                    "app": app.name(),
                    "version": version.to_string(),
                    "tag": name,
                    "commit": tag.commit,
                    "evidence": evidence,
                }));
            } else {
                evidence.iter().for_each(|e| ui::say(&format!("    {e}")));
            }
            Ok(())
        }
        Err(e) => {
            line.end(ui::Outcome::Failed("does not match the tag".into()));
            Err(e)
        }
    }
}

/// What to do about a file or an image that was lost.
fn uploaded_again(app: &App, tag: &tag::Tag) -> String {
    let commit = crate::sys::git::short(&tag.commit);
    format!("to upload it again: git switch --detach {commit} && cargo xtask release {}", app.name())
}

/// Verifies index and container registry in parallel. Returns lines of evidence: what was observed. `fresh`:
/// waits for what the servers do not show yet. `lost`: what to do about something that is not there.
pub(crate) fn verify(
    ctx: &Ctx,
    app: &App,
    version: &Version,
    tag: &tag::Tag,
    fresh: bool,
    lost: &str,
) -> Result<Vec<String>> {
    let (from_index, from_registry) = parallel::both(
        || verify_index(ctx, app, version, tag, fresh, lost),
        || verify_image(ctx, app, version, tag, fresh, lost),
    );
    let mut evidence = from_index?;
    evidence.extend(from_registry?);
    Ok(evidence)
}

/// Installs into a new folder, which is removed when the first value is dropped. `fresh`: waits until the
/// index shows the version to the installer too, which may get another cache's answer than xtask.
pub(super) fn installed(
    ctx: &Ctx,
    app: &App,
    origin: &Origin,
    fresh: bool,
) -> Result<(scratch::Place, Installed)> {
    let mut last = None;
    let found = retry::until_shown(&format!("{} to the installer", app.settings.package), || {
        let place = scratch::place()?;
        match app.settings.ecosystem.install(ctx, app, origin, &place.dir) {
            Ok(installed) => Ok(Some((place, installed))),
            Err(error) if fresh && retry::is_not_shown(&format!("{error:#}")) => {
                last = Some(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    })?;
    found.ok_or_else(|| last.unwrap_or_else(|| anyhow!("nothing installed")).context(retry::still_stale()))
}

fn verify_index(
    ctx: &Ctx,
    app: &App,
    version: &Version,
    tag: &tag::Tag,
    fresh: bool,
    lost: &str,
) -> Result<Vec<String>> {
    let ask = || app.settings.ecosystem.published(ctx, app, false, version);
    let all = |there: &[PublishedFile]| {
        tag.dist.iter().all(|(name, sha256)| there.iter().any(|p| p.is(name, sha256)))
    };
    let shown = match fresh {
        true => retry::until_shown(&format!("{} on the index", app.tag(version)), || {
            Ok(Some(ask()?).filter(|there| all(there)))
        })?,
        false => None,
    };
    let there = shown.map_or_else(ask, Ok)?;
    for (name, sha256) in &tag.dist {
        if !there.iter().any(|p| p.is(name, sha256)) {
            bail!("the tag names {name} with sha256 {sha256}, but the index does not have it; {lost}");
        }
    }
    if let Some(extra) = there.iter().find(|p| !tag.dist.iter().any(|(name, _)| *name == p.name)) {
        bail!(
            "the index has {}, which the tag does not name: somebody else has uploaded it; delete it on the \
             index, or withdraw the version: cargo xtask rollback {} {version}",
            extra.name,
            app.name()
        );
    }
    let sha256: Vec<&str> = tag.dist.iter().map(|(_, sha256)| sha256.as_str()).collect();
    let origin = Origin::Index { stage: false, version, sha256 };
    let (place, installed) = installed(ctx, app, &origin, fresh)?;
    let (_, served) = smoke::tried(ctx, app, &installed, version, &tag.commit, &place.dir)?;
    let package = &app.settings.package;
    let files: Vec<String> =
        tag.dist.iter().map(|(name, sha256)| format!("{name} {}…", &sha256[..12])).collect();
    let mut evidence =
        vec![format!("{package}=={version} installed, sha256 as in the tag: {}", files.join(", "))];
    evidence.extend(served.map(|served| format!("installed package: {served}")));
    Ok(evidence)
}

fn verify_image(
    ctx: &Ctx,
    app: &App,
    version: &Version,
    tag: &tag::Tag,
    fresh: bool,
    lost: &str,
) -> Result<Vec<String>> {
    let (Some(_), Some(wanted)) = (&app.settings.image, &tag.image) else { return Ok(Vec::new()) };
    let reference = format!("v{version}");
    let ask = || image::remote_digest(ctx, app, &reference);
    let has = match fresh {
        true => retry::until_shown(&format!("{reference} in the registry"), ask)?,
        false => ask()?,
    };
    match has {
        Some(has) if has == *wanted => {}
        Some(has) => bail!(
            "{reference} in the registry is {has}, but the tag names {wanted}: somebody has replaced the \
             image; withdraw the version: cargo xtask rollback {} {version}",
            app.name()
        ),
        None => bail!("the registry has no image {reference}; {lost}"),
    }
    let served = image::probe_pulled(
        ctx,
        app,
        &reference,
        &crate::checks::probe::expected(ctx, app, version, &tag.commit)?,
    )?;
    Ok(vec![format!("image {reference} is {wanted}, as in the tag"), format!("pulled image: {served}")])
}
