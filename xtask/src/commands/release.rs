//! `release`: the table of its steps and the data that they share. There is no state file: each step asks the
//! git remote and the registries whether it is done.

use crate::commands::{bump, plan};
use crate::ecosystem::DistFile;
use crate::finding::Finding;
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::version::{self, Bump};
use crate::model::workspace::App;
use crate::model::{dry_run, manifest, tags};
use crate::oci::Built;
use crate::sys::exit::Exit;
use crate::sys::ui;
use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use handover::Mode;
use semver::Version;
use std::sync::{Mutex, OnceLock, PoisonError};

mod after;
pub(crate) mod build;
mod cascade;
pub(crate) mod handover;
pub(crate) mod image_step;
pub(crate) mod latest;
mod page;
pub(crate) mod preflight;
pub(crate) mod publish;
pub(crate) mod push;
mod readiness;
mod released_in;
mod remote_moved;
mod sbom;
pub(crate) mod smoke;
pub(crate) mod stage;
pub(crate) mod step_faults;
pub(crate) mod tag;
pub(crate) mod verify;
mod walk;

/// The state of a step, as the git remote and the registries show it.
pub(crate) enum State {
    Todo,
    /// With the evidence, as text.
    Done(String),
    /// Nothing to do for this app or version, with the reason.
    Skip(String),
    /// The remote or a registry has something else under this name.
    Conflict(Finding),
}

pub(crate) struct Step {
    pub name: &'static str,
    about: &'static str,
    /// True if the step changes anything outside this machine's `target/` folder.
    outward: bool,
    state: fn(&Release) -> Result<State>,
    run: fn(&Release) -> Result<String>,
    /// The outward actions, one line each, for a dry run.
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

/// In the order of execution: reversible steps first, public steps last.
pub(crate) const STEPS: &[Step] = &[
    local(
        "preflight",
        "checks tree, branch, plan, changelog, tests, credentials; reports all failures together",
        preflight::state,
        preflight::run,
    ),
    local(
        "build",
        "builds the package files from `git archive` of the commit; reproducible",
        build::state,
        build::run,
    ),
    local(
        "smoke",
        "installs the built file in a clean environment; checks versions, server, spec",
        smoke::state,
        smoke::run,
    ),
    local(
        "image",
        "builds the container image from the same file and probes its server",
        image_step::state,
        image_step::run,
    ),
    Step {
        name: "stage",
        about: "uploads the image without a tag, and the files to the staging index; installs them",
        outward: true,
        state: stage::state,
        run: stage::run,
        preview: stage::preview,
    },
    Step {
        name: "tag",
        about: "pushes the annotated tag with all hashes; only one of two racing runs succeeds",
        outward: true,
        state: tag::state,
        run: tag::run,
        preview: tag::preview,
    },
    Step {
        name: "page-draft",
        about: "creates a draft of the forge's release page, with notes, files, hashes and SBOM",
        outward: true,
        state: page::draft_state,
        run: page::draft_run,
        preview: page::draft_preview,
    },
    Step {
        name: "publish",
        about: "uploads the files to the index that users install from",
        outward: true,
        state: publish::state,
        run: publish::run,
        preview: publish::preview,
    },
    Step {
        name: "image-push",
        about: "adds the image tags vX.Y.Z and sha-<7 hex> to the uploaded image",
        outward: true,
        state: push::state,
        run: push::run,
        preview: push::preview,
    },
    local(
        "verify",
        "installs, pulls and runs what the registries serve, and compares it with the tag",
        verify::state,
        verify::run,
    ),
    Step {
        name: "latest",
        about: "moves `latest` to the release; never to an older version or a pre-release",
        outward: true,
        state: latest::state,
        run: latest::run,
        preview: latest::preview,
    },
    Step {
        name: "page",
        about: "makes the release page public",
        outward: true,
        state: page::state,
        run: page::run,
        preview: page::preview,
    },
    Step {
        name: "cascade",
        about: "starts a workflow of each downstream repository; a failure is a warning",
        outward: true,
        state: cascade::state,
        run: cascade::run,
        preview: cascade::preview,
    },
];

/// The table of steps, for `cargo xtask help release`.
pub(crate) fn steps_help() -> String {
    let rows: String = STEPS.iter().map(|s| format!("  {:<11} {}\n", s.name, s.about)).collect();
    format!(
        "Steps, in order:\n{rows}\n\
         Each step first asks the registries and the git remote whether it is done. So the same command, on\n\
         any machine, completes a release that was interrupted, even by a killed process.\n\
         Exit code 4: nothing is left to release."
    )
}

/// A release in progress: the data that the steps share.
pub(crate) struct Release<'a> {
    pub ctx: &'a Ctx,
    pub app: &'a App,
    pub version: Version,
    pub tag_name: String,
    /// The commit to release: the commit of the tag, or HEAD if there is no tag yet.
    pub commit: String,
    /// The commit on development whose files are the same.
    pub source_commit: String,
    /// True if `rollback` has marked the version as withdrawn. Then nothing is left to release.
    pub withdrawn: bool,
    /// The branch to push together with the tag. None if the commit is already on the remote.
    pub branch: Option<String>,
    /// The outward steps that were not done when the run started.
    pub open: Vec<&'static str>,
    /// Where the files come from.
    mode: &'a Mode,
    /// True if several apps are released: progress lines then contain the app's name.
    pub one_of_several: bool,
    /// A folder below `target/` for files that one step writes and a later one reads.
    pub work: Utf8PathBuf,
    tag: OnceLock<tag::Tag>,
    dist: OnceLock<Vec<DistFile>>,
    image: OnceLock<Built>,
    /// What the preflight found out, for the page of a dry run.
    checked: OnceLock<readiness::Checked>,
    /// What is left to a person, for the end of the run.
    left: Mutex<Vec<String>>,
}

impl Release<'_> {
    /// A file of the app at the released commit.
    fn committed(&self, file: &str) -> Result<Vec<u8>> {
        let path = format!("{}:{}", self.commit, self.app.dir.join(file));
        self.ctx.git.bytes(&["cat-file", "blob", &path])
    }
    /// Does a step that is left need the package files? The image is built from one.
    fn needs_files(&self) -> Result<bool> {
        let open = ["stage", "tag", "page-draft", "publish"].iter().any(|step| self.open.contains(step));
        Ok(open || image_step::needed(self)?)
    }
    /// Adds a line to what is left to a person.
    fn leave(&self, what: String) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if !left.contains(&what) {
            left.push(what);
        }
    }
    fn left(&self) -> Vec<String> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// `python v0.0.1`
    pub(crate) fn title(&self) -> String {
        format!("{} v{}", self.app.name(), self.version)
    }
    /// The way on if this version cannot be released any more. The version is named, because without a commit
    /// since the tag `bump` alone finds nothing to do.
    pub(crate) fn next_version_help(&self) -> String {
        let next = version::next(&self.version, Bump::Patch, self.ctx.ws.settings.zero_breaking);
        format!("release the next version: cargo xtask bump {} --version {next}", self.app.name())
    }
    /// The release's tag on the remote, found there or pushed by this run. None before the step `tag`.
    pub(crate) fn tag(&self) -> Option<&tag::Tag> {
        self.tag.get()
    }
    /// The package files that this run built. Empty before the step `build`.
    pub(crate) fn dist(&self) -> &[DistFile] {
        self.dist.get().map(Vec::as_slice).unwrap_or_default()
    }
    /// The image that this run built. None before the step `image`, and for an app without an image.
    pub(crate) fn image(&self) -> Option<&Built> {
        self.image.get()
    }
}

/// `cargo xtask release`
pub(crate) fn command(ctx: &Ctx, flags: &flags::Release) -> Result<()> {
    let until = flags.until.as_deref().map(step_name).transpose()?;
    let faults = step_faults::Faults::parse(&flags.fault)?;
    let apps = if flags.all { waiting(ctx, flags.bump)? } else { ctx.ws.select(&flags.apps)? };
    if apps.is_empty() {
        return Err(Exit::Nothing("nothing to release: no app has a version to release".into()).into());
    }
    if let Some(dir) = &flags.files_to {
        handover::prepare(dir)?;
        walk::through(ctx, &apps, None, Some("image"), &Mode::Build(dir.clone()), &faults)?;
        handover::hash(dir)?.iter().for_each(ui::print);
        return Ok(());
    }
    if !flags.dry_run {
        let mode = match (&flags.files_from, &flags.sha256) {
            (Some(dir), Some(sha256)) => Mode::Publish(handover::read(dir, sha256)?),
            _ => Mode::Alone,
        };
        let branch = bump_first(ctx, &apps, flags.bump)?;
        return walk::through(ctx, &apps, branch, until, &mode, &faults);
    }
    dry_run::in_clone(ctx, |clone| {
        let branch = bump_first(clone, &apps, flags.bump)?;
        let (mut nothing, mut pages) = (Vec::new(), Vec::new());
        let mut one = |app: &App| match walk::dry(clone, app, branch.clone(), &mut pages)
            .map_err(|e| e.downcast::<Exit>())
        {
            Ok(()) => Ok(()),
            Err(Ok(Exit::Nothing(text))) => {
                nothing.push(text);
                Ok(())
            }
            Err(Ok(exit)) => Err(exit.into()),
            Err(Err(e)) => Err(e),
        };
        let ended = apps.iter().try_for_each(|app| one(app));
        print_pages(ctx, &pages);
        ended?;
        if nothing.len() == apps.len() { Err(Exit::Nothing(nothing.join("\n")).into()) } else { Ok(()) }
    })
}

fn print_pages(ctx: &Ctx, pages: &[readiness::Page]) {
    if ctx.json {
        ui::print(serde_json::json!({ "schema": 1, "releases": pages }));
    }
}

/// `cargo xtask tag APP` and `cargo xtask publish APP`: run the release up to that step.
pub(crate) fn step_command(ctx: &Ctx, flags: &flags::Step, step: &'static str) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    if step == "publish" {
        let version = manifest_version(ctx, app, "HEAD")?;
        if !matches!(tag::find(ctx, &app.tag(&version))?, tag::Found::Ours(_)) {
            let name = app.tag(&version);
            let finding = Finding::new(
                "no-tag",
                crate::finding::Level::Error,
                format!(
                    "the tag {name} is not on {}: a release is only published after its tag",
                    ctx.endpoints.remote
                ),
            );
            return Err(Exit::Gate(vec![
                finding.app(app.name()).help(format!("cargo xtask tag {}", app.name())),
            ])
            .into());
        }
    }
    match flags.dry_run {
        true => dry_run::in_clone(ctx, |clone| {
            let mut pages = Vec::new();
            let ended = walk::dry(clone, app, None, &mut pages);
            print_pages(ctx, &pages);
            ended
        }),
        false => walk::through(ctx, &[app], None, Some(step), &Mode::Alone, &step_faults::Faults::default()),
    }
}

/// With `--bump`: commits the bump of each app. Returns the branch to push together with the tags.
fn bump_first(ctx: &Ctx, apps: &[&App], wanted: bool) -> Result<Option<String>> {
    if !wanted {
        return Ok(None);
    }
    for app in apps {
        bump::bump(ctx, &flags::Bump { app: app.name().to_string(), ..Default::default() })?;
    }
    apps.first().map(|app| preflight::branch(ctx, app)).transpose()
}

fn step_name(name: &str) -> Result<&'static str> {
    let names: Vec<&'static str> = STEPS.iter().map(|s| s.name).collect();
    names.iter().find(|n| **n == name).copied().ok_or_else(|| {
        let near = crate::model::workspace::nearest(name, &names)
            .map(|n| format!("; did you mean {n:?}?"))
            .unwrap_or_default();
        Exit::Usage(format!("no step {name:?} (the steps are: {}){near}", names.join(", "))).into()
    })
}

/// The apps whose version in the manifest is not released, or whose release may have been interrupted. With
/// `bump`, also the apps with unreleased changes.
pub(crate) fn waiting(ctx: &Ctx, bump: bool) -> Result<Vec<&App>> {
    let mut waiting = Vec::new();
    for app in &ctx.ws.apps {
        let plan = plan::plan(ctx, app)?;
        if plan.pending || plan.tagged.contains(&plan.manifest) || (bump && plan.next.is_some()) {
            waiting.push(app);
        }
    }
    Ok(waiting)
}

/// The released files and the image, as the tag on the remote names them: `HASH  NAME`, as in SHA256SUMS.
pub(crate) fn subjects(ctx: &Ctx, app: &App) -> Result<Vec<String>> {
    let tag = app.tag(&manifest_version(ctx, app, "HEAD")?);
    let tag::Found::Ours(tag) = tag::find(ctx, &tag)? else { return Ok(Vec::new()) };
    let files = tag.dist.iter().map(|(name, sha256)| format!("{sha256}  {name}"));
    let image = app.settings.image.as_ref().zip(tag.image.as_deref());
    let image = image.and_then(|(settings, digest)| {
        Some(format!("{}  {}", digest.strip_prefix("sha256:")?, settings.name))
    });
    Ok(files.chain(image).collect())
}

fn load<'a>(ctx: &'a Ctx, app: &'a App, branch: Option<String>, mode: &'a Mode) -> Result<Release<'a>> {
    let version = manifest_version(ctx, app, "HEAD")?;
    let tag_name = app.tag(&version);
    let tag = match tag::find(ctx, &tag_name)? {
        tag::Found::Ours(tag) => Some(tag),
        tag::Found::Nothing => None,
        tag::Found::Foreign(commit) => {
            return Err(Exit::Gate(vec![tag::taken(ctx, app.name(), &tag_name, &commit)]).into());
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
    let withdrawn = tag.is_some() && tags::on_remote(ctx, app)?.withdrawn.contains(&version);
    let work = ctx.ws.root.join("target/xtask/release").join(&tag_name);
    std::fs::create_dir_all(&work).with_context(|| format!("cannot create the folder {work}"))?;
    let tag = tag.map(OnceLock::from).unwrap_or_default();
    let (open, dist, image) = (Vec::new(), OnceLock::new(), OnceLock::new());
    Ok(Release {
        ctx,
        app,
        version,
        tag_name,
        commit,
        source_commit,
        withdrawn,
        branch,
        open,
        mode,
        one_of_several: false,
        work,
        tag,
        dist,
        image,
        checked: OnceLock::new(),
        left: Mutex::default(),
    })
}

/// A unique id of this run that also shows where and when it ran: `ci-<GitHub's run id>-…` or `local-…`.
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

/// The version in the app's manifest at a commit.
fn manifest_version(ctx: &Ctx, app: &App, rev: &str) -> Result<Version> {
    let file = app.dir.join(app.settings.ecosystem.manifest());
    let text = ctx
        .git
        .read(&["cat-file", "blob", &format!("{rev}:{file}")])
        .with_context(|| format!("{file} is not in {rev}"))?;
    manifest::read_text(app, &text)
}
