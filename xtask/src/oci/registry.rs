//! A client for container registries (OCI distribution spec 1.1): reads manifests, tags and blobs, and writes
//! manifests. Uploads of blobs are in upload.rs, logins in auth.rs.

use super::auth;
use super::reference::Reference;
use super::spec::{self, Descriptor};
use super::store::Store;
use crate::sys::exit::Exit;
use crate::sys::http::{Http, HttpError, Request, Response};
use crate::sys::retry;
use crate::sys::url;
use crate::sys::url::{is_loopback, without_secrets};
use anyhow::{Context, Result, bail};
use camino::Utf8PathBuf;
use std::collections::HashMap;
use std::sync::Mutex;

const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

pub(crate) struct Registry {
    pub host: String,
    pub(super) http: Http,
    /// `https://ghcr.io`. Plain http is used on this machine only.
    base: String,
    loopback_only: bool,
    docker_config: Option<Utf8PathBuf>,
    login: Option<(String, String)>,
    /// Authorization headers by scope.
    logins: Mutex<HashMap<Vec<String>, String>>,
}

impl Registry {
    /// Creates a client without sending anything. With `loopback_only` it refuses writes to other machines.
    pub(crate) fn open(host: &str, loopback_only: bool) -> Result<Registry> {
        let here = is_loopback(&format!("http://{host}/"));
        let api = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let base = format!("{}://{api}", if here { "http" } else { "https" });
        Ok(Registry {
            host: host.to_string(),
            http: Http::new()?,
            base,
            loopback_only,
            docker_config: auth::docker_config(),
            login: None,
            logins: Mutex::default(),
        })
    }

    /// The registry that releases are pushed to, with the login from the environment.
    pub(crate) fn of_releases(reference: &Reference, loopback_only: bool) -> Result<Registry> {
        Ok(Registry { login: auth::login_from_environment()?, ..Registry::of(reference, loopback_only)? })
    }

    pub(crate) fn of(reference: &Reference, loopback_only: bool) -> Result<Registry> {
        Registry::open(&reference.host, loopback_only)
    }

    /// The manifest with this tag or digest. None if the registry does not have it. An error if the digest of
    /// its bytes is not the requested or announced one.
    pub(crate) fn manifest(&self, repository: &str, version: &str) -> Result<Option<(Descriptor, Vec<u8>)>> {
        let answer = self.manifest_call("GET", repository, version)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.success()?;
        let (announced, media_type) =
            (answer.header("Docker-Content-Digest").map(str::to_string), media_type(&answer));
        let bytes = answer.bytes()?;
        let digest = spec::digest(&bytes);
        let expected = if version.starts_with("sha256:") { Some(version.to_string()) } else { announced };
        if let Some(expected) = expected.filter(|e| *e != digest) {
            bail!(
                "{}/{repository}:{version}: the manifest has the digest {digest}; expected {expected}",
                self.host
            );
        }
        // The type in the document is part of the hashed bytes. The header may have been changed by a proxy.
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Typed {
            media_type: Option<String>,
            manifests: Option<serde::de::IgnoredAny>,
        }
        let typed: Typed = spec::from_bytes(&bytes, &format!("{}/{repository}:{version}", self.host))?;
        let fallback = if typed.manifests.is_some() { spec::INDEX } else { spec::MANIFEST };
        let media_type = typed.media_type.or(media_type).unwrap_or_else(|| fallback.to_string());
        Ok(Some((Descriptor::new(&media_type, digest, bytes.len() as u64), bytes)))
    }

    /// The digest that a tag names now. None if there is no such tag.
    pub(crate) fn digest(&self, repository: &str, version: &str) -> Result<Option<String>> {
        let answer = self.manifest_call("HEAD", repository, version)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.success()?;
        match answer.header("Docker-Content-Digest") {
            Some(digest) if super::reference::is_digest(digest) => Ok(Some(digest.to_string())),
            Some(other) => bail!(
                "{}/{repository}:{version}: the registry answered with an invalid digest {other:?} \
                 (expected sha256:<64 hex>)",
                self.host
            ),
            None => Ok(self.manifest(repository, version)?.map(|(d, _)| d.digest)),
        }
    }

    /// Writes a manifest under a tag or its digest. Returns true if the registry keeps the list of referrers
    /// itself (`OCI-Subject`). Tried again if the registry does not know a blob that was uploaded before.
    pub(crate) fn put_manifest(
        &self,
        repository: &str,
        version: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<bool> {
        self.may_write()?;
        let put = || {
            let request = Request::new("PUT", self.url(repository, &format!("manifests/{version}")))
                .body(media_type, bytes);
            self.call(&push_scope(repository, None), request)?.success()
        };
        let what = format!("manifest {version} of {}/{repository}", self.host);
        let answer = retry::again(&what, put, unknown_blob)?;
        let digest = spec::digest(bytes);
        if let Some(other) = answer.header("Docker-Content-Digest").filter(|d| *d != digest) {
            bail!("{}/{repository}:{version}: sent {digest}, but the registry stored {other}", self.host);
        }
        Ok(answer.header("OCI-Subject").is_some())
    }

    pub(crate) fn has_blob(&self, repository: &str, digest: &str) -> Result<bool> {
        let answer = self.call(
            &pull_scope(repository),
            Request::new("HEAD", self.url(repository, &format!("blobs/{digest}"))),
        )?;
        if answer.status == 404 { Ok(false) } else { answer.success().map(|_| true) }
    }

    /// Downloads a blob into the store, unless the store has it.
    pub(crate) fn fetch(&self, repository: &str, blob: &Descriptor, store: &Store) -> Result<()> {
        if !super::reference::is_digest(&blob.digest) {
            bail!("{}/{repository}: {:?} is not a sha256 digest", self.host, blob.digest);
        }
        if store.has(&blob.digest, blob.size)? {
            return Ok(());
        }
        let name = format!("{}/{repository}@{}", self.host, blob.digest);
        let get = || {
            let request = Request::new("GET", self.url(repository, &format!("blobs/{}", blob.digest)));
            let answer = self.call_by(&pull_scope(repository), request, |r| self.http.open(r))?;
            store.receive(blob, answer.success()?.reader(), &name)
        };
        // A download that is interrupted after the headers is repeated.
        retry::again(&format!("download of {name}"), get, retry::interrupted)
    }

    /// All tags, sorted. Empty if the repository does not exist.
    #[cfg(test)]
    pub(crate) fn tags(&self, repository: &str) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let mut url = self.url(repository, "tags/list?n=1000");
        let mut tags = Vec::new();
        for _ in 0..1000 {
            let answer = self.call(&pull_scope(repository), Request::new("GET", url))?;
            if answer.status == 404 {
                return Ok(Vec::new());
            }
            let answer = answer.success()?;
            let next = answer
                .header("Link")
                .and_then(|l| l.strip_prefix('<')?.split_once('>').map(|(next, _)| next.to_string()));
            let page: Page =
                spec::from_bytes(&answer.bytes()?, &format!("the tags of {}/{repository}", self.host))?;
            tags.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) if next.starts_with('/') => url = format!("{}{next}", self.base),
                Some(next) => url = self.own(&next)?,
                None => break,
            }
        }
        tags.sort();
        Ok(tags)
    }

    fn manifest_call(&self, method: &'static str, repository: &str, version: &str) -> Result<Response> {
        let request = Request::new(method, self.url(repository, &format!("manifests/{version}")))
            .header("Accept", MANIFESTS);
        self.call(&pull_scope(repository), request)
    }

    pub(super) fn url(&self, repository: &str, path: &str) -> String {
        format!("{}/v2/{repository}/{path}", self.base)
    }

    pub(super) fn call(&self, scopes: &[String], request: Request) -> Result<Response> {
        self.call_by(scopes, request, |request| self.http.send(request))
    }

    /// Sends a request with the stored login for these scopes. A challenge is answered once.
    pub(super) fn call_by(
        &self,
        scopes: &[String],
        mut request: Request,
        send: impl Fn(&Request) -> Result<Response>,
    ) -> Result<Response> {
        let kept = self.logins.lock().expect("no panic while it is held").get(scopes).cloned();
        if let Some(header) = kept {
            request.headers.push(("Authorization", header));
        }
        let answer = send(&request)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let challenges: Vec<&str> =
            answer.headers.get_all("WWW-Authenticate").iter().filter_map(|v| v.to_str().ok()).collect();
        let client = auth::Client {
            http: &self.http,
            host: &self.host,
            config: self.docker_config.as_deref(),
            login: self.login.as_ref(),
            loopback_only: self.loopback_only,
        };
        let header = auth::authorization(&client, &challenges, scopes)
            .with_context(|| format!("{} {}", request.method, without_secrets(&request.url)))?;
        self.logins.lock().expect("no panic while it is held").insert(scopes.to_vec(), header.clone());
        request.headers.retain(|(name, _)| *name != "Authorization");
        request.headers.push(("Authorization", header));
        let answer = send(&request)?;
        if matches!(answer.status, 401 | 403) {
            let hint = format!(
                "{} refuses this login; check that it is valid and has the needed permission, \
                 or log in again with `docker login {}`",
                self.host, self.host
            );
            return Err(anyhow::Error::new(answer.error()).context(hint));
        }
        Ok(answer)
    }

    pub(super) fn may_write(&self) -> Result<()> {
        if self.loopback_only && !is_loopback(&self.base) {
            return Err(Exit::Usage(format!(
                "a rehearsal writes to this machine only; refused: container registry {}",
                self.host
            ))
            .into());
        }
        Ok(())
    }

    /// The address that the registry gave for the next request, with our scheme: behind a proxy that
    /// terminates TLS a registry answers with http. An error if it is on another host.
    pub(super) fn own(&self, location: &str) -> Result<String> {
        let host = url::host(location);
        if host != url::host(&self.base) {
            bail!(
                "{} redirects the upload to another host, {host}: refused, \
                 because the login would be sent there",
                self.host
            );
        }
        Ok(format!("{}{}", self.base, url::path(location)))
    }
}

fn media_type(answer: &Response) -> Option<String> {
    let full = answer.header("Content-Type")?;
    Some(full.split(';').next().unwrap_or(full).trim().to_string())
}

/// The reason if the registry does not know what the manifest refers to (OCI distribution spec 1.1, error
/// codes). It may be temporary: docker-registry 2.8 does not find a blob for a moment while another push
/// uploads the same one.
fn unknown_blob(error: &anyhow::Error) -> Option<String> {
    let body = &error.downcast_ref::<HttpError>()?.body;
    body.contains("MANIFEST_BLOB_UNKNOWN").then(|| "the registry does not know one of its blobs".to_string())
}

pub(super) fn pull_scope(repository: &str) -> Vec<String> {
    vec![format!("repository:{repository}:pull")]
}

pub(super) fn push_scope(repository: &str, from: Option<&str>) -> Vec<String> {
    let mut scopes = vec![format!("repository:{repository}:pull,push")];
    scopes.extend(from.map(|from| format!("repository:{from}:pull")));
    scopes
}

#[cfg(test)]
mod tests;
