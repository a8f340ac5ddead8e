//! Compares compat.json between the last release and HEAD: the plugin APIs and channels that the app declares
//! to support. The evidence source `compat`.

use super::super::LastRelease;
use super::super::breaks::{Compared, Unread};
use super::{Entry, Pair};
use crate::commands::compat::document;
use crate::commands::compat::document::{Document, Status};
use crate::finding::Level;
use crate::model::ctx::Ctx;
use crate::model::evidence::Difference;
use crate::model::version::Bump;
use crate::model::workspace::App;
use anyhow::Result;
use camino::Utf8Path;

/// None if the file has not changed, or if the last release had none: it declared nothing.
pub(super) fn compare(
    ctx: &Ctx,
    app: &App,
    last: &LastRelease,
    file: &Utf8Path,
    files: &Pair,
) -> Result<Option<Compared>> {
    let Some(old) = files.old.as_ref().filter(|_| files.old != files.new) else { return Ok(None) };
    let entry = Entry::of(&["compat", file.as_str(), old, files.new.as_deref().unwrap_or("none")]);
    let read = |blob: &str, name: &str| -> Result<Document> {
        let text = ctx.git.read(&["cat-file", "blob", blob])?;
        document::read(text.as_bytes()).map_err(|problems| anyhow::anyhow!("{name}: {}", problems.join("; ")))
    };
    let found = entry.or_found(|| {
        let new = files.new.as_ref().map(|blob| read(blob, &format!("HEAD:{file}"))).transpose()?;
        Ok(differences(&read(old, &format!("{}:{file}", last.tag))?, new.as_ref(), file))
    });
    let found = found.map_err(|e| Unread {
        id: "compat-unreadable",
        // A published release cannot be fixed, and `compat` checks the file at HEAD.
        level: Level::Warning,
        why: format!(
            "compat.json cannot be compared, so breaking changes for plugins are not detected: {e:#}"
        ),
        place: Some(file.to_string()),
        help: format!("cargo xtask compat {}", app.name()),
    });
    let command = format!("git diff {} HEAD -- {file}", last.tag);
    Ok(Some(Compared { source: "compat", whom: "plugins and channel adapters", command, found }))
}

/// One plugin API or channel that the file declares: its kind, its name in messages, and its status.
struct Promised {
    kind: &'static str,
    name: String,
    status: Status,
    removal: Option<String>,
}

fn promised(document: &Document) -> Vec<Promised> {
    let plugins = document.plugins.iter().map(|p| Promised {
        kind: "plugin-api",
        name: format!("plugin apiVersion {}", p.api_version),
        status: p.status,
        removal: p.removal.clone(),
    });
    let channels = document.channels.iter().map(|c| Promised {
        kind: "channel",
        name: format!("channel {} {}", c.protocol, c.version),
        status: c.status,
        removal: c.removal.clone(),
    });
    plugins.chain(channels).filter(|p| p.status != Status::Removed).collect()
}

/// `new` is None if the file is gone: nothing is supported any longer.
fn differences(old: &Document, new: Option<&Document>, file: &Utf8Path) -> Vec<Difference> {
    let (before, after) = (promised(old), new.map(promised).unwrap_or_default());
    let difference = |promise: &Promised, what: &str, demands, message: String| Difference {
        id: format!("{}-{what}", promise.kind),
        demands,
        what: promise.name.clone(),
        message,
        place: file.to_string(),
    };
    let mut found = Vec::new();
    for was in &before {
        let name = &was.name;
        match after.iter().find(|is| (is.kind, &is.name) == (was.kind, name)) {
            None => {
                found.push(difference(was, "removed", Bump::Major, format!("{name} is no longer supported")))
            }
            Some(is) if (was.status, is.status) == (Status::Supported, Status::Deprecated) => {
                let until = is.removal.as_deref().unwrap_or("a later version");
                found.push(difference(
                    is,
                    "deprecated",
                    Bump::Minor,
                    format!("{name} is deprecated, until {until}"),
                ));
            }
            Some(_) => {}
        }
    }
    for is in after.iter().filter(|is| !before.iter().any(|was| (was.kind, &was.name) == (is.kind, &is.name)))
    {
        found.push(difference(is, "added", Bump::Minor, format!("{} is new", is.name)));
    }
    if let Some(new) = new.filter(|new| new.contract.version != old.contract.version) {
        found.push(Difference {
            id: "contract-version-changed".into(),
            demands: Bump::Major,
            what: "contract.version".into(),
            message: format!(
                "contract.version was {} and is now {}",
                old.contract.version, new.contract.version
            ),
            place: file.to_string(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn document(contract: &str, plugins: Value, channels: Value) -> Document {
        let spec = format!("sha256:{}", "a".repeat(64));
        let value = json!({ "$schema": document::SCHEMA_URL, "schema": 1, "package": "p", "version": "1.0.0",
            "contract": { "version": contract, "spec": spec }, "plugins": plugins, "channels": channels });
        document::read(value.to_string().as_bytes()).expect("a document")
    }

    /// `1`, or `1 deprecated` and `1 removed`, which name 2.0.0.
    fn plugins(list: &[&str]) -> Value {
        list.iter()
            .map(|text| {
                let (version, status) = text.split_once(' ').unwrap_or((text, "supported"));
                let removal = (status != "supported").then_some("2.0.0");
                json!({ "apiVersion": version, "status": status, "removal": removal })
            })
            .collect()
    }

    #[test]
    fn removed_support_is_major_and_deprecated_or_new_support_is_minor() {
        let http = || json!([{ "protocol": "http", "version": "1", "status": "supported", "removal": null }]);
        for (old, new, expected) in [
            (&["1"][..], &["1"][..], ""),
            (&["1"], &[], "plugin-api-removed major"),
            (&["1"], &["1 removed"], "plugin-api-removed major"),
            (&["1 deprecated"], &["1 removed"], "plugin-api-removed major"),
            (&["1 deprecated"], &[], "plugin-api-removed major"),
            (&["1"], &["1 deprecated"], "plugin-api-deprecated minor"),
            (&["1 deprecated"], &["1 deprecated"], ""),
            (&["1 deprecated"], &["1"], ""),
            (&["1"], &["1", "2"], "plugin-api-added minor"),
            (&["1", "2"], &["2", "1"], ""),
            (&["1"], &["2"], "plugin-api-removed major, plugin-api-added minor"),
            (&["1 removed"], &[], ""),
            (&["1 removed"], &["1"], "plugin-api-added minor"),
            (&["1"], &["1 deprecated", "2"], "plugin-api-deprecated minor, plugin-api-added minor"),
        ] {
            let (old, new) = (document("1", plugins(old), http()), document("1", plugins(new), http()));
            let found = differences(&old, Some(&new), "compat.json".into());
            let shown: Vec<String> = found
                .iter()
                .map(|d| format!("{} {}", d.id, if d.demands == Bump::Major { "major" } else { "minor" }))
                .collect();
            assert_eq!(shown.join(", "), expected);
        }
    }

    #[test]
    fn a_channels_version_and_the_contracts_version_break_when_they_change() {
        let channel = |protocol: &str, version: &str| {
            let (status, removal) = ("supported", serde_json::Value::Null);
            json!([{ "protocol": protocol, "version": version, "status": status, "removal": removal }])
        };
        let old = document("1", plugins(&["1"]), channel("http", "1"));
        for (new, expected) in [
            (Some(document("1", plugins(&["1"]), channel("http", "2"))), "channel http 1, channel http 2"),
            (Some(document("1", plugins(&["1"]), channel("ws", "1"))), "channel http 1, channel ws 1"),
            (Some(document("2", plugins(&["1"]), channel("http", "1"))), "contract.version"),
            (None, "plugin apiVersion 1, channel http 1"),
        ] {
            let found = differences(&old, new.as_ref(), "compat.json".into());
            assert_eq!(found.iter().map(|d| d.what.as_str()).collect::<Vec<_>>().join(", "), expected);
            assert!(
                found.iter().any(|d| d.demands == Bump::Major)
                    && found.iter().all(|d| d.place == "compat.json")
            );
        }
    }
}
