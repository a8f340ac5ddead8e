//! Verifies a release as a user gets it: installs and pulls it from the registries into clean folders, and
//! compares it with the tag. Also the command `verify`.

use super::{Release, State, smoke, tag};
use crate::commands::image;
use crate::ecosystem::Origin;
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::{parallel, scratch, ui};
use anyhow::{Context, Result, bail};
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
    Ok(verify(release.ctx, release.app, &release.version, &tag)?.join("; "))
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
    match verify(ctx, app, &version, &tag) {
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

/// Verifies index and container registry in parallel. Returns lines of evidence: what was observed.
pub(crate) fn verify(ctx: &Ctx, app: &App, version: &Version, tag: &tag::Tag) -> Result<Vec<String>> {
    let (from_index, from_registry) =
        parallel::both(|| verify_index(ctx, app, version, tag), || verify_image(ctx, app, version, tag));
    let mut evidence = from_index?;
    evidence.extend(from_registry?);
    Ok(evidence)
}

fn verify_index(ctx: &Ctx, app: &App, version: &Version, tag: &tag::Tag) -> Result<Vec<String>> {
    let there = app.settings.ecosystem.published(ctx, app, false, version)?;
    for (name, sha256) in &tag.dist {
        if !there.iter().any(|p| p.is(name, sha256)) {
            bail!(
                "the tag names {name} with sha256 {sha256}, but the index does not have it; a file that was \
                 lost is uploaded again by: git switch --detach {} && cargo xtask release {}",
                crate::sys::git::short(&tag.commit),
                app.name()
            );
        }
    }
    if let Some(extra) = there.iter().find(|p| !tag.dist.iter().any(|(name, _)| *name == p.name)) {
        bail!("the index has {}, which the tag does not name", extra.name);
    }
    let place = scratch::place()?;
    let dir = &place.dir;
    let sha256: Vec<&str> = tag.dist.iter().map(|(_, sha256)| sha256.as_str()).collect();
    let installed =
        app.settings.ecosystem.install(ctx, app, &Origin::Index { stage: false, version, sha256 }, dir)?;
    let (_, served) = smoke::tried(ctx, app, &installed, version, &tag.commit, dir)?;
    let package = &app.settings.package;
    let files: Vec<String> =
        tag.dist.iter().map(|(name, sha256)| format!("{name} {}…", &sha256[..12])).collect();
    let mut evidence =
        vec![format!("{package}=={version} installed, sha256 as in the tag: {}", files.join(", "))];
    evidence.extend(served.map(|served| format!("installed package: {served}")));
    Ok(evidence)
}

fn verify_image(ctx: &Ctx, app: &App, version: &Version, tag: &tag::Tag) -> Result<Vec<String>> {
    let (Some(_), Some(wanted)) = (&app.settings.image, &tag.image) else { return Ok(Vec::new()) };
    let reference = format!("v{version}");
    match image::remote_digest(ctx, app, &reference)? {
        Some(has) if has == *wanted => {}
        Some(has) => bail!("{reference} in the registry is {has}, but the tag names {wanted}"),
        None => bail!(
            "the registry has no image {reference}; it is pushed again by: git switch --detach {} && \
             cargo xtask release {}",
            crate::sys::git::short(&tag.commit),
            app.name()
        ),
    }
    let served = image::probe_pulled(
        ctx,
        app,
        &reference,
        &crate::checks::probe::expected(ctx, app, version, &tag.commit)?,
    )?;
    Ok(vec![format!("image {reference} is {wanted}, as in the tag"), format!("pulled image: {served}")])
}
