//! An image's program started as its users will start it: by docker or podman where one answers, else in the
//! unpacked root file system.

use super::engine::{self, Container, Engine};
use crate::checks::probe;
use crate::oci::spec::{self, Platform};
use crate::oci::{Built, PlatformImage, rootfs, store};
use crate::sys::serve::Server;
use crate::sys::{child, serve, tools};
use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

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

/// Starts the image of this machine's platform and waits until `health` answers 200. None where it has no
/// such platform.
pub fn start(built: &Built, health: &str) -> Result<Option<Running>> {
    let here = Platform::here();
    let Some(part) = built.platforms.iter().find(|p| here.matches(&p.platform)) else { return Ok(None) };
    let engine = engine::choose()?;
    let port = child::free_port()?;
    let base_url = format!("http://127.0.0.1:{port}");
    let program = match engine {
        Engine::Docker | Engine::Podman => {
            let container = Container::start(engine, built, part, port)?;
            probe::ready(&format!("{base_url}{health}"), PATIENCE, || container.alive())?;
            Program::Container(container)
        }
        Engine::Chroot | Engine::Unshare => start_process(engine, built, part, port, health)?,
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

fn start_process(
    engine: Engine,
    built: &Built,
    part: &PlatformImage,
    port: u16,
    health: &str,
) -> Result<Program> {
    let folder = child::cache()?.join("run");
    std::fs::create_dir_all(&folder).with_context(|| format!("{folder} can't be made"))?;
    store::sweep(&folder);
    let temp = tempfile::Builder::new().prefix(&store::scratch_prefix()).tempdir_in(&folder)?;
    let root = temp.path().join("root");
    // The folder of the temporary folder is its owner's alone; the program runs as another user.
    std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o755))?;
    let config = built.config(part)?;
    let layers: Vec<(Utf8PathBuf, &str)> = part
        .layers
        .iter()
        .map(|l| built.store.path(&l.digest))
        .zip(config.rootfs.diff_ids.iter().map(String::as_str))
        .collect();
    let env: Vec<(&str, &str)> = config.config.env.iter().filter_map(|pair| pair.split_once('=')).collect();
    unpack(engine, &layers, &env, &root)?;
    complete(&root)?;
    let mut command = engine::inside(engine, &root)?;
    command.args(&config.config.entrypoint).args(&config.config.cmd).current_dir("/").env_clear().envs(env);
    // The loopback address alone: an engine would publish its port there too.
    command.env("HOST", "127.0.0.1");
    let log = camino::Utf8PathBuf::try_from(temp.path().join("log"))?;
    let server = serve::start(command, port, health, &log)
        .with_context(|| format!("{}, started by {engine}", built.name))?;
    Ok(Program::Process(server, temp))
}

/// All layers into `root`. Below the topmost one they are the same from build to build, so root, whose files
/// the program's user can't change, keeps them unpacked and links them.
fn unpack(engine: Engine, layers: &[(Utf8PathBuf, &str)], env: &[(&str, &str)], root: &Path) -> Result<()> {
    let Some(((top, top_id), lower)) = layers.split_last().filter(|_| engine == Engine::Chroot) else {
        std::fs::create_dir(root)?;
        return layers.iter().try_for_each(|(layer, diff_id)| rootfs::apply(root, layer, diff_id));
    };
    let ids: Vec<&str> = lower.iter().map(|(_, id)| *id).collect();
    let key = format!("with bytecode\n{}", ids.join("\n"));
    let kept = child::cache()?.join("roots").join(&spec::digest(key.as_bytes())["sha256:".len()..]);
    let from = kept.join("root");
    tools::made_once(&kept, || {
        std::fs::create_dir_all(&from)?;
        lower.iter().try_for_each(|(layer, diff_id)| rootfs::apply(from.as_std_path(), layer, diff_id))?;
        bytecode(&from, env);
        Ok(())
    })?;
    let sh = child::shell("/")?;
    child::capture(xshell::cmd!(sh, "cp --archive --link {from} {root}"), &[])?;
    rootfs::apply(root, top, top_id)
}

/// Python compiles all that it imports at each start, since an image holds no bytecode and its user may write
/// none; here it is done once, of the layers that stay the same. Nothing depends on it, so it may fail, as it
/// does where there is no Python.
fn bytecode(root: &Utf8PathBuf, env: &[(&str, &str)]) {
    let script =
        "import compileall, sys; [compileall.compile_dir(path, quiet=2) for path in sys.path if path]";
    let mut command = Command::new("chroot");
    command
        .arg(root)
        .args(["python", "-P", "-c", script])
        .current_dir("/")
        .env_clear()
        .envs(env.iter().copied());
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// What engines add to a root file system: names for localhost, a place for temporary files, /dev/null.
fn complete(root: &Path) -> Result<()> {
    for folder in ["etc", "dev", "tmp", "proc"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    std::fs::set_permissions(root.join("tmp"), std::fs::Permissions::from_mode(0o1777))?;
    for (file, text) in
        [("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"), ("etc/resolv.conf", ""), ("dev/null", "")]
    {
        let path = root.join(file);
        if std::fs::symlink_metadata(&path).is_err() {
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        }
    }
    Ok(())
}
