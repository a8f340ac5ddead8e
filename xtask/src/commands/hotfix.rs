//! `hotfix`: creates the branch on which a released version gets its next patch, and prints what to type
//! next. Run again, it finds how far the hotfix is, and prints how it gets into development.

use crate::commands::{bump, plan, release};
use crate::finding::{Finding, Level};
use crate::flags;
use crate::model::ctx::Ctx;
use crate::model::tags::{self, Tagged};
use crate::model::workspace::App;
use crate::model::{manifest, version};
use crate::sys::exit::Exit;
use crate::sys::git::short;
use crate::sys::ui;
use anyhow::{Result, bail};
use plan::Line;
use release::tag;
use semver::Version;

mod back;
mod changelog_entry;
mod next;

/// A hotfix of a released version.
struct Hotfix<'a> {
    ctx: &'a Ctx,
    app: &'a App,
    /// The released version that gets a patch.
    version: Version,
    /// The commit of its tag.
    base: String,
    tagged: Tagged,
}

/// `cargo xtask hotfix APP VERSION`
pub(crate) fn command(ctx: &Ctx, flags: &flags::Hotfix) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    let version = version::parse(&flags.version)
        .map_err(|e| Exit::Usage(format!("{:?} is not a version: {e:#}", flags.version)))?;
    if !version.pre.is_empty() {
        let message = format!("{version} is a pre-release: its fix is the next pre-release, not a hotfix");
        return Err(Exit::Usage(message).into());
    }
    let name = app.tag(&version);
    let base = match tag::find(ctx, &name)? {
        tag::Found::Ours(tag) => tag.commit,
        tag::Found::Foreign(commit) => commit,
        tag::Found::Nothing => {
            bail!("{version} is not released: the tag {name} is not on {}", ctx.endpoints.remote)
        }
    };
    let hotfix = Hotfix { ctx, app, version, base, tagged: tags::on_remote(ctx, app)? };
    if flags.changelog {
        return hotfix.add_entries(flags.dry_run);
    }
    let begun = hotfix.branch(flags.dry_run)?;
    hotfix.report(&begun)
}

/// The branch of a hotfix.
struct Begun {
    /// What this run did, or found.
    state: String,
    /// The branch's newest commit.
    tip: String,
    created: bool,
}

impl Hotfix<'_> {
    /// `hotfix/python-v0.1.0`: `plan` reads the line of versions from it.
    fn name(&self) -> String {
        format!("hotfix/{}", self.app.in_branch(&self.version))
    }

    fn line(&self) -> Line {
        Line { major: self.version.major, minor: self.version.minor }
    }

    /// Creates the branch or checks it out, unless it is checked out already.
    fn branch(&self, dry_run: bool) -> Result<Begun> {
        let (git, name) = (&self.ctx.git, self.name());
        let local = git.commit(&format!("refs/heads/{name}")).ok();
        let tip = match &local {
            Some(tip) => Some(tip.clone()),
            None => self.on_remote(&name)?,
        };
        if let Some(tip) = &tip {
            self.refuse_other(&name, tip)?;
        } else {
            self.refuse_superseded()?;
        }
        let here = git.branch()?.as_ref() == Some(&name);
        if !here && !dry_run {
            bump::refuse_dirty(self.ctx)?;
            // The tags of this line are what `plan` counts from.
            self.fetch_tags()?;
            match (&local, &tip) {
                (Some(_), _) => git.run(&["switch", "--quiet", &name])?,
                (None, start) => {
                    let start = start.as_ref().unwrap_or(&self.base);
                    git.run(&["switch", "--quiet", "--no-track", "--create", &name, start])?;
                }
            }
        }
        let base = format!("{} ({})", self.app.tag(&self.version), short(&self.base));
        Ok(match (tip, dry_run) {
            (Some(tip), _) => {
                let state = format!("{name} is there already, at {}", short(&tip));
                Begun { state, tip, created: false }
            }
            (None, true) => {
                let state = format!("would create {name} from {base}");
                Begun { state, tip: self.base.clone(), created: false }
            }
            (None, false) => {
                Begun { state: format!("{name} created from {base}"), tip: self.base.clone(), created: true }
            }
        })
    }

    /// The branch's commit on the remote, with its objects. None if the remote does not have the branch.
    fn on_remote(&self, branch: &str) -> Result<Option<String>> {
        let Some(tip) = release::preflight::tip_on_remote(self.ctx, branch)? else { return Ok(None) };
        self.ctx.git.fetch_objects(&self.ctx.endpoints.remote, &[format!("refs/heads/{branch}")])?;
        Ok(Some(tip))
    }

    fn fetch_tags(&self) -> Result<()> {
        let start = self.app.tag_start();
        let refs =
            ["", "withdrawn/"].map(|mark| format!("refs/tags/{mark}{start}*:refs/tags/{mark}{start}*"));
        let remote = &self.ctx.endpoints.remote;
        self.ctx.git.online(&["fetch", "--quiet", "--no-tags", "--", remote, &refs[0], &refs[1]]).map(drop)
    }

    /// A branch of this name that does not come from the release is somebody's other work.
    fn refuse_other(&self, name: &str, tip: &str) -> Result<()> {
        if self.ctx.git.ask(&["merge-base", "--is-ancestor", &self.base, tip])? {
            return Ok(());
        }
        bail!(
            "the branch {name} exists at {}, but it does not contain {}: rename it, or delete it",
            short(tip),
            self.app.tag(&self.version)
        )
    }

    /// A hotfix of 0.1.0 would lack what 0.1.1 fixed.
    fn refuse_superseded(&self) -> Result<()> {
        let line = self.line();
        let Some(newer) = self.tagged.stable().find(|v| line.contains(v) && **v > self.version) else {
            return Ok(());
        };
        let message = format!(
            "{} is released already, and a hotfix from {} would lack its fixes",
            self.app.tag(newer),
            self.version
        );
        Err(Exit::Gate(vec![
            Finding::new("hotfix-superseded", Level::Error, message)
                .app(self.app.name())
                .help(format!("cargo xtask hotfix {} {newer}", self.app.name())),
        ])
        .into())
    }

    fn report(&self, begun: &Begun) -> Result<()> {
        let released = self.released(&begun.tip)?;
        let (title, commands) = match &released {
            Some(version) => self.back(version)?,
            None => self.ahead(&begun.tip)?,
        };
        if self.ctx.json {
            ui::print(serde_json::json!({
                "schema": 1,
                "app": self.app.name(),
                "version": self.version.to_string(),
                "branch": self.name(),
                "commit": begun.tip,
                "created": begun.created,
                "released": released.map(|version| version.to_string()),
                "next": commands,
            }));
            return Ok(());
        }
        ui::say(&format!("{} {}", ui::green("✓"), begun.state));
        let commands: String = commands.iter().map(|command| format!("  {command}\n")).collect();
        ui::print(format!("{title}\n{commands}"));
        Ok(())
    }

    /// The version that was released from the branch: the one in its manifest.
    fn released(&self, tip: &str) -> Result<Option<Version>> {
        let version = manifest::at(&self.ctx.git, self.app, tip)?;
        Ok(Some(version).filter(|v| *v > self.version && self.tagged.versions.contains(v)))
    }
}
