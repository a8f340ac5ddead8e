//! The container registry of the rehearsal: docker's `registry` program from Debian's package, configured to
//! allow deletes and to require no password.

use super::servers::Server;
use crate::model::workspace::App;
use crate::oci::reference::Reference;
use crate::oci::spec::Platform;
use crate::oci::{debian, seed};
use anyhow::{Context, Result};
use camino::Utf8Path;

pub(crate) struct Registry {
    server: Server,
}

impl Registry {
    /// `127.0.0.1:PORT`
    pub(crate) fn host(&self) -> &str {
        self.server.host()
    }
}

/// Starts a registry that stores its blobs below `dir`, and uploads the base image of each app.
pub(super) fn start(xtask: &Utf8Path, dir: &Utf8Path, apps: &[&App]) -> Result<Registry> {
    let program = debian::docker_registry()?;
    let data = dir.join("data");
    std::fs::create_dir_all(&data).with_context(|| format!("cannot create the folder {data}"))?;
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

/// The configuration file (distribution's docs/content/about/configuration.md). It is written as JSON, which
/// is valid YAML and escapes any path.
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
