//! Tests the gate for undeclared breaking changes: a commit removes a path from an app's spec, once as `fix:`
//! and once as `fix!:`.

use super::Walk;
use crate::commands::rehearse::developer::Developer;
use crate::model::workspace::App;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use serde_json::Value;

impl Walk<'_> {
    /// Runs the test for each app with a spec, on a detached commit that is never pushed. The evidence is the
    /// refusal, and the version that the declared break demands.
    pub(super) fn undeclared_break(&mut self) -> Result<()> {
        let main = format!("origin/{}", self.main());
        for app in self.rehearsal.apps.iter().filter(|app| app.settings.spec.is_some()) {
            let mut seen = String::new();
            self.rehearsal.steps.run(format!("gate, {} breaks its clients", app.name()), |log| {
                seen = refused_then_declared(&self.walked.developer, log, app, &main)?;
                Ok(seen.clone())
            })?;
            self.walked.gates.push((app.name().to_string(), seen));
        }
        Ok(())
    }
}

fn refused_then_declared(dev: &Developer, log: &Utf8Path, app: &App, main: &str) -> Result<String> {
    dev.git(log, &["fetch", "--quiet", "origin"])?;
    dev.git(log, &["switch", "--quiet", "--detach", main])?;
    let path = without_a_path(dev, app)?;
    // --no-verify: the hooks would find that the spec does not match the code. `plan` does not run the code.
    let subject = |mark: &str| format!("fix({}){mark}: drop {path}", app.name());
    dev.git(log, &["commit", "--quiet", "--all", "--no-verify", "--message", &subject("")])?;
    let (code, plan, stderr) = dev.ask(log, &["plan", app.name()])?;
    let stopped =
        plan["findings"].as_array().is_some_and(|list| list.iter().any(|f| f["id"] == "undeclared-break"));
    if code != 3 || !stopped {
        bail!(
            "{path} is removed by a `fix:` commit, but plan did not refuse it (exit code {code}):\n{stderr}"
        );
    }
    dev.git(log, &["commit", "--quiet", "--amend", "--no-verify", "--message", &subject("!")])?;
    let (code, plan, stderr) = dev.ask(log, &["plan", app.name()])?;
    let next = plan["apps"][0]["next"].as_str().unwrap_or_default();
    if code != 0 || next.is_empty() {
        bail!("the breaking change is declared, but plan ended with exit code {code}:\n{stderr}");
    }
    Ok(format!("without {path}, exit code 3 under `fix:`, {next} under `fix!:`"))
}

/// Removes the last path from the app's spec, and returns it.
fn without_a_path(dev: &Developer, app: &App) -> Result<String> {
    let file = app.settings.spec.as_ref().context("the app has no spec")?.file.clone();
    let file = dev.git.dir.join(&app.dir).join(file);
    let mut spec: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)
        .with_context(|| format!("{file} is not JSON"))?;
    let paths = spec["paths"].as_object_mut().with_context(|| format!("{file} has no paths"))?;
    let last = paths.keys().next_back().with_context(|| format!("{file} has no path"))?.clone();
    paths.shift_remove(&last);
    std::fs::write(&file, format!("{spec:#}\n"))?;
    Ok(last)
}
