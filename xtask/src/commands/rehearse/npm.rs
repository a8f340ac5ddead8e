//! The npm registry of the rehearsal: verdaccio with one user and without an uplink to npmjs.org. Like
//! npmjs.org it accepts a version only once.

use super::servers::{Server, secret};
use crate::sys::http::{Http, Request};
use crate::sys::tools;
use anyhow::{Context, Result};
use camino::Utf8Path;

const USER: &str = "rehearsal";

pub(crate) struct Npm {
    server: Server,
    /// The user's token, new for each run.
    pub token: String,
}

impl Npm {
    /// `127.0.0.1:PORT`
    pub(crate) fn host(&self) -> &str {
        self.server.host()
    }
    pub(crate) fn url(&self) -> String {
        self.server.url.clone()
    }
}

/// Starts a registry that stores its files below `dir`. A private registry also requires the login for reads.
pub(super) fn start(xtask: &Utf8Path, dir: &Utf8Path, private: bool) -> Result<Npm> {
    let program = tools::tool("verdaccio")?;
    let config = dir.join("config.yaml");
    std::fs::write(&config, configuration(dir, private)).with_context(|| format!("cannot write {config}"))?;
    let words = |port: u16| -> Result<Vec<String>> {
        let address = format!("127.0.0.1:{port}");
        Ok([program.as_str(), "--listen", &address, "--config", config.as_str()].map(str::to_string).to_vec())
    };
    let server = Server::start(xtask, words, "/-/ping", dir)?;
    let token = sign_up(&server.url)?;
    Ok(Npm { server, token })
}

/// The configuration file (see verdaccio's documentation, "Configuration File"). It is written as JSON, which
/// is valid YAML and escapes any path. Without an uplink the registry serves only packages that were
/// published to it.
fn configuration(dir: &Utf8Path, private: bool) -> String {
    let readers = if private { "$authenticated" } else { "$all" };
    serde_json::json!({
        "storage": dir.join("storage").as_str(),
        "auth": { "htpasswd": { "file": dir.join("htpasswd").as_str(), "max_users": 1 } },
        "web": { "enable": false },
        "uplinks": {},
        "packages": {
            "**": { "access": readers, "publish": "$authenticated", "unpublish": "$authenticated" },
        },
        "max_body_size": "100mb",
        "log": { "type": "stdout", "format": "pretty", "level": "warn" },
    })
    .to_string()
}

/// Creates the only user of the registry, as `npm adduser` does. Returns the user's token.
fn sign_up(url: &str) -> Result<String> {
    let name = format!("org.couchdb.user:{USER}");
    let user =
        serde_json::json!({ "_id": name, "name": USER, "password": secret()?, "type": "user", "roles": [] })
            .to_string();
    let request =
        Request::new("PUT", format!("{url}/-/user/{name}")).body("application/json", user.as_bytes());
    let answer = Http::new()?.send(&request)?.success()?;
    let json: serde_json::Value =
        serde_json::from_slice(&answer.bytes()?).context("verdaccio's answer is not JSON")?;
    json["token"].as_str().map(str::to_string).context("verdaccio's answer has no token")
}
