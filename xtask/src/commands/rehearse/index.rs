//! A Python index of the rehearsal: pypiserver with a password, no way out to PyPI, and a file name taken
//! once, as on the real one.

use super::servers::{Server, secret};
use crate::sys::{child, tools};
use anyhow::{Context, Result};
use camino::Utf8Path;
use xshell::cmd;

pub struct Index {
    server: Server,
    /// The password of `__token__`, new for each run.
    pub token: String,
}

impl Index {
    /// `127.0.0.1:PORT`
    pub fn host(&self) -> &str {
        self.server.host()
    }
    pub fn simple(&self) -> String {
        format!("{}/simple", self.server.url)
    }
    pub fn upload(&self) -> String {
        format!("{}/", self.server.url)
    }
}

/// Starts an index that keeps its files below `dir`; a private one asks for the login at reads too.
pub fn start(xtask: &Utf8Path, dir: &Utf8Path, private: bool) -> Result<Index> {
    let program = tools::tool("pypiserver")?;
    let packages = dir.join("packages");
    std::fs::create_dir_all(&packages).with_context(|| format!("{packages} can't be made"))?;
    let token = secret()?;
    let passwords = dir.join("htpasswd");
    std::fs::write(&passwords, htpasswd(&token)?)?;
    let words = |port: u16| -> Result<Vec<String>> {
        let port = port.to_string();
        let words = [
            program.as_str(),
            "run",
            "--interface",
            "127.0.0.1",
            "--port",
            &port,
            "--passwords",
            passwords.as_str(),
            "--authenticate",
            if private { "update,download,list" } else { "update" },
            "--disable-fallback",
            "--hash-algo",
            "sha256",
            "--backend",
            "simple-dir",
            packages.as_str(),
        ];
        Ok(words.map(str::to_string).to_vec())
    };
    let server = Server::start(xtask, words, "/health", dir)?;
    Ok(Index { server, token })
}

/// Apache's htpasswd line with an {SHA} hash: enough for a random password that lives as long as its server.
fn htpasswd(token: &str) -> Result<String> {
    let script = "import base64, hashlib, os; print('__token__:{SHA}' + base64.b64encode(hashlib.sha1(os.environ['TOKEN'].encode()).digest()).decode())";
    let python = tools::python()?;
    let sh = child::shell("/")?;
    child::capture(cmd!(sh, "{python} -I -c {script}"), &[("TOKEN", token)])
}
