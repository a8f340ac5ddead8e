//! docker and podman by their command line, used to run an image only; and which way of running this machine
//! offers.

use crate::oci::spec::{Descriptor, Index};
use crate::oci::{Built, PlatformImage, USER, spec};
use crate::sys::exit::Exit;
use crate::sys::{child, guard, tools};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xshell::cmd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Docker,
    Podman,
    /// No engine: namespaces of our own, see `sandbox.py`.
    Sandbox,
}

const ALL: [Engine; 3] = [Engine::Docker, Engine::Podman, Engine::Sandbox];

/// Runs a program of an image without any right on this machine.
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

/// The one that XTASK_ENGINE names, or the first that can run a program here. None: nothing can.
pub fn choose() -> Result<Option<Engine>> {
    if let Some(name) = std::env::var("XTASK_ENGINE").ok().filter(|n| !n.is_empty()) {
        let known = ALL.iter().copied().find(|e| e.to_string() == name);
        return known.map(Some).ok_or_else(|| {
            Exit::Usage(format!("XTASK_ENGINE={name}: there are docker, podman and sandbox")).into()
        });
    }
    Ok(ALL.into_iter().find(|engine| match engine {
        Engine::Docker => answers("docker", &["version", "--format", "{{.Server.Os}}"]),
        Engine::Podman => answers("podman", &["info"]),
        Engine::Sandbox => isolates(),
    }))
}

/// Can this machine isolate a program without an engine? Tried on its own root file system.
pub fn isolates() -> bool {
    let Ok(mut command) = inside(Path::new("/"), 0) else { return false };
    command.arg("/bin/true").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn answers(program: &str, args: &[&str]) -> bool {
    let Ok(env) = child::env() else { return false };
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(env).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The start of a command that runs a program in the root file system `root`, isolated; `port` is passed on to it.
pub fn inside(root: &Path, port: u16) -> Result<Command> {
    let (uid, gid) = USER.split_once(':').unwrap_or((USER, USER));
    let mut command = Command::new(tools::python()?);
    command.args(["-I", "-S", "-c", SANDBOX]).arg(root).arg(port.to_string()).args([uid, gid]);
    Ok(command)
}

/// A container; dropped, it and its image are removed. So they are when we are killed.
pub struct Container {
    engine: Engine,
    /// Of container and image: `xtask-probe-…`.
    name: String,
    guard: Child,
}

impl Container {
    /// Loads one platform's image and publishes its port on this machine's loopback address.
    pub fn start(engine: Engine, built: &Built, part: &PlatformImage, port: u16) -> Result<Container> {
        let temp = tempfile::Builder::new().prefix("xtask-probe-").rand_bytes(10).tempdir()?;
        let name = temp.path().file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let folder = Utf8Path::from_path(temp.path()).context("TMPDIR is not UTF-8")?;
        let archive = folder.join("image.tar");
        let image = format!("localhost/{name}:probe");
        // The shell needs the environment that finds the engine: it inherits ours.
        let remove = r#""$0" rm --force --volumes "$1"; "$0" rmi --force "$2""#;
        let guard = guard::when_gone(remove, &[&engine.to_string(), &name, &image])?;
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
        .with_context(|| format!("{engine} can't run it; XTASK_ENGINE=sandbox runs it without an engine"))?;
        Ok(container)
    }

    fn run(&self, args: &[&str]) -> Result<String> {
        let program = self.engine.to_string();
        let sh = child::shell("/")?;
        child::capture(cmd!(sh, "{program} {args...}"), &[])
    }

    /// An error with its last words when it has ended.
    pub fn alive(&self) -> Result<()> {
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
        // Both streams, wherever the engine prints them.
        let Ok(env) = child::env() else { return String::new() };
        let mut command = Command::new(self.engine.to_string());
        let output = command.args(["logs", &self.name]).env_clear().envs(env).stdin(Stdio::null()).output();
        let text = output
            .map(|o| format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr)));
        child::last_lines(&text.unwrap_or_default(), 30)
    }

    /// SIGTERM; how long it took. One that has to be killed is an error.
    pub fn stop(self) -> Result<Duration> {
        let started = Instant::now();
        self.run(&["stop", "--time", "10", &self.name])?;
        let took = started.elapsed();
        // 128 + SIGKILL
        if self.run(&["inspect", "--format", "{{.State.ExitCode}}", &self.name])?.trim() == "137" {
            bail!("the program ignored SIGTERM for 10 s:\n{}", self.log());
        }
        Ok(took)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // The end of its input is its signal; then it is waited for, so that the name is free when we are
        // done.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// One tar that is both a docker-archive (docker before 25 reads `manifest.json`) and an OCI layout
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
        bail!("{archive} can't be written");
    }
    Ok(())
}
