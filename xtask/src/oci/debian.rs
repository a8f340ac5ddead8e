//! Downloads Debian packages into the user's cache folder. apt-get uses a private state there, so nothing is
//! installed on the system and root is not needed. Packages are only unpacked; their scripts never run.

use crate::oci::rootfs;
use crate::sys::exit::with_next;
use crate::sys::{child, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs;
use xshell::cmd;

const RELEASE: &str = "bookworm";
/// The Python version of that release.
pub(crate) const PYTHON: &str = "3.11";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Increased when the stand-in base is built in another way, so that a cached one is not reused.
const BASE_LAYOUT: u32 = 2;

/// The path of docker-registry, a container registry: the one on PATH, or Debian's in the cache folder.
pub(crate) fn docker_registry() -> Result<Utf8PathBuf> {
    if let Ok(found) = which::which("docker-registry") {
        return Utf8PathBuf::try_from(found).context("docker-registry has a path that is not UTF-8");
    }
    let folder = child::cache()?.join("debian/docker-registry");
    tools::create_once(&folder, || {
        let apt = Apt::new(machine()?, &folder.join("apt"))?;
        // Dependencies are not needed: they are libraries that every Debian has, and tools for its system
        // service.
        apt.download(&["docker-registry"], false)?;
        for package in apt.packages()? {
            let sh = child::shell("/")?;
            child::capture(cmd!(sh, "dpkg-deb -x {package} {folder}"), &[])?;
        }
        apt.remove()
    })
    .map_err(|error| {
        let next = "on Debian and Ubuntu: apt-get install docker-registry";
        with_next(error.context("cannot download docker-registry"), next)
    })?;
    Ok(folder.join("usr/bin/docker-registry"))
}

/// A root file system that replaces a base image if no registry can be reached.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Base {
    /// debian:bookworm-slim
    Slim,
    /// python:3.11-slim-bookworm
    Python,
}

impl Base {
    fn name(self) -> &'static str {
        match self {
            Base::Slim => "slim",
            Base::Python => "python",
        }
    }

    fn packages(self) -> Vec<&'static str> {
        let slim = ["ca-certificates", "base-files", "bash", "dash", "coreutils"];
        match self {
            Base::Slim => slim.to_vec(),
            Base::Python => [&["python3-minimal", "libpython3-stdlib"], &slim[..]].concat(),
        }
    }
}

/// Builds a stand-in base for `amd64` or `arm64`, without running any program of it. Returns its folder.
pub(crate) fn base(base: Base, architecture: &str) -> Result<Utf8PathBuf> {
    let folder = child::cache()?.join(format!("debian/{}-base-{BASE_LAYOUT}-{architecture}", base.name()));
    let root = folder.join("root");
    tools::create_once(&folder, || {
        let apt = Apt::new(architecture, &folder.join("apt"))?;
        apt.download(&base.packages(), true)?;
        fs::create_dir_all(&root)?;
        merged_usr(&root)?;
        for package in apt.packages()? {
            unpack(&package, &root).with_context(|| format!("cannot unpack {package}"))?;
        }
        trim(&root)?;
        finish(base, &root)?;
        apt.remove()
    })
    .with_context(|| format!("cannot build the stand-in base image for {architecture}"))?;
    Ok(root)
}

fn machine() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => bail!("the processor {other} is not supported; only amd64 and arm64 are"),
    }
}

/// apt-get with private sources, lists, status and cache.
struct Apt {
    folder: Utf8PathBuf,
    config: Utf8PathBuf,
}

impl Apt {
    fn new(architecture: &str, folder: &Utf8Path) -> Result<Apt> {
        for program in ["apt-get", "apt-config", "dpkg-deb"] {
            if which::which(program).is_err() {
                bail!("{program} is not on PATH: this needs Debian, Ubuntu or another system with apt");
            }
        }
        if !Utf8Path::new(KEYRING).exists() {
            bail!(
                "{KEYRING} is missing, which is needed to verify Debian's packages; \
                 run: apt-get install debian-archive-keyring"
            );
        }
        for part in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(folder.join("status"), "")?;
        fs::write(
            folder.join("sources.list"),
            format!("deb [signed-by={KEYRING}] http://deb.debian.org/debian {RELEASE} main\n"),
        )?;
        let config = folder.join("apt.conf");
        fs::write(&config, settings(folder, architecture) + &proxies()?)?;
        Ok(Apt { folder: folder.to_path_buf(), config })
    }

    /// Downloads packages into the private cache, with or without their dependencies.
    fn download(&self, packages: &[&str], dependencies: bool) -> Result<()> {
        self.run(&["update"])?;
        match dependencies {
            true => self.run(
                &[&["install", "--download-only", "--no-install-recommends", "--yes"], packages].concat(),
            ),
            false => self.run(&[&["download"], packages].concat()),
        }
    }

    fn run(&self, args: &[&str]) -> Result<()> {
        let archives = self.folder.join("cache/archives");
        let sh = child::shell(&archives)?;
        child::capture(
            cmd!(sh, "apt-get --quiet {args...}"),
            &[("APT_CONFIG", self.config.as_str()), ("DEBIAN_FRONTEND", "noninteractive")],
        )
        .map(drop)
    }

    /// The downloaded files, sorted.
    fn packages(&self) -> Result<Vec<Utf8PathBuf>> {
        let mut found = Vec::new();
        for entry in self.folder.join("cache/archives").read_dir_utf8()? {
            let path = entry?.into_path();
            if path.extension() == Some("deb") {
                found.push(path);
            }
        }
        if found.is_empty() {
            bail!("apt-get downloaded nothing");
        }
        found.sort();
        Ok(found)
    }

    fn remove(&self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }
}

/// The proxies in the system's apt configuration. Nothing else of it is used.
fn proxies() -> Result<String> {
    let sh = child::shell("/")?;
    let dump = child::capture(cmd!(sh, "apt-config dump"), &[])?;
    let kept = dump.lines().filter(|line| line.starts_with("Acquire::http") && line.contains("Proxy"));
    Ok(kept.map(|line| format!("{line}\n")).collect())
}

/// The rest of apt's configuration. The system's configuration is not read, because its hooks
/// (`APT::Update::Post-Invoke`) would change the system.
fn settings(folder: &Utf8Path, architecture: &str) -> String {
    let mut text = String::new();
    for (key, value) in [
        ("Dir::Etc::parts", "/dev/null".to_string()),
        ("Dir::Etc::main", "/dev/null".to_string()),
        ("Dir::Etc::sourcelist", format!("{folder}/sources.list")),
        ("Dir::Etc::sourceparts", "/dev/null".to_string()),
        ("Dir::Etc::preferencesparts", "/dev/null".to_string()),
        ("Dir::State", format!("{folder}/state")),
        ("Dir::State::lists", format!("{folder}/state/lists")),
        ("Dir::State::status", format!("{folder}/status")),
        ("Dir::Cache", format!("{folder}/cache")),
        ("APT::Architecture", architecture.to_string()),
        ("APT::Sandbox::User", "".to_string()),
        ("Acquire::Languages", "none".to_string()),
        ("Acquire::Retries", "3".to_string()),
    ] {
        text += &format!("{key} \"{value}\";\n");
    }
    text + &format!("#clear APT::Architectures;\nAPT::Architectures:: \"{architecture}\";\n")
}

/// Creates `/bin`, `/sbin`, `/lib` and `/lib64` as links into /usr, as on every Debian since 12.
fn merged_usr(root: &Utf8Path) -> Result<()> {
    for name in ["bin", "sbin", "lib", "lib64"] {
        fs::create_dir_all(root.join("usr").join(name))?;
        std::os::unix::fs::symlink(format!("usr/{name}"), root.join(name))?;
    }
    Ok(())
}

/// Unpacks a package's files, following the links of merged /usr.
fn unpack(package: &Utf8Path, root: &Utf8Path) -> Result<()> {
    let mut command = std::process::Command::new("dpkg-deb");
    command.args(["--fsys-tarfile", package.as_str()]).env_clear().envs(child::env()?);
    let mut child =
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).spawn()?;
    let tar = child.stdout.take().context("dpkg-deb has no output")?;
    let unpacked = rootfs::unpack(root.as_std_path(), tar, rootfs::FolderOverLink::Follows);
    let status = child.wait()?;
    unpacked?;
    if !status.success() {
        bail!("dpkg-deb: {status}");
    }
    Ok(())
}

/// Removes files that a container does not need.
fn trim(root: &Utf8Path) -> Result<()> {
    for folder in [
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "usr/share/info",
        "usr/share/lintian",
        "usr/share/perl5",
        "usr/share/bug",
        "var/cache",
    ] {
        let path = root.join(folder);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Creates the files and links that the packages' own scripts would create.
fn finish(base: Base, root: &Utf8Path) -> Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    for folder in ["etc", "tmp", "root", "proc", "sys", "dev", "run", "var/tmp", "home"] {
        fs::create_dir_all(root.join(folder))?;
    }
    for folder in ["tmp", "var/tmp"] {
        fs::set_permissions(root.join(folder), fs::Permissions::from_mode(0o1777))?;
    }
    for (file, text) in [
        (
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        ),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
        ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ] {
        fs::write(root.join(file), text)?;
    }
    certificates(root)?;
    let mut links = vec![("usr/bin/sh", "dash")];
    if base == Base::Python {
        links.extend([("usr/bin/python3", "python3.11"), ("usr/bin/python", "python3")]);
    }
    for (link, target) in links {
        if fs::symlink_metadata(root.join(link)).is_err() {
            symlink(target, root.join(link))?;
        }
    }
    Ok(())
}

/// Writes the bundle that `update-ca-certificates` would write: all certificates, one after the other.
fn certificates(root: &Utf8Path) -> Result<()> {
    let mut files: Vec<Utf8PathBuf> = Vec::new();
    for entry in root.join("usr/share/ca-certificates/mozilla").read_dir_utf8()? {
        files.push(entry?.into_path());
    }
    files.sort();
    let mut bundle = Vec::new();
    for file in files {
        bundle.extend(fs::read(file)?);
    }
    fs::create_dir_all(root.join("etc/ssl/certs"))?;
    Ok(fs::write(root.join("etc/ssl/certs/ca-certificates.crt"), bundle)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_uses_no_folder_of_the_system() {
        for line in settings(Utf8Path::new("/cache/a b"), "arm64").lines().filter(|l| l.starts_with("Dir::"))
        {
            let value = line.split('"').nth(1).unwrap();
            assert!(value == "/dev/null" || value.starts_with("/cache/a b/"), "{line}");
        }
    }
}
