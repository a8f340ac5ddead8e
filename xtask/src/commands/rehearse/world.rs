//! The servers that a release uses, on this machine: a git remote, a forge, the apps' package indexes, a
//! container registry.

use super::forge::server::{self, Dialect, Repository, State};
use super::gitea::{self, Gitea};
use super::index::{self, Index};
use super::npm::{self, Npm};
use super::registry::{self, Registry};
use super::remote::{self, Remote};
use super::servers::secret;
use crate::model::ctx::Ctx;
use crate::model::language::Ecosystem;
use crate::model::workspace::{App, Settings};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) struct World {
    pub remote: Remote,
    /// The index and the staging index. None if there is no Python app.
    pub python: Option<(Index, Index)>,
    /// None if there is no TypeScript app.
    pub npm: Option<Npm>,
    /// None if no image is built.
    pub registry: Option<Registry>,
    pub forge: ForgeServer,
    /// Used in place of `forge` and of the remote.
    pub gitea: Option<Gitea>,
}

/// The forge, in this process.
pub(crate) struct ForgeServer {
    address: SocketAddr,
    pub token: String,
    pub state: Arc<Mutex<State>>,
}

impl ForgeServer {
    /// The repository that is released, its downstream repository, and that one's workflow.
    pub(crate) const REPOSITORY: &str = "rehearsal/mono";
    pub(crate) const DOWNSTREAM: &str = "rehearsal/downstream";
    const WORKFLOW: &str = "runtime.yml";

    fn start() -> Result<ForgeServer> {
        let token = secret()?;
        let (address, state) =
            server::start(&token, &[Self::REPOSITORY, Self::DOWNSTREAM]).context("cannot start the forge")?;
        let forge = ForgeServer { address, token, state };
        forge.with(Self::REPOSITORY, |one| one.pushes_tags = true);
        let inputs = ["app", "version", "release"].map(str::to_string).to_vec();
        forge.with(Self::DOWNSTREAM, |one| drop(one.workflows.insert(Self::WORKFLOW.into(), inputs)));
        Ok(forge)
    }

    /// The address of the repository in this forge's API.
    pub(crate) fn api(&self, dialect: Dialect) -> String {
        format!("http://{}{}/repos/{}", self.address, dialect.api(), Self::REPOSITORY)
    }

    /// Looks at a repository, or changes it.
    pub(crate) fn with<T>(&self, name: &str, look: impl FnOnce(&mut Repository) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        look(state.repositories.entry(name.to_string()).or_default())
    }
}

/// The address of servers that are not started. Nothing listens on port 9 (discard), so nothing can be
/// written there by accident.
const UNUSED: &str = "127.0.0.1:9";

impl World {
    /// Starts the servers that `apps` need, with their files below `dir`. The container registry gets the
    /// base images. `images`: false starts no container registry. `private`: indexes require the login for
    /// reads.
    pub(crate) fn start(
        xtask: &Utf8Path,
        dir: &Utf8Path,
        settings: &Settings,
        apps: &[&App],
        images: bool,
        private: bool,
    ) -> Result<World> {
        let place = |name: &str| -> Result<Utf8PathBuf> {
            let place = dir.join(name);
            std::fs::create_dir_all(&place).with_context(|| format!("cannot create the folder {place}"))?;
            Ok(place)
        };
        let remote = remote::create(dir, settings)?;
        std::thread::scope(|scope| {
            let (mut python, mut npm) = (None, None);
            for app in apps {
                match app.settings.ecosystem {
                    Ecosystem::Python if python.is_none() => {
                        let start = |name| scope.spawn(move || index::start(xtask, &place(name)?, private));
                        python = Some((start("pypi"), start("testpypi")));
                    }
                    Ecosystem::Ts if npm.is_none() => {
                        npm = Some(scope.spawn(move || npm::start(xtask, &place("npm")?, private)))
                    }
                    Ecosystem::Python | Ecosystem::Ts => {}
                }
            }
            let registry = match images && apps.iter().any(|a| a.settings.image.is_some()) {
                true => Some(registry::start(xtask, &place("registry")?, apps).context(
                    "cannot start the container registry (to rehearse without it: --without image)",
                )?),
                false => None,
            };
            let python = match python {
                Some((pypi, testpypi)) => Some((
                    joined(pypi).context("cannot start the Python index")?,
                    joined(testpypi).context("cannot start the Python staging index")?,
                )),
                None => None,
            };
            Ok(World {
                forge: ForgeServer::start()?,
                gitea: None,
                remote,
                python,
                npm: npm.map(joined).transpose().context("cannot start the npm registry")?,
                registry,
            })
        })
    }

    /// Uses a real Gitea as remote and forge from now on.
    pub(super) fn use_gitea(&mut self, place: &gitea::Place, xtask: &Utf8Path, dir: &Utf8Path) -> Result<()> {
        let gitea = Gitea::start(place, xtask, dir, ForgeServer::WORKFLOW)?;
        gitea.fill(&self.remote.git)?;
        self.remote.url = gitea.url().to_string();
        self.gitea = Some(gitea);
        Ok(())
    }

    /// Makes `remote.git` show what the remote has.
    pub(super) fn fetch(&self) -> Result<()> {
        self.gitea.as_ref().map_or(Ok(()), |gitea| gitea.fetch(&self.remote.git))
    }

    /// The address of the repository in the forge's API.
    pub(super) fn forge_api(&self, dialect: Dialect) -> String {
        self.gitea.as_ref().map_or_else(|| self.forge.api(dialect), |gitea| gitea.forge.api())
    }

    /// The token for the forge.
    pub(super) fn token(&self) -> String {
        self.gitea.as_ref().map_or_else(|| self.forge.token.clone(), |gitea| gitea.token.clone())
    }

    fn downstream(&self) -> String {
        match &self.gitea {
            Some(gitea) => format!("{}/{}", gitea.downstream.owner(), gitea.downstream.name()),
            None => ForgeServer::DOWNSTREAM.to_string(),
        }
    }

    /// All endpoints, as environment variables for a command that releases to these servers.
    pub(crate) fn endpoints(&self) -> Vec<(String, String)> {
        let unused = || format!("http://{UNUSED}/");
        let index = |what: fn(&(Index, Index)) -> String| self.python.as_ref().map_or_else(unused, what);
        let pairs = [
            ("XTASK_REMOTE", self.remote.url.clone()),
            ("XTASK_PYPI", index(|(pypi, _)| pypi.simple())),
            ("XTASK_PYPI_UPLOAD", index(|(pypi, _)| pypi.upload())),
            ("XTASK_TESTPYPI", index(|(_, testpypi)| testpypi.simple())),
            ("XTASK_TESTPYPI_UPLOAD", index(|(_, testpypi)| testpypi.upload())),
            ("XTASK_NPM", self.npm.as_ref().map_or_else(unused, Npm::url)),
            ("XTASK_REGISTRY", self.registry.as_ref().map_or(UNUSED, |r| r.host()).to_string()),
            ("XTASK_FORGE", self.forge_api(Dialect::Gitea)),
            ("XTASK_DOWNSTREAM", format!("{} {}", self.downstream(), ForgeServer::WORKFLOW)),
            ("XTASK_LOOPBACK_ONLY", "1".to_string()),
        ];
        pairs.map(|(name, value)| (name.to_string(), value)).to_vec()
    }

    /// The remote with the login for pushes, for an xtask that pushes. Nothing if pushes need no login.
    pub(super) fn login(&self) -> Vec<(String, String)> {
        let url = self.gitea.as_ref().map(Gitea::url_with_login);
        url.map(|url| ("XTASK_REMOTE".to_string(), url)).into_iter().collect()
    }

    /// The tokens for publishing, as environment variables. Only the job `release` gets them.
    pub(crate) fn secrets(&self) -> Vec<(String, String)> {
        let names = ["XTASK_FORGE_TOKEN", "DISPATCH_TOKEN"];
        let mut secrets = names.map(|name| (name.to_string(), self.token())).to_vec();
        secrets.extend(self.login());
        if let Some((pypi, testpypi)) = &self.python {
            secrets.extend([
                ("PYPI_TOKEN".to_string(), pypi.token.clone()),
                ("TESTPYPI_TOKEN".to_string(), testpypi.token.clone()),
            ]);
        }
        secrets.extend(self.npm.as_ref().map(|npm| ("NPM_TOKEN".to_string(), npm.token.clone())));
        secrets
    }
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<Result<T>>) -> Result<T> {
    thread.join().expect("the thread that starts a server panicked")
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = match &self.gitea {
            Some(gitea) => vec![format!("git remote and forge {}", gitea.forge.web())],
            None => vec!["git remote".to_string(), format!("forge {}", self.forge.address)],
        };
        if let Some((pypi, testpypi)) = &self.python {
            parts.push(format!("Python index {}, staging index {}", pypi.host(), testpypi.host()));
        }
        parts.extend(self.npm.as_ref().map(|npm| format!("npm registry {}", npm.host())));
        parts.push(
            self.registry
                .as_ref()
                .map_or("no container registry".to_string(), |r| format!("container registry {}", r.host())),
        );
        f.write_str(&parts.join(", "))
    }
}

/// `xtask __world DIR`: starts the servers for the tests, prints their environment as a JSON object on one
/// line, and ends when stdin closes.
pub(crate) fn serve(ctx: &Ctx, dir: &Utf8Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create the folder {dir}"))?;
    let dir = dir.canonicalize_utf8()?;
    let xtask = Utf8PathBuf::try_from(std::env::current_exe()?)?;
    let apps: Vec<&App> = ctx.ws.apps.iter().collect();
    let world = World::start(
        &xtask,
        &dir,
        &ctx.ws.settings,
        &apps,
        true,
        std::env::var_os("XTASK_WORLD_PRIVATE").is_some(),
    )?;
    let env: serde_json::Map<_, _> =
        world.endpoints().into_iter().chain(world.secrets()).map(|(k, v)| (k, v.into())).collect();
    crate::sys::ui::print(serde_json::Value::Object(env));
    std::io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}
