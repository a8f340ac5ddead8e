//! `--confirm-breaking "reason"`: writes an `[[accept]]` entry to `app.toml` for every break that no commit
//! declares, for the version of the bump. Pure except for reading that file.

use crate::commands::plan::AppPlan;
use crate::flags;
use crate::model::evidence::Accepted;
use crate::model::workspace::{Acceptance, App};
use crate::model::{manifest, version, workspace};
use crate::sys::exit::Exit;
use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

/// The reason on one line. Refuses an empty one, before the index or the remote is asked.
pub(super) fn reason(flags: &flags::Bump) -> Result<Option<String>> {
    let Some(reason) = &flags.confirm_breaking else { return Ok(None) };
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if reason.is_empty() {
        return Err(Exit::Usage(
            "--confirm-breaking needs a reason: what do users lose, and why is that acceptable?".into(),
        )
        .into());
    }
    Ok(Some(reason))
}

/// Accepts the plan's undeclared breaks for `version`; for a pre-release, for the version it leads to.
pub(super) fn accept(plan: &mut AppPlan, version: &Version, reason: &str) -> Result<Vec<Acceptance>> {
    if plan.undeclared.is_empty() {
        let since = plan.last.as_ref().map(|r| format!(" since {}", r.tag)).unwrap_or_default();
        let why = format!(
            "--confirm-breaking has nothing to accept: {} has no break{since} that is not declared or \
             accepted already",
            plan.app
        );
        return Err(Exit::Usage(format!("{why}; run: cargo xtask bump {}", plan.app)).into());
    }
    let version = version::core(version);
    let mut new: Vec<Acceptance> = Vec::new();
    for difference in std::mem::take(&mut plan.undeclared) {
        let what = Some(difference.what.clone()).filter(|what| !what.is_empty());
        let by = Acceptance {
            id: difference.id.clone(),
            what,
            version: version.clone(),
            reason: reason.to_string(),
        };
        // A method may have lost two parameters: one entry covers both.
        if !new.contains(&by) {
            new.push(by.clone());
        }
        plan.accepted.push(Accepted { by, difference });
    }
    Ok(new)
}

/// The path and the new text of the app's settings, with these entries appended.
pub(super) fn settings(root: &Utf8Path, app: &App, new: &[Acceptance]) -> Result<(Utf8PathBuf, String)> {
    let file = app.dir.join("app.toml");
    let text = written(&manifest::text(root, &file)?, new);
    // Fails if the file has `accept = []` in one line: TOML then allows no table of that name.
    workspace::check_settings(&text, &file)?;
    Ok((file, text))
}

/// Appends, so that every byte before is unchanged.
fn written(text: &str, new: &[Acceptance]) -> String {
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = text.to_string();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(eol);
    }
    for by in new {
        let quoted = |text: &str| toml_edit::Value::from(text).to_string();
        let what = by.what.as_ref().map(|what| format!("what = {}{eol}", quoted(what))).unwrap_or_default();
        let (id, version, reason) = (quoted(&by.id), quoted(&by.version.to_string()), quoted(&by.reason));
        out.push_str(&format!(
            "{eol}[[accept]]{eol}id = {id}{eol}{what}version = {version}{eol}reason = {reason}{eol}"
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptances_are_appended_and_every_byte_before_is_unchanged() {
        let by = |what: Option<&str>, reason: &str| Acceptance {
            id: "class-renamed".into(),
            what: what.map(str::to_string),
            version: Version::new(0, 2, 0),
            reason: reason.into(),
        };
        let base = "name = 'x' # why\necosystem = \"python\"\npackage = \"p\"";
        for text in [
            base.to_string(),
            format!("{base}\n"),
            format!("{base}\n\n[[accept]]\nid = \"a\"\nversion = \"0.1.0\"\nreason = \"b\"\n\n"),
            format!("{}\r\n", base.replace('\n', "\r\n")),
        ] {
            let new = [by(Some("demo.A"), "nobody \"has\" it \\ ' \u{1F980}"), by(None, "because")];
            let out = written(&text, &new);
            assert!(out.starts_with(&text), "{out}");
            assert_eq!(
                out.matches('\n').count() == out.matches("\r\n").count(),
                text.contains('\r'),
                "{out}"
            );
            let read: workspace::AppSettings = toml_edit::de::from_str(&out).unwrap();
            assert_eq!(read.accept[read.accept.len() - 2..], new, "{out}");
        }
        let crowded = written(&format!("{base}\naccept = []\n"), &[by(None, "x")]);
        let error =
            workspace::check_settings(&crowded, Utf8Path::new("apps/x/app.toml")).unwrap_err().to_string();
        assert!(error.starts_with("apps/x/app.toml:"), "{error}");
    }
}
