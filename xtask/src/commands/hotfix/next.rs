//! What is left to do until the hotfix is released.

use super::Hotfix;
use crate::model::manifest;
use anyhow::Result;

impl Hotfix<'_> {
    /// A title, and the commands up to the release.
    pub(super) fn ahead(&self, tip: &str) -> Result<(String, Vec<String>)> {
        let (app, branch, remote) = (self.app.name(), self.name(), &self.ctx.endpoints.remote);
        let mut steps = Vec::new();
        if self.fixes(tip)?.is_empty() {
            steps.push(format!("git commit --message \"fix({app}): WHAT USERS GET\""));
        }
        if manifest::at(&self.ctx.git, self.app, tip)? <= self.version {
            steps.push(format!("cargo xtask bump {app}"));
        }
        steps.push(format!("git push {remote} {branch}"));
        let title = match self.newer() {
            None if !self.ctx.ws.settings.one_branch() => {
                let main = &self.ctx.ws.settings.main;
                steps.push(format!("# open a pull request into {main}; its squash makes the release"));
                "To release it:".to_string()
            }
            newer => {
                let by_push = if newer.is_some() { "   # a forge's job does it after the push" } else { "" };
                steps.push(format!("cargo xtask release {app}{by_push}"));
                let stays = newer.map(|v| format!("; latest stays at {v}")).unwrap_or_default();
                format!("To release it, from this branch{stays}:")
            }
        };
        let target = &self.ctx.ws.settings.development;
        steps.push(format!("cargo xtask hotfix {app} {}   # how it gets into {target}", self.version));
        Ok((title, steps))
    }

    /// The newest release above this line of versions. With one, main is ahead, and the hotfix cannot be
    /// merged there.
    fn newer(&self) -> Option<&semver::Version> {
        let line = self.line();
        self.tagged.stable().next().filter(|v| **v > self.version && !line.contains(v))
    }
}
