//! The limits that a rehearsal sets for the programs that it starts: they work in its folder only
//! (`XTASK_REHEARSAL`), see only the apps that it releases (`XTASK_ONLY`), and tell one more repository of
//! each release (`XTASK_DOWNSTREAM`).

use super::{App, Downstream};
use crate::sys::child::REHEARSAL;
use crate::sys::exit::Exit;
use anyhow::Result;
use camino::Utf8Path;

/// Refuses a checkout outside the rehearsal's folder, so that a rehearsal never changes the user's checkout.
pub(super) fn stay_in_its_folder(root: &Utf8Path) -> Result<()> {
    let Ok(dir) = std::env::var(REHEARSAL) else { return Ok(()) };
    let inside = Utf8Path::new(&dir)
        .canonicalize_utf8()
        .is_ok_and(|dir| root.canonicalize_utf8().is_ok_and(|root| root.starts_with(dir)));
    if inside {
        return Ok(());
    }
    let help = format!("if this is not a rehearsal: unset {REHEARSAL}");
    Err(Exit::Usage(format!(
        "{root} is not in the rehearsal's folder ({REHEARSAL}={dir}), so the command is refused; {help}"
    ))
    .into())
}

/// Removes the apps that the rehearsal does not release.
pub(super) fn hide_other_apps(apps: &mut Vec<App>) {
    if let Ok(only) = std::env::var("XTASK_ONLY") {
        apps.retain(|app| only.split(',').any(|name| name == app.name()));
    }
}

/// A downstream repository of the rehearsal's own forge: `owner/name` and the workflow's file.
pub(super) fn downstream() -> Option<Downstream> {
    let text = std::env::var("XTASK_DOWNSTREAM").ok()?;
    let (repository, workflow) = text.split_once(' ')?;
    let (repository, workflow) = (repository.to_string(), Some(workflow.to_string()));
    Some(Downstream { repository, workflow, branch: "main".to_string() })
}
