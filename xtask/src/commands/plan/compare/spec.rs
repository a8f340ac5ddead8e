//! Compares the committed OpenAPI document with the last release's: the evidence source `spec`.

use super::super::LastRelease;
use super::super::breaks::{Compared, Unread};
use super::{Entry, Pair};
use crate::finding::Level;
use crate::model::ctx::Ctx;
use crate::model::evidence::Difference;
use crate::model::version::Bump;
use crate::model::workspace::{App, SpecSettings};
use anyhow::Result;
use camino::Utf8Path;
use diff::openapi::{self, Change};
use serde_json::Value;

/// None if the spec has not changed, or if the last release had none: without a spec it guaranteed nothing.
pub(super) fn compare(
    ctx: &Ctx,
    app: &App,
    last: &LastRelease,
    file: &Utf8Path,
    specs: &Pair,
) -> Result<Option<Compared>> {
    let Some(old) = specs.old.as_ref().filter(|_| specs.old != specs.new) else { return Ok(None) };
    let today = crate::sys::date::today()?;
    let levels = app.settings.spec.as_ref().map(SpecSettings::levels).unwrap_or_default();
    let new = specs.new.as_deref().unwrap_or("none");
    let entry = Entry::of(&["spec", file.as_str(), &today, old, new, &format!("{levels:?}")]);
    let found = entry.or_found(|| {
        let (old, new) = documents(ctx, &format!("{}:{file}", last.tag), old, file, specs)?;
        let changes = openapi::with_levels(openapi::diff(&old, &new, &today), &levels);
        Ok(changes.iter().map(|change| difference(change, file)).collect())
    });
    let found = found.map_err(|e| Unread {
        id: "contract-unreadable",
        // A published release cannot be fixed, so it must not stop the next one.
        level: Level::Warning,
        why: format!("the specs cannot be compared, so breaking changes for clients are not detected: {e:#}"),
        place: Some(file.to_string()),
        help: "only the commits decide the version: declare breaking changes in them".into(),
    });
    let command = format!("cargo xtask openapi diff {}:{name} HEAD:{name}", last.tag, name = app.name());
    Ok(Some(Compared { source: "spec", whom: "clients", command, found }))
}

fn documents(ctx: &Ctx, old_name: &str, old: &str, file: &Utf8Path, specs: &Pair) -> Result<(Value, Value)> {
    let document = |name: &str, blob: &str| -> Result<Value> {
        let text = ctx.git.read(&["cat-file", "blob", blob])?;
        let document: Value = text.parse().map_err(|e| anyhow::anyhow!("{name} is not JSON: {e}"))?;
        openapi::recognise(&document).map_err(|what| anyhow::anyhow!("{name}: {what}"))?;
        Ok(document)
    };
    let new = match &specs.new {
        Some(blob) => document(&format!("HEAD:{file}"), blob)?,
        // The spec is gone: every operation counts as removed.
        None => serde_json::json!({ "openapi": "3.1.0", "paths": {} }),
    };
    Ok((document(old_name, old)?, new))
}

fn difference(change: &Change, file: &Utf8Path) -> Difference {
    let finding = change.finding();
    Difference {
        id: change.id.clone(),
        demands: if change.level == Level::Breaking { Bump::Major } else { Bump::Minor },
        what: change.operations.first().cloned().unwrap_or_default(),
        message: finding.message,
        place: format!("{file}#{}", change.place()),
    }
}
