//! Yesterday's users: the last release's own black-box tests and its example plugin, as its tag has them,
//! tried with today's code. They see what no comparison of two texts can: a name that is there and does
//! something else, one that is made when it is asked for.

use crate::checks::passed;
use crate::commands::plan;
use crate::commands::plan::{AppPlan, Release};
use crate::ecosystem::Prepared;
use crate::finding::{Finding, Level};
use crate::model::affected;
use crate::model::ctx::Ctx;
use crate::model::workspace::{App, EarlierSettings};
use crate::sys::exit::Exit;
use crate::sys::{child, parallel, serve, ui};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use runners::{counted, names};
use std::process::Command;
use tempfile::TempDir;
use xshell::cmd;

mod runners;

/// How it went, in a line for people.
enum Outcome {
    Passed(String),
    /// Nothing was run, and why.
    Skipped(String),
    /// Something failed, and a commit or an acceptance says that it may.
    Excused(String),
    Broken(Vec<Finding>),
}

/// One app's check in one line, made ready: whatever changes the checkout's environment, or builds there, has
/// been done.
pub struct Begun {
    line: ui::Line,
    state: Result<State>,
}

enum State {
    Over(Outcome),
    Ready(Box<Trial>),
}

/// What starts a server, and the path that says that it is ready.
type Served = (Command, String);

/// What is to run, side by side, in an export of the tag.
struct Trial {
    plan: AppPlan,
    last: Release,
    /// Where it is remembered that it passed, and as what.
    check: String,
    place: Option<Utf8PathBuf>,
    tree: Utf8PathBuf,
    /// Today's server, where there still is one, and the tag's black-box tests.
    black_box: Option<(Option<Served>, Vec<String>)>,
    plugin: Option<Prepared>,
    _temp: TempDir,
}

/// With `reuse`, what passed before with the same tree and the same tag is taken over.
pub fn begin(ctx: &Ctx, app: &App, reuse: bool) -> Begun {
    let line = ui::begin(&format!("users-{}", app.name()));
    Begun { line, state: made_ready(ctx, app, reuse) }
}

/// Runs what there is to run. Nothing of the checkout is changed: other tests may run beside it.
pub fn end(ctx: &Ctx, app: &App, Begun { line, state }: Begun) -> Result<Vec<Finding>> {
    let outcome = state.and_then(|state| match state {
        State::Over(outcome) => Ok(outcome),
        State::Ready(trial) => trial.outcome(ctx, app),
    });
    match outcome {
        Ok(Outcome::Passed(said) | Outcome::Excused(said)) => line.end(ui::Outcome::Done(said)),
        Ok(Outcome::Skipped(why)) => line.end(ui::Outcome::Skipped(why)),
        Ok(Outcome::Broken(findings)) => {
            line.end(ui::Outcome::Failed("what worked with the last release does not work any more".into()));
            return Ok(findings);
        }
        Err(e) if e.is::<Exit>() => return Err(e),
        Err(e) => {
            line.end(ui::Outcome::Failed("could not be tried".into()));
            let message = format!("the last release's users could not be tried: {e:#}");
            return Ok(vec![
                Finding::new("users", Level::Error, message).app(app.name()).place(app.dir.as_str()),
            ]);
        }
    }
    Ok(Vec::new())
}

fn made_ready(ctx: &Ctx, app: &App, reuse: bool) -> Result<State> {
    let skipped = |why: String| Ok(State::Over(Outcome::Skipped(why)));
    let plan = plan::plan(ctx, app)?;
    let Some(last) = plan.last.clone() else {
        return skipped("no release yet whose users could be tried".into());
    };
    let Some(settings) = settings(ctx, app, &last) else {
        return skipped(format!(
            "{} has no {}/app.toml that can be read, so who its users are is not known",
            last.tag, app.dir
        ));
    };
    let contract = settings.spec.and_then(|spec| spec.contract).filter(|argv| !argv.is_empty());
    let plugin = settings.compat.and_then(|compat| compat.users).filter(|argv| !argv.is_empty());
    if contract.is_none() && plugin.is_none() {
        return skipped(format!("{} has neither black-box tests nor an example plugin", last.tag));
    }
    if !affected::changed_since(ctx, &format!("refs/tags/{}", last.tag), &app.pathspecs())? {
        return skipped(format!("nothing changed since {}", last.tag));
    }
    // A tag can be made again, with other users in it.
    let tagged = ctx.git.read(&[
        "rev-parse",
        "--verify",
        "--end-of-options",
        &format!("refs/tags/{}^{{tree}}", last.tag),
    ])?;
    let check = format!("users of {} {tagged}", last.tag);
    let place = passed::place(ctx, app, &check)?;
    if let Some(said) = place.as_ref().filter(|_| reuse).and_then(passed::recall) {
        return skipped(format!("passed {}: {said}", passed::BEFORE));
    }
    let temp = tempfile::tempdir()?;
    let tree = Utf8PathBuf::try_from(temp.path().canonicalize()?)?.join("tree");
    written_out(ctx, &last, &tree)?;
    let black_box = contract.map(|argv| Ok::<_, anyhow::Error>((server(ctx, app)?, argv))).transpose()?;
    let plugin = plugin.map(|argv| app.settings.ecosystem.users(ctx, app, &tree, &argv)).transpose()?;
    Ok(State::Ready(Box::new(Trial { plan, last, check, place, tree, black_box, plugin, _temp: temp })))
}

type Tried = Vec<(&'static str, Result<String, String>)>;

impl Trial {
    fn outcome(mut self, ctx: &Ctx, app: &App) -> Result<Outcome> {
        let (mut said, mut broken) = (Vec::new(), Vec::new());
        for (what, result) in self.tried()? {
            match result {
                Ok(output) => said.push(format!("{what} ({})", counted(&output))),
                Err(output) => broken.push(Broken { what, output }),
            }
        }
        if !broken.is_empty() {
            return Ok(judge(ctx, app, &self.plan, &self.last, &broken));
        }
        let said = format!("{}'s {} pass with today's code", self.last.tag, said.join(" and "));
        self.place.map_or(Ok(()), |place| passed::remember(ctx, app, &self.check, &place, &said))?;
        Ok(Outcome::Passed(said))
    }

    /// What each printed, or why it failed, with the files named as git has them.
    fn tried(&mut self) -> Result<Tried> {
        let tree = self.tree.as_path();
        let (contract, plugin) = (self.black_box.take(), self.plugin.take());
        let black_box = || contract.map(|(server, argv)| black_box(server, tree, &argv));
        let plugin = || {
            plugin.map(|plugin| {
                let sh = child::shell(&plugin.dir)?;
                let (program, args) = (&plugin.program, &plugin.args);
                let env: Vec<(&str, &str)> =
                    plugin.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
                child::capture_both(cmd!(sh, "{program} {args...}"), &env)
            })
        };
        let (black_box, plugin) = parallel::both(black_box, plugin);
        let results = [("black-box tests", black_box.transpose()?), ("example plugin", plugin)];
        let from =
            |e: anyhow::Error| format!("{e:#}").replace(&format!("{tree}/"), &format!("{}:", self.last.tag));
        Ok(results.into_iter().filter_map(|(what, result)| Some((what, result?.map_err(from)))).collect())
    }
}

/// What the tag's `app.toml` says; None where it has none there, or one that can't be read: a release that is
/// out can't be mended.
fn settings(ctx: &Ctx, app: &App, last: &Release) -> Option<EarlierSettings> {
    let text =
        ctx.git.read(&["show", "--end-of-options", &format!("refs/tags/{}:{}/app.toml", last.tag, app.dir)]);
    text.ok().and_then(|text| EarlierSettings::read(&text))
}

/// The whole tree of the tag: its tests may use whatever lay in it.
fn written_out(ctx: &Ctx, last: &Release, tree: &Utf8Path) -> Result<()> {
    std::fs::create_dir(tree)?;
    let archive = ctx.git.bytes(&["archive", "--format=tar", &format!("refs/tags/{}", last.tag)])?;
    tar::Archive::new(archive.as_slice())
        .unpack(tree)
        .with_context(|| format!("{} can't be written out", last.tag))
}

/// Today's server; None where the app has none any more.
fn server(ctx: &Ctx, app: &App) -> Result<Option<Served>> {
    let Some(spec) = &app.settings.spec else { return Ok(None) };
    Ok(Some((app.settings.ecosystem.server(ctx, app, &spec.serve)?, spec.health.clone())))
}

/// The outer error: today's server does not start or stop. The inner one: the tests say no.
fn black_box(server: Option<Served>, tree: &Utf8Path, argv: &[String]) -> Result<Result<String>> {
    let Some((server, health)) = server else {
        return Ok(Err(anyhow::anyhow!("there is no server any more: app.toml has no [spec]")));
    };
    let (program, args) = argv.split_first().context("an empty command")?;
    let server = serve::start(server, child::free_port()?, &health, &tree.with_file_name("server.log"))?;
    let sh = child::shell(tree)?;
    let said = child::capture_both(cmd!(sh, "{program} {args...}"), &[("BASE_URL", &server.url)]);
    server.stop()?;
    Ok(said)
}

struct Broken {
    what: &'static str,
    output: String,
}

fn judge(ctx: &Ctx, app: &App, plan: &AppPlan, last: &Release, broken: &[Broken]) -> Outcome {
    let what =
        broken.iter().map(|b| format!("{}{}", b.what, names(&b.output))).collect::<Vec<_>>().join("; ");
    if let Some(commit) = plan.commits.iter().find(|c| c.breaking && c.counts) {
        return Outcome::Excused(format!(
            "{}'s users break: {what}, as {} ({}) declares",
            last.tag,
            commit.subject,
            commit.short()
        ));
    }
    if app.settings.accepts(ID, app.name(), &last.version).is_some() {
        return Outcome::Excused(format!(
            "{}'s users break: {what}, as {}/app.toml accepts",
            last.tag, app.dir
        ));
    }
    if plan::is_withdrawn(ctx, app, &last.version) {
        return Outcome::Excused(format!(
            "{}'s users break: {what}; it was withdrawn from the index, so nobody should have it",
            last.tag
        ));
    }
    Outcome::Broken(broken.iter().map(|b| finding(app, last, b)).collect())
}

const ID: &str = "yesterday-broken";

fn finding(app: &App, last: &Release, broken: &Broken) -> Finding {
    let Broken { what, output } = broken;
    let message = format!(
        "{}'s {what} worked with it, and not any more with today's code{}\n{output}",
        last.tag,
        names(output)
    );
    Finding::new(ID, Level::Breaking, message).app(app.name()).place(app.dir.as_str()).help(format!(
        "keep what users of {} have\nor declare the break: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`\nor, if that test asked for too much, accept it in {}/app.toml: [[accept]] id = {ID:?}, version = the next one, reason = \"…\"",
        last.tag, app.dir
    ))
}
