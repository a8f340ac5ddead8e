//! What the package registry of a Gitea does by Gitea's own API: it deletes a version, because its Python and
//! npm registries can neither yank nor deprecate (Gitea 1.26), it deletes the tag of an image, and it shows a
//! package on a repository's page.

use crate::forge::Forge;
use crate::model::ctx::Ctx;
use crate::model::language::{Ecosystem, python};
use crate::model::workspace::App;
use crate::oci::reference::Reference;
use crate::sys::http::{Http, Request};
use crate::sys::url::authority;
use anyhow::{Context, Result};

/// A version in the package registry of a Gitea.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// `https://git.example.org`, with the path that Gitea is served below, if any.
    base: String,
    owner: String,
    kind: &'static str,
    name: String,
    version: String,
    /// The environment variable with the token.
    pub token: &'static str,
}

impl Package {
    /// None if the address is not `…/api/packages/OWNER/KIND`, which only Gitea has.
    pub(crate) fn at(
        registry: &str,
        kind: &'static str,
        name: &str,
        version: &str,
        token: &'static str,
    ) -> Option<Package> {
        let (base, rest) = registry.split_once("/api/packages/")?;
        let mut parts = rest.split('/');
        let (owner, found) = (parts.next().filter(|owner| !owner.is_empty())?, parts.next()?);
        (found == kind).then(|| Package {
            base: base.to_string(),
            owner: owner.to_string(),
            kind,
            name: name.to_string(),
            version: version.to_string(),
            token,
        })
    }

    fn url(&self) -> String {
        // A version's build metadata begins with a plus, which some servers read as a space.
        format!("{}/{}", self.all_versions(), self.version.replace('+', "%2B"))
    }

    fn all_versions(&self) -> String {
        let Package { base, owner, kind, .. } = self;
        let name = self.name.replace('@', "%40").replace('/', "%2F");
        format!("{base}/api/v1/packages/{owner}/{kind}/{name}")
    }

    /// Shows the package on the page of the owner's repository. False if it is on a repository's page
    /// already.
    fn link(&self, repository: &str) -> Result<bool> {
        let token = std::env::var(self.token).with_context(|| format!("{} is not set", self.token))?;
        let request = Request::new("POST", format!("{}/-/link/{repository}", self.all_versions()))
            .header("authorization", format!("token {}", token.trim()));
        let answer = Http::new()?.send(&request)?;
        // 400: it is linked.
        if answer.status == 400 { Ok(false) } else { answer.success().map(|_| true) }
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Deletes the version. A version that is gone already is no error.
    pub(crate) fn delete(&self) -> Result<()> {
        let token = std::env::var(self.token).with_context(|| format!("{} is not set", self.token))?;
        let request =
            Request::new("DELETE", self.url()).header("authorization", format!("token {}", token.trim()));
        let answer = Http::new()?.send(&request)?;
        if answer.status == 404 { Ok(()) } else { answer.success().map(drop) }
    }
}

/// Links the app's package and image to the repository, if the forge is a Gitea, its registries have them,
/// and their owner is the repository's. Returns the kinds that this call linked.
pub(crate) fn link(ctx: &Ctx, app: &App, forge: &Forge) -> Result<Vec<&'static str>> {
    let Some(base) = forge.gitea() else { return Ok(Vec::new()) };
    let package = &app.settings.package;
    let found = match app.settings.ecosystem {
        Ecosystem::Python => {
            let index = &ctx.endpoints.pypi;
            Package::at(&index.upload, "pypi", &python::normalise(package), "", index.token)
        }
        Ecosystem::Ts => Package::at(&ctx.endpoints.npm, "npm", package, "", super::ts::registry::TOKEN),
    };
    let image = image_at(ctx, app, base, "")?;
    let ours = |package: &Package| package.base == base && package.owner == forge.owner();
    let mut linked = Vec::new();
    for package in found.into_iter().chain(image).filter(ours) {
        if package.link(forge.name())? {
            linked.push(package.kind);
        }
    }
    Ok(linked)
}

/// A tag of the app's image, if it is in the registry of this Gitea.
fn image_at(ctx: &Ctx, app: &App, base: &str, tag: &str) -> Result<Option<Package>> {
    let Some(settings) = &app.settings.image else { return Ok(None) };
    let image = Reference::parse(&settings.name)?.on(ctx.endpoints.registry.as_deref());
    let Some((owner, name)) = image.repository.split_once('/') else { return Ok(None) };
    if image.host != authority(base) {
        return Ok(None);
    }
    let registry = format!("{base}/api/packages/{owner}/container");
    Ok(Package::at(&registry, "container", name, tag, "REGISTRY_TOKEN"))
}

/// A tag of the app's image that the forge, a Gitea, can delete.
pub(crate) fn image_tag(ctx: &Ctx, app: &App, forge: &Forge, tag: &str) -> Result<Option<Package>> {
    forge.gitea().map_or(Ok(None), |base| image_at(ctx, app, base, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gitea_is_recognised_by_the_address_of_its_registry() {
        for (registry, kind, name, expected) in [
            (
                "https://g.example/api/packages/me/npm",
                "npm",
                "@me/x",
                Some("https://g.example/api/v1/packages/me/npm/%40me%2Fx/1.0.0"),
            ),
            (
                "http://127.0.0.1:3000/git/api/packages/me/pypi/simple/",
                "pypi",
                "x-y",
                Some("http://127.0.0.1:3000/git/api/v1/packages/me/pypi/x-y/1.0.0"),
            ),
            ("https://g.example/api/packages/me/pypi", "npm", "x", None),
            ("https://g.example/api/packages//npm", "npm", "x", None),
            ("https://g.example/api/packages/me", "npm", "x", None),
            ("https://registry.npmjs.org", "npm", "x", None),
            ("https://pypi.org/simple", "pypi", "x", None),
        ] {
            let found = Package::at(registry, kind, name, "1.0.0", "TOKEN").map(|package| package.url());
            assert_eq!(found.as_deref(), expected, "{registry}");
        }
    }
}
