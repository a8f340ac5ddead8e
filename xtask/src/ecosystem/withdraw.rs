//! Withdrawing a published version: what the index shows of it, and the way in which it lets a version be
//! withdrawn. npm's rule that a version can be removed for 72 hours is in `ts/registry.rs`.

use super::gitea::Package;
use super::ts;
use crate::model::ctx::Ctx;
use crate::model::language::Ecosystem;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::url::{authority, host};
use anyhow::{Result, bail};
use semver::Version;
use std::collections::BTreeMap;

/// How an index shows a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Absent,
    /// Yanked (PEP 592) or deprecated (npm): who pins it still gets it.
    Withdrawn,
    Offered,
}

/// How an index withdraws a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Gitea deletes it.
    Delete(Package),
    /// npm shows a warning to everybody who installs it.
    Deprecate,
    /// npm removes it.
    Unpublish,
    /// There is no API for it: a person does it on this page.
    ByHand(String),
}

impl Ecosystem {
    /// How the index shows the version now.
    pub(crate) fn shown(self, ctx: &Ctx, app: &App, version: &Version) -> Result<Shown> {
        match self {
            Ecosystem::Python => {
                let found = self.published_versions(ctx, app)?.unwrap_or_default();
                Ok(match found.iter().find(|found| found.version == *version) {
                    None => Shown::Absent,
                    Some(found) if found.withdrawn => Shown::Withdrawn,
                    Some(_) => Shown::Offered,
                })
            }
            Ecosystem::Ts => ts::registry::shown(&ctx.endpoints.npm, &app.settings.package, version),
        }
    }

    /// The names that users may install instead of a version, such as npm's `latest`, each with its version.
    /// Empty if the index has no such names.
    pub(crate) fn dist_tags(self, ctx: &Ctx, app: &App) -> Result<BTreeMap<String, String>> {
        match self {
            Ecosystem::Python => Ok(BTreeMap::new()),
            Ecosystem::Ts => ts::registry::dist_tags(&ctx.endpoints.npm, &app.settings.package),
        }
    }

    /// The way to withdraw the version. `unpublish`: npm shall remove it, which is an error where npm does
    /// not allow that.
    pub(crate) fn way(self, ctx: &Ctx, app: &App, version: &Version, unpublish: bool) -> Result<Way> {
        let package = &app.settings.package;
        match self {
            Ecosystem::Python if unpublish => {
                Err(Exit::Usage("--unpublish is for npm only; a Python index cannot unpublish".into()).into())
            }
            Ecosystem::Python => {
                let index = &ctx.endpoints.pypi;
                let name = crate::model::language::python::normalise(package);
                let version = self.package_version(version)?;
                let gitea = Package::at(&index.upload, "pypi", &name, &version, index.token)
                    .filter(|_| authority(&index.simple) == authority(&index.upload));
                Ok(gitea.map_or_else(|| Way::ByHand(page(&index.simple, &name, &version)), Way::Delete))
            }
            Ecosystem::Ts => {
                let registry = &ctx.endpoints.npm;
                let gitea = Package::at(registry, "npm", package, &version.to_string(), ts::registry::TOKEN);
                if let Some(gitea) = gitea {
                    return Ok(Way::Delete(gitea));
                }
                if !unpublish {
                    return Ok(Way::Deprecate);
                }
                match ts::registry::unpublish_problem(registry, package, version)? {
                    None => Ok(Way::Unpublish),
                    Some(problem) => Err(Exit::Usage(format!(
                        "{package}@{version} cannot be unpublished: {problem}; without --unpublish it is \
                         deprecated"
                    ))
                    .into()),
                }
            }
        }
    }

    /// Withdraws the version. `reason` is shown to users, where the index can show one.
    pub(crate) fn withdraw(
        self,
        ctx: &Ctx,
        app: &App,
        version: &Version,
        way: &Way,
        reason: &str,
    ) -> Result<()> {
        let package = format!("{}@{version}", app.settings.package);
        match way {
            Way::Delete(package) => package.delete(),
            Way::Deprecate => ts::publish::npm_again(ctx, app, &["deprecate", &package, reason]).map(drop),
            Way::Unpublish => ts::publish::npm_again(ctx, app, &["unpublish", &package]).map(drop),
            Way::ByHand(page) => {
                bail!("this index has no API that yanks a version; yank it yourself: {page}")
            }
        }
    }

    /// Removes a dist-tag.
    pub(crate) fn remove_dist_tag(self, ctx: &Ctx, app: &App, tag: &str) -> Result<()> {
        ts::publish::npm_again(ctx, app, &["dist-tag", "rm", &app.settings.package, tag]).map(drop)
    }
}

/// The page of the index on which a version is yanked. `name` and `version` as the index spells them.
fn page(simple: &str, name: &str, version: &str) -> String {
    let path = format!("manage/project/{name}/release/{version}/");
    match host(simple).as_str() {
        host @ ("pypi.org" | "test.pypi.org") => format!("https://{host}/{path}"),
        other => format!("on the pages of {other} (on PyPI it is https://pypi.org/{path})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_exact_on_pypi_and_named_elsewhere() {
        for (simple, expected) in [
            ("https://pypi.org/simple", "https://pypi.org/manage/project/x-y/release/0.1.0rc1/"),
            ("https://test.pypi.org/simple/", "https://test.pypi.org/manage/project/x-y/release/0.1.0rc1/"),
            (
                "http://127.0.0.1:8080/simple",
                "on the pages of 127.0.0.1:8080 (on PyPI it is \
                 https://pypi.org/manage/project/x-y/release/0.1.0rc1/)",
            ),
        ] {
            assert_eq!(page(simple, "x-y", "0.1.0rc1"), expected);
        }
    }
}
