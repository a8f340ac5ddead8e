//! What the remote and the registries have of a version. An answer that is not understood is an error.

use super::Withdrawal;
use crate::commands::image;
use crate::commands::release::tag;
use crate::ecosystem::gitea::{self, Package};
use crate::ecosystem::{Shown, Way};
use crate::forge::Forge;
use crate::model::tags;
use anyhow::{Result, bail};
use semver::Version;
use std::collections::BTreeMap;

pub(super) struct Found {
    /// The commit of the release's tag.
    pub commit: String,
    /// Whether the remote has the mark of a withdrawn version.
    pub marked: bool,
    pub index: String,
    pub shown: Shown,
    pub way: Way,
    pub dist_tags: BTreeMap<String, String>,
    /// The newest other release that users can have.
    pub newest: Option<Version>,
    /// None for an app without an image.
    pub image: Option<Image>,
    pub page: PageFound,
}

/// The release page on the forge.
pub(super) enum PageFound {
    /// The forge cannot be asked, with the reason.
    Unknown(String),
    Absent,
    /// With its address.
    Marked(String),
    Unmarked(String),
}

/// Hidden in the text of a page that is marked as withdrawn.
pub(super) const MARK: &str = "<!-- xtask: withdrawn -->";

pub(super) struct Image {
    pub name: String,
    /// The digest of the version's own tag.
    pub own: Option<String>,
    pub latest: Option<String>,
    /// The newest other release that has an image, and its digest.
    pub newest: Option<(Version, String)>,
    /// The version's tags that the registry of a Gitea has and can delete, its own tag last.
    pub deletable: Vec<Package>,
}

impl Withdrawal<'_> {
    pub(super) fn ask(&self) -> Result<Found> {
        let (ctx, app, version) = (self.ctx, self.app, &self.version);
        let name = app.tag(version);
        let commit = match tag::find(ctx, &name)? {
            tag::Found::Ours(tag) => tag.commit,
            tag::Found::Foreign(commit) => commit,
            tag::Found::Nothing => {
                bail!("{version} is not released: the tag {name} is not on {}", ctx.endpoints.remote)
            }
        };
        let tagged = tags::on_remote(ctx, app)?;
        let ecosystem = app.settings.ecosystem;
        let published = ecosystem.published_versions(ctx, app)?.unwrap_or_default();
        let offered =
            |v: &&Version| *v != version && published.iter().any(|p| !p.withdrawn && p.version == **v);
        let others: Vec<&Version> = tagged.stable().filter(offered).collect();
        let mut shown = ecosystem.shown(ctx, app, version)?;
        if self.unpublish && shown == Shown::Withdrawn {
            // It is deprecated, and shall be removed.
            shown = Shown::Offered;
        }
        let image = self.ask_image(&others, &commit)?;
        Ok(Found {
            commit,
            marked: tagged.withdrawn.contains(version),
            index: ecosystem.index_url(ctx).to_string(),
            shown,
            way: ecosystem.way(ctx, app, version, self.unpublish)?,
            dist_tags: ecosystem.dist_tags(ctx, app)?,
            newest: others.first().map(|v| (*v).clone()),
            image,
            page: self.ask_page()?,
        })
    }

    fn ask_page(&self) -> Result<PageFound> {
        let forge = match Forge::connect(self.ctx)? {
            Ok(forge) => forge,
            Err(reason) => return Ok(PageFound::Unknown(reason)),
        };
        Ok(match forge.page(&self.app.tag(&self.version))? {
            None => PageFound::Absent,
            Some(page) if page.body().contains(MARK) && (page.prerelease || page.draft) => {
                PageFound::Marked(page.url)
            }
            Some(page) => PageFound::Unmarked(page.url),
        })
    }

    /// The tags of the release's image, which has this digest. Another image under the commit's tag stays.
    fn deletable(&self, own: Option<&String>, commit: &str) -> Result<Vec<Package>> {
        let (ctx, app) = (self.ctx, self.app);
        let (Some(own), Ok(forge)) = (own, Forge::connect(ctx)?) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for tag in [image::sha_tag(commit), format!("v{}", self.version)] {
            let Some(package) = gitea::image_tag(ctx, app, &forge, &tag)? else { continue };
            if image::remote_digest(ctx, app, &tag)?.as_ref() == Some(own) {
                found.push(package);
            }
        }
        Ok(found)
    }

    fn ask_image(&self, others: &[&Version], commit: &str) -> Result<Option<Image>> {
        let (ctx, app) = (self.ctx, self.app);
        let Some(settings) = &app.settings.image else { return Ok(None) };
        let digest = |version: &Version| image::remote_digest(ctx, app, &format!("v{version}"));
        let mut newest = None;
        for version in others {
            if let Some(digest) = digest(version)? {
                newest = Some(((*version).clone(), digest));
                break;
            }
        }
        let own = digest(&self.version)?;
        Ok(Some(Image {
            name: settings.name.clone(),
            deletable: self.deletable(own.as_ref(), commit)?,
            own,
            latest: image::remote_digest(ctx, app, "latest")?,
            newest,
        }))
    }
}
