//! Finds how far a released hotfix is on its way into development, and prints the commands that are left.

use super::Hotfix;
use crate::commands::plan;
use crate::commands::release::tag;
use crate::model::manifest;
use anyhow::{Context, Result, bail};
use semver::Version;

impl Hotfix<'_> {
    /// The commits of the branch that are no bump, oldest first.
    pub(super) fn fixes(&self, tip: &str) -> Result<Vec<String>> {
        Ok(self.commits(tip)?.into_iter().filter(|(_, bump)| !bump).map(|(id, _)| id).collect())
    }

    /// The commits since the release, oldest first, each with whether it is a bump.
    fn commits(&self, tip: &str) -> Result<Vec<(String, bool)>> {
        let range = format!("{}..{tip}", self.base);
        let listed = self.ctx.git.read(&["log", "--reverse", "--no-merges", "--format=%H %s", &range])?;
        let bump = format!("chore(release): {} v", self.app.name());
        let commit = |line: &str| line.split_once(' ').map(|(id, s)| (id.to_string(), s.starts_with(&bump)));
        Ok(listed.lines().filter_map(commit).collect())
    }

    /// A title, and the commands that bring the released hotfix back.
    pub(super) fn back(&self, version: &Version) -> Result<(String, Vec<String>)> {
        let (ctx, app) = (self.ctx, self.app.name());
        let (git, settings) = (&ctx.git, &ctx.ws.settings);
        let commit = match tag::find(ctx, &self.app.tag(version))? {
            tag::Found::Ours(tag) => tag.commit,
            tag::Found::Foreign(commit) => commit,
            tag::Found::Nothing => {
                let (name, remote) = (self.app.tag(version), plan::remote_name(ctx));
                bail!("the tag {name} is gone from {remote}; push it again: git push {remote} {name}")
            }
        };
        let branch = |name: &str| {
            let tip = self.on_remote(name)?;
            tip.with_context(|| format!("{} has no branch {name}", ctx.endpoints.remote))
        };
        let contains = |tip: &str| git.ask(&["merge-base", "--is-ancestor", &commit, tip]);
        let title = format!("{} is released.", self.app.tag(version));
        if !settings.one_branch() && contains(&branch(&settings.main)?)? {
            let title =
                format!("{title} It is in {}. To bring it into {}:", settings.main, settings.development);
            return Ok((title, vec!["cargo xtask promote".to_string()]));
        }
        let development = branch(&settings.development)?;
        let picks = self.picks(&commit, version, &development)?;
        if picks.is_empty() {
            let title = format!("{title} {} has its fixes.", settings.development);
            return Ok((title, vec![self.add_entries_command()]));
        }
        let (remote, target) = (plan::remote_name(ctx), &settings.development);
        let name = format!("apply-hotfix-{}", self.app.in_branch(version));
        let commands = vec![
            format!("git fetch {remote}"),
            format!("git switch --no-track --create {name} {remote}/{target}"),
            format!("git cherry-pick -x {}", picks.join(" ")),
            self.add_entries_command(),
            format!("git push {remote} {name}"),
            format!("# open a pull request into {target}"),
        ];
        Ok((format!("{title} To bring {app}'s fix into {target}:"), commands))
    }

    fn add_entries_command(&self) -> String {
        format!("cargo xtask hotfix {} {} --changelog", self.app.name(), self.version)
    }

    /// The commits to apply to development. A bump is left out if development has a higher version: it would
    /// only conflict.
    fn picks(&self, tip: &str, version: &Version, development: &str) -> Result<Vec<String>> {
        let behind = manifest::at(&self.ctx.git, self.app, development)? < *version;
        let mut picks = Vec::new();
        for (id, bump) in self.commits(tip)? {
            let picked = format!("--grep=(cherry picked from commit {id})");
            let args = ["rev-list", "--max-count=1", "--fixed-strings", &picked, development];
            if (!bump || behind) && self.ctx.git.read(&args)?.is_empty() {
                picks.push(id);
            }
        }
        Ok(picks)
    }
}
