//! Starts workflows of other repositories of the same forge.

use super::Forge;
use crate::model::workspace::ForgeKind;
use crate::sys::url::escape;
use anyhow::{Result, bail};
use serde_json::{Value, json};

/// The token that may start workflows of other repositories. A job's own token may not.
pub(crate) const TOKEN: &str = "DISPATCH_TOKEN";
/// The event of GitHub's `repository_dispatch`.
pub(crate) const EVENT: &str = "runtime-released";

/// What a downstream repository is told.
pub(crate) struct Notice<'a> {
    pub app: &'a str,
    pub version: &'a str,
    /// Everything about the release.
    pub release: Value,
}

impl Forge {
    /// Is the token for other repositories set?
    pub(crate) fn may_dispatch() -> bool {
        super::variable(TOKEN).is_some()
    }

    /// Starts the workflow `workflow` (a file's name) of the repository on this branch, or on GitHub, without
    /// a workflow, the event [`EVENT`]. A workflow gets the inputs `app`, `version` and `release` (JSON).
    pub(crate) fn dispatch(
        &self,
        repository: &str,
        workflow: Option<&str>,
        branch: &str,
        notice: &Notice,
    ) -> Result<()> {
        let Some(other) = self.of(repository, TOKEN)? else { bail!("not set up: {TOKEN}") };
        other.start(workflow, branch, notice)
    }

    /// Starts it in this repository.
    pub(super) fn start(&self, workflow: Option<&str>, branch: &str, notice: &Notice) -> Result<()> {
        let repository = format!("{}/{}", self.place.owner, self.place.name);
        let (path, body, what) = match (workflow, self.place.kind) {
            (Some(file), _) => {
                let inputs = json!({
                    "app": notice.app, "version": notice.version, "release": notice.release.to_string(),
                });
                let path = format!("/actions/workflows/{}/dispatches", escape(file));
                let what = format!("start {file} on {branch} of {repository}");
                (path, json!({ "ref": branch, "inputs": inputs }), what)
            }
            (None, ForgeKind::Github) => {
                let mut payload = notice.release.clone();
                // GitHub allows 10 keys. The index is left out, because nothing on GitHub replaces PyPI and
                // npmjs.com.
                payload.as_object_mut().and_then(|keys| keys.remove("index"));
                let body = json!({ "event_type": EVENT, "client_payload": payload });
                ("/dispatches".to_string(), body, format!("send {EVENT} to {repository}"))
            }
            (None, ForgeKind::Gitea) => {
                bail!(
                    "Gitea has no event for other repositories; name a workflow: workflow = \"runtime.yml\""
                )
            }
        };
        // A lost answer is a failure, and the next run says that it starts it perhaps again.
        self.post_once(&path, &body, &what)
    }
}
