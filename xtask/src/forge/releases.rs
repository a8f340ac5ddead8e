//! Release pages: a draft is created, gets its files, and is published. Gitea has one page for a tag at most;
//! GitHub allows several drafts for it, and never finds a draft by its tag.

use super::{Forge, JSON, read};
use crate::model::workspace::ForgeKind;
use crate::sys::http::{Http, Request};
use crate::sys::url::{escape, is_loopback, join, origin};
use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// A release page with its files.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Page {
    pub id: u64,
    pub tag_name: String,
    body: Option<String>,
    pub draft: bool,
    pub prerelease: bool,
    #[serde(rename = "html_url")]
    pub url: String,
    #[serde(default)]
    upload_url: String,
    #[serde(default)]
    pub assets: Vec<Asset>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Asset {
    id: u64,
    pub name: String,
    pub size: usize,
    /// `starter` on GitHub if its upload broke off. Gitea has no states.
    state: Option<String>,
    /// The address in GitHub's API, which serves private files too.
    url: Option<String>,
    browser_download_url: String,
}

impl Asset {
    /// Is its content complete?
    pub(crate) fn is_whole(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "uploaded")
    }
}

impl Page {
    /// The text. Forges store line breaks as the client sent them, and a browser sends CRLF.
    pub(crate) fn body(&self) -> String {
        self.body.as_deref().unwrap_or_default().replace("\r\n", "\n")
    }
}

pub(crate) struct NewPage<'a> {
    pub tag: &'a str,
    pub commit: &'a str,
    pub title: &'a str,
    pub body: &'a str,
    pub prerelease: bool,
}

impl Forge {
    /// All pages that the token may see, drafts included if it may write.
    pub(crate) fn pages(&self) -> Result<Vec<Page>> {
        self.list("/releases", "list the release pages")
    }

    /// The page of the tag: the published one, else the oldest draft.
    pub(crate) fn page(&self, tag: &str) -> Result<Option<Page>> {
        Ok(self.pages_of(tag)?.into_iter().next())
    }

    /// Every page of the tag, the one to use first.
    fn pages_of(&self, tag: &str) -> Result<Vec<Page>> {
        let path = format!("/releases/tags/{}", escape(tag));
        if let Some(page) = self.find_one::<Page>(&path, "look for the release page")? {
            return Ok(vec![page]);
        }
        if self.place.kind == ForgeKind::Gitea {
            return Ok(Vec::new());
        }
        let mut drafts = self.pages()?;
        drafts.retain(|page| page.tag_name == tag);
        drafts.sort_by_key(|page| page.id);
        Ok(drafts)
    }

    /// Creates the draft, or returns the page that is there. Of several drafts, as two runs at the same time
    /// leave them on GitHub, the oldest stays, and the newer ones that have the same text are deleted.
    pub(crate) fn draft_page(&self, new: &NewPage) -> Result<Page> {
        let what = "create the draft of the release page";
        if self.pages_of(new.tag)?.is_empty() {
            let body = json!({
                "tag_name": new.tag, "target_commitish": new.commit, "name": new.title, "body": new.body,
                "draft": true, "prerelease": new.prerelease,
            });
            let answer = self.send("POST", "/releases", Some(&body))?;
            // 409 and 422: created since the search, by another run or by a request whose answer was lost.
            if !matches!(answer.status, 201 | 409 | 422) {
                return Err(self.refused(answer, what));
            }
            if answer.status != 201 && self.pages_of(new.tag)?.is_empty() {
                return Err(self.refused(answer, what));
            }
        }
        let mut pages = self.pages_of(new.tag)?.into_iter();
        let Some(page) = pages.next() else {
            bail!("cannot {what}: the forge accepted it, but does not list it");
        };
        for other in pages.filter(|other| other.draft && other.body() == new.body) {
            self.delete(&format!("/releases/{}", other.id), "delete a second draft of the release page")?;
        }
        Ok(page)
    }

    /// An error if the token may not write release pages. It asks for a page without a tag: the forge checks
    /// the rights first, and then refuses the request with 422.
    pub(crate) fn may_write_pages(&self) -> Result<()> {
        let answer = self.send("POST", "/releases", Some(&json!({ "tag_name": "" })))?;
        match answer.status {
            422 => Ok(()),
            _ => Err(self.refused(answer, "write a release page")),
        }
    }

    /// Makes the page have exactly one whole file of this name and content. Files of the same name that broke
    /// off, that are there twice or that have another size are replaced. Returns false if it was there.
    pub(crate) fn upload(&self, page: &Page, name: &str, bytes: &[u8]) -> Result<bool> {
        let good = |asset: &&Asset| asset.is_whole() && asset.size == bytes.len();
        let same: Vec<&Asset> = page.assets.iter().filter(|asset| asset.name == name).collect();
        let keep = same.iter().find(|asset| good(asset)).map(|asset| asset.id);
        for asset in same.iter().filter(|asset| Some(asset.id) != keep) {
            self.delete_asset(page, asset)?;
        }
        if keep.is_some() {
            return Ok(false);
        }
        let what = format!("upload {name} to the release page");
        let answer =
            self.send_to("POST", &self.upload_address(page, name)?, Some((BYTES, bytes)), JSON, Http::send)?;
        match answer.status {
            201 => Ok(true),
            // Uploaded by a request whose answer was lost.
            422 => {
                let there: Page = self.get(&format!("/releases/{}", page.id), "read the release page")?;
                match there.assets.iter().filter(|asset| asset.name == name).any(|asset| good(&asset)) {
                    true => Ok(true),
                    false => Err(self.refused(answer, &what)),
                }
            }
            _ => Err(self.refused(answer, &what)),
        }
    }

    pub(super) fn upload_address(&self, page: &Page, name: &str) -> Result<String> {
        let query = format!("?name={}", escape(name));
        if self.place.kind == ForgeKind::Gitea {
            let super::Place { api, owner, name, .. } = &self.place;
            let (owner, name) = (escape(owner), escape(name));
            return Ok(format!("{api}/repos/{owner}/{name}/releases/{}/assets{query}", page.id));
        }
        // `https://uploads.github.com/…/assets{?name,label}`
        let address = page.upload_url.split('{').next().unwrap_or_default();
        let api = &self.place.api;
        if (api.starts_with("https:") && !address.starts_with("https:"))
            || (is_loopback(api) && !is_loopback(address))
        {
            bail!(
                "did not upload files: the forge names the address {:?}, which is not https, or not on this \
                 machine",
                origin(address)
            );
        }
        Ok(format!("{address}{query}"))
    }

    fn delete_asset(&self, page: &Page, asset: &Asset) -> Result<()> {
        let path = match self.place.kind {
            ForgeKind::Github => format!("/releases/assets/{}", asset.id),
            ForgeKind::Gitea => format!("/releases/{}/assets/{}", page.id, asset.id),
        };
        self.delete(&path, "delete a file of the release page")
    }

    fn delete(&self, path: &str, what: &str) -> Result<()> {
        let answer = self.send("DELETE", path, None)?;
        match answer.status {
            // 404: a request whose answer was lost has deleted it.
            200..=299 | 404 => Ok(()),
            _ => Err(self.refused(answer, what)),
        }
    }

    /// The content of a file of the page.
    pub(crate) fn download(&self, asset: &Asset) -> Result<Vec<u8>> {
        let address = match &asset.url {
            Some(url) if self.place.kind == ForgeKind::Github => url,
            _ => &asset.browser_download_url,
        };
        let api = &self.place.api;
        let answer = match join(api, address) {
            Some(address) if origin(&address) == origin(api) => {
                self.send_to("GET", &address, None, BYTES, Http::send)?
            }
            // Gitea names its public address, which may be another one than the API's. It gets no token.
            Some(address) if !is_loopback(api) || is_loopback(&address) => {
                self.http.send(&Request::new("GET", address))?
            }
            _ => bail!(
                "did not download {}: the forge names the address {:?}, which is not on this machine",
                asset.name,
                origin(address)
            ),
        };
        match answer.status {
            200 => answer.bytes(),
            _ => Err(self.refused(answer, &format!("download {} from the release page", asset.name))),
        }
    }

    /// Changes the page: `draft`, `prerelease`, `body`, and `make_latest` on GitHub.
    pub(crate) fn edit_page(&self, page: &Page, change: &Value) -> Result<Page> {
        let path = format!("/releases/{}", page.id);
        read(self.success("PATCH", &path, change, "change the release page")?)
    }
}

pub(super) const BYTES: &str = "application/octet-stream";
