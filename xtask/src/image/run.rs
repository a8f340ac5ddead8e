//! An image's program started as its users will start it: by docker or podman where one answers, else in the unpacked root file system.

use super::engine::{self, Container, Engine};
use super::oci::Platform;
use super::{Built, PlatformImage, USER, rootfs, store};
use crate::serve::{self, Server};
use crate::{child, probe};
use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Asked for until it answers 200.
const READY: &str = "/health";
const PATIENCE: Duration = Duration::from_secs(60);

/// A started image; dropped, it is killed and removed.
pub struct Running {
    pub base_url: String,
    pub engine: Engine,
    program: Program,
}

enum Program {
    /// With the root file system that it runs in, removed afterwards.
    Process(Server, tempfile::TempDir),
    Container(Container),
}

/// Starts the image of this machine's platform and waits until it answers. None where it has no such platform.
pub fn start(built: &Built) -> Result<Option<Running>> {
    let here = Platform::here();
    let Some(part) = built.platforms.iter().find(|p| here.matches(&p.platform)) else { return Ok(None) };
    let engine = engine::choose()?;
    let port = child::free_port()?;
    let base_url = format!("http://127.0.0.1:{port}");
    let program = match engine {
        Engine::Docker | Engine::Podman => {
            let container = Container::start(engine, built, part, port)?;
            probe::ready(&format!("{base_url}{READY}"), PATIENCE, || container.alive())?;
            Program::Container(container)
        }
        Engine::Chroot | Engine::Unshare => start_process(engine, built, part, port)?,
    };
    Ok(Some(Running { base_url, engine, program }))
}

impl Running {
    /// SIGTERM: how long the program took to end; an error when it had to be killed.
    pub fn stop(self) -> Result<Duration> {
        match self.program {
            Program::Process(server, _root) => server.stop(),
            Program::Container(container) => container.stop(),
        }
    }
}

fn start_process(engine: Engine, built: &Built, part: &PlatformImage, port: u16) -> Result<Program> {
    let folder = child::cache()?.join("run");
    std::fs::create_dir_all(&folder).with_context(|| format!("{folder} can't be made"))?;
    store::sweep(&folder);
    let temp = tempfile::Builder::new().prefix(&store::scratch_prefix()).tempdir_in(&folder)?;
    let root = temp.path().join("root");
    std::fs::create_dir(&root)?;
    // The folder of the temporary folder is its owner's alone; the program runs as another user.
    std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o755))?;
    let config = built.config(part)?;
    for (layer, diff_id) in part.layers.iter().zip(&config.rootfs.diff_ids) {
        rootfs::apply(&root, &built.store.path(&layer.digest), diff_id)?;
    }
    complete(&root)?;
    let mut command = Command::new(engine::program(engine)?);
    match engine {
        Engine::Chroot => command.arg(format!("--userspec={USER}")).arg(&root),
        _ => command.args(["--user", "--map-current-user", "--root"]).arg(&root).arg("--"),
    };
    let env = config.config.env.iter().filter_map(|pair| pair.split_once('='));
    command.args(&config.config.entrypoint).args(&config.config.cmd).current_dir("/").env_clear().envs(env);
    // The loopback address alone: an engine would publish its port there too.
    command.env("HOST", "127.0.0.1");
    let log = camino::Utf8PathBuf::try_from(temp.path().join("log"))?;
    let server = serve::start(command, port, READY, &log).with_context(|| format!("{}, started by {engine}", built.name))?;
    Ok(Program::Process(server, temp))
}

/// What engines add to a root file system: names for localhost, a place for temporary files, /dev/null.
fn complete(root: &Path) -> Result<()> {
    for folder in ["etc", "dev", "tmp", "proc"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    std::fs::set_permissions(root.join("tmp"), std::fs::Permissions::from_mode(0o1777))?;
    for (file, text) in [("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"), ("etc/resolv.conf", ""), ("dev/null", "")] {
        let path = root.join(file);
        if std::fs::symlink_metadata(&path).is_err() {
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        }
    }
    Ok(())
}
