//! What the forge of the rehearsal shows: the one in this process, or a real Gitea.

use super::world::{ForgeServer, World};
use crate::sys::hash::sha256;
use anyhow::Result;
use std::collections::BTreeSet;

impl World {
    /// The files of a public release page with their hashes. None without such a page.
    pub(super) fn page_files(&self, tag: &str) -> Result<Option<Vec<(String, String)>>> {
        let Some(gitea) = &self.gitea else {
            return Ok(self.forge.with(ForgeServer::REPOSITORY, |forge| {
                let page = forge.releases.iter().find(|page| page.tag == tag && !page.draft)?;
                Some(page.assets.iter().map(|asset| (asset.name.clone(), sha256(&asset.bytes))).collect())
            }));
        };
        let Some(page) = gitea.forge.page(tag)?.filter(|page| !page.draft) else { return Ok(None) };
        let files = page.assets.iter();
        let files = files.map(|asset| Ok((asset.name.clone(), sha256(gitea.forge.download(asset)?))));
        files.collect::<Result<Vec<_>>>().map(Some)
    }

    /// Is the release page a pre-release with the notice of a rollback?
    pub(super) fn is_withdrawn(&self, tag: &str) -> Result<bool> {
        let withdrawn = |prerelease: bool, body: &str| prerelease && body.contains("Withdrawn");
        match &self.gitea {
            Some(gitea) => {
                Ok(gitea.forge.page(tag)?.is_some_and(|page| withdrawn(page.prerelease, &page.body())))
            }
            None => Ok(self.forge.with(ForgeServer::REPOSITORY, |forge| {
                let mut pages = forge.releases.iter().filter(|page| page.tag == tag);
                pages.any(|page| withdrawn(page.prerelease, &page.body))
            })),
        }
    }

    /// How often the downstream repository was told of the release of this commit. Gitea does not show the
    /// inputs of a run, so there the record on the commit counts.
    pub(super) fn told(&self, app: &str, version: &str, commit: &str) -> Result<usize> {
        let Some(gitea) = &self.gitea else {
            return Ok(self.forge.with(ForgeServer::DOWNSTREAM, |downstream| {
                let told = downstream.dispatched.iter();
                told.filter(|(_, inputs)| inputs["app"] == app && inputs["version"] == version).count()
            }));
        };
        let downstream = &gitea.downstream;
        let context = format!("xtask/cascade/{app}/{}/{}", downstream.owner(), downstream.name());
        let statuses = gitea.forge.statuses(commit)?;
        Ok(statuses.iter().filter(|one| one.context == context && one.state == "success").count())
    }

    /// How many comments there are, and how many pull requests have one.
    pub(super) fn comments(&self) -> Result<(usize, usize)> {
        let pulls = match &self.gitea {
            Some(gitea) => gitea.forge.commented()?,
            None => self.forge.with(ForgeServer::REPOSITORY, |forge| {
                forge.comments.iter().map(|(number, ..)| number.to_string()).collect()
            }),
        };
        Ok((pulls.len(), pulls.iter().collect::<BTreeSet<_>>().len()))
    }
}
