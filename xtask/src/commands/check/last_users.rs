//! Runs the last release's black-box tests and its example plugin, from its tag, against the current code.
//! They find breaks that comparing two texts cannot find: a name that still exists but behaves differently,
//! or a name that is created at run time.

use crate::checks::passed;
use crate::commands::plan;
use crate::commands::plan::{AppPlan, LastRelease};
use crate::ecosystem::Prepared;
use crate::finding::{Finding, Level};
use crate::model::affected;
use crate::model::ctx::Ctx;
use crate::model::workspace::{App, EarlierSettings};
use crate::sys::exit::Exit;
use crate::sys::{child, export, parallel, scratch, serve, ui};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use runners::{counted, names};
use std::process::Command;
use xshell::cmd;

mod runners;

/// The result, with a line for the progress output.
enum Outcome {
    Passed(String),
    /// Nothing was run; the reason.
    Skipped(String),
    /// Something failed, but a commit declares the break or `app.toml` accepts it.
    Excused(String),
    Broken(Vec<Finding>),
}

/// One app's check, prepared: every step that changes or builds the checkout's environment is done.
pub(super) struct Begun {
    line: ui::Line,
    state: Result<State>,
}

enum State {
    Over(Outcome),
    Ready(Box<Trial>),
}

/// The command that starts a server, and the path of its health check.
type Served = (Command, String);

/// The tests to run in parallel in an export of the tag.
struct Trial {
    plan: AppPlan,
    last: LastRelease,
    /// The name under which a pass is recorded; `place` is the file.
    check: String,
    place: Option<Utf8PathBuf>,
    tree: Utf8PathBuf,
    /// Today's server, if the app still has one, and the command of the tag's black-box tests.
    black_box: Option<(Option<Served>, Vec<String>)>,
    plugin: Option<Prepared>,
    _temp: scratch::Folder,
}

/// Prepares the tests. With `reuse`, tests that passed before for the same tree and the same tag are skipped.
pub(super) fn begin(ctx: &Ctx, app: &App, reuse: bool) -> Begun {
    let line = ui::begin(&format!("users-{}", app.name()));
    Begun { line, state: prepare(ctx, app, reuse) }
}

/// Runs the prepared tests. The checkout is not changed, so other tests may run in parallel.
pub(super) fn end(ctx: &Ctx, app: &App, Begun { line, state }: Begun) -> Result<Vec<Finding>> {
    let outcome = state.and_then(|state| match state {
        State::Over(outcome) => Ok(outcome),
        State::Ready(trial) => trial.outcome(ctx, app),
    });
    match outcome {
        Ok(Outcome::Passed(said) | Outcome::Excused(said)) => line.end(ui::Outcome::Done(said)),
        Ok(Outcome::Skipped(why)) => line.end(ui::Outcome::Skipped(why)),
        Ok(Outcome::Broken(findings)) => {
            line.end(ui::Outcome::Failed("tests of the last release fail with the current code".into()));
            return Ok(findings);
        }
        Err(e) if e.is::<Exit>() => return Err(e),
        Err(e) => {
            line.end(ui::Outcome::Failed("could not run".into()));
            let message = format!("the last release's tests could not run: {e:#}");
            return Ok(vec![
                Finding::new("users", Level::Error, message).app(app.name()).place(app.dir.as_str()),
            ]);
        }
    }
    Ok(Vec::new())
}

fn prepare(ctx: &Ctx, app: &App, reuse: bool) -> Result<State> {
    let skipped = |why: String| Ok(State::Over(Outcome::Skipped(why)));
    let plan = plan::plan(ctx, app)?;
    let Some(last) = plan.last.clone() else {
        return skipped("no release yet, so there are no earlier tests to run".into());
    };
    let Some(settings) = settings(ctx, app, &last) else {
        return skipped(format!(
            "{} has no readable {}/app.toml, so its tests are not known",
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
    // A tag can be moved, so the tag's tree is part of the name.
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
    let temp = scratch::folder()?;
    let tree = Utf8PathBuf::try_from(temp.path().canonicalize()?)?.join("tree");
    export(ctx, &last, &tree)?;
    let black_box = contract.map(|argv| Ok::<_, anyhow::Error>((server(ctx, app)?, argv))).transpose()?;
    let plugin = plugin.map(|argv| app.settings.ecosystem.users(ctx, app, &tree, &argv)).transpose()?;
    Ok(State::Ready(Box::new(Trial { plan, last, check, place, tree, black_box, plugin, _temp: temp })))
}

type Tried = Vec<(&'static str, Result<String, String>)>;

impl Trial {
    fn outcome(mut self, ctx: &Ctx, app: &App) -> Result<Outcome> {
        let (mut passed, mut broken) = (Vec::new(), Vec::new());
        for (what, result) in self.tried()? {
            match result {
                Ok(output) => passed.push(format!("{what} ({})", counted(&output))),
                Err(output) => broken.push(Broken { what, output }),
            }
        }
        if !broken.is_empty() {
            return Ok(judge(ctx, app, &self.plan, &self.last, &broken));
        }
        let said = format!("{}'s {} pass with the current code", self.last.tag, passed.join(" and "));
        self.place.map_or(Ok(()), |place| passed::remember(ctx, app, &self.check, &place, &said))?;
        Ok(Outcome::Passed(said))
    }

    /// The output of each, or the error. Paths below the export are shown as `TAG:path`.
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

/// The settings in the tag's `app.toml`. None if there is none, or if it cannot be read: a published release
/// cannot be fixed.
fn settings(ctx: &Ctx, app: &App, last: &LastRelease) -> Option<EarlierSettings> {
    let text =
        ctx.git.read(&["show", "--end-of-options", &format!("refs/tags/{}:{}/app.toml", last.tag, app.dir)]);
    text.ok().and_then(|text| EarlierSettings::read(&text))
}

/// Exports the whole tree of the tag, because its tests may use any file in it.
fn export(ctx: &Ctx, last: &LastRelease, tree: &Utf8Path) -> Result<()> {
    std::fs::create_dir(tree)?;
    let commit = ctx.git.commit(&format!("refs/tags/{}", last.tag))?;
    export::files(&ctx.git, &commit, Utf8Path::new(""), tree)
        .with_context(|| format!("cannot export {}", last.tag))
}

/// Today's server. None if the app no longer has one.
fn server(ctx: &Ctx, app: &App) -> Result<Option<Served>> {
    let Some(spec) = &app.settings.spec else { return Ok(None) };
    Ok(Some((app.settings.ecosystem.server(ctx, app, &spec.serve)?, spec.health.clone())))
}

/// The outer error: today's server does not start or stop. The inner error: the tests failed.
fn black_box(server: Option<Served>, tree: &Utf8Path, argv: &[String]) -> Result<Result<String>> {
    let Some((server, health)) = server else {
        return Ok(Err(anyhow::anyhow!("the app no longer has a server: app.toml has no [spec]")));
    };
    let (program, args) = argv.split_first().context("the command has no words")?;
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

fn judge(ctx: &Ctx, app: &App, plan: &AppPlan, last: &LastRelease, broken: &[Broken]) -> Outcome {
    let what =
        broken.iter().map(|b| format!("{}{}", b.what, names(&b.output))).collect::<Vec<_>>().join("; ");
    if let Some(commit) = plan.commits.iter().find(|c| c.breaking && c.counts) {
        return Outcome::Excused(format!(
            "{}'s tests fail: {what}; {} ({}) declares a break",
            last.tag,
            commit.subject,
            commit.short()
        ));
    }
    if app.settings.accepts(ID, app.name(), &last.version).is_some() {
        return Outcome::Excused(format!(
            "{}'s tests fail: {what}; {}/app.toml accepts it",
            last.tag, app.dir
        ));
    }
    if plan::is_withdrawn(ctx, app, &last.version) {
        return Outcome::Excused(format!(
            "{}'s tests fail: {what}; that release was withdrawn from the index, so this stops nothing",
            last.tag
        ));
    }
    Outcome::Broken(broken.iter().map(|b| finding(app, last, b)).collect())
}

const ID: &str = "yesterday-broken";

fn finding(app: &App, last: &LastRelease, broken: &Broken) -> Finding {
    let Broken { what, output } = broken;
    let message = format!(
        "the current code breaks the {what} of {}, which passed at that release{}\n{output}",
        last.tag,
        names(output)
    );
    let help = format!(
        "restore the behaviour that users of {} rely on\n\
         or declare the break: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`\n\
         or, if the test relied on something that was never guaranteed, accept it in {}/app.toml: \
         [[accept]] id = {ID:?}, version = the next one, reason = \"…\"",
        last.tag, app.dir
    );
    Finding::new(ID, Level::Breaking, message).app(app.name()).place(app.dir.as_str()).help(help)
}
