//! Starts an image's program: with docker or podman if one is available, otherwise in a sandbox on the
//! unpacked root file system.

use super::engine::{self, Container, Engine};
use crate::checks::probe;
use crate::oci::spec::{self, Platform};
use crate::oci::{Built, PlatformImage, USER, rootfs, store};
use crate::sys::serve::Server;
use crate::sys::{child, serve, tools};
use anyhow::{Context, Result};
use camino::Utf8PathBuf;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running image. It is killed and removed when this is dropped.
pub(crate) struct Running {
    pub base_url: String,
    pub engine: Engine,
    program: Program,
}

enum Program {
    /// With the folder of its root file system, which is removed afterwards.
    Process(Server, tempfile::TempDir),
    Container(Container),
}

pub(crate) enum Started {
    Running(Running),
    /// The image is not built for this machine's platform.
    OtherPlatform,
    /// This machine cannot run the image in isolation, with the reason.
    NoEngine(String),
}

/// Starts the image of this machine's platform and waits until `health` answers 200.
pub(crate) fn start(built: &Built, health: &str) -> Result<Started> {
    let Some(part) = of_this_machine(built) else { return Ok(Started::OtherPlatform) };
    match engine::choose()? {
        Some(engine) => start_by(engine, built, part, health).map(Started::Running),
        None => {
            let why = engine::trial().err().map_or("it works now".to_string(), |error| error.to_string());
            Ok(Started::NoEngine(format!(
                "neither docker nor podman answers, and no sandbox can be made here ({why})"
            )))
        }
    }
}

pub(crate) fn of_this_machine(built: &Built) -> Option<&PlatformImage> {
    let here = Platform::here();
    built.platforms.iter().find(|p| here.matches(&p.platform))
}

/// Starts one platform of an image with this engine, and waits until `health` answers 200.
pub(crate) fn start_by(engine: Engine, built: &Built, part: &PlatformImage, health: &str) -> Result<Running> {
    let port = child::free_port()?;
    let base_url = format!("http://127.0.0.1:{port}");
    let program = match engine {
        Engine::Docker | Engine::Podman => {
            let container = Container::start(engine, built, part, port)?;
            probe::ready(&format!("{base_url}{health}"), PATIENCE, || container.alive())?;
            Program::Container(container)
        }
        Engine::Sandbox => start_process(built, part, port, health)?,
    };
    Ok(Running { base_url, engine, program })
}

impl Running {
    /// Stops the program with SIGTERM, and returns how long that took. An error if it had to be killed.
    pub(crate) fn stop(self) -> Result<Duration> {
        match self.program {
            Program::Process(server, _root) => server.stop(),
            Program::Container(container) => container.stop(),
        }
    }
}

fn start_process(built: &Built, part: &PlatformImage, port: u16, health: &str) -> Result<Program> {
    let folder = child::cache()?.join("run");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create the folder {folder}"))?;
    store::sweep(&folder);
    let temp = tempfile::Builder::new().prefix(&store::scratch_prefix()).tempdir_in(&folder)?;
    let root = temp.path().join("root");
    // By default only the owner can enter a temporary folder, but the program runs as another user.
    std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o755))?;
    let config = built.config(part)?;
    let layers: Vec<(Utf8PathBuf, &str)> = part
        .layers
        .iter()
        .map(|l| built.store.path(&l.digest))
        .zip(config.rootfs.diff_ids.iter().map(String::as_str))
        .collect();
    let env: Vec<(&str, &str)> = config.config.env.iter().filter_map(|pair| pair.split_once('=')).collect();
    let writable = unpack(&layers, &env, &root)?;
    complete(&root)?;
    let mut command = engine::inside(&root, &writable, port)?;
    command.args(&config.config.entrypoint).args(&config.config.cmd).current_dir("/").env_clear().envs(env);
    // Only the loopback address, where an engine would publish the port too.
    command.env("HOST", "127.0.0.1");
    let log = camino::Utf8PathBuf::try_from(temp.path().join("log"))?;
    let server = serve::start(command, port, health, &log)
        .with_context(|| format!("cannot start {} in a sandbox", built.name))?;
    Ok(Program::Process(server, temp))
}

/// Unpacks all layers into `root`, and returns the folders in it that the program may write. All layers but
/// the topmost are the same from build to build: they are kept unpacked in the cache and hard-linked.
fn unpack(layers: &[(Utf8PathBuf, &str)], env: &[(&str, &str)], root: &Path) -> Result<Vec<String>> {
    let Some(((top, top_id), lower)) = layers.split_last() else {
        std::fs::create_dir(root)?;
        return Ok(Vec::new());
    };
    // A user cannot link root's files.
    let user = rustix::process::geteuid().as_raw();
    let ids: Vec<&str> = lower.iter().map(|(_, id)| *id).collect();
    let key = format!("with bytecode and without shared writable files, of user {user}\n{}", ids.join("\n"));
    let kept = child::cache()?.join("roots").join(&spec::digest(key.as_bytes())["sha256:".len()..]);
    let from = kept.join("root");
    tools::create_once(&kept, || {
        std::fs::create_dir_all(&from)?;
        lower.iter().try_for_each(|(layer, diff_id)| rootfs::apply(from.as_std_path(), layer, diff_id))?;
        complete(from.as_std_path())?;
        // Bytecode only saves time, so an error is ignored: an image without Python always gives one.
        let _ = bytecode(from.as_std_path(), env);
        Ok(())
    })?;
    let sh = child::shell("/")?;
    child::capture(xshell::cmd!(sh, "cp --archive --link {from} {root}"), &[])?;
    rootfs::apply(root, top, top_id)?;
    let mut writable = Vec::new();
    own_writable(root, Path::new(""), &mut writable)?;
    Ok(writable)
}
/// Finds the folders below `root` that the image's user may write, and replaces them by copies: their files
/// must not be those of the cache. In the three that are left out, a sandbox has nothing of the image.
fn own_writable(root: &Path, below: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if !entry.file_type()?.is_dir() || ["proc", "dev", "tmp"].iter().any(|own| name == Path::new(own)) {
            continue;
        }
        if entry.metadata()?.mode() & 0o002 == 0 {
            own_writable(root, &name, found)?;
        } else if let Some(text) = name.to_str().filter(|text| !text.contains(char::is_control)) {
            // Not in the image, where a link may have the name.
            let (folder, copy) = (root.join(&name), root.with_file_name("copy"));
            let sh = child::shell("/")?;
            child::capture(xshell::cmd!(sh, "cp --archive {folder} {copy}"), &[])?;
            std::fs::remove_dir_all(&folder)?;
            std::fs::rename(copy, folder)?;
            found.push(text.to_string());
        }
    }
    Ok(())
}

/// The folder below the image's root in which a sandbox writes the bytecode.
const BYTECODE: &str = "xtask-bytecode";

/// Compiles the Python modules of the unpacked layers once, in a sandbox, and moves the bytecode to where
/// Python looks for it. Otherwise Python compiles every imported module at each start: an image has no
/// bytecode, and its user may not write any.
fn bytecode(root: &Path, env: &[(&str, &str)]) -> Result<()> {
    let script =
        "import compileall, sys; [compileall.compile_dir(path, quiet=2) for path in sys.path if path]";
    let folder = root.join(BYTECODE);
    std::fs::create_dir(&folder)?;
    if is_root() {
        let (uid, gid) = USER.split_once(':').unwrap_or((USER, USER));
        std::os::unix::fs::chown(&folder, Some(uid.parse()?), Some(gid.parse()?))?;
    }
    let mut command = engine::inside(root, &[BYTECODE.to_string()], 0)?;
    command.args(["python", "-P", "-c", script]).current_dir("/").env_clear().envs(env.iter().copied());
    command.env("PYTHONPYCACHEPREFIX", format!("/{BYTECODE}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let moved = move_bytecode(root, &folder, Path::new(""));
    std::fs::remove_dir_all(&folder)?;
    moved
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Moves `usr/lib/x.cpython-311.pyc` below `folder` to `usr/lib/__pycache__` below `root`. Links are not
/// moved.
fn move_bytecode(root: &Path, folder: &Path, below: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            move_bytecode(root, folder, &name)?;
        } else if kind.is_file() {
            let target = below.join("__pycache__").join(entry.file_name());
            if let Some(target) = rootfs::place(root, &target)? {
                if is_root() {
                    std::os::unix::fs::chown(entry.path(), Some(0), Some(0))?;
                }
                std::fs::rename(entry.path(), target)?;
            }
        }
    }
    Ok(())
}

/// Adds to a root file system what an engine adds: mount points, /etc/hosts and /etc/resolv.conf. Links in
/// the image are never followed: a name that is a link is not changed.
fn complete(root: &Path) -> Result<()> {
    for folder in ["etc", "dev", "tmp", "proc"] {
        if let Err(error) = std::fs::create_dir(root.join(folder))
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(error).with_context(|| format!("cannot create /{folder} in the image"));
        }
    }
    let etc_is_a_folder = std::fs::symlink_metadata(root.join("etc")).is_ok_and(|meta| meta.is_dir());
    for (file, text) in [("hosts", "127.0.0.1 localhost\n::1 localhost\n"), ("resolv.conf", "")]
        .iter()
        .filter(|_| etc_is_a_folder)
    {
        // create_new (O_EXCL) follows no link.
        match File::create_new(root.join("etc").join(file)) {
            Ok(mut out) => {
                out.write_all(text.as_bytes())?;
                out.set_permissions(std::fs::Permissions::from_mode(0o644))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create /etc/{file} in the image"));
            }
        }
    }
    Ok(())
}
