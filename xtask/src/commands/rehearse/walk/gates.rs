//! The gate that stops a break nobody declares, seen at work: a path goes from an app's spec, once under
//! `fix:` and once under `fix!:`.

use super::Walk;
use crate::commands::rehearse::developer::Developer;
use crate::model::workspace::App;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use serde_json::Value;

impl Walk<'_> {
    /// Beside the branches, on a commit that is never pushed. What is seen: the refusal, and the version that
    /// the declared break gets.
    pub fn undeclared_break(&mut self) -> Result<()> {
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
    // The hooks would find that the spec is not what the code says; here the code is not asked.
    let subject = |mark: &str| format!("fix({}){mark}: drop {path}", app.name());
    dev.git(log, &["commit", "--quiet", "--all", "--no-verify", "--message", &subject("")])?;
    let (code, plan, said) = dev.ask(log, &["plan", app.name()])?;
    let stopped =
        plan["findings"].as_array().is_some_and(|list| list.iter().any(|f| f["id"] == "undeclared-break"));
    if code != 3 || !stopped {
        bail!("{path} is gone under `fix:`, and plan ended with exit code {code}:\n{said}");
    }
    dev.git(log, &["commit", "--quiet", "--amend", "--no-verify", "--message", &subject("!")])?;
    let (code, plan, said) = dev.ask(log, &["plan", app.name()])?;
    let next = plan["apps"][0]["next"].as_str().unwrap_or_default();
    if code != 0 || next.is_empty() {
        bail!("the break is declared, and plan ended with exit code {code}:\n{said}");
    }
    Ok(format!("without {path}, exit code 3 under `fix:`, {next} under `fix!:`"))
}

/// Takes the last path out of the app's spec; which one.
fn without_a_path(dev: &Developer, app: &App) -> Result<String> {
    let file = app.settings.spec.as_ref().context("the app has a spec")?.file.clone();
    let file = dev.git.dir.join(&app.dir).join(file);
    let mut spec: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)
        .with_context(|| format!("{file} is not JSON"))?;
    let paths = spec["paths"].as_object_mut().with_context(|| format!("{file} has no paths"))?;
    let last = paths.keys().next_back().with_context(|| format!("{file} has no path"))?.clone();
    paths.shift_remove(&last);
    std::fs::write(&file, format!("{spec:#}\n"))?;
    Ok(last)
}
