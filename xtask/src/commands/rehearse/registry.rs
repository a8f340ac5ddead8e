//! The container registry of the rehearsal: docker's own `registry` program as Debian packs it, with a
//! configuration that deletes and asks for no password.

use super::servers::Server;
use crate::model::workspace::App;
use crate::oci::reference::Reference;
use crate::oci::spec::Platform;
use crate::oci::{debian, seed};
use anyhow::{Context, Result};
use camino::Utf8Path;

pub struct Registry {
    server: Server,
}

impl Registry {
    /// `127.0.0.1:PORT`
    pub fn host(&self) -> &str {
        self.server.host()
    }
}

/// Starts a registry that keeps its blobs below `dir`, with the base image of each app in it.
pub fn start(xtask: &Utf8Path, dir: &Utf8Path, apps: &[&App]) -> Result<Registry> {
    let program = debian::docker_registry()?;
    let data = dir.join("data");
    std::fs::create_dir_all(&data).with_context(|| format!("{data} can't be made"))?;
    let file = dir.join("config.yml");
    let argv = |port: u16| -> Result<Vec<String>> {
        std::fs::write(&file, configuration(&data, port))?;
        Ok([program.as_str(), "serve", file.as_str()].map(str::to_string).to_vec())
    };
    let registry = Registry { server: Server::start(xtask, argv, "/v2/", dir)? };
    for app in apps {
        let Some(settings) = &app.settings.image else { continue };
        let platforms = settings.platforms.iter().map(|p| Platform::parse(p)).collect::<Result<Vec<_>>>()?;
        seed::seed_base(registry.host(), &Reference::parse(&settings.base)?, &platforms)?;
    }
    Ok(registry)
}

/// See distribution's docs/content/about/configuration.md. JSON is YAML, and needs no thought about what a
/// path contains.
fn configuration(data: &Utf8Path, port: u16) -> String {
    serde_json::json!({
        "version": 0.1,
        "log": { "level": "warn", "accesslog": { "disabled": true } },
        "storage": {
            "filesystem": { "rootdirectory": data.as_str() },
            "delete": { "enabled": true },
            "maintenance": { "uploadpurging": { "enabled": false } },
        },
        "http": { "addr": format!("127.0.0.1:{port}") },
    })
    .to_string()
}
