//! An image's program started as its users will start it: by docker or podman where one answers, else in the unpacked root file system.

use super::engine::{self, Container, Engine};
use super::oci::Platform;
use super::{Built, PlatformImage, USER, rootfs};
use crate::{child, probe};
use anyhow::{Context, Result, bail};
use camino::Utf8PathBuf;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const READY: Duration = Duration::from_secs(60);
/// Engines wait ten seconds between SIGTERM and SIGKILL.
const STOP: Duration = Duration::from_secs(10);

/// A started image; dropped, it is killed.
pub struct Running {
    pub base_url: String,
    /// `chroot`, `docker`, …
    pub engine: Engine,
    program: Program,
}

enum Program {
    Process(Process),
    Container(Container),
}

/// A process group in an unpacked root file system.
struct Process {
    child: Child,
    /// Kills the group when we are gone, however that came about.
    guard: Child,
    log: Utf8PathBuf,
    _root: tempfile::TempDir,
}

/// Starts the image of this machine's platform and waits until it answers. None, with the reason, where the image has no such platform.
pub fn start(built: &Built) -> Result<Result<Running, String>> {
    let here = Platform::here();
    let Some(part) = built.platforms.iter().find(|p| here.matches(&p.platform)) else {
        return Ok(Err(format!("not run: this machine is {here}")));
    };
    let engine = engine::choose()?;
    let port = child::free_port()?;
    let program = match engine {
        Engine::Docker | Engine::Podman => Program::Container(Container::start(engine, built, part, port)?),
        Engine::Chroot | Engine::Unshare => Program::Process(Process::start(engine, built, part, port)?),
    };
    let mut running = Running { base_url: format!("http://127.0.0.1:{port}"), engine, program };
    let url = running.base_url.clone();
    probe::ready(&url, READY, || running.alive()).with_context(|| format!("{}, started by {engine}:\n{}", built.name, running.log()))?;
    Ok(Ok(running))
}

impl Running {
    fn alive(&mut self) -> Result<()> {
        let ended = match &mut self.program {
            Program::Process(process) => process.child.try_wait()?.map(|status| status.to_string()),
            Program::Container(container) => container.ended()?,
        };
        match ended {
            Some(how) => bail!("the program ended: {how}"),
            None => Ok(()),
        }
    }

    /// The last lines that the program wrote.
    pub fn log(&self) -> String {
        let text = match &self.program {
            Program::Process(process) => std::fs::read(&process.log).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default(),
            Program::Container(container) => container.log(),
        };
        child::last_lines(&text, 30)
    }

    /// SIGTERM: how long the program took to end; an error when it had to be killed.
    pub fn stop(mut self) -> Result<Duration> {
        let started = Instant::now();
        let stopped = match &mut self.program {
            Program::Process(process) => process.terminate()?,
            Program::Container(container) => container.stop(STOP)?,
        };
        if !stopped {
            bail!("the program does not stop on SIGTERM: still there after {} s\n{}", STOP.as_secs(), self.log());
        }
        Ok(started.elapsed())
    }
}

impl Process {
    fn start(engine: Engine, built: &Built, part: &PlatformImage, port: u16) -> Result<Process> {
        let folder = child::cache()?.join("run");
        std::fs::create_dir_all(&folder)?;
        let temp = tempfile::Builder::new().prefix("image-").tempdir_in(&folder)?;
        let root = temp.path().join("root");
        std::fs::create_dir(&root)?;
        let config = built.config(part)?;
        for (layer, diff_id) in part.layers.iter().zip(&config.rootfs.diff_ids) {
            rootfs::apply(&root, &built.store.path(&layer.digest), diff_id)?;
        }
        complete(&root)?;
        let log = Utf8PathBuf::try_from(temp.path().join("log"))?;
        let output = File::create(&log)?;
        let mut command = Command::new(engine::program(engine)?);
        match engine {
            Engine::Chroot => command.arg(format!("--userspec={USER}")).arg(&root),
            _ => command.args(["--user", "--map-current-user", "--root"]).arg(&root).arg("--"),
        };
        let env = config.config.env.iter().filter_map(|pair| pair.split_once('='));
        command.args(&config.config.entrypoint).args(&config.config.cmd).env_clear().envs(env);
        // The loopback address alone: an engine would publish one port there.
        command.env("PORT", port.to_string()).env("HOST", "127.0.0.1");
        command.current_dir("/").process_group(0).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("{engine} could not be started"))?;
        let guard = guard(child.id())?;
        Ok(Process { child, guard, log, _root: temp })
    }

    /// True when it ended in time.
    fn terminate(&mut self) -> Result<bool> {
        signal(&self.child, rustix::process::Signal::TERM);
        let started = Instant::now();
        while started.elapsed() < STOP {
            if self.child.try_wait()?.is_some() {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(false)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group may outlive its leader, so it is killed even when that has ended; its number can't be anybody else's while a member lives.
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(child.id() as i32) {
        // It may have ended already.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// A shell that reads from us until we are gone, then kills the group. In a group of its own, so that it outlives what it guards.
fn guard(group: u32) -> Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", "cat; kill -KILL -- \"-$0\"", &group.to_string()])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("/bin/sh could not be started")
}

/// What engines add to a root file system: names for localhost, a place for temporary files, /dev/null.
fn complete(root: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for folder in ["etc", "dev", "tmp", "proc"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    std::fs::set_permissions(root.join("tmp"), std::fs::Permissions::from_mode(0o1777))?;
    for (file, text) in [("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"), ("etc/resolv.conf", ""), ("dev/null", "")] {
        let path = root.join(file);
        if !path.exists() {
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        }
    }
    Ok(())
}
