//! A Python index of the rehearsal: pypiserver with a password and without a fallback to PyPI. Like PyPI it
//! accepts a file name only once.

use super::servers::{Server, secret};
use crate::sys::{child, tools};
use anyhow::{Context, Result};
use camino::Utf8Path;
use xshell::cmd;

pub(crate) struct Index {
    server: Server,
    /// The password of the user `__token__`, new for each run.
    pub token: String,
}

impl Index {
    /// `127.0.0.1:PORT`
    pub(crate) fn host(&self) -> &str {
        self.server.host()
    }
    pub(crate) fn simple(&self) -> String {
        format!("{}/simple", self.server.url)
    }
    pub(crate) fn upload(&self) -> String {
        format!("{}/", self.server.url)
    }
}

/// Starts an index that stores its files below `dir`. A private index also requires the login for reads.
pub(super) fn start(xtask: &Utf8Path, dir: &Utf8Path, private: bool) -> Result<Index> {
    let program = tools::tool("pypiserver")?;
    let packages = dir.join("packages");
    std::fs::create_dir_all(&packages).with_context(|| format!("cannot create the folder {packages}"))?;
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

/// A line of Apache's htpasswd format with an {SHA} hash. SHA-1 is good enough for a random password that is
/// valid only while its server runs.
fn htpasswd(token: &str) -> Result<String> {
    let script = "import base64, hashlib, os\n\
                  digest = hashlib.sha1(os.environ['TOKEN'].encode()).digest()\n\
                  print('__token__:{SHA}' + base64.b64encode(digest).decode())";
    let python = tools::python()?;
    let sh = child::shell("/")?;
    child::capture(cmd!(sh, "{python} -I -c {script}"), &[("TOKEN", token)])
}
