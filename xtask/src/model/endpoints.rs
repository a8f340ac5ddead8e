//! Every address that a command reads from or writes to. A flag overrides the environment, which overrides
//! the default. A rehearsal runs the release code with other values in this struct.

use crate::flags::EndpointFlags;
use crate::sys::exit::Exit;
use crate::sys::url::{authority, is_loopback};
use anyhow::Result;

const NPM: &str = "https://registry.npmjs.org";

#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// Git remote: a name or an address.
    pub remote: String,
    /// Simple index (PEP 503/691) that dependencies are read from.
    pub pypi_read: String,
    /// The index that releases are uploaded to and read back from.
    pub pypi: PythonIndex,
    /// The staging index.
    pub testpypi: PythonIndex,
    /// npm registry that dependencies are read from, without a trailing slash.
    pub npm_read: String,
    /// npm registry that releases are published to and read back from, without a trailing slash.
    pub npm: String,
    /// Replaces the registry host in every image name: `localhost:5000`.
    pub registry: Option<String>,
    /// The address of the forge's API: `https://host/api/v1`.
    pub forge: Option<String>,
    /// Refuses every write address that is not on this machine.
    pub loopback_only: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct PythonIndex {
    pub simple: String,
    pub upload: String,
    /// The environment variable that holds its token.
    pub token: &'static str,
}

impl PythonIndex {
    /// The login for reads: the upload token, if uploads go to the same host. A Gitea index of a private
    /// owner requires a login for reads too.
    pub(crate) fn login(&self) -> Option<Login> {
        let token = std::env::var(self.token).ok().filter(|token| !token.is_empty())?;
        let one_host = self.simple.split(':').next() == self.upload.split(':').next()
            && authority(&self.simple) == authority(&self.upload);
        one_host.then(|| Login { host: authority(&self.simple).to_string(), user: "__token__", token })
    }
}

pub(crate) struct Login {
    /// `host:port`
    pub host: String,
    pub user: &'static str,
    pub token: String,
}

impl Endpoints {
    pub(crate) fn from_flags(flags: &EndpointFlags) -> Result<Endpoints> {
        let or = |value: &Option<String>, default: &str| value.clone().unwrap_or_else(|| default.to_string());
        let endpoints = Endpoints {
            remote: or(&flags.remote, "origin"),
            pypi_read: or(&flags.pypi_read, "https://pypi.org/simple"),
            pypi: PythonIndex {
                simple: or(&flags.pypi, "https://pypi.org/simple"),
                upload: or(&flags.pypi_upload, "https://upload.pypi.org/legacy/"),
                token: "PYPI_TOKEN",
            },
            testpypi: PythonIndex {
                simple: or(&flags.testpypi, "https://test.pypi.org/simple"),
                upload: or(&flags.testpypi_upload, "https://test.pypi.org/legacy/"),
                token: "TESTPYPI_TOKEN",
            },
            npm_read: without_slash(or(&flags.npm_read, NPM)),
            npm: without_slash(or(&flags.npm, NPM)),
            registry: flags.registry.clone(),
            forge: flags.forge_api.clone().filter(|url| !url.is_empty()),
            loopback_only: flags.loopback_only,
        };
        if endpoints.remote.starts_with('-') {
            return Err(Exit::Usage(format!("--remote {:?} begins with `-`", endpoints.remote)).into());
        }
        if endpoints.registry.as_ref().is_some_and(|registry| registry.contains(['@', '/'])) {
            let text = "--registry must be a host or host:port, without a path or a login; the login is read \
                        from REGISTRY_USER and REGISTRY_TOKEN";
            return Err(Exit::Usage(text.into()).into());
        }
        let forge = endpoints.forge.iter();
        for url in forge.chain([
            &endpoints.pypi_read,
            &endpoints.pypi.simple,
            &endpoints.pypi.upload,
            &endpoints.testpypi.simple,
            &endpoints.testpypi.upload,
            &endpoints.npm_read,
            &endpoints.npm,
        ]) {
            check_address(url)?;
        }
        Ok(endpoints)
    }

    /// Reads and writes releases in the registries of this owner on a Gitea, except where the address was
    /// given. `base`: `https://git.example.org`.
    pub(crate) fn on_gitea(&mut self, base: &str, owner: &str, given: &EndpointFlags) {
        let packages = format!("{base}/api/packages/{owner}");
        if given.pypi.is_none() {
            self.pypi.simple = format!("{packages}/pypi/simple");
        }
        if given.pypi_upload.is_none() {
            self.pypi.upload = format!("{packages}/pypi");
        }
        if given.npm.is_none() {
            self.npm = format!("{packages}/npm");
        }
    }

    /// With XTASK_LOOPBACK_ONLY refuses write addresses that are not on this machine. A rehearsal must not
    /// publish anything.
    pub(crate) fn refuse_outside(&self) -> Result<()> {
        if !self.loopback_only {
            return Ok(());
        }
        let registry = self.registry.as_ref().map(|r| format!("http://{r}/"));
        let mut outside = Vec::new();
        for (what, url) in [
            ("index", Some(&self.pypi.upload)),
            ("staging index", Some(&self.testpypi.upload)),
            ("npm registry", Some(&self.npm)),
            ("container registry", registry.as_ref()),
        ] {
            match url {
                Some(url) if is_loopback(url) => {}
                Some(url) => outside.push(format!("{what}: {url}")),
                None => outside.push(format!("{what}: not set, so the one in app.toml would be used")),
            }
        }
        let local =
            self.remote.starts_with('/') || self.remote.starts_with("file://") || is_loopback(&self.remote);
        if !local {
            outside.push(format!("git remote: {}", self.remote));
        }
        if outside.is_empty() {
            return Ok(());
        }
        Err(Exit::Usage(format!(
            "a rehearsal writes to this machine only; these addresses are refused:\n  {}",
            outside.join("\n  ")
        ))
        .into())
    }
}

pub(crate) fn check_address(url: &str) -> Result<()> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Exit::Usage(format!("{url:?} is not an http(s) address")).into());
    }
    if authority(url).contains('@') {
        let text = "an address must not contain a user or password: put tokens into the environment \
                    (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)";
        return Err(Exit::Usage(text.into()).into());
    }
    Ok(())
}

fn without_slash(url: String) -> String {
    url.trim_end_matches('/').to_string()
}
