//! What a rehearsal has shown: the success criteria of a release, each with what the registries and the
//! remote say now.

use super::steps::{self, Took, shorter};
use super::walk::acts::PLANNED;
use super::walk::{Released, Walked};
use super::{Rehearsal, undo};
use crate::commands::image;
use crate::commands::release::tag;
use crate::flags::{EndpointFlags, Part};
use crate::model::ctx::Ctx;
use crate::model::endpoints::Endpoints;
use crate::model::workspace::{App, Workspace};
use crate::sys::git::{Git, short};
use crate::sys::ui;
use crate::sys::ui::report::plural;
use anyhow::{Context, Result, bail};
use semver::Version;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a rehearsal cannot check, because only the real services know it.
const NOT_HERE: &[&str] = &[
    "whether the names on PyPI, TestPyPI and the container registry are ours",
    "the real tokens, and OIDC (trusted publishing and signing)",
    "the visibility of a new package: a first push to GHCR makes a private one",
    "rate limits, and how long an index takes to show a file",
    "the forge's own settings: protected branches, required checks, secrets",
];

/// Where the report is kept as JSON until the next rehearsal, from the root.
pub(super) const REPORT: &str = "target/rehearsal/report.json";

#[derive(Serialize)]
pub(super) struct Criterion {
    pub criterion: String,
    /// What was seen; None where it was not rehearsed.
    pub seen: Option<String>,
    /// `python v0.0.1`; None for what concerns the whole rehearsal.
    pub release: Option<String>,
    /// Its short name, for the line of its release.
    #[serde(skip)]
    short: &'static str,
}

#[derive(Serialize)]
pub(super) struct Report {
    pub criteria: Vec<Criterion>,
    pub steps: Vec<Took>,
    pub seconds: f64,
    /// Left out by `--without`.
    pub left_out: Vec<String>,
    pub not_rehearsable: Vec<String>,
}

/// Asks the world once more; an error where it does not say what it should.
pub(super) fn make(rehearsal: &Rehearsal, walked: &Walked, began: Instant) -> Result<Report> {
    let ctx = outside(rehearsal, walked)?;
    let mut criteria = Vec::new();
    for released in &walked.releases {
        for (name, version) in &released.versions {
            let app = ctx.ws.app(name)?;
            criteria.extend(
                of_release(&ctx, rehearsal, walked, app, released, version)
                    .with_context(|| format!("{name} v{version}"))?,
            );
        }
    }
    criteria.extend(of_the_whole(rehearsal, walked)?);
    // Last, because it takes back what the other criteria are about.
    criteria.extend(
        undo::roll_back(&ctx, rehearsal, walked)?.into_iter().map(|(criterion, seen)| Criterion {
            criterion,
            seen: Some(seen),
            release: None,
            short: "",
        }),
    );
    let mut left_out = Vec::new();
    for (part, what) in [(Part::Image, "image"), (Part::Hotfix, "hotfix")] {
        if rehearsal.without(part) {
            left_out.push(what.to_string());
        }
    }
    let mut not_rehearsable: Vec<String> = NOT_HERE.iter().map(|what| what.to_string()).collect();
    not_rehearsable.extend(other_platforms(&rehearsal.apps));
    if let Some(Err(reason)) = &walked.on_runner {
        not_rehearsable.push(format!("the workflow on Gitea's runner: {reason}"));
    }
    Ok(Report {
        criteria,
        steps: rehearsal.steps.took(),
        seconds: began.elapsed().as_secs_f64(),
        left_out,
        not_rehearsable,
    })
}

/// Images that are built here and run elsewhere.
fn other_platforms(apps: &[&App]) -> Option<String> {
    let here = format!("linux/{}", if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" });
    let mut others: Vec<&str> = apps
        .iter()
        .filter_map(|a| a.settings.image.as_ref())
        .flat_map(|i| &i.platforms)
        .map(String::as_str)
        .collect();
    others.retain(|platform| *platform != here);
    others.dedup();
    (!others.is_empty()).then(|| {
        format!("running the images for {}: only their configuration was checked", others.join(", "))
    })
}

/// The developer's clone and the world's endpoints, to ask with the release's own functions.
fn outside(rehearsal: &Rehearsal, walked: &Walked) -> Result<Ctx> {
    let world = &rehearsal.world;
    let mut flags = EndpointFlags { loopback_only: true, ..Default::default() };
    for (name, value) in world.endpoints() {
        match name.as_str() {
            "XTASK_REMOTE" => flags.remote = Some(value),
            "XTASK_PYPI" => flags.pypi = Some(value),
            "XTASK_PYPI_UPLOAD" => flags.pypi_upload = Some(value),
            "XTASK_TESTPYPI" => flags.testpypi = Some(value),
            "XTASK_TESTPYPI_UPLOAD" => flags.testpypi_upload = Some(value),
            "XTASK_NPM" => flags.npm = Some(value),
            "XTASK_REGISTRY" => flags.registry = Some(value),
            "XTASK_FORGE" => flags.forge_api = Some(value),
            _ => {}
        }
    }
    let ws = Workspace::load(Some(&walked.developer.git.dir))?;
    Ok(Ctx { git: Git::new(&ws.root), ws, endpoints: Endpoints::from_flags(&flags)?, json: false })
}

fn of_release(
    ctx: &Ctx,
    rehearsal: &Rehearsal,
    walked: &Walked,
    app: &App,
    released: &Released,
    version: &Version,
) -> Result<Vec<Criterion>> {
    let tag_name = &app.tag(version);
    let remote = &rehearsal.world.remote.git;
    let settings = &ctx.ws.settings;
    let mut list = Vec::new();
    let release = format!("{} v{version}", app.name());
    let mut seen = |short: &'static str, criterion: String, seen: String| {
        list.push(Criterion { criterion, seen: Some(seen), release: Some(release.clone()), short })
    };
    let images = rehearsal.world.registry.is_some() && app.settings.image.is_some();
    let digest = |tag: &str| -> Result<String> {
        image::remote_digest(ctx, app, tag)?.with_context(|| format!("the registry has no image {tag}"))
    };
    let merged = |number: u32, commit: &str| -> Result<String> {
        let parents = remote.read(&["show", "-s", "--format=%P", commit])?.split_whitespace().count();
        let subject = remote.read(&["show", "-s", "--format=%s", commit])?;
        if parents != 1 || !subject.ends_with(&format!("(#{number})")) {
            bail!("{commit} is not the squash of pull request {number}: {subject}");
        }
        Ok(format!("{} {subject:?}", short(commit)))
    };
    if let Some((number, commit)) = &released.development {
        if images {
            let tag = image::sha_tag(&released.pushed);
            let criterion = format!("{tag_name}: the branch's push built an image");
            seen("the branch's image", criterion, format!("{tag} {}", digest(&tag)?));
        }
        seen(
            "pull request",
            format!("{tag_name}: pull request to {} passed and merged cleanly", settings.development),
            merged(*number, commit)?,
        );
        if images {
            let tag = image::sha_tag(commit);
            let digest = digest(&tag)?;
            seen(
                "development's image",
                format!("{tag_name}: {} built an image", settings.development),
                format!("{}, {tag} {digest}", settings.development),
            );
        }
    }
    let commit = &released.commit;
    if let Some(number) = released.promotion {
        seen(
            "promotion",
            format!("{tag_name}: pull request to {} passed and merged cleanly", settings.main),
            merged(number, commit)?,
        );
    }
    let tag::Found::Ours(tag) = tag::find(ctx, tag_name)? else {
        bail!("the remote has no tag {tag_name} that this tool created")
    };
    if tag.commit != *commit {
        bail!("{tag_name} names {}, not {commit} of the main branch", tag.commit);
    }
    seen(
        "tag",
        format!("git tag {tag_name}"),
        format!("{} names {}, from {}", short(&tag.object), short(&tag.commit), short(&tag.source_commit)),
    );
    let files = app.settings.ecosystem.published(ctx, app, false, version)?;
    for (name, sha256) in &tag.dist {
        if !files.iter().any(|f| f.is(name, sha256)) {
            bail!("the index has no {name} with the tag's hash");
        }
    }
    let files: Vec<String> =
        tag.dist.iter().map(|(name, sha)| format!("{name} sha256:{}…", &sha[..12])).collect();
    seen("package", format!("{}=={version} published", app.settings.package), files.join(", "));
    if images {
        let (v, sha) = (format!("v{version}"), image::sha_tag(commit));
        let (a, b) = (digest(&v)?, digest(&sha)?);
        if a != b || tag.image.as_deref() != Some(&a) {
            bail!("{v} is {a}, {sha} is {b}, the tag names {:?}", tag.image);
        }
        seen("image", format!("image tagged {v} and {sha}"), a);
    }
    let changelog = remote.read(&["show", &format!("{commit}:CHANGELOG.md")])?;
    let heading = changelog
        .lines()
        .find(|l| l.starts_with(&format!("## [{tag_name}]")))
        .context("CHANGELOG.md has no section for this version")?;
    seen("changelog", format!("CHANGELOG.md has {tag_name}"), heading.to_string());
    let page = rehearsal.world.page_files(tag_name)?.context("the forge has no public release page")?;
    for file in &tag.dist {
        if !page.contains(file) {
            let name = &file.0;
            bail!("the release page has no {name} with the tag's hash");
        }
    }
    seen(
        "release page",
        format!("release page {tag_name}"),
        format!("public, {}, hashes as in the tag", plural(page.len(), "file")),
    );
    let told = rehearsal.world.told(app.name(), &version.to_string(), commit)?;
    if told != 1 {
        bail!("the downstream repository was told {told} times");
    }
    seen("downstream told", format!("{tag_name}: downstream repository told"), "once".to_string());
    let verified = walked
        .verified
        .iter()
        .find(|v| v.app == app.name() && v.version == *version)
        .context("it was not verified")?;
    for evidence in &verified.evidence {
        seen("installed and run", format!("{tag_name} from the registries"), evidence.clone());
    }
    Ok(list)
}

fn of_the_whole(rehearsal: &Rehearsal, walked: &Walked) -> Result<Vec<Criterion>> {
    let ctx = outside(rehearsal, walked)?;
    let mut list = Vec::new();
    let of_all = |criterion: &str, seen: Option<String>| Criterion {
        criterion: criterion.to_string(),
        seen,
        release: None,
        short: "",
    };
    let seen = |criterion: &str, seen: String| of_all(criterion, Some(seen));
    let hooks = walked.developer.hooks()?;
    let fired = |name: &str| hooks.get(name).copied().unwrap_or_default();
    let (commit, push) = (fired("pre-commit"), fired("pre-push"));
    let installed = ctx.ws.root.join("lefthook.yml").exists();
    let missing = commit.passed < walked.commits.max(1) || push.passed < walked.pushes;
    if installed && (missing || commit.stopped + push.stopped > 0) {
        bail!(
            "the hooks did not fire at every commit and push: \
             pre-commit {commit:?}, pre-push {push:?}, {} pushes",
            walked.pushes
        );
    }
    let fired = format!("pre-commit {}x, pre-push {}x, none failed", commit.passed, push.passed);
    list.push(match installed {
        true => seen("hooks fired at every commit and push", fired),
        false => seen("git hooks", "none: the repository has no lefthook.yml".to_string()),
    });
    for app in &rehearsal.apps {
        let newest = walked
            .releases
            .iter()
            .rev()
            .find_map(|r| Some(&r.versions.iter().find(|(name, _)| name == app.name())?.1));
        let Some(newest) =
            newest.filter(|_| rehearsal.world.registry.is_some() && app.settings.image.is_some())
        else {
            continue;
        };
        let (latest, wanted) = (
            image::remote_digest(&ctx, app, "latest")?,
            image::remote_digest(&ctx, app, &format!("v{newest}"))?,
        );
        if latest.is_none() || latest != wanted {
            bail!("latest is {latest:?}, v{newest} is {wanted:?}");
        }
        list.push(seen(&format!("image latest is v{newest} of {}", app.name()), latest.unwrap_or_default()));
    }
    if let Some(refused) = &walked.refused {
        list.push(seen("a promotion that loses a hotfix is refused", format!("exit code 3: {refused}")));
    }
    for app in &rehearsal.apps {
        list.push(seen(
            &format!("evidence for the version of {}", app.name()),
            planned(&rehearsal.steps.took(), app.name())?,
        ));
    }
    for (app, said) in &walked.gates {
        list.push(seen(&format!("an undeclared break of {app} is refused"), said.clone()));
    }
    if let Some(said) = &walked.lost {
        list.push(seen("a feature that a squash loses is found", said.clone()));
    }
    if let Some(Ok(said)) = &walked.on_runner {
        list.push(seen("Gitea's runner checks a pull request", said.clone()));
    }
    let comments = rehearsal.world.comments()?;
    if comments.0 == 0 || comments.0 != comments.1 {
        bail!("the lint jobs left {} comments on {} pull requests", comments.0, comments.1);
    }
    list.push(seen("one comment on each pull request", format!("on {}", plural(comments.0, "pull request"))));
    if rehearsal.without(Part::Image) {
        list.push(of_all("container images", None));
    }
    if rehearsal.without(Part::Hotfix) {
        list.push(of_all("a hotfix between two releases", None));
    }
    let jobs =
        rehearsal.steps.took().iter().filter(|t| t.step.starts_with("ci ") && !t.step.contains("--")).count();
    list.push(seen(
        "no manual intervention",
        format!("{jobs} jobs passed at their first run, each in a fresh clone"),
    ));
    Ok(list)
}

/// What the last pull request's job said of the app's next version.
fn planned(steps: &[Took], app: &str) -> Result<String> {
    let of_app = format!("release of {app} ");
    let said = steps
        .iter()
        .rev()
        .flat_map(|took| took.seen.split("; "))
        .find(|part| part.starts_with(PLANNED) && part.contains(&of_app));
    let said =
        said.with_context(|| format!("no lint job printed the next version of {app} and its reasons"))?;
    Ok(said.trim_start_matches(PLANNED).to_string())
}

impl Report {
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "schema": 1, "report": self })
    }

    /// A page: one line for each release and for each criterion of the whole. `to_json` has all that was
    /// seen.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![String::new(), ui::bold("Success criteria")];
        let (of_releases, of_all): (Vec<&Criterion>, Vec<&Criterion>) =
            self.criteria.iter().partition(|c| c.release.is_some());
        let mut rows: Vec<(&str, Option<String>)> = Vec::new();
        for group in of_releases.chunk_by(|a, b| a.release == b.release) {
            let mut parts: Vec<&str> = group.iter().map(|c| c.short).collect();
            parts.dedup();
            rows.push((group[0].release.as_deref().unwrap_or_default(), Some(parts.join(", "))));
        }
        rows.extend(of_all.iter().map(|c| (c.criterion.as_str(), c.seen.as_deref().map(shorter))));
        let width = rows.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
        for (what, seen) in rows {
            let (mark, seen) = match seen {
                Some(seen) => (ui::green("✓"), seen),
                None => (ui::yellow("-"), "NOT REHEARSED: left out as asked".to_string()),
            };
            lines.push(ui::report_line(format!("  {mark} {what:<width$}  {seen}")));
        }
        lines.extend([String::new(), ui::bold("Where the time went (steps run side by side)")]);
        for (kind, spent) in steps::by_kind(&self.steps).iter().take(12) {
            lines.push(format!("  {:>12}  {kind}", ui::duration(*spent)));
        }
        lines.push(format!(
            "  {:>12}  from start to end",
            ui::duration(Duration::from_secs_f64(self.seconds))
        ));
        lines.extend([String::new(), ui::bold("Cannot be rehearsed on this machine")]);
        lines.extend(self.not_rehearsable.iter().map(|what| format!("  - {what}")));
        lines.extend([String::new(), format!("Everything that was seen: {REPORT}")]);
        lines.join("\n")
    }
}
