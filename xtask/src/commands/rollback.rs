//! `rollback`: withdraws a released version. It asks the remote and the registries what is there, shows what
//! it would do, and does it. There is no state file: a second run finds what is left to do.

use crate::commands::image;
use crate::commands::release::tag;
use crate::finding::{Finding, Level};
use crate::flags;
use crate::forge::Forge;
use crate::model::ctx::Ctx;
use crate::model::version;
use crate::model::workspace::{App, ForgeKind};
use crate::sys::exit::{Exit, with_next};
use crate::sys::{ask, retry, ui};
use actions::{Action, Line, State};
use anyhow::{Context, Result, bail};
use semver::Version;
use std::time::{Duration, Instant};

mod actions;
mod found;

/// How long a registry may take to show a change.
const PATIENCE: Duration = Duration::from_secs(120);

/// The version to withdraw.
struct Withdrawal<'a> {
    ctx: &'a Ctx,
    app: &'a App,
    version: Version,
    /// What users are told.
    reason: String,
    unpublish: bool,
}

/// `cargo xtask rollback APP VERSION`
pub(crate) fn command(ctx: &Ctx, flags: &flags::Rollback) -> Result<()> {
    let app = ctx.ws.app(&flags.app)?;
    let version = version::parse(&flags.version)
        .map_err(|e| Exit::Usage(format!("{:?} is not a version: {e:#}", flags.version)))?;
    let reason = reason(flags.reason.as_deref(), app, &version)?;
    let withdrawal = Withdrawal { ctx, app, version, reason, unpublish: flags.unpublish };
    let title = format!("{} v{}", app.name(), withdrawal.version);
    ui::section(&format!("Roll back {title}"));
    let lines = withdrawal.lines()?;
    lines.iter().for_each(show);
    if flags.dry_run {
        withdrawal.report(&lines);
        return Ok(());
    }
    let todo: Vec<&Action> = lines.iter().filter_map(Line::action).collect();
    if !todo.is_empty() {
        if !flags.yes {
            let command = format!("cargo xtask rollback {} {} --yes", app.name(), withdrawal.version);
            ask::confirm("rollback", &format!("Roll back {title}?"), &command)?;
        }
        withdrawal.refuse_without_credentials(&todo)?;
        for action in &todo {
            withdrawal.act(action)?;
        }
    }
    let left = if todo.is_empty() { lines.clone() } else { withdrawal.lines()? };
    withdrawal.report(&left);
    withdrawal.end(&left, todo.len())
}

/// One line of text for users, which is an argument of npm.
fn reason(given: Option<&str>, app: &App, version: &Version) -> Result<String> {
    let Some(text) = given else { return Ok(format!("{} v{version} was withdrawn", app.name())) };
    if text.trim().is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
        let message = "--reason must be one line of text that does not begin with a dash";
        return Err(Exit::Usage(message.into()).into());
    }
    Ok(text.trim().to_string())
}

fn show(line: &Line) {
    let mark = match line.state {
        State::Todo(_) => ui::bold("→"),
        State::Done => ui::green("✓"),
        State::Stays => ui::dim("-"),
        State::ByHand => ui::yellow("!"),
    };
    ui::say(&format!("  {mark} {:<9} {}", line.what, line.text));
}

impl Withdrawal<'_> {
    /// Asks the remote and the registries, and compares the answers with a version that is withdrawn.
    fn lines(&self) -> Result<Vec<Line>> {
        Ok(actions::of(self.app, &self.version, &self.reason, &self.ask()?))
    }

    /// All credentials that the actions need, checked before the first of them.
    fn refuse_without_credentials(&self, actions: &[&Action]) -> Result<()> {
        let (ctx, app) = (self.ctx, self.app);
        let mut problems = Vec::new();
        if actions.iter().any(|action| action.is_on_index()) {
            let token = app.settings.ecosystem.upload_target(ctx, false).1;
            match std::env::var_os(token).is_none_or(|value| value.is_empty()) {
                // With trusted publishing a release needs no token, but it can only publish.
                true => problems.push(format!("set {token}: it must be able to change the package")),
                false => problems.extend(app.settings.ecosystem.credentials_problem(ctx, app, false)),
            }
        }
        if actions.iter().any(|action| matches!(action, Action::MoveImage { .. }))
            && let Err(e) = image::can_push(ctx, app)
        {
            problems.push(format!("cannot push to the container registry: {e:#}"));
        }
        let delete = actions.iter().find_map(|action| match action {
            Action::DeleteImage(tag) => Some(tag),
            _ => None,
        });
        if let Some(tag) = delete.filter(|tag| std::env::var_os(tag.token).is_none_or(|t| t.is_empty())) {
            problems.push(format!("set {}: it must be able to delete the image's tags", tag.token));
        }
        if problems.is_empty() {
            return Ok(());
        }
        let finding = |p: String| Finding::new("credentials", Level::Error, p).app(app.name());
        Err(Exit::Gate(problems.into_iter().map(finding).collect()).into())
    }

    /// Does it, and asks until the registry or the remote shows it. A failure counts as done if they do: the
    /// connection may have broken after the change.
    fn act(&self, action: &Action) -> Result<()> {
        let line = ui::begin(action.name());
        match self.acted(action) {
            Ok(text) => {
                line.end(ui::Outcome::Done(text));
                Ok(())
            }
            Err(error) => {
                line.end(ui::Outcome::Failed("stopped here".into()));
                let again = format!("cargo xtask rollback {} {}", self.app.name(), self.version);
                Err(with_next(error, &format!("fix the cause; then `{again}` continues")))
            }
        }
    }

    fn acted(&self, action: &Action) -> Result<String> {
        let result = self.run(action);
        let started = Instant::now();
        for attempt in 1.. {
            let lines = self.lines()?;
            let still = lines.iter().find(|line| line.action() == Some(action));
            match (still, &result) {
                (None, _) => break,
                (Some(_), Err(_)) => return result.map(|()| String::new()),
                (Some(line), Ok(())) if started.elapsed() > PATIENCE => {
                    bail!(
                        "the server reported success, but after {} s this is still to do: {}",
                        PATIENCE.as_secs(),
                        line.text
                    )
                }
                (Some(_), Ok(())) => std::thread::sleep(retry::pause(attempt)),
            }
        }
        Ok(action.done(self.app, &self.version))
    }

    fn run(&self, action: &Action) -> Result<()> {
        let (ctx, app, version) = (self.ctx, self.app, &self.version);
        match action {
            Action::Mark { commit } => self.push_mark(commit),
            Action::MoveImage { digest, .. } => image::retag(ctx, app, digest, "latest"),
            Action::DeleteImage(tag) => tag.delete(),
            Action::MoveDistTag { to } => app.settings.ecosystem.make_latest(ctx, app, to),
            Action::RemoveDistTag(tag) => app.settings.ecosystem.remove_dist_tag(ctx, app, tag),
            Action::MarkPage { .. } => self.mark_page(),
            Action::Withdraw(way) => app.settings.ecosystem.withdraw(ctx, app, version, way, &self.reason),
        }
    }

    /// Makes the release page a pre-release, so that no forge shows it as latest, with a notice above its
    /// text. A page that is still a draft stays one.
    fn mark_page(&self) -> Result<()> {
        let forge = Forge::connect(self.ctx)?.map_err(anyhow::Error::msg)?;
        let name = self.app.tag(&self.version);
        let page = forge.page(&name)?.with_context(|| format!("the release page {name} has disappeared"))?;
        // `<` would begin HTML.
        let reason = self.reason.replace('<', "&lt;");
        let body = match page.body() {
            body if body.contains(found::MARK) => body,
            body => format!("> **Withdrawn**: {reason}\n\n{}\n\n{body}", found::MARK),
        };
        let mut change = serde_json::json!({ "prerelease": true, "body": body });
        if forge.kind() == ForgeKind::Github {
            change["make_latest"] = "false".into();
        }
        forge.edit_page(&page, &change).map(drop)
    }

    /// Pushes the tag that marks the version. It names a commit that the remote has, so hooks of a push have
    /// nothing to check.
    fn push_mark(&self, commit: &str) -> Result<()> {
        let (ctx, name) = (self.ctx, self.app.mark(&self.version));
        let text = format!("{} v{} was rolled back\n\n{}\n", self.app.name(), self.version, self.reason);
        let object = tag::mktag(&ctx.git, commit, &name, &text)?;
        let refspec = format!("{object}:refs/tags/{name}");
        let push =
            ["push", "--quiet", "--no-verify", "--no-follow-tags", "--", &ctx.endpoints.remote, &refspec];
        ctx.git.online(&push)?;
        tag::keep(&ctx.git, &name, &object)
    }

    fn report(&self, lines: &[Line]) {
        if !self.ctx.json {
            return;
        }
        let state = |line: &Line| match line.state {
            State::Todo(_) => "todo",
            State::Done => "done",
            State::Stays => "stays",
            State::ByHand => "by-hand",
        };
        let rows: Vec<_> = lines
            .iter()
            .map(|line| serde_json::json!({ "what": line.what, "state": state(line), "text": line.text }))
            .collect();
        ui::print(serde_json::json!({
            "schema": 1,
            "app": self.app.name(),
            "version": self.version.to_string(),
            "actions": rows,
        }));
    }

    /// `acted`: how many actions were done in this run.
    fn end(&self, left: &[Line], acted: usize) -> Result<()> {
        let (app, version) = (self.app, &self.version);
        let by_hand: Vec<Finding> = left
            .iter()
            .filter(|line| line.state == State::ByHand)
            .map(|line| {
                Finding::new("not-yanked", Level::Error, format!("a person has to {}", line.text))
                    .app(app.name())
                    .help(format!(
                        "after that, `cargo xtask rollback {} {version}` ends with exit code 4: \
                         nothing is left to do",
                        app.name()
                    ))
            })
            .collect();
        if !by_hand.is_empty() {
            return Err(Exit::Gate(by_hand).into());
        }
        if acted == 0 {
            let text = format!("nothing to roll back: {} was rolled back", app.tag(version));
            return Err(Exit::Nothing(text).into());
        }
        ui::say(&format!("{} {} v{version} is rolled back", ui::green("✓"), app.name()));
        Ok(())
    }
}
