//! `openapi rules`: every rule of `openapi diff`, with its level.

use crate::finding::Level;
use crate::model::ctx::Ctx;
use crate::sys::ui;
use ::diff::openapi::every_rule;
use anyhow::Result;
use std::collections::BTreeMap;
use std::io::Write;

/// With an app, the levels are those of its settings.
pub(super) fn command(ctx: &Ctx, app: Option<&str>) -> Result<()> {
    let app = app.map(|name| ctx.ws.app(name)).transpose()?;
    let set: BTreeMap<String, Level> =
        app.and_then(|app| app.settings.spec.as_ref()).map(|spec| spec.levels()).unwrap_or_default();
    let rules = every_rule();
    if ctx.json {
        let rows = rules.iter().map(|rule| {
            let level = set.get(&rule.id).copied().unwrap_or(rule.level);
            serde_json::json!({ "id": rule.id, "level": level, "default": rule.level, "says": rule.says })
        });
        ui::print(serde_json::json!({ "schema": 1, "rules": rows.collect::<Vec<_>>() }));
        return Ok(());
    }
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let mut text = String::new();
    for rule in &rules {
        let level = set.get(&rule.id).copied().unwrap_or(rule.level);
        let says = rule.says.replace("{what}", "X").replace("{old}", "A").replace("{new}", "B");
        text.push_str(&format!("{:8}  {:width$}  {says}\n", super::diff::level(level), rule.id));
    }
    // A closed pipe (`| head`) is not an error.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}
