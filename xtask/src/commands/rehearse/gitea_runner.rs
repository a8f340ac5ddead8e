//! Gitea's own runner: it runs the repository's workflow for one pull request, in a repository of its own on
//! the Gitea that the rehearsal has started. Its jobs run on this machine, so they do only what the rehearsal
//! does anyway: `cargo xtask ci`. Actions, which are programs of others, are left out.

use super::Rehearsal;
use super::gitea::{Gitea, Repository, with_login};
use super::machine::{Env, pairs};
use crate::forge::{Draft, Forge, Protection};
use crate::model::workflow::{self, Workflow};
use crate::model::workspace::ForgeKind;
use crate::sys::child;
use crate::sys::git::Git;
use crate::sys::supervise::{self, Start, Supervised};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};
use xshell::cmd;

/// The names of the program: that of older releases first.
const PROGRAMS: [&str; 2] = ["act_runner", "gitea-runner"];
/// What a job calls.
const COMMAND: &str = "cargo xtask ci ";
/// How long all jobs together may take.
const LIMIT: Duration = Duration::from_secs(900);
const POLL: Duration = Duration::from_millis(500);

const BRANCH: &str = "feat/on-the-runner";
const TITLE: &str = "fix: say what the runner has checked";

/// Lets the runner check a pull request, and merges it. Returns what was seen. The inner error is the reason
/// why there was no runner.
pub(super) fn rehearse(
    rehearsal: &Rehearsal,
    gitea: &Gitea,
    server: &str,
    log: &Utf8Path,
) -> Result<Result<String, String>> {
    let Some(program) = PROGRAMS.iter().find_map(|name| which::which(name).ok()) else {
        return Ok(Err(format!("neither {} is on PATH", PROGRAMS.join(" nor "))));
    };
    let program = Utf8PathBuf::try_from(program)?;
    let dir = rehearsal.dir.join("runner");
    // The runner splits the command line of a step, with this path in it, as a shell does.
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !dir.as_str().chars().all(plain) {
        return Ok(Err(format!("the runner cannot work in {dir}: use a path of letters, digits and . _ -")));
    }
    std::fs::create_dir_all(dir.join("home")).with_context(|| format!("cannot create the folder {dir}"))?;
    let name = format!("rehearsal-{}-runner", rehearsal.dir.file_name().unwrap_or_default());
    let forge = Repository(Forge::create_on_gitea(server, &gitea.token, &name)?);
    // Only the pull request starts jobs, no push.
    forge.change_settings(&json!({ "has_actions": false }))?;
    let one = One { rehearsal, server, forge: &forge, dir: &dir, log };
    let Some(workflow) = one.fill(&gitea.token)? else {
        return Ok(Err(format!("the repository has no workflow for Gitea that calls {}", COMMAND.trim())));
    };
    // Gitea takes a pull request when it has seen the push.
    until(|| Ok((forge.settings()?.get("empty") == Some(&json!(false))).then_some(())))?;
    let base = &rehearsal.ctx.ws.settings.development;
    let required = workflow.always_checks(ForgeKind::Gitea, base);
    forge.protect(base, &required, &Protection::No)?;
    forge.change_settings(&json!({ "has_actions": true }))?;
    let runner = one.start(&program, &workflow)?;
    let draft = Draft { head: BRANCH, base, title: TITLE, body: "A change for a rehearsal." };
    let (pull, _) = forge.pull_request(&draft)?;
    let passed = one.wait(&workflow)?;
    // The jobs of the push that the merge makes would only be begun.
    forge.change_settings(&json!({ "has_actions": false }))?;
    drop(runner);
    forge.squash(pull.number)?;
    let comment = if forge.commented()?.is_empty() { "" } else { ", one comment" };
    Ok(Ok(format!(
        "{}: {} passed{comment}; merged, with {} required",
        program.file_name().unwrap_or_default(),
        passed.join(", "),
        required.join(", "),
    )))
}

struct One<'a> {
    rehearsal: &'a Rehearsal<'a>,
    server: &'a str,
    forge: &'a Forge,
    dir: &'a Utf8Path,
    log: &'a Utf8Path,
}

impl One<'_> {
    /// Pushes both branches with the reduced workflow, and a branch that changes each app. Returns the
    /// workflow, or None if no job calls xtask.
    fn fill(&self, token: &str) -> Result<Option<Workflow>> {
        let settings = &self.rehearsal.ctx.ws.settings;
        let clone = self.dir.join("clone");
        let mirror = self.rehearsal.world.remote.git.dir.as_str();
        let branch = settings.development.as_str();
        self.git(self.dir, &["clone", "--quiet", "--branch", branch, "--", mirror, clone.as_str()])?;
        let mut found = None;
        for (workflow, text) in workflow::of(&clone, ForgeKind::Gitea)? {
            let file = clone.join(workflow::folder(ForgeKind::Gitea)).join(&workflow.file);
            let text = reduced(&workflow, &text);
            match text.as_deref().map(|text| Workflow::read(&workflow.file, text)) {
                Some(Ok(small)) if found.is_none() => found = Some(small),
                Some(Err((why, line))) => bail!("{file}, line {line}: {why}"),
                _ => {
                    std::fs::remove_file(&file).with_context(|| format!("cannot remove {file}"))?;
                    continue;
                }
            }
            std::fs::write(&file, text.unwrap_or_default())
                .with_context(|| format!("cannot write {file}"))?;
        }
        if found.is_none() {
            return Ok(None);
        }
        self.git(&clone, &["commit", "--quiet", "--all", "--message", "ci: only call xtask"])?;
        self.git(&clone, &["switch", "--quiet", "--create", BRANCH])?;
        for app in &self.rehearsal.apps {
            let file = clone.join(&app.dir).join("README.md");
            let text =
                std::fs::read_to_string(&file).unwrap_or_default() + "\nRehearsed on Gitea's runner.\n";
            std::fs::write(&file, text).with_context(|| format!("cannot write {file}"))?;
        }
        self.git(&clone, &["add", "--all"])?;
        self.git(&clone, &["commit", "--quiet", "--message", TITLE])?;
        let (git, url) = Git::new(&clone).with_remote(&with_login(self.forge, token));
        let main = format!("HEAD^:refs/heads/{}", settings.main);
        let (development, head) = (format!("HEAD^:refs/heads/{branch}"), format!("HEAD:refs/heads/{BRANCH}"));
        let tags = "refs/tags/*:refs/tags/*";
        git.online(&["push", "--quiet", "--no-verify", "--", &url, &main, &development, &head, tags])?;
        Ok(found)
    }

    fn git(&self, dir: &Utf8Path, args: &[&str]) -> Result<()> {
        let env = self.rehearsal.machine.developer(&self.dir.join("trace"));
        self.rehearsal.machine.run(self.log, dir, &env, &[&["git"], args].concat())?.expect(0).map(drop)
    }

    /// Registers the runner for this repository, and starts it.
    fn start(&self, program: &Utf8Path, workflow: &Workflow) -> Result<Supervised> {
        let configuration = self.dir.join("runner.yaml");
        std::fs::write(&configuration, self.configuration(workflow))?;
        let token = self.forge.runner_token()?;
        let (url, name) = (self.server, "rehearsal");
        let sh = child::shell(self.dir)?;
        // It asks for the token, which must not be an argument.
        let register = cmd!(sh, "{program} register --config {configuration} --instance {url} --name {name}");
        child::capture(register.stdin(format!("{token}\n")), &[]).context("the runner cannot register")?;
        let argv = [program.as_str(), "daemon", "--config", configuration.as_str()].map(str::to_string);
        let (env, log) = (self.environment(), self.dir.join("log"));
        let start = Start { argv: &argv, dir: self.dir, env: &env, log: &log, stdout: None };
        let runner = supervise::start(&self.rehearsal.machine.xtask, &start)?;
        until(|| Ok(self.forge.has_runner()?.then_some(())))?;
        // It has read its token.
        std::fs::remove_file(self.state()).with_context(|| format!("cannot remove {}", self.state()))?;
        Ok(runner)
    }

    /// Where the runner keeps what it has registered.
    fn state(&self) -> Utf8PathBuf {
        self.dir.join("state")
    }

    /// As JSON, which is valid YAML. `:host`: the jobs run without a container.
    fn configuration(&self, workflow: &Workflow) -> String {
        let mut labels: Vec<String> = workflow
            .jobs
            .iter()
            .filter_map(|job| {
                job.node.get("runs-on").and_then(|label| label.text()).map(|label| format!("{label}:host"))
            })
            .collect();
        labels.sort();
        labels.dedup();
        json!({
            "runner": { "file": self.state(), "capacity": 1, "labels": labels },
            "cache": { "enabled": false },
            "host": { "workdir_parent": self.dir.join("jobs") },
        })
        .to_string()
    }

    fn environment(&self) -> Env {
        let mut env = self.rehearsal.machine.runner(&self.dir.join("home"));
        let ours = ["XTASK_REMOTE", "XTASK_FORGE"];
        env.retain(|(name, _)| !ours.contains(&name.as_str()));
        let remote = format!("{}.git", self.forge.web());
        env.extend(pairs(&[("XTASK_REMOTE", &remote), ("XTASK_FORGE", &self.forge.api())]));
        env
    }

    /// Waits until all checks of the pull request have passed. Returns those that were not skipped.
    fn wait(&self, workflow: &Workflow) -> Result<Vec<String>> {
        let commit = Git::new(self.dir.join("clone")).commit("HEAD")?;
        let checks = workflow.checks(ForgeKind::Gitea);
        until(|| {
            let statuses = self.forge.statuses(&commit)?;
            let state = |check: &String| {
                statuses.iter().find(|one| one.context == *check).map_or("", |one| one.state.as_str())
            };
            if let Some(check) = checks.iter().find(|check| ["failure", "error"].contains(&state(check))) {
                let mut file = std::fs::File::options().append(true).open(self.log)?;
                file.write_all(&self.forge.failed_logs()?)?;
                bail!("{check} failed on Gitea's runner");
            }
            let done = checks.iter().all(|check| ["success", "skipped"].contains(&state(check)));
            Ok(done.then(|| checks.iter().filter(|check| state(check) == "success").cloned().collect()))
        })
    }
}

/// Asks again until there is an answer.
fn until<T>(mut answer: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = answer()? {
            return Ok(answer);
        }
        if started.elapsed() > LIMIT {
            bail!("Gitea and its runner did not end within {} s", LIMIT.as_secs());
        }
        supervise::stop_when_interrupted()?;
        std::thread::sleep(POLL);
    }
}

/// The jobs that call xtask, each with a checkout by git and with that call as its only steps. None if there
/// is no such job. Pure.
fn reduced(workflow: &Workflow, text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = workflow.jobs.first()?.lines.0;
    let mut out: Vec<String> = lines[..first - 1].iter().map(|line| line.to_string()).collect();
    let before = out.len();
    for job in &workflow.jobs {
        out.extend(reduced_job(&lines[job.lines.0 - 1..job.lines.1.min(lines.len())]));
    }
    (out.len() > before).then(|| out.join("\n") + "\n")
}

fn reduced_job(lines: &[&str]) -> Vec<String> {
    let Some(steps) = lines.iter().position(|line| line.trim() == "steps:") else { return Vec::new() };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(depth) = lines[steps + 1..].iter().find(|l| l.trim_start().starts_with("- ")).map(|l| indent(l))
    else {
        return Vec::new();
    };
    let begins = |line: &str| indent(line) == depth && line.trim_start().starts_with("- ");
    let mut calls: Vec<Vec<&str>> = Vec::new();
    for line in &lines[steps + 1..] {
        let comment = line.trim().is_empty() || line.trim_start().starts_with('#');
        match calls.last_mut() {
            _ if begins(line) => calls.push(vec![line]),
            Some(step) if !comment => step.push(line),
            _ => {}
        }
    }
    calls.retain(|step| step.iter().any(|line| line.contains(COMMAND)));
    if calls.is_empty() {
        return Vec::new();
    }
    let checkout = [
        "- run: |",
        "    git init --quiet .",
        "    git remote add origin \"$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git\"",
        "    git fetch --quiet origin '+refs/heads/*:refs/remotes/origin/*' \\",
        "      '+refs/tags/*:refs/tags/*' \"$GITHUB_REF\"",
        "    git checkout --quiet --detach \"$GITHUB_SHA\"",
    ];
    let head = lines[..=steps].iter().map(|line| line.to_string());
    let checkout = checkout.iter().map(|line| format!("{}{line}", " ".repeat(depth)));
    head.chain(checkout).chain(calls.concat().into_iter().map(str::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_keeps_its_condition_its_outputs_and_its_call_of_xtask() {
        let text = "on: pull_request\njobs:\n  lint:\n    if: a != 'b'\n    outputs:\n      c: \
                    ${{ steps.l.outputs.c }}\n    runs-on: ubuntu-latest\n    steps:\n      - uses: \
                    actions/checkout@1\n        with: { fetch-depth: 0 }\n      # Why.\n      - id: l\n\
                    \x20       run: exec cargo xtask ci lint\n        env:\n          A: b\n\
                    \x20     - uses: x/y@1\n\
                    \x20 \
                    # The next one.\n  other:\n    runs-on: x\n    steps:\n      - run: make\n";
        let small = reduced(&Workflow::read("ci.yml", text).unwrap(), text);
        expect_test::expect![[r#"
            on: pull_request
            jobs:
              lint:
                if: a != 'b'
                outputs:
                  c: ${{ steps.l.outputs.c }}
                runs-on: ubuntu-latest
                steps:
                  - run: |
                      git init --quiet .
                      git remote add origin "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git"
                      git fetch --quiet origin '+refs/heads/*:refs/remotes/origin/*' \
                        '+refs/tags/*:refs/tags/*' "$GITHUB_REF"
                      git checkout --quiet --detach "$GITHUB_SHA"
                  - id: l
                    run: exec cargo xtask ci lint
                    env:
                      A: b
        "#]]
        .assert_eq(&small.unwrap());
        let other = text.replace("cargo xtask ci", "make");
        assert_eq!(reduced(&Workflow::read("ci.yml", &other).unwrap(), &other), None);
    }
}
