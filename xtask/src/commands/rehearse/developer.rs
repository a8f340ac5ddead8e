//! The developer of a rehearsal: a clone with the hooks installed, the commits and pushes made in it, and a
//! record of the hooks that ran.

use super::machine::{Ended, Env, Machine};
use crate::model::workspace::App;
use crate::sys::git::Git;
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) struct Developer<'a> {
    pub machine: &'a Machine,
    pub git: Git,
    /// The file with git's record of the programs that it runs (trace2 events, see git's api-trace2.txt).
    pub trace: Utf8PathBuf,
    env: Env,
}

/// How often a hook succeeded, and how often it failed and so stopped git.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fired {
    pub passed: usize,
    pub stopped: usize,
}

impl<'a> Developer<'a> {
    /// Clones the remote into `dir/clone`, checks out the ref `head`, and installs the hooks as the README
    /// describes.
    pub(super) fn new(
        machine: &'a Machine,
        log: &Utf8Path,
        dir: &Utf8Path,
        url: &str,
        head: &str,
    ) -> Result<Developer<'a>> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create the folder {dir}"))?;
        let trace = dir.join("git-trace.jsonl");
        let clone = dir.join("clone");
        let developer = Developer { machine, git: Git::new(&clone), env: machine.developer(&trace), trace };
        machine
            .run(
                log,
                dir,
                &developer.env,
                &["git", "clone", "--quiet", "--no-checkout", "--", url, clone.as_str()],
            )?
            .expect(0)?;
        developer.git(log, &["fetch", "--quiet", "origin", head])?;
        developer.git(log, &["checkout", "--quiet", "--detach", "FETCH_HEAD"])?;
        developer.xtask(log, &["setup"])?;
        Ok(developer)
    }

    pub(super) fn git(&self, log: &Utf8Path, args: &[&str]) -> Result<()> {
        let argv: Vec<&str> = ["git"].iter().chain(args).copied().collect();
        self.machine.run(log, &self.git.dir, &self.env, &argv)?.expect(0).map(drop)
    }

    pub(super) fn xtask(&self, log: &Utf8Path, args: &[&str]) -> Result<()> {
        self.machine.run(log, &self.git.dir, &self.env, &cargo_xtask(args))?.expect(0).map(drop)
    }

    /// Runs `release --bump` on the tip of the remote's main branch, with the secrets for publishing. `args`:
    /// the apps and more flags.
    pub(super) fn release(&self, log: &Utf8Path, main: &str, args: &[&str], secrets: &Env) -> Result<Ended> {
        self.git(log, &["fetch", "--quiet", "origin"])?;
        self.git(log, &["switch", "--quiet", "--force-create", main, &format!("origin/{main}")])?;
        let env: Env = self.env.iter().chain(secrets).cloned().collect();
        let argv = [&["release", "--bump"], args].concat();
        self.machine.run(log, &self.git.dir, &env, &cargo_xtask(&argv))
    }

    /// Runs a command with `--json`. Returns its exit code, its JSON (null if there is none), and its stderr.
    /// An error if it succeeds without printing JSON.
    pub(super) fn ask(&self, log: &Utf8Path, args: &[&str]) -> Result<(i32, Value, String)> {
        self.ask_with(log, args, &Vec::new())
    }

    /// Like `ask`, with the secrets for publishing.
    pub(super) fn ask_with(
        &self,
        log: &Utf8Path,
        args: &[&str],
        secrets: &Env,
    ) -> Result<(i32, Value, String)> {
        let argv: Vec<&str> = cargo_xtask(args).into_iter().chain(["--json"]).collect();
        let env: Env = self.env.iter().chain(secrets).cloned().collect();
        let ended = self.machine.run_json(log, &self.git.dir, &env, &argv)?;
        let value = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
        if ended.code == 0 && value.is_null() {
            bail!("`{}` printed no JSON", ended.words);
        }
        Ok((ended.code, value, ended.text))
    }

    /// Runs a command that must end with this exit code. Returns its output.
    pub(super) fn ended(&self, log: &Utf8Path, args: &[&str], code: i32) -> Result<String> {
        Ok(self.machine.run(log, &self.git.dir, &self.env, &cargo_xtask(args))?.expect(code)?.text)
    }

    /// Creates a branch from the tip of the remote's branch `base`.
    pub(super) fn branch(&self, log: &Utf8Path, name: &str, base: &str) -> Result<()> {
        self.git(log, &["fetch", "--quiet", "origin"])?;
        self.git(log, &["switch", "--quiet", "--no-track", "--create", name, &format!("origin/{base}")])
    }

    /// Adds a line to the app's README.md and commits it; the commit runs the hooks.
    pub(super) fn fix(&self, log: &Utf8Path, app: &App, what: &str) -> Result<()> {
        let file = app.dir.join("README.md");
        let path = self.git.dir.join(&file);
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text.push_str(&format!("\nRehearsed: {what}.\n"));
        std::fs::write(&path, text).with_context(|| format!("cannot write {path}"))?;
        self.git(log, &["add", "--", file.as_str()])?;
        self.git(
            log,
            &[
                "commit",
                "--quiet",
                "--message",
                &format!("fix({}): say what was rehearsed, {what}", app.name()),
            ],
        )
    }

    /// `login`: variables for git.
    pub(super) fn push(&self, log: &Utf8Path, branch: &str, login: Env) -> Result<String> {
        let env = [self.env.clone(), login].concat();
        let target = format!("HEAD:refs/heads/{branch}");
        let argv = ["git", "push", "--quiet", "origin", &target];
        self.machine.run(log, &self.git.dir, &env, &argv)?.expect(0)?;
        self.git.commit("HEAD")
    }

    /// The hooks that ran so far, by name, from git's trace.
    pub(super) fn hooks(&self) -> Result<BTreeMap<String, Fired>> {
        let text =
            std::fs::read_to_string(&self.trace).with_context(|| format!("cannot read {}", self.trace))?;
        Ok(hooks(&text))
    }
}

fn cargo_xtask<'b>(args: &[&'b str]) -> Vec<&'b str> {
    ["cargo", "xtask"].into_iter().chain(args.iter().copied()).collect()
}

/// Counts the hooks in a trace2 trace. Each `child_start` of a hook is paired with the `child_exit` of the
/// same process (sid) and child_id.
fn hooks(trace: &str) -> BTreeMap<String, Fired> {
    let mut running: BTreeMap<(String, u64), String> = BTreeMap::new();
    let mut fired: BTreeMap<String, Fired> = BTreeMap::new();
    for event in trace.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()) {
        let Some(key) =
            event["sid"].as_str().zip(event["child_id"].as_u64()).map(|(sid, id)| (sid.to_string(), id))
        else {
            continue;
        };
        match (event["event"].as_str(), event["hook_name"].as_str()) {
            (Some("child_start"), Some(name)) => drop(running.insert(key, name.to_string())),
            (Some("child_exit"), _) => {
                let Some(name) = running.remove(&key) else { continue };
                let hook = fired.entry(name).or_default();
                if event["code"].as_i64() == Some(0) { hook.passed += 1 } else { hook.stopped += 1 }
            }
            _ => {}
        }
    }
    fired
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_counted_from_gits_trace() {
        let trace = r#"{"event":"start","sid":"a"}
{"event":"child_start","sid":"a","child_id":0,"child_class":"hook","hook_name":"pre-commit"}
{"event":"child_start","sid":"a/b","child_id":0,"argv":["git","gc"]}
{"event":"child_exit","sid":"a/b","child_id":0,"code":1}
not json
{"event":"child_exit","sid":"a","child_id":0,"code":0}
{"event":"child_start","sid":"c","child_id":0,"child_class":"hook","hook_name":"pre-commit"}
{"event":"child_exit","sid":"c","child_id":0,"code":1}
{"event":"child_start","sid":"d","child_id":2,"child_class":"hook","hook_name":"pre-push"}
{"event":"child_exit","sid":"d","child_id":2,"code":0}
{"event":"child_start","sid":"e","child_id":2,"child_class":"hook","hook_name":"pre-push"}"#;
        let found = hooks(trace);
        assert_eq!(found["pre-commit"], Fired { passed: 1, stopped: 1 });
        assert_eq!(found["pre-push"], Fired { passed: 1, stopped: 0 });
        assert_eq!(found.len(), 2);
    }
}
