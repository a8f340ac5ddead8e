//! Builds, probes, pushes and pulls an app's image, for the command `image` and the steps of a release.

use crate::checks::probe::{Expect, probe};
use crate::finding::{Finding, Level};
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::workspace::{App, ImageSettings};
use crate::oci::push::pull as pull_image;
use crate::oci::reference::Reference;
use crate::oci::registry::Registry;
use crate::oci::store::Store;
use crate::oci::{Built, Recipe, base, build};
use crate::sys::exit::Exit;
use crate::sys::{scratch, ui};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;
use std::collections::BTreeMap;

pub(crate) mod engine;
pub(crate) mod run;

/// `sha-<7 hex>`, the tag that every image of a commit gets.
pub(crate) fn sha_tag(commit: &str) -> String {
    format!("sha-{}", crate::sys::git::short(commit))
}

/// Builds the image of a commit from the package file. `base_digest` pins the base image; without it the tag
/// of the base image is resolved now.
pub(crate) fn build_app(
    ctx: &Ctx,
    app: &App,
    commit: &str,
    version: &Version,
    file: &Utf8Path,
    base_digest: Option<&str>,
) -> Result<Built> {
    let settings = settings(app)?;
    let serve = app.settings.spec.as_ref().map(|spec| spec.serve.clone());
    let base = Reference::parse(&settings.base)?;
    // Before base::resolve, which contacts the registry.
    let layers = app.settings.ecosystem.image_layers(ctx, app, commit, file, &base)?;
    let recipe = Recipe {
        name: name(settings)?,
        version: version.to_string(),
        base: base::resolve(&base, base_digest, ctx.endpoints.registry.as_deref())?,
        platforms: settings
            .platforms
            .iter()
            .map(|p| crate::oci::spec::Platform::parse(p))
            .collect::<Result<_>>()?,
        created: ctx.git.commit_time(commit)?,
        labels: labels(ctx, commit, &licence(ctx, app, commit)),
        env: app.settings.ecosystem.image_env(),
        entrypoint: serve.with_context(|| {
            format!("{}/app.toml: [image] needs [spec] serve, the command that starts the server", app.dir)
        })?,
        port: crate::oci::PORT,
        layers,
    };
    if recipe.platforms.is_empty() {
        return Err(Exit::Usage(format!("{}/app.toml: [image] platforms is empty", app.dir)).into());
    }
    build(&recipe, &Store::cache()?, &folder(ctx, app, commit))
}

/// An image that another job has built into this folder, whose files were checked.
pub(crate) fn open(
    app: &App,
    layout: &Utf8Path,
    digest: &str,
    base_digest: &str,
    from: Option<&str>,
) -> Result<Built> {
    let from = from.map(Reference::parse).transpose()?;
    crate::oci::open(layout, name(settings(app)?)?, digest, base_digest, from)
}

/// Starts the built image if this machine can run it, and compares its answers with `expect`. Returns the
/// evidence in one line.
pub(crate) fn probe_built(_: &Ctx, _: &App, built: &Built, expect: &Expect) -> Result<String> {
    let others = checked_configs(built)?;
    let running = match run::start(built, &expect.health)? {
        run::Started::Running(running) => running,
        run::Started::OtherPlatform => {
            return Ok(format!(
                "not run: built for {others}, not this machine; only the configs were checked"
            ));
        }
        run::Started::NoEngine(why) => {
            return Ok(format!("NOT PROBED: {why}; only the configs were checked"));
        }
    };
    let evidence = probe(&running.base_url, expect)?;
    let engine = running.engine;
    let stopped = running.stop()?;
    let left =
        if others.is_empty() { String::new() } else { format!(", {others} not run here, config checked") };
    Ok(format!("{engine}: {evidence}, stopped in {:.1} s{left}", stopped.as_secs_f64()))
}

/// Pulls `version` (a tag or a digest) as a user does, and probes it. Returns the evidence in one line.
pub(crate) fn probe_pulled(ctx: &Ctx, app: &App, version: &str, expect: &Expect) -> Result<String> {
    let (registry, mut reference) = registry(ctx, app)?;
    match version.starts_with("sha256:") {
        true => reference.digest = Some(version.to_string()),
        false => reference.tag = Some(version.to_string()),
    }
    let temp = scratch::folder()?;
    let out = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let built = pull_image(&registry, &reference, &out.join("pulled"))?;
    let evidence = probe_built(ctx, app, &built, expect)?;
    Ok(format!("{version} pulled, {}: {evidence}", built.digest))
}

/// Pushes the blobs and manifests, and then the tags. Returns in one line what was uploaded.
pub(crate) fn push(ctx: &Ctx, app: &App, built: &Built, tags: &[String]) -> Result<String> {
    let (registry, _) = registry(ctx, app)?;
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    Ok(built.push(&registry, &tags)?.to_string())
}

/// The digest that a tag in the registry names. None if there is no such tag.
pub(crate) fn remote_digest(ctx: &Ctx, app: &App, tag: &str) -> Result<Option<String>> {
    let (registry, reference) = registry(ctx, app)?;
    registry.digest(&reference.repository, tag)
}

/// Adds a tag to an image in the registry.
pub(crate) fn retag(ctx: &Ctx, app: &App, digest: &str, tag: &str) -> Result<()> {
    let (registry, reference) = registry(ctx, app)?;
    crate::oci::push::retag(&registry, &reference.repository, digest, tag)
}

/// Checks that the registry would accept a push. Leaves nothing in the registry.
pub(crate) fn can_push(ctx: &Ctx, app: &App) -> Result<()> {
    let (registry, reference) = registry(ctx, app)?;
    registry.can_push(&reference.repository)
}

/// `cargo xtask image APP`
pub(crate) fn command(ctx: &Ctx, flags: &flags::Image) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    let commit = ctx.git.commit(&flags.commit)?;
    settings(app)?;
    if flags.push && !flags.dry_run {
        // Before the build, which takes minutes.
        can_push(ctx, app).map_err(|error| {
            let message = format!("cannot push to the container registry: {error:#}");
            Exit::Gate(vec![Finding::new("credentials", Level::Error, message).app(app.name())])
        })?;
    }
    let temp = scratch::folder()?;
    let out = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let manifest = app.dir.join(app.settings.ecosystem.manifest());
    let version = crate::model::manifest::read_text(
        app,
        &ctx.git.read(&["cat-file", "blob", &format!("{commit}:{manifest}")])?,
    )?;
    let files = step("build", || {
        let files = app.settings.ecosystem.build(ctx, app, &commit, out)?;
        let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
        Ok((names.join(", "), files))
    })?;
    let file = app.settings.ecosystem.installable(&files).context("the build produced no file to install")?;
    let built = step("image", || {
        let built = build_app(ctx, app, &commit, &version, &file.path, None)?;
        Ok((format!("{} on {}", built.digest, built.base_digest), built))
    })?;
    let expect = crate::checks::probe::expected(ctx, app, &version, &commit)?;
    let probed = step("probe", || {
        probe_built(ctx, app, &built, &expect).map(|evidence| (evidence.clone(), evidence))
    })?;
    let tags = tags(ctx, flags, &commit)?;
    let pushed = push_or_say(ctx, app, &built, &tags, flags)?;
    if ctx.json {
        let json = serde_json::json!({
            "schema": 1,
            "app": app.name(),
            "commit": commit,
            "digest": built.digest,
            "base": built.base_digest,
            "probe": probed,
            "tags": tags,
            "pushed": pushed,
            "registry": registry(ctx, app)?.0.host,
        });
        ui::print(json);
    } else {
        // The name with the registry that was pushed to, which XTASK_REGISTRY may have replaced.
        let name = if pushed { registry(ctx, app)?.1 } else { built.name.clone() };
        ui::print(format_args!("{name}@{}", built.digest));
    }
    Ok(())
}

/// Pushes the image with `--push`, or prints what would be pushed. True if something was pushed.
fn push_or_say(ctx: &Ctx, app: &App, built: &Built, tags: &[String], flags: &flags::Image) -> Result<bool> {
    if !flags.push {
        return Ok(false);
    }
    if flags.dry_run {
        let (registry, reference) = registry(ctx, app)?;
        for tag in tags {
            ui::say(&format!("would push {}:{tag} to {}", reference.repository, registry.host));
        }
        return Ok(false);
    }
    let (registry, _) = registry(ctx, app)?;
    step("push", || {
        push(ctx, app, built, tags)
            .map(|report| (format!("{} to {}: {report}", tags.join(", "), registry.host), true))
    })
}

/// The tags of a branch's image: the commit's tag, and on the development branch also `development`.
fn tags(ctx: &Ctx, flags: &flags::Image, commit: &str) -> Result<Vec<String>> {
    let mut tags = vec![sha_tag(commit)];
    let development = &ctx.ws.settings.development;
    if flags.push && ctx.git.branch()?.as_ref() == Some(development) && ctx.git.commit("HEAD")? == commit {
        tags.push("development".to_string());
    }
    Ok(tags)
}

fn step<T>(name: &str, work: impl FnOnce() -> Result<(String, T)>) -> Result<T> {
    let line = ui::begin(name);
    match work() {
        Ok((evidence, value)) => {
            line.end(ui::Outcome::Done(evidence));
            Ok(value)
        }
        Err(error) => {
            line.end(ui::Outcome::Failed(String::new()));
            Err(error)
        }
    }
}

fn settings(app: &App) -> Result<&ImageSettings> {
    app.settings
        .image
        .as_ref()
        .ok_or_else(|| Exit::Usage(format!("{}/app.toml has no [image]", app.dir)).into())
}

/// The image's name from the settings, with its own registry.
fn name(settings: &ImageSettings) -> Result<Reference> {
    let name = Reference::parse(&settings.name)?;
    match name.tag.is_some() || name.digest.is_some() {
        true => Err(Exit::Usage(format!(
            "[image] name = {:?} must have no tag or digest: releases and branches add their own tags",
            settings.name
        ))
        .into()),
        false => Ok(name),
    }
}

/// The registry and the name to push to and pull from.
fn registry(ctx: &Ctx, app: &App) -> Result<(Registry, Reference)> {
    let reference = name(settings(app)?)?.on(ctx.endpoints.registry.as_deref());
    Ok((Registry::of_releases(&reference, ctx.endpoints.loopback_only)?, reference))
}

/// The folder for the OCI layout of a commit's image.
fn folder(ctx: &Ctx, app: &App, commit: &str) -> Utf8PathBuf {
    ctx.ws.root.join("target/xtask/image").join(app.name()).join(commit.get(..10).unwrap_or(commit))
}

fn labels(ctx: &Ctx, commit: &str, licence: &Option<String>) -> BTreeMap<String, String> {
    let source = ctx.ws.settings.repository.clone();
    let pairs = [("source", source), ("revision", Some(commit.to_string())), ("licenses", licence.clone())];
    pairs
        .into_iter()
        .filter_map(|(key, value)| Some((format!("org.opencontainers.image.{key}"), value?)))
        .collect()
}

/// The SPDX expression in the app's manifest.
fn licence(ctx: &Ctx, app: &App, commit: &str) -> Option<String> {
    let manifest = app.dir.join(app.settings.ecosystem.manifest());
    let text = ctx.git.read(&["cat-file", "blob", &format!("{commit}:{manifest}")]).ok()?;
    app.settings.ecosystem.licence(&text)
}

/// Checks the configs of the platforms that this machine cannot run. Returns their names.
fn checked_configs(built: &Built) -> Result<String> {
    let here = crate::oci::spec::Platform::here();
    let mut names = Vec::new();
    for part in built.platforms.iter().filter(|p| !here.matches(&p.platform)) {
        let config = built.config(part)?;
        if config.config.entrypoint.is_empty()
            || config.config.user != crate::oci::USER
            || config.rootfs.diff_ids.len() != part.layers.len()
        {
            bail!("the config for {} lacks its entrypoint, its user or a layer", part.platform);
        }
        names.push(part.platform.to_string());
    }
    Ok(names.join(", "))
}

#[cfg(test)]
mod tests;
