//! A release: the table of its steps and what they share. There is no state file: each step asks the world
//! whether it is done.

use crate::commands::{bump, plan};
use crate::ecosystem::DistFile;
use crate::finding::Finding;
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::model::{dry_run, manifest};
use crate::oci::Built;
use crate::sys::exit::Exit;
use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use semver::Version;
use std::sync::OnceLock;

pub mod build;
pub mod fault;
pub mod image_step;
pub mod latest;
pub mod not_set_up;
pub mod preflight;
pub mod publish;
pub mod push;
pub mod smoke;
pub mod stage;
pub mod tag;
pub mod verify;
mod walk;

/// What the world says of a step.
pub enum State {
    Todo,
    /// With what was seen.
    Done(String),
    /// Nothing to do here, and why.
    Skip(String),
    /// The world holds something else under this name.
    Conflict(Finding),
}

pub struct Step {
    pub name: &'static str,
    about: &'static str,
    /// Does it change anything outside this machine's target folder?
    outward: bool,
    state: fn(&Release) -> Result<State>,
    run: fn(&Release) -> Result<String>,
    /// The outward actions, as a dry run prints them.
    preview: fn(&Release) -> Vec<String>,
}

const fn local(
    name: &'static str,
    about: &'static str,
    state: fn(&Release) -> Result<State>,
    run: fn(&Release) -> Result<String>,
) -> Step {
    Step { name, about, outward: false, state, run, preview: |_| Vec::new() }
}

/// Reversible first, public last.
pub const STEPS: &[Step] = &[
    local(
        "preflight",
        "tree, branch, gates, checks, credentials: all failures at once",
        preflight::state,
        preflight::run,
    ),
    local(
        "build",
        "what is published, from git archive of the commit; reproducible",
        build::state,
        build::run,
    ),
    local("smoke", "the built file in a clean environment: versions, server, spec", smoke::state, smoke::run),
    local("image", "the container image around the same file; probed", image_step::state, image_step::run),
    Step {
        name: "stage",
        about: "the staging index, and an installation from there",
        outward: true,
        state: stage::state,
        run: stage::run,
        preview: stage::preview,
    },
    Step {
        name: "tag",
        about: "the annotated tag with every hash; one of two racing runs wins",
        outward: true,
        state: tag::state,
        run: tag::run,
        preview: tag::preview,
    },
    Step {
        name: "page-draft",
        about: "the forge's draft release receives the files",
        outward: true,
        state: not_set_up::state,
        run: not_set_up::run,
        preview: |_| Vec::new(),
    },
    Step {
        name: "publish",
        about: "the index that users install from",
        outward: true,
        state: publish::state,
        run: publish::run,
        preview: publish::preview,
    },
    Step {
        name: "image-push",
        about: "the image as vX.Y.Z and sha-<7 hex>",
        outward: true,
        state: push::state,
        run: push::run,
        preview: push::preview,
    },
    local(
        "verify",
        "install, pull and run what the registries serve, against the tag",
        verify::state,
        verify::run,
    ),
    Step {
        name: "latest",
        about: "moves last, never backwards, never to a pre-release",
        outward: true,
        state: latest::state,
        run: latest::run,
        preview: latest::preview,
    },
    Step {
        name: "page",
        about: "the release's page becomes public",
        outward: true,
        state: not_set_up::state,
        run: not_set_up::run,
        preview: |_| Vec::new(),
    },
    Step {
        name: "cascade",
        about: "downstream repositories hear of it",
        outward: true,
        state: not_set_up::state,
        run: not_set_up::run,
        preview: |_| Vec::new(),
    },
];

/// For `cargo xtask help release`.
pub fn steps_help() -> String {
    let rows: String = STEPS.iter().map(|s| format!("  {:<11} {}\n", s.name, s.about)).collect();
    format!(
        "Steps, in order:\n{rows}\n\
         Each step first asks the registries, the remote and the tag whether it is done. So a release\n\
         that was broken off, even by a killed process, is finished by the same command on any machine.\n\
         Exit code 4: nothing is left to release."
    )
}

/// A release under way: what the steps share.
pub struct Release<'a> {
    pub ctx: &'a Ctx,
    pub app: &'a App,
    pub version: Version,
    pub tag_name: String,
    /// The commit that is released: the tag's where there is one, HEAD otherwise.
    pub commit: String,
    /// The development commit with the same trees.
    pub source_commit: String,
    /// The branch that is pushed together with the tag; None where the commit is on the remote already.
    pub branch: Option<String>,
    /// Outward steps that were not done when the run began.
    pub open: Vec<&'static str>,
    /// Then what is said of a step has the app's name in it.
    pub one_of_several: bool,
    /// Files that a step leaves for the next one, below `target/`.
    pub work: Utf8PathBuf,
    tag: OnceLock<tag::Tag>,
    dist: OnceLock<Vec<DistFile>>,
    image: OnceLock<Built>,
}

impl Release<'_> {
    /// `python v0.0.1`
    pub fn title(&self) -> String {
        format!("{} v{}", self.app.name(), self.version)
    }
    /// Ours, on the remote: found there, or pushed by this run.
    pub fn tag(&self) -> Option<&tag::Tag> {
        self.tag.get()
    }
    /// What this run has built; empty before the build.
    pub fn dist(&self) -> &[DistFile] {
        self.dist.get().map(Vec::as_slice).unwrap_or_default()
    }
    /// What this run has built.
    pub fn image(&self) -> Option<&Built> {
        self.image.get()
    }
}

/// `cargo xtask release`
pub fn command(ctx: &Ctx, flags: &flags::Release) -> Result<()> {
    let until = flags.until.as_deref().map(step_name).transpose()?;
    let fault = fault::Faults::parse(&flags.fault)?;
    let apps = if flags.all { waiting(ctx, flags.bump)? } else { ctx.ws.select(&flags.apps)? };
    if apps.is_empty() {
        return Err(Exit::Nothing("nothing to release: no app has a version to release".into()).into());
    }
    if !flags.dry_run {
        let branch = bump_first(ctx, &apps, flags.bump)?;
        return walk::through(ctx, &apps, branch, until, &fault);
    }
    dry_run::in_clone(ctx, |clone| {
        let branch = bump_first(clone, &apps, flags.bump)?;
        let mut nothing = Vec::new();
        for app in &apps {
            match walk::dry(clone, app, branch.clone()).map_err(|e| e.downcast::<Exit>()) {
                Ok(()) => {}
                Err(Ok(Exit::Nothing(text))) => nothing.push(text),
                Err(Ok(exit)) => return Err(exit.into()),
                Err(Err(e)) => return Err(e),
            }
        }
        if nothing.len() == apps.len() { Err(Exit::Nothing(nothing.join("\n")).into()) } else { Ok(()) }
    })
}

/// `cargo xtask tag APP`, `cargo xtask publish APP`: the release up to that step.
pub fn step_command(ctx: &Ctx, flags: &flags::Step, step: &'static str) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    if step == "publish" {
        let version = manifest_version(ctx, app, "HEAD")?;
        if !matches!(tag::find(ctx, &app.tag(&version))?, tag::Found::Ours(_)) {
            let name = app.tag(&version);
            let finding = Finding::new(
                "no-tag",
                crate::finding::Level::Error,
                format!("{name} is not on {}: nothing is published without its tag", ctx.endpoints.remote),
            );
            return Err(Exit::Gate(vec![
                finding.app(app.name()).help(format!("cargo xtask tag {}", app.name())),
            ])
            .into());
        }
    }
    match flags.dry_run {
        true => dry_run::in_clone(ctx, |clone| walk::dry(clone, app, None)),
        false => walk::through(ctx, &[app], None, Some(step), &fault::Faults::default()),
    }
}

/// With `--bump`: each app's bump in a commit on this branch, which is pushed together with the tags.
fn bump_first(ctx: &Ctx, apps: &[&App], wanted: bool) -> Result<Option<String>> {
    if !wanted {
        return Ok(None);
    }
    for app in apps {
        bump::bump(ctx, &flags::Bump { app: app.name().to_string(), ..Default::default() })?;
    }
    Ok(Some(ctx.ws.settings.main.clone()))
}

fn step_name(name: &str) -> Result<&'static str> {
    let names: Vec<&'static str> = STEPS.iter().map(|s| s.name).collect();
    names.iter().find(|n| **n == name).copied().ok_or_else(|| {
        let near = crate::model::workspace::nearest(name, &names)
            .map(|n| format!("; did you mean {n:?}?"))
            .unwrap_or_default();
        Exit::Usage(format!("no step {name:?} (there are: {}){near}", names.join(", "))).into()
    })
}

/// The apps whose manifest holds a version that is not released, or whose release may have been left
/// half-way; with `bump`, those that have something to release, too.
pub fn waiting(ctx: &Ctx, bump: bool) -> Result<Vec<&App>> {
    let mut waiting = Vec::new();
    for app in &ctx.ws.apps {
        let plan = plan::plan(ctx, app)?;
        if plan.pending || plan.tagged.contains(&plan.manifest) || (bump && plan.next.is_some()) {
            waiting.push(app);
        }
    }
    Ok(waiting)
}

fn load<'a>(ctx: &'a Ctx, app: &'a App, branch: Option<String>) -> Result<Release<'a>> {
    let version = manifest_version(ctx, app, "HEAD")?;
    let tag_name = app.tag(&version);
    let tag = match tag::find(ctx, &tag_name)? {
        tag::Found::Ours(tag) => Some(tag),
        tag::Found::Nothing => None,
        tag::Found::Foreign(commit) => {
            return Err(Exit::Gate(vec![tag::taken(app.name(), &tag_name, &commit)]).into());
        }
    };
    let commit = match &tag {
        Some(tag) => tag.commit.clone(),
        None => ctx.git.commit("HEAD")?,
    };
    let source_commit = match &tag {
        Some(tag) => tag.source_commit.clone(),
        None => plan::source_commit(ctx, app, &commit)?.unwrap_or_else(|| commit.clone()),
    };
    let work = ctx.ws.root.join("target/xtask/release").join(&tag_name);
    std::fs::create_dir_all(&work).with_context(|| format!("{work} can't be made"))?;
    let tag = tag.map(OnceLock::from).unwrap_or_default();
    let (open, dist, image) = (Vec::new(), OnceLock::new(), OnceLock::new());
    Ok(Release {
        ctx,
        app,
        version,
        tag_name,
        commit,
        source_commit,
        branch,
        open,
        one_of_several: false,
        work,
        tag,
        dist,
        image,
    })
}

/// Unique to this run, and telling where it ran.
fn run_id() -> String {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    let place = match std::env::var("GITHUB_RUN_ID") {
        Ok(id) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => format!("ci-{id}"),
        _ => "local".to_string(),
    };
    format!("{place}-{}-{:08x}", crate::sys::date::stamp(), hasher.finish() & 0xffff_ffff)
}

/// The version that the app's manifest holds at a commit.
fn manifest_version(ctx: &Ctx, app: &App, rev: &str) -> Result<Version> {
    let file = app.dir.join(app.settings.ecosystem.manifest());
    let text = ctx
        .git
        .read(&["show", &format!("{rev}:{file}")])
        .with_context(|| format!("{file} is not in {rev}"))?;
    manifest::read_text(app, &text)
}
