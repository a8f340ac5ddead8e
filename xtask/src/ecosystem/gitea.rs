//! Deletes a package version from the package registry of a Gitea, by Gitea's own API: its Python and npm
//! registries can neither yank nor deprecate (Gitea 1.26).

use crate::sys::http::{Http, Request};
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
        let Package { base, owner, kind, .. } = self;
        let name = self.name.replace('@', "%40").replace('/', "%2F");
        // A version's build metadata begins with a plus, which some servers read as a space.
        format!("{base}/api/v1/packages/{owner}/{kind}/{name}/{}", self.version.replace('+', "%2B"))
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
