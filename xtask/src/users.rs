//! Yesterday's users: the last release's own black-box tests and its example plugin, as its tag has them, tried with today's code. They see what no
//! comparison of two texts can: a name that is there and does something else, one that is made when it is asked for.

use crate::exit::Exit;
use crate::finding::{Finding, Level};
use crate::plan::{self, AppPlan, Release};
use crate::workspace::App;
use crate::{Ctx, changes, child, memory, serve, ui};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use xshell::cmd;

/// So many names of failed tests are enough to see what is meant.
const SHOWN: usize = 8;

/// The commands in the tag's `app.toml`. Not read as strictly as today's: that release is out, and another xtask made it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Commands {
    spec: Spec,
    compat: Compat,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    contract: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Compat {
    users: Option<Vec<String>>,
}

/// How it went, in a line for people.
enum Outcome {
    Passed(String),
    /// Nothing was run, and why.
    Skipped(String),
    /// Something failed, and a commit or an acceptance says that it may.
    Excused(String),
    Broken(Vec<Finding>),
}

/// One app's check in one line. With `reuse`, what passed before with the same tree and the same tag is taken over.
pub fn check_app(ctx: &Ctx, app: &App, reuse: bool) -> Result<Vec<Finding>> {
    let line = ui::begin(&format!("users-{}", app.name()));
    match outcome(ctx, app, reuse) {
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
            return Ok(vec![Finding::new("users", Level::Error, message).app(app.name()).place(app.dir.as_str())]);
        }
    }
    Ok(Vec::new())
}

fn outcome(ctx: &Ctx, app: &App, reuse: bool) -> Result<Outcome> {
    let skipped = |why: String| Ok(Outcome::Skipped(why));
    let plan = plan::plan(ctx, app)?;
    let Some(last) = &plan.last else { return skipped("no release yet whose users could be tried".into()) };
    let commands = commands(ctx, app, last);
    let contract = commands.spec.contract.filter(|argv| !argv.is_empty());
    let plugin = commands.compat.users.filter(|argv| !argv.is_empty());
    if contract.is_none() && plugin.is_none() {
        return skipped(format!("{} has neither black-box tests nor an example plugin", last.tag));
    }
    if !changed(ctx, app, last)? {
        return skipped(format!("nothing changed since {}", last.tag));
    }
    let place = memory::place(ctx, app, &format!("users of {}", last.tag))?;
    if let Some(said) = place.as_ref().filter(|_| reuse).and_then(memory::recall) {
        return skipped(format!("passed on this machine before, with the same files: {said}"));
    }
    let temp = tempfile::tempdir()?;
    let tree = Utf8PathBuf::try_from(temp.path().canonicalize()?)?.join("tree");
    written_out(ctx, last, &tree)?;
    let (mut said, mut broken) = (Vec::new(), Vec::new());
    let mut ran = |what: &str, result: Result<String>| match result {
        Ok(output) => said.push(format!("{what} ({})", counted(&output))),
        Err(e) => {
            broken.push(Broken { what: what.to_string(), output: format!("{e:#}").replace(&format!("{tree}/"), &format!("{}:", last.tag)) })
        }
    };
    if let Some(argv) = &contract {
        ran("black-box tests", black_box(ctx, app, &tree, argv)?);
    }
    if let Some(argv) = &plugin {
        let output = app.settings.ecosystem.run_users(ctx, app, &tree, argv).map_err(|e| e.context("the example plugin can't be tried"))?;
        ran("example plugin", output);
    }
    if !broken.is_empty() {
        return Ok(judge(app, &plan, last, &broken));
    }
    let said = format!("{}'s {} pass with today's code", last.tag, said.join(" and "));
    place.map_or(Ok(()), |place| memory::remember(&place, &said))?;
    Ok(Outcome::Passed(said))
}

/// What the tag's `app.toml` says; nothing where it has none, or one that can't be read: a release that is out can't be mended.
fn commands(ctx: &Ctx, app: &App, last: &Release) -> Commands {
    let text = ctx.git.read(&["show", "--end-of-options", &format!("refs/tags/{}:{}/app.toml", last.tag, app.dir)]);
    text.ok().and_then(|text| toml_edit::de::from_str(&text).ok()).unwrap_or_default()
}

/// Is anything of the app other than in that release? What is not committed counts.
fn changed(ctx: &Ctx, app: &App, last: &Release) -> Result<bool> {
    let (tag, specs) = (format!("refs/tags/{}", last.tag), app.pathspecs());
    let with = |args: &[&str]| -> Vec<String> { args.iter().map(|a| a.to_string()).chain(specs.clone()).collect() };
    Ok(!ctx.git.ask(&with(&["diff", "--quiet", &tag, "--"]))?
        || !ctx.git.read(&with(&["ls-files", "--others", "--exclude-standard", "--"]))?.is_empty())
}

/// The whole tree of the tag: its tests may use whatever lay in it.
fn written_out(ctx: &Ctx, last: &Release, tree: &Utf8Path) -> Result<()> {
    std::fs::create_dir(tree)?;
    let archive = ctx.git.bytes(&["archive", "--format=tar", &format!("refs/tags/{}", last.tag)])?;
    tar::Archive::new(archive.as_slice()).unpack(tree).with_context(|| format!("{} can't be written out", last.tag))
}

/// The outer error: today's server does not start. The inner one: the tests say no.
fn black_box(ctx: &Ctx, app: &App, tree: &Utf8Path, argv: &[String]) -> Result<Result<String>> {
    let (Some(spec), Some((program, args))) = (&app.settings.spec, argv.split_first()) else {
        return Ok(Err(anyhow::anyhow!("{}/app.toml has no [spec] any more: there is no server for its clients", app.dir)));
    };
    let log = tree.with_file_name("server.log");
    let server = serve::start(app.settings.ecosystem.server(ctx, app, &spec.serve)?, child::free_port()?, "/health", &log)?;
    let sh = child::shell(tree)?;
    let said = child::capture_both(cmd!(sh, "{program} {args...}"), &[("BASE_URL", &server.url)]);
    server.stop()?;
    Ok(said)
}

struct Broken {
    what: String,
    output: String,
}

fn judge(app: &App, plan: &AppPlan, last: &Release, broken: &[Broken]) -> Outcome {
    let what = broken.iter().map(|b| format!("{}{}", b.what, names(&b.output))).collect::<Vec<_>>().join("; ");
    if let Some(commit) = plan.commits.iter().find(|c| c.breaking && c.counts) {
        return Outcome::Excused(format!("{}'s users break: {what}, as {} ({}) declares", last.tag, commit.subject, commit.short()));
    }
    if app.settings.accepts(ID, app.name(), &last.version).is_some() {
        return Outcome::Excused(format!("{}'s users break: {what}, as {}/app.toml accepts", last.tag, app.dir));
    }
    Outcome::Broken(broken.iter().map(|b| finding(app, last, b)).collect())
}

const ID: &str = "yesterday-broken";

fn finding(app: &App, last: &Release, broken: &Broken) -> Finding {
    let Broken { what, output } = broken;
    let message = format!("{}'s {what} worked with it, and not any more with today's code{}\n{output}", last.tag, names(output));
    Finding::new(ID, Level::Breaking, message).app(app.name()).place(app.dir.as_str()).help(format!(
        "keep what users of {} have\nor declare the break: `!` after a commit's type, or a footer `BREAKING CHANGE: what to do`\nor, if that test asked for too much, accept it in {}/app.toml: [[accept]] id = {ID:?}, version = the next one, reason = \"…\"",
        last.tag, app.dir
    ))
}

/// The names of the failed tests, of those runners that we know; nothing where none is named, as when a file could not be loaded.
fn names(output: &str) -> String {
    let names = failed(output);
    match names.len() {
        0 => String::new(),
        n if n > SHOWN => format!(" ({}, and {} more failed)", names[..SHOWN].join(", "), n - SHOWN),
        _ => format!(" ({} failed)", names.join(", ")),
    }
}

/// unittest: `FAIL: test_x (module.Class.test_x)`, `ERROR: …`; pytest: `FAILED path::test_x - why`; bun: `(fail) name [0.1ms]`; TAP: `not ok 1 - name`.
fn failed(output: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim();
        let cut = |rest: &str, at: &str| rest.split(at).next().unwrap_or(rest).trim().to_string();
        if let Some(rest) = line.strip_prefix("FAIL: ").or(line.strip_prefix("ERROR: ")) {
            return Some(cut(rest, " ("));
        }
        if let Some(rest) = line.strip_prefix("FAILED ").or(line.strip_prefix("ERROR ")).filter(|rest| rest.contains(".py")) {
            return Some(cut(rest, " - "));
        }
        if let Some(rest) = line.strip_prefix("(fail) ") {
            return Some(rest.rsplit_once(" [").map_or(rest, |(name, _)| name).trim().to_string());
        }
        line.strip_prefix("not ok ").map(|rest| rest.split_once(" - ").map_or(rest, |(_, name)| name).to_string())
    };
    let mut names: Vec<String> = Vec::new();
    for found in output.lines().filter_map(name).filter(|name| !name.is_empty()) {
        if !names.contains(&found) {
            names.push(found);
        }
    }
    names
}

/// The runner's own count: unittest's and bun's `Ran 3 tests …`, pytest's `3 passed in 1 s`.
fn counted(output: &str) -> String {
    let counts = |line: &&str| line.starts_with("Ran ") || line.contains(" passed in ");
    let line = output.lines().rev().map(|l| l.trim_matches(['=', ' '])).find(counts).unwrap_or("passed");
    changes::plain(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_named_as_their_runners_do() {
        for (output, expected) in [
            ("FAIL: test_a (m.C.test_a)\nERROR: test_b (m.C.test_b)\nFAIL: test_a (m.C.test_a)\n", vec!["test_a", "test_b"]),
            ("ERROR: test_shout (unittest.loader._FailedTest.test_shout)", vec!["test_shout"]),
            (
                "FAILED tests/test_x.py::test_y - assert 1 == 2\nERROR tests/test_z.py - ImportError\n",
                vec!["tests/test_x.py::test_y", "tests/test_z.py"],
            ),
            ("FAILED (failures=1)\nERROR something else\n", vec![]),
            ("(fail) it greets [0.21ms]\n(fail) a [b] c\n(pass) fine\n", vec!["it greets", "a"]),
            ("not ok 1 - it greets\nok 2 - x\n", vec!["it greets"]),
            ("", vec![]),
        ] {
            assert_eq!(failed(output), expected, "{output}");
        }
    }

    #[test]
    fn the_runners_count_is_found() {
        for (output, expected) in [
            ("...\nRan 3 tests in 0.01s\n\nOK\n", "Ran 3 tests in 0.01s"),
            (" 1 pass\nRan 1 test across 1 file. [9.00ms]\n", "Ran 1 test across 1 file. [9.00ms]"),
            ("=== 2 passed in 0.10s ===\n", "2 passed in 0.10s"),
            ("", "passed"),
        ] {
            assert_eq!(counted(output), expected);
        }
    }

    #[test]
    fn an_old_app_toml_is_read_for_its_commands_alone() {
        let text = "name = \"x\"\nunknown = 1\n[spec]\nfile = \"x\"\ncontract = [\"a\"]\n[compat]\nusers = [\"b\", \"c\"]\nold = true\n";
        let commands: Commands = toml_edit::de::from_str(text).expect("read");
        assert_eq!((commands.spec.contract, commands.compat.users), (Some(vec!["a".into()]), Some(vec!["b".into(), "c".into()])));
        let commands: Commands = toml_edit::de::from_str("name = \"x\"").expect("read");
        assert!(commands.spec.contract.is_none() && commands.compat.users.is_none());
    }
}
