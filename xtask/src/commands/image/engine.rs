//! Finds a way to run an image on this machine (docker, podman or a sandbox), and runs it with docker or
//! podman by their command lines.

use crate::oci::spec::{Descriptor, Index};
use crate::oci::{Built, PlatformImage, USER, spec};
use crate::sys::exit::{Exit, with_next};
use crate::sys::{child, kill_on_exit, tools};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xshell::cmd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Docker,
    Podman,
    /// No engine: xtask's own namespaces, see `sandbox.py`.
    Sandbox,
}

const ALL: [Engine; 3] = [Engine::Docker, Engine::Podman, Engine::Sandbox];

/// A Python script that runs a program of an image without any rights on this machine.
const SANDBOX: &str = include_str!("sandbox.py");

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Docker => "docker",
            Engine::Podman => "podman",
            Engine::Sandbox => "sandbox",
        })
    }
}

/// The engine that XTASK_ENGINE names, or the first one that works on this machine. None if none works.
pub(crate) fn choose() -> Result<Option<Engine>> {
    if let Some(name) = std::env::var("XTASK_ENGINE").ok().filter(|n| !n.is_empty()) {
        let known = ALL.iter().copied().find(|e| e.to_string() == name);
        return known.map(Some).ok_or_else(|| {
            Exit::Usage(format!("XTASK_ENGINE={name} must be docker, podman or sandbox")).into()
        });
    }
    Ok(ALL.into_iter().find(|engine| match engine {
        Engine::Docker => answers("docker", &["version", "--format", "{{.Server.Os}}"]),
        Engine::Podman => answers("podman", &["info"]),
        Engine::Sandbox => isolates(),
    }))
}

/// True if this machine can isolate a program without an engine.
pub(crate) fn isolates() -> bool {
    trial().is_ok()
}

/// Runs /bin/true in a sandbox on the machine's own root file system. The error says what is not possible.
pub(crate) fn trial() -> Result<()> {
    let mut command = inside(Path::new("/"), &[], 0)?;
    command.arg("/bin/true").env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.output().context("python3 could not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}", said.trim_end().lines().next_back().unwrap_or("no reason was given"));
    }
    Ok(())
}

fn answers(program: &str, args: &[&str]) -> bool {
    let Ok(env) = child::env() else { return false };
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(env).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A command that runs a program isolated in the root file system `root`, of which it can write only the
/// folders `writable`; the caller appends the program and its arguments. Connections to `port` of the
/// loopback address are forwarded to the program; 0 forwards none.
pub(crate) fn inside(root: &Path, writable: &[String], port: u16) -> Result<Command> {
    let (uid, gid) = USER.split_once(':').unwrap_or((USER, USER));
    let mut command = Command::new(tools::python()?);
    command.args(["-I", "-S", "-c", SANDBOX]).arg(root).arg(writable.join("\n"));
    command.arg(port.to_string()).args([uid, gid]);
    Ok(command)
}

/// A container. It and its image are removed when this is dropped, and also when this process is killed.
pub(crate) struct Container {
    engine: Engine,
    /// The name of the container and of its image: `xtask-probe-…`.
    name: String,
    guard: Child,
}

impl Container {
    /// Loads one platform's image and publishes its port on this machine's loopback address.
    pub(crate) fn start(engine: Engine, built: &Built, part: &PlatformImage, port: u16) -> Result<Container> {
        let temp = tempfile::Builder::new().prefix("xtask-probe-").rand_bytes(10).tempdir()?;
        let name = temp.path().file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let folder = Utf8Path::from_path(temp.path()).context("TMPDIR is not UTF-8")?;
        let archive = folder.join("image.tar");
        let image = format!("localhost/{name}:probe");
        // The shell inherits our environment, which it needs to find the engine.
        let remove = r#""$0" rm --force --volumes "$1"; "$0" rmi --force "$2""#;
        let guard = kill_on_exit::when_gone(remove, &[&engine.to_string(), &name, &image])?;
        let container = Container { engine, name, guard };
        write_archive(built, part, &image, &archive)?;
        let inside = built
            .config(part)?
            .config
            .exposed_ports
            .keys()
            .next()
            .and_then(|p| p.split('/').next()?.parse::<u16>().ok());
        let inside = inside.with_context(|| format!("{} exposes no port", built.name))?;
        let (program, name) = (engine.to_string(), &container.name);
        let sh = child::shell("/")?;
        child::capture(cmd!(sh, "{program} load --quiet --input {archive}"), &[])?;
        let publish = format!("127.0.0.1:{port}:{inside}");
        child::capture(
            cmd!(sh, "{program} run --detach --pull never --name {name} --publish {publish} {image}"),
            &[],
        )
        .map_err(|error| {
            let next = "XTASK_ENGINE=sandbox runs it without an engine";
            with_next(error.context(format!("{engine} cannot run the image")), next)
        })?;
        Ok(container)
    }

    fn run(&self, args: &[&str]) -> Result<String> {
        let program = self.engine.to_string();
        let sh = child::shell("/")?;
        child::capture(cmd!(sh, "{program} {args...}"), &[])
    }

    /// An error with the program's last lines of output if the container has ended.
    pub(crate) fn alive(&self) -> Result<()> {
        let state = self.run(&[
            "inspect",
            "--format",
            "{{.State.Status}}, exit code {{.State.ExitCode}}",
            &self.name,
        ])?;
        if state.starts_with("exited") || state.starts_with("dead") {
            bail!("the container ended: {}\n{}", state.trim(), self.log());
        }
        Ok(())
    }

    /// The last lines that the program wrote.
    fn log(&self) -> String {
        // Read both streams: engines differ in which one they print the program's output to.
        let Ok(env) = child::env() else { return String::new() };
        let mut command = Command::new(self.engine.to_string());
        let output = command.args(["logs", &self.name]).env_clear().envs(env).stdin(Stdio::null()).output();
        let text = output
            .map(|o| format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr)));
        child::last_lines(&text.unwrap_or_default(), 30)
    }

    /// Stops the program with SIGTERM, and returns how long that took. An error if it had to be killed.
    pub(crate) fn stop(self) -> Result<Duration> {
        let started = Instant::now();
        self.run(&["stop", "--time", "10", &self.name])?;
        let took = started.elapsed();
        // 137 = 128 + 9 (SIGKILL)
        if self.run(&["inspect", "--format", "{{.State.ExitCode}}", &self.name])?.trim() == "137" {
            bail!("the program ignored SIGTERM for 10 s:\n{}", self.log());
        }
        Ok(took)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // The guard removes container and image when its stdin closes. Wait for it, so that the name is free
        // afterwards.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Writes a tar file that is both a docker-archive (docker before 25 reads `manifest.json`) and an OCI layout
/// (`index.json`).
fn write_archive(built: &Built, part: &PlatformImage, name: &str, archive: &Utf8Path) -> Result<()> {
    let path_of = |digest: &str| format!("blobs/{}", digest.replace(':', "/"));
    let layers: Vec<String> = part.layers.iter().map(|l| path_of(&l.digest)).collect();
    let docker =
        serde_json::json!([{ "Config": path_of(&part.config.digest), "RepoTags": [name], "Layers": layers }]);
    let annotations = BTreeMap::from([
        ("io.containerd.image.name".to_string(), name.to_string()),
        ("org.opencontainers.image.ref.name".to_string(), name.to_string()),
    ]);
    let index = Index::new(
        vec![Descriptor { annotations, platform: Some(part.platform.clone()), ..part.manifest.clone() }],
        BTreeMap::new(),
    );
    let mut tar = tar::Builder::new(std::io::BufWriter::new(std::fs::File::create(archive)?));
    let mut text = |name: &str, bytes: &[u8]| -> std::io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes)
    };
    text("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    text("index.json", &spec::to_bytes(&index))?;
    text("manifest.json", &spec::to_bytes(&docker))?;
    for blob in part.layers.iter().chain([&part.config, &part.manifest]) {
        tar.append_path_with_name(built.store.path(&blob.digest), path_of(&blob.digest))?;
    }
    use std::io::Write;
    if tar.into_inner()?.flush().is_err() {
        bail!("cannot write {archive}");
    }
    Ok(())
}
