//! A server of the rehearsal: it listens on a free port of this machine, runs under a supervisor, and logs to
//! a file.

use crate::sys::supervise::Supervised;
use crate::sys::{child, supervise};
use anyhow::Result;
use camino::Utf8Path;
use std::io::Read;
use std::time::Duration;

/// How long to wait for a server. A machine under full load takes long to start Python.
const READY: Duration = Duration::from_secs(60);
/// How many ports to try: another program may take a free port before the server does.
const PORTS: usize = 3;

pub(super) struct Server {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    _process: Supervised,
}

impl Server {
    /// Starts the command that `argv` returns for a port, and waits until `path` answers.
    pub(super) fn start(
        xtask: &Utf8Path,
        argv: impl Fn(u16) -> Result<Vec<String>>,
        path: &str,
        dir: &Utf8Path,
    ) -> Result<Server> {
        let env = environment()?;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = child::free_port()?;
            let url = format!("http://127.0.0.1:{port}");
            let mut process = supervise::start(
                xtask,
                &supervise::Start { argv: &argv(port)?, dir, env: &env, log: &dir.join("log"), stdout: None },
            )?;
            match process.wait_ready(&format!("{url}{path}"), READY) {
                Ok(()) => return Ok(Server { url, _process: process }),
                Err(e) if tries == PORTS || supervise::interrupted() => return Err(e),
                Err(_) => {}
            }
        }
    }
    /// `127.0.0.1:PORT`
    pub(super) fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

/// A password or token for one run: 32 random hex digits.
pub(super) fn secret() -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(crate::sys::hash::hex(bytes))
}

/// The clean environment of a child process, without variables that are not UTF-8.
pub(super) fn environment() -> Result<Vec<(String, String)>> {
    Ok(child::env()?
        .into_iter()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect())
}
