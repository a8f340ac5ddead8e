//! Everything outside of the repository that a release touches, on this machine: a git remote, two Python indexes, a container registry.

use super::index::{self, Index};
use super::registry::{self, Registry};
use super::remote::{self, Remote};
use crate::Ctx;
use crate::workspace::{App, Settings};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use std::fmt;
use std::io::Read;

pub struct World {
    pub remote: Remote,
    pub pypi: Index,
    pub testpypi: Index,
    /// None where images are left out.
    pub registry: Option<Registry>,
}

impl World {
    /// Starts it below `dir`; the registry holds the base images of `apps`.
    pub fn start(xtask: &Utf8Path, dir: &Utf8Path, settings: &Settings, apps: &[&App], images: bool) -> Result<World> {
        let place = |name: &str| -> Result<Utf8PathBuf> {
            let place = dir.join(name);
            std::fs::create_dir_all(&place).with_context(|| format!("{place} can't be made"))?;
            Ok(place)
        };
        let (pypi, testpypi, containers) = (place("pypi")?, place("testpypi")?, place("registry")?);
        let remote = remote::create(dir, settings)?;
        let with_image = apps.iter().any(|a| a.settings.image.is_some());
        std::thread::scope(|scope| {
            let pypi = scope.spawn(|| index::start(xtask, &pypi).context("no index"));
            let testpypi = scope.spawn(|| index::start(xtask, &testpypi).context("no staging index"));
            let registry = match images && with_image {
                true => Some(
                    registry::start(xtask, &containers, apps)
                        .context("no container registry (a rehearsal goes on without it by --without image)")?,
                ),
                false => None,
            };
            let index = |thread: std::thread::ScopedJoinHandle<Result<Index>>| thread.join().expect("an index's thread");
            Ok(World { remote, pypi: index(pypi)?, testpypi: index(testpypi)?, registry })
        })
    }

    /// Every endpoint, for the environment of a command that releases into this world.
    pub fn endpoints(&self) -> Vec<(String, String)> {
        // Port 9 (discard) answers nobody: without a registry nothing can be pushed by accident.
        let registry = self.registry.as_ref().map(|r| r.host()).unwrap_or("127.0.0.1:9");
        let pairs = [
            ("XTASK_REMOTE", self.remote.url.clone()),
            ("XTASK_PYPI", self.pypi.simple()),
            ("XTASK_PYPI_UPLOAD", self.pypi.upload()),
            ("XTASK_TESTPYPI", self.testpypi.simple()),
            ("XTASK_TESTPYPI_UPLOAD", self.testpypi.upload()),
            ("XTASK_REGISTRY", registry.to_string()),
            ("XTASK_LOOPBACK_ONLY", "1".to_string()),
        ];
        pairs.map(|(name, value)| (name.to_string(), value)).to_vec()
    }

    /// What only the job that publishes gets.
    pub fn secrets(&self) -> Vec<(String, String)> {
        vec![("PYPI_TOKEN".to_string(), self.pypi.token.clone()), ("TESTPYPI_TOKEN".to_string(), self.testpypi.token.clone())]
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.registry.as_ref().map_or("no container registry".to_string(), |r| format!("container registry {}", r.host()));
        write!(f, "git remote, index {}, staging index {}, {registry}", self.pypi.host(), self.testpypi.host())
    }
}

/// `xtask __world DIR`: starts one for the tests, prints its environment as a JSON object on one line, and ends with standard input.
pub fn serve(ctx: &Ctx, dir: &Utf8Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{dir} can't be made"))?;
    let dir = dir.canonicalize_utf8()?;
    let xtask = Utf8PathBuf::try_from(std::env::current_exe()?)?;
    let apps: Vec<&App> = ctx.ws.apps.iter().collect();
    let world = World::start(&xtask, &dir, &ctx.ws.settings, &apps, true)?;
    let env: serde_json::Map<_, _> = world.endpoints().into_iter().chain(world.secrets()).map(|(k, v)| (k, v.into())).collect();
    println!("{}", serde_json::Value::Object(env));
    std::io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}
